"""Queries inside expressions."""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis import operators
from local_lakehouse.sql.analysis.comparisons import compare, key
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import Typed, coerce, coerce_sql, derive, null_of, row_value
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.types import Type, common_type

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


class Subqueries:
    """The analyzer for subqueries in expressions.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        # Some checks analyze a condition a second time. This cache avoids looking up and reading the tables of the
        # condition's subqueries twice.
        self._known: dict[tuple[object, ...], tuple[tree.Query, Scope, Compiled]] = {}

    def _query(self, query: tree.Query, scope: Scope) -> Compiled:
        key = (id(query), *scope.identity)
        if key not in self._known:
            # References to the objects are kept, so that no other object can have the same ID.
            self._known[key] = query, scope, self._analysis.query(query, scope)
        return self._known[key][-1]

    def in_query(self, node: tree.InQuery, scope: Scope) -> Typed:
        """Analyze ``IN (SELECT …)``."""
        quantified = tree.Quantified("=", "ANY", node.operand, node.query, position=node.position, text=node.text)
        return self.quantified(quantified, scope, "IN")

    def quantified(self, node: tree.Quantified, scope: Scope, use: str = "") -> Typed:
        """Analyze a comparison with ``ALL (SELECT …)`` or ``ANY (SELECT …)``."""
        value = self._analysis.expression(node.operand, scope)
        compiled = self._query(node.query, scope.used_as(use))
        is_row = value.type.name == "row"
        wanted = value.type.children if is_row else (value.type,)
        if value.type == types.UNKNOWN:
            wanted = tuple(column.type for column in compiled.columns)
        if len(wanted) != len(compiled.columns):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Value expression and result of subquery must be of the same type: "
                f"{value.type} vs row({', '.join(str(column.type) for column in compiled.columns)})",
                node.position,
            )
        name = self._analysis.fresh("q")
        inner = types.row(tuple(column.type for column in compiled.columns))
        columns = ", ".join(f"{name}.c{index}" for index in range(len(wanted)))
        if is_row or len(wanted) > 1 or inner.children[0].name in ("double", "real") or inner.children[0].children:
            return self._matched(node, value, compiled, name, inner)
        common = common_type(value.type, inner.children[0])
        if common is None:
            raise operators.mismatch(node.operator, value.type, inner.children[0], node.position)
        read = key(coerce_sql(columns, inner.children[0], common), common)
        source = f"(SELECT {read} FROM ({compiled.sql}) AS {name})"
        quantifier = "ALL" if node.quantifier == "ALL" else "ANY"
        left = key(coerce(value, common).sql, common)
        if (node.operator, quantifier) == ("=", "ANY"):
            return self._found(f"({left} IN {source})", types.BOOLEAN, compiled, value)
        if (node.operator, quantifier) == ("<>", "ALL"):
            return self._found(f"({left} NOT IN {source})", types.BOOLEAN, compiled, value)
        return self._found(f"({left} {node.operator} {quantifier} {source})", types.BOOLEAN, compiled, value)

    def _matched(self, node: tree.Quantified, value: Typed, compiled: Compiled, name: str, inner: Type) -> Typed:
        """Compare a value with every row of a query, for types that DuckDB and Athena compare differently."""
        if len(inner.children) == 1 and value.type.name != "row":
            right = row_value(f"{name}.c0", inner.children[0])
        else:
            fields = ", ".join(f"f{index} := {name}.c{index}" for index in range(len(inner.children)))
            right = row_value(f"struct_pack({fields})", inner)
        matched = compare(node.operator, value, right, node.position).sql
        found = f"(SELECT list({matched}) FROM ({compiled.sql}) AS {name})"
        macro = "athena_all" if node.quantifier == "ALL" else "athena_any"
        return self._found(f"{macro}(coalesce({found}, CAST([] AS BOOLEAN[])))", types.BOOLEAN, compiled, value)

    def exists(self, node: tree.Exists, scope: Scope) -> Typed:
        """Analyze ``EXISTS``."""
        compiled = self._query(node.query, scope.used_as("EXISTS"))
        return self._found(f"EXISTS ({compiled.sql})", types.BOOLEAN, compiled)

    def scalar(self, node: tree.ScalarQuery, scope: Scope) -> Typed:
        """Analyze a scalar subquery."""
        compiled = self._query(node.query, scope.used_as(""))
        if len(compiled.columns) == 1:
            column = compiled.columns[0]
            return replace(self._found(f"({compiled.sql})", column.type, compiled), limit=column.limit)
        fields = ", ".join(f"f{index} := s.c{index}" for index in range(len(compiled.columns)))
        type_ = types.row(
            tuple(column.type for column in compiled.columns), tuple(column.name for column in compiled.columns)
        )
        # If the subquery returns no row, the value is a row of NULLs instead of NULL.
        nothing = ", ".join(f"f{index} := {null_of(child)}" for index, child in enumerate(type_.children))
        found = f"coalesce((SELECT struct_pack({fields}) FROM ({compiled.sql}) AS s), struct_pack({nothing}))"
        return self._found(found, type_, compiled)

    def _found(self, sql: str, type_: Type, compiled: Compiled, *operands: Typed) -> Typed:
        """Return an expression that contains a subquery.

        Its facts do not record that evaluating the subquery can fail.
        """
        query = Typed(compiled.sql, type_, replace(compiled.facts, rows=True, fails=False))
        return derive(sql, type_, query, *operands, lazy=True)
