"""Queries after analysis: DuckDB's SQL and the columns of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from local_lakehouse.sql.analysis.typed import Facts
from local_lakehouse.sql.types import Type


@dataclass(frozen=True)
class OutputColumn:
    """One column of a query's result; without a name it is shown as ``_col0``."""

    name: str | None
    type: Type


@dataclass(frozen=True)
class Compiled:
    """A query that was understood.

    Args:
        sql: DuckDB's SQL, whose columns are called ``c0``, ``c1`` and so on.
        columns: What these columns are.
        facts: What is known of the query: the columns of tables that it reads, above all.
        scans: The columns that it reads of each table, by DuckDB's names of both; only of a whole statement.
    """

    sql: str
    columns: tuple[OutputColumn, ...]
    facts: Facts
    scans: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def rewritten(self, sql: str, columns: tuple[OutputColumn, ...] | None = None) -> Compiled:
        """Return the same query under other SQL, and perhaps with other columns."""
        return replace(self, sql=sql, columns=self.columns if columns is None else columns)
