"""Nested values: NaN, NULL in arrays, rows and maps, decimals, code points, bounds of list functions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Ask, Table

PROFILE = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TRUTH = (True, False, None)
OPTIONAL = st.none() | st.integers(0, 2)


def _equal(left: Any, right: Any) -> bool | None:
    """Compare as SQL does: unknown if a NULL decides."""
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
def test_equality_is_three_valued_to_any_depth(ask: Ask, type_: str, data: st.DataObject) -> None:
    left, right = data.draw(NESTED[type_]), data.draw(NESTED[type_])
    a, b = _sql(left, type_), _sql(right, type_)
    equal = _equal(left, right)
    unequal = None if equal is None else not equal
    answer = ask(f"SELECT {a} = {b}, {a} <> {b}, {a} IN ({b}), {a} IS DISTINCT FROM {b}, nullif({a}, {b}) IS NULL")
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
def test_maps_are_compared_by_the_identity_of_their_keys(ask: Ask, left: str, right: str, equal: str) -> None:
    map_, other = (f"map(ARRAY[{key}], ARRAY[7])" for key in (left, right))
    unlike = f"map(ARRAY[{right}], ARRAY[8])"
    assert ask(f"SELECT {map_} = {other}, {map_} IN ({other}), {map_} = {unlike}").rows == [[equal, equal, "false"]]


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
def test_a_comparison_evaluates_its_operands_once(
    compile_sql: Callable[..., Compiled], operator: str, nested: str
) -> None:
    right = f"({nested})" if operator == "IN" else nested
    assert compile_sql(f"SELECT {nested} {operator} {right}").sql.count("athena_map(") == 2 * nested.count("map(")


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_an_order_evaluates_its_operands_once(compile_sql: Callable[..., Compiled], operator: str) -> None:
    nested = "ARRAY[ROW(ARRAY[regexp_extract_all('a', 'a')])]"
    assert compile_sql(f"SELECT {nested} {operator} {nested}").sql.count("regexp_extract_all(") == 2


@PROFILE
@given(st.lists(OPTIONAL, max_size=4), OPTIONAL)
def test_contains_and_position_follow_equality(ask: Ask, items: list[int | None], wanted: int | None) -> None:
    array, value = _sql(items, "array(integer)"), _sql(wanted, "integer")
    answer = ask(f"SELECT contains({array}, {value}), array_position({array}, {value}), array_remove({array}, {value})")
    found = None if wanted is None else True if wanted in items else None if None in items else False
    place = None if wanted is None else items.index(wanted) + 1 if wanted in items else 0
    rest = [("null" if item is None else str(item)) for item in items if item is None or item != wanted]
    removed = None if wanted is None else f"[{', '.join(rest)}]"
    assert answer.rows == [[_shown(found), None if place is None else str(place), removed]]


@pytest.mark.parametrize(("left", "right"), [*itertools.product(TRUTH, TRUTH)])
def test_logic_is_kleenes(ask: Ask, left: bool | None, right: bool | None) -> None:
    a, b = (f"CAST({'NULL' if side is None else side} AS boolean)" for side in (left, right))
    both = False if False in (left, right) else None if None in (left, right) else True
    either = True if True in (left, right) else None if None in (left, right) else False
    assert ask(f"SELECT {a} AND {b}, {a} OR {b}").rows == [[_shown(both), _shown(either)]]


@PROFILE
@given(st.lists(st.integers(-3, 3) | st.none(), max_size=7))
def test_a_comparator_decides_the_order(ask: Ask, items: list[int | None]) -> None:
    comparator = (
        "(x, y) -> CASE WHEN x IS NULL AND y IS NULL THEN 0 WHEN x IS NULL THEN -1 WHEN y IS NULL THEN 1 "
        "WHEN abs(x) < abs(y) THEN -1 WHEN abs(x) = abs(y) THEN 0 ELSE 1 END"
    )
    ordered = sorted(items, key=lambda item: (item is not None, abs(item or 0)))
    shown = ", ".join("null" if item is None else str(item) for item in ordered)
    assert ask(f"SELECT array_sort({_sql(items, 'array(integer)')}, {comparator})").rows == [[f"[{shown}]"]]


TEXTS = st.text("aé信念𐐭 \u0301", max_size=6)


@PROFILE
@given(TEXTS, TEXTS, st.integers(1, 8))
def test_texts_are_code_points(ask: Ask, left: str, right: str, size: int) -> None:
    a, b = (f"'{side}'" for side in (left, right))
    answer = ask(
        f"SELECT length({a}), reverse({a}), lpad({a}, {size}, 'é'), rpad({a}, {size}, 'é'), substr({a}, {size}), "
        f"levenshtein_distance({a}, {b}), translate({a}, 'é信', 'xy'), strpos({a}, {b}), {a} || {b}"
    )
    padding = "é" * max(0, size - len(left))
    assert answer.rows == [
        [
            str(len(left)),
            left[::-1],
            padding + left[:size],
            left[:size] + padding,
            left[size - 1 :],
            str(_distance(left, right)),
            left.translate({ord("é"): "x", ord("信"): "y"}),
            str(left.find(right) + 1),
            left + right,
        ]
    ]


def _distance(left: str, right: str) -> int:
    if not left or not right:
        return len(left) + len(right)
    same = _distance(left[1:], right[1:])
    return same if left[0] == right[0] else 1 + min(same, _distance(left[1:], right), _distance(left, right[1:]))


LONG = "(SELECT n, lpad('', 400000, 'x') AS x FROM UNNEST(sequence(1, 5)) s(n)) t"
CUT = "listagg(x, ',' ON OVERFLOW TRUNCATE '~' {} COUNT) WITHIN GROUP (ORDER BY n)"
SIBLINGS: list[tuple[str, str | None]] = [
    ("greatest(nan(), 5, 4)", "5.0"),
    ("least(nan(), 5, 4)", "4.0"),
    ("greatest(ROW(nan()), ROW(1e0))[1]", "1.0"),
    ("array_max(ARRAY[nan(), 2, 3])", "3.0"),
    ("array_min(ARRAY[nan(), 2, 3])", "2.0"),
    ("array_max(ARRAY[nan()])", "NaN"),
    ("array_max(ARRAY[REAL '1', REAL 'NaN'])", "1.0"),
    ("max(x) FROM (VALUES nan(), 1e0) t(x)", "1.0"),
    ("min(x) FROM (VALUES nan(), 1e0) t(x)", "1.0"),
    ("max_by(y, x) FROM (VALUES (nan(), 1), (1e0, 2)) t(x, y)", "2"),
    ("max(x, 2) FROM (VALUES nan(), 1e0, 2e0) t(x)", "[2.0, 1.0]"),
    ("array_agg(x ORDER BY x) FROM (VALUES nan(), 1e0) t(x)", "[1.0, NaN]"),
    ("count(*) FROM (SELECT DISTINCT x FROM (VALUES nan(), nan(), 1e0) t(x)) s", "2"),
    ("DOUBLE 'NaN' = DOUBLE 'NaN'", "false"),
    ("DOUBLE 'inf'", "INVALID_LITERAL"),
    ("DOUBLE '-Infinity'", "-Infinity"),
    ("mod(DECIMAL '5.0', DECIMAL '2.05')", "0.90"),
    ("mod(DECIMAL '5.0', DECIMAL '0')", "DIVISION_BY_ZERO"),
    ("CAST(x AS decimal(3, 3)) FROM (VALUES true) t(x)", "INVALID_CAST_ARGUMENT"),
    ("CAST(1e20 AS decimal(20, 0))", "INVALID_CAST_ARGUMENT"),
    ("CAST(DECIMAL '123.456' AS decimal(3, 1))", "INVALID_CAST_ARGUMENT"),
    ("TRY_CAST(x AS decimal(5, 2)) FROM (VALUES nan()) t(x)", None),
    ("TRY_CAST(true AS decimal(1, 1))", None),
    ("CAST(99.96e0 AS decimal(3, 1))", "INVALID_CAST_ARGUMENT"),
    ("CAST(INTEGER '1000' AS decimal(3, 0))", "INVALID_CAST_ARGUMENT"),
    ("-(TINYINT '-128')", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("-BIGINT '-9223372036854775808'", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("round(2147483647, -100)", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("row(1, CAST(NULL AS integer)) < row(1, 2)", "NOT_SUPPORTED"),
    ("row(1, CAST(NULL AS integer)) < row(2, 2)", "true"),
    ("ARRAY[1, NULL] < ARRAY[1, 2]", "NOT_SUPPORTED"),
    ("ARRAY[1, 2] <= ARRAY[1, 2, 3]", "true"),
    ("contains(ARRAY[ARRAY[1, NULL]], ARRAY[1, NULL])", "NOT_SUPPORTED"),
    ("array_position(ARRAY[1, 2, 1], 1, -1)", "3"),
    ("array_join(ARRAY[ROW(1, 2)], '-')", "FUNCTION_NOT_FOUND"),
    ("array_join(ARRAY[ARRAY[1]], '-')", "FUNCTION_NOT_FOUND"),
    ("format('%s', ARRAY[1])", "NOT_SUPPORTED"),
    ("map(ARRAY[1, 1], ARRAY[2, 3])", "INVALID_FUNCTION_ARGUMENT"),
    ("map_from_entries(ARRAY[])", "{}"),
    ("width_bucket(3e0, ARRAY[2e0, 1e0])", "INVALID_FUNCTION_ARGUMENT"),
    ("width_bucket(3e0, CAST(ARRAY[] AS array(double)))", "INVALID_FUNCTION_ARGUMENT"),
    ("regexp_replace('1234567890', '(1)(2)(3)(4)(5)(6)(7)(8)(9)(0)', '$10')", "0"),
    ("regexp_replace('ab', '(a)', '$10')", "a0b"),
    ("regexp_replace('ab', 'a', '$1')", "INVALID_FUNCTION_ARGUMENT"),
    ("regexp_replace('ab', '(?<x>a)', '${x}${x}')", "aab"),
    ("regexp_replace('abc', '(b)', x -> CAST(NULL AS varchar))", None),
    ("cardinality(combinations(sequence(1, 100), 5))", "INVALID_FUNCTION_ARGUMENT"),
    ("cardinality(combinations(sequence(1, 20), 4))", "4845"),
    ("sequence(1, 10001)", "INVALID_FUNCTION_ARGUMENT"),
    ("repeat('x', 10001)", "INVALID_FUNCTION_ARGUMENT"),
    ("repeat(lpad('', 200, 'x'), 9999)", "INVALID_FUNCTION_ARGUMENT"),
    ("length(lpad('a', 2000000000, 'x'))", "NOT_SUPPORTED"),
    ("lpad('a', 2147483648, 'x')", "INVALID_FUNCTION_ARGUMENT"),
    ("split('a', 'b', 2147483648)", "INVALID_FUNCTION_ARGUMENT"),
    ("to_hex(xxhash64(to_utf8('hello')))", "26C7827D889F6DA3"),
    ("to_hex(murmur3(to_utf8('hello')))", "029BBD41B3A7D8CB191DAE486A901E5B"),
    ("from_utf8(from_base32(to_base32(to_utf8('lake'))))", "lake"),
    ("bitwise_right_shift(TINYINT '-128', 1)", "64"),
    ("bitwise_right_shift(BIGINT '-1', 63)", "1"),
    ("from_ieee754_64(to_ieee754_64(-1.5e0))", "-1.5"),
    ("from_big_endian_32(to_big_endian_32(-7))", "-7"),
    ("approx_most_frequent(2, x, 10) FROM (VALUES 'a', 'b', 'a', 'c', 'b', 'a') t(x)", "{a=3, b=2}"),
    ("approx_most_frequent(2, x, 2) FROM (VALUES 'a', 'b', 'c') t(x)", "NOT_SUPPORTED"),
    ("approx_percentile(x, y) FROM (VALUES (1, 0.5e0), (2, 0.5e0), (3, 0.5e0)) t(x, y)", "2"),
    ("approx_percentile(x, 1e0, 0.5e0) FROM (VALUES 1) t(x)", "NOT_SUPPORTED"),
    ("parse_datetime('20180527', 'yyyyMMdd')", "2018-05-27 00:00:00.000 UTC"),
    ("parse_datetime('201805', 'yyyyMM')", "2018-05-01 00:00:00.000 UTC"),
    ("parse_datetime('2018527', 'yyyyMd')", "INVALID_FUNCTION_ARGUMENT"),
    ("parse_datetime('2024-W07-3', 'xxxx-''W''ww-e')", "2024-02-14 00:00:00.000 UTC"),
    ("parse_datetime('24', 'kk')", "1970-01-01 00:00:00.000 UTC"),
    ("array_agg(DISTINCT x) FROM (VALUES 5, 2, 5, 9, 1, 2) t(x)", "[1, 2, 5, 9]"),
    ("ROW('a', 1)", "{field0=a, field1=1}"),
    ("checksum(x) FROM (VALUES ROW(1)) t(x)", "93 8f c3 0a b5 2d e5 d4"),
    ("checksum(x) = checksum(y) FROM (VALUES (1, 3), (2, NULL), (3, 1), (NULL, 2)) t(x, y)", "true"),
    ("checksum(x) = checksum(y) FROM (VALUES (1, 1), (2, 3)) t(x, y)", "false"),
    ("checksum(x) FROM (SELECT 1 WHERE false) t(x)", None),
    ("checksum(x) FROM (VALUES ROW(ARRAY[1])) t(x)", "NOT_SUPPORTED"),
    ("listagg(x, '+' ON OVERFLOW TRUNCATE '…' WITH COUNT) WITHIN GROUP (ORDER BY x) FROM (VALUES 'b', 'a', NULL) t(x)",
     "a+b"),
    (f"substr({CUT.format('WITH')}, -5) FROM {LONG}", ",~(3)"),
    (f"substr({CUT.format('WITHOUT')}, -3) FROM {LONG}", "x,~"),
    ("listagg(x, ',') WITHIN GROUP (ORDER BY x) FROM (SELECT lpad('', 1048577, 'x') AS x) t",
     "EXCEEDED_FUNCTION_MEMORY_LIMIT"),
    ("listagg(x, ',' ON OVERFLOW ERROR) WITHIN GROUP (ORDER BY x) FROM (VALUES 'b', 'a') t(x)", "a,b"),
    ("abs(TINYINT '-128')", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("TRY_CAST(1 / (x - 1) AS varchar) FROM (VALUES 1) t(x)", "DIVISION_BY_ZERO"),
    ("TRY_CAST(lower(x) AS integer) FROM (VALUES 'A') t(x)", None),
    ("TRY(TRY_CAST(1 / (x - 1) AS varchar)) FROM (VALUES 1) t(x)", None),
    ("round(x, n) FROM (VALUES (DECIMAL '-12.355', 2)) t(x, n)", "-12.360"),
    ("round(x, n) FROM (VALUES (DECIMAL '155.5', -1)) t(x, n)", "160.0"),
    ("array_join(x, d) FROM (VALUES (ARRAY[1, NULL, 2], '-')) t(x, d)", "1-2"),
    ("array_join(x, d, '?') FROM (VALUES (ARRAY[1, NULL, 2], '-')) t(x, d)", "1-?-2"),
    ("array_join(x, d) FROM (VALUES (CAST(ARRAY[] AS array(integer)), '-')) t(x, d)", ""),
    ("concat_ws(d, x) FROM (VALUES (ARRAY['a', 'b'], '-')) t(x, d)", "a-b"),
    ("typeof('ab' || CAST('c' AS char(3)))", "char(5)"),
    ("concat('ab ', CAST(' ' AS char(1))) = 'ab'", "true"),
    ("ARRAY[ARRAY[1, 2], ARRAY[3]] < ARRAY[ARRAY[1, 2], ARRAY[3, 4]]", "true"),
    ("ARRAY[ARRAY[ARRAY[2]]] >= ARRAY[ARRAY[ARRAY[1], ARRAY[9]]]", "true"),
    ("map(ARRAY[1], ARRAY[map(ARRAY[1], ARRAY[3])]) = map(ARRAY[1], ARRAY[map(ARRAY[1], ARRAY[4])])", "false"),
    ("spooky_hash_v2_32(X'00')", "NOT_SUPPORTED"),
    ("ltrim(CAST('  ab' AS char(4))) = 'ab'", "true"),
    ("typeof(ltrim(CAST('  ab' AS char(4))))", "char(4)"),
    ("typeof(split('a.b', '.'))", "array(varchar(3))"),
    ("CAST(chr(0) AS char(1)) < CAST('' AS char(1))", "true"),
    ("zip(CAST(NULL AS array(integer)), ARRAY[1])", None),
    ("zip_with(CAST(NULL AS array(integer)), ARRAY[1], (x, y) -> y)", None),
    ("cardinality(zip(ARRAY[1], ARRAY[2], ARRAY[3], ARRAY[4], ARRAY[5, 6]))", "2"),
    ("array_intersect(ARRAY[8, 1, 4, 5], ARRAY[4, 5, 8, 9, 3])", "[4, 5, 8]"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), SIBLINGS)
def test_sibling(ask: Ask, expression: str, expected: str | None) -> None:
    try:
        shown = ask(f"SELECT {expression}").rows[0][0]
    except QueryFailure as failure:
        shown = failure.name
    assert shown == expected


FRAMES = [
    ("RANGE BETWEEN 0.5e0 PRECEDING AND CURRENT ROW", "VALUES 1, 2", ["1", "2"]),
    ("RANGE BETWEEN DECIMAL '1.5' PRECEDING AND CURRENT ROW", "VALUES 1, 2, 4", ["1", "3", "4"]),
    ("RANGE BETWEEN 1 PRECEDING AND CURRENT ROW", "VALUES DECIMAL '1.5', DECIMAL '2.5'", ["1.5", "4.0"]),
    ("RANGE BETWEEN 2 PRECEDING AND 1 PRECEDING", "VALUES TINYINT '-128', TINYINT '-127'", [None, "-128"]),
]


@pytest.mark.parametrize(("frame", "values", "expected"), FRAMES)
def test_a_range_is_as_wide_as_its_offset(ask: Ask, frame: str, values: str, expected: list[str | None]) -> None:
    rows = ask(f"SELECT sum(x) OVER (ORDER BY x {frame}) FROM ({values}) t(x) ORDER BY x").rows
    assert [row[0] for row in rows] == expected


@pytest.mark.parametrize(
    ("offset", "values", "expected"),
    [
        ("INTERVAL '1' DAY", "DATE '2020-01-01', DATE '2020-01-02', DATE '2020-01-04'", ["1", "2", "1"]),
        ("INTERVAL '1' MONTH", "DATE '2020-01-31', DATE '2020-02-29', DATE '2020-03-30'", ["1", "2", "2"]),
        ("INTERVAL '0.5' SECOND", "TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2020-01-01 00:00:00.5'", ["1", "2"]),
        (
            "INTERVAL '1' DAY",
            "TIMESTAMP '2020-01-01 00:00:00 UTC', TIMESTAMP '2020-01-02 00:00:00 Europe/Berlin'",
            ["1", "2"],
        ),
        ("INTERVAL '1' MONTH", "INTERVAL '1' MONTH, INTERVAL '2' MONTH, INTERVAL '5' YEAR", ["1", "2", "1"]),
        ("INTERVAL '1' HOUR", "INTERVAL '30' MINUTE, INTERVAL '90' MINUTE", ["1", "2"]),
        ("INTERVAL '1' HOUR", "DATE '2020-01-01'", "INVALID_FUNCTION_ARGUMENT"),
        ("INTERVAL '1' MONTH", "TIMESTAMP '2020-01-01 00:00:00 UTC'", "NOT_SUPPORTED"),
        ("INTERVAL '1' DAY", "TIMESTAMP '2020-01-01 00:00:00.123456789'", "NOT_SUPPORTED"),
        ("INTERVAL '1' HOUR", "TIME '01:00:00'", "NOT_SUPPORTED"),
        ("INTERVAL '1' HOUR", "1", "TYPE_MISMATCH"),
        ("INTERVAL '1' HOUR", "INTERVAL '1' MONTH", "TYPE_MISMATCH"),
    ],
)
def test_a_range_over_moments(ask: Ask, offset: str, values: str, expected: list[str] | str) -> None:
    frame = f"RANGE BETWEEN {offset} PRECEDING AND CURRENT ROW"
    sql = f"SELECT count(*) OVER (ORDER BY x {frame}) FROM (VALUES {values}) t(x) ORDER BY x"
    try:
        shown: list[str | None] | str = [row[0] for row in ask(sql).rows]
    except QueryFailure as failure:
        shown = failure.name
    assert shown == expected


@pytest.mark.parametrize(
    ("unit", "sort", "offset"),
    [
        ("ROWS", "1", "-1"),
        ("GROUPS", "1", "CAST(NULL AS integer)"),
        ("RANGE", "1", "-1"),
        ("RANGE", "1", "CAST(NULL AS integer)"),
        ("RANGE", "1", "-1.5"),
        ("RANGE", "1", "DECIMAL '-1.5'"),
        ("RANGE", "1.0", "nan()"),
        ("RANGE", "DATE '2020-01-01'", "INTERVAL '-1' DAY"),
        ("RANGE", "DATE '2020-01-01'", "INTERVAL '-1' MONTH"),
        ("RANGE", "INTERVAL '1' MONTH", "INTERVAL '-1' MONTH"),
    ],
)
def test_a_frames_offset_is_not_negative(ask: Ask, unit: str, sort: str, offset: str) -> None:
    for written in (offset, "y"):
        with pytest.raises(QueryFailure, match="INVALID_WINDOW_FRAME: Window frame offset value must not be negative"):
            ask(
                f"SELECT count(*) OVER (ORDER BY x {unit} {written} PRECEDING) FROM (VALUES ({sort}, {offset})) t(x, y)"
            )


@pytest.mark.parametrize(
    "expression",
    [
        "json_format(json_parse('\"' || x || '\"'))",
        "url_encode(x)",
        "normalize(x)",
        "reverse(x)",
        "split_to_map(x, ';', '=')['name']",
        "json_extract_scalar('{\"a\": \"' || x || '\"}', '$.a')",
        "regexp_replace(x, '(\\d+)', '<$1>')",
        "from_utf8(to_utf8(x))",
    ],
)
def test_a_texts_memory_outlives_the_function_that_made_it(ask: Ask, expression: str) -> None:
    rows = [[f"name=a text that is longer than twelve bytes, number {number % 7}"] for number in range(300)]
    tables = {"t": Table({"x": "varchar"}, rows)}
    bare = ask(f"SELECT {expression} FROM t", tables).rows
    for around in (f"coalesce({expression}, 'none')", f"if({expression} IS NULL, 'none', {expression})"):
        assert ask(f"SELECT {around} FROM t", tables).rows == bare
    gathered = ask(f"SELECT coalesce(max({expression}), 'none') FROM t GROUP BY x", tables).rows
    assert sorted(gathered) == sorted(map(list, {tuple(row) for row in bare}))


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("x = y", [[None], [None], ["true"]]),
        ("zip(x, y)", [[None], ["[{field0=null, field1=null}]"], ["[{field0=[1], field1=[1]}]"]]),
        ("zip_with(x, y, (a, b) -> coalesce(a, b))", [[None], ["[null]"], ["[[1]]"]]),
        ("array_remove(y, ARRAY[1])", [["[null]"], ["[null]"], ["[]"]]),
    ],
)
def test_lists_of_nulls_are_paired(ask: Ask, expression: str, rows: list[list[str | None]]) -> None:
    kind = "array(array(integer))"
    pairs = [("NULL", "ARRAY[NULL]"), ("ARRAY[NULL]", "ARRAY[NULL]"), ("ARRAY[ARRAY[1]]", "ARRAY[ARRAY[1]]")]
    for (x, y), row in zip(pairs, rows, strict=True):
        constant = f"SELECT {expression} FROM (VALUES (CAST({x} AS {kind}), CAST({y} AS {kind}))) t(x, y)"
        assert ask(constant).rows == [row], (x, y)


DIGITS = (
    "1",
    "-5",
    " 1",
    "300",
    "9223372036854775808",
    "1e3",
    "1e400",
    "5.555",
    ".5",
    "-",
    "1d",
    "NaN",
    "Infinity",
    "x",
    "",
)
WORDS = ("t", "FALSE", "yes", "2020-02-29", "2020-02-30", " 2020-1-2 ", "2020")
NUMBERS = ("1.5", "-2.5", "0.0", "127.5", "1e10", "1e19", "1e300", "nan()", "infinity()")
TRIED = [
    *((f"'{text}'", target) for text in (*DIGITS, *WORDS) for target in ("double", "bigint", "decimal(4,2)", "date")),
    *((f"'{text}'", target) for text in (*DIGITS, *WORDS) for target in ("tinyint", "boolean")),
    *((number, target) for number in NUMBERS for target in ("tinyint", "bigint", "decimal(4,1)", "decimal(38,0)")),
    *((value, "decimal(2,2)") for value in ("true", "1", "DECIMAL '0.555'", "BIGINT '7'")),
    *((value, "smallint") for value in ("DECIMAL '1.5'", "DECIMAL '99999'", "BIGINT '-32769'", "true")),
]


def test_try_cast_is_cast_or_null(ask: Ask) -> None:
    """TRY_CAST, TRY of CAST, and both in a lambda agree with CAST, for which DuckDB 1.5.1 needs different SQL."""
    for value, target in TRIED:
        try:
            expected = ask(f"SELECT CAST(x AS {target}) FROM (VALUES {value}) t(x)").rows[0][0]
        except QueryFailure as failure:
            expected = None if failure.name in ("INVALID_CAST_ARGUMENT", "NUMERIC_VALUE_OUT_OF_RANGE") else failure.name
        columns = (
            f"TRY_CAST(x AS {target})",
            f"TRY(CAST(x AS {target}))",
            f"transform(ARRAY[x], v -> TRY_CAST(v AS {target}))[1]",
            f"transform(ARRAY[x], v -> TRY(CAST(v AS {target})))[1]",
        )
        found = ask(f"SELECT {', '.join(columns)} FROM (VALUES {value}) t(x)").rows[0]
        assert found == [expected] * 4, (value, target)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("filter(ARRAY['1', 'x', '-2'], v -> TRY_CAST(v AS double) > 0)", "[1]"),
        ("reduce(ARRAY['1', 'b', '3'], 0, (s, v) -> s + coalesce(TRY_CAST(v AS integer), 0), s -> s)", "4"),
        ("transform_values(MAP(ARRAY['a'], ARRAY['z']), (k, v) -> TRY_CAST(v AS bigint))", "{a=null}"),
        ("transform(ARRAY[ARRAY['1', 'z']], v -> transform(v, w -> TRY_CAST(w AS integer)))", "[[1, null]]"),
        ("transform(ARRAY['{\"a\": 1}', '{}'], v -> json_value(v, 'lax $.a' RETURNING integer))", "[1, null]"),
        ("transform(ARRAY[1, 0], v -> TRY_CAST(CAST(10 / v AS varchar) AS integer))", "DIVISION_BY_ZERO"),
        ("CAST('x' AS decimal(3,1))", "INVALID_CAST_ARGUMENT: Cannot cast VARCHAR 'x' to DECIMAL(3, 1). Value is not"),
        (
            "CAST('1000' AS decimal(3,1))",
            "INVALID_CAST_ARGUMENT: Cannot cast VARCHAR '1000' to DECIMAL(3, 1). Value too",
        ),
    ],
)
def test_try_cast_in_a_lambda(ask: Ask, expression: str, expected: str) -> None:
    try:
        shown = ask(f"SELECT {expression}").rows[0][0]
    except QueryFailure as failure:
        shown = str(failure)[: len(expected)]
    assert shown == expected


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("CAST(1e300 AS real)", "Infinity"),
        ("TRY_CAST(-1e300 AS real)", "-Infinity"),
        ("CAST(3.40282356779733661e38 AS real)", "Infinity"),
        ("CAST(3.40282356779733623e38 AS real)", "3.4028235E38"),
        ("CAST(nan() AS real)", "NaN"),
        ("CAST('3.4e39' AS real)", "Infinity"),
        ("TRY_CAST('-3.4e39' AS real)", "-Infinity"),
        ("CAST(JSON '3.4e39' AS real)", "Infinity"),
        ("CAST(ARRAY[1e300, NULL] AS array(real))", "[Infinity, null]"),
        ("transform(ARRAY['3.4e39', 'x'], v -> TRY_CAST(v AS real))", "[Infinity, null]"),
        ("(SELECT sum(x) FROM (VALUES REAL '3e38', REAL '3e38') t(x))", "Infinity"),
    ],
)
def test_a_number_beyond_real_is_infinite(ask: Ask, expression: str, text: str) -> None:
    assert ask(f"SELECT {expression}").rows == [[text]]


@pytest.mark.parametrize("read", ["CAST('{}' AS real)", "TRY_CAST('{}' AS real)", "REAL '{}'"])
def test_text_is_rounded_to_real_once(ask: Ask, read: str) -> None:
    # As a double, the number is halfway between two reals; its digits are below that.
    assert ask(f"SELECT {read.format('1.00000017881393432617187499')}").rows == [["1.0000001"]]


@pytest.mark.parametrize("type_", ["double", "real"])
def test_floats_ignore_the_spaces_and_controls_around_them(ask: Ask, type_: str) -> None:
    spaces = "chr(9) || chr(1) || ' {} ' || chr(10)"

    assert ask(f"SELECT CAST({spaces.format('1.5d')} AS {type_}), TRY_CAST({spaces.format('-1')} AS {type_})").rows == [
        ["1.5", "-1.0"]
    ]
    refused = ["chr(160) || '1'", "'1' || chr(10) || '2'", "'NaNd'", "'1 d'", "CAST(NULL AS varchar)"]
    casts = ", ".join(f"TRY_CAST({text} AS {type_})" for text in refused)
    assert ask(f"SELECT {casts}").rows == [[None] * len(refused)]


@pytest.mark.parametrize("literal", ["INTEGER '1_000'", "BIGINT ' 5'", "DECIMAL ' 1'", "BOOLEAN 'yes'", "REAL '1_0'"])
def test_a_literal_is_read_as_a_cast_reads_text(ask: Ask, literal: str) -> None:
    with pytest.raises(QueryFailure, match="INVALID_LITERAL"):
        ask(f"SELECT {literal}")


def test_literals_of_truth(ask: Ask) -> None:
    assert ask("SELECT BOOLEAN 't', BOOLEAN 'F', BOOLEAN '1', BOOLEAN 'True'").rows == [
        ["true", "false", "true", "true"]
    ]
