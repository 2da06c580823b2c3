"""Tests that nested calls stay small after DuckDB expands the macros, and return the same values."""

from collections.abc import Callable

import pytest

from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.analysis.sharing import _size
from tests.local_lakehouse.sql.conftest import Run

# Each template's result has the type of its operand.
NESTED = {
    "array_distinct({})": "ARRAY[a, 1]",
    "array_remove({}, 7)": "ARRAY[a, 1]",
    "array_sort({}, (x, y) -> IF(x < y, 1, IF(x > y, -1, 0)))": "ARRAY[a, 1]",
    "CASE {} WHEN 1 THEN 4 WHEN 2 THEN 5 WHEN 3 THEN 6 ELSE 7 END": "a",
    "CAST(CAST({} AS double) AS varchar)": "CAST(a AS varchar)",
    "CAST({} BETWEEN 0 AND 3 AS integer)": "a",
    "CAST(5 / (1 + {}) > 0 AND 5 / a > 0 AS integer)": "a",
    "CAST(ROW({}, 1) < ROW(1, 1) AS integer)": "a",
    "date_add('day', 1, {})": "DATE '2024-01-01'",
    "date_parse(date_format({}, '%Y-%m-%d'), '%Y-%m-%d')": "TIMESTAMP '2024-01-01 00:00:00'",
    "element_at(map(ARRAY[1, 2], ARRAY[2, 1]), {})": "a",
    "greatest({}, 1)": "a",
    "map_concat({}, map(ARRAY[2], ARRAY[3]))": "map(ARRAY[a], ARRAY[2])",
    "nullif({}, 7)": "a",
    "reduce(ARRAY[1, 2], {}, (s, x) -> s + x, s -> s)": "a",
    "replace({}, 'a', 'bc')": "CAST(a AS varchar)",
    "round({}, 1)": "CAST(a AS double)",
    "slice({}, 1, 2)": "ARRAY[a, 1]",
    "substr({}, 1, 2)": "CAST(a AS varchar)",
    "transform_values({}, (k, v) -> v + 1)": "map(ARRAY[a], ARRAY[2])",
    "upper({})": "CAST(a AS varchar)",
    "width_bucket({}, 0, 10, 5)": "CAST(a AS double)",
}


def nested(template: str, operand: str, depth: int) -> str:
    for _ in range(depth):
        operand = template.replace("{}", operand)
    return operand


def chained(template: str, operand: str, depth: int) -> str:
    """Return a query that applies the template in nested subqueries instead of nested calls."""
    query = f"SELECT a, {operand} AS x FROM (VALUES 1, 2) t (a)"
    for _ in range(depth):
        query = f"SELECT a, {template.replace('{}', 'x')} AS x FROM ({query})"
    return f"SELECT x FROM ({query}) ORDER BY a"


@pytest.mark.parametrize("template", NESTED)
def test_size_grows_linearly_with_depth(compile_sql: Callable[..., Compiled], template: str) -> None:
    def size(depth: int) -> int:
        return _size(
            compile_sql(f"SELECT {nested(template, NESTED[template], depth)} FROM (VALUES 1) t (a)").sql
        ).total()

    assert size(20) < 2.5 * size(10)


@pytest.mark.parametrize("template", NESTED)
def test_nested_calls_return_the_same_values_as_nested_subqueries(run: Run, template: str) -> None:
    operand = NESTED[template]
    rows = run(f"SELECT {nested(template, operand, 6)} FROM (VALUES 1, 2) t (a) ORDER BY a").rows
    assert rows == run(chained(template, operand, 6)).rows


def test_nested_conjunctions_filter_like_one_conjunction(compile_sql: Callable[..., Compiled]) -> None:
    def compiled(condition: str) -> str:
        return compile_sql(f"SELECT a FROM (VALUES 1) t (a) WHERE {condition}").sql

    assert compiled("((1 / a > 0 AND 2 / a > 0) AND 3 / a > 0) AND (4 / a > 0 AND 5 / a > 0)") == compiled(
        " AND ".join(f"{number} / a > 0" for number in range(1, 6))
    )


