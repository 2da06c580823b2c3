"""Parsing of times and timestamps with 0 to 12 fractional digits.

Like Trino's long timestamps, a value consists of microseconds and remaining picoseconds, so that it is not rounded
before the target precision is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

MAX_DIGITS = 12
MICRO_DIGITS = 6
PICOS = 10**6
DAY_MICROS = 86_400 * 10**6
_SECOND_MICROS = 10**6
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
_EPOCH = date(1970, 1, 1).toordinal()
# DuckDB supports every timestamp in these years.
_YEARS = range(-290_000, 294_247)
_DAY = r"(?P<year>[-+]?\d{4,})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d+))?)?"
_TIMESTAMP = re.compile(rf"{_DAY}(?: (?:{_CLOCK})?)?\s*(?P<zone>.+)?", re.ASCII)
_TIME = re.compile(rf"{_CLOCK}\s*(?P<zone>[+-]\d{{1,2}}:\d{{1,2}})?", re.ASCII)
_MAX_OFFSET = 14 * 60


@dataclass(frozen=True)
class Moment:
    """A parsed time or timestamp.

    Args:
        micros: The microseconds in local time since 1970-01-01 or, for a time of day, since midnight.
        picos: The remaining picoseconds.
        digits: The number of fractional digits in the text.
        zone: The zone in the text, or None if the text has no zone.
    """

    micros: int
    picos: int
    digits: int
    zone: str | None = None


def day_number(year: int, month: int, day: int) -> int:
    """Return the number of days from 1970-01-01 to a date.

    Raises:
        ValueError: The date does not exist.
    """
    if year not in _YEARS:
        raise ValueError(f"year {year} is out of range")
    # Python's dates end in the year 9999, but the Gregorian calendar repeats every 400 years.
    cycles, rest = divmod(year - 2000, _CYCLE_YEARS)
    return date(2000 + rest, month, day).toordinal() - _EPOCH + cycles * _CYCLE_DAYS


def parse_timestamp(text: str) -> Moment:
    """Parse a timestamp with an optional time of day and zone.

    Raises:
        ValueError: The text is not a timestamp.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a timestamp")
    days = day_number(int(match["year"]), int(match["month"]), int(match["day"]))
    micros, picos, digits = _clock(match) if match["hour"] else (0, 0, 0)
    return Moment(days * DAY_MICROS + micros, picos, digits, match["zone"])


def parse_time(text: str) -> Moment:
    """Parse a time of day with an optional offset from UTC.

    Raises:
        ValueError: The text is not a time of day.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a time")
    if match["zone"]:
        offset_of(match["zone"])
    return Moment(*_clock(match), match["zone"])


def offset_of(zone: str) -> int:
    """Convert an offset such as ``+05:30`` to minutes.

    Raises:
        ValueError: The offset is out of range.
    """
    hours, _, minutes = zone[1:].partition(":")
    total = int(hours) * 60 + int(minutes)
    if total > _MAX_OFFSET or int(minutes) > 59:
        raise ValueError(f"'{zone}' is not a valid offset from UTC")
    return -total if zone.startswith("-") else total


def _clock(match: re.Match[str]) -> tuple[int, int, int]:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    fraction = match["fraction"] or ""
    if hour > 23 or minute > 59 or second > 59 or len(fraction) > MAX_DIGITS:
        raise ValueError(f"'{match.group()}' is not a time")
    micros, picos = divmod(int(fraction.ljust(MAX_DIGITS, "0")), PICOS)
    return ((hour * 60 + minute) * 60 + second) * _SECOND_MICROS + micros, picos, len(fraction)
