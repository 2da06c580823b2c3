"""Comparisons: equality and order of every type, with NULL inside rows and arrays as Trino has it."""

from __future__ import annotations

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.operators import mismatch
from local_lakehouse.sql.analysis.typed import Typed, coerce
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.types import Type, common_type


def compare(operator: str, left: Typed, right: Typed, position: Position) -> Typed:
    """Apply ``= <> < <= > >=`` or ``IS DISTINCT FROM``.

    Raises:
        QueryFailure: ``TYPE_MISMATCH``.
    """
    common = common_type(left.type, right.type)
    if common is None:
        raise mismatch(operator, left.type, right.type, position)
    check_comparable(operator, common, left.type, right.type, position)
    fails = left.fails or right.fails
    left, right = coerce(left, common), coerce(right, common)
    if operator == "IS DISTINCT FROM":
        return Typed(f"({key(left.sql, common)} IS DISTINCT FROM {key(right.sql, common)})", types.BOOLEAN, fails)
    return Typed(_comparison(operator, left, right, common), types.BOOLEAN, fails)


def check_comparable(operator: str, common: Type, left: Type, right: Type, position: Position) -> None:
    """Refuse a comparison that the type does not have."""
    ordered = operator not in ("=", "<>", "IS DISTINCT FROM")
    if (ordered and not types.is_orderable(common)) or not types.is_comparable(common):
        raise QueryFailure("TYPE_MISMATCH", f"Cannot apply operator: {left} {operator} {right}", position)


def key(sql: str, type_: Type) -> str:
    """Write a value such that DuckDB tells equal what Athena tells equal."""
    if type_.name == "timestamp with time zone":
        return f"struct_pack(i := ({sql}).i, p := ({sql}).p)" if types.is_fine(type_) else f"({sql}).i"
    if type_.name == "char":
        return f"rtrim({sql})"
    if type_.name == "map":
        return f"list_sort(map_entries({sql}))"
    return sql


def _comparison(operator: str, left: Typed, right: Typed, type_: Type) -> str:
    if type_.name in ("double", "real"):
        return _floats(operator, left, right)
    if type_.name == "row" and operator in ("=", "<>"):
        equal = _rows_equal(left.sql, right.sql, type_)
        return equal if operator == "=" else f"(NOT {equal})"
    if type_.name == "array" and operator in ("=", "<>"):
        equal = _arrays_equal(left.sql, right.sql, type_)
        return equal if operator == "=" else f"(NOT {equal})"
    return f"({key(left.sql, type_)} {operator} {key(right.sql, type_)})"


def _floats(operator: str, left: Typed, right: Typed) -> str:
    plain = f"({left.sql} {operator} {right.sql})"
    # To DuckDB NaN is equal to itself and above all else; to Athena every comparison with it but <> is false.
    if operator == "<>":
        return plain if left.literal or right.literal else f"athena_not_equal({left.sql}, {right.sql})"
    if left.literal and right.literal:
        return plain
    if right.literal:
        return plain if operator in ("<", "<=", "=") else f"athena_above({left.sql}, {right.sql}, {plain})"
    if left.literal:
        return plain if operator in (">", ">=", "=") else f"athena_above({right.sql}, {left.sql}, {plain})"
    greater, other = (left, right) if operator in (">", ">=", "=") else (right, left)
    return f"athena_above({greater.sql}, {other.sql}, {plain})"


def _rows_equal(left: str, right: str, type_: Type) -> str:
    parts = [_equal(f"({left}).f{index}", f"({right}).f{index}", child) for index, child in enumerate(type_.children)]
    return f"({' AND '.join(parts)})"


def _arrays_equal(left: str, right: str, type_: Type) -> str:
    pair = _equal("p[1]", "p[2]", type_.element)
    matches = f"list_transform(list_zip({left}, {right}), lambda p: {pair})"
    return f"athena_arrays_equal({left}, {right}, {matches})"


def _equal(left: str, right: str, type_: Type) -> str:
    return _comparison("=", Typed(left, type_), Typed(right, type_), type_)
