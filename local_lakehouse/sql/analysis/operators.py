"""Analysis of arithmetic operators and ``||`` with Trino's rules."""

from __future__ import annotations

import math

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.precision import held, parts, shifted
from local_lakehouse.sql.analysis.typed import Typed, coerce, derive, limit_of
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.types import DAY_INTERVAL, MONTH_INTERVAL, Type, common_type, is_interval

_ARITHMETIC = ("+", "-", "*")
_FLOATS = ("real", "double")
_MAX = types.MAX_PRECISION
_MILLI_DIGITS = 3
_TIMES = ("time", "time with time zone")
_MOMENTS = ("date", "timestamp", "timestamp with time zone", *_TIMES)


def arithmetic(operator: str, left: Typed, right: Typed, position: Position) -> Typed:
    """Apply ``+``, ``-``, ``*``, ``/`` or ``%``.

    Raises:
        QueryFailure: The operator does not support the types (``TYPE_MISMATCH``).
    """
    if types.UNKNOWN in (left.type, right.type):
        left, right = _type_of_null(operator, left, right)
    if types.is_numeric(left.type) and types.is_numeric(right.type):
        return _numbers(operator, left, right)
    found = _times(operator, left, right)
    if found is None:
        raise mismatch(operator, left.type, right.type, position)
    return found


def _type_of_null(operator: str, left: Typed, right: Typed) -> tuple[Typed, Typed]:
    known = right.type if left.type == types.UNKNOWN else left.type
    if known == types.UNKNOWN:
        known = types.INTEGER
    if is_interval(known) and operator in "*/":
        known = types.BIGINT
    if known.name in _MOMENTS and operator in "+-":
        known = DAY_INTERVAL if left.type != types.UNKNOWN or operator == "+" else known
    return (coerce(left, known), right) if left.type == types.UNKNOWN else (left, coerce(right, known))


def _numbers(operator: str, left: Typed, right: Typed) -> Typed:
    common = common_type(left.type, right.type)
    if common is None:
        raise AssertionError("numbers always have a common type")
    if common.name == "decimal":
        return _decimals(operator, _to_decimal(left), _to_decimal(right))
    left, right = coerce(left, common), coerce(right, common)
    if common.name in _FLOATS:
        return _floats(operator, left, right, common)
    return _integers(operator, left, right, common)


def _to_decimal(value: Typed) -> Typed:
    return coerce(value, types.as_decimal(value.type))


def _floats(operator: str, left: Typed, right: Typed, type_: Type) -> Typed:
    if operator == "%":
        return derive(
            f"CAST(athena_mod_float({left.sql}, {right.sql}) AS {types.duckdb_type(type_)})", type_, left, right
        )
    limit = limit_of(_limit(operator, left, right), type_)
    return derive(f"({left.sql} {operator} {right.sql})", type_, left, right, limit=limit)


def _limit(operator: str, left: Typed, right: Typed) -> float | None:
    """Return the greatest absolute value of a result, or None if the result can be NaN.

    If no operand is NaN, the result can be NaN only if an operand is infinite or zero is divided by zero.
    """
    if left.limit is None or right.limit is None or math.inf in (left.limit, right.limit):
        return None
    if operator == "/":
        return math.inf if right.literal is not None and float(right.literal) != 0 else None
    return left.limit * right.limit if operator == "*" else left.limit + right.limit


def _integers(operator: str, left: Typed, right: Typed, type_: Type) -> Typed:
    if operator in _ARITHMETIC:
        return derive(f"({left.sql} {operator} {right.sql})", type_, left, right, fails=True)
    symbol = "//" if operator == "/" else "%"
    if right.literal not in (None, "0"):
        return derive(f"({left.sql} {symbol} {right.sql})", type_, left, right)
    name = "athena_divide" if operator == "/" else "athena_mod"
    return derive(f"{name}({left.sql}, {right.sql})", type_, left, right, fails=True)


