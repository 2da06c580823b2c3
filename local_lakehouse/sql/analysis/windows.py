"""Analysis of window partitions, sort keys and frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.calls_in import windows_in
from local_lakehouse.sql.analysis.comparisons import key
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import NOTHING, Fragment, Typed, coerce, union
from local_lakehouse.sql.failures import Position, QueryFailure, not_offered
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.types import Type

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


_ORDERED = ("lag", "lead")
_MOMENTS = ("date", "time", "timestamp", "timestamp with time zone")
_BOUND_ORDER = ("UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING", "UNBOUNDED FOLLOWING")


class Windows:
    """The window analyzer.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def clause(self, node: tree.Call, scope: Scope) -> Fragment:
        """Return a call's ``OVER`` clause in DuckDB syntax."""
        if node.window is None:
            return Fragment("")
        window = self._resolved(node.window, scope, node.position)
        self._check_nested(window)
        if node.name in _ORDERED:
            self._check_ordered(node.name, window)
        return self._written(window, scope)

    def define(self, windows: tuple[tuple[tree.Name, tree.Window], ...], scope: Scope) -> None:
        """Register the windows of a ``WINDOW`` clause, and validate each window even if it is unused.

        Raises:
            QueryFailure: A name is repeated (``DUPLICATE_WINDOW_NAME``), or a window is invalid.
        """
        for name, window in windows:
            key_ = _canonical(name)
            if key_ in scope.windows:
                raise QueryFailure(
                    "DUPLICATE_WINDOW_NAME", f"WINDOW name '{name.value}' specified more than once", window.position
                )
            resolved = self._resolved(window, scope, window.position)
            self._check_nested(resolved)
            self._written(resolved, scope)
            scope.windows[key_] = window

    def _check_nested(self, window: tree.Window) -> None:
        if windows_in((window.partition, window.order, window.frame)):
            raise QueryFailure("NESTED_WINDOW", "Cannot nest window functions inside a window", window.position)

    def _written(self, window: tree.Window, scope: Scope) -> Fragment:
        parts = []
        facts = NOTHING
        if window.partition:
            keys = [self._analysis.expression(entry, scope) for entry in window.partition]
            parts.append("PARTITION BY " + ", ".join(key(each.sql, each.type) for each in keys))
            facts = union(*(item.facts for item in keys))
        if window.order:
            order = self._range_order(window, scope) or self._analysis.ordering.clause(window.order, scope)
            parts.append(order.sql.strip())
            facts |= order.facts
        if window.frame is not None:
            frame = self._frame(window, window.frame, scope)
            parts.append(frame.sql)
            facts |= frame.facts
        return Fragment(f" OVER ({' '.join(parts)})", facts)

    def _range_order(self, window: tree.Window, scope: Scope) -> Fragment | None:
        """Return the ``ORDER BY`` of a frame whose offset has a wider type than the sort key, such as 0.5 for integers.

        The sort key and the offset are widened, so that their sum is exact. Return None for a frame without a numeric
        offset.
        """
        wanted = self._range_type(window, scope)
        if wanted is None:
            return None
        item = window.order[0]
        value = coerce(self._analysis.expression(item.key, scope), wanted)
        return Fragment(f"ORDER BY {self._analysis.ordering.sort_key(item, value).sql}", value.facts)

    def _range_type(self, window: tree.Window, scope: Scope) -> Type | None:
        """Return the numeric type for evaluating a RANGE frame, or None if the frame has no numeric offset."""
        frame = window.frame
        if frame is None or frame.unit != "RANGE" or len(window.order) != 1:
            return None
        bounds = [bound.value for bound in (frame.start, frame.end) if bound is not None and bound.value is not None]
        found = self._analysis.expression(window.order[0].key, scope).type
        if not bounds or not types.is_numeric(found):
            return None
        for bound in bounds:
            common = types.common_type(found, self._analysis.expression(bound, scope).type)
            if common is None:
                return None
            found = common
        # The sum of two decimals needs one more digit.
        return (
            types.decimal(min(types.MAX_PRECISION, found.precision + 1), found.scale)
            if found.name == "decimal"
            else found
        )

    def _check_ordered(self, name: str, window: tree.Window) -> None:
        if not window.order:
            raise QueryFailure(
                "MISSING_ORDER_BY", f"{name} function requires an ORDER BY window clause", window.position
            )
        if window.frame is not None:
            raise QueryFailure(
                "INVALID_WINDOW_FRAME", f"Cannot specify window frame for {name} function", window.frame.position
            )

    def _resolved(self, window: tree.Window, scope: Scope, position: Position) -> tree.Window:
        if window.base is None:
            return window
        named = scope.windows.get(_canonical(window.base))
        if named is None:
            raise QueryFailure("INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {window.base.value}", position)
        base = self._resolved(named, scope, position)
        if window.is_reference:
            return base
        if window.partition:
            raise QueryFailure(
                "INVALID_PARTITION_BY",
                "WINDOW specification with named WINDOW reference cannot specify PARTITION BY",
                window.partition[0].position,
            )
        if window.order and base.order:
            raise QueryFailure(
                "INVALID_ORDER_BY",
                "Cannot specify ORDER BY if referenced named WINDOW specifies ORDER BY",
                window.order[0].position,
            )
        if base.frame is not None:
            raise QueryFailure(
                "INVALID_WINDOW_REFERENCE", "Cannot reference named WINDOW containing frame specification", position
            )
        return tree.Window(None, base.partition, window.order or base.order, window.frame, position=window.position)

    def _frame(self, window: tree.Window, frame: tree.Frame, scope: Scope) -> Fragment:
        end = frame.end or tree.FrameBound("CURRENT ROW", None)
        self._check_frame(frame, end, window)
        bounds = [self._frame_bound(bound, frame, window, scope) for bound in (frame.start, end)]
        return Fragment(f"{frame.unit} BETWEEN {bounds[0].sql} AND {bounds[1].sql}", bounds[0].facts | bounds[1].facts)

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

    def _frame_bound(self, bound: tree.FrameBound, frame: tree.Frame, window: tree.Window, scope: Scope) -> Fragment:
        if bound.value is None:
            return Fragment(bound.kind)
        value = self._analysis.expression(bound.value, scope)
        if frame.unit != "RANGE":
            if not types.is_integer(value.type):
                raise QueryFailure(
                    "TYPE_MISMATCH",
                    f"Window frame {frame.unit} value type must be exact numeric type with scale 0 "
                    f"(actual {value.type})",
                    bound.position,
                )
            return Fragment(f"athena_frame_offset({coerce(value, types.BIGINT).sql}) {bound.kind}", value.facts)
        sort = self._range_type(window, scope) or self._analysis.expression(window.order[0].key, scope).type
        return Fragment(f"{self._range(value, sort, bound)} {bound.kind}", value.facts)

    def _range(self, value: Typed, sort: Type, bound: tree.FrameBound) -> str:
        """Return the SQL for a ``RANGE`` frame's offset. Adding it to a sort key does not change the key's type."""
        if types.is_numeric(sort) and types.is_numeric(value.type) and types.common_type(sort, value.type) == sort:
            offset = coerce(value, sort).sql
            if value.literal is not None and float(value.literal) >= 0:
                return offset
            check = "athena_frame_offset_float" if sort.name in ("double", "real") else "athena_frame_offset"
            return f"CAST({check}({offset}) AS {types.duckdb_type(sort)})"
        if types.is_interval(sort) and value.type == sort:
            return f"athena_frame_offset({value.sql})"
        if not types.is_interval(value.type) or sort.name not in _MOMENTS:
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"Window frame RANGE value type ({value.type}) not compatible with sort item type ({sort})",
                bound.position,
            )
        months = value.type == types.MONTH_INTERVAL
        # For values with zones, the result of adding a month depends on each value's zone. Times wrap around at
        # midnight.
        zoned = sort.name == "timestamp with time zone"
        if types.is_fine(sort) or sort.name == "time" or (zoned and months):
            raise not_offered(
                f"a RANGE frame with an offset of type {value.type} for a sort key of type {sort}", bound.position
            )
        offset = f"athena_frame_offset({value.sql})"
        if sort.name == "date" and not months:
            offset = f"athena_frame_days({offset})"
        return f"{'to_months' if months else 'to_milliseconds'}({offset})"


def _canonical(name: tree.Name) -> str:
    """Return a window's normalized name, in uppercase unless it is quoted."""
    return name.value if name.quoted else name.value.upper()
