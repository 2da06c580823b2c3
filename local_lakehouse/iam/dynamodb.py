"""The permissions that are required for requests to DynamoDB.

AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local_lakehouse.iam.access import Access, Directory, on
from local_lakehouse.loading import load
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.request import Request

_TABLES = ("TableName", "TableArn", "SourceTableName", "SourceTableArn", "TargetTableName", "ResourceArn")
_OTHERS = ("BackupArn", "ExportArn", "ImportArn")
_TRANSACTED = {
    "Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}  # fmt: skip
_IMPORT_LOGS = (
    "CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams", "PutLogEvents",
    "PutRetentionPolicy",
)  # fmt: skip


def accesses(call: Request, directory: Directory) -> list[Access]:
    """Return the permissions that are required for a DynamoDB request."""
    statements = list(_statements(call))
    if statements:
        return _of_statements(call, statements, directory)
    if "TransactItems" in call.parameters:
        return _distinct(
            Access(f"dynamodb:{_TRANSACTED[verb]}", _table(request["TableName"], directory))
            for item in call.parameters["TransactItems"]
            for verb, request in item.items()
            if verb in _TRANSACTED
        )
    if isinstance(call.parameters.get("RequestItems"), dict):
        return on(call, *(_table(name, directory) for name in call.parameters["RequestItems"]))
    tables = [_table(name, directory) for member in _TABLES if (name := call.text(member))]
    parameters: Any = call.parameters.get("TableCreationParameters", {})
    tables += [_table(parameters["TableName"], directory)] if "TableName" in parameters else []
    index = call.text("IndexName")
    if index and tables:
        return on(call, f"{tables[0]}/index/{index}")
    needed = on(call, *tables, *(arn for member in _OTHERS if (arn := call.text(member))))
    return [*needed, *_export(call, directory), *_import(call, directory)]


def stream_accesses(call: Request, directory: Directory) -> list[Access]:
    """Return the permissions for a DynamoDB Streams request, whose actions have the prefix ``dynamodb:``."""
    # A shard iterator starts with its stream's ARN.
    arn = call.text("StreamArn") or (call.text("ShardIterator") or "").partition("|")[0]
    anywhere = directory.arn("dynamodb", "table/*/stream/*")
    return [Access(f"dynamodb:{call.operation}", arn or anywhere)]


def _table(name: str, directory: Directory) -> str:
    return name if name.startswith("arn:") else directory.arn("dynamodb", f"table/{name}")


def _export(call: Request, directory: Directory) -> Iterator[Access]:
    # An export is written with the caller's permissions.
    if call.operation == "ExportTableToPointInTime":
        prefix = f"{prefix}/" if (prefix := (call.text("S3Prefix") or "").rstrip("/")) else ""
        yield Access("s3:PutObject", f"arn:{directory.partition}:s3:::{call.text('S3Bucket')}/{prefix}AWSDynamoDB/")


def _import(call: Request, directory: Directory) -> Iterator[Access]:
    # An import also reads objects and writes logs with the caller's permissions:
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Requesting.html
    if call.operation == "ImportTable":
        source: Any = call.parameters.get("S3BucketSource", {})
        bucket = f"arn:{directory.partition}:s3:::{source.get('S3Bucket')}"
        yield Access("s3:ListBucket", bucket)
        yield Access("s3:GetObject", f"{bucket}/{source.get('S3KeyPrefix', '')}")
        group = directory.arn("logs", "log-group:/aws-dynamodb/imports:log-stream:")
        yield from (Access(f"logs:{action}", group) for action in _IMPORT_LOGS)


def _statements(call: Request) -> Iterator[str]:
    parameters: Any = call.parameters
    if one := call.text("Statement"):
        yield one
    for member in ("Statements", "TransactStatements"):
        for entry in parameters.get(member, []):
            yield entry.get("Statement", "")


def _of_statements(call: Request, statements: list[str], directory: Directory) -> list[Access]:
    """Return the permissions that PartiQL statements require, except for invalid statements in a batch."""
    needed, faults = [], []
    for text in statements:
        try:
            needed.append(_partiql(text, directory))
        except Fault as fault:
            faults.append(fault)
    if faults and (not needed or call.operation != "BatchExecuteStatement"):
        raise faults[0]
    return needed


def _partiql(text: str, directory: Directory) -> Access:
    load("local_lakehouse.protocol.partiql")
    from local_lakehouse.protocol import partiql

    statement = partiql.parse(text)
    index = f"/index/{statement.index}" if statement.index else ""
    return Access(f"dynamodb:PartiQL{statement.verb}", _table(statement.table, directory) + index)


def _distinct(found: Iterator[Access]) -> list[Access]:
    return list({(access.action, access.resource): access for access in found}.values())
