"""The metadata of new and changed Iceberg tables.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

from pyiceberg import types as iceberg
from pyiceberg.partitioning import PARTITION_FIELD_ID_START, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    TimeTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)
from pyiceberg.types import IcebergType, NestedField

from local_lakehouse.athena.writes.iceberg_properties import check_properties, stored_properties
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.types import Type

_SIMPLE: dict[str, type[IcebergType]] = {
    "boolean": iceberg.BooleanType,
    "integer": iceberg.IntegerType,
    "bigint": iceberg.LongType,
    "real": iceberg.FloatType,
    "double": iceberg.DoubleType,
    "varchar": iceberg.StringType,
    "varbinary": iceberg.BinaryType,
    "date": iceberg.DateType,
    "timestamp": iceberg.TimestampType,
    "timestamp with time zone": iceberg.TimestamptzType,
    "time": iceberg.TimeType,
    "uuid": iceberg.UUIDType,
}
_TIME_TRANSFORMS: dict[str, Callable[[], Transform[Any, Any]]] = {
    "year": YearTransform,
    "month": MonthTransform,
    "day": DayTransform,
    "hour": HourTransform,
}
_TRANSFORM = re.compile(r"(\w+)\(\s*(?:(\d+)\s*,\s*)?(\w+)\s*(?:,\s*(\d+)\s*)?\)")


def iceberg_type(type_: Type, ids: itertools.count[int]) -> IcebergType:
    """Return the Iceberg type for an Athena type.

    Raises:
        QueryFailure: Iceberg does not have a corresponding type.
    """
    if type_.name == "decimal":
        return iceberg.DecimalType(type_.precision, type_.scale)
    if type_.name == "array":
        return iceberg.ListType(next(ids), iceberg_type(type_.element, ids), element_required=False)
    if type_.name == "map":
        key_id, value_id = next(ids), next(ids)
        return iceberg.MapType(
            key_id, iceberg_type(type_.key, ids), value_id, iceberg_type(type_.value, ids), value_required=False
        )
    if type_.name == "row":
        fields = []
        for name, child in zip(type_.fields, type_.children, strict=False):
            if name is None:
                raise QueryFailure("NOT_SUPPORTED", f"Row type field does not have a name: {type_}")
            fields.append(NestedField(next(ids), name, iceberg_type(child, ids), required=False))
        return iceberg.StructType(*fields)
    if type_.name not in _SIMPLE:
        raise QueryFailure("NOT_SUPPORTED", f"Type not supported for Iceberg: {type_}")
    return _SIMPLE[type_.name]()


def transforms_of(texts: Sequence[str]) -> list[nodes.PartitionField]:
    """Parse the elements of the CTAS property ``partitioning``, such as ``bucket(id, 16)``.

    Raises:
        QueryFailure: An element is neither a column name nor a transform.
    """
    found = []
    for text in texts:
        match = _TRANSFORM.fullmatch(text.strip())
        argument = match and (match.group(2) or match.group(4))
        if match and (argument is None or match.group(1).lower() not in _TIME_TRANSFORMS):
            found.append(
                nodes.PartitionField(
                    match.group(3).lower(), match.group(1).lower(), int(argument) if argument else None
                )
            )
        elif re.fullmatch(r"\w+", text.strip()):
            found.append(nodes.PartitionField(text.strip().lower()))
        else:
            raise QueryFailure("INVALID_TABLE_PROPERTY", f"Unable to parse partitioning value: {text}")
    return found


def _spec(schema: Schema, partitions: Sequence[nodes.PartitionField]) -> PartitionSpec:
    fields: list[PartitionField] = []
    for number, partition in enumerate(partitions):
        if partition.column not in schema.column_names:
            raise QueryFailure("COLUMN_NOT_FOUND", f"Unknown partition column: {partition.column}")
        source = schema.find_field(partition.column)
        name, transform = _transform(partition)
        _check_unique(schema, fields, PartitionField(source.field_id, 0, transform, name))
        if not transform.can_transform(source.field_type):
            raise QueryFailure(
                "NOT_SUPPORTED",
                f"The transform {partition.transform} cannot be applied to {partition.column}, which is of type "
                f"{source.field_type}",
            )
        fields.append(PartitionField(source.field_id, PARTITION_FIELD_ID_START + number, transform, name))
    return PartitionSpec(*fields)


def _check_unique(schema: Schema, fields: Sequence[PartitionField], added: PartitionField) -> None:
    """Reject a partition field that repeats another field, by the rules of Iceberg's Java library."""
    is_identity = isinstance(added.transform, IdentityTransform)
    if any(field.name == added.name for field in fields):
        raise _invalid(f"Cannot use partition name more than once: {added.name}")
    if not is_identity and added.name in schema.column_names:
        raise _invalid(f"Cannot create partition from name that exists in schema: {added.name}")
    times = [field for field in fields if isinstance(field.transform, TimeTransform)]
    if isinstance(added.transform, TimeTransform) and added.source_id in {field.source_id for field in times}:
        raise _invalid(f"Cannot add redundant partition: {added.name}")


def _invalid(message: str) -> QueryFailure:
    return QueryFailure("INVALID_TABLE_PROPERTY", message)


def _transform(one: nodes.PartitionField) -> tuple[str, Transform[Any, Any]]:
    if one.transform == "identity":
        return one.column, IdentityTransform()
    if one.transform in _TIME_TRANSFORMS:
        return f"{one.column}_{one.transform}", _TIME_TRANSFORMS[one.transform]()
    if one.transform == "bucket" and one.argument:
        return f"{one.column}_bucket", BucketTransform(one.argument)
    if one.transform == "truncate" and one.argument:
        return f"{one.column}_trunc", TruncateTransform(one.argument)
    raise QueryFailure("NOT_SUPPORTED", f"Unknown partition transform: {one.transform}")


def new_table(
    columns: Sequence[nodes.ColumnDefinition],
    partitions: Sequence[nodes.PartitionField],
    location: str,
    properties: dict[str, str],
    comment: str | None = None,
) -> TableMetadata:
    """Return the metadata of a new Iceberg table.

    Raises:
        QueryFailure: A type, a partition or a property is not valid for Iceberg.
    """
    check_properties(properties, {})
    ids = itertools.count(len(columns) + 1)
    fields = [
        NestedField(number, column.name, iceberg_type(column.type, ids), required=False, doc=column.comment)
        for number, column in enumerate(columns, 1)
    ]
    schema = Schema(*fields)
    return new_table_metadata(
        schema,
        _spec(schema, partitions),
        UNSORTED_SORT_ORDER,
        location.rstrip("/"),
        {**stored_properties(properties), **({"comment": comment} if comment else {})},
    )
