"""Analysis of expressions, which resolves names and types and produces DuckDB SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis import literals, operators
from local_lakehouse.sql.analysis.casts import cast
from local_lakehouse.sql.analysis.comparisons import compare
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.sharing import share
from local_lakehouse.sql.analysis.typed import Typed, coerce, constant, derive, null_of
from local_lakehouse.sql.failures import Position, QueryFailure, not_offered
from local_lakehouse.sql.grammar import json_tree, tree
from local_lakehouse.sql.grammar.tree import Expression
from local_lakehouse.sql.types import Type, common_type

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


# Equal values of these types can have different representations.
_SEVERAL_FORMS = ("double", "real", "char", "time with time zone", "timestamp with time zone")
_EXTRACTED = {
    "DAY_OF_MONTH": "day",
    "DAY_OF_WEEK": "day_of_week",
    "DOW": "day_of_week",
    "DAY_OF_YEAR": "day_of_year",
    "DOY": "day_of_year",
    "YEAR_OF_WEEK": "year_of_week",
    "YOW": "year_of_week",
    **{
        unit: unit.lower()
        for unit in [
            "YEAR",
            "QUARTER",
            "MONTH",
            "WEEK",
            "DAY",
            "HOUR",
            "MINUTE",
            "SECOND",
            "TIMEZONE_HOUR",
            "TIMEZONE_MINUTE",
        ]
    },
}


class Expressions:
    """The expression analyzer.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        # Some analyzers analyze an operand more than once. Without this cache, nested operands would be analyzed
        # exponentially often. The keys are object IDs, so the values keep the objects alive.
        self._known: dict[tuple[int, int], tuple[Expression, Scope, Typed]] = {}
        self._handlers: dict[type, Callable[[Any, Scope], Typed]] = {
            tree.Literal: self._literal,
            tree.TypedLiteral: self._typed_literal,
            tree.IntervalLiteral: self._interval,
            tree.Parameter: self._parameter,
            tree.Unary: self._unary,
            tree.Binary: self._binary,
            tree.Comparison: self._comparison,
            tree.Logical: self._logical,
            tree.Not: self._not,
            tree.IsNull: self._is_null,
            tree.Between: self._between,
            tree.InList: self._in_list,
            tree.Like: self._like,
            tree.Cast: self._cast,
            tree.Extract: self._extract,
            tree.AtTimeZone: self._at_time_zone,
            tree.Case: self._case,
            tree.Array: self._array,
            tree.Row: self._row,
            tree.Lambda: self._lambda,
            tree.Column: analysis.names.column,
            tree.Dereference: analysis.names.dereference,
            tree.Subscript: analysis.names.subscript,
            tree.InQuery: analysis.subqueries.in_query,
            tree.Quantified: analysis.subqueries.quantified,
            tree.Exists: analysis.subqueries.exists,
            tree.ScalarQuery: analysis.subqueries.scalar,
            tree.Call: analysis.calls.function_call,
            json_tree.JsonObject: analysis.json.object_call,
            json_tree.JsonArray: analysis.json.array_call,
            json_tree.JsonPathCall: analysis.json.path_call,
        }

    def expression(self, node: Expression, scope: Scope) -> Typed:
        """Analyze an expression, or return the result of its earlier analysis in the same scope."""
        key = (id(node), id(scope))
        if key not in self._known:
            self._known[key] = (node, scope, self._analyzed(node, scope))
        return self._known[key][2]

    def _analyzed(self, node: Expression, scope: Scope) -> Typed:
        if scope.grouping is not None and not isinstance(node, tree.Literal | tree.TypedLiteral | tree.IntervalLiteral):
            found = self._analysis.aggregates.grouped(node, scope)
            if found is not None:
                return found
        handler = self._handlers.get(type(node))
        if handler is None:
            raise not_offered(f"'{node.text}'", node.position)
        return handler(node, scope)

    def boolean(self, node: Expression, scope: Scope, subject: str) -> Typed:
        """Analyze a condition.

        Raises:
            QueryFailure: The expression is not boolean (``TYPE_MISMATCH``).
        """
        value = self.expression(node, scope)
        if value.type == types.UNKNOWN:
            return coerce(value, types.BOOLEAN)
        if value.type != types.BOOLEAN:
            raise QueryFailure(
                "TYPE_MISMATCH", f"{subject} must evaluate to a boolean: actual type {value.type}", node.position
            )
        return value

    def filter(self, node: Expression, scope: Scope, subject: str) -> Typed:
        """Analyze a condition that filters rows, such as the condition of a ``WHERE`` clause.

        An ``AND`` is not rewritten as a ``CASE``, so that DuckDB can use each of its operands in a join. An operand
        that can fail is evaluated only for rows that satisfy the preceding operands on the same tables.
        """
        if not isinstance(node, tree.Logical) or node.operator != "AND":
            return self.boolean(node, scope, subject)
        terms = [self.filter(term, scope, "Logical expression term") for term in _conjuncts(node)]
        written = []
        for place, term in enumerate(terms):
            guards = [entry.sql for entry in terms[:place] if entry.facts.tables <= term.facts.tables]
            guarded = term.fails and guards
            written.append(f"CASE WHEN {' AND '.join(guards)} THEN {term.sql} ELSE FALSE END" if guarded else term.sql)
        return derive("(" + " AND ".join(written) + ")", types.BOOLEAN, *terms, lazy=True)

    def single_type(self, values: list[Typed], subject: str, position: Position) -> Type:
        """Return the common type of all values.

        Raises:
            QueryFailure: There is no common type (``TYPE_MISMATCH``).
        """
        found = _common(tuple(value.type for value in values))
        if found is None:
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"All {subject} must be the same type or coercible to a common type. Cannot find common type between "
                + _listed([value.type for value in values]),
                position,
            )
        return found

    def _literal(self, node: tree.Literal, _: Scope) -> Typed:
        return literals.literal(node)

    def _typed_literal(self, node: tree.TypedLiteral, _: Scope) -> Typed:
        return literals.typed_literal(node)

    def _interval(self, node: tree.IntervalLiteral, _: Scope) -> Typed:
        return literals.interval(node)

    def _parameter(self, node: tree.Parameter, _: Scope) -> Typed:
        return self.expression(self._analysis.session.parameters[node.index], Scope())

    def _unary(self, node: tree.Unary, scope: Scope) -> Typed:
        value = self.expression(node.operand, scope)
        if node.operator == "-":
            return operators.negate(value, node.position)
        if not types.is_numeric(value.type):
            raise QueryFailure(
                "TYPE_MISMATCH", f"Unary '+' operator cannot by applied to {value.type} type", node.position
            )
        return value

    def _binary(self, node: tree.Binary, scope: Scope) -> Typed:
        left, right = self.expression(node.left, scope), self.expression(node.right, scope)
        if node.operator == "||":
            return operators.concatenate(left, right, node.position)
        return operators.arithmetic(node.operator, left, right, node.position)

    def _comparison(self, node: tree.Comparison, scope: Scope) -> Typed:
        left, right = self.expression(node.left, scope), self.expression(node.right, scope)
        return compare(node.operator, left, right, node.position)

    def _logical(self, node: tree.Logical, scope: Scope) -> Typed:
        terms = [self.boolean(term, scope, "Logical expression term") for term in node.terms]
        joined = "(" + f" {node.operator} ".join(term.sql for term in terms) + ")"
        if not any(term.fails for term in terms[1:]):
            return derive(joined, types.BOOLEAN, *terms, lazy=True)
        # DuckDB evaluates every operand for every row, so an operand could fail even when an earlier operand
        # already determines the result. CASE skips the later operands.
        decides, result = ("NOT ", "FALSE") if node.operator == "AND" else ("", "TRUE")
        branches = " ".join(f"WHEN {decides}{term.sql} THEN {result}" for term in terms[:-1])
        # Only the first operand is always evaluated.
        sql = share(f"CASE {branches} ELSE {joined} END", terms[:1])
        return derive(sql, types.BOOLEAN, *terms, lazy=True)

    def _not(self, node: tree.Not, scope: Scope) -> Typed:
        value = self.boolean(node.operand, scope, "Value of logical NOT expression")
        return derive(f"(NOT {value.sql})", types.BOOLEAN, value)

    def _is_null(self, node: tree.IsNull, scope: Scope) -> Typed:
        value = self.expression(node.operand, scope)
        # If the operand of IS NULL can never be NULL, DuckDB does not evaluate it, so an error would be missed. DuckDB
        # always evaluates the elements of a list.
        sql = f"(list_count([{value.sql}]) = 0)" if value.fails else f"({value.sql} IS NULL)"
        return derive(sql, types.BOOLEAN, value)

    def _between(self, node: tree.Between, scope: Scope) -> Typed:
        value, low, high = (self.expression(part, scope) for part in (node.operand, node.low, node.high))
        common = _common((value.type, low.type, high.type))
        if common is None or not types.is_orderable(common):
            raise QueryFailure(
                "TYPE_MISMATCH", f"Cannot check if {value.type} is BETWEEN {low.type} and {high.type}", node.position
            )
        lower = compare(">=", value, low, node.position)
        upper = compare("<=", value, high, node.position)
        return derive(share(f"({lower.sql} AND {upper.sql})", [value]), types.BOOLEAN, lower, upper, lazy=True)

    def _in_list(self, node: tree.InList, scope: Scope) -> Typed:
        value = self.expression(node.operand, scope)
        items = [self.expression(item, scope) for item in node.items]
        common = _common((value.type, *(item.type for item in items)))
        if common is None:
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"IN value and list items must be the same type or coercible to a common type. Cannot find common type "
                f"between {_listed([value.type, *(item.type for item in items)])}",
                node.position,
            )
        simple = not common.children and common.name not in _SEVERAL_FORMS
        if simple:
            listed = ", ".join(coerce(item, common).sql for item in items)
            return derive(f"({coerce(value, common).sql} IN ({listed}))", types.BOOLEAN, value, *items)
        matches = [compare("=", coerce(value, common), coerce(item, common), node.position).sql for item in items]
        return derive(share("(" + " OR ".join(matches) + ")", [value]), types.BOOLEAN, value, *items, lazy=True)

    def _like(self, node: tree.Like, scope: Scope) -> Typed:
        value, pattern = self.expression(node.operand, scope), self.expression(node.pattern, scope)
        for side, entry in (("Left side", value), ("Pattern", pattern)):
            if not types.is_text(entry.type) and entry.type != types.UNKNOWN:
                subject = f"{side} of LIKE expression" if side == "Left side" else "Pattern for LIKE expression"
                raise QueryFailure(
                    "TYPE_MISMATCH", f"{subject} must evaluate to a varchar (actual: {entry.type})", node.position
                )
        texts = [coerce(item, types.VARCHAR).sql for item in (value, pattern)]
        if node.escape is None:
            return derive(f"({texts[0]} LIKE {texts[1]})", types.BOOLEAN, value, pattern)
        given = self.expression(node.escape, scope)
        if not types.is_text(given.type) and given.type != types.UNKNOWN:
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Escape for LIKE expression must evaluate to a varchar (actual: {given.type})",
                node.escape.position,
            )
        escape = coerce(given, types.VARCHAR)
        sql = f"athena_like({texts[0]}, {texts[1]}, {escape.sql})"
        return derive(sql, types.BOOLEAN, value, pattern, escape, fails=True)

    def _cast(self, node: tree.Cast, scope: Scope) -> Typed:
        if node.target == types.UNKNOWN:
            raise QueryFailure("TYPE_MISMATCH", "UNKNOWN is not a valid type", node.position)
        operand = self.expression(node.operand, scope)
        found = cast(operand, node.target, node.position)
        if not node.safe or not found.fails:
            return found
        if not operand.fails and self._analysis.forms.always_fails(found):
            return constant(null_of(node.target), node.target)
        return cast(operand, node.target, node.position, safe=True)

    def _extract(self, node: tree.Extract, scope: Scope) -> Typed:
        name = _EXTRACTED.get(node.unit)
        if name is None:
            raise QueryFailure("SYNTAX_ERROR", f"Invalid EXTRACT field: {node.unit}", node.position)
        given = self.expression(node.operand, scope).type
        if given.name not in _fields_of(node.unit):
            raise QueryFailure("TYPE_MISMATCH", f"Cannot extract {node.unit} from {given}", node.operand.position)
        return self._analysis.calls.call(
            name, [self.expression(node.operand, scope)], node.position, f"extract {node.unit}"
        )

    def _at_time_zone(self, node: tree.AtTimeZone, scope: Scope) -> Typed:
        value = self.expression(node.operand, scope)
        if value.type.name not in ("time", "time with time zone", "timestamp", "timestamp with time zone"):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Type of value must be a time or timestamp with or without time zone (actual {value.type})",
                node.position,
            )
        return self._analysis.calls.call(
            "at_timezone", [value, self.expression(node.zone, scope)], node.position, node.text
        )

    def _case(self, node: tree.Case, scope: Scope) -> Typed:
        results = [self.expression(result, scope) for _, result in node.branches]
        if node.default is not None:
            results.append(self.expression(node.default, scope))
        type_ = self.single_type(results, "CASE results", node.position)
        operand = self.expression(node.operand, scope) if node.operand is not None else None
        conditions = self._conditions(node, operand, scope)
        branches = " ".join(
            f"WHEN {condition.sql} THEN {coerce(result, type_).sql}"
            for condition, result in zip(conditions, results, strict=False)
        )
        default = f" ELSE {coerce(results[-1], type_).sql}" if node.default is not None else ""
        sql = share(f"CASE {branches}{default} END", [operand] if operand is not None else [])
        return derive(sql, type_, *conditions, *results, lazy=True)

    def _conditions(self, node: tree.Case, operand: Typed | None, scope: Scope) -> list[Typed]:
        if operand is None:
            return [self.boolean(condition, scope, "CASE WHEN clause") for condition, _ in node.branches]
        values = [self.expression(value, scope) for value, _ in node.branches]
        for value in values:
            if common_type(operand.type, value.type) is None:
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"CASE operand type does not match WHEN clause operand type: {operand.type} vs {value.type}",
                    node.position,
                )
        return [compare("=", operand, value, node.position) for value in values]

    def _array(self, node: tree.Array, scope: Scope) -> Typed:
        items = [self.expression(item, scope) for item in node.items]
        element = self.single_type(items, "ARRAY elements", node.position) if items else types.UNKNOWN
        listed = ", ".join(coerce(item, element).sql for item in items)
        type_ = types.array(element)
        return derive(f"CAST([{listed}] AS {types.duckdb_type(type_)})", type_, *items)

    def _row(self, node: tree.Row, scope: Scope) -> Typed:
        items = [self.expression(item, scope) for item in node.items]
        fields = ", ".join(
            f"f{index} := {coerce(item, item.type).sql if item.type != types.UNKNOWN else 'CAST(NULL AS INTEGER)'}"
            for index, item in enumerate(items)
        )
        type_ = types.row(tuple(item.type for item in items))
        return derive(f"struct_pack({fields})", type_, *items)

    def _lambda(self, node: tree.Lambda, _: Scope) -> Typed:
        raise QueryFailure("TYPE_MISMATCH", "Lambda expression should always be used inside a function", node.position)


