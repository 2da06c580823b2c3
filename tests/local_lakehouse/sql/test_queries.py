"""Tests for queries with groups, windows, joins, set operations, subqueries and sorting."""

import pytest

from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Run, Table

PEOPLE = "(VALUES (1, 'a', 10), (2, 'b', NULL), (3, 'a', 30)) AS t(id, g, v)"


@pytest.mark.parametrize(
    ("select", "row"),
    [
        ("count(*), count(v), count(DISTINCT g)", ["3", "2", "2"]),
        ("sum(v), avg(v), min(v), max(v)", ["40", "20.0", "10", "30"]),
        ("count_if(v > 10), bool_or(v > 10), every(v > 10)", ["1", "true", "false"]),
        ("array_agg(v ORDER BY id DESC)", ["[30, null, 10]"]),
        ("listagg(g, '|') WITHIN GROUP (ORDER BY id)", ["a|b|a"]),
        ("max_by(g, v), min_by(id, v, 2)", ["a", "[1, 3]"]),
        ("max(id, 2), approx_percentile(id, 0.5)", ["[3, 2]", "2"]),
        ("approx_percentile(v, 0.25), approx_percentile(v, ARRAY[0.0, 0.5, 1.0])", ["10", "[10, 30, 30]"]),
        ("histogram(g), map_agg(id, g)", ["{a=2, b=1}", "{1=a, 2=b, 3=a}"]),
        ("multimap_agg(g, id)", ["{a=[1, 3], b=[2]}"]),
        ("sum(v) FILTER (WHERE g = 'a')", ["40"]),
        ("avg(CAST(id AS decimal(3,1)))", ["2.0"]),
        ("sum(CAST(v AS decimal(4,2)))", ["40.00"]),
        ("reduce_agg(id, 0, (s, x) -> s + x, (s, t) -> s + t)", ["6"]),
        ("var_pop(id), stddev_samp(id)", ["0.6666666666666666", "1.0"]),
        ("bitwise_or_agg(id), geometric_mean(id) > 1.8", ["3", "true"]),
    ],
)
def test_aggregates_return_the_expected_row(run: Run, select: str, row: list[str]) -> None:
    assert run(f"SELECT {select} FROM {PEOPLE}").rows == [row]


@pytest.mark.parametrize(
    "call",
    [
        *(
            f"{name}({{}}x)"
            for name in ("sum", "avg", "min", "max", "checksum", "entropy", "geometric_mean", "skewness")
        ),
        *(f"{name}({{}}x)" for name in ("stddev", "var_pop", "kurtosis", "bitwise_xor_agg", "approx_distinct")),
        *(
            "min({}x, 2)",
            "max({}x, 2)",
            "min_by({}x, y, 2)",
            "max_by({}x, y, 2)",
            "max_by({}x, y)",
            "round(corr({}x, y), 9)",
        ),
        *(
            "approx_percentile({}x, 0.5)",
            "approx_percentile({}x, ARRAY[0.25, 0.5])",
            "approx_most_frequent({}3, x, 10)",
        ),
        "reduce_agg({}x, 0, (s, v) -> s + v, (s, t) -> s + t)",
        "array_agg({}x ORDER BY x)",
    ],
)
def test_distinct_aggregate_ignores_duplicates(run: Run, call: str) -> None:
    rows = "(VALUES (3, 1), (3, 1), (1, 2), (1, 2), (1, 2), (1, 2), (5, 7), (8, 9)) AS t(x, y)"
    distinct = run(f"SELECT {call.format('DISTINCT ')} FROM {rows}").rows
    assert distinct == run(f"SELECT {call.format('')} FROM (SELECT DISTINCT x, y FROM {rows} ORDER BY x)").rows


