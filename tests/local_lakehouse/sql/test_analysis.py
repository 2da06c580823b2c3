"""Tests for well-formed statements that Trino's analysis rejects, and for similar statements that it accepts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar.parser import parse_type
from tests.local_lakehouse.sql.conftest import Run, Table

COLUMNS = {"a": "integer", "b": "varchar", "d": "double", "day": "date", "l": "array(integer)"}
TABLES = {
    "t": Table(COLUMNS, [(1, "x", 1.5, None, [1]), (2, "y", None, None, [2, 3])]),
    "u": Table(COLUMNS, [(1, "x", 2.5, None, []), (1, "z", 0.5, None, None)]),
}
WINDOW_CLAUSES = [
    ("array_agg(a ORDER BY a) OVER ()", "NOT_SUPPORTED: line 1:8: Window function with ORDER BY is not supported"),
    ("max_by(a, d ORDER BY a) OVER (ORDER BY a)", "NOT_SUPPORTED: line 1:8: Window function with ORDER BY"),
    ("count(DISTINCT a) OVER ()", "NOT_SUPPORTED: line 1:8: DISTINCT in window function parameters not yet supported"),
    ("sum(a) FILTER (WHERE a > 1) OVER ()", "NOT_SUPPORTED: line 1:8: FILTER is not yet supported for window"),
    ("sum(a) IGNORE NULLS OVER ()", "NULL_TREATMENT_NOT_ALLOWED: line 1:8"),
    ("rank() RESPECT NULLS OVER (ORDER BY a)", "NULL_TREATMENT_NOT_ALLOWED: line 1:8: Cannot specify null treatment"),
    ("lag(a) OVER ()", "MISSING_ORDER_BY: line 1:20: lag function requires an ORDER BY window clause"),
    ("lead(a, 1) OVER (PARTITION BY b)", "MISSING_ORDER_BY"),
    ("lag(a) OVER (ORDER BY a ROWS 1 PRECEDING)", "INVALID_WINDOW_FRAME: line 1:32: Cannot specify window frame"),
    ("lead(a) OVER (ORDER BY a RANGE UNBOUNDED PRECEDING)", "INVALID_WINDOW_FRAME"),
    ("sum(a) OVER (w PARTITION BY b)", "INVALID_PARTITION_BY: line 1:36"),
    ("sum(a) OVER (w ORDER BY b)", "INVALID_ORDER_BY: line 1:32"),
    ("sum(a) OVER (f)", "INVALID_WINDOW_REFERENCE: line 1:8: Cannot reference named WINDOW containing frame"),
    ("sum(a) OVER nosuch", "INVALID_WINDOW_REFERENCE: line 1:8: Cannot resolve WINDOW name nosuch"),
    ("sum(a) OVER (ORDER BY rank() OVER ())", "NESTED_WINDOW"),
    ("sum(a) OVER (GROUPS 1 PRECEDING)", "MISSING_ORDER_BY"),
    ("sum(a) OVER (ROWS UNBOUNDED FOLLOWING)", "INVALID_WINDOW_FRAME"),
]


@pytest.mark.parametrize(("window", "failure"), WINDOW_CLAUSES)
def test_window_functions_reject_invalid_clauses(run: Run, window: str, failure: str) -> None:
    with pytest.raises(QueryFailure, match=failure):
        run(f"SELECT {window} FROM t WINDOW w AS (ORDER BY a), f AS (ORDER BY a ROWS 1 PRECEDING)", TABLES)


@pytest.mark.parametrize(
    ("window", "column"),
    [
        ("lag(a) IGNORE NULLS OVER (ORDER BY a)", [None, "1"]),
        ("first_value(d) IGNORE NULLS OVER (ORDER BY a DESC)", ["1.5", None]),
        ("sum(a) OVER w", ["1", "3"]),
        ("sum(a) OVER f", ["1", "3"]),
        ("sum(a) OVER (w ROWS CURRENT ROW)", ["1", "2"]),
        ("sum(a) OVER (p ORDER BY a)", ["1", "2"]),
    ],
)
def test_window_functions_accept_valid_clauses(run: Run, window: str, column: list[str | None]) -> None:
    named = "WINDOW w AS (ORDER BY a), f AS (ORDER BY a ROWS 1 PRECEDING), p AS (PARTITION BY b)"

    assert [row[0] for row in run(f"SELECT {window} AS x FROM t {named} ORDER BY a", TABLES).rows] == column


@pytest.mark.parametrize(
    ("select", "ambiguous"),
    [
        ("a AS x, d AS x FROM t ORDER BY x", True),
        ("a, d AS a FROM t ORDER BY a", True),
        ("d AS a, a FROM t ORDER BY a", True),
        ("a AS x, d AS X FROM t ORDER BY x", True),
        ("a AS x, d AS x FROM t ORDER BY x + 1", True),
        ("a AS x, d AS x FROM t ORDER BY coalesce(b, CAST(x AS varchar))", True),
        ("a AS x, t.a AS x FROM t ORDER BY x", True),
        ("a AS x, a AS x FROM t ORDER BY x", False),
        ("a, a FROM t ORDER BY a", False),
        ("d AS a, a FROM t ORDER BY t.a", False),
        ("a AS x, d AS x FROM t ORDER BY 1", False),
        ("*, d AS a FROM t ORDER BY a", False),
    ],
)
def test_order_by_rejects_an_ambiguous_name(run: Run, select: str, ambiguous: bool) -> None:
    if ambiguous:
        with pytest.raises(QueryFailure, match=r"AMBIGUOUS_NAME: line 1:.* in ORDER BY is ambiguous"):
            run(f"SELECT {select}", TABLES)
    else:
        assert len(run(f"SELECT {select}", TABLES).rows) == 2


MOMENTS = {
    "date": "DATE '2024-02-03'",
    "timestamp": "TIMESTAMP '2024-02-03 04:05:06'",
    "zoned": "TIMESTAMP '2024-02-03 04:05:06 UTC'",
    "time": "TIME '04:05:06'",
    "days": "(INTERVAL '3' DAY)",
    "months": "(INTERVAL '3' MONTH)",
    "number": "3",
    "text": "'2024-02-03'",
}
FIELDS = {
    ("YEAR", "MONTH"): ("date", "timestamp", "zoned", "months"),
    ("QUARTER", "WEEK", "DAY_OF_MONTH", "DAY_OF_WEEK", "DOW", "DAY_OF_YEAR", "DOY", "YEAR_OF_WEEK", "YOW"): (
        "date",
        "timestamp",
        "zoned",
    ),
    ("DAY",): ("date", "timestamp", "zoned", "days"),
    ("HOUR", "MINUTE", "SECOND"): ("timestamp", "zoned", "time", "days"),
    ("TIMEZONE_HOUR", "TIMEZONE_MINUTE"): ("zoned",),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("unit", [unit for units in FIELDS for unit in units])
def test_extract_accepts_only_the_fields_of_the_type(
    compile_sql: Callable[..., object], unit: str, moment: str
) -> None:
    has = next(moments for units, moments in FIELDS.items() if unit in units)
    sql = f"SELECT EXTRACT({unit} FROM {MOMENTS[moment]})"

    if moment in has:
        compile_sql(sql)
    else:
        with pytest.raises(QueryFailure, match=rf"TYPE_MISMATCH: line 1:.*: Cannot extract {unit} from"):
            compile_sql(sql)


@given(st.integers(0, 45), st.none() | st.integers(0, 45))
@settings(max_examples=200, deadline=None)
def test_decimal_precision_and_scale_are_limited(precision: int, scale: int | None) -> None:
    written = f"decimal({precision})" if scale is None else f"decimal({precision}, {scale})"

    if 1 <= precision <= 38 and (scale or 0) <= precision:
        assert str(parse_type(written)) == f"decimal({precision},{scale or 0})"
    else:
        with pytest.raises(
            QueryFailure, match=r"INVALID_FUNCTION_ARGUMENT: line 1:1: DECIMAL (precision|scale) must be"
        ):
            parse_type(written)


@pytest.mark.parametrize(
    "written", ["char(65537)", "varchar(2147483647)", "array(decimal(0, 1))", "row(x decimal(39))"]
)
def test_types_with_out_of_range_parameters_are_rejected(run: Run, written: str) -> None:
    with pytest.raises(QueryFailure, match="INVALID_FUNCTION_ARGUMENT: line 1:"):
        run(f"SELECT CAST(NULL AS {written})")


@pytest.mark.parametrize(
    "interval",
    [
        "'106751991168' DAY",
        "'9223372036854775808' SECOND",
        "'999999999999' MONTH",
        "'178956971' YEAR",
        "-'178956972' YEAR",
    ],
)
def test_intervals_out_of_range_are_rejected(run: Run, interval: str) -> None:
    with pytest.raises(QueryFailure, match="INVALID_LITERAL: line 1:8"):
        run(f"SELECT INTERVAL {interval}")


@pytest.mark.parametrize(
    ("version", "constant"),
    [
        ("TIMESTAMP AS OF current_timestamp - INTERVAL '1' DAY", True),
        ("TIMESTAMP AS OF date_add('day', -2, now())", True),
        ("TIMESTAMP AS OF TIMESTAMP '2024-01-01 00:00:00' + INTERVAL '1' HOUR", True),
        ("TIMESTAMP AS OF CAST('2024-01-01' AS date)", True),
        ("VERSION AS OF 40 + 2", True),
        ("VERSION AS OF concat('ma', 'in')", True),
        ("TIMESTAMP AS OF (SELECT TIMESTAMP '2024-01-01 00:00:00')", False),
        ("TIMESTAMP AS OF (SELECT max(day) FROM u)", False),
        ("VERSION AS OF (SELECT 42)", False),
        ("VERSION AS OF random(5)", False),
        ("VERSION AS OF IF(random() > 2, 1, 2)", False),
    ],
)
def test_table_version_must_be_constant(run: Run, version: str, constant: bool) -> None:
    if constant:
        assert run(f"SELECT a FROM t FOR {version} ORDER BY a", TABLES).rows == [["1"], ["2"]]
    else:
        with pytest.raises(QueryFailure, match="EXPRESSION_NOT_CONSTANT: line 1:"):
            run(f"SELECT a FROM t FOR {version}", TABLES)


PEOPLE = (
    "ARRAY[CAST(ROW('ada', 3) AS row(name varchar, n integer)), CAST(ROW('bo', 5) AS row(name varchar, n integer))]"
)


@pytest.mark.parametrize(
    ("alias", "select", "rows"),
    [
        ("AS t(u)", "u.name, u.n", [["ada", "3"], ["bo", "5"]]),
        ("AS t(x, y)", "x, y", [["ada", "3"], ["bo", "5"]]),
        ("AS t", "name, n", None),
        ("WITH ORDINALITY AS t(u, o)", "u.name, o", [["ada", "1"], ["bo", "2"]]),
        ("WITH ORDINALITY AS t(x, y, o)", "x, o", [["ada", "1"], ["bo", "2"]]),
        ("AS t(u, v, w)", "u", None),
    ],
)
def test_unnest_of_rows_returns_columns_or_one_value(
    run: Run, alias: str, select: str, rows: list[list[str]] | None
) -> None:
    sql = f"SELECT {select} FROM UNNEST({PEOPLE}) {alias} ORDER BY 1"
    if rows is None and "AS t(" in alias:
        with pytest.raises(QueryFailure, match="MISMATCHED_COLUMN_ALIASES"):
            run(sql)
    elif rows is not None:
        assert run(sql).rows == rows


@pytest.mark.parametrize(
    ("windows", "failure"),
    [
        ("w AS (), w AS ()", "DUPLICATE_WINDOW_NAME"),
        ('w AS (), "W" AS ()', "DUPLICATE_WINDOW_NAME"),
        ("w AS (v ORDER BY a), v AS ()", "INVALID_WINDOW_REFERENCE"),
        ("v AS (ORDER BY a), w AS (v ORDER BY b)", "INVALID_ORDER_BY"),
        ("w AS (ROWS b PRECEDING)", "TYPE_MISMATCH"),
        ("w AS (RANGE 1 PRECEDING)", "MISSING_ORDER_BY"),
        ("w AS (PARTITION BY count(a) OVER ())", "NESTED_WINDOW"),
        ("w AS (ORDER BY nosuch)", "COLUMN_NOT_FOUND"),
    ],
)
def test_unused_window_definitions_are_validated(run: Run, windows: str, failure: str) -> None:
    with pytest.raises(QueryFailure, match=failure):
        run(f"SELECT a FROM t WINDOW {windows}", TABLES)


@pytest.mark.parametrize(
    ("sql", "failure"),
    [
        ("SELECT (SELECT t.b FROM u LIMIT 1) FROM t GROUP BY a", "EXPRESSION_NOT_AGGREGATE: line 1:16: Subquery uses"),
        ("SELECT (SELECT a + 2) FROM t GROUP BY a + 1", "EXPRESSION_NOT_AGGREGATE"),
        ("SELECT EXISTS (SELECT 1 FROM u WHERE u.b = t.b) FROM t GROUP BY a", "EXPRESSION_NOT_AGGREGATE"),
        ("SELECT a FROM t GROUP BY a HAVING a > (SELECT t.d)", "EXPRESSION_NOT_AGGREGATE"),
        ("SELECT a FROM t GROUP BY a ORDER BY (SELECT b)", "EXPRESSION_NOT_AGGREGATE"),
        ("SELECT max(a) FROM t GROUP BY b WINDOW w AS (ORDER BY a)", "EXPRESSION_NOT_AGGREGATE"),
        ("SELECT 1 FROM t GROUP BY ROLLUP (a + 1)", "INVALID_COLUMN_REFERENCE: line 1:36: GROUP BY expression"),
        ("SELECT 1 FROM t GROUP BY GROUPING SETS (a, abs(a))", "INVALID_COLUMN_REFERENCE"),
        ("SELECT array_agg(DISTINCT a ORDER BY b) FROM t", "EXPRESSION_NOT_IN_DISTINCT"),
        (
            "SELECT transform(ARRAY[1], y -> max(a)) FROM t",
            "EXPRESSION_NOT_SCALAR: line 1:33: Lambda expression cannot",
        ),
        ("SELECT transform(ARRAY[1], y -> rank() OVER ()) FROM t", "EXPRESSION_NOT_SCALAR"),
        ("SELECT max(a) AS a FROM t GROUP BY b ORDER BY max(a + 1)", "COLUMN_NOT_FOUND: line 1:51: Invalid reference"),
        ("SELECT a FROM t FETCH FIRST 0 ROWS ONLY", "NUMERIC_VALUE_OUT_OF_RANGE: line 1:29"),
        ("SELECT 'a' LIKE 'b' ESCAPE 1", "TYPE_MISMATCH: line 1:28: Escape for LIKE"),
        ("SELECT CAST(NULL AS unknown)", "TYPE_MISMATCH: line 1:8: UNKNOWN is not a valid type"),
        ("SELECT max(a) IGNORE NULLS OVER () FROM t", "NULL_TREATMENT_NOT_ALLOWED: line 1:8"),
        ("SELECT CAST(1 AS map)", "TYPE_MISMATCH: line 1:18: Unknown type: map"),
    ],
)
def test_invalid_groups_aggregates_and_types_are_rejected(run: Run, sql: str, failure: str) -> None:
    with pytest.raises(QueryFailure, match=failure):
        run(sql, TABLES)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT (SELECT t.a) FROM t GROUP BY a ORDER BY 1", [["1"], ["2"]]),
        ("SELECT (SELECT max(u.a) FROM u WHERE u.b = t.b) FROM t GROUP BY b ORDER BY 1", [["1"], [None]]),
        ("SELECT sum((SELECT t.a)) FROM t", [["3"]]),
        ("SELECT a FROM t WHERE a > (SELECT 1) GROUP BY a", [["2"]]),
        ("SELECT array_agg(DISTINCT a ORDER BY a DESC) FROM t", [["[2, 1]"]]),
        ("SELECT max(a) AS m FROM t GROUP BY b ORDER BY max(a)", [["1"], ["2"]]),
        ("SELECT t.* AS (v, w, x, y, z) FROM t ORDER BY v DESC LIMIT 1", [["2", "y", None, None, "[2, 3]"]]),
    ],
)
def test_valid_groups_and_aggregates_return_rows(run: Run, sql: str, rows: list[list[str | None]]) -> None:
    assert run(sql, TABLES).rows == rows


STEP = "SELECT n + 1 FROM r WHERE n < 3"


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (f"SELECT 1 UNION ALL {STEP} ORDER BY 1", "NOT_SUPPORTED"),
        (f"SELECT 1 UNION ALL {STEP} LIMIT 1", "INVALID_LIMIT_CLAUSE"),
        (f"SELECT 1 UNION ALL ({STEP} LIMIT 1)", "INVALID_LIMIT_CLAUSE"),
        (f"WITH q AS (SELECT 1) SELECT 1 UNION ALL {STEP}", "NOT_SUPPORTED"),
        ("SELECT 1 UNION ALL TABLE r", "INVALID_RECURSIVE_REFERENCE"),
        ("SELECT 1 UNION ALL SELECT 2 WHERE (SELECT true FROM r)", "INVALID_RECURSIVE_REFERENCE"),
        ("SELECT 1 UNION ALL SELECT n + 1 FROM (SELECT 1) u LEFT JOIN r ON true", "INVALID_RECURSIVE_REFERENCE"),
        ("SELECT 1 UNION ALL SELECT n + 1 FROM r RIGHT JOIN (SELECT 1) u ON true", "INVALID_RECURSIVE_REFERENCE"),
        ("SELECT 1 UNION ALL SELECT n FROM ((TABLE r) EXCEPT (SELECT 9)) x(n)", "INVALID_RECURSIVE_REFERENCE"),
        ("SELECT 1 UNION ALL SELECT * FROM (WITH RECURSIVE q(m) AS (SELECT 1) SELECT n FROM r, q)", "NESTED_RECURSIVE"),
    ],
)
def test_unsupported_recursion_is_rejected(run: Run, body: str, failure: str) -> None:
    with pytest.raises(QueryFailure, match=failure):
        run(f"WITH RECURSIVE r(n) AS ({body}) SELECT n FROM r")


@pytest.mark.parametrize(
    "step", [STEP, f"({STEP})", "SELECT n + 1 FROM r LEFT JOIN (SELECT 1 AS x) u ON x = n WHERE n < 3"]
)
def test_recursive_query_returns_the_rows_of_each_step(run: Run, step: str) -> None:
    sql = f"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL {step}) SELECT n FROM r ORDER BY n"

    assert run(sql).rows == [["1"], ["2"], ["3"]]
