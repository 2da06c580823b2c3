"""Comparison of a table's rows before and after a refresh, with rows matched by key columns.

Two different keys can have the same column values, because two numbers can be rounded to the same double. The rows with
these keys form a group.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """The numbers of target rows that a refresh inserted, updated and deleted."""

    inserted: int
    updated: int
    deleted: int

    def __bool__(self) -> bool:
        return bool(self.inserted or self.updated or self.deleted)


@dataclass(frozen=True)
class Comparison:
    """The differences between old and new rows.

    Args:
        same_old: Whether each old row is identical to a new row.
        same_new: Whether each new row is identical to an old row.
        counts: The numbers of changed rows.
    """

    same_old: Flags
    same_new: Flags
    counts: Counts


def rows_with_keys(rows: pa.Table, keys: pa.Table) -> Numbers:
    """Return the row numbers of the rows whose keys occur in another table.

    Args:
        rows: The key columns of the rows.
        keys: The values to find in these columns.
    """
    likely = (
        pc.is_in(column, value_set=sought.combine_chunks())
        for column, sought in zip(rows.columns, keys.columns, strict=True)
    )
    found = np.flatnonzero(functools.reduce(pc.and_, likely).to_numpy())
    if rows.num_columns == 1:
        return found
    numbers, sought = _numbered(rows.take(pa.array(found)), keys)
    return found[np.isin(numbers, sought)]


def compare(old: pa.Table, new: pa.Table, key_columns: Sequence[str]) -> Comparison:
    """Pair identical rows with the same key, and count the other rows.

    Args:
        old: The rows before the refresh.
        new: The rows after the refresh, with the same columns.
        key_columns: The names of the key columns.
    """
    old_keys, new_keys = _numbered(old.select(key_columns), new.select(key_columns))
    _, groups = np.unique(np.concatenate((old_keys, new_keys)), return_inverse=True)
    old_groups, new_groups = groups[: old.num_rows], groups[old.num_rows :]
    total = int(groups.max(initial=-1)) + 1
    olds, news = np.bincount(old_groups, minlength=total), np.bincount(new_groups, minlength=total)
    same_old, same_new = np.zeros(old.num_rows, bool), np.zeros(new.num_rows, bool)

    row_of = np.zeros(total, np.int64)
    row_of[new_groups] = np.arange(new.num_rows)
    old_at = np.flatnonzero(((olds == 1) & (news == 1))[old_groups])
    new_at = row_of[old_groups[old_at]]
    equal = _equal_rows(old.take(pa.array(old_at)), new.take(pa.array(new_at)))
    same_old[old_at[equal]] = same_new[new_at[equal]] = True

    several = olds * news > 1
    for old_row, new_row in _pairs(old, new, several[old_groups], several[new_groups]):
        same_old[old_row] = same_new[new_row] = True

    olds = np.bincount(old_groups[~same_old], minlength=total)
    news = np.bincount(new_groups[~same_new], minlength=total)
    updated = np.minimum(olds, news)
    counts = Counts(int((news - updated).sum()), int(updated.sum()), int((olds - updated).sum()))
    return Comparison(same_old, same_new, counts)


def _numbered(*tables: pa.Table) -> Sequence[Numbers]:
    """Return a number for each row. Rows with the same values have the same number, even in different tables.

    An item's key has at most two attributes, so the numbers fit in 64 bits.
    """
    rows = pa.concat_tables(tables)
    numbers = np.zeros(rows.num_rows, np.int64)
    for column in rows.columns:
        codes = column.combine_chunks().dictionary_encode("encode")
        numbers = numbers * len(codes.dictionary) + codes.indices.to_numpy()
    return np.split(numbers, np.cumsum([table.num_rows for table in tables])[:-1])


def _pairs(old: pa.Table, new: pa.Table, some_old: Flags, some_new: Flags) -> Sequence[tuple[int, int]]:
    """Pair identical rows among the selected rows, and return the row numbers. Each row is in at most one pair."""
    waiting: defaultdict[str, list[int]] = defaultdict(list)
    for place, text in _texts(new, some_new):
        waiting[text].append(place)
    return [(place, waiting[text].pop()) for place, text in _texts(old, some_old) if waiting[text]]


def _texts(rows: pa.Table, some: Flags) -> Sequence[tuple[int, str]]:
    places = np.flatnonzero(some)
    return [(int(place), repr(row)) for place, row in zip(places, rows.take(places).to_pylist(), strict=True)]


def _equal_rows(rows: pa.Table, others: pa.Table) -> Flags:
    columns = zip(rows.columns, others.columns, strict=True)
    equal = (_equal(column.combine_chunks(), other.combine_chunks()) for column, other in columns)
    return functools.reduce(np.logical_and, equal)


def _equal(values: pa.Array, others: pa.Array) -> Flags:
    """Return, for each position, whether the two values are equal. Null is equal only to null."""
    if pa.types.is_struct(values.type):
        members = range(values.type.num_fields)
        fields = (_equal(pc.struct_field(values, [each]), pc.struct_field(others, [each])) for each in members)
        equal: Flags = functools.reduce(np.logical_and, fields)
    elif pa.types.is_list(values.type):
        equal = _equal_lists(values, others)
    else:
        equal = _flags(pc.fill_null(pc.equal(values, others), False))
    absent, other_absent = _flags(values.is_null()), _flags(others.is_null())
    return np.where(absent | other_absent, absent & other_absent, equal)


def _equal_lists(values: pa.ListArray, others: pa.ListArray) -> Flags:
    lengths, other_lengths = (pc.fill_null(pc.list_value_length(each), 0).to_numpy() for each in (values, others))
    equal: Flags = lengths == other_lengths
    rows = np.flatnonzero(equal)
    elements = _equal(values.take(pa.array(rows)).flatten(), others.take(pa.array(rows)).flatten())
    equal[np.repeat(rows, lengths[rows])[~elements]] = False
    return equal


def _flags(values: pa.BooleanArray) -> Flags:
    flags: Flags = values.to_numpy(zero_copy_only=False)
    return flags
