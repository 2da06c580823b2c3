"""Tests that identical map keys count as one key, and that lookups find equal keys.

The results do not depend on how DuckDB compares the keys.
"""

from __future__ import annotations

import pytest

from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Run, Table
from tests.local_lakehouse.sql.test_equal_values import PAIRS, WITHOUT_NULL

# The values contain no NULLs, because no key can contain a NULL.
KEYS = {name: PAIRS[name] for name in WITHOUT_NULL} | {
    "texts of fixed length": ("CAST('a' AS char(3))", "CAST('a  ' AS char(3))"),
    "zeros": ("0e0", "-0e0"),
}
# These expressions use two identical keys, a and b.
SAME = [
    ("map(ARRAY[a], ARRAY[1])[b]", "1"),
    ("element_at(map(ARRAY[a], ARRAY[1]), b)", "1"),
    ("cardinality(map_concat(map(ARRAY[a], ARRAY[1]), map(ARRAY[b], ARRAY[2])))", "1"),
    ("map_values(map_concat(map(ARRAY[a], ARRAY[1]), map(ARRAY[b], ARRAY[2])))", "[2]"),
    ("map_values(map_zip_with(map(ARRAY[a], ARRAY[1]), map(ARRAY[b], ARRAY[2]), (k, x, y) -> x * 10 + y))", "[12]"),
    ("map_values(array_histogram(ARRAY[a, NULL, b]))", "[2]"),
    ("map_values(multimap_from_entries(ARRAY[ROW(a, 1), ROW(b, 2)]))", "[[1, 2]]"),
]
# These aggregates read the rows (a, 1), (b, 2) and (NULL, 3).
AGGREGATES = [
    ("map_values(map_agg(k, v ORDER BY v))", "[1]"),
    ("map_values(multimap_agg(k, v ORDER BY v))", "[[1, 2]]"),
    ("map_values(histogram(k))", "[2]"),
    ("map_values(map_union(CASE WHEN k IS NOT NULL THEN map(ARRAY[k], ARRAY['x']) END))", "[x]"),
]
REPEATED = [
    "map(ARRAY[a, b], ARRAY[1, 2])",
    "map_from_entries(ARRAY[ROW(a, 1), ROW(b, 2)])",
    "transform_keys(map(ARRAY[1, 2], ARRAY[1, 2]), (k, v) -> CASE k WHEN 1 THEN a ELSE b END)",
]


@pytest.mark.parametrize(("expression", "text"), SAME)
@pytest.mark.parametrize("kind", KEYS)
def test_identical_keys_become_one_entry(run: Run, kind: str, expression: str, text: str) -> None:
    first, second = KEYS[kind]
    assert run(f"SELECT {expression} FROM (VALUES ({first}, {second})) t(a, b)").rows == [[text]]


@pytest.mark.parametrize("over", ["", " OVER ()"])
@pytest.mark.parametrize(("aggregate", "text"), AGGREGATES)
@pytest.mark.parametrize("kind", KEYS)
def test_aggregates_combine_identical_keys(run: Run, kind: str, aggregate: str, text: str, over: str) -> None:
    first, second = KEYS[kind]
    call = aggregate.replace(" ORDER BY v", "").removesuffix(")") + f"{over})" if over else aggregate
    rows = run(f"SELECT {call} FROM (VALUES ({first}, 1), ({second}, 2), (NULL, 3)) t(k, v)").rows
    assert rows == [[text]] * (3 if over else 1)


@pytest.mark.parametrize("expression", REPEATED)
@pytest.mark.parametrize("kind", KEYS)
def test_duplicate_keys_are_rejected(run: Run, kind: str, expression: str) -> None:
    first, second = KEYS[kind]
    with pytest.raises(QueryFailure, match="INVALID_FUNCTION_ARGUMENT: Duplicate map keys"):
        run(f"SELECT {expression} FROM (VALUES ({first}, {second})) t(a, b)")


@pytest.mark.parametrize(
    "expression",
    [
        (
            "CAST(map(ARRAY['2020-01-01 12:00:00 +01:00', '2020-01-01 11:00:00 UTC'], ARRAY[1, 2]) AS "
            "map(timestamp with time zone, integer))"
        ),
        "CAST(map(ARRAY['1', '01'], ARRAY[1, 2]) AS map(integer, integer))",
        'CAST(JSON \'{"1": 1, "01": 2}\' AS map(integer, integer))',
        "map(ARRAY[nan(), nan()], ARRAY[1, 2])",
    ],
)
def test_cast_rejects_duplicate_keys(run: Run, expression: str) -> None:
    with pytest.raises(QueryFailure, match="Duplicate map keys"):
        run(f"SELECT {expression}")


