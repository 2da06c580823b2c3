"""Name resolution at a position in a query."""

from __future__ import annotations

from dataclasses import dataclass, field

from local_lakehouse.sql.analysis.comparisons import has_key, key
from local_lakehouse.sql.analysis.typed import Facts, Typed
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar.tree import Column, Dereference, Expression, Window
from local_lakehouse.sql.types import Type


@dataclass(frozen=True)
class Field:
    """A column that can be referenced.

    Args:
        qualifier: The relation's qualified name from catalog to table, or its alias.
        name: The column's name, or None for an unnamed column.
        type: The column's type.
        sql: The column's SQL in DuckDB.
        facts: The facts about the column, which always include the column itself.
        hidden: Whether ``*`` omits the column.
        limit: The greatest absolute value of the column's numbers (see `Typed`).
    """

    qualifier: tuple[str, ...]
    name: str | None
    type: Type
    sql: str
    facts: Facts
    hidden: bool = False
    limit: float | None = None

    @property
    def value(self) -> Typed:
        """The column as an expression."""
        return Typed(self.sql, self.type, self.facts, limit=self.limit)

    def answers_to(self, qualifier: tuple[str, ...], name: str) -> bool:
        """Return whether a qualified name refers to this column."""
        if self.name is None or self.name.lower() != name:
            return False
        return not qualifier or self.qualifier[-len(qualifier) :] == qualifier


class NotGrouped(Exception):
    """A column is used after an aggregation but is not one of the aggregation's keys."""


@dataclass
class Grouping:
    """The keys of an aggregation. Apart from aggregates, a query can use only these keys after the aggregation.

    Args:
        keys: The key expressions in the query, keyed by their DuckDB SQL.
        several: Whether there are several grouping sets.
    """

    keys: dict[str, Expression]
    several: bool = False

    def above(self, value: Typed) -> Typed:
        """Return a grouping key's value after the aggregation, which is the first of the group's equal values."""
        if not has_key(value.type):
            return value
        first = f"first({value.sql})"
        if self.several:
            first = f"CASE WHEN grouping({key(value.sql, value.type)}) = 0 THEN {first} END"
        return value.written_as(first)


@dataclass
class Scope:
    """The names that are visible at a position.

    Args:
        fields: The columns of the relations in ``FROM``.
        parent: The scope of the enclosing query.
        clause: The clause that forbids aggregates and window functions, as named in error messages, or an empty string.
        grouping: The aggregation that is evaluated before this position, or None.
        aliases: The columns of the ``SELECT`` list, which ``ORDER BY`` can reference.
        arguments: The parameters of the enclosing lambdas.
        windows: The windows that are named in the ``WINDOW`` clause.
        use: The operator that uses the inner query and restricts its references: ``EXISTS``, ``IN`` or an empty
            string.
        closed: Whether inner queries cannot reference the columns in `fields`, as in the condition of an outer join.
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

    @property
    def identity(self) -> tuple[object, ...]:
        """The IDs of the objects that contain the names, and the other fields. Equal identities mean equal scopes."""
        names = (self.fields, self.parent, self.grouping, self.aliases, self.arguments, self.windows)
        return (*map(id, names), self.clause, self.use, self.closed)

    def with_arguments(self, arguments: dict[str, Typed]) -> Scope:
        """Return a copy of this scope for the body of a lambda."""
        return self._copy(arguments={**self.arguments, **arguments})

    def inside_aggregate(self) -> Scope:
        """Return a copy of this scope for an aggregate's arguments, which are evaluated before the aggregation."""
        return self._copy(grouping=None, aliases={})

    def below_grouping(self) -> Scope:
        """Return a copy of this scope for expressions that are evaluated before the aggregation."""
        return self._copy(grouping=None)

    def in_clause(self, clause: str) -> Scope:
        """Return a copy of this scope for a clause that forbids aggregates and window functions."""
        return self._copy(clause=clause, grouping=None)

    def used_as(self, use: str) -> Scope:
        """Return the scope for a subquery that the given operator uses."""
        return self if self.use == use else self._copy(use=use)

    def _copy(self, **changes: object) -> Scope:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Scope(**{**values, **changes})

    def resolve(self, names: tuple[str, ...], position: Position) -> tuple[Field, bool] | None:
        """Resolve a name, which can be qualified.

        Returns:
            The column, and whether it belongs to this query instead of an enclosing query. None if no column has the
            name.

        Raises:
            QueryFailure: The name is ambiguous (``AMBIGUOUS_NAME``).
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
    """Return the names in ``a.b.c``, or None for other expressions."""
    if isinstance(expression, Column):
        return (expression.name.key,)
    if isinstance(expression, Dereference):
        base = dotted(expression.base)
        return (*base, expression.name.key) if base else None
    return None
