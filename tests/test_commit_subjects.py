import pytest

from tests.commit_subjects import problems

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "subject",
    [
        "athena: bind pushed-down predicates to the snapshot schema",
        "Move the course",
        "Merge branch 'x'",
        "release: 0.2.0",
    ],
)
def test_a_right_subject_has_no_problem(subject: str) -> None:
    assert problems(subject) == []


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ("athena: " + "x" * 70, "characters"),
        ("Fix it.", "period"),
        ("", "empty"),
        ("Fixed the parser", "imperative"),
        ("sql: adds a function", "imperative"),
    ],
)
def test_a_wrong_subject_says_what_is_wrong(subject: str, problem: str) -> None:
    assert any(problem in found for found in problems(subject))
