"""The elements of date patterns, which parse and format parts of a string as Joda-Time does.

https://www.joda.org/joda-time/apidocs/org/joda/time/format/DateTimeFormatterBuilder.html
"""

from __future__ import annotations

import functools
import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from local_lakehouse.sql.runtime import date_fields as fields
from local_lakehouse.sql.runtime.date_fields import Field
from local_lakehouse.sql.runtime.udf import AthenaError

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = 3
# The names of each field's values, starting with the field's lowest value.
_NAMES: dict[Field, tuple[str, ...]] = {
    fields.MONTH: _MONTHS,
    fields.DAY_OF_WEEK: _DAYS,
    fields.HALF: ("AM", "PM"),
    fields.ERA: ("BC", "AD"),
}
_OTHER_ERAS = {"BCE": 0, "bce": 0, "CE": 1, "ce": 1}
_SIGNED = frozenset({fields.YEAR, fields.WEEK_YEAR, fields.CENTURY})
_OFFSET = re.compile(
    r"([+-])([0-9][0-9])(?::([0-9][0-9])(?::([0-9][0-9])(?:[.,][0-9]{1,3})?)?|([0-9][0-9])(?:([0-9][0-9])(?:[0-9]{1,3})?)?)?"
)
_ZONE = re.compile(r"[A-Za-z0-9_+/-]+")
_MAX_HOURS, _MAX_MINUTES = 23, 59
# The zones whose English names Joda-Time reads by default, with these names and the hours west of Greenwich.
_AMERICAN = {
    "America/New_York": ("Eastern", 5),
    "America/Chicago": ("Central", 6),
    "America/Denver": ("Mountain", 7),
    "America/Los_Angeles": ("Pacific", 8),
}
_ZONE_NAMES = {
    "UT": "UTC",
    "UTC": "UTC",
    "GMT": "UTC",
    **{f"{name[0]}{kind}T": zone for zone, (name, _) in _AMERICAN.items() for kind in "SD"},
}


@dataclass(frozen=True)
class Local:
    """A local time to format, with its zone and the zone's offset from UTC in minutes."""

    moment: datetime
    zone: str = "UTC"
    offset: int = 0


@dataclass
class Found:
    """The fields and the zone that were read from a string."""

    values: list[tuple[Field, int]] = field(default_factory=list)
    offset: str | None = None
    zone: str | None = None


class Element(Protocol):
    """A part of a pattern."""

    def write(self, local: Local) -> str:
        """Return the text for a local time."""

    def read(self, text: str, place: int, found: Found) -> int | None:
        """Read the text at a position, and return the position after it. Return None if the text does not match."""


@dataclass(frozen=True)
class Literal:
    """Fixed text, which is matched case-insensitively when it is read."""

    text: str

    def write(self, local: Local) -> str:
        """Return the text."""
        return self.text

    def read(self, text: str, place: int, found: Found) -> int | None:
        """Return the position after the text, or None if the text does not match."""
        end = place + len(self.text)
        return end if text[place:end].lower() == self.text.lower() else None


@dataclass(frozen=True)
class Number:
    """A number with at least `width` digits when it is written, and at most `most` digits when it is read."""

    field: Field
    width: int
    most: int

    def write(self, local: Local) -> str:
        """Return the field's value."""
        return str(self.field.get(local.moment)).zfill(self.width)

    def read(self, text: str, place: int, found: Found) -> int | None:
        """Read digits. A year or a century can start with a sign."""
        match = _digits(self.most, signed=self.field in _SIGNED).match(text, place)
        if match is None:
            return None
        found.values.append((self.field, int(match.group())))
        return match.end()


@functools.cache
def _digits(most: int, *, signed: bool) -> re.Pattern[str]:
    return re.compile(("[+-]?" if signed else "") + rf"[0-9]{{1,{most}}}")


@dataclass(frozen=True)
class TwoDigits:
    """A two-digit year, which is within 50 years of the pivot year.

    A lenient element also reads years with any other number of digits, and does not change them.
    """

    field: Field
    pivot: int
    lenient: bool

    def write(self, local: Local) -> str:
        """Return the last two digits of the year."""
        return f"{self.field.get(local.moment) % 100:02}"

    def read(self, text: str, place: int, found: Found) -> int | None:
        """Read a year."""
        match = re.compile("[+-]?[0-9]+" if self.lenient else "[0-9]{2}").match(text, place)
        if match is None:
            return None
        year = int(match.group())
        if len(match.group()) == 2 and match.group().isdigit():
            first = self.pivot - 50
            year += first - first % 100 + (100 if year < first % 100 else 0)
        found.values.append((self.field, year))
        return match.end()


@dataclass(frozen=True)
class Text:
    """The name of a month, a day of the week, a half-day period (AM or PM) or an era.

    Both short and long names can be read.
    """

    field: Field
    short: bool = False

    def write(self, local: Local) -> str:
        """Return the name."""
        name = _NAMES[self.field][self.field.get(local.moment) - self.field.low]
        return name[:_SHORT] if self.short else name

    def read(self, text: str, place: int, found: Found) -> int | None:
        """Read the longest name that matches."""
        names = _names(self.field)
        for length in sorted({len(name) for name in names}, reverse=True):
            value = names.get(text[place : place + length])
            if value is not None:
                found.values.append((self.field, value))
                return place + length
        return None


