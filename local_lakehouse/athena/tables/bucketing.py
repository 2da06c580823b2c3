"""The buckets of Hive tables, and the selection of buckets that a statement must read.

AWS: https://docs.aws.amazon.com/athena/latest/ug/ctas-partitioning-and-bucketing-what-is-bucketing.html
"""

from __future__ import annotations

import itertools
import math
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.session import Condition
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

_UNSIGNED = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF
_MOST_COMBINATIONS = 1000
_PRIMITIVES = frozenset(("boolean", "real", "double", "varchar", "date", *types.INTEGERS))
_FILE_NAMES = (
    re.compile(r"\d{8}_\d{6}_\d{5}_[a-z0-9]{5}_bucket-(\d+)(?:[-_.].*)?", re.DOTALL),
    re.compile(r"(\d+)_\d+.*", re.DOTALL),
)


@dataclass(frozen=True)
class Bucketing:
    """A table's buckets.

    Args:
        columns: The columns whose values determine a row's bucket.
        count: The number of buckets.
        hashed_by_hive: Whether Hive's original hash function assigns rows to buckets.
    """

    columns: tuple[str, ...]
    count: int
    hashed_by_hive: bool = True


def bucketing_of(entry: dict[str, Any]) -> Bucketing | None:
    """Return the bucketing of a table in the catalog, or None if the table is not bucketed.

    Raises:
        QueryFailure: A bucketing column does not exist (``HIVE_INVALID_METADATA``).
    """
    descriptor = entry.get("StorageDescriptor", {})
    columns = tuple(name.lower() for name in descriptor.get("BucketColumns", ()))
    count = descriptor.get("NumberOfBuckets", 0)
    if not columns or count <= 0:
        return None
    known = {column["Name"].lower() for column in descriptor.get("Columns", ())}
    missing = next((name for name in columns if name not in known), None)
    if missing is not None:
        raise QueryFailure(
            "HIVE_INVALID_METADATA",
            f"Table '{entry.get('DatabaseName')}.{entry['Name']}' is bucketed on non-existent column '{missing}'",
        )
    parameters = entry.get("Parameters", {})
    hashed_by_hive = (
        parameters.get("bucketing_format", "hive").lower() == "hive" and parameters.get("bucketing_version", "1") == "1"
    )
    return Bucketing(columns, count, hashed_by_hive)


def can_bucket(type_: Type) -> bool:
    """Return whether Athena can write a table that is bucketed by a column of the given type."""
    return type_.name in _PRIMITIVES or (type_.name in ("array", "map") and all(map(can_bucket, type_.children)))


def buckets_of(columns: Sequence[tuple[pa.ChunkedArray, Type]], count: int) -> list[int]:
    """Return each row's bucket.

    Args:
        columns: The columns that determine the bucket, in DuckDB's representation, with their types.
        count: The number of buckets.
    """
    hashes = [[hash_of(value, type_) for value in values.to_pylist()] for values, type_ in columns]
    return [_bucket(row, count) for row in zip(*hashes, strict=True)]


def _bucket(hashes: Sequence[int], count: int) -> int:
    combined = 0
    for each in hashes:
        combined = (combined * 31 + each) & _UNSIGNED
    return (combined & _POSITIVE) % count


def hash_of(value: Any, type_: Type) -> int:
    """Return Hive's hash of a value as an unsigned 32-bit integer."""
    if value is None:
        return 0
    if type_.name == "array":
        return _combined(0, (hash_of(item, type_.element) for item in value))
    if type_.name == "map":
        entries = value.items() if isinstance(value, dict) else value
        return sum(hash_of(key, type_.key) ^ hash_of(item, type_.value) for key, item in entries) & _UNSIGNED
    if type_.name == "varchar":
        # A string and a varchar(n) have different hashes.
        return _combined(1 if type_.numbers else 0, (byte - 256 if byte > 127 else byte for byte in value.encode()))
    if type_.name == "date":
        return int((value - date(1970, 1, 1)).days) & _UNSIGNED
    if type_.name == "real":
        return int.from_bytes(struct.pack(">f", math.nan if math.isnan(value) else value), "big")
    if type_.name == "double":
        return _folded(int.from_bytes(struct.pack(">d", math.nan if math.isnan(value) else value), "big"))
    return _folded(int(value) & (2**64 - 1)) if type_.name == "bigint" else int(value) & _UNSIGNED


