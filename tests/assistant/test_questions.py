"""Tests of the assistant's answers to questions with expected results.

Half of the questions were written before the assistant, and they were never used to tune it.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import zetl_helpers as zetl
from tests.assistant.results import same
from zetl_helpers import assistant
from zetl_helpers.lab import Lab

_HERE = Path(__file__).parent
_BLOG = (
    "calculate the total balance as a percentage of the credit limit outstanding per state and zipcode",
    "calculate the count of account status Past Due by state, zipcode",
    "pivot table where rows represent states, and columns represent account statuses with the corresponding counts",
)


def _cases(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((_HERE / name).read_text(encoding="utf-8"))
    assert len(cases) == 60
    return cases


@pytest.mark.parametrize("name", ["held_out.json", "known.json"])
def test_nine_of_ten_are_right_and_none_is_wrong_while_confident(filled: Lab, name: str) -> None:
    wrong, confidently = [], []
    for case in _cases(name):
        suggestion = assistant.ask(filled, case["question"])
        right = suggestion.sql is not None and same(
            zetl.query(filled, suggestion.sql), case["rows"], ordered=case["ordered"]
        )
        if not right:
            wrong.append(f"{case['question']}\n{suggestion}")
            if suggestion.confident:
                confidently.append(case["question"])
    assert not confidently
    assert len(wrong) <= 6, "\n\n".join(wrong)


def test_blogs_percentage(filled: Lab) -> None:
    suggestion = assistant.ask(filled, _BLOG[0])
    assert suggestion.sql
    assert suggestion.confident
    rows = zetl.query(filled, suggestion.sql)
    accounts = zetl.query(filled, "SELECT * FROM customeraccounts")
    grouped = accounts.groupby(["state", "zipcode"])[["currentbalance", "creditlimit"]].sum()
    expected = (grouped["currentbalance"] * 100 / grouped["creditlimit"]).round(2)
    pd.testing.assert_series_equal(
        rows.set_index(["state", "zipcode"])["balance_percentage"].sort_index(), expected.sort_index(),
        check_names=False, check_index_type=False,
    )  # fmt: skip


def test_blogs_count(filled: Lab) -> None:
    suggestion = assistant.ask(filled, _BLOG[1])
    assert suggestion.sql
    rows = zetl.query(filled, suggestion.sql)
    assert list(rows.columns) == ["state", "zipcode", "past_due_count"]
    assert rows["past_due_count"].sum() == 7
    assert tuple(rows.iloc[0]) == ("NV", "89101", 2)


def test_blogs_pivot(filled: Lab) -> None:
    suggestion = assistant.ask(filled, _BLOG[2])
    assert suggestion.sql
    rows = zetl.query(filled, suggestion.sql).set_index("state")
    assert list(rows.columns) == ["active", "closed", "past_due", "total"]
    assert list(rows.loc["TX"]) == [2, 1, 1, 4]
    assert rows["total"].sum() == 25


def test_same_question_gives_same_answer(filled: Lab) -> None:
    assert assistant.ask(filled, _BLOG[0]) == assistant.ask(filled, _BLOG[0])


@pytest.mark.parametrize(
    "question", ["what about it?", "accounts with a frobnicated wibble", "how is the weather in Berlin", "top accounts"]
)
def test_what_is_not_understood_is_asked_back(filled: Lab, question: str) -> None:
    suggestion = assistant.ask(filled, question)
    assert not suggestion.confident
    assert suggestion.sql is None or "did not use" in suggestion.explanation or suggestion.explanation.endswith("sure.")


def test_an_unused_word_takes_the_confidence(filled: Lab) -> None:
    suggestion = assistant.ask(filled, "number of purple accounts by state")
    assert not suggestion.confident
    assert "'purple'" in suggestion.explanation


def test_time_travel(filled: Lab) -> None:
    snapshot = zetl.lakehouse.snapshots(filled)["snapshot_id"].iloc[-1]
    suggestion = assistant.ask(filled, f"how many accounts by state at snapshot {snapshot}")
    assert suggestion.sql
    assert f"FOR VERSION AS OF {snapshot}" in suggestion.sql
    assert zetl.query(filled, suggestion.sql)["row_count"].sum() == 25


def test_an_older_version_of_joined_tables_is_rejected_with_its_reason(filled: Lab) -> None:
    question = "average amount of payments by account status"
    joined = assistant.ask(filled, question)
    assert joined.sql
    assert "JOIN" in joined.sql
    suggestion = assistant.ask(filled, f"{question} at snapshot 123456789")
    assert suggestion.sql is None
    assert suggestion.explanation.startswith("A query that joins tables cannot read an older version.")


def test_values_are_not_sampled_again_without_a_change(filled: Lab) -> None:
    with filled.recording() as first:
        assistant.ask(filled, "number of payments by state")
    with filled.recording() as second:
        assistant.ask(filled, "number of payments by state")
    assert second.count("athena.StartQueryExecution") <= first.count("athena.StartQueryExecution")
    assert second.count("athena.StartQueryExecution") == 1, "only EXPLAIN, because the samples are still valid"
