"""Tests for equal values that DuckDB treats as different, at any depth.

Examples are times in different zones, and maps whose entries are in different orders.
"""

from __future__ import annotations

import pytest

from tests.local_lakehouse.sql.conftest import Run

FIRST = "TIMESTAMP '2020-01-01 12:00:00 +01:00'"
SECOND = "TIMESTAMP '2020-01-01 11:00:00 UTC'"
PAIRS = {
    "zones": (FIRST, SECOND),
    "nanoseconds": ("TIMESTAMP '2020-01-01 12:00:00.123456789 +01:00'", "TIMESTAMP '2020-01-01 11:00:00.123456789 Z'"),
    "times": ("TIME '12:00:00 +01:00'", "TIME '11:00:00 +00:00'"),
    "maps": ("MAP(ARRAY[1, 2], ARRAY['a', NULL])", "MAP(ARRAY[2, 1], ARRAY[NULL, 'a'])"),
    "arrays": (f"ARRAY[{FIRST}, NULL]", f"ARRAY[{SECOND}, NULL]"),
    "rows": (f"CAST(ROW(1, {FIRST}) AS ROW(a integer, b timestamp(0) with time zone))",
             f"CAST(ROW(1, {SECOND}) AS ROW(a integer, b timestamp(0) with time zone))"),
    "maps of zones": (f"MAP(ARRAY[1, 2], ARRAY[{FIRST}, NULL])", f"MAP(ARRAY[2, 1], ARRAY[NULL, {SECOND}])"),
    "arrays of maps": ("ARRAY[MAP(ARRAY[1, 2], ARRAY['a', 'b'])]", "ARRAY[MAP(ARRAY[2, 1], ARRAY['b', 'a'])]"),
}  # fmt: skip
# Each query reads a relation t(x) that contains both values and a NULL. The second element is the number of rows in
# the result.
QUERIES = [
    ("SELECT DISTINCT x FROM t", 2),
    ("SELECT DISTINCT x, 1 FROM t WHERE x IS NOT NULL", 1),
    ("SELECT count(*) FROM t GROUP BY x", 2),
    ("SELECT x, count(*) FROM t GROUP BY x", 2),
    ("SELECT * FROM t GROUP BY x", 2),
    ("SELECT x FROM t GROUP BY x HAVING count(*) = 2", 1),
    ("SELECT x, grouping(x), count(*) FROM t GROUP BY GROUPING SETS ((x), ())", 3),
    ("SELECT x FROM t UNION SELECT x FROM t", 2),
    ("SELECT x FROM t UNION ALL SELECT x FROM t", 6),
    ("SELECT x FROM first INTERSECT SELECT x FROM second", 1),
    ("SELECT x FROM t INTERSECT ALL SELECT x FROM second", 1),
    ("SELECT x FROM first EXCEPT SELECT x FROM second", 0),
    ("SELECT x FROM t EXCEPT SELECT x FROM second", 1),
    ("SELECT x FROM t EXCEPT ALL SELECT x FROM second", 2),
    ("SELECT count(DISTINCT x) AS n FROM t HAVING count(DISTINCT x) = 1", 1),
    ("SELECT n FROM (SELECT count(*) OVER (PARTITION BY x) AS n FROM t) WHERE n = 2", 2),
    ("SELECT 1 FROM first CROSS JOIN second WHERE first.x IS DISTINCT FROM second.x", 0),
]
WITHOUT_NULL = ("zones", "nanoseconds", "times", "rows", "arrays of maps")


def _common(kind: str) -> str:
    first, second = PAIRS[kind]
    return (
        f"WITH first(x) AS (SELECT {first}), second(x) AS (SELECT {second}), "
        "t(x) AS (SELECT x FROM first UNION ALL SELECT x FROM second UNION ALL SELECT NULL)"
    )


@pytest.mark.parametrize(("query", "rows"), QUERIES)
@pytest.mark.parametrize("kind", PAIRS)
def test_equal_values_are_grouped_together(run: Run, kind: str, query: str, rows: int) -> None:
    assert len(run(f"{_common(kind)} {query}").rows) == rows


@pytest.mark.parametrize("join", ["CROSS JOIN second WHERE first.x = second.x", "JOIN second USING (x)"])
@pytest.mark.parametrize("kind", PAIRS)
def test_join_condition_is_three_valued(run: Run, kind: str, join: str) -> None:
    assert len(run(f"{_common(kind)} SELECT 1 FROM first {join}").rows) == (kind in WITHOUT_NULL)


def test_group_key_is_a_value_of_the_group(run: Run) -> None:
    rows = run(
        f"SELECT x, hour(x), count(*) FROM (VALUES {FIRST}, TIMESTAMP '2020-01-02 00:00:00 UTC') t(x) "
        "GROUP BY x ORDER BY x"
    ).rows

    assert rows == [["2020-01-01 12:00:00.000 +01:00", "12", "1"], ["2020-01-02 00:00:00.000 UTC", "0", "1"]]


@pytest.mark.parametrize("condition", ["IN (SELECT x FROM u)", "= ANY (SELECT x FROM u)", ">= ALL (SELECT x FROM u)"])
def test_subquery_compares_timestamps_as_instants(run: Run, condition: str) -> None:
    assert run(f"WITH u(x) AS (SELECT {SECOND}) SELECT {FIRST} {condition}").rows == [["true"]]


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("cardinality(array_distinct(ARRAY[a, b, NULL, NULL]))", "2"),
        ("cardinality(array_union(ARRAY[a], ARRAY[b, NULL]))", "2"),
        ("cardinality(array_intersect(ARRAY[a, NULL], ARRAY[b]))", "1"),
        ("cardinality(array_intersect(ARRAY[a], ARRAY[b, NULL, a]))", "1"),
        ("cardinality(array_except(ARRAY[a, NULL], ARRAY[b]))", "1"),
        ("arrays_overlap(ARRAY[a], ARRAY[b])", "true"),
        ("contains_sequence(ARRAY[NULL, a], ARRAY[b])", "true"),
        ("cardinality(array_agg(DISTINCT x))", "2"),
    ],
)
@pytest.mark.parametrize("kind", PAIRS)
def test_array_functions_count_equal_elements_once(run: Run, kind: str, expression: str, count: str) -> None:
    first, second = PAIRS[kind]
    values = f"(SELECT {first} AS x UNION ALL SELECT {second} UNION ALL SELECT NULL)"
    source = values if "DISTINCT" in expression else f"(SELECT {first} AS a, {second} AS b)"

    assert run(f"SELECT {expression} FROM {source}").rows == [[count]]
