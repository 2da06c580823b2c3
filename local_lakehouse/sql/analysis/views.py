"""Failures of views. A view's query is analyzed each time the view is read."""

from __future__ import annotations

from collections.abc import Sequence

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.compiled import OutputColumn
from local_lakehouse.sql.analysis.session import View
from local_lakehouse.sql.failures import Position, QueryFailure

# The names of failures that are reported unchanged, because they do not mean that the view is invalid.
_UNCHANGED = ("NOT_SUPPORTED", "GENERIC_INTERNAL_ERROR", "")


def of_view(failure: QueryFailure, view: View, position: Position) -> QueryFailure:
    """Return the failure for a statement that reads a view whose query cannot be analyzed."""
    if failure.name in _UNCHANGED:
        return failure
    reason = failure.reason.removeprefix(f"{failure.name}: ")
    return QueryFailure("INVALID_VIEW", f"Failed analyzing stored view '{'.'.join(view.names)}': {reason}", position)


def staleness(found: Sequence[OutputColumn], view: View) -> str | None:
    """Return the difference between the columns of a view's query and its stored columns. Return None if they agree."""
    if len(found) != len(view.columns):
        return (
            f"stored view column count ({len(view.columns)}) does not match column count derived from the view query "
            f"analysis ({len(found)})"
        )
    for place, (column, (name, type_)) in enumerate(zip(found, view.columns, strict=True)):
        projected = f"column [{column.name}] of type {column.type} projected from query view at position {place}"
        stored = f"column [{name}] of type {type_} stored in view definition"
        if (column.name or "").lower() != name.lower():
            return f"{projected} has a different name from {stored}"
        if not types.can_coerce(column.type, type_):
            return f"{projected} cannot be coerced to {stored}"
    return None
