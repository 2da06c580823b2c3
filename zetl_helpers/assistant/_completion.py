"""Completion of a plan with the parts that a question only implies."""

from __future__ import annotations

from dataclasses import dataclass, field

from zetl_helpers.assistant._marks import Mark
from zetl_helpers.assistant._model import Column
from zetl_helpers.assistant._plan import Measure, Plan, TimeGroup

ANY_TIME = Column("", "", "", "time")
_AVERAGED = ("rate", "score", "lat", "lon", "percent", "ratio")


@dataclass
class Said:
    """The clauses that have been read, and the clauses that are still expected."""

    clause: str = "output"
    aggregates: list[str] = field(default_factory=list)
    superlative: Mark | None = None
    superlatives: list[Mark] = field(default_factory=list)
    superlative_on: str = ""
    count: bool = False
    distinct: bool = False
    operator: str = ""
    compared: Column | None = None
    negated: bool = False
    absent: bool = False
    timely: str = ""
    between: bool = False
    low: float | None = None
    day_low: Mark | None = None
    bare: list[Column] = field(default_factory=list)
    dimensions: list[Column] = field(default_factory=list)
    ratio: str = ""
    ratio_left: Column | None = None
    time: Column | None = None
    time_shown: Column | None = None
    unit: str | None = None
    entities: list[Mark] = field(default_factory=list)
    top: bool = False
    number: int | None = None
    copula: bool = False
    place: str = ""
    pivoting: bool = False
    explicit_groups: bool = False


def complete(plan: Plan, said: Said) -> None:
    """Complete a plan in place.

    Args:
        plan: The plan that was built from the individual clauses.
        said: The clauses that have been read, and the clauses that are still expected.
    """
    _leftovers(plan, said)
    if plan.snapshots:
        return
    _time_groups(plan, said)
    if said.count:
        plan.measures.append(Measure("count"))
        if plan.order is None and said.clause == "order":
            plan.order = plan.measures[-1]
    if said.pivoting:
        _pivot(plan, said)
    elif plan.ratio is not None:
        plan.groups += said.dimensions
        _top(plan, said)
    elif plan.share:
        _share(plan, said)
    else:
        if said.superlative is not None:
            _superlative(plan, said)
        elif said.number is not None and plan.limit is None:
            plan.unused.append(str(said.number))
        _rows_or_groups(plan, said)


def _leftovers(plan: Plan, said: Said) -> None:
    """Record the clauses that were started but not completed."""
    for pending, word in (
        (said.ratio, "percentage of"),
        (said.operator, said.operator),
        (said.between, "between"),
        (said.absent, "without"),
        (said.negated, "not"),
    ):
        if pending:
            plan.unused.append(word)


def _time_groups(plan: Plan, said: Said) -> None:
    for index, group in enumerate(plan.groups):
        if isinstance(group, TimeGroup) and group.column is ANY_TIME:
            times = [column for table in plan.scope for column in table.times]
            column = said.time or (times[0] if times else None)
            if column is None:
                plan.unused.append(group.unit)
                plan.groups.pop(index)
                return
            if said.time is None and len(times) > 1:
                plan.doubts.append(f"The {group.unit} may refer to {' or '.join(time.name for time in times)}.")
            plan.groups[index] = TimeGroup(group.unit, column)


def _pivot(plan: Plan, said: Said) -> None:
    plan.groups += [column for column in said.dimensions if column != plan.pivot and column not in plan.groups]
    if plan.pivot is None and len(plan.groups) > 1 and isinstance(plan.groups[-1], Column):
        last = plan.groups.pop()
        assert isinstance(last, Column)
        plan.pivot = last
    plan.measures += [_default(plan, column) for column in said.bare]
    if not plan.measures:
        plan.measures.append(Measure("count"))
    if len(plan.measures) > 1 or plan.pivot is None or not plan.groups:
        plan.unused.append("pivot")
    elif not plan.pivot.complete:
        plan.unused.append(f"{plan.pivot.name} as columns")


def _share(plan: Plan, said: Said) -> None:
    plan.groups += said.dimensions
    plan.measures = [measure for measure in plan.measures if measure.function != "count" or not plan.parts]
    plan.measures += [_default(plan, column) for column in said.bare]
    if plan.parts and not plan.measures:
        return
    if plan.measures and len(plan.measures) == 1 and plan.groups and not plan.parts:
        return
    if not plan.measures and not plan.parts and plan.groups:
        plan.measures.append(Measure("count"))
        return
    plan.unused.append("share")