def test_nan_key_becomes_one_entry_but_cannot_be_looked_up(run: Run) -> None:
    row = run(
        "SELECT element_at(m, nan()), element_at(m, 1e0), cardinality(map_concat(m, m)) "
        "FROM (SELECT map(ARRAY[nan(), 1e0], ARRAY[1, 2]) AS m)"
    ).rows[0]
    assert row == [None, "2", "2"]
    with pytest.raises(QueryFailure, match="Key not present in map: NaN"):
        run("SELECT map(ARRAY[nan()], ARRAY[1])[nan()]")


def test_map_concat_returns_the_keys_of_the_last_map_first(run: Run) -> None:
    query = (
        "SELECT map_keys(map_concat(map(ARRAY[1], ARRAY[1]), map(ARRAY[2, 1], ARRAY[2, 2]), map(ARRAY[3], ARRAY[3])))"
    )
    assert run(query).rows == [["[3, 2, 1]"]]


def test_missing_key_error_contains_the_time_zone(run: Run) -> None:
    with pytest.raises(QueryFailure, match="Key not present in map: 2020-01-01 11:00:01 UTC"):
        run("SELECT map(ARRAY[TIMESTAMP '2020-01-01 12:00:00 UTC'], ARRAY[1])[TIMESTAMP '2020-01-01 11:00:01 UTC']")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("map_agg(transform(ARRAY[a], x -> x + a), a)", "{[0]=0, [2]=1}"),
        ("multimap_agg(transform(ARRAY[a], x -> x + a), a)", "{[0]=[0], [2]=[1]}"),
        ("map_union(map(ARRAY[a], ARRAY[a]))", "{0=0, 1=1}"),
        ("histogram(transform(ARRAY[a], x -> x + a))", "{[0]=1, [2]=1}"),
        ("entropy(cardinality(filter(ARRAY[a], x -> x >= a)))", "1.0"),
        ("approx_percentile(reduce(ARRAY[a], 0, (s, x) -> s + x, s -> s), ARRAY[0.0, 1.0])", "[0, 1]"),
        ("cardinality(array_agg(DISTINCT transform(ARRAY[a], x -> from_unixtime(x + a, 'UTC'))))", "2"),
    ],
)
def test_aggregate_arguments_can_contain_lambdas(run: Run, call: str, text: str) -> None:
    """The argument of an aggregate can contain a lambda.

    DuckDB 2.0 fails if a lambda captures an aggregate whose argument contains a lambda.
    """
    rows = run(f"SELECT {call} FROM t", {"t": Table({"a": "integer"}, [[0], [1]])}).rows
    assert rows == [[text]]


@pytest.mark.parametrize("type_", ["double", "real", "array(double)"])
def test_histogram_counts_nan_as_one_value(run: Run, type_: str) -> None:
    value = f"CAST({'ARRAY[x]' if type_.startswith('array') else 'x'} AS {type_})"
    rows = "(VALUES nan(), 0e0, nan(), -0e0, 1e0, -0e0) t(x)"

    counts = run(f"SELECT array_sort(map_values(histogram({value}))) FROM {rows}")

    assert counts.rows == [["[1, 2, 3]"]]


@pytest.mark.parametrize(
    "expression",
    [
        "map(ARRAY[ROW(1, NULL)], ARRAY[1])",
        "map(ARRAY[ARRAY[1, NULL]], ARRAY[1])",
        "map_from_entries(ARRAY[ROW(ARRAY[NULL], 1)])",
        "multimap_from_entries(ARRAY[ROW(ARRAY[NULL], 1)])",
    ],
)
def test_key_that_contains_null_is_rejected(run: Run, expression: str) -> None:
    with pytest.raises(QueryFailure, match="map key cannot be indeterminate"):
        run(f"SELECT {expression}")


def test_map_functions_return_null_for_a_null_map(run: Run) -> None:
    calls = (
        "map_zip_with(m, n, (k, x, y) -> 1), map_zip_with(n, m, (k, x, y) -> 1), map_concat(m, n), map_concat(n, m), "
        "map_filter(n, (k, v) -> TRUE), transform_keys(n, (k, v) -> k), transform_values(n, (k, v) -> v)"
    )
    query = f"SELECT {calls} FROM (SELECT map(ARRAY[1], ARRAY[1]) AS m, CAST(NULL AS map(integer, integer)) AS n)"
    assert run(query).rows == [[None] * 7]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("array_histogram(ARRAY[])", "{}"),
        ("array_histogram(ARRAY[NULL, NULL])", "{}"),
        ("array_histogram(CAST(ARRAY[NULL] AS array(varchar)))", "{}"),
        ("map_from_entries(ARRAY[])", "{}"),
        ("multimap_from_entries(ARRAY[])", "{}"),
        ("multimap_from_entries(ARRAY[ROW(1, NULL), ROW(1, NULL)])", "{1=[null, null]}"),
        ("map_concat(map(ARRAY[1], ARRAY[NULL]), map(ARRAY[1], ARRAY[NULL]))", "{1=null}"),
    ],
)
def test_map_functions_accept_empty_lists_and_nulls(run: Run, expression: str, text: str) -> None:
    assert run(f"SELECT {expression}").rows == [[text]]
