"""Subqueries in ``FROM``, before they are written."""

# ruff: noqa: S608 - SQL is written here from analysed parts, never from a caller's text.

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Derived:
    """A subquery in ``FROM``, with columns named ``c0``, ``c1`` and so on.

    Args:
        body: DuckDB's SQL of the subquery.
        name: Its alias.
        width: The number of its columns.
        lateral: Whether it can refer to the relations to its left.
        padded: The SQL of a subquery with the same rows, or with one row of NULLs if there are none; None if that is
            not known.
    """

    body: str
    name: str
    width: int
    lateral: bool = False
    padded: str | None = None

    @property
    def sql(self) -> str:
        """The relation in DuckDB's ``FROM``."""
        return f"{'LATERAL ' if self.lateral else ''}{self._relation}"

    @property
    def _relation(self) -> str:
        columns = ", ".join(f"c{index}" for index in range(self.width))
        return f"({self.body}) AS {self.name}({columns})"

    def independent(self) -> Derived:
        """Return the subquery as one that refers to nothing."""
        return replace(self, lateral=False)

    def filtered(self, condition: str) -> Derived:
        """Return the rows that meet a condition."""
        return replace(self, body=f"SELECT * FROM {self._relation} WHERE {condition}", padded=None)

    def with_padding(self) -> Derived | None:
        """Return the rows of an outer join on TRUE: those of the subquery, or a row of NULLs."""
        return replace(self, body=self.padded, padded=None) if self.padded is not None else None