def _superlative(plan: Plan, said: Said) -> None:
    mark = said.superlative
    assert mark is not None
    direction = plan.direction = "DESC" if mark.name == "max" else "ASC"
    limit = said.number if said.number is not None else plan.limit or 1
    if said.superlative_on == "measure":
        plan.groups += said.dimensions
        said.dimensions = []
        if plan.groups:
            plan.limit = limit
        return
    counted = mark.text.lower() in ("most", "fewest", "least") and said.superlative_on != "column"
    if counted and (said.dimensions or plan.groups):
        plan.groups += said.dimensions
        said.dimensions = []
        plan.measures = plan.measures or [Measure("count")]
        plan.order, plan.limit = plan.measures[-1], limit
        return
    target = said.bare[-1] if said.superlative_on == "column" and said.bare else _hinted(plan, mark)
    if target is None:
        plan.unused.append(mark.text)
        return
    lonely = said.superlative_on == "column" and not said.entities
    if plan.groups or (lonely and not said.dimensions) or len(said.superlatives) > 1:
        said.bare = [column for column in said.bare if column != target]
        plan.measures += [Measure(each.name, target) for each in said.superlatives]
    elif lonely and all(column.complete for column in said.dimensions) and said.dimensions:
        said.bare.remove(target)
        plan.groups += said.dimensions
        said.dimensions = []
        plan.measures.append(Measure(mark.name, target))
        plan.order, plan.limit = plan.measures[-1], limit
        plan.doubts.append(f"I compare the individual values of {target.name}, not their sums.")
    else:
        if target not in said.bare:
            said.bare.append(target)
        plan.order, plan.limit, plan.direction = target, limit, direction


def _hinted(plan: Plan, mark: Mark) -> Column | None:
    columns = [column for table in plan.scope for column in table.columns]
    for hint in mark.hints:
        if hint == "#time":
            times = [column for column in columns if column.kind == "time"]
            return times[0] if len(times) == 1 else None
        for column in columns:
            if column.kind == "number" and hint in column.words:
                return column
    measures = plan.scope[0].measures
    return measures[0] if len(measures) == 1 and not mark.hints else None


def _top(plan: Plan, said: Said) -> None:
    if said.top and plan.limit is None:
        plan.limit = said.number
    if said.top and plan.limit is None:
        plan.unused.append("top")


def _rows_or_groups(plan: Plan, said: Said) -> None:
    _top(plan, said)
    if any(measure.function == "median" for measure in plan.measures):
        plan.doubts.append("Athena's percentiles are approximate.")
    if said.aggregates:
        measure = plan.scope[0].measures
        if len(measure) == 1 and said.entities and not plan.measures:
            plan.measures += [Measure(name, measure[0]) for name in said.aggregates]
            plan.doubts.append(f"I assume that you mean the values of {measure[0].name}.")
        else:
            plan.unused += said.aggregates
    if said.top and isinstance(plan.order, Column) and said.dimensions and not said.entities:
        plan.measures.append(_default(plan, plan.order))
        plan.order = plan.measures[-1]
    grouped = bool(plan.measures or plan.groups or plan.having)
    if not grouped:
        _list(plan, said)
        return
    plan.groups += [column for column in said.dimensions if column not in plan.groups]
    plan.measures += [_default(plan, column) for column in said.bare]
    if not plan.measures and not plan.having:
        plan.measures.append(Measure("count"))
    if said.distinct:
        plan.unused.append("distinct")
    if said.top and plan.order is None:
        plan.order = plan.measures[0]
    if said.time_shown is not None:
        plan.unused.append(said.time_shown.name)
    if plan.limit is not None and not plan.groups:
        plan.unused.append(str(plan.limit))


def _list(plan: Plan, said: Said) -> None:
    if said.time_shown is not None:
        said.dimensions.append(said.time_shown)
    shown = [*said.dimensions, *said.bare]
    if not said.entities and shown and all(column.complete and column.kind == "text" for column in shown):
        plan.outputs, plan.distinct = shown, True
        return
    if said.distinct:
        plan.outputs, plan.distinct = shown, True
        return
    identifiers = [mark.columns[0] for mark in said.entities if mark.columns]
    if shown:
        own = list(plan.scope[0].identifiers[:2])
        plan.outputs = list(dict.fromkeys([*own, *identifiers, *shown]))


def _default(plan: Plan, column: Column) -> Measure:
    if any(word in column.words for word in _AVERAGED):
        plan.doubts.append(f"I average {column.name}. To choose, say “total” or “average”.")
        return Measure("avg", column)
    return Measure("sum", column)
