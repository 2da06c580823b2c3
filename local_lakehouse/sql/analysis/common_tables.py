"""Analysis of common table expressions (``WITH``), including recursive expressions."""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.compiled import Compiled, OutputColumn
from local_lakehouse.sql.analysis.recursion import check_recursion, mentions
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import coerce_sql
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


_MAX_RECURSION = 10


class CommonTables:
    """The analyzer for ``WITH`` clauses.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def add(self, table: tree.CommonTable, query: tree.Query, scope: Scope | None) -> None:
        """Analyze one common table expression of a ``WITH`` clause, and register its name."""
        level = self._analysis.common[-1]
        if table.name.key in level:
            raise QueryFailure(
                "DUPLICATE_NAMED_QUERY",
                f"WITH query name '{table.name.value}' specified more than once",
                table.position,
            )
        body = table.query.body
        if query.recursive:
            check_recursion(table)
        if query.recursive and isinstance(body, tree.SetOperation) and mentions(body.right, table.name.key):
            level[table.name.key] = self._recursive(table, body, scope)
            return
        compiled = self._analysis.query(table.query, scope)
        level[table.name.key] = compiled.rewritten(compiled.sql, self._renamed(table, compiled.columns))

    def _renamed(self, table: tree.CommonTable, columns: tuple[OutputColumn, ...]) -> tuple[OutputColumn, ...]:
        if not table.columns:
            return columns
        if len(table.columns) != len(columns):
            raise QueryFailure(
                "MISMATCHED_COLUMN_ALIASES",
                f"WITH column alias list has {len(table.columns)} entries but WITH query({table.name.value}) has "
                f"{len(columns)} columns",
                table.position,
            )
        return tuple(replace(column, name=name.value) for name, column in zip(table.columns, columns, strict=False))

    def _recursive(self, table: tree.CommonTable, body: tree.SetOperation, scope: Scope | None) -> Compiled:
        if body.operator != "UNION" or body.distinct:
            raise QueryFailure(
                "NOT_SUPPORTED", "A recursive query must combine its steps with UNION ALL", table.position
            )
        if not table.columns:
            raise QueryFailure(
                "MISSING_COLUMN_ALIASES", "missing column aliases in recursive WITH query", table.position
            )
        name = self._analysis.fresh("w")
        anchor = self._analysis.queries.body(body.left, scope)
        # The recursive part can produce larger numbers than the anchor.
        columns = tuple(replace(column, limit=None) for column in self._renamed(table, anchor.columns))
        listed = ", ".join(f"c{index}" for index in range(len(columns)))
        self._analysis.common[-1][table.name.key] = Compiled(f"SELECT {listed} FROM {name}", columns, anchor.facts)
        step = self._analysis.queries.body(body.right, scope)
        if len(step.columns) != len(columns):
            raise QueryFailure(
                "TYPE_MISMATCH", "base and step relations of recursion have different number of fields", table.position
            )
        for mine, its in zip(columns, step.columns, strict=False):
            if not types.can_coerce(its.type, mine.type):
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"recursion step relation output type ({its.type}) is not coercible to recursion base relation "
                    f"output type ({mine.type}) at column {list(columns).index(mine) + 1}",
                    table.position,
                )
        first = ", ".join(f"a.c{index}" for index in range(len(columns)))
        moved = ", ".join(
            coerce_sql(f"s.c{index}", its.type, mine.type)
            for index, (mine, its) in enumerate(zip(columns, step.columns, strict=False))
        )
        # Each step reads only the rows of the previous step, which all have the same depth.
        depth = f"athena_recursion_depth((SELECT max(d) FROM {name}), {_MAX_RECURSION})"
        sql = (
            f"WITH RECURSIVE {name}({listed}, d) AS (SELECT {first}, 0 FROM ({anchor.sql}) AS a UNION ALL "
            f"SELECT {moved}, (SELECT max(d) FROM {name}) + 1 FROM ({step.sql}) AS s WHERE {depth} > 0) "
            f"SELECT {listed} FROM {name}"
        )
        return Compiled(sql, columns, anchor.facts | step.facts)