@pytest.mark.parametrize("call", ["histogram(DISTINCT x)", "map_agg(DISTINCT x, x)", "multimap_agg(DISTINCT x, x)"])
def test_unsupported_distinct_aggregate_is_rejected(run: Run, call: str) -> None:
    with pytest.raises(QueryFailure, match=r"does not support \w+\(DISTINCT …\)"):
        run(f"SELECT {call} FROM (VALUES 1) AS t(x)")


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("reduce_agg(x, 0, (s, v) -> s * 10 + v, (s, t) -> s + t ORDER BY x DESC)", "531"),
        ("reduce_agg(x, 0, (s, v) -> s + coalesce(v, 100), (s, t) -> s + t)", "9"),
        ("reduce_agg(x, 0, (s, v) -> s + v, (s, t) -> s + t) FILTER (WHERE x > 1)", "8"),
        ("reduce_agg(x, 0, (s, v) -> s + v, (s, t) -> s + t) FILTER (WHERE x IS NULL)", None),
        ("reduce_agg(x, CAST(NULL AS integer), (s, v) -> coalesce(s, 1), (s, t) -> s)", None),
        ("reduce_agg(x, DECIMAL '0.5', (s, v) -> s, (s, t) -> s)", "0.5"),
        ("reduce_agg(x, 0, (s, v) -> s + length('{over}'), (s, t) -> s)", "18"),
        ("arbitrary(x ORDER BY x DESC)", "5"),
        ("max_by(x, 1 ORDER BY x DESC)", "5"),
    ],
)
def test_reduce_agg_skips_nulls_and_aggregates_respect_order(run: Run, call: str, result: str | None) -> None:
    assert run(f"SELECT {call} FROM (VALUES 3, NULL, 1, 5) AS t(x)").rows == [[result]]


@pytest.mark.parametrize("state", ["''", "ARRAY[1]", "CAST(1 AS decimal(19, 0))"])
def test_reduce_agg_rejects_states_that_trino_does_not_support(run: Run, state: str) -> None:
    with pytest.raises(QueryFailure, match="State type not supported for reduce_agg"):
        run(f"SELECT reduce_agg(x, {state}, (s, v) -> s, (s, t) -> s) FROM (VALUES 1) AS t(x)")


def test_count_if_without_true_values_is_zero(run: Run) -> None:
    values = "(VALUES CAST(NULL AS boolean), NULL) AS t(b)"

    assert run(f"SELECT count_if(b), count_if(DISTINCT b) FROM {values}").rows == [["0", "0"]]
    assert run(f"SELECT count_if(b) FROM {values} WHERE b").rows == [["0"]]
    assert run(f"SELECT count_if(b) OVER () FROM {values}").rows == [["0"], ["0"]]


def test_group_by_accepts_positions_and_grouping_sets(run: Run) -> None:
    assert run(f"SELECT g AS k, sum(id) FROM {PEOPLE} GROUP BY 1 ORDER BY k").rows == [["a", "4"], ["b", "2"]]
    rolled = run(f"SELECT g, grouping(g), count(*) AS n FROM {PEOPLE} GROUP BY ROLLUP (g) ORDER BY 2, 1").rows
    assert rolled == [["a", "0", "2"], ["b", "0", "1"], [None, "1", "3"]]
    assert run("SELECT count(*) FROM (VALUES 1) AS t(x) WHERE x > 5 GROUP BY ()").rows == [["0"]]
    assert run("SELECT x, count(*) FROM (VALUES 1) AS t(x) WHERE x > 5 GROUP BY x").rows == []


