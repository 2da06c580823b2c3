"""Execution of ``CREATE TABLE … AS SELECT`` statements.

https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
"""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.tables.bucketing import Bucketing, check_bucketing
from local_lakehouse.athena.tables.catalog import StatementTables, qualify
from local_lakehouse.athena.tables.lazy_simple import layout_of
from local_lakehouse.athena.writes.compression import compression_of, compression_parameters
from local_lakehouse.athena.writes.hive_files import (
    HiveWriter,
    Written,
    check_format,
    check_hive_types,
    check_location,
)
from local_lakehouse.athena.writes.hive_tables import add_partitions, table_input
from local_lakehouse.athena.writes.iceberg_commits import row_writer
from local_lakehouse.athena.writes.iceberg_tables import new_table, transforms_of
from local_lakehouse.athena.writes.inserts import ROWS
from local_lakehouse.athena.writes.properties import (
    HIVE_PROPERTIES,
    ICEBERG_PROPERTIES,
    LOCATION_IS_ENFORCED,
    check_external,
    ctas_compression,
    field_delimiter,
    is_iceberg_ctas,
    partition_columns,
    property_values,
)
from local_lakehouse.iceberg.commits import create
from local_lakehouse.iceberg.snapshots import Change
from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.analysis.session import CATALOG
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.types import Type


@dataclass(frozen=True)
class _Analyzed:
    """A valid statement, with the new table's name, properties and columns."""

    database: str
    name: str
    iceberg: bool
    settings: dict[str, Any]
    compiled: Compiled
    columns: list[tuple[str, Type]]
    comment: str | None


def create_table_as(statement: nodes.CreateTableAs, context: Context) -> Outcome:
    """Create a table from the rows of a query."""
    tables = context.tables()
    found = _analyzed(statement, context, tables)
    if found is None:
        return Outcome(ROWS, update_count=0, body=False)
    compiled = found.compiled
    if not statement.with_data:
        compiled = compiled.rewritten(f"SELECT * FROM ({compiled.sql}) WHERE FALSE")
    if found.iceberg:
        count = _create_iceberg(context, found, lambda: context.stream(tables, compiled))
        return Outcome(ROWS, update_count=count, body=False)
    written = _create_hive(context, found, lambda: context.stream(tables, compiled))
    return Outcome(ROWS, update_count=written.rows, manifest=written.paths, body=False)


def check_create_table_as(statement: nodes.CreateTableAs, context: Context) -> None:
    """Check a statement without running it.

    Raises:
        QueryFailure: The statement is not valid.
    """
    _analyzed(statement, context, context.tables())


def _analyzed(statement: nodes.CreateTableAs, context: Context, tables: StatementTables) -> _Analyzed | None:
    """Return the analyzed statement, or None if the table exists and the statement has ``IF NOT EXISTS``."""
    database, name = qualify(tuple(entry.key for entry in statement.table), context.database, statement.position)
    iceberg = is_iceberg_ctas(statement.properties)
    settings = property_values(statement.properties, ICEBERG_PROPERTIES if iceberg else HIVE_PROPERTIES)
    check_external(settings, iceberg=iceberg)
    compiled = compile_query(statement.query, context.session(tables))
    columns = named_columns(_renamed(compiled, statement), statement.query)
    _check_target(context, database, name)
    if context.lake.table(database, name) is not None:
        if statement.if_not_exists:
            return None
        raise QueryFailure(
            "TABLE_ALREADY_EXISTS",
            f"Destination table '{CATALOG}.{database}.{name}' already exists",
            statement.position,
        )
    if not iceberg:
        check_hive_types(columns)
    return _Analyzed(database, name, iceberg, settings, compiled, columns, statement.comment)


def _renamed(compiled: Compiled, statement: nodes.CreateTableAs) -> Compiled:
    """Return a query with the column names that the statement specifies, if any."""
    if not statement.columns:
        return compiled
    if len(statement.columns) != len(compiled.columns):
        raise QueryFailure(
            "MISMATCHED_COLUMN_ALIASES",
            f"Column alias list has {len(statement.columns)} entries but relation has {len(compiled.columns)} columns",
            statement.position,
        )
    named = tuple(
        replace(column, name=name.value) for column, name in zip(compiled.columns, statement.columns, strict=True)
    )
    return compiled.rewritten(compiled.sql, named)


def named_columns(compiled: Compiled, query: tree.Query) -> list[tuple[str, Type]]:
    """Return the names and types of a query's columns, which must have unique names.

    Raises:
        QueryFailure: A column lacks a name or a type, or a name is repeated.
    """
    position = query.position
    columns: list[tuple[str, Type]] = []
    for place, column in enumerate(compiled.columns, 1):
        if column.name is None:
            raise QueryFailure("MISSING_COLUMN_NAME", f"Column name not specified at position {place}", position)
        name = column.name.lower()
        if name in {known for known, _ in columns}:
            raise QueryFailure("DUPLICATE_COLUMN_NAME", f"Column name '{name}' specified more than once", position)
        if column.type == types.UNKNOWN:
            raise QueryFailure("COLUMN_TYPE_UNKNOWN", f"Column type is unknown: {name}", position)
        columns.append((name, column.type))
    return columns


