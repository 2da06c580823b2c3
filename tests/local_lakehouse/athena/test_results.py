"""Tests for the text format of values in rows, in CSV files, and inside other values."""

from __future__ import annotations

import math
import struct
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.athena.result_columns import render
from local_lakehouse.athena.result_files import read_csv
from local_lakehouse.athena.results import column_info, csv_text
from local_lakehouse.athena.tables.iceberg_types import arrow_type
from local_lakehouse.sql import types
from local_lakehouse.sql.json_text import java_double
from local_lakehouse.sql.types import Type

PAIR = types.row((types.INTEGER, types.VARCHAR), ("id", "tag"))


def _shown(value: Any, type_: Type) -> str | None:
    table = pa.table({"c0": pa.array([value], arrow_type(type_))})
    return render(table, [type_])[0][0]


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        (True, types.BOOLEAN, "true"),
        (-7, types.BIGINT, "-7"),
        (Decimal("1.50"), types.decimal(5, 2), "1.50"),
        (1.0, types.DOUBLE, "1.0"),
        (12345678.9, types.DOUBLE, "1.23456789E7"),
        (0.0001, types.DOUBLE, "1.0E-4"),
        (0.1, types.REAL, "0.1"),
        (float("nan"), types.DOUBLE, "NaN"),
        (float("-inf"), types.DOUBLE, "-Infinity"),
        (-0.0, types.DOUBLE, "-0.0"),
        (date(2024, 12, 17), types.DATE, "2024-12-17"),
        (datetime(2024, 12, 17, 1, 2, 3, 456789), types.timestamp(6), "2024-12-17 01:02:03.456789"),
        (datetime(2024, 12, 17, 1, 2, 3), types.timestamp(0), "2024-12-17 01:02:03.000"),
        (time(1, 2, 3), types.time(0), "01:02:03"),
        (time(1, 2, 3), types.time(1), "01:02:03.0"),
        (time(1, 2, 3, 45_600), types.time(3), "01:02:03.045"),
        (time(1, 2, 3, 45_600), types.time(6), "01:02:03.045600"),
        ({"i": datetime(2024, 7, 1, 12), "z": "UTC"}, types.timestamp_tz(3), "2024-07-01 12:00:00.000 UTC"),
        (
            {"i": datetime(2024, 7, 1, 12), "z": "Europe/Berlin"},
            types.timestamp_tz(3),
            "2024-07-01 14:00:00.000 Europe/Berlin",
        ),
        (b"123", types.VARBINARY, "31 32 33"),
        ("a", types.char(3), "a  "),
        (86_400_000 + 5, types.DAY_INTERVAL, "1 00:00:00.005"),
        (-90_000, types.DAY_INTERVAL, "-0 00:01:30.000"),
        (14, types.MONTH_INTERVAL, "1-2"),
        ([1, None], types.array(types.INTEGER), "[1, null]"),
        (["a, b", ""], types.array(types.VARCHAR), "[a, b, ]"),
        ([("b", 1), ("a", None)], types.map_of(types.VARCHAR, types.INTEGER), "{a=null, b=1}"),
        ([(10, "x"), (9, "y")], types.map_of(types.INTEGER, types.VARCHAR), "{9=y, 10=x}"),
        ({"f0": 1, "f1": None}, PAIR, "{id=1, tag=null}"),
        ({"f0": 1, "f1": "x"}, types.row((types.INTEGER, types.VARCHAR)), "{field0=1, field1=x}"),
        ([{"f0": 1, "f1": "x"}], types.array(PAIR), "[{id=1, tag=x}]"),
        (None, PAIR, None),
    ],
)
def test_value_is_rendered_as_text(value: Any, type_: Type, text: str | None) -> None:
    assert _shown(value, type_) == text


@pytest.mark.parametrize(
    ("type_", "name", "precision", "scale"),
    [
        (types.REAL, "float", 17, 0),
        (types.decimal(10, 2), "decimal", 10, 2),
        (types.VARCHAR, "varchar", 2147483647, 0),
        (types.varchar(3), "varchar", 3, 0),
        (types.timestamp(6), "timestamp", 3, 0),
        (types.timestamp_tz(3), "timestamp with time zone", 3, 0),
        (types.array(types.INTEGER), "array", 0, 0),
        (types.VARBINARY, "varbinary", 1073741824, 0),
    ],
)
def test_column_info_returns_name_precision_and_scale(type_: Type, name: str, precision: int, scale: int) -> None:
    info = column_info("x", type_)

    assert (info["Type"], info["Precision"], info["Scale"], info["Nullable"]) == (name, precision, scale, "UNKNOWN")


@given(st.lists(st.lists(st.none() | st.text(), min_size=2, max_size=2)))
def test_csv_distinguishes_null_from_the_empty_string(rows: list[list[str | None]]) -> None:
    assert read_csv(csv_text(["a", "b"], rows)) == [["a", "b"], *rows]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_java_double_round_trips(value: float) -> None:
    shown = java_double(value)

    assert float(shown) == value
    mantissa, _, exponent = shown.lstrip("-").partition("E")
    assert "." in mantissa
    plain = value == 0 or 1e-3 <= abs(value) < 1e7
    assert plain == (exponent == "")


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_java_double_round_trips_single_precision_numbers(value: float) -> None:
    shown = float(java_double(value, single=True))

    assert struct.pack("f", shown) == struct.pack("f", value)
    assert math.copysign(1, shown) == math.copysign(1, value)


@given(st.integers(-(10**11), 10**11))
def test_day_interval_text_adds_up_to_total_milliseconds(millis: int) -> None:
    shown = str(_shown(millis, types.DAY_INTERVAL))

    days, _, clock = shown.lstrip("-").partition(" ")
    hours, minutes, seconds = clock.split(":")
    total = ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)
    assert (-total if shown.startswith("-") else total) == millis
