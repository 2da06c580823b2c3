"""The function ``format``, with Java's format specifiers such as ``%s``, ``%.2f`` and ``%,d``.

https://docs.oracle.com/javase/8/docs/api/java/util/Formatter.html
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

from local_lakehouse.sql.moment_text import parse_time, parse_timestamp
from local_lakehouse.sql.runtime.udf import AthenaError
from local_lakehouse.sql.zones import offset_minutes, to_instant

_SPECIFIER = re.compile(r"%(?:([0-9]+)\$)?([-#+ 0,(<]*)([0-9]+)?(?:\.([0-9]+))?([tT][a-zA-Z]|[a-zA-Z%])")
_MOMENT = re.compile(r"(?:(\S+) )?(\d\d:\d\d):(\d\d)\.(\d{9})(?: (.+))?")
_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_REALS = ("double", "real", "decimal")
_MOMENTS = ("date", "time", "timestamp", "timestamp with time zone")
_GENERAL_DIGITS = 6
_SMALLEST_EXPONENT = -4
# The flags that each conversion rejects. The conversions in _WITHOUT_PRECISION also reject a precision.
_REFUSED_FLAGS = {
    **dict.fromkeys("bBhHsStT", "#+ 0,("),
    **dict.fromkeys("xXo", "+ ,("),
    **dict.fromkeys("eE", ","),
    **dict.fromkeys("gG", "#"),
    "d": "#",
    "%": "#+ 0,(",
    "n": "-#+ 0,(",
}
_WITHOUT_PRECISION = "dxXotT%n"


@dataclass(frozen=True)
class _Specifier:
    written: str
    flags: str
    width: int | None
    precision: int | None
    conversion: str
    # The letter that selects a part of a date or time, such as Y in %tY.
    part: str


def java_format(template: str, kinds: list[str], values: list[str | None]) -> str:
    """Return a format string with its specifiers replaced by the values.

    Args:
        template: The format string.
        kinds: The type name of each value.
        values: The values as strings.

    Raises:
        AthenaError: A specifier does not match its value, or has no value.
    """
    result, place, ordinal, index = "", 0, 0, -1
    for match in _SPECIFIER.finditer(template):
        _refuse_stray(template[place : match.start()], template)
        result += template[place : match.start()]
        place = match.end()
        specifier = _specifier(match, template)
        if specifier.conversion in "%n":
            result += _justified("%", specifier) if specifier.conversion == "%" else "\n"
            continue
        if match.group(1):
            index = int(match.group(1)) - 1
        elif "<" not in specifier.flags:
            index, ordinal = ordinal, ordinal + 1
        if not 0 <= index < len(values):
            raise _bad(template, f"Format specifier '{match.group()}'")
        result += _one(specifier, kinds[index], values[index], template)
    _refuse_stray(template[place:], template)
    return result + template[place:]


def _specifier(match: re.Match[str], template: str) -> _Specifier:
    """Parse a specifier. Reject flags, a width or a precision that Java does not allow for the conversion."""
    flags, width, precision, conversion = match.group(2), match.group(3), match.group(4), match.group(5)
    refused = _REFUSED_FLAGS.get(conversion[0], "")
    bad = next((flag for flag in flags if flag in refused), None)
    if bad is not None:
        raise _bad(template, f"Conversion = {conversion}, Flags = {bad}")
    if len(set(flags)) < len(flags) or {"+", " "} <= set(flags) or {"-", "0"} <= set(flags):
        raise _bad(template, f"Flags = '{flags}'")
    if width is None and set(flags) & {"-", "0"}:
        raise _bad(template, match.group())
    if precision is not None and conversion[0] in _WITHOUT_PRECISION:
        raise _bad(template, precision)
    if width is not None and conversion == "n":
        raise _bad(template, width)
    return _Specifier(
        match.group(),
        flags,
        None if width is None else int(width),
        None if precision is None else int(precision),
        conversion[0],
        conversion[1:],
    )


def _bad(template: str, reason: str) -> AthenaError:
    return AthenaError(f"Invalid format string: {template} ({reason})")


def _refuse_stray(text: str, template: str) -> None:
    if "%" in text:
        raise _bad(template, "Conversion = '%'")


def _one(specifier: _Specifier, kind: str, value: str | None, template: str) -> str:
    conversion = specifier.conversion
    if conversion in "bB":
        text = "false" if value is None else value if kind == "boolean" else "true"
    elif value is None:
        text = "null"
    elif conversion in "sS":
        text = _shown(kind, value)
    elif conversion in "tT" and kind in _MOMENTS:
        text = _moment_part(specifier.part, kind, value, template)
    elif conversion in "dxXo" and kind in _INTEGERS:
        return _integer(int(value), specifier)
    elif conversion in "feEgG" and kind in _REALS:
        return _real(value, kind, specifier)
    elif conversion in "hH" or (conversion in "aA" and kind in ("double", "real")):
        raise AthenaError(
            f"The local Athena does not support %{conversion} in a format string: {template}", "NOT_SUPPORTED"
        )
    else:
        raise _bad(template, f"{conversion}{specifier.part} != {kind}")
    text = text if specifier.precision is None else text[: specifier.precision]
    return _justified(text.upper() if conversion.isupper() else text, specifier)


def _justified(text: str, specifier: _Specifier) -> str:
    width = specifier.width or 0
    return text.ljust(width) if "-" in specifier.flags else text.rjust(width)


def _shown(kind: str, text: str) -> str:
    """Return the result of Java's ``toString`` for a value."""
    if kind == "decimal":
        # Like BigDecimal, Python's Decimal writes numbers below 0.000001 with an exponent.
        return str(Decimal(text))
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
        raise AthenaError(
            f"The local Athena does not support %t{letter} for a {kind} in a format string: {template}", "NOT_SUPPORTED"
        )
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


