"""Waits with a time limit and visible progress, and a clock for tests."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from zetl_helpers import _sign_in
from zetl_helpers._errors import UserError

T = TypeVar("T")

# Shorter waits show no progress line, so that stored notebook outputs do not contain progress lines.
_QUIET_SECONDS = 5.0
_PATIENCE = 0.1
_LONGEST_PAUSE = 30.0
# The user may be away when the session expires.
_SIGN_IN_SECONDS = 4 * 3600.0
_SIGN_IN_PAUSE = 10.0
_SKIP = (
    "AWS does the work in the background. You can interrupt the cell and continue with another section or chapter. "
    "Run the cell again later to resume waiting."
)
_SKIPPED = _SKIP.replace("interrupt the cell and ", "")


class WaitTimeoutError(Exception):
    """A wait timed out. The message says what to check next."""


class WaitInterruptedError(UserError):
    """The user interrupted a wait. The message says what continues in the background and how to resume waiting."""


class _Clock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _TestingClock(_Clock):
    """A clock whose `sleep` takes no time."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._now = 0.0
        self._meanwhile = meanwhile

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        # The clock advances even if the pause is too short to change the float. Otherwise, a wait's last pause could
        # repeat forever.
        self._now = max(self._now + seconds, math.nextafter(self._now, math.inf))
        self._meanwhile()


_clock = _Clock()


@contextmanager
def without_waiting(meanwhile: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Make every wait inside the ``with`` block take no time.

    Args:
        meanwhile: A function that is called instead of each pause, for example to run a refresh.
    """
    global _clock
    real, _clock = _clock, _TestingClock(meanwhile)
    try:
        yield
    finally:
        _clock = real


def wait_for(
    what: str,
    look: Callable[[], T | None],
    *,
    timeout: float,
    hint: str,
    every: float = 0.1,
    status: Callable[[], str] = lambda: "",
    usual: str = "",
) -> T:
    """Poll until there is a result.

    If the session expires, the wait continues as soon as the user has signed in again. The time until then does not
    count toward the timeout.

    Args:
        what: The text that follows "waiting for" in messages.
        look: A function that returns None while there is no result. Any other value ends the wait.
        timeout: Seconds until the wait fails.
        hint: A sentence that says what to check if the wait fails.
        every: Seconds between the first polls. The interval grows to at most 30 seconds, so that short waits end
            quickly and long waits poll rarely.
        status: A function that returns the text to show after the time in the progress line.
        usual: The time that AWS usually takes, such as ``15 to 30 minutes``. If this text is not empty, the user also
            sees a hint that the wait can be interrupted.

    Returns:
        The value that `look` returned.

    Raises:
        WaitTimeoutError: There was no result within `timeout`.
        WaitInterruptedError: The user interrupted the wait.
    """
    started = _clock.now()
    progress = _Progress(what, timeout, usual)
    try:
        while (seen := _look(look, progress)) is None:
            elapsed = _clock.now() - started - progress.signed_out
            if elapsed >= timeout:
                raise WaitTimeoutError(f"Timed out after {_duration(timeout)} waiting for {what}. {hint}")
            progress.show(elapsed, status)
            _clock.sleep(min(max(every, min(elapsed * _PATIENCE, _LONGEST_PAUSE)), timeout - elapsed))
    except KeyboardInterrupt as interrupt:
        raise WaitInterruptedError(
            f"You stopped waiting for {what}. {_SKIPPED if usual else 'Run the cell again to resume waiting.'}"
        ) from interrupt
    finally:
        progress.end()
    return seen


def _look(look: Callable[[], T | None], progress: _Progress) -> T | None:
    """Poll once. If the session has expired, wait until the user has signed in again, and repeat the poll."""
    began = _clock.now()
    while True:
        try:
            return look()
        except (ClientError, BotoCoreError) as error:
            if not _sign_in.has_ended(error) or _clock.now() - began > _SIGN_IN_SECONDS:
                raise
            progress.say(_sign_in.HINT)
            _clock.sleep(_SIGN_IN_PAUSE)
            progress.signed_out += _SIGN_IN_PAUSE
            _sign_in.renew()


class _Progress:
    """The progress of a wait, shown on standard error as a single line that is updated in place.

    Args:
        what: The awaited event.
        timeout: Seconds until the wait fails.
        usual: The time that AWS usually takes, or an empty string if AWS usually takes less than a few minutes.
    """

    def __init__(self, what: str, timeout: float, usual: str) -> None:
        self.signed_out = 0.0
        self._what = what
        self._timeout = timeout
        self._usual = usual
        self._open = False
        self._said: set[str] = set()

    def show(self, elapsed: float, status: Callable[[], str]) -> None:
        """Show the elapsed time, except during the first few seconds."""
        if elapsed < _QUIET_SECONDS or os.environ.get("ZETL_PROGRESS") == "off":
            return
        if self._usual:
            self.say(_SKIP)
        limit = f"(AWS usually takes {self._usual})" if self._usual else f"of at most {_duration(self._timeout)}"
        line = f"waiting for {self._what} · {_duration(elapsed)} {limit} {status()}"
        print(f"\r{line:<100}", end="", file=sys.stderr, flush=True)  # noqa: T201
        self._open = True

    def say(self, text: str) -> None:
        """Print a message once, on a separate line."""
        if text not in self._said:
            self._said.add(text)
            self.end()
            print(text, file=sys.stderr, flush=True)  # noqa: T201

    def end(self) -> None:
        """End the progress line if one was started."""
        if self._open:
            print(file=sys.stderr)  # noqa: T201
        self._open = False


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
