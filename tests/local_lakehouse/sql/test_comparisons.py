"""Tests for equality, order and logic with NULL, NaN and time zones, including inside arrays, rows and maps."""

from __future__ import annotations

import itertools
import math
import operator as py
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.json_text import java_double
from tests.local_lakehouse.sql.conftest import Run, Table, Tables

PROFILE = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TRUTH = (True, False, None)
OPTIONAL = st.none() | st.integers(0, 2)


def _equal(left: Any, right: Any) -> bool | None:
    """Return whether two values are equal in SQL. The result is None if it depends on a NULL."""
    if left is None or right is None:
        return None
    if isinstance(left, list):
        return False if len(left) != len(right) else _all(map(_equal, left, right))
    if isinstance(left, dict):
        return False if left.keys() != right.keys() else _all(_equal(left[key], right[key]) for key in left)
    return bool(left == right)


def _all(found: Any) -> bool | None:
    results = list(found)
    return False if False in results else None if None in results else True


def _sql(value: Any, type_: str) -> str:
    def write(item: Any) -> str:
        if item is None:
            return "NULL"
        if isinstance(item, list):
            return f"ARRAY[{', '.join(map(write, item))}]"
        if isinstance(item, dict):
            return f"map(ARRAY[{', '.join(map(str, item))}], ARRAY[{', '.join(map(write, item.values()))}])"
        return str(item)

    return f"CAST({write(value)} AS {type_})"


def _shown(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


NESTED = {
    "array(integer)": st.lists(OPTIONAL, max_size=3),
    "array(array(integer))": st.lists(st.none() | st.lists(OPTIONAL, max_size=2), max_size=2),
    "map(integer, integer)": st.dictionaries(st.integers(0, 2), OPTIONAL, min_size=1, max_size=3),
}


@pytest.mark.parametrize("type_", NESTED)
@PROFILE
@given(data=st.data())
def test_equality_is_three_valued_at_any_depth(run: Run, type_: str, data: st.DataObject) -> None:
    left, right = data.draw(NESTED[type_]), data.draw(NESTED[type_])
    a, b = _sql(left, type_), _sql(right, type_)
    equal = _equal(left, right)
    unequal = None if equal is None else not equal
    answer = run(f"SELECT {a} = {b}, {a} <> {b}, {a} IN ({b}), {a} IS DISTINCT FROM {b}, nullif({a}, {b}) IS NULL")
    distinct = _shown(left != right)
    assert answer.rows == [[_shown(equal), _shown(unequal), _shown(equal), distinct, _shown(equal is True)]]


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("TIMESTAMP '2024-01-01 12:00 UTC'", "TIMESTAMP '2024-01-01 13:00 +01:00'", "true"),
        ("TIMESTAMP '2024-01-01 12:00 UTC'", "TIMESTAMP '2024-01-01 12:00 +01:00'", "false"),
        ("CAST('a' AS char(3))", "CAST('a  ' AS char(3))", "true"),
        ("map(ARRAY[1, 2], ARRAY[3, 4])", "map(ARRAY[2, 1], ARRAY[4, 3])", "true"),
        ("ROW(TIME '12:00 +00:00', 1)", "ROW(TIME '13:00 +01:00', 1)", "true"),
        ("0e0", "-0e0", "true"),
        ("nan()", "nan()", "false"),
        ("ROW(nan(), 1)", "ROW(nan(), 1)", "false"),
    ],
)
def test_map_comparison_matches_equal_keys(run: Run, left: str, right: str, equal: str) -> None:
    map_, other = (f"map(ARRAY[{key}], ARRAY[7])" for key in (left, right))
    unlike = f"map(ARRAY[{right}], ARRAY[8])"
    assert run(f"SELECT {map_} = {other}, {map_} IN ({other}), {map_} = {unlike}").rows == [[equal, equal, "false"]]


