"""Read expressions: what has a value, from ``OR`` down to names and constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.parser_calls import CallReader
from local_lakehouse.sql.grammar.tokens import Kind

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.tree import Expression

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
_TYPE_WORDS = frozenset(
    [
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "INT",
        "BIGINT",
        "REAL",
        "DOUBLE",
        "DECIMAL",
        "NUMERIC",
        "CHAR",
        "VARCHAR",
        "JSON",
        "DATE",
        "TIME",
        "TIMESTAMP",
        "UUID",
        "IPADDRESS",
    ]
)
_INTERVAL_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")


class ExpressionReader(CallReader):
    """Reads expressions."""

    def expression(self) -> Expression:
        """Read one expression."""
        return self._terms("OR", lambda: self._terms("AND", self._negation))

    def _terms(self, word: str, read: Callable[[], Expression]) -> Expression:
        mark = self.mark()
        terms = [read()]
        while self.accept(word):
            terms.append(read())
        if len(terms) == 1:
            return terms[0]
        return tree.Logical(word, tuple(terms), position=self.place(mark), text=self.written(mark))

    def _negation(self) -> Expression:
        mark = self.mark()
        if self.accept("NOT"):
            operand = self._negation()
            return tree.Not(operand, position=self.place(mark), text=self.written(mark))
        return self._predicate()

    def _predicate(self) -> Expression:
        mark = self.mark()
        operand = self.value()
        at = self.token.position
        if self.at_symbol(*_COMPARISONS):
            return self._comparison(mark, operand)
        if self.accept("IS"):
            return self._is(mark, operand)
        negated = self.at("NOT") and self.peek().upper in ("BETWEEN", "IN", "LIKE")
        if negated:
            self.take()
        found: Expression
        if self.accept("BETWEEN"):
            low = self.value()
            self.expect("AND")
            found = tree.Between(operand, low, self.value(), position=at, text=self.written(mark))
        elif self.accept("IN"):
            found = self._in(mark, operand)
        elif self.accept("LIKE"):
            pattern = self.value()
            escape = self.value() if self.accept("ESCAPE") else None
            found = tree.Like(operand, pattern, escape, position=at, text=self.written(mark))
        else:
            return operand
        return tree.Not(found, position=at, text=self.written(mark)) if negated else found

    def _comparison(self, mark: int, operand: Expression) -> Expression:
        token = self.take()
        operator = _COMPARISONS[token.text]
        quantifier = None
        if self.token.upper in ("ALL", "ANY", "SOME") and self.peek().text == "(":
            quantifier = self.accept_any("ALL", "ANY", "SOME")
        if quantifier:
            self.expect_symbol("(")
            query = self.query()
            self.expect_symbol(")")
            return tree.Quantified(
                operator, quantifier, operand, query, position=token.position, text=self.written(mark)
            )
        right = self.value()
        return tree.Comparison(operator, operand, right, position=token.position, text=self.written(mark))

    def _is(self, mark: int, operand: Expression) -> Expression:
        at = self._tokens[self.mark() - 1].position
        negated = self.accept("NOT")
        found: Expression
        if self.accept("NULL"):
            found = tree.IsNull(operand, position=at, text=self.written(mark))
        else:
            self.expect("DISTINCT", "FROM")
            found = tree.Comparison("IS DISTINCT FROM", operand, self.value(), position=at, text=self.written(mark))
        return tree.Not(found, position=at, text=self.written(mark)) if negated else found

    def _in(self, mark: int, operand: Expression) -> Expression:
        at = self._tokens[self.mark() - 1].position
        self.expect_symbol("(")
        if self.at_query():
            query = self.query()
            self.expect_symbol(")")
            return tree.InQuery(operand, query, position=at, text=self.written(mark))
        items = self._list(")")
        return tree.InList(operand, items, position=at, text=self.written(mark))

    def _list(self, closing: str) -> tuple[Expression, ...]:
        items = [self.expression()]
        while self.accept_symbol(","):
            items.append(self.expression())
        self.expect_symbol(closing)
        return tuple(items)

    def value(self) -> Expression:
        """Read a value: arithmetic and ``||``, but no comparison."""
        return self._operators(("||",), lambda: self._operators(("+", "-"), self._product))

    def _product(self) -> Expression:
        return self._operators(("*", "/", "%"), self._signed)

    def _operators(self, symbols: tuple[str, ...], read: Callable[[], Expression]) -> Expression:
        mark = self.mark()
        left = read()
        while self.at_symbol(*symbols):
            token = self.take()
            right = read()
            left = tree.Binary(token.text, left, right, position=token.position, text=self.written(mark))
        return left

    def _signed(self) -> Expression:
        mark = self.mark()
        if self.at_symbol("-", "+") and not (self.at_symbol("-") and self.peek().kind in _NUMBERS):
            operator = self.take().text
            operand = self._signed()
            return tree.Unary(operator, operand, position=self.place(mark), text=self.written(mark))
        found = self._primary()
        while self.at("AT", "TIME", "ZONE"):
            at = self.token.position
            self.expect("AT", "TIME", "ZONE")
            found = tree.AtTimeZone(found, self._primary(), position=at, text=self.written(mark))
        return found

    def _primary(self) -> Expression:
        mark = self.mark()
        found = self._simple()
        while True:
            if self.at_symbol("["):
                self.take()
                index = self.value()
                self.expect_symbol("]")
                found = tree.Subscript(found, index, position=self.place(mark), text=self.written(mark))
            elif self.at_symbol(".") and not isinstance(found, tree.Literal):
                self.take()
                found = tree.Dereference(found, self.name(), position=self.place(mark), text=self.written(mark))
            else:
                return found

    def _simple(self) -> Expression:
        mark = self.mark()
        token = self.token
        if token.kind in _LITERALS or (self.at_symbol("-") and self.peek().kind in _NUMBERS):
            return self._constant()
        if self.accept_symbol("?"):
            self.parameters += 1
            return tree.Parameter(self.parameters - 1, position=token.position, text="?")
        if self.at_symbol("("):
            return self._parenthesis()
        if token.upper in ("TRUE", "FALSE"):
            self.take()
            return tree.Literal("boolean", token.text.lower(), position=token.position, text=token.text)
        if self.accept("NULL"):
            return tree.Literal("null", "", position=token.position, text=token.text)
        if token.upper in _TYPE_WORDS and self._typed_literal_follows():
            return self._typed_literal()
        if token.upper == "INTERVAL" and (self.peek().kind is Kind.STRING or self.peek().text in ("-", "+")):
            return self._interval()
        special = self.special_form()
        if special is not None:
            return special
        if self._lambda_follows():
            return self._lambda(mark)
        if not self.at_name():
            self.refuse()
        return self.name_or_call()

    def _constant(self) -> Expression:
        mark = self.mark()
        sign = "-" if self.accept_symbol("-") else ""
        token = self.take()
        value = sign + (token.value.replace("_", "") if token.kind in _NUMBERS else token.value)
        kind = _LITERALS[token.kind]
        if kind == "unicode":
            return tree.Literal("varchar", self.unicode(value), position=token.position, text=self.written(mark))
        return tree.Literal(kind, value, position=self.place(mark), text=self.written(mark))

    def _typed_literal_follows(self) -> bool:
        return self.peek().kind in (Kind.STRING, Kind.UNICODE_STRING) or (
            self.at("DOUBLE", "PRECISION") and self.peek(2).kind is Kind.STRING
        )

    def _typed_literal(self) -> Expression:
        mark = self.mark()
        name = self.take().text.lower()
        self.accept("PRECISION")
        value = self.string()
        return tree.TypedLiteral(name, value, position=self.place(mark), text=self.written(mark))

    def _interval(self) -> Expression:
        mark = self.mark()
        self.take()
        negative = self.accept_symbol("-")
        if not negative:
            self.accept_symbol("+")
        value = self.string()
        start = self.accept_any(*_INTERVAL_UNITS)
        if start is None:
            raise self.refuse("'DAY', 'HOUR', 'MINUTE', 'MONTH', 'SECOND', 'YEAR'")
        end = None
        if self.accept("TO"):
            end = self.accept_any(*_INTERVAL_UNITS)
        return tree.IntervalLiteral(value, negative, start, end, position=self.place(mark), text=self.written(mark))

    def _parenthesis(self) -> Expression:
        mark = self.mark()
        if self._lambda_follows():
            return self._lambda(mark)
        self.take()
        if self.at_query():
            query = self.query()
            self.expect_symbol(")")
            return tree.ScalarQuery(query, position=self.place(mark), text=self.written(mark))
        items = [self.expression()]
        while self.accept_symbol(","):
            items.append(self.expression())
        self.expect_symbol(")")
        if len(items) == 1:
            return items[0]
        return tree.Row(tuple(items), position=self.place(mark), text=self.written(mark))

    def _lambda_follows(self) -> bool:
        if self.at_name():
            return self.peek().text == "->"
        distance = 1
        while self.peek(distance).kind in (Kind.WORD, Kind.QUOTED):
            distance += 1
            if self.peek(distance).text != ",":
                break
            distance += 1
        return self.at_symbol("(") and self.peek(distance).text == ")" and self.peek(distance + 1).text == "->"

    def _lambda(self, mark: int) -> Expression:
        if self.at_symbol("("):
            self.take()
            names = []
            while not self.accept_symbol(")"):
                names.append(self.name())
                self.accept_symbol(",")
        else:
            names = [self.name()]
        self.expect_symbol("->")
        body = self.expression()
        return tree.Lambda(tuple(names), body, position=self.place(mark), text=self.written(mark))
