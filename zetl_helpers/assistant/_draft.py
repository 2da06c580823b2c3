"""Unchecked drafts of SQL statements, and the interfaces of the backends that write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from zetl_helpers.assistant._model import Model


@dataclass(frozen=True)
class Draft:
    """A backend's answer to a question, before it is checked.

    Args:
        sql: The statement, or None if the question is not understood.
        explanation: An explanation of the statement, or the reason why there is no statement.
        confident: Whether every word in the question was used and was unambiguous.
        understood: The interpretation of the question, point by point.
    """

    sql: str | None
    explanation: str
    confident: bool = False
    understood: tuple[str, ...] = ()


class Backend(Protocol):
    """A backend that drafts statements for questions."""

    def draft(self, model: Model, question: str) -> Draft:
        """Draft a statement for a question about a model's tables."""
        ...


class RepairingBackend(Backend, Protocol):
    """A backend that can correct a draft."""

    def repair(self, model: Model, question: str, sql: str, error: str) -> Draft:
        """Draft a statement again, given the rejected statement and the reason for its rejection."""
        ...
