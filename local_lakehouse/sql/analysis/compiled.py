"""Analyzed queries, with their DuckDB SQL and result columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from local_lakehouse.sql.analysis.typed import Facts
from local_lakehouse.sql.types import Type


@dataclass(frozen=True)
class OutputColumn:
    """A column of a query's result, which is shown as ``_col0`` or similar if it is unnamed.

    Args:
        name: The column's name, or None if the column is unnamed.
        type: The column's type.
        limit: The greatest absolute value of the column's numbers (see `Typed`).
    """

    name: str | None
    type: Type
    limit: float | None = None


@dataclass(frozen=True)
class Compiled:
    """An analyzed query.

    Args:
        sql: The DuckDB SQL, whose columns are named ``c0``, ``c1`` and so on.
        columns: The columns of the result.
        facts: The facts about the query, mainly the table columns that it reads.
        scans: The columns to read from each table. All names are DuckDB names. The mapping is empty for a subquery.
    """

    sql: str
    columns: tuple[OutputColumn, ...]
    facts: Facts
    scans: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def rewritten(self, sql: str, columns: tuple[OutputColumn, ...] | None = None) -> Compiled:
        """Return a copy of the query with different SQL and, optionally, different columns."""
        return replace(self, sql=sql, columns=self.columns if columns is None else columns)
