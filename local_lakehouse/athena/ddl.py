"""Execution of ``CREATE`` and ``DROP`` statements.

https://docs.aws.amazon.com/athena/latest/ug/ddl-sql-reference.html
"""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.athena.context import Context, Outcome, table_of
from local_lakehouse.athena.query_statements import column_names
from local_lakehouse.athena.tables.bucketing import Bucketing
from local_lakehouse.athena.tables.catalog import qualify
from local_lakehouse.athena.tables.lake import is_iceberg, is_view
from local_lakehouse.athena.tables.projection import check_projection
from local_lakehouse.athena.tables.storage_checks import check_serde, check_table_type
from local_lakehouse.athena.tables.views import view_input
from local_lakehouse.athena.writes.hive_tables import STORAGE, bucket_properties, stored_location
from local_lakehouse.athena.writes.iceberg_tables import new_table
from local_lakehouse.iceberg.commits import create
from local_lakehouse.iceberg.snapshots import Change
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.analysis.session import CATALOG
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.hive_types import glue_type

_HIVE_SYSTEM = 1
_METASTORE = 1502
_SEMANTIC = 1003
_INPUTS = {
    # CloudTrail logs are read with the CloudTrail SerDe or a JSON SerDe.
    "com.amazon.emr.cloudtrail.cloudtrailinputformat": (
        "com.amazon.emr.cloudtrail.CloudTrailInputFormat",
        STORAGE["TEXTFILE"][1],
        "com.amazon.emr.hive.serde.CloudTrailSerde",
    ),
    **{storage[0].lower(): storage for storage in STORAGE.values()},
}
# Without STORED AS, tables with the following SerDe have a different output format in Athena:
# https://github.com/laughingman7743/PyAthena/blob/v3.25.0/tests/pyathena/sqlalchemy/test_base.py
_DEFAULT_OUTPUTS = {"org.openx.data.jsonserde.JsonSerDe": "org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat"}
_DATABASE_INPUT = ("Name", "Description", "LocationUri", "CreateTableDefaultPermissions")
_START = Position(1, 1)


def hive_failure(message: str, error_type: int = _SEMANTIC) -> QueryFailure:
    """Return a Hive-style failure, which is a system error without an error name."""
    return QueryFailure("", message, category=_HIVE_SYSTEM, error_type=error_type)


def _task_failure(message: str) -> QueryFailure:
    return hive_failure(
        f"FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. {message}", _METASTORE
    )


def known_table(context: Context, names: nodes.TableName) -> dict[str, Any]:
    """Return the catalog entry for a table in a Hive statement.

    Raises:
        QueryFailure: The table does not exist.
    """
    database, name = table_of(context, names)
    entry = context.lake.table(database, name)
    if entry is None:
        raise hive_failure(f"FAILED: SemanticException [Error 10001]: Table not found {database}.{name}")
    return entry


def create_database(statement: nodes.CreateDatabase, context: Context) -> Outcome:
    """Create a database."""
    if context.lake.database(statement.name) is not None:
        if statement.if_not_exists:
            return Outcome()
        raise _task_failure(f"Database {statement.name} already exists")
    if statement.location is not None:
        _check_location(statement.location)
    given = {"Description": statement.comment, "LocationUri": statement.location}
    database = {"Name": statement.name, "Parameters": dict(statement.properties)}
    database |= {key: value for key, value in given.items() if value is not None}
    context.lake.glue.create_database(DatabaseInput=database)
    return Outcome()


def alter_database(statement: nodes.AlterDatabase, context: Context) -> Outcome:
    """Set properties of a database."""
    database = context.lake.database(statement.name)
    if database is None:
        raise hive_failure(f"FAILED: SemanticException [Error 10072]: Database does not exist: {statement.name}")
    kept = {key: database[key] for key in _DATABASE_INPUT if key in database}
    parameters = {**database.get("Parameters", {}), **dict(statement.properties)}
    context.lake.glue.update_database(Name=statement.name, DatabaseInput={**kept, "Parameters": parameters})
    return Outcome()


