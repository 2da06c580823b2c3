"""Hive tables, whose files in S3 are described by the Glue Data Catalog."""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from local_lakehouse.athena.tables.bucketing import bucketing_of, buckets_of_files, wanted_buckets
from local_lakehouse.athena.tables.hive_formats import parse_file, serde_name
from local_lakehouse.athena.tables.iceberg_types import arrow_type
from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.athena.tables.loads import Loaded
from local_lakehouse.athena.tables.parquet_files import INT96_UNIT
from local_lakehouse.athena.tables.partition_names import NULL_PARTITION
from local_lakehouse.athena.tables.partition_schemas import entry_of_partition
from local_lakehouse.athena.tables.projection import is_projected, partitions
from local_lakehouse.athena.tables.serdes import PARQUET
from local_lakehouse.athena.tables.storage_checks import check_storage
from local_lakehouse.athena.tables.text_values import read_partition
from local_lakehouse.iceberg.duckdb_scan import without_bounds
from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.session import Condition
from local_lakehouse.sql.analysis.typed import null_of, quote
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.hive_types import UnknownTypeError, parse_glue_type
from local_lakehouse.sql.types import Type, duckdb_type

_COMPARISONS = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def hive_columns(entry: dict[str, Any]) -> list[tuple[str, Type]]:
    """Return the names and types of a table's columns, with the partition columns last.

    Raises:
        QueryFailure: The catalog contains an invalid column type (``HIVE_INVALID_METADATA``).
    """
    columns = (*entry.get("StorageDescriptor", {}).get("Columns", ()), *entry.get("PartitionKeys", ()))
    found = []
    for column in columns:
        try:
            found.append((column["Name"].lower(), parse_glue_type(column.get("Type", "string"))))
        except UnknownTypeError as error:
            raise QueryFailure(
                "HIVE_INVALID_METADATA",
                f"Glue table '{entry.get('DatabaseName')}.{entry['Name']}' column '{column['Name']}' has invalid data "
                f"type: {column.get('Type')}",
            ) from error
    return found


