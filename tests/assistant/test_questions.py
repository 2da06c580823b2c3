"""Tests for the assistant's answers to questions with expected results.

The questions in held_out.json were written before the assistant, and were never used to tune it.
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
def test_answers_ninety_percent_of_questions_correctly_and_is_never_wrong_when_confident(
    assistant_lab: Lab, name: str
) -> None:
    wrong, wrong_but_confident = [], []
    for case in _cases(name):
        suggestion = assistant.ask(assistant_lab, case["question"])
        right = suggestion.sql is not None and same(
            zetl.query(assistant_lab, suggestion.sql), case["rows"], ordered=case["ordered"]
        )
        if not right:
            wrong.append(f"{case['question']}\n{suggestion}")
            if suggestion.confident:
                wrong_but_confident.append(case["question"])
    assert not wrong_but_confident
    assert len(wrong) <= 6, "\n\n".join(wrong)


def test_answers_blog_question_about_percentage(assistant_lab: Lab) -> None:
    suggestion = assistant.ask(assistant_lab, _BLOG[0])
    assert suggestion.sql
    assert suggestion.confident
    rows = zetl.query(assistant_lab, suggestion.sql)
    accounts = zetl.query(assistant_lab, "SELECT * FROM customeraccounts")
    grouped = accounts.groupby(["state", "zipcode"])[["currentbalance", "creditlimit"]].sum()
    expected = (grouped["currentbalance"] * 100 / grouped["creditlimit"]).round(2)
    pd.testing.assert_series_equal(
        rows.set_index(["state", "zipcode"])["balance_percentage"].sort_index(), expected.sort_index(),
        check_names=False, check_index_type=False,
    )  # fmt: skip


def test_answers_blog_question_about_count(assistant_lab: Lab) -> None:
    suggestion = assistant.ask(assistant_lab, _BLOG[1])
    assert suggestion.sql
    rows = zetl.query(assistant_lab, suggestion.sql)
    assert list(rows.columns) == ["state", "zipcode", "past_due_count"]
    assert rows["past_due_count"].sum() == 7
    assert tuple(rows.iloc[0]) == ("NV", "89101", 2)


def test_answers_blog_question_about_pivot_table(assistant_lab: Lab) -> None:
    suggestion = assistant.ask(assistant_lab, _BLOG[2])
    assert suggestion.sql
    rows = zetl.query(assistant_lab, suggestion.sql).set_index("state")
    assert list(rows.columns) == ["active", "closed", "past_due", "total"]
    assert list(rows.loc["TX"]) == [2, 1, 1, 4]
    assert rows["total"].sum() == 25


def test_answer_is_deterministic(assistant_lab: Lab) -> None:
    assert assistant.ask(assistant_lab, _BLOG[0]) == assistant.ask(assistant_lab, _BLOG[0])


@pytest.mark.parametrize(
    "question", ["what about it?", "accounts with a frobnicated wibble", "how is the weather in Berlin", "top accounts"]
)
def test_is_not_confident_when_question_is_unclear(assistant_lab: Lab, question: str) -> None:
    suggestion = assistant.ask(assistant_lab, question)
    assert not suggestion.confident
    assert suggestion.sql is None or "did not use" in suggestion.explanation or suggestion.explanation.endswith("sure.")


def test_is_not_confident_when_query_ignores_a_word(assistant_lab: Lab) -> None:
    suggestion = assistant.ask(assistant_lab, "number of purple accounts by state")
    assert not suggestion.confident
    assert "'purple'" in suggestion.explanation


def test_queries_requested_snapshot(assistant_lab: Lab) -> None:
    snapshot = zetl.lakehouse.snapshots(assistant_lab)["snapshot_id"].iloc[-1]
    suggestion = assistant.ask(assistant_lab, f"how many accounts by state at snapshot {snapshot}")
    assert suggestion.sql
    assert f"FOR VERSION AS OF {snapshot}" in suggestion.sql
    assert zetl.query(assistant_lab, suggestion.sql)["row_count"].sum() == 25


def test_declines_to_query_earlier_version_of_joined_tables(assistant_lab: Lab) -> None:
    question = "average amount of payments by account status"
    joined = assistant.ask(assistant_lab, question)
    assert joined.sql
    assert "JOIN" in joined.sql
    suggestion = assistant.ask(assistant_lab, f"{question} at snapshot 123456789")
    assert suggestion.sql is None
    assert suggestion.explanation.startswith("A query that joins tables cannot read an older version.")


def test_samples_values_only_after_a_change(assistant_lab: Lab) -> None:
    with assistant_lab.recording() as first:
        assistant.ask(assistant_lab, "number of payments by state")
    with assistant_lab.recording() as second:
        assistant.ask(assistant_lab, "number of payments by state")
    assert second.count("athena.StartQueryExecution") <= first.count("athena.StartQueryExecution")
    assert second.count("athena.StartQueryExecution") == 1, "only EXPLAIN, because the samples are still valid"