def drop_database(statement: nodes.DropDatabase, context: Context) -> Outcome:
    """Drop a database."""
    if context.lake.database(statement.name) is None:
        if statement.if_exists:
            return Outcome()
        raise hive_failure(f"FAILED: SemanticException [Error 10072]: Database does not exist: {statement.name}")
    if not statement.cascade and next(context.lake.tables(statement.name), None) is not None:
        raise _task_failure(
            f"InvalidOperationException(message:Database {statement.name} is not empty. One or more tables exist.)"
        )
    for entry in list(context.lake.tables(statement.name)):
        context.lake.glue.delete_table(DatabaseName=statement.name, Name=entry["Name"])
    context.lake.glue.delete_database(Name=statement.name)
    return Outcome()


def create_table(statement: nodes.CreateTable, context: Context) -> Outcome:
    """Create an Iceberg table, or register an external table in the catalog."""
    database, name = table_of(context, statement.table)
    if context.lake.database(database) is None:
        raise hive_failure(f"FAILED: SemanticException [Error 10072]: Database does not exist: {database}")
    if context.lake.table(database, name) is not None:
        if statement.if_not_exists:
            return Outcome()
        raise _task_failure(f"AlreadyExistsException(message:Table {name} already exists)")
    _check_definition(statement)
    properties = dict(statement.properties)
    if properties.get("table_type", "").upper() == "ICEBERG":
        _check_iceberg_clauses(statement)
        metadata = new_table(
            statement.columns, statement.partitions, statement.location or "", properties, statement.comment
        )
        create(context.lake.catalog, database, name, metadata, Change())
    else:
        context.lake.glue.create_table(DatabaseName=database, TableInput=_external(statement, name, properties))
    return Outcome()


def _check_definition(statement: nodes.CreateTable) -> None:
    names = [column.name for column in statement.columns] + [
        partition.column for partition in statement.partitions if partition.type
    ]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise hive_failure(f"FAILED: SemanticException [Error 10036]: Duplicate column name: {twice}")
    unknown = [name for name in statement.bucketed_by if name not in [column.name for column in statement.columns]]
    if unknown:
        raise hive_failure(f"FAILED: SemanticException [Error 10002]: Invalid column reference {unknown[0]}")
    _check_location(statement.location or "")


def _check_iceberg_clauses(statement: nodes.CreateTable) -> None:
    """Reject clauses that apply only to Hive tables."""
    if statement.bucketed_by:
        raise QueryFailure(
            "NOT_SUPPORTED", "Iceberg tables do not support CLUSTERED BY; use PARTITIONED BY (bucket(n, column))"
        )
    if statement.serde or statement.row_format or statement.stored_as:
        raise QueryFailure(
            "NOT_SUPPORTED",
            "Iceberg tables do not support ROW FORMAT, STORED AS and SERDEPROPERTIES; use the table property 'format'",
        )
    if any(partition.type is not None for partition in statement.partitions):
        raise QueryFailure("NOT_SUPPORTED", "PARTITIONED BY must not contain a column type for an Iceberg table")


def _check_location(location: str) -> None:
    if not re.match("s3://[^/]", location):
        raise _task_failure(f"MetaException(message:The location is not a path in S3: {location})")


def _storage(stored_as: str) -> tuple[str, str, str]:
    """Return the input format, output format and SerDe for a format name, such as ``ORC``, or for an input format.

    Raises:
        QueryFailure: The format is not supported (``NOT_SUPPORTED``).
    """
    storage = STORAGE.get(stored_as) or _INPUTS.get(stored_as.lower())
    if storage is None:
        raise QueryFailure(
            "NOT_SUPPORTED",
            f"The local Athena does not read tables stored as {stored_as}; it reads {', '.join(STORAGE)}",
        )
    return storage


