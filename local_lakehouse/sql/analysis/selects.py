"""Analyse ``SELECT``: its columns, conditions and groups."""

# ruff: noqa: S608 - SQL is written here from analysed parts, never from a caller's text.

from __future__ import annotations

import itertools
from dataclasses import dataclass

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.aggregation import NotGrouped, aggregates_in, windows_in
from local_lakehouse.sql.analysis.analyzer import Compiled, OutputColumn
from local_lakehouse.sql.analysis.comparisons import key
from local_lakehouse.sql.analysis.pruning import note_conditions
from local_lakehouse.sql.analysis.relations import From, RelationAnalyzer
from local_lakehouse.sql.analysis.scope import Field, Grouping, Scope, dotted
from local_lakehouse.sql.analysis.typed import Typed, null_of
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree

_MAX_GROUPING_SETS = 2048
_RANDOM = ("random(", "uuid(")


@dataclass(frozen=True)
class _Item:
    """One column of the result, as it was written and as it is computed."""

    node: tree.Expression
    value: Typed
    column: OutputColumn


class SelectAnalyzer(RelationAnalyzer):
    """Analyses ``SELECT``."""

    def select(
        self, node: tree.Select, outer: Scope | None, order: tuple[tree.SortItem, ...]
    ) -> tuple[Compiled, list[str]]:
        """Return what a ``SELECT`` is, and the keys of its ``ORDER BY``."""
        source = self.relation(node.source, outer, []) if node.source is not None else None
        scope = Scope(list(source.fields) if source else [], outer)
        scope.windows = {name.key: window for name, window in node.windows}
        where = self.filter(node.where, scope.in_clause("WHERE clause"), "WHERE clause") if node.where else None
        if node.where is not None:
            note_conditions(node.where, lambda part: self.expression(part, scope), self.sources)
        group = self._group(node, order, scope)
        self._check_having(node)
        items = self._items(node, scope)
        having = self._having(node, scope)
        keys = self._order_keys(node, order, scope, items)
        sql = self._sql(node, source, items)
        if where is not None:
            sql += f" WHERE {where.sql}"
        if group:
            sql += f" GROUP BY {group}"
        if having is not None:
            sql += f" HAVING {having.sql}"
        return Compiled(sql, tuple(item.column for item in items)), keys

    def _sql(self, node: tree.Select, source: From | None, items: list[_Item]) -> str:
        read = ", ".join(
            (null_of(types.UNKNOWN) if item.value.type == types.UNKNOWN else item.value.sql) + f" AS c{index}"
            for index, item in enumerate(items)
        )
        distinct = "DISTINCT " if node.distinct else ""
        return f"SELECT {distinct}{read}" + (f" FROM {source.sql}" if source else "")

    def _check_having(self, node: tree.Select) -> None:
        if node.having is not None and (found := windows_in(node.having)):
            raise QueryFailure(
                "NESTED_WINDOW",
                f"HAVING clause cannot contain window functions or row pattern measures: [{found[0].text}]",
                found[0].position,
            )

    def _items(self, node: tree.Select, scope: Scope) -> list[_Item]:
        items: list[_Item] = []
        for item in node.items:
            if isinstance(item, tree.AllColumns):
                items += self._all_columns(item, scope)
                continue
            value = self._above_grouping(item.expression, scope)
            items.append(_Item(item.expression, value, OutputColumn(_name(item), value.type)))
        return items

    def _above_grouping(self, node: tree.Expression, scope: Scope) -> Typed:
        try:
            return self.expression(node, scope)
        except NotGrouped as error:
            raise QueryFailure(
                "EXPRESSION_NOT_AGGREGATE",
                f"'{node.text}' must be an aggregate expression or appear in GROUP BY clause",
                node.position,
            ) from error

    def _all_columns(self, item: tree.AllColumns, scope: Scope) -> list[_Item]:
        fields = [field for field in scope.fields if not field.hidden]
        if item.base is not None:
            return self._qualified_columns(item, item.base, fields, scope)
        if not scope.fields:
            raise QueryFailure("COLUMN_NOT_FOUND", "SELECT * not allowed in queries without FROM clause", item.position)
        return [self._column_item(item, field, scope) for field in fields]

    def _qualified_columns(
        self, item: tree.AllColumns, base: tree.Expression, fields: list[Field], scope: Scope
    ) -> list[_Item]:
        names = dotted(base)
        if names is not None:
            own = [field for field in fields if field.qualifier[-len(names) :] == names]
            if own:
                return [self._column_item(item, field, scope) for field in own]
        if names is None or scope.resolve(names, item.position) is None:
            written = ".".join(names or ())
            raise QueryFailure("TABLE_NOT_FOUND", f"Unable to resolve reference {written}", item.position)
        value = self.expression(base, scope)
        if value.type.name != "row":
            raise QueryFailure("TYPE_MISMATCH", f"expected type ROW, got {value.type}", item.position)
        return [
            _Item(base, Typed(f"({value.sql}).f{index}", child), OutputColumn(name, child))
            for index, (name, child) in enumerate(zip(value.type.fields, value.type.children, strict=False))
        ]

    def _column_item(self, item: tree.AllColumns, field: Field, scope: Scope) -> _Item:
        if scope.grouping is not None and field.sql not in scope.grouping.keys:
            shown = ".".join(part for part in (*field.qualifier[-1:], field.name or "") if part)
            raise QueryFailure(
                "EXPRESSION_NOT_AGGREGATE",
                f"Column '{shown}' not in GROUP BY clause",
                item.position,
            )
        column = tree.Column(tree.Name(field.name or ""), position=item.position)
        return _Item(column, Typed(field.sql, field.type), OutputColumn(field.name, field.type))

    def _having(self, node: tree.Select, scope: Scope) -> Typed | None:
        if node.having is None:
            return None
        try:
            return self.boolean(node.having, scope, "HAVING clause")
        except NotGrouped as error:
            raise QueryFailure(
                "EXPRESSION_NOT_AGGREGATE",
                f"'{node.having.text}' must be an aggregate expression or appear in GROUP BY clause",
                node.having.position,
            ) from error

    def _group(self, node: tree.Select, order: tuple[tree.SortItem, ...], scope: Scope) -> str:
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
            return ""
        keys: dict[str, tree.Expression] = {}
        below = scope.in_clause("GROUP BY clause")
        sets = [self._grouping_sets(element, node, below, keys) for element in node.group.elements]
        scope.grouping = Grouping(keys)
        crossed = [tuple(dict.fromkeys(itertools.chain.from_iterable(choice))) for choice in itertools.product(*sets)]
        if len(crossed) > _MAX_GROUPING_SETS:
            raise QueryFailure(
                "TOO_MANY_GROUPING_SETS",
                f"GROUP BY has {len(crossed)} grouping sets but can contain at most {_MAX_GROUPING_SETS}",
                node.group.position,
            )
        if node.group.distinct:
            unique = {frozenset(one): one for one in reversed(crossed)}
            crossed = list(reversed(unique.values()))
        if len(crossed) == 1:
            return ", ".join(crossed[0]) if crossed[0] else "GROUPING SETS (())"
        return "GROUPING SETS (" + ", ".join(f"({', '.join(one)})" for one in crossed) + ")"

    def _grouping_sets(
        self, element: tree.GroupingElement, node: tree.Select, scope: Scope, keys: dict[str, tree.Expression]
    ) -> list[tuple[str, ...]]:
        sets = [tuple(self._key(one, node, scope, keys) for one in part) for part in element.sets]
        if element.kind == "ROLLUP":
            return [tuple(itertools.chain.from_iterable(sets[:count])) for count in range(len(sets), -1, -1)]
        if element.kind == "CUBE":
            return [
                tuple(itertools.chain.from_iterable(choice))
                for count in range(len(sets), -1, -1)
                for choice in itertools.combinations(sets, count)
            ]
        return sets

    def _key(self, node: tree.Expression, select: tree.Select, scope: Scope, keys: dict[str, tree.Expression]) -> str:
        written = self._select_item(node, select, scope) if _is_number(node) else node
        value = self.expression(written, scope)
        if not types.is_comparable(value.type):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"{value.type} is not comparable, and therefore cannot be used in GROUP BY",
                node.position,
            )
        keys.setdefault(value.sql, written)
        return value.sql

    def _select_item(self, node: tree.Expression, select: tree.Select, scope: Scope) -> tree.Expression:
        number = int(node.value) if isinstance(node, tree.Literal) else 0
        expressions: list[tree.Expression] = []
        for item in select.items:
            if isinstance(item, tree.SelectItem):
                expressions.append(item.expression)
            else:
                expressions += [one.node for one in self._all_columns(item, scope)]
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

    def ordinal(self, node: tree.Expression, columns: list[Typed], clause: str) -> Typed | None:
        """Return the column that a number in ``ORDER BY`` means, or None if it is an expression."""
        if not _is_number(node) or not isinstance(node, tree.Literal):
            return None
        number = int(node.value)
        if not 1 <= number <= len(columns):
            raise QueryFailure(
                "INVALID_COLUMN_REFERENCE", f"{clause} position {number} is not in select list", node.position
            )
        return columns[number - 1]

    def _order_keys(
        self, node: tree.Select, order: tuple[tree.SortItem, ...], scope: Scope, items: list[_Item]
    ) -> list[str]:
        if not order:
            return []
        aliases: dict[str, list[Typed]] = {}
        for item, written in zip(items, self._written_names(node, scope), strict=False):
            if written is not None:
                aliases.setdefault(written, []).append(item.value)
        scope.aliases = aliases
        keys = []
        for one in order:
            value = self.ordinal(one.key, [item.value for item in items], "ORDER BY")
            if value is None:
                value = self._above_grouping(one.key, scope)
            if node.distinct and value.sql not in {item.value.sql for item in items}:
                raise QueryFailure(
                    "EXPRESSION_NOT_IN_DISTINCT",
                    "For SELECT DISTINCT, ORDER BY expressions must appear in select list",
                    one.key.position,
                )
            keys.append(self._order_key(one, value, items, by_number=node.distinct))
        return keys

    def _order_key(self, one: tree.SortItem, value: Typed, items: list[_Item], *, by_number: bool) -> str:
        written = self.sort_key(one, value)
        # A random column must not be drawn again for the order.
        if not by_number and not any(name in value.sql for name in _RANDOM):
            return written
        for index, item in enumerate(items):
            if item.value.sql == value.sql and key(value.sql, value.type) == value.sql:
                return f"{index + 1}{written[len(value.sql) :]}"
        return written

    def _written_names(self, node: tree.Select, scope: Scope) -> list[str | None]:
        names: list[str | None] = []
        for item in node.items:
            if isinstance(item, tree.SelectItem):
                names.append(item.alias.key if item.alias else None)
            else:
                names += [None] * len(self._all_columns(item, scope))
        return names


def _is_number(node: tree.Expression) -> bool:
    return isinstance(node, tree.Literal) and node.kind == "integer"


def _name(item: tree.SelectItem) -> str | None:
    if item.alias is not None:
        return item.alias.value
    if isinstance(item.expression, tree.Column | tree.Dereference):
        return item.expression.name.value
    return None
