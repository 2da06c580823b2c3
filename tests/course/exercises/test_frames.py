"""Tests that answers are compared by the values of their rows, and that the message names the difference."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zetl_helpers.course.exercises.engine import IncorrectError
from zetl_helpers.course.exercises.frames import compare, same_rows

RIGHT = pd.DataFrame({"state": ["CA", "NV", "NY"], "share": [33.33, 50.0, 0.0]})


def mistake(answer: pd.DataFrame, right: pd.DataFrame = RIGHT, *, ordered: bool = False) -> str:
    with pytest.raises(IncorrectError) as error:
        compare(right, answer, one_row_for="state", key=("state",), ordered=ordered)
    return str(error.value)


def test_does_not_suggest_group_by_if_it_is_present() -> None:
    with pytest.raises(IncorrectError, match="has only one row, fewer than there should be"):
        compare(RIGHT, RIGHT.iloc[:1], one_row_for="state", key=("state",), ordered=False, grouped=True)


def shares(*values: Any) -> pd.DataFrame:
    return pd.DataFrame({"state": ["CA", "NV", "NY"], "share": pd.Series(values, dtype=object)})


def test_ignores_row_order_and_number_types() -> None:
    answer = pd.DataFrame({"share": [Decimal("0.00"), 50, 33.330000000001], "state": ["NY", "NV", "CA"]}, dtype=object)
    compare(RIGHT, answer, one_row_for="state", key=("state",), ordered=False)


def test_compares_row_order_if_requested() -> None:
    compare(RIGHT, RIGHT, one_row_for="state", key=("state",), ordered=True)
    assert "ORDER BY" in mistake(RIGHT.iloc[::-1], ordered=True)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (RIGHT.rename(columns={"share": "percent"}), "If the column has the right values, rename it with AS"),
        (RIGHT[["state"]], "should have the columns 'state' and 'share'. Yours has the column 'state'"),
        (RIGHT.assign(more=1, extra=2), "Yours has the columns 'state', 'share', 'more' and 'extra'."),
        (RIGHT.iloc[:0], "your answer has no rows"),
        (RIGHT.iloc[:1], "Is GROUP BY missing"),
        (RIGHT.iloc[:2], "2 rows, fewer than there should be"),
        (pd.concat([RIGHT, RIGHT]), "some rows occur more than once"),
        (pd.concat([RIGHT, RIGHT.assign(share=1.0)]), "6 rows, more than there should be"),
        (RIGHT.assign(state=["CA", "NV", "OR"]), "The row where state is OR does not belong"),
        (RIGHT.assign(state=["ca", "NV", "NY"]), "In the row where state is ca, only the case of the text is wrong."),
        (RIGHT.assign(state=[7404610.0, "NV", "NY"]), "The row where state is 7404610 does not"),
        (RIGHT.assign(state=["CA", "NV", "NV"]), "There is no row where state is NY"),
        (shares(0.3333, 0.5, 0.0), "It is a fraction"),
        (shares(33, 50, 0), "The decimals are cut off"),
        (shares(33.333333, 50.0, 0.0), "Round once"),
        (shares(33.33, 50.0, None), "your value is NULL. The value should not be NULL: a NULL in a computation"),
        (shares("33.33", "50.0", "0.0"), "should not be a string"),
        (shares(12.0, 50.0, 0.0), "For example, in the row where state is CA, your value is 12.0."),
    ],
)
def test_message_describes_the_mistake(answer: pd.DataFrame, says: str) -> None:
    assert says in mistake(answer)


def test_reports_value_instead_of_null() -> None:
    right = RIGHT.assign(share=[1.0, float("nan"), 2.0])
    assert "It should be NULL" in mistake(right.fillna(0.0), right)
    compare(right, right.astype(object).where(right.notna(), None), one_row_for="state", key=("state",), ordered=False)


def test_reports_number_rounded_to_integer() -> None:
    right = RIGHT.assign(share=[66.67, 50.0, 0.0])
    assert "rounded to an integer" in mistake(shares(67, 50, 0), right)


def test_reports_swapped_values() -> None:
    assert "'share' is not right" in mistake(shares(50.0, 33.33, 0.0))


cells = st.one_of(
    st.none(), st.booleans(), st.text("ab", max_size=2), st.integers(-3, 3), st.floats(-3, 3, allow_nan=False)
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(cells, cells), max_size=5), st.randoms(use_true_random=False))
def test_comparison_of_rows_ignores_order_but_not_count(rows: Sequence[tuple[Any, Any]], random: Any) -> None:
    right = pd.DataFrame(rows, columns=["a", "b"], dtype=object)
    shuffled = random.sample(list(rows), len(rows))
    answer = pd.DataFrame(shuffled, columns=["a", "b"], dtype=object)
    assert same_rows(right, answer[["b", "a"]])
    more = pd.DataFrame([*shuffled, ("another", 1)], columns=["a", "b"], dtype=object)
    assert not same_rows(right, more)
    assert not same_rows(more, right)
