"""The conversions that ``CAST`` supports, and the SQL for them."""

from __future__ import annotations

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis import precision
from local_lakehouse.sql.analysis.json_casts import from_json, to_json
from local_lakehouse.sql.analysis.maps import map_of_lists
from local_lakehouse.sql.analysis.typed import Typed, constant, converted_limit, derive, null_of, quote
from local_lakehouse.sql.analysis.value_texts import text_of
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.types import Type, duckdb_type

_NUMBERS = set(types.NUMERICS)
_MOMENTS = {"date", "timestamp", "timestamp with time zone"}
_JSON_SCALARS = {"boolean", "varchar", "json", "date", "timestamp", *_NUMBERS}
_ALLOWED = {
    "boolean": {"boolean", "varchar", *_NUMBERS},
    "varchar": {"varchar", "char", "varbinary", "boolean", "time", "time with time zone", "uuid", *_MOMENTS, *_NUMBERS},
    "char": {"varchar", "char", "varbinary"},
    "varbinary": {"varbinary", "uuid"},
    "date": {"varchar", *_MOMENTS},
    "timestamp": {"varchar", "time", "time with time zone", *_MOMENTS},
    "timestamp with time zone": {"varchar", "time", "time with time zone", *_MOMENTS},
    "time": {"varchar", "time", "time with time zone", "timestamp", "timestamp with time zone"},
    "time with time zone": {"varchar", "time", "time with time zone", "timestamp", "timestamp with time zone"},
    "uuid": {"varchar", "uuid", "varbinary"},
    "interval day to second": {"varchar", "interval day to second"},
    "interval year to month": {"varchar", "interval year to month"},
    **{name: {"boolean", "varchar", *_NUMBERS} for name in _NUMBERS},
}
_READERS = {
    "time": ("athena_parse_time", types.time(12)),
    "time with time zone": ("athena_parse_zoned_time", types.time_tz(12)),
    "timestamp": ("athena_parse_timestamp", types.timestamp(12)),
    "timestamp with time zone": ("athena_parse_zoned", types.timestamp_tz(12)),
}
_UPPER = {"integer": "INT"}
_NANO_DIGITS = 9


def cast(value: Typed, target: Type, position: Position, *, safe: bool = False) -> Typed:
    """Apply ``CAST`` or, with `safe`, ``TRY_CAST``.

    Raises:
        QueryFailure: The value's type cannot be cast to the target (``TYPE_MISMATCH``).
    """
    source = value.type
    if not can_cast(source, target):
        raise QueryFailure("TYPE_MISMATCH", f"Cannot cast {source} to {target}", position)
    if source == types.UNKNOWN:
        return constant(null_of(target), target)
    if source == target:
        return value
    tried = _tried(value.sql, source, target) if safe else None
    limit = converted_limit(value, target)
    if tried is not None:
        return derive(tried, target, value, limit=limit)
    sql = cast_sql(value.sql, source, target)
    if safe and value.fails:
        # The condition evaluates the operand outside TRY, so that the operand's errors are raised. A lambda would avoid
        # repeating the operand, but DuckDB before 1.5.2 cannot resolve lambda variables inside TRY.
        return derive(f"CASE WHEN {value.sql} IS NOT NULL THEN TRY({sql}) END", target, value, lazy=True)
    if safe:
        return derive(f"TRY({sql})", target, value, lazy=True).with_facts(fails=False)
    widens = types.can_coerce(source, target) and target.name != "char"
    return derive(sql, target, value, fails=not widens, literal=value.literal if widens else None, limit=limit)


