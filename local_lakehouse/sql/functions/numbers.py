"""The signatures of mathematical and bitwise functions.

https://trino.io/docs/current/functions/math.html and https://trino.io/docs/current/functions/bitwise.html
"""

from __future__ import annotations

from collections.abc import Sequence

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.operators import arithmetic
from local_lakehouse.sql.analysis.signatures import Emit
from local_lakehouse.sql.analysis.typed import Typed
from local_lakehouse.sql.failures import Position
from local_lakehouse.sql.functions.registry import define
from local_lakehouse.sql.types import Type, duckdb_type

_ALL = ("tinyint", "smallint", "integer", "bigint")
_FLOATS = ("real", "double")
_HERE = Position(1, 1)


def _whole(arguments: Sequence[Typed]) -> Type:
    """Return the type of a decimal that is rounded to an integer, with one more digit for a carry."""
    type_ = arguments[0].type
    return types.decimal(type_.precision - type_.scale + min(type_.scale, 1), 0)


def _integral(arguments: Sequence[Typed]) -> Type:
    return types.decimal(max(1, arguments[0].type.precision - arguments[0].type.scale), 0)


def _same(arguments: Sequence[Typed]) -> Type:
    return arguments[0].type


def _sign_of_decimal(arguments: Sequence[Typed]) -> Type:
    return types.decimal(1, 0)


def _cast_like(template: str) -> Emit:
    def emit(arguments: Sequence[Typed]) -> str:
        filled = template.format(*(argument.sql for argument in arguments))
        return f"CAST({filled} AS {duckdb_type(arguments[0].type)})"

    return emit


def _to_whole(template: str) -> Emit:
    def emit(arguments: Sequence[Typed]) -> str:
        filled = template.format(*(argument.sql for argument in arguments))
        return f"CAST({filled} AS {duckdb_type(_whole(arguments))})"

    return emit


def _modulus(arguments: Sequence[Typed]) -> Typed:
    """Return ``mod(a, b)``, which is ``a % b``."""
    return arithmetic("%", arguments[0], arguments[1], _HERE)


def _modulus_type(arguments: Sequence[Typed]) -> Type:
    return _modulus(arguments).type


def _rounded_decimal(arguments: Sequence[Typed]) -> Type:
    type_ = arguments[0].type
    return types.decimal(min(types.MAX_PRECISION, type_.precision + 1), type_.scale)


def _round_decimal(arguments: Sequence[Typed]) -> str:
    held = duckdb_type(_rounded_decimal(arguments))
    if arguments[1].literal is None:
        # DuckDB's function accepts only a constant number of digits.
        return f"CAST(athena_round_text(CAST({arguments[0].sql} AS VARCHAR), {arguments[1].sql}) AS {held})"
    return f"CAST(athena_round_decimal({arguments[0].sql}, {arguments[1].sql}) AS {held})"


for _name in _ALL:
    define("abs", _name, _name, "abs({0})", fails=True)
    define("sign", _name, _name, _cast_like("sign({0})"))
    define("ceil ceiling floor round", _name, _name, "{0}")
    define("round", f"{_name},integer", _name, _cast_like("athena_round_integer({0}, {1})"), fails=True)
    define("mod", f"{_name},{_name}", _name, "athena_mod({0}, {1})", fails=True)
define("abs", "decimal", _same, "abs({0})")
define("sign", "decimal", _sign_of_decimal, "CAST(sign({0}) AS DECIMAL(1, 0))")
define("ceil ceiling", "decimal", _whole, _to_whole("ceil({0})"))
define("floor", "decimal", _whole, _to_whole("floor({0})"))
define("round", "decimal", _whole, _to_whole("round({0}, 0)"))
define("round", "decimal,integer", _rounded_decimal, _round_decimal)
define(
    "truncate",
    "decimal",
    _integral,
    lambda arguments: f"CAST(trunc({arguments[0].sql}) AS {duckdb_type(_integral(arguments))})",
)
define("truncate", "decimal,integer", _same, _cast_like("athena_truncate_decimal({0}, {1})"))
define("mod", "decimal,decimal", _modulus_type, lambda a: _modulus(a).sql, fails=True)
define("mod", "real,real", "real", _cast_like("athena_mod_float({0}, {1})"))
define("mod", "double,double", "double", "athena_mod_float({0}, {1})")
for _name in reversed(_FLOATS):
    define("abs", _name, _name, "abs({0})")
    define("sign", _name, _name, _cast_like("athena_sign({0})"))
    define("ceil ceiling", _name, _name, "ceil({0})")
    define("floor", _name, _name, "floor({0})")
    define("round", _name, _name, _cast_like("athena_round({0}, 0)"))
    define("round", f"{_name},integer", _name, _cast_like("athena_round({0}, {1})"))
    define("truncate", _name, _name, "trunc({0})")
    define("truncate", f"{_name},integer", _name, _cast_like("athena_truncate({0}, {1})"))

