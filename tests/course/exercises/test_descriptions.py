"""Tests that messages describe answers with the correct article and number."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from zetl_helpers.course.exercises.descriptions import kind_of, named
from zetl_helpers.course.exercises.engine import UnreadableError
from zetl_helpers.course.exercises.readings import Entries, Flag, Word


@pytest.mark.parametrize(
    ("answer", "description"),
    [
        ([], "an empty list"),
        ((), "an empty tuple"),
        ({}, "an empty dictionary"),
        ([1], "a list with 1 entry"),
        ((1, 2), "a tuple with 2 entries"),
        ({"a": 1}, "a dictionary with the entry 'a'"),
        ({"a": 1, "b": 2, 3: 4}, "a dictionary with the entries 'a', 'b' and '3'"),
        (pd.DataFrame({"a": [1]}), "a table with 1 row and 1 column"),
        (pd.DataFrame({"a": [], "b": []}), "a table with 0 rows and 2 columns"),
        (None, "None"),
        (True, "True or False"),
        (1.5, "a number"),
        (pd.Index([1]), "an Index"),
        (pd.Timedelta(1, "s"), "a Timedelta"),
    ],
)
def test_kind_of_answer_is_described_with_correct_article_and_number(answer: Any, description: str) -> None:
    assert kind_of(answer) == description


@pytest.mark.parametrize(
    ("names", "phrase"),
    [([], "no columns"), (["a"], "the column 'a'"), (["a", "b"], "the columns 'a' and 'b'")],
)
def test_phrase_is_grammatical_for_any_number_of_names(names: list[str], phrase: str) -> None:
    assert named(names, "column", "columns") == phrase


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"a": True}, ". The entry 'b' is missing. Yours is a dictionary with the entry 'a'."),
        ({"c": True}, ", without the entry 'c'. Yours is a dictionary with the entry 'c'."),
        ([], ". The entry 'a' is missing. Yours is an empty list."),
    ],
)
def test_error_names_missing_entry(answer: Any, message: str) -> None:
    with pytest.raises(UnreadableError) as error:
        Entries({"a": Flag(), "b": Flag()})(answer)
    assert str(error.value) == f"The answer should be a dictionary with the entries 'a' and 'b'{message}"


def test_error_lists_only_offered_words() -> None:
    with pytest.raises(UnreadableError) as error:
        Word({"first": (), "second": ()}, known=("both",))("third")
    assert str(error.value) == "The answer should be one of 'first' and 'second'. Yours is 'third'."
