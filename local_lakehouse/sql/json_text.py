"""JSON text as Athena writes it: Java's number format, no white space, and sorted keys where Athena sorts them."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import numpy as np

# Java writes the hexadecimal digits of control characters in uppercase.
_CONTROL = re.compile(r"(?<!\\)((?:\\\\)*\\u00)([01][0-9a-f])")


class _Number(str):
    """The text of a number with a decimal point or an exponent, in Java's format for doubles."""

    __slots__ = ()


def _float(text: str) -> Any:
    return json_double(float(text))


def json_double(value: float) -> Any:
    """Return a double as a number in Java's format."""
    return _Number(java_double(value))


def parse_json(text: str) -> Any:
    """Parse JSON. Numbers with a decimal point or an exponent become text in Java's format.

    Raises:
        ValueError: The text is not JSON.
    """
    return json.loads(text, parse_float=_float, parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is not JSON", name, 0)


def write_json(value: Any, *, ordered: bool = False) -> str:
    """Format a parsed JSON value without white space.

    Args:
        value: The value.
        ordered: Whether object members are sorted by key, as in the result of ``json_parse``.
    """
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        entries = sorted(value.items()) if ordered else value.items()
        members = (f"{json_string(key)}:{write_json(item, ordered=ordered)}" for key, item in entries)
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(write_json(item, ordered=ordered) for item in value) + "]"
    if isinstance(value, str):
        return json_string(value)
    return json.dumps(value)


def json_string(text: str) -> str:
    """Format a string as a JSON string."""
    return _CONTROL.sub(lambda match: match.group(1) + match.group(2).upper(), json.dumps(text, ensure_ascii=False))


def canonical_json(text: str) -> str:
    """Return a JSON text in canonical form, without white space and with sorted keys.

    Raises:
        ValueError: The text is not JSON.
    """
    return write_json(parse_json(text), ordered=True)


def is_number_text(value: Any) -> bool:
    """Return whether a parsed value is a number with a decimal point or an exponent."""
    return isinstance(value, _Number)


def java_double(value: float, *, single: bool = False) -> str:
    """Format a `double` or a `real` as Java's ``Double.toString`` or ``Float.toString`` does."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    digits = np.format_float_scientific(np.float32(value), unique=True, trim="0") if single else _shortest(value)
    mantissa, _, exponent = digits.partition("e")
    return _java(mantissa, int(exponent))


def _shortest(value: float) -> str:
    text = repr(value)
    if "e" in text:
        return text
    sign = "-" if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits.strip("0"):
        return f"{sign}0e0"
    exponent = len(whole.lstrip("0")) - 1 if whole.strip("0") else -(len(fraction) - len(fraction.lstrip("0")) + 1)
    digits = digits.rstrip("0") or "0"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}e{exponent}"


def _java(mantissa: str, exponent: int) -> str:
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).rstrip("0") or "0"
    if digits == "0":
        return f"{sign}0.0"
    if -3 <= exponent < 7:
        if exponent < 0:
            return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
        padded = digits.ljust(exponent + 2, "0")
        return f"{sign}{padded[: exponent + 1]}.{padded[exponent + 1 :]}"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"
