"""The signatures of array functions and JSON functions.

https://trino.io/docs/current/functions/array.html, lambda.html and json.html
"""

from __future__ import annotations

from collections.abc import Sequence

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.comparisons import equal, greatest_key, has_floats, has_key, key
from local_lakehouse.sql.analysis.signatures import Emit
from local_lakehouse.sql.analysis.typed import Typed, null_of
from local_lakehouse.sql.analysis.value_texts import text_of
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.functions.registry import define
from local_lakehouse.sql.types import Type, duckdb_type


def _same(arguments: Sequence[Typed]) -> Type:
    return arguments[0].type


def _found(arguments: Sequence[Typed], name: str) -> str:
    """Return the SQL that compares each element with a value.

    The result is NULL for a NULL element, and an error for an element that contains a NULL.
    """
    element = arguments[0].type.element
    same = equal("e", f"({arguments[1].sql})", element)
    if element.children:
        same = f"CASE WHEN e IS NOT NULL THEN athena_determined({same}, '{name}') END"
    return f"list_transform({arguments[0].sql}, lambda e: {same})"


def _contains(arguments: Sequence[Typed]) -> str:
    return f"CASE WHEN ({arguments[1].sql}) IS NOT NULL THEN athena_any({_found(arguments, 'contains')}) END"


def _position(arguments: Sequence[Typed]) -> str:
    place = f"coalesce(list_position({_found(arguments, 'array_position')}, TRUE), 0)"
    return f"CASE WHEN {arguments[0].sql} IS NOT NULL AND ({arguments[1].sql}) IS NOT NULL THEN {place} END"


def _nth_position(arguments: Sequence[Typed]) -> str:
    found = _found(arguments, "array_position")
    items, value, instance = (argument.sql for argument in arguments)
    places = f"list_filter(range(1, len({items}) + 1), lambda i: coalesce({found}[i], FALSE))"
    place = f"coalesce(athena_nth({places}, {instance}), 0)"
    return f"CASE WHEN {items} IS NOT NULL AND ({value}) IS NOT NULL AND {instance} IS NOT NULL THEN {place} END"


def _removed(arguments: Sequence[Typed]) -> str:
    items, value = arguments[0].sql, arguments[1].sql
    found = _found(arguments, "array_remove")
    kept = f"list_filter(athena_pairs({items}, {found}), lambda p: NOT coalesce(p[2], FALSE))"
    return f"CASE WHEN ({value}) IS NOT NULL AND ({items}) IS NOT NULL THEN list_transform({kept}, lambda p: p[1]) END"


def _extreme(greatest: bool) -> Emit:
    """Return an emitter for the greatest or least element. The result is NULL if an element is NULL."""

    def emit(arguments: Sequence[Typed]) -> str:
        items, element = arguments[0].sql, arguments[0].type.element
        return f"CASE WHEN len({items}) = list_count({items}) THEN {extreme_of(items, element, greatest)} END"

    return emit


def extreme_of(items: str, element: Type, greatest: bool) -> str:
    """Return the SQL for a list's greatest or least element, which is NaN only if all elements are NaN."""
    if greatest and has_floats(element):
        read = greatest_key("e", element)
    elif element.name in ("char", "timestamp with time zone"):
        read = key("e", element)
    else:
        return f"list_{'max' if greatest else 'min'}({items})"
    name = "max" if greatest else "min"
    found = f"list_aggregate(list_transform({items}, lambda e: struct_pack(k := {read}, v := e)), '{name}').v"
    # DuckDB replaces a constant NULL with a NULL that has no type.
    return f"CAST({found} AS {duckdb_type(element)})"


def _of_sets(plain: str, keyed: str) -> Emit:
    """Return an emitter for a function that compares elements, by key if DuckDB can treat equal elements as different.

    Args:
        plain: The SQL template for the arguments.
        keyed: The SQL template for the arguments, followed by the lists of their keys.
    """

    def emit(arguments: Sequence[Typed]) -> str:
        lists = [argument.sql for argument in arguments]
        if not has_key(arguments[0].type):
            return plain.format(*lists)
        return keyed.format(*lists, *(key(argument.sql, argument.type) for argument in arguments))

    return emit


