"""What can be wrong with an integration, as its `Errors` show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Only `UNRECOVERABLE_ACCESS_DENIED` is known from AWS; the other codes are ours.
_MESSAGE_LIMIT = 2048


@dataclass(frozen=True)
class Problem:
    """One entry of an integration's `Errors`.

    Args:
        code: A short upper-case code.
        message: The cause, the thing it is about, and what to do now.
        logged: What the log says of it, where AWS documents its words. Defaults to the message.
    """

    code: str
    message: str
    logged: str = ""

    def answer(self) -> dict[str, str]:
        """Return the problem in the shape of `IntegrationError`."""
        return {"ErrorCode": self.code, "ErrorMessage": self.message[:_MESSAGE_LIMIT]}


class NeedsAttentionError(Exception):
    """An integration cannot continue until somebody repairs a cause; it then continues by itself.

    Args:
        problems: What is to be repaired.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems: Sequence[Problem] = problems


class FailedForGoodError(Exception):
    """An integration can never continue: it is to be deleted and created again.

    Args:
        problem: Why.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class SnapshotNeededError(Exception):
    """The target's layout no longer fits the source: the table must be loaded again as a whole.

    Args:
        columns: The columns whose data type changed, by their path in the target; none when a property changed.
    """

    def __init__(self, columns: frozenset[str] = frozenset()) -> None:
        super().__init__(", ".join(sorted(columns)))
        self.columns = columns
