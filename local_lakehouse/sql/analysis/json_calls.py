"""JSON functions that have a grammar of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.casts import cast, text_of
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import Typed, coerce, derive, quote
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import json_tree

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


class JsonCalls:
    """Analyses the JSON functions that have a grammar of their own.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def object_call(self, node: json_tree.JsonObject, scope: Scope) -> Typed:
        """Return what ``json_object`` is."""
        members = []
        parts: list[Typed] = []
        for key, value in node.members:
            name = coerce(self._analysis.expression(key, scope), types.VARCHAR)
            text = cast(self._analysis.expression(value, scope), types.JSON, node.position)
            parts += [name, text]
            member = f"athena_json_string({name.sql}) || ':' || "
            absent = f"coalesce({text.sql}, 'null')" if node.null_on_null else text.sql
            members.append(member + absent)
        items = ", ".join(members)
        return derive(
            f"('{{' || athena_join(CAST([{items}] AS VARCHAR[]), ',') || '}}')", types.VARCHAR, *parts, fails=True
        )

    def array_call(self, node: json_tree.JsonArray, scope: Scope) -> Typed:
        """Return what ``json_array`` is."""
        texts = [cast(self._analysis.expression(item, scope), types.JSON, node.position) for item in node.items]
        items = ", ".join(f"coalesce({text.sql}, 'null')" if node.null_on_null else text.sql for text in texts)
        return derive(
            f"('[' || athena_join(CAST([{items}] AS VARCHAR[]), ',') || ']')", types.VARCHAR, *texts, fails=True
        )

    def path_call(self, node: json_tree.JsonPathCall, scope: Scope) -> Typed:
        """Return what ``json_value``, ``json_query`` or ``json_exists`` is."""
        operand = self._analysis.expression(node.operand, scope)
        if not types.is_text(operand.type) and operand.type != types.UNKNOWN:
            raise QueryFailure("TYPE_MISMATCH", f"Cannot read input of type {operand.type} as JSON", node.position)
        text, path = coerce(operand, types.VARCHAR).sql, quote(node.path)
        settings = dict(node.options)
        if node.name == "json_exists":
            sql = f"athena_json_exists({text}, {path}, {quote(settings.get('ERROR', 'FALSE'))})"
            return derive(sql, types.BOOLEAN, operand, fails=True)
        unsupported = [side for side in settings if side not in ("EMPTY", "ERROR", "WRAPPER", "QUOTES")]
        if unsupported:
            raise QueryFailure("NOT_SUPPORTED", f"{node.name} with {unsupported[0]} is not supported", node.position)
        empty, error = (settings.get(side, "NULL") for side in ("EMPTY", "ERROR"))
        values = {side: self._analysis.expression(value, scope) for side, value in node.defaults}
        defaults = {side: text_of(value.sql, value.type) for side, value in values.items()}
        if node.name == "json_query":
            wrapper = settings.get("WRAPPER", "WITHOUT")
            modes = ", ".join(map(quote, (wrapper, settings.get("QUOTES", "KEEP"), empty, error)))
            sql = f"athena_json_query({text}, {path}, {modes})"
            return derive(sql, node.returning or types.VARCHAR, operand, fails=True)
        on_empty, on_error = (defaults.get(side, "CAST(NULL AS VARCHAR)") for side in ("EMPTY", "ERROR"))
        sql = f"athena_json_value({text}, {path}, {quote(empty)}, {quote(error)}, {on_empty}, {on_error})"
        value = derive(sql, types.VARCHAR, operand, *values.values(), fails=True)
        return cast(value, node.returning, node.position) if node.returning else value
