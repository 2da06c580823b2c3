"""Execution of ``ALTER TABLE`` statements.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-evolving-table-schema.html
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from pyiceberg.exceptions import ValidationError
from pyiceberg.table import Table

from local_lakehouse.athena import partitions
from local_lakehouse.athena.context import Context, Outcome, table_of
from local_lakehouse.athena.ddl import hive_failure, known_table
from local_lakehouse.athena.tables.iceberg_types import athena_type
from local_lakehouse.athena.tables.lake import is_iceberg, is_view
from local_lakehouse.athena.writes.hive_files import check_location
from local_lakehouse.athena.writes.hive_tables import stored_location
from local_lakehouse.athena.writes.iceberg_commits import changing, fresh
from local_lakehouse.athena.writes.iceberg_properties import check_properties, removed_properties, stored_properties
from local_lakehouse.athena.writes.iceberg_tables import iceberg_type
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.hive_types import glue_type

_ICEBERG_ACTIONS = ("ADD_COLUMN", "DROP_COLUMN", "CHANGE_COLUMN", "PROPERTIES", "RENAME")
_TABLE_INPUT = (
    "Name",
    "Description",
    "Owner",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "ViewOriginalText",
    "ViewExpandedText",
    "TableType",
    "Parameters",
)


def alter_table(statement: nodes.AlterTable, context: Context) -> Outcome:
    """Change a table."""
    entry = known_table(context, statement.table)
    if is_view(entry):
        raise hive_failure("FAILED: SemanticException [Error 10132]: Cannot alter a view with ALTER TABLE")
    if not is_iceberg(entry):
        _HIVE[statement.action](statement, context, entry)
        return Outcome()
    if statement.action not in _ICEBERG_ACTIONS:
        raise QueryFailure("", "Query type not supported by Athena Iceberg at this time", error_type=1200)
    database, name = entry["DatabaseName"], entry["Name"]
    if statement.action == "RENAME":
        new_database, new_name = table_of(context, statement.new_table)
        _check_free(context, new_database, new_name)
        changing(database, name, lambda: context.lake.catalog.rename_table((database, name), (new_database, new_name)))
        return Outcome()
    changing(database, name, lambda: _change(statement, fresh(context.lake, database, name)))
    return Outcome()


def _check_free(context: Context, database: str, name: str) -> None:
    if context.lake.database(database) is None:
        raise hive_failure(f"FAILED: SemanticException [Error 10072]: Database does not exist: {database}")
    if context.lake.table(database, name) is not None:
        raise hive_failure(
            "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
            f"Table {database}.{name} already exists",
            1502,
        )


def _change(statement: nodes.AlterTable, table: Table) -> None:
    try:
        _ICEBERG[statement.action](statement, table)
    except (ValidationError, ValueError) as error:
        raise QueryFailure("", str(error).splitlines()[0], error_type=1200) from error


def _add_columns(statement: nodes.AlterTable, table: Table) -> None:
    with table.update_schema() as update:
        for column in statement.columns:
            update.add_column(column.name, iceberg_type(column.type, itertools.count(1)), doc=column.comment)


def _check_column(table: Table, name: str) -> None:
    if name not in table.schema().column_names:
        raise QueryFailure("", f"Column {name} does not exist in the table", error_type=1200)


def _drop_column(statement: nodes.AlterTable, table: Table) -> None:
    _check_column(table, statement.old_name)
    field = table.schema().find_field(statement.old_name)
    if any(partition.source_id == field.field_id for partition in table.spec().fields):
        # The table could not be written anymore.
        raise QueryFailure("", f"Cannot drop partition field: {statement.old_name}", error_type=1200)
    with table.update_schema() as update:
        update.delete_column(statement.old_name)


def _change_column(statement: nodes.AlterTable, table: Table) -> None:
    column = statement.columns[0]
    _check_column(table, statement.old_name)
    if column.name != statement.old_name and column.name in table.schema().column_names:
        raise QueryFailure("", f"Cannot rename column, name already exists: {column.name}", error_type=1200)
    current = table.schema().find_field(statement.old_name)
    wanted = iceberg_type(column.type, itertools.count(1))
    if not current.field_type.is_primitive and athena_type(current.field_type) != athena_type(wanted):
        raise QueryFailure(
            "",
            f"Cannot change column type: {statement.old_name}: {athena_type(current.field_type)} -> "
            f"{athena_type(wanted)}",
            error_type=1200,
        )
    with table.update_schema() as update:
        if current.field_type.is_primitive and current.field_type != wanted:
            update.update_column(statement.old_name, field_type=wanted)
        if column.comment is not None:
            update.update_column(statement.old_name, doc=column.comment)
        if column.name != statement.old_name:
            update.rename_column(statement.old_name, column.name)
        if statement.place == "FIRST":
            update.move_first(statement.old_name)
        elif statement.place is not None:
            update.move_after(statement.old_name, statement.place.removeprefix("AFTER "))


def _properties(statement: nodes.AlterTable, table: Table) -> None:
    properties = dict(statement.properties)
    check_properties(properties, table.properties)
    with table.transaction() as transaction:
        if properties:
            transaction.set_properties(stored_properties(properties))
        for key in statement.unset:
            transaction.remove_properties(*removed_properties(key))


def _updated(context: Context, entry: dict[str, Any], **changes: Any) -> None:
    kept = {key: entry[key] for key in _TABLE_INPUT if key in entry}
    context.lake.glue.update_table(DatabaseName=entry["DatabaseName"], TableInput={**kept, **changes})


def _columns(statement: nodes.AlterTable) -> list[dict[str, str]]:
    return [
        {"Name": column.name, "Type": glue_type(column.type), **({"Comment": column.comment} if column.comment else {})}
        for column in statement.columns
    ]


def _set_columns(context: Context, entry: dict[str, Any], columns: list[dict[str, str]]) -> None:
    names = [column["Name"].lower() for column in (*columns, *entry.get("PartitionKeys", ()))]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise hive_failure(
            "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
            f"Duplicate column name: {twice}",
            1502,
        )
    _updated(context, entry, StorageDescriptor={**entry["StorageDescriptor"], "Columns": columns})


def _hive_add(statement: nodes.AlterTable, context: Context, entry: dict[str, Any]) -> None:
    _set_columns(context, entry, [*entry["StorageDescriptor"].get("Columns", ()), *_columns(statement)])


def _hive_replace(statement: nodes.AlterTable, context: Context, entry: dict[str, Any]) -> None:
    _set_columns(context, entry, _columns(statement))


def _hive_change(statement: nodes.AlterTable, context: Context, entry: dict[str, Any]) -> None:
    columns = entry["StorageDescriptor"].get("Columns", [])
    [changed] = _columns(statement)
    # As in Hive, a column keeps its comment if the statement has none.
    listed = [
        {**{key: column[key] for key in ("Comment",) if key in column}, **changed}
        if column["Name"].lower() == statement.old_name
        else column
        for column in columns
    ]
    if statement.place is not None:
        raise hive_failure(
            f"FAILED: SemanticException: FIRST and AFTER cannot move column {statement.old_name} of a Hive table"
        )
    if listed == columns:
        raise hive_failure(
            f"FAILED: SemanticException: column {statement.old_name} does not exist or already has this definition"
        )
    _set_columns(context, entry, listed)


def _hive_properties(statement: nodes.AlterTable, context: Context, entry: dict[str, Any]) -> None:
    kept = {key: value for key, value in entry.get("Parameters", {}).items() if key not in statement.unset}
    _updated(context, entry, Parameters={**kept, **dict(statement.properties)})


def _hive_location(statement: nodes.AlterTable, context: Context, entry: dict[str, Any]) -> None:
    if statement.partitions:
        partitions.set_partition_location(statement, context, entry)
        return
    location = dict(statement.properties)["location"]
    check_location(location)
    _updated(context, entry, StorageDescriptor={**entry["StorageDescriptor"], "Location": stored_location(location)})


def _hive_refused(statement: nodes.AlterTable, _: Context, __: dict[str, Any]) -> None:
    action = statement.action.replace("_", " ")
    raise hive_failure(f"FAILED: SemanticException: ALTER TABLE {action} is not supported for Hive tables")


_ICEBERG: dict[str, Callable[[nodes.AlterTable, Table], None]] = {
    "ADD_COLUMN": _add_columns,
    "DROP_COLUMN": _drop_column,
    "CHANGE_COLUMN": _change_column,
    "PROPERTIES": _properties,
}
_HIVE: dict[str, Callable[[nodes.AlterTable, Context, dict[str, Any]], None]] = {
    "ADD_COLUMN": _hive_add,
    "REPLACE_COLUMN": _hive_replace,
    "CHANGE_COLUMN": _hive_change,
    "PROPERTIES": _hive_properties,
    "SET_LOCATION": _hive_location,
    "ADD_PARTITION": partitions.add_partitions,
    "DROP_PARTITION": partitions.drop_partitions,
    "RENAME_PARTITION": partitions.rename_partition,
    "DROP_COLUMN": _hive_refused,
    "RENAME": _hive_refused,
}
