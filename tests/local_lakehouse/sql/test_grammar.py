"""Tests for statements that are parsed, malformed, or valid in the Trino grammar but not supported."""

from __future__ import annotations

import pytest

from local_lakehouse.sql.failures import MalformedQuery, QueryFailure
from local_lakehouse.sql.grammar.parser import parse_query, parse_statement
from tests.local_lakehouse.sql.conftest import Run, Table

T = Table({"a": "integer", "b": "varchar"}, [(1, "x"), (2, "y")])


@pytest.mark.parametrize(
    ("sql", "construct"),
    [
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A+) DEFINE A AS a > (1)) AS m", "1:17: … MATCH_RECOGNIZE"),
        ("SELECT * FROM JSON_TABLE('[1]', 'lax $[*]' COLUMNS (v integer PATH 'lax $')) AS j", "1:15: … JSON_TABLE"),
        ("SELECT * FROM TABLE(sequence(start => 1, stop => 2))", "1:15: … table functions"),
        ("SELECT 1 FROM t, TABLE(exclude_columns(TABLE(t), DESCRIPTOR(a)))", "1:18: … table functions"),
        ("WITH FUNCTION twice(x bigint) RETURNS bigint RETURN x * 2 SELECT twice(1)", "1:1: … WITH FUNCTION"),
        ("SELECT m OVER (PARTITION BY a ORDER BY b MEASURES x AS m PATTERN (A) DEFINE A AS true) FROM t", "1:10"),
        ("CREATE VIEW v COMMENT 'c' AS SELECT 1", "1:15: … CREATE VIEW with COMMENT"),
        ("CREATE OR REPLACE VIEW v SECURITY INVOKER AS SELECT 1", "1:26: … CREATE VIEW with SECURITY"),
    ],
)
def test_unsupported_constructs_are_rejected(sql: str, construct: str) -> None:
    position, _, name = construct.partition(" … ")
    if position == "1:10":
        # A measure over a window is not a function call.
        with pytest.raises(MalformedQuery):
            parse_statement(sql)
        return
    with pytest.raises(QueryFailure, match=f"NOT_SUPPORTED: line {position} The local Athena does not support {name}"):
        parse_statement(sql)


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SHOW CATALOGS", "SHOW CATALOGS"),
        ("show catalogs like 'a%'", "SHOW CATALOGS"),
        ("SHOW SESSION", "SHOW SESSION"),
        ("SHOW STATS FOR t", "SHOW STATS"),
        ("SHOW ROLE GRANTS", "SHOW ROLE"),
        ("SHOW GRANTS ON TABLE t", "SHOW GRANTS"),
        ("GRANT SELECT ON t TO alice", "GRANT"),
        ("REVOKE SELECT ON t FROM alice", "REVOKE"),
        ("DENY SELECT ON t TO alice", "DENY"),
        ("CREATE FUNCTION f(x integer) RETURNS integer RETURN x", "CREATE FUNCTION"),
        ("CREATE OR REPLACE FUNCTION f() RETURNS integer RETURN 1", "CREATE OR REPLACE FUNCTION"),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", "CREATE MATERIALIZED VIEW"),
        ("CREATE ROLE r", "CREATE ROLE"),
        ("DROP FUNCTION f(integer)", "DROP FUNCTION"),
        ("REFRESH MATERIALIZED VIEW v", "REFRESH MATERIALIZED VIEW"),
        ("COMMENT ON TABLE t IS 'c'", "COMMENT ON"),
        ("ANALYZE t", "ANALYZE"),
        ("CALL system.sync()", "CALL"),
        ("USE a.b", "USE"),
        ("SET SESSION x = 1", "SET SESSION"),
        ("SET TIME ZONE LOCAL", "SET TIME ZONE"),
        ("RESET SESSION x", "RESET SESSION"),
        ("START TRANSACTION", "START TRANSACTION"),
        ("COMMIT WORK", "COMMIT"),
        ("ROLLBACK", "ROLLBACK"),
        ("EXECUTE IMMEDIATE 'SELECT 1'", "EXECUTE IMMEDIATE"),
        ("DESCRIBE INPUT s", "DESCRIBE INPUT"),
        ("DESCRIBE OUTPUT s", "DESCRIBE OUTPUT"),
        ("ALTER VIEW v RENAME TO w", "ALTER VIEW"),
    ],
)
def test_unsupported_statement_types_are_rejected(sql: str, name: str) -> None:
    with pytest.raises(MalformedQuery, match=f"line 1:1: Queries of this type are not supported: {name}$"):
        parse_statement(sql)


