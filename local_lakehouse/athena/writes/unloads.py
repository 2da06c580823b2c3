"""Execution of ``UNLOAD`` statements.

https://docs.aws.amazon.com/athena/latest/ug/unload.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.tables.catalog import StatementTables
from local_lakehouse.athena.tables.lazy_simple import layout_of
from local_lakehouse.athena.writes.compression import Compression, compression_of
from local_lakehouse.athena.writes.ctas import named_columns
from local_lakehouse.athena.writes.hive_files import HiveWriter, check_format, check_hive_types
from local_lakehouse.athena.writes.inserts import ROWS
from local_lakehouse.athena.writes.properties import (
    UNLOAD_PROPERTIES,
    field_delimiter,
    partition_columns,
    property_values,
)
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.types import Type

_COMPRESSED_FORMATS = ("ORC", "PARQUET")


def unload(statement: nodes.Unload, context: Context) -> Outcome:
    """Write a query's rows to files."""
    tables = context.tables()
    compiled, columns, settings = _analyzed(statement, context, tables)
    partitioned_by = partition_columns(settings, columns)
    file_format = check_format(settings["format"])
    writer = HiveWriter(
        context.lake,
        statement.location.rstrip("/") + "/",
        file_format,
        _compression(settings, file_format),
        layout_of({"field.delim": field_delimiter(settings, file_format)}),
    )
    writer.check_empty("unload")
    written = writer.write(context.stream(tables, compiled), columns, partitioned_by)
    return Outcome(ROWS, update_count=written.rows, manifest=written.paths, body=False)


def check_unload(statement: nodes.Unload, context: Context) -> None:
    """Check a statement without running it.

    Raises:
        QueryFailure: The statement is not valid.
    """
    _, columns, settings = _analyzed(statement, context, context.tables())
    partition_columns(settings, columns)
    file_format = check_format(settings["format"])
    _compression(settings, file_format)
    field_delimiter(settings, file_format)


def _analyzed(
    statement: nodes.Unload, context: Context, tables: StatementTables
) -> tuple[Compiled, list[tuple[str, Type]], dict[str, Any]]:
    settings = property_values(statement.properties, UNLOAD_PROPERTIES)
    if "format" not in settings:
        raise QueryFailure("INVALID_TABLE_PROPERTY", "UNLOAD requires a format: WITH (format = 'PARQUET')")
    compiled = compile_query(statement.query, context.session(tables))
    columns = named_columns(compiled, statement.query)
    check_hive_types(columns)
    return compiled, columns, settings


def _compression(settings: Mapping[str, Any], file_format: str) -> Compression:
    found = compression_of(file_format, settings.get("compression"), settings.get("compression_level"))
    if file_format not in _COMPRESSED_FORMATS and found != compression_of(file_format, None):
        raise QueryFailure(
            "NOT_SUPPORTED",
            f"The compression of UNLOAD applies only to {' and '.join(_COMPRESSED_FORMATS)}, not to {file_format}",
        )
    return found
