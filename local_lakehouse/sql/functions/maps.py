"""The signatures of map functions.

https://trino.io/docs/current/functions/map.html
"""

from __future__ import annotations

from collections.abc import Sequence

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.maps import identities, key_identities, map_of_lists, of_determined_keys, value_at
from local_lakehouse.sql.analysis.typed import Typed, bound, null_of
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.functions.registry import define
from local_lakehouse.sql.types import Type


def _same(arguments: Sequence[Typed]) -> Type:
    return arguments[0].type


def _entries_type(arguments: Sequence[Typed]) -> Type:
    return types.array(types.row(arguments[0].type.children))


def _pair(arguments: Sequence[Typed]) -> tuple[Type, ...]:
    """Return the types of the keys and values in a list of entries."""
    element = arguments[0].type.element
    if element == types.UNKNOWN:
        return (types.UNKNOWN, types.UNKNOWN)
    if len(element.children) != 2:
        raise QueryFailure("FUNCTION_NOT_FOUND", f"Unexpected parameters ({arguments[0].type}) for a map of entries")
    return element.children


def _entries(arguments: Sequence[Typed]) -> tuple[str, Type, str]:
    """Return the SQL for the keys in a list of entries, the key type, and the SQL for the values."""
    items = arguments[0].sql
    types_ = _pair(arguments)
    key, value = map(null_of, types_)
    if arguments[0].type.element != types.UNKNOWN:
        key, value = "e.f0", "e.f1"
    return f"list_transform({items}, lambda e: {key})", types_[0], f"list_transform({items}, lambda e: {value})"


def _of_entries(items: str, made: str) -> str:
    """Return the SQL for a map from a list of entries. The SQL fails if an entry is NULL."""
    missing = "athena_bad('map entry cannot be null')"
    return f"CASE WHEN list_count({items}) < len({items}) THEN {missing} ELSE {made} END"


def _from_entries(arguments: Sequence[Typed]) -> str:
    return _of_entries(arguments[0].sql, _made(*_entries(arguments)))


def _multi_from_entries(arguments: Sequence[Typed]) -> str:
    keys, type_, values = _entries(arguments)
    made = of_determined_keys(
        keys, type_, values, lambda k, v: f"athena_entries_multimap({k}, {identities(k, type_)}, {v})"
    )
    return _of_entries(arguments[0].sql, made)


def _from_entries_type(arguments: Sequence[Typed]) -> Type:
    fields = _pair(arguments)
    return types.map_of(fields[0], fields[1])


def _multi_from_entries_type(arguments: Sequence[Typed]) -> Type:
    fields = _pair(arguments)
    return types.map_of(fields[0], types.array(fields[1]))


def _made(keys: str, type_: Type, values: str) -> str:
    return of_determined_keys(keys, type_, values, lambda k, v: map_of_lists(k, type_, v))


def _map(arguments: Sequence[Typed]) -> str:
    keys, values = arguments
    return _made(keys.sql, keys.type.element, values.sql)


def _concatenated(arguments: Sequence[Typed]) -> str:
    """Return the SQL that merges maps in Trino's order, from the last map to the first."""
    maps = [argument.sql for argument in reversed(arguments)]
    keys = f"flatten([{', '.join(f'map_keys({map_})' for map_ in maps)}])"
    values = f"flatten([{', '.join(f'map_values({map_})' for map_ in maps)}])"
    known = " AND ".join(f"{map_} IS NOT NULL" for map_ in maps)
    made = bound("athena_map_first", keys, identities(keys, arguments[0].type.key), values)
    return f"CASE WHEN {known} THEN {made} END"


def _zipped(arguments: Sequence[Typed]) -> str:
    first, second, function = arguments
    entries = bound("athena_zip_keys", first.sql, second.sql, key_identities(first), key_identities(second))
    made = f"map(list_transform(zl, lambda e: e.key), list_transform(zl, {function.sql}))"
    return f"list_transform([{entries}], lambda zl: {made})[1]"


def _keys_transformed(arguments: Sequence[Typed]) -> str:
    map_, function = arguments
    keys = f"list_transform(map_entries({map_.sql}), {function.sql})"
    return map_of_lists(keys, function.type.children[-1], f"map_values({map_.sql})")


def _array_histogram(arguments: Sequence[Typed]) -> str:
    items = arguments[0]
    return f"athena_array_histogram({items.sql}, {identities(items.sql, items.type.element)})"


define("cardinality", "map(K,V)", "bigint", "cardinality({0})")
define("element_at", "map(K,V),K", "V", lambda a: value_at(*a))
define("array_histogram", "array(T:comparable)", "map(T,bigint)", _array_histogram)
define(
    "map", "", lambda _: types.map_of(types.UNKNOWN, types.UNKNOWN), "map(CAST([] AS INTEGER[]), CAST([] AS INTEGER[]))"
)
define("map", "array(K:comparable),array(V)", "map(K,V)", _map, fails=True)
define("map_keys", "map(K,V)", "array(K)", "map_keys({0})")
define("map_values", "map(K,V)", "array(V)", "map_values({0})")
define(
    "map_entries",
    "map(K,V)",
    _entries_type,
    "list_transform(map_entries({0}), lambda e: struct_pack(f0 := e.key, f1 := e.value))",
)
define("map_from_entries", "array(T:row_or_unknown)", _from_entries_type, _from_entries, fails=True)
define("multimap_from_entries", "array(T:row_or_unknown)", _multi_from_entries_type, _multi_from_entries, fails=True)
define("map_concat", "map(K,V),map(K,V)", "map(K,V)", _concatenated, variadic=True)
define("map_filter", "map(K,V),function(K,V,boolean)", _same, "map_from_entries(list_filter(map_entries({0}), {1}))")
define(
    "transform_values",
    "map(K,V),function(K,V,W)",
    "map(K,W)",
    "map(map_keys({0}), list_transform(map_entries({0}), {1}))",
)
define("transform_keys", "map(K,V),function(K,V,J)", "map(J,V)", _keys_transformed, fails=True)
define("map_zip_with", "map(K,V),map(K,W),function(K,V,W,R)", "map(K,R)", _zipped)
