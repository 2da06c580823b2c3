"""Tests for the cell that opens a chapter."""

import pytest

import zetl_helpers as zetl
from tests.conftest import connect_to
from zetl_helpers import source
from zetl_helpers.course.opening import ChapterCard
from zetl_helpers.lab import Lab


@pytest.fixture
def connected(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(zetl, "connect", lambda: lab)
    return lab


def test_opening_chapter_catches_up_and_shows_one_card(connected: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    lab, ex = zetl.open_chapter(2)
    assert lab is connected
    assert source.exists(lab)
    shown = capsys.readouterr().out
    assert shown.count("Chapter 2 is ready on the local lakehouse on this computer") == 1
    assert "Caught up: table CustomerAccounts: created; " in shown
    assert "bucket glue-zetl-target-123456789012-us-east-1: created" in shown
    assert "Chapter 2: 0 of " in shown
    assert ex.q1.name == "2.1"


def test_opening_chapter_again_creates_nothing(connected: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    zetl.open_chapter(2)
    capsys.readouterr()
    zetl.open_chapter(2)
    assert "Nothing was missing from earlier chapters." in capsys.readouterr().out


def test_opening_chapter_12_creates_nothing(connected: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    zetl.open_chapter(12)
    assert "This chapter creates nothing." in capsys.readouterr().out


def test_opening_chapter_deletes_leftover_item(connected: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    zetl.open_chapter(2)
    item = {"CustomerID": {"S": "CUST0099"}, "AccountNumber": {"S": "ACC000099"}}
    connected.client("dynamodb").put_item(TableName=connected.table, Item=item)
    capsys.readouterr()
    zetl.open_chapter(2)
    assert "Caught up: item CUST0099, ACC000099: deleted." in capsys.readouterr().out


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("number", [0, 12])
def test_card_without_exercises_shows_names_expanded(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    lab, ex = zetl.open_chapter(number)
    assert not ex.questions
    assert "exercises done" not in capsys.readouterr().out
    assert "<details open>" in ChapterCard(lab, ex, [])._repr_html_()


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("number", [-1, 99, "5"])
def test_opening_unknown_chapter_is_rejected(number: int) -> None:
    with pytest.raises(ValueError, match=r"There is no chapter .* Use a number from 0 to "):
        zetl.open_chapter(number)


def test_card_shows_target(lab: Lab) -> None:
    card = ChapterCard(connect_to(str(lab.endpoint)), zetl.exercises.Chapter(0, ()), [])
    assert repr(card).startswith("Chapter 0 is ready on the local lakehouse on this computer, account 123456789012")