def _combined(start: int, hashes: Iterable[int]) -> int:
    for each in hashes:
        start = (start * 31 + each) & _UNSIGNED
    return start


def _folded(bits: int) -> int:
    return ((bits >> 32) ^ bits) & _UNSIGNED


def wanted_buckets(
    bucketing: Bucketing, columns: Sequence[tuple[str, Type]], conditions: Sequence[Condition]
) -> set[int] | None:
    """Return the buckets that can contain matching rows, or None for all buckets.

    Args:
        bucketing: The table's buckets.
        columns: The table's columns.
        conditions: The conditions, with DuckDB's column names.
    """
    places = {name: index for index, (name, _) in enumerate(columns)}
    choices = []
    for index in map(places.__getitem__, bucketing.columns):
        type_ = columns[index][1]
        allowed = [
            {hash_of(value, type_) for value in condition.values}
            for condition in conditions
            if condition.column == f"c{index}" and condition.operator in ("=", "IN")
        ]
        if not allowed or type_.name not in _PRIMITIVES:
            return None
        choices.append(set.intersection(*allowed))
    if math.prod(map(len, choices)) > max(_MOST_COMBINATIONS, 4 * bucketing.count):
        return None
    return {_bucket(hashes, bucketing.count) for hashes in itertools.product(*choices)}


def buckets_of_files(names: Sequence[str], bucketing: Bucketing, table: str, location: str) -> list[int]:
    """Return the bucket of each file under a location.

    Args:
        names: The files' names relative to the location.
        bucketing: The table's buckets.
        table: The table's name, including its database.
        location: The location of the table or partition.

    Raises:
        QueryFailure: The files do not match the buckets (``HIVE_INVALID_BUCKET_FILES``).
    """
    nested = next((name for name in names if "/" in name), None)
    if nested is not None:
        raise _corrupt(table, f"Found sub-directory '{nested.rpartition('/')[0]}' in bucket directory {location}")
    numbers = [_bucket_of_file(name) for name in names]
    found = [number for number in numbers if number is not None]
    if len(found) != len(names):
        if len(names) != bucketing.count:
            odd = names[numbers.index(None)]
            raise _corrupt(
                table,
                f"File '{odd}' does not match the standard naming pattern, and the number of files in the directory "
                f"({len(names)}) does not match the declared bucket count ({bucketing.count}): {location}",
            )
        order = sorted(names)
        return [order.index(name) for name in names]
    beyond = max(found, default=0)
    if beyond >= bucketing.count:
        raise _corrupt(
            table,
            f"The highest bucket number in the directory ({beyond}) exceeds the bucket number range defined by the "
            f"declared bucket count ({bucketing.count}): {location}",
        )
    return found


def _bucket_of_file(name: str) -> int | None:
    matches = [match for pattern in _FILE_NAMES if (match := pattern.fullmatch(name))]
    return int(matches[0][1]) if matches else None


def _corrupt(table: str, reason: str) -> QueryFailure:
    return QueryFailure("HIVE_INVALID_BUCKET_FILES", f"Hive table '{table}' is corrupt. {reason}")


def check_bucketing(bucketing: Bucketing, columns: Sequence[tuple[str, Type]], partitioned_by: Sequence[str]) -> None:
    """Check that a statement can write a table with the given bucketing.

    Args:
        bucketing: The table's buckets.
        columns: The columns of the statement's rows.
        partitioned_by: The partition columns.

    Raises:
        QueryFailure: A column does not exist, or its type cannot be used for bucketing.
    """
    known = dict(columns)
    missing = [name for name in bucketing.columns if name not in known or name in partitioned_by]
    if missing:
        raise QueryFailure("INVALID_TABLE_PROPERTY", f"Bucketing columns {missing} not present in schema")
    for name in bucketing.columns:
        if not can_bucket(known[name]):
            raise QueryFailure(
                "NOT_SUPPORTED", f"Athena does not write tables that are bucketed by a column of type {known[name]}"
            )
