"""The records of DynamoDB Streams in the format that clients receive.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.store.streams import Item, Record, Stream

# Sequence numbers have at least 21 digits.
_FIRST = 10**20
_OWN = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
_VIEWS = {
    "KEYS_ONLY": (), "NEW_IMAGE": ("NewImage",), "OLD_IMAGE": ("OldImage",),
    "NEW_AND_OLD_IMAGES": ("NewImage", "OldImage"),
}  # fmt: skip


def sequence(number: int) -> str:
    """Return a record's sequence number."""
    return str(_FIRST + number)


def number_of(text: str) -> int:
    """Return the number of the record with the given sequence number.

    Raises:
        ValueError: The string is not a sequence number.
    """
    return int(text) - _FIRST


def shown(record: Record, stream: Stream, region: str) -> dict[str, Any]:
    """Return a record with the images that the stream's view includes."""
    item = record.after or record.before or {}
    images: Mapping[str, Item | None] = {
        "Keys": {key["AttributeName"]: item[key["AttributeName"]] for key in stream.about["KeySchema"]},
        "NewImage": record.after,
        "OldImage": record.before,
    }
    view = stream.about["StreamViewType"]
    seen = {name: image for name in ("Keys", *_VIEWS[view]) if (image := images[name]) is not None}
    found = {
        "eventID": hashlib.md5(f"{stream.arn} {record.number}".encode(), usedforsecurity=False).hexdigest(),
        "eventName": "INSERT" if record.before is None else "REMOVE" if record.after is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": {
            "ApproximateCreationDateTime": datetime.fromtimestamp(int(record.at), UTC),
            **{name: {key: _decoded(value) for key, value in image.items()} for name, image in seen.items()},
            "SequenceNumber": sequence(record.number),
            "SizeBytes": sum(map(size, seen.values())),
            "StreamViewType": view,
        },
    }
    return {**found, "userIdentity": _OWN} if record.by_service else found


def size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the size of an item in bytes, as counted by DynamoDB."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    ((tag, content),) = value.items()
    match tag:
        case "S":
            return len(content.encode())
        case "N":
            return _digits(content)
        case "B":
            return _bytes(content)
        case "SS" | "NS" | "BS":
            return sum(_size({tag[0]: member}) for member in content)
        case "L":
            return 3 + sum(1 + _size(member) for member in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size(member) for name, member in content.items())
        case _:
            return 1


def _digits(number: str) -> int:
    """Return the size of a number: one byte per two significant digits, an extra byte, and a byte for a minus sign."""
    digits = number.lstrip("-+").partition("e")[0].partition("E")[0].replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + number.startswith("-")


def _bytes(content: str) -> int:
    return len(content) * 3 // 4 - content[-2:].count("=")


def _decoded(value: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a stored value to the form used in service responses, with bytes for binary values."""
    ((tag, content),) = value.items()
    match tag:
        case "B":
            return {tag: base64.b64decode(content)}
        case "BS":
            return {tag: [base64.b64decode(each) for each in content]}
        case "L":
            return {tag: [_decoded(each) for each in content]}
        case "M":
            return {tag: {name: _decoded(each) for name, each in content.items()}}
        case _:
            return {tag: content}
