"""What a statement is analysed against: the catalog, the parameters, the moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from local_lakehouse.sql.failures import Position
from local_lakehouse.sql.grammar.tree import Expression, Query
from local_lakehouse.sql.types import Type

CATALOG = "awsdatacatalog"


@dataclass(frozen=True)
class SourceColumn:
    """A column that a table offers, and DuckDB's name of it."""

    name: str
    type: Type
    sql: str
    hidden: bool = False


@dataclass(frozen=True)
class Condition:
    """What is known of all rows that a statement wants of a table: a column compared with constants."""

    column: str
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Source:
    """A table as DuckDB sees it.

    Args:
        names: Its names from catalog to table.
        relation: DuckDB's name of it.
        columns: Its columns.
        conditions: Where the analysis notes what it learns about the rows that are wanted.
    """

    names: tuple[str, ...]
    relation: str
    columns: tuple[SourceColumn, ...]
    conditions: list[Condition] = field(default_factory=list)


@dataclass(frozen=True)
class View:
    """A view: its query, and where its names are looked up."""

    names: tuple[str, ...]
    query: Query
    database: str | None
    columns: tuple[tuple[str, Type], ...]


@dataclass(frozen=True)
class Version:
    """Which version of a table is wanted: a snapshot's id, a reference's name, or a moment."""

    snapshot_id: int | None = None
    reference: str | None = None
    moment: datetime | None = None


class Catalog(Protocol):
    """Where tables are found."""

    def resolve(
        self, names: tuple[str, ...], database: str | None, version: Version | None, position: Position
    ) -> Source | View:
        """Find a table or view, or raise a `QueryFailure`."""


@dataclass
class Session:
    """The surroundings of one statement.

    Args:
        catalog: Where tables are found.
        database: Where names without a database are looked up.
        now: The moment at which the statement began, in UTC and without tzinfo.
        constant: Computes an expression that reads no table.
        parameters: What the question marks stand for.
    """

    catalog: Catalog
    database: str | None
    now: datetime
    constant: Callable[[str], object]
    parameters: Sequence[Expression] = field(default_factory=tuple)
