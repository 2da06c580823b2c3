"""Formatting and parsing with MySQL patterns (``%Y-%m-%d``), Joda patterns (``yyyy-MM-dd``) and ISO 8601.

https://trino.io/docs/current/functions/datetime.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from local_lakehouse.sql.runtime import date_fields as fields
from local_lakehouse.sql.runtime.date_elements import (
    Element,
    Found,
    Fraction,
    Literal,
    Local,
    Number,
    Offset,
    Text,
    TwoDigits,
    ZoneId,
    ZoneName,
    malformed,
    read,
    write,
)
from local_lakehouse.sql.runtime.date_fields import Field, moment_of
from local_lakehouse.sql.runtime.udf import AthenaError

_MYSQL_PIVOT = 2020
_YEARS_BEFORE_NOW = 30
_LONG_YEAR = 9
_LONGEST_FRACTION = 18
_SECOND_TIME = (Number(fields.MINUTE, 2, 2), Literal(":"), Number(fields.SECOND, 2, 2))
_MYSQL: dict[str, tuple[Element, ...]] = {
    "a": (Text(fields.DAY_OF_WEEK, short=True),),
    "b": (Text(fields.MONTH, short=True),),
    "c": (Number(fields.MONTH, 1, 2),),
    "d": (Number(fields.DAY, 2, 2),),
    "e": (Number(fields.DAY, 1, 2),),
    "f": (Fraction(6, 9),),
    "H": (Number(fields.HOUR, 2, 2),),
    "h": (Number(fields.CLOCK_HALF_HOUR, 2, 2),),
    "I": (Number(fields.CLOCK_HALF_HOUR, 2, 2),),
    "i": (Number(fields.MINUTE, 2, 2),),
    "j": (Number(fields.DAY_OF_YEAR, 3, 3),),
    "k": (Number(fields.HOUR, 1, 2),),
    "l": (Number(fields.CLOCK_HALF_HOUR, 1, 2),),
    "M": (Text(fields.MONTH),),
    "m": (Number(fields.MONTH, 2, 2),),
    "p": (Text(fields.HALF),),
    "r": (Number(fields.CLOCK_HALF_HOUR, 2, 2), Literal(":"), *_SECOND_TIME, Literal(" "), Text(fields.HALF)),
    "S": (Number(fields.SECOND, 2, 2),),
    "s": (Number(fields.SECOND, 2, 2),),
    "T": (Number(fields.HOUR, 2, 2), Literal(":"), *_SECOND_TIME),
    "v": (Number(fields.WEEK, 2, 2),),
    "W": (Text(fields.DAY_OF_WEEK),),
    "x": (Number(fields.WEEK_YEAR, 4, 4),),
    "Y": (Number(fields.YEAR, 4, 4),),
    "y": (TwoDigits(fields.YEAR, _MYSQL_PIVOT, lenient=False),),
}
_MYSQL_REFUSED = "DUuVwX"
_JODA_TOKEN = re.compile(r"([A-Za-z])\1*|(?:''|'(?:[^']|'')*(?:'|\Z)|[^A-Za-z'])+")
_JODA_LITERAL = re.compile(r"''|'((?:[^']|'')*)(?:'|\Z)")
# The field for each Joda letter, with the largest number of digits to read.
_JODA_NUMBERS: dict[str, tuple[Field, int]] = {
    "d": (fields.DAY, 2),
    "D": (fields.DAY_OF_YEAR, 3),
    "e": (fields.DAY_OF_WEEK, 1),
    "w": (fields.WEEK, 2),
    "H": (fields.HOUR, 2),
    "k": (fields.CLOCK_HOUR, 2),
    "K": (fields.HALF_HOUR, 2),
    "h": (fields.CLOCK_HALF_HOUR, 2),
    "m": (fields.MINUTE, 2),
    "s": (fields.SECOND, 2),
}
_JODA_YEARS = {"y": fields.YEAR, "Y": fields.YEAR_OF_ERA, "x": fields.WEEK_YEAR}
_JODA_DIGITS = frozenset("CxyYdhHmsSeDwkK")
_TEXT_LENGTH, _LONG_TEXT_LENGTH = 3, 4
_ISO_DATES = (
    (re.compile(r"([+-]?[0-9]{1,9})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?"), (fields.YEAR, fields.MONTH, fields.DAY)),
    (
        re.compile(r"([+-]?[0-9]{1,9})-[Ww]([0-9]{1,2})(?:-([0-9]))?"),
        (fields.WEEK_YEAR, fields.WEEK, fields.DAY_OF_WEEK),
    ),
    (re.compile(r"([+-]?[0-9]{1,9})-([0-9]{1,3})"), (fields.YEAR, fields.DAY_OF_YEAR)),
)
_ISO_FRACTION = r"(?:[.,]([0-9]{1,9}))?"
_ISO_TIME = re.compile(
    rf"[Tt](?:([0-9]{{1,2}})(?::([0-9]{{1,2}})(?::([0-9]{{1,2}}){_ISO_FRACTION}|{_ISO_FRACTION})|{_ISO_FRACTION}))?"
)
_ISO_FRACTIONS = {
    4: Fraction(1, 9),
    5: Fraction(1, 9, fields.MILLI_OF_MINUTE, 60_000),
    6: Fraction(1, 9, fields.MILLI_OF_HOUR, 3_600_000),
}


@functools.lru_cache(maxsize=256)
def _mysql(pattern: str) -> tuple[Element, ...]:
    elements: list[Element] = []
    for match in re.finditer(r"%(.)|[^%]+", pattern, re.DOTALL):
        code = match.group(1)
        if code is not None and code in _MYSQL_REFUSED:
            raise AthenaError(f"%{code} not supported in date format string")
        elements += _MYSQL.get(code, ()) or (Literal(code or match.group()),)
    if not elements:
        raise AthenaError("Both printing and parsing not supported")
    return tuple(elements)


def format_mysql(moment: datetime, pattern: str) -> str:
    """Format a value with a MySQL pattern."""
    return write(_mysql(pattern), Local(moment))


def parse_mysql(text: str, pattern: str) -> datetime:
    """Parse a value with a MySQL pattern."""
    return moment_of(read(_mysql(pattern), text).values, text)


@functools.lru_cache(maxsize=256)
def _joda(pattern: str, pivot: int) -> tuple[Element, ...]:
    if not pattern:
        raise AthenaError("Invalid pattern specification")
    tokens = list(_JODA_TOKEN.finditer(pattern))
    following = [*(token.group() for token in tokens[1:]), ""]
    return tuple(
        _joda_element(token.group(), _is_number(after), pivot)
        if token.group(1)
        else Literal(_JODA_LITERAL.sub(_unquoted, token.group()))
        for token, after in zip(tokens, following, strict=True)
    )


def _unquoted(match: re.Match[str]) -> str:
    return (match.group(1) or "").replace("''", "'") if match.group() != "''" else "'"


def _is_number(token: str) -> bool:
    return token[:1] in _JODA_DIGITS or token in ("M", "MM")


def _joda_element(token: str, before_number: bool, pivot: int) -> Element:
    letter, count = token[0], len(token)
    if letter in _JODA_YEARS:
        # A year that is followed directly by another number has a limited number of digits.
        if count == 2:
            field = fields.YEAR if letter == "Y" else _JODA_YEARS[letter]
            return TwoDigits(field, pivot, lenient=not before_number)
        return Number(_JODA_YEARS[letter], count, count if before_number else _LONG_YEAR)
    if letter == "M" and count < _TEXT_LENGTH:
        return Number(fields.MONTH, count, 2)
    if letter in _JODA_NUMBERS:
        field, most = _JODA_NUMBERS[letter]
        return Number(field, count, max(count, most))
    return _joda_text(token)


def _joda_text(token: str) -> Element:
    count = len(token)
    makers: dict[str, Callable[[], Element]] = {
        "M": lambda: Text(fields.MONTH, short=count < _LONG_TEXT_LENGTH),
        "E": lambda: Text(fields.DAY_OF_WEEK, short=count < _LONG_TEXT_LENGTH),
        "a": lambda: Text(fields.HALF),
        "G": lambda: Text(fields.ERA),
        "C": lambda: Number(fields.CENTURY, count, count),
        "S": lambda: Fraction(min(count, _LONGEST_FRACTION), min(count, _LONGEST_FRACTION)),
        "Z": lambda: Offset(colon=count == 2) if count <= 2 else ZoneId(),
        "z": lambda: ZoneName(short=count < _LONG_TEXT_LENGTH),
    }
    if token[0] not in makers:
        raise AthenaError(f"Illegal pattern component: {token}")
    return makers[token[0]]()


def _pivot() -> int:
    return datetime.now(UTC).year - _YEARS_BEFORE_NOW


def format_joda(local: datetime, zone: str, offset: int, pattern: str) -> str:
    """Format a value with a Joda pattern."""
    return write(_joda(pattern, _pivot()), Local(local, zone, offset))


def parse_joda(text: str, pattern: str) -> tuple[datetime, str]:
    """Parse a value with a Joda pattern. A value without a zone is in UTC."""
    found = read(_joda(pattern, _pivot()), text)
    return moment_of(found.values, text), found.offset or found.zone or "UTC"


def parse_iso_date(text: str) -> datetime:
    """Parse an ISO 8601 date, week date or ordinal date."""
    found = Found()
    end = _iso_date(text, found)
    if end < len(text):
        raise malformed(text, end)
    return moment_of(found.values, text)


def parse_iso(text: str) -> tuple[datetime, str]:
    """Parse an ISO 8601 timestamp, date or time. A value without an offset is in UTC."""
    found = Found()
    end = 0 if text[:1] in ("T", "t") else _iso_date(text, found)
    time = _ISO_TIME.match(text, end)
    if time and (time.group(1) or end):
        end = _iso_time(text, time, found)
    if end < len(text):
        raise malformed(text, end)
    return moment_of(found.values, text), found.offset or "UTC"


def _iso_date(text: str, found: Found) -> int:
    """Read the longest date at the start of a string."""
    matches = [(match, names) for pattern, names in _ISO_DATES if (match := pattern.match(text))]
    if not matches:
        raise malformed(text, 0)
    match, names = max(matches, key=lambda each: each[0].end())
    found.values += _values(names, match.groups())
    return match.end()


def _values(names: Sequence[Field], texts: Sequence[str | None]) -> list[tuple[Field, int]]:
    return [(name, int(text)) for name, text in zip(names, texts, strict=True) if text is not None]


def _iso_time(text: str, match: re.Match[str], found: Found) -> int:
    found.values += _values((fields.HOUR, fields.MINUTE, fields.SECOND), match.group(1, 2, 3))
    for group, fraction in _ISO_FRACTIONS.items():
        if match.group(group) is not None:
            fraction.read(match.group(group), 0, found)
    return Offset(colon=True).read(text, match.end(), found) or match.end()
