"""The semantic model of the tables, columns and values in a lab's catalog."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["number", "text", "boolean", "time", "other"]

MOST_VALUES = 60
_NUMBERS = ("tinyint", "smallint", "int", "integer", "bigint", "float", "real", "double", "decimal")
_TIMES = ("date", "timestamp")
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
_IDENTIFIER = re.compile(r"(?:^|_)id$|(?<=[a-z])id$|number$|(?:^|_)key$")


@dataclass(frozen=True)
class Column:
    """A column that questions can refer to.

    Args:
        table: The column's table.
        name: The column's name.
        type: The column's type in the Data Catalog, in lowercase.
        kind: The kind of the column's values. A text column whose values are ISO dates has the kind "time".
        values: Distinct values from a sample of the table's rows, at most ``MOST_VALUES`` for a column of the kind
            "text".
        complete: Whether `values` contains all distinct values of the sampled rows.
    """

    table: str
    name: str
    type: str
    kind: Kind
    values: tuple[str, ...] = ()
    complete: bool = False

    @property
    def identifies(self) -> bool:
        """Whether the column's name indicates an identifier, such as ``customerid``."""
        return self.kind == "text" and bool(_IDENTIFIER.search(self.name))

    @property
    def words(self) -> str:
        """The name in lowercase, without separators."""
        return re.sub(r"[^a-z0-9]", "", self.name.lower())


@dataclass(frozen=True)
class Table:
    """A table of the lab and its columns."""

    name: str
    columns: tuple[Column, ...] = field(default=())

    @property
    def measures(self) -> tuple[Column, ...]:
        """The numeric columns."""
        return tuple(column for column in self.columns if column.kind == "number")

    @property
    def times(self) -> tuple[Column, ...]:
        """The columns that contain dates or timestamps."""
        return tuple(column for column in self.columns if column.kind == "time")

    @property
    def identifiers(self) -> tuple[Column, ...]:
        """The columns that identify a row or its parent."""
        return tuple(column for column in self.columns if column.identifies)


@dataclass(frozen=True)
class Model:
    """The tables of a lab. `main` is the name of the lab's main table."""

    database: str
    main: str
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table | None:
        """Return the table with a given name, or None if the lab has no such table."""
        return next((table for table in self.tables if table.name == name), None)


def build(
    database: str,
    main: str,
    tables: Sequence[dict[str, Any]],
    sample: Callable[[str, Sequence[str]], dict[str, list[str]]],
) -> Model:
    """Build the model from tables in the Data Catalog.

    Args:
        database: The lab's database.
        main: The lab's main table.
        tables: The tables, as returned by ``GetTables``.
        sample: A function that returns distinct values of a table's text columns, at most ``MOST_VALUES`` + 1 for each
            column.
    """
    return Model(database, main, tuple(_table(table, sample) for table in tables))


def _table(table: dict[str, Any], sample: Callable[[str, Sequence[str]], dict[str, list[str]]]) -> Table:
    name = table["Name"]
    described = [
        (column["Name"], column["Type"].lower())
        for column in table["StorageDescriptor"]["Columns"]
        if column.get("Parameters", {}).get("iceberg.field.current", "true") == "true"
    ]
    texts = [column for column, type_ in described if type_.startswith(("string", "varchar", "char"))]
    values = sample(name, texts)
    return Table(name, tuple(_column(name, column, type_, values.get(column, [])) for column, type_ in described))


def _column(table: str, name: str, type_: str, values: list[str]) -> Column:
    if type_.startswith(_NUMBERS) and not type_.startswith("interval"):
        return Column(table, name, type_, "number")
    if type_.startswith(_TIMES):
        return Column(table, name, type_, "time")
    if type_ == "boolean":
        return Column(table, name, type_, "boolean")
    if not type_.startswith(("string", "varchar", "char")):
        return Column(table, name, type_, "other")
    if values and all(_ISO.fullmatch(value) for value in values):
        return Column(table, name, type_, "time", tuple(values))
    return Column(table, name, type_, "text", tuple(values[:MOST_VALUES]), len(values) <= MOST_VALUES)
