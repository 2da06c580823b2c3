"""Tests of the ``zetl`` command, and of its errors for invalid arguments."""

from pathlib import Path

import pytest

import zetl_helpers
from local_lakehouse import daemon
from zetl_helpers.cli import main

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


@pytest.mark.parametrize("word", ["99", "notebooks/99_nope.ipynb", "README.md"])
def test_a_notebook_that_is_not_there_is_named_with_those_that_are(
    word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(NOTEBOOKS.parent)
    assert main(["run", word]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"There is no notebook {word}. Available: ")
    assert "04_query_with_athena.ipynb" in said


@pytest.mark.parametrize("word", ["04", "4", "notebooks/04_query_with_athena.ipynb"])
def test_a_notebook_is_run_by_its_number_or_its_file(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NOTEBOOKS.parent)
    asked: list[list[Path]] = []
    monkeypatch.setattr("zetl_helpers.course.notebooks.run", lambda paths, _: _note(asked, paths))
    assert main(["run", word]) == 0
    assert asked == [[Path("notebooks/04_query_with_athena.ipynb")]]


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"zetl {zetl_helpers.__version__}\n"


def test_without_notebooks_here_those_of_the_installed_package_are_run_but_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packaged = tmp_path / "tutorial" / "notebooks" / "04_query_with_athena.ipynb"
    packaged.parent.mkdir(parents=True)
    packaged.touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setattr("zetl_helpers.course.notebooks._PACKAGED", tmp_path / "tutorial")
    asked: list[list[Path]] = []
    monkeypatch.setattr("zetl_helpers.course.notebooks.run", lambda paths, _: _note(asked, paths))
    assert main(["run"]) == 0
    assert asked == [[packaged]]
    assert main(["run", "--store"]) == 1
    assert capsys.readouterr().err.startswith("The installed package cannot store outputs")


def _note(asked: list[list[Path]], paths: list[Path]) -> int:
    asked.append(paths)
    return 0


def test_env_is_refused_on_aws(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ZETL_TARGET", "aws")
    assert main(["env"]) == 1
    said = capsys.readouterr()
    assert said.err == "ZETL_TARGET is aws, but zetl env supports only the local lakehouse. Unset ZETL_TARGET first.\n"
    assert said.out == ""


@pytest.mark.parametrize("words", [["policies", "--out", "{}/a/b"], ["template", "--out", "{}/a/b/stack.json"]])
def test_a_folder_is_not_made_with_those_above_it(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(tmp_path) for word in words]) == 1
    assert (
        capsys.readouterr().err == f"There is no folder {tmp_path / 'a'}. Create it first, or specify another folder.\n"
    )
    assert not (tmp_path / "a").exists()


def test_a_folder_that_cannot_be_made_and_a_file_that_is_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["policies", "--out", str(tmp_path / "file")]) == 1
    assert f"The folder {tmp_path / 'file'} cannot be created: File exists." in capsys.readouterr().err
    assert main(["template", "--out", str(tmp_path)]) == 1
    assert f"{tmp_path} is a folder" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "action"), [("local", "refresh"), ("class", "cleanup")])
def test_a_command_with_actions_lists_them(command: str, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 1
    assert action in capsys.readouterr().out


def test_wrong_words_show_the_usage_of_the_command_they_stand_behind(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["local", "start", "--nope"])
    said = capsys.readouterr().err
    assert said.startswith("usage: zetl local start")
    assert "unrecognized arguments: --nope" in said


def test_the_help_of_cleanup_says_what_its_exit_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cleanup", "--help"])
    assert "the exit status is 0 if nothing is found, otherwise 1" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("action", ["start", "stop", "reset"])
def test_what_the_lakehouse_could_not_do_is_said_without_a_traceback(
    action: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise daemon.LakehouseError("The lakehouse (process 7) did not stop.")

    monkeypatch.setattr(daemon, action, fail)
    assert main(["local", action]) == 1
    assert capsys.readouterr().err == "The lakehouse (process 7) did not stop.\n"
