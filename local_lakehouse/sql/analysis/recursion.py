"""Checks on recursive references in common table expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TypeVar

from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree

_N = TypeVar("_N", bound=tree.Node)


def mentions(node: object, name: str) -> bool:
    """Return whether a part of a query refers to a table by its unqualified name."""
    return any(len(table.name) == 1 and table.name[0].key == name for table in _nodes(node, tree.Table))


def _nodes(node: object, kind: type[_N]) -> Iterator[_N]:
    if isinstance(node, kind):
        yield node
    if isinstance(node, tuple):
        for part in node:
            yield from _nodes(part, kind)
    elif isinstance(node, tree.Node):
        for field in fields(node):
            if field.name not in ("position", "text"):
                yield from _nodes(getattr(node, field.name), kind)


def check_recursion(common: tree.CommonTable) -> None:
    """Reject a recursive query that Trino does not support.

    Args:
        common: The common table expression.

    Raises:
        QueryFailure: The query is not supported (``NESTED_RECURSIVE`` or a similar error).
    """
    name, query = common.name.key, common.query
    if not mentions(query, name):
        return
    if any(inner.recursive for inner in _nodes(query, tree.Query)):
        raise QueryFailure("NESTED_RECURSIVE", "nested recursive WITH query", common.position)
    if query.common:
        raise QueryFailure("NOT_SUPPORTED", "immediate WITH clause in recursive query is not supported", query.position)
    if query.order:
        raise QueryFailure(
            "NOT_SUPPORTED", "immediate ORDER BY clause in recursive query is not supported", query.position
        )
    if query.offset is not None:
        raise QueryFailure(
            "NOT_SUPPORTED", "immediate OFFSET clause in recursive query is not supported", query.position
        )
    if query.limit is not None:
        raise QueryFailure("INVALID_LIMIT_CLAUSE", "immediate LIMIT clause in recursive query", query.position)
    if isinstance(query.body, tree.SetOperation):
        _check_step(query.body.right, name)


def _check_step(step: tree.Body, name: str) -> None:
    while isinstance(step, tree.NestedQuery):
        if step.query.limit is not None:
            raise QueryFailure(
                "INVALID_LIMIT_CLAUSE", "LIMIT clause in the step relation of recursive query", step.position
            )
        step = step.query.body
    if not isinstance(step, tree.Select):
        raise _invalid("recursive reference outside of FROM clause of the step relation of recursion", step)
    beside = (step.items, step.where, step.group, step.having, step.windows)
    if mentions(beside, name):
        raise _invalid("recursive reference outside of FROM clause of the step relation of recursion", step)
    for join in _nodes(step.source, tree.Join):
        preserved = {"LEFT": (join.right,), "RIGHT": (join.left,), "FULL": (join.left, join.right)}.get(join.kind, ())
        if mentions(preserved, name):
            raise _invalid(f"recursive reference on the optional side of a {join.kind} JOIN", join)
    for operation in _nodes(step.source, tree.SetOperation):
        if operation.operator != "UNION" and mentions(operation, name):
            raise _invalid(f"recursive reference in {operation.operator}", operation)


def _invalid(message: str, node: tree.Node) -> QueryFailure:
    return QueryFailure("INVALID_RECURSIVE_REFERENCE", message, node.position)
