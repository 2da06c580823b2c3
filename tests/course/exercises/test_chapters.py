"""Tests that each exercise's check accepts the solution, and that the exercises match the notebooks."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

import zetl_helpers as zetl
from tests.course.exercises.steps import undo
from zetl_helpers.course.exercises import ALL, Chapter, Exercise
from zetl_helpers.course.exercises.chapter_03 import ADMINISTRATORS
from zetl_helpers.lab import Lab

EXERCISES = {f"{chapter}.{place}": entry for chapter, many in ALL.items() for place, entry in enumerate(many, start=1)}
JUDGED = [name for name, exercise in EXERCISES.items() if not exercise.fault]
NOTEBOOKS = Path(__file__).parents[3] / "notebooks"


def question(name: str, chapter: Callable[[int], Chapter]) -> zetl.exercises.engine.Question:
    number, _, place = name.partition(".")
    return chapter(int(number)).questions[int(place) - 1]


@pytest.fixture(scope="package")
def names(exercise_lab: Lab) -> dict[str, Any]:
    """Provide the variables that the chapters' cells have set before a learner answers."""
    lab = exercise_lab
    snapshots = zetl.lakehouse.snapshots(lab)["snapshot_id"]
    accounts = zetl.query(lab, "SELECT state, accountstatus FROM customeraccounts")
    return {
        "zetl": zetl,
        "lab": lab,
        "existing": list(ADMINISTRATORS),
        "accounts": accounts,
        "pivot": zetl.charts.pivot_table(accounts, index="state", columns="accountstatus"),
        "first": int(snapshots.iloc[0]),
        "last": int(snapshots.iloc[-1]),
    }


def test_chapters_have_three_or_more_exercises_of_several_kinds() -> None:
    assert list(ALL) == [*range(1, 12), 13]
    for exercises in ALL.values():
        assert len(exercises) >= 3
        assert len({entry.kind for entry in exercises}) >= 2
    assert {exercise.kind for exercise in EXERCISES.values()} == {
        "predict", "complete", "write the SQL", "use the API", "break and repair",
    }  # fmt: skip


@pytest.mark.parametrize("number", ALL)
def test_every_chapter_has_an_exercise_that_uses_the_aws_api(number: int) -> None:
    by_api = [entry for entry in ALL[number] if entry.by_api]
    assert by_api
    for exercise in by_api:
        assert "boto3.client(" in exercise.answer
        assert not re.search(r"zetl\.(?!studio\.find_project)", exercise.answer)
        assert exercise.kind in ("use the API", "break and repair")


@pytest.mark.parametrize("name", JUDGED)
def test_solution_is_correct(name: str, chapter: Callable[[int], Chapter], names: dict[str, Any]) -> None:
    current = question(name, chapter)
    namespace = {**names, "ex": chapter(int(name.partition(".")[0]))}
    exec(current.exercise.answer, namespace)  # noqa: S102
    if not current.exercise.by_state:
        outcome = current.check(namespace["answer"])
        assert (outcome.status, outcome.message) == ("correct", current.exercise.why)
    assert current.state == "correct"
    undo(names["lab"])


@pytest.mark.parametrize("name", EXERCISES)
def test_stored_notebook_shows_exercise_as_not_attempted(
    name: str, chapter: Callable[[int], Chapter], names: dict[str, Any]
) -> None:
    number, _, place = name.partition(".")
    (path,) = NOTEBOOKS.glob(f"{int(number):02}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    kinds = [cell.metadata.get("zetl", {}).get("kind") for cell in cells]
    places = [at for at, kind in enumerate(kinds) if kind == "exercise"]
    exercise = EXERCISES[name]
    assert len(places) == len(ALL[int(number)]), f"{path.name} and its chapter have different numbers of exercises"
    heading, kind, *_ = cells[places[int(place) - 1]].source.split("\n\n")
    assert heading == f"### Exercise {name} · {exercise.title}"
    assert kind.startswith(f"*{exercise.kind.capitalize()}.*".replace("sql", "SQL").replace("api", "API"))
    answer = next(cells[at] for at in range(places[int(place) - 1], len(cells)) if kinds[at] == "answer")
    namespace = {**names, "ex": chapter(int(number))}
    *rest, check = answer.source.splitlines()
    assert check.startswith(f"ex.q{place}.check(")
    exec("\n".join(rest), namespace)  # noqa: S102
    outcome = eval(check, namespace)  # noqa: S307
    assert outcome.status == "not attempted"
    assert answer.outputs, f"the cell has no output: run zetl run --store {path.stem[:2]}"
    assert repr(outcome) == answer.outputs[0].data["text/plain"]


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_exercise_has_distinct_hints_and_a_reason(exercise: Exercise) -> None:
    assert len(exercise.hints) >= 2
    assert len(set(exercise.hints)) == len(exercise.hints)
    assert exercise.why.endswith((".", ".)"))


def test_check_reports_that_a_later_ingestion_took_longer(
    chapter: Callable[[int], Chapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = pd.Timestamp("2026-10-13 09:30", tz="UTC")
    delays = pd.to_timedelta([1.0, 2.0, 0.5, 3.0], unit="s")
    runs = pd.DataFrame({"completed_at": synced + delays, "last_synced_at": synced})
    monkeypatch.setattr(zetl.monitoring, "ingestions", lambda _: runs)
    assert "A later ingestion had a longer delay" in chapter(8).q2.check(2.0).message
    assert chapter(8).q2.check(3.0).status == "correct"
