"""The bounds and partitions of Iceberg files, as Athena's metadata tables show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionField
from pyiceberg.table import Table
from pyiceberg.transforms import TimeTransform
from pyiceberg.types import DoubleType, FloatType, IcebergType, IntegerType, LongType, PrimitiveType

from local_lakehouse.athena.tables.human_strings import human_string
from local_lakehouse.athena.tables.iceberg_types import athena_type

Row = tuple[Any, ...]
_NARROW = 4


def partition_bound(table: Table, field: PartitionField, value: bytes | None) -> str | None:
    """Return a bound of a partition field as a string, or None if it is missing or its type is not primitive."""
    source = _field_type(table, field.source_id)
    if value is None or source is None:
        return None
    result = field.transform.result_type(source)
    if not isinstance(result, PrimitiveType):
        return None
    found = decoded(result, value)
    if isinstance(field.transform, TimeTransform):
        return field.transform.to_human_string(source, found)
    return human_string(result, found)


def _shown_bound(type_: IcebergType, value: bytes | None) -> str | None:
    if value is None or not isinstance(type_, PrimitiveType):
        return None
    return human_string(type_, decoded(type_, value))


def decoded(type_: PrimitiveType, value: bytes) -> Any:
    """Decode a bound. If the file was written before the column was widened, the bound has the original type."""
    if len(value) == _NARROW and isinstance(type_, LongType):
        return from_bytes(IntegerType(), value)
    if len(value) == _NARROW and isinstance(type_, DoubleType):
        return from_bytes(FloatType(), value)
    return from_bytes(type_, value)


def shown_bounds(table: Table, values: dict[int, bytes] | None) -> list[tuple[int, str | None]] | None:
    """Return the field ID of each column and its bound as a string, or None if the file has no bounds."""
    if values is None:
        return None
    shown = []
    for field_id, value in sorted(values.items()):
        field_type = _field_type(table, field_id)
        if field_type is not None:
            shown.append((field_id, _shown_bound(field_type, value)))
    return shown


def _field_type(table: Table, field_id: int) -> IcebergType | None:
    for schema in [table.schema(), *table.schemas().values()]:
        if field_id in schema.field_ids:
            return schema.find_type(field_id)
    return None


def partition_fields(table: Table) -> list[tuple[PartitionField, IcebergType]]:
    """Return the fields of all partition specifications with their types, except fields without a source column."""
    schema = table.schema()
    found: dict[int, tuple[PartitionField, IcebergType]] = {}
    for _, spec in sorted(table.specs().items()):
        for field in spec.fields:
            if field.source_id in schema.field_ids:
                result = field.transform.result_type(schema.find_type(field.source_id))
                found.setdefault(field.field_id, (field, result))
    return list(found.values())


def partition_of(table: Table, file: DataFile, fields: Sequence[tuple[PartitionField, IcebergType]]) -> Row:
    """Return the values of a file's partition, with None for fields that are not in the file's specification."""
    own = {field.field_id: place for place, field in enumerate(table.specs()[file.spec_id].fields)}
    return tuple(file.partition[own[field.field_id]] if field.field_id in own else None for field, _ in fields)


def plain_value(value: Any, type_: IcebergType) -> Any:
    """Convert a partition's value from Iceberg's days or microseconds since 1970 to a value for Arrow."""
    name = athena_type(type_).name
    if value is None or not isinstance(value, int):
        return value
    if name == "date":
        return (datetime(1970, 1, 1) + timedelta(days=value)).date()
    if name == "timestamp":
        return datetime(1970, 1, 1) + timedelta(microseconds=value)
    if name == "timestamp with time zone":
        return {"i": datetime(1970, 1, 1) + timedelta(microseconds=value), "z": "UTC"}
    return value
