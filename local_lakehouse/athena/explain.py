"""The output of ``EXPLAIN``, a query plan in Athena's format.

https://docs.aws.amazon.com/athena/latest/ug/athena-explain-statement-understanding.html

The plan follows the clauses of the statement, not the operator order that Athena's cost-based optimizer chooses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from local_lakehouse.athena.context import Context
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.analysis.calls_in import aggregates_in, windows_in
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar import tree


@dataclass
class Plan:
    """An operator of a plan, with its inputs."""

    name: str
    descriptor: dict[str, str] = field(default_factory=dict)
    children: list[Plan] = field(default_factory=list)


def explain_query(statement: nodes.Statement, explained: nodes.Explain, context: Context) -> list[str]:
    """Return the lines of a statement's plan. ``EXPLAIN ANALYZE`` also runs the statement.

    Args:
        statement: The statement.
        explained: The options of ``EXPLAIN``, such as the plan's format.
        context: The context of the statement's execution.

    Raises:
        QueryFailure: The statement is not valid.
    """
    query: tree.Query = statement.query  # type: ignore[attr-defined]
    compiled = compile_query(query, context.session(context.tables()))
    names = [column.name or f"_col{index}" for index, column in enumerate(compiled.columns)]
    outputs = [f"{name}:{column.type}" for name, column in zip(names, compiled.columns, strict=False)]
    plan = Plan("Output", {"columnNames": f"[{', '.join(names)}]"}, [_query(query)])
    if explained.analyze:
        context.query(query)
    if explained.format == "JSON":
        return json.dumps(_document(plan), indent=2).splitlines()
    if explained.format == "GRAPHVIZ":
        return list(_graph(plan))
    head = [] if explained.kind == "LOGICAL" else ["Fragment 0 [SINGLE]"]
    indent = "    " if head else ""
    lines = [*head, f"{indent}Output layout: [{', '.join(outputs)}]"] if head else []
    return [*lines, *_lines(plan, indent)]


def _lines(plan: Plan, indent: str) -> Iterator[str]:
    details = ", ".join(f"{key} = {value}" for key, value in plan.descriptor.items())
    yield f"{indent}{'- ' if indent.strip() or len(indent) > 4 else ''}{plan.name}[{details}]"
    for child in plan.children:
        yield from _lines(child, indent + "    ")


def _document(plan: Plan, number: int = 0) -> dict[str, Any]:
    return {
        "id": str(number),
        "name": plan.name,
        "descriptor": plan.descriptor,
        "children": [_document(child, number + index + 1) for index, child in enumerate(plan.children)],
    }


def _graph(plan: Plan) -> Iterator[str]:
    yield "digraph logical_plan {"
    counter = iter(range(10**6))

    def walk(one: Plan) -> Iterator[str]:
        mine = next(counter)
        label = one.name + "".join(f"|{key} = {value}" for key, value in one.descriptor.items()).replace('"', "'")
        yield f'plannode_{mine}[label="{{{label}}}", shape=record];'
        for child in one.children:
            below = list(walk(child))
            yield from below
            match = re.match(r"plannode_(\d+)", below[0])
            yield f"plannode_{mine} -> plannode_{match.group(1) if match else 0};"

    yield from walk(plan)
    yield "}"


def _query(query: tree.Query) -> Plan:
    plan = _body(query.body)
    order = ", ".join(item.text for item in query.order)
    limit = query.limit.text if query.limit else ""
    if order and limit:
        return Plan("TopN", {"count": limit, "orderBy": f"[{order}]"}, [plan])
    if order:
        return Plan("Sort", {"orderBy": f"[{order}]"}, [plan])
    return Plan("Limit", {"count": limit}, [plan]) if limit else plan


def _body(body: tree.Body) -> Plan:
    if isinstance(body, tree.Select):
        return _select(body)
    if isinstance(body, tree.SetOperation):
        name = {"UNION": "Union", "INTERSECT": "Intersect", "EXCEPT": "Except"}[body.operator]
        plan = Plan(name, {}, [_body(body.left), _body(body.right)])
        return Plan("Aggregate", {"keys": "distinct"}, [plan]) if body.distinct else plan
    if isinstance(body, tree.NestedQuery):
        return _query(body.query)
    if isinstance(body, tree.TableBody):
        return _relation(body.table)
    return Plan("Values")


def _select(select: tree.Select) -> Plan:
    plan = _relation(select.source) if select.source else Plan("Values")
    if select.where is not None:
        plan = Plan("Filter", {"filterPredicate": select.where.text}, [plan])
    if select.group is not None or aggregates_in((select.items, select.having)):
        keys = [
            entry.text
            for element in (select.group.elements if select.group else ())
            for part in element.sets
            for entry in part
        ]
        plan = Plan("Aggregate", {"type": "FINAL", "keys": f"[{', '.join(keys)}]"}, [plan])
    if select.having is not None:
        plan = Plan("Filter", {"filterPredicate": select.having.text}, [plan])
    if windows_in(select.items):
        plan = Plan("Window", {}, [plan])
    plan = Plan("Project", {"expressions": f"[{', '.join(item.text for item in select.items)}]"}, [plan])
    return Plan("Aggregate", {"keys": "distinct"}, [plan]) if select.distinct else plan


def _relation(relation: tree.Relation) -> Plan:
    if isinstance(relation, tree.Table):
        return Plan("TableScan", {"table": relation.text or ".".join(name.value for name in relation.name)})
    if isinstance(relation, tree.SubqueryRelation | tree.Lateral):
        return _query(relation.query)
    if isinstance(relation, tree.Aliased | tree.Sampled):
        return _relation(relation.relation)
    if isinstance(relation, tree.Join):
        name = {"CROSS": "CrossJoin", "INNER": "InnerJoin"}.get(relation.kind, f"{relation.kind.title()}Join")
        criteria = {"criteria": relation.condition.text} if relation.condition else {}
        return Plan(name, criteria, [_relation(relation.left), _relation(relation.right)])
    return Plan("Unnest")
