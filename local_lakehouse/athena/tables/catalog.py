"""Table lookup by name, according to Athena's rules."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from pyiceberg.table import Table

from local_lakehouse.athena.tables.hive import HiveLoad, hive_columns
from local_lakehouse.athena.tables.iceberg_types import athena_type
from local_lakehouse.athena.tables.information_schema import information_table
from local_lakehouse.athena.tables.lake import Lake, is_iceberg, is_view
from local_lakehouse.athena.tables.loads import ArrowLoad, IcebergLoad, Load
from local_lakehouse.athena.tables.metadata_tables import METADATA_TABLES, metadata_table
from local_lakehouse.athena.tables.views import read_view
from local_lakehouse.backend.clients import acting_for
from local_lakehouse.iceberg.versions import column_name, schema_of
from local_lakehouse.lake_formation.governance import DataAccess
from local_lakehouse.lake_formation.resources import EVERY_COLUMN
from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.session import CATALOG, Source, SourceColumn, Version, View
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.workers.pool import WorkerSession

_DEFAULT_DATABASE = "default"
_HIDDEN = (
    SourceColumn("$path", types.VARCHAR, "p", hidden=True),
    SourceColumn("$file_modified_time", types.timestamp_tz(3), "m", hidden=True),
)
_scan_numbers = itertools.count(1)


class StatementTables:
    """The tables in one statement.

    Args:
        lake: The lakehouse's tables.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._loads: dict[str, Load] = {}
        # A statement looks up each table once, so that all references to a table have the same version and permissions.
        self._entries: dict[tuple[str, str], dict[str, Any] | None] = {}
        self._opened: dict[tuple[str, str], tuple[DataAccess, Table]] = {}
        # The scans that use Lake Formation's credentials instead of the caller's S3 permissions.
        self._vended: set[str] = set()
        # Whether the statement reads the information schema, which lists only what the caller is allowed to see.
        self._reads_information = False
        self.scanned_bytes = 0

    def resolve(
        self, names: tuple[str, ...], database: str | None, version: Version | None, position: Position
    ) -> Source | View:
        """Find a table or view.

        Raises:
            QueryFailure: A part of the name does not exist (``TABLE_NOT_FOUND`` or a similar error), or the version is
                invalid.
        """
        schema, name = qualify(names, database, position)
        full = (CATALOG, schema, name)
        if schema == "information_schema":
            return self._information(full, position)
        base, _, kind = name.partition("$")
        entry = self._entry(schema, base if kind in METADATA_TABLES else name)
        if entry is None:
            raise self._missing(schema, name, position)
        if kind in METADATA_TABLES and not is_iceberg(entry):
            if kind == "partitions" and entry.get("PartitionKeys"):
                raise QueryFailure(
                    "NOT_SUPPORTED",
                    "The local Athena lists a Hive table's partitions only with SHOW PARTITIONS",
                    position,
                )
            raise self._missing(schema, name, position)
        if is_view(entry):
            if version is not None:
                raise QueryFailure(
                    "NOT_SUPPORTED", "FOR VERSION AS OF and FOR TIMESTAMP AS OF are not supported for views", position
                )
            return read_view(entry, full)
        if not is_iceberg(entry):
            if version is not None:
                raise QueryFailure("NOT_SUPPORTED", "This connector does not support versioned tables", position)
            return self._hive(entry, full)
        access, table = self._table(entry)
        if kind in METADATA_TABLES:
            if access.columns != EVERY_COLUMN:
                raise QueryFailure(
                    "", f"AccessDeniedException: {name} requires permission to read all columns of {base}"
                )
            if version is not None:
                raise QueryFailure(
                    "NOT_SUPPORTED",
                    "FOR VERSION AS OF and FOR TIMESTAMP AS OF are not supported for metadata tables",
                    position,
                )
            columns, rows = metadata_table(table, kind)
            listed = tuple(SourceColumn(column, type_, f"c{index}") for index, (column, type_) in enumerate(columns))
            return Source(full, self._add(ArrowLoad(rows)), listed)
        return self._iceberg(table, full, version, access)

    def _entry(self, schema: str, name: str) -> dict[str, Any] | None:
        if (schema, name) not in self._entries:
            self._entries[schema, name] = self._lake.table(schema, name)
        return self._entries[schema, name]

    def _table(self, entry: dict[str, Any]) -> tuple[DataAccess, Table]:
        key = entry["DatabaseName"], entry["Name"]
        if key not in self._opened:
            self._opened[key] = self._lake.access(entry), self._lake.opened(entry)
        return self._opened[key]

    def _iceberg(self, table: Table, names: tuple[str, ...], version: Version | None, access: DataAccess) -> Source:
        snapshot_id = None if version is None else snapshot_of(table, names, version)
        schema = schema_of(table, snapshot_id)
        columns = tuple(
            SourceColumn(field.name.lower(), athena_type(field.field_type), column_name(index))
            for index, field in enumerate(schema.fields)
            if access.columns.has(field.name)
        )
        load = IcebergLoad(self._lake, table, snapshot_id)
        hidden = _HIDDEN if access.columns == EVERY_COLUMN else ()
        return Source(names, self._add(load, vended=access.vended), (*columns, *hidden), load.conditions)

    def _hive(self, entry: dict[str, object], names: tuple[str, ...]) -> Source:
        access = self._lake.access(entry)
        columns = tuple(
            SourceColumn(name, type_, f"c{index}")
            for index, (name, type_) in enumerate(hive_columns(entry))
            if access.columns.has(name)
        )
        load = HiveLoad(self._lake, entry)
        hidden = (_HIDDEN[0],) if access.columns == EVERY_COLUMN else ()
        return Source(names, self._add(load, vended=access.vended), (*columns, *hidden), load.conditions)

    def _information(self, names: tuple[str, ...], position: Position) -> Source:
        found = information_table(self._lake, names[-1])
        if found is None:
            raise QueryFailure("TABLE_NOT_FOUND", f"Table '{'.'.join(names)}' does not exist", position)
        self._reads_information = True
        columns, rows = found
        listed = tuple(SourceColumn(name, type_, f"c{index}") for index, (name, type_) in enumerate(columns))
        return Source(names, self._add(ArrowLoad(rows)), listed)

    def _missing(self, schema: str, name: str, position: Position) -> QueryFailure:
        if self._lake.database(schema) is None:
            return QueryFailure("SCHEMA_NOT_FOUND", f"Schema '{schema}' does not exist", position)
        return QueryFailure("TABLE_NOT_FOUND", f"Table '{CATALOG}.{schema}.{name}' does not exist", position)

    def _add(self, load: Load, *, vended: bool = False) -> str:
        name = f"scan{next(_scan_numbers)}"
        self._loads[name] = load
        if vended:
            self._vended.add(name)
        return name

    def results_are_reusable(self) -> bool:
        """Return whether Athena can reuse an earlier result of a query on the tables that have been looked up."""
        entries = [entry for entry in self._entries.values() if entry is not None and not is_view(entry)]
        return not self._reads_information and not any(map(self._lake.is_registered, entries))

    def register(self, worker: WorkerSession, scans: Mapping[str, AbstractSet[str]]) -> None:
        """Read the tables of a statement and pass them to DuckDB.

        Args:
            worker: The worker that runs the statement.
            scans: The columns to read from each table. All names are DuckDB names.
        """
        for name, load in self._loads.items():
            with acting_for(None) if name in self._vended else contextlib.nullcontext():
                loaded = load.load(set(scans.get(name, ())))
            self.scanned_bytes += loaded.scanned_bytes
            offer(worker, name, loaded.rows)


