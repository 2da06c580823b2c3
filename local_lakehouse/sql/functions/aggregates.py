"""The signatures of aggregates and window functions.

https://trino.io/docs/current/functions/aggregate.html and https://trino.io/docs/current/functions/window.html

In a template, ``{over}`` is replaced with the call's ``FILTER`` and ``OVER`` clauses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.comparisons import greatest_key, has_key, key
from local_lakehouse.sql.analysis.maps import identities
from local_lakehouse.sql.analysis.signatures import Emit, Result
from local_lakehouse.sql.analysis.typed import Typed, bound
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.functions.registry import define
from local_lakehouse.sql.types import Type


def _aggregate(names: str, parameters: str, result: Result, emit: Emit) -> None:
    define(names, parameters, result, emit, kind="aggregate", fails=True)


def _same(arguments: Sequence[Typed]) -> Type:
    return arguments[0].type


def _sum_of_decimal(arguments: Sequence[Typed]) -> Type:
    return types.decimal(types.MAX_PRECISION, arguments[0].type.scale)


def _average_of_decimal(arguments: Sequence[Typed]) -> str:
    type_ = arguments[0].type
    value = arguments[0].sql
    return (
        f"CAST(athena_quotient(CAST(sum({{distinct}}{value}){{over}} AS VARCHAR), "
        f"CAST(count({{distinct}}{value}){{over}} AS VARCHAR), {type_.scale}) AS {types.duckdb_type(type_)})"
    )


def _rank(name: str, value: Typed) -> str:
    """Return the SQL for the sort key of ``min``, ``max``, ``min_by`` or ``max_by``.

    NaN sorts above all numbers, but ``max`` and ``max_by`` prefer numbers to NaN.
    """
    return greatest_key(value.sql, value.type) if name.startswith("max") else key(value.sql, value.type)


def _extreme(name: str) -> Emit:
    def emit(arguments: Sequence[Typed]) -> str:
        value = arguments[0]
        rank = _rank(name, value)
        if rank == value.sql:
            return f"{name}({{distinct}}{value.sql}){{over}}"
        return f"arg_{name}({{distinct}}{value.sql}, {rank}){{over}}"

    return emit


def _extremes(name: str) -> Emit:
    return lambda arguments: _extremes_by(name)((arguments[0], arguments[0], arguments[1]))


def _extreme_by(name: str) -> Callable[[Sequence[Typed]], str]:
    function = "arg_" + name.removesuffix("_by") + "_null"
    return lambda arguments: f"{function}({{distinct}}{arguments[0].sql}, {_rank(name, arguments[1])}{{order}}){{over}}"


def _extremes_by(name: str) -> Callable[[Sequence[Typed]], str]:
    """Return an emitter for the values with the lowest or highest keys. As in Trino, the limit is 10,000 values."""
    function = "arg_" + name.removesuffix("_by")

    def emit(arguments: Sequence[Typed]) -> str:
        value, by, count = arguments
        checked = f"athena_row_count({count.sql}, '{name}')"
        # DuckDB ignores rows whose value is NULL, so each value is read from a struct.
        packed = f"struct_pack(v := {value.sql})"
        found = f"{function}({{distinct}}{packed}, {_rank(name, by)}, {checked}{{order}}){{over}}"
        return f"list_transform({found}, lambda zv: zv.v)"

    return emit


def _percentile(constant: str) -> Emit:
    """Return an emitter for percentiles.

    DuckDB's function accepts only constant fractions. `constant` is the SQL for constant fractions.
    """

    def emit(arguments: Sequence[Typed]) -> str:
        if arguments[1].facts.constant:
            return constant
        values, shares = "list_sort(list({distinct}{0}){over})", "any_value({1}){over}"
        if arguments[1].type.name == "array":
            return bound("athena_at_shares", values, shares)
        return f"athena_at_share({values}, {shares})"

    return emit


def _weighted_percentile(_: Sequence[Typed]) -> str:
    raise QueryFailure("NOT_SUPPORTED", "The local Athena does not support approx_percentile with weights or accuracy")


def _most_frequent(arguments: Sequence[Typed]) -> str:
    """Return the SQL for the exact counts of the most frequent values.

    Trino also counts exactly until the given capacity is exceeded.
    """
    if not (arguments[0].facts.constant and arguments[2].facts.constant):
        raise QueryFailure(
            "NOT_SUPPORTED",
            "The local Athena supports approx_most_frequent only with a constant bucket count and capacity",
        )
    held = types.duckdb_type(arguments[1].type)
    return f"athena_most_frequent(CAST(histogram({{distinct}}{{1}}){{over}} AS MAP({held}, BIGINT)), {{0}}, {{2}})"


def _histogram(arguments: Sequence[Typed]) -> str:
    value, type_ = arguments[0].sql, arguments[0].type
    if has_key(type_):
        different = f"list(DISTINCT {value}){{over}}"
        counts = f"histogram({key(value, type_)}){{over}}"
        return bound("athena_histogram", counts, different, identities(different, type_))
    if type_.name in ("double", "real"):
        # DuckDB 1.5.1 counts NaN together with preceding numbers, but counts lists of numbers correctly.
        return f"athena_histogram_of_lists(histogram(CASE WHEN {value} IS NOT NULL THEN [{value}] END){{over}})"
    return f"CAST(histogram({value}){{over}} AS MAP({types.duckdb_type(type_)}, BIGINT))"


_HASHES = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint"), "athena_hash_number({})"),
    "boolean": "athena_hash_number(CAST({} AS BIGINT))",
    "double": "athena_hash_double({})",
    "varchar": "athena_hash_bytes(encode({}))",
    "varbinary": "athena_hash_bytes({})",
    "date": "athena_hash_number(CAST(date_diff('day', DATE '1970-01-01', {}) AS BIGINT))",
    "timestamp": "athena_hash_number(epoch_us({}))",
}


def _checksum(arguments: Sequence[Typed]) -> str:
    """Return the SQL for the sum of the hashes of all values, where the hash of NULL is 1."""
    type_ = arguments[0].type
    hashed = _HASHES.get(type_.name)
    if hashed is None or types.is_fine(type_):
        raise QueryFailure("NOT_SUPPORTED", f"The local Athena does not support checksum for values of type {type_}")
    value = hashed.format("{0}")
    return f"athena_checksum_bytes(CAST(sum({{distinct}}CAST(coalesce({value}, 1) AS HUGEINT)){{over}} AS VARCHAR))"


# The list of keys or values in the rows that have a non-NULL key.
_LISTED = "list({{{}}}{{order}}) FILTER (WHERE {{0}} IS NOT NULL{{and_filter}}){{bare_over}}"


def _keyed(macro: str) -> Emit:
    """Return an emitter for an aggregate that builds a map from the keys and values in all rows."""

    def emit(arguments: Sequence[Typed]) -> str:
        keys, values = _LISTED.format(0), _LISTED.format(1)
        return bound(macro, keys, identities(keys, arguments[0].type), values)

    return emit


def _map_union(arguments: Sequence[Typed]) -> str:
    maps = "list({0}) FILTER (WHERE {0} IS NOT NULL{and_filter}){bare_over}"
    keys, values = (f"flatten(list_transform({maps}, lambda zm: map_{part}(zm)))" for part in ("keys", "values"))
    return bound("athena_map_first", keys, identities(keys, arguments[0].type.key), values)


def _bool(name: str) -> str:
    return f"{name}({{distinct}}{{0}}){{over}}"


_aggregate("count", "", "bigint", "count(*){over}")
_aggregate("count", "T", "bigint", "count({distinct}{0}){over}")
# DuckDB's count_if is NULL instead of 0 if all values are NULL.
_aggregate("count_if", "boolean", "bigint", "count({distinct}CASE WHEN {0} THEN TRUE END){over}")
_aggregate("sum", "bigint", "bigint", "CAST(sum({distinct}{0}){over} AS BIGINT)")
_aggregate("sum", "decimal", _sum_of_decimal, "sum({distinct}{0}){over}")
_aggregate("sum", "real", "real", "CAST(athena_real(sum({distinct}{0}){over}) AS FLOAT)")
_aggregate("sum", "double", "double", "sum({distinct}{0}){over}")
_aggregate("sum", "interval day to second", "interval day to second", "CAST(sum({distinct}{0}){over} AS BIGINT)")
_aggregate("sum", "interval year to month", "interval year to month", "CAST(sum({distinct}{0}){over} AS INTEGER)")
_aggregate("avg", "bigint", "double", "avg({distinct}{0}){over}")
_aggregate("avg", "decimal", _same, _average_of_decimal)
_aggregate("avg", "real", "real", "CAST(avg({distinct}{0}){over} AS FLOAT)")
_aggregate("avg", "double", "double", "avg({distinct}{0}){over}")
_aggregate("avg", "interval day to second", "interval day to second", "CAST(trunc(avg({distinct}{0}){over}) AS BIGINT)")
for _name in ("min", "max"):
    _aggregate(_name, "T:orderable", _same, _extreme(_name))
    _aggregate(_name, "T:orderable,bigint", "array(T)", _extremes(_name))
for _name in ("min_by", "max_by"):
    _aggregate(_name, "T,U:orderable", _same, _extreme_by(_name))
    _aggregate(_name, "T,U:orderable,bigint", "array(T)", _extremes_by(_name))
_aggregate("arbitrary any_value", "T", _same, "any_value({distinct}{0}{order}){over}")
_aggregate("array_agg", "T", "array(T)", "array_agg({distinct}{0}{order}){over}")
_aggregate("listagg", "varchar,varchar", "varchar", "athena_listagg_fits(string_agg({distinct}{0}, {1}{order}){over})")
_aggregate("listagg", "varchar", "varchar", "athena_listagg_fits(string_agg({distinct}{0}, ''{order}){over})")
_aggregate(
    "listagg",
    "varchar,varchar,varchar,boolean",
    "varchar",
    "athena_listagg(list({distinct}{0}{order}) FILTER (WHERE {0} IS NOT NULL{and_filter}){bare_over}, {1}, {2}, {3})",
)
_aggregate("checksum", "T", "varbinary", _checksum)
_aggregate("bool_and every", "boolean", "boolean", _bool("bool_and"))
_aggregate("bool_or", "boolean", "boolean", _bool("bool_or"))
_aggregate("bitwise_and_agg", "bigint", "bigint", "bit_and({distinct}{0}){over}")
_aggregate("bitwise_or_agg", "bigint", "bigint", "bit_or({distinct}{0}){over}")
_aggregate("bitwise_xor_agg", "bigint", "bigint", "bit_xor({distinct}{0}){over}")
# An exact count is always a valid estimate.
_aggregate("approx_distinct", "T", "bigint", "count(DISTINCT {0}){over}")
_CHECKED = "CASE WHEN athena_max_error({1}) THEN {0} END"
_aggregate("approx_distinct", "T,double", "bigint", f"count(DISTINCT {_CHECKED}){{over}}")
# If a fraction falls between two values, Trino's digest returns the upper value, but DuckDB returns the lower value.
# DuckDB accepts negative fractions, so they are replaced with 2, which DuckDB rejects.
_NUDGED = "({0} + CASE WHEN {0} < 0 THEN 2 - {0} WHEN {0} < 1 THEN 1e-12 ELSE 0 END)"
_ONE, _SEVERAL = _NUDGED.format("{1}"), f"list_transform({{1}}, lambda q: {_NUDGED.format('q')})"
for _name in ("bigint", "double", "real"):
    _aggregate(
        "approx_percentile", f"{_name},double", _name, _percentile(f"quantile_disc({{distinct}}{{0}}, {_ONE}){{over}}")
    )
    _aggregate(
        "approx_percentile",
        f"{_name},array(double)",
        f"array({_name})",
        _percentile(f"quantile_disc({{distinct}}{{0}}, {_SEVERAL}){{over}}"),
    )
    for _share, _type in (("double", _name), ("array(double)", f"array({_name})")):
        _aggregate("approx_percentile", f"{_name},double,{_share}", _type, _weighted_percentile)
        _aggregate("approx_percentile", f"{_name},double,{_share},double", _type, _weighted_percentile)
for _name in ("bigint", "varchar"):
    _aggregate("approx_most_frequent", f"bigint,{_name},bigint", f"map({_name},bigint)", _most_frequent)
for _trino, _duckdb in (
    ("stddev stddev_samp", "stddev_samp"),
    ("stddev_pop", "stddev_pop"),
    ("variance var_samp", "var_samp"),
    ("var_pop", "var_pop"),
):
    _aggregate(_trino, "double", "double", _duckdb + "({distinct}{0}){over}")
# Trino computes population skewness, but DuckDB computes sample skewness. If all values are equal, Trino returns NaN,
# but DuckDB returns NULL.
_COUNT = "count({distinct}{0}){over}"
_SKEWNESS = f"skewness({{distinct}}{{0}}){{over}} * ({_COUNT} - 2) / sqrt({_COUNT}::DOUBLE * ({_COUNT} - 1))"
for _name, _least, _call in (("skewness", 3, _SKEWNESS), ("kurtosis", 4, "kurtosis({distinct}{0}){over}")):
    _aggregate(_name, "double", "double", f"CASE WHEN {_COUNT} >= {_least} THEN coalesce({_call}, 'NaN'::DOUBLE) END")
_aggregate("geometric_mean", "double", "double", "exp(avg({distinct}ln({0})){over})")
for _name in ("covar_pop", "covar_samp"):
    _aggregate(_name, "double,double", "double", _name + "({distinct}{0}, {1}){over}")
for _name in ("corr", "regr_slope", "regr_intercept"):
    # Trino returns finite results or NULL, but DuckDB can return NaN.
    _call = _name + "({distinct}{0}, {1}){over}"
    _aggregate(_name, "double,double", "double", f"CASE WHEN isfinite({_call}) THEN {_call} END")
_aggregate("entropy", "bigint", "double", bound("athena_entropy", "list({distinct}{0}){over}"))
_aggregate("histogram", "T:comparable", "map(T,bigint)", _histogram)
_aggregate("map_agg", "K:comparable,V", "map(K,V)", _keyed("athena_map_first"))
_aggregate("multimap_agg", "K:comparable,V", "map(K,array(V))", _keyed("athena_multimap"))
_aggregate("map_union", "map(K,V)", "map(K,V)", _map_union)
_aggregate("reduce_agg", "T,S,function(S,T,S),function(S,S,S)", "S", "{reduced}")
_aggregate("grouping", "", "integer", "grouping()")


def _window(names: str, parameters: str, result: Result, emit: Emit) -> None:
    define(names, parameters, result, emit, kind="window", fails=True)


for _name in ("row_number", "rank", "dense_rank"):
    _window(_name, "", "bigint", _name + "(){over}")
for _name in ("percent_rank", "cume_dist"):
    _window(_name, "", "double", _name + "(){over}")
_window("ntile", "bigint", "bigint", "ntile(athena_positive({0}, 'Buckets must be greater than 0')){over}")
for _name in ("first_value", "last_value"):
    _window(_name, "T", "T", _name + "({0}{nulls}){over}")
_window("nth_value", "T,bigint", "T", "nth_value({0}, athena_positive({1}, 'Offset must be at least 1'){nulls}){over}")
for _name in ("lag", "lead"):
    _window(_name, "T", "T", _name + "({0}{nulls}){over}")
    _window(_name, "T,bigint", "T", _name + "({0}, athena_not_negative({1}, 'Offset must be at least 0'){nulls}){over}")
    _window(
        _name,
        "T,bigint,T",
        "T",
        _name + "({0}, athena_not_negative({1}, 'Offset must be at least 0'), {2}{nulls}){over}",
    )
