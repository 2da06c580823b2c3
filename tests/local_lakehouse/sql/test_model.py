"""Tests for random expressions, compared with an independent Python model of the documented semantics."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Run

SIZES = {"tinyint": 2**7, "smallint": 2**15, "integer": 2**31, "bigint": 2**63}
ORDER = list(SIZES)
PROFILE = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Failure(Exception):
    """A failure that the model predicts for Athena."""


@dataclass(frozen=True)
class Number:
    """An integer SQL expression with its type and the model's result.

    The result is a value, None, or a failure.
    """

    sql: str
    type: str
    value: int | Failure | None


def _checked(value: int, type_: str) -> int | Failure:
    return value if -SIZES[type_] <= value < SIZES[type_] else Failure("NUMERIC_VALUE_OUT_OF_RANGE")


def _combined(operator: str, left: Number, right: Number) -> Number:
    type_ = max(left.type, right.type, key=ORDER.index)
    sql = f"({left.sql} {operator} {right.sql})"
    for side, other in ((left.value, right.value), (right.value, left.value)):
        if isinstance(side, Failure):
            # Trino does not specify whether a failing operand is evaluated if the other operand is NULL.
            return Number(sql, type_, Failure("PERHAPS") if other is None else side)
    if left.value is None or right.value is None:
        return Number(sql, type_, None)
    a, b = int(left.value), int(right.value)  # type: ignore[arg-type]
    if operator in "/%" and b == 0:
        return Number(sql, type_, Failure("DIVISION_BY_ZERO"))
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if b else 0
    value = {"+": a + b, "-": a - b, "*": a * b, "/": quotient, "%": a - quotient * b}[operator]
    return Number(sql, type_, _checked(value, type_))


def _leaf(type_: str, value: int | None) -> Number:
    return Number(f"CAST({'NULL' if value is None else value} AS {type_})", type_, value)


_leaves = st.sampled_from(ORDER).flatmap(
    lambda type_: (
        st.none().map(lambda value: _leaf(type_, value))
        | st.integers(-SIZES[type_], SIZES[type_] - 1).map(lambda value: _leaf(type_, value))
        | st.integers(-9, 9).map(lambda value: _leaf(type_, value))
    )
)
_numbers = st.recursive(
    _leaves, lambda inner: st.builds(_combined, st.sampled_from("+-*/%"), inner, inner), max_leaves=5
)


def _outcome(run: Run, sql: str) -> tuple[Any, str]:
    try:
        answer = run(f"SELECT {sql} AS x")
    except QueryFailure as failure:
        return failure.name, ""
    return answer.rows[0][0], answer.types[0]


@PROFILE
@given(_numbers)
def test_integer_expressions_match_the_model(run: Run, number: Number) -> None:
    found, type_ = _outcome(run, number.sql)

    if isinstance(number.value, Failure):
        # Trino does not specify which of two failures occurs, but one of them must occur.
        perhaps = {None} if "NULL" in number.sql else set()
        assert found in {"DIVISION_BY_ZERO", "NUMERIC_VALUE_OUT_OF_RANGE", *perhaps}
    else:
        assert found == (None if number.value is None else str(number.value))
        assert type_ == number.type


_decimals = st.decimals(-9999, 9999, allow_nan=False, allow_infinity=False, places=2)


@PROFILE
@given(_decimals, _decimals, st.sampled_from("+-*"))
def test_decimals_are_exact(run: Run, left: Decimal, right: Decimal, operator: str) -> None:
    found, type_ = _outcome(run, f"DECIMAL '{left:f}' {operator} DECIMAL '{right:f}'")

    expected = {"+": left + right, "-": left - right, "*": left * right}[operator]
    assert Decimal(found) == expected
    assert type_.endswith(",4)" if operator == "*" else ",2)")


@PROFILE
@given(_decimals, st.integers(0, 3))
def test_decimals_are_rounded_half_away_from_zero(run: Run, value: Decimal, digits: int) -> None:
    found, _ = _outcome(run, f"CAST(DECIMAL '{value:f}' AS decimal(10, {digits}))")

    assert Decimal(found) == value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


@PROFILE
@given(st.decimals(-(10**6), 10**6, allow_nan=False, allow_infinity=False, places=1))
def test_doubles_are_rounded_half_away_from_zero(run: Run, value: Decimal) -> None:
    found, type_ = _outcome(run, f"CAST(DOUBLE '{value:f}' AS bigint)")

    assert (Decimal(found), type_) == (value.quantize(Decimal(1), rounding=ROUND_HALF_UP), "bigint")


@PROFILE
@given(st.text(alphabet="0123456789+- .ex", max_size=6))
def test_text_is_cast_to_an_integer_or_rejected(run: Run, text: str) -> None:
    sign, digits = text[:1] if text[:1] in ("+", "-") else "", text.lstrip("+-") if text[:1] in ("+", "-") else text
    valid = digits.isdigit() and not text[len(sign) :].startswith(("+", "-"))

    found, _ = _outcome(run, f"CAST('{text}' AS integer)")

    assert found == (str(int(text)) if valid else "INVALID_CAST_ARGUMENT")
    assert _outcome(run, f"TRY_CAST('{text}' AS integer)")[0] == (str(int(text)) if valid else None)


_dates = st.dates(date(1970, 1, 1), date(2100, 12, 31))


def _months_later(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


@PROFILE
@given(_dates, st.integers(-500, 500), st.integers(-60, 60))
def test_days_and_months_are_added_to_dates(run: Run, start: date, days: int, months: int) -> None:
    assert _outcome(run, f"DATE '{start}' + INTERVAL '{days}' DAY")[0] == str(start + timedelta(days=days))
    assert _outcome(run, f"date_add('month', {months}, DATE '{start}')") == (str(_months_later(start, months)), "date")


@PROFILE
@given(_dates, _dates)
def test_date_diff_counts_whole_units(run: Run, first: date, last: date) -> None:
    days = (last - first).days
    early, late = sorted((first, last))
    months = (late.year - early.year) * 12 + late.month - early.month
    while _months_later(early, months) > late:
        months -= 1
    sign = 1 if first <= last else -1

    for unit, expected in (
        ("day", days),
        ("week", int(days / 7)),
        ("month", sign * months),
        ("year", sign * (months // 12)),
    ):
        assert _outcome(run, f"date_diff('{unit}', DATE '{first}', DATE '{last}')")[0] == str(expected)


@PROFILE
@given(_dates)
def test_date_parts_match_the_iso_calendar(run: Run, day: date) -> None:
    year, week, weekday = day.isocalendar()
    expected = [year, week, weekday, day.timetuple().tm_yday, (day.month + 2) // 3]

    names = ("year_of_week", "week", "day_of_week", "day_of_year", "quarter")
    found = run("SELECT " + ", ".join(f"{name}(DATE '{day}')" for name in names)).rows[0]

    assert found == [str(entry) for entry in expected]


@dataclass(frozen=True)
class Truth:
    """An SQL condition with its value in three-valued logic."""

    sql: str
    value: bool | None


def _and(terms: list[Truth]) -> Truth:
    values = [term.value for term in terms]
    value = False if False in values else None if None in values else True
    return Truth("(" + " AND ".join(term.sql for term in terms) + ")", value)


def _or(terms: list[Truth]) -> Truth:
    values = [term.value for term in terms]
    value = True if True in values else None if None in values else False
    return Truth("(" + " OR ".join(term.sql for term in terms) + ")", value)


def _not(term: Truth) -> Truth:
    return Truth(f"(NOT {term.sql})", None if term.value is None else not term.value)


_nullable = st.none() | st.integers(-2, 2)


def _written(value: int | None) -> str:
    return "CAST(NULL AS integer)" if value is None else str(value)


def _compared(operator: str, left: int | None, right: int | None) -> Truth:
    sql = f"({_written(left)} {operator} {_written(right)})"
    if left is None or right is None:
        return Truth(sql, None)
    return Truth(sql, {"=": left == right, "<>": left != right, "<": left < right, ">=": left >= right}[operator])


def _in(value: int | None, items: list[int | None]) -> Truth:
    sql = f"({_written(value)} IN ({', '.join(map(_written, items))}))"
    if value is None:
        return Truth(sql, None)
    return Truth(sql, True if value in items else None if None in items else False)


def _is_null(value: int | None) -> Truth:
    return Truth(f"({_written(value)} IS NULL)", value is None)


_truths = st.recursive(
    st.builds(_compared, st.sampled_from(("=", "<>", "<", ">=")), _nullable, _nullable)
    | st.builds(_in, _nullable, st.lists(_nullable, min_size=1, max_size=3))
    | st.builds(_is_null, _nullable),
    lambda inner: (
        st.builds(_and, st.lists(inner, min_size=2, max_size=3))
        | st.builds(_or, st.lists(inner, min_size=2, max_size=3))
        | st.builds(_not, inner)
    ),
    max_leaves=6,
)


@PROFILE
@given(_truths)
def test_conditions_match_three_valued_logic(run: Run, truth: Truth) -> None:
    expected = None if truth.value is None else str(truth.value).lower()

    assert _outcome(run, truth.sql) == (expected, "boolean")
