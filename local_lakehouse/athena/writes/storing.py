"""Conversions of values that a statement stores in columns of a different type.

As in Trino, a value can be stored if its type and the column's type have a common supertype. For example, a double in
an integer column is rounded, and a timestamp with time zone loses its zone. A value that does not fit the column's
type causes an error.
"""

from __future__ import annotations

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.casts import cast_sql
from local_lakehouse.sql.analysis.typed import coerce_sql, failure, quote
from local_lakehouse.sql.types import Type


def can_store(source: Type, target: Type) -> bool:
    """Return whether values of one type can be stored in a column of another type."""
    if any(map(_has_limited_text, target.children)):
        return types.can_coerce(source, target)
    return types.common_type(source, target) is not None


def _has_limited_text(type_: Type) -> bool:
    return (types.is_text(type_) and bool(type_.numbers)) or any(map(_has_limited_text, type_.children))


def stored_sql(sql: str, source: Type, target: Type) -> str:
    """Return SQL that converts a value to a column's type. `can_store` must allow the conversion."""
    if types.can_coerce(source, target) or source == types.UNKNOWN:
        return coerce_sql(sql, source, target)
    converted = cast_sql(sql, source, target)
    if not types.is_text(target) or not target.numbers:
        return converted
    # Only trailing spaces can be truncated.
    message = f"Cannot truncate non-space characters when casting from {source} to {target} on INSERT"
    failed = failure("INVALID_CAST_ARGUMENT", quote(message))
    return f"CASE WHEN length(rtrim({sql}, ' ')) > {target.precision} THEN {failed} ELSE {converted} END"
