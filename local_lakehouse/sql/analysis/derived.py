"""Subqueries in ``FROM`` that are not yet written as SQL."""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Elements:
    """The elements of one or more lists as rows, with shorter lists padded with NULLs.

    Args:
        name: A unique name, which is the prefix of the element names, such as ``{name}e0``.
        lists: The DuckDB SQL for each list.
        columns: The DuckDB SQL for each column, which refers to the elements by name.
        longest: The DuckDB SQL for the number of rows.
    """

    name: str
    lists: tuple[str, ...]
    columns: tuple[str, ...]
    longest: str

    @property
    def body(self) -> str:
        """The SQL of a subquery that returns the elements."""
        columns = ", ".join(f"{column} AS c{index}" for index, column in enumerate(self.columns))
        return f"SELECT {columns} FROM (SELECT {self._unnested}) AS {self.name}"

    @property
    def _unnested(self) -> str:
        return ", ".join(f"unnest({list_}) AS {self.name}e{index}" for index, list_ in enumerate(self.lists))

    def with_padding(self) -> Elements:
        """Return a copy of the elements with a row of NULLs if there are no elements."""
        return replace(
            self, lists=tuple(f"CASE WHEN {self.longest} = 0 THEN [NULL] ELSE {list_} END" for list_ in self.lists)
        )

    def beside(self, left: str, kept: Sequence[str], alias: str, name: str) -> str:
        """Return the SQL for a relation's rows joined with the elements of each row's lists.

        Args:
            left: The relation whose columns are used in the lists.
            kept: The columns to keep from `left`: ``alias.*`` or, for a join, the names of its relations, each of which
                becomes a column.
            alias: The name of the resulting relation.
            name: The name of the column that contains the elements as a struct.
        """
        listed = ", ".join(kept)
        columns = ", ".join(f"c{index} := {column}" for index, column in enumerate(self.columns))
        unnested = f"(SELECT {listed}, {self._unnested} FROM {left}) AS {alias}"
        return f"(SELECT {listed}, struct_pack({columns}) AS {name} FROM {unnested}) AS {alias}"


@dataclass(frozen=True)
class Derived:
    """A subquery in ``FROM``, with columns named ``c0``, ``c1`` and so on.

    Args:
        body: The subquery as DuckDB SQL.
        name: The subquery's alias.
        width: The number of columns in the subquery.
        lateral: Whether the subquery can refer to the relations to its left.
        elements: The elements that the subquery reads from lists, or None if it does not unnest lists.
    """

    body: str
    name: str
    width: int
    lateral: bool = False
    elements: Elements | None = None

    @property
    def sql(self) -> str:
        """The relation's SQL for a DuckDB ``FROM`` clause."""
        return f"{'LATERAL ' if self.lateral else ''}{self._relation}"

    @property
    def _relation(self) -> str:
        columns = ", ".join(f"c{index}" for index in range(self.width))
        return f"({self.body}) AS {self.name}({columns})"

    def independent(self) -> Derived:
        """Return a copy of the subquery that cannot refer to other relations."""
        return replace(self, lateral=False)

    def filtered(self, condition: str) -> Derived:
        """Return a copy of the subquery with only the rows that satisfy a condition."""
        return replace(self, body=f"SELECT * FROM {self._relation} WHERE {condition}", elements=None)

    def with_padding(self) -> Derived | None:
        """Return a copy with a row of NULLs if there are no elements. Return None for a subquery without `elements`."""
        if self.elements is None:
            return None
        padded = self.elements.with_padding()
        return replace(self, body=padded.body, elements=padded)