define("sqrt", "double", "double", "athena_sqrt({0})")
define("cbrt", "double", "double", "athena_cbrt({0})")
define("power pow", "double,double", "double", "athena_power({0}, {1})")
define("exp", "double", "double", "exp({0})")
define("ln", "double", "double", "athena_ln({0})")
define("log2", "double", "double", "athena_log2({0})")
define("log10", "double", "double", "athena_log10({0})")
define("log", "double,double", "double", "(athena_ln({1}) / athena_ln({0}))")
define("pi", "", "double", "pi()")
define("e", "", "double", "CAST(2.718281828459045 AS DOUBLE)")
define("nan", "", "double", "CAST('NaN' AS DOUBLE)")
define("infinity", "", "double", "CAST('Infinity' AS DOUBLE)")
define("is_nan", "double", "boolean", "isnan({0})")
define("is_finite", "double", "boolean", "isfinite({0})")
define("is_infinite", "double", "boolean", "isinf({0})")
for _name in ("degrees", "radians", "tan", "sin", "cos", "atan", "sinh", "cosh", "tanh"):
    define(_name, "double", "double", _name + "({0})")
for _name in ("asin", "acos"):
    define(_name, "double", "double", f"CASE WHEN abs({{0}}) > 1 THEN CAST('NaN' AS DOUBLE) ELSE {_name}({{0}}) END")
define("atan2", "double,double", "double", "atan2({0}, {1})")
define("random rand", "", "double", "random()", volatile=True)
for _name in _ALL:
    define("random rand", _name, _name, _cast_like("athena_random(0, {0})"), fails=True, volatile=True)
    define("random rand", f"{_name},{_name}", _name, _cast_like("athena_random({0}, {1})"), fails=True, volatile=True)
define("width_bucket", "double,double,double,bigint", "bigint", "athena_width_bucket({0}, {1}, {2}, {3})", fails=True)
define("width_bucket", "double,array(double)", "bigint", "athena_bin_above({0}, {1})", fails=True)
define("from_base", "varchar,bigint", "bigint", "athena_from_base({0}, {1})", fails=True)
define("to_base", "bigint,bigint", "varchar", "athena_to_base({0}, {1})", fails=True)
define("bitwise_and", "bigint,bigint", "bigint", "({0} & {1})")
define("bitwise_or", "bigint,bigint", "bigint", "({0} | {1})")
define("bitwise_xor", "bigint,bigint", "bigint", "xor({0}, {1})")
define("bitwise_not", "bigint", "bigint", "(~{0})")
define("bit_count", "bigint,bigint", "bigint", "athena_bit_count({0}, {1})", fails=True)
for _name, _bits in (("tinyint", 8), ("smallint", 16), ("integer", 32), ("bigint", 64)):
    _left = f"athena_shift_left(CAST({{0}} AS BIGINT), {{1}}, {_bits})"
    _logical = f"athena_shift_right_logical(CAST({{0}} AS BIGINT), {{1}}, {_bits})"
    define("bitwise_left_shift", f"{_name},integer", _name, _cast_like(_left))
    define("bitwise_right_shift", f"{_name},integer", _name, _cast_like(_logical), fails=True)
    define("bitwise_right_shift_arithmetic", f"{_name},integer", _name, _cast_like("athena_shift_right({0}, {1})"))
for _name, _cdf in (("normal_cdf", "double,double,double"), ("inverse_normal_cdf", "double,double,double")):
    define(_name, _cdf, "double", "athena_" + _name + "({0}, {1}, {2})", fails=True)
for _name, _sign in (("wilson_interval_lower", -1), ("wilson_interval_upper", 1)):
    _bound = f"athena_wilson_bound({{0}}, {{1}}, {{2}}, {_sign})"
    define(_name, "bigint,bigint,double", "double", _bound, fails=True)
