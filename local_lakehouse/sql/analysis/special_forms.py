"""Analysis of special forms that look like function calls, such as ``IF`` and ``TRY``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.calls_in import aggregates_in, windows_in
from local_lakehouse.sql.analysis.casts import formatted_text
from local_lakehouse.sql.analysis.comparisons import compare, has_floats
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import Typed, coerce, constant, derive, null_of, quote
from local_lakehouse.sql.failures import QueryFailure, not_offered
from local_lakehouse.sql.functions.collections import extreme_of
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.types import Type

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


class SpecialForms:
    """The analyzer for special forms, whose type or evaluation rules differ from those of functions.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._forms: dict[str, Callable[[tree.Call, Scope], Typed]] = {
            "if": self._if,
            "coalesce": self._coalesce,
            "nullif": self._nullif,
            "try": self._try,
            "typeof": self._typeof,
            "greatest": self._extreme,
            "least": self._extreme,
            "format": self._format,
            "current_user": self._current_user,
            "current_path": self._current_user,
            "current_role": self._current_user,
            "current_catalog": self._current_user,
            "current_schema": self._current_user,
        }

    def find(self, name: str) -> Callable[[tree.Call, Scope], Typed] | None:
        """Return the analyzer for the special form with this name, or None if there is no such form."""
        return self._forms.get(name)

    def _if(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) not in (2, 3):
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "Invalid number of arguments for 'if' function", node.position
            )
        condition = self._analysis.boolean(node.arguments[0], scope, "IF condition")
        values = [self._analysis.expression(argument, scope) for argument in node.arguments[1:]]
        found = types.common_type(values[0].type, values[-1].type)
        if found is None:
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Result types for IF must be the same: {values[0].type} vs {values[-1].type}",
                node.position,
            )
        default = f" ELSE {coerce(values[1], found).sql}" if len(values) > 1 else ""
        sql = f"CASE WHEN {condition.sql} THEN {coerce(values[0], found).sql}{default} END"
        return derive(sql, found, condition, *values, lazy=True)

    def _coalesce(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) < 2:
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "The 'coalesce' function must have at least two arguments", node.position
            )
        values = [self._analysis.expression(argument, scope) for argument in node.arguments]
        type_ = self._analysis.expressions.single_type(values, "COALESCE operands", node.position)
        sql = f"coalesce({', '.join(coerce(value, type_).sql for value in values)})"
        return derive(sql, type_, *values, lazy=True)

    def _nullif(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) != 2:
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "Invalid number of arguments for 'nullif' function", node.position
            )
        first, second = (self._analysis.expression(argument, scope) for argument in node.arguments)
        if types.common_type(first.type, second.type) is None:
            raise QueryFailure(
                "TYPE_MISMATCH", f"Types are not comparable with NULLIF: {first.type} vs {second.type}", node.position
            )
        equal = compare("=", first, second, node.position)
        sql = f"CASE WHEN {equal.sql} THEN NULL ELSE {first.sql} END"
        return derive(sql, first.type, first, second, fails=equal.fails)

    def always_fails(self, value: Typed) -> bool:
        """Return whether an expression is constant and its evaluation fails.

        DuckDB evaluates constants before it applies ``TRY``.
        """
        return value.fails and value.facts.constant and self._fails(value)

    def _try(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) != 1:
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "The 'try' function must have exactly one argument", node.position
            )
        (argument,) = node.arguments
        value = self._analysis.expression(argument, scope)
        if not value.fails:
            return value
        if isinstance(argument, tree.Cast) and not self._analysis.expression(argument.operand, scope).fails:
            # DuckDB supports TRY_CAST in more places than TRY.
            return self._analysis.expression(replace(argument, safe=True), scope)
        if self.always_fails(value):
            return constant(null_of(value.type), value.type)
        if aggregates_in(node.arguments) or windows_in(node.arguments):
            raise QueryFailure(
                "NOT_SUPPORTED",
                "The local Athena does not support TRY around an aggregate or a window function. Compute the function "
                "in a subquery, and use TRY outside it",
                node.position,
            )
        return value.written_as(f"TRY({value.sql})").with_facts(fails=False)

    def _fails(self, value: Typed) -> bool:
        try:
            self._analysis.session.constant(value.sql)
        except QueryFailure:
            return True
        return False

    def _typeof(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) != 1:
            raise QueryFailure(
                "FUNCTION_NOT_FOUND", "Unexpected parameters for function typeof. Expected: typeof(T)", node.position
            )
        name = str(self._analysis.expression(node.arguments[0], scope).type)
        return constant(f"CAST({quote(name)} AS VARCHAR)", types.VARCHAR, literal=name)

    def _extreme(self, node: tree.Call, scope: Scope) -> Typed:
        if not node.arguments:
            raise QueryFailure(
                "FUNCTION_NOT_FOUND",
                f"Unexpected parameters () for function {node.name}. Expected: {node.name}(E)",
                node.position,
            )
        values = [self._analysis.expression(argument, scope) for argument in node.arguments]
        found: Type | None = values[0].type
        for value in values[1:]:
            found = types.common_type(found, value.type) if found is not None else None
        if found is None or not types.is_orderable(found):
            given = ", ".join(str(value.type) for value in values)
            raise QueryFailure(
                "FUNCTION_NOT_FOUND",
                f"Unexpected parameters ({given}) for function {node.name}. Expected: {node.name}(E)",
                node.position,
            )
        widened = [coerce(value, found).sql for value in values]
        missing = " OR ".join(f"{sql} IS NULL" for sql in widened)
        if has_floats(found) or found.name in ("char", "time with time zone", "timestamp with time zone"):
            extreme = extreme_of(f"[{', '.join(widened)}]", found, node.name == "greatest")
        else:
            extreme = f"{node.name}({', '.join(widened)})"
        sql = f"CASE WHEN {missing} THEN NULL ELSE {extreme} END"
        return derive(sql, found, *values)

    def _format(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) < 2:
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "The 'format' function must have at least two arguments", node.position
            )
        values = [self._analysis.expression(argument, scope) for argument in node.arguments]
        if not types.is_text(values[0].type):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Type of first argument to format() must be VARCHAR (actual: {values[0].type})",
                node.position,
            )
        shown = ", ".join(
            "CAST(NULL AS VARCHAR)" if value.type == types.UNKNOWN else formatted_text(value, node.position)
            for value in values[1:]
        )
        names = ", ".join(quote(value.type.name) for value in values[1:])
        sql = f"athena_format({values[0].sql}, [{names}], CAST([{shown}] AS VARCHAR[]))"
        return derive(sql, types.VARCHAR, *values, fails=True)

    def _current_user(self, node: tree.Call, _: Scope) -> Typed:
        raise not_offered(node.name, node.position)
