"""What a statement reads: each table it names, loaded only when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
from pyiceberg.expressions import (
    AlwaysFalse,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
    Or,
)
from pyiceberg.schema import Schema
from pyiceberg.table import Table

from local_lakehouse.athena.tables.iceberg_scans import FileCache, ScannedFile, concatenated, scan
from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.sql.analysis.session import Condition

# Their stubs know only keyword arguments.
_OPERATORS: dict[str, Any] = {
    "=": EqualTo,
    "<": LessThan,
    "<=": LessThanOrEqual,
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
}


@dataclass
class Loaded:
    """A table's rows, and how many bytes reading them is said to have cost."""

    rows: pa.Table
    scanned_bytes: int = 0


class Load(Protocol):
    """A table that can be loaded."""

    conditions: list[Condition]

    def load(self, columns: set[str]) -> Loaded:
        """Read the table; `columns` are the ones the statement names."""


@dataclass
class ArrowLoad:
    """A table that is at hand."""

    rows: pa.Table
    conditions: list[Condition] = field(default_factory=list)

    def load(self, columns: set[str]) -> Loaded:
        """Return the table."""
        return Loaded(self.rows)


@dataclass
class IcebergLoad:
    """A version of an Iceberg table."""

    lake: Lake
    table: Table
    snapshot_id: int | None
    schema: Schema
    cache: FileCache
    conditions: list[Condition] = field(default_factory=list)

    def load(self, columns: set[str]) -> Loaded:
        """Read the files that the conditions leave."""
        files = scan(self.table, self.snapshot_id, [self._filter(one) for one in self.conditions], self.cache)
        rows = concatenated((self._rows(one, columns) for one in files), self.schema)
        if not files:
            rows = _with_hidden(rows, columns, [], [])
        ids = [one.field_id for index, one in enumerate(self.schema.fields) if f"c{index}" in columns]
        return Loaded(rows, sum(_bytes(one, ids, self.schema) for one in files))

    def _rows(self, file: ScannedFile, columns: set[str]) -> pa.Table:
        if not columns & {"p", "m"}:
            return file.rows
        path = file.task.file.file_path
        modified = []
        if "m" in columns:
            bucket, _, key = path.removeprefix("s3://").partition("/")
            head = self.lake.s3.head_object(Bucket=bucket, Key=key)
            modified = [{"i": head["LastModified"].replace(tzinfo=None), "z": "UTC"}] * file.rows.num_rows
        return _with_hidden(file.rows, columns, [path] * file.rows.num_rows, modified)

    def _filter(self, condition: Condition) -> BooleanExpression:
        name = self.schema.fields[int(condition.column[1:])].name
        if condition.operator == "IN":
            return Or(AlwaysFalse(), *(_OPERATORS["="](name, value) for value in condition.values))
        found: BooleanExpression = _OPERATORS[condition.operator](name, condition.values[0])
        return found


_ZONED = pa.struct([("i", pa.timestamp("us")), ("z", pa.string())])


def _with_hidden(rows: pa.Table, columns: set[str], paths: Sequence[str], modified: Sequence[object]) -> pa.Table:
    if "p" in columns:
        rows = rows.append_column("p", pa.array(paths, pa.string()))
    if "m" in columns:
        rows = rows.append_column("m", pa.array(modified, _ZONED))
    return rows


def _bytes(file: ScannedFile, field_ids: list[int], schema: Schema) -> int:
    """Return how many bytes Athena would read: the chunks of the columns, if the file's entry tells their sizes."""
    if not file.column_bytes:
        return file.task.file.file_size_in_bytes
    if not field_ids:
        return 0
    wanted = set()
    for one in field_ids:
        found = schema.find_field(one)
        wanted |= {one, *_nested_ids(found.field_type)}
    if not wanted & set(file.column_bytes):
        return file.task.file.file_size_in_bytes
    return sum(size for field_id, size in file.column_bytes.items() if field_id in wanted)


def _nested_ids(type_: object) -> set[int]:
    fields = getattr(type_, "fields", ())
    return {one.field_id for one in fields} | {
        nested for one in fields for nested in _nested_ids(getattr(one, "field_type", None))
    }
