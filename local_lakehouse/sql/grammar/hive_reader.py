"""A token reader for Hive statements, with the names, strings, types and lists that the statements share.

Names in Hive statements are unquoted or in backticks. Only the view name in ``SHOW CREATE VIEW`` can be in double
quotes, because Athena parses that statement like a query.
https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html
"""

from __future__ import annotations

import re

from local_lakehouse.sql.failures import MalformedQuery
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.reader import TokenReader
from local_lakehouse.sql.grammar.tokens import Kind, Token, tokenize
from local_lakehouse.sql.grammar.tree import Name
from local_lakehouse.sql.hive_types import UnknownTypeError, is_valid, parse_glue_type
from local_lakehouse.sql.types import Type

Properties = tuple[tuple[str, str], ...]
_CATALOG = "awsdatacatalog"
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|([0-3][0-7]{2})|(.))", re.DOTALL)
_CONTROLS = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}


class HiveTokens(TokenReader):
    """The parser for the parts of Hive statements."""

    _also_names: tuple[Kind, ...] = ()

    def _tokenized(self, text: str) -> list[Token]:
        return tokenize(text, hive=True)

    def refuse(self, expected: str = "") -> MalformedQuery:
        """Reject the statement at the next token."""
        start = max(0, self.mark() - 3)
        raise MalformedQuery(
            f"no viable alternative at input '{self.written(start)[:60]} {self.token.text}'"
            if self.token.kind is Kind.QUOTED
            else f"mismatched input '{self.token.text}'" + (f". Expecting: {expected}" if expected else ""),
            self.token.position,
        )

    def string(self) -> str:
        r"""Parse a string constant in single or double quotes, with Hive's escapes such as ``\t`` and ``\001``."""
        if self.token.kind not in (Kind.STRING, Kind.QUOTED, Kind.EMPTY_QUOTED):
            self.refuse("<string>")
        return _ESCAPE.sub(_unescaped, self.take().value)

    def at_name(self) -> bool:
        """Return whether an identifier follows."""
        return self.token.kind in (Kind.WORD, Kind.BACKQUOTED, *self._also_names)

    def _table(self) -> tuple[Name, ...]:
        names = [part for name in self.qualified_name() for part in self._parts(name)]
        if len(names) > 1 and names[0].key == _CATALOG:
            names = names[1:]
        if len(names) > 2:
            raise MalformedQuery(f"Catalog '{names[0].value}' does not exist", code="DATACATALOG_NOT_FOUND")
        return tuple(names)

    def _database(self) -> str:
        names = self._table()
        if len(names) > 1:
            raise MalformedQuery(f"Catalog '{names[0].value}' does not exist", code="DATACATALOG_NOT_FOUND")
        return names[0].key

    def _parts(self, name: Name) -> list[Name]:
        return [name] if name.quoted else [Name(part) for part in name.value.split(".")]

    def type(self) -> Type:
        """Parse a type in Hive syntax, such as ``array<struct<a:int>>``."""
        mark = self.mark()
        depth = 0
        while True:
            token = self.token
            if token.kind is Kind.END or (depth == 0 and token.text in (",", ")")):
                break
            if depth == 0 and self.mark() > mark and token.kind is Kind.WORD:
                break
            depth += {"<": 1, "(": 1, ">": -1, ")": -1, "<>": 0}.get(token.text, 0)
            self.take()
        written = self.written(mark).replace("`", "")
        try:
            found = parse_glue_type(" ".join(written.split()))
        except UnknownTypeError as error:
            raise MalformedQuery(f"no viable alternative at input '{written}'", self.place(mark)) from error
        if not is_valid(found):
            raise MalformedQuery(f"The length, precision or scale is out of range: {written}", self.place(mark))
        return found

    def _comment(self) -> str | None:
        return self.string() if self.accept("COMMENT") else None

    def _column(self) -> nodes.ColumnDefinition:
        mark = self.mark()
        name = self.name().key
        type_ = self.type()
        if self.at("NOT", "NULL"):
            raise MalformedQuery(f"no viable alternative at input '{self.written(mark)} NOT'", self.token.position)
        return nodes.ColumnDefinition(name, type_, self._comment(), position=self.place(mark))

    def _columns(self) -> tuple[nodes.ColumnDefinition, ...]:
        self.expect_symbol("(")
        columns = [self._column()]
        while self.accept_symbol(","):
            columns.append(self._column())
        self.expect_symbol(")")
        return tuple(columns)

    def _pairs(self) -> Properties:
        self.expect_symbol("(")
        found = []
        while True:
            key = self.string()
            self.expect_symbol("=")
            found.append((key, self.string()))
            if not self.accept_symbol(","):
                break
        self.expect_symbol(")")
        return tuple(found)


def _unescaped(escape: re.Match[str]) -> str:
    point, octal, letter = escape.groups()
    if letter is not None:
        return _CONTROLS.get(letter, letter)
    return chr(int(point, 16) if point else int(octal, 8))