def _decimals(operator: str, left: Typed, right: Typed) -> Typed:
    result = _decimal_result(operator, left.type, right.type)
    if operator == "/":
        sql = f"athena_quotient({_text(left)}, {_text(right)}, {result.scale})"
        return derive(f"CAST({sql} AS {types.duckdb_type(result)})", result, left, right, fails=True)
    if operator == "%":
        common = types.decimal(_MAX, result.scale)
        sql = f"athena_mod({coerce(left, common).sql}, {coerce(right, common).sql})"
        return derive(f"CAST({sql} AS {types.duckdb_type(result)})", result, left, right, fails=True)
    if operator in "+-":
        left, right = coerce(left, result), coerce(right, result)
    sql = f"CAST({left.sql} {operator} {right.sql} AS {types.duckdb_type(result)})"
    return derive(sql, result, left, right, fails=True)


def _text(value: Typed) -> str:
    return f"CAST({value.sql} AS VARCHAR)"


def _decimal_result(operator: str, left: Type, right: Type) -> Type:
    scale = max(left.scale, right.scale)
    if operator in "+-":
        whole = max(left.precision - left.scale, right.precision - right.scale)
        return types.decimal(min(_MAX, whole + scale + 1), scale)
    if operator == "*":
        return types.decimal(min(_MAX, left.precision + right.precision), left.scale + right.scale)
    if operator == "/":
        precision = left.precision + right.scale + max(right.scale - left.scale, 0)
        return types.decimal(min(_MAX, precision), scale)
    whole = min(left.precision - left.scale, right.precision - right.scale)
    return types.decimal(min(_MAX, whole + scale), scale)


def _times(operator: str, left: Typed, right: Typed) -> Typed | None:
    if is_interval(left.type) and left.type == right.type and operator in "+-":
        return derive(f"({left.sql} {operator} {right.sql})", left.type, left, right, fails=True)
    if operator == "*" and is_interval(right.type):
        left, right = right, left
    if is_interval(left.type) and operator in "*/" and (types.is_integer(right.type) or right.type.name in _FLOATS):
        return _scaled_interval(operator, left, right)
    if operator == "+" and is_interval(left.type):
        left, right = right, left
    if is_interval(right.type) and operator in "+-":
        return _shifted(operator, left, right)
    if operator == "-":
        return _difference(left, right)
    return None


def _scaled_interval(operator: str, left: Typed, right: Typed) -> Typed:
    held = types.duckdb_type(left.type)
    factor = f"CAST({right.sql} AS DOUBLE)" if right.type.name in _FLOATS else right.sql
    if operator == "*":
        sql = f"CAST(trunc({left.sql} * {factor}) AS {held})"
    elif right.type.name in _FLOATS:
        sql = f"CAST(trunc({left.sql} / {factor}) AS {held})"
    else:
        sql = f"CAST(athena_divide({left.sql}, {right.sql}) AS {held})"
    return derive(sql, left.type, left, right, fails=True)


def _shifted(operator: str, moment: Typed, interval: Typed) -> Typed | None:
    amount = interval.sql if operator == "+" else f"(-{interval.sql})"
    months = interval.type == MONTH_INTERVAL
    name = moment.type.name
    if name == "date":
        macro = "athena_date_add_months" if months else "athena_date_add_days"
        return derive(f"{macro}({moment.sql}, {amount})", moment.type, moment, interval, fails=not months)
    if name not in _MOMENTS or (name in _TIMES and months):
        return None
    # Months are added to the local time in the value's zone, but days and seconds are added to the instant.
    type_ = moment.type if months else Type(name, (max(moment.type.precision, _MILLI_DIGITS),))
    unit = "month" if months else "millisecond"
    moved = shifted(coerce(moment, type_).sql, type_, amount, unit)
    return derive(held(moved, type_), type_, moment, interval)


