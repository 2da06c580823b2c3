"""The Arrow representations of Iceberg values in data files and in DuckDB.

In DuckDB's representation, a row's fields are named ``f0``, ``f1`` and so on, and a UUID is a string. A timestamp with
time zone is a row that contains the instant and the zone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg import types as iceberg
from pyiceberg.schema import Schema
from pyiceberg.table.name_mapping import MappedField, NameMapping
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

_FIELD_ID = b"PARQUET:field_id"
_UUID_BYTES = 16
ZONED = pa.struct([("i", pa.timestamp("us")), ("z", pa.string())])
_SIMPLE: dict[type[IcebergType], pa.DataType] = {
    iceberg.BooleanType: pa.bool_(),
    iceberg.IntegerType: pa.int32(),
    iceberg.LongType: pa.int64(),
    iceberg.FloatType: pa.float32(),
    iceberg.DoubleType: pa.float64(),
    iceberg.StringType: pa.string(),
    iceberg.BinaryType: pa.binary(),
    iceberg.FixedType: pa.binary(),
    iceberg.DateType: pa.date32(),
    iceberg.TimeType: pa.time64("us"),
    iceberg.TimestampType: pa.timestamp("us"),
    iceberg.TimestamptzType: pa.timestamp("us", "UTC"),
    iceberg.UUIDType: pa.binary(_UUID_BYTES),
}


class Form(Enum):
    """The representation of a column in Arrow."""

    FILE = "file"
    ENGINE = "engine"


class UnsupportedTypeError(Exception):
    """A column has an unsupported type."""


def arrow_type(type_: IcebergType, form: Form) -> pa.DataType:
    """Return the Arrow type for an Iceberg type in the given representation.

    Raises:
        UnsupportedTypeError: The type is not supported, for example because it requires Iceberg format version 3.
    """
    if isinstance(type_, StructType):
        names = [f"f{index}" if form is Form.ENGINE else child.name for index, child in enumerate(type_.fields)]
        children = [arrow_type(child.field_type, form) for child in type_.fields]
        return pa.struct(list(zip(names, children, strict=True)))
    if isinstance(type_, ListType):
        return pa.list_(pa.field("element", arrow_type(type_.element_type, form)))
    if isinstance(type_, MapType):
        return pa.map_(arrow_type(type_.key_type, form), arrow_type(type_.value_type, form))
    if isinstance(type_, iceberg.DecimalType):
        return pa.decimal128(type_.precision, type_.scale)
    if form is Form.ENGINE and isinstance(type_, iceberg.TimestamptzType):
        return ZONED
    if form is Form.ENGINE and isinstance(type_, iceberg.UUIDType):
        return pa.string()
    if type(type_) not in _SIMPLE:
        raise UnsupportedTypeError(f"Iceberg type {type_} is not supported")
    return _SIMPLE[type(type_)]


def nested_ids(type_: IcebergType) -> Iterator[int]:
    """Yield the IDs of a type's nested fields, each followed by the IDs of its own nested fields."""
    children: Sequence[NestedField] = ()
    if isinstance(type_, StructType):
        children = type_.fields
    elif isinstance(type_, ListType):
        children = (type_.element_field,)
    elif isinstance(type_, MapType):
        children = (type_.key_field, type_.value_field)
    for child in children:
        yield child.field_id
        yield from nested_ids(child.field_type)


@dataclass(frozen=True)
class StoredField:
    """A field of a Parquet file.

    Args:
        name: The field's name in the file.
        type: The field's Arrow type in the file.
        field_id: The Iceberg field ID, or None if the file has no field IDs.
        children: The fields of a row, the element of a list, or the key and value of a map.
    """

    name: str
    type: pa.DataType
    field_id: int | None
    children: tuple[StoredField, ...] = ()


def stored_fields(schema: pa.Schema, mapping: NameMapping | None) -> tuple[StoredField, ...]:
    """Return the fields of a Parquet file with their field IDs.

    Args:
        schema: The file's schema.
        mapping: The field IDs, keyed by name, for a file without field IDs, or None if the table has no mapping.
    """
    fields = tuple(_stored(field) for field in schema)
    if any(field_id is not None for field_id in _ids(fields)):
        return fields
    return _mapped(fields, mapping.root if mapping else ())


def _ids(fields: tuple[StoredField, ...]) -> Iterator[int | None]:
    for field in fields:
        yield field.field_id
        yield from _ids(field.children)


def _stored(field: pa.Field) -> StoredField:
    written = (field.metadata or {}).get(_FIELD_ID)
    children = tuple(_stored(child) for child in _child_fields(field.type))
    return StoredField(field.name, field.type, int(written) if written is not None else None, children)


def _child_fields(type_: pa.DataType) -> list[pa.Field]:
    if pa.types.is_struct(type_):
        return list(type_)
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return [type_.value_field]
    if pa.types.is_map(type_):
        return [type_.key_field, type_.item_field]
    return []


def _mapped(fields: tuple[StoredField, ...], mapping: Any) -> tuple[StoredField, ...]:
    by_name: dict[str, MappedField] = {name: entry for entry in mapping for name in entry.names}
    found = []
    for field in fields:
        entry = by_name.get(field.name)
        # An entry without nested fields has the length 0, so its truth value is false.
        nested, field_id = ((), None) if entry is None else (entry.fields, entry.field_id)
        children = _mapped(_canonical_names(field), nested)
        found.append(StoredField(field.name, field.type, field_id, children))
    return tuple(found)


