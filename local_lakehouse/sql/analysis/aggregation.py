"""Analyse aggregates, windows, and what may stand above an aggregation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.analyzer import Analyzer
from local_lakehouse.sql.analysis.comparisons import key
from local_lakehouse.sql.analysis.scope import Scope, dotted
from local_lakehouse.sql.analysis.signatures import Signature
from local_lakehouse.sql.analysis.typed import Typed, coerce
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.functions import registry
from local_lakehouse.sql.functions.collections import fold
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.tree import Expression
from local_lakehouse.sql.types import Type

_BOUND_ORDER = ("UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING", "UNBOUNDED FOLLOWING")


class NotGrouped(Exception):
    """A column is read above an aggregation that does not have it as a key."""


def calls_in(node: object) -> Iterator[tree.Call]:
    """Walk over the calls in an expression, not over those of queries inside it."""
    if isinstance(node, tree.Query):
        return
    if isinstance(node, tree.Call):
        yield node
    if isinstance(node, tuple):
        for part in node:
            yield from calls_in(part)
    elif isinstance(node, tree.Node) and is_dataclass(node):
        for one in fields(node):
            if one.name not in ("position", "text"):
                yield from calls_in(getattr(node, one.name))


def aggregates_in(node: object) -> list[tree.Call]:
    """Return the aggregates in an expression that are not used as windows."""
    return [call for call in calls_in(node) if call.window is None and registry.is_aggregate(call.name)]


def windows_in(node: object) -> list[tree.Call]:
    """Return the calls with ``OVER`` in an expression."""
    return [call for call in calls_in(node) if call.window is not None]


class AggregationAnalyzer(Analyzer):
    """Analyses aggregates and windows."""

    @abstractmethod
    def bind(
        self, name: str, arguments: list[Typed | tree.Lambda], position: Position, scope: Scope
    ) -> tuple[Signature, list[Typed], Type]:
        """Choose the signature that fits, and widen the arguments to it."""

    def grouped(self, node: Expression, scope: Scope) -> Typed | None:
        """Return an expression that is a key of the aggregation below, or None if it must be taken apart.

        Raises:
            NotGrouped: It is a column that is no key.
        """
        if scope.grouping is None or aggregates_in(node) or windows_in(node):
            return None
        if isinstance(node, tree.Column) and node.name.key in scope.aliases:
            return None
        for sql, key_node in scope.grouping.keys.items():
            if key_node == node:
                return self.expression(node, scope.below_grouping()).written_as(sql)
        if not scope.arguments:
            value = self.expression(node, scope.below_grouping())
            if value.sql in scope.grouping.keys:
                return value
        names = dotted(node)
        if names is None or names[0] in scope.arguments or names[0] in scope.aliases:
            return None
        found = scope.resolve(names, node.position)
        if found is None:
            return None
        column, own = found
        if own and column.sql not in scope.grouping.keys:
            raise NotGrouped
        return Typed(column.sql, column.type)

    def aggregate_call(self, node: tree.Call, scope: Scope) -> Typed:
        """Return what an aggregate or a window function is."""
        self._check_place(node, scope)
        if node.name == "grouping":
            return self._grouping(node, scope)
        if node.window is None and registry.is_window(node.name):
            raise QueryFailure("MISSING_OVER", f"Window function {node.name} requires an OVER clause", node.position)
        if node.star and node.name != "count":
            raise QueryFailure(
                "FUNCTION_NOT_FOUND", f"Unexpected parameters (*) for function {node.name}", node.position
            )
        inner = scope if node.window is not None else scope.inside_aggregate()
        arguments = [
            argument if isinstance(argument, tree.Lambda) else self.expression(argument, inner)
            for argument in node.arguments
        ]
        signature, values, result = self.bind(node.name, arguments, node.position, inner)
        self._check_nesting(node)
        return Typed(self._filled(node, signature, values, scope, inner), result, fails=True)

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

    def _filled(self, node: tree.Call, signature: Signature, values: list[Typed], scope: Scope, inner: Scope) -> str:
        condition = self.boolean(node.filter, inner, "FILTER clause").sql if node.filter is not None else ""
        over = self._over(node, scope) if node.window is not None else ""
        filtered = f" FILTER (WHERE {condition})" if condition else ""
        if node.name == "reduce_agg":
            return self._reduced(values, filtered, over)
        if node.distinct and node.name in ("map_agg", "multimap_agg", "histogram", "map_union"):
            raise QueryFailure("NOT_SUPPORTED", f"{node.name}(DISTINCT …) is not supported", node.position)
        emit = signature.emit if isinstance(signature.emit, str) else signature.emit(values)
        arguments = [self._argument(node, value) for value in values]
        pieces = {
            **({str(index): sql for index, sql in enumerate(arguments)} if isinstance(signature.emit, str) else {}),
            "distinct": "DISTINCT " if node.distinct else "",
            "order": self._order(node.order, inner),
            "over": filtered + over,
            "bare_over": over,
            "and_filter": f" AND {condition}" if condition else "",
            "nulls": " IGNORE NULLS" if node.nulls == "IGNORE" else "",
        }
        return _fill(emit, pieces)

    def _argument(self, node: tree.Call, value: Typed) -> str:
        if node.name == "approx_distinct" or (node.name == "count" and node.distinct):
            return key(value.sql, value.type)
        return value.sql

    def _reduced(self, values: list[Typed], filtered: str, over: str) -> str:
        items, start, step, _ = values
        listed = f"list({items.sql}){filtered}{over}"
        kept = f"list_filter({listed}, lambda e: e IS NOT NULL)"
        return fold(kept, items.type, start, step)

    def _order(self, items: tuple[tree.SortItem, ...], scope: Scope) -> str:
        if not items:
            return ""
        return " ORDER BY " + ", ".join(self.sort_key(item, self.expression(item.key, scope)) for item in items)

    def sort_key(self, item: tree.SortItem, value: Typed) -> str:
        """Write one key of an ``ORDER BY``.

        Raises:
            QueryFailure: ``TYPE_MISMATCH`` when values of its type have no order.
        """
        if not types.is_orderable(value.type):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Type {value.type} is not orderable, and therefore cannot be used in ORDER BY: {item.key.text}",
                item.position,
            )
        direction = "DESC" if item.descending else "ASC"
        nulls = "FIRST" if item.nulls_first else "LAST"
        return f"{key(value.sql, value.type)} {direction} NULLS {nulls}"

    def _grouping(self, node: tree.Call, scope: Scope) -> Typed:
        if scope.grouping is None or not scope.grouping.keys:
            raise QueryFailure(
                "MISSING_GROUP_BY",
                "A GROUPING() operation can only be used with a corresponding GROUPING SET/CUBE/ROLLUP/GROUP BY clause",
                node.position,
            )
        below = scope.below_grouping()
        values = [self.expression(argument, below).sql for argument in node.arguments]
        for value, argument in zip(values, node.arguments, strict=False):
            if value not in scope.grouping.keys:
                raise QueryFailure(
                    "INVALID_COLUMN_REFERENCE",
                    f"The arguments to GROUPING() must be expressions referenced by the GROUP BY at the current query "
                    f"level: {argument.text}",
                    node.position,
                )
        result = types.INTEGER if len(values) <= 31 else types.BIGINT
        return Typed(f"CAST(grouping({', '.join(values)}) AS {result.name})", result)

    def _over(self, node: tree.Call, scope: Scope) -> str:
        window = self._resolved(node.window, scope, node.position) if node.window else None
        if window is None:
            return ""
        if windows_in((window.partition, window.order)):
            raise QueryFailure("NESTED_WINDOW", "Cannot nest window functions inside a window", node.position)
        parts = []
        if window.partition:
            keys = [self.expression(one, scope) for one in window.partition]
            parts.append("PARTITION BY " + ", ".join(key(one.sql, one.type) for one in keys))
        if window.order:
            parts.append(self._order(window.order, scope).strip())
        if window.frame is not None:
            parts.append(self._frame(window, scope))
        return f" OVER ({' '.join(parts)})"

    def _resolved(self, window: tree.Window, scope: Scope, position: Position) -> tree.Window:
        if window.base is None:
            return window
        named = scope.windows.get(window.base.key)
        if named is None:
            raise QueryFailure("INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {window.base.value}", position)
        base = self._resolved(named, scope, position)
        return tree.Window(
            None,
            window.partition or base.partition,
            window.order or base.order,
            window.frame or base.frame,
            position=window.position,
        )

    def _frame(self, window: tree.Window, scope: Scope) -> str:
        frame = window.frame
        if frame is None:
            return ""
        end = frame.end or tree.FrameBound("CURRENT ROW", None)
        self._check_frame(frame, end, window)
        bounds = [self._frame_bound(bound, frame, window, scope) for bound in (frame.start, end)]
        return f"{frame.unit} BETWEEN {bounds[0]} AND {bounds[1]}"

    def _check_frame(self, frame: tree.Frame, end: tree.FrameBound, window: tree.Window) -> None:
        if frame.start.kind == "UNBOUNDED FOLLOWING":
            raise QueryFailure(
                "INVALID_WINDOW_FRAME", "Window frame start cannot be UNBOUNDED FOLLOWING", frame.position
            )
        if end.kind == "UNBOUNDED PRECEDING":
            raise QueryFailure("INVALID_WINDOW_FRAME", "Window frame end cannot be UNBOUNDED PRECEDING", frame.position)
        if _BOUND_ORDER.index(frame.start.kind) > _BOUND_ORDER.index(end.kind):
            raise QueryFailure(
                "INVALID_WINDOW_FRAME",
                f"Window frame starting from {frame.start.kind} cannot end with {end.kind}",
                frame.position,
            )
        valued = frame.start.value is not None or end.value is not None
        if frame.unit == "GROUPS" and not window.order:
            raise QueryFailure("MISSING_ORDER_BY", "Window frame of type GROUPS requires ORDER BY", frame.position)
        if frame.unit == "RANGE" and valued and len(window.order) != 1:
            name = "MISSING_ORDER_BY" if not window.order else "INVALID_ORDER_BY"
            raise QueryFailure(
                name,
                "Window frame of type RANGE PRECEDING or FOLLOWING requires "
                + ("ORDER BY" if not window.order else "single sort item in ORDER BY"),
                frame.position,
            )

    def _frame_bound(self, bound: tree.FrameBound, frame: tree.Frame, window: tree.Window, scope: Scope) -> str:
        if bound.value is None:
            return bound.kind
        value = self.expression(bound.value, scope)
        if frame.unit != "RANGE":
            if not types.is_integer(value.type):
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"Window frame {frame.unit} value type must be exact numeric type with scale 0 "
                    f"(actual {value.type})",
                    bound.position,
                )
            message = "Window frame offset value must not be negative or null"
            checked = f"athena_not_negative({coerce(value, types.BIGINT).sql}, '{message}')"
            return f"{checked} {bound.kind}"
        sort = self.expression(window.order[0].key, scope).type
        return f"{self._range(value, sort, bound)} {bound.kind}"

    def _range(self, value: Typed, sort: Type, bound: tree.FrameBound) -> str:
        if types.is_numeric(sort) and types.is_numeric(value.type):
            common = types.common_type(sort, value.type)
            if common == sort:
                return coerce(value, sort).sql
        if sort.name in ("date", "timestamp") and types.is_interval(value.type):
            unit = "to_milliseconds" if value.type == types.DAY_INTERVAL else "to_months"
            return f"{unit}({value.sql})"
        raise QueryFailure(
            "TYPE_MISMATCH",
            f"Window frame RANGE value type ({value.type}) not compatible with sort item type ({sort})",
            bound.position,
        )


def _fill(template: str, pieces: dict[str, str]) -> str:
    """Fill a template whose numbered places are arguments.

    Filling goes from left to right and never looks at what was filled in.
    """
    result, rest = [], template
    while rest:
        before, opening, rest = rest.partition("{")
        result.append(before)
        if opening:
            name, _, rest = rest.partition("}")
            result.append(pieces.get(name, "{" + name + "}"))
    return "".join(result)
