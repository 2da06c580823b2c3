"""Tests for the CI workflows: commands, Python versions and permissions."""

import re

import pytest

from tests.release.run_workflows import ROOT, choices, jobs
from tests.release.try_wheel import TRIALS

pytestmark = pytest.mark.once


def test_commands_are_make_targets_or_test_modules() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for job in jobs():
        for command in job.commands:
            program, *words = command.split()
            if program == "make":
                assert set(re.sub(r'\w+=("[^"]*"|\S+)', "", command).split()[1:]) <= targets, command
            elif program == "python":
                assert words[:2] == ["-m", "tests.release.try_wheel"]
                assert set(words[2:]) <= {*TRIALS, "source"}
            else:
                assert "publish" in job.name, command


def test_jobs_together_run_every_check_of_make_test() -> None:
    checks = re.search(r"^test: ([a-z -]+) ##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert checks
    run = {word for job in jobs() if job.name.startswith("test.") for line in job.commands for word in line.split()}
    assert set(checks[1].split()) <= run


def test_every_declared_python_version_is_tested() -> None:
    classifiers = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = set(re.findall(r"Python :: (3\.\d+)", classifiers))
    assert named == {job.python for job in jobs() if job.name.startswith("test.package.ubuntu")}


def test_matrix_choices_are_combinations_of_axes_followed_by_includes() -> None:
    found = list(choices({"a": ["1", "2"], "b": ["3"], "include": [{"a": "9", "b": "8"}]}))
    assert found == [{"a": "1", "b": "3"}, {"a": "2", "b": "3"}, {"a": "9", "b": "8"}]


def test_actions_are_pinned_and_permissions_are_restricted() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"uses: (?![\w-]+/[\w-]+@[0-9a-f]{40} # v\d)(.+)", text) == []
        assert "\npermissions:\n  contents: read\n" in text
