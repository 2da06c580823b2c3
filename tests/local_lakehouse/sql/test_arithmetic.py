"""Tests for numbers, as documented at https://trino.io/docs/current/functions/math.html.

A literal with a decimal point is a double.
"""

import pytest

from tests.local_lakehouse.sql.conftest import Run


@pytest.mark.parametrize(
    ("expression", "text", "type_"),
    [
        ("7 / 2", "3", "integer"),
        ("-7 / 2", "-3", "integer"),
        ("7 / 2.0", "3.5", "double"),
        ("-9 % 4", "-1", "integer"),
        ("TINYINT '100' / TINYINT '7'", "14", "tinyint"),
        ("SMALLINT '3' * 5", "15", "integer"),
        ("2147483648", "2147483648", "bigint"),
        ("-9223372036854775808", "-9223372036854775808", "bigint"),
        ("0.1 + 0.2", "0.30000000000000004", "double"),
        ("1e20", "1.0E20", "double"),
        ("1e-7", "1.0E-7", "double"),
        ("123456.75", "123456.75", "double"),
        ("-0.0", "-0.0", "double"),
        ("1.0 / 0", "Infinity", "double"),
        ("0.0 / 0", "NaN", "double"),
        ("nan() = nan()", "false", "boolean"),
        ("nan() <> nan()", "true", "boolean"),
        ("nan() > 1.0", "false", "boolean"),
        ("REAL '0.1' + REAL '0.2'", "0.3", "real"),
        ("DECIMAL '1.5' + DECIMAL '2.25'", "3.75", "decimal(4,2)"),
        ("DECIMAL '1.5' - 1", "0.5", "decimal(12,1)"),
        ("DECIMAL '1.5' * DECIMAL '1.5'", "2.25", "decimal(4,2)"),
        ("DECIMAL '10.00' / DECIMAL '4'", "2.50", "decimal(4,2)"),
        ("DECIMAL '1.00' / DECIMAL '3.00'", "0.33", "decimal(5,2)"),
        ("DECIMAL '-2.00' / DECIMAL '3.00'", "-0.67", "decimal(5,2)"),
        ("DECIMAL '5.5' % DECIMAL '2'", "1.5", "decimal(2,1)"),
        ("DECIMAL '1.5' + 1.0", "2.5", "double"),
        ("abs(SMALLINT '-3')", "3", "smallint"),
        ("ceil(2.1)", "3.0", "double"),
        ("ceil(7)", "7", "integer"),
        ("floor(DECIMAL '-2.5')", "-3", "decimal(2,0)"),
        ("round(-0.5)", "-1.0", "double"),
        ("round(2.675, 2)", "2.68", "double"),
        ("round(0.49999999999999994)", "0.0", "double"),
        ("round(-4503599627370497.5)", "-4.503599627370498E15", "double"),
        ("round(3322.334781304659, 14)", "3322.3347813046594", "double"),
        ("round(-1.5, 400)", "-1.5", "double"),
        ("CAST(0.49999999999999994 AS integer)", "0", "integer"),
        ("round(155, -1)", "160", "integer"),
        ("round(DECIMAL '2.345', 1)", "2.300", "decimal(5,3)"),
        ("truncate(-2.78, 1)", "-2.7", "double"),
        ("sign(-2.5)", "-1.0", "double"),
        ("sign(-0.0)", "-0.0", "double"),
        ("power(1, nan())", "NaN", "double"),
        ("power(-1, infinity())", "NaN", "double"),
        ("power(nan(), 0)", "1.0", "double"),
        ("power(NULL, nan())", None, "double"),
        ("log2(3)", "1.5849625007211563", "double"),
        ("power(2, 0.5) = sqrt(2)", "true", "boolean"),
        ("sqrt(-4)", "NaN", "double"),
        ("ln(0)", "-Infinity", "double"),
        ("cbrt(64)", "4.0", "double"),
        ("log(3, 81)", "4.0", "double"),
        ("mod(10, 4)", "2", "integer"),
        ("width_bucket(2.5, ARRAY[1.0, 2.0, 3.0])", "2", "bigint"),
        ("width_bucket(1, 0, 4, 4)", "2", "bigint"),
        ("width_bucket(1, 4, 0, 4)", "3", "bigint"),
        ("width_bucket(0, 4, 0, 4)", "4", "bigint"),
        ("width_bucket(4, 4, 0, 4)", "0", "bigint"),
        ("width_bucket(-1, 4, 0, 4)", "5", "bigint"),
        ("from_base('zz', 36)", "1295", "bigint"),
        ("to_base(-10, 2)", "-1010", "varchar"),
        ("bitwise_and(6, 3) + bitwise_or(6, 3) + bitwise_xor(6, 3)", "14", "bigint"),
        ("bit_count(-1, 8)", "8", "bigint"),
        ("greatest(1, 2.5, BIGINT '2')", "2.5", "double"),
        ("least(3, NULL)", None, "integer"),
        ("is_nan(0.0 / 0.0)", "true", "boolean"),
        ("normal_cdf(0, 1, 0)", "0.5", "double"),
        ("wilson_interval_lower(1, 2, 0)", "0.5", "double"),
        ("wilson_interval_lower(0, 4, 2)", "0.0", "double"),
        ("wilson_interval_upper(0, 4, 2)", "0.5", "double"),
        ("wilson_interval_lower(1250, 1310, 1.96)", "0.9414883725395894", "double"),
        ("wilson_interval_upper(1250, 1310, 1.96)", "0.9642524717143908", "double"),
        ("wilson_interval_lower(2, 4, NULL)", None, "double"),
    ],
)
def test_arithmetic_returns_value_and_type(run: Run, expression: str, text: str | None, type_: str) -> None:
    answer = run(f"SELECT {expression} AS x")

    assert (answer.rows, answer.types) == ([[text]], [type_])


