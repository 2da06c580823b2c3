"""Syntax tree nodes for JSON functions with special syntax."""

from __future__ import annotations

from dataclasses import dataclass

from local_lakehouse.sql.grammar.tree import Expression
from local_lakehouse.sql.types import Type


@dataclass(frozen=True)
class JsonInput(Expression):
    """An input value of a JSON function.

    Args:
        value: The value.
        encoding: The encoding in the ``FORMAT JSON`` clause. It is empty if the clause does not specify an encoding,
            and None if there is no clause.
    """

    value: Expression
    encoding: str | None = None


@dataclass(frozen=True)
class JsonOutput:
    """A clause such as ``RETURNING type FORMAT JSON ENCODING …``."""

    type: Type
    encoding: str | None = None


@dataclass(frozen=True)
class JsonPathCall(Expression):
    """A call to ``json_value``, ``json_query`` or ``json_exists``, with its clauses."""

    name: str
    operand: JsonInput
    path: str
    parameters: tuple[tuple[str, JsonInput], ...]
    returning: JsonOutput | None
    options: tuple[tuple[str, str], ...]
    defaults: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class JsonObject(Expression):
    """A call such as ``json_object('k' : v)``."""

    members: tuple[tuple[Expression, JsonInput], ...]
    null_on_null: bool
    unique_keys: bool
    returning: JsonOutput | None


@dataclass(frozen=True)
class JsonArray(Expression):
    """A call such as ``json_array(a, b)``."""

    items: tuple[JsonInput, ...]
    null_on_null: bool
    returning: JsonOutput | None
