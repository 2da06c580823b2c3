"""Conversion of values to text, as in a ``CAST`` to varchar."""

from __future__ import annotations

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis import precision
from local_lakehouse.sql.types import Type


def text_of(sql: str, source: Type) -> str:
    """Return the SQL for a value as text of unlimited length."""
    if types.is_text(source) or source == types.JSON:
        return sql
    if source.name == "decimal":
        return f"athena_decimal_text({sql})"
    if source.name == "double":
        return f"athena_double_text({sql})"
    if source.name == "real":
        return f"athena_real_text({sql})"
    if source.name in ("time", "timestamp"):
        return precision.text(sql, source)
    if source.name == "timestamp with time zone":
        return f"({precision.text(sql, source)} || ' ' || ({sql}).z)"
    if source.name == "time with time zone":
        return f"({precision.text(sql, source)} || athena_clock_offset(({sql}).o))"
    if source == types.DAY_INTERVAL:
        return f"athena_day_interval_text({sql})"
    if source == types.MONTH_INTERVAL:
        return f"athena_month_interval_text({sql})"
    return f"CAST({sql} AS VARCHAR)"
