"""An assistant that converts questions about the lab's tables to SQL but never runs the SQL."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Literal

from zetl_helpers.assistant import _catalog
from zetl_helpers.assistant._bedrock import BedrockBackend, BedrockError
from zetl_helpers.assistant._checks import RejectedError, check
from zetl_helpers.assistant._draft import Backend, Draft
from zetl_helpers.assistant._model import Model
from zetl_helpers.assistant._offline import OfflineBackend
from zetl_helpers.lab import Lab

__all__ = ["BedrockError", "Suggestion", "ask"]

BackendName = Literal["offline", "bedrock"]


@dataclass(frozen=True, repr=False)
class Suggestion:
    """The assistant's suggestion for a question.

    Args:
        question: The question.
        sql: One SELECT statement that Athena accepts and that reads only the lab's tables, or None if the question was
            not understood.
        explanation: An explanation of the statement, the reason why there is no statement, or a question for the user.
        confident: Whether every word in the question was used and was unambiguous.
        understood: The interpretation of the question, point by point.
        backend: The backend that answered.
    """

    question: str
    sql: str | None
    explanation: str
    confident: bool
    understood: tuple[str, ...]
    backend: str

    def __repr__(self) -> str:
        return f"{self.sql}\n\n{self.explanation}" if self.sql else self.explanation

    def _repr_html_(self) -> str:
        sql = f"<pre>{html.escape(self.sql)}</pre>" if self.sql else ""
        return f"{sql}<p>{html.escape(self.explanation)}</p>"


def ask(lab: Lab, question: str, backend: BackendName = "offline") -> Suggestion:
    """Return SQL that answers a question. The statement is checked but not run.

    Args:
        lab: The lab.
        question: The question, in English.
        backend: ``offline`` is deterministic and needs no model. ``bedrock`` calls a model in Amazon Bedrock.

    Returns:
        The suggestion.

    Raises:
        BedrockError: The model cannot be called. The message says what to change.
        ValueError: The backend does not exist.

    See https://docs.aws.amazon.com/sagemaker-unified-studio/latest/userguide/sql-query-data-agent.html
    """
    chosen = _backend(lab, backend)
    model = _catalog.read(lab)
    draft = chosen.draft(model, question)
    draft = _checked(lab, model, chosen, question, draft)
    return Suggestion(question, draft.sql, draft.explanation, draft.confident, draft.understood, backend)


def _backend(lab: Lab, name: str) -> Backend:
    if name == "offline":
        return OfflineBackend()
    if name == "bedrock":
        return BedrockBackend(lab)
    raise ValueError(f"There is no backend {name!r}. Use 'offline' or 'bedrock'.")


def _checked(lab: Lab, model: Model, backend: Backend, question: str, draft: Draft) -> Draft:
    if draft.sql is None:
        return draft
    try:
        check(lab, model, draft.sql)
    except RejectedError as error:
        if not isinstance(backend, BedrockBackend):
            return Draft(None, f"I cannot express the question in one statement that Athena accepts: {error}")
        return _repaired(lab, model, backend, question, draft.sql, str(error))
    return draft


def _repaired(lab: Lab, model: Model, backend: BedrockBackend, question: str, sql: str, reason: str) -> Draft:
    draft = backend.repair(model, question, sql, reason)
    if draft.sql is None:
        return draft
    try:
        check(lab, model, draft.sql)
    except RejectedError as error:
        return Draft(None, f"No statement is shown, because both of the model's statements were rejected. {error}")
    return draft
