"""Conversion of result columns to Arrow strings in Athena's format, and to the lines of result files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from local_lakehouse.athena.results import FAR, MIN_SECOND_DIGITS, Text, text_writer
from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

_PLAIN = frozenset((*types.INTEGERS, "boolean", "varchar", "json", "uuid", "date"))
# Java formats numbers between these limits without an exponent.
_SMALLEST, _LARGEST = 1e-3, 1e7
_TIMESTAMP_LENGTH = len("2024-01-05 00:00:00.000000")
_MICROSECOND_DIGITS = 6


def render(table: pa.Table, columns: Sequence[Type]) -> list[list[Text]]:
    """Return a table's rows as strings, with None for NULL.

    Args:
        table: The rows.
        columns: The types of the table's columns.

    Raises:
        QueryFailure: A date or timestamp is out of range (``NOT_SUPPORTED``).
    """
    return rows_of([rendered(table.column(index), type_) for index, type_ in enumerate(columns)])


def rows_of(columns: Sequence[pa.Array]) -> list[list[Text]]:
    """Return columns of strings as rows."""
    return [list(row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]


def rendered(values: pa.ChunkedArray, type_: Type) -> pa.Array:
    """Return a column's values as strings.

    Args:
        values: The column.
        type_: The column's type.

    Raises:
        QueryFailure: A date or timestamp is out of range (``NOT_SUPPORTED``).
    """
    array = values.combine_chunks()
    if type_ == types.UNKNOWN:
        return pa.nulls(len(array), pa.string())
    if type_.name in _PLAIN:
        texts = pc.cast(array, pa.string())
        if type_ == types.DATE and pc.any(pc.starts_with(texts, "<")).as_py():
            raise QueryFailure("NOT_SUPPORTED", FAR)
        return texts
    if type_.name in ("double", "real"):
        return _numbers(array, type_)
    if type_.name == "decimal":
        texts = pc.cast(array, pa.string())
        return _written_again(texts, pc.match_substring(texts, "E"), array, text_writer(type_))
    if type_.name == "timestamp" and pa.types.is_timestamp(array.type):
        return _timestamps(array, type_)
    return _written(array, text_writer(type_))


def _numbers(array: pa.Array, type_: Type) -> pa.Array:
    size = pc.abs(array)
    short = pc.or_(
        pc.equal(size, 0), pc.and_(pc.greater_equal(size, _SMALLEST), pc.less(size, _LARGEST))
    )  # fmt: skip
    texts = pc.cast(array, pa.string())
    # Arrow formats whole numbers without a decimal point.
    whole = pc.fill_null(pc.equal(pc.trunc(array), array), False)
    if pc.any(whole).as_py():
        texts = pc.replace_with_mask(texts, whole, pc.binary_join_element_wise(texts.filter(whole), "0", "."))
    return _written_again(texts, pc.invert(short), array, text_writer(type_))


def _timestamps(array: pa.Array, type_: Type) -> pa.Array:
    texts = pc.cast(array, pa.string())
    unusual = pc.or_(pc.not_equal(pc.binary_length(texts), _TIMESTAMP_LENGTH), pc.starts_with(texts, "0000"))
    if pc.any(unusual).as_py():
        return _written(array, text_writer(type_))
    digits = max(type_.precision, MIN_SECOND_DIGITS)
    return pc.utf8_slice_codeunits(texts, 0, _TIMESTAMP_LENGTH - _MICROSECOND_DIGITS + digits)


def _written_again(texts: pa.Array, where: pa.Array, array: pa.Array, write: Callable[[Any], str]) -> pa.Array:
    """Replace the strings that Arrow formats differently from Athena."""
    chosen = pc.fill_null(where, False)
    if not pc.any(chosen).as_py():
        return texts
    return pc.replace_with_mask(texts, chosen, _written(array.filter(chosen), write))


def _written(array: pa.Array, write: Callable[[Any], str]) -> pa.Array:
    try:
        return pa.array([None if value is None else write(value) for value in array.to_pylist()], pa.string())
    except OverflowError as error:
        raise QueryFailure("NOT_SUPPORTED", FAR) from error


def csv_lines(columns: Sequence[pa.Array]) -> pa.Array:
    """Return columns of strings as lines of CSV in Athena's format. Each line includes its line break."""
    escaped = [_escaped(column) for column in columns]
    if any(column.null_count for column in columns):
        lines = pc.binary_join_element_wise(*map(_cells, escaped), ",")
        return pc.binary_join_element_wise(lines, "", "\n")
    # If no value is NULL, every cell is quoted, so the separators can include the quotes.
    return pc.binary_join_element_wise('"', pc.binary_join_element_wise(*escaped, '","'), '"\n', "")


def _escaped(column: pa.Array) -> pa.Array:
    if not _contains(column, b'"'):
        return column
    return pc.replace_substring(column, '"', '""')


def _contains(column: pa.StringArray, text: bytes) -> bool:
    """Return whether any of the strings may contain a substring, by searching all strings at once."""
    _, offsets, content = column.buffers()
    if content is None or not len(column):
        return False
    ends = np.frombuffer(offsets, np.int32, len(column) + 1, column.offset * 4)
    return text in bytes(memoryview(content)[int(ends[0]) : int(ends[-1])])


def _cells(escaped: pa.Array) -> pa.Array:
    return pc.fill_null(pc.binary_join_element_wise("", escaped, "", '"'), "")
