"""Conversion of columns to rows of the target table, with the Arrow types that correspond to its Iceberg types."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

from local_lakehouse.zero_etl.problems import NeedsAttentionError, Problem
from local_lakehouse.zero_etl.times import TIMESTAMP
from local_lakehouse.zero_etl.unnest import Column

# The Arrow types of target columns, including columns that only a writer other than zero-ETL can add.
_ARROW_TYPES: dict[type[IcebergType], pa.DataType] = {
    StringType: pa.string(),
    DoubleType: pa.float64(),
    BooleanType: pa.bool_(),
    BinaryType: pa.binary(),
    TimestamptzType: TIMESTAMP,
    TimestampType: pa.timestamp("us"),
    FloatType: pa.float32(),
    IntegerType: pa.int32(),
    LongType: pa.int64(),
    DateType: pa.date32(),
}


def arrow_type(kind: IcebergType) -> pa.DataType:
    """Return the Arrow type for values of an Iceberg type."""
    if isinstance(kind, StructType):
        return pa.struct([pa.field(field.name, arrow_type(field.field_type)) for field in kind.fields])
    if isinstance(kind, ListType):
        return pa.list_(pa.field("element", arrow_type(kind.element_type)))
    if isinstance(kind, DecimalType):
        return pa.decimal128(kind.precision, kind.scale)
    if type(kind) not in _ARROW_TYPES:
        raise NeedsAttentionError(
            Problem(
                "TARGET_TABLE_UNSUPPORTED",
                f"The target table has a column of type {kind}, which zero-ETL never writes. Drop that column. "
                "The integration then retries automatically.",
            )
        )
    return _ARROW_TYPES[type(kind)]


def arrow_schema(schema: Schema) -> pa.Schema:
    """Return the Arrow schema of a target table's rows."""
    return pa.schema([pa.field(field.name, arrow_type(field.field_type)) for field in schema.fields])


def as_rows(columns: Sequence[Column], schema: Schema) -> pa.Table:
    """Arrange columns as rows of the target, with null in missing columns.

    Args:
        columns: The items' columns, which must all be in the schema.
        schema: The target table's schema.
    """
    length = len(columns[0].values)
    given = {column.name: column.values for column in columns}
    wanted = arrow_schema(schema)
    arrays = [
        _fitted(given[field.name], field.type) if field.name in given else pa.nulls(length, field.type)
        for field in wanted
    ]
    return pa.Table.from_arrays(arrays, schema=wanted)


def _fitted(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_struct(kind):
        return values.cast(kind)
    given = {child.name: pc.struct_field(values, [position]) for position, child in enumerate(values.type)}
    children = [
        _fitted(given[child.name], child.type) if child.name in given else pa.nulls(len(values), child.type)
        for child in kind
    ]
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=values.is_null())
