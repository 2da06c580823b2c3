"""Single-column conditions in ``WHERE``, which allow scans to skip files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.session import Condition, Source
from local_lakehouse.sql.analysis.typed import Typed
from local_lakehouse.sql.grammar import tree

# Timestamp constants in this format have the same order in Iceberg and Athena.
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?: (?P<time>\d\d:\d\d:\d\d(?:\.\d{1,6})?))?\s*(?P<zone>UTC|Z|[+-]\d\d:\d\d)?"
)
# To find partitions, PyIceberg computes the day before or after a constant, and this day must also be a valid date.
_EDGES = ("0001-01-01", "9999-12-31")
_FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

Analyze = Callable[[tree.Expression], Typed]


def note_conditions(where: tree.Expression, analyze: Analyze, sources: Mapping[str, Source]) -> None:
    """Record the conditions on a query's tables. Scans can skip rows that do not satisfy the conditions.

    Args:
        where: The ``WHERE`` condition of the query.
        analyze: A function that analyzes a part of the condition.
        sources: The tables, keyed by their names in DuckDB.
    """
    for term in _terms(where):
        for column, operator, constants in _comparisons(term):
            known = analyze(column)
            relation, _, name = known.sql.partition(".")
            values = tuple(_value(known, analyze(constant), constant) for constant in constants)
            if relation in sources and known.facts.reads == {known.sql} and None not in values:
                sources[relation].conditions.append(Condition(name, operator, values))


def _terms(node: tree.Expression) -> Iterator[tree.Expression]:
    if isinstance(node, tree.Logical) and node.operator == "AND":
        for term in node.terms:
            yield from _terms(term)
    else:
        yield node


def _comparisons(node: tree.Expression) -> Iterator[tuple[tree.Expression, str, tuple[tree.Expression, ...]]]:
    """Yield the comparisons of a column with constants that a condition implies."""
    if isinstance(node, tree.Comparison) and node.operator in _FLIPPED:
        if _is_name(node.left) and _is_constant(node.right):
            yield node.left, node.operator, (node.right,)
        elif _is_name(node.right) and _is_constant(node.left):
            yield node.right, _FLIPPED[node.operator], (node.left,)
    elif isinstance(node, tree.Between) and _is_name(node.operand):
        if _is_constant(node.low):
            yield node.operand, ">=", (node.low,)
        if _is_constant(node.high):
            yield node.operand, "<=", (node.high,)
    elif isinstance(node, tree.InList) and _is_name(node.operand) and all(map(_is_constant, node.items)):
        yield node.operand, "IN", node.items


def _is_name(node: tree.Expression) -> bool:
    return isinstance(node, tree.Column | tree.Dereference)


def _is_constant(node: tree.Expression) -> bool:
    return isinstance(node, tree.Literal | tree.TypedLiteral)


def _value(column: Typed, constant: Typed, node: tree.Expression) -> object:
    """Return a constant for a comparison in Iceberg, or None if Iceberg's result might differ from Athena's result."""
    if column.type.name.startswith("timestamp") and isinstance(node, tree.TypedLiteral):
        return _moment(node.value, zoned=column.type.name != "timestamp") if node.type_name == "timestamp" else None
    text = constant.literal
    if text is None:
        return None
    if column.type.name == "varchar" and constant.type.name == "varchar":
        return text
    if types.is_integer(column.type) and types.is_integer(constant.type):
        return int(text)
    if column.type.name == "double" and (constant.type.name == "double" or types.is_integer(constant.type)):
        return float(text)
    if column.type.name == constant.type.name == "date":
        return None if text in _EDGES else date.fromisoformat(text)
    if column.type.name == constant.type.name == "boolean":
        return text == "true"
    return None


def _moment(text: str, *, zoned: bool) -> str | None:
    """Format a timestamp for Iceberg, or return None if Iceberg cannot use it.

    A timestamp without a zone is in Athena's time zone, which is UTC.
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None or (match["zone"] and not zoned):
        return None
    if match["day"] in _EDGES:
        return None
    moment = f"{match['day']}T{match['time'] or '00:00:00'}"
    offset = match["zone"] if match["zone"] not in (None, "UTC", "Z") else "+00:00"
    return moment + offset if zoned else moment
