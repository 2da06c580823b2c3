"""Analyse queries: ``WITH``, ``SELECT``, set operations, ``VALUES``, ``ORDER BY`` and ``LIMIT``."""

# ruff: noqa: S608 - SQL is written here from analysed parts, never from a caller's text.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.analyzer import Compiled, OutputColumn
from local_lakehouse.sql.analysis.scope import Field, Scope
from local_lakehouse.sql.analysis.selects import SelectAnalyzer
from local_lakehouse.sql.analysis.session import Session
from local_lakehouse.sql.analysis.typed import Typed, coerce, null_of
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree

# How deep Athena lets a query refer to itself.
_MAX_RECURSION = 10


class QueryAnalyzer(SelectAnalyzer):
    """Analyses queries."""

    def query(self, query: tree.Query, scope: Scope | None) -> Compiled:
        """Return what a query is; `scope` is the one around it."""
        self.common.append({})
        try:
            for one in query.common:
                self._common_table(one, query, scope)
            return self._with_tail(query, scope)
        finally:
            self.common.pop()

    def _common_table(self, one: tree.CommonTable, query: tree.Query, scope: Scope | None) -> None:
        level = self.common[-1]
        if one.name.key in level:
            raise QueryFailure(
                "DUPLICATE_NAMED_QUERY", f"WITH query name '{one.name.value}' specified more than once", one.position
            )
        body = one.query.body
        if query.recursive and isinstance(body, tree.SetOperation) and _mentions(body.right, one.name.key):
            level[one.name.key] = self._recursive(one, body, scope)
            return
        compiled = self.query(one.query, scope)
        level[one.name.key] = Compiled(compiled.sql, self._renamed(one, compiled.columns))

    def _renamed(self, one: tree.CommonTable, columns: tuple[OutputColumn, ...]) -> tuple[OutputColumn, ...]:
        if not one.columns:
            return columns
        if len(one.columns) != len(columns):
            raise QueryFailure(
                "MISMATCHED_COLUMN_ALIASES",
                f"WITH column alias list has {len(one.columns)} entries but WITH query({one.name.value}) has "
                f"{len(columns)} columns",
                one.position,
            )
        return tuple(replace(column, name=name.value) for name, column in zip(one.columns, columns, strict=False))

    def _recursive(self, one: tree.CommonTable, body: tree.SetOperation, scope: Scope | None) -> Compiled:
        if body.operator != "UNION" or body.distinct:
            raise QueryFailure("NOT_SUPPORTED", "A recursive query must join its steps by UNION ALL", one.position)
        if not one.columns:
            raise QueryFailure("MISSING_COLUMN_ALIASES", "missing column aliases in recursive WITH query", one.position)
        name = self.fresh("w")
        anchor = self._body(body.left, scope)
        columns = self._renamed(one, anchor.columns)
        listed = ", ".join(f"c{index}" for index in range(len(columns)))
        self.common[-1][one.name.key] = Compiled(f"SELECT {listed} FROM {name}", columns)
        step = self._body(body.right, scope)
        if len(step.columns) != len(columns):
            raise QueryFailure(
                "TYPE_MISMATCH", "base and step relations of recursion have different number of fields", one.position
            )
        for mine, its in zip(columns, step.columns, strict=False):
            if not types.can_coerce(its.type, mine.type):
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"recursion step relation output type ({its.type}) is not coercible to recursion base relation "
                    f"output type ({mine.type}) at column {list(columns).index(mine) + 1}",
                    one.position,
                )
        first = ", ".join(f"a.c{index}" for index in range(len(columns)))
        moved = ", ".join(
            coerce(Typed(f"s.c{index}", its.type), mine.type).sql
            for index, (mine, its) in enumerate(zip(columns, step.columns, strict=False))
        )
        # The step reads only the rows of the step before, so their depth is the same for all of them.
        depth = f"athena_recursion_depth((SELECT max(d) FROM {name}), {_MAX_RECURSION})"
        sql = (
            f"WITH RECURSIVE {name}({listed}, d) AS (SELECT {first}, 0 FROM ({anchor.sql}) AS a UNION ALL "
            f"SELECT {moved}, (SELECT max(d) FROM {name}) + 1 FROM ({step.sql}) AS s WHERE {depth} > 0) "
            f"SELECT {listed} FROM {name}"
        )
        return Compiled(sql, columns)

    def _with_tail(self, query: tree.Query, scope: Scope | None) -> Compiled:
        tail = bool(query.order or query.offset or query.limit)
        if not tail:
            return self._body(query.body, scope)
        if query.with_ties and not query.order:
            raise QueryFailure("MISSING_ORDER_BY", "FETCH FIRST WITH TIES clause requires ORDER BY", query.position)
        if isinstance(query.body, tree.Select):
            compiled, keys = self.select(query.body, scope, query.order)
        else:
            compiled = self._body(query.body, scope)
            keys = self._output_keys(query, compiled)
            listed = ", ".join(f"o.c{index}" for index in range(len(compiled.columns)))
            compiled = Compiled(f"SELECT {listed} FROM ({compiled.sql}) AS o", compiled.columns)
        return self._limited(query, compiled, keys)

    def _output_keys(self, query: tree.Query, compiled: Compiled) -> list[str]:
        columns = [Typed(f"o.c{index}", column.type) for index, column in enumerate(compiled.columns)]
        fields = [
            Field((), column.name, column.type, value.sql)
            for column, value in zip(compiled.columns, columns, strict=False)
        ]
        return [
            self.sort_key(item, self.ordinal(item.key, columns, "ORDER BY") or self.expression(item.key, Scope(fields)))
            for item in query.order
        ]

    def _limited(self, query: tree.Query, compiled: Compiled, keys: list[str]) -> Compiled:
        if query.with_ties:
            return self._with_ties(query, compiled, keys)
        sql = compiled.sql
        if keys:
            sql += " ORDER BY " + ", ".join(keys)
        if query.limit is not None:
            sql += f" LIMIT {self._count(query.limit, 'LIMIT')}"
        if query.offset is not None:
            sql += f" OFFSET {self._count(query.offset, 'OFFSET')}"
        return Compiled(f"SELECT * FROM ({sql})" if keys or query.limit else sql, compiled.columns)

    def _with_ties(self, query: tree.Query, compiled: Compiled, keys: list[str]) -> Compiled:
        if query.offset is not None or query.limit is None:
            raise QueryFailure("NOT_SUPPORTED", "OFFSET with FETCH … WITH TIES is not supported", query.position)
        count = self._count(query.limit, "FETCH FIRST")
        ordered = ", ".join(keys)
        return Compiled(
            f"SELECT * FROM ({compiled.sql} QUALIFY rank() OVER (ORDER BY {ordered}) <= {count} ORDER BY {ordered})",
            compiled.columns,
        )

    def _count(self, node: tree.Expression, clause: str) -> int:
        value = self.expression(node, Scope(clause=clause))
        if value.literal is None or not types.is_integer(value.type) or int(value.literal) < 0:
            raise QueryFailure("TYPE_MISMATCH", f"{clause} must be a number of rows", node.position)
        if clause == "FETCH FIRST" and int(value.literal) == 0:
            raise QueryFailure(
                "NUMERIC_VALUE_OUT_OF_RANGE", "FETCH FIRST row count must be positive (actual value: 0)", node.position
            )
        return int(value.literal)

    def _body(self, node: tree.Body, scope: Scope | None) -> Compiled:
        handler: Callable[[Any, Any, Scope | None], Compiled] = _HANDLERS[type(node)]
        return handler(self, node, scope)

    def _select(self, node: tree.Select, scope: Scope | None) -> Compiled:
        return self.select(node, scope, ())[0]

    def _nested_query(self, node: tree.NestedQuery, scope: Scope | None) -> Compiled:
        return self.query(node.query, scope)

    def _table_body(self, node: tree.TableBody, scope: Scope | None) -> Compiled:
        every = tree.AllColumns(None, position=node.position, text="*")
        select = tree.Select((every,), False, node.table, None, None, None, (), position=node.position)
        return self.select(select, scope, ())[0]

    def _values(self, node: tree.Values, scope: Scope | None) -> Compiled:
        visible = Scope([], scope, clause="VALUES")
        rows = [self._values_row(row, visible) for row in node.rows]
        width = len(rows[0])
        for row, written in zip(rows, node.rows, strict=False):
            if len(row) != width:
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"Values rows have mismatched sizes: {width} vs {len(row)}",
                    written.position,
                )
        found = [self._values_type([row[index] for row in rows], node) for index in range(width)]
        lines = ", ".join(
            "(" + ", ".join(coerce(value, type_).sql for value, type_ in zip(row, found, strict=False)) + ")"
            for row in rows
        )
        name = self.fresh("v")
        read = ", ".join(
            (f"{name}.c{index}" if type_ != types.UNKNOWN else null_of(type_)) + f" AS c{index}"
            for index, type_ in enumerate(found)
        )
        listed = ", ".join(f"c{index}" for index in range(width))
        columns = tuple(OutputColumn(None, type_) for type_ in found)
        return Compiled(f"SELECT {read} FROM (VALUES {lines}) AS {name}({listed})", columns)

    def _values_row(self, node: tree.Expression, scope: Scope) -> list[Typed]:
        if isinstance(node, tree.Row):
            return [self.expression(item, scope) for item in node.items]
        value = self.expression(node, scope)
        if value.type.name == "row":
            return [Typed(f"({value.sql}).f{index}", child) for index, child in enumerate(value.type.children)]
        return [value]

    def _values_type(self, values: list[Typed], node: tree.Values) -> types.Type:
        found: types.Type | None = types.UNKNOWN
        for value in values:
            common = types.common_type(found, value.type) if found is not None else None
            if common is None:
                raise QueryFailure(
                    "TYPE_MISMATCH", f"Values rows have mismatched types: {found} vs {value.type}", node.position
                )
            found = common
        return found or types.UNKNOWN

    def _set_operation(self, node: tree.SetOperation, scope: Scope | None) -> Compiled:
        left, right = self._body(node.left, scope), self._body(node.right, scope)
        if len(left.columns) != len(right.columns):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"{node.operator} query has different number of fields: {len(left.columns)}, {len(right.columns)}",
                node.position,
            )
        columns = []
        for index, (mine, its) in enumerate(zip(left.columns, right.columns, strict=False), 1):
            common = types.common_type(mine.type, its.type)
            if common is None:
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"column {index} in {node.operator} query has incompatible types: {mine.type}, {its.type}",
                    node.position,
                )
            if (node.distinct or node.operator != "UNION") and not types.is_comparable(common):
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"Type {common} is not comparable and therefore cannot be used in {node.operator}",
                    node.position,
                )
            columns.append(OutputColumn(mine.name, common))
        sides = [_widened(side, columns) for side in (left, right)]
        every = "" if node.distinct else " ALL"
        return Compiled(f"SELECT * FROM ({sides[0]} {node.operator}{every} {sides[1]})", tuple(columns))


