"""Map creation and lookup with Trino's rules for duplicate and equal keys.

Keys that are identical in Athena, such as the same instant in two zones, can differ in DuckDB. Therefore, each list of
keys is accompanied by a list of the keys' identities. NaN is identical to itself, but not equal to itself.
"""

from __future__ import annotations

from collections.abc import Callable

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.comparisons import equal, has_floats, has_key, key
from local_lakehouse.sql.analysis.typed import Typed
from local_lakehouse.sql.analysis.value_texts import text_of
from local_lakehouse.sql.types import Type


def identities(keys: str, type_: Type) -> str:
    """Return the SQL for the identities of keys. DuckDB compares identities the way Athena compares keys."""
    return key(keys, types.array(type_))


def key_identities(map_: Typed) -> str:
    """Return the SQL for the identities of a map's keys."""
    return identities(f"map_keys({map_.sql})", map_.type.key)


def map_of_lists(keys: str, type_: Type, values: str) -> str:
    """Return the SQL that builds a map from a list of distinct keys and a list of values."""
    texts = f"list_transform({keys}, lambda zt: {text_of('zt', type_)})"
    return f"athena_map({keys}, {identities(keys, type_)}, {values}, {texts})"


def of_determined_keys(keys: str, type_: Type, values: str, made: Callable[[str, str], str]) -> str:
    """Return the SQL that builds a value from lists of keys and values and that fails if a key contains a NULL.

    Args:
        keys: The keys.
        type_: The keys' type.
        values: The values.
        made: A function that takes the SQL of both lists and returns the SQL of the value.
    """
    if not type_.children:
        return made(keys, values)
    # The check and the result both use the lists. Passing the lists to a lambda evaluates them only once.
    place = f"athena_undetermined(zm.k, list_transform(zm.k, lambda zk: {equal('zk', 'zk', type_)}))"
    failed = f"athena_bad('map key cannot be indeterminate: ' || CAST(zm.k[{place}] AS VARCHAR))"
    checked = f"CASE WHEN {place} IS NOT NULL THEN {failed} ELSE {made('zm.k', 'zm.v')} END"
    return f"list_transform([struct_pack(k := {keys}, v := {values})], lambda zm: {checked})[1]"


def value_at(map_: Typed, wanted: Typed) -> str:
    """Return the SQL for a key's value, which is NULL if the map does not contain the key."""
    type_ = map_.type.key
    found = f"map_extract_value({map_.sql}, {wanted.sql})"
    if has_key(type_):
        found = f"map_values({map_.sql})[list_position({key_identities(map_)}, {key(wanted.sql, type_)})]"
    return f"CASE WHEN {equal(wanted.sql, wanted.sql, type_)} THEN {found} END" if has_floats(type_) else found


def has_value_at(map_: Typed, wanted: Typed) -> str:
    """Return the SQL that tests whether a map contains a key."""
    type_ = map_.type.key
    found = f"list_contains({key_identities(map_)}, {key(wanted.sql, type_)})"
    return f"({found} AND {equal(wanted.sql, wanted.sql, type_)})" if has_floats(type_) else found
