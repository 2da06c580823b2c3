"""Execution of ``INSERT INTO`` statements.

https://docs.aws.amazon.com/athena/latest/ug/insert-into.html
"""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.tables.bucketing import bucketing_of
from local_lakehouse.athena.tables.catalog import StatementTables, qualify
from local_lakehouse.athena.tables.hive import hive_columns
from local_lakehouse.athena.tables.lake import is_iceberg, is_view
from local_lakehouse.athena.tables.projection import is_projected
from local_lakehouse.athena.tables.skipped_lines import writes_header
from local_lakehouse.athena.tables.storage_checks import check_storage
from local_lakehouse.athena.writes.compression import table_compression
from local_lakehouse.athena.writes.hive_files import HiveWriter
from local_lakehouse.athena.writes.hive_tables import PartitionLocations, add_partitions, writer_settings
from local_lakehouse.athena.writes.iceberg_commits import append, committed, table_columns
from local_lakehouse.athena.writes.storing import can_store, stored_sql
from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.analysis.session import CATALOG
from local_lakehouse.sql.analysis.typed import null_of
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.tree import Name
from local_lakehouse.sql.types import Type

ROWS = (("rows", types.BIGINT),)


def written_rows(count: int) -> Outcome:
    """Return the result of a statement that writes rows."""
    return Outcome(ROWS, update_count=count, body=False)


def target_of(context: Context, names: tuple[Name, ...], position: Position) -> tuple[str, str, dict[str, Any]]:
    """Return the database, name and catalog entry of a statement's target table.

    Raises:
        QueryFailure: The table does not exist or is a view.
    """
    database, name = qualify(tuple(item.key for item in names), context.database, position)
    entry = context.lake.table(database, name)
    if entry is None:
        if context.lake.database(database) is None:
            raise QueryFailure("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", position)
        raise QueryFailure("TABLE_NOT_FOUND", f"Table '{CATALOG}.{database}.{name}' does not exist", position)
    if is_view(entry):
        raise QueryFailure("NOT_SUPPORTED", "Writing into views is not supported", position)
    return database, name, entry


def insert(statement: nodes.Insert, context: Context) -> Outcome:
    """Add a query's rows to a table."""
    database, name, entry = target_of(context, statement.table, statement.table_position)
    table = context.lake.iceberg(entry) if is_iceberg(entry) else None
    columns = table_columns(table) if table else hive_columns(entry)
    tables = context.tables()
    written = _compiled(statement, context, tables, columns)
    if table is not None:
        # No lock is held while the rows are being computed, because they are committed only after all of them have
        # been computed.
        added = committed(database, name, lambda: append(context.lake, table, context.stream(tables, written)))
        return written_rows(added)
    return _insert_hive(context, entry, context.stream(tables, written), columns)


def check_insert(statement: nodes.Insert, context: Context) -> None:
    """Check a statement without running it.

    Raises:
        QueryFailure: The statement is not valid.
    """
    _, _, entry = target_of(context, statement.table, statement.table_position)
    columns = table_columns(context.lake.iceberg(entry)) if is_iceberg(entry) else hive_columns(entry)
    _compiled(statement, context, context.tables(), columns)


def _compiled(
    statement: nodes.Insert, context: Context, tables: StatementTables, columns: Sequence[tuple[str, Type]]
) -> Compiled:
    compiled = compile_query(statement.query, context.session(tables))
    chosen = _chosen(statement, [column for column, _ in columns])
    return compiled.rewritten(_insert_sql(compiled, columns, chosen, statement.position))


def _chosen(statement: nodes.Insert, columns: Sequence[str]) -> list[str]:
    if not statement.columns:
        return [column.lower() for column in columns]
    known = {column.lower() for column in columns}
    chosen = []
    for column in statement.columns:
        if column.key not in known:
            raise QueryFailure(
                "COLUMN_NOT_FOUND",
                f"Insert column name does not exist in target table: {column.value}",
                statement.position,
            )
        if column.key in chosen:
            raise QueryFailure(
                "DUPLICATE_COLUMN_NAME",
                f"Insert column name is specified more than once: {column.value}",
                statement.position,
            )
        chosen.append(column.key)
    return chosen


def _insert_sql(compiled: Compiled, columns: Sequence[tuple[str, Type]], chosen: list[str], position: Position) -> str:
    by_name = {name.lower(): type_ for name, type_ in columns}
    wanted = [by_name[name] for name in chosen]
    given = [column.type for column in compiled.columns]
    if len(wanted) != len(given) or not all(map(can_store, given, wanted)):
        raise QueryFailure(
            "TYPE_MISMATCH",
            f"Insert query has mismatched column types: Table: [{', '.join(map(str, wanted))}], "
            f"Query: [{', '.join(map(str, given))}]",
            position,
        )
    values = {
        name: stored_sql(f"q.c{index}", source, target)
        for index, (name, source, target) in enumerate(zip(chosen, given, wanted, strict=False))
    }
    read = ", ".join(
        f"{values.get(name.lower(), null_of(type_))} AS c{index}" for index, (name, type_) in enumerate(columns)
    )
    return f"SELECT {read} FROM ({compiled.sql}) AS q"


def _insert_hive(
    context: Context, entry: dict[str, Any], rows: pa.RecordBatchReader, columns: Sequence[tuple[str, Type]]
) -> Outcome:
    if bucketing_of(entry) is not None:
        raise QueryFailure("NOT_SUPPORTED", "INSERT INTO is not supported on bucketed tables")
    keys = [column["Name"].lower() for column in entry.get("PartitionKeys", ())]
    file_format, layout = writer_settings(entry)
    check_storage(entry)
    parameters = entry.get("Parameters", {})
    projected = is_projected(entry)
    if projected and "storage.location.template" in parameters:
        raise QueryFailure(
            "NOT_SUPPORTED", "The local Athena does not insert into tables with the property storage.location.template"
        )
    writer = HiveWriter(
        context.lake,
        entry["StorageDescriptor"]["Location"].rstrip("/") + "/",
        file_format,
        table_compression(file_format, parameters),
        layout,
        header=writes_header(parameters, file_format),
        # Queries on a table with partition projection ignore the partitions in the catalog.
        location_of=None if projected else PartitionLocations(context.lake, entry),
    )
    written = writer.write(rows, columns, keys)
    add_partitions(context.lake, entry, written.folders, keys)
    outcome = written_rows(written.rows)
    if written.paths:
        outcome.manifest = written.paths
    return outcome
