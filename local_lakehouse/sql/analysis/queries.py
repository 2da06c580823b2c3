"""Analysis of query bodies, ``ORDER BY`` and ``LIMIT``."""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.analysis.scope import Field, Scope
from local_lakehouse.sql.analysis.typed import Facts, Fragment, union
from local_lakehouse.sql.failures import QueryFailure, not_offered
from local_lakehouse.sql.grammar import tree

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


class Queries:
    """The query analyzer.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._handlers: dict[type, Callable[[Any, Scope | None], Compiled]] = {
            tree.Select: self._select,
            tree.NestedQuery: self._nested_query,
            tree.TableBody: self._table_body,
            tree.Values: analysis.sets.values,
            tree.SetOperation: analysis.sets.set_operation,
        }

    def query(self, query: tree.Query, scope: Scope | None) -> Compiled:
        """Analyze a query. `scope` is the enclosing query's scope, or None for the outermost query."""
        self._analysis.common.append({})
        try:
            for entry in query.common:
                self._analysis.common_tables.add(entry, query, scope)
            return self._with_tail(query, scope)
        finally:
            self._analysis.common.pop()

    def _with_tail(self, query: tree.Query, scope: Scope | None) -> Compiled:
        tail = bool(query.order or query.offset or query.limit)
        if not tail:
            return self.body(query.body, scope)
        if query.with_ties and not query.order:
            raise QueryFailure("MISSING_ORDER_BY", "FETCH FIRST WITH TIES clause requires ORDER BY", query.position)
        if isinstance(query.body, tree.Select):
            compiled, keys = self._analysis.selects.select(query.body, scope, query)
            if query.with_ties and query.body.distinct:
                # The ranks that determine ties are computed after DISTINCT.
                compiled = self._as_output(compiled)
        else:
            compiled = self.body(query.body, scope)
            keys = self._output_keys(query, compiled)
            compiled = self._as_output(compiled)
        return self._limited(query, compiled, keys)

    def _as_output(self, compiled: Compiled) -> Compiled:
        """Return a query that reads a result, so that sort keys can refer to the result as ``o``."""
        listed = ", ".join(f"o.c{index}" for index in range(len(compiled.columns)))
        return compiled.rewritten(f"SELECT {listed} FROM ({compiled.sql}) AS o")

    def _output_keys(self, query: tree.Query, compiled: Compiled) -> list[Fragment]:
        fields = [
            Field((), column.name, column.type, f"o.c{index}", Facts(frozenset([f"o.c{index}"])))
            for index, column in enumerate(compiled.columns)
        ]
        columns = [field.value for field in fields]
        return [
            self._analysis.ordering.sort_key(
                item,
                self._analysis.ordering.ordinal(item.key, columns, "ORDER BY")
                or self._analysis.expression(item.key, Scope(fields)),
            )
            for item in query.order
        ]

    def _limited(self, query: tree.Query, compiled: Compiled, keys: list[Fragment]) -> Compiled:
        if query.with_ties:
            return self._with_ties(query, compiled, keys)
        sql = compiled.sql
        if keys:
            sql += " ORDER BY " + ", ".join(key.sql for key in keys)
        if query.limit is not None:
            sql += f" LIMIT {self._count(query.limit, 'LIMIT')}"
        if query.offset is not None:
            sql += f" OFFSET {self._count(query.offset, 'OFFSET')}"
        facts = union(compiled.facts, *(key.facts for key in keys))
        return Compiled(f"SELECT * FROM ({sql})" if keys or query.limit else sql, compiled.columns, facts)

    def _with_ties(self, query: tree.Query, compiled: Compiled, keys: list[Fragment]) -> Compiled:
        if query.offset is not None or query.limit is None:
            raise not_offered("OFFSET with FETCH … WITH TIES", query.position)
        computed = not isinstance(query.body, tree.Select) or query.body.distinct
        if not computed and any(key.facts.volatile for key in keys):
            # The column would be evaluated a second time for sorting.
            raise not_offered("FETCH … WITH TIES with a random sort key", query.position)
        count = self._count(query.limit, "FETCH FIRST")
        ordered = ", ".join(key.sql for key in keys)
        ranked = f"{compiled.sql} QUALIFY rank() OVER (ORDER BY {ordered}) <= {count} ORDER BY {ordered}"
        facts = union(compiled.facts, *(key.facts for key in keys))
        return Compiled(f"SELECT * FROM ({ranked})", compiled.columns, facts)

    def _count(self, node: tree.Expression, clause: str) -> int:
        value = self._analysis.expression(node, Scope(clause=clause))
        if value.literal is None or not types.is_integer(value.type) or int(value.literal) < 0:
            raise QueryFailure("TYPE_MISMATCH", f"{clause} must be a non-negative integer", node.position)
        if clause == "FETCH FIRST" and int(value.literal) == 0:
            raise QueryFailure(
                "NUMERIC_VALUE_OUT_OF_RANGE", "FETCH FIRST row count must be positive (actual value: 0)", node.position
            )
        return int(value.literal)

    def body(self, node: tree.Body, scope: Scope | None) -> Compiled:
        """Analyze the body of a query."""
        return self._handlers[type(node)](node, scope)

    def _select(self, node: tree.Select, scope: Scope | None) -> Compiled:
        return self._analysis.selects.select(node, scope)[0]

    def _nested_query(self, node: tree.NestedQuery, scope: Scope | None) -> Compiled:
        return self.query(node.query, scope)

    def _table_body(self, node: tree.TableBody, scope: Scope | None) -> Compiled:
        every = tree.AllColumns(None, position=node.position, text="*")
        select = tree.Select((every,), False, node.table, None, None, None, (), position=node.position)
        return self._analysis.selects.select(select, scope)[0]
