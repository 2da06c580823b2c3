"""The function ``format``, with Java's format specifiers such as ``%s``, ``%.2f`` and ``%,d``.

https://docs.oracle.com/javase/8/docs/api/java/util/Formatter.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from local_lakehouse.sql.json_text import java_double
from local_lakehouse.sql.moment_text import parse_time, parse_timestamp
from local_lakehouse.sql.runtime.udf import AthenaError
from local_lakehouse.sql.zones import offset_minutes, to_instant

_SPECIFIER = re.compile(r"%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([tT][a-zA-Z]|[a-zA-Z%])")
_MOMENT = re.compile(r"(?:(\S+) )?(\d\d:\d\d):(\d\d)\.(\d{9})(?: (.+))?")
_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_NUMBERS = (*_INTEGERS, "decimal", "double", "real")


def java_format(template: str, kinds: list[str], values: list[str | None]) -> str:
    """Return a format string with its specifiers replaced by the values.

    Args:
        template: The format string.
        kinds: The type name of each value.
        values: The values as strings.

    Raises:
        AthenaError: A specifier does not match its value, or has no value.
    """
    result, place, ordinal = "", 0, 0
    for match in _SPECIFIER.finditer(template):
        _refuse_stray(template[place : match.start()], template)
        result += template[place : match.start()]
        place = match.end()
        if match.group(5) in "%n":
            result += "%" if match.group(5) == "%" else "\n"
            continue
        if match.group(1):
            index = int(match.group(1)) - 1
        else:
            index, ordinal = ordinal, ordinal + 1
        if index >= len(values):
            raise _bad(template, f"Format specifier '{match.group()}'")
        result += _one(match, kinds[index], values[index], template)
    _refuse_stray(template[place:], template)
    return result + template[place:]


def _bad(template: str, reason: str) -> AthenaError:
    return AthenaError(f"Invalid format string: {template} ({reason})")


def _refuse_stray(text: str, template: str) -> None:
    if "%" in text:
        raise _bad(template, "Conversion = '%'")


def _one(match: re.Match[str], kind: str, value: str | None, template: str) -> str:
    flags, width, precision, conversion = match.group(2), match.group(3), match.group(4), match.group(5)
    if value is None:
        text = "null"
    elif conversion in "sS":
        shown = _shown(kind, value)
        text = shown if precision is None else shown[: int(precision)]
    elif conversion[0] in "tT" and kind in ("date", "time", "timestamp", "timestamp with time zone"):
        text = _moment_part(conversion[1], kind, value, template)
        text = text.upper() if conversion[0] == "T" else text
    elif conversion == "b":
        text = value if kind == "boolean" else "true"
    elif conversion in "dxXo" and kind in _INTEGERS:
        text = _integer(int(value), conversion, flags)
    elif conversion in "feEg" and kind in ("double", "real", "decimal"):
        text = _real(value, conversion, flags, 6 if precision is None else int(precision))
    else:
        raise _bad(template, f"{conversion} != {kind}")
    if conversion in "SX":
        text = text.upper()
    return _padded(text, flags, int(width or 0), numeric=kind in _NUMBERS and conversion not in "sS")


def _shown(kind: str, text: str) -> str:
    """Return the result of Java's ``toString`` for a value."""
    if kind not in ("time", "timestamp", "timestamp with time zone"):
        return text
    match = _MOMENT.fullmatch(text)
    if match is None:
        return text
    day, clock, seconds, nanos, zone = match.groups()
    fraction = nanos[:3] if nanos.endswith("000000") else nanos[:6] if nanos.endswith("000") else nanos
    shown = clock + (f":{seconds}" + (f".{fraction}" if int(nanos) else "") if int(seconds) or int(nanos) else "")
    if day:
        shown = f"{day}T{shown}"
    if not zone:
        return shown
    return shown + (zone if zone[0] in "+-" else f"{_offset(text, zone)}[{zone}]")


