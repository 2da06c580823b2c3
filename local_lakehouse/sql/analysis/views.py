"""The check that a view's query still has the columns that were stored when the view was created."""

from __future__ import annotations

from collections.abc import Sequence

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.compiled import OutputColumn
from local_lakehouse.sql.analysis.session import View


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
