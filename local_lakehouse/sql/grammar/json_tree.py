"""The JSON functions that have a grammar of their own."""

from __future__ import annotations

from dataclasses import dataclass

from local_lakehouse.sql.grammar.tree import Expression
from local_lakehouse.sql.types import Type


@dataclass(frozen=True)
class JsonPathCall(Expression):
    """``json_value``, ``json_query`` or ``json_exists``, with the clauses that only they have."""

    name: str
    operand: Expression
    path: str
    returning: Type | None
    options: tuple[tuple[str, str], ...]
    defaults: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class JsonObject(Expression):
    """``json_object('k' : v)``."""

    members: tuple[tuple[Expression, Expression], ...]
    null_on_null: bool


@dataclass(frozen=True)
class JsonArray(Expression):
    """``json_array(a, b)``."""

    items: tuple[Expression, ...]
    null_on_null: bool
