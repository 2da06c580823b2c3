"""A plan: what a question asks for, in terms of columns, before it is SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from zetl_helpers.assistant._model import Column, Table

Direction = Literal["ASC", "DESC"]


@dataclass(frozen=True)
class Measure:
    """An aggregate of a column, or of rows when it has none."""

    function: str
    column: Column | None = None
    distinct: bool = False


@dataclass(frozen=True)
class TimeGroup:
    """A calendar unit of a time column."""

    unit: str
    column: Column


@dataclass(frozen=True)
class Values:
    """A column is, or is not, one of some values."""

    column: Column
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class Comparison:
    """A column compared with a number."""

    column: Column
    operator: str
    number: float


@dataclass(frozen=True)
class Days:
    """A time column within a range of days; an end that is None is open."""

    column: Column
    first: date | None
    last: date | None


@dataclass(frozen=True)
class Recent:
    """A time column within the last days, weeks, months or years."""

    column: Column
    count: int
    unit: str


@dataclass(frozen=True)
class Presence:
    """A column with, or without, a value."""

    column: Column
    present: bool


@dataclass(frozen=True)
class Flag:
    """A boolean column."""

    column: Column
    true: bool


Filter = Values | Comparison | Days | Recent | Presence | Flag
Group = Column | TimeGroup


@dataclass
class Plan:
    """What a question asks for.

    Args:
        scope: The tables, joined by their common key where there are two.
        outputs: Columns to show as they are.
        measures: Aggregates.
        groups: What the aggregates are for each of.
        filters: Which rows count.
        parts: Which of those rows a share is about.
        ratio: Two columns whose sums are divided; and whether as a percentage.
        share: Whether a share of the whole is asked for.
        pivot: The column whose values become columns.
        having: How many rows a group must have.
        order: The column, aggregate or group to sort by.
        direction: And how.
        limit: How many rows at most.
        version: The snapshot's id.
        moment: The moment of the past.
        snapshots: Whether the table's snapshots are asked for.
        unused: Words that have no meaning here.
        doubts: Why the plan may not be what is meant.
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
