"""The environment of a statement's analysis, with the catalog, parameters and start time."""

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
    """A column of a table, and the column's name in DuckDB."""

    name: str
    type: Type
    sql: str
    hidden: bool = False


@dataclass(frozen=True)
class Condition:
    """A comparison of a column with constants. Rows that do not satisfy the comparison can be skipped."""

    column: str
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Source:
    """A table in DuckDB.

    Args:
        names: The table's qualified name, including the catalog and database.
        relation: The table's name in DuckDB.
        columns: The table's columns.
        conditions: The conditions that allow scans to skip rows. The analysis adds them.
    """

    names: tuple[str, ...]
    relation: str
    columns: tuple[SourceColumn, ...]
    conditions: list[Condition] = field(default_factory=list)


@dataclass(frozen=True)
class View:
    """A view, with its query, the database for unqualified names, and its stored columns."""

    names: tuple[str, ...]
    query: Query
    database: str | None
    columns: tuple[tuple[str, Type], ...]


@dataclass(frozen=True)
class Version:
    """The requested version of a table, as a snapshot ID, a reference name or a time."""

    snapshot_id: int | None = None
    reference: str | None = None
    moment: datetime | None = None


class Catalog(Protocol):
    """The catalog that resolves tables."""

    def resolve(
        self, names: tuple[str, ...], database: str | None, version: Version | None, position: Position
    ) -> Source | View:
        """Return a table or view, or raise a `QueryFailure`."""


@dataclass
class Session:
    """The environment of one statement.

    Args:
        catalog: The catalog that resolves tables.
        database: The database in which unqualified names are looked up.
        now: The statement's start time, in UTC and without tzinfo.
        constant: A function that evaluates an expression, which must not read a table.
        parameters: The values for the ``?`` placeholders.
        replaced: The qualified name of the view that the statement replaces, or None.
    """

    catalog: Catalog
    database: str | None
    now: datetime
    constant: Callable[[str], object]
    parameters: Sequence[Expression] = field(default_factory=tuple)
    replaced: tuple[str, ...] | None = None
