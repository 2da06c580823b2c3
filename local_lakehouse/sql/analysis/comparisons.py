"""Comparisons of values of every type, with Trino's rules for NULLs inside rows, arrays and maps.

``=`` uses three-valued logic at every nesting level. Two values differ if any pair of their parts differs. Otherwise,
the result is NULL if the comparison of any pair is NULL. For rows and arrays, the first pair of different parts
determines the result of ``<``. The comparison fails if a NULL precedes this pair.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.operators import mismatch
from local_lakehouse.sql.analysis.typed import Typed, coerce, derive, row_value
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.types import Type, common_type

_FLOATS = ("double", "real")
_MIRRORED = {">": "<", ">=": "<="}
_CALL = re.compile(r"\w\(")


def compare(operator: str, left: Typed, right: Typed, position: Position) -> Typed:
    """Apply a comparison operator, such as ``=``, ``<`` or ``IS DISTINCT FROM``.

    Raises:
        QueryFailure: The types cannot be compared (``TYPE_MISMATCH``).
    """
    common = common_type(left.type, right.type)
    if common is None:
        raise mismatch(operator, left.type, right.type, position)
    check_comparable(operator, common, left.type, right.type, position)
    ordered = operator not in ("=", "<>", "IS DISTINCT FROM")
    left, right = coerce(left, common), coerce(right, common)
    if operator == "IS DISTINCT FROM":
        sql = f"({key(left.sql, common)} IS DISTINCT FROM {key(right.sql, common)})"
        if left.facts.constant or right.facts.constant:
            # DuckDB 1.5.1 pushes IS DISTINCT FROM with a constant down to the Arrow scan, which does not support this
            # operator.
            sql = f"({sql} = TRUE)"
        return derive(sql, types.BOOLEAN, left, right)
    return derive(
        _comparison(operator, left, right, common),
        types.BOOLEAN,
        left,
        right,
        fails=ordered and bool(common.children),
    )


def check_comparable(operator: str, common: Type, left: Type, right: Type, position: Position) -> None:
    """Reject a comparison that the type does not support."""
    ordered = operator not in ("=", "<>", "IS DISTINCT FROM")
    if (ordered and not types.is_orderable(common)) or not types.is_comparable(common):
        raise QueryFailure("TYPE_MISMATCH", f"Cannot apply operator: {left} {operator} {right}", position)


def has_key(type_: Type) -> bool:
    """Return whether values that are equal in Athena can have different representations in DuckDB.

    The representations can differ in a time's zone, a char's padding or the order of a map's entries.
    """
    return type_.name in ("timestamp with time zone", "time with time zone", "char", "map") or any(
        map(has_key, type_.children)
    )


def key(sql: str, type_: Type) -> str:
    """Return the SQL for a value's comparison key. DuckDB compares the keys as Athena compares the values."""
    if not has_key(type_):
        return sql
    if type_.name == "timestamp with time zone":
        fine = f"CASE WHEN ({sql}) IS NOT NULL THEN struct_pack(i := ({sql}).i, p := ({sql}).p) END"
        return fine if types.is_fine(type_) else f"({sql}).i"
    if type_.name == "time with time zone":
        return f"({sql}).n"
    if type_.name == "char":
        return f"rtrim({sql})"
    if type_.name == "row":
        return _bound((sql,), f"z{_depth(type_)}", lambda row: _fields_key(row, type_))
    item = f"y{_depth(type_)}"
    if type_.name == "array":
        return f"list_transform({sql}, lambda {item}: {key(item, type_.element)})"
    entries = f"map_entries({sql})"
    if has_key(type_.key) or has_key(type_.value):
        pair = f"struct_pack(k := {key(f'{item}.key', type_.key)}, v := {key(f'{item}.value', type_.value)})"
        entries = f"list_transform({entries}, lambda {item}: {pair})"
    return f"list_sort({entries})"


def _fields_key(sql: str, type_: Type) -> str:
    fields = ", ".join(f"f{index} := {key(f'({sql}).f{index}', child)}" for index, child in enumerate(type_.children))
    return f"CASE WHEN ({sql}) IS NOT NULL THEN struct_pack({fields}) END"


