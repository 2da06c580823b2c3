"""Tests for the messages that commands show if required packages are not installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
INSTALL = "Install it with: pip install 'zetl-helpers[{}]'"


def printed_errors(extras: str, *commands: str, **environment: str) -> dict[str, str]:
    """Run commands as if only some extras were installed, and return each command's standard error."""
    paths = os.pathsep.join([str(ROOT / "tests" / "missing_extras"), str(ROOT)])
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ZETL_"))}
    environment = {**bare, "PYTHONPATH": paths, "ONLY_EXTRAS": extras, **environment}
    done = subprocess.run(
        [sys.executable, "-m", "tests.run_commands", *commands],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(answer["status"] == 1 for answer in answers), answers
    return {answer["command"]: answer["error"] for answer in answers}


def test_commands_without_extras_say_what_to_install(tmp_path: Path) -> None:
    local, connecting = "The local lakehouse needs ", ("env", "policies", "template", "cleanup", "class status")
    errors = printed_errors(
        "", "run", "kit", "site", "local start", *connecting, "doctor", ZETL_STATE_DIR=str(tmp_path)
    )
    for command, extras in {"run": "local,notebooks", "kit": "local,notebooks", "site": "local,notebooks,site"}.items():
        assert errors[command].startswith(f"zetl {command} needs ")
        assert errors[command].endswith(INSTALL.format(extras))
    assert errors["local start"].startswith(local + "duckdb, ")
    assert "pip install 'zetl-helpers[local]'. To work on AWS instead, set ZETL_TARGET=aws" in errors["local start"]
    for command in connecting:
        assert errors[command].startswith(local), command
        assert "\n" not in errors[command]
    assert errors["doctor"] == ""


# If AWS_DATA_PATH is set, botocore looks for the profile during the first call, not when it creates the session.
@pytest.mark.parametrize("more", [{}, {"AWS_DATA_PATH": os.devnull}])
def test_aws_target_does_not_need_extras(tmp_path: Path, more: dict[str, str]) -> None:
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_PROFILE": "nobody"}
    errors = printed_errors(
        "", "cleanup", "class status", "template", "policies",
        ZETL_TARGET="aws", AWS_REGION="us-east-1", ZETL_STATE_DIR=str(tmp_path), **nothing, **more,
    )  # fmt: skip
    for command, error in errors.items():
        assert "(nobody) could not be found. Set AWS_PROFILE" in error, command


def test_notebook_commands_list_all_required_extras() -> None:
    errors = printed_errors("local", "run", "kit", "site")
    assert errors["run"].endswith(INSTALL.format("local,notebooks"))
    assert errors["kit"].endswith(INSTALL.format("local,notebooks"))
    assert errors["site"].endswith(INSTALL.format("local,notebooks,site"))


def test_site_command_lists_its_missing_packages() -> None:
    assert printed_errors("local,notebooks", "site")["site"].startswith("zetl site needs mkdocs, ")
