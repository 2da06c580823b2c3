"""Analysis of the columns and conditions of ``SELECT``."""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.calls_in import aggregates_in, columns_in, windows_in
from local_lakehouse.sql.analysis.comparisons import key, row_key
from local_lakehouse.sql.analysis.compiled import Compiled, OutputColumn
from local_lakehouse.sql.analysis.correlation import Inner, check_correlated, conjuncts, outer_reads
from local_lakehouse.sql.analysis.pruning import note_conditions
from local_lakehouse.sql.analysis.relations import From
from local_lakehouse.sql.analysis.scope import Field, NotGrouped, Scope, dotted
from local_lakehouse.sql.analysis.typed import NOTHING, Fragment, Typed, derive, null_of, union
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


@dataclass(frozen=True)
class _Item:
    """A column of the result, with its expression in the query and its analyzed value."""

    node: tree.Expression
    value: Typed
    column: OutputColumn


class Selects:
    """The ``SELECT`` analyzer.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def select(
        self, node: tree.Select, outer: Scope | None, query: tree.Query | None = None
    ) -> tuple[Compiled, list[Fragment]]:
        """Analyze a ``SELECT`` and the keys of its ``ORDER BY``.

        Args:
            node: The ``SELECT``.
            outer: The enclosing scope.
            query: The query that contains the ``SELECT``, if that query has an ``ORDER BY``, an offset or a limit.
        """
        order = query.order if query else ()
        source = self._analysis.relation(node.source, outer, []) if node.source is not None else None
        scope = Scope(list(source.fields) if source else [], outer)
        where = (
            self._analysis.expressions.filter(node.where, scope.in_clause("WHERE clause"), "WHERE clause")
            if node.where
            else None
        )
        if node.where is not None:
            note_conditions(node.where, lambda part: self._analysis.expression(part, scope), self._analysis.sources)
        group = self._analysis.groups.clause(node, order, scope)
        self._check_having(node)
        self._windows(node, scope)
        items = self._items(node, scope)
        having = self._having(node, scope)
        keys = self._order_keys(node, query, scope, items)
        if outer_reads(outer):
            self._check_correlated(node, query, scope, source, items, keys, group)
        sql = self._sql(node, source, items)
        if where is not None:
            sql += f" WHERE {where.sql}"
        if group.sql:
            sql += f" GROUP BY {group.sql}"
        if having is not None:
            sql += f" HAVING {having.sql}"
        facts = union(
            *(part.facts for part in (source, where, group, having) if part is not None),
            *(item.value.facts for item in items),
        )
        return Compiled(sql, tuple(item.column for item in items), facts), keys

    def _check_correlated(
        self,
        node: tree.Select,
        query: tree.Query | None,
        scope: Scope,
        source: From | None,
        items: list[_Item],
        keys: list[Fragment],
        group: Fragment,
    ) -> None:
        below = scope.in_clause("WHERE clause")
        terms = []
        for term in conjuncts(node.where):
            sides = None
            if isinstance(term, tree.Comparison) and term.operator == "=":
                sides = self._analysis.expression(term.left, below), self._analysis.expression(term.right, below)
            terms.append((self._analysis.expression(term, below), sides))
        written = tuple(item.expression for item in node.items if isinstance(item, tree.SelectItem))
        below = scope.below_grouping()
        aggregated = [
            self._analysis.expression(argument, below).facts
            for call in aggregates_in((written, node.having))
            for argument in (*call.arguments, *([call.filter] if call.filter else ()))
            if not isinstance(argument, tree.Lambda)
        ]
        check_correlated(
            Inner(
                node,
                query,
                scope,
                source.facts if source else NOTHING,
                terms,
                [item.value for item in items],
                keys,
                union(group.facts, *aggregated),
                bool(windows_in(written)),
                scope.parent.use if scope.parent else "",
            )
        )

    def _sql(self, node: tree.Select, source: From | None, items: list[_Item]) -> str:
        read = ", ".join(
            (null_of(types.UNKNOWN) if item.value.type == types.UNKNOWN else item.value.sql) + f" AS c{index}"
            for index, item in enumerate(items)
        )
        on = row_key((item.value.sql, item.value.type) for item in items) if node.distinct else None
        distinct = f"DISTINCT ON ({on}) " if on else "DISTINCT " if node.distinct else ""
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
                items += self.all_columns(item, scope)
                continue
            value = self._above_grouping(item.expression, scope)
            items.append(_Item(item.expression, value, OutputColumn(_name(item), value.type, value.limit)))
        return items

    def _above_grouping(self, node: tree.Expression, scope: Scope) -> Typed:
        try:
            return self._analysis.expression(node, scope)
        except NotGrouped as error:
            raise QueryFailure(
                "EXPRESSION_NOT_AGGREGATE",
                f"'{node.text}' must be an aggregate expression or appear in GROUP BY clause",
                node.position,
            ) from error

    def all_columns(self, item: tree.AllColumns, scope: Scope) -> list[_Item]:
        """Return the columns of ``*`` or ``t.*``."""
        fields = [field for field in scope.fields if not field.hidden]
        if item.base is not None:
            return _aliased(item, self._qualified_columns(item, item.base, fields, scope))
        if not scope.fields:
            raise QueryFailure("COLUMN_NOT_FOUND", "SELECT * not allowed in queries without FROM clause", item.position)
        return [self.column_item(item, field, scope) for field in fields]

    def _qualified_columns(
        self, item: tree.AllColumns, base: tree.Expression, fields: list[Field], scope: Scope
    ) -> list[_Item]:
        names = dotted(base)
        if names is not None:
            own = [field for field in fields if field.qualifier[-len(names) :] == names]
            around = scope.parent
            while not own and around is not None:
                own = [field for field in around.fields if field.qualifier[-len(names) :] == names and not field.hidden]
                around = around.parent
            if own:
                return [self.column_item(item, field, scope) for field in own]
            if scope.resolve(names, item.position) is None and not self._analysis.names.begins_with_column(base, scope):
                raise QueryFailure("TABLE_NOT_FOUND", f"Unable to resolve reference {'.'.join(names)}", item.position)
        value = self._above_grouping(base, scope)
        if value.type.name != "row":
            raise QueryFailure("TYPE_MISMATCH", f"expected type ROW, got {value.type}", item.position)
        return [
            _Item(base, derive(f"({value.sql}).f{index}", child, value), OutputColumn(name, child))
            for index, (name, child) in enumerate(zip(value.type.fields, value.type.children, strict=False))
        ]

    def column_item(self, item: tree.AllColumns, field: Field, scope: Scope) -> _Item:
        """Return a relation's column as a result column."""
        own = any(field is mine for mine in scope.fields)
        if own and scope.grouping is not None and field.sql not in scope.grouping.keys:
            shown = ".".join(part for part in (*field.qualifier[-1:], field.name or "") if part)
            raise QueryFailure(
                "EXPRESSION_NOT_AGGREGATE",
                f"Column '{shown}' not in GROUP BY clause",
                item.position,
            )
        column = tree.Column(tree.Name(field.name or ""), position=item.position)
        value = scope.grouping.above(field.value) if own and scope.grouping is not None else field.value
        return _Item(column, value, OutputColumn(field.name, field.type, field.limit))

    def _windows(self, node: tree.Select, scope: Scope) -> None:
        try:
            self._analysis.windows.define(node.windows, scope)
        except NotGrouped as error:
            raise QueryFailure(
                "EXPRESSION_NOT_AGGREGATE",
                "Windows in a WINDOW clause can use only aggregates and GROUP BY keys",
                node.windows[0][1].position,
            ) from error

    def _having(self, node: tree.Select, scope: Scope) -> Typed | None:
        if node.having is None:
            return None
        try:
            return self._analysis.boolean(node.having, scope, "HAVING clause")
        except NotGrouped as error:
            raise QueryFailure(
                "EXPRESSION_NOT_AGGREGATE",
                f"'{node.having.text}' must be an aggregate expression or appear in GROUP BY clause",
                node.having.position,
            ) from error

    def _order_keys(
        self, node: tree.Select, query: tree.Query | None, scope: Scope, items: list[_Item]
    ) -> list[Fragment]:
        order = query.order if query else ()
        if query is None or not order:
            return []
        # A name refers to a result column or, if there is none, to a relation's column. A name that two different
        # result columns share is ambiguous.
        aliases: dict[str, list[Typed]] = {}
        meanings: dict[str, set[tree.Expression]] = {}
        for item, written in zip(items, self._written_names(node, scope), strict=False):
            if written is not None:
                aliases.setdefault(written, []).append(item.value)
                meanings.setdefault(written, set()).add(item.node)
        self._check_aggregates(node, order)
        self._check_ambiguous(order, {name for name, found in meanings.items() if len(found) > 1})
        scope.aliases = aliases
        keys = []
        for entry in order:
            value = self._analysis.ordering.ordinal(entry.key, [item.value for item in items], "ORDER BY")
            if value is None:
                value = self._above_grouping(entry.key, scope)
            computed = dotted(entry.key) is None and any(column.name.key in aliases for column in columns_in(entry.key))
            if node.distinct and (computed or value.sql not in {item.value.sql for item in items}):
                raise QueryFailure(
                    "EXPRESSION_NOT_IN_DISTINCT",
                    "For SELECT DISTINCT, ORDER BY expressions must appear in select list",
                    entry.key.position,
                )
            if node.distinct and query.with_ties:
                keys.append(self._output_key(entry, value, items))
            else:
                keys.append(self._order_key(entry, value, items, by_number=node.distinct))
        return keys

    def _check_aggregates(self, node: tree.Select, order: tuple[tree.SortItem, ...]) -> None:
        """Reject aggregates of result columns in ``ORDER BY``. Result columns are computed after the aggregation."""
        named = {item.alias.key for item in node.items if isinstance(item, tree.SelectItem) and item.alias}
        for call in aggregates_in(tuple(item.key for item in order)):
            for column in columns_in((call.arguments, call.filter, call.order)):
                if column.name.key in named:
                    raise QueryFailure(
                        "COLUMN_NOT_FOUND",
                        "Invalid reference to output projection attribute from ORDER BY aggregation",
                        column.position,
                    )

    def _check_ambiguous(self, order: tuple[tree.SortItem, ...], ambiguous: set[str]) -> None:
        for column in columns_in(tuple(item.key for item in order)):
            if column.name.key in ambiguous:
                raise QueryFailure("AMBIGUOUS_NAME", f"'{column.name.value}' in ORDER BY is ambiguous", column.position)

    def _order_key(self, entry: tree.SortItem, value: Typed, items: list[_Item], *, by_number: bool) -> Fragment:
        written = self._analysis.ordering.sort_key(entry, value)
        # A volatile column must not be evaluated a second time for sorting.
        if not by_number and not value.facts.volatile:
            return written
        for index, item in enumerate(items):
            if item.value.sql == value.sql and key(value.sql, value.type) == value.sql:
                return Fragment(f"{index + 1}{written.sql[len(value.sql) :]}", written.facts)
        return written

    def _output_key(self, entry: tree.SortItem, value: Typed, items: list[_Item]) -> Fragment:
        """Return a sort key that reads a column of the result of ``SELECT DISTINCT``, which is named ``o``."""
        index = next(index for index, item in enumerate(items) if item.value.sql == value.sql)
        return self._analysis.ordering.sort_key(entry, value.written_as(f"o.c{index}"))

    def _written_names(self, node: tree.Select, scope: Scope) -> list[str | None]:
        names: list[str | None] = []
        for item in node.items:
            if isinstance(item, tree.SelectItem):
                column = item.expression.name.key if isinstance(item.expression, tree.Column) else None
                names.append(item.alias.key if item.alias else column)
            else:
                given = [alias.key for alias in item.aliases]
                names += given or [
                    None if isinstance(entry.node, tree.Column) or not entry.column.name else entry.column.name.lower()
                    for entry in self.all_columns(item, scope)
                ]
        return names


def _name(item: tree.SelectItem) -> str | None:
    if item.alias is not None:
        return item.alias.value
    if isinstance(item.expression, tree.Column | tree.Dereference):
        return item.expression.name.value
    return None


def _aliased(item: tree.AllColumns, columns: list[_Item]) -> list[_Item]:
    """Rename columns to the names after ``.* AS``, if there are any."""
    if not item.aliases:
        return columns
    if len(item.aliases) != len(columns):
        raise QueryFailure(
            "MISMATCHED_COLUMN_ALIASES",
            f"Column alias list has {len(item.aliases)} entries but relation has {len(columns)} columns",
            item.position,
        )
    return [
        replace(column, column=replace(column.column, name=alias.value))
        for column, alias in zip(columns, item.aliases, strict=True)
    ]
