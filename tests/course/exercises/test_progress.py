import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zetl_helpers.course.exercises.progress import Progress, ProgressError

pytestmark = pytest.mark.once


def test_progress_is_stored_in_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZETL_STATE_DIR", str(tmp_path / "state"))
    Progress().attempted("4.1", "correct")
    assert json.loads((tmp_path / "state" / "progress.json").read_text())["exercises"]["4.1"]["state"] == "correct"
    assert Progress(tmp_path / "state").state("4.1") == "correct"


def test_solved_exercise_stays_correct(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    assert progress.state("1.1") == "not attempted"
    for state in ("incorrect", "correct", "incorrect"):
        progress.attempted("1.1", state)
    assert progress.state("1.1") == "correct"
    assert json.loads((tmp_path / "progress.json").read_text())["exercises"]["1.1"]["attempts"] == 3


def test_fault_is_stored_for_next_kernel(tmp_path: Path) -> None:
    assert not Progress(tmp_path).broken("2.4")
    Progress(tmp_path).set_broken("2.4", True)
    assert Progress(tmp_path).broken("2.4")
    Progress(tmp_path).set_broken("2.4", False)
    assert not Progress(tmp_path).broken("2.4")


@pytest.mark.parametrize("text", ['{"exercises": {"4.1": 5}}', "", "{", "[]", '{"exercises": 3}', '{"other": {}}'])
def test_rejects_unrelated_file_and_leaves_it_unchanged(tmp_path: Path, text: str) -> None:
    path = tmp_path / "progress.json"
    path.write_text(text)
    with pytest.raises(ProgressError, match="Move it to another folder"):
        Progress(tmp_path).attempted("1.1", "correct")
    assert path.read_text() == text


def test_concurrent_writes_keep_every_attempt(tmp_path: Path) -> None:
    def attempt(chapter: int) -> None:
        for number in range(20):
            Progress(tmp_path).attempted(f"{chapter}.{number}", "correct")

    with ThreadPoolExecutor() as pool:
        list(pool.map(attempt, range(4)))
    assert len(json.loads((tmp_path / "progress.json").read_text())["exercises"]) == 80
    assert {path.name for path in tmp_path.iterdir()} == {"progress.json", "progress.json.lock"}