def _tried(sql: str, source: Type, target: Type) -> str | None:
    """Return the SQL for a ``TRY_CAST`` without DuckDB's ``TRY``, or None for types that require ``TRY``.

    DuckDB 1.5.1 does not support TRY in lambdas.
    """
    held = duckdb_type(target)
    if types.is_text(source):
        if types.is_integer(target):
            return f"TRY_CAST(athena_whole_digits({sql}) AS {held})"
        if target.name == "decimal":
            return f"TRY_CAST(athena_decimal_digits({sql}) AS {held})"
        if target.name in ("double", "real"):
            return f"TRY_CAST(athena_float_digits({sql}) AS {held})"
        return f"athena_try_{target.name}({sql})" if target in (types.BOOLEAN, types.DATE) else None
    if target.name not in types.NUMERICS or source.name not in (*types.NUMERICS, "boolean"):
        return None
    number = f"CAST({sql} AS INTEGER)" if source == types.BOOLEAN else sql
    if source.name in ("double", "real"):
        if types.is_integer(target):
            number = f"athena_try_whole({sql}, {quote(target.name)})"
        if target.name == "decimal":
            number = f"athena_plain({sql}, '{source.name}')"
        if target.name == "real":
            number = f"athena_real({sql})"
    return f"TRY_CAST({number} AS {held})"


def can_cast(source: Type, target: Type) -> bool:
    """Return whether one type can be cast to another."""
    if types.UNKNOWN in (source, target):
        return source == types.UNKNOWN
    if target == types.JSON:
        return _to_json_allowed(source)
    if source == types.JSON:
        return _from_json_allowed(target)
    if source.name == target.name and source.children:
        same_shape = len(source.children) == len(target.children)
        return same_shape and all(
            can_cast(mine, its) for mine, its in zip(source.children, target.children, strict=False)
        )
    return target.name in _ALLOWED.get(source.name, set())


def _to_json_allowed(source: Type) -> bool:
    if source.name == "map":
        return source.key.name in ("varchar", "boolean", *_NUMBERS) and _to_json_allowed(source.value)
    if source.children:
        return source.name != "function" and all(map(_to_json_allowed, source.children))
    return source.name in _JSON_SCALARS or source == types.UNKNOWN


def _from_json_allowed(target: Type) -> bool:
    if target.name == "map":
        return target.key.name in ("varchar", "boolean", *_NUMBERS) and _from_json_allowed(target.value)
    if target.children:
        return target.name != "function" and all(map(_from_json_allowed, target.children))
    return target.name in {"boolean", "varchar", "json", *_NUMBERS}


def cast_sql(sql: str, source: Type, target: Type) -> str:
    """Return the SQL for an allowed cast."""
    if source == target:
        return sql
    if source == types.UNKNOWN:
        return null_of(target)
    if target == types.JSON:
        return to_json(sql, source)
    if source == types.JSON:
        return from_json(sql, target, cast_sql)
    if source.name == target.name and source.children:
        return _cast_inside(sql, source, target)
    if types.is_text(target):
        return _to_text(sql, source, target)
    if types.is_text(source):
        return _from_text(sql, target)
    if target.name in types.NUMERICS:
        return _to_number(sql, source, target)
    if target == types.BOOLEAN:
        return f"({sql} <> 0)"
    if target == types.UUID:
        return f"CAST(athena_uuid_bytes_text({sql}) AS UUID)"
    if target == types.VARBINARY:
        return f"unhex(replace(CAST({sql} AS VARCHAR), '-', ''))"
    return _to_moment(sql, source, target)


def _cast_inside(sql: str, source: Type, target: Type) -> str:
    if source.name == "array":
        return f"list_transform({sql}, lambda e: {cast_sql('e', source.element, target.element)})"
    if source.name == "map":
        keys = f"list_transform(map_keys({sql}), lambda e: {cast_sql('e', source.key, target.key)})"
        values = f"list_transform(map_values({sql}), lambda e: {cast_sql('e', source.value, target.value)})"
        return map_of_lists(keys, target.key, values)
    fields = ", ".join(
        f"f{index} := {cast_sql(f'({sql}).f{index}', mine, its)}"
        for index, (mine, its) in enumerate(zip(source.children, target.children, strict=False))
    )
    return f"CASE WHEN ({sql}) IS NULL THEN NULL ELSE struct_pack({fields}) END"


