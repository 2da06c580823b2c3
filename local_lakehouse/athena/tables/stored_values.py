"""Values in Parquet and ORC files, converted to the types that a Hive table declares."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from local_lakehouse.athena.tables.iceberg_types import arrow_type
from local_lakehouse.athena.tables.text_values import decimal_of, fitted
from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

# A function that returns the failure for a stored type that is incompatible with a table's type.
Mismatch = Callable[[pa.DataType, Type], QueryFailure]

_HALF_MILLISECOND = pa.scalar(datetime.timedelta(microseconds=500), pa.duration("us"))


_WHOLE = (
    pa.types.is_integer,
    pa.types.is_duration,
    lambda stored: pa.types.is_decimal(stored) and stored.scale == 0,
)
_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)
_ALLOWED: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "boolean": (pa.types.is_boolean,),
    **dict.fromkeys(types.INTEGERS, _WHOLE),
    "real": (pa.types.is_float32,),
    "double": (pa.types.is_float32, pa.types.is_float64),
    "decimal": (pa.types.is_decimal, pa.types.is_integer),
    "date": (pa.types.is_date, pa.types.is_int32),
    "timestamp": (pa.types.is_timestamp,),
    **dict.fromkeys(("varchar", "char", "varbinary"), _TEXTS),
}


def allows(type_: Type, stored: pa.DataType) -> bool:
    """Return whether Athena can read stored values as a given scalar type.

    AWS: https://docs.aws.amazon.com/athena/latest/ug/types-of-updates.html
    """
    plain = stored.value_type if pa.types.is_dictionary(stored) else stored
    return any(is_type(plain) for is_type in _ALLOWED.get(type_.name, ()))


def conformed(values: pa.Array | pa.ChunkedArray, type_: Type, mismatch: Mismatch) -> pa.Array:
    """Convert stored values to the Arrow type for DuckDB, with row fields named ``f0``, ``f1`` and so on.

    Args:
        values: The values.
        type_: The type that the table declares.
        mismatch: A function that returns the failure for a type that does not match.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    stored = values.type
    if pa.types.is_null(stored):
        return pa.nulls(len(values), arrow_type(type_))
    if type_.name == "row" and pa.types.is_struct(stored):
        return _row(values, type_, mismatch)
    if type_.name == "array" and (pa.types.is_list(stored) or pa.types.is_large_list(stored)):
        plain = values.cast(pa.list_(stored.value_type)) if pa.types.is_large_list(stored) else values
        members = conformed(plain.values, type_.element, mismatch)
        return pa.ListArray.from_arrays(plain.offsets, members, mask=pc.is_null(plain))
    if type_.name == "map" and pa.types.is_map(stored):
        return _map(values, type_, mismatch)
    if type_.children or not allows(type_, stored):
        raise mismatch(stored, type_)
    try:
        return _scalars(values, type_)
    except (pa.ArrowInvalid, OverflowError) as error:
        raise QueryFailure("HIVE_BAD_DATA", f"A stored value does not fit the type {type_}: {error}") from error


def _row(values: Any, type_: Type, mismatch: Mismatch) -> pa.Array:
    """Convert rows, and match their fields by name."""
    places = {values.type.field(index).name.lower(): index for index in range(values.type.num_fields)}
    fields = [
        conformed(values.field(places[name]), child, mismatch)
        if name in places
        else pa.nulls(len(values), arrow_type(child))
        for name, child in zip(((name or "").lower() for name in type_.fields), type_.children, strict=True)
    ]
    names = [f"f{index}" for index in range(len(fields))]
    return pa.StructArray.from_arrays(fields, names, mask=pc.is_null(values)) if fields else values


def _map(values: Any, type_: Type, mismatch: Mismatch) -> pa.Array:
    entries = pa.MapArray.from_arrays(
        values.offsets, conformed(values.keys, type_.key, mismatch), conformed(values.items, type_.value, mismatch)
    )
    if not values.null_count:
        return entries
    listed = zip(pc.is_null(values).to_pylist(), entries.to_pylist(), strict=False)
    return pa.array([None if missing else entry for missing, entry in listed], arrow_type(type_))


def _scalars(values: Any, type_: Type) -> pa.Array:
    wanted = arrow_type(type_)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_duration(values.type):
        values = values.cast(pa.int64())
    if type_.name == "timestamp":
        # Athena rounds timestamps in Hive tables to milliseconds.
        exact = values.cast(pa.timestamp(values.type.unit)).cast(pa.timestamp("us"), safe=False)
        return pc.floor_temporal(pc.add(exact, _HALF_MILLISECOND), unit="millisecond")
    if type_.name == "decimal" and values.type != wanted:
        return _decimals(values.to_pylist(), type_)
    if type_.name in ("varchar", "char") and type_.numbers:
        texts = values.cast(pa.string()).to_pylist()
        return pa.array([None if text is None else fitted(text, type_) for text in texts], pa.string())
    if pa.types.is_fixed_size_binary(values.type):
        values = values.cast(pa.binary())
    return values.cast(wanted)


def _decimals(values: Sequence[Decimal | int | None], type_: Type) -> pa.Array:
    listed = [None if value is None else decimal_of(Decimal(value), type_) for value in values]
    return pa.array(listed, arrow_type(type_))
