"""Tests for the exercise matrix, which contains the verdict on each correct and wrong answer to each exercise."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.course.exercises.conftest import log_a_late_ingestion
from tests.course.exercises.correct_answers import CORRECT, in_place
from tests.course.exercises.steps import executed, saved, undo
from tests.course.exercises.test_chapters import EXERCISES, JUDGED, question
from tests.course.exercises.wrong_answers import MORE_WRONG, WRONG
from zetl_helpers import lakehouse
from zetl_helpers.course.exercises import Chapter, Outcome, sql
from zetl_helpers.lab import Lab

EXECUTED = {"4.2": executed, "7.1": executed, "5.1": saved}
BY_STATE = {name for name, exercise in EXERCISES.items() if exercise.by_state}


@pytest.fixture
def cached_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each statement of an exercise's judge only once, because the data does not change between answers."""
    frames: dict[str, pd.DataFrame] = {}
    query = lakehouse.query

    def once(lab: Lab, statement: str, **params: Any) -> pd.DataFrame:
        key = f"{statement} {params}"
        if key not in frames:
            frames[key] = query(lab, statement, **params)
        return frames[key].copy()

    monkeypatch.setattr(sql, "query", once)


@pytest.fixture
def check(
    exercise_lab: Lab, cached_queries: None, chapter: Callable[[int], Chapter], tmp_path: Path
) -> Callable[[str, Any], Outcome]:
    """Provide a function that submits an answer to an exercise that has not been solved yet."""
    late: list[str] = []

    def submit(name: str, answer: Any) -> Outcome:
        if name == "8.2" and not late:
            # The exercise needs several ingestions, but other tests recreate the integration, which then has only one.
            log_a_late_ingestion(exercise_lab)
            late.append(name)
        (tmp_path / "progress.json").unlink(missing_ok=True)
        current = question(name, chapter)
        if callable(answer):
            answer = answer(exercise_lab)
        if isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], str):
            answer = [in_place(exercise_lab, answer[0])]
        if isinstance(answer, str):
            answer = in_place(exercise_lab, answer)
            if name in EXECUTED and answer.startswith("SELECT "):
                answer = EXECUTED[name](answer)(exercise_lab)
        if name not in BY_STATE:
            return current.check(answer)
        outcome = current.check()
        undo(exercise_lab)
        return outcome

    return submit


def test_every_exercise_has_five_correct_and_twelve_wrong_answers() -> None:
    assert list(CORRECT) == JUDGED, (
        "CORRECT in correct_answers.py must list every judged exercise, in the chapters' order"
    )
    assert list(WRONG) == JUDGED, "wrong_answers_*.py must list every judged exercise, in the chapters' order"
    correct = {name: len(given) for name, given in CORRECT.items() if len(given) < 5}
    assert correct == {}, "add correct answers to CORRECT in correct_answers.py"
    wrong = {name: len(given) + len(MORE_WRONG.get(name, [])) for name, given in WRONG.items()}
    assert {name: count for name, count in wrong.items() if count < 12} == {}, (
        "add wrong answers to MORE_WRONG in wrong_answers.py"
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", JUDGED)
def test_verdicts_match_golden_file(
    name: str, check: Callable[[str, Any], Outcome], golden: Callable[[str, str], None]
) -> None:
    """The verdict and the message for every answer match tests/golden/exercise_matrix/.

    Review changes to these tables: no message in them may be false.
    """
    lines = [f"{name} {EXERCISES[name].title}"]
    unexpected = []
    expected = [
        *((answer, ("correct",), "") for answer in CORRECT[name]),
        *((answer, ("incorrect", "not understood", "not attempted"), says) for answer, says in WRONG[name]),
        *((answer, ("incorrect", "not understood", "error"), "") for answer in MORE_WRONG.get(name, [])),
    ]
    for answer, statuses, says in expected:
        outcome = check(name, answer)
        message = "" if outcome.status == "correct" else outcome.message.partition(" For the first of ")[0]
        lines.append(f"{outcome.status:<14} {shown(answer)}" + (f" → {message}" if message else ""))
        if outcome.status not in statuses or not re.search(says, message):
            unexpected.append(lines[-1])
    assert unexpected == []
    golden(f"exercise_matrix/{name}.txt", stable("\n".join(lines)))


@pytest.mark.parametrize("name", [name for name in JUDGED if name not in BY_STATE])
def test_error_for_unreadable_answer_describes_expected_form_but_not_aws_behavior(
    name: str, check: Callable[[str, Any], Outcome]
) -> None:
    outcome = check(name, {"nothing": object()})
    assert outcome.status == "not understood"
    assert re.search(r"should be (a|an|the|one of|True)\b", outcome.message)
    assert not re.search(r"\b(AWS|DynamoDB|Athena|Glue|IAM|Lake Formation) \w+s\b", outcome.message)


def shown(answer: Any) -> str:
    if callable(answer):
        return "(created in the lab)"
    if isinstance(answer, pd.DataFrame | pd.Series):
        answer = answer.to_dict()
    # NumPy versions before 2 display their numbers like Python numbers.
    kind = f"np.{type(answer).__name__}({answer.item()!r})" if isinstance(answer, np.generic) else ""
    return kind or re.sub(r"\s+", " ", f"{in_order(answer)!r}")[:100]


def in_order(answer: Any) -> Any:
    """Replace an answer's sets with sorted lists, because the order of sets differs between runs."""
    if isinstance(answer, dict):
        return {name: in_order(entry) for name, entry in answer.items()}
    return sorted(answer) if isinstance(answer, set) else answer


def stable(text: str) -> str:
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", text)
    return re.sub(r"\b\d{15,19}\b", "SNAPSHOT", text).replace(" at 0x", " at ") + "\n"
