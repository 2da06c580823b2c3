"""What names mean at a place in a query."""

from __future__ import annotations

from dataclasses import dataclass, field

from local_lakehouse.sql.analysis.typed import Facts, Typed
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar.tree import Column, Dereference, Expression, Window
from local_lakehouse.sql.types import Type


@dataclass(frozen=True)
class Field:
    """One column that can be named.

    Args:
        qualifier: The names by which its relation is known, from catalog to table, or its alias.
        name: Its name as it was given; None for one without a name.
        type: Its type.
        sql: How DuckDB reads it.
        facts: What is known of it; it reads at least itself.
        hidden: Whether ``*`` leaves it out.
    """

    qualifier: tuple[str, ...]
    name: str | None
    type: Type
    sql: str
    facts: Facts
    hidden: bool = False

    @property
    def value(self) -> Typed:
        """The column as an expression."""
        return Typed(self.sql, self.type, self.facts)

    def answers_to(self, qualifier: tuple[str, ...], name: str) -> bool:
        """Return whether this is what a name with its qualifier means."""
        if self.name is None or self.name.lower() != name:
            return False
        return not qualifier or self.qualifier[-len(qualifier) :] == qualifier


class NotGrouped(Exception):
    """A column that is read above an aggregation that does not have it as a key."""


@dataclass
class Grouping:
    """The keys of an aggregation: only they, and aggregates, may be read above it."""

    keys: dict[str, Expression]


@dataclass
class Scope:
    """The names that are visible at a place.

    Args:
        fields: Columns of the relations in ``FROM``.
        parent: The scope of the query around this one.
        clause: The clause that forbids aggregates and windows, as its message calls it; empty where they may stand.
        grouping: The aggregation below this place.
        aliases: Columns of the ``SELECT`` list, which ``ORDER BY`` may name.
        arguments: Parameters of the lambdas around this place.
        windows: Windows named in the ``WINDOW`` clause.
        use: How the query inside is used where that decides what it may read: ``EXISTS``, ``IN``, or empty.
        closed: Whether queries inside may not read these columns, as in the condition of an outer join.
    """

    fields: list[Field] = field(default_factory=list)
    parent: Scope | None = None
    clause: str = ""
    grouping: Grouping | None = None
    aliases: dict[str, list[Typed]] = field(default_factory=dict)
    arguments: dict[str, Typed] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)
    use: str = ""
    closed: bool = False

    def with_arguments(self, arguments: dict[str, Typed]) -> Scope:
        """Return this scope inside a lambda."""
        return self._copy(arguments={**self.arguments, **arguments})

    def inside_aggregate(self) -> Scope:
        """Return this scope inside an aggregate's arguments: below the aggregation."""
        return self._copy(grouping=None, aliases={})

    def below_grouping(self) -> Scope:
        """Return this scope as it is below the aggregation."""
        return self._copy(grouping=None)

    def in_clause(self, clause: str) -> Scope:
        """Return this scope in a clause that forbids aggregates and windows."""
        return self._copy(clause=clause, grouping=None)

    def used_as(self, use: str) -> Scope:
        """Return this scope around a query that is used in a certain way."""
        return self if self.use == use else self._copy(use=use)

    def _copy(self, **changes: object) -> Scope:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Scope(**{**values, **changes})

    def resolve(self, names: tuple[str, ...], position: Position) -> tuple[Field, bool] | None:
        """Find what a possibly qualified name means.

        Returns:
            The column, and whether it belongs to this query rather than to one around it.

        Raises:
            QueryFailure: ``AMBIGUOUS_NAME``.
        """
        qualifier, name = names[:-1], names[-1]
        found = [candidate for candidate in self.fields if candidate.answers_to(qualifier, name)]
        if len(found) > 1:
            raise QueryFailure("AMBIGUOUS_NAME", f"Column '{'.'.join(names)}' is ambiguous", position)
        if found:
            return found[0], True
        if self.parent is None:
            return None
        outer = self.parent.resolve(names, position)
        if outer is None:
            return None
        if outer[1] and self.parent.closed:
            raise QueryFailure(
                "NOT_SUPPORTED",
                f"Reference to column '{'.'.join(names)}' from outer scope not allowed in this context",
                position,
            )
        grouping = self.parent.grouping
        if outer[1] and grouping is not None and outer[0].sql not in grouping.keys:
            raise QueryFailure(
                "EXPRESSION_NOT_AGGREGATE",
                f"Subquery uses '{'.'.join(names)}' which must appear in GROUP BY clause",
                position,
            )
        return outer[0], False


def dotted(expression: Expression) -> tuple[str, ...] | None:
    """Return the names of ``a.b.c``, or None if the expression is something else."""
    if isinstance(expression, Column):
        return (expression.name.key,)
    if isinstance(expression, Dereference):
        base = dotted(expression.base)
        return (*base, expression.name.key) if base else None
    return None
