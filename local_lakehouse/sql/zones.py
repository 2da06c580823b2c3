"""Time zones by the names that Athena takes: ``UTC``, ``America/New_York``, ``+05:30``."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d{2}))?")
_MAX_OFFSET = timedelta(hours=14)


def zone_name(name: str) -> str:
    """Return a zone's name as it is shown.

    Raises:
        ValueError: There is no such zone.
    """
    zone(name)
    if name.upper() in ("UTC", "Z", "GMT", "UT"):
        return "UTC"
    match = _OFFSET.fullmatch(name)
    if match:
        sign, hours, minutes = match.group(1), int(match.group(2)), int(match.group(3) or 0)
        return f"{sign}{hours:02}:{minutes:02}" if hours or minutes else "UTC"
    return name


def is_zone(name: str) -> bool:
    """Tell whether there is a zone of this name."""
    try:
        zone(name)
    except ValueError:
        return False
    return True


@functools.lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """Return the rules of a zone.

    Raises:
        ValueError: There is no such zone.
    """
    if name.upper() in ("UTC", "Z", "GMT", "UT"):
        return UTC
    match = _OFFSET.fullmatch(name)
    if match:
        offset = timedelta(hours=int(match.group(2)), minutes=int(match.group(3) or 0))
        if offset > _MAX_OFFSET:
            raise ValueError(f"'{name}' is not a valid time zone")
        return timezone(offset if match.group(1) == "+" else -offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(f"'{name}' is not a valid time zone") from error


def to_local(instant: datetime, name: str) -> datetime:
    """Return the wall clock of a zone at an instant; both without tzinfo, the instant in UTC."""
    return instant.replace(tzinfo=UTC).astimezone(zone(name)).replace(tzinfo=None)


def to_instant(local: datetime, name: str) -> datetime:
    """Return the instant at which a zone's clock shows a time; both without tzinfo."""
    return local.replace(tzinfo=zone(name)).astimezone(UTC).replace(tzinfo=None)


def offset_minutes(instant: datetime, name: str) -> int:
    """Return how far a zone is from UTC at an instant."""
    offset = instant.replace(tzinfo=UTC).astimezone(zone(name)).utcoffset()
    return round((offset or timedelta()).total_seconds() / 60)
