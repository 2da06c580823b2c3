"""Waits that are visible, cheap and bounded; and a clock that tests can turn."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

# A shorter wait needs no progress line, and leaves none behind in a notebook.
_QUIET_SECONDS = 5.0
_PATIENCE = 0.1
_LONGEST_PAUSE = 30.0


class WaitTimeoutError(Exception):
    """What was waited for did not come in time; the text says what to look at next."""


class _Clock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _TestingClock(_Clock):
    """A clock on which sleeping takes no time."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._now = 0.0
        self._meanwhile = meanwhile

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds
        self._meanwhile()


_clock = _Clock()


@contextmanager
def without_waiting(meanwhile: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Let every wait inside the block take no time.

    Args:
        meanwhile: What happens in the world while somebody waits, such as a refresh.
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
    every: float = 0.25,
    status: Callable[[], str] = lambda: "",
) -> T:
    """Look again and again until there is something to see.

    Args:
        what: What is waited for, as the end of "waiting for …".
        look: Returns None for "not yet"; anything else ends the wait.
        timeout: Seconds until the wait is given up.
        hint: What to look at when it does not come.
        every: Seconds between the first looks. They grow with the wait, to half a minute: what takes seconds is
            seen at once, and what takes an hour is not asked for thousands of times.
        status: What the progress line shows beside the time.

    Returns:
        What `look` returned.

    Raises:
        WaitTimeoutError: Nothing came within `timeout`.
    """
    started = _clock.now()
    shown = False
    while (seen := look()) is None:
        elapsed = _clock.now() - started
        if elapsed >= timeout:
            _end_line(shown)
            raise WaitTimeoutError(f"Waited {_duration(timeout)} for {what}, and it did not come. {hint}")
        if elapsed >= _QUIET_SECONDS:
            _show(f"waiting for {what} · {_duration(elapsed)} of at most {_duration(timeout)} {status()}")
            shown = True
        _clock.sleep(min(max(every, min(elapsed * _PATIENCE, _LONGEST_PAUSE)), timeout - elapsed))
    _end_line(shown)
    return seen


def _show(line: str) -> None:
    # On standard error and over itself: a progress line is no result.
    print(f"\r{line:<100}", end="", file=sys.stderr, flush=True)  # noqa: T201


def _end_line(shown: bool) -> None:
    if shown:
        print(file=sys.stderr)  # noqa: T201


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
