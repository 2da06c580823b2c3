"""A parser for constants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local_lakehouse.sql.failures import MalformedQuery
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.tokens import Kind
from local_lakehouse.sql.grammar.tree import (
    Expression,
)

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.parser import Parser

_UNICODE_ESCAPE = re.compile(r"\\(\\|\+[0-9A-Fa-f]{6}|[0-9A-Fa-f]{4}|.|$)", re.DOTALL)
_LITERALS = {
    Kind.STRING: "varchar",
    Kind.UNICODE_STRING: "unicode",
    Kind.BINARY: "varbinary",
    Kind.INTEGER: "integer",
    Kind.DECIMAL: "double",
    Kind.DOUBLE: "double",
}
_NUMBERS = (Kind.INTEGER, Kind.DECIMAL, Kind.DOUBLE)
_INTERVAL_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")


class ConstantParser:
    """The parser for constants.

    Args:
        parser: The statement's parser.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._tokens = parser.tokens

    def constant(self) -> Expression:
        """Parse a string, binary or numeric constant."""
        mark = self._tokens.mark()
        sign = "-" if self._tokens.accept_symbol("-") else ""
        token = self._tokens.take()
        value = sign + (token.value.replace("_", "") if token.kind in _NUMBERS else token.value)
        kind = _LITERALS[token.kind]
        if kind == "unicode":
            return tree.Literal(
                "varchar", self.unicode(value), position=token.position, text=self._tokens.written(mark)
            )
        return tree.Literal(kind, value, position=self._tokens.place(mark), text=self._tokens.written(mark))

    def typed_literal_follows(self) -> bool:
        """Return whether a typed constant such as ``DATE '2024-12-17'`` follows."""
        if not self._tokens.at_name() or self._tokens.at("INTERVAL"):
            return False
        return self._tokens.peek().kind in (Kind.STRING, Kind.UNICODE_STRING) or (
            self._tokens.at("DOUBLE", "PRECISION") and self._tokens.peek(2).kind is Kind.STRING
        )

    def typed_literal(self) -> Expression:
        """Parse a typed constant."""
        mark = self._tokens.mark()
        name = self._tokens.take().text.lower()
        self._tokens.accept("PRECISION")
        value = self._tokens.string()
        return tree.TypedLiteral(name, value, position=self._tokens.place(mark), text=self._tokens.written(mark))

    def interval(self) -> Expression:
        """Parse an ``INTERVAL`` constant."""
        mark = self._tokens.mark()
        self._tokens.take()
        negative = self._tokens.accept_symbol("-")
        if not negative:
            self._tokens.accept_symbol("+")
        value = self._tokens.string()
        start = self._tokens.accept_any(*_INTERVAL_UNITS)
        if start is None:
            raise self._tokens.refuse("'DAY', 'HOUR', 'MINUTE', 'MONTH', 'SECOND', 'YEAR'")
        end = None
        if self._tokens.accept("TO"):
            end = self._tokens.accept_any(*_INTERVAL_UNITS)
        return tree.IntervalLiteral(
            value, negative, start, end, position=self._tokens.place(mark), text=self._tokens.written(mark)
        )

    def unicode(self, written: str) -> str:
        """Replace the Unicode escapes in a ``U&'…'`` constant."""
        escape = "\\"
        if self._tokens.accept("UESCAPE"):
            escape = self._tokens.string()
        if escape != "\\":
            written = written.replace("\\", "\\\\").replace(escape, "\\")

        def resolve(match: re.Match[str]) -> str:
            code = match.group(1)
            if code == "\\":
                return "\\"
            digits = code.removeprefix("+")
            if len(digits) not in (4, 6) or 0xD800 <= int(digits, 16) <= 0xDFFF or int(digits, 16) > 0x10FFFF:
                raise MalformedQuery(f"Invalid escaped character: {code}")
            return chr(int(digits, 16))

        return _UNICODE_ESCAPE.sub(resolve, written)
