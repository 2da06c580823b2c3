"""The assistant's deterministic backend, which needs neither a model nor a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from zetl_helpers.assistant import _describe, _lexicon, _sql
from zetl_helpers.assistant._draft import Draft
from zetl_helpers.assistant._marks import Marker
from zetl_helpers.assistant._model import Model, Table
from zetl_helpers.assistant._plan import Plan, TimeGroup
from zetl_helpers.assistant._reader import Reader

_LONGEST = 400
_MOST_UNUSED = 1


class OfflineBackend:
    """A backend that parses a question word by word and composes a SELECT from the parts that it understands."""

    def draft(self, model: Model, question: str) -> Draft:
        """Draft a statement.

        Args:
            model: The lab's tables.
            question: The question.

        Returns:
            The draft, which has no SQL if the question is not understood.
        """
        if refusal := _refusal(model, question):
            return Draft(None, refusal)
        words = _lexicon.words(question)
        plans = sorted(
            (
                (_cost(plan), place, plan)
                for place, scope in enumerate(_scopes(model))
                for plan in [Reader(scope, Marker(scope).marks(words)).read()]
                if len(scope) == 1 or _joined(plan)
            ),
            key=lambda found: found[:2],
        )
        if not plans:
            return Draft(None, "The lab has no tables yet. Create the integration and wait for the first load.")
        best = plans[0][2]
        rivals = [plan for cost, _, plan in plans[1:] if cost == plans[0][0] and plan.scope != best.scope]
        if rivals:
            names = " or ".join(dict.fromkeys(plan.scope[0].name for plan in (best, *rivals)))
            best.doubts.append(
                f"The question may be about {names}. To avoid ambiguity, name the table in the question."
            )
        return _draft(best, model)


def _draft(plan: Plan, model: Model) -> Draft:
    if not _meaningful(plan) or len(plan.unused) > _MOST_UNUSED:
        return Draft(None, _describe.ask_back(plan, model))
    try:
        sql = _sql.render(plan, model.database)
    except _sql.UnsupportedError as error:
        return Draft(None, f"{error} {_describe.ask_back(plan, model)}")
    return Draft(sql, _describe.explain(plan), not plan.unused and not plan.doubts, tuple(_describe.points(plan)))


def _meaningful(plan: Plan) -> bool:
    """Return whether any part of the question is about the plan's tables."""
    asked = plan.measures or plan.groups or plan.filters or plan.outputs or plan.ratio or plan.parts or plan.order
    return bool(plan.snapshots or plan.heads or (asked and (plan.outputs or plan.groups or _columns(plan))))


def _columns(plan: Plan) -> bool:
    return any(measure.column for measure in plan.measures) or bool(plan.filters) or plan.ratio is not None


def _cost(plan: Plan) -> tuple[int, int, int, int]:
    """Return the sort key of a plan. The best plan has the smallest key.

    Plans are compared first by the number of unused words, and then by whether the question names a table, by the
    number of tables, and by the number of doubts.
    """
    return (len(plan.unused), -min(plan.heads, 1), len(plan.scope), len(plan.doubts))


def _scopes(model: Model) -> Iterator[Sequence[Table]]:
    ordered = sorted(model.tables, key=lambda table: (table.name != model.main, table.name))
    for table in ordered:
        yield (table,)
    for pair in permutations(ordered, 2):
        names = {column.name for column in pair[0].identifiers}
        if any(column.name in names for column in pair[1].identifiers):
            yield pair


def _joined(plan: Plan) -> bool:
    """Return whether a plan needs columns from both of its tables, apart from their common key."""
    columns = [*plan.outputs, *(condition.column for condition in (*plan.filters, *plan.parts))]
    columns += [measure.column for measure in plan.measures if measure.column is not None]
    columns += [group.column if isinstance(group, TimeGroup) else group for group in plan.groups]
    if plan.ratio is not None:
        columns += plan.ratio[:2]
    key = _sql.common_key(plan)
    return len({column.table for column in columns if column.name != key}) > 1


def _refusal(model: Model, question: str) -> str | None:
    if len(question) > _LONGEST:
        return f"The question is longer than {_LONGEST} characters. Ask about one thing at a time."
    known = sorted((column.name for table in model.tables for column in table.columns if "." in column.name), key=len)
    text = question
    for name in reversed(known):
        text = text.replace(name, " ")
    forbidden = _lexicon.FORBIDDEN.search(text) or _lexicon.SUSPICIOUS.search(text)
    if forbidden is None and not any(ord(letter) < 32 and letter not in "\n\t" for letter in text):
        return None
    found = f" because of {forbidden.group().strip()!r}" if forbidden else ""
    return (
        f"I can only read the lab's tables, and I cannot answer this question{found}. Ask in plain words about the "
        "rows, such as: count of accounts by state."
    )
