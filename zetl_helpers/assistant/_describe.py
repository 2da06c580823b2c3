"""Descriptions of plans, and questions for the user."""

from __future__ import annotations

from collections.abc import Iterator

from zetl_helpers._counts import counted
from zetl_helpers.assistant._model import Column, Model
from zetl_helpers.assistant._plan import (
    Comparison,
    Days,
    Filter,
    Flag,
    Measure,
    Plan,
    Presence,
    Recent,
    TimeGroup,
    Values,
)

_FUNCTIONS = {"sum": "sum of", "avg": "average", "max": "highest", "min": "lowest", "median": "median", "count": ""}


def points(plan: Plan) -> Iterator[str]:
    """Yield the plan's interpretation of the question, point by point."""
    yield "table: " + " joined with ".join(table.name for table in plan.scope)
    if plan.snapshots:
        yield "rows: the table's snapshots"
    if plan.ratio is not None:
        kind = "percentage" if plan.ratio[2] else "quotient"
        yield f"{kind}: sum of {plan.ratio[0].name} divided by sum of {plan.ratio[1].name}"
    for measure in plan.measures:
        yield f"measure: {_measure(measure)}"
    if plan.outputs:
        yield "columns: " + ", ".join(column.name for column in plan.outputs)
    if plan.groups:
        yield "for each: " + ", ".join(_group(group) for group in plan.groups)
    if plan.pivot is not None:
        yield f"as columns: the values of {plan.pivot.name}"
    for condition in plan.filters:
        yield f"only: {_condition(condition)}"
    for condition in plan.parts:
        yield f"share of: {_condition(condition)}"
    if plan.having:
        yield f"groups with a count {plan.having[0]} {plan.having[1]:g}"
    if plan.limit is not None:
        yield f"limit: {plan.limit}"
    if plan.version is not None or plan.moment is not None:
        yield f"as of: {plan.version or plan.moment}"


def explain(plan: Plan) -> str:
    """Explain a plan and its uncertainties in one paragraph."""
    text = "I understood " + "; ".join(points(plan)) + "."
    if plan.unused:
        text += (
            f" I did not use {', '.join(repr(word) for word in plan.unused)}, so check that the result is what you "
            "want."
        )
    return " ".join((text, *plan.doubts))


def ask_back(plan: Plan, model: Model) -> str:
    """Name the parts of a question that were not understood, and ask the user to clarify them."""
    columns = ", ".join(column.name for column in plan.scope[0].columns[:12])
    unused = ", ".join(repr(word) for word in plan.unused)
    known = f"I do not understand {unused}" if unused else "I cannot tell which table or column the question is about"
    tables = ", ".join(table.name for table in model.tables)
    return (
        f"{known}. Tables of the lab: {tables}. Columns of {plan.scope[0].name}: {columns}. "
        "Which tables or columns do you mean?"
    )


def _measure(measure: Measure) -> str:
    if measure.column is None:
        return "number of rows"
    kind = "number of different" if measure.distinct else _FUNCTIONS[measure.function]
    return f"{kind} {measure.column.name}"


def _group(group: Column | TimeGroup) -> str:
    return f"{group.unit} of {group.column.name}" if isinstance(group, TimeGroup) else group.name


def _condition(condition: Filter) -> str:
    name = condition.column.name
    match condition:
        case Values():
            return f"{name} {'is not' if condition.negated else 'is'} {' or '.join(condition.values)}"
        case Comparison():
            return f"{name} {condition.operator} {condition.number:g}"
        case Days():
            return f"{name} from {condition.first or 'the start'} to {condition.last or 'the end'}"
        case Recent():
            return f"{name} within the last {counted(condition.count, condition.unit)}"
        case Presence():
            return f"{name} is {'present' if condition.present else 'missing'}"
        case Flag():
            return f"{name} is {'true' if condition.true else 'false'}"
