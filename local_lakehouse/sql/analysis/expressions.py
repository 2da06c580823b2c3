"""Analyse expressions: find what names mean, check types, write DuckDB's SQL."""

# ruff: noqa: S608 - SQL is written here from analysed parts, never from a caller's text.

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis import literals, operators
from local_lakehouse.sql.analysis.calls import CallAnalyzer
from local_lakehouse.sql.analysis.casts import cast, text_of
from local_lakehouse.sql.analysis.comparisons import compare
from local_lakehouse.sql.analysis.scope import Scope, dotted
from local_lakehouse.sql.analysis.typed import Typed, coerce
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar import json_tree, tree
from local_lakehouse.sql.grammar.tree import Expression
from local_lakehouse.sql.types import Type, common_type

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

_TABLE = re.compile(r"\br\d+(?=\.)")


class ExpressionAnalyzer(CallAnalyzer):
    """Analyses expressions."""

    def expression(self, node: Expression, scope: Scope) -> Typed:
        """Return what an expression is."""
        if scope.grouping is not None and not isinstance(node, tree.Literal | tree.TypedLiteral | tree.IntervalLiteral):
            found = self.grouped(node, scope)
            if found is not None:
                return found
        handler: Callable[[Any, Any, Scope], Typed] | None = _HANDLERS.get(type(node))
        if handler is None:
            raise QueryFailure("NOT_SUPPORTED", f"'{node.text}' is not supported", node.position)
        return handler(self, node, scope)

    def boolean(self, node: Expression, scope: Scope, subject: str) -> Typed:
        """Return a condition.

        Raises:
            QueryFailure: ``TYPE_MISMATCH`` when it is not one.
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
        """Return a condition that rows have to meet.

        Its terms stay apart, so that DuckDB can join by them; one that may fail is computed only for rows that meet
        the terms before it about the same tables.
        """
        if not isinstance(node, tree.Logical) or node.operator != "AND":
            return self.boolean(node, scope, subject)
        terms = [self.filter(term, scope, "Logical expression term") for term in node.terms]
        written = []
        for place, term in enumerate(terms):
            guards = [one.sql for one in terms[:place] if _tables(one.sql) <= _tables(term.sql)]
            guarded = term.fails and guards
            written.append(f"CASE WHEN {' AND '.join(guards)} THEN {term.sql} ELSE FALSE END" if guarded else term.sql)
        return Typed("(" + " AND ".join(written) + ")", types.BOOLEAN, any(term.fails for term in terms))

    def _literal(self, node: tree.Literal, _: Scope) -> Typed:
        return literals.literal(node)

    def _typed_literal(self, node: tree.TypedLiteral, _: Scope) -> Typed:
        return literals.typed_literal(node)

    def _interval(self, node: tree.IntervalLiteral, _: Scope) -> Typed:
        return literals.interval(node)

    def _parameter(self, node: tree.Parameter, _: Scope) -> Typed:
        return self.expression(self.session.parameters[node.index], Scope())

    def _column(self, node: tree.Column, scope: Scope) -> Typed:
        return self._named((node.name.key,), node, scope)

    def _named(self, names: tuple[str, ...], node: Expression, scope: Scope) -> Typed:
        if len(names) == 1 and names[0] in scope.arguments:
            return scope.arguments[names[0]]
        if len(names) == 1 and names[0] in scope.aliases:
            meanings = scope.aliases[names[0]]
            if len({meaning.sql for meaning in meanings}) > 1:
                raise QueryFailure("AMBIGUOUS_NAME", f"Column '{names[0]}' is ambiguous", node.position)
            return meanings[0]
        found = scope.resolve(names, node.position)
        if found is None:
            written = ".".join(names)
            raise QueryFailure(
                "COLUMN_NOT_FOUND",
                f"Column '{written}' cannot be resolved or requester is not authorized to access requested resources",
                node.position,
            )
        return Typed(found[0].sql, found[0].type)

    def _dereference(self, node: tree.Dereference, scope: Scope) -> Typed:
        names = dotted(node)
        if names and names[0] not in scope.arguments:
            found = scope.resolve(names, node.position)
            if found is not None:
                return Typed(found[0].sql, found[0].type)
            if not self._begins_with_column(node, scope):
                return self._named(names, node, scope)
        base = self.expression(node.base, scope)
        if base.type.name != "row":
            raise QueryFailure("TYPE_MISMATCH", f"Expression {node.base.text} is not of type ROW", node.base.position)
        return self._field(base, node.name.key, node.position)

    def _begins_with_column(self, node: tree.Dereference, scope: Scope) -> bool:
        base: Expression = node.base
        while True:
            names = dotted(base)
            if names and (names[0] in scope.aliases or scope.resolve(names, base.position)):
                return True
            if not isinstance(base, tree.Dereference):
                return False
            base = base.base

    def _field(self, base: Typed, name: str, position: Position) -> Typed:
        matches = [index for index, field in enumerate(base.type.fields) if field and field.lower() == name]
        if not matches:
            raise QueryFailure(
                "COLUMN_NOT_FOUND",
                f"Column '{name}' cannot be resolved or requester is not authorized to access requested resources",
                position,
            )
        if len(matches) > 1:
            raise QueryFailure("AMBIGUOUS_NAME", f"Column '{name}' is ambiguous", position)
        return Typed(f"({base.sql}).f{matches[0]}", base.type.children[matches[0]], base.fails)

    def _subscript(self, node: tree.Subscript, scope: Scope) -> Typed:
        base, index = self.expression(node.base, scope), self.expression(node.index, scope)
        if base.type.name == "row":
            return self._field_by_number(base, index, node)
        if base.type.name == "map":
            wanted = common_type(index.type, base.type.key)
            if wanted is not None:
                key = coerce(index, base.type.key)
                sql = f"athena_map_get({base.sql}, {key.sql}, {text_of(key.sql, key.type)})"
                return Typed(sql, base.type.value, fails=True)
        if base.type.name == "array" and (types.is_integer(index.type) or index.type == types.UNKNOWN):
            sql = f"athena_subscript({base.sql}, {coerce(index, types.BIGINT).sql})"
            return Typed(sql, base.type.element, fails=True)
        raise QueryFailure(
            "TYPE_MISMATCH", f"Cannot use {index.type} for subscript of {base.type}", node.index.position
        )

    def _field_by_number(self, base: Typed, index: Typed, node: tree.Subscript) -> Typed:
        if index.literal is None or not types.is_integer(index.type):
            raise QueryFailure(
                "EXPRESSION_NOT_CONSTANT", "Subscript expression on ROW requires a constant index", node.index.position
            )
        number = int(index.literal)
        if not 1 <= number <= len(base.type.children):
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT",
                f"Invalid subscript index: {number}. ROW indices start at 1"
                if number < 1
                else f"Subscript index out of bounds: {number}, max value is {len(base.type.children)}",
                node.index.position,
            )
        return Typed(f"({base.sql}).f{number - 1}", base.type.children[number - 1], base.fails)

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
        fails = any(term.fails for term in terms)
        if not any(term.fails for term in terms[1:]):
            return Typed(joined, types.BOOLEAN, fails)
        # DuckDB computes every term for every row; a term behind one that decides must not be able to fail.
        decides, result = ("NOT ", "FALSE") if node.operator == "AND" else ("", "TRUE")
        branches = " ".join(f"WHEN {decides}{term.sql} THEN {result}" for term in terms[:-1])
        return Typed(f"CASE {branches} ELSE {joined} END", types.BOOLEAN, fails)

    def _not(self, node: tree.Not, scope: Scope) -> Typed:
        value = self.boolean(node.operand, scope, "Value of logical NOT expression")
        return Typed(f"(NOT {value.sql})", types.BOOLEAN, value.fails)

    def _is_null(self, node: tree.IsNull, scope: Scope) -> Typed:
        value = self.expression(node.operand, scope)
        # DuckDB does not compute what it knows not to be NULL; the element of a list it has to compute.
        sql = f"(list_count([{value.sql}]) = 0)" if value.fails else f"({value.sql} IS NULL)"
        return Typed(sql, types.BOOLEAN, value.fails)

    def _between(self, node: tree.Between, scope: Scope) -> Typed:
        value, low, high = (self.expression(part, scope) for part in (node.operand, node.low, node.high))
        common = _common((value.type, low.type, high.type))
        if common is None or not types.is_orderable(common):
            raise QueryFailure(
                "TYPE_MISMATCH", f"Cannot check if {value.type} is BETWEEN {low.type} and {high.type}", node.position
            )
        lower = compare(">=", value, low, node.position)
        upper = compare("<=", value, high, node.position)
        return Typed(f"({lower.sql} AND {upper.sql})", types.BOOLEAN, lower.fails or upper.fails)

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
        fails = any(one.fails for one in (value, *items))
        simple = not common.children and common.name not in ("double", "real", "char", "timestamp with time zone")
        if simple:
            listed = ", ".join(coerce(item, common).sql for item in items)
            return Typed(f"({coerce(value, common).sql} IN ({listed}))", types.BOOLEAN, fails)
        matches = [compare("=", coerce(value, common), coerce(item, common), node.position).sql for item in items]
        return Typed("(" + " OR ".join(matches) + ")", types.BOOLEAN, fails)

    def _in_query(self, node: tree.InQuery, scope: Scope) -> Typed:
        quantified = tree.Quantified("=", "ANY", node.operand, node.query, position=node.position, text=node.text)
        return self._quantified(quantified, scope)

    def _quantified(self, node: tree.Quantified, scope: Scope) -> Typed:
        value = self.expression(node.operand, scope)
        compiled = self.subquery(node.query, scope)
        wanted = value.type.children if isinstance(node.operand, tree.Row) else (value.type,)
        if len(wanted) != len(compiled.columns):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Value expression and result of subquery must be of the same type: "
                f"{value.type} vs row({', '.join(str(column.type) for column in compiled.columns)})",
                node.position,
            )
        name = self.fresh("q")
        inner = types.row(tuple(column.type for column in compiled.columns))
        columns = ", ".join(f"{name}.c{index}" for index in range(len(wanted)))
        if len(wanted) > 1 or inner.children[0].name in ("double", "real") or inner.children[0].children:
            return self._matched(node, value, compiled.sql, name, inner)
        common = common_type(value.type, inner.children[0])
        if common is None:
            raise operators.mismatch(node.operator, value.type, inner.children[0], node.position)
        read = coerce(Typed(columns, inner.children[0]), common).sql
        source = f"(SELECT {read} FROM ({compiled.sql}) AS {name})"
        quantifier = "ALL" if node.quantifier == "ALL" else "ANY"
        left = coerce(value, common).sql
        if (node.operator, quantifier) == ("=", "ANY"):
            return Typed(f"({left} IN {source})", types.BOOLEAN, value.fails)
        if (node.operator, quantifier) == ("<>", "ALL"):
            return Typed(f"({left} NOT IN {source})", types.BOOLEAN, value.fails)
        return Typed(f"({left} {node.operator} {quantifier} {source})", types.BOOLEAN, value.fails)

    def _matched(self, node: tree.Quantified, value: Typed, sql: str, name: str, inner: Type) -> Typed:
        """Compare with every row of a query where DuckDB's own comparison would not be Athena's."""
        if len(inner.children) == 1:
            right = Typed(f"{name}.c0", inner.children[0])
        else:
            fields = ", ".join(f"f{index} := {name}.c{index}" for index in range(len(inner.children)))
            right = Typed(f"struct_pack({fields})", inner)
        matched = compare(node.operator, value, right, node.position).sql
        found = f"(SELECT list({matched}) FROM ({sql}) AS {name})"
        macro = "athena_all" if node.quantifier == "ALL" else "athena_any"
        return Typed(f"{macro}(coalesce({found}, CAST([] AS BOOLEAN[])))", types.BOOLEAN, value.fails)

    def _like(self, node: tree.Like, scope: Scope) -> Typed:
        value, pattern = self.expression(node.operand, scope), self.expression(node.pattern, scope)
        for side, one in (("Left side", value), ("Pattern", pattern)):
            if not types.is_text(one.type) and one.type != types.UNKNOWN:
                subject = f"{side} of LIKE expression" if side == "Left side" else "Pattern for LIKE expression"
                raise QueryFailure(
                    "TYPE_MISMATCH", f"{subject} must evaluate to a varchar (actual: {one.type})", node.position
                )
        texts = [coerce(one, types.VARCHAR).sql for one in (value, pattern)]
        if node.escape is None:
            return Typed(f"({texts[0]} LIKE {texts[1]})", types.BOOLEAN, value.fails or pattern.fails)
        escape = coerce(self.expression(node.escape, scope), types.VARCHAR).sql
        return Typed(f"athena_like({texts[0]}, {texts[1]}, {escape})", types.BOOLEAN, fails=True)

    def _exists(self, node: tree.Exists, scope: Scope) -> Typed:
        return Typed(f"EXISTS ({self.subquery(node.query, scope).sql})", types.BOOLEAN)

    def _scalar_query(self, node: tree.ScalarQuery, scope: Scope) -> Typed:
        compiled = self.subquery(node.query, scope)
        if len(compiled.columns) == 1:
            return Typed(f"({compiled.sql})", compiled.columns[0].type)
        fields = ", ".join(f"f{index} := s.c{index}" for index in range(len(compiled.columns)))
        type_ = types.row(
            tuple(column.type for column in compiled.columns), tuple(column.name for column in compiled.columns)
        )
        return Typed(f"(SELECT struct_pack({fields}) FROM ({compiled.sql}) AS s)", type_)

    def _cast(self, node: tree.Cast, scope: Scope) -> Typed:
        return cast(self.expression(node.operand, scope), node.target, node.position, safe=node.safe)

    def _extract(self, node: tree.Extract, scope: Scope) -> Typed:
        name = _EXTRACTED.get(node.unit)
        if name is None:
            raise QueryFailure("SYNTAX_ERROR", f"Invalid EXTRACT field: {node.unit}", node.position)
        return self.call(name, [self.expression(node.operand, scope)], node.position, f"extract {node.unit}")

    def _at_time_zone(self, node: tree.AtTimeZone, scope: Scope) -> Typed:
        value = self.expression(node.operand, scope)
        if value.type.name not in ("timestamp", "timestamp with time zone"):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Type of value must be a time or timestamp with or without time zone (actual {value.type})",
                node.position,
            )
        return self.call("at_timezone", [value, self.expression(node.zone, scope)], node.position, node.text)

    def _case(self, node: tree.Case, scope: Scope) -> Typed:
        results = [self.expression(result, scope) for _, result in node.branches]
        if node.default is not None:
            results.append(self.expression(node.default, scope))
        type_ = self.single_type(results, "CASE results", node.position)
        conditions = self._conditions(node, scope)
        branches = " ".join(
            f"WHEN {condition.sql} THEN {coerce(result, type_).sql}"
            for condition, result in zip(conditions, results, strict=False)
        )
        default = f" ELSE {coerce(results[-1], type_).sql}" if node.default is not None else ""
        return Typed(f"CASE {branches}{default} END", type_, any(one.fails for one in (*conditions, *results)))

    def _conditions(self, node: tree.Case, scope: Scope) -> list[Typed]:
        if node.operand is None:
            return [self.boolean(condition, scope, "CASE WHEN clause") for condition, _ in node.branches]
        operand = self.expression(node.operand, scope)
        values = [self.expression(value, scope) for value, _ in node.branches]
        for value in values:
            if common_type(operand.type, value.type) is None:
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"CASE operand type does not match WHEN clause operand type: {operand.type} vs {value.type}",
                    node.position,
                )
        return [compare("=", operand, value, node.position) for value in values]

    def single_type(self, values: list[Typed], subject: str, position: Position) -> Type:
        """Return the type to which all values widen.

        Raises:
            QueryFailure: ``TYPE_MISMATCH``.
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

    def _array(self, node: tree.Array, scope: Scope) -> Typed:
        items = [self.expression(item, scope) for item in node.items]
        element = self.single_type(items, "ARRAY elements", node.position) if items else types.UNKNOWN
        listed = ", ".join(coerce(item, element).sql for item in items)
        type_ = types.array(element)
        return Typed(f"CAST([{listed}] AS {types.duckdb_type(type_)})", type_, any(item.fails for item in items))

    def _row(self, node: tree.Row, scope: Scope) -> Typed:
        items = [self.expression(item, scope) for item in node.items]
        fields = ", ".join(
            f"f{index} := {coerce(item, item.type).sql if item.type != types.UNKNOWN else 'CAST(NULL AS INTEGER)'}"
            for index, item in enumerate(items)
        )
        type_ = types.row(tuple(item.type for item in items))
        return Typed(f"struct_pack({fields})", type_, any(item.fails for item in items))

    def _lambda(self, node: tree.Lambda, _: Scope) -> Typed:
        raise QueryFailure("TYPE_MISMATCH", "Lambda expression should always be used inside a function", node.position)

    def _json_object(self, node: json_tree.JsonObject, scope: Scope) -> Typed:
        members = []
        for key, value in node.members:
            name = coerce(self.expression(key, scope), types.VARCHAR)
            text = cast(self.expression(value, scope), types.JSON, node.position)
            member = f"athena_json_string({name.sql}) || ':' || "
            absent = f"coalesce({text.sql}, 'null')" if node.null_on_null else text.sql
            members.append(member + absent)
        items = ", ".join(members)
        return Typed(f"('{{' || athena_join(CAST([{items}] AS VARCHAR[]), ',') || '}}')", types.VARCHAR, fails=True)

    def _json_array(self, node: json_tree.JsonArray, scope: Scope) -> Typed:
        texts = [cast(self.expression(item, scope), types.JSON, node.position).sql for item in node.items]
        items = ", ".join(f"coalesce({text}, 'null')" if node.null_on_null else text for text in texts)
        return Typed(f"('[' || athena_join(CAST([{items}] AS VARCHAR[]), ',') || ']')", types.VARCHAR, fails=True)

    def _json_path_call(self, node: json_tree.JsonPathCall, scope: Scope) -> Typed:
        return self.json_path_call(node, scope)


