"""Validation, normalization, size calculation and comparison of DynamoDB JSON values.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from local_lakehouse.protocol.faults import Fault

Value = Mapping[str, Any]
Item = Mapping[str, Value]

TYPES = frozenset({"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"})
SETS = frozenset({"SS", "NS", "BS"})
ORDERED = frozenset({"S", "N", "B"})

LARGEST_ITEM = 400 * 1024
# An item has 32 levels, including its attributes.
_DEEPEST = 31
_LONGEST_NAME = 65_535
_DIGITS = 38
_LARGEST_EXPONENT, _SMALLEST_EXPONENT = 125, -130
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
# Nearly all numbers are already in normal form and match this pattern.
_NORMAL = re.compile(r"0|-?(?:[1-9][0-9]{0,17}(?:\.[0-9]{0,17}[1-9])?|0\.[0-9]{0,17}[1-9])")
# Every DynamoDB number, and every sum of two numbers, has fewer digits than this precision.
EXACT = Context(prec=600)
_INVALID = "One or more parameter values were invalid: "


class Unfit(Fault):
    """A ``ValidationException`` about an item or a table, which can cancel a transaction."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


def invalid(message: str) -> Fault:
    """Return a ``ValidationException`` about a request."""
    return Fault("ValidationException", message)


def accept_item(item: Any) -> tuple[dict[str, dict[str, Any]], int]:
    """Check an item, and return its normal form and its size in bytes as counted by DynamoDB.

    Raises:
        Fault: ``ValidationException`` or ``SerializationException``.
    """
    if not isinstance(item, dict):
        raise _unexpected(item)
    accepted: dict[str, dict[str, Any]] = {}
    size = 0
    for name, value in item.items():
        if not name:
            raise invalid(f"{_INVALID}Empty attribute name")
        accepted[name], length = accept(value, 0)
        size += length + (len(name) if name.isascii() else len(name.encode()))
    if size > _LONGEST_NAME:
        for name in item:
            require_name(name)
    return accepted, size


def require_name(name: str) -> None:
    """Reject an attribute name that is empty or too long.

    Raises:
        Fault: ``ValidationException``.
    """
    if not name:
        raise invalid(f"{_INVALID}Empty attribute name")
    if len(name.encode()) > _LONGEST_NAME:
        raise invalid(f"{_INVALID}Attribute name is too large, must be less than {_LONGEST_NAME + 1} bytes")


def accept(value: Any, depth: int = 0) -> tuple[dict[str, Any], int]:
    """Check an attribute value, and return its normal form and its size in bytes.

    Args:
        value: The candidate value in DynamoDB JSON.
        depth: The number of surrounding lists and maps.

    Raises:
        Fault: ``ValidationException`` or ``SerializationException``.
    """
    if not isinstance(value, dict):
        raise _unexpected(value)
    if len(value) != 1:
        value = {tag: held for tag, held in value.items() if tag in TYPES and held is not None}
        if len(value) > 1:
            raise invalid(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
                "datatypes"
            )
    for tag, held in value.items():
        if tag == "S":
            if not isinstance(held, str):
                raise _mistyped(held, "String")
            return value, len(held) if held.isascii() else len(held.encode())
        if tag == "N":
            return _accepted_number(value, held)
        if tag in _ACCEPT and held is not None:
            return _ACCEPT[tag](held, depth)
    raise invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def normal_number(text: Any) -> str:
    """Return a number in DynamoDB's format, without an exponent or insignificant zeros.

    Raises:
        Fault: The value is not a number, has more than 38 digits, or is out of range (``ValidationException``).
    """
    if not isinstance(text, str):
        raise _mistyped(text, "String")
    if _NORMAL.fullmatch(text):
        return text
    if not text:
        raise invalid("The parameter cannot be converted to a numeric value")
    if not _NUMBER.fullmatch(text):
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise _out_of_range(small=False) from error
    return number_text(number)


