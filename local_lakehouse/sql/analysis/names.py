"""Analysis of names, row fields and subscripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.maps import has_value_at, value_at
from local_lakehouse.sql.analysis.scope import Scope, dotted
from local_lakehouse.sql.analysis.typed import Typed, coerce, derive
from local_lakehouse.sql.analysis.value_texts import text_of
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.tree import Expression
from local_lakehouse.sql.types import common_type

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


class Names:
    """The analyzer for names, row fields and subscripts.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def column(self, node: tree.Column, scope: Scope) -> Typed:
        """Analyze an unqualified name."""
        return self._named((node.name.key,), node, scope)

    def _named(self, names: tuple[str, ...], node: Expression, scope: Scope) -> Typed:
        if len(names) == 1 and names[0] in scope.arguments:
            return scope.arguments[names[0]]
        if len(names) == 1 and names[0] in scope.aliases:
            meanings = scope.aliases[names[0]]
            if len({meaning.sql for meaning in meanings}) > 1:
                raise QueryFailure("AMBIGUOUS_NAME", f"Column '{names[0]}' is ambiguous", node.position)
            return meanings[0]
        found = scope.resolve(names, node.position)
        if found is None:
            written = ".".join(names)
            raise QueryFailure(
                "COLUMN_NOT_FOUND",
                f"Column '{written}' cannot be resolved or requester is not authorized to access requested resources",
                node.position,
            )
        return found[0].value

    def dereference(self, node: tree.Dereference, scope: Scope) -> Typed:
        """Analyze ``base.name``, which is a column or a row field."""
        names = dotted(node)
        if names and names[0] not in scope.arguments:
            found = scope.resolve(names, node.position)
            if found is not None:
                return found[0].value
            if not self.begins_with_column(node, scope):
                return self._named(names, node, scope)
        base = self._analysis.expression(node.base, scope)
        if base.type.name != "row":
            raise QueryFailure("TYPE_MISMATCH", f"Expression {node.base.text} is not of type ROW", node.base.position)
        return self._field(base, node.name.key, node.position)

    def begins_with_column(self, node: Expression, scope: Scope) -> bool:
        """Return whether a name such as ``a.b.c`` starts with a column's name and continues with row fields."""
        if not isinstance(node, tree.Dereference):
            return False
        base: Expression = node.base
        while True:
            names = dotted(base)
            if names and (names[0] in scope.aliases or scope.resolve(names, base.position)):
                return True
            if not isinstance(base, tree.Dereference):
                return False
            base = base.base

    def _field(self, base: Typed, name: str, position: Position) -> Typed:
        matches = [index for index, field in enumerate(base.type.fields) if field and field.lower() == name]
        if not matches:
            raise QueryFailure(
                "COLUMN_NOT_FOUND",
                f"Column '{name}' cannot be resolved or requester is not authorized to access requested resources",
                position,
            )
        if len(matches) > 1:
            raise QueryFailure("AMBIGUOUS_NAME", f"Column '{name}' is ambiguous", position)
        return derive(f"({base.sql}).f{matches[0]}", base.type.children[matches[0]], base)

    def subscript(self, node: tree.Subscript, scope: Scope) -> Typed:
        """Analyze ``base[index]``."""
        base, index = self._analysis.expression(node.base, scope), self._analysis.expression(node.index, scope)
        if base.type.name == "row":
            return self._field_by_number(base, index, node)
        if base.type.name == "map":
            wanted = common_type(index.type, base.type.key)
            if wanted is not None:
                key = coerce(index, base.type.key)
                value = f"{has_value_at(base, key)}, {value_at(base, key)}"
                sql = f"athena_map_get({base.sql}, {key.sql}, {value}, {text_of(key.sql, key.type)})"
                return derive(sql, base.type.value, base, index, fails=True)
        if base.type.name == "array" and (types.is_integer(index.type) or index.type == types.UNKNOWN):
            sql = f"athena_subscript({base.sql}, {coerce(index, types.BIGINT).sql})"
            return derive(sql, base.type.element, base, index, fails=True)
        raise QueryFailure(
            "TYPE_MISMATCH", f"Cannot use {index.type} for subscript of {base.type}", node.index.position
        )

    def _field_by_number(self, base: Typed, index: Typed, node: tree.Subscript) -> Typed:
        if index.literal is None or not types.is_integer(index.type):
            raise QueryFailure(
                "EXPRESSION_NOT_CONSTANT", "Subscript expression on ROW requires a constant index", node.index.position
            )
        number = int(index.literal)
        if not 1 <= number <= len(base.type.children):
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT",
                f"Invalid subscript index: {number}. ROW indices start at 1"
                if number < 1
                else f"Subscript index out of bounds: {number}, max value is {len(base.type.children)}",
                node.index.position,
            )
        return derive(f"({base.sql}).f{number - 1}", base.type.children[number - 1], base)
