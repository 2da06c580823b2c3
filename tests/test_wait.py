import time

import pytest

from zetl_helpers._wait import WaitTimeoutError, wait_for, without_waiting

pytestmark = pytest.mark.once


def test_a_wait_ends_with_what_was_seen() -> None:
    answers = iter([None, None, "there"])
    with without_waiting():
        assert wait_for("it", lambda: next(answers), timeout=60, hint="") == "there"


def test_a_wait_without_end_names_what_to_look_at_and_takes_no_time_under_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it slept"))
    with without_waiting(), pytest.raises(WaitTimeoutError) as caught:
        wait_for("the moon", lambda: None, timeout=3600, hint="Look at the sky.")
    assert str(caught.value) == "Waited 60 min 00 s for the moon, and it did not come. Look at the sky."


def test_a_long_wait_asks_seldom() -> None:
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1

    with without_waiting(), pytest.raises(WaitTimeoutError):
        wait_for("it", look, timeout=3600, hint="")
    assert 100 < looks < 250


def test_a_short_wait_leaves_no_progress_line(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([None, None, "there"])
    with without_waiting():
        wait_for("it", lambda: next(answers), timeout=60, hint="")
    assert capsys.readouterr().err == ""


def test_a_long_wait_shows_its_progress_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([None] * 40 + ["there"])
    with without_waiting():
        wait_for("it", lambda: next(answers), timeout=600, hint="", status=lambda: "CREATING")
    shown = capsys.readouterr().err
    assert "waiting for it" in shown
    assert "CREATING" in shown
    assert shown.count("\n") == 1
