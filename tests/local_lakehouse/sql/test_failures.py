"""Tests that invalid statements fail with Athena's error names, and never with a DuckDB message."""

import re

import pytest

from local_lakehouse.sql.failures import MalformedQuery, QueryFailure
from tests.local_lakehouse.sql.conftest import Run

ROWS = "(VALUES (1, 'a', DATE '2024-01-01')) AS t(n, s, d)"

SYNTAX = [
    ("SELEC 1", "line 1:1: mismatched input 'SELEC'"),
    ("SELECT", "line 1:7: mismatched input '<EOF>'"),
    ("SELECT 1,", "line 1:10: mismatched input '<EOF>'"),
    ("SELECT * FROM", "line 1:14: mismatched input '<EOF>'"),
    ("SELECT * FORM t", "line 1:10: mismatched input 'FORM'"),
    ("SELECT 1 WHERE", "line 1:15: mismatched input '<EOF>'"),
    ("SELECT (1 + 2", "line 1:14: mismatched input '<EOF>'"),
    ("SELECT 1)", "line 1:9: mismatched input ')'"),
    ("SELECT 'abc", "line 1:8: mismatched input '''"),
    ("SELECT 1 AS from", "line 1:13: mismatched input 'from'"),
    ("SELECT 1 == 1", "line 1:11: mismatched input '='"),
    ("SELECT '1'::integer", "line 1:11: mismatched input '::'"),
    ("SELECT 1 IN ()", "line 1:14: mismatched input ')'"),
    ("SELECT a b c FROM t", "line 1:12: mismatched input 'c'"),
    ("SELECT * EXCLUDE (a) FROM t", "line 1:10: mismatched input 'EXCLUDE'"),
    ("SELECT x FROM t QUALIFY rank() OVER () = 1", "line 1:25: mismatched input 'rank'"),
    ("SELECT x FROM t LIMIT 1 OFFSET 1", "line 1:25: mismatched input 'OFFSET'"),
    ("SELECT x FROM t LIMIT x", "line 1:23: mismatched input 'x'"),
    ("SELECT x FROM t ORDER x", "line 1:23: mismatched input 'x'"),
    ("SELECT x FROM t GROUP x", "line 1:23: mismatched input 'x'"),
    ("SELECT x FROM `t`", "backquoted identifiers are not supported"),
    ('SELECT 1 AS ""', "Zero-length delimited identifier not allowed"),
    ("SELECT CASE WHEN true THEN 1", "mismatched input '<EOF>'"),
    ("SELECT CASE ELSE 1 END", "mismatched input 'ELSE'"),
    ("SELECT CAST(1 integer)", "line 1:15: mismatched input 'integer'"),
    ("SELECT x FROM t JOIN u", "line 1:23: mismatched input '<EOF>'"),
    ("SELECT x FROM t, WHERE x", "line 1:18: mismatched input 'WHERE'"),
    ("SELECT x FROM t FOR SYSTEM_TIME AS OF 1", "mismatched input 'SYSTEM_TIME'. Expecting: 'TIMESTAMP', 'VERSION'"),
    ("SELECT x BETWEEN 1 OR 2", "mismatched input 'OR'"),
    ("SELECT INTERVAL '1' FORTNIGHT", "mismatched input 'FORTNIGHT'"),
    ("SELECT x[1 FROM t", "mismatched input 'FROM'"),
    ("WITH t AS SELECT 1 SELECT 2", "mismatched input 'SELECT'"),
    ("SELECT sum(x) OVER PARTITION BY y", "mismatched input 'BY'"),
    ("SELECT @x", "mismatched input '@'"),
    ("SELECT 1; SELECT 2", "mismatched input ';'"),
    ("SELECT coalesce(DISTINCT x, 1)", "line 1:8: DISTINCT not valid for 'coalesce' function"),
    ("SELECT IF(x, 1) FILTER (WHERE x)", "line 1:8: FILTER not valid for 'if' function"),
    ("SELECT format('%s', 1) OVER ()", "line 1:8: OVER clause not valid for 'format' function"),
    ("SELECT upper(x) IGNORE NULLS FROM t", "line 1:30: mismatched input 'FROM'. Expecting: 'OVER'"),
    ("SELECT 1a", "mismatched input '1a'"),
    ("SELECT #1", "mismatched input '#'"),
]
EXPRESSIONS = [
    ("nope", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
    ("t.nope", "COLUMN_NOT_FOUND: line 1:8: Column 't.nope' cannot be resolved"),
    ("u.n", "COLUMN_NOT_FOUND: line 1:8: Column 'u.n' cannot be resolved"),
    ("nosuch(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'nosuch' not registered"),
    ("list_sort(ARRAY[1])", "FUNCTION_NOT_FOUND"),
    ("ST_Point(1, 2)", "NOT_SUPPORTED: line 1:8: The local Athena does not support st_point"),
    ("read_csv('/etc/passwd')", "FUNCTION_NOT_FOUND"),
    ("athena_fail('x')", "FUNCTION_NOT_FOUND"),
    (
        "upper(2)",
        "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (integer) for function upper. Expected: upper(varchar)",
    ),
    ("length('a', 'b')", "FUNCTION_NOT_FOUND"),
    ("concat('a')", "FUNCTION_NOT_FOUND"),
    ("sum(s)", "FUNCTION_NOT_FOUND"),
    ("date_trunc('day', s)", "FUNCTION_NOT_FOUND"),
    ("year(s)", "FUNCTION_NOT_FOUND"),
    ("transform(ARRAY[1], (x, y) -> x)", "FUNCTION_NOT_FOUND"),
    ("filter(ARRAY[1], x -> x + 1)", "FUNCTION_NOT_FOUND"),
    ("'a' || 1", "FUNCTION_NOT_FOUND"),
    ("s + 1", "TYPE_MISMATCH: line 1:10: Cannot apply operator: varchar(1) + integer"),
    ("n = s", "TYPE_MISMATCH: line 1:10: Cannot apply operator: integer = varchar(1)"),
    ("d > '2024-01-01'", "TYPE_MISMATCH: line 1:10: Cannot apply operator: date > varchar(10)"),
    ("d + 1", "TYPE_MISMATCH: line 1:10: Cannot apply operator: date + integer"),
    ("d - 1", "TYPE_MISMATCH"),
    ("-s", "TYPE_MISMATCH: line 1:8: Cannot negate varchar(1)"),
    ("NOT n", "TYPE_MISMATCH"),
    ("n AND true", "TYPE_MISMATCH"),
    ("IF(n, 1, 2)", "TYPE_MISMATCH"),
    ("IF(true, 1, 'a')", "TYPE_MISMATCH: line 1:8: Result types for IF must be the same: integer vs varchar(1)"),
    ("CASE WHEN true THEN 1 ELSE 'a' END", "TYPE_MISMATCH: line 1:8: All CASE results must"),
    ("CASE n WHEN 'a' THEN 1 END", "TYPE_MISMATCH"),
    ("coalesce(n, s)", "TYPE_MISMATCH"),
    ("nullif(n, s)", "TYPE_MISMATCH"),
    ("ARRAY[n, s]", "TYPE_MISMATCH"),
    ("n IN ('a')", "TYPE_MISMATCH"),
    ("n BETWEEN 'a' AND 'b'", "TYPE_MISMATCH"),
    (
        "n LIKE 'a'",
        "TYPE_MISMATCH: line 1:10: Left side of LIKE expression must evaluate to a varchar (actual: integer)",
    ),
    ("CAST(d AS bigint)", "TYPE_MISMATCH: line 1:8: Cannot cast date to bigint"),
    ("TRY_CAST(d AS integer)", "TYPE_MISMATCH"),
    ("CAST(n AS date)", "TYPE_MISMATCH"),
    ("CAST(ARRAY[1] AS varchar)", "TYPE_MISMATCH"),
    ("CAST(1 AS money)", "TYPE_MISMATCH: line 1:18: Unknown type: money"),
    ("n[1]", "TYPE_MISMATCH"),
    ("s.field", "TYPE_MISMATCH"),
    ("MAP(ARRAY[1], ARRAY[1]) < MAP(ARRAY[1], ARRAY[1])", "TYPE_MISMATCH"),
    ("x -> x", "TYPE_MISMATCH: line 1:8: Lambda expression should always be used inside a function"),
    ("s AT TIME ZONE 'UTC'", "TYPE_MISMATCH"),
    ("ROW(1)[n]", "EXPRESSION_NOT_CONSTANT"),
    ("DATE '2024-02-30'", "INVALID_LITERAL: line 1:8: '2024-02-30' is not a valid DATE literal"),
    ("TIMESTAMP 'yesterday'", "INVALID_LITERAL"),
    ("TIMESTAMP '2024-01-01 00:00:00 Mars/Base'", "INVALID_LITERAL"),
    ("DECIMAL 'x'", "INVALID_LITERAL"),
    ("TINYINT '300'", "INVALID_LITERAL"),
    ("INTERVAL 'x' DAY", "INVALID_LITERAL"),
    ("INTERVAL '1-2' DAY", "INVALID_LITERAL"),
    ("X'ABC'", "INVALID_LITERAL"),
    ("99999999999999999999", "INVALID_LITERAL"),
    ("rank()", "MISSING_OVER: line 1:8: Window function rank requires an OVER clause"),
    ("sum(sum(n))", "NESTED_AGGREGATION"),
    (
        "n, count(*)",
        "EXPRESSION_NOT_AGGREGATE: line 1:8: 'n' must be an aggregate expression or appear in GROUP BY clause",
    ),
    ("grouping(n)", "MISSING_GROUP_BY"),
    ("upper(s) OVER ()", "FUNCTION_NOT_AGGREGATE"),
    ("greatest(DISTINCT n, 1)", "FUNCTION_NOT_AGGREGATE"),
    ("typeof(n) FILTER (WHERE false)", "FUNCTION_NOT_AGGREGATE"),
    ("sum(n) OVER nowhere", "INVALID_WINDOW_REFERENCE"),
    ("sum(n) OVER (ORDER BY n ROWS BETWEEN CURRENT ROW AND 1 PRECEDING)", "INVALID_WINDOW_FRAME"),
    ("sum(n) OVER (ROWS 1.5 PRECEDING)", "TYPE_MISMATCH"),
    ("row_number() OVER (ORDER BY rank() OVER ())", "NESTED_WINDOW"),
    ("(SELECT 1, 2) + 1", "TYPE_MISMATCH"),
    ("n IN (SELECT 'a')", "TYPE_MISMATCH"),
    ("current_user", "NOT_SUPPORTED"),
    ("TRY(sum(n) / count(*))", "NOT_SUPPORTED: line 1:8: The local Athena does not support TRY around an aggregate"),
    ("TIMESTAMP '2024-01-01 00:00:00.1234567890123'", "INVALID_LITERAL"),
]
CLAUSES = [
    (f"SELECT n + 1 AS m FROM {ROWS} WHERE m > 0", "COLUMN_NOT_FOUND"),
    (f"SELECT n AS m FROM {ROWS} GROUP BY m", "COLUMN_NOT_FOUND"),
    (f"SELECT n AS m FROM {ROWS} GROUP BY n HAVING m > 0", "COLUMN_NOT_FOUND"),
    (
        f"SELECT n FROM {ROWS} WHERE n",
        "TYPE_MISMATCH: line 1:72: WHERE clause must evaluate to a boolean: actual type integer",
    ),
    (f"SELECT n FROM {ROWS} WHERE sum(n) > 1", "EXPRESSION_NOT_SCALAR"),
    (f"SELECT n FROM {ROWS} WHERE rank() OVER () = 1", "EXPRESSION_NOT_SCALAR"),
    (f"SELECT n FROM {ROWS} GROUP BY sum(n)", "EXPRESSION_NOT_SCALAR"),
    (
        f"SELECT n FROM {ROWS} GROUP BY 2",
        "INVALID_COLUMN_REFERENCE: line 1:75: GROUP BY position 2 is not in select list",
    ),
    (f"SELECT n FROM {ROWS} ORDER BY 2", "INVALID_COLUMN_REFERENCE"),
    (f"SELECT n, s FROM {ROWS} GROUP BY n", "EXPRESSION_NOT_AGGREGATE"),
    (f"SELECT * FROM {ROWS} GROUP BY n", "EXPRESSION_NOT_AGGREGATE"),
    (f"SELECT count(*) FROM {ROWS} ORDER BY n", "EXPRESSION_NOT_AGGREGATE"),
    (
        f"SELECT DISTINCT n FROM {ROWS} ORDER BY s",
        "For SELECT DISTINCT, ORDER BY expressions must appear in select list",
    ),
    ("SELECT *", "SELECT * not allowed in queries without FROM clause"),
    (f"SELECT u.* FROM {ROWS}", "TABLE_NOT_FOUND"),
    ("SELECT x FROM (VALUES 1) a(x), (VALUES 2) b(x)", "AMBIGUOUS_NAME: line 1:8: Column 'x' is ambiguous"),
    ("SELECT * FROM (VALUES 1) a(x) JOIN (VALUES 2) b(y) USING (x)", "COLUMN_NOT_FOUND"),
    ("SELECT * FROM (VALUES 1) a(x) JOIN (VALUES 2) b(y) ON x + y", "TYPE_MISMATCH"),
    (
        "SELECT * FROM (VALUES 1) a(x) NATURAL JOIN (VALUES 2) b(y)",
        "NOT_SUPPORTED: line 1:31: Natural join not supported",
    ),
    ("SELECT * FROM (VALUES (1, 2)) t(a)", "Column alias list has 1 entries but 't' has 2 columns available"),
    ("SELECT * FROM (VALUES 1, 'a') t(a)", "TYPE_MISMATCH"),
    ("SELECT * FROM (VALUES (1, 2), (3)) t", "Values rows have mismatched"),
    ("SELECT * FROM UNNEST(1)", "Cannot unnest type: integer"),
    ("SELECT 1 UNION SELECT 'a'", "TYPE_MISMATCH"),
    ("SELECT 1 UNION SELECT 1, 2", "TYPE_MISMATCH"),
    ("WITH t AS (SELECT 1), t AS (SELECT 2) SELECT * FROM t", "WITH query name 't' specified more than once"),
    ("WITH t(a, b) AS (SELECT 1) SELECT * FROM t", "MISMATCHED_COLUMN_ALIASES"),
    ("WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT 1 FROM t) SELECT * FROM t", "MISSING_COLUMN_ALIASES"),
    ("SELECT 1 FETCH FIRST 1 ROW WITH TIES", "MISSING_ORDER_BY"),
    ("SELECT MAP(ARRAY[1], ARRAY[1]) AS m ORDER BY m", "TYPE_MISMATCH"),
    ("SELECT * FROM nowhere", "TABLE_NOT_FOUND"),
]
RUNTIME_FAILURES = [
    ("1 / 0", "DIVISION_BY_ZERO: Division by zero"),
    ("1 % 0", "DIVISION_BY_ZERO"),
    ("DECIMAL '1' / DECIMAL '0'", "DIVISION_BY_ZERO"),
    ("2147483647 + 1", "NUMERIC_VALUE_OUT_OF_RANGE: integer addition overflow: 2147483647 + 1"),
    ("TINYINT '100' * TINYINT '2'", "NUMERIC_VALUE_OUT_OF_RANGE: tinyint multiplication overflow: 100 * 2"),
    ("abs(TINYINT '-128')", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("CAST(300 AS tinyint)", "Out of range for tinyint: 300"),
    ("CAST(1e300 AS bigint)", "INVALID_CAST_ARGUMENT"),
    ("CAST('abc' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast 'abc' to INT"),
    ("CAST('1.5' AS bigint)", "INVALID_CAST_ARGUMENT: Cannot cast '1.5' to BIGINT"),
    ("CAST('' AS double)", "INVALID_CAST_ARGUMENT"),
    ("CAST('maybe' AS boolean)", "INVALID_CAST_ARGUMENT"),
    ("CAST('2024-02-30' AS date)", "INVALID_CAST_ARGUMENT: Value cannot be cast to date: 2024-02-30"),
    ("CAST('2024-01-01T00:00:00' AS timestamp)", "INVALID_CAST_ARGUMENT"),
    ("CAST('x' AS decimal(5,2))", "INVALID_CAST_ARGUMENT"),
    ("CAST('1234' AS decimal(3,0))", "INVALID_CAST_ARGUMENT"),
    ("CAST(1234 AS decimal(3,0))", "INVALID_CAST_ARGUMENT"),
    ("CAST(12345 AS varchar(2))", "INVALID_CAST_ARGUMENT: Value 12345 cannot be represented as varchar(2)"),
    ("CAST(JSON '{}' AS array(integer))", "INVALID_CAST_ARGUMENT"),
    ("ARRAY[1][2]", "INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: 2 > 1"),
    ("ARRAY[1][0]", "INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1"),
    ("MAP(ARRAY['a'], ARRAY[1])['b']", "INVALID_FUNCTION_ARGUMENT: Key not present in map: b"),
    ("MAP(ARRAY['a', 'a'], ARRAY[1, 2])", "INVALID_FUNCTION_ARGUMENT: Duplicate map keys (a) are not allowed"),
    ("MAP(ARRAY[1], ARRAY[1, 2])", "INVALID_FUNCTION_ARGUMENT"),
    ("slice(ARRAY[1], 0, 1)", "INVALID_FUNCTION_ARGUMENT"),
    ("sequence(1, 10, -1)", "INVALID_FUNCTION_ARGUMENT"),
    ("wilson_interval_lower(-1, 1, 1)", "INVALID_FUNCTION_ARGUMENT: number of successes must not be negative"),
    ("wilson_interval_lower(0, 0, 1)", "INVALID_FUNCTION_ARGUMENT: number of trials must be positive"),
    ("wilson_interval_upper(2, 1, 1)", "INVALID_FUNCTION_ARGUMENT: number of successes must not be larger"),
    ("wilson_interval_upper(0, 1, -1)", "INVALID_FUNCTION_ARGUMENT: z-score must not be negative"),
    ("sequence(1, 100000)", "INVALID_FUNCTION_ARGUMENT"),
    ("repeat(1, -1)", "INVALID_FUNCTION_ARGUMENT"),
    ("split_part('a', '-', 0)", "INVALID_FUNCTION_ARGUMENT: Index must be greater than zero"),
    ("lpad('a', 3, '')", "INVALID_FUNCTION_ARGUMENT"),
    ("chr(-1)", "INVALID_FUNCTION_ARGUMENT"),
    ("from_base('9', 2)", "INVALID_FUNCTION_ARGUMENT"),
    ("regexp_extract('a', '(a)', 2)", "INVALID_FUNCTION_ARGUMENT: Pattern has 1 groups. Cannot access group 2"),
    ("regexp_like('a', '(')", "INVALID_FUNCTION_ARGUMENT"),
    ("date_parse('x', '%Y')", "INVALID_FUNCTION_ARGUMENT"),
    ("date_trunc('eon', DATE '2024-01-01')", "INVALID_FUNCTION_ARGUMENT"),
    ("date_add('hour', 1, DATE '2024-01-01')", "INVALID_FUNCTION_ARGUMENT"),
    ("DATE '2024-01-01' + INTERVAL '1' HOUR", "INVALID_FUNCTION_ARGUMENT"),
    ("at_timezone(current_timestamp, 'Mars')", "INVALID_FUNCTION_ARGUMENT"),
    ("json_parse('{')", "INVALID_FUNCTION_ARGUMENT"),
    ("json_extract('{}', '$..[')", "INVALID_FUNCTION_ARGUMENT"),
    ("url_decode('%zz')", "INVALID_FUNCTION_ARGUMENT"),
    ("format('%d', 'a')", "INVALID_FUNCTION_ARGUMENT"),
    (
        "CAST('99999-01-01' AS date)",
        "NOT_SUPPORTED: The local Athena does not write dates and timestamps before the year 1 or",
    ),
    ("ARRAY[CAST('99999-01-01' AS date)]", "NOT_SUPPORTED: The local Athena does not write dates"),
    ("from_unixtime(1e12)", "NOT_SUPPORTED: The local Athena does not write dates"),
    ("approx_percentile(x, 1.5) FROM (VALUES 1) t(x)", "NOT_SUPPORTED"),
    ("approx_percentile(x, -0.5) FROM (VALUES 1) t(x)", "NOT_SUPPORTED"),
    ("approx_percentile(x, -1.5) FROM (VALUES 1) t(x)", "NOT_SUPPORTED"),
    ("'a' LIKE 'a' ESCAPE 'xy'", "INVALID_FUNCTION_ARGUMENT"),
    ("(SELECT x FROM (VALUES 1, 2) t(x))", "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows"),
    ("sum(x) FROM (VALUES 9223372036854775807, 1) t(x)", "NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow"),
]


def _failure(run: Run, sql: str) -> str:
    try:
        run(sql)
    except QueryFailure as failure:
        return failure.reason
    except MalformedQuery as malformed:
        return malformed.message
    pytest.fail(f"{sql} did not fail")


@pytest.mark.parametrize(("sql", "reason"), SYNTAX)
def test_invalid_syntax_is_rejected_with_its_position(run: Run, sql: str, reason: str) -> None:
    assert reason in _failure(run, sql)


@pytest.mark.parametrize(("expression", "reason"), EXPRESSIONS)
def test_invalid_expression_is_rejected(run: Run, expression: str, reason: str) -> None:
    assert _failure(run, f"SELECT {expression} FROM {ROWS}").startswith(reason)


@pytest.mark.parametrize(("sql", "reason"), CLAUSES)
def test_invalid_clause_is_rejected(run: Run, sql: str, reason: str) -> None:
    assert reason in _failure(run, sql)


@pytest.mark.parametrize(("expression", "reason"), RUNTIME_FAILURES)
def test_invalid_values_fail_during_execution(run: Run, expression: str, reason: str) -> None:
    found = _failure(run, f"SELECT {expression}")

    assert reason in found
    assert not re.search(r"duckdb|athena_|Conversion Error|Binder|LINE 1", found, re.IGNORECASE)


@pytest.mark.parametrize("failing", ["1 / 0", "CAST('x' AS integer)", "element_at(ARRAY[1], 0)", "length(chr(-1))"])
def test_coalesce_and_null_checks_do_not_hide_failures(run: Run, failing: str) -> None:
    expected = _failure(run, f"SELECT {failing}")

    assert _failure(run, f"SELECT coalesce({failing}, 5)") == expected
    assert _failure(run, f"SELECT array_position(ARRAY[1], coalesce({failing}, 5))") == expected
    assert _failure(run, f"SELECT coalesce(CASE WHEN x > 0 THEN {failing} END, 5) FROM (VALUES 1) t(x)") == expected
    assert _failure(run, f"SELECT CASE WHEN x > 0 THEN {failing} END IS NULL FROM (VALUES 1) t(x)") == expected


def test_error_position_contains_the_line(run: Run) -> None:
    assert "line 3:7" in _failure(run, f"SELECT n\nFROM {ROWS}\nWHERE nope > 0")


def test_recursion_depth_is_limited(run: Run) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    assert "Recursion depth limit exceeded (10)" in _failure(run, endless)
