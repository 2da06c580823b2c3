"""The mappings between Iceberg, Athena and Arrow types."""

from __future__ import annotations

import pyarrow as pa
from pyiceberg import types as iceberg
from pyiceberg.types import IcebergType

from local_lakehouse.sql import types
from local_lakehouse.sql.types import Type

_MICROS = 6
_SIMPLE: dict[type[IcebergType], Type] = {
    iceberg.BooleanType: types.BOOLEAN,
    iceberg.IntegerType: types.INTEGER,
    iceberg.LongType: types.BIGINT,
    iceberg.FloatType: types.REAL,
    iceberg.DoubleType: types.DOUBLE,
    iceberg.StringType: types.VARCHAR,
    iceberg.BinaryType: types.VARBINARY,
    iceberg.FixedType: types.VARBINARY,
    iceberg.DateType: types.DATE,
    iceberg.TimeType: types.time(_MICROS),
    iceberg.TimestampType: types.timestamp(_MICROS),
    iceberg.TimestamptzType: types.timestamp_tz(_MICROS),
    iceberg.UUIDType: types.UUID,
}
_ZONED = pa.struct([("i", pa.timestamp("us")), ("z", pa.string())])
_ARROW = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "char": pa.string(),
    "json": pa.string(),
    "uuid": pa.string(),
    "varbinary": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamp with time zone": _ZONED,
    "unknown": pa.int32(),
    "interval day to second": pa.int64(),
    "interval year to month": pa.int32(),
}


def athena_type(type_: IcebergType) -> Type:
    """Return Athena's type for an Iceberg type."""
    if isinstance(type_, iceberg.DecimalType):
        return types.decimal(type_.precision, type_.scale)
    if isinstance(type_, iceberg.ListType):
        return types.array(athena_type(type_.element_type))
    if isinstance(type_, iceberg.MapType):
        return types.map_of(athena_type(type_.key_type), athena_type(type_.value_type))
    if isinstance(type_, iceberg.StructType):
        return types.row(
            tuple(athena_type(field.field_type) for field in type_.fields), tuple(field.name for field in type_.fields)
        )
    return _SIMPLE[type(type_)]


def arrow_type(type_: Type) -> pa.DataType:
    """Return the Arrow type that represents an Athena type in DuckDB."""
    if type_.name == "decimal":
        return pa.decimal128(type_.precision, type_.scale)
    if type_.name == "array":
        return pa.list_(arrow_type(type_.element))
    if type_.name == "map":
        return pa.map_(arrow_type(type_.key), arrow_type(type_.value))
    if type_.name == "row":
        return pa.struct([(f"f{index}", arrow_type(child)) for index, child in enumerate(type_.children)])
    return _ARROW[type_.name]
