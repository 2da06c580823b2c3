"""Comparison of an answer's rows with the expected rows, with messages that name the mistake."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from zetl_helpers.course.exercises.descriptions import named
from zetl_helpers.course.exercises.engine import IncorrectError

# Two ways to compute the same number can give results that differ in the last digits.
_DIGITS = 6

Row = tuple[Any, ...]


def same_rows(right: pd.DataFrame, given: pd.DataFrame) -> bool:
    """Return whether two frames contain the same rows, in any order of rows and columns."""
    if set(right.columns) != set(given.columns):
        return False
    return Counter(_rows(right)) == Counter(_rows(given[list(right.columns)]))


def compare(
    right: pd.DataFrame,
    given: pd.DataFrame,
    *,
    one_row_for: str,
    key: Sequence[str],
    ordered: bool,
    filters: Sequence[str] = ("WHERE",),
    grouped: bool = False,
) -> None:
    """Compare an answer with the expected rows.

    Args:
        right: The expected rows.
        given: The answer's rows.
        one_row_for: The singular noun for what a row describes, such as "state".
        key: The columns that identify a row.
        ordered: Whether the order of the rows matters.
        filters: The clauses in the answer that can remove rows, ``WHERE`` or ``HAVING``.
        grouped: Whether the answer contains ``GROUP BY``.

    Raises:
        IncorrectError: The rows differ. The message names the mistake, not the expected rows.
    """
    _compare_columns(right, given)
    given = given[list(right.columns)]
    if same_rows(right, given):
        if ordered and _rows(right) != _rows(given):
            raise IncorrectError("The rows are right, but their order is not. Look at ORDER BY.")
        return
    _compare_counts(right, given, one_row_for, filters, grouped=grouped)
    _compare_keys(right, given, key)
    _compare_values(right, given, one_row_for, key)


def _compare_columns(right: pd.DataFrame, given: pd.DataFrame) -> None:
    missing = [str(name) for name in right.columns if name not in given.columns]
    extra = [str(name) for name in given.columns if name not in right.columns]
    if not missing and not extra:
        return
    if len(missing) == len(extra) == 1:
        raise IncorrectError(
            f"Your answer has a column {extra[0]!r}, but the question asks for {missing[0]!r}. If the column has the "
            "right values, rename it with AS."
        )
    wanted = named(right.columns, "column", "columns")
    found = named(given.columns, "column", "columns")
    raise IncorrectError(f"The answer should have {wanted}. Yours has {found}.")


def _compare_counts(
    right: pd.DataFrame, given: pd.DataFrame, one_row_for: str, filters: Sequence[str], *, grouped: bool
) -> None:
    if len(right) == len(given):
        return
    rows = _rows(given)
    asked = f"The question asks for one row for each {one_row_for}"
    if given.empty:
        text = " Text comparison is case-sensitive." if "WHERE" in filters else ""
        raise IncorrectError(f"{asked}, but your answer has no rows. Look at {_removing(filters)}.{text}")
    if Counter(set(rows)) == Counter(_rows(right)):
        raise IncorrectError(f"{asked}, but in your answer, some rows occur more than once.")
    if len(given) == 1 and len(right) > 1 and not grouped:
        raise IncorrectError(f"{asked}, but your answer has only one row. Is GROUP BY missing?")
    more = "more" if len(given) > len(right) else "fewer"
    look = (
        "GROUP BY, and check whether a filter is missing"
        if more == "more"
        else f"{_removing(filters)}, which might remove too many rows"
    )
    count = "only one row" if len(given) == 1 else f"{len(given)} rows"
    raise IncorrectError(f"{asked}, but your answer has {count}, {more} than there should be. Look at {look}.")


def _removing(filters: Sequence[str]) -> str:
    return " and ".join(filters) or "its joins, subqueries and LIMIT"


def _compare_keys(right: pd.DataFrame, given: pd.DataFrame, key: Sequence[str]) -> None:
    wanted, found = (set(_rows(frame[list(key)])) for frame in (right, given))
    if found == wanted:
        return
    stray = sorted(found - wanted, key=str) or sorted(wanted - found, key=str)
    name = _words(key, stray[0])
    if stray[0] in found:
        if any(str(stray[0]).casefold() == str(row).casefold() for row in wanted):
            raise IncorrectError(f"In the row where {name}, only the case of the text is wrong.")
        raise IncorrectError(f"The row where {name} does not belong in the answer.")
    raise IncorrectError(f"There is no row where {name}.")


def _compare_values(right: pd.DataFrame, given: pd.DataFrame, one_row_for: str, key: Sequence[str]) -> None:
    wanted = {row[: len(key)]: row[len(key) :] for row in _rows(_key_first(right, key))}
    found = {row[: len(key)]: row[len(key) :] for row in _rows(_key_first(given, key))}
    values = [str(name) for name in right.columns if name not in key]
    for place, column in enumerate(values):
        pairs = {row: (wanted[row][place], found[row][place]) for row in wanted}
        wrong = {row: pair for row, pair in pairs.items() if pair[0] != pair[1]}
        if wrong:
            # The rows can be in any order, but every learner gets the same example.
            row, (_, shown) = min(wrong.items(), key=lambda entry: str(entry[0]))
            mistake = _mistake(list(wrong.values()))
            value = "NULL" if shown is None else shown
            where = f"{column!r} is not right. For example, in the row where {_words(key, row)}, your value is {value}."
            raise IncorrectError(f"{where} {mistake}".rstrip())
    raise IncorrectError(f"The values are right, but some of them belong to a different {one_row_for}.")


def _mistake(pairs: Sequence[tuple[Any, Any]]) -> str:
    """Return a message about the cause that all wrong values share, or an empty string."""
    if any(wanted is None for wanted, _ in pairs):
        return "It should be NULL: an unknown value is not zero."
    if any(given is None for _, given in pairs):
        return "The value should not be NULL: a NULL in a computation makes the result NULL."
    if not all(isinstance(entry, float) for pair in pairs for entry in pair):
        return "A number should not be a string." if any(isinstance(item, str) for _, item in pairs) else ""
    if all(_near(wanted, 100 * given) for wanted, given in pairs):
        return "It is a fraction, but the question asks for a percentage."
    if all(_near(wanted, given, 0.0051) for wanted, given in pairs):
        return "It is close. Round once, at the end, to the number of decimal places that the question asks for."
    if all(math.trunc(wanted) == given for wanted, given in pairs):
        return "The decimals are cut off. If you divide two integers, multiply by 100e0 first."
    if all(_near(round(wanted), given) for wanted, given in pairs):
        return "It is rounded to an integer, but the question asks for decimal places."
    return ""


def _near(one: float, other: float, by: float = 1e-6) -> bool:
    # Percentages are rounded to two decimal places, so a fraction computed from them lacks the last digit.
    return abs(one - other) <= max(by, 1e-3 * abs(one) if by < 1e-3 else 0.0)


def _key_first(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    return frame[[*key, *(name for name in frame.columns if name not in key)]]


def _rows(frame: pd.DataFrame) -> list[Row]:
    return [tuple(_cell(value) for value in row) for row in frame.itertuples(index=False, name=None)]


def _cell(value: Any) -> Any:
    """Return a value in a form that compares equal across types."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return round(float(value), _DIGITS) + 0.0
    return value if isinstance(value, str) else str(value)


def _words(key: Sequence[str], row: Row) -> str:
    values = (_number(entry) if isinstance(entry, float) else str(entry) for entry in row)
    return " and ".join(f"{name} is {value}" for name, value in zip(key, values, strict=True))


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{value:g}"
