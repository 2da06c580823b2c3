"""Analysis of JSON functions with special syntax.

If a function that returns JSON is nested in one of these functions, its result is treated as JSON even without
``FORMAT JSON``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.casts import can_cast, cast
from local_lakehouse.sql.analysis.json_casts import to_json
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import Typed, coerce, derive, quote
from local_lakehouse.sql.analysis.value_texts import text_of
from local_lakehouse.sql.failures import Position, QueryFailure, not_offered
from local_lakehouse.sql.grammar import json_tree
from local_lakehouse.sql.grammar.json_tree import JsonInput, JsonOutput

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis

_MOMENTS = ("date", "time", "timestamp", "timestamp with time zone")
_SCALARS = ("boolean", "varchar", "char", *types.NUMERICS)
# The types of scalars that a path can select.
_FOUND = {"boolean": types.BOOLEAN, "bigint": types.BIGINT, "double": types.DOUBLE, "varchar": types.VARCHAR}
_ABSENT = "CAST(NULL AS VARCHAR)"


class JsonCalls:
    """The analyzer for JSON functions with special syntax.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def object_call(self, node: json_tree.JsonObject, scope: Scope) -> Typed:
        """Analyze ``json_object``."""
        keys: list[str] = []
        values: list[str] = []
        parts: list[Typed] = []
        for key, value in node.members:
            if node.unique_keys and _encoding(value) is not None:
                raise QueryFailure(
                    "NOT_SUPPORTED",
                    "WITH UNIQUE KEYS behavior is not supported for JSON_OBJECT function when input expression has "
                    "FORMAT",
                    node.position,
                )
            name = self._analysis.expression(key, scope)
            parts.append(name)
            if not types.is_text(name.type):
                raise QueryFailure(
                    "INVALID_FUNCTION_ARGUMENT", f"Invalid type of JSON object key: {name.type}", key.position
                )
            keys.append(coerce(name, types.VARCHAR).sql)
            values.append(self._json(value, scope, parts))
        flags = f"{str(node.null_on_null).upper()}, {str(node.unique_keys).upper()}"
        sql = f"athena_json_object({_list(keys)}, {_list(values)}, {flags})"
        return self._returned(sql, parts, node.returning, node.position)

    def array_call(self, node: json_tree.JsonArray, scope: Scope) -> Typed:
        """Analyze ``json_array``."""
        parts: list[Typed] = []
        items = _list([self._json(item, scope, parts) for item in node.items])
        sql = f"athena_json_array({items}, {node.null_on_null})"
        return self._returned(sql, parts, node.returning, node.position)

    def path_call(self, node: json_tree.JsonPathCall, scope: Scope) -> Typed:
        """Analyze ``json_value``, ``json_query`` or ``json_exists``."""
        parts: list[Typed] = []
        text = self._read(node.operand, scope, parts)
        call = f"{text}, {quote(node.path)}, {self._parameters(node, scope, parts)}"
        settings = dict(node.options)
        if node.name == "json_exists":
            error = settings.get("ERROR", "FALSE")
            return derive(f"athena_json_exists({call}, {quote(error)})", types.BOOLEAN, *parts, fails=True)
        if node.name == "json_query":
            return self._query(node, settings, call, parts)
        return self._value(node, settings, call, scope, parts)

    def _query(self, node: json_tree.JsonPathCall, settings: dict[str, str], call: str, parts: list[Typed]) -> Typed:
        wrapper = settings.get("WRAPPER", "WITHOUT")
        if wrapper != "WITHOUT" and "QUOTES" in settings:
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT",
                f"{settings['QUOTES']} QUOTES behavior specified with WITH {wrapper} ARRAY WRAPPER behavior",
                node.position,
            )
        modes = (wrapper, settings.get("QUOTES", "KEEP"), settings.get("EMPTY", "NULL"), settings.get("ERROR", "NULL"))
        sql = f"athena_json_query({call}, {', '.join(map(quote, modes))})"
        return self._returned(sql, parts, node.returning, node.position)

    def _value(
        self, node: json_tree.JsonPathCall, settings: dict[str, str], call: str, scope: Scope, parts: list[Typed]
    ) -> Typed:
        """Read the scalar and cast it to the declared type. ``ON ERROR`` also applies to a failed cast."""
        target = node.returning.type if node.returning else types.VARCHAR
        if target.name not in (*_SCALARS, *_MOMENTS):
            raise QueryFailure("TYPE_MISMATCH", f"Invalid return type of function JSON_VALUE: {target}", node.position)
        defaults: dict[str, str] = {}
        for side, value in node.defaults:
            parts.append(cast(self._analysis.expression(value, scope), target, value.position))
            defaults[side] = parts[-1].sql
        # A lambda would avoid repeating this call, but TRY in DuckDB 1.5.1 cannot resolve lambda variables.
        found = f"athena_json_scalar({call})"
        branches = []
        for name, type_ in _FOUND.items():
            if not can_cast(type_, target):
                continue
            # DuckDB evaluates constants even in unused branches, so this cast must never fail.
            held = derive(f"TRY_CAST({found}[3] AS {types.duckdb_type(type_)})", type_)
            branches.append(f"WHEN '{name}' THEN {cast(held, target, node.position, safe=True).sql}")
        scalar = f"CASE {found}[2] {' '.join(branches)} END" if branches else "NULL"
        nothing = f"CAST(NULL AS {types.duckdb_type(target)})"

        def behavior(side: str, message: str = f"{found}[3]") -> str:
            if side in defaults:
                return defaults[side]
            return f"athena_fail({message})" if settings.get(side) == "ERROR" else nothing

        uncast = (
            "'JSON_VALUE_RESULT_ERROR|cannot extract SQL scalar from JSON: Cannot cast value of type ' || "
            f"{found}[2] || {quote(f' to declared return type of function JSON_VALUE: {target}')}"
        )
        sql = (
            f"CASE {found}[1] WHEN 'NULL' THEN {nothing} WHEN 'EMPTY' THEN {behavior('EMPTY')} "
            f"WHEN 'ERROR' THEN {behavior('ERROR')} ELSE coalesce({scalar}, {behavior('ERROR', uncast)}) END"
        )
        return derive(sql, target, *parts, fails=True)

    def _returned(self, sql: str, parts: list[Typed], returning: JsonOutput | None, position: Position) -> Typed:
        value = derive(sql, types.VARCHAR, *parts, fails=True)
        if returning is None:
            return value
        if returning.type != types.VARBINARY and not types.is_text(returning.type):
            raise QueryFailure("TYPE_MISMATCH", f"Cannot output JSON value as {returning.type}", position)
        if returning.type == types.VARBINARY:
            return derive(
                f"athena_json_encoded({sql}, {quote(returning.encoding or '')})", types.VARBINARY, *parts, fails=True
            )
        if returning.encoding:
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Cannot output JSON value as {returning.type} using formatting JSON ENCODING {returning.encoding}",
                position,
            )
        return cast(value, returning.type, position)

    def _json(self, node: JsonInput, scope: Scope, parts: list[Typed]) -> str:
        """Return the SQL for a value as JSON text or NULL, and add the value to the expression's parts."""
        value = self._analysis.expression(node.value, scope)
        parts.append(value)
        if _encoding(node) is not None:
            return f"athena_json_input({self._text(value, node)})"
        if value.type == types.UNKNOWN:
            return _ABSENT
        if value.type.name in _SCALARS:
            return (
                to_json(coerce(value, types.VARCHAR).sql, types.VARCHAR)
                if types.is_text(value.type)
                else to_json(value.sql, value.type)
            )
        return to_json(cast(value, types.VARCHAR, node.position).sql, types.VARCHAR)

    def _read(self, node: JsonInput, scope: Scope, parts: list[Typed]) -> str:
        value = self._analysis.expression(node.value, scope)
        parts.append(value)
        return self._text(value, node)

    def _text(self, value: Typed, node: JsonInput) -> str:
        """Return the SQL for a JSON value's text."""
        if value.type == types.UNKNOWN:
            return _ABSENT
        if node.encoding and value.type != types.VARBINARY:
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Cannot read input of type {value.type} as JSON using formatting JSON ENCODING {node.encoding}",
                node.position,
            )
        if value.type == types.VARBINARY:
            return f"athena_json_decoded({value.sql}, {quote(node.encoding or '')})"
        if not types.is_text(value.type) and value.type != types.JSON:
            raise QueryFailure("TYPE_MISMATCH", f"Cannot read input of type {value.type} as JSON", node.position)
        return text_of(value.sql, value.type)

    def _parameters(self, node: json_tree.JsonPathCall, scope: Scope, parts: list[Typed]) -> str:
        names, values = [], []
        for name, given in node.parameters:
            if name in names:
                raise QueryFailure(
                    "DUPLICATE_PARAMETER_NAME", f"{name} JSON path parameter is specified more than once", node.position
                )
            names.append(name)
            values.append(self._parameter(given, scope, parts))
        return f"{_list([quote(name) for name in names])}, {_list(values)}"

    def _parameter(self, node: JsonInput, scope: Scope, parts: list[Typed]) -> str:
        """Return the SQL for a parameter as JSON. NULL becomes JSON null unless the parameter has ``FORMAT JSON``."""
        value = self._analysis.expression(node.value, scope)
        if _encoding(node) is not None:
            parts.append(value)
            return self._text(value, node)
        if value.type.name in _MOMENTS:
            raise not_offered(f"JSON path parameters of type {value.type}", node.position)
        return f"coalesce({self._json(node, scope, parts)}, 'null')"


def _encoding(node: JsonInput) -> str | None:
    produces = json_tree.JsonObject | json_tree.JsonArray
    if isinstance(node.value, produces) or (
        isinstance(node.value, json_tree.JsonPathCall) and node.value.name == "json_query"
    ):
        return node.encoding or ""
    return node.encoding


def _list(items: list[str]) -> str:
    return f"CAST([{', '.join(items)}] AS VARCHAR[])"