def _integer(value: int, specifier: _Specifier) -> str:
    conversion, flags = specifier.conversion, specifier.flags
    if conversion == "d":
        return _signed(f"{abs(value):,}" if "," in flags else str(abs(value)), specifier, negative=value < 0)
    bits = value if value >= 0 else value + 2**64
    prefix = {"x": "0x", "X": "0X", "o": "0"}[conversion] if "#" in flags else ""
    return _zero_padded(prefix, f"{bits:{conversion}}", "", specifier)


def _real(text: str, kind: str, specifier: _Specifier) -> str:
    negative = text.startswith("-")
    if text.lstrip("-") in ("NaN", "Infinity"):
        shown = text.lstrip("-").upper() if specifier.conversion.isupper() else text.lstrip("-")
        plain = replace(specifier, flags=specifier.flags.replace("0", ""))
        return _justified(shown, specifier) if shown.upper() == "NAN" else _signed(shown, plain, negative=negative)
    if kind == "real":
        # Java converts a float to a double before it formats the number.
        text = repr(struct.unpack("f", struct.pack("f", float(text)))[0])
    value = abs(Decimal(text))
    negative = negative and (kind != "decimal" or value != 0)
    conversion = specifier.conversion.lower()
    digits = _GENERAL_DIGITS if specifier.precision is None else specifier.precision
    if conversion == "g":
        digits = max(digits, 1)
        exponent = _scientific(value, digits - 1)[1]
        conversion = "f" if value == 0 or _SMALLEST_EXPONENT <= exponent < digits else "e"
        digits = digits - 1 - (exponent if conversion == "f" else 0)
    if conversion == "f":
        shown = _fixed(value, digits, grouped="," in specifier.flags)
    else:
        mantissa, exponent = _scientific(value, digits)
        shown = f"{mantissa:f}e{exponent:+03d}"
    if "#" in specifier.flags and digits == 0:
        shown = shown.replace("e", ".e") if "e" in shown else shown + "."
    return _signed(shown.upper() if specifier.conversion.isupper() else shown, specifier, negative=negative)


def _fixed(value: Decimal, digits: int, *, grouped: bool) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, Context(prec=400 + digits))
    return f"{rounded:,f}" if grouped else f"{rounded:f}"


def _scientific(value: Decimal, digits: int) -> tuple[Decimal, int]:
    """Return the mantissa with the given number of digits after the decimal point, and the exponent."""
    if value == 0:
        return Decimal(0).scaleb(-digits), 0
    rounded = Context(prec=digits + 1, rounding=ROUND_HALF_UP).plus(value)
    exponent = rounded.adjusted()
    mantissa = rounded.scaleb(-exponent, Context(prec=digits + 60))
    return mantissa.quantize(Decimal(1).scaleb(-digits), context=Context(prec=digits + 60)), exponent


def _signed(digits: str, specifier: _Specifier, *, negative: bool) -> str:
    if negative:
        prefix, suffix = ("(", ")") if "(" in specifier.flags else ("-", "")
    else:
        prefix, suffix = next((flag for flag in specifier.flags if flag in "+ "), ""), ""
    return _zero_padded(prefix, digits, suffix, specifier)


def _zero_padded(prefix: str, digits: str, suffix: str, specifier: _Specifier) -> str:
    if "0" in specifier.flags:
        digits = digits.rjust((specifier.width or 0) - len(prefix) - len(suffix), "0")
    return _justified(prefix + digits + suffix, specifier)
