"""Tests that make installs the locked packages with uv, or with pip if uv fails."""

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]

# This Python creates environments whose tools write their arguments to a log.
PYTHON = """#!/bin/sh
test "$2" = venv || exit 0
mkdir -p "$3/bin"
printf '%s\\n' '#!/bin/sh' 'echo "pip $@" >> {log}' > "$3/bin/python"
printf '%s\\n' '#!/bin/sh' {uv} > "$3/bin/uv"
chmod +x "$3/bin/python" {executable}
"""


@pytest.mark.parametrize("outcome", ["uv installs", "uv fails", "uv cannot be installed"])
def test_locked_packages_are_installed_with_uv_or_else_with_pip(tmp_path: Path, outcome: str) -> None:
    log, environment, python = tmp_path / "log", tmp_path / "venv", tmp_path / "python"
    uv = f"""'echo "uv $@" >> {log}'""" if outcome == "uv installs" else "'exit 2'"
    executable = "" if outcome == "uv cannot be installed" else '"$3/bin/uv"'
    python.write_text(PYTHON.format(log=log, uv=uv, executable=executable), encoding="utf-8")
    python.chmod(0o755)
    subprocess.run(
        ["make", f"{environment}/.packages", f"VENV={environment}", f"PYTHON={python}"],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        check=True,
        capture_output=True,
    )
    bootstrap, *packages = log.read_text(encoding="utf-8").splitlines()
    assert bootstrap.endswith("--no-deps --no-compile --quiet --require-hashes -r constraints/uv.txt")
    (installed,) = packages
    assert installed.startswith("uv pip install" if outcome == "uv installs" else "pip -m pip install")
    assert "--no-deps" in installed
    assert installed.endswith("--require-hashes -r constraints/tested.txt")
