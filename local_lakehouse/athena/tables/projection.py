"""Partition projection, which computes partitions from table properties instead of reading them from the Data Catalog.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from local_lakehouse.sql.failures import QueryFailure

_MOST_PARTITIONS = 1_000_000
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|.", re.DOTALL)
_TWO_DIGIT_YEAR = re.compile(r"(?<!y)yy(?!y)")
_NOW = re.compile(r"NOW\s*(?:([+-])\s*(\d+)\s*([A-Z]+))?", re.IGNORECASE)
_UNITS = {
    "MILLISECOND": timedelta(milliseconds=1),
    "SECOND": timedelta(seconds=1),
    "MINUTE": timedelta(minutes=1),
    "HOUR": timedelta(hours=1),
    "DAY": timedelta(days=1),
    "WEEK": timedelta(weeks=1),
}
_MONTHS = {"MONTH": 1, "YEAR": 12}
# The supported pattern letters of Java's SimpleDateFormat, each with its field and unit.
_FIELDS = {
    "y": ("year", "YEAR"),
    "M": ("month", "MONTH"),
    "d": ("day", "DAY"),
    "H": ("hour", "HOUR"),
    "m": ("minute", "MINUTE"),
    "s": ("second", "SECOND"),
    "S": ("millisecond", "MILLISECOND"),
}

Wanted = Callable[[str, str], bool]


def is_projected(entry: dict[str, Any]) -> bool:
    """Return whether a table uses partition projection."""
    return str(entry.get("Parameters", {}).get("projection.enabled", "false")).lower() == "true"


def check_projection(keys: Sequence[str], parameters: dict[str, str]) -> None:
    """Reject an invalid projection configuration.

    Raises:
        QueryFailure: The configuration is invalid (``INVALID_TABLE_PROPERTY``).
    """
    if parameters.get("projection.enabled", "false").lower() != "true":
        return
    missing = [key for key in keys if f"projection.{key}.type" not in parameters]
    if missing:
        raise _invalid(
            "The table is configured for partition projection, but the following partition columns are missing "
            f"projection configuration: [{', '.join(missing)}]"
        )
    for key in keys:
        if parameters[f"projection.{key}.type"].lower() != "injected":
            next(iter(_values(key, parameters, datetime(2024, 1, 1))), None)


def partitions(
    entry: dict[str, Any], wanted: Wanted, equal: Mapping[str, Sequence[str]], now: datetime
) -> Iterator[tuple[str, list[str]]]:
    """Yield the location and the values of each partition.

    Args:
        entry: The table's catalog entry.
        wanted: A function that returns whether a statement reads a given value of a partition column.
        equal: The strings that the statement's equality conditions allow for each partition column.
        now: The statement's start time, in UTC and without tzinfo.

    Raises:
        QueryFailure: The configuration is invalid, the statement has no values for an injected column, or there are too
            many partitions.
    """
    keys = [column["Name"].lower() for column in entry.get("PartitionKeys", ())]
    parameters = {str(name).lower(): str(value) for name, value in entry.get("Parameters", {}).items()}
    check_projection(keys, parameters)
    choices: list[list[str]] = []
    for key in keys:
        if parameters[f"projection.{key}.type"].lower() == "injected":
            if key not in equal:
                raise QueryFailure(
                    "CONSTRAINT_VIOLATION",
                    f"For the injected projected partition column {key}, the WHERE clause must contain only static "
                    "equality conditions, and at least one such condition must be present.",
                )
            choices.append(list(equal[key]))
        else:
            choices.append([value for value in _values(key, parameters, now) if wanted(key, value)])
    count = 1
    for values in choices:
        count *= len(values)
    if count > _MOST_PARTITIONS:
        raise QueryFailure(
            "HIVE_EXCEEDED_PARTITION_LIMIT",
            f"Query over table '{entry['DatabaseName']}.{entry['Name']}' can potentially read more than "
            f"{_MOST_PARTITIONS} partitions. Restrict the partition columns in the WHERE clause.",
        )
    for chosen in itertools.product(*choices):
        yield _location(entry, keys, chosen), list(chosen)


def _location(entry: dict[str, Any], keys: Sequence[str], values: Sequence[str]) -> str:
    template: str | None = entry.get("Parameters", {}).get("storage.location.template")
    if template is None:
        base = str(entry["StorageDescriptor"]["Location"]).rstrip("/")
        return base + "".join(f"/{key}={value}" for key, value in zip(keys, values, strict=True)) + "/"
    by_key = dict(zip(keys, values, strict=True))
    return re.sub(r"\$\{(\w+)\}", lambda match: by_key.get(match.group(1).lower(), match.group()), template)


def _values(key: str, parameters: dict[str, str], now: datetime) -> Iterator[str]:
    kind = parameters[f"projection.{key}.type"].lower()
    if kind == "enum":
        return (value.strip() for value in _needed(key, "values", parameters).split(","))
    if kind == "integer":
        return _integers(key, parameters)
    if kind == "date":
        return _dates(key, parameters, now)
    raise _invalid(f"projection.{key}.type is {kind}, but must be enum, integer, date or injected")


def _integers(key: str, parameters: dict[str, str]) -> Iterator[str]:
    digits = int(parameters.get(f"projection.{key}.digits", "0"))
    interval = int(parameters.get(f"projection.{key}.interval", "1"))
    try:
        first, last = map(int, _needed(key, "range", parameters).split(","))
    except ValueError as error:
        raise _invalid(f"projection.{key}.range must be two numbers") from error
    for value in range(first, last + 1, interval):
        yield f"{value:0{digits}}"


def _dates(key: str, parameters: dict[str, str], now: datetime) -> Iterator[str]:
    pattern = _needed(key, "format", parameters)
    smallest = _smallest_unit(key, pattern)
    interval = parameters.get(f"projection.{key}.interval")
    unit = parameters.get(f"projection.{key}.interval.unit", smallest).upper().rstrip("S")
    if interval is None and smallest not in ("DAY", "MONTH"):
        raise _invalid(
            f"projection.{key}.interval is required, because the smallest unit in the format {pattern} is neither a "
            "day nor a month"
        )
    if unit not in _UNITS and unit not in _MONTHS:
        raise _invalid(f"projection.{key}.interval.unit must be a Java time unit")
    ends = _needed(key, "range", parameters).split(",")
    if len(ends) != 2:
        raise _invalid(f"projection.{key}.range must be two dates or times")
    first, last = (_moment(key, text.strip(), pattern, now) for text in ends)
    previous = None
    for number in itertools.count():
        moment = _later(first, number * int(interval or "1"), unit)
        if moment > last:
            return
        text = _written(moment, pattern)
        if text != previous:
            yield text
        previous = text


def _smallest_unit(key: str, pattern: str) -> str:
    order = list(_FIELDS)
    tokens = [match.group() for match in _TOKEN.finditer(pattern) if match.group(2)]
    letters = [token[0] for token in tokens]
    # Java formats `MMM` and longer sequences of M as the name of a month.
    if not letters or set(letters) - set(order) or any(token.startswith("MMM") for token in tokens):
        raise _invalid(f"The local Athena does not support the format in projection.{key}.format: {pattern}")
    return _FIELDS[max(letters, key=order.index)][1]


def _moment(key: str, text: str, pattern: str, now: datetime) -> datetime:
    match = _NOW.fullmatch(text)
    if match:
        if match.group(1) is None:
            return now
        unit = match.group(3).upper().rstrip("S")
        if unit not in _UNITS and unit not in _MONTHS:
            raise _invalid(f"projection.{key}.range has an unknown time unit: {text}")
        return _later(now, int(match.group(1) + match.group(2)), unit)
    read = "".join(
        f"(?P<{token[0]}{place}>\\d{{{len(token)}{'' if len(token) > 1 else ',2'}}})"
        if token[0] in _FIELDS and not token.startswith("'")
        else re.escape(token.strip("'"))
        for place, token in enumerate(match.group() for match in _TOKEN.finditer(pattern))
    )
    found = re.fullmatch(read, text)
    if found is None:
        raise _invalid(f"projection.{key}.range does not match the format {pattern}: {text}")
    parts = {_FIELDS[name[0]][0]: int(value) for name, value in found.groupdict().items()}
    if "year" in parts and _TWO_DIGIT_YEAR.search(pattern):
        parts["year"] += 2000
    day = datetime(parts.get("year", 1970), parts.get("month", 1), parts.get("day", 1))
    return day + timedelta(
        hours=parts.get("hour", 0),
        minutes=parts.get("minute", 0),
        seconds=parts.get("second", 0),
        milliseconds=parts.get("millisecond", 0),
    )


def _later(moment: datetime, count: int, unit: str) -> datetime:
    if unit in _UNITS:
        return moment + count * _UNITS[unit]
    months = moment.year * 12 + moment.month - 1 + count * _MONTHS[unit]
    year, month = divmod(months, 12)
    first = moment.replace(year=year, month=month + 1, day=1)
    last_day = ((first + timedelta(days=32)).replace(day=1) - timedelta(days=1)).day
    return first.replace(day=min(moment.day, last_day))


def _written(moment: datetime, pattern: str) -> str:
    parts = []
    for match in _TOKEN.finditer(pattern):
        token = match.group()
        if match.group(2):
            name = _FIELDS[token[0]][0]
            value = moment.microsecond // 1000 if name == "millisecond" else getattr(moment, name)
            parts.append(f"{value % 100:02}" if token == "yy" else f"{value:0{len(token)}}")
        else:
            parts.append(match.group(1).replace("''", "'") if match.group(1) is not None else token)
    return "".join(parts)


def _needed(key: str, name: str, parameters: dict[str, str]) -> str:
    found = parameters.get(f"projection.{key}.{name}")
    if not found:
        raise _invalid(f"projection.{key}.{name} is required for the type {parameters[f'projection.{key}.type']}")
    return found


def _invalid(message: str) -> QueryFailure:
    return QueryFailure("INVALID_TABLE_PROPERTY", message)
