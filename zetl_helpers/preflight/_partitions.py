"""Possible partition specifications, and the reasons why they are suitable or not.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-data-partitioning.html
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zetl_helpers.preflight._items import Item

MB = 2**20
# Smaller partitions have inefficiently small files. Most guidance for Iceberg recommends 100 MB or more.
SMALLEST_PARTITION = 64 * MB
MOST_PARTITIONS = 10_000
_MOST_IDENTITIES = 200
_UNITS = ("year", "month", "day", "hour")
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}):\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?", re.ASCII
)
# Numbers in this range, which corresponds to the years 2000 to 2100 in epoch seconds, are treated as times.
_EARLIEST, _LATEST = 946_684_800, 4_102_444_800


@dataclass(frozen=True)
class Candidate:
    """A possible partitioning of the target table.

    Args:
        spec: The entry for ``PartitionSpec`` in the table properties.
        partitions: The number of partitions.
        largest: The share of the items in the largest partition, from 0 to 1.
        mean_bytes: The mean partition size, as DynamoDB measures it, extrapolated to the whole table.
        reason: The reason why the partitioning is suitable or not.
        fits: Whether the partitioning is recommended.
    """

    spec: dict[str, str]
    partitions: int
    largest: float
    mean_bytes: float
    reason: str
    fits: bool


def candidates(items: Sequence[Item], keys: Iterable[str], table_bytes: int) -> list[Candidate]:
    """Return the possible partitionings by one attribute, with suitable partitionings first.

    Args:
        items: The items in DynamoDB JSON.
        keys: The names of the key attributes.
        table_bytes: The size of the whole table, of which `items` may be a sample.
    """
    found = [
        each for name, present in _scalars(items).items() for each in _of_attribute(name, present, items, table_bytes)
    ]
    distinct_keys = set(keys)
    return sorted(found, key=lambda each: (not each.fits, each.spec["FieldName"] in distinct_keys, each.partitions))


def _scalars(items: Sequence[Item]) -> dict[str, list[str]]:
    """Return the values of the attributes that most items contain as a string or a number."""
    found: dict[str, list[str]] = {}
    for item in items:
        for name, value in item.items():
            ((tag, content),) = value.items()
            if tag in ("S", "N"):
                found.setdefault(name, []).append(content)
    return {name: values for name, values in found.items() if len(values) > len(items) / 2}


def _of_attribute(name: str, values: Sequence[str], items: Sequence[Item], table_bytes: int) -> Iterator[Candidate]:
    if len(values) == len(items):
        yield from _complete(name, values, table_bytes)
        return
    for candidate in _complete(name, values, table_bytes):
        reason = (
            f"Items without this attribute: {len(items) - len(values):,} of {len(items):,}. The integration would need "
            "attention."
        )
        yield replace(candidate, fits=False, reason=reason)


def _complete(name: str, values: Sequence[str], table_bytes: int) -> Iterator[Candidate]:
    conversion, moment = _time_of(values)
    if conversion and moment:
        choices = [_counted(name, unit, conversion, map(moment, values), table_bytes) for unit in _UNITS]
        useful = [each for each in choices if each.fits]
        # A finer unit with the same number of partitions has no benefit.
        yield max(useful, key=lambda each: each.partitions) if useful else choices[1]
        return
    counted = Counter(values)
    if 2 <= len(counted) <= min(_MOST_IDENTITIES, len(values) // 2):
        yield _judged({"FieldName": name, "FunctionSpec": "identity"}, counted, table_bytes)


def _counted(
    name: str, unit: str, conversion: str, moments: Iterable[datetime.datetime], table_bytes: int
) -> Candidate:
    parts = _UNITS.index(unit) + 1
    counted = Counter(moment.timetuple()[:parts] for moment in moments)
    return _judged({"FieldName": name, "FunctionSpec": unit, "ConversionSpec": conversion}, counted, table_bytes)


def _judged(spec: dict[str, str], counted: Counter[Any], table_bytes: int) -> Candidate:
    total, partitions = sum(counted.values()), len(counted)
    largest, mean = max(counted.values()) / total, table_bytes / partitions
    if partitions == 1:
        reason = "All items would be in one partition."
    elif mean < SMALLEST_PARTITION:
        smallest = _size(SMALLEST_PARTITION)
        reason = (
            f"The average partition would contain {_size(mean)}. Partitions smaller than {smallest} are inefficient."
        )
    elif partitions > MOST_PARTITIONS:
        reason = f"{partitions:,} partitions would be too many. Use at most {MOST_PARTITIONS:,}."
    elif largest > 0.8:
        reason = f"{largest:.0%} of the items would be in one partition."
    else:
        reason = f"{partitions:,} partitions of {_size(mean)} on average"
        return Candidate(spec, partitions, largest, mean, reason, True)
    return Candidate(spec, partitions, largest, mean, reason, False)


def _time_of(values: Sequence[str]) -> tuple[str | None, Callable[[str], datetime.datetime] | None]:
    """Return the time format of values and the function that parses them, or two None values if they are not times."""
    if all(_is_iso(value) for value in values):
        return "iso", _iso
    numbers = [_number(value) for value in values]
    for conversion, factor in (("epoch_sec", 1), ("epoch_milli", 1000)):
        if all(number is not None and _EARLIEST * factor <= number < _LATEST * factor for number in numbers):
            return conversion, lambda value, factor=factor: datetime.datetime.fromtimestamp(
                float(value) / factor, datetime.UTC
            )
    return None, None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_iso(text: str) -> bool:
    try:
        return bool(_ISO.fullmatch(text)) and _iso(text) is not None
    except ValueError:
        return False


def _iso(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    return moment.astimezone(datetime.UTC) if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _size(size: float) -> str:
    for unit, factor in (("GB", 2**30), ("MB", MB), ("KB", 2**10)):
        if size >= factor:
            return f"{size / factor:,.0f} {unit}"
    return f"{size:,.0f} bytes"
