import json
from pathlib import Path

import pytest

from zetl_helpers.course import classroom
from zetl_helpers.course.classroom.practice import Sticking
from zetl_helpers.course.exercises import Progress, ProgressError


@pytest.fixture
def class_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    class_dir = tmp_path / "class_dir"
    class_dir.mkdir()
    monkeypatch.setenv("ZETL_CLASS_DIR", str(class_dir))
    return class_dir


def attempt(monkeypatch: pytest.MonkeyPatch, folder: Path, learner: str, **states: str) -> None:
    monkeypatch.setenv("ZETL_PREFIX", learner)
    for name, state in states.items():
        Progress(folder / learner).attempted(name.lstrip("e").replace("_", "."), state)  # type: ignore[arg-type]


def test_practice_counts_exercises_and_finds_most_difficult_exercise(
    class_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt(monkeypatch, tmp_path, "ana", e1_1="correct", e4_4="incorrect")
    attempt(monkeypatch, tmp_path, "ben", e1_1="incorrect", e4_4="incorrect", e4_10="correct")
    attempt(monkeypatch, tmp_path, "cem", e1_1="correct", e4_4="correct")
    assert classroom.practice(class_dir).to_dict("list") == {
        "learner": ["ana", "ben", "cem"], "solved": [1, 1, 2], "tried": [2, 3, 2], "at": ["4.4", "4.4", ""],
    }  # fmt: skip
    assert str(classroom.sticking(class_dir)) == (
        "Exercise 4.4 causes the most difficulty: 2 of the 3 learners who tried it have not solved it."
    )


@pytest.mark.parametrize(
    ("stuck", "tried", "end"),
    [(1, 1, "the only learner who tried it has"), (1, 4, "1 of the 4 learners who tried it has")],
)
def test_sticking_point_is_described_in_a_sentence(stuck: int, tried: int, end: str) -> None:
    sentence = str(Sticking("2.3", stuck, tried))
    assert sentence == f"Exercise 2.3 causes the most difficulty: {end} not solved it."


def test_there_is_no_sticking_point_before_first_failed_attempt(
    class_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert classroom.practice(class_dir).empty
    attempt(monkeypatch, tmp_path, "ana", e1_1="correct")
    assert classroom.sticking(class_dir) is None


def test_shares_only_states_and_attempts(class_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt(monkeypatch, tmp_path, "ana", e1_1="incorrect")
    assert json.loads((class_dir / "ana.json").read_text()) == {
        "exercises": {"1.1": {"attempts": 1, "state": "incorrect"}}
    }


def test_shares_nothing_without_class_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZETL_CLASS_DIR", raising=False)
    attempt(monkeypatch, tmp_path, "ana", e1_1="correct")
    assert [path.name for path in tmp_path.rglob("*.json")] == ["progress.json"]


def test_raises_error_when_class_folder_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZETL_CLASS_DIR", str(tmp_path / "gone"))
    with pytest.raises(ProgressError, match=r"ZETL_CLASS_DIR is .*gone, and your progress cannot be written there"):
        attempt(monkeypatch, tmp_path, "ana", e1_1="correct")
