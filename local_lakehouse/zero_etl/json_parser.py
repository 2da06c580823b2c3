"""A parser for items in DynamoDB JSON, based on DuckDB."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def parse(lines: bytes, kind: pa.StructType) -> pa.StructArray | None:
    """Return an array with one struct per line, or None if the lines do not fit the type.

    DuckDB ignores members that are missing from the type. If the text has such members, the array contains fewer
    objects than the text, and the result is None.

    Args:
        lines: The items in DynamoDB JSON, one per line, without spaces after an opening brace.
        kind: The type. It has a field for each attribute, and each of these has a field for each type tag.
    """
    if not _expressible(kind):
        return None
    texts = pa.table({"line": _texts(lines)})
    structure = json.dumps(_structure(kind)).replace("'", "''")
    with _database().cursor() as cursor:
        try:
            found = cursor.from_arrow(texts).project(f"json_transform(line, '{structure}') AS item")
            array = found.to_arrow_table().column("item").combine_chunks()
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            return None
    array = array.cast(kind)
    return array if len(array) + _objects(array) == _opened(lines) else None


@functools.cache
def _database() -> duckdb.DuckDBPyConnection:
    """Return the database, whose queries run in the calling thread."""
    return duckdb.connect(config={"threads": 1})


def _opened(lines: bytes) -> int:
    """Return the number of objects in JSON text, or a higher number if a string contains the start of an object."""
    text = np.frombuffer(lines, np.uint8)
    following = text[np.flatnonzero(text[:-1] == ord("{")) + 1]
    return int(np.count_nonzero((following == ord('"')) | (following == ord("}"))))


def _texts(lines: bytes) -> pa.StringArray:
    """Return the lines as strings that share memory with the bytes."""
    ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate(([0], ends, [len(lines)])).astype(np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(lines))


def _expressible(kind: pa.DataType) -> bool:
    """Return whether DuckDB supports a type.

    DuckDB does not support a struct without fields, with an empty field name, or with names that differ only in case.
    """
    if pa.types.is_list(kind):
        return _expressible(kind.value_type)
    if not pa.types.is_struct(kind):
        return True
    names = {field.name.casefold() for field in kind}
    return len(names) == kind.num_fields > 0 and all(names) and all(_expressible(field.type) for field in kind)


def _structure(kind: pa.DataType) -> Any:
    """Return a type's description for `json_transform`."""
    if pa.types.is_list(kind):
        return [_structure(kind.value_type)]
    if pa.types.is_struct(kind):
        return {field.name: _structure(field.type) for field in kind}
    return "BOOLEAN" if pa.types.is_boolean(kind) else "VARCHAR"


def _objects(maps: pa.StructArray) -> int:
    """Return the number of JSON objects inside maps."""
    return sum(_tagged_objects(tagged) for tagged in _fields(maps))


def _tagged_objects(tagged: pa.StructArray) -> int:
    """Return the number of JSON objects that represent tagged values, including the objects inside the values."""
    total = 0
    for field, values in zip(tagged.type, _fields(tagged), strict=True):
        count = len(values) - values.null_count
        total += count
        if field.name == "M":
            total += count + _objects(values)
        elif field.name == "L":
            total += _tagged_objects(values.flatten())
    return total


def _fields(values: pa.StructArray) -> Sequence[pa.Array]:
    """Return the fields of a struct array, with null where the struct is null."""
    return [pc.struct_field(values, [position]) for position in range(values.type.num_fields)]