def _difference(left: Typed, right: Typed) -> Typed | None:
    if left.type.name not in _MOMENTS or right.type.name not in _MOMENTS:
        return None
    common = common_type(left.type, right.type)
    if common is None:
        return None
    if common.name == "time with time zone":
        left, right = coerce(left, common), coerce(right, common)
        return derive(f"athena_millis_of_picos(({left.sql}).n - ({right.sql}).n)", DAY_INTERVAL, left, right)
    sides = [parts(side.sql, side.type) for side in (coerce(left, common), coerce(right, common))]
    delta = f"(epoch_us({sides[0].micros}) - epoch_us({sides[1].micros}))"
    if common.name == "timestamp":
        return derive(f"athena_rounded_millis({delta})", DAY_INTERVAL, left, right)
    picos = f"(CAST({delta} AS HUGEINT) * 1000000 + {sides[0].picos} - {sides[1].picos})"
    return derive(f"athena_millis_of_picos({picos})", DAY_INTERVAL, left, right)


def negate(value: Typed, position: Position) -> Typed:
    """Apply unary ``-``."""
    if value.type == types.UNKNOWN:
        value = coerce(value, types.INTEGER)
    if not (types.is_numeric(value.type) or is_interval(value.type)):
        raise QueryFailure("TYPE_MISMATCH", f"Cannot negate {value.type}", position)
    if types.is_integer(value.type):
        # For a type's smallest number, DuckDB's unary minus returns a wider type instead of failing.
        return derive(f"athena_negate_{value.type.name}({value.sql})", value.type, value, fails=True)
    return derive(f"(-{value.sql})", value.type, value, fails=True, limit=value.limit)


def concatenate(left: Typed, right: Typed, position: Position) -> Typed:
    """Apply ``||`` to strings, binary values or arrays."""
    if left.type == types.UNKNOWN:
        left = coerce(left, right.type if right.type != types.UNKNOWN else types.VARCHAR)
    if right.type == types.UNKNOWN:
        right = coerce(right, left.type)
    if types.is_text(left.type) and types.is_text(right.type):
        return _join_texts(left, right)
    if left.type == right.type == types.VARBINARY:
        return derive(f"({left.sql} || {right.sql})", types.VARBINARY, left, right)
    if "array" in (left.type.name, right.type.name):
        joined = _join_arrays(left, right)
        if joined is not None:
            return joined
    raise QueryFailure(
        "FUNCTION_NOT_FOUND",
        f"Unexpected parameters ({left.type}, {right.type}) for function concat. Expected: concat(E, array(E)), "
        "concat(array(E)), concat(array(E), E), concat(char(x), char(y)), concat(varbinary), concat(varchar)",
        position,
    )


def _join_texts(left: Typed, right: Typed) -> Typed:
    """Concatenate two strings.

    The result is a char if one string is a char and the other is not an unbounded varchar.
    """
    if "char" not in (left.type.name, right.type.name) or not (left.type.numbers and right.type.numbers):
        return derive(f"({left.sql} || {right.sql})", types.VARCHAR, left, right)
    sides = [f"athena_pad({side.sql}, {side.type.precision})" for side in (left, right)]
    return derive(" || ".join(sides).join("()"), types.char(left.type.precision + right.type.precision), left, right)


def _join_arrays(left: Typed, right: Typed) -> Typed | None:
    whole = common_type(left.type, right.type)
    if whole is not None and whole.name == "array":
        left, right = coerce(left, whole), coerce(right, whole)
        return derive(f"athena_array_concat({left.sql}, {right.sql})", whole, left, right)
    for side, other, template in ((left, right, "[{1}]"), (right, left, "[{1}]")):
        if side.type.name != "array":
            continue
        element = common_type(side.type.element, other.type)
        if element is None:
            continue
        holder = types.array(element)
        item = template.replace("{1}", coerce(other, element).sql)
        parts = (coerce(side, holder).sql, item) if side is left else (item, coerce(side, holder).sql)
        return derive(f"athena_array_concat({parts[0]}, {parts[1]})", holder, left, right)
    return None


def mismatch(operator: str, left: Type, right: Type, position: Position) -> QueryFailure:
    """Return the failure for an operator whose operands have unsupported types."""
    return QueryFailure("TYPE_MISMATCH", f"Cannot apply operator: {left} {operator} {right}", position)
