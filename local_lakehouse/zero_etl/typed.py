"""Items in DynamoDB JSON as one Arrow array that keeps the type tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Item = Mapping[str, Mapping[str, Any]]

_SAMPLE = 1000

_TAG_TYPES = {
    "S": pa.string(),
    "N": pa.string(),
    # Base64 text, as on the wire.
    "B": pa.string(),
    "BOOL": pa.bool_(),
    "NULL": pa.bool_(),
    "SS": pa.list_(pa.string()),
    "NS": pa.list_(pa.string()),
    "BS": pa.list_(pa.string()),
}


def typed(items: Sequence[Item]) -> pa.StructArray:
    """Turn items into a struct array: one field per attribute, in it one field per type tag that occurs.

    The tags keep values of different types apart, so any mixture of items fits one type.

    Args:
        items: Items in DynamoDB JSON, as ``{"CustomerID": {"S": "CUST0001"}}``.

    Returns:
        A struct array as long as `items`; attributes in the order in which they are first met.
    """
    # Arrow can find the type by itself, but many times more slowly. A sample's type nearly always fits all items.
    array = pa.array(items, type=_sample_type(items))
    return array if _holds_all(array, items) else pa.array(items, type=_map_type(items))


def _sample_type(items: Sequence[Item]) -> pa.StructType:
    """Return the type of a few items; what is within maps and lists, which `_holds_all` does not see, is of all."""
    fields = []
    for field in _map_type(items[:_SAMPLE]):
        nested = any(child.name in ("M", "L") for child in field.type)
        fields.append((field.name, _value_type([item.get(field.name) for item in items]) if nested else field.type))
    return pa.struct(fields)


def _holds_all(array: pa.StructArray, items: Sequence[Item]) -> bool:
    """Tell whether no attribute got lost: Arrow leaves out what a type does not name."""
    held = 0
    for position in range(array.type.num_fields):
        tagged = pc.struct_field(array, [position])
        held += sum(len(array) - pc.struct_field(tagged, [tag]).null_count for tag in range(tagged.type.num_fields))
    return held == sum(map(len, items))


def _map_type(maps: Sequence[Item]) -> pa.StructType:
    return pa.struct(
        [(name, _value_type([m.get(name) for m in maps])) for name in dict.fromkeys(chain.from_iterable(maps))]
    )


def _value_type(values: Sequence[Mapping[str, Any] | None]) -> pa.StructType:
    tags = dict.fromkeys(chain.from_iterable(filter(None, values)))
    return pa.struct([(tag, _TAG_TYPES.get(tag) or _nested_type(tag, values)) for tag in tags])


def _nested_type(tag: str, values: Sequence[Mapping[str, Any] | None]) -> pa.DataType:
    nested = [value[tag] for value in values if value and tag in value]
    if tag == "M":
        return _map_type(nested)
    return pa.list_(_value_type(list(chain.from_iterable(nested))))