@dataclass
class HiveLoad:
    """A Hive table that a statement reads."""

    lake: Lake
    entry: dict[str, Any]
    conditions: list[Condition] = field(default_factory=list)

    def load(self, columns: set[str]) -> Loaded:
        """Read the files that can match the conditions."""
        objects = []
        for entry, values in self._described():
            found = list(self._objects(entry["StorageDescriptor"]["Location"]))
            # Other clients create tables in the Data Catalog without Athena's checks.
            if found:
                check_storage(entry)
            objects += [_Object(path, size, tag, tuple(values), entry) for path, size, tag in found]
        if self.lake.reads_local_files and all(serde_name(each.entry) == PARQUET for each in objects):
            sql = self._parquet_sql(objects, columns)
            if sql is not None:
                return sql
        return self._parsed(objects, columns)

    def _parquet_sql(self, objects: list[_Object], columns: set[str]) -> Loaded | None:
        """Return the ``SELECT`` that DuckDB uses to read the table's files, or None if Arrow must read them."""
        listed = hive_columns(self.entry)
        own = len(listed) - len(self.entry.get("PartitionKeys", ()))
        parts, scanned = [], 0
        for found in objects:
            path = self.lake.catalog.objects.path(found.path, found.tag)
            footer = pq.ParquetFile(path, coerce_int96_timestamp_unit=INT96_UNIT)
            if footer.metadata.num_rows == 0:
                continue
            stored = {name.lower(): footer.schema_arrow.field(name) for name in footer.schema_arrow.names}
            if len(stored) != len(footer.schema_arrow.names):
                return None
            shown = []
            for index, (name, type_) in enumerate(listed):
                if f"c{index}" not in columns:
                    continue
                if index >= own:
                    value = _partition_sql(found.values[index - own], type_, name)
                elif name not in stored:
                    value = null_of(type_)
                else:
                    value = _stored_sql(stored[name], type_)
                if value is None:
                    return None
                shown.append(f"{value} AS c{index}")
            if "p" in columns:
                shown.append(f"{quote(found.path)} AS p")
            scanned += _chunk_bytes(footer, {stored[name].name for name in self._names(columns) if name in stored})
            parts.append(f"SELECT {', '.join(shown) or '1 AS one'} FROM read_parquet({quote(str(path))})")
        if not parts:
            return None
        return Loaded(" UNION ALL ".join(parts), scanned)

    def _names(self, columns: set[str]) -> list[str]:
        return [name for index, (name, _) in enumerate(hive_columns(self.entry)) if f"c{index}" in columns]

    def _parsed(self, objects: list[_Object], columns: set[str]) -> Loaded:
        keys = [column["Name"].lower() for column in self.entry.get("PartitionKeys", ())]
        listed = hive_columns(self.entry)
        own = listed[: len(listed) - len(keys)]
        parts: list[pa.Table] = []
        scanned = 0
        for found in objects:
            bucket, _, key = found.path.removeprefix("s3://").partition("/")
            content = self.lake.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            scanned += len(content)
            stored = hive_columns(found.entry)[: len(own)]
            rows = parse_file(found.entry, found.path, content, stored)
            if stored != own:
                rows = rows.cast(pa.schema([(f"c{index}", arrow_type(type_)) for index, (_, type_) in enumerate(own)]))
            for index, value in enumerate(found.values, len(own)):
                name, type_ = listed[index]
                typed = read_partition(value, type_, name)
                rows = rows.append_column(f"c{index}", pa.array([typed] * rows.num_rows, arrow_type(type_)))
            if "p" in columns:
                rows = rows.append_column("p", pa.array([found.path] * rows.num_rows, pa.string()))
            parts.append(rows)
        fields = [(f"c{index}", arrow_type(type_)) for index, (_, type_) in enumerate(listed)]
        if "p" in columns:
            fields.append(("p", pa.string()))
        return Loaded(pa.concat_tables(parts) if parts else pa.schema(fields).empty_table(), scanned)

    def _described(self) -> Iterator[tuple[dict[str, Any], list[str | None]]]:
        """Yield the catalog entry that describes the files of each matching partition, and the partition's values."""
        if not self.entry.get("PartitionKeys"):
            yield self.entry, []
            return
        if is_projected(self.entry):
            now = datetime.now(UTC).replace(tzinfo=None)
            for location, projected in partitions(self.entry, self._wants, self._equal(), now):
                yield entry_of_partition(self.entry, {"Location": location}, []), [*projected]
            return
        keys = [column["Name"].lower() for column in self.entry["PartitionKeys"]]
        pages = self.lake.glue.get_paginator("get_partitions").paginate(
            DatabaseName=self.entry["DatabaseName"], TableName=self.entry["Name"]
        )
        for page in pages:
            for partition in page["Partitions"]:
                values = [None if value == NULL_PARTITION else value for value in partition["Values"]]
                if all(map(self._wants, keys, values)):
                    yield entry_of_partition(self.entry, partition["StorageDescriptor"], values), values

    def _wants(self, key: str, text: str | None) -> bool:
        """Return whether a partition column's value matches the conditions."""
        index, type_ = self._key(key)
        value = read_partition(text, type_, key)
        return all(_holds(value, condition) for condition in self.conditions if condition.column == f"c{index}")

    def _equal(self) -> dict[str, list[str]]:
        """Return the strings that equality conditions allow for each column."""
        names = {f"c{index}": name for index, (name, _) in enumerate(hive_columns(self.entry))}
        return {
            names[condition.column]: [str(value) for value in condition.values]
            for condition in self.conditions
            if condition.operator in ("=", "IN")
        }

    def _key(self, key: str) -> tuple[int, Type]:
        listed = hive_columns(self.entry)
        return next((index, type_) for index, (name, type_) in enumerate(listed) if name == key)

    def _objects(self, location: str) -> Iterator[tuple[str, int, str]]:
        """Return the path, size and entity tag of each object that a statement reads from a location."""
        listed = self._listed(location)
        bucketing = bucketing_of(self.entry)
        if bucketing is not None and bucketing.hashed_by_hive:
            found = list(listed)
            base = location.rstrip("/") + "/"
            names = [path.removeprefix(base) for path, _, _ in found]
            table = f"{self.entry['DatabaseName']}.{self.entry['Name']}"
            buckets = buckets_of_files(names, bucketing, table, location)
            wanted = wanted_buckets(bucketing, hive_columns(self.entry), self.conditions)
            listed = iter(
                [each for each, bucket in zip(found, buckets, strict=True) if wanted is None or bucket in wanted]
            )
        # Hive splits files into byte ranges, and an empty file has no ranges.
        return ((path, size, tag) for path, size, tag in listed if size)

    def _listed(self, location: str) -> Iterator[tuple[str, int, str]]:
        """Yield the path, size and entity tag of each object under a location, except in hidden files and folders."""
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        prefix = prefix.rstrip("/") + "/" if prefix else ""
        for page in self.lake.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                names = found["Key"].removeprefix(prefix).split("/")
                if names[-1] and not any(name.startswith(("_", ".")) for name in names):
                    yield f"s3://{bucket}/{found['Key']}", found["Size"], found["ETag"]


