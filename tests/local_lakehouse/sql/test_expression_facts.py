"""Tests for facts about expressions and queries, such as constants, volatility and the columns that are read.

The analysis never derives these facts from SQL text.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from local_lakehouse.sql.analysis.analysis import Analysis
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import Facts
from local_lakehouse.sql.grammar.parser import Parser
from local_lakehouse.sql.workers.pool import WorkerPool
from tests.local_lakehouse.sql.conftest import Run, Table, Tables, session

Compile = Callable[..., Compiled]
COLUMNS = {"id": "integer", "name": "varchar", "amount": "double", "day": "date", "tags": "array(integer)"}
T = Table(COLUMNS, [(1, "a", 1.5, None, [1, 2]), (2, "b", None, None, [])])


def _read(compile_sql: Compile, sql: str) -> dict[str, set[str]]:
    tables = Tables({"t": T, "u": T})
    return tables.columns_read(compile_sql(sql, tables))


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT id FROM t", {"id"}),
        ("SELECT count(*) FROM t", set()),
        ("SELECT 1 FROM t", set()),
        # Strings, names and comments that look like DuckDB column names are not columns.
        ("SELECT 'r1.c0 r1.c1 r1.c2 r1.c3 r1.c4' AS x FROM t", set()),
        ('SELECT id AS "r1.c1" FROM t', {"id"}),
        ("SELECT id FROM t /* r1.c1 */", {"id"}),
        ("SELECT id FROM t WHERE name = 'r1.c2'", {"id", "name"}),
        ("SELECT id FROM t AS r1 WHERE r1.name LIKE '%scan1 AS r2%'", {"id", "name"}),
        ("SELECT id FROM t ORDER BY amount", {"id", "amount"}),
        ("SELECT count(*) FROM t GROUP BY name", {"name"}),
        ("SELECT sum(amount) FILTER (WHERE id > 1) FROM t", {"amount", "id"}),
        ("SELECT array_agg(id ORDER BY amount) FROM t", {"id", "amount"}),
        ("SELECT rank() OVER (PARTITION BY name ORDER BY day) FROM t", {"name", "day"}),
        ("SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN id PRECEDING AND CURRENT ROW) FROM t", {"id"}),
        ("SELECT grouping(name) FROM t GROUP BY ROLLUP (name)", {"name"}),
        ("SELECT x FROM t CROSS JOIN UNNEST(tags) AS u(x)", {"tags"}),
        ("SELECT transform(tags, x -> x + id) FROM t", {"tags", "id"}),
        ("SELECT (SELECT max(amount) FROM t)", {"amount"}),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM t WHERE id = 1)", {"id"}),
        ("SELECT 1 WHERE 1 IN (SELECT id FROM t)", {"id"}),
        ("SELECT CASE WHEN id = 1 THEN name END FROM t", {"id", "name"}),
        ("SELECT CAST(ROW(id, name) AS row(a integer, b varchar)).b FROM t", {"id", "name"}),
        ("SELECT json_object('k' : name) FROM t", {"name"}),
        ("SELECT json_value(name, 'lax $' DEFAULT day ON EMPTY) FROM t", {"name", "day"}),
        ("SELECT try(1 / id) FROM t", {"id"}),
        ("SELECT count(*) FROM t HAVING min(day) IS NULL", {"day"}),
        ("SELECT id FROM t UNION ALL SELECT id FROM t WHERE amount > 1", {"id", "amount"}),
        ("WITH w AS (SELECT id, name FROM t) SELECT id FROM w", {"id", "name"}),
        ("WITH unused AS (SELECT name FROM t) SELECT id FROM t", {"id"}),
        ("SELECT id FROM t LIMIT 1", {"id"}),
        ("VALUES (SELECT id FROM t LIMIT 1)", {"id"}),
    ],
)
def test_scans_contain_only_the_columns_read(compile_sql: Compile, sql: str, columns: set[str]) -> None:
    assert _read(compile_sql, sql) == ({"t": columns} if columns else {})


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT t.id FROM t JOIN u ON t.id = u.id", {"t": {"id"}, "u": {"id"}}),
        ("SELECT 1 FROM t JOIN u USING (name)", {"t": {"name"}, "u": {"name"}}),
        ("SELECT t.* FROM t CROSS JOIN u", {"t": set(COLUMNS)}),
        ("SELECT a.id FROM t AS a JOIN t AS b ON a.id = b.amount", {"t": {"id", "amount"}}),
        ("SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.name = t.name)", {"t": {"id", "name"}, "u": {"name"}}),
        ("SELECT y FROM t CROSS JOIN LATERAL (SELECT t.amount AS y)", {"t": {"amount"}}),
    ],
)
def test_scans_of_several_tables_contain_only_the_columns_read(
    compile_sql: Compile, sql: str, columns: dict[str, set[str]]
) -> None:
    assert _read(compile_sql, sql) == columns


def _facts(workers: WorkerPool, text: str) -> Facts:
    with workers.opened() as worker:
        analysis = Analysis(session(Tables({"t": T}), worker))
        return analysis.expression(Parser(text).expression(), Scope()).facts


@pytest.mark.parametrize(
    ("expression", "constant"),
    [
        ("1 + 2 * 3", True),
        ("concat('a', upper('b'))", True),
        ("transform(ARRAY[1, 2], x -> x + 1)", True),
        ("reduce(ARRAY[1], 0, (s, x) -> s + x, s -> s)", True),
        ("filter(ARRAY[1], x -> contains(transform(ARRAY[2], y -> y + x), 3))", True),
        ("' OVER (ORDER BY r1.c0) SELECT sum('", True),
        ("random()", False),
        ("uuid()", False),
        ("shuffle(ARRAY[1, 2])", False),
        ("transform(ARRAY[1], x -> random())", False),
        ("sum(1)", False),
        ("row_number() OVER ()", False),
        ("(SELECT 1)", False),
        ("EXISTS (SELECT 1)", False),
    ],
)
def test_constant_expressions_are_recognized(workers: WorkerPool, expression: str, constant: bool) -> None:
    assert _facts(workers, expression).constant is constant


@pytest.mark.parametrize(
    ("expression", "fails"),
    [
        ("1", False),
        ("1 / 0", True),
        ("CAST('a' AS integer)", True),
        ("TRY(1 / 0)", False),
        ("TRY_CAST('a' AS integer)", False),
        ("coalesce(1, 1 / 0)", True),
        ("'1 / 0'", False),
        ("CASE WHEN true THEN 1 / 0 END", True),
    ],
)
def test_expressions_that_can_fail_are_recognized(workers: WorkerPool, expression: str, fails: bool) -> None:
    assert _facts(workers, expression).fails is fails


def test_string_that_looks_like_an_aggregate_is_not_treated_as_an_aggregate(run: Run) -> None:
    assert run("SELECT TRY(CAST(' OVER sum(' AS integer)), TRY(1 / 0)").rows == [[None, None]]


def test_random_column_is_evaluated_once(run: Run) -> None:
    rows = run("SELECT random() AS x FROM UNNEST(sequence(1, 50)) AS t(n) ORDER BY x").rows

    assert rows == sorted(rows, key=lambda row: float(row[0] or 0))


def test_sql_package_does_not_import_aws_clients() -> None:
    code = (
        "import sys, local_lakehouse.sql.analysis.analysis, local_lakehouse.sql.workers.process;"
        "print([name for name in ('boto3', 'botocore', 'moto', 'pyiceberg') if name in sys.modules])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("expression", "column"),
    [
        # A repeated subexpression in a TRY fails inside the TRY, not before it.
        ("TRY(1 / x + 1 / x)", [None, "2"]),
        ("TRY(1 / x), TRY(1 / x) + 1", [None, "1"]),
        ("TRY_CAST(IF(x = 0, nan(), 1.5) AS decimal(5, 2))", [None, "1.50"]),
        ("TRY_CAST(IF(x = 0, infinity(), 1e3) AS decimal(5, 2))", [None, None]),
        ("TRY_CAST(nan() AS decimal(5, 2))", [None, None]),
        ("TRY_CAST('a' AS integer)", [None, None]),
        ("TRY_CAST('1' AS integer)", ["1", "1"]),
        ("CASE WHEN x <> 0 THEN 1 / x + 1 / x END", [None, "2"]),
        ("x <> 0 AND 1 / x + 1 / x = 2", ["false", "true"]),
        ("coalesce(NULLIF(x, 0), TRY(1 / x + 1 / x), 7)", ["7", "1"]),
    ],
)
def test_failures_are_caught(run: Run, expression: str, column: list[str | None]) -> None:
    assert [row[0] for row in run(f"SELECT {expression} FROM (VALUES 0, 1) AS t(x) ORDER BY x").rows] == column
