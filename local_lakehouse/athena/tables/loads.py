"""The relations of a statement, which are not read until the statement runs."""

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
from pyiceberg.table import Table

from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.iceberg.duckdb_scan import NotReadableError, scan_sql
from local_lakehouse.iceberg.forms import ZONED, Form, arrow_type
from local_lakehouse.iceberg.scans import Scan, ScanFile
from local_lakehouse.iceberg.versions import column_name
from local_lakehouse.sql.analysis.session import Condition

PLACE_COLUMNS = ("f", "n")
# Smaller scans are parsed once and cached. DuckDB reads larger scans from disk and applies the statement's conditions.
_SMALL_SCAN_BYTES = 2**18

# The type is Any because the type stubs of these classes declare only keyword arguments.
_OPERATORS: dict[str, Any] = {
    "=": EqualTo,
    "<": LessThan,
    "<=": LessThanOrEqual,
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
}


@dataclass
class Loaded:
    """The rows of a table, and the number of bytes scanned.

    Args:
        rows: The rows, or the ``SELECT`` that DuckDB uses to read them from files.
        scanned_bytes: The number of bytes that Athena would report as scanned.
    """

    rows: pa.Table | str
    scanned_bytes: int = 0


class Load(Protocol):
    """A table that a statement reads."""

    conditions: list[Condition]

    def load(self, columns: set[str]) -> Loaded:
        """Read the columns that the statement uses."""


@dataclass
class ArrowLoad:
    """A table in memory."""

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
    conditions: list[Condition] = field(default_factory=list)

    def load(self, columns: set[str]) -> Loaded:
        """Read the files that can match the conditions."""
        filters = [_filter(condition) for condition in self.conditions]
        scan = self.lake.scan(self.table, self.snapshot_id, filters)
        fields = [
            (field.field_id, field.field_type)
            for index, field in enumerate(scan.schema.fields)
            if column_name(index) in columns
        ]
        return Loaded(relation(self.lake, scan, columns), sum(file.bytes_of(fields) for file in scan.files))


def _filter(condition: Condition) -> BooleanExpression:
    if condition.operator == "IN":
        return Or(AlwaysFalse(), *(_OPERATORS["="](condition.column, value) for value in condition.values))
    found: BooleanExpression = _OPERATORS[condition.operator](condition.column, condition.values[0])
    return found


def relation(lake: Lake, scan: Scan, columns: set[str]) -> pa.Table | str:
    """Return the rows of a scan, or the ``SELECT`` that reads them, with only the given columns.

    Args:
        lake: The lakehouse's tables.
        scan: The scan.
        columns: The names of the columns. `versions.column_name` returns the names of the table's columns. In
            addition, ``p`` is the path of a row's file, ``m`` is the file's modification time, and `PLACE_COLUMNS`
            contain the row's position.

    Raises:
        QueryFailure: A data file does not exist (``ICEBERG_CANNOT_OPEN_SPLIT``).
    """
    lake.require_files(scan.files)
    fields = [
        (column_name(index), field) for index, field in enumerate(scan.schema.fields) if column_name(index) in columns
    ]
    size = sum(file.bytes_of([(field.field_id, field.field_type) for _, field in fields]) for file in scan.files)
    readable = "m" not in columns and not any(file.deletes for file in scan.files)
    if size > _SMALL_SCAN_BYTES and readable and lake.reads_local_files:
        files = [(file, lake.local_path(file), lake.reader.layout(file, scan.mapping)) for file in scan.files]
        try:
            return scan_sql(
                files,
                fields,
                path_column="p" if "p" in columns else None,
                place_columns=PLACE_COLUMNS if columns & set(PLACE_COLUMNS) else None,
            )
        except NotReadableError:
            pass  # Arrow reads the files, because DuckDB cannot apply the table's schema to one of them.
    parts = [_rows(lake, scan, number, columns) for number, file in enumerate(scan.files)]
    return pa.concat_tables([*parts, _empty(scan, columns)])


def _rows(lake: Lake, scan: Scan, number: int, columns: set[str]) -> pa.Table:
    file = scan.files[number]
    fields = [
        (column_name(index), field) for index, field in enumerate(scan.schema.fields) if column_name(index) in columns
    ]
    rows = lake.reader.read(file, fields, Form.ENGINE, scan.mapping)
    hidden = columns - {name for name, _ in fields}
    if not fields and not hidden:
        hidden = {"one"}
    return _with_hidden(rows, hidden, lake, file, number)


def _with_hidden(rows: pa.Table, hidden: set[str], lake: Lake, file: ScanFile, number: int) -> pa.Table:
    count = rows.num_rows
    makers: dict[str, Any] = {
        "p": lambda: pa.repeat(pa.scalar(file.path), count),
        "m": lambda: _modified(lake, file, count),
        "f": lambda: pa.repeat(pa.scalar(number, pa.int32()), count),
        "n": lambda: pa.array(range(count), pa.int64()),
        "one": lambda: pa.repeat(pa.scalar(1, pa.int32()), count),
    }
    for name in sorted(hidden):
        rows = rows.append_column(name, makers[name]()) if rows.num_columns else pa.table({name: makers[name]()})
    return rows


def _modified(lake: Lake, file: ScanFile, count: int) -> pa.Array:
    bucket, _, key = file.path.removeprefix("s3://").partition("/")
    head = lake.s3.head_object(Bucket=bucket, Key=key)
    return pa.array([{"i": head["LastModified"].replace(tzinfo=None), "z": "UTC"}] * count, ZONED)


_HIDDEN_TYPES = {"p": pa.string(), "m": ZONED, "f": pa.int32(), "n": pa.int64(), "one": pa.int32()}


def _empty(scan: Scan, columns: set[str]) -> pa.Table:
    fields = [
        (column_name(index), arrow_type(field.field_type, Form.ENGINE))
        for index, field in enumerate(scan.schema.fields)
        if column_name(index) in columns
    ]
    hidden = columns - {name for name, _ in fields}
    if not fields and not hidden:
        hidden = {"one"}
    fields += [(name, _HIDDEN_TYPES[name]) for name in sorted(hidden)]
    return pa.schema(fields).empty_table()


def all_columns(scan: Scan) -> set[str]:
    """Return the names of all columns of a scan."""
    return {column_name(index) for index in range(len(scan.schema.fields))}


def used_columns(scan: Scan, names: Sequence[str]) -> set[str]:
    """Return the given names that are regular or hidden columns of a scan."""
    return set(names) & (all_columns(scan) | set(_HIDDEN_TYPES))