def _bound(values: tuple[str, ...], name: str, write: Callable[..., str]) -> str:
    """Return the SQL for an expression that uses each value several times but evaluates calls only once."""
    if not any(map(_CALL.search, values)):
        return write(*values)
    # The row has no field names, because DuckDB would interpret them as columns in a HAVING clause.
    body = write(*(f"{name}[{index}]" for index in range(1, len(values) + 1)))
    return f"list_transform([row({', '.join(values)})], lambda {name}: {body})[1]"


def row_key(columns: Iterable[tuple[str, Type]]) -> str | None:
    """Return the SQL for a key of several columns, or None if DuckDB compares each column as Athena does."""
    listed = list(columns)
    if not any(has_key(type_) for _, type_ in listed):
        return None
    return ", ".join(key(sql, type_) for sql, type_ in listed)


def has_floats(type_: Type) -> bool:
    """Return whether a value of a type can contain NaN."""
    return type_.name in _FLOATS or any(map(has_floats, type_.children))


def greatest_key(sql: str, type_: Type) -> str:
    """Return the SQL for a sort key in which NaN is the lowest value, as in ``max``."""
    if type_.name in _FLOATS:
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack(k := NOT isnan({sql}), v := {sql}) END"
    if not has_floats(type_):
        return key(sql, type_)
    if type_.name == "array":
        return f"list_transform({sql}, lambda e: {greatest_key('e', type_.element)})"
    fields = ", ".join(
        f"f{index} := {greatest_key(f'({sql}).f{index}', child)}" for index, child in enumerate(type_.children)
    )
    return f"CASE WHEN ({sql}) IS NOT NULL THEN struct_pack({fields}) END"


def _comparison(operator: str, left: Typed, right: Typed, type_: Type) -> str:
    if type_.name in _FLOATS:
        return _floats(operator, left, right)
    if type_.name in ("row", "array", "map"):
        if operator == "<>":
            return f"(NOT {_nested_equal(left.sql, right.sql, type_)})"
        return _nested_equal(left.sql, right.sql, type_) if operator == "=" else _ordered(operator, left, right, type_)
    if type_.name == "char" and operator not in ("=", "<>"):
        # Both sides are padded to the length of their type, because a space sorts above control characters.
        sides = (f"athena_pad({side.sql}, {type_.precision})" for side in (left, right))
        return f"({next(sides)} {operator} {next(sides)})"
    return f"({key(left.sql, type_)} {operator} {key(right.sql, type_)})"


def _floats(operator: str, left: Typed, right: Typed) -> str:
    """Return the SQL that compares floating-point numbers.

    In DuckDB, NaN equals itself and is the greatest value. In Athena, every comparison with NaN except <> is false.
    """
    sure = [side.literal is not None or side.limit is not None for side in (left, right)]
    if operator in ("=", "<>") and any(sure):
        return f"({left.sql} {operator} {right.sql})"
    if sure[0 if operator in (">", ">=") else 1]:
        return f"({left.sql} {operator} {right.sql})"
    return _once((left, right), lambda mine, its: _floats_with_nan(operator, mine, its))


def _floats_with_nan(operator: str, left: str, right: str) -> str:
    if operator == "<>":
        return f"athena_not_equal({left}, {right})"
    greater, other = (left, right) if operator in (">", ">=", "=") else (right, left)
    return f"athena_above({greater}, {other}, ({left} {operator} {right}))"


def _once(values: tuple[Typed, ...], write: Callable[..., str]) -> str:
    """Return the SQL for an expression that uses each value several times but evaluates subqueries only once."""
    listed = tuple(value.sql for value in values)
    return _bound(listed, "zo", write) if any(value.facts.rows for value in values) else write(*listed)


def _nested_equal(left: str, right: str, type_: Type) -> str:
    return _bound((left, right), f"b{_depth(type_)}", lambda a, b: _parts_equal(a, b, type_))


