"""Analyse functions' calls: find the signature, widen the arguments, write the lambdas."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import ModuleType

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.aggregation import AggregationAnalyzer, aggregates_in, windows_in
from local_lakehouse.sql.analysis.casts import cast, text_of
from local_lakehouse.sql.analysis.comparisons import compare
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.signatures import Binding, Pattern, Signature, pattern
from local_lakehouse.sql.analysis.typed import Typed, coerce, null_of, quote
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.functions import aggregates, collections, moments, numbers, others, registry, texts
from local_lakehouse.sql.functions.absent import is_absent
from local_lakehouse.sql.grammar import json_tree, tree
from local_lakehouse.sql.types import Type

# Importing a topic registers its functions.
_TOPICS = (aggregates, collections, moments, numbers, others, texts)
# How the parameters of a lambda are read, where DuckDB hands them over in one value.
_LAMBDA_READS = {
    "map_filter": ("{v}.key", "{v}.value"),
    "transform_values": ("{v}.key", "{v}.value"),
    "transform_keys": ("{v}.key", "{v}.value"),
    "map_zip_with": ("{v}.key", "{v}.a", "{v}.b"),
    "zip_with": ("{v}[1]", "{v}[2]"),
}


_READS_ROWS = re.compile(r"\b[a-z]+\d+\.|\bSELECT\b|\bgrouping\(|\bOVER\b|\b(sum|count|avg|min|max|list)\(")


def all_topics() -> tuple[ModuleType, ...]:
    """Return the modules whose functions are known."""
    return _TOPICS


class CallAnalyzer(AggregationAnalyzer):
    """Analyses calls."""

    def function_call(self, node: tree.Call, scope: Scope) -> Typed:
        """Return what a function's call is."""
        special = _SPECIAL.get(node.name)
        if special is not None and node.window is None:
            return special(self, node, scope)
        if not registry.signatures(node.name):
            if is_absent(node.name):
                raise QueryFailure("NOT_SUPPORTED", f"The local Athena does not offer {node.name}", node.position)
            raise QueryFailure("FUNCTION_NOT_FOUND", f"Function '{node.name}' not registered", node.position)
        if registry.is_aggregate(node.name) or registry.is_window(node.name):
            return self.aggregate_call(node, scope)
        if node.window is not None or node.distinct or node.filter or node.order:
            raise QueryFailure(
                "FUNCTION_NOT_AGGREGATE", f"Function '{node.name}' is not an aggregation function", node.position
            )
        return self.scalar_call(node, scope)

    def scalar_call(self, node: tree.Call, scope: Scope) -> Typed:
        """Return what the call of an ordinary function is."""
        arguments = [
            argument if isinstance(argument, tree.Lambda) else self.expression(argument, scope)
            for argument in node.arguments
        ]
        signature, values, result = self.bind(node.name, arguments, node.position, scope)
        sql = signature.emit.format(*(value.sql for value in values)) if isinstance(signature.emit, str) else None
        if sql is None:
            sql = self._emitted(signature, values, node.position)
        return Typed(sql, result, signature.fails or any(value.fails for value in values))

    def _emitted(self, signature: Signature, values: Sequence[Typed], position: Position) -> str:
        if isinstance(signature.emit, str):
            raise AssertionError("templates are filled elsewhere")
        try:
            return signature.emit(values)
        except QueryFailure as failure:
            name, _, message = failure.reason.partition(": ")
            raise QueryFailure(name, message, position) from failure

    def call(self, name: str, values: list[Typed], position: Position, text: str) -> Typed:
        """Return what the call of a function with analysed arguments is."""
        signature, bound, result = self.bind(name, list(values), position, Scope())
        if isinstance(signature.emit, str):
            sql = signature.emit.format(*(value.sql for value in bound))
        else:
            sql = self._emitted(signature, bound, position)
        return Typed(sql, result, signature.fails or any(value.fails for value in bound))

    def bind(
        self, name: str, arguments: list[Typed | tree.Lambda], position: Position, scope: Scope
    ) -> tuple[Signature, list[Typed], Type]:
        """Choose the signature that fits, and widen the arguments to it.

        Raises:
            QueryFailure: ``FUNCTION_NOT_FOUND`` when none fits.
        """
        candidates = registry.signatures(name)
        for widen in (False, True):
            for signature in candidates:
                wanted = signature.expanded(len(arguments))
                if wanted is None:
                    continue
                binding = Binding(widen)
                if self._fits(binding, wanted, arguments):
                    values = self._bound(name, binding, wanted, arguments, scope)
                    if values is not None:
                        return signature, values, _result(signature, binding, values)
        given = ", ".join("function" if isinstance(one, tree.Lambda) else str(one.type) for one in arguments)
        expected = ", ".join(map(str, candidates))
        raise QueryFailure(
            "FUNCTION_NOT_FOUND",
            f"Unexpected parameters ({given}) for function {name}. Expected: {expected}",
            position,
        )

    def _fits(self, binding: Binding, wanted: tuple[Pattern, ...], arguments: list[Typed | tree.Lambda]) -> bool:
        for mine, its in zip(wanted, arguments, strict=False):
            if isinstance(its, tree.Lambda) != (mine.name == "function"):
                return False
            if isinstance(its, tree.Lambda):
                if len(its.parameters) != len(mine.children) - 1:
                    return False
            elif not binding.match(mine, its.type):
                return False
        return True

    def _bound(
        self,
        name: str,
        binding: Binding,
        wanted: tuple[Pattern, ...],
        arguments: list[Typed | tree.Lambda],
        scope: Scope,
    ) -> list[Typed] | None:
        values: list[Typed] = []
        for number, (mine, its) in enumerate(zip(wanted, arguments, strict=False)):
            if isinstance(its, tree.Lambda):
                body = self._lambda_body(name, number, binding, mine, its, scope)
                if body is None:
                    return None
                values.append(body)
            else:
                values.append(coerce(its, binding.type_of(mine, its.type)))
        return values

    def _lambda_body(
        self, name: str, number: int, binding: Binding, wanted: Pattern, node: tree.Lambda, scope: Scope
    ) -> Typed | None:
        variable = self.fresh("v")
        given = [binding.result(child) for child in wanted.children[:-1]]
        reads, raw = _reads(name, number, variable, len(given))
        arguments = {
            parameter.key: Typed(read, type_)
            for parameter, read, type_ in zip(node.parameters, reads, given, strict=False)
        }
        body = self.expression(node.body, scope.with_arguments(arguments).below_grouping())
        result = wanted.children[-1]
        if not binding.match(result, body.type):
            return None
        body = coerce(body, binding.type_of(result, body.type))
        sql = body.sql if raw else f"lambda {variable}: {body.sql}"
        return Typed(sql, types.function(*given, body.type), body.fails, literal=variable)

    def _if(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) not in (2, 3):
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "Invalid number of arguments for 'if' function", node.position
            )
        condition = self.boolean(node.arguments[0], scope, "IF condition")
        values = [self.expression(argument, scope) for argument in node.arguments[1:]]
        found = types.common_type(values[0].type, values[-1].type)
        if found is None:
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Result types for IF must be the same: {values[0].type} vs {values[-1].type}",
                node.position,
            )
        default = f" ELSE {coerce(values[1], found).sql}" if len(values) > 1 else ""
        sql = f"CASE WHEN {condition.sql} THEN {coerce(values[0], found).sql}{default} END"
        return Typed(sql, found, any(one.fails for one in (condition, *values)))

    def _coalesce(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) < 2:
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "The 'coalesce' function must have at least two arguments", node.position
            )
        values = [self.expression(argument, scope) for argument in node.arguments]
        type_ = self.single_type(values, "COALESCE operands", node.position)
        sql = f"coalesce({', '.join(coerce(value, type_).sql for value in values)})"
        return Typed(sql, type_, any(value.fails for value in values))

    def _nullif(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) != 2:
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "Invalid number of arguments for 'nullif' function", node.position
            )
        first, second = (self.expression(argument, scope) for argument in node.arguments)
        if types.common_type(first.type, second.type) is None:
            raise QueryFailure(
                "TYPE_MISMATCH", f"Types are not comparable with NULLIF: {first.type} vs {second.type}", node.position
            )
        equal = compare("=", first, second, node.position)
        return Typed(f"CASE WHEN {equal.sql} THEN NULL ELSE {first.sql} END", first.type, equal.fails)

    def _try(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) != 1:
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "The 'try' function must have exactly one argument", node.position
            )
        value = self.expression(node.arguments[0], scope)
        if not value.fails:
            return value
        if not scope.arguments and not _READS_ROWS.search(value.sql) and self._fails(value):
            # DuckDB computes constants while it plans, before its TRY can catch anything.
            return Typed(null_of(value.type), value.type)
        if aggregates_in(node.arguments) or windows_in(node.arguments):
            raise QueryFailure(
                "NOT_SUPPORTED",
                "The local Athena does not support TRY above an aggregate or a window function: compute that in a "
                "subquery and TRY outside of it",
                node.position,
            )
        return Typed(f"TRY({value.sql})", value.type)

    def _fails(self, value: Typed) -> bool:
        try:
            self.session.constant(value.sql)
        except QueryFailure:
            return True
        return False

    def _typeof(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) != 1:
            raise QueryFailure(
                "FUNCTION_NOT_FOUND", "Unexpected parameters for function typeof. Expected: typeof(T)", node.position
            )
        name = str(self.expression(node.arguments[0], scope).type)
        return Typed(f"CAST({quote(name)} AS VARCHAR)", types.VARCHAR, literal=name)

    def _extreme(self, node: tree.Call, scope: Scope) -> Typed:
        if not node.arguments:
            raise QueryFailure(
                "FUNCTION_NOT_FOUND",
                f"Unexpected parameters () for function {node.name}. Expected: {node.name}(E)",
                node.position,
            )
        values = [self.expression(argument, scope) for argument in node.arguments]
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
        sql = f"CASE WHEN {missing} THEN NULL ELSE {node.name}({', '.join(widened)}) END"
        return Typed(sql, found, any(value.fails for value in values))

    def _format(self, node: tree.Call, scope: Scope) -> Typed:
        if len(node.arguments) < 2:
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT", "The 'format' function must have at least two arguments", node.position
            )
        values = [self.expression(argument, scope) for argument in node.arguments]
        if not types.is_text(values[0].type):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Type of first argument to format() must be VARCHAR (actual: {values[0].type})",
                node.position,
            )
        shown = ", ".join(
            "CAST(NULL AS VARCHAR)" if value.type == types.UNKNOWN else text_of(value.sql, value.type)
            for value in values[1:]
        )
        names = ", ".join(quote(value.type.name) for value in values[1:])
        sql = f"athena_format({values[0].sql}, [{names}], CAST([{shown}] AS VARCHAR[]))"
        return Typed(sql, types.VARCHAR, fails=True)

    def _current_user(self, node: tree.Call, _: Scope) -> Typed:
        raise QueryFailure("NOT_SUPPORTED", f"{node.name} is not supported", node.position)

    def json_path_call(self, node: json_tree.JsonPathCall, scope: Scope) -> Typed:
        """Return what ``json_value``, ``json_query`` or ``json_exists`` is."""
        operand = self.expression(node.operand, scope)
        if not types.is_text(operand.type) and operand.type != types.UNKNOWN:
            raise QueryFailure("TYPE_MISMATCH", f"Cannot read input of type {operand.type} as JSON", node.position)
        text, path = coerce(operand, types.VARCHAR).sql, quote(node.path)
        settings = dict(node.options)
        if node.name == "json_exists":
            return Typed(
                f"athena_json_exists({text}, {path}, {quote(settings.get('ERROR', 'FALSE'))})",
                types.BOOLEAN,
                fails=True,
            )
        unsupported = [side for side in settings if side not in ("EMPTY", "ERROR", "WRAPPER", "QUOTES")]
        if unsupported:
            raise QueryFailure("NOT_SUPPORTED", f"{node.name} with {unsupported[0]} is not supported", node.position)
        empty, error = (settings.get(side, "NULL") for side in ("EMPTY", "ERROR"))
        defaults = {
            side: text_of(coerce(value, value.type).sql, value.type)
            for side, value in ((side, self.expression(value, scope)) for side, value in node.defaults)
        }
        if node.name == "json_query":
            wrapper = settings.get("WRAPPER", "WITHOUT")
            modes = ", ".join(map(quote, (wrapper, settings.get("QUOTES", "KEEP"), empty, error)))
            sql = f"athena_json_query({text}, {path}, {modes})"
            return Typed(sql, node.returning or types.VARCHAR, fails=True)
        on_empty, on_error = (defaults.get(side, "CAST(NULL AS VARCHAR)") for side in ("EMPTY", "ERROR"))
        sql = f"athena_json_value({text}, {path}, {quote(empty)}, {quote(error)}, {on_empty}, {on_error})"
        value = Typed(sql, types.VARCHAR, fails=True)
        return cast(value, node.returning, node.position) if node.returning else value