def formatted_text(value: Typed, position: Position) -> str:
    """Return the SQL for the text of an argument to ``format``. Times have nanosecond precision.

    Raises:
        QueryFailure: The type cannot be cast to text (``NOT_SUPPORTED``).
    """
    source = value.type
    if not can_cast(source, types.VARCHAR) and source != types.JSON:
        raise QueryFailure("NOT_SUPPORTED", f"Unsupported type for format(): {source}", position)
    if source.name not in _MOMENTS - {"date"} | {"time"}:
        return text_of(value.sql, source)
    nanos = Type(source.name, (_NANO_DIGITS,))
    return text_of(cast_sql(value.sql, source, nanos), nanos)


def _to_text(sql: str, source: Type, target: Type) -> str:
    text = text_of(sql, source)
    if target.name == "char":
        return f"athena_pad({text}, {target.precision})"
    if not target.numbers:
        return text
    if types.is_text(source):
        shorter = source.name == "varchar" and source.numbers and source.precision <= target.precision
        return text if shorter else f"left({text}, {target.precision})"
    return f"athena_fit({text}, {target.precision})"


def _from_text(sql: str, target: Type) -> str:
    held = duckdb_type(target)
    if types.is_integer(target):
        name = _UPPER.get(target.name, target.name.upper())
        return f"CAST(athena_parse_{target.name}({sql}, {quote(name)}) AS {held})"
    if target.name in ("double", "real"):
        # Text is parsed directly as a real, because converting it by way of a double would round it twice.
        return f"CAST(athena_parse_float({sql}, {quote(target.name.upper())}) AS {held})"
    if target.name == "decimal":
        label = quote(f"DECIMAL({target.precision}, {target.scale})")
        return (
            f"CASE WHEN {sql} IS NULL THEN NULL ELSE "
            f"coalesce(TRY_CAST(athena_decimal_digits({sql}) AS {held}), athena_no_decimal({sql}, {label})) END"
        )
    if target == types.BOOLEAN:
        return f"athena_parse_boolean({sql})"
    if target == types.DATE:
        return f"athena_parse_date({sql})"
    if target.name in _READERS:
        reader, read = _READERS[target.name]
        return precision.converted(f"{reader}({sql})", read, target)
    if target == types.VARBINARY:
        return f"encode({sql})"
    return f"CAST(athena_uuid_text({sql}) AS UUID)"


def _to_number(sql: str, source: Type, target: Type) -> str:
    held = duckdb_type(target)
    if types.is_integer(target) and source.name in ("double", "real"):
        return f"CAST(athena_whole({sql}, {quote(target.name)}) AS {held})"
    if target.name == "decimal" and source.name in ("double", "real"):
        label = quote(f"DECIMAL({target.precision}, {target.scale})")
        text = f"athena_plain({sql}, '{source.name}')"
        return f"athena_fit_decimal(TRY_CAST({text} AS {held}), {text}, {label}, '{source.name.upper()}')"
    if target.name == "decimal":
        # TRY_CAST returns NULL for a number that does not fit, and athena_fit_decimal then fails with Athena's message.
        label = quote(f"DECIMAL({target.precision}, {target.scale})")
        number = f"CAST({sql} AS INTEGER)" if source == types.BOOLEAN else sql
        kind = quote(source.name.upper())
        return f"athena_fit_decimal(TRY_CAST({number} AS {held}), {text_of(number, source)}, {label}, {kind})"
    return f"CAST({f'athena_real({sql})' if target.name == 'real' and source.name == 'double' else sql} AS {held})"


def _to_moment(sql: str, source: Type, target: Type) -> str:
    if target == types.DATE:
        return f"CAST({precision.clock(sql, source)} AS DATE)"
    return precision.converted(sql, source, target)
