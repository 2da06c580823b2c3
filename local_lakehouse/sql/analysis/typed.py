"""Analyzed expressions, with their DuckDB SQL and types."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.precision import widen
from local_lakehouse.sql.analysis.sharing import share
from local_lakehouse.sql.types import Type, duckdb_type


@dataclass(frozen=True)
class Facts:
    """The facts that later stages need about an expression or a relation, collected from its parts.

    Args:
        reads: The DuckDB names of the columns that the expression reads, such as ``r1.c0``.
        variables: The outer lambda parameters that the expression reads.
        rows: Whether the expression depends on rows through aggregates, window functions or subqueries.
        volatile: Whether two evaluations can return different results.
        fails: Whether evaluation can fail. If so, the expression must not be evaluated where Athena would not evaluate
            it.
    """

    reads: frozenset[str] = field(default_factory=frozenset)
    variables: frozenset[str] = field(default_factory=frozenset)
    rows: bool = False
    volatile: bool = False
    fails: bool = False

    def __or__(self, other: Facts) -> Facts:
        """Return the combined facts of two parts."""
        if other is NOTHING or other == self:
            return self
        return Facts(
            self.reads | other.reads,
            self.variables | other.variables,
            self.rows or other.rows,
            self.volatile or other.volatile,
            self.fails or other.fails,
        )

    @property
    def tables(self) -> frozenset[str]:
        """The DuckDB names of the relations whose columns are read."""
        return frozenset(name.partition(".")[0] for name in self.reads)

    @property
    def constant(self) -> bool:
        """Whether the value is the same for all rows of the statement."""
        return not (self.reads or self.variables or self.rows or self.volatile)


NOTHING = Facts()


@dataclass(frozen=True)
class Typed:
    """An analyzed expression.

    Most instances are created with `constant`, `derive` or `row_value`, which set the facts.

    Args:
        sql: The expression's SQL in DuckDB.
        type: The expression's type in Athena.
        facts: The facts about the expression.
        literal: The literal's text or number, or None if the expression is not a literal.
        limit: The greatest absolute value of a floating-point number, which is infinity if the number can be infinite.
            None if the number can be NaN, or if the expression has another type.
    """

    sql: str
    type: Type
    facts: Facts
    literal: str | None = None
    limit: float | None = None

    @property
    def fails(self) -> bool:
        """Whether evaluation can fail."""
        return self.facts.fails

    def written_as(self, sql: str) -> Typed:
        """Return the same expression with equivalent SQL."""
        return replace(self, sql=sql)

    def with_facts(self, **changes: bool) -> Typed:
        """Return the same expression with some facts changed."""
        return replace(self, facts=replace(self.facts, **changes))  # type: ignore[arg-type]  # only flags change


@dataclass(frozen=True)
class Fragment:
    """A part of DuckDB SQL that is not a value, such as an ``ORDER BY``, and the facts about this part."""

    sql: str
    facts: Facts = NOTHING


def constant(sql: str, type_: Type, literal: str | None = None) -> Typed:
    """Return a constant expression."""
    return Typed(sql, type_, NOTHING, literal)


def derive(
    sql: str,
    type_: Type,
    *parts: Typed,
    fails: bool = False,
    lazy: bool = False,
    literal: str | None = None,
    limit: float | None = None,
) -> Typed:
    """Return an expression that is computed from other expressions.

    Args:
        sql: The expression's SQL in DuckDB.
        type_: The expression's type in Athena.
        *parts: All subexpressions.
        fails: Whether evaluating the expression can fail even if no subexpression fails.
        lazy: Whether some subexpressions are not evaluated for every row, or not outside the expression. If so, `share`
            is not applied to them.
        literal: The literal's text or number, or None if the expression is not a literal.
        limit: The greatest absolute value of the number (see `Typed`).
    """
    facts = union(*(part.facts for part in parts), *((_FAILS,) if fails else ()))
    return Typed(sql if lazy else share(sql, parts), type_, facts, literal, limit)


def union(*facts: Facts) -> Facts:
    """Return the combined facts of several parts."""
    known = NOTHING
    for part in facts:
        known = known | part
    return known


def row_value(sql: str, type_: Type) -> Typed:
    """Return an expression for a value that depends on the row, such as an element of a list."""
    return Typed(sql, type_, _ROW)


_FAILS = Facts(fails=True)
_GREATEST_REAL = 3.4e38
_ROW = Facts(rows=True)


def quote(text: str) -> str:
    """Return a string as a DuckDB literal."""
    return "'" + text.replace("'", "''") + "'"


def null_of(type_: Type) -> str:
    """Return the SQL for a NULL of a type."""
    return f"CAST(NULL AS {duckdb_type(type_)})"


def coerce(value: Typed, target: Type) -> Typed:
    """Convert an expression implicitly to a type that `types.can_coerce` allows."""
    source = value.type
    if source == target:
        return value
    sql = share(coerce_sql(value.sql, source, target), [value])
    return replace(value, sql=sql, type=target, limit=converted_limit(value, target))


def converted_limit(value: Typed, target: Type) -> float | None:
    """Return the limit of a number (see `Typed`) after its conversion to another type, or None if there is no limit."""
    if target.name not in types.FLOATS:
        return None
    if value.type.name in types.FLOATS:
        return limit_of(value.limit, target)
    if not types.is_numeric(value.type):
        return None
    type_ = types.as_decimal(value.type)
    return limit_of(10.0 ** (type_.precision - type_.scale), target)


def limit_of(greatest: float | None, type_: Type) -> float | None:
    """Return `greatest`, or infinity if numbers up to `greatest` can overflow the type."""
    return math.inf if greatest is not None and type_ == types.REAL and greatest > _GREATEST_REAL else greatest


def coerce_sql(sql: str, source: Type, target: Type) -> str:
    """Return the SQL that converts a value implicitly from one type to another."""
    if source == types.UNKNOWN:
        return null_of(target)
    if duckdb_type(source) == duckdb_type(target):
        if target.name == "char" and source != target:
            return f"athena_pad({sql}, {target.precision})"
        return sql
    if target.name in ("time", "time with time zone", "timestamp", "timestamp with time zone"):
        return widen(sql, source, target)
    if target.name == "array":
        return f"list_transform({sql}, lambda e: {coerce_sql('e', source.element, target.element)})"
    if target.name == "row":
        return row_sql(sql, source, target)
    if target.name == "map":
        keys = f"list_transform(map_keys({sql}), lambda e: {coerce_sql('e', source.key, target.key)})"
        values = f"list_transform(map_values({sql}), lambda e: {coerce_sql('e', source.value, target.value)})"
        return f"map({keys}, {values})"
    return f"CAST({sql} AS {duckdb_type(target)})"


def row_sql(sql: str, source: Type, target: Type) -> str:
    """Return the SQL that converts a row implicitly, field by field."""
    fields = ", ".join(
        f"f{index} := {coerce_sql(f'({sql}).f{index}', mine, its)}"
        for index, (mine, its) in enumerate(zip(source.children, target.children, strict=False))
    )
    return f"CASE WHEN ({sql}) IS NULL THEN NULL ELSE struct_pack({fields}) END"


def bound(macro: str, *arguments: str) -> str:
    """Return the SQL for a macro call that evaluates each argument once.

    DuckDB 2.0 fails if a lambda captures an aggregate whose argument contains a lambda. The row has no field names,
    because DuckDB would interpret them as columns in a ``HAVING`` clause.
    """
    reads = ", ".join(f"zb[{index}]" for index in range(1, len(arguments) + 1))
    return f"list_transform([row({', '.join(arguments)})], lambda zb: {macro}({reads}))[1]"


def failure(name: str, message: str) -> str:
    """Return the SQL for an expression that fails with a message. `message` is an SQL expression."""
    return f"athena_fail({quote(name + '|')} || {message})"
