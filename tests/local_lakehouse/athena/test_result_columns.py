"""Tests that columns rendered by Arrow equal columns whose values are rendered one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local_lakehouse.athena.result_columns import csv_lines, render, rendered
from local_lakehouse.athena.results import csv_line, text_writer
from local_lakehouse.athena.tables.iceberg_types import arrow_type
from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

DOUBLES = st.floats() | st.floats(-1e8, 1e8) | st.floats(-0.01, 0.01) | st.integers(-(10**9), 10**9).map(float)
REALS = st.floats(width=32) | st.integers(-(10**5), 10**5).map(lambda number: number / 64)
TEXTS = st.lists(st.none() | st.text(alphabet='a",\n ü😀'), min_size=1, max_size=20)


def _check(values: Sequence[Any], type_: Type) -> None:
    column = pa.chunked_array([pa.array(values, arrow_type(type_))])
    write = text_writer(type_)
    expected = [None if value is None else write(value) for value in column.to_pylist()]
    assert rendered(column, type_).to_pylist() == expected


@given(st.lists(st.none() | DOUBLES))
@example([-0.0, 0.0, 1e-3, 9.999e-4, 1e7, 9999999.999999998, float("nan"), float("inf"), float("-inf"), 5e-324, 1e23])
def test_double_column_matches_individually_rendered_values(values: list[float | None]) -> None:
    _check(values, types.DOUBLE)


@given(st.lists(st.none() | REALS))
@example([-0.0, 1.1754944e-38, 1e7, 16777216.0, 0.1, 0.001])
def test_real_column_matches_individually_rendered_values(values: list[float | None]) -> None:
    _check(values, types.REAL)


@given(st.lists(st.none() | st.decimals(-1000, 1000, places=12)))
@example([Decimal("0E-12"), Decimal("-1E-12"), Decimal("1E-7")])
def test_decimal_column_matches_individually_rendered_values(values: list[Decimal | None]) -> None:
    _check(values, types.decimal(20, 12))


@pytest.mark.parametrize("precision", [0, 3, 5, 6])
@given(values=st.lists(st.none() | st.datetimes()))
@example(values=[datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(1969, 12, 31, 23, 59, 59, 1)])
def test_timestamp_column_matches_individually_rendered_values(values: list[datetime | None], precision: int) -> None:
    _check(values, types.timestamp(precision))


@given(st.lists(st.none() | st.text(max_size=5)))
def test_padded_text_column_matches_individually_rendered_values(values: list[str | None]) -> None:
    _check(values, types.char(5))


@pytest.mark.parametrize(
    ("type_", "stored"),
    [
        (types.timestamp(3), pa.array([253402300800000000], pa.timestamp("us"))),
        (types.timestamp(3), pa.array([-62135596800000001], pa.timestamp("us"))),
        (types.DATE, pa.array([12_000_000], pa.int32()).cast(pa.date32())),
    ],
)
def test_values_that_python_cannot_represent_are_rejected(type_: Type, stored: pa.Array) -> None:
    with pytest.raises(QueryFailure, match="after the year 9999"):
        rendered(pa.chunked_array([stored]), type_)


@given(TEXTS, st.data())
def test_csv_lines_match_lines_rendered_row_by_row(first: list[str | None], data: st.DataObject) -> None:
    second = data.draw(st.lists(st.none() | st.text(), min_size=len(first), max_size=len(first)))
    lines = csv_lines([pa.array(first, pa.string()), pa.array(second, pa.string())])
    assert lines.to_pylist() == [csv_line(row) for row in zip(first, second, strict=True)]


@given(TEXTS, st.data())
def test_csv_lines_of_slices_match_slices_of_csv_lines(texts: list[str | None], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(texts) - 1))
    column = pa.array(texts, pa.string())

    assert csv_lines([column.slice(start)]).to_pylist() == csv_lines([column]).to_pylist()[start:]


def test_null_columns_are_rendered_as_none() -> None:
    table = pa.table({"a": pa.nulls(2, pa.int32()), "b": pa.array([date(2024, 1, 5), None])})
    assert render(table, [types.UNKNOWN, types.DATE]) == [[None, "2024-01-05"], [None, None]]
