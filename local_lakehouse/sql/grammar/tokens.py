"""A tokenizer for Trino and Hive statements, which differ in their string syntax."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from local_lakehouse.sql.failures import Position


class Kind(Enum):
    """The kind of a token."""

    WORD = auto()
    QUOTED = auto()
    EMPTY_QUOTED = auto()
    BACKQUOTED = auto()
    STRING = auto()
    UNICODE_STRING = auto()
    BINARY = auto()
    INTEGER = auto()
    DECIMAL = auto()
    DOUBLE = auto()
    SYMBOL = auto()
    UNKNOWN = auto()
    END = auto()


@dataclass(frozen=True)
class Token:
    """A token with its kind, original text, value and position."""

    kind: Kind
    text: str
    value: str
    position: Position
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The word in uppercase if it can be a keyword, or an empty string."""
        return self.text.upper() if self.kind is Kind.WORD else ""


_PATTERN = r"""
      (?P<space>\s+|--[^\r\n]*|/\*.*?\*/)
    | (?P<double>(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)[eE][+-]?\d+)
    | (?P<decimal>\d[\d_]*\.[\d_]*|\.\d[\d_]*)
    | (?P<integer>0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*)(?![A-Za-z_0-9])
    | (?P<digit_word>\d[A-Za-z0-9_]+)
    | (?P<unicode>[uU]&'(?:[^']|'')*')
    | (?P<binary>[xX]'(?:[^']|'')*')
    | (?P<string>%(string)s)
    | (?P<quoted>%(quoted)s)
    | (?P<backquoted>`(?:[^`]|``)*`)
    | (?P<word>[A-Za-z_][A-Za-z0-9_@:]*)
    | (?P<symbol>->|=>|<>|!=|<=|>=|\|\||\?\?|::|[-+*/%%=<>(),.;\[\]?{}|^$:])
    """
_FLAGS = re.VERBOSE | re.DOTALL
_TRINO = re.compile(_PATTERN % {"string": "'(?:[^']|'')*'", "quoted": '"(?:[^"]|"")*"'}, _FLAGS)
# In a Hive string, a backslash escapes the next character, which can be a quote.
_HIVE = re.compile(_PATTERN % {"string": r"'(?:[^'\\]|\\.|'')*'", "quoted": r'"(?:[^"\\]|\\.|"")*"'}, _FLAGS)


def tokenize(text: str, *, hive: bool = False) -> list[Token]:
    """Split a statement into tokens, the last of which marks the end.

    Args:
        text: The statement.
        hive: Whether the statement is a Hive statement.
    """
    pattern = _HIVE if hive else _TRINO
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        match = pattern.match(text, offset)
        if match is None:
            tokens.append(_token(Kind.UNKNOWN, text, offset, offset + 1))
            offset += 1
            continue
        kind = match.lastgroup
        if kind == "word" and ":" in match.group():
            # A word ends before its first ':', as in 'value::type' and in the members of JSON_OBJECT.
            end = offset + match.group().index(":")
            tokens.append(_token(Kind.WORD, text, offset, end))
            offset = end
            continue
        if kind != "space":
            tokens.append(_token(_KINDS[kind or ""], text, offset, match.end()))
        offset = match.end()
    tokens.append(Token(Kind.END, "<EOF>", "", position_at(text, len(text)), len(text), len(text)))
    return tokens


_KINDS = {
    "double": Kind.DOUBLE,
    "decimal": Kind.DECIMAL,
    "integer": Kind.INTEGER,
    "digit_word": Kind.UNKNOWN,
    "unicode": Kind.UNICODE_STRING,
    "binary": Kind.BINARY,
    "string": Kind.STRING,
    "quoted": Kind.QUOTED,
    "backquoted": Kind.BACKQUOTED,
    "word": Kind.WORD,
    "symbol": Kind.SYMBOL,
}


def position_at(text: str, offset: int) -> Position:
    """Return the line and column of a position in a string."""
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _token(kind: Kind, text: str, start: int, end: int) -> Token:
    written = text[start:end]
    position = position_at(text, start)
    if written == '""':
        kind = Kind.EMPTY_QUOTED
    return Token(kind, written, _value(kind, written), position, start, end)


def _value(kind: Kind, written: str) -> str:
    if kind is Kind.STRING:
        return written[1:-1].replace("''", "'")
    if kind is Kind.UNICODE_STRING:
        return written[3:-1].replace("''", "'")
    if kind is Kind.BINARY:
        return written[2:-1]
    if kind in (Kind.QUOTED, Kind.EMPTY_QUOTED):
        return written[1:-1].replace('""', '"')
    if kind is Kind.BACKQUOTED:
        return written[1:-1].replace("``", "`")
    return written
