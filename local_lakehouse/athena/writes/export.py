"""Conversion of columns from DuckDB's representation to the representation in files."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from local_lakehouse.sql import types
from local_lakehouse.sql.types import Type

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
    "varbinary": pa.binary(),
    "date": pa.date32(),
    "uuid": pa.string(),
    "json": pa.string(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "unknown": pa.int32(),
}


def file_type(type_: Type) -> pa.DataType:
    """Return the Arrow type that represents an Athena type in a file."""
    if type_.name == "decimal":
        return pa.decimal128(type_.precision, type_.scale)
    if type_.name == "array":
        return pa.list_(file_type(type_.element))
    if type_.name == "map":
        return pa.map_(file_type(type_.key), file_type(type_.value))
    if type_.name == "row":
        return pa.struct(
            [(name, file_type(child)) for name, child in zip(field_names(type_), type_.children, strict=False)]
        )
    return _ARROW[type_.name]


def field_names(type_: Type) -> list[str]:
    """Return the names of a row type's fields in a file."""
    return [name or f"field{index}" for index, name in enumerate(type_.fields)]


def exported(values: Any, type_: Type) -> pa.Array:
    """Convert a column to its representation in files."""
    plain = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(plain, pa.ChunkedArray):
        plain = pa.concat_arrays(plain.chunks) if plain.num_chunks else pa.array([], plain.type)
    if type_ == types.UNKNOWN:
        return pa.nulls(len(plain), file_type(type_))
    if type_.name == "row":
        fields = [exported(plain.field(index), child) for index, child in enumerate(type_.children)]
        return pa.StructArray.from_arrays(fields, field_names(type_), mask=pc.is_null(plain))
    if type_.name == "array":
        return pa.ListArray.from_arrays(plain.offsets, exported(plain.values, type_.element), mask=pc.is_null(plain))
    if type_.name == "map":
        return _exported_map(plain, type_)
    if type_.name == "timestamp with time zone":
        instants = plain.field("i").cast(pa.timestamp("us", "UTC"))
        return pc.if_else(pc.is_null(plain), pa.scalar(None, instants.type), instants)
    return plain.cast(file_type(type_))


def _exported_map(values: Any, type_: Type) -> pa.Array:
    if values.null_count:
        return pa.array(_renamed(values.to_pylist(), type_), file_type(type_))
    return pa.MapArray.from_arrays(
        values.offsets, exported(values.keys, type_.key), exported(values.items, type_.value)
    )


def _renamed(value: Any, type_: Type) -> Any:
    """Return nested Python values with the original names of row fields."""
    if isinstance(value, list) and type_.name == "map":
        return [
            None
            if entries is None
            else [(_renamed_one(key, type_.key), _renamed_one(item, type_.value)) for key, item in entries]
            for entries in value
        ]
    return value


def _renamed_one(value: Any, type_: Type) -> Any:
    if value is None:
        return None
    if type_.name == "row":
        return {
            name: _renamed_one(value[f"f{index}"], child)
            for index, (name, child) in enumerate(zip(field_names(type_), type_.children, strict=False))
        }
    if type_.name == "array":
        return [_renamed_one(item, type_.element) for item in value]
    if type_.name == "map":
        return [(_renamed_one(key, type_.key), _renamed_one(item, type_.value)) for key, item in value]
    return value