@pytest.mark.parametrize(
    ("window", "column"),
    [
        ("row_number() OVER (ORDER BY v DESC)", ["2", "3", "1"]),
        ("rank() OVER (ORDER BY g)", ["1", "3", "1"]),
        ("sum(id) OVER (PARTITION BY g ORDER BY id)", ["1", "2", "4"]),
        ("lag(v, 1, -1) OVER (ORDER BY id)", ["-1", "10", None]),
        ("last_value(v) IGNORE NULLS OVER (ORDER BY id)", ["10", "10", "30"]),
        ("count(*) OVER (ORDER BY id RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)", ["1", "2", "2"]),
        ("nth_value(id, 2) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)", ["2"] * 3),
        ("sum(id) OVER w", ["6", "6", "6"]),
    ],
)
def test_window_functions_return_the_expected_column(run: Run, window: str, column: list[str | None]) -> None:
    rows = run(f"SELECT {window} AS x FROM {PEOPLE} WINDOW w AS () ORDER BY id").rows

    assert [row[0] for row in rows] == column


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (
            "SELECT a.x, b.y FROM (VALUES 1, 2) a(x) LEFT JOIN (VALUES 2) b(y) ON a.x = b.y ORDER BY 1",
            [["1", None], ["2", "2"]],
        ),
        (
            "SELECT * FROM (VALUES (1, 'p')) a(k, x) FULL JOIN (VALUES (2, 'q')) b(k, y) USING (k) ORDER BY k",
            [["1", "p", None], ["2", None, "q"]],
        ),
        (
            "SELECT x, e FROM (VALUES (1, ARRAY['a', 'b'])) t(x, l) CROSS JOIN UNNEST(l) AS u(e)",
            [["1", "a"], ["1", "b"]],
        ),
        ("SELECT k, v FROM UNNEST(MAP(ARRAY['a'], ARRAY[1])) AS t(k, v)", [["a", "1"]]),
        (
            "SELECT a, b, n FROM UNNEST(ARRAY[1], ARRAY['x', 'y']) WITH ORDINALITY AS t(a, b, n)",
            [["1", "x", "1"], [None, "y", "2"]],
        ),
        (
            (
                "SELECT x, array_agg(e) FROM (VALUES (1, ARRAY[3, 1, 2]), (2, NULL)) t(x, l) "
                "LEFT JOIN UNNEST(l) AS u(e) ON TRUE GROUP BY x ORDER BY x"
            ),
            [["1", "[3, 1, 2]"], ["2", "[null]"]],
        ),
        (
            (
                "SELECT x, e, f, n FROM (VALUES (1, ARRAY[7, 8], ARRAY['a']), (2, ARRAY[], ARRAY['b']), "
                "(3, ARRAY[], NULL)) t(x, l, m) LEFT JOIN UNNEST(l, m) WITH ORDINALITY AS u(e, f, n) ON TRUE"
            ),
            [["1", "7", "a", "1"], ["1", "8", None, "2"], ["2", None, "b", "1"], ["3", None, None, None]],
        ),
        (
            (
                "SELECT x, k, v FROM (VALUES (1, MAP(ARRAY['a', 'b'], ARRAY[1, 2])), (2, MAP())) t(x, m) "
                "LEFT JOIN UNNEST(m) AS u(k, v) ON TRUE"
            ),
            [["1", "a", "1"], ["1", "b", "2"], ["2", None, None]],
        ),
        (
            (
                "SELECT x, e FROM (VALUES (1, ARRAY[1, 2, 3]), (2, ARRAY[4, 5]), (3, NULL)) t(x, l) "
                "CROSS JOIN UNNEST(l) AS u(e) WHERE e <> 2"
            ),
            [["1", "1"], ["1", "3"], ["2", "4"], ["2", "5"]],
        ),
        (
            (
                "SELECT x, e, f, n FROM (VALUES (1, ARRAY[1, 2, 3], ARRAY['a', 'b'])) t(x, l, m) "
                "CROSS JOIN UNNEST(l, m) WITH ORDINALITY AS u(e, f, n) WHERE n > 1 AND coalesce(f, 'c') > 'a'"
            ),
            [["1", "2", "b", "2"], ["1", "3", None, "3"]],
        ),
        (
            (
                "SELECT x, y, e, f FROM (VALUES (1, ARRAY[1, 2]), (2, ARRAY[3])) t(x, l) "
                "LEFT JOIN (VALUES (1, 'p')) s(y, z) ON x = y CROSS JOIN UNNEST(l) AS u(e) "
                "LEFT JOIN UNNEST(ARRAY[e, x], ARRAY[z]) AS v(f, g) ON TRUE WHERE e < 3 AND f > 0 ORDER BY e, f"
            ),
            [["1", "1", "1", "1"], ["1", "1", "1", "1"], ["1", "1", "2", "1"], ["1", "1", "2", "2"]],
        ),
        (
            (
                "SELECT y, x, e FROM (VALUES 1, 2) s(y) LEFT JOIN ((VALUES (1, ARRAY[1, 2])) t(x, l) "
                "CROSS JOIN UNNEST(l) AS u(e)) ON x = y AND e > 1"
            ),
            [["1", "1", "2"], ["2", None, None]],
        ),
        (
            (
                "SELECT e.e, grouping(e.e), count(*) FROM (VALUES ARRAY[1, 2], ARRAY[2]) t(l) CROSS JOIN UNNEST(l) "
                "AS e(e) WHERE EXISTS (SELECT 1 FROM (VALUES 2) s(y) WHERE y = e) "
                "GROUP BY GROUPING SETS ((e.e), ()) ORDER BY 2"
            ),
            [["2", "0", "2"], [None, "1", "2"]],
        ),
        (
            (
                "SELECT e, c FROM (VALUES ARRAY[1, 2]) t(l) CROSS JOIN UNNEST(l) AS u(e) "
                "CROSS JOIN LATERAL (SELECT e * 10 AS c) WHERE e > 1"
            ),
            [["2", "20"]],
        ),
        (
            # Trino does not compute a column that no result uses.
            (
                "SELECT e FROM (SELECT x / 0 AS q, x, l FROM (VALUES (1, ARRAY[1, 2])) t(x, l)) v "
                "JOIN (VALUES 1) s(y) ON x = y CROSS JOIN UNNEST(l) AS u(e) WHERE e > 1"
            ),
            [["2"]],
        ),
        (
            "SELECT count(DISTINCT e) FROM (VALUES 1, 2, 3) t(x) CROSS JOIN UNNEST(ARRAY[random()]) u(e) WHERE e < 2",
            [["3"]],
        ),
        ("SELECT count(*) FROM (VALUES 1, 2) t(x) CROSS JOIN UNNEST(ARRAY[7, 8]) TABLESAMPLE BERNOULLI (100)", [["4"]]),
        (
            "SELECT x, y FROM (VALUES 1, 2) t(x) LEFT JOIN LATERAL (SELECT x * 10 AS y) ON y > 10 ORDER BY 1",
            [["1", None], ["2", "20"]],
        ),
        (
            "SELECT x, y FROM (VALUES 1, 2) t(x) CROSS JOIN LATERAL (SELECT x * 10 AS y) ORDER BY 1",
            [["1", "10"], ["2", "20"]],
        ),
        ("SELECT x FROM (VALUES 1, 2, 3) t(x) WHERE x > ALL (VALUES 1, 2)", [["3"]]),
        (
            "SELECT (SELECT sum(y) FROM (VALUES (1, 5), (1, 6)) u(k, y) WHERE k = x) FROM (VALUES 1, 2) t(x)",
            [["11"], [None]],
        ),
        ("SELECT x FROM (VALUES 1, 2) t(x) WHERE EXISTS (SELECT 1 FROM (VALUES 2) u(y) WHERE y = x)", [["2"]]),
        ("SELECT 1 UNION SELECT 1 UNION ALL SELECT 2 ORDER BY 1", [["1"], ["2"]]),
        ("SELECT 1 AS a UNION ALL SELECT 2.5 ORDER BY a DESC", [["2.5"], ["1.0"]]),
        ("VALUES 1, 2 EXCEPT VALUES 2", [["1"]]),
        ("VALUES (1, 'a') INTERSECT VALUES (1, 'a')", [["1", "a"]]),
        ("SELECT x FROM (VALUES 3, NULL, 1) t(x) ORDER BY x DESC", [["3"], ["1"], [None]]),
        ("SELECT x FROM (VALUES 1, 2, 3) t(x) ORDER BY x OFFSET 1 LIMIT 1", [["2"]]),
        ("SELECT x FROM (VALUES 1, 1, 2) t(x) ORDER BY x FETCH FIRST ROW WITH TIES", [["1"], ["1"]]),
        ("SELECT DISTINCT x % 2 AS m FROM (VALUES 1, 2, 3) t(x) ORDER BY m", [["0"], ["1"]]),
        ("WITH t AS (SELECT 1 AS x), u(y) AS (SELECT x + 1 FROM t) SELECT y FROM u", [["2"]]),
        (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
            [["1"], ["2"], ["3"]],
        ),
        ("SELECT t.* FROM (VALUES (1, 2)) t(a, b)", [["1", "2"]]),
        ("SELECT r.* FROM (SELECT CAST(ROW(1, 'x') AS row(a integer, b varchar)) AS r)", [["1", "x"]]),
        ('SELECT A, "a" FROM (VALUES 1) t(a)', [["1", "1"]]),
        ("TABLE x", None),
    ],
)
def test_query_returns_the_expected_rows(run: Run, query: str, rows: list[list[str | None]] | None) -> None:
    if rows is None:
        with pytest.raises(Exception, match="TABLE_NOT_FOUND"):
            run(query)
        return
    assert run(query).rows == rows


