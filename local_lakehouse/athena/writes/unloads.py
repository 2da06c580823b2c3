"""Execution of ``UNLOAD`` statements.

https://docs.aws.amazon.com/athena/latest/ug/unload.html
"""

from __future__ import annotations

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.tables.lazy_simple import layout_of
from local_lakehouse.athena.writes.ctas import named_columns, property_values
from local_lakehouse.athena.writes.hive_files import HiveWriter, check_format, check_hive_types
from local_lakehouse.athena.writes.inserts import ROWS
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes

_PROPERTIES = ("format", "compression", "partitioned_by", "field_delimiter", "compression_level")


def unload(statement: nodes.Unload, context: Context) -> Outcome:
    """Write a query's rows to files."""
    settings = property_values(statement.properties)
    unknown = [name for name in settings if name not in _PROPERTIES]
    if unknown:
        raise QueryFailure("INVALID_TABLE_PROPERTY", f"UNLOAD has no property '{unknown[0]}'")
    if "format" not in settings:
        raise QueryFailure("INVALID_TABLE_PROPERTY", "UNLOAD requires a format: WITH (format = 'PARQUET')")
    tables = context.tables()
    compiled = compile_query(statement.query, context.session(tables))
    columns = named_columns(compiled, statement.query)
    check_hive_types(columns)
    partitioned_by = [str(entry).lower() for entry in settings.get("partitioned_by", ())]
    if partitioned_by != [name for name, _ in columns[len(columns) - len(partitioned_by) :]]:
        raise QueryFailure(
            "INVALID_TABLE_PROPERTY", f"Partition keys must be the last columns of the query: {partitioned_by}"
        )
    location = statement.location.rstrip("/") + "/"
    writer = HiveWriter(
        context.lake,
        location,
        check_format(str(settings["format"])),
        settings.get("compression"),
        layout_of({"field.delim": str(settings.get("field_delimiter", "\x01"))}),
    )
    writer.check_empty("unload")
    written = writer.write(context.stream(tables, compiled), columns, partitioned_by)
    return Outcome(ROWS, update_count=written.rows, manifest=written.paths, body=False)
