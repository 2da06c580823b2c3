"""Tests for the ``zetl`` command and its error messages for invalid arguments."""

from pathlib import Path

import pytest

import zetl_helpers
from local_lakehouse import daemon
from zetl_helpers.cli import main

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


@pytest.mark.parametrize("word", ["99", "notebooks/99_nope.ipynb", "README.md"])
def test_run_lists_notebooks_if_none_matches(
    word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(NOTEBOOKS.parent)
    assert main(["run", word]) == 1
    captured = capsys.readouterr().err
    assert captured.startswith(f"There is no notebook {word}. Available: ")
    assert "04_query_with_athena.ipynb" in captured


@pytest.mark.parametrize("word", ["04", "4", "notebooks/04_query_with_athena.ipynb"])
def test_run_accepts_number_or_path(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NOTEBOOKS.parent)
    calls: list[list[Path]] = []
    monkeypatch.setattr("zetl_helpers.course.notebooks.run", lambda paths, _: _note(calls, paths))
    assert main(["run", word]) == 0
    assert calls == [[Path("notebooks/04_query_with_athena.ipynb")]]


def test_version_matches_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"zetl {zetl_helpers.__version__}\n"


def test_run_uses_packaged_notebooks_but_never_writes_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packaged = tmp_path / "tutorial" / "notebooks" / "04_query_with_athena.ipynb"
    packaged.parent.mkdir(parents=True)
    packaged.touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setattr("zetl_helpers.course.notebooks._PACKAGED", tmp_path / "tutorial")
    calls: list[list[Path]] = []
    monkeypatch.setattr("zetl_helpers.course.notebooks.run", lambda paths, _: _note(calls, paths))
    assert main(["run"]) == 0
    assert calls == [[packaged]]
    assert main(["run", "--store"]) == 1
    assert capsys.readouterr().err.startswith("The installed package cannot store outputs")


def _note(calls: list[list[Path]], paths: list[Path]) -> int:
    calls.append(paths)
    return 0


def test_env_fails_when_target_is_aws(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ZETL_TARGET", "aws")
    assert main(["env"]) == 1
    captured = capsys.readouterr()
    assert (
        captured.err == "ZETL_TARGET is aws, but zetl env supports only the local lakehouse. Unset ZETL_TARGET first.\n"
    )
    assert captured.out == ""


@pytest.mark.parametrize("words", [["policies", "--out", "{}/a/b"], ["template", "--out", "{}/a/b/stack.json"]])
def test_does_not_create_parent_folders(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word.format(tmp_path) for word in words]) == 1
    assert (
        capsys.readouterr().err == f"There is no folder {tmp_path / 'a'}. Create it first, or specify another folder.\n"
    )
    assert not (tmp_path / "a").exists()


def test_rejects_file_given_as_folder_and_vice_versa(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["policies", "--out", str(tmp_path / "file")]) == 1
    assert f"The folder {tmp_path / 'file'} cannot be created: File exists." in capsys.readouterr().err
    assert main(["template", "--out", str(tmp_path)]) == 1
    assert f"{tmp_path} is a folder" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "action"), [("local", "refresh"), ("class", "cleanup")])
def test_command_without_action_lists_actions(command: str, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 1
    assert action in capsys.readouterr().out


def test_invalid_arguments_show_subcommand_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["local", "start", "--nope"])
    captured = capsys.readouterr().err
    assert captured.startswith("usage: zetl local start")
    assert "unrecognized arguments: --nope" in captured


def test_cleanup_help_explains_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cleanup", "--help"])
    assert "the exit status is 0 if nothing is found, otherwise 1" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("action", ["start", "stop", "reset"])
def test_lakehouse_errors_are_printed_without_traceback(
    action: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise daemon.LakehouseError("The lakehouse (process 7) did not stop.")

    monkeypatch.setattr(daemon, action, fail)
    assert main(["local", action]) == 1
    assert capsys.readouterr().err == "The lakehouse (process 7) did not stop.\n"
