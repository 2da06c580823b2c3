"""Queries after analysis: DuckDB's SQL and the columns of the result."""

from __future__ import annotations

from dataclasses import dataclass

from local_lakehouse.sql.types import Type


@dataclass(frozen=True)
class OutputColumn:
    """One column of a query's result; without a name it is shown as ``_col0``."""

    name: str | None
    type: Type


@dataclass(frozen=True)
class Compiled:
    """A query that was understood: DuckDB's SQL, whose columns are ``c0``, ``c1`` …, and what they are."""

    sql: str
    columns: tuple[OutputColumn, ...]