def _check_target(context: Context, database: str, name: str) -> None:
    if context.lake.database(database) is None:
        raise QueryFailure(
            "",
            f"Database {database} not found. Please check your query. You may need to manually clean the data at "
            f"location '{context.execution.output_location}' before retrying. Athena will not delete data in your "
            "account.",
            error_type=1301,
        )


def _create_hive(context: Context, table: _Analyzed, rows: Callable[[], pa.RecordBatchReader]) -> Written:
    settings, columns = table.settings, table.columns
    file_format = check_format(str(settings.get("format", "PARQUET")))
    partitioned_by = partition_columns(settings, columns)
    bucketing = _bucketing(settings)
    if bucketing is not None:
        check_bucketing(bucketing, columns, partitioned_by)
    if context.execution.managed and not settings.get("external_location"):
        raise QueryFailure(
            "INVALID_TABLE_PROPERTY", "A workgroup with managed query results requires the property external_location"
        )
    if context.execution.enforced_location and settings.get("external_location"):
        # StartQueryExecution rejects the statement, unless it is a prepared statement.
        raise QueryFailure("INVALID_TABLE_PROPERTY", LOCATION_IS_ENFORCED)
    location = str(settings.get("external_location") or f"{context.execution.output_location}/").rstrip("/") + "/"
    delimiter = field_delimiter(settings, file_format)
    compression, level = ctas_compression(settings, file_format), settings.get("compression_level")
    parameters = (
        {"field.delim": delimiter, "serialization.format": delimiter}
        if file_format == "TEXTFILE"
        else {"serialization.format": "1"}
    )
    writer = HiveWriter(
        context.lake, location, file_format, compression_of(file_format, compression, level), layout_of(parameters)
    )
    writer.check_empty(f"{table.database}.{table.name}")
    written = writer.write(rows(), columns, partitioned_by, bucketing)
    entry = table_input(table.name, columns, partitioned_by, location, file_format, parameters, bucketing)
    entry["Parameters"] |= compression_parameters(file_format, compression, level)
    if table.comment:
        entry["Description"] = table.comment
    context.lake.glue.create_table(DatabaseName=table.database, TableInput=entry)
    add_partitions(context.lake, {**entry, "DatabaseName": table.database}, written.folders, partitioned_by)
    return written


def _bucketing(settings: dict[str, Any]) -> Bucketing | None:
    names, count = settings.get("bucketed_by", []), settings.get("bucket_count", 0)
    if not names and not count:
        return None
    if not isinstance(names, list) or not isinstance(count, int) or not names or count <= 0:
        raise QueryFailure(
            "INVALID_TABLE_PROPERTY",
            "bucketed_by (an array of column names) and bucket_count (a positive number) must be specified together",
        )
    return Bucketing(tuple(str(name).lower() for name in names), count)


def _create_iceberg(context: Context, table: _Analyzed, rows: Callable[[], pa.RecordBatchReader]) -> int:
    settings, columns = table.settings, table.columns
    location = settings.get("location")
    if not location:
        raise QueryFailure("INVALID_TABLE_PROPERTY", "An Iceberg table requires a location: WITH (location = 's3://…')")
    check_location(str(location))
    partitioning = transforms_of([str(text) for text in settings.get("partitioning", ())])
    properties = {
        key: str(value) for key, value in settings.items() if key not in ("location", "is_external", "partitioning")
    }
    listed = [nodes.ColumnDefinition(column, type_) for column, type_ in columns]
    metadata = new_table(listed, partitioning, str(location), properties, table.comment)
    _check_empty(context, metadata.location)
    with row_writer(context.lake, metadata) as writer:
        writer.write(rows())
        writer.finish()
        try:
            create(context.lake.catalog, table.database, table.name, metadata, Change(writer.files))
        except CommitFailedException as error:
            raise QueryFailure(
                "TABLE_ALREADY_EXISTS", f"Destination table '{CATALOG}.{table.database}.{table.name}' already exists"
            ) from error
    return writer.row_count


def _check_empty(context: Context, location: str) -> None:
    """Reject a location that already contains files, as Trino does."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    if context.lake.s3.list_objects_v2(Bucket=bucket, Prefix=f"{key}/" if key else "", MaxKeys=1).get("KeyCount"):
        raise QueryFailure("ICEBERG_FILESYSTEM_ERROR", f"Cannot create a table on a non-empty location: {location}")