def number_text(number: Decimal) -> str:
    """Return the normal form of a number.

    Raises:
        Fault: The number has more than 38 digits, or is out of range (``ValidationException``).
    """
    _, digits, exponent = number.as_tuple()
    significant = "".join(map(str, digits)).strip("0")
    if not significant:
        return "0"
    if not isinstance(exponent, int) or number.adjusted() > _LARGEST_EXPONENT:
        raise _out_of_range(small=False)
    if number.adjusted() < _SMALLEST_EXPONENT:
        raise _out_of_range(small=True)
    if len(significant) > _DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    return format(number.normalize(EXACT), "f")


def size_of(value: Value) -> int:
    """Return the size of a stored value in bytes."""
    ((tag, held),) = value.items()
    if tag == "S":
        return len(held.encode())
    if tag == "N":
        return _number_size(held)
    if tag == "B":
        return _binary_size(held)
    if tag == "M":
        return 3 + sum(len(name.encode()) + size_of(member) + 1 for name, member in held.items())
    if tag == "L":
        return 3 + sum(size_of(member) + 1 for member in held)
    if tag in SETS:
        return sum(size_of({tag[0]: member}) for member in held)
    return 1


def item_size(item: Item) -> int:
    """Return the size of a stored item in bytes."""
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())


def text_of(item: Any) -> str:
    """Return an item in its stored format."""
    return _ENCODER.encode(item)


def tag_of(value: Value) -> str:
    """Return a value's type."""
    return next(iter(value))


def equal(left: Value, right: Value) -> bool:
    """Return whether two values are equal, with numbers compared by value and sets regardless of order."""
    if left == right:
        return True
    ((tag, value),), ((other_tag, other),) = left.items(), right.items()
    if tag != other_tag:
        return False
    if tag == "N":
        return Decimal(value) == Decimal(other)
    if tag == "B":
        return decoded(value) == decoded(other)
    if tag in SETS:
        return members(left) == members(right)
    if tag == "M":
        return value.keys() == other.keys() and all(equal(member, other[name]) for name, member in value.items())
    if tag == "L":
        return len(value) == len(other) and all(map(equal, value, other))
    return False


def members(value: Value) -> set[Any]:
    """Return the members of a set as Python values, which are equal if DynamoDB treats the members as equal."""
    ((tag, held),) = value.items()
    return {ordered({tag[0]: member}) for member in held}


def ordered(value: Value) -> Any:
    """Return a Python value that has the same sort order as a string, number or binary value in DynamoDB."""
    ((tag, held),) = value.items()
    if tag == "N":
        return Decimal(held)
    return decoded(held) if tag == "B" else held.encode()


def decoded(held: str) -> bytes:
    """Return the bytes of a binary value."""
    return base64.b64decode(held)


def shown(value: Value) -> str:
    """Format a value the way DynamoDB's error messages do."""
    ((tag, held),) = value.items()
    return f"AttributeValue: {{{tag}:{held if isinstance(held, str) else text_of(held)}}}"


def _accepted_number(value: dict[str, Any], held: Any) -> tuple[dict[str, Any], int]:
    if isinstance(held, str) and _NORMAL.fullmatch(held):
        return value, _number_size(held)
    text = normal_number(held)
    return {"N": text}, _number_size(text)


def _number_size(text: str) -> int:
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def _binary_size(held: str) -> int:
    return len(held) // 4 * 3 - held.count("=")


def _accepted_binary(held: Any, _: int) -> tuple[dict[str, Any], int]:
    text = _normal_binary(held)
    return {"B": text}, _binary_size(text)


def _normal_binary(held: Any) -> str:
    if not isinstance(held, str):
        raise _mistyped(held, "Blob")
    try:
        return base64.b64encode(base64.b64decode(held, validate=True)).decode()
    except (binascii.Error, ValueError) as error:
        raise Fault("SerializationException", "A binary value is not valid base64.") from error


def _accepted_boolean(held: Any, _: int) -> tuple[dict[str, Any], int]:
    if not isinstance(held, bool):
        raise _mistyped(held, "Boolean")
    return {"BOOL": held}, 1


