"""Execution of statements about the partitions of Hive tables.

https://docs.aws.amazon.com/athena/latest/ug/alter-table-add-partition.html and related pages
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.ddl import hive_failure, known_table
from local_lakehouse.athena.tables.lake import is_iceberg, is_view
from local_lakehouse.athena.tables.partition_names import partition_name, partition_values
from local_lakehouse.athena.writes.hive_files import check_location
from local_lakehouse.athena.writes.hive_tables import add_partition, stored_location
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes

_METASTORE = 1502
_PARTITION_INPUT = ("StorageDescriptor", "Parameters", "LastAccessTime", "LastAnalyzedTime")


def _keys(entry: dict[str, Any]) -> list[str]:
    return [item["Name"].lower() for item in entry.get("PartitionKeys", ())]


def _values(entry: dict[str, Any], given: nodes.PartitionSpec) -> list[str]:
    keys, values = _keys(entry), dict(given)
    if sorted(keys) != sorted(name for name, _ in given):
        raise hive_failure(
            f"FAILED: SemanticException: partition spec {values} doesn't contain all ({len(keys)}) partition columns"
        )
    return [values[key] for key in keys]


def _found(context: Context, entry: dict[str, Any], values: list[str]) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = context.lake.glue.get_partition(
            DatabaseName=entry["DatabaseName"], TableName=entry["Name"], PartitionValues=values
        )["Partition"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityNotFoundException":
            raise
        return None
    return found


def _known(context: Context, entry: dict[str, Any], given: nodes.PartitionSpec) -> dict[str, Any]:
    found = _found(context, entry, _values(entry, given))
    if found is None:
        raise _missing(given)
    return found


def _missing(given: nodes.PartitionSpec) -> QueryFailure:
    return hive_failure(f"FAILED: SemanticException [Error 10006]: Partition not found {given}")


def _updated(context: Context, entry: dict[str, Any], found: dict[str, Any], **changes: Any) -> None:
    kept = {key: found[key] for key in _PARTITION_INPUT if key in found}
    context.lake.glue.update_partition(
        DatabaseName=entry["DatabaseName"],
        TableName=entry["Name"],
        PartitionValueList=found["Values"],
        PartitionInput={"Values": found["Values"], **kept, **changes},
    )


def add_partitions(statement: nodes.AlterTable, context: Context, entry: dict[str, Any]) -> None:
    """Add partitions, each at a given location or in a folder under the table's location."""
    base = entry["StorageDescriptor"]["Location"].rstrip("/")
    for given, location in statement.partitions:
        values = _values(entry, given)
        if location is not None:
            check_location(location)
        default = f"{base}/{partition_name(_keys(entry), values)}"
        if not add_partition(context.lake, entry, values, location or default) and not statement.quiet:
            raise hive_failure("FAILED: SemanticException: Partition already exists", _METASTORE)


def drop_partitions(statement: nodes.AlterTable, context: Context, entry: dict[str, Any]) -> None:
    """Remove partitions from the catalog, without deleting their files."""
    for given, _ in statement.partitions:
        try:
            context.lake.glue.delete_partition(
                DatabaseName=entry["DatabaseName"], TableName=entry["Name"], PartitionValues=_values(entry, given)
            )
        except context.lake.glue.exceptions.EntityNotFoundException as error:
            if not statement.quiet:
                raise _missing(given) from error


def rename_partition(statement: nodes.AlterTable, context: Context, entry: dict[str, Any]) -> None:
    """Change the values of a partition, whose files do not move, as in Hive's external tables."""
    (old, _), (new, _) = statement.partitions
    found, values = _known(context, entry, old), _values(entry, new)
    if _found(context, entry, values) is not None:
        raise hive_failure(f"FAILED: SemanticException: Partition already exists {new}", _METASTORE)
    _updated(context, entry, found, Values=values)


def set_partition_location(statement: nodes.AlterTable, context: Context, entry: dict[str, Any]) -> None:
    """Change the location of a partition."""
    [(given, location)] = statement.partitions
    check_location(location or "")
    found = _known(context, entry, given)
    descriptor = {**found["StorageDescriptor"], "Location": stored_location(location or "")}
    _updated(context, entry, found, StorageDescriptor=descriptor)


def repair_table(statement: nodes.RepairTable, context: Context) -> Outcome:
    """Register a partition for each partition folder in S3, whose column names must be in lowercase.

    AWS: https://docs.aws.amazon.com/athena/latest/ug/msck-repair-table.html
    """
    entry = known_table(context, statement.table)
    if is_iceberg(entry) or is_view(entry):
        raise QueryFailure("", "Query type not supported by Athena Iceberg at this time", error_type=1200)
    keys = _keys(entry)
    base = entry["StorageDescriptor"]["Location"].rstrip("/") + "/"
    bucket, _, prefix = base.removeprefix("s3://").partition("/")
    found: set[str] = set()
    for page in context.lake.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            folders = item["Key"].removeprefix(prefix).split("/")[:-1][: len(keys)]
            if keys and [folder.partition("=")[0] for folder in folders] == keys:
                found.add("/".join(folders))
    added = []
    for name in sorted(found):
        if add_partition(context.lake, entry, partition_values(name), f"{base}{name}"):
            added.append(f"Repair: Added partition to metastore {entry['Name']}:{name}")
    return Outcome(rows=[[line] for line in added])
