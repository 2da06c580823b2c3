"""Functions that run before or after given AWS calls in a session."""

from collections.abc import Callable
from typing import Any, Literal

import boto3

When = Literal["before", "after"]


class Interruption:
    """A counter of a session's calls that can run functions before or after given calls.

    Each function finds the account as it would be if the process ended at that point.
    """

    def __init__(self, session: boto3.Session) -> None:
        self.calls: list[str] = []
        self._actions: dict[tuple[int, When], Callable[[], None]] = {}
        session.events.register("before-call", self._before)
        session.events.register("after-call", self._after)

    def arm(self, actions: dict[tuple[int, When], Callable[[], None]]) -> None:
        """Restart the count at 0, and run each function before or after the call with the given number."""
        self.calls, self._actions = [], actions

    def _before(self, model: Any, **_: Any) -> None:
        self._act("before", len(self.calls))
        self.calls.append(model.name)

    def _after(self, **_: Any) -> None:
        self._act("after", len(self.calls) - 1)

    def _act(self, when: When, call: int) -> None:
        action = self._actions.pop((call, when), None)
        if action is not None:
            action()