def fold(items: str, element: Type, start: Typed, step: Typed) -> str:
    """Return the SQL for a fold over a list, where `step` reads the state as ``s`` and the element as ``x``."""
    state, variable = duckdb_type(start.type), step.literal
    nothing = f"CAST(NULL AS {duckdb_type(element)})"
    first = f"CAST({start.sql} AS {state})"
    cells = f"list_transform({items}, lambda e: struct_pack(x := e, s := CAST(NULL AS {state})))"
    step_sql = f"lambda {variable}a, {variable}b: struct_pack(x := {nothing}, s := {step.sql})"
    folded = f"list_reduce({cells}, {step_sql}, struct_pack(x := {nothing}, s := {first})).s"
    return f"CASE WHEN {items} IS NULL THEN NULL WHEN len({items}) = 0 THEN {first} ELSE {folded} END"


def _reduced(arguments: Sequence[Typed]) -> str:
    items, start, step, finish = arguments
    result = finish.sql.replace("{state}", fold(items.sql, items.type.element, start, step))
    return f"CASE WHEN {items.sql} IS NOT NULL THEN {result} END"


def _sorted_by(arguments: Sequence[Typed]) -> str:
    """Return the SQL for a stable sort with a comparator.

    An element's position in the result is the number of elements that the comparator places before it.
    """
    items, comparison = arguments
    variable, size = comparison.literal, f"len({items.sql})"

    def order(left: str, right: str) -> str:
        read = {"{left}": f"({items.sql})[{variable}{left}]", "{right}": f"({items.sql})[{variable}{right}]"}
        sql = comparison.sql
        for place, element in read.items():
            sql = sql.replace(place, element)
        return f"athena_comparison({sql})"

    before = (
        f"CASE WHEN {variable}j < {variable}i THEN {order('i', 'j')} >= 0 "
        f"WHEN {variable}j > {variable}i THEN {order('j', 'i')} < 0 ELSE FALSE END"
    )
    count = f"len(list_filter(range(1, {size} + 1), lambda {variable}j: {before}))"
    places = f"list_transform(range(1, {size} + 1), lambda {variable}i: struct_pack(k := {count}, i := {variable}i))"
    ordered = f"list_transform(list_sort({places}), lambda s: ({items.sql})[s.i])"
    return f"CASE WHEN {items.sql} IS NULL THEN NULL ELSE {ordered} END"


def _zip(arguments: Sequence[Typed]) -> str:
    lists = [argument.sql for argument in arguments]
    longest = f"greatest({', '.join(f'len({items})' for items in lists)})"
    fields = ", ".join(f"f{index} := ({items})[zw]" for index, items in enumerate(lists))
    missing = " OR ".join(f"{items} IS NULL" for items in lists)
    return (
        f"CASE WHEN NOT ({missing}) THEN list_transform(range(1, {longest} + 1), lambda zw: struct_pack({fields})) END"
    )


def _zip_type(arguments: Sequence[Typed]) -> Type:
    return types.array(types.row(tuple(argument.type.element for argument in arguments)))


def _texts(value: Typed) -> str:
    element = value.type.element
    if element == types.JSON:
        return f"list_transform({value.sql}, lambda e: athena_json_varchar(e))"
    if element.children or types.is_interval(element) or element == types.VARBINARY:
        raise QueryFailure(
            "FUNCTION_NOT_FOUND",
            f"array_join does not support {value.type}, because its elements cannot be cast to varchar",
        )
    if types.is_text(element):
        return value.sql
    if element == types.UNKNOWN:
        return f"list_transform({value.sql}, lambda e: {null_of(types.VARCHAR)})"
    return f"list_transform({value.sql}, lambda e: {text_of('e', element)})"


