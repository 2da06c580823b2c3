"""Functions of dates, times and zones that depend on patterns or on the zones' rules."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

from local_lakehouse.sql.runtime.patterns import (
    format_joda,
    format_mysql,
    parse_joda,
    parse_mysql,
)
from local_lakehouse.sql.runtime.udf import AthenaError, udf
from local_lakehouse.sql.zones import offset_minutes, to_instant, to_local, zone_name

_MOMENT = re.compile(
    r"(\d{4,6})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?\s*(.*)"
)
_ISO = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:T(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?"
)
_ISO_WEEK = re.compile(r"(\d{4})-W(\d{2})(?:-(\d))?")
_ISO_DAY = re.compile(r"(\d{4})-(\d{3})")
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h|d)\s*")
_DURATION_MILLIS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}

Zoned = dict[str, Any]


def _zoned(local: datetime, zone: str) -> Zoned:
    name = zone_name(zone)
    return {"i": to_instant(local, name), "z": name}


@udf("ts:t")
def local_time(instant: datetime, zone: str) -> datetime:
    """Return the wall clock of a zone."""
    return to_local(instant, zone)


@udf("ts:t")
def instant(local: datetime, zone: str) -> datetime:
    """Return the instant at which a zone's clock shows a time."""
    return to_instant(local, zone)


@udf("ts:n")
def offset(moment: datetime, zone: str) -> int:
    """Return how many minutes a zone is from UTC."""
    return offset_minutes(moment, zone)


@udf("s:s")
def zone(name: str) -> str:
    """Return a zone's name as it is shown."""
    try:
        return zone_name(name)
    except ValueError as error:
        raise AthenaError(str(error)) from error


@udf("s:t")
def make_timestamp(text: str) -> datetime | None:
    """Read a timestamp; parts beyond their range make NULL."""
    match = _MOMENT.fullmatch(text)
    return _moment(match) if match else None


def _moment(match: re.Match[str]) -> datetime | None:
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction = (match.group(7) or "").ljust(9, "0")
    try:
        base = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    return base + timedelta(microseconds=(int(fraction) + 500) // 1000)


@udf("s:z")
def parse_zoned(text: str) -> Zoned:
    """CAST a text to a timestamp with a zone."""
    match = _MOMENT.fullmatch(text.strip())
    moment = _moment(match) if match else None
    try:
        if match is None or moment is None:
            raise ValueError(text)
        return _zoned(moment, match.group(8) or "UTC")
    except ValueError as error:
        raise AthenaError(
            f"Value cannot be cast to timestamp with time zone: {text}", "INVALID_CAST_ARGUMENT"
        ) from error


@udf("ts:s")
def date_format(moment: datetime, pattern: str) -> str:
    """Write a moment by a pattern of MySQL's kind."""
    return format_mysql(moment, pattern)


@udf("ss:t")
def date_parse(text: str, pattern: str) -> datetime:
    """Read a moment by a pattern of MySQL's kind."""
    return parse_mysql(text, pattern)


@udf("tsns:s")
def format_datetime(local: datetime, zone_: str, offset_: int, pattern: str) -> str:
    """Write a moment by a pattern of Joda's kind."""
    return format_joda(local, zone_, offset_, pattern)


@udf("ss:z")
def parse_datetime(text: str, pattern: str) -> Zoned:
    """Read a moment by a pattern of Joda's kind."""
    local, zone_ = parse_joda(text, pattern)
    return _zoned(local, zone_)


def _bad_iso(text: str) -> AthenaError:
    return AthenaError(f'Invalid format: "{text}"')


@udf("s:D")
def from_iso8601_date(text: str) -> date:
    """Read an ISO 8601 date, week date or ordinal date."""
    week, ordinal, plain = _ISO_WEEK.fullmatch(text), _ISO_DAY.fullmatch(text), _ISO.fullmatch(text)
    try:
        if week:
            return date.fromisocalendar(int(week.group(1)), int(week.group(2)), int(week.group(3) or 1))
        if ordinal:
            day = date(int(ordinal.group(1)), 1, 1) + timedelta(days=int(ordinal.group(2)) - 1)
            if day.year == int(ordinal.group(1)):
                return day
        if plain and not plain.group(4):
            return date(int(plain.group(1)), int(plain.group(2) or 1), int(plain.group(3) or 1))
    except ValueError as error:
        raise _bad_iso(text) from error
    raise _bad_iso(text)


@udf("s:z")
def from_iso8601_timestamp(text: str) -> Zoned:
    """Read an ISO 8601 timestamp; without a zone it is UTC."""
    match = _ISO.fullmatch(text)
    if match is None:
        raise _bad_iso(text)
    fraction = int((match.group(7) or "").ljust(9, "0")[:3]) * 1000
    try:
        local = datetime(
            int(match.group(1)),
            int(match.group(2) or 1),
            int(match.group(3) or 1),
            int(match.group(4) or 0),
            int(match.group(5) or 0),
            int(match.group(6) or 0),
            fraction,
        )
        return _zoned(local, match.group(8) or "UTC")
    except ValueError as error:
        raise _bad_iso(text) from error


@udf("s:n")
def parse_duration(text: str) -> int:
    """Read a duration such as ``2.5h`` in milliseconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise AthenaError(f"duration is not a valid data duration string: {text}")
    return int(float(match.group(1)) * _DURATION_MILLIS[match.group(2)] + 0.5)
