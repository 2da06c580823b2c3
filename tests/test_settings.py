import importlib.util
import os
from pathlib import Path

import pytest

from zetl_helpers import _settings, cli
from zetl_helpers._settings import SettingsError
from zetl_helpers.lab import TAG_KEY, ConnectionRefusedByLabError, Lab, connect

pytestmark = pytest.mark.once


def test_target_defaults_to_local() -> None:
    assert _settings.target({}) == "local"
    assert _settings.target({"ZETL_TARGET": ""}) == "local"
    assert _settings.target({"ZETL_TARGET": "aws"}) == "aws"


def test_rejects_unknown_target() -> None:
    with pytest.raises(SettingsError, match=r"ZETL_TARGET is 'AWS'\. Set it to local or aws"):
        _settings.target({"ZETL_TARGET": "AWS"})


@pytest.mark.parametrize("prefix", ["Anna", "7up", "a-b", "a_b", "x" * 17])
def test_rejects_invalid_prefix(prefix: str) -> None:
    with pytest.raises(SettingsError, match="ZETL_PREFIX"):
        _settings.prefix({"ZETL_PREFIX": prefix})


def test_rejects_prefix_that_equals_tag_of_lab_without_prefix(lab: Lab) -> None:
    assert lab.tags == {TAG_KEY: "tutorial"}
    with pytest.raises(SettingsError, match=r"^ZETL_PREFIX is 'tutorial'\. .* zetl-lab=tutorial.*different prefix\. "):
        _settings.prefix({"ZETL_PREFIX": "tutorial"})
    assert _settings.prefix({"ZETL_PREFIX": "tutorial1"}) == "tutorial1"


def test_state_dir_is_in_tutorial_folder(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").touch()
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    assert _settings.state_dir({}, start=notebooks) == tmp_path / ".zetl"
    assert _settings.state_dir({}, start=tmp_path) == tmp_path / ".zetl"


def test_state_dir_from_environment_takes_precedence(tmp_path: Path) -> None:
    assert _settings.state_dir({"ZETL_STATE_DIR": str(tmp_path / "mine")}, start=tmp_path) == tmp_path / "mine"


def test_users_of_shared_copy_have_separate_state_dirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "copy" / ".zetl").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "ana"))
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    assert _settings.state_dir({}, start=tmp_path / "copy") == tmp_path / "ana" / ".zetl"


def test_state_dir_is_in_home_if_copy_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "environment.yml").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "ana"))
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)
    assert _settings.state_dir({}, start=tmp_path) == tmp_path / "ana" / ".zetl"


def test_project_and_workgroup_default_to_blog_names() -> None:
    assert (_settings.project({}), _settings.workgroup({})) == ("CustomerDB_Project", "primary")
    environment = {"ZETL_PROJECT": "Data team 7", "ZETL_WORKGROUP": "workgroup-7c2v5b8n1m4x9z"}
    assert (_settings.project(environment), _settings.workgroup(environment)) == tuple(environment.values())


@pytest.mark.parametrize(("variable", "value"), [("ZETL_PROJECT", "a/b"), ("ZETL_WORKGROUP", "a b")])
def test_rejects_invalid_project_or_workgroup(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable} is '{value}'"):
        getattr(_settings, variable.removeprefix("ZETL_").lower())({variable: value})


@pytest.fixture
def tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a tutorial folder, change to its notebooks folder, and remove all settings from the environment."""
    (tmp_path / "environment.yml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    for name in _settings.NAMES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_settings_file_applies_to_notebooks_in_folder(tutorial: Path) -> None:
    assert _settings.write_file({"ZETL_TARGET": "aws", "ZETL_PREFIX": "ana"}) == tutorial / "zetl.env"
    assert (_settings.target(), _settings.prefix(), _settings.workgroup()) == ("aws", "ana", "primary")
    _settings.write_file({"ZETL_PREFIX": ""})
    assert (_settings.target(), _settings.prefix()) == ("aws", "")


def test_environment_overrides_settings_file(tutorial: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _settings.write_file({"ZETL_TARGET": "aws"})
    monkeypatch.setenv("ZETL_TARGET", "local")
    assert _settings.target() == "local"


def test_rejects_reserved_prefix_in_settings_file(tutorial: Path) -> None:
    (tutorial / "zetl.env").write_text("ZETL_PREFIX=tutorial\n")
    with pytest.raises(SettingsError, match="ZETL_PREFIX is 'tutorial'"):
        _settings.prefix()
    assert cli.main(["settings", "prefix="]) == 0
    assert _settings.prefix() == ""


@pytest.mark.parametrize("line", ["ZETL_TARGETS=aws", "aws"])
def test_reports_invalid_line_in_settings_file(tutorial: Path, line: str) -> None:
    (tutorial / "zetl.env").write_text(f"# mine\n\n{line}\n")
    with pytest.raises(SettingsError, match=f"the line '{line}'"):
        _settings.target()


def test_command_writes_and_shows_settings(tutorial: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["settings", "target=aws", "workgroup=analysts"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "ZETL_TARGET=aws", "ZETL_PREFIX=", "ZETL_PROJECT=CustomerDB_Project", "ZETL_WORKGROUP=analysts",
    ]  # fmt: skip
    assert cli.main(["settings", "target="]) == 0
    assert "ZETL_TARGET=local" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("target=moon", "ZETL_TARGET is 'moon'"),
        ("moon=1", "'moon=1' is no"),
        ("prefix=tutorial", "ZETL_PREFIX is 'tutorial'"),
    ],
)
def test_command_rejects_invalid_settings(
    tutorial: Path, capsys: pytest.CaptureFixture[str], words: str, why: str
) -> None:
    assert cli.main(["settings", words]) == 1
    assert why in capsys.readouterr().err
    assert not (tutorial / "zetl.env").exists()


def test_error_for_missing_extra_names_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "moto" else real(name))
    with pytest.raises(
        ConnectionRefusedByLabError, match=r"needs moto\. .*pip install .*\[local\].*settings target=aws"
    ):
        connect("local")