def _holds(value: Any, condition: Condition) -> bool:
    """Return whether a partition's value can satisfy a condition, or True if the types differ."""
    if value is None:
        return False
    if any(type(value) is not type(other) for other in condition.values):
        return True
    if condition.operator == "IN":
        return value in condition.values
    return bool(_COMPARISONS[condition.operator](value, condition.values[0]))


@dataclass(frozen=True)
class _Object:
    """An object that contains rows of a table.

    Args:
        path: The object's path.
        size: The size in bytes.
        tag: The entity tag.
        values: The values of the partition.
        entry: The catalog entry that describes the object's format.
    """

    path: str
    size: int
    tag: str
    values: tuple[str | None, ...]
    entry: dict[str, Any]


def _chunk_bytes(footer: pq.ParquetFile, names: set[str]) -> int:
    """Return the compressed size of the given columns in bytes."""
    groups = [footer.metadata.row_group(number) for number in range(footer.metadata.num_row_groups)]
    return sum(
        chunk.total_compressed_size
        for group in groups
        for chunk in map(group.column, range(group.num_columns))
        if chunk.path_in_schema.split(".")[0] in names
    )


_TEXTS = (pa.large_string(), pa.string_view())
_SAME = frozenset(("boolean", "integer", "bigint", "real", "double", "date", "varchar", "varbinary"))


def _stored_sql(stored: pa.Field, type_: Type) -> str | None:
    """Return DuckDB SQL that converts a stored column to a type, or None if Arrow must read the file."""
    name: str = '"' + stored.name.replace('"', '""') + '"'
    if type_.name in _SAME and not (type_.name == "varchar" and type_.numbers):
        wanted = arrow_type(type_)
        if stored.type == wanted or (wanted == pa.string() and stored.type in _TEXTS):
            return without_bounds(name) if pa.types.is_floating(wanted) else name
    if type_.name == "decimal" and stored.type == arrow_type(type_):
        return name
    if type_.name in types.INTEGERS and stored.type in (pa.int8(), pa.int16(), pa.int32()):
        return f"CAST({name} AS {duckdb_type(type_)})"
    if type_.name == "timestamp" and stored.type in (pa.timestamp("us"), pa.timestamp("ms")):
        # Athena rounds timestamps in Hive tables to milliseconds.
        return f"date_trunc('milliseconds', CAST({name} AS TIMESTAMP) + INTERVAL 500 MICROSECONDS)"
    return None


def _partition_sql(text: str | None, type_: Type, key: str) -> str | None:
    """Return DuckDB SQL for a partition's value, or None if Arrow must read the file."""
    value = read_partition(text, type_, key)
    if value is None:
        return null_of(type_)
    if types.is_text(type_) or type_.name in ("date", *types.INTEGERS):
        return f"CAST({quote(str(value))} AS {duckdb_type(type_)})"
    return None