@pytest.mark.parametrize("operator", ["=", "<>", "IN", "IS DISTINCT FROM"])
@pytest.mark.parametrize(
    "nested",
    [
        "map(ARRAY[1], ARRAY[2])",
        "ARRAY[map(ARRAY[1], ARRAY[2])]",
        "map(ARRAY[1], ARRAY[ROW(map(ARRAY[1], ARRAY[2]), 3)])",
        "ROW(ROW(ROW(map(ARRAY[1], ARRAY[2]), 1), 2), 3)",
    ],
)
def test_comparison_evaluates_its_operands_once(
    compile_sql: Callable[..., Compiled], operator: str, nested: str
) -> None:
    other = nested.replace("2", "5")
    right = f"({other})" if operator == "IN" else other
    assert compile_sql(f"SELECT {nested} {operator} {right}").sql.count("athena_map(") == 2 * nested.count("map(")


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_order_comparison_evaluates_its_operands_once(compile_sql: Callable[..., Compiled], operator: str) -> None:
    nested = "ARRAY[ROW(ARRAY[regexp_extract_all('a', 'a')])]"
    assert compile_sql(f"SELECT {nested} {operator} {nested}").sql.count("regexp_extract_all(") == 2


@pytest.mark.parametrize("operator", ["=", "<>", "<", "<=", ">", ">="])
def test_float_comparison_evaluates_a_subquery_once(compile_sql: Callable[..., Compiled], operator: str) -> None:
    tables = Tables({"t": Table({"x": "double"})})
    for sql in ("x {} (SELECT avg(x) FROM t)", "(SELECT max(x) FROM t) {} x", "1 {} (SELECT avg(x) FROM t)"):
        compiled = compile_sql(f"SELECT 1 FROM t WHERE {sql.format(operator)}", tables)
        assert compiled.sql.count("_t AS ") == 2
    assert len(tables.resolved_versions) == 6


NUMBERS = (math.nan, math.inf, -math.inf, 0.0, 2.0)
EXACT = ("tinyint", "smallint", "integer", "bigint", "decimal(38, 0)", "decimal(15, 2)")
OPERATORS = {"=": py.eq, "<>": py.ne, "<": py.lt, "<=": py.le, ">": py.gt, ">=": py.ge}
CALCULATIONS: dict[str, Callable[[float, float], float]] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / 2e0": lambda a, _: a / 2,
    "-(a * b)": lambda a, b: -(a * b),
    "a * 1e308 * 10 - b * 1e308 * 10": lambda a, b: a * 1e308 * 10 - b * 1e308 * 10,
    "a * 1e308 * 10 * b": lambda a, b: a * 1e308 * 10 * b,
    "CAST(a AS real) * REAL '3e38' * 2 - CAST(b AS real) * REAL '3e38' * 2": lambda a, b: _real(a) - _real(b),
    "(SELECT a - b)": lambda a, b: a - b,
}


def _real(value: float) -> float:
    return math.copysign(math.inf, value) if value else 0.0


@pytest.mark.parametrize("sql", CALCULATIONS)
def test_only_the_not_equal_comparison_with_nan_is_true(run: Run, sql: str) -> None:
    pairs = [*itertools.product((0, 2, -3), repeat=2)]
    rows = ", ".join(f"({a}, {b})" for a, b in pairs)
    results = [CALCULATIONS[sql](float(a), float(b)) for a, b in pairs]
    expected = [[_shown(compare(result, 2.0)) for compare in OPERATORS.values()] for result in results]
    columns = ", ".join(f"{sql} {operator} c" for operator in OPERATORS)
    for type_ in ("double", *EXACT):
        converted = f"SELECT CAST(CAST(x AS {type_}) AS double) AS a, CAST(CAST(y AS {type_}) AS double) AS b"
        found = run(f"SELECT {columns} FROM ({converted}, 2e0 AS c FROM (VALUES {rows}) AS v(x, y)) AS w")
        assert found.rows == expected, type_


@pytest.mark.parametrize("zero", ["0", "TINYINT '0'", "0.0", "DECIMAL '0'", "0e0", "-0e0", "CAST(0 AS real)"])
def test_zero_divided_by_zero_is_nan_in_comparisons(run: Run, zero: str) -> None:
    found = run(f"SELECT x = x, x <> x, x > 1e0, x < 1e0 FROM (SELECT 0e0 / {zero} AS x) AS w")
    assert found.rows == [["false", "true", "false", "false"]]


