"""Searches for parts of an expression, such as calls and column names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from local_lakehouse.sql.functions import registry
from local_lakehouse.sql.grammar import tree


def parts_in(node: object) -> Iterator[tree.Expression]:
    """Yield an expression and its subexpressions, except those inside subqueries."""
    if isinstance(node, tree.Query):
        return
    if isinstance(node, tree.Expression):
        yield node
    if isinstance(node, tuple):
        for part in node:
            yield from parts_in(part)
    elif isinstance(node, tree.Node) and is_dataclass(node):
        for field in fields(node):
            if field.name not in ("position", "text"):
                yield from parts_in(getattr(node, field.name))


def calls_in(node: object) -> Iterator[tree.Call]:
    """Yield the calls in an expression."""
    return (part for part in parts_in(node) if isinstance(part, tree.Call))


def columns_in(node: object) -> Iterator[tree.Column]:
    """Yield the unqualified names in an expression."""
    return (part for part in parts_in(node) if isinstance(part, tree.Column))


def aggregates_in(node: object) -> list[tree.Call]:
    """Return an expression's aggregates that are not used as window functions."""
    return [call for call in calls_in(node) if call.window is None and registry.is_aggregate(call.name)]


def windows_in(node: object) -> list[tree.Call]:
    """Return the calls with ``OVER`` in an expression."""
    return [call for call in calls_in(node) if call.window is not None]
