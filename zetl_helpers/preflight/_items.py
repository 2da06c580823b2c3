"""Readers for the item formats that DynamoDB tools write."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zetl_helpers._errors import UserError

Item = Mapping[str, Mapping[str, Any]]

TAGS = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"})
_SETS = ("SS", "NS", "BS")


class UnreadableItemsError(UserError):
    """A file does not contain items in DynamoDB JSON. The message says where the problem is and what is expected."""


def read(path: Path) -> list[Item]:
    """Return the items in a file, or in the folder of an export to Amazon S3.

    Args:
        path: A file, or a folder with the data files of a full export. A file contains one item per line, a JSON array
            of items, the output of ``aws dynamodb scan``, or the ``RequestItems`` of a ``BatchWriteItem`` request. A
            file can be compressed with gzip.

    Raises:
        UnreadableItemsError: The file is missing or contains data that is not an item in DynamoDB JSON.

    See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
    """
    if not path.exists():
        raise UnreadableItemsError(f"There is no file or folder {path}.")
    files = _data_files(path) if path.is_dir() else [path]
    return [item for file in files for item in _read_file(file)]


def _data_files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("data/*.json.gz")) or sorted([*folder.glob("*.json.gz"), *folder.glob("*.json")])
    data = [path for path in found if not path.name.startswith("manifest-")]
    if not data:
        raise UnreadableItemsError(
            f"The folder {folder} contains no data files. Specify the folder of an export, which contains "
            "data/*.json.gz, or a file with one item per line."
        )
    return data


def _read_file(path: Path) -> Iterator[Item]:
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UnreadableItemsError(f"{path} cannot be read: {error}") from error
    for where, document in _documents(path, text):
        yield from _items_of(document, where)


def _documents(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    if whole is not None:
        yield str(path), whole
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield f"{path}, line {number}", json.loads(line)
            except ValueError as error:
                raise UnreadableItemsError(f"{path}, line {number} is not JSON: {error}") from error


def _items_of(document: Any, where: str) -> Iterator[Item]:
    """Find the items in a document that a DynamoDB tool wrote."""
    if isinstance(document, list):
        for number, entry in enumerate(document, start=1):
            yield from _items_of(entry, f"{where}, entry {number}")
    elif isinstance(document, dict) and set(document) & {"Keys", "NewImage", "OldImage"} and "Metadata" in document:
        raise UnreadableItemsError(
            f"{where} is from an incremental export. Use a full export, which contains every item."
        )
    elif isinstance(document, dict) and isinstance(document.get("Items"), list):
        yield from _items_of(document["Items"], where)
    elif isinstance(document, dict) and _is_item(document.get("Item")):
        yield document["Item"]
    elif isinstance(document, dict) and set(document) == {"PutRequest"}:
        yield from _items_of(document["PutRequest"], where)
    elif isinstance(document, dict) and document and all(isinstance(each, list) for each in document.values()):
        for requests in document.values():
            yield from _items_of(requests, where)
    elif _is_item(document):
        yield document
    else:
        raise UnreadableItemsError(
            f"{where} is not an item in DynamoDB JSON. An item looks like "
            '{"CustomerID": {"S": "CUST0001"}, "CreditLimit": {"N": "5000"}}.'
        )


def _is_item(document: Any) -> bool:
    return isinstance(document, dict) and bool(document) and all(_is_value(each) for each in document.values())


def _is_value(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((tag, content),) = value.items()
    match tag:
        case "S" | "N" | "B":
            return isinstance(content, str)
        case "BOOL" | "NULL":
            return isinstance(content, bool)
        case "M":
            return isinstance(content, dict) and all(map(_is_value, content.values()))
        case "L":
            return isinstance(content, list) and all(map(_is_value, content))
        case _:
            return tag in _SETS and isinstance(content, list) and all(isinstance(each, str) for each in content)


def plain_json(items: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Return items from boto3's low-level client with binary values in base64, as the API returns them."""
    return [{name: _plain(value) for name, value in item.items()} for item in items]


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    import base64

    ((tag, content),) = value.items()
    match tag:
        case "B":
            return {tag: base64.b64encode(content).decode()}
        case "BS":
            return {tag: [base64.b64encode(each).decode() for each in content]}
        case "M":
            return {tag: {name: _plain(each) for name, each in content.items()}}
        case "L":
            return {tag: [_plain(each) for each in content]}
        case _:
            return {tag: content}


def size_of(item: Item) -> int:
    """Return an item's size in bytes, as DynamoDB measures it.

    See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((tag, content),) = value.items()
    match tag:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "B":
            return int(len(content) * 3 // 4 - content[-2:].count("="))
        case "BOOL" | "NULL":
            return 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(each) for name, each in content.items())
        case "L":
            return 3 + sum(1 + _value_size(each) for each in content)
        case _:
            return sum(_value_size({tag[0]: each}) for each in content)


def _number_size(text: str) -> int:
    digits = text.lower().partition("e")[0].lstrip("+-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")
