"""Tests that row matching agrees with a model that compares Python values."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.zero_etl.matching import Counts, compare, rows_with_keys

SCHEMA = pa.schema(
    [
        ("h", pa.string()),
        ("r", pa.float64()),
        ("number", pa.float64()),
        ("flag", pa.bool_()),
        ("bytes", pa.binary()),
        ("time", pa.timestamp("us", "UTC")),
        ("texts", pa.list_(pa.field("element", pa.string()))),
        ("map", pa.struct([("x", pa.string()), ("y", pa.list_(pa.field("element", pa.float64())))])),
    ]
)
KEYS = st.fixed_dictionaries({"h": st.sampled_from("ab"), "r": st.sampled_from([0.0, 1.0, 2.0])})
NUMBERS = st.sampled_from([None, 0.0, 1.5])
TEXTS = st.sampled_from([None, "", "a"])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "number": NUMBERS,
        "flag": st.sampled_from([None, True, False]),
        "bytes": st.sampled_from([None, b"", b"\xff"]),
        "time": st.sampled_from([None, 0, 1]),
        "texts": st.none() | st.lists(TEXTS, max_size=2),
        "map": st.none() | st.fixed_dictionaries({"x": TEXTS, "y": st.none() | st.lists(NUMBERS, max_size=2)}),
    },
)
ROWS = st.lists(st.tuples(KEYS, VALUES).map(lambda pair: {**pair[0], **pair[1]}), max_size=8)


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as a table whose columns have several chunks."""
    middle = len(rows) // 2
    return pa.concat_tables(pa.Table.from_pylist(some, SCHEMA) for some in (rows[:middle], rows[middle:]))


def _expected(old: list[str], new: list[str], old_keys: list[Any], new_keys: list[Any]) -> tuple[Any, Counts]:
    same = Counter(old) & Counter(new)
    before, after = Counter(old_keys), Counter(new_keys)
    for key, row in {(key, row) for key, row in zip(old_keys, old, strict=True) if row in same}:
        before[key] -= same[row]
        after[key] -= same[row]
    updated = before & after
    return same, Counts((after - updated).total(), updated.total(), (before - updated).total())


@pytest.mark.parametrize("names", [["h"], ["h", "r"]])
@given(old=ROWS, new=ROWS)
def test_comparison_pairs_identical_rows_and_counts_the_others(
    names: list[str], old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    before, after = _table(old), _table(new)
    old_texts, new_texts = (list(map(repr, rows.to_pylist())) for rows in (before, after))
    old_keys, new_keys = ([tuple(row[name] for name in names) for row in rows] for rows in (old, new))
    same, counts = _expected(old_texts, new_texts, old_keys, new_keys)

    found = compare(before, after, names)

    assert Counter(np.array(old_texts, object)[found.same_old]) == same
    assert Counter(np.array(new_texts, object)[found.same_new]) == same
    assert found.counts == counts


@pytest.mark.parametrize("names", [["h"], ["r"], ["h", "r"]])
@given(rows=ROWS, keys=st.lists(KEYS, min_size=1, max_size=4))
def test_rows_are_found_by_all_key_columns(
    names: list[str], rows: list[dict[str, Any]], keys: list[dict[str, Any]]
) -> None:
    sought = {tuple(key[name] for name in names) for key in keys}
    expected = [index for index, row in enumerate(rows) if tuple(row[name] for name in names) in sought]

    assert list(rows_with_keys(_table(rows).select(names), _table(keys).select(names))) == expected


def test_comparison_keeps_all_rows_with_the_same_key() -> None:
    old = _table([{"h": "a", "r": 1.0, "number": float(number % 3)} for number in range(9)])
    new = _table([{"h": "a", "r": 1.0, "number": float(number % 2)} for number in range(8)])

    found = compare(old, new, ["h", "r"])

    assert (found.same_old.sum(), found.same_new.sum()) == (6, 6)
    assert found.counts == Counts(0, 2, 1)
