"""An integration's problems, as reported in its `Errors`.

Only the error code `UNRECOVERABLE_ACCESS_DENIED` comes from AWS. The other codes are our choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_MESSAGE_LIMIT = 2048


@dataclass(frozen=True)
class Problem:
    """One entry of an integration's `Errors`.

    Args:
        code: A short code in uppercase.
        message: The cause, the affected resource and the solution.
        logged: The message in the log, if AWS documents a different message. If empty, the log contains `message`.
    """

    code: str
    message: str
    logged: str = ""

    def answer(self) -> dict[str, str]:
        """Return the problem in the format of `IntegrationError`."""
        return {"ErrorCode": self.code, "ErrorMessage": self.message[:_MESSAGE_LIMIT]}


class NeedsAttentionError(Exception):
    """An integration cannot continue until the causes are fixed. It then continues automatically.

    Args:
        problems: The problems to fix.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems: Sequence[Problem] = problems


class NameConflictError(NeedsAttentionError):
    """Two attributes would share a column, or one of them already has the column."""


class FailedForGoodError(Exception):
    """An integration cannot continue. It must be deleted and created again.

    Args:
        problem: The reason.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class SnapshotNeededError(Exception):
    """The target's layout no longer matches the source, so the whole table must be loaded again.

    Args:
        columns: The target paths of the columns whose data type changed. The set is empty if the layout differs for
            another reason.
    """

    def __init__(self, columns: frozenset[str] = frozenset()) -> None:
        super().__init__(", ".join(sorted(columns)))
        self.columns = columns
