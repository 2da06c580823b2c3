"""Expressions after analysis: DuckDB's SQL for them, and their type."""

from __future__ import annotations

from dataclasses import dataclass, replace

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.precision import widen
from local_lakehouse.sql.types import Type, duckdb_type


@dataclass(frozen=True)
class Typed:
    """An expression that was understood.

    Args:
        sql: How DuckDB computes it.
        type: Athena's type of it.
        fails: Whether computing it may fail, so that it must not be computed where Athena would not.
        literal: The text or number it was written as, if it is a constant.
    """

    sql: str
    type: Type
    fails: bool = False
    literal: str | None = None

    def written_as(self, sql: str) -> Typed:
        """Return the same expression under other SQL that means the same."""
        return replace(self, sql=sql)


def quote(text: str) -> str:
    """Write a text as DuckDB's constant."""
    return "'" + text.replace("'", "''") + "'"


def null_of(type_: Type) -> str:
    """Write a NULL of a type."""
    return f"CAST(NULL AS {duckdb_type(type_)})"


def coerce(value: Typed, target: Type) -> Typed:
    """Widen an expression to a type that `types.can_coerce` allows."""
    source = value.type
    if source == target:
        return value
    return Typed(coerce_sql(value.sql, source, target), target, value.fails, value.literal)


def coerce_sql(sql: str, source: Type, target: Type) -> str:
    """Write the widening of a value from one type to another."""
    if source == types.UNKNOWN:
        return null_of(target)
    if duckdb_type(source) == duckdb_type(target):
        if target.name == "char" and source != target:
            return f"athena_pad({sql}, {target.precision})"
        return sql
    if target.name in ("time", "timestamp", "timestamp with time zone"):
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
    """Write the widening of a row, field by field."""
    fields = ", ".join(
        f"f{index} := {coerce_sql(f'({sql}).f{index}', mine, its)}"
        for index, (mine, its) in enumerate(zip(source.children, target.children, strict=False))
    )
    return f"CASE WHEN ({sql}) IS NULL THEN NULL ELSE struct_pack({fields}) END"


def failure(name: str, message: str) -> str:
    """Write an expression that fails with a message; `message` is SQL."""
    return f"athena_fail({quote(name + '|')} || {message})"
