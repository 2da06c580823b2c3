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
def test_accepts_valid_subject(subject: str) -> None:
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
def test_reports_problem_with_invalid_subject(subject: str, problem: str) -> None:
    assert any(problem in found for found in problems(subject))
