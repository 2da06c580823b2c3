"""Time zones with Athena's names, such as ``UTC``, ``America/New_York`` and ``+05:30``.

Instants and local times are integers (microseconds since 1970), so years outside the range of ``datetime`` work too.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d{2}))?")
_PREFIXES = ("Etc/GMT", "Etc/GMT0", "Etc/UTC", "GMT", "UTC", "UT")
_UTC_NAMES = frozenset(
    (
        *("utc", "z", "ut", "uct", "gmt", "gmt0", "greenwich", "universal", "zulu", "+00:00", "-00:00"),
        *("etc/utc", "etc/uct", "etc/gmt", "etc/gmt0", "etc/greenwich", "etc/universal", "etc/zulu"),
    )
)
# Athena lists this name, but the tz database removed it in 2020.
_DROPPED = {"US/Pacific-New": "America/Los_Angeles"}
_MAX_OFFSET = timedelta(hours=14)
_EPOCH = datetime(1970, 1, 1)
_CYCLE = 146_097 * 86_400 * 10**6
_FIRST, _LAST = -62_000_000_000 * 10**6, 253_000_000_000 * 10**6
_SECOND = 10**6


def zone_name(name: str) -> str:
    """Return the name that Athena displays for a zone.

    Raises:
        ValueError: The zone does not exist.
    """
    zone(name)
    if name.lower() in _UTC_NAMES:
        return "UTC"
    match = _offset_match(name)
    if match:
        sign, hours, minutes = match.group(1), int(match.group(2)), int(match.group(3) or 0)
        return f"{sign}{hours:02}:{minutes:02}" if hours or minutes else "UTC"
    return name


def is_zone(name: str) -> bool:
    """Return whether a zone with this name exists."""
    try:
        zone(name)
    except ValueError:
        return False
    return True


def _offset_match(name: str) -> re.Match[str] | None:
    """Match an offset such as ``+05:30``, optionally after ``UTC`` or ``GMT``. Return None for other names."""
    prefix = next((prefix for prefix in _PREFIXES if re.match(re.escape(prefix) + "[+-]", name)), "")
    # Etc/GMT names use POSIX signs: Etc/GMT+5 is west of Greenwich.
    if prefix.startswith("Etc/GMT") and ":" not in name:
        return None
    return _OFFSET.fullmatch(name.removeprefix(prefix))


@functools.lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """Return a zone's rules.

    Raises:
        ValueError: The zone does not exist.
    """
    if name.lower() in _UTC_NAMES:
        return UTC
    match = _offset_match(name)
    if match:
        offset = timedelta(hours=int(match.group(2)), minutes=int(match.group(3) or 0))
        if offset > _MAX_OFFSET or int(match.group(3) or 0) > 59:
            raise ValueError(f"'{name}' is not a valid time zone")
        return timezone(offset if match.group(1) == "+" else -offset)
    try:
        return ZoneInfo(_DROPPED.get(name, name))
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(f"'{name}' is not a valid time zone") from error


def offset_micros(instant: int, name: str) -> int:
    """Return a zone's offset from UTC at an instant, in microseconds."""
    if name == "UTC":
        return 0
    rules = zone(name)
    if not _FIRST <= instant <= _LAST:
        # Python's dates end in the year 9999, but the Gregorian calendar repeats every 400 years.
        instant = instant % _CYCLE + (_CYCLE * 10 if instant > 0 else -_CYCLE * 4)
    moment = (_EPOCH + timedelta(microseconds=instant)).replace(tzinfo=UTC).astimezone(rules)
    return round((moment.utcoffset() or timedelta()) / timedelta(seconds=1)) * _SECOND


def to_local(instant: int, name: str) -> int:
    """Return the local time in a zone at an instant."""
    return instant + offset_micros(instant, name)


def to_instant(local: int, name: str) -> int:
    """Return the instant of a local time in a zone according to the rules of ``java.time``.

    If a time occurs twice, the first instant is returned. A skipped time moves forward by the length of the gap. In
    both cases, the offset before the transition applies.
    """
    day = 86_400 * _SECOND
    before, after = offset_micros(local - day, name), offset_micros(local + day, name)
    for offset in (before, after):
        if offset_micros(local - offset, name) == offset:
            return local - offset
    return local - before


def to_joda_instant(local: int, name: str, original: int | None = None) -> int:
    """Return the instant of a local time in a zone according to the rules of Joda-Time.

    A skipped time moves forward by the length of the gap. A time that occurs twice keeps the offset of `original` if
    possible.
    """
    if original is not None:
        kept = offset_micros(original, name)
        if offset_micros(local - kept, name) == kept:
            return local - kept
    first = offset_micros(local, name)
    second = offset_micros(local - first, name)
    if first != second and first < 0 and offset_micros(local - second, name) != second:
        return local - first
    return local - second


def offset_minutes(instant: int, name: str) -> int:
    """Return a zone's offset from UTC at an instant, in minutes rounded toward zero."""
    seconds = offset_micros(instant, name) // _SECOND
    return int(seconds / 60)
