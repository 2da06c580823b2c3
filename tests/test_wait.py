import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, UnauthorizedSSOTokenError
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.lakehouse import Lakehouse
from tests.fakes import FakeOperation
from zetl_helpers import _sign_in, integration
from zetl_helpers._wait import WaitInterruptedError, WaitTimeoutError, wait_for, without_waiting
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Discard the sessions from other tests."""
    monkeypatch.setattr(_sign_in, "_sessions", [])


def test_wait_returns_result() -> None:
    answers = iter([None, None, "there"])
    with without_waiting():
        assert wait_for("it", lambda: next(answers), timeout=60, hint="") == "there"


def test_wait_times_out_with_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("the wait slept"))
    with without_waiting(), pytest.raises(WaitTimeoutError) as caught:
        wait_for("the moon", lambda: None, timeout=3600, hint="Look at the sky.")
    assert str(caught.value) == "Timed out after 60 min 00 s waiting for the moon. Look at the sky."


@given(earlier=st.lists(st.sampled_from([0.1, 0.7, 30.0]), max_size=60), timeout=st.sampled_from([1, 5, 60]))
def test_wait_times_out_after_earlier_waits(earlier: list[float], timeout: float) -> None:
    with without_waiting():
        for seconds in [*earlier, timeout]:
            looks = iter([None] * 1000)
            with pytest.raises(WaitTimeoutError):
                wait_for("it", looks.__next__, timeout=seconds, hint="")


def test_long_wait_polls_less_often() -> None:
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1

    with without_waiting(), pytest.raises(WaitTimeoutError):
        wait_for("it", look, timeout=3600, hint="")
    assert 100 < looks < 250


def test_short_wait_does_not_show_progress(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([None, None, "there"])
    with without_waiting():
        wait_for("it", lambda: next(answers), timeout=60, hint="")
    assert capsys.readouterr().err == ""


def test_long_wait_shows_progress_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([None] * 40 + ["there"])
    with without_waiting():
        wait_for("it", lambda: next(answers), timeout=600, hint="", status=lambda: "CREATING")
    shown = capsys.readouterr().err
    assert "waiting for it" in shown
    assert "CREATING" in shown
    assert shown.count("\n") == 1


def test_wait_for_aws_shows_usual_time_and_explains_how_to_skip(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([None] * 40 + ["there"])
    with without_waiting():
        wait_for("it", lambda: next(answers), timeout=3600, hint="", usual="15 to 30 minutes")
    shown = capsys.readouterr().err
    assert shown.count("You can interrupt the cell and continue with another section") == 1
    assert "s (AWS usually takes 15 to 30 minutes)" in shown


def test_interrupted_wait_explains_how_to_resume() -> None:
    with pytest.raises(
        WaitInterruptedError,
        match=r"stopped waiting for it\. AWS does the work in the background\. You can continue with .*resume waiting",
    ):
        wait_for("it", interrupt, timeout=3600, hint="", usual="15 to 30 minutes")
    with pytest.raises(WaitInterruptedError, match=r"stopped waiting for it\. Run the cell again"):
        wait_for("it", interrupt, timeout=3600, hint="")


def interrupt() -> None:
    raise KeyboardInterrupt


def test_progress_can_be_turned_off(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZETL_PROGRESS", "off")
    answers = iter([None] * 40 + ["there"])
    with without_waiting():
        wait_for("it", lambda: next(answers), timeout=3600, hint="", usual="15 to 30 minutes")
    assert capsys.readouterr().err == ""


EXPIRED: ClientError = ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "expired"}}, "GetTable")


@pytest.mark.parametrize("error", [EXPIRED, UnauthorizedSSOTokenError()])
def test_wait_continues_after_session_is_renewed(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[bool] = []
    monkeypatch.setattr(_sign_in, "renew", lambda: renewed.append(True))
    answers = iter([None, *[error] * 400, "there"])
    with without_waiting():
        # The sign-in takes longer than the wait's timeout, but does not count toward it.
        assert wait_for("it", lambda: raised(next(answers)), timeout=60, hint="") == "there"
    assert len(renewed) == 400
    assert capsys.readouterr().err.count("Your AWS session has ended. Sign in again") == 1


def raised(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def test_wait_raises_error_if_session_is_not_renewed() -> None:
    with without_waiting(), pytest.raises(ClientError, match="ExpiredTokenException"):
        wait_for("it", lambda: raised(EXPIRED), timeout=60, hint="")


def test_wait_raises_other_errors_immediately() -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetTable")
    with pytest.raises(ClientError, match="AccessDenied"):
        wait_for("it", lambda: raised(denied), timeout=60, hint="")


def test_renewal_updates_credentials_of_existing_clients(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    written = "[default]\naws_access_key_id = {0}\naws_secret_access_key = {0}\naws_session_token = {0}\n"
    file.write_text(written.format("OLD"))
    session = boto3.Session(region_name="us-east-1")
    client = session.client("glue")
    _sign_in.remember(session)
    file.write_text(written.format("NEW"))
    _sign_in.renew()
    assert client._request_signer._credentials.access_key == "NEW"
    assert client._request_signer._credentials.token == "NEW"


@pytest.mark.parametrize(
    ("service", "operation", "wait"),
    [
        ("glue", "DescribeIntegrations", integration.wait_until_active),
        ("glue", "GetTable", integration.wait_until_loaded),
        ("glue", "DescribeIntegrations", integration.wait_until_recovered),
    ],
)
def test_waits_in_chapters_continue_after_new_sign_in(
    lab: Lab, lakehouse: Lakehouse, service: str, operation: str, wait: Callable[[Lab], object]
) -> None:
    with without_waiting(lakehouse.zero_etl.refresh_now):
        chapters.catch_up(lab, 3)
        FakeOperation(lab, service, operation).fail("ExpiredTokenException", times=3)
        wait(lab)
