"""Analysis of aggregates, and of expressions that are evaluated after the aggregation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.calls_in import aggregates_in, parts_in, windows_in
from local_lakehouse.sql.analysis.comparisons import has_key, key
from local_lakehouse.sql.analysis.scope import NotGrouped, Scope, dotted
from local_lakehouse.sql.analysis.signatures import Signature
from local_lakehouse.sql.analysis.typed import NOTHING, Facts, Fragment, Typed, bound, derive, union
from local_lakehouse.sql.failures import QueryFailure, not_offered
from local_lakehouse.sql.functions import registry
from local_lakehouse.sql.functions.collections import fold
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.tree import Expression
from local_lakehouse.sql.types import Type

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis

_VALUE_FUNCTIONS = ("first_value", "last_value", "nth_value", "lag", "lead")
_AGGREGATE = Facts(rows=True, fails=True)
# The types of `reduce_agg`'s state, and the greatest precision of those that have a precision.
_PRIMITIVES = (
    "boolean", "tinyint", "smallint", "integer", "bigint", "real", "double", "date", "time", "interval day to second",
    "interval year to month",
)  # fmt: skip
_LONGEST = {"decimal": 18, "timestamp": 6, "timestamp with time zone": 3}
_QUERIES = (tree.ScalarQuery, tree.Exists, tree.InQuery, tree.Quantified)


class Aggregates:
    """The analyzer for aggregates, and for expressions that are evaluated after the aggregation.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def grouped(self, node: Expression, scope: Scope) -> Typed | None:
        """Analyze a grouping key. Return None for other expressions, whose parts must be analyzed instead.

        Raises:
            NotGrouped: The expression is a column that is not a grouping key.
        """
        if scope.grouping is None or aggregates_in(node) or windows_in(node):
            return None
        if isinstance(node, tree.Column) and node.name.key in scope.aliases:
            return None
        for sql, key_node in scope.grouping.keys.items():
            if key_node == node:
                return scope.grouping.above(self._analysis.expression(node, scope.below_grouping()).written_as(sql))
        if not scope.arguments and not any(isinstance(part, _QUERIES) for part in parts_in(node)):
            value = self._analysis.expression(node, scope.below_grouping())
            if value.sql in scope.grouping.keys:
                return scope.grouping.above(value)
        names = dotted(node)
        if names is None or names[0] in scope.arguments or names[0] in scope.aliases:
            return None
        found = scope.resolve(names, node.position)
        if found is None:
            return None
        column, own = found
        if own and column.sql not in scope.grouping.keys:
            raise NotGrouped
        return scope.grouping.above(column.value) if own else column.value

    def aggregate_call(self, node: tree.Call, scope: Scope) -> Typed:
        """Analyze an aggregate or a window function."""
        self._check_place(node, scope)
        if node.name == "grouping":
            return self._grouping(node, scope)
        if node.window is None and registry.is_window(node.name):
            raise QueryFailure("MISSING_OVER", f"Window function {node.name} requires an OVER clause", node.position)
        if node.star and node.name != "count":
            raise QueryFailure(
                "FUNCTION_NOT_FOUND", f"Unexpected parameters (*) for function {node.name}", node.position
            )
        self._check_clauses(node)
        inner = scope if node.window is not None else scope.inside_aggregate()
        arguments = [
            argument if isinstance(argument, tree.Lambda) else self._analysis.expression(argument, inner)
            for argument in node.arguments
        ]
        signature, values, result = self._analysis.calls.bind(node.name, arguments, node.position, inner)
        self._check_nesting(node)
        condition = self._analysis.boolean(node.filter, inner, "FILTER clause") if node.filter is not None else None
        order = self._analysis.ordering.clause(node.order, inner)
        over = self._analysis.windows.clause(node, scope) if node.window is not None else Fragment("")
        sql = self._filled(node, signature, values, condition.sql if condition else "", order.sql, over.sql)
        facts = union(order.facts, over.facts, condition.facts if condition else NOTHING, _AGGREGATE)
        return derive(sql, result, *values, Typed(sql, result, facts), lazy=True)

    def _check_clauses(self, node: tree.Call) -> None:
        """Reject clauses that Trino does not support for this call, such as ``FILTER`` in a window function."""
        if node.nulls is not None and node.name not in _VALUE_FUNCTIONS:
            raise QueryFailure(
                "NULL_TREATMENT_NOT_ALLOWED",
                f"Cannot specify null treatment clause for {node.name} function",
                node.position,
            )
        if node.distinct and any(item.key not in node.arguments for item in node.order):
            raise QueryFailure(
                "EXPRESSION_NOT_IN_DISTINCT",
                "For aggregate function with DISTINCT, ORDER BY expressions must appear in arguments",
                node.position,
            )
        if node.window is None:
            return
        if node.filter is not None:
            raise QueryFailure("NOT_SUPPORTED", "FILTER is not yet supported for window functions", node.position)
        if node.order:
            raise QueryFailure("NOT_SUPPORTED", "Window function with ORDER BY is not supported", node.position)
        if node.distinct:
            raise QueryFailure(
                "NOT_SUPPORTED",
                f"DISTINCT in window function parameters not yet supported: {node.text}",
                node.position,
            )

    def _check_nesting(self, node: tree.Call) -> None:
        if node.window is None and (nested := aggregates_in(node.arguments)):
            raise QueryFailure(
                "NESTED_AGGREGATION",
                f"Cannot nest aggregations inside aggregation '{node.name}': [{nested[0].text}]",
                node.position,
            )
        if windows_in(node.arguments):
            code = "NESTED_WINDOW" if node.window is not None else "NESTED_AGGREGATION"
            raise QueryFailure(code, f"Cannot nest window functions inside '{node.name}'", node.position)

    def _check_place(self, node: tree.Call, scope: Scope) -> None:
        if scope.clause:
            raise QueryFailure(
                "EXPRESSION_NOT_SCALAR",
                f"{scope.clause} cannot contain aggregations, window functions or grouping operations: [{node.text}]",
                node.position,
            )

    def _filled(
        self, node: tree.Call, signature: Signature, values: list[Typed], condition: str, order: str, over: str
    ) -> str:
        filtered = f" FILTER (WHERE {condition})" if condition else ""
        if node.name == "array_agg" and node.distinct and not order:
            # Trino returns distinct values in order of arrival, but DuckDB returns them in any order. The values are
            # sorted, so that every run returns the same result.
            order = f" ORDER BY {values[0].sql}"
        places = [value.written_as(f"{{{index}}}") for index, value in enumerate(values)]
        emit = signature.emit if isinstance(signature.emit, str) else signature.emit(places)
        if node.name == "reduce_agg":
            emit = self._reduced(places)
        if node.distinct and "{distinct}" not in emit and node.name != "approx_distinct":
            raise not_offered(f"{node.name}(DISTINCT …)", node.position)
        pieces = {
            **{str(index): self._argument(node, value) for index, value in enumerate(values)},
            "distinct": "DISTINCT " if node.distinct else "",
            "order": order,
            "over": filtered + over,
            "bare_over": over,
            "and_filter": f" AND {condition}" if condition else "",
            "nulls": " IGNORE NULLS" if node.nulls == "IGNORE" else "",
        }
        if node.name == "array_agg" and node.distinct and has_key(values[0].type):
            listed = _fill(emit, {**pieces, "distinct": ""})
            return bound("athena_distinct_by", listed, key(listed, types.array(values[0].type)))
        return _fill(emit, pieces)

    def _argument(self, node: tree.Call, value: Typed) -> str:
        if node.name == "approx_distinct" or (node.name == "count" and node.distinct):
            return key(value.sql, value.type)
        return value.sql

    def _reduced(self, places: list[Typed]) -> str:
        """Return the template for ``reduce_agg``, which skips rows without a value or an initial state."""
        items, start, step, _ = places
        if not _is_primitive(start.type):
            raise QueryFailure("NOT_SUPPORTED", f"State type not supported for reduce_agg: {start.type}")
        listed = "list({distinct}{0}{order}) FILTER (WHERE {0} IS NOT NULL AND {1} IS NOT NULL{and_filter}){bare_over}"
        return fold(listed, items.type, start, step)

    def _grouping(self, node: tree.Call, scope: Scope) -> Typed:
        if scope.grouping is None or not scope.grouping.keys:
            raise QueryFailure(
                "MISSING_GROUP_BY",
                "A GROUPING() operation can only be used with a corresponding GROUPING SET/CUBE/ROLLUP/GROUP BY clause",
                node.position,
            )
        below = scope.below_grouping()
        arguments = [self._analysis.expression(argument, below) for argument in node.arguments]
        values = [argument.sql for argument in arguments]
        for value, argument in zip(values, node.arguments, strict=False):
            if value not in scope.grouping.keys:
                raise QueryFailure(
                    "INVALID_COLUMN_REFERENCE",
                    f"The arguments to GROUPING() must be expressions referenced by the GROUP BY at the current query "
                    f"level: {argument.text}",
                    node.position,
                )
        result = types.INTEGER if len(values) <= 31 else types.BIGINT
        keys = ", ".join(key(argument.sql, argument.type) for argument in arguments)
        sql = f"CAST(grouping({keys}) AS {result.name})"
        return Typed(sql, result, union(Facts(rows=True), *(argument.facts for argument in arguments)))


def _is_primitive(type_: Type) -> bool:
    """Return whether Trino represents values of a type as Java's ``boolean``, ``long`` or ``double``."""
    limit = _LONGEST.get(type_.name)
    return type_.name in _PRIMITIVES if limit is None else type_.numbers[0] <= limit


def _fill(template: str, pieces: dict[str, str]) -> str:
    """Fill in the placeholders of a template, such as ``{over}`` and, for the first argument, ``{0}``.

    Inserted text is not searched for placeholders.
    """
    result, rest = [], template
    while rest:
        before, opening, rest = rest.partition("{")
        result.append(before)
        if opening:
            name, _, rest = rest.partition("}")
            result.append(pieces.get(name, "{" + name + "}"))
    return "".join(result)
