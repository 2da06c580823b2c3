"""Conversion of DynamoDB values to strings, for list elements and for attributes whose values have several types.

AWS documents that list elements become strings, but does not document the format of these strings. The following format
is our choice. Strings are unchanged, numbers are plain decimals, booleans are ``true`` and ``false``, and binary values
are base64. Maps, lists and sets are compact JSON with sorted keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_CANONICAL_NUMBER = r"^(?:0|-?(?:[1-9][0-9]*|0\.[0-9]*[1-9]|[1-9][0-9]*\.[0-9]*[1-9]))$"


def as_text(tagged: pa.StructArray) -> pa.StringArray:
    """Format each value of a tagged array (see `typed`) as a string, and DynamoDB's NULL as null.

    Args:
        tagged: A struct array with one field per type tag.
    """
    parts = [
        _WRITERS[field.name](pc.struct_field(tagged, [position]))
        for position, field in enumerate(tagged.type)
        if field.name != "NULL"
    ]
    return pc.coalesce(*parts) if parts else pa.nulls(len(tagged), pa.string())


def plain_number(number: str) -> str:
    """Format a DynamoDB number in plain decimal notation, without an exponent or trailing zeros."""
    text = format(Decimal(number), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _numbers(values: pa.StringArray) -> pa.StringArray:
    odd = pc.invert(pc.match_substring_regex(values, _CANONICAL_NUMBER))
    replacements = [plain_number(number) for number in values.filter(odd).to_pylist() if number is not None]
    return pc.replace_with_mask(values, pc.fill_null(odd, False), pa.array(replacements, pa.string()))


def _booleans(values: pa.BooleanArray) -> pa.StringArray:
    return pc.if_else(values, "true", "false")


def _json_texts(tag: str) -> Callable[[pa.Array], pa.StringArray]:
    def write(values: pa.Array) -> pa.StringArray:
        return pa.array([None if v is None else _json_of(tag, v) for v in values.to_pylist()], pa.string())

    return write


_WRITERS: dict[str, Callable[[Any], pa.StringArray]] = {
    "S": lambda values: values,
    "B": lambda values: values,
    "N": _numbers,
    "BOOL": _booleans,
    **{tag: _json_texts(tag) for tag in ("M", "L", "SS", "NS", "BS")},
}


def _json_of(tag: str, value: Any) -> str:
    match tag:
        case "S" | "B":
            return json.dumps(value, ensure_ascii=False)
        case "N":
            return plain_number(value)
        case "BOOL":
            return "true" if value else "false"
        case "NULL":
            return "null"
        case "SS" | "BS" | "NS":
            return f"[{','.join(_json_of(tag[0], element) for element in value)}]"
        case "L":
            return f"[{','.join(_json_of_tagged(element) for element in value)}]"
        case _:
            members = sorted((name, member) for name, member in value.items() if member is not None)
            return f"{{{','.join(f'{json.dumps(n, ensure_ascii=False)}:{_json_of_tagged(m)}' for n, m in members)}}}"


def _json_of_tagged(tagged: Mapping[str, Any]) -> str:
    # Each value has exactly one of the array's tags.
    return next(_json_of(tag, value) for tag, value in tagged.items() if value is not None)