def test_operands_of_try_are_analyzed_once(run: Run) -> None:
    """The analysis would never end if each ``try`` analyzed its operand twice."""
    expression = nested("try(CAST(try(CAST({} AS integer)) AS varchar))", "'1'", 8)
    assert run(f"SELECT {expression}").rows == [["1"]]


HEAVY = "round(round(round(sqrt(100 / a), 2), 1), 0)"


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        (f"CASE WHEN a = 0 THEN -1 WHEN {HEAVY} > 6 THEN {HEAVY} ELSE 0 END", ["-1.0", "10.0", "7.0"]),
        (f"IF(a = 0, -1, {HEAVY} + {HEAVY})", ["-1.0", "20.0", "14.0"]),
        (f"coalesce(CAST(a - a AS double), {HEAVY} * {HEAVY})", ["0.0", "0.0", "0.0"]),
        (f"a <> 0 AND ({HEAVY} > 6 OR {HEAVY} < 0)", ["false", "true", "true"]),
    ],
)
def test_shared_operand_is_not_evaluated_in_skipped_branches(run: Run, expression: str, values: list[str]) -> None:
    rows = run(f"SELECT {expression} FROM (VALUES 0, 1, 2) t (a) ORDER BY a").rows
    assert [row[0] for row in rows] == values


ROUNDED = "round(round(round(sqrt({}), 2), 1), 0)"
CORRELATED = """SELECT (SELECT max({}) FROM (VALUES (1, 4), (2, 9)) u (c, b) WHERE u.c = t.a)
FROM (VALUES 1, 2) t (a) ORDER BY 1"""


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (f"SELECT {HEAVY} FROM (VALUES 1, 2) t (a) GROUP BY {HEAVY} ORDER BY 1", [["7.0"], ["10.0"]]),
        (f"SELECT {ROUNDED.format('sum(a) + 1')} FROM (VALUES 1, 2) t (a)", [["2.0"]]),
        (
            f"SELECT {ROUNDED.format('sum(a) OVER (ORDER BY a)')} FROM (VALUES 4, 5) t (a) ORDER BY 1",
            [["2.0"], ["3.0"]],
        ),
        (
            f"SELECT a FROM (VALUES 2, 3) t (a) WHERE 2 IN (SELECT {ROUNDED.format('b')} FROM (VALUES 4) u (b))",
            [["2"], ["3"]],
        ),
        (f"SELECT {ROUNDED.format('(SELECT max(b) FROM (VALUES 4) u (b))')}", [["2.0"]]),
        (f"SELECT a FROM (VALUES 2, 3) t (a) JOIN (VALUES 4) u (b) ON a = {ROUNDED.format('b')}", [["2"]]),
        (f"SELECT transform(ARRAY[1, 4], x -> {ROUNDED.format('x * a')}) FROM (VALUES 4) t (a)", [["[2.0, 4.0]"]]),
        (f"SELECT try({HEAVY}) FROM (VALUES 0, 1) t (a) ORDER BY a", [[None], ["10.0"]]),
        (f"SELECT a FROM (VALUES 1, 2) t (a) WHERE {ROUNDED.format('a * a')} = 2", [["2"]]),
        (f"SELECT count(*) FROM (VALUES 1, 2) t (a) HAVING {ROUNDED.format('sum(a) + 1')} = 2", [["2"]]),
        (f"SELECT b FROM (VALUES 4) t (a) CROSS JOIN UNNEST(ARRAY[{ROUNDED.format('a')}]) u (b)", [["2.0"]]),
        (CORRELATED.format(ROUNDED.format("b")), [["2.0"], ["3.0"]]),
    ],
)
def test_shared_operands_work_in_every_clause(run: Run, query: str, rows: list[list[str | None]]) -> None:
    assert run(query).rows == rows