def test_column_names_are_kept_and_expressions_have_no_name(run: Run) -> None:
    assert run("SELECT 1, x AS Total, x, upper('a') FROM (VALUES 1) t(x)").names == [None, "Total", "x", None]


@pytest.mark.parametrize(
    ("expression", "type_"),
    [
        ("'abc'", "varchar(3)"),
        ("'a' || 'b'", "varchar"),
        ("sum(1)", "bigint"),
        ("count(*)", "bigint"),
        ("current_timestamp", "timestamp(3) with time zone"),
        ("TIMESTAMP '2024-01-01 00:00:00.123456'", "timestamp(6)"),
        ("ARRAY[1, 2.5]", "array(double)"),
        ("MAP(ARRAY['a'], ARRAY[NULL])", "map(varchar(1), unknown)"),
        ("NULL", "unknown"),
        ("IF(true, 1, BIGINT '2')", "bigint"),
        ("x -> x", None),
    ],
)
def test_typeof_returns_the_type_name(run: Run, expression: str, type_: str | None) -> None:
    if type_ is None:
        with pytest.raises(Exception, match="Lambda expression should always be used inside a function"):
            run(f"SELECT {expression}")
        return
    assert run(f"SELECT typeof({expression})").rows == [[type_]]


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("x IS DISTINCT FROM 1 OR x = 1", [["1"], ["2"], [None]]),
        ("x IS NOT DISTINCT FROM 1 OR x = 2", [["1"], ["2"]]),
        ("x IS DISTINCT FROM NULL OR x = 1", [["1"], ["2"]]),
    ],
)
def test_is_distinct_from_compares_nulls(run: Run, condition: str, rows: list[list[str | None]]) -> None:
    table = Table({"x": "integer"}, [[1], [2], [None]])
    assert run(f"SELECT x FROM t WHERE {condition}", {"t": table}).rows == rows


