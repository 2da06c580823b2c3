"""Read an Iceberg table's files into Arrow, each of them once."""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table

from local_lakehouse.athena.tables.iceberg_types import arrow_type, athena_type, relabel
from local_lakehouse.sql.failures import QueryFailure

_CACHE_BYTES = 512 * 2**20
_KEPT_PLANS = 128

Key = tuple[object, ...]


class FileCache:
    """Parsed files and plans of scans, the least recently used ones dropped beyond a size.

    Args:
        limit: How many bytes of Arrow are kept.
    """

    def __init__(self, limit: int = _CACHE_BYTES) -> None:
        self._limit = limit
        self._tables: OrderedDict[Key, pa.Table] = OrderedDict()
        self._plans: OrderedDict[Key, list[FileScanTask]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Key, parse: Callable[[], pa.Table]) -> pa.Table:
        """Return what was kept under a key, or parse it and keep it."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key]
        parsed = parse()
        with self._lock:
            if key not in self._tables:
                self._size += parsed.nbytes
            self._tables[key] = parsed
            while self._size > self._limit and len(self._tables) > 1:
                _, dropped = self._tables.popitem(last=False)
                self._size -= dropped.nbytes
        return parsed

    def planned(self, key: Key, plan: Callable[[], list[FileScanTask]]) -> list[FileScanTask]:
        """Return the plan that was kept under a key, or make it and keep it."""
        with self._lock:
            if key in self._plans:
                self._plans.move_to_end(key)
                return self._plans[key]
        made = plan()
        with self._lock:
            self._plans[key] = made
            if len(self._plans) > _KEPT_PLANS:
                self._plans.popitem(last=False)
        return made


@dataclass(frozen=True)
class ScannedFile:
    """A data file, its rows, and how many bytes Athena would count for each column."""

    task: FileScanTask
    rows: pa.Table
    column_bytes: dict[int, int]


def schema_of(table: Table, snapshot_id: int | None) -> Schema:
    """Return the schema of a version of a table."""
    if snapshot_id is None:
        return table.schema()
    snapshot = table.snapshot_by_id(snapshot_id)
    if snapshot is None or snapshot.schema_id is None:
        return table.schema()
    return table.schemas()[snapshot.schema_id]


def scan(
    table: Table,
    snapshot_id: int | None,
    filters: Sequence[BooleanExpression],
    cache: FileCache,
) -> list[ScannedFile]:
    """Read the files of a version of a table that may hold rows under all filters.

    Args:
        table: The table.
        snapshot_id: The version; None for the current one.
        filters: What is known of the rows that are wanted.
        cache: Files parsed before.
    """
    if snapshot_id is None and table.current_snapshot() is None:
        return []
    schema = schema_of(table, snapshot_id)
    row_filter: BooleanExpression = AlwaysTrue()
    for one in filters:
        row_filter = And(row_filter, one)
    # A file of metadata is never changed, so what follows from it stays true.
    key = (table.metadata_location, snapshot_id, repr(row_filter))
    tasks = cache.planned(key, lambda: _plan(table, snapshot_id, row_filter))
    return [_scanned(table, schema, task, cache) for task in tasks]


def _plan(table: Table, snapshot_id: int | None, row_filter: BooleanExpression) -> list[FileScanTask]:
    try:
        return list(table.scan(row_filter=row_filter, snapshot_id=snapshot_id).plan_files())
    except struct.error:
        # Older PyIcebergs cannot compare the bounds of files that are older than a column's wider type.
        return list(table.scan(snapshot_id=snapshot_id).plan_files())
    except ValueError as error:
        if "equality deletes" not in str(error):
            raise
        raise QueryFailure(
            "NOT_SUPPORTED", f"The local Athena does not read equality deletes, which table {table.name()[-1]} has"
        ) from error


def _scanned(table: Table, schema: Schema, task: FileScanTask, cache: FileCache) -> ScannedFile:
    deletes = tuple(sorted(one.file_path for one in task.delete_files))
    key = (task.file.file_path, schema.schema_id, str(schema), deletes)
    rows = cache.get(key, lambda: _parse(table, schema, task))
    return ScannedFile(task, rows, dict(task.file.column_sizes or {}))


def _parse(table: Table, schema: Schema, task: FileScanTask) -> pa.Table:
    # The rows are filtered by DuckDB; the task's own filter would only make the parsed file useless to others.
    whole = FileScanTask(task.file, task.delete_files, AlwaysTrue())
    found = ArrowScan(table.metadata, table.io, schema, AlwaysTrue(), True).to_table([whole])
    return internal(found, schema)


def internal(found: pa.Table, schema: Schema) -> pa.Table:
    """Return rows with the columns' names and types that DuckDB is handed: ``c0``, ``c1`` and so on."""
    columns = [relabel(found.column(index), athena_type(field.field_type)) for index, field in enumerate(schema.fields)]
    return pa.table(columns, names=[f"c{index}" for index in range(len(columns))])


def empty(schema: Schema) -> pa.Table:
    """Return no rows of a schema."""
    fields = [(f"c{index}", arrow_type(athena_type(field.field_type))) for index, field in enumerate(schema.fields)]
    return pa.schema(fields).empty_table()


def concatenated(files: Iterable[pa.Table], schema: Schema) -> pa.Table:
    """Return the rows of several files as one table."""
    tables = list(files)
    return pa.concat_tables(tables) if tables else empty(schema)