def _external(statement: nodes.CreateTable, name: str, properties: dict[str, str]) -> dict[str, Any]:
    input_format, output_format, serde = _storage(statement.stored_as or "TEXTFILE")
    if statement.stored_as is None:
        output_format = _DEFAULT_OUTPUTS.get(statement.serde or serde, output_format)
    check_table_type(properties)
    check_serde(statement.serde or serde, dict(statement.row_format), properties)
    check_projection([entry.column for entry in statement.partitions], properties)
    partitions = []
    for partition in statement.partitions:
        if partition.type is None:
            raise hive_failure("FAILED: ParseException: a partition column of a Hive table requires a type")
        partitions.append(
            {
                "Name": partition.column,
                "Type": glue_type(partition.type),
                **({"Comment": partition.comment} if partition.comment else {}),
            }
        )
    parameters = {"serialization.format": "1", **dict(statement.row_format)}
    if "field.delim" in parameters:
        parameters["serialization.format"] = parameters["field.delim"]
    bucketing = Bucketing(statement.bucketed_by, statement.bucket_count) if statement.bucketed_by else None
    table: dict[str, Any] = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **properties},
        "PartitionKeys": partitions,
        "StorageDescriptor": {
            "Columns": [
                {
                    "Name": column.name,
                    "Type": glue_type(column.type),
                    **({"Comment": column.comment} if column.comment else {}),
                }
                for column in statement.columns
            ],
            "Location": stored_location(statement.location or ""),
            "InputFormat": input_format,
            "OutputFormat": statement.output_format or output_format,
            "SerdeInfo": {"SerializationLibrary": statement.serde or serde, "Parameters": parameters},
            **bucket_properties(bucketing),
        },
    }
    if statement.comment:
        table["Description"] = statement.comment
    return table


def drop_table(statement: nodes.DropTable, context: Context) -> Outcome:
    """Drop a table and, for an Iceberg table, delete its files."""
    database, name = table_of(context, statement.table)
    entry = context.lake.table(database, name)
    if entry is None:
        if statement.if_exists:
            return Outcome()
        raise hive_failure(f"FAILED: SemanticException [Error 10001]: Table not found {name}")
    if is_view(entry):
        raise hive_failure(f"FAILED: SemanticException [Error 10000]: Cannot drop a view with DROP TABLE: {name}")
    context.lake.glue.delete_table(DatabaseName=database, Name=name)
    if is_iceberg(entry):
        _delete_files(context, entry["StorageDescriptor"]["Location"])
        return Outcome(rows=[[""], [""]])
    return Outcome()


def _delete_files(context: Context, location: str) -> None:
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    prefix = prefix.rstrip("/") + "/"
    try:
        for page in context.lake.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            keys = [{"Key": entry["Key"]} for entry in page.get("Contents", ())]
            if keys:
                context.lake.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def create_view(statement: nodes.CreateView, context: Context) -> Outcome:
    """Create a view."""
    database, name = qualify(tuple(item.key for item in statement.view), context.database, statement.position)
    if context.lake.database(database) is None:
        raise QueryFailure("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", statement.position)
    session = context.session(context.tables())
    session.replaced = (CATALOG, database, name) if statement.replace else None
    compiled = compile_query(statement.query, session)
    names = column_names(compiled)
    if any(column.name is None for column in compiled.columns):
        place = [column.name for column in compiled.columns].index(None) + 1
        raise QueryFailure("MISSING_COLUMN_NAME", f"Column name not specified at position {place}", statement.position)
    if len({each.lower() for each in names}) != len(names):
        raise QueryFailure("DUPLICATE_COLUMN_NAME", "A view's columns must have different names", statement.position)
    columns = [(entry.lower(), column.type) for entry, column in zip(names, compiled.columns, strict=False)]
    view = view_input(name, statement.query.text, context.database, columns)
    existing = context.lake.table(database, name)
    if existing is None:
        context.lake.glue.create_table(DatabaseName=database, TableInput=view)
    elif not statement.replace or not is_view(existing):
        raise QueryFailure(
            "TABLE_ALREADY_EXISTS", f"View already exists: '{CATALOG}.{database}.{name}'", statement.position
        )
    else:
        context.lake.glue.update_table(DatabaseName=database, TableInput=view)
    return Outcome()


def drop_view(statement: nodes.DropView, context: Context) -> Outcome:
    """Drop a view."""
    database, name = qualify(tuple(item.key for item in statement.view), context.database, statement.position)
    entry = context.lake.table(database, name)
    if entry is None:
        if statement.if_exists:
            return Outcome()
        raise QueryFailure("TABLE_NOT_FOUND", f"View '{CATALOG}.{database}.{name}' does not exist", statement.position)
    if not is_view(entry):
        raise QueryFailure("NOT_SUPPORTED", f"'{CATALOG}.{database}.{name}' is a table, not a view", statement.position)
    context.lake.glue.delete_table(DatabaseName=database, Name=name)
    return Outcome()
