"""A parser for names and function calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql.failures import MalformedQuery
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.tree import (
    Expression,
    SortItem,
)

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.parser import Parser


# These functions have their own nodes in Trino's syntax tree, which have no place for other clauses.
_FORMS = ("if", "nullif", "coalesce", "try", "format")


class CallParser:
    """The parser for names and function calls.

    Args:
        parser: The statement's parser.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._tokens = parser.tokens

    def name_or_call(self) -> Expression:
        """Parse a column name or a function call."""
        mark = self._tokens.mark()
        name = self._tokens.name()
        if not self._tokens.at_symbol("("):
            return tree.Column(name, position=self._tokens.place(mark), text=self._tokens.written(mark))
        return self.call(mark, name.key)

    def call(self, mark: int, name: str) -> Expression:
        """Parse a function call, starting at its opening parenthesis."""
        self._tokens.expect_symbol("(")
        if self._tokens.accept_symbol("*"):
            self._tokens.expect_symbol(")")
            return self._finish_call(mark, name, (), star=True)
        distinct = self._tokens.accept("DISTINCT")
        if not distinct:
            self._tokens.accept("ALL")
        arguments = []
        if not self._tokens.at_symbol(")") and not self._tokens.at("ORDER", "BY"):
            arguments.append(self._parser.expression())
            while self._tokens.accept_symbol(","):
                arguments.append(self._parser.expression())
        order = self._parser.windows.sort_items() if self._tokens.accept_by("ORDER") else ()
        self._tokens.expect_symbol(")")
        return self._finish_call(mark, name, tuple(arguments), distinct=distinct, order=order)

    def _finish_call(
        self,
        mark: int,
        name: str,
        arguments: tuple[Expression, ...],
        *,
        distinct: bool = False,
        order: tuple[SortItem, ...] = (),
        star: bool = False,
    ) -> Expression:
        condition = self.filter()
        nulls = None
        if self._tokens.token.upper in ("IGNORE", "RESPECT") and self._tokens.peek().upper == "NULLS":
            nulls = self._tokens.take().upper
            self._tokens.take()
            if not self._tokens.at("OVER"):
                self._tokens.refuse("'OVER'")
        window = self._parser.windows.window() if self._tokens.accept("OVER") else None
        if name in _FORMS:
            clauses = {"OVER clause": window is not None, "DISTINCT": distinct, "FILTER": condition is not None}
            for clause, given in clauses.items():
                if given:
                    raise MalformedQuery(f"{clause} not valid for '{name}' function", self._tokens.place(mark))
        return tree.Call(
            name,
            arguments,
            distinct,
            order,
            condition,
            window,
            nulls,
            star,
            position=self._tokens.place(mark),
            text=self._tokens.written(mark),
        )

    def filter(self) -> Expression | None:
        """Parse an optional filter clause of an aggregate, and return its condition or None."""
        if not (self._tokens.at("FILTER") and self._tokens.peek().text == "("):
            return None
        self._tokens.take()
        self._tokens.expect_symbol("(")
        self._tokens.expect("WHERE")
        condition = self._parser.expression()
        self._tokens.expect_symbol(")")
        return condition
