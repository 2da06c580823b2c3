"""The mappings between Iceberg, Athena and Arrow types."""

from __future__ import annotations

import uuid
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
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
    """Return the Arrow type of an Athena type in DuckDB's form."""
    if type_.name == "decimal":
        return pa.decimal128(type_.precision, type_.scale)
    if type_.name == "array":
        return pa.list_(arrow_type(type_.element))
    if type_.name == "map":
        return pa.map_(arrow_type(type_.key), arrow_type(type_.value))
    if type_.name == "row":
        return pa.struct([(f"f{index}", arrow_type(child)) for index, child in enumerate(type_.children)])
    return _ARROW[type_.name]


def relabel(values: pa.Array, type_: Type) -> pa.Array:
    """Convert values to their Arrow type in DuckDB's form, with row fields named ``f0``, ``f1`` …."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if type_.name == "row":
        fields = [relabel(values.field(index), child) for index, child in enumerate(type_.children)]
        names = [f"f{index}" for index in range(len(fields))]
        return pa.StructArray.from_arrays(fields, names, mask=pc.is_null(values)) if fields else values
    if type_.name == "array":
        return _relabel_list(values, type_)
    if type_.name == "map":
        return _relabel_map(values, type_)
    if type_.name == "timestamp with time zone":
        return _zoned(values)
    if type_.name == "uuid":
        return pa.array([None if value is None else str(value) for value in _uuids(values)], pa.string())
    return values.cast(arrow_type(type_))


def _relabel_list(values: Any, type_: Type) -> pa.Array:
    plain = values.cast(pa.list_(values.type.value_type)) if pa.types.is_large_list(values.type) else values
    return pa.ListArray.from_arrays(plain.offsets, relabel(plain.values, type_.element), mask=pc.is_null(plain))


def _relabel_map(values: Any, type_: Type) -> pa.Array:
    entries = pa.MapArray.from_arrays(
        values.offsets, relabel(values.keys, type_.key), relabel(values.items, type_.value)
    )
    if not values.null_count:
        return entries
    return pa.array(
        [
            None if missing else entry
            for missing, entry in zip(pc.is_null(values).to_pylist(), entries.to_pylist(), strict=False)
        ],
        arrow_type(type_),
    )


def _zoned(values: pa.Array) -> pa.Array:
    instants = values.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    zones = pa.array(["UTC"] * len(values), pa.string())
    return pa.StructArray.from_arrays([instants, zones], ["i", "z"], mask=pc.is_null(values))


def _uuids(values: pa.Array) -> list[Any]:
    return [
        None if value is None else value if not isinstance(value, bytes) else uuid.UUID(bytes=value)
        for value in values.to_pylist()
    ]