def _widened(side: Compiled, columns: list[OutputColumn]) -> str:
    read = ", ".join(
        f"{coerce(Typed(f's.c{index}', mine.type), its.type).sql} AS c{index}"
        for index, (mine, its) in enumerate(zip(side.columns, columns, strict=False))
    )
    return f"(SELECT {read} FROM ({side.sql}) AS s)"


def _mentions(node: object, name: str) -> bool:
    if isinstance(node, tree.Table):
        return len(node.name) == 1 and node.name[0].key == name
    if isinstance(node, tuple):
        return any(_mentions(part, name) for part in node)
    if isinstance(node, tree.Node):
        return any(_mentions(getattr(node, field), name) for field in node.__dataclass_fields__ if field != "position")
    return False


_HANDLERS: dict[type, Callable[..., Compiled]] = {
    tree.Select: QueryAnalyzer._select,
    tree.NestedQuery: QueryAnalyzer._nested_query,
    tree.TableBody: QueryAnalyzer._table_body,
    tree.Values: QueryAnalyzer._values,
    tree.SetOperation: QueryAnalyzer._set_operation,
}


def compile_query(query: tree.Query, session: Session) -> Compiled:
    """Analyse a query.

    Args:
        query: The query.
        session: What it is analysed against.

    Returns:
        DuckDB's SQL, and the columns of the result.

    Raises:
        QueryFailure: It means nothing, or something that is not supported.
    """
    return QueryAnalyzer(session).query(query, None)