def offer(worker: WorkerSession, name: str, rows: pa.Table | str) -> None:
    """Register rows, or the ``SELECT`` that reads them, with a worker under a name."""
    if isinstance(rows, str):
        worker.define(f"CREATE OR REPLACE TEMP VIEW {name} AS {rows}")
    else:
        worker.register(name, rows)


def qualify(names: tuple[str, ...], database: str | None, position: Position) -> tuple[str, str]:
    """Return the database and name of a table from a name that can include the database and catalog.

    Raises:
        QueryFailure: The catalog is unknown, or the name has too many parts.
    """
    if len(names) > 3:
        raise QueryFailure("SYNTAX_ERROR", f"Too many parts in table name: {'.'.join(names)}", position)
    if len(names) == 3 and names[0] != CATALOG:
        raise QueryFailure("CATALOG_NOT_FOUND", f"Catalog '{names[0]}' does not exist", position)
    schema = names[-2] if len(names) > 1 else (database or _DEFAULT_DATABASE).lower()
    return schema, names[-1]


def snapshot_of(table: Table, names: tuple[str, ...], version: Version) -> int:
    """Return the snapshot ID for a version.

    Raises:
        QueryFailure: The version does not exist (``INVALID_ARGUMENTS``).
    """
    if version.snapshot_id is not None:
        if table.snapshot_by_id(version.snapshot_id) is None:
            raise QueryFailure("INVALID_ARGUMENTS", f"Iceberg snapshot ID does not exists: {version.snapshot_id}")
        return version.snapshot_id
    if version.reference is not None:
        reference = table.metadata.refs.get(version.reference)
        if reference is None:
            raise QueryFailure("INVALID_ARGUMENTS", f"Cannot find snapshot with reference name: {version.reference}")
        return reference.snapshot_id
    if version.moment is None:
        raise AssertionError("a version is a snapshot ID, a reference or a timestamp")
    millis = (version.moment - datetime(1970, 1, 1)) // timedelta(milliseconds=1)
    older = [entry for entry in table.metadata.snapshot_log if entry.timestamp_ms <= millis]
    if not older:
        shown = version.moment.isoformat(timespec="milliseconds")
        raise QueryFailure(
            "INVALID_ARGUMENTS", f'No version history table "{names[1]}"."{names[2]}" at or before {shown}Z'
        )
    if table.snapshot_by_id(older[-1].snapshot_id) is None:
        raise QueryFailure("INVALID_ARGUMENTS", f"Iceberg snapshot ID does not exists: {older[-1].snapshot_id}")
    return older[-1].snapshot_id
