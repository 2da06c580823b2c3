"""Tests for the development container, the Binder configuration and the CI artifacts."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))


def test_container_uses_oldest_supported_python() -> None:
    (version,) = re.findall(r":3\.(\d+)$", CONTAINER["image"])
    assert PROJECT["requires-python"] == f">=3.{version}"


def test_container_runs_make_target_and_opens_existing_files() -> None:
    command = CONTAINER["postCreateCommand"].split()
    planned = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "pip install" in planned or "up to date" in planned or "Nothing to be done" in planned
    for file in CONTAINER["customizations"]["codespaces"]["openFiles"]:
        assert (ROOT / file).is_file()


def test_binder_installs_lock_and_project() -> None:
    lines = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    (locked,) = (line.removeprefix("-r ") for line in lines if line.startswith("-r "))
    assert (ROOT / "binder" / locked).is_file()
    after = ROOT / "binder" / "postBuild"
    assert os.access(after, os.X_OK)
    assert after.read_text(encoding="utf-8").endswith("--no-deps --no-build-isolation -e .\n")
    version = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    assert PROJECT["requires-python"] == f">={version}"


@pytest.mark.parametrize("artifact", ["site", "tutorial"])
def test_ci_uploads_artifacts(artifact: str) -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))["jobs"]
    uploads = [
        step["with"] for job in jobs.values() for step in job["steps"] if "upload-artifact" in step.get("uses", "")
    ]
    assert {upload["name"]: upload["path"] for upload in uploads}[artifact] == f"build/{artifact}"


def test_make_lab_opens_the_first_chapter() -> None:
    planned = subprocess.run(["make", "--dry-run", "lab"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "default_url=/lab/tree/notebooks/00_start_here.ipynb" in planned


def test_readme_minutes_match_chapters() -> None:
    from zetl_helpers.course.kit import chapters

    read = {entry.number: entry for entry in map(chapters.read, sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")))}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    spine = sum(read[number].teaching for number in (0, 1, 2, 4, 12))
    evening = sum(read[number].minutes for number in (0, 1, 2, 4, 6, 7, 8, 12))
    assert f"| {spine}, with {90 - spine} minutes left to explore |" in readme
    assert f"| an evening | the core with its exercises, then chapters 06, 07 and 08 | {evening} |" in readme
    assert f"| {sum(item.minutes for item in read.values())} |" in readme
