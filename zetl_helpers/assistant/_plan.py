"""Plans, which describe questions in terms of columns and are then converted to SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from zetl_helpers.assistant._model import Column, Table

Direction = Literal["ASC", "DESC"]


@dataclass(frozen=True)
class Measure:
    """An aggregate of a column, or of rows if there is no column."""

    function: str
    column: Column | None = None
    distinct: bool = False


@dataclass(frozen=True)
class TimeGroup:
    """A grouping of rows by a time column's calendar unit, such as the month."""

    unit: str
    column: Column


@dataclass(frozen=True)
class Values:
    """A condition that requires a column's value to be, or not to be, one of several values."""

    column: Column
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class Comparison:
    """A comparison of a column with a number."""

    column: Column
    operator: str
    number: float


@dataclass(frozen=True)
class Days:
    """A range of days for a time column. A bound of None means that the range is open at that end."""

    column: Column
    first: date | None
    last: date | None


@dataclass(frozen=True)
class Recent:
    """A condition that a time column is within the last `count` days, weeks, months or years."""

    column: Column
    count: int
    unit: str


@dataclass(frozen=True)
class Presence:
    """A condition that requires a column to be non-null, or to be null."""

    column: Column
    present: bool


@dataclass(frozen=True)
class Flag:
    """A condition that requires a boolean column to be true, or to be false."""

    column: Column
    true: bool


Filter = Values | Comparison | Days | Recent | Presence | Flag
Group = Column | TimeGroup


@dataclass
class Plan:
    """The plan for a question.

    Args:
        scope: The tables. Two tables are joined by their common key.
        outputs: The columns to show without aggregation.
        measures: The aggregates.
        groups: The grouping columns.
        filters: The conditions that rows must meet.
        parts: The conditions that select the rows whose share is computed.
        ratio: The two columns whose sums are divided, and whether the result is a percentage.
        share: Whether the question asks for a share of the total.
        pivot: The column whose values become columns.
        having: The condition on the number of rows in a group.
        order: The column, aggregate or group to sort by.
        direction: The sort direction.
        limit: The maximum number of rows.
        version: The ID of the snapshot to query. Defaults to the latest snapshot.
        moment: A time in the past, to query the table as it was then. Defaults to the current state.
        snapshots: Whether the question asks for the table's snapshots.
        unused: The words that were not understood.
        doubts: The reasons why the plan may be wrong.
    """

    scope: tuple[Table, ...]
    outputs: list[Column] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    parts: list[Filter] = field(default_factory=list)
    ratio: tuple[Column, Column, bool] | None = None
    share: bool = False
    pivot: Column | None = None
    having: tuple[str, float] | None = None
    order: Column | Measure | TimeGroup | None = None
    direction: Direction = "ASC"
    limit: int | None = None
    version: int | None = None
    moment: str | None = None
    snapshots: bool = False
    distinct: bool = False
    unused: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    heads: int = 0
    understood: int = 0
