"""Tests for special values, such as NaN, NULL in nested values, decimals and code points.

The tests also cover the limits of list functions.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Run, Table

PROFILE = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.text("aé信念𐐭 \u0301", max_size=6)


@PROFILE
@given(TEXTS, TEXTS, st.integers(1, 8))
def test_string_functions_count_code_points(run: Run, left: str, right: str, size: int) -> None:
    a, b = (f"'{side}'" for side in (left, right))
    answer = run(
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
EXPRESSIONS: list[tuple[str, str | None]] = [
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
    ("bitwise_right_shift(1, -1)", "0"),
    ("bitwise_right_shift(TINYINT '-1', 8)", "0"),
    ("bitwise_right_shift_arithmetic(-8, -63)", "-4"),
    ("bitwise_right_shift_arithmetic(-1, 64)", "-1"),
    ("bitwise_left_shift(1, 31)", "-2147483648"),
    ("bitwise_left_shift(1, 32)", "0"),
    ("bitwise_left_shift(1, 64)", "0"),
    ("bitwise_left_shift(3, -63)", "6"),
    ("bitwise_left_shift(TINYINT '3', 7)", "-128"),
    ("bitwise_left_shift(TINYINT '-1', 3)", "-8"),
    ("bitwise_left_shift(SMALLINT '1', 15)", "-32768"),
    ("bitwise_left_shift(BIGINT '3', 63)", "-9223372036854775808"),
    ("bitwise_left_shift(1, BIGINT '1')", "FUNCTION_NOT_FOUND"),
    ("x % y FROM (VALUES (-2147483648, -1)) t(x, y)", "0"),
    ("mod(x, y) FROM (VALUES (TINYINT '-128', TINYINT '-1')) t(x, y)", "0"),
    ("x % y FROM (VALUES (BIGINT '-9223372036854775808', -1)) t(x, y)", "0"),
    ("x % y FROM (VALUES (DECIMAL '2.5', -1)) t(x, y)", "0.5"),
    ("chr(55296)", "INVALID_FUNCTION_ARGUMENT"),
    ("json_parse('\"\\ud83d\"')", "NOT_SUPPORTED"),
    ("url_extract_protocol('hTTp://x')", "hTTp"),
    ("url_extract_path('mailto:a@b')", ""),
    ("url_extract_path('http://x/%zz')", None),
    ("url_extract_path('http://x/[a]')", None),
    ("url_extract_path('http:///x')", "/x"),
    ("url_extract_path('http://x/a+b%20ü')", "/a+b ü"),
    ("url_extract_host('http://a_b:80/c')", ""),
    ("url_extract_port('http://a_b:80/c')", None),
    ("url_extract_host('http://1.2.3.4:80/')", "1.2.3.4"),
    ("url_extract_host('http://1.2.3/')", ""),
    ("url_extract_host('http://user:p@[::1]:80/')", "[::1]"),
    ("url_extract_port('http://user:p@[::1]:80/')", "80"),
    ("url_extract_host('http://')", None),
    ("url_extract_host('1http://x')", None),
    ("url_extract_host('//x/y')", "x"),
    ("url_extract_query('http://x/?a=[b]%20c')", "a=[b] c"),
    ("url_extract_query('http://x')", ""),
    ("url_extract_fragment('mailto:x#%41')", "A"),
    ("url_extract_parameter('http://x/?a%20b=1', 'a b')", None),
    ("url_extract_parameter('http://x/?a=1+2%2B&b', 'a')", "1 2+"),
    ("url_extract_parameter('http://x/?b=c=d', 'b')", "c=d"),
    ("url_extract_parameter('http://x/?a&b', 'b')", ""),
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


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_special_values_return_the_expected_result_or_error(run: Run, expression: str, expected: str | None) -> None:
    try:
        shown = run(f"SELECT {expression}").rows[0][0]
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
def test_range_frame_accepts_a_numeric_offset(run: Run, frame: str, values: str, expected: list[str | None]) -> None:
    rows = run(f"SELECT sum(x) OVER (ORDER BY x {frame}) FROM ({values}) t(x) ORDER BY x").rows
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
def test_range_frame_accepts_an_interval_offset(run: Run, offset: str, values: str, expected: list[str] | str) -> None:
    frame = f"RANGE BETWEEN {offset} PRECEDING AND CURRENT ROW"
    sql = f"SELECT count(*) OVER (ORDER BY x {frame}) FROM (VALUES {values}) t(x) ORDER BY x"
    try:
        shown: list[str | None] | str = [row[0] for row in run(sql).rows]
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
def test_negative_frame_offset_is_rejected(run: Run, unit: str, sort: str, offset: str) -> None:
    for written in (offset, "y"):
        with pytest.raises(QueryFailure, match="INVALID_WINDOW_FRAME: Window frame offset value must not be negative"):
            run(
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
def test_string_results_stay_valid_in_outer_functions(run: Run, expression: str) -> None:
    rows = [[f"name=a text that is longer than twelve bytes, number {number % 7}"] for number in range(300)]
    tables = {"t": Table({"x": "varchar"}, rows)}
    bare = run(f"SELECT {expression} FROM t", tables).rows
    for around in (f"coalesce({expression}, 'none')", f"if({expression} IS NULL, 'none', {expression})"):
        assert run(f"SELECT {around} FROM t", tables).rows == bare
    gathered = run(f"SELECT coalesce(max({expression}), 'none') FROM t GROUP BY x", tables).rows
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
def test_array_functions_accept_lists_of_nulls(run: Run, expression: str, rows: list[list[str | None]]) -> None:
    kind = "array(array(integer))"
    pairs = [("NULL", "ARRAY[NULL]"), ("ARRAY[NULL]", "ARRAY[NULL]"), ("ARRAY[ARRAY[1]]", "ARRAY[ARRAY[1]]")]
    for (x, y), row in zip(pairs, rows, strict=True):
        constant = f"SELECT {expression} FROM (VALUES (CAST({x} AS {kind}), CAST({y} AS {kind}))) t(x, y)"
        assert run(constant).rows == [row], (x, y)