def _moment_part(letter: str, kind: str, text: str, template: str) -> str:
    """Return the part of a date or time that a letter after ``%t`` selects."""
    code = _MOMENT_CODES.get(letter)
    needs_day, needs_clock = letter in "YymdeBbhAajFDc", letter in "HIklMSLNpRTrc"
    if code is None or (kind == "time" and needs_day) or (kind == "date" and needs_clock):
        raise AthenaError(f"%t{letter} is not supported for a {kind} in a format string: {template}", "NOT_SUPPORTED")
    written = parse_time(text) if kind == "time" else parse_timestamp(text)
    moment = datetime(1970, 1, 1) + timedelta(microseconds=written.micros)
    return code(moment)


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MOMENT_CODES: dict[str, Callable[[datetime], str]] = {
    "Y": lambda t: f"{t.year:04}",
    "y": lambda t: f"{t.year % 100:02}",
    "m": lambda t: f"{t.month:02}",
    "d": lambda t: f"{t.day:02}",
    "e": lambda t: str(t.day),
    "B": lambda t: _MONTHS[t.month - 1],
    "b": lambda t: _MONTHS[t.month - 1][:3],
    "h": lambda t: _MONTHS[t.month - 1][:3],
    "A": lambda t: _DAYS[t.weekday()],
    "a": lambda t: _DAYS[t.weekday()][:3],
    "j": lambda t: f"{t.timetuple().tm_yday:03}",
    "F": lambda t: f"{t.year:04}-{t.month:02}-{t.day:02}",
    "D": lambda t: f"{t.month:02}/{t.day:02}/{t.year % 100:02}",
    "H": lambda t: f"{t.hour:02}",
    "k": lambda t: str(t.hour),
    "I": lambda t: f"{t.hour % 12 or 12:02}",
    "l": lambda t: str(t.hour % 12 or 12),
    "M": lambda t: f"{t.minute:02}",
    "S": lambda t: f"{t.second:02}",
    "L": lambda t: f"{t.microsecond // 1000:03}",
    "p": lambda t: "am" if t.hour < 12 else "pm",
    "R": lambda t: f"{t.hour:02}:{t.minute:02}",
    "T": lambda t: f"{t.hour:02}:{t.minute:02}:{t.second:02}",
}


def _offset(text: str, zone: str) -> str:
    instant = parse_timestamp(text)
    minutes = offset_minutes(to_instant(instant.micros, zone), zone)
    return "Z" if not minutes else f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _integer(value: int, conversion: str, flags: str) -> str:
    if conversion != "d":
        bits = value if value >= 0 else value + 2**64
        return {"x": f"{bits:x}", "X": f"{bits:X}", "o": f"{bits:o}"}[conversion]
    return _signed(f"{abs(value):,}" if "," in flags else str(abs(value)), value < 0, flags)


def _real(text: str, conversion: str, flags: str, digits: int) -> str:
    if text.lstrip("-") in ("NaN", "Infinity"):
        return text
    value = Decimal(text)
    if conversion == "f":
        rounded = abs(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
        shown = f"{rounded:,f}" if "," in flags else f"{rounded:f}"
    elif conversion in "eE":
        shown = f"{abs(value):.{digits}e}"
        mantissa, _, exponent = shown.partition("e")
        shown = f"{mantissa}e{int(exponent):+03d}"
        shown = shown.upper() if conversion == "E" else shown
    else:
        shown = java_double(abs(float(value)))
    return _signed(shown, value < 0, flags)


def _signed(digits: str, negative: bool, flags: str) -> str:
    if negative:
        return f"({digits})" if "(" in flags else f"-{digits}"
    return ("+" if "+" in flags else " " if " " in flags else "") + digits


def _padded(text: str, flags: str, width: int, *, numeric: bool) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and numeric:
        sign = text[0] if text[:1] in ("-", "+", " ") else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width)
