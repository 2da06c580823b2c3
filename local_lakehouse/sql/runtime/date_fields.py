"""The fields of dates and times, and the conversion of parsed fields to a moment.

Joda-Time's rules apply. Longer fields are set first, and each field resets the shorter fields. A day of the week moves
the date within its week. A month or a day without a year is in the year 2000.
https://www.joda.org/joda-time/apidocs/org/joda/time/format/DateTimeParserBucket.html
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta

from local_lakehouse.sql.runtime.udf import AthenaError

_HALF_DAY = 12
_START = datetime(1970, 1, 1)
_DEFAULT_YEAR = 2000
_JODA_YEARS = 292_278_993
# If the longest parsed field has one of these ranks (months, weeks and days), the default year is used.
_WITHIN_A_YEAR = range(3, 8)


@dataclass(frozen=True)
class Field:
    """A field of a date and time.

    Args:
        name: The field's name in messages.
        rank: The field's position in the order from the longest to the shortest field.
        low: The field's smallest value.
        high: A function that returns the field's largest valid value at a moment.
        get: A function that returns the field's value at a moment.
        put: A function that returns a moment with the field set to another value.
        floor: A function that returns the start of the period, such as the month, that contains a moment.
    """

    name: str
    rank: int
    low: int
    high: Callable[[datetime], int]
    get: Callable[[datetime], int]
    put: Callable[[datetime, int], datetime]
    floor: Callable[[datetime], datetime]

    def set(self, moment: datetime, value: int) -> datetime:
        """Return a moment with this field set to a value.

        Raises:
            ValueError: The value is outside the field's range.
        """
        if not self.low <= value <= self.high(moment):
            raise ValueError(f"Value {value} for {self.name} must be in the range [{self.low},{self.high(moment)}]")
        return self.put(moment, value)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _monday(moment: datetime) -> datetime:
    return _midnight(moment) - timedelta(days=moment.weekday())


def _weeks(year: int) -> int:
    return date(year, 12, 28).isocalendar().week


def _put_year(moment: datetime, year: int) -> datetime:
    return moment.replace(year=year, day=min(moment.day, monthrange(year, moment.month)[1]))


def _put_week_year(moment: datetime, year: int) -> datetime:
    found = moment.isocalendar()
    week = min(found.week, _weeks(found.year), _weeks(year))
    return datetime.combine(date.fromisocalendar(year, week, found.weekday), moment.time())


def _floor_week_year(moment: datetime) -> datetime:
    return _monday(moment) - timedelta(weeks=moment.isocalendar().week - 1)


def _put_month(moment: datetime, month: int) -> datetime:
    return moment.replace(month=month, day=min(moment.day, monthrange(moment.year, month)[1]))


def _half(moment: datetime) -> int:
    return moment.hour // _HALF_DAY * _HALF_DAY


def _start_of_year(moment: datetime) -> datetime:
    return _midnight(moment).replace(month=1, day=1)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _within(field: str, rank: int, of: Callable[[datetime], datetime], highest: int) -> Field:
    """Return a field that counts the milliseconds since the start of a longer field."""
    return Field(
        field,
        rank,
        0,
        lambda _: highest,
        lambda t: (t - of(t)) // timedelta(milliseconds=1),
        lambda t, value: of(t) + timedelta(milliseconds=value),
        lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000),
    )


def _clock(name: str, rank: int, low: int, high: int, parts: tuple[Callable[[datetime], int], ...]) -> Field:
    """Return an hour field.

    `parts` contains two functions: one returns the hour of the day, and the other returns the first hour of the day or
    half-day.
    """
    get, before = parts
    size = high - low + 1
    return Field(
        name,
        rank,
        low,
        lambda _: high,
        lambda t: get(t) % size or (high if low else 0),
        lambda t, value: t.replace(hour=before(t) + value % size),
        _hour,
    )


def _hour_of_day(moment: datetime) -> int:
    return moment.hour


def _no_hours(_: datetime) -> int:
    return 0


ERA = Field("era", 0, 0, lambda _: 1, lambda _: 1, lambda t, _: t, lambda t: t)
CENTURY = Field(
    "centuryOfEra",
    1,
    0,
    lambda _: _JODA_YEARS // 100,
    lambda t: t.year // 100,
    lambda t, value: _put_year(t, value * 100 + t.year % 100),
    lambda t: _start_of_year(t).replace(year=t.year // 100 * 100),
)
YEAR = Field("year", 2, -_JODA_YEARS, lambda _: _JODA_YEARS, lambda t: t.year, _put_year, _start_of_year)
YEAR_OF_ERA = Field("yearOfEra", 2, 1, lambda _: _JODA_YEARS, lambda t: t.year, _put_year, _start_of_year)
WEEK_YEAR = Field(
    "weekyear",
    2,
    -_JODA_YEARS,
    lambda _: _JODA_YEARS,
    lambda t: t.isocalendar().year,
    _put_week_year,
    _floor_week_year,
)
MONTH = Field("monthOfYear", 3, 1, lambda _: 12, lambda t: t.month, _put_month, lambda t: _midnight(t).replace(day=1))
WEEK = Field(
    "weekOfWeekyear",
    4,
    1,
    lambda t: _weeks(t.isocalendar().year),
    lambda t: t.isocalendar().week,
    lambda t, value: t + timedelta(weeks=value - t.isocalendar().week),
    _monday,
)
DAY_OF_YEAR = Field(
    "dayOfYear",
    5,
    1,
    lambda t: 366 if isleap(t.year) else 365,
    lambda t: t.timetuple().tm_yday,
    lambda t, value: t + timedelta(days=value - t.timetuple().tm_yday),
    _midnight,
)
DAY = Field(
    "dayOfMonth",
    6,
    1,
    lambda t: monthrange(t.year, t.month)[1],
    lambda t: t.day,
    lambda t, value: t.replace(day=value),
    _midnight,
)
DAY_OF_WEEK = Field(
    "dayOfWeek",
    7,
    1,
    lambda _: 7,
    lambda t: t.isoweekday(),
    lambda t, value: t + timedelta(days=value - t.isoweekday()),
    _midnight,
)
HALF = Field(
    "halfdayOfDay",
    8,
    0,
    lambda _: 1,
    lambda t: t.hour // _HALF_DAY,
    lambda t, value: t.replace(hour=t.hour % _HALF_DAY + value * _HALF_DAY),
    lambda t: _hour(t).replace(hour=_half(t)),
)
HOUR = _clock("hourOfDay", 9, 0, 23, (_hour_of_day, _no_hours))
CLOCK_HOUR = _clock("clockhourOfDay", 9, 1, 24, (_hour_of_day, _no_hours))
HALF_HOUR = _clock("hourOfHalfday", 10, 0, 11, (_hour_of_day, _half))
CLOCK_HALF_HOUR = _clock("clockhourOfHalfday", 10, 1, 12, (_hour_of_day, _half))
MINUTE = Field(
    "minuteOfHour",
    11,
    0,
    lambda _: 59,
    lambda t: t.minute,
    lambda t, value: t.replace(minute=value),
    lambda t: t.replace(second=0, microsecond=0),
)
SECOND = Field(
    "secondOfMinute",
    12,
    0,
    lambda _: 59,
    lambda t: t.second,
    lambda t, value: t.replace(second=value),
    lambda t: t.replace(microsecond=0),
)
MILLI_OF_HOUR = _within("millisOfSecond", 11, _hour, 3_599_999)
MILLI_OF_MINUTE = _within("millisOfSecond", 12, lambda t: t.replace(second=0, microsecond=0), 59_999)
MILLI = _within("millisOfSecond", 13, lambda t: t.replace(microsecond=0), 999)


def moment_of(fields: Iterable[tuple[Field, int]], text: str) -> datetime:
    """Return the moment that parsed fields describe.

    Args:
        fields: The fields and their values, in the order of the text.
        text: The text, for messages.
    """
    found = sorted(fields, key=lambda each: each[0].rank)
    if found and found[0][0].rank in _WITHIN_A_YEAR:
        found.insert(0, (YEAR, _DEFAULT_YEAR))
    moment = _START
    try:
        for field, value in found:
            moment = field.floor(_set(moment, field, value))
        for field, value in found:
            moment = _set(moment, field, value)
    except AthenaError:
        raise
    except ValueError as error:
        raise AthenaError(f'Cannot parse "{text}": {error}') from error
    return found[-1][0].floor(moment) if found else moment


def _set(moment: datetime, field: Field, value: int) -> datetime:
    far = AthenaError("The local Athena does not parse dates outside the years 1 to 9999", "NOT_SUPPORTED")
    if field.rank <= YEAR.rank and field.low <= value <= field.high(moment):
        year = {ERA: value, CENTURY: value * 100 + moment.year % 100}.get(field, value)
        if not MINYEAR <= year <= MAXYEAR:
            raise far
    try:
        return field.set(moment, value)
    except OverflowError as error:
        raise far from error
