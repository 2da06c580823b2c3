"""Casts of values to and from JSON.

JSON values are stored as canonical text, without white space and with sorted object members.
"""

from __future__ import annotations

from collections.abc import Callable

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis import precision
from local_lakehouse.sql.analysis.typed import quote
from local_lakehouse.sql.types import Type, duckdb_type

CastWriter = Callable[[str, Type, Type], str]


def to_json(sql: str, source: Type) -> str:
    """Return the SQL for a value as JSON, where NULL remains NULL."""
    name = source.name
    if source == types.UNKNOWN:
        return "CAST(NULL AS VARCHAR)"
    if name == "json":
        return sql
    if name == "decimal":
        return f"athena_decimal_text({sql})"
    if name in ("boolean", *types.INTEGERS):
        return f"CAST({sql} AS VARCHAR)"
    if name in ("double", "real"):
        return f"athena_json_number(athena_{name}_text({sql}))"
    if name == "varchar":
        return f"athena_json_string({sql})"
    if name == "date":
        return f"athena_json_string(CAST({sql} AS VARCHAR))"
    if name == "timestamp":
        return f"athena_json_string({precision.text(sql, source)})"
    if name == "array":
        items = f"list_transform({sql}, lambda e: {_inner('e', source.element)})"
        return f"('[' || athena_join({items}, ',') || ']')"
    if name == "map":
        return _map_to_json(sql, source)
    return _row_to_json(sql, source)


def _inner(sql: str, type_: Type) -> str:
    return f"coalesce({to_json(sql, type_)}, 'null')"


def _map_to_json(sql: str, source: Type) -> str:
    key = "e.key" if source.key.name == "varchar" else f"coalesce({to_json('e.key', source.key)}, 'null')"
    member = f"(athena_json_string({key}) || ':' || {_inner('e.value', source.value)})"
    items = f"list_sort(list_transform(map_entries({sql}), lambda e: {member}))"
    return f"('{{' || athena_join({items}, ',') || '}}')"


def _row_to_json(sql: str, source: Type) -> str:
    members = [
        f"{quote(_json_key(name) + ':')} || {_inner(f'({sql}).f{index}', child)}"
        for index, (name, child) in enumerate(zip(source.fields, source.children, strict=False))
    ]
    body = " || ',' || ".join(members)
    return f"CASE WHEN ({sql}) IS NULL THEN NULL ELSE '{{' || {body} || '}}' END"


def _json_key(name: str | None) -> str:
    escaped = (name or "").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def from_json(sql: str, target: Type, cast: CastWriter) -> str:
    """Return the SQL for the value that a JSON text represents."""
    name = target.name
    if name == "json":
        return sql
    if name == "array":
        items = f"athena_json_items({sql}, {quote(str(target))})"
        return f"list_transform({items}, lambda e: {from_json('e', target.element, cast)})"
    if name == "map":
        return _map_from_json(sql, target, cast)
    if name == "row":
        return _row_from_json(sql, target, cast)
    if name == "boolean":
        return f"athena_json_boolean({sql})"
    if name == "varchar":
        text = f"athena_json_varchar({sql})"
        return f"left({text}, {target.precision})" if target.numbers else text
    if types.is_integer(target):
        return f"CAST(athena_json_bigint({sql}, {quote(name)}) AS {duckdb_type(target)})"
    if name == "decimal":
        return f"CAST(athena_json_decimal({sql}, {quote(str(target))}) AS {duckdb_type(target)})"
    number = f"athena_json_double({sql}, {quote(name)})"
    return f"CAST({f'athena_real({number})' if name == 'real' else number} AS {duckdb_type(target)})"


def _map_from_json(sql: str, target: Type, cast: CastWriter) -> str:
    label = quote(str(target))
    keys = f"athena_json_keys({sql}, {label})"
    if target.key != types.VARCHAR:
        keys = f"list_transform({keys}, lambda e: {cast('e', types.VARCHAR, target.key)})"
    values = f"list_transform(athena_json_values({sql}, {label}), lambda e: {from_json('e', target.value, cast)})"
    return f"map({keys}, {values})"


def _row_from_json(sql: str, target: Type, cast: CastWriter) -> str:
    names = ", ".join(quote(name or "") for name in target.fields)
    items = f"athena_json_fields({sql}, [{names}], {quote(str(target))})"
    fields = ", ".join(
        f"f{index} := {from_json(f'{items}[{index + 1}]', child, cast)}" for index, child in enumerate(target.children)
    )
    return f"CASE WHEN {items} IS NULL THEN NULL ELSE struct_pack({fields}) END"