def _conjuncts(node: tree.Logical) -> Iterator[Expression]:
    """Yield the operands of an ``AND``, including the operands of nested ``AND`` expressions."""
    for term in node.terms:
        if isinstance(term, tree.Logical) and term.operator == "AND":
            yield from _conjuncts(term)
        else:
            yield term


def _common(found: tuple[Type, ...]) -> Type | None:
    common: Type | None = types.UNKNOWN
    for type_ in found:
        common = common_type(common, type_) if common is not None else None
    return common


def _listed(found: list[Type]) -> str:
    distinct = list(dict.fromkeys(map(str, found)))
    return f"{distinct[0]} and {distinct[-1]}, all types (without duplicates): [{', '.join(distinct)}]"


def _fields_of(unit: str) -> tuple[str, ...]:
    """Return the types from which ``EXTRACT`` can extract a field."""
    days = ("date", "timestamp", "timestamp with time zone")
    if unit in ("YEAR", "MONTH"):
        return (*days, "interval year to month")
    if unit == "DAY":
        return (*days, "interval day to second")
    if unit in ("HOUR", "MINUTE", "SECOND"):
        return ("time", "time with time zone", *days[1:], "interval day to second")
    if unit in ("TIMEZONE_HOUR", "TIMEZONE_MINUTE"):
        return ("time with time zone", "timestamp with time zone")
    return days
