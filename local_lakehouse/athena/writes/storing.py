"""Conversions when a statement stores values in columns of another type.

Athena widens values as in an expression. It also stores a double in a float column, and a timestamp with time zone in a
column without a time zone.
"""

from __future__ import annotations

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.casts import cast_sql
from local_lakehouse.sql.analysis.typed import coerce_sql
from local_lakehouse.sql.types import Type

_NARROWED = {"double": "real", "timestamp with time zone": "timestamp"}


def can_store(source: Type, target: Type) -> bool:
    """Return whether values of a type can be stored in a column of another type."""
    return types.can_coerce(source, target) or _NARROWED.get(source.name) == target.name


def stored_sql(sql: str, source: Type, target: Type) -> str:
    """Convert a value to a column's type, which `can_store` allows."""
    if types.can_coerce(source, target):
        return coerce_sql(sql, source, target)
    return cast_sql(sql, source, target)