def _result(signature: Signature, binding: Binding, values: Sequence[Typed]) -> Type:
    if isinstance(signature.result, str):
        return binding.result(pattern(signature.result))
    return signature.result(values)


def _reads(name: str, number: int, variable: str, count: int) -> tuple[tuple[str, ...], bool]:
    """Return how a lambda's parameters are read, and whether its body stands alone."""
    if name == "reduce":
        return ((f"{variable}a.s", f"{variable}b.x") if number == 2 else ("({state})",)), True
    if name == "reduce_agg":
        return (f"{variable}a.s", f"{variable}b.x"), True
    if name == "array_sort":
        return ("{left}", "{right}"), True
    reads = _LAMBDA_READS.get(name, ("{v}",))
    return tuple(read.replace("{v}", variable) for read in reads[:count]), False


_SPECIAL: dict[str, Callable[[CallAnalyzer, tree.Call, Scope], Typed]] = {
    "if": CallAnalyzer._if,
    "coalesce": CallAnalyzer._coalesce,
    "nullif": CallAnalyzer._nullif,
    "try": CallAnalyzer._try,
    "typeof": CallAnalyzer._typeof,
    "greatest": CallAnalyzer._extreme,
    "least": CallAnalyzer._extreme,
    "format": CallAnalyzer._format,
    "current_user": CallAnalyzer._current_user,
    "current_catalog": CallAnalyzer._current_user,
    "current_schema": CallAnalyzer._current_user,
}
