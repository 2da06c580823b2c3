"""What the parts of the analysis share."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass

from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.session import Session
from local_lakehouse.sql.analysis.typed import Typed
from local_lakehouse.sql.failures import Position
from local_lakehouse.sql.grammar.tree import Expression, Query
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


class Analyzer(ABC):
    """Analyses one statement.

    Args:
        session: What it is analysed against.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._numbers = itertools.count(1)

    def fresh(self, prefix: str) -> str:
        """Return a name that nothing else in the statement has."""
        return f"{prefix}{next(self._numbers)}"

    @abstractmethod
    def expression(self, node: Expression, scope: Scope) -> Typed:
        """Return what an expression is."""

    @abstractmethod
    def boolean(self, node: Expression, scope: Scope, subject: str) -> Typed:
        """Return a condition."""

    @abstractmethod
    def single_type(self, values: list[Typed], subject: str, position: Position) -> Type:
        """Return the type to which all values widen."""

    @abstractmethod
    def query(self, query: Query, scope: Scope | None) -> Compiled:
        """Return what a query is; `scope` is the one around it."""

    def subquery(self, query: Query, scope: Scope) -> Compiled:
        """Return what a query inside an expression is."""
        return self.query(query, scope)
