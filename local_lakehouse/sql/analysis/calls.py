"""Analysis of function calls, including implicit argument conversions and lambdas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.calls_in import aggregates_in, windows_in
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.signatures import Binding, Pattern, Signature, pattern
from local_lakehouse.sql.analysis.typed import Facts, Typed, coerce, derive
from local_lakehouse.sql.failures import Position, QueryFailure, not_offered
from local_lakehouse.sql.functions import aggregates, collections, maps, moments, numbers, others, registry, texts
from local_lakehouse.sql.functions.absent import is_absent
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.types import Type

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


_TOPICS = (aggregates, collections, maps, moments, numbers, others, texts)


_LAMBDA_READS = {
    "map_filter": ("{v}.key", "{v}.value"),
    "transform_values": ("{v}.key", "{v}.value"),
    "transform_keys": ("{v}.key", "{v}.value"),
    "map_zip_with": ("{v}.key", "{v}.a", "{v}.b"),
    "zip_with": ("{v}[1]", "{v}[2]"),
}


def all_topics() -> tuple[ModuleType, ...]:
    """Return the modules that define SQL functions."""
    return _TOPICS


class Calls:
    """The analyzer for function calls.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def function_call(self, node: tree.Call, scope: Scope) -> Typed:
        """Analyze a function call."""
        special = self._analysis.forms.find(node.name)
        if special is not None:
            self._check_scalar(node)
            return special(node, scope)
        if not registry.signatures(node.name):
            if is_absent(node.name):
                raise not_offered(node.name, node.position)
            raise QueryFailure("FUNCTION_NOT_FOUND", f"Function '{node.name}' not registered", node.position)
        if registry.is_aggregate(node.name) or registry.is_window(node.name):
            return self._analysis.aggregates.aggregate_call(node, scope)
        self._check_scalar(node)
        return self.scalar_call(node, scope)

    def _check_scalar(self, node: tree.Call) -> None:
        if node.window is not None or node.distinct or node.filter or node.order:
            raise QueryFailure(
                "FUNCTION_NOT_AGGREGATE", f"Function '{node.name}' is not an aggregation function", node.position
            )

    def scalar_call(self, node: tree.Call, scope: Scope) -> Typed:
        """Analyze a call to a scalar function."""
        arguments = [
            argument if isinstance(argument, tree.Lambda) else self._analysis.expression(argument, scope)
            for argument in node.arguments
        ]
        signature, values, result = self.bind(node.name, arguments, node.position, scope)
        sql = signature.emit.format(*(value.sql for value in values)) if isinstance(signature.emit, str) else None
        if sql is None:
            sql = self._emitted(signature, values, node.position)
        return self._called(sql, result, signature, values)

    def _called(self, sql: str, result: Type, signature: Signature, values: Sequence[Typed]) -> Typed:
        value = derive(sql, result, *values, fails=signature.fails)
        return value.with_facts(volatile=True) if signature.volatile else value

    def _emitted(self, signature: Signature, values: Sequence[Typed], position: Position) -> str:
        if isinstance(signature.emit, str):
            raise AssertionError("the caller fills in templates")
        try:
            return signature.emit(values)
        except QueryFailure as failure:
            name, _, message = failure.reason.partition(": ")
            raise QueryFailure(name, message, position) from failure

    def call(self, name: str, values: list[Typed], position: Position, text: str) -> Typed:
        """Analyze a function call whose arguments are already analyzed."""
        signature, bound, result = self.bind(name, list(values), position, Scope())
        if isinstance(signature.emit, str):
            sql = signature.emit.format(*(value.sql for value in bound))
        else:
            sql = self._emitted(signature, bound, position)
        return self._called(sql, result, signature, bound)

    def bind(
        self, name: str, arguments: list[Typed | tree.Lambda], position: Position, scope: Scope
    ) -> tuple[Signature, list[Typed], Type]:
        """Choose the signature that matches the arguments, and convert the arguments to its types.

        Raises:
            QueryFailure: No signature matches (``FUNCTION_NOT_FOUND``).
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
        given = ", ".join(
            "function" if isinstance(argument, tree.Lambda) else str(argument.type) for argument in arguments
        )
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
        if found := (*aggregates_in(node.body), *windows_in(node.body)):
            raise QueryFailure(
                "EXPRESSION_NOT_SCALAR",
                "Lambda expression cannot contain aggregations, window functions or grouping operations: "
                f"[{found[0].text}]",
                found[0].position,
            )
        variable = self._analysis.fresh("v")
        given = [binding.result(child) for child in wanted.children[:-1]]
        reads, raw = _reads(name, number, variable, len(given))
        arguments = {
            parameter.key: Typed(read, type_, Facts(variables=frozenset([f"{variable}.{parameter.key}"])))
            for parameter, read, type_ in zip(node.parameters, reads, given, strict=False)
        }
        body = self._analysis.expression(node.body, scope.with_arguments(arguments).below_grouping())
        result = wanted.children[-1]
        if not binding.match(result, body.type):
            return None
        body = coerce(body, binding.type_of(result, body.type))
        sql = body.sql if raw else f"lambda {variable}: {body.sql}"
        own = frozenset(f"{variable}.{parameter.key}" for parameter in node.parameters)
        facts = replace(body.facts, variables=body.facts.variables - own)
        return Typed(sql, types.function(*given, body.type), facts, literal=variable)


def _result(signature: Signature, binding: Binding, values: Sequence[Typed]) -> Type:
    if isinstance(signature.result, str):
        return binding.result(pattern(signature.result))
    return signature.result(values)


def _reads(name: str, number: int, variable: str, count: int) -> tuple[tuple[str, ...], bool]:
    """Return the SQL that reads each lambda parameter, and whether to omit ``lambda`` before the body."""
    if name == "reduce":
        return ((f"{variable}a.s", f"{variable}b.x") if number == 2 else ("({state})",)), True
    if name == "reduce_agg":
        return (f"{variable}a.s", f"{variable}b.x"), True
    if name == "array_sort":
        return ("{left}", "{right}"), True
    reads = _LAMBDA_READS.get(name, ("{v}",))
    return tuple(read.replace("{v}", variable) for read in reads[:count]), False
