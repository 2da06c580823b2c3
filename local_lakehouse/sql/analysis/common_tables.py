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

    def add(self, one: tree.CommonTable, query: tree.Query, scope: Scope | None) -> None:
        """Analyze one common table expression of a ``WITH`` clause, and register its name."""
        level = self._analysis.common[-1]
        if one.name.key in level:
            raise QueryFailure(
                "DUPLICATE_NAMED_QUERY", f"WITH query name '{one.name.value}' specified more than once", one.position
            )
        body = one.query.body
        if query.recursive:
            check_recursion(one)
        if query.recursive and isinstance(body, tree.SetOperation) and mentions(body.right, one.name.key):
            level[one.name.key] = self._recursive(one, body, scope)
            return
        compiled = self._analysis.query(one.query, scope)
        level[one.name.key] = compiled.rewritten(compiled.sql, self._renamed(one, compiled.columns))

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
            raise QueryFailure("NOT_SUPPORTED", "A recursive query must combine its steps with UNION ALL", one.position)
        if not one.columns:
            raise QueryFailure("MISSING_COLUMN_ALIASES", "missing column aliases in recursive WITH query", one.position)
        name = self._analysis.fresh("w")
        anchor = self._analysis.queries.body(body.left, scope)
        # The recursive part can produce larger numbers than the anchor.
        columns = tuple(replace(column, limit=None) for column in self._renamed(one, anchor.columns))
        listed = ", ".join(f"c{index}" for index in range(len(columns)))
        self._analysis.common[-1][one.name.key] = Compiled(f"SELECT {listed} FROM {name}", columns, anchor.facts)
        step = self._analysis.queries.body(body.right, scope)
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