@functools.cache
def _names(named: Field) -> dict[str, int]:
    names = {
        written: value
        for value, name in enumerate(_NAMES[named], named.low)
        for form in (name, name[:_SHORT])
        for written in (form, form.lower(), form.upper())
    }
    return names | (_OTHER_ERAS if named == fields.ERA else {})


@dataclass(frozen=True)
class Fraction:
    """A fraction of a second, minute or hour, which is truncated to milliseconds when it is read."""

    least: int
    most: int
    field: Field = fields.MILLI
    size: int = 1000

    def write(self, local: Local) -> str:
        """Return the digits."""
        digits = f"{local.moment.microsecond // 1000:03}".ljust(self.most, "0")[: self.most]
        return digits[: self.least] + digits[self.least :].rstrip("0")

    def read(self, text: str, place: int, found: Found) -> int | None:
        """Read digits."""
        match = _digits(self.most, signed=False).match(text, place)
        if match is None:
            return None
        found.values.append((self.field, int(match.group()) * self.size // 10 ** len(match.group())))
        return match.end()


@dataclass(frozen=True)
class Offset:
    """An offset from UTC, with or without a colon when it is written. ``Z`` is read as UTC."""

    colon: bool

    def write(self, local: Local) -> str:
        """Return the offset."""
        hours, minutes = divmod(abs(local.offset), 60)
        return f"{'-' if local.offset < 0 else '+'}{hours:02}{':' if self.colon else ''}{minutes:02}"

    def read(self, text: str, place: int, found: Found) -> int | None:
        """Read an offset."""
        if text[place : place + 1] in ("Z", "z"):
            found.offset = "UTC"
            return place + 1
        match = _OFFSET.match(text, place)
        if match is None or (text[match.end() : match.end() + 1] == ":" and match.group(4) is None):
            return None
        minutes, seconds = match.group(3) or match.group(5) or "00", match.group(4) or match.group(6) or "00"
        if int(match.group(2)) > _MAX_HOURS or int(minutes) > _MAX_MINUTES or int(seconds):
            return None
        found.offset = f"{match.group(1)}{match.group(2)}:{minutes}"
        return match.end()


@dataclass(frozen=True)
class ZoneId:
    """The ID of a zone, such as ``Europe/Berlin``."""

    def write(self, local: Local) -> str:
        """Return the ID."""
        return local.zone

    def read(self, text: str, place: int, found: Found) -> int | None:
        """Read the longest ID that matches."""
        match = _ZONE.match(text, place)
        for end in range(match.end() if match else place, place, -1):
            if text[place:end] in _zone_ids():
                found.zone = text[place:end]
                return end
        return None


@functools.cache
def _zone_ids() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@dataclass(frozen=True)
class ZoneName:
    """The English name of a zone, such as ``EST`` or ``Eastern Standard Time``."""

    short: bool

    def write(self, local: Local) -> str:
        """Return the name. Only UTC, offsets, and the zones whose names Joda-Time reads are supported."""
        if local.zone == "UTC":
            return "UTC" if self.short else "Coordinated Universal Time"
        if local.zone[0] in "+-":
            return local.zone
        name, west = _AMERICAN.get(local.zone, ("", 0))
        kind = {-west * 60: "Standard", (1 - west) * 60: "Daylight"}.get(local.offset)
        if not name or kind is None:
            raise AthenaError(
                f"The local Athena does not support the name of the time zone {local.zone} in a date format",
                "NOT_SUPPORTED",
            )
        return f"{name[0]}{kind[0]}T" if self.short else f"{name} {kind} Time"

    def read(self, text: str, place: int, found: Found) -> int | None:
        """Read a short name."""
        if not self.short:
            raise AthenaError("Parsing not supported")
        name = next((text[place:end] for end in (place + 3, place + 2) if text[place:end] in _ZONE_NAMES), None)
        if name is None:
            return None
        found.zone = _ZONE_NAMES[name]
        return place + len(name)


def write(elements: Sequence[Element], local: Local) -> str:
    """Format a local time with the elements of a pattern."""
    return "".join(element.write(local) for element in elements)


def read(elements: Sequence[Element], text: str) -> Found:
    """Parse an entire string with the elements of a pattern.

    Raises:
        AthenaError: The text does not match.
    """
    found, place = Found(), 0
    for element in elements:
        end = element.read(text, place, found)
        if end is None:
            raise malformed(text, place)
        place = end
    if place < len(text):
        raise malformed(text, place)
    return found


def malformed(text: str, place: int) -> AthenaError:
    """Return the error for a string that does not match the pattern at a position."""
    if place <= 0:
        return AthenaError(f'Invalid format: "{text}"')
    if place >= len(text):
        return AthenaError(f'Invalid format: "{text}" is too short')
    return AthenaError(f'Invalid format: "{text}" is malformed at "{text[place:]}"')
