"""The keys of DynamoDB items, encoded as bytes that have DynamoDB's sort order.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Item = Mapping[str, Mapping[str, Any]]

# The maximum lengths of the values of partition keys and sort keys in bytes.
LONGEST_HASH, LONGEST_RANGE = 2048, 1024
# Partitions are ordered by a hash of this many bytes.
HASH_BYTES = 8
_SPACE = 1 << (8 * HASH_BYTES)
_END = b"\x00\x00"
_ZERO = b"\x80"
_BIAS = 0x4000
_COMPLEMENT = bytes(255 - byte for byte in range(256))


def encode(tag: str, value: str | bytes) -> bytes:
    """Return a key attribute's value as bytes that are not a prefix of any other value's bytes.

    Args:
        tag: The type of the attribute, which is ``S``, ``N`` or ``B``.
        value: The value in DynamoDB JSON, or bytes for a binary value.

    Raises:
        ValueError: The value is not of the given type.
    """
    if tag == "S":
        content = value.encode() if isinstance(value, str) else value
    elif tag == "N":
        return _number(value if isinstance(value, str) else value.decode())
    elif tag == "B":
        content = base64.b64decode(value) if isinstance(value, str) else value
    else:
        raise ValueError(f"{tag} cannot be the type of a key attribute")
    return (content.replace(b"\x00", b"\x00\xff") if b"\x00" in content else content) + _END


def length(tag: str, value: str) -> int:
    """Return the length of a string or binary value in bytes."""
    return len(base64.b64decode(value) if tag == "B" else value.encode())


def beginning(tag: str, value: str | bytes) -> bytes:
    """Return the common byte prefix of all strings or binary values that start with the given value."""
    return encode(tag, value).removesuffix(_END)


def partition(hash_key: bytes) -> bytes:
    """Return the prefix of a partition's keys, which consists of a hash and the partition key."""
    return hashlib.md5(hash_key, usedforsecurity=False).digest()[:HASH_BYTES] + hash_key


def key_of(item: Item, hash_names: Sequence[str], range_names: Sequence[str]) -> bytes | None:
    """Return the key of an item in a table or index, or None if the item lacks a key attribute."""
    # This function runs for every item in large operations, so it avoids generators and `join`.
    try:
        hashed = ranged = b""
        for name in hash_names:
            ((tag, value),) = item[name].items()
            hashed += encode(tag, value)
        for name in range_names:
            ((tag, value),) = item[name].items()
            ranged += encode(tag, value)
    except (KeyError, ValueError):
        return None
    return partition(hashed) + ranged


def after(prefix: bytes) -> bytes:
    """Return the smallest bytes that sort after all bytes with a prefix."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else b"\xff" * 2_100


def before(key: bytes) -> bytes:
    """Return bytes that sort before all bytes with the prefix `key` and after every smaller key."""
    # Strings, binary values and positive numbers end in a zero byte. The number zero and negative numbers do not end in
    # a zero byte, and no number has four consecutive bytes of 0xff.
    return key[:-1] + (bytes([key[-1] - 1]) + b"\xff" * 4 if key[-1] else b"")


def segment(number: int, total: int) -> tuple[bytes, bytes]:
    """Return the start of a parallel scan's segment, and the start of the next segment."""
    first, last = _SPACE * number // total, _SPACE * (number + 1) // total
    return first.to_bytes(HASH_BYTES, "big"), b"\xff" * 2_100 if last == _SPACE else last.to_bytes(HASH_BYTES, "big")


def _number(text: str) -> bytes:
    if text.isascii() and text.isdigit() and len(text) < _BIAS:
        # Most numbers in keys are non-negative integers, whose digits are known without a `Decimal`.
        whole = text.lstrip("0")
        return _positive(len(whole) + _BIAS, whole) if whole else _ZERO
    try:
        sign, digits, exponent = Decimal(text).as_tuple()
    except ArithmeticError as error:
        raise ValueError(f"{text!r} is not a number") from error
    if not isinstance(exponent, int):
        raise ValueError(f"{text!r} is not a number")
    significant = "".join(map(str, digits)).lstrip("0")
    if not significant:
        return _ZERO
    magnitude = len(significant) + exponent + _BIAS
    if not 0 <= magnitude < 2 * _BIAS:
        raise ValueError(f"{text!r} is out of range")
    encoded = _positive(magnitude, significant)
    return b"\x7f" + encoded[1:].translate(_COMPLEMENT) if sign else encoded


def _positive(magnitude: int, significant: str) -> bytes:
    return b"\x81" + magnitude.to_bytes(2, "big") + significant.rstrip("0").encode() + b"\x00"