def joined(texts: str, delimiter: Typed) -> str:
    """Return the SQL that joins a list's strings. DuckDB's function accepts only a constant delimiter."""
    macro = "athena_join_by" if delimiter.literal is None else "athena_join"
    return f"{macro}({texts}, {delimiter.sql})"


def _joined_with_default(arguments: Sequence[Typed]) -> str:
    default = arguments[2].sql
    texts = f"list_transform({_texts(arguments[0])}, lambda e: coalesce(e, {default}))"
    return f"CASE WHEN {default} IS NULL THEN NULL ELSE {joined(texts, arguments[1])} END"


def _combined(arguments: Sequence[Typed]) -> str:
    items = arguments[0].sql
    places = f"athena_combinations(len({items}), {arguments[1].sql})"
    return f"list_transform({places}, lambda c: list_transform(c, lambda i: ({items})[i]))"


define("cardinality", "array(T)", "bigint", "len({0})")
define("contains", "array(T:comparable),T:comparable", "boolean", _contains, fails=True)
define("element_at", "array(T),bigint", "T", "athena_element_at({0}, {1})", fails=True)
define(
    "array_distinct",
    "array(T:comparable)",
    _same,
    _of_sets("athena_array_distinct({0})", "athena_distinct_by({0}, {1})"),
)
define("array_sort", "array(T:orderable)", _same, "list_sort({0}, 'ASC', 'NULLS LAST')")
define("array_sort", "array(T),function(T,T,integer)", _same, _sorted_by, fails=True)
define("array_max", "array(T:orderable)", "T", _extreme(True))
define("array_min", "array(T:orderable)", "T", _extreme(False))
define("array_position", "array(T:comparable),T:comparable", "bigint", _position, fails=True)
define("array_position", "array(T:comparable),T:comparable,bigint", "bigint", _nth_position, fails=True)
define("array_remove", "array(T:comparable),T:comparable", _same, _removed, fails=True)
define("array_join", "array(T),varchar", "varchar", lambda a: joined(_texts(a[0]), a[1]))
define(
    "array_join",
    "array(T),varchar,varchar",
    "varchar",
    _joined_with_default,
)
define(
    "array_union",
    "array(T:comparable),array(T:comparable)",
    "array(T)",
    _of_sets(
        "athena_array_distinct(athena_array_concat({0}, {1}))",
        "athena_distinct_by(athena_array_concat({0}, {1}), athena_array_concat({2}, {3}))",
    ),
)
for _name, _result, _plain, _keyed in (
    ("array_intersect", "array(T)", "athena_array_intersect({0}, {1})", "athena_intersect_by({0}, {1}, {2}, {3})"),
    ("array_except", "array(T)", "athena_array_except({0}, {1})", "athena_except_by({0}, {2}, {3})"),
    ("arrays_overlap", "boolean", "athena_arrays_overlap({0}, {1})", "athena_arrays_overlap({2}, {3})"),
    ("contains_sequence", "boolean", "athena_contains_sequence({0}, {1})", "athena_contains_sequence({2}, {3})"),
):
    define(_name, "array(T:comparable),array(T:comparable)", _result, _of_sets(_plain, _keyed))
