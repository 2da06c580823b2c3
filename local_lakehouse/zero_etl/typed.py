"""Conversion of items in DynamoDB JSON to one Arrow array with type tags."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Any

import pyarrow as pa

from local_lakehouse.backend.dynamodb_source import decoded
from local_lakehouse.zero_etl.json_parser import parse

Item = Mapping[str, Mapping[str, Any]]

# The type inferred from this many items usually fits all other items.
_SAMPLE = 1000
_PARSERS = 2
_AHEAD = 4
_GROUP_BYTES = 4 * 2**20
# If a group has fewer bytes than this, Python is faster than DuckDB.
_SMALL_BYTES = 64 * 2**10

_TAG_TYPES = {
    "S": pa.string(),
    "N": pa.string(),
    # Binary values are base64 text, as they are in DynamoDB requests.
    "B": pa.string(),
    "BOOL": pa.bool_(),
    "NULL": pa.bool_(),
    "SS": pa.list_(pa.string()),
    "NS": pa.list_(pa.string()),
    "BS": pa.list_(pa.string()),
}


def typed(items: Sequence[Item]) -> pa.StructArray:
    """Convert items to a struct array with one field per attribute, each of which has one field per type tag.

    The tags separate values of different types, so any mixture of items fits one type.

    Args:
        items: Items in DynamoDB JSON, such as ``{"CustomerID": {"S": "CUST0001"}}``.

    Returns:
        A struct array as long as `items`, with attributes in the order of their first occurrence.
    """
    return pa.array(items, type=_map_type(items))


def typed_keys(keys: Sequence[Item], types: Mapping[str, str]) -> pa.StructArray:
    """Convert the keys of items to a struct array, as `typed` does, but faster because their type is known.

    Args:
        keys: The keys in DynamoDB JSON.
        types: The key attributes and their types.
    """
    columns = {name: pa.array([key[name][tag] for key in keys], _TAG_TYPES[tag]) for name, tag in types.items()}
    tagged = [pa.StructArray.from_arrays([values], [types[name]]) for name, values in columns.items()]
    return pa.StructArray.from_arrays(tagged, list(columns))


def typed_lines(chunks: Iterable[bytes]) -> pa.StructArray:
    """Convert lines of JSON to a struct array, as `typed` does.

    DuckDB parses large groups of lines in separate threads, without Python's global interpreter lock. DuckDB needs the
    type in advance, so the type of the first lines is used. Python decodes groups that are small or do not fit this
    type, and merges their types with the known type.

    Args:
        chunks: The items in the DynamoDB JSON that the store writes, with one item per line and many lines per chunk.
    """
    known: pa.StructType | None = None
    arrays: list[pa.StructArray] = []
    parsing: deque[tuple[list[bytes], Future[pa.StructArray | None] | None]] = deque()

    def finish() -> None:
        nonlocal known
        group, future = parsing.popleft()
        array = future.result() if future else None
        if array is not None:
            arrays.append(array)
            return
        for chunk in group:
            items = decoded(chunk)
            known = _merged(known, _map_type(items))
            arrays.append(pa.array(items, type=known))

    with ThreadPoolExecutor(_PARSERS) as pool:
        for group in _groups(chunks):
            if known is None:
                known = _map_type(decoded(group[0])[:_SAMPLE])
            large = sum(map(len, group)) >= _SMALL_BYTES
            parsing.append((group, pool.submit(parse, b"\n".join(group), known) if large else None))
            if len(parsing) > _AHEAD:
                finish()
        while parsing:
            finish()
    if known is None:
        return typed([])
    return pa.concat_arrays([_fitted(array, known) for array in arrays])


def _groups(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for chunk in chunks:
        group.append(chunk)
        size += len(chunk)
        if size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _merged(known: pa.DataType | None, other: pa.DataType) -> pa.DataType:
    """Return a type that fits the values of both types."""
    if known is None or known == other:
        return other
    if pa.types.is_list(known):
        return pa.list_(_merged(known.value_type, other.value_type))
    fields = {field.name: field.type for field in known}
    for field in other:
        fields[field.name] = _merged(fields.get(field.name), field.type)
    return pa.struct(list(fields.items()))


def _fitted(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Convert an array to a type that `_merged` computed from the array's type and other types."""
    if array.type == kind:
        return array
    if pa.types.is_list(kind):
        values = _fitted(array.values, kind.value_type)
        return pa.ListArray.from_arrays(array.offsets, values, type=kind, mask=array.is_null())
    given = {field.name: array.field(place) for place, field in enumerate(array.type)}
    children = [
        _fitted(given[field.name], field.type) if field.name in given else pa.nulls(len(array), field.type)
        for field in kind
    ]
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=array.is_null())


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