@pytest.mark.parametrize("operator", OPERATORS)
def test_float_comparison_is_the_same_in_where_having_and_subqueries(run: Run, operator: str) -> None:
    pairs = [*itertools.product(NUMBERS, repeat=2)]
    rows = ", ".join(f"({position}, {_double(a)}, {_double(b)})" for position, (a, b) in enumerate(pairs))
    source = f"(VALUES {rows}) AS v(k, a, b)"
    expected = [[str(position)] for position, (a, b) in enumerate(pairs) if OPERATORS[operator](a, b)]
    for sql in (
        f"SELECT k FROM {source} WHERE a {operator} b ORDER BY 1",
        f"SELECT k FROM {source} WHERE a {operator} (SELECT b) ORDER BY 1",
        f"SELECT k FROM {source} WHERE (SELECT a) {operator} (SELECT b) ORDER BY 1",
        f"SELECT k FROM {source} GROUP BY k HAVING max(a) {operator} min(b) ORDER BY 1",
    ):
        assert run(sql).rows == expected, sql


def _double(value: float) -> str:
    return f"CAST('{java_double(value)}' AS double)"


@pytest.mark.parametrize(
    "condition",
    [
        "array_agg(x ORDER BY x) = ARRAY[1, 2]",
        "array_agg(x ORDER BY x) >= ARRAY[1, 2]",
        "map_agg(x, k) = MAP(ARRAY[1, 2], ARRAY[1, 1])",
        "histogram(x) <> MAP(ARRAY[1], ARRAY[1])",
        "ROW(max(x), array_agg(k)) = ROW(2, ARRAY[1, 1])",
    ],
)
def test_having_compares_nested_aggregates(run: Run, condition: str) -> None:
    rows = "(VALUES (1, 1), (1, 2), (2, 1)) AS v(k, x)"
    assert run(f"SELECT k FROM {rows} GROUP BY k HAVING {condition}").rows == [["1"]]


@PROFILE
@given(st.lists(OPTIONAL, max_size=4), OPTIONAL)
def test_contains_and_position_use_equality(run: Run, items: list[int | None], wanted: int | None) -> None:
    array, value = _sql(items, "array(integer)"), _sql(wanted, "integer")
    answer = run(f"SELECT contains({array}, {value}), array_position({array}, {value}), array_remove({array}, {value})")
    found = None if wanted is None else True if wanted in items else None if None in items else False
    position = None if wanted is None else items.index(wanted) + 1 if wanted in items else 0
    rest = [("null" if item is None else str(item)) for item in items if item is None or item != wanted]
    removed = None if wanted is None else f"[{', '.join(rest)}]"
    assert answer.rows == [[_shown(found), None if position is None else str(position), removed]]


@pytest.mark.parametrize(("left", "right"), [*itertools.product(TRUTH, TRUTH)])
def test_logical_operators_are_three_valued(run: Run, left: bool | None, right: bool | None) -> None:
    a, b = (f"CAST({'NULL' if side is None else side} AS boolean)" for side in (left, right))
    both = False if False in (left, right) else None if None in (left, right) else True
    either = True if True in (left, right) else None if None in (left, right) else False
    assert run(f"SELECT {a} AND {b}, {a} OR {b}").rows == [[_shown(both), _shown(either)]]


@PROFILE
@given(st.lists(st.integers(-3, 3) | st.none(), max_size=7))
def test_array_sort_uses_the_comparator(run: Run, items: list[int | None]) -> None:
    comparator = (
        "(x, y) -> CASE WHEN x IS NULL AND y IS NULL THEN 0 WHEN x IS NULL THEN -1 WHEN y IS NULL THEN 1 "
        "WHEN abs(x) < abs(y) THEN -1 WHEN abs(x) = abs(y) THEN 0 ELSE 1 END"
    )
    ordered = sorted(items, key=lambda item: (item is not None, abs(item or 0)))
    shown = ", ".join("null" if item is None else str(item) for item in ordered)
    assert run(f"SELECT array_sort({_sql(items, 'array(integer)')}, {comparator})").rows == [[f"[{shown}]"]]
