"""The date patterns of MySQL (``%Y-%m-%d``) and Joda (``yyyy-MM-dd``).

https://trino.io/docs/current/functions/datetime.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

from local_lakehouse.sql.runtime.udf import AthenaError
from local_lakehouse.sql.zones import is_zone

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_HALF_DAY = 12
_PIVOT = 70

_MYSQL_WRITERS: dict[str, Callable[[datetime], str]] = {
    "a": lambda t: _DAYS[t.weekday()][:3],
    "b": lambda t: _MONTHS[t.month - 1][:3],
    "c": lambda t: str(t.month),
    "d": lambda t: f"{t.day:02}",
    "e": lambda t: str(t.day),
    "f": lambda t: f"{t.microsecond:06}",
    "H": lambda t: f"{t.hour:02}",
    "h": lambda t: f"{_half(t):02}",
    "I": lambda t: f"{_half(t):02}",
    "i": lambda t: f"{t.minute:02}",
    "j": lambda t: f"{t.timetuple().tm_yday:03}",
    "k": lambda t: str(t.hour),
    "l": lambda t: str(_half(t)),
    "M": lambda t: _MONTHS[t.month - 1],
    "m": lambda t: f"{t.month:02}",
    "p": lambda t: "AM" if t.hour < _HALF_DAY else "PM",
    "r": lambda t: f"{_half(t):02}:{t.minute:02}:{t.second:02} {'AM' if t.hour < _HALF_DAY else 'PM'}",
    "S": lambda t: f"{t.second:02}",
    "s": lambda t: f"{t.second:02}",
    "T": lambda t: f"{t.hour:02}:{t.minute:02}:{t.second:02}",
    "v": lambda t: f"{t.isocalendar().week:02}",
    "W": lambda t: _DAYS[t.weekday()],
    "x": lambda t: str(t.isocalendar().year),
    "Y": lambda t: f"{t.year:04}",
    "y": lambda t: f"{t.year % 100:02}",
    "%": lambda _: "%",
}
_MYSQL_REFUSED = "DUuVwX"
_NAMES = {
    "MONTH": "|".join(_MONTHS),
    "MON": "|".join(name[:3] for name in _MONTHS),
    "DAYNAME": "|".join(_DAYS),
    "DY": "|".join(name[:3] for name in _DAYS),
}
_MYSQL_READERS = {
    "a": ("skip", _NAMES["DY"]),
    "b": ("month_name", _NAMES["MON"]),
    "c": ("month", r"\d{1,2}"),
    "d": ("day", r"\d{1,2}"),
    "e": ("day", r"\d{1,2}"),
    "f": ("fraction", r"\d{1,9}"),
    "H": ("hour", r"\d{1,2}"),
    "h": ("half_hour", r"\d{1,2}"),
    "I": ("half_hour", r"\d{1,2}"),
    "i": ("minute", r"\d{1,2}"),
    "j": ("day_of_year", r"\d{1,3}"),
    "k": ("hour", r"\d{1,2}"),
    "l": ("half_hour", r"\d{1,2}"),
    "M": ("month_name", _NAMES["MONTH"]),
    "m": ("month", r"\d{1,2}"),
    "p": ("half", r"AM|PM"),
    "S": ("second", r"\d{1,2}"),
    "s": ("second", r"\d{1,2}"),
    "W": ("skip", _NAMES["DAYNAME"]),
    "Y": ("year", r"[+-]?\d{1,4}"),
    "y": ("short_year", r"\d{2}"),
}
_JODA_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)")


def _half(moment: datetime) -> int:
    return moment.hour % _HALF_DAY or _HALF_DAY


def format_mysql(moment: datetime, pattern: str) -> str:
    """Format a value with a MySQL pattern."""
    result, letters = "", iter(pattern)
    for letter in letters:
        if letter != "%":
            result += letter
            continue
        code = next(letters, "%")
        if code in _MYSQL_REFUSED:
            raise AthenaError(f"%{code} not supported in date format string")
        writer = _MYSQL_WRITERS.get(code)
        result += writer(moment) if writer else code
    return result


@functools.lru_cache(maxsize=256)
def _mysql_reader(pattern: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    parts, fields, letters = "", [], iter(pattern.replace("%T", "%H:%i:%s").replace("%r", "%h:%i:%s %p"))
    for letter in letters:
        if letter != "%":
            parts += re.escape(letter)
            continue
        code = next(letters, "%")
        if code in _MYSQL_REFUSED:
            raise AthenaError(f"%{code} not supported in date format string")
        if code not in _MYSQL_READERS:
            parts += re.escape(code)
            continue
        field, expression = _MYSQL_READERS[code]
        parts += f"({expression})"
        fields.append(field)
    return re.compile(parts, re.IGNORECASE), tuple(fields)


def parse_mysql(text: str, pattern: str) -> datetime:
    """Parse a value with a MySQL pattern."""
    compiled, fields = _mysql_reader(pattern)
    return _read(text, compiled, fields)[0]


def _read(text: str, compiled: re.Pattern[str], fields: tuple[str, ...]) -> tuple[datetime, str]:
    match = compiled.fullmatch(text)
    bad = AthenaError(f'Invalid format: "{text}"')
    if match is None:
        raise bad
    found = dict(zip(fields, match.groups(), strict=False))
    try:
        return _moment(found), _zone_of(found, text)
    except ValueError as error:
        if isinstance(error, AthenaError):
            raise
        raise AthenaError(f'Cannot parse "{text}": {error}') from error


def _moment(found: dict[str, str]) -> datetime:
    year = int(found.get("year", "1970"))
    if "short_year" in found:
        short = int(found["short_year"])
        year = short + (1900 if short >= _PIVOT else 2000)
    month = int(found.get("month", "1"))
    if "month_name" in found:
        month = [name[:3].lower() for name in _MONTHS].index(found["month_name"][:3].lower()) + 1
    hour = int(found.get("hour", "0"))
    if "clock_hour" in found:
        hour = int(found["clock_hour"])
        if not 1 <= hour <= 24:
            raise ValueError(f"Value {hour} for clockhourOfDay must be in the range [1,24]")
        hour %= 24
    if "half_hour_from_0" in found:
        half = int(found["half_hour_from_0"])
        if half >= _HALF_DAY:
            raise ValueError(f"Value {half} for hourOfHalfday must be in the range [0,11]")
        hour = half + (_HALF_DAY if found.get("half", "AM").upper() == "PM" else 0)
    if "half_hour" in found:
        half = int(found["half_hour"])
        if not 1 <= half <= _HALF_DAY:
            raise ValueError(f"Value {half} for clockhourOfHalfday must be in the range [1,12]")
        hour = half % _HALF_DAY + (_HALF_DAY if found.get("half", "AM").upper() == "PM" else 0)
    fraction = int(found.get("fraction", "0").ljust(9, "0")[:3]) * 1000
    moment = datetime(
        year,
        month,
        int(found.get("day", "1")),
        hour,
        int(found.get("minute", "0")),
        int(found.get("second", "0")),
        fraction,
    )
    if "week_year" in found or "week" in found:
        day = date.fromisocalendar(
            int(found.get("week_year", str(year))), int(found.get("week", "1")), int(found.get("day_of_week", "1"))
        )
        moment = datetime.combine(day, moment.time())
    if "day_of_year" in found:
        moment = moment.replace(month=1, day=1) + timedelta(days=int(found["day_of_year"]) - 1)
    return moment


def _zone_of(found: dict[str, str], text: str) -> str:
    zone = found.get("zone", "UTC")
    if not is_zone(zone):
        raise AthenaError(f'Invalid format: "{text}"')
    return zone


def format_joda(local: datetime, zone: str, offset: int, pattern: str) -> str:
    """Format a value with a Joda pattern."""
    result = ""
    for match in _tokens(pattern):
        if match.group(2):
            result += _joda_text(match.group(2), len(match.group()), local, zone, offset, pattern)
        else:
            result += _quoted(match)
    return result


def _tokens(pattern: str) -> list[re.Match[str]]:
    tokens = list(_JODA_TOKEN.finditer(pattern))
    if "".join(match.group() for match in tokens) != pattern:
        raise AthenaError(f"Invalid format: {pattern}")
    return tokens


def _quoted(match: re.Match[str]) -> str:
    if match.group(3) is not None:
        return match.group(3)
    return "'" if match.group() == "''" else (match.group(1) or "").replace("''", "'")


def _joda_text(letter: str, count: int, local: datetime, zone: str, offset: int, pattern: str) -> str:
    if letter in "yYu":
        return f"{local.year % 100:02}" if count == 2 else str(local.year).zfill(count)
    if letter == "M":
        name = _MONTHS[local.month - 1]
        return str(local.month).zfill(count) if count < 3 else name[:3] if count == 3 else name
    if letter == "E":
        return _DAYS[local.weekday()] if count > 3 else _DAYS[local.weekday()][:3]
    if letter == "S":
        return f"{local.microsecond:06}".ljust(count, "0")[:count]
    if letter == "a":
        return "AM" if local.hour < _HALF_DAY else "PM"
    if letter == "Z":
        return zone if count > 2 else _offset(offset, colon=count == 2)
    if letter == "z":
        return zone
    numbers = {
        "d": local.day,
        "D": local.timetuple().tm_yday,
        "e": local.isoweekday(),
        "w": local.isocalendar().week,
        "x": local.isocalendar().year,
        "H": local.hour,
        "k": local.hour or 24,
        "h": _half(local),
        "K": local.hour % _HALF_DAY,
        "m": local.minute,
        "s": local.second,
    }
    if letter not in numbers:
        raise AthenaError(f"Illegal pattern component: {letter * count} in {pattern}")
    return str(numbers[letter]).zfill(count)


def _offset(minutes: int, *, colon: bool) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}{':' if colon else ''}{abs(minutes) % 60:02}"


_JODA_READERS = {
    "y": "year",
    "Y": "year",
    "u": "year",
    "d": "day",
    "D": "day_of_year",
    "H": "hour",
    "h": "half_hour",
    "m": "minute",
    "s": "second",
    "k": "clock_hour",
    "K": "half_hour_from_0",
    "x": "week_year",
    "w": "week",
    "e": "day_of_week",
}


@functools.lru_cache(maxsize=256)
def _joda_reader(pattern: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    parts, fields = "", []
    tokens = _tokens(pattern)
    for match, following in zip(tokens, [*tokens[1:], None], strict=True):
        letter, count = match.group(2), len(match.group())
        if not letter:
            parts += re.escape(_quoted(match))
            continue
        field, expression = _joda_field(letter, count, pattern)
        if field == "year" and following is not None and _is_number_field(following):
            # A year that is followed directly by another number has a limited number of digits.
            expression = rf"[+-]?\d{{1,{count}}}+"
        parts += f"({expression})"
        fields.append(field)
    return re.compile(parts, re.IGNORECASE), tuple(fields)


def _is_number_field(token: re.Match[str]) -> bool:
    letter, count = token.group(2), len(token.group())
    return bool(letter) and (letter in "cCxyYudhHmsSeDFwWkK" or (letter == "M" and count < 3))


def _joda_field(letter: str, count: int, pattern: str) -> tuple[str, str]:
    if letter in "yYu" and count == 2:
        return "short_year", r"\d{2}"
    if letter == "M" and count >= 3:
        return "month_name", _NAMES["MONTH"] + "|" + _NAMES["MON"]
    if letter == "M":
        return "month", r"\d{1,2}+"
    if letter == "E":
        return "skip", _NAMES["DAYNAME"] + "|" + _NAMES["DY"]
    if letter == "S":
        return "fraction", rf"\d{{1,{count}}}+"
    if letter == "a":
        return "half", "AM|PM"
    if letter in "Zz":
        return "zone", r"[+-]\d{2}:?\d{2}|[A-Za-z_]+(?:/[A-Za-z_]+)*|Z"
    field = _JODA_READERS.get(letter)
    if letter in "CFG":
        raise AthenaError(f"Parsing {letter * count} in a date format is not supported: {pattern}", "NOT_SUPPORTED")
    if field is None:
        raise AthenaError(f"Illegal pattern component: {letter * count} in {pattern}")
    digits = {"year": 9, "week_year": 9, "day_of_year": 3, "day_of_week": 1}.get(field, 2)
    return field, ("[+-]?" if field in ("year", "week_year") else "") + rf"\d{{1,{digits}}}+"


def parse_joda(text: str, pattern: str) -> tuple[datetime, str]:
    """Parse a value with a Joda pattern. A value without a zone is in UTC."""
    compiled, fields = _joda_reader(pattern)
    return _read(text, compiled, fields)