def _accepted_null(held: Any, _: int) -> tuple[dict[str, Any], int]:
    if not isinstance(held, bool):
        raise _mistyped(held, "Boolean")
    if not held:
        raise invalid(f"{_INVALID}Null attribute value types must have the value of true")
    return {"NULL": True}, 1


def _accepted_map(held: Any, depth: int) -> tuple[dict[str, Any], int]:
    if not isinstance(held, dict):
        raise _unexpected(held)
    if depth >= _DEEPEST:
        raise _too_deep()
    accepted: dict[str, Any] = {}
    size = 3
    for name, member in held.items():
        if not name:
            raise invalid(f"{_INVALID}Empty attribute name")
        accepted[name], length = accept(member, depth + 1)
        size += length + len(name.encode()) + 1
    if size > _LONGEST_NAME:
        for name in held:
            require_name(name)
    return {"M": accepted}, size


def _accepted_list(held: Any, depth: int) -> tuple[dict[str, Any], int]:
    if not isinstance(held, list):
        raise _unexpected(held)
    if depth >= _DEEPEST:
        raise _too_deep()
    found = [accept(member, depth + 1) for member in held]
    return {"L": [member for member, _ in found]}, 3 + sum(length + 1 for _, length in found)


def _accepted_texts(held: Any, _: int) -> tuple[dict[str, Any], int]:
    if not isinstance(held, list):
        raise _unexpected(held)
    if not held:
        raise invalid(f"{_INVALID}An string set  may not be empty")
    for member in held:
        if not isinstance(member, str):
            raise _mistyped(member, "String")
    if len(set(held)) < len(held):
        raise invalid(f"{_INVALID}Input collection [{', '.join(held)}] contains duplicates.")
    return {"SS": held}, sum(len(member.encode()) for member in held)


def _accepted_numbers(held: Any, _: int) -> tuple[dict[str, Any], int]:
    if not isinstance(held, list):
        raise _unexpected(held)
    if not held:
        raise invalid(f"{_INVALID}An number set  may not be empty")
    normal = [normal_number(member) for member in held]
    if len(set(normal)) < len(normal):
        raise invalid("Input collection contains duplicates")
    return {"NS": normal}, sum(map(_number_size, normal))


def _accepted_binaries(held: Any, _: int) -> tuple[dict[str, Any], int]:
    if not isinstance(held, list):
        raise _unexpected(held)
    if not held:
        raise invalid(f"{_INVALID}Binary sets should not be empty")
    normal = [_normal_binary(member) for member in held]
    if len(set(normal)) < len(normal):
        raise invalid(f"{_INVALID}Input collection [{', '.join(normal)}]of type BS contains duplicates.")
    return {"BS": normal}, sum(map(_binary_size, normal))


_ACCEPT = {
    "B": _accepted_binary,
    "BOOL": _accepted_boolean,
    "NULL": _accepted_null,
    "M": _accepted_map,
    "L": _accepted_list,
    "SS": _accepted_texts,
    "NS": _accepted_numbers,
    "BS": _accepted_binaries,
}


def _too_deep() -> Fault:
    return invalid(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported "
        "limit"
    )


def _out_of_range(*, small: bool) -> Fault:
    kind, than = ("underflow", "smaller") if small else ("overflow", "larger")
    return invalid(f"Number {kind}. Attempting to store a number with magnitude {than} than supported range")


_JSON_NAMES = {str: "STRING_VALUE", bool: "TRUE_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}


def _mistyped(found: Any, wanted: str) -> Fault:
    if isinstance(found, dict | list):
        return _unexpected(found)
    name = "FALSE_VALUE" if found is False else _JSON_NAMES.get(type(found), "NULL_VALUE")
    return Fault("SerializationException", f"{name} cannot be converted to {wanted}")


def _unexpected(found: Any) -> Fault:
    if isinstance(found, dict):
        return Fault("SerializationException", "Start of structure or map found where not expected.")
    if isinstance(found, list):
        return Fault("SerializationException", "Start of list found where not expected")
    return Fault("SerializationException", "Unexpected value type in payload")
