"""Tests for the five outcomes of a check, the order of hints, the solution and the card."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from botocore.exceptions import ClientError

from tests.course.exercises.steps import written
from zetl_helpers.course import exercises
from zetl_helpers.course.exercises import Chapter, Exercise, Progress
from zetl_helpers.course.exercises.answers import Value
from zetl_helpers.course.exercises.engine import Question, has_blank
from zetl_helpers.course.exercises.readings import Number
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import QueryError, query, query_history

DOUBLE = Exercise(
    title="Twice two",
    kind="predict",
    judge=Value(Number(), lambda _: 4, wrong={22: "That is two, and two again."}, otherwise="Add two to two."),
    hints=("It is more than three.", "It is less than five."),
    answer="answer = 4",
    why="Two and two make four.",
)


@pytest.fixture
def question(exercise_lab: Lab, tmp_path: Path) -> Question:
    return Question(exercise_lab, 7, 3, DOUBLE, Progress(tmp_path))


def test_correct_answer_shows_reason(question: Question) -> None:
    outcome = question.check(4)
    assert repr(outcome) == "✔ Exercise 7.3: correct. Two and two make four."
    assert question.state == "correct"


def test_incorrect_answer_shows_mistake(question: Question) -> None:
    assert repr(question.check(22)) == "✘ Exercise 7.3: incorrect. That is two, and two again."
    assert question.check(5).message == "Add two to two."
    assert question.state == "incorrect"


def test_unreadable_answer_shows_expected_form_and_is_not_counted(question: Question) -> None:
    outcome = question.check("many")
    assert repr(outcome) == "? Exercise 7.3: not understood. The answer should be a number, such as 3. Yours is 'many'."
    assert question.state == "not attempted"


@pytest.mark.parametrize(
    "answer", [..., None, "", "  \n", "-- your SQL\n", "SELECT ____", {"a": 1, "b": ...}, [..., 2]]
)
def test_placeholder_is_reported_as_not_attempted(question: Question, answer: Any) -> None:
    outcome = question.check(answer)
    assert outcome.status == "not attempted"
    assert outcome.message.endswith(
        "For the first of 2 hints, run ex.q3.hint(). For a correct answer, run ex.q3.solution()."
    )
    assert question.state == "not attempted"


@pytest.mark.parametrize("answer", ["SELECT 1 -- one...", "a_b", {"a": False}, [], 0, 0.0, False])
def test_empty_and_false_answers_do_not_count_as_blanks(answer: Any) -> None:
    assert not has_blank(answer)


@pytest.mark.parametrize(
    "error",
    [QueryError("COLUMN_NOT_FOUND: line 1:8"), ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Do")],
)
def test_check_reports_error_from_judge(exercise_lab: Lab, tmp_path: Path, error: Exception) -> None:
    def judge(_: Lab, __: object) -> None:
        raise error

    question = Question(
        exercise_lab, 1, 1, Exercise("A", "predict", judge, ("h",), "answer = 1", "w"), Progress(tmp_path)
    )
    outcome = question.check(1)
    assert outcome.status == "error"
    assert outcome.message.startswith(f"The answer could not be checked: {error}")


def test_check_reports_that_answer_is_none(question: Question) -> None:
    assert "The answer is None" in question.check(None).message


def test_check_reports_error_for_sql_rejected_by_athena(chapter: Callable[[int], Chapter]) -> None:
    for sql in ("SELECT nothing FROM customeraccounts", "SELECT FROM WHERE", "SELECT 1 / 0 AS x FROM nowhere"):
        assert chapter(4).q1.check(sql).status == "error"


def test_check_explains_alias_in_having_clause(chapter: Callable[[int], Chapter]) -> None:
    sql = "SELECT state, SUM(creditlimit) AS total FROM customeraccounts GROUP BY state HAVING {} > 1"
    assert "`total` is an alias from SELECT" in chapter(4).q5.check(sql.format("total")).message
    assert "is an alias from SELECT" not in chapter(4).q5.check(sql.format("totals")).message


def test_check_names_first_word_of_unsupported_statement(chapter: Callable[[int], Chapter]) -> None:
    message = chapter(4).q1.check("-- mine\nSELEC 1 FROM x").message
    assert "The answer should be a SELECT statement. Yours begins with SELEC. Only SELECT" in message


def test_check_does_not_change_query_history(chapter: Callable[[int], Chapter], exercise_lab: Lab) -> None:
    query(exercise_lab, "SELECT 'mine' AS text")
    before = query_history(exercise_lab, newest=5)
    ex = chapter(4)
    ex.q1.check("SELECT state FROM customeraccounts -- mine")
    ex.q3.check(7)
    ex.q5.check("SELECT nothing FROM customeraccounts")
    after = query_history(exercise_lab, newest=5)
    assert after["query"].iloc[0] == "SELECT 'mine' AS text"
    assert after.equals(before)


def test_check_sends_statement_unchanged(chapter: Callable[[int], Chapter]) -> None:
    assert "line 1:7:" in chapter(4).q1.check("SELECT").message


def test_exercise_stays_correct_after_step_is_undone(chapter: Callable[[int], Chapter], exercise_lab: Lab) -> None:
    question = chapter(1).q2
    assert question.check().status == "not attempted"
    written()(exercise_lab)
    assert question.check().status == "correct"
    again = question.check()
    assert (again.status, question.state) == ("correct", "correct")
    assert again.message == (
        "You have already solved this exercise. To do it again, repeat its steps, and then check again."
    )


def test_check_accepts_action_without_service_and_adds_note(chapter: Callable[[int], Chapter]) -> None:
    actions = ["DescribeTable", "ExportTableToPointInTime", "DescribeExport"]
    question = chapter(1).q3
    assert question.check(actions).message.endswith("before the action: dynamodb:DescribeTable.")
    assert "In a policy" not in question.check([f"dynamodb:{action}" for action in actions]).message


def test_hints_advance_and_last_hint_is_repeated(question: Question) -> None:
    assert [repr(question.hint()) for _ in range(3)] == [
        "Hint 1 of 2. It is more than three.",
        "Hint 2 of 2. It is less than five.",
        "Hint 2 of 2. It is less than five.\nThis was the last hint. For a correct answer, run ex.q3.solution().",
    ]


def test_solution_shows_code_and_reason_and_is_not_counted(question: Question) -> None:
    shown = question.solution()
    assert repr(shown) == "One right answer. Two and two make four.\n\nanswer = 4"
    assert "<pre>answer = 4</pre>" in shown._repr_html_()
    assert question.state == "not attempted"


def test_break_it_rejects_exercise_without_fault(question: Question) -> None:
    with pytest.raises(TypeError, match=r"doesn't break anything. Answer it with ex\.q3\.check\(answer\)"):
        question.break_it()


def test_markup_in_messages_is_escaped() -> None:
    html = exercises.Outcome("incorrect", "1.1", "yours is <script>\nand more")._repr_html_()
    assert "&lt;script&gt;<br>and more" in html


def test_card_shows_state_of_exercises(chapter: Callable[[int], Chapter]) -> None:
    ex = chapter(8)
    ex.q1.check(0)
    ex.q3.check(15)
    assert repr(ex).splitlines()[:3] == [
        "Chapter 8: 1 of 4 exercises done",
        "exercise  kind              title                        state",
        "ex.q1     predict           A refresh without changes    ✔ correct",
    ]
    assert "An interval for fifty cents  ✘ incorrect" in repr(ex)
    html = ex._repr_html_()
    caption = html.partition("</caption>")[0]
    assert "text-align:left" in caption
    assert caption.endswith("<b>Chapter 8: 1 of 4 exercises done</b>")
    assert html.count("scope='row'") == 4
    assert html.count("scope='col'") == 4
    assert "✔ correct" in html


def test_progress_lists_all_chapters(chapter: Callable[[int], Chapter], tmp_path: Path) -> None:
    chapter(8).q1.check(0)
    lines = repr(exercises.progress(Progress(tmp_path))).splitlines()
    assert re.fullmatch(r"1 of \d+ exercises done", lines[0])
    assert re.search(r"chapter 8 +1 of 4", "\n".join(lines))


def test_unknown_chapters_and_exercises_raise_errors(exercise_lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Chapter 0 has no exercises\. The chapters with exercises are 1, 2"):
        exercises.chapter(exercise_lab, 0, progress=Progress(tmp_path))
    with pytest.raises(ValueError, match="Pass the number 4, not the string '4'"):
        exercises.chapter(exercise_lab, "4", progress=Progress(tmp_path))  # type: ignore[arg-type]
    ex = exercises.chapter(exercise_lab, 5, progress=Progress(tmp_path))
    with pytest.raises(AttributeError, match="Chapter 5 has exercises q1 to q4, but not q9"):
        _ = ex.q9
    with pytest.raises(AttributeError, match=r"Chapter 0 has no exercises, so it has no q1\."):
        _ = exercises.Chapter(0, ()).q1
    assert {"q1", "q4"} <= set(dir(ex))


@pytest.mark.parametrize("answer", [10**400, [[1]], {"a": {1}}, pd.NA, pd.DataFrame({"a": [1, 2]}), np.array([1, 2])])
@pytest.mark.parametrize("number", [1, 3, 4, 8])
def test_check_handles_answers_of_unexpected_types(chapter: Callable[[int], Chapter], number: int, answer: Any) -> None:
    for question in chapter(number).questions:
        if question.exercise.fault is None and not question.exercise.by_state:
            assert question.check(answer).status in ("incorrect", "not understood", "error")
