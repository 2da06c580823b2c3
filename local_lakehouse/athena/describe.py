"""The output of ``DESCRIBE``, with catalog properties for ``FORMATTED`` and ``EXTENDED``.

https://docs.aws.amazon.com/athena/latest/ug/describe-table.html
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.show import PADDING, entity, iceberg_text, lines_of, transforms
from local_lakehouse.athena.tables.hive_formats import has_own_schema
from local_lakehouse.athena.tables.iceberg_types import athena_type
from local_lakehouse.athena.tables.lake import is_iceberg, is_view
from local_lakehouse.athena.tables.views import view_definition
from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes

_Lines = Iterable[tuple[str, ...]]


def describe(statement: nodes.Describe, context: Context) -> Outcome:
    """Describe a table or a view."""
    entry = entity(statement.table, context)
    if statement.form and (is_view(entry) or is_iceberg(entry)):
        kind = "a view" if is_view(entry) else "an Iceberg table"
        raise QueryFailure("NOT_SUPPORTED", f"The local Athena does not support DESCRIBE {statement.form} for {kind}")
    if is_view(entry):
        rows = [(name, str(type_)) for name, type_, _ in _view_columns(entry)]
        return lines_of(("column", "type"), rows, types.VARCHAR)
    if is_iceberg(entry):
        lines = _describe_iceberg(entry, context)
    else:
        lines = itertools.chain(_describe_hive(entry), _DETAILS[statement.form](entry))
    outcome = lines_of(("col_name", "data_type", "comment"), list(lines))
    if not is_iceberg(entry):
        outcome.update_count = None
    return outcome


def _view_columns(entry: dict[str, Any]) -> list[tuple[str, str, str]]:
    definition = view_definition(entry) or {"columns": []}
    return [(column["name"], column["type"], "") for column in definition["columns"]]


def _describe_iceberg(entry: dict[str, Any], context: Context) -> Iterator[tuple[str, ...]]:
    yield "# Table schema:", "", ""
    yield "# col_name", "data_type", "comment"
    for field in context.lake.iceberg(entry).schema().fields:
        yield field.name, iceberg_text(athena_type(field.field_type)), field.doc or ""
    yield "", "", ""
    yield "# Partition spec:", "", ""
    yield "# field_name", "field_transform", "column_name"
    yield from transforms(entry, context)


def _describe_hive(entry: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    keys = entry.get("PartitionKeys", [])
    unsaid = "from deserializer" if has_own_schema(entry) else ""
    for column in entry["StorageDescriptor"].get("Columns", ()):
        yield tuple(text.ljust(PADDING) for text in (column["Name"], column["Type"], column.get("Comment") or unsaid))
    for key in keys:
        yield tuple(text.ljust(PADDING) for text in (key["Name"], key["Type"], key.get("Comment", "")))
    if keys:
        yield ("", "", "")
        yield ("# Partition Information", "", "")
        yield tuple(text.ljust(PADDING) for text in ("# col_name", "data_type", "comment"))
        yield ("", "", "")
        for key in keys:
            yield tuple(text.ljust(PADDING) for text in (key["Name"], key["Type"], key.get("Comment", "")))


def _pair(name: str, value: object) -> tuple[str, ...]:
    return name.ljust(PADDING), str(value).ljust(PADDING), ""


def _listed(parameters: dict[str, str]) -> Iterator[tuple[str, ...]]:
    for key, value in sorted(parameters.items()):
        yield "", key.ljust(PADDING), value.ljust(PADDING)


def _created(entry: dict[str, Any]) -> datetime:
    found = entry.get("CreateTime")
    return found if isinstance(found, datetime) else datetime.fromtimestamp(0, UTC)


def _formatted(entry: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    descriptor = entry["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo", {})
    yield "", "", ""
    yield "# Detailed Table Information", "", ""
    yield _pair("Database:", entry["DatabaseName"])
    yield _pair("Owner:", entry.get("Owner", "hadoop"))
    yield _pair("CreateTime:", f"{_created(entry).astimezone(UTC):%a %b %d %H:%M:%S UTC %Y}")
    yield _pair("LastAccessTime:", "UNKNOWN")
    yield _pair("Protect Mode:", "None")
    yield _pair("Retention:", entry.get("Retention", 0))
    yield _pair("Location:", descriptor.get("Location", ""))
    yield _pair("Table Type:", entry.get("TableType", ""))
    yield "Table Parameters:", "", ""
    yield from _listed(entry.get("Parameters", {}))
    yield "", "", ""
    yield "# Storage Information", "", ""
    yield _pair("SerDe Library:", serde.get("SerializationLibrary", ""))
    yield _pair("InputFormat:", descriptor.get("InputFormat", ""))
    yield _pair("OutputFormat:", descriptor.get("OutputFormat", ""))
    yield _pair("Compressed:", "Yes" if descriptor.get("Compressed") else "No")
    yield _pair("Num Buckets:", _buckets(descriptor))
    yield _pair("Bucket Columns:", f"[{', '.join(descriptor.get('BucketColumns', ()))}]")
    yield _pair("Sort Columns:", f"[{', '.join(column['Column'] for column in descriptor.get('SortColumns', ()))}]")
    yield "Storage Desc Params:", "", ""
    yield from _listed(serde.get("Parameters", {}))


def _buckets(descriptor: dict[str, Any]) -> int:
    # For a table without buckets, the number of buckets in the catalog is missing or 0.
    return descriptor.get("NumberOfBuckets") or -1


def _fields(columns: Iterable[dict[str, Any]]) -> str:
    listed = (
        f"FieldSchema(name:{column['Name']}, type:{column.get('Type', 'string')}, "
        f"comment:{column.get('Comment', 'null')})"
        for column in columns
    )
    return f"[{', '.join(listed)}]"


def _parameters(parameters: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}={value}" for key, value in sorted(parameters.items())) + "}"


def _extended(entry: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    descriptor = entry["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo", {})
    storage = (
        f"StorageDescriptor(cols:{_fields(descriptor.get('Columns', ()))}, location:{descriptor.get('Location', '')}, "
        f"inputFormat:{descriptor.get('InputFormat', '')}, outputFormat:{descriptor.get('OutputFormat', '')}, "
        f"compressed:{str(bool(descriptor.get('Compressed'))).lower()}, numBuckets:{_buckets(descriptor)}, "
        f"serdeInfo:SerDeInfo(name:null, serializationLib:{serde.get('SerializationLibrary', '')}, "
        f"parameters:{_parameters(serde.get('Parameters', {}))}), "
        f"bucketCols:[{', '.join(descriptor.get('BucketColumns', ()))}], sortCols:[], parameters:{{}}, "
        "skewedInfo:SkewedInfo(skewedColNames:[], skewedColValues:[], skewedColValueLocationMaps:{}), "
        "storedAsSubDirectories:false)"
    )
    table = (
        f"Table(tableName:{entry['Name']}, dbName:{entry['DatabaseName']}, owner:{entry.get('Owner', 'hadoop')}, "
        f"createTime:{int(_created(entry).timestamp())}, lastAccessTime:0, retention:{entry.get('Retention', 0)}, "
        f"sd:{storage}, partitionKeys:{_fields(entry.get('PartitionKeys', ()))}, "
        f"parameters:{_parameters(entry.get('Parameters', {}))}, viewOriginalText:null, viewExpandedText:null, "
        f"tableType:{entry.get('TableType', '')})"
    )
    yield "", "", ""
    yield "Detailed Table Information", table, ""


_DETAILS: dict[str, Callable[[dict[str, Any]], _Lines]] = {
    "": lambda _: (),
    "FORMATTED": _formatted,
    "EXTENDED": _extended,
}
