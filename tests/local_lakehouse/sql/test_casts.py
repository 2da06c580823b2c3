"""Tests for casts and typed literals: accepted formats, rounding and failures."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Run

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
CASES = [
    *((f"'{text}'", target) for text in (*DIGITS, *WORDS) for target in ("double", "bigint", "decimal(4,2)", "date")),
    *((f"'{text}'", target) for text in (*DIGITS, *WORDS) for target in ("tinyint", "boolean")),
    *((number, target) for number in NUMBERS for target in ("tinyint", "bigint", "decimal(4,1)", "decimal(38,0)")),
    *((value, "decimal(2,2)") for value in ("true", "1", "DECIMAL '0.555'", "BIGINT '7'")),
    *((value, "smallint") for value in ("DECIMAL '1.5'", "DECIMAL '99999'", "BIGINT '-32769'", "true")),
]


def test_try_cast_returns_cast_value_or_null(run: Run) -> None:
    """TRY_CAST and TRY of CAST return the value of CAST, or NULL if CAST fails, even in a lambda.

    DuckDB 1.5.1 does not support TRY in lambdas, so the lakehouse generates different SQL for these expressions.
    """
    attempts = (
        "TRY_CAST({x} AS {target})",
        "TRY(CAST({x} AS {target}))",
        "transform(ARRAY[{x}], v -> TRY_CAST(v AS {target}))[1]",
        "transform(ARRAY[{x}], v -> TRY(CAST(v AS {target})))[1]",
    )
    found = [_cast(run, attempt, CASES) for attempt in attempts]
    assert found[1:] == [found[0]] * 3
    # A failed cast ends the whole query, so only casts that succeed share a query.
    done = [case for case, value in zip(CASES, found[0], strict=True) if value is not None]
    assert len(done) > 40
    assert _cast(run, "CAST({x} AS {target})", done) == [value for value in found[0] if value is not None]
    for value, target in [case for case in CASES if case not in done]:
        try:
            result = run(f"SELECT CAST(x AS {target}) FROM (VALUES {value}) t(x)").rows[0][0]
        except QueryFailure as failure:
            result = None if failure.name in ("INVALID_CAST_ARGUMENT", "NUMERIC_VALUE_OUT_OF_RANGE") else failure.name
        assert result is None, (value, target)


def _cast(run: Run, expression: str, cases: Sequence[tuple[str, str]]) -> list[str | None]:
    """Return the expression's value for each of the cases, which are columns of one row."""
    columns = [expression.format(x=f"x{number}", target=target) for number, (_, target) in enumerate(cases)]
    names = ", ".join(f"x{number}" for number in range(len(cases)))
    values = ", ".join(value for value, _ in cases)
    return run(f"SELECT {', '.join(columns)} FROM (VALUES ({values})) t({names})").rows[0]


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
def test_try_cast_in_a_lambda_returns_a_value_or_fails(run: Run, expression: str, expected: str) -> None:
    try:
        shown = run(f"SELECT {expression}").rows[0][0]
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
def test_number_outside_the_real_range_becomes_infinite(run: Run, expression: str, text: str) -> None:
    assert run(f"SELECT {expression}").rows == [[text]]


@pytest.mark.parametrize("read", ["CAST('{}' AS real)", "TRY_CAST('{}' AS real)", "REAL '{}'"])
def test_text_is_rounded_only_once_when_it_is_cast_to_real(run: Run, read: str) -> None:
    # The double nearest to this number is halfway between two reals, but the number itself is less than that double.
    assert run(f"SELECT {read.format('1.00000017881393432617187499')}").rows == [["1.0000001"]]


@pytest.mark.parametrize("type_", ["double", "real"])
def test_float_casts_ignore_surrounding_whitespace_and_control_characters(run: Run, type_: str) -> None:
    spaces = "chr(9) || chr(1) || ' {} ' || chr(10)"

    assert run(f"SELECT CAST({spaces.format('1.5d')} AS {type_}), TRY_CAST({spaces.format('-1')} AS {type_})").rows == [
        ["1.5", "-1.0"]
    ]
    refused = ["chr(160) || '1'", "'1' || chr(10) || '2'", "'NaNd'", "'1 d'", "CAST(NULL AS varchar)"]
    casts = ", ".join(f"TRY_CAST({text} AS {type_})" for text in refused)
    assert run(f"SELECT {casts}").rows == [[None] * len(refused)]


@pytest.mark.parametrize("literal", ["INTEGER '1_000'", "BIGINT ' 5'", "DECIMAL ' 1'", "BOOLEAN 'yes'", "REAL '1_0'"])
def test_invalid_typed_literal_is_rejected(run: Run, literal: str) -> None:
    with pytest.raises(QueryFailure, match="INVALID_LITERAL"):
        run(f"SELECT {literal}")


def test_boolean_literals_accept_letters_digits_and_words(run: Run) -> None:
    assert run("SELECT BOOLEAN 't', BOOLEAN 'F', BOOLEAN '1', BOOLEAN 'True'").rows == [
        ["true", "false", "true", "true"]
    ]