define("array_first", "array(T)", "T", "{0}[1]")
define("array_last", "array(T)", "T", "{0}[-1]")
define("slice", "array(T),bigint,bigint", _same, "athena_slice({0}, {1}, {2})", fails=True)
define("trim_array", "array(T),bigint", _same, "athena_trim_array({0}, {1})", fails=True)
define(
    "sequence",
    "bigint,bigint",
    "array(bigint)",
    "athena_sequence({0}, {1}, CASE WHEN {0} <= {1} THEN 1 ELSE -1 END)",
    fails=True,
)
define("sequence", "bigint,bigint,bigint", "array(bigint)", "athena_sequence({0}, {1}, {2})", fails=True)
define(
    "sequence",
    "date,date",
    "array(date)",
    "athena_date_sequence({0}, {1}, CASE WHEN {0} <= {1} THEN 1 ELSE -1 END)",
    fails=True,
)
define(
    "sequence",
    "date,date,interval day to second",
    "array(date)",
    "athena_date_sequence({0}, {1}, {2} // 86400000)",
    fails=True,
)
define(
    "sequence",
    "date,date,interval year to month",
    "array(date)",
    "list_transform(athena_month_sequence(CAST({0} AS TIMESTAMP), CAST({1} AS TIMESTAMP), {2}), "
    "lambda e: CAST(e AS DATE))",
    fails=True,
)
define(
    "sequence",
    "timestamp,timestamp,interval day to second",
    lambda a: types.array(a[0].type),
    "athena_timestamp_sequence({0}, {1}, {2})",
    fails=True,
)
define(
    "sequence",
    "timestamp,timestamp,interval year to month",
    lambda a: types.array(a[0].type),
    "athena_month_sequence({0}, {1}, {2})",
    fails=True,
)
define("reverse", "array(T)", _same, "list_reverse({0})")
define("repeat", "T,integer", "array(T)", "athena_repeat({0}, {1})", fails=True)
define("flatten", "array(array(T))", "array(T)", "flatten({0})")
define("shuffle", "array(T)", _same, "athena_shuffle({0})", volatile=True)
define("transform", "array(T),function(T,U)", "array(U)", "list_transform({0}, {1})")
define("filter", "array(T),function(T,boolean)", _same, "list_filter({0}, {1})")
define("reduce", "array(T),S,function(S,T,S),function(S,R)", "R", _reduced, fails=True)
define("any_match", "array(T),function(T,boolean)", "boolean", "athena_any(list_transform({0}, {1}))")
define("all_match", "array(T),function(T,boolean)", "boolean", "athena_all(list_transform({0}, {1}))")
define("none_match", "array(T),function(T,boolean)", "boolean", "(NOT athena_any(list_transform({0}, {1})))")
define("zip", "array(T),array(U),array(V),array(W),array(X)", _zip_type, _zip)
define("zip", "array(T),array(U),array(V),array(W)", _zip_type, _zip)
define("zip", "array(T),array(U),array(V)", _zip_type, _zip)
define("zip", "array(T),array(U)", _zip_type, _zip)
define(
    "zip_with",
    "array(T),array(U),function(T,U,R)",
    "array(R)",
    "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN list_transform(athena_pairs({0}, {1}), {2}) END",
)
define(
    "combinations",
    "array(T),integer",
    lambda a: types.array(a[0].type),
    _combined,
    fails=True,
)
define("ngrams", "array(T),integer", lambda a: types.array(a[0].type), "athena_ngrams({0}, {1})", fails=True)

define("json_parse", "varchar", "json", "athena_json_parse({0})", fails=True)
define("json_format", "json", "varchar", "{0}")
for _kind in ("varchar", "json"):
    define("json_extract", f"{_kind},varchar", "json", "athena_json_extract({0}, {1})", fails=True)
    define("json_extract_scalar", f"{_kind},varchar", "varchar", "athena_json_extract_scalar({0}, {1})", fails=True)
    define("json_size", f"{_kind},varchar", "bigint", "athena_json_size({0}, {1})", fails=True)
    define("json_array_length", _kind, "bigint", "athena_json_array_length({0})")
    define("json_array_get", f"{_kind},bigint", "json", "athena_json_array_get({0}, {1})")
    define("is_json_scalar", _kind, "boolean", "athena_is_json_scalar({0})", fails=True)
    for _needle, _text in (
        ("boolean", "CAST({1} AS VARCHAR)"),
        ("bigint", "CAST({1} AS VARCHAR)"),
        ("double", "athena_double_text({1})"),
        ("varchar", "athena_json_string({1})"),
    ):
        define("json_array_contains", f"{_kind},{_needle}", "boolean", f"athena_json_array_contains({{0}}, {_text})")
