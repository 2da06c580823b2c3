"""Tests that the local Athena accepts exactly the correlated queries and joins that Trino can plan."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Run, Table, Tables

COLUMNS = {"a": "integer", "b": "varchar", "d": "double", "l": "array(integer)"}
TABLES = {
    "t": Table(COLUMNS, [(1, "x", 1.5, [1]), (2, "y", None, [2, 3])]),
    "u": Table(COLUMNS, [(1, "x", 2.5, []), (1, "z", 0.5, None)]),
}


@pytest.mark.parametrize(
    "join",
    [
        "JOIN UNNEST(l) AS x(e) ON e > 1",
        "LEFT JOIN UNNEST(l) AS x(e) ON e = a",
        "FULL JOIN LATERAL (SELECT 5) AS x(e) ON a = 1",
        "FULL JOIN UNNEST(l) AS x(e) ON true",
        "RIGHT JOIN UNNEST(l) AS x(e) ON true",
        "RIGHT JOIN LATERAL (SELECT t.a) AS x(e) ON true",
        "RIGHT JOIN LATERAL (SELECT 1) AS x(e) ON a = e",
    ],
)
def test_unsupported_joins_with_unnest_and_lateral_are_rejected(run: Run, join: str) -> None:
    with pytest.raises(QueryFailure, match=r"only supported with condition ON TRUE|LATERAL reference not allowed in"):
        run(f"SELECT a, e FROM t {join}", TABLES)


@pytest.mark.parametrize(
    ("join", "rows"),
    [
        ("JOIN UNNEST(l) AS x(e) ON true", [["1", "1"], ["2", "2"], ["2", "3"]]),
        ("LEFT JOIN UNNEST(l) AS x(e) ON TRUE", [["1", "1"], ["2", "2"], ["2", "3"]]),
        ("RIGHT JOIN UNNEST(ARRAY[7]) AS x(e) ON true", [["1", "7"], ["2", "7"]]),
        ("FULL JOIN UNNEST(ARRAY[7]) AS x(e) ON true", [["1", "7"], ["2", "7"]]),
        ("FULL JOIN LATERAL (SELECT 5) AS x(e) ON true", [["1", "5"], ["2", "5"]]),
        ("LEFT JOIN LATERAL (SELECT t.a + 1) AS x(e) ON a = 1", [["1", "2"], ["2", None]]),
    ],
)
def test_joins_with_unnest_and_lateral_return_rows(run: Run, join: str, rows: list[list[str | None]]) -> None:
    assert run(f"SELECT a, e FROM t {join} ORDER BY a, e", TABLES).rows == rows


@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        ("SELECT u.a FROM u WHERE u.a = t.a LIMIT 1", True),
        ("SELECT u.b FROM u WHERE u.a = t.a ORDER BY u.b LIMIT 1", True),
        ("SELECT u.b FROM u WHERE t.a = u.a ORDER BY u.b LIMIT 1", True),
        ("SELECT u.b FROM u WHERE u.a = t.a AND t.d > 1 ORDER BY u.b LIMIT 1", True),
        ("SELECT count(*) FROM u WHERE u.d < t.d LIMIT 1", True),
        ("SELECT max(u.b) FROM u WHERE u.d < t.d", True),
        ("SELECT u.b FROM u ORDER BY u.b LIMIT 1", True),
        ("SELECT max(x) FROM (SELECT 1 AS x UNION SELECT 2)", True),
        ("SELECT t.a + 1", True),
        ("SELECT max(u.d) + t.a FROM u", True),
        ("SELECT sum(u.a) FROM u WHERE u.d < t.d GROUP BY u.b", True),
        ("SELECT max(e) + t.a FROM UNNEST(t.l) AS x(e)", True),
        ("SELECT max(e) FROM (VALUES 1) LEFT JOIN UNNEST(t.l) AS x(e) ON true", True),
        ("SELECT max(v.a) FROM u, u AS v WHERE u.a = t.a AND v.b = u.b", True),
        # The limit selects one of several different rows.
        ("SELECT u.b FROM u WHERE u.a = t.a LIMIT 1", False),
        ("SELECT u.a + u.d FROM u WHERE u.a = t.a LIMIT 1", False),
        ("SELECT count(*) FROM u WHERE u.a = t.a GROUP BY u.b LIMIT 1", False),
        # A limit is combined with a correlated condition that is not an equality between two columns.
        ("SELECT u.b FROM u WHERE u.a = t.a AND u.d > t.d ORDER BY u.b LIMIT 1", False),
        ("SELECT u.b FROM u WHERE u.a + t.a = 2 ORDER BY u.b LIMIT 2", False),
        # The order depends on the outer query.
        ("SELECT u.b FROM u WHERE u.a = t.a ORDER BY t.b LIMIT 1", False),
        ("SELECT u.a FROM u WHERE u.a = t.a ORDER BY u.a FETCH FIRST ROW WITH TIES", False),
        # Set operations refer to the outer query.
        ("SELECT t.a UNION SELECT 2", False),
        ("SELECT 1 EXCEPT SELECT u.a FROM u WHERE u.b = t.b", False),
        ("SELECT max(x) FROM (SELECT t.a AS x UNION ALL SELECT 2)", False),
        ("VALUES t.a", False),
        # Expressions combine values of the outer and the inner query.
        ("SELECT u.a + t.a FROM u", False),
        ("SELECT sum(u.a + t.a) FROM u", False),
        ("SELECT count(*) FILTER (WHERE u.a = t.a) FROM u", False),
        ("SELECT max(e) FILTER (WHERE e > 1) FROM UNNEST(t.l) AS x(e)", False),
        # Joins and windows use rows that depend on the outer query.
        ("SELECT max(v.a) FROM u JOIN u AS v ON v.b = u.b AND v.a = t.a", False),
        ("SELECT max(v.a) FROM (SELECT * FROM u WHERE u.a = t.a) x JOIN u AS v ON v.b = x.b", False),
        ("SELECT max(e) FROM u CROSS JOIN UNNEST(t.l) AS x(e)", False),
        ("SELECT rank() OVER (ORDER BY u.d) FROM u WHERE u.a = t.a", False),
        # A correlated condition contains a cast, or the query contains a rollup.
        ("SELECT u.a FROM u WHERE CAST(u.a AS bigint) = t.d LIMIT 1", False),
        ("SELECT u.b FROM u WHERE u.a = t.a GROUP BY ROLLUP (u.b)", False),
    ],
)
def test_correlated_query_is_accepted_if_trino_accepts_it(
    compile_sql: Callable[..., object], query: str, accepted: bool
) -> None:
    if accepted:
        compile_sql(f"SELECT ({query}) FROM t", Tables(TABLES))
        return
    for sql in (f"SELECT ({query}) FROM t", f"SELECT * FROM t CROSS JOIN LATERAL ({query})"):
        with pytest.raises(QueryFailure, match=r"NOT_SUPPORTED: line 1:.*: Given correlated subquery is not supported"):
            compile_sql(sql, Tables(TABLES))


@pytest.mark.parametrize(
    ("condition", "accepted"),
    [
        ("EXISTS (SELECT t.a FROM u WHERE u.a = t.a)", True),
        ("EXISTS (SELECT 1 FROM u WHERE u.a = t.a GROUP BY u.b)", True),
        ("t.a IN (SELECT u.a FROM u WHERE u.b = t.b)", True),
        ("t.a > ALL (SELECT u.a FROM u WHERE u.b = t.b)", True),
        ("EXISTS (SELECT 1 FROM u WHERE u.a + u.d < t.a GROUP BY u.a)", False),
        ("t.a IN (SELECT max(u.a) FROM u WHERE u.b = t.b)", False),
        ("t.a IN (SELECT DISTINCT u.a FROM u WHERE u.b = t.b)", False),
        ("t.a IN (SELECT u.a FROM u WHERE u.b = t.b ORDER BY 1 LIMIT 2)", False),
        ("t.a IN (SELECT u.a + t.a FROM u)", False),
        ("t.a > ANY (VALUES t.d)", False),
    ],
)
def test_correlated_condition_is_accepted_if_trino_accepts_it(
    compile_sql: Callable[..., object], condition: str, accepted: bool
) -> None:
    sql = f"SELECT * FROM t WHERE {condition}"
    if accepted:
        compile_sql(sql, Tables(TABLES))
        return
    with pytest.raises(QueryFailure, match=r"NOT_SUPPORTED: line 1:.*: Given correlated subquery is not supported"):
        compile_sql(sql, Tables(TABLES))


@pytest.mark.parametrize("kind", ["LEFT", "RIGHT", "FULL"])
@pytest.mark.parametrize("column", ["t.a", "u.a"])
@pytest.mark.parametrize(
    "query", ["u.a IN (SELECT x FROM (VALUES 1) v(x) WHERE x = {})", "EXISTS (SELECT {})", "(SELECT {}) = 1"]
)
def test_outer_join_condition_rejects_correlated_subqueries(
    compile_sql: Callable[..., object], kind: str, column: str, query: str
) -> None:
    message = f"Reference to column '{column}' from outer scope not allowed in this context"
    with pytest.raises(QueryFailure, match=message):
        compile_sql(f"SELECT * FROM t {kind} JOIN u ON {query.format(column)}", Tables(TABLES))
    compile_sql(f"SELECT * FROM t JOIN u ON {query.format(column)}", Tables(TABLES))


@pytest.mark.parametrize("kind", ["LEFT", "RIGHT", "FULL"])
def test_outer_join_condition_rejects_a_subquery_on_both_sides(compile_sql: Callable[..., object], kind: str) -> None:
    with pytest.raises(QueryFailure, match=r"NOT_SUPPORTED: line 1:.*both sides"):
        compile_sql(f"SELECT * FROM t {kind} JOIN u ON t.a + u.a > ALL (VALUES 2)", Tables(TABLES))
    compile_sql(f"SELECT * FROM t {kind} JOIN u ON u.a > ALL (VALUES 2) AND t.a IN (SELECT 1)", Tables(TABLES))


def test_using_clause_rejects_a_repeated_column(compile_sql: Callable[..., object]) -> None:
    with pytest.raises(QueryFailure, match="DUPLICATE_COLUMN_NAME: line 1:34: Column 'a' appears multiple times"):
        compile_sql("SELECT 1 FROM t JOIN u USING (a, a)", Tables(TABLES))


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT ROW(2) > ALL (VALUES ROW(0), ROW(1))", [["true"]]),
        ("SELECT ROW(1) IN (SELECT BIGINT '1'), ROW(1, 2) IN (SELECT 1, 3), 1 > 2", [["true", "false", "false"]]),
        ("SELECT NULL IN (SELECT 1, 2)", [[None]]),
        ("SELECT (SELECT 1 AS a, 2 AS b WHERE false)", [["{a=null, b=null}"]]),
        ("SELECT (SELECT t.*) FROM (VALUES 1, 2) t(a) ORDER BY 1", [["1"], ["2"]]),
        ("SELECT x FROM (SELECT 1 AS n) CROSS JOIN UNNEST(CAST(ARRAY[ROW(7, 'a')] AS array(row(x int, y varchar))))",
         [["7"]]),
        ("SELECT t.r.* FROM (SELECT CAST(ROW(x, -x) AS row(f int, g int)) FROM (VALUES 1, 2) v(x)) t(r) ORDER BY g",
         [["2", "-2"], ["1", "-1"]]),
    ],
)  # fmt: skip
def test_subqueries_compare_whole_rows(run: Run, sql: str, rows: list[list[str | None]]) -> None:
    assert run(sql).rows == rows


def test_order_by_expressions_of_select_distinct_must_be_selected(run: Run) -> None:
    assert run("SELECT DISTINCT a AS n FROM t ORDER BY n DESC", TABLES).rows == [["2"], ["1"]]
    with pytest.raises(QueryFailure, match="EXPRESSION_NOT_IN_DISTINCT"):
        run("SELECT DISTINCT a, a + 1 FROM t ORDER BY a + 1", TABLES)


@pytest.mark.parametrize("relation", ["t MATCH_RECOGNIZE (PATTERN (A)) m", "t AS s(a, b, d, l) MATCH_RECOGNIZE (x)"])
def test_match_recognize_is_rejected(compile_sql: Callable[..., object], relation: str) -> None:
    with pytest.raises(QueryFailure, match=r"NOT_SUPPORTED: line 1:.*MATCH_RECOGNIZE"):
        compile_sql(f"SELECT * FROM {relation}", Tables(TABLES))


@pytest.mark.parametrize(
    ("condition", "value"),
    [("EXISTS ({})", "1"), ("t.a IN ({})", "t.a"), ("t.a = ({})", "max(t.a)"), ("t.a > ALL ({})", "max(t.a)")],
)
def test_correlated_query_resolves_each_table_once(
    compile_sql: Callable[..., object], condition: str, value: str
) -> None:
    tables = Tables(TABLES)
    sql = "SELECT 1"
    for name, outer in (("w", "v"), ("v", "u")):
        written = condition.replace("t.a", f"{name}.a").format(sql)
        sql = f"SELECT {value.replace('t.a', f'{name}.a')} FROM t AS {name} WHERE {name}.a = {outer}.a AND {written}"
    compile_sql(f"SELECT a FROM t AS u WHERE {condition.replace('t.a', 'u.a').format(sql)}", tables)
    assert len(tables.resolved_versions) == 3
