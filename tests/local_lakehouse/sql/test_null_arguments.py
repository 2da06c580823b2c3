"""Tests that a NULL argument makes the result NULL, even if another argument is invalid."""

import pytest

from tests.local_lakehouse.sql.conftest import Run

NULL = "CAST(NULL AS {})"


@pytest.mark.parametrize(
    ("call", "type_"),
    [
        *((f"substr('abc', {start}, {{}})", "bigint") for start in (-1, 0, 2, 5)),
        ("substr('abc', {}, 0)", "bigint"),
        ("substr(CAST('a' AS char(2)), 1, {})", "bigint"),
        ("substr(X'4142', 1, {})", "bigint"),
        ("substr({}, 1, 1)", "varbinary"),
        ("lpad('', {}, 'x')", "bigint"),
        ("rpad('a', {}, 'x')", "bigint"),
        ("rpad({}, -1, '')", "varchar"),
        ("lpad('a', 3, {})", "varchar"),
        ("split('a,b', {})", "varchar"),
        ("split({}, '')", "varchar"),
        ("split_part('a,b', {}, 1)", "varchar"),
        ("split_part({}, ',', 0)", "varchar"),
        ("round(0, {})", "integer"),
        ("round(nan(), {})", "integer"),
        ("truncate(infinity(), {})", "integer"),
        ("mod(infinity(), {})", "double"),
        ("nan() % {}", "double"),
        ("mod({}, 0e0)", "double"),
        ("power({}, nan())", "double"),
        ("width_bucket({}, 1, 1, 0)", "double"),
        ("width_bucket(0, {}, 0, 5)", "double"),
        ("width_bucket(0, 0, {}, 5)", "double"),
        ("width_bucket({}, ARRAY[0e0])", "double"),
        ("slice(ARRAY[1], {}, 0)", "bigint"),
        ("slice(ARRAY[1, 2], -2, {})", "bigint"),
        ("slice({}, 0, 1)", "array(integer)"),
        ("element_at({}, 0)", "array(integer)"),
        ("{}[0]", "array(integer)"),
        ("trim_array({}, -1)", "array(integer)"),
        ("ngrams({}, 0)", "array(integer)"),
        ("sequence({}, 5, 0)", "bigint"),
        ("reduce({}, 0, (s, v) -> s + v, s -> coalesce(s, 5))", "array(integer)"),
        ("{} + INTERVAL '1' HOUR", "date"),
        ("approx_percentile(x, y) FROM (VALUES (1, {}), (2, NULL)) t(x, y)", "double"),
    ],
)
def test_null_argument_makes_the_result_null(run: Run, call: str, type_: str) -> None:
    assert run(f"SELECT {call.format(NULL.format(type_))}").rows == [[None]]
    if "FROM" not in call:
        assert run(f"SELECT {call.format('x')} FROM (VALUES {NULL.format(type_)}) t(x)").rows == [[None]]


@pytest.mark.parametrize(
    ("call", "type_"),
    [
        ("trim(NULL)", "varchar"),
        ("substr(NULL, 1)", "varchar"),
        ("rtrim(NULL, 'a')", "varchar"),
        ("trim(CAST(' a' AS char(3)))", "char(3)"),
        ("array_max(CAST(NULL AS array(double)))", "double"),
        ("array_min(CAST(ARRAY[] AS array(char(2))))", "char(2)"),
    ],
)
def test_null_argument_does_not_change_the_type(run: Run, call: str, type_: str) -> None:
    assert run(f"SELECT {call}").types == [type_]
