"""Analysis of ``VALUES`` and set operations."""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.comparisons import has_key, key
from local_lakehouse.sql.analysis.compiled import Compiled, OutputColumn
from local_lakehouse.sql.analysis.correlation import check_uncorrelated
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import Typed, coerce, coerce_sql, derive, null_of, union
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


class Sets:
    """The analyzer for ``VALUES`` and set operations.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def values(self, node: tree.Values, scope: Scope | None) -> Compiled:
        """Analyze ``VALUES``."""
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
        name = self._analysis.fresh("v")
        read = ", ".join(
            (f"{name}.c{index}" if type_ != types.UNKNOWN else null_of(type_)) + f" AS c{index}"
            for index, type_ in enumerate(found)
        )
        listed = ", ".join(f"c{index}" for index in range(width))
        columns = tuple(OutputColumn(None, type_) for type_ in found)
        facts = union(*(value.facts for row in rows for value in row))
        check_uncorrelated(facts, scope, node.position)
        return Compiled(f"SELECT {read} FROM (VALUES {lines}) AS {name}({listed})", columns, facts)

    def _values_row(self, node: tree.Expression, scope: Scope) -> list[Typed]:
        if isinstance(node, tree.Row):
            return [self._analysis.expression(item, scope) for item in node.items]
        value = self._analysis.expression(node, scope)
        if value.type.name == "row":
            return [derive(f"({value.sql}).f{index}", child, value) for index, child in enumerate(value.type.children)]
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

    def set_operation(self, node: tree.SetOperation, scope: Scope | None) -> Compiled:
        """Analyze ``UNION``, ``INTERSECT`` or ``EXCEPT``."""
        left, right = self._analysis.queries.body(node.left, scope), self._analysis.queries.body(node.right, scope)
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
        check_uncorrelated(left.facts | right.facts, scope, node.position)
        keyed = node.distinct or node.operator != "UNION"
        if keyed and any(has_key(column.type) for column in columns):
            sql = _by_key(node, sides, columns)
        else:
            sql = f"SELECT * FROM ({sides[0]} {node.operator}{every} {sides[1]})"
        return Compiled(sql, tuple(columns), left.facts | right.facts)


def _by_key(node: tree.SetOperation, sides: list[str], columns: list[OutputColumn]) -> str:
    """Return the SQL for a set operation on columns whose equal values can be different in DuckDB."""
    listed = ", ".join(f"c{index}" for index in range(len(columns)))
    keys = [key(f"c{index}", column.type) for index, column in enumerate(columns)]
    distinct = f"DISTINCT ON ({', '.join(keys)}) " if node.distinct else ""
    if node.operator == "UNION":
        return f"SELECT {distinct}{listed} FROM ({sides[0]} UNION ALL {sides[1]})"
    # Without DISTINCT, the n-th of several equal rows on the left matches the n-th equal row on the right.
    place = "1" if node.distinct else f"row_number() OVER (PARTITION BY {', '.join(keys)})"
    packed = f"struct_pack({', '.join(f'k{index} := {sql}' for index, sql in enumerate([*keys, place]))})"
    left, right = (f"(SELECT {listed}, {packed} AS k FROM {side})" for side in sides)
    join = "SEMI" if node.operator == "INTERSECT" else "ANTI"
    return f"SELECT {distinct}{listed} FROM {left} AS m {join} JOIN {right} AS n ON m.k = n.k"


def _widened(side: Compiled, columns: list[OutputColumn]) -> str:
    read = ", ".join(
        f"{coerce_sql(f's.c{index}', mine.type, its.type)} AS c{index}"
        for index, (mine, its) in enumerate(zip(side.columns, columns, strict=False))
    )
    return f"(SELECT {read} FROM ({side.sql}) AS s)"
