"""Analysis of ``ORDER BY`` keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.comparisons import key
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import Fragment, Typed, union
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


class Ordering:
    """The sort key analyzer.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def clause(self, items: tuple[tree.SortItem, ...], scope: Scope) -> Fragment:
        """Return the ``ORDER BY`` of an aggregate or a window, or an empty fragment if there are no keys."""
        if not items:
            return Fragment("")
        keys = [self.sort_key(item, self._analysis.expression(item.key, scope)) for item in items]
        return Fragment(
            " ORDER BY " + ", ".join(written.sql for written in keys), union(*(written.facts for written in keys))
        )

    def sort_key(self, item: tree.SortItem, value: Typed) -> Fragment:
        """Return the SQL for one key of an ``ORDER BY``.

        Raises:
            QueryFailure: The key's type is not orderable (``TYPE_MISMATCH``).
        """
        if not types.is_orderable(value.type):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Type {value.type} is not orderable, and therefore cannot be used in ORDER BY: {item.key.text}",
                item.position,
            )
        direction = "DESC" if item.descending else "ASC"
        nulls = "FIRST" if item.nulls_first else "LAST"
        return Fragment(f"{key(value.sql, value.type)} {direction} NULLS {nulls}", value.facts)

    def ordinal(self, node: tree.Expression, columns: list[Typed], clause: str) -> Typed | None:
        """Return the column that a number in ``ORDER BY`` selects, or None for any other expression."""
        if not is_number(node) or not isinstance(node, tree.Literal):
            return None
        number = int(node.value)
        if not 1 <= number <= len(columns):
            raise QueryFailure(
                "INVALID_COLUMN_REFERENCE", f"{clause} position {number} is not in select list", node.position
            )
        return columns[number - 1]


def is_number(node: tree.Expression) -> bool:
    """Return whether an expression is an integer literal, which selects a column by position."""
    return isinstance(node, tree.Literal) and node.kind == "integer"
