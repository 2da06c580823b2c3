"""Tests for the in-memory folder that contains the temporary files of a test run."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests import temporary_files
from tests.temporary_files import folder_in_memory

pytestmark = pytest.mark.once


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the environment of a new test run, with a folder in place of the in-memory file system."""
    monkeypatch.setattr(temporary_files, "_MEMORY", tmp_path)
    monkeypatch.setattr(temporary_files, "_ENOUGH_BYTES", 0)
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    # After the test, `monkeypatch` restores the variable, or deletes it if it did not exist.
    monkeypatch.setenv("TMPDIR", "")
    del os.environ["TMPDIR"]
    return tmp_path


def test_process_and_its_children_use_the_folder(memory: Path) -> None:
    folder = folder_in_memory()
    assert folder
    assert folder.parent == memory
    assert Path(tempfile.mkdtemp()).parent == folder
    child = subprocess.run(
        [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == str(folder)


def test_deletes_folders_from_killed_runs(memory: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, used = memory / f"zetl-test-run-{ended.pid}-a", memory / f"zetl-test-run-{os.getpid()}-b"
    for folder in (left, used):
        (folder / "inner").mkdir(parents=True)
    assert folder_in_memory()
    assert (left.exists(), used.exists()) == (False, True)


@pytest.mark.usefixtures("memory")
def test_returns_none_if_memory_is_too_small_or_folder_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_files, "_ENOUGH_BYTES", shutil.disk_usage("/").total * 1000)
    assert folder_in_memory() is None
    monkeypatch.setattr(temporary_files, "_ENOUGH_BYTES", 0)
    monkeypatch.setenv("TMPDIR", "/somewhere")
    assert folder_in_memory() is None