@pytest.mark.parametrize(
    "sql",
    [
        # A syntax error after an unsupported construct still makes the statement malformed.
        "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A)",
        "SELECT * FROM JSON_TABLE('[]', 'lax $' COLUMNS (v integer)) WHERE",
        "SELECT * FROM TABLE(f()) GROUP x",
        "SELECT t.* AS x FROM t",
        "SELECT a + b.* FROM t",
        "SELECT ROW(1).* x FROM t",
        "SELECT count(*",
        "SELECT * FROM ((SELECT 1) EXCEPT (SELECT 2)",
        "SELECT * FROM ((SELECT 1) t EXCEPT (SELECT 2) u)",
        "SHOW CATALOG",
    ],
)
def test_malformed_statements_are_rejected(sql: str) -> None:
    with pytest.raises(MalformedQuery, match="mismatched input"):
        parse_statement(sql)


@pytest.mark.parametrize("query", ["(SELECT 1)", "((SELECT 1))", "((SELECT 1) LIMIT 1)", "(VALUES 1)", "(TABLE t)"])
@pytest.mark.parametrize(
    "statement", ["{}", "{};", "EXPLAIN {}", "PREPARE p FROM {}", "INSERT INTO t {}", "INSERT INTO t (a) {}"]
)
def test_query_in_parentheses_is_parsed_like_a_plain_query(statement: str, query: str) -> None:
    plain = parse_statement(statement.format("SELECT 1"))

    assert type(parse_statement(statement.format(query))) is type(plain)


ROW = "(SELECT CAST(ROW(1, 'x') AS row(p integer, q varchar)) AS r, 2 AS s) AS t"


@pytest.mark.parametrize(
    ("sql", "names", "rows"),
    [
        (f"SELECT t.r.* FROM {ROW}", ["p", "q"], [["1", "x"]]),
        (f"SELECT r.* FROM {ROW}", ["p", "q"], [["1", "x"]]),
        (f"SELECT r.* AS (u, v), s FROM {ROW}", ["u", "v", "s"], [["1", "x", "2"]]),
        (f"SELECT t.* AS (u, v) FROM {ROW} WHERE false", ["u", "v"], []),
        ("SELECT (CAST(ROW(1, 2) AS row(c integer, d integer))).*", ["c", "d"], [["1", "2"]]),
        ("SELECT CAST(ROW(1) AS row(c integer)).*, ROW(3).*", ["c", None], [["1", "3"]]),
        ("SELECT element_at(ARRAY[CAST(ROW(1) AS row(c integer))], 1).*", ["c"], [["1"]]),
        ("SELECT (SELECT CAST(ROW(7) AS row(c integer))).*", ["c"], [["7"]]),
    ],
)
def test_all_fields_of_a_row_are_selected(run: Run, sql: str, names: list[str | None], rows: list[list[str]]) -> None:
    answer = run(sql)

    assert (answer.names, answer.rows) == (names, rows)