def _canonical_names(field: StoredField) -> tuple[StoredField, ...]:
    """Return a field's children with the names that name mappings use."""
    names = {1: ("element",), 2: ("key", "value")}.get(len(field.children), ())
    if pa.types.is_struct(field.type):
        return field.children
    return tuple(
        StoredField(name, child.type, child.field_id, child.children)
        for name, child in zip(names, field.children, strict=True)
    )


def read_form(values: pa.ChunkedArray, stored: StoredField, type_: IcebergType, form: Form) -> pa.ChunkedArray:
    """Convert a file's column to a type in the table's schema, with nested fields matched by ID."""
    wanted = arrow_type(type_, form)
    return pa.chunked_array([_projected(chunk, stored, type_, form) for chunk in values.chunks], wanted)


def _projected(values: pa.Array, stored: StoredField, type_: IcebergType, form: Form) -> pa.Array:
    if isinstance(type_, StructType):
        return _projected_row(values, stored, type_, form)
    if isinstance(type_, ListType):
        plain = values.cast(pa.list_(values.type.value_type)) if pa.types.is_large_list(values.type) else values
        return _list_of(
            plain, _projected(plain.values, stored.children[0], type_.element_type, form), arrow_type(type_, form)
        )
    if isinstance(type_, MapType):
        keys = _projected(values.keys, stored.children[0], type_.key_type, form)
        return _map_of(
            values, keys, _projected(values.items, stored.children[1], type_.value_type, form), arrow_type(type_, form)
        )
    return _converted(_plain(values), type_, form)


def _projected_row(values: pa.Array, stored: StoredField, type_: StructType, form: Form) -> pa.Array:
    places = {child.field_id: place for place, child in enumerate(stored.children)}
    wanted = arrow_type(type_, form)
    children = []
    for child, arrow_child in zip(type_.fields, wanted, strict=True):
        place = places.get(child.field_id)
        if place is None:
            children.append(pa.nulls(len(values), arrow_child.type))
        else:
            children.append(_projected(values.field(place), stored.children[place], child.field_type, form))
    return pa.StructArray.from_arrays(children, fields=list(wanted), mask=pc.is_null(values))


def _list_of(values: Any, elements: pa.Array, wanted: pa.DataType) -> pa.Array:
    # Arrow does not accept a mask with sliced offsets.
    return pa.ListArray.from_arrays(pc.add(values.offsets, 0), elements, wanted, mask=pc.is_null(values))


def _map_of(values: Any, keys: pa.Array, items: pa.Array, wanted: pa.DataType) -> pa.Array:
    offsets = pc.add(values.offsets, 0)
    return pa.MapArray.from_arrays(offsets, keys, items, wanted, mask=pc.is_null(values))


def _plain(values: pa.Array) -> pa.Array:
    return values.storage if isinstance(values, pa.ExtensionArray) else values


def _converted(values: pa.Array, type_: IcebergType, form: Form) -> pa.Array:
    wanted = arrow_type(type_, form)
    if isinstance(type_, iceberg.TimestamptzType):
        instants = values.cast(pa.timestamp("us", "UTC"), safe=False)
        return instants if form is Form.FILE else zoned(instants)
    if isinstance(type_, iceberg.TimestampType):
        return values.cast(wanted, safe=False)
    if isinstance(type_, iceberg.UUIDType) and form is Form.ENGINE:
        texts = [None if value is None else str(uuid.UUID(bytes=value)) for value in values.to_pylist()]
        return pa.array(texts, pa.string())
    return values.cast(wanted)


def zoned(instants: pa.Array) -> pa.Array:
    """Return instants as timestamps in UTC, in DuckDB's representation."""
    zones = pa.repeat(pa.scalar("UTC"), len(instants))
    return pa.StructArray.from_arrays(
        [instants.cast(pa.timestamp("us")), zones], fields=list(ZONED), mask=pc.is_null(instants)
    )


def write_form(rows: pa.Table | pa.RecordBatch, schema: Schema) -> pa.Table:
    """Convert rows from DuckDB's representation to that of data files, and match columns by position."""
    wanted = pa.schema([(field.name, arrow_type(field.field_type, Form.FILE)) for field in schema.fields])
    arrays = []
    for index, field in enumerate(schema.fields):
        column = rows.column(index)
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        arrays.append(
            pa.chunked_array([_exported(chunk, field.field_type) for chunk in chunks], wanted.field(index).type)
        )
    return pa.Table.from_arrays(arrays, schema=wanted)


def _exported(values: Any, type_: IcebergType) -> pa.Array:
    wanted = arrow_type(type_, Form.FILE)
    if isinstance(type_, StructType):
        children = [_exported(values.field(index), child.field_type) for index, child in enumerate(type_.fields)]
        return pa.StructArray.from_arrays(children, fields=list(wanted), mask=pc.is_null(values))
    if isinstance(type_, ListType):
        return _list_of(values, _exported(values.values, type_.element_type), wanted)
    if isinstance(type_, MapType):
        return _map_of(
            values, _exported(values.keys, type_.key_type), _exported(values.items, type_.value_type), wanted
        )
    if isinstance(type_, iceberg.TimestamptzType):
        instants = values.field("i").cast(wanted)
        return pc.if_else(pc.is_null(values), pa.scalar(None, wanted), instants)
    if isinstance(type_, iceberg.UUIDType):
        return pa.array([None if value is None else uuid.UUID(value).bytes for value in values.to_pylist()], wanted)
    return values.cast(wanted)
