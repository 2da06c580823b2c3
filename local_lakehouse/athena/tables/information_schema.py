"""The tables of ``information_schema``, which list databases, tables and columns.

https://docs.aws.amazon.com/athena/latest/ug/querying-glue-catalog.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from botocore.exceptions import ClientError

from local_lakehouse.athena.tables.file_bounds import Row
from local_lakehouse.athena.tables.hive import hive_columns
from local_lakehouse.athena.tables.iceberg_types import athena_type
from local_lakehouse.athena.tables.lake import Lake, is_iceberg, is_view
from local_lakehouse.athena.tables.metadata_tables import Columns, rows_table
from local_lakehouse.athena.tables.views import view_definition
from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.session import CATALOG
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

_TEXT = types.VARCHAR
_DENIED = ("403", "AccessDenied", "AccessDeniedException")


def _schemata(lake: Lake) -> tuple[Columns, Iterator[Row]]:
    names = [*(database["Name"] for database in lake.databases()), "information_schema"]
    return (("catalog_name", _TEXT), ("schema_name", _TEXT)), ((CATALOG, name) for name in names)


def _tables(lake: Lake) -> tuple[Columns, Iterator[Row]]:
    columns = (("table_catalog", _TEXT), ("table_schema", _TEXT), ("table_name", _TEXT), ("table_type", _TEXT))

    def rows() -> Iterator[Row]:
        for database in lake.databases():
            for entry in lake.tables(database["Name"]):
                yield CATALOG, database["Name"], entry["Name"], "VIEW" if is_view(entry) else "BASE TABLE"

    return columns, rows()


def _views(lake: Lake) -> tuple[Columns, Iterator[Row]]:
    columns = (("table_catalog", _TEXT), ("table_schema", _TEXT), ("table_name", _TEXT), ("view_definition", _TEXT))

    def rows() -> Iterator[Row]:
        for database in lake.databases():
            for entry in filter(is_view, lake.tables(database["Name"])):
                definition = view_definition(entry) or {}
                yield CATALOG, database["Name"], entry["Name"], definition.get("originalSql")

    return columns, rows()


def _columns(lake: Lake) -> tuple[Columns, Iterator[Row]]:
    columns: Columns = (
        ("table_catalog", _TEXT),
        ("table_schema", _TEXT),
        ("table_name", _TEXT),
        ("column_name", _TEXT),
        ("ordinal_position", types.BIGINT),
        ("column_default", _TEXT),
        ("is_nullable", _TEXT),
        ("data_type", _TEXT),
        ("comment", _TEXT),
        ("extra_info", _TEXT),
    )

    def rows() -> Iterator[Row]:
        for database in lake.databases():
            for entry in lake.tables(database["Name"]):
                for place, (name, type_, comment) in enumerate(_known_columns(lake, entry), 1):
                    yield (
                        CATALOG,
                        database["Name"],
                        entry["Name"],
                        name,
                        place,
                        None,
                        "YES",
                        str(type_),
                        comment,
                        None,
                    )

    return columns, rows()


def _known_columns(lake: Lake, entry: dict[str, Any]) -> list[tuple[str, Type, str | None]]:
    """Return a table's columns, or an empty list if the table is unreadable, because Athena omits such tables."""
    try:
        return table_columns(lake, entry)
    except QueryFailure:
        return []
    except ClientError as error:
        if error.response["Error"]["Code"] not in _DENIED:
            raise
        return []


def table_columns(lake: Lake, entry: dict[str, Any]) -> list[tuple[str, Type, str | None]]:
    """Return the names, types and comments of a table's columns."""
    if is_iceberg(entry):
        fields = lake.iceberg(entry).schema().fields
        return [(field.name.lower(), athena_type(field.field_type), field.doc) for field in fields]
    comments = {
        column["Name"].lower(): column.get("Comment")
        for column in (*entry.get("StorageDescriptor", {}).get("Columns", ()), *entry.get("PartitionKeys", ()))
    }
    return [(name, type_, comments.get(name)) for name, type_ in hive_columns(entry)]


_BUILDERS: dict[str, Callable[[Lake], tuple[Columns, Iterator[Row]]]] = {
    "schemata": _schemata,
    "tables": _tables,
    "views": _views,
    "columns": _columns,
}


def information_table(lake: Lake, name: str) -> tuple[Columns, pa.Table] | None:
    """Return a table of ``information_schema``, or None if it does not exist."""
    builder = _BUILDERS.get(name)
    if builder is None:
        return None
    columns, rows = builder(lake)
    return columns, rows_table(columns, rows)