@pytest.mark.parametrize(
    ("sql", "failure"),
    [
        ("SELECT t.* AS (x) FROM t", "MISMATCHED_COLUMN_ALIASES: line 1:8: Column alias list has 1 entries but"),
        ("SELECT nope.* FROM t", "TABLE_NOT_FOUND: line 1:8: Unable to resolve reference nope"),
        ("SELECT a.* FROM t", "TYPE_MISMATCH: line 1:8"),
        ("SELECT t.a.* FROM t", "TYPE_MISMATCH: line 1:8"),
        ("SELECT ROW(b).* FROM t GROUP BY a", "EXPRESSION_NOT_AGGREGATE"),
    ],
)
def test_invalid_selection_of_all_fields_is_rejected(run: Run, sql: str, failure: str) -> None:
    with pytest.raises(QueryFailure, match=failure):
        run(sql, {"t": T})


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ('SELECT "sum"(a), "count"(*), "COUNT"(DISTINCT b) FROM t', [["3", "2", "2"]]),
        ('SELECT "max"(a) FILTER (WHERE "length"(b) = 1), "if"(true, 1, 2) FROM t', [["2", "1"]]),
        ('SELECT "rank"() OVER (ORDER BY a DESC) FROM t ORDER BY a', [["2"], ["1"]]),
        ('SELECT "transform"(ARRAY[1], x -> x + 1)', [["[2]"]]),
        ("SELECT count(*) FROM ((SELECT 1) EXCEPT (SELECT 2)) AS t", [["1"]]),
        ("SELECT * FROM ((SELECT 1) UNION ALL (SELECT 2) ORDER BY 1 DESC)", [["2"], ["1"]]),
        ("SELECT * FROM (((SELECT 1) INTERSECT (SELECT 1)) EXCEPT (SELECT 2))", [["1"]]),
        ("SELECT * FROM (((SELECT 1 AS x)) LIMIT 1)", [["1"]]),
        ("SELECT x, y FROM ((SELECT 1 AS x) AS t CROSS JOIN (SELECT 2 AS y) AS u)", [["1", "2"]]),
        ("SELECT * FROM (((SELECT 1) UNION (SELECT 1)) AS t JOIN (VALUES 3) AS u ON true)", [["1", "3"]]),
        ("SELECT * FROM ((VALUES 1) AS t(x) JOIN (VALUES 1) AS u(x) USING (x))", [["1"]]),
        ("SELECT * FROM ((TABLE t) UNION ALL TABLE t) WHERE a = 1", [["1", "x"], ["1", "x"]]),
        ("SELECT ((SELECT 1) + 2)", [["3"]]),
        ("SELECT ((SELECT 1) UNION (SELECT 1))", [["1"]]),
        ("SELECT 1 IN ((SELECT 1) UNION ALL (SELECT 2))", [["true"]]),
    ],
)
def test_quoted_functions_and_parentheses_are_accepted(run: Run, sql: str, rows: list[list[str]]) -> None:
    assert run(sql, {"t": T}).rows == rows


@pytest.mark.parametrize(
    ("sql", "failure"),
    [
        ("SELECT money '1'", "TYPE_NOT_FOUND: line 1:8: Unknown type: money"),
        (
            "SELECT ipaddress '10.0.0.1'",
            "NOT_SUPPORTED: line 1:8: The local Athena does not support constants of type ip",
        ),
        ("SELECT current_path", "NOT_SUPPORTED: line 1:8: The local Athena does not support current_path"),
        ("SELECT system.abs(-1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'system.abs' not registered"),
        ('SELECT "nosuch"(1)', "FUNCTION_NOT_FOUND: line 1:8: Function 'nosuch' not registered"),
    ],
)
def test_unknown_names_are_rejected(run: Run, sql: str, failure: str) -> None:
    with pytest.raises(QueryFailure, match=failure):
        run(sql)


def test_deeply_nested_parentheses_are_parsed_in_one_pass() -> None:
    depth = 40
    relation = "(" * depth + "SELECT 1" + ")" * depth

    parse_query(f"SELECT * FROM {relation}")
    parse_query("SELECT * FROM " + "(" * depth + "t" + " CROSS JOIN u)" * depth)
