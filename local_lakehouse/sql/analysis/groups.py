"""The keys and grouping sets of ``GROUP BY``."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.calls_in import aggregates_in, windows_in
from local_lakehouse.sql.analysis.comparisons import key
from local_lakehouse.sql.analysis.ordering import is_number
from local_lakehouse.sql.analysis.scope import Grouping, Scope, dotted
from local_lakehouse.sql.analysis.typed import Facts, Fragment, union
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


_MAX_GROUPING_SETS = 2048


class Groups:
    """The ``GROUP BY`` analyzer.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def clause(self, node: tree.Select, order: tuple[tree.SortItem, ...], scope: Scope) -> Fragment:
        """Return the keys of a ``GROUP BY`` as DuckDB SQL, and record the keys in the scope."""
        aggregated = any(
            aggregates_in(part)
            for part in (
                *(item.expression for item in node.items if isinstance(item, tree.SelectItem)),
                node.having,
                *(item.key for item in order),
            )
        )
        if node.group is None:
            if aggregated or node.having is not None:
                scope.grouping = Grouping({})
            return Fragment("")
        keys: dict[str, tree.Expression] = {}
        facts: list[Facts] = []
        below = scope.in_clause("GROUP BY clause")
        sets = [self._grouping_sets(element, node, below, keys, facts) for element in node.group.elements]
        crossed = [tuple(dict.fromkeys(itertools.chain.from_iterable(choice))) for choice in itertools.product(*sets)]
        if len(crossed) > _MAX_GROUPING_SETS:
            raise QueryFailure(
                "TOO_MANY_GROUPING_SETS",
                f"GROUP BY has {len(crossed)} grouping sets but can contain at most {_MAX_GROUPING_SETS}",
                node.group.position,
            )
        scope.grouping = Grouping(keys, several=len(crossed) > 1)
        if node.group.distinct:
            unique = {frozenset(entry): entry for entry in reversed(crossed)}
            crossed = list(reversed(unique.values()))
        if len(crossed) == 1:
            return Fragment(", ".join(crossed[0]) or "GROUPING SETS (())", union(*facts))
        sql = "GROUPING SETS (" + ", ".join(f"({', '.join(each)})" for each in crossed) + ")"
        return Fragment(sql, union(*facts))

    def _grouping_sets(
        self,
        element: tree.GroupingElement,
        node: tree.Select,
        scope: Scope,
        keys: dict[str, tree.Expression],
        facts: list[Facts],
    ) -> list[tuple[str, ...]]:
        if element.kind != "SIMPLE":
            for written in itertools.chain.from_iterable(element.sets):
                if dotted(written) is None and not is_number(written):
                    raise QueryFailure(
                        "INVALID_COLUMN_REFERENCE",
                        f"GROUP BY expression must be a column reference: {written.text}",
                        written.position,
                    )
        sets = [tuple(self._key(entry, node, scope, keys, facts) for entry in part) for part in element.sets]
        if element.kind == "ROLLUP":
            return [tuple(itertools.chain.from_iterable(sets[:count])) for count in range(len(sets), -1, -1)]
        if element.kind == "CUBE":
            return [
                tuple(itertools.chain.from_iterable(choice))
                for count in range(len(sets), -1, -1)
                for choice in itertools.combinations(sets, count)
            ]
        return sets

    def _key(
        self,
        node: tree.Expression,
        select: tree.Select,
        scope: Scope,
        keys: dict[str, tree.Expression],
        facts: list[Facts],
    ) -> str:
        written = self._select_item(node, select, scope) if is_number(node) else node
        value = self._analysis.expression(written, scope)
        if not types.is_comparable(value.type):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"{value.type} is not comparable, and therefore cannot be used in GROUP BY",
                node.position,
            )
        keys.setdefault(value.sql, written)
        facts.append(value.facts)
        return key(value.sql, value.type)

    def _select_item(self, node: tree.Expression, select: tree.Select, scope: Scope) -> tree.Expression:
        number = int(node.value) if isinstance(node, tree.Literal) else 0
        expressions: list[tree.Expression] = []
        for item in select.items:
            if isinstance(item, tree.SelectItem):
                expressions.append(item.expression)
            else:
                expressions += [column.node for column in self._analysis.selects.all_columns(item, scope)]
        if not 1 <= number <= len(expressions):
            raise QueryFailure(
                "INVALID_COLUMN_REFERENCE", f"GROUP BY position {number} is not in select list", node.position
            )
        chosen = expressions[number - 1]
        if aggregates_in(chosen) or windows_in(chosen):
            raise QueryFailure(
                "EXPRESSION_NOT_SCALAR",
                "GROUP BY clause cannot contain aggregations, window functions or grouping operations: "
                f"[{chosen.text}]",
                node.position,
            )
        return chosen
