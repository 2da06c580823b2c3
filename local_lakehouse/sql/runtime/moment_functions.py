"""The date, time and time zone functions that use patterns or time zone rules."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

from local_lakehouse.sql.moment_text import DAY_MICROS, PICOS, offset_of, parse_time, parse_timestamp
from local_lakehouse.sql.runtime.patterns import (
    format_joda,
    format_mysql,
    parse_iso,
    parse_iso_date,
    parse_joda,
    parse_mysql,
)
from local_lakehouse.sql.runtime.udf import AthenaError, udf
from local_lakehouse.sql.zones import offset_minutes, to_instant, to_joda_instant, to_local, zone_name

_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h|d)\s*")
_DURATION_MILLIS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}

Zoned = dict[str, Any]
_MINUTE_PICOS = 60 * 10**12
_DAY_PICOS = DAY_MICROS * PICOS
_EPOCH = datetime(1970, 1, 1)


def _parsed(text: str, local: datetime, zone: str) -> Zoned:
    """Return a parsed local time with its zone. A time that the zone skips is invalid."""
    try:
        name = zone_name(zone)
    except ValueError as error:
        raise AthenaError(str(error)) from error
    micros = (local - _EPOCH) // timedelta(microseconds=1)
    instant = to_joda_instant(micros, name)
    if to_local(instant, name) != micros:
        raise AthenaError(f'Cannot parse "{text}": Illegal instant due to time zone offset transition ({zone})')
    return {"i": instant, "z": name}


@udf("ns:n")
def local_micros(instant: int, zone: str) -> int:
    """Return the local time in a zone."""
    return to_local(instant, zone)


@udf("nsn:n")
def joda_instant(local: int, zone: str, original: int) -> int:
    """Return the instant of a local time that was computed from another instant."""
    return to_joda_instant(local, zone, original)


@udf("ns:n")
def offset(instant: int, zone: str) -> int:
    """Return a zone's offset from UTC in minutes."""
    return offset_minutes(instant, zone)


@udf("s:s")
def zone(name: str) -> str:
    """Return the name that Athena displays for a zone."""
    try:
        return zone_name(name)
    except ValueError as error:
        raise AthenaError(str(error)) from error


@udf("nn:s")
def zone_of_offset(hours: int, minutes: int) -> str:
    """Return the name of the zone with a given offset from UTC."""
    total = hours * 60 + minutes
    if not -14 * 60 <= total <= 14 * 60:
        raise AthenaError(f"Invalid offset minutes {total}")
    sign = "-" if total < 0 else "+"
    return f"{sign}{abs(total) // 60:02}:{abs(total) % 60:02}" if total else "UTC"


@udf("n:s")
def zone_of_interval(millis: int) -> str:
    """Return the name of the zone with a given offset from UTC."""
    if millis % 60_000:
        raise AthenaError("Interval must be a whole number of minutes")
    return str(zone_of_offset(0, millis // 60_000))


def _bad_cast(text: str, target: str) -> AthenaError:
    return AthenaError(f"Value cannot be cast to {target}: {text}", "INVALID_CAST_ARGUMENT")


@udf("s:f")
def parse_timestamp_(text: str) -> dict[str, int]:
    """Cast a string to a timestamp."""
    try:
        moment = parse_timestamp(text.strip(" "))
        # The zone must exist, even though the result does not contain it.
        zone_name(moment.zone or "UTC")
    except ValueError as error:
        raise _bad_cast(text, "timestamp") from error
    return {"u": moment.micros, "p": moment.picos}


@udf("s:F")
def parse_time_(text: str) -> dict[str, int]:
    """Cast a string to a time."""
    try:
        # The text can contain an offset from UTC, but the result does not contain it.
        moment = parse_time(text)
    except ValueError as error:
        raise _bad_cast(text, "time") from error
    return {"u": moment.micros, "p": moment.picos}


@udf("s:T")
def parse_zoned_time(text: str) -> dict[str, int]:
    """Cast a string to a time with a zone."""
    try:
        moment = parse_time(text)
        offset = offset_of(moment.zone) if moment.zone else 0
    except ValueError as error:
        raise _bad_cast(text, "time with time zone") from error
    return {"n": (moment.micros * PICOS + moment.picos - offset * _MINUTE_PICOS) % _DAY_PICOS, "o": offset}


@udf("s:Z")
def parse_zoned(text: str) -> dict[str, Any]:
    """Cast a string to a timestamp with a zone."""
    try:
        moment = parse_timestamp(text.strip(" "))
        name = zone_name(moment.zone or "UTC")
        return {"i": to_instant(moment.micros, name), "z": name, "p": moment.picos}
    except ValueError as error:
        raise _bad_cast(text, "timestamp with time zone") from error


@udf("ts:s")
def date_format(moment: datetime, pattern: str) -> str:
    """Format a value with a MySQL pattern."""
    return format_mysql(moment, pattern)


@udf("ss:t")
def date_parse(text: str, pattern: str) -> datetime:
    """Parse a value with a MySQL pattern."""
    return parse_mysql(text, pattern)


@udf("tsns:s")
def format_datetime(local: datetime, zone_: str, offset_: int, pattern: str) -> str:
    """Format a value with a Joda pattern."""
    return format_joda(local, zone_, offset_, pattern)


@udf("ss:z")
def parse_datetime(text: str, pattern: str) -> Zoned:
    """Parse a value with a Joda pattern."""
    return _parsed(text, *parse_joda(text, pattern))


@udf("s:D")
def from_iso8601_date(text: str) -> date:
    """Parse an ISO 8601 date, week date or ordinal date."""
    return parse_iso_date(text).date()


@udf("s:z")
def from_iso8601_timestamp(text: str) -> Zoned:
    """Parse an ISO 8601 timestamp. A timestamp without a zone is in UTC."""
    return _parsed(text, *parse_iso(text))


@udf("s:n")
def parse_duration(text: str) -> int:
    """Convert a duration such as ``2.5h`` to milliseconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise AthenaError(f"duration is not a valid data duration string: {text}")
    return int(float(match.group(1)) * _DURATION_MILLIS[match.group(2)] + 0.5)
