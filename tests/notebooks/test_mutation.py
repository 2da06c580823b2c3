"""Tests that a notebook's test fails if a stored output differs from the run's output."""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import get_sanitize_patterns

pytestmark = [pytest.mark.long, pytest.mark.once]

ROOT = Path(__file__).parents[2]
RULES = get_sanitize_patterns((ROOT / "tests/notebooks/sanitize.cfg").read_text(encoding="utf-8"))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["04_query_with_athena", "07_time_travel"])
def test_cell_fails_if_its_output_changes(name: str, tmp_path: Path) -> None:
    seed = commit_seed()
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    changed = [
        number
        for number, cell in enumerate(code_cells(notebook))
        if change_one_output(cell, random.Random(seed + number))  # noqa: S311
    ]
    assert len(changed) > 5
    copy = tmp_path / f"{name}.ipynb"
    copy.write_text(json.dumps(notebook), encoding="utf-8")
    failed = {int(number) for number in re.findall(r"FAILED .*::Cell (\d+)", compare(copy))}
    kept = json.loads((tmp_path / "kept" / copy.name).read_text(encoding="utf-8"))
    stored = json.loads((ROOT / "notebooks" / copy.name).read_text(encoding="utf-8"))
    assert [bool(cell["outputs"]) for cell in code_cells(kept)] == [bool(c["outputs"]) for c in code_cells(stored)]
    assert failed == set(changed), f"seed {seed}: cells {sorted(set(changed) - failed)} passed with another output"


def commit_seed() -> int:
    """Return a number that differs between commits, but is the same when a commit is tested again."""
    command = ["git", "rev-parse", "--short=7", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # There are no commits in a source distribution.
    return int(done.stdout, 16) if done.returncode == 0 else 0


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def change_one_output(cell: dict[str, Any], chance: random.Random) -> bool:
    """Change one letter or digit in a cell's outputs, and return whether this was possible."""
    if not cell["outputs"]:
        return False
    output = chance.choice(cell["outputs"])
    place, member = (output, "text") if output["output_type"] == "stream" else (output["data"], "text/plain")
    text = "".join(place[member])
    candidates = [position for position, letter in enumerate(text) if letter.isalnum()]
    chance.shuffle(candidates)
    for position in candidates:
        other = "7" if text[position] != "7" else "8"
        altered = text[:position] + other + text[position + 1 :]
        # Values that the rules normalize, such as a time, can differ between runs.
        if sanitized(altered) != sanitized(text):
            place[member] = altered
            return True
    return False


def sanitized(text: str) -> str:
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    return text


def compare(notebook: Path) -> str:
    """Run a notebook as `make notebook-test` does, and return pytest's output."""
    options = [
        "-p", "tests.notebooks.plugin", "--nbval", "--nbval-current-env",
        "--nbval-sanitize-with", "tests/notebooks/sanitize.cfg", "--nbval-cell-timeout", "300",
    ]  # fmt: skip
    command = [sys.executable, "-m", "pytest", *options, "-q", "--tb=no", "-rf", "--rootdir", str(notebook.parent)]
    environment = {**os.environ, "ZETL_FAILED_NOTEBOOKS": str(notebook.parent / "kept")}
    done = subprocess.run(
        [*command, str(notebook)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout
