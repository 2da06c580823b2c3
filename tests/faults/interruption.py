"""A simulated end of the process at one of its AWS calls, before the request or after the response."""

from typing import Any, Literal

import boto3

When = Literal["before", "after"]


class KilledError(BaseException):
    """An exception that simulates the end of the process. No helper catches it."""


class Interruption:
    """A counter of a session's calls that simulates the end of the process before or after a given call."""

    def __init__(self, session: boto3.Session) -> None:
        self.calls: list[str] = []
        self._at: tuple[int, When] | None = None
        session.events.register("before-call", self._before)
        session.events.register("after-call", self._after)

    def arm(self, call: int, when: When) -> None:
        """Simulate the end of the process at the call with the given number, counting from 0."""
        self.calls, self._at = [], (call, when)

    def disarm(self) -> None:
        """Allow all calls, and restart the count at 0."""
        self.calls, self._at = [], None

    def _before(self, model: Any, **_: Any) -> None:
        if self._at == (len(self.calls), "before"):
            raise KilledError(f"before {model.name}")
        self.calls.append(model.name)

    def _after(self, model: Any, **_: Any) -> None:
        if self._at == (len(self.calls) - 1, "after"):
            raise KilledError(f"after {model.name}")