@pytest.mark.parametrize(
    ("expression", "text", "type_"),
    [
        ("CAST(2.5 AS integer)", "3", "integer"),
        ("CAST(-2.5 AS bigint)", "-3", "bigint"),
        ("CAST(DECIMAL '0.5' AS tinyint)", "1", "tinyint"),
        ("CAST('12' AS smallint)", "12", "smallint"),
        ("CAST('-1e3' AS double)", "-1000.0", "double"),
        ("CAST(' 7.5 ' AS double)", "7.5", "double"),
        ("CAST('Infinity' AS real)", "Infinity", "real"),
        ("CAST('12.345' AS decimal(4,1))", "12.3", "decimal(4,1)"),
        ("CAST(2.675 AS decimal(5,2))", "2.68", "decimal(5,2)"),
        ("CAST(1234567 AS varchar)", "1234567", "varchar"),
        ("CAST(DECIMAL '0.05' AS varchar)", "0.05", "varchar"),
        ("CAST(DECIMAL '-0.05' AS varchar)", "-0.05", "varchar"),
        ("CAST('abcdef' AS varchar(3))", "abc", "varchar(3)"),
        ("CAST('a' AS char(3)) || '|'", "a  |", "char(4)"),
        ("CAST('TRUE' AS boolean)", "true", "boolean"),
        ("CAST(0.0 AS boolean)", "false", "boolean"),
        ("CAST(true AS double)", "1.0", "double"),
        ("CAST(NULL AS array(integer))", None, "array(integer)"),
        ("TRY_CAST('x' AS integer)", None, "integer"),
        ("TRY_CAST('1.5' AS integer)", None, "integer"),
        ("TRY_CAST('99999999999' AS integer)", None, "integer"),
        ("TRY(CAST('x' AS date))", None, "date"),
        ("CAST(ARRAY[1, NULL] AS array(varchar))", "[1, null]", "array(varchar)"),
        ("CAST(MAP(ARRAY['a'], ARRAY['1']) AS map(varchar, integer))", "{a=1}", "map(varchar, integer)"),
        ("CAST(ROW('1', 2) AS row(a integer, b double))", "{a=1, b=2.0}", "row(a integer, b double)"),
    ],
)
def test_cast_returns_value_and_type(run: Run, expression: str, text: str | None, type_: str) -> None:
    answer = run(f"SELECT {expression} AS x")

    assert (answer.rows, answer.types) == ([[text]], [type_])


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("NULL AND false", "false"),
        ("NULL OR true", "true"),
        ("NULL AND true", None),
        ("NOT CAST(NULL AS boolean)", None),
        ("false AND 1 / 0 > 0", "false"),
        ("true OR 1 / 0 > 0", "true"),
        ("1 IN (2, NULL)", None),
        ("1 NOT IN (1, NULL)", "false"),
        ("NULL IS DISTINCT FROM NULL", "false"),
        ("1 BETWEEN NULL AND 0", "false"),
        ("coalesce(NULL, 1, 1 / 0)", "1"),
        ("IF(NULL, 'a', 'b')", "b"),
        ("CASE WHEN NULL THEN 1 END", None),
        ("nullif(1, 1.0)", None),
        ("(1, NULL) = (1, NULL)", None),
        ("(1, NULL) = (2, NULL)", "false"),
        ("ARRAY[1, NULL] = ARRAY[1, NULL]", None),
        ("ARRAY[1, 2] <> ARRAY[1, 3]", "true"),
        ("TRY(1 / 0)", None),
        ("TRY(CAST('a' AS integer) / 0)", None),
    ],
)
def test_conditions_follow_null_logic_and_short_circuit(run: Run, expression: str, text: str | None) -> None:
    assert run(f"SELECT {expression} AS x").rows == [[text]]


def test_deeply_nested_negations_are_evaluated(run: Run) -> None:
    depth = 40
    assert run(f"SELECT {'-(' * depth}x{')' * depth} FROM (VALUES 5) t(x)").rows == [["5"]]