def _parts_equal(left: str, right: str, type_: Type) -> str:
    if type_.name == "row":
        parts = [
            equal(f"({left}).f{index}", f"({right}).f{index}", child) for index, child in enumerate(type_.children)
        ]
        return f"({' AND '.join(parts)})"
    level = _depth(type_)
    if type_.name == "map":
        return _maps_equal(left, right, type_, f"k{level}")
    pair = equal(f"p{level}[1]", f"p{level}[2]", type_.element)
    return (
        f"athena_arrays_equal({left}, {right}, list_transform(athena_pairs({left}, {right}), lambda p{level}: {pair}))"
    )


def _maps_equal(left: str, right: str, type_: Type, each: str) -> str:
    """Return the SQL that tests whether two maps have equal entries. A map with a NaN key is not equal to any map."""
    mine, its = (key(f"map_keys({side})", types.array(type_.key)) for side in (left, right))
    value = f"map_extract_value({right}, {each})"
    if has_key(type_.key):
        value = f"map_values({right})[list_position({its}, {key(each, type_.key)})]"
    pair = equal(f"map_extract_value({left}, {each})", value, type_.value)
    if has_floats(type_.key):
        pair = f"({equal(each, each, type_.key)} AND {pair})"
    pairs = f"list_transform(map_keys({left}), lambda {each}: {pair})"
    return f"athena_maps_equal({left}, {right}, {mine}, {its}, {pairs})"


def _depth(type_: Type) -> int:
    """Count the nesting levels of a type. Each level has separate lambda parameters, so that none shadows another."""
    return 1 + max(map(_depth, type_.children), default=0)


def equal(left: str, right: str, type_: Type) -> str:
    """Return the SQL that tests whether two values are equal. The result is NULL if it depends on a NULL."""
    return _comparison("=", row_value(left, type_), row_value(right, type_), type_)


def _ordered(operator: str, left: Typed, right: Typed, type_: Type) -> str:
    if operator in _MIRRORED:
        left, right, operator = right, left, _MIRRORED[operator]

    def write(a: str, b: str) -> str:
        below = _below(a, b, type_, ties=operator == "<=")
        return f"CASE WHEN ({a}) IS NULL OR ({b}) IS NULL THEN NULL ELSE {below} END"

    return _bound((left.sql, right.sql), f"b{_depth(type_)}", write)


def _below(left: str, right: str, type_: Type, *, ties: bool) -> str:
    """Return the SQL that tests whether a row or array is less than another. For equal values, the result is `ties`."""
    if type_.name == "row":
        return _row_below(left, right, type_, ties=ties)
    zipped = f"athena_pairs({left}, {right})[:least(len({left}), len({right}))]"
    each, found = f"p{_depth(type_)}", f"q{_depth(type_)}"
    differs = _differs(f"{each}[1]", f"{each}[2]", type_.element)
    first = f"list_filter({zipped}, lambda {each}: {differs})[1]"
    rest = f"(len({left}) {'<=' if ties else '<'} len({right}))"
    decided = _pair_below(f"{found}[1]", f"{found}[2]", type_.element)
    missing = "athena_fail('NOT_SUPPORTED|Array comparison not supported for arrays with null elements')"
    null = f"{found}[1] IS NULL OR {found}[2] IS NULL"
    whole = f"CASE WHEN {found} IS NULL THEN {rest} WHEN {null} THEN {missing} ELSE {decided} END"
    return f"list_transform([{first}], lambda {found}: {whole})[1]"


def _row_below(left: str, right: str, type_: Type, *, ties: bool) -> str:
    branches = []
    for index, child in enumerate(type_.children):
        mine, its = f"({left}).f{index}", f"({right}).f{index}"
        missing = "athena_fail('NOT_SUPPORTED|ROW comparison not supported for fields with null elements')"
        branches.append(f"WHEN {mine} IS NULL OR {its} IS NULL THEN {missing}")
        branches.append(f"WHEN {_differs(mine, its, child)} THEN {_pair_below(mine, its, child)}")
    return f"CASE {' '.join(branches)} ELSE {str(ties).upper()} END"


def _differs(left: str, right: str, type_: Type) -> str:
    return f"coalesce(NOT {equal(left, right, type_)}, TRUE)"


def _pair_below(left: str, right: str, type_: Type) -> str:
    if type_.children:
        return _below(left, right, type_, ties=False)
    return _comparison("<", row_value(left, type_), row_value(right, type_), type_)