@pytest.mark.parametrize("left", ["t", "t JOIN s ON t.a = s.b"])
def test_filter_on_unnested_elements_keeps_their_order(run: Run, left: str) -> None:
    tables = {
        "t": Table({"a": "integer", "l": "array(integer)"}, [[row, [row, row + 1]] for row in range(5000)]),
        "s": Table({"b": "integer"}, [[row] for row in range(5000)]),
    }
    query = f"SELECT a, e FROM {left} CROSS JOIN UNNEST(l) AS u(e) WHERE e >= 0"

    rows = run(query, tables).rows

    positions = [(row[0], int(row[1] or 0)) for row in rows]
    assert len(positions) == 10_000
    assert all(
        first[0] == second[0] and first[1] < second[1]
        for first, second in zip(positions[::2], positions[1::2], strict=True)
    )


def test_tablesample_on_a_correlated_relation_is_rejected(run: Run) -> None:
    query = "SELECT e FROM (VALUES ARRAY[1, 2]) t(l) CROSS JOIN UNNEST(l) AS u(e) TABLESAMPLE BERNOULLI (50)"

    with pytest.raises(QueryFailure, match="does not support TABLESAMPLE for a relation that refers to the left side"):
        run(query)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("1 / (a - 700000)", "DIVISION_BY_ZERO"),
        ("CAST(a AS integer) * 3000", "integer multiplication overflow"),
        ("json_parse(CASE WHEN a = 700000 THEN '{' ELSE '1' END)", "Cannot convert value to JSON"),
        ("element_at(ARRAY[1], 700000 - a)", "SQL array indices start at 1"),
    ],
)
def test_late_failure_in_a_large_result_keeps_its_error_name(run: Run, item: str, message: str) -> None:
    tables = {"t": Table({"a": "bigint"}, [[row] for row in range(1_000_000)])}

    with pytest.raises(QueryFailure, match=message):
        run(f"SELECT {item} FROM t", tables)