def _tables(sql: str) -> set[str]:
    return set(_TABLE.findall(sql))


def _common(found: tuple[Type, ...]) -> Type | None:
    common: Type | None = types.UNKNOWN
    for type_ in found:
        common = common_type(common, type_) if common is not None else None
    return common


def _listed(found: list[Type]) -> str:
    distinct = list(dict.fromkeys(map(str, found)))
    return f"{distinct[0]} and {distinct[-1]}, all types (without duplicates): [{', '.join(distinct)}]"


_HANDLERS: dict[type, Callable[..., Typed]] = {
    tree.Literal: ExpressionAnalyzer._literal,
    tree.TypedLiteral: ExpressionAnalyzer._typed_literal,
    tree.IntervalLiteral: ExpressionAnalyzer._interval,
    tree.Parameter: ExpressionAnalyzer._parameter,
    tree.Column: ExpressionAnalyzer._column,
    tree.Dereference: ExpressionAnalyzer._dereference,
    tree.Subscript: ExpressionAnalyzer._subscript,
    tree.Unary: ExpressionAnalyzer._unary,
    tree.Binary: ExpressionAnalyzer._binary,
    tree.Comparison: ExpressionAnalyzer._comparison,
    tree.Logical: ExpressionAnalyzer._logical,
    tree.Not: ExpressionAnalyzer._not,
    tree.IsNull: ExpressionAnalyzer._is_null,
    tree.Between: ExpressionAnalyzer._between,
    tree.InList: ExpressionAnalyzer._in_list,
    tree.InQuery: ExpressionAnalyzer._in_query,
    tree.Quantified: ExpressionAnalyzer._quantified,
    tree.Like: ExpressionAnalyzer._like,
    tree.Exists: ExpressionAnalyzer._exists,
    tree.ScalarQuery: ExpressionAnalyzer._scalar_query,
    tree.Cast: ExpressionAnalyzer._cast,
    tree.Extract: ExpressionAnalyzer._extract,
    tree.AtTimeZone: ExpressionAnalyzer._at_time_zone,
    tree.Case: ExpressionAnalyzer._case,
    tree.Array: ExpressionAnalyzer._array,
    tree.Row: ExpressionAnalyzer._row,
    tree.Lambda: ExpressionAnalyzer._lambda,
    tree.Call: ExpressionAnalyzer.function_call,
    json_tree.JsonObject: ExpressionAnalyzer._json_object,
    json_tree.JsonArray: ExpressionAnalyzer._json_array,
    json_tree.JsonPathCall: ExpressionAnalyzer._json_path_call,
}
