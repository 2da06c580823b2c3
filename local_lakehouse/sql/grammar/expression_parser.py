"""A parser for expressions, from ``OR`` down to names and constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.tokens import Kind
from local_lakehouse.sql.grammar.tree import (
    Expression,
)

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.parser import Parser

_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_LITERALS = {
    Kind.STRING: "varchar",
    Kind.UNICODE_STRING: "unicode",
    Kind.BINARY: "varbinary",
    Kind.INTEGER: "integer",
    Kind.DECIMAL: "double",
    Kind.DOUBLE: "double",
}
_NUMBERS = (Kind.INTEGER, Kind.DECIMAL, Kind.DOUBLE)


class ExpressionParser:
    """The parser for expressions, from ``OR`` down to names and constants.

    Args:
        parser: The statement's parser.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._tokens = parser.tokens

    def expression(self) -> Expression:
        """Parse one expression."""
        return self._terms("OR", lambda: self._terms("AND", self._negation))

    def _terms(self, word: str, read: Callable[[], Expression]) -> Expression:
        mark = self._tokens.mark()
        terms = [read()]
        while self._tokens.accept(word):
            terms.append(read())
        if len(terms) == 1:
            return terms[0]
        return tree.Logical(word, tuple(terms), position=self._tokens.place(mark), text=self._tokens.written(mark))

    def _negation(self) -> Expression:
        mark = self._tokens.mark()
        if self._tokens.accept("NOT"):
            operand = self._negation()
            return tree.Not(operand, position=self._tokens.place(mark), text=self._tokens.written(mark))
        return self._predicate()

    def _predicate(self) -> Expression:
        mark = self._tokens.mark()
        operand = self.value()
        at = self._tokens.token.position
        if self._tokens.at_symbol(*_COMPARISONS):
            return self._comparison(mark, operand)
        if self._tokens.accept("IS"):
            return self._is(mark, operand)
        negated = self._tokens.at("NOT") and self._tokens.peek().upper in ("BETWEEN", "IN", "LIKE")
        if negated:
            self._tokens.take()
        found: Expression
        if self._tokens.accept("BETWEEN"):
            low = self.value()
            self._tokens.expect("AND")
            found = tree.Between(operand, low, self.value(), position=at, text=self._tokens.written(mark))
        elif self._tokens.accept("IN"):
            found = self._in(mark, operand)
        elif self._tokens.accept("LIKE"):
            pattern = self.value()
            escape = self.value() if self._tokens.accept("ESCAPE") else None
            found = tree.Like(operand, pattern, escape, position=at, text=self._tokens.written(mark))
        else:
            return operand
        return tree.Not(found, position=at, text=self._tokens.written(mark)) if negated else found

    def _comparison(self, mark: int, operand: Expression) -> Expression:
        token = self._tokens.take()
        operator = _COMPARISONS[token.text]
        quantifier = None
        if self._tokens.token.upper in ("ALL", "ANY", "SOME") and self._tokens.peek().text == "(":
            quantifier = self._tokens.accept_any("ALL", "ANY", "SOME")
        if quantifier:
            self._tokens.expect_symbol("(")
            query = self._parser.query()
            self._tokens.expect_symbol(")")
            return tree.Quantified(
                operator, quantifier, operand, query, position=token.position, text=self._tokens.written(mark)
            )
        right = self.value()
        return tree.Comparison(operator, operand, right, position=token.position, text=self._tokens.written(mark))

    def _is(self, mark: int, operand: Expression) -> Expression:
        at = self._tokens.token_at(self._tokens.mark() - 1).position
        negated = self._tokens.accept("NOT")
        found: Expression
        if self._tokens.accept("NULL"):
            found = tree.IsNull(operand, position=at, text=self._tokens.written(mark))
        else:
            self._tokens.expect("DISTINCT", "FROM")
            found = tree.Comparison(
                "IS DISTINCT FROM", operand, self.value(), position=at, text=self._tokens.written(mark)
            )
        return tree.Not(found, position=at, text=self._tokens.written(mark)) if negated else found

    def _in(self, mark: int, operand: Expression) -> Expression:
        at = self._tokens.token_at(self._tokens.mark() - 1).position
        self._tokens.expect_symbol("(")
        if self._parser.at_query():
            query = self._parser.query()
            self._tokens.expect_symbol(")")
            return tree.InQuery(operand, query, position=at, text=self._tokens.written(mark))
        items = self.items_until(")")
        return tree.InList(operand, items, position=at, text=self._tokens.written(mark))

    def items_until(self, closing: str) -> tuple[Expression, ...]:
        """Parse comma-separated expressions and the closing symbol."""
        items = [self.expression()]
        while self._tokens.accept_symbol(","):
            items.append(self.expression())
        self._tokens.expect_symbol(closing)
        return tuple(items)

    def value(self) -> Expression:
        """Parse a value, which can contain arithmetic and ``||`` but no comparison."""
        return self._operators(("||",), lambda: self._operators(("+", "-"), self._product))

    def _product(self) -> Expression:
        return self._operators(("*", "/", "%"), self._signed)

    def _operators(self, symbols: tuple[str, ...], read: Callable[[], Expression]) -> Expression:
        mark = self._tokens.mark()
        left = read()
        while self._tokens.at_symbol(*symbols):
            token = self._tokens.take()
            right = read()
            left = tree.Binary(token.text, left, right, position=token.position, text=self._tokens.written(mark))
        return left

    def _signed(self) -> Expression:
        mark = self._tokens.mark()
        if self._tokens.at_symbol("-", "+") and not (
            self._tokens.at_symbol("-") and self._tokens.peek().kind in _NUMBERS
        ):
            operator = self._tokens.take().text
            operand = self._signed()
            return tree.Unary(operator, operand, position=self._tokens.place(mark), text=self._tokens.written(mark))
        found = self._primary()
        while self._tokens.at("AT", "TIME", "ZONE"):
            at = self._tokens.token.position
            self._tokens.expect("AT", "TIME", "ZONE")
            found = tree.AtTimeZone(found, self._primary(), position=at, text=self._tokens.written(mark))
        return found

    def _primary(self) -> Expression:
        mark = self._tokens.mark()
        found = self._simple()
        while True:
            if self._tokens.at_symbol("["):
                self._tokens.take()
                index = self.value()
                self._tokens.expect_symbol("]")
                found = tree.Subscript(found, index, position=self._tokens.place(mark), text=self._tokens.written(mark))
            elif (
                self._tokens.at_symbol(".") and self._tokens.peek().text != "*" and not isinstance(found, tree.Literal)
            ):
                self._tokens.take()
                found = tree.Dereference(
                    found, self._tokens.name(), position=self._tokens.place(mark), text=self._tokens.written(mark)
                )
                if self._tokens.at_symbol("(") and (name := _dotted(found)):
                    found = self._parser.calls.call(mark, name)
            else:
                return found

    def _simple(self) -> Expression:
        mark = self._tokens.mark()
        token = self._tokens.token
        if token.kind in _LITERALS or (self._tokens.at_symbol("-") and self._tokens.peek().kind in _NUMBERS):
            return self._parser.constants.constant()
        if self._tokens.accept_symbol("?"):
            return tree.Parameter(self._tokens.next_parameter(), position=token.position, text="?")
        if self._tokens.at_symbol("("):
            return self._parenthesis()
        if token.upper in ("TRUE", "FALSE"):
            self._tokens.take()
            return tree.Literal("boolean", token.text.lower(), position=token.position, text=token.text)
        if self._tokens.accept("NULL"):
            return tree.Literal("null", "", position=token.position, text=token.text)
        if self._parser.constants.typed_literal_follows():
            return self._parser.constants.typed_literal()
        if token.upper == "INTERVAL" and (
            self._tokens.peek().kind is Kind.STRING or self._tokens.peek().text in ("-", "+")
        ):
            return self._parser.constants.interval()
        special = self._parser.forms.special_form()
        if special is not None:
            return special
        if self._lambda_follows():
            return self._lambda(mark)
        if not self._tokens.at_name():
            self._tokens.refuse()
        return self._parser.calls.name_or_call()

    def _parenthesis(self) -> Expression:
        mark = self._tokens.mark()
        if self._lambda_follows():
            return self._lambda(mark)
        self._tokens.take()
        if self._parser.at_query():
            query = self._parser.query()
            self._tokens.expect_symbol(")")
            return tree.ScalarQuery(query, position=self._tokens.place(mark), text=self._tokens.written(mark))
        items = [self.expression()]
        while self._tokens.accept_symbol(","):
            items.append(self.expression())
        self._tokens.expect_symbol(")")
        if len(items) == 1:
            return items[0]
        return tree.Row(tuple(items), position=self._tokens.place(mark), text=self._tokens.written(mark))

    def _lambda_follows(self) -> bool:
        if self._tokens.at_name():
            return self._tokens.peek().text == "->"
        distance = 1
        while self._tokens.peek(distance).kind in (Kind.WORD, Kind.QUOTED):
            distance += 1
            if self._tokens.peek(distance).text != ",":
                break
            distance += 1
        return (
            self._tokens.at_symbol("(")
            and self._tokens.peek(distance).text == ")"
            and self._tokens.peek(distance + 1).text == "->"
        )

    def _lambda(self, mark: int) -> Expression:
        if self._tokens.at_symbol("("):
            self._tokens.take()
            names = []
            while not self._tokens.accept_symbol(")"):
                names.append(self._tokens.name())
                self._tokens.accept_symbol(",")
        else:
            names = [self._tokens.name()]
        self._tokens.expect_symbol("->")
        body = self.expression()
        return tree.Lambda(tuple(names), body, position=self._tokens.place(mark), text=self._tokens.written(mark))


def _dotted(node: Expression) -> str | None:
    """Return the dotted name of an expression such as ``a.b.c``, or None for other expressions."""
    if isinstance(node, tree.Column):
        return node.name.key
    if isinstance(node, tree.Dereference):
        base = _dotted(node.base)
        return base and f"{base}.{node.name.key}"
    return None
