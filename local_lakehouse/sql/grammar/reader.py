"""A token reader with lookahead and error messages."""

from __future__ import annotations

from local_lakehouse.sql.failures import MalformedQuery, Position, QueryFailure, not_offered
from local_lakehouse.sql.grammar.tokens import Kind, Token, tokenize
from local_lakehouse.sql.grammar.tree import Name

# The words that Trino's grammar accepts as names only if they are quoted.
RESERVED = frozenset(
    [
        "ALTER",
        "AND",
        "AS",
        "BETWEEN",
        "BY",
        "CASE",
        "CAST",
        "CONSTRAINT",
        "CREATE",
        "CROSS",
        "CUBE",
        "CURRENT_CATALOG",
        "CURRENT_DATE",
        "CURRENT_PATH",
        "CURRENT_ROLE",
        "CURRENT_SCHEMA",
        "CURRENT_TIME",
        "CURRENT_TIMESTAMP",
        "CURRENT_USER",
        "DEALLOCATE",
        "DELETE",
        "DESCRIBE",
        "DISTINCT",
        "DROP",
        "ELSE",
        "END",
        "ESCAPE",
        "EXCEPT",
        "EXISTS",
        "EXTRACT",
        "FALSE",
        "FOR",
        "FROM",
        "FULL",
        "GROUP",
        "GROUPING",
        "HAVING",
        "IN",
        "INNER",
        "INSERT",
        "INTERSECT",
        "INTO",
        "IS",
        "JOIN",
        "JSON_ARRAY",
        "JSON_EXISTS",
        "JSON_OBJECT",
        "JSON_QUERY",
        "JSON_TABLE",
        "JSON_VALUE",
        "LEFT",
        "LIKE",
        "LISTAGG",
        "LOCALTIME",
        "LOCALTIMESTAMP",
        "NATURAL",
        "NORMALIZE",
        "NOT",
        "NULL",
        "ON",
        "OR",
        "ORDER",
        "OUTER",
        "PREPARE",
        "RECURSIVE",
        "RIGHT",
        "ROLLUP",
        "SELECT",
        "SKIP",
        "TABLE",
        "THEN",
        "TRIM",
        "TRUE",
        "UESCAPE",
        "UNION",
        "UNNEST",
        "USING",
        "VALUES",
        "WHEN",
        "WHERE",
        "WITH",
    ]
)
# These words can be names, but after a relation they start a clause instead of an alias.
_NOT_AN_ALIAS = frozenset(["LIMIT", "OFFSET", "FETCH", "WINDOW", "TABLESAMPLE"])


class TokenReader:
    """A token reader for one statement.

    Args:
        text: The statement.

    Attributes:
        parameters: The number of ``?`` placeholders.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = self._tokenized(text)
        self._index = 0
        self.parameters = 0
        self._not_offered: QueryFailure | None = None

    def _tokenized(self, text: str) -> list[Token]:
        return tokenize(text)

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._index]

    def token_at(self, mark: int) -> Token:
        """Return the token at a mark."""
        return self._tokens[mark]

    def next_parameter(self) -> int:
        """Return the number of the next ``?`` placeholder, starting at 0."""
        self.parameters += 1
        return self.parameters - 1

    def peek(self, distance: int = 1) -> Token:
        """Return the token that is `distance` positions after the next token."""
        return self._tokens[min(self._index + distance, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Consume the next token and return it."""
        token = self.token
        if token.kind is not Kind.END:
            self._index += 1
        return token

    def mark(self) -> int:
        """Return the reader's position as a mark for `rewind` and `written`."""
        return self._index

    def rewind(self, mark: int) -> None:
        """Move back to a mark."""
        self._index = mark

    def written(self, mark: int) -> str:
        """Return the text from a mark to the last consumed token."""
        return self.text[self._tokens[mark].start : self._tokens[max(self._index - 1, mark)].end]

    def place(self, mark: int) -> Position:
        """Return the line and column of a mark."""
        return self._tokens[mark].position

    def at(self, *words: str) -> bool:
        """Return whether these keywords follow."""
        return all(self.peek(distance).upper == word for distance, word in enumerate(words))

    def at_symbol(self, *symbols: str) -> bool:
        """Return whether one of these symbols follows."""
        return self.token.kind is Kind.SYMBOL and self.token.text in symbols

    def accept(self, *words: str) -> bool:
        """Consume these keywords if they follow, and return whether they did."""
        if not self.at(*words):
            return False
        for _ in words:
            self.take()
        return True

    def accept_by(self, word: str) -> bool:
        """Consume a phrase such as ``ORDER BY`` if its first word follows, and require its ``BY``."""
        if not self.accept(word):
            return False
        self.expect("BY")
        return True

    def accept_any(self, *words: str) -> str | None:
        """Consume and return one of these keywords. Return None if none of them follows."""
        if self.token.upper in words and self.token.upper:
            return self.take().upper
        return None

    def accept_symbol(self, symbol: str) -> bool:
        """Consume a symbol if it follows, and return whether it did."""
        if not self.at_symbol(symbol):
            return False
        self.take()
        return True

    def expect(self, *words: str) -> None:
        """Consume these keywords, or reject the statement if they do not follow."""
        for word in words:
            if not self.accept(word):
                self.refuse(f"'{word}'")

    def expect_symbol(self, symbol: str) -> None:
        """Consume a symbol, or reject the statement if it does not follow."""
        if not self.accept_symbol(symbol):
            self.refuse(f"'{symbol}'")

    def expect_end(self) -> None:
        """Reject the statement unless it ends here and contains only supported constructs."""
        if self.token.kind is not Kind.END:
            self.refuse("<EOF>")
        if self._not_offered is not None:
            raise self._not_offered

    def note_not_offered(self, construct: str, position: Position) -> None:
        """Record an unsupported construct that the grammar allows.

        The statement is rejected only at its end, so that a syntax error elsewhere takes precedence.
        """
        self._not_offered = self._not_offered or not_offered(construct, position)

    def continue_after(self, other: TokenReader) -> None:
        """Continue from another reader's position in the same text, and adopt that reader's tokens.

        An unsupported construct that the other reader recorded is also adopted, unless this reader has recorded one.
        """
        self._tokens, self._index = other._tokens, other._index
        self._not_offered = self._not_offered or other._not_offered

    def skip_parentheses(self) -> None:
        """Consume an opening parenthesis and all tokens through the matching closing parenthesis."""
        self.expect_symbol("(")
        depth = 1
        while depth:
            if self.token.kind in (Kind.END, Kind.UNKNOWN):
                self.refuse("')'")
            token = self.take()
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SYMBOL else 0

    def refuse(self, expected: str = "") -> MalformedQuery:
        """Reject the statement at the next token."""
        token = self.token
        if token.kind is Kind.EMPTY_QUOTED:
            raise MalformedQuery("Zero-length delimited identifier not allowed", token.position)
        if token.kind is Kind.BACKQUOTED:
            raise MalformedQuery(
                "backquoted identifiers are not supported; use double quotes to quote identifiers", token.position
            )
        hint = f". Expecting: {expected}" if expected else ""
        raise MalformedQuery(f"mismatched input '{token.text}'{hint}", token.position)

    def at_name(self) -> bool:
        """Return whether an identifier follows."""
        token = self.token
        return token.kind is Kind.QUOTED or (token.kind is Kind.WORD and token.upper not in RESERVED)

    def at_alias(self) -> bool:
        """Return whether the next token is an identifier that can be an alias without ``AS``."""
        if self.at("TABLESAMPLE") and self.peek().upper in ("BERNOULLI", "SYSTEM"):
            return False
        if self.at("WINDOW") and self.peek(2).upper == "AS":
            return False
        if self.token.upper in _NOT_AN_ALIAS - {"TABLESAMPLE", "WINDOW"}:
            following = self.peek()
            return following.kind is Kind.END or (following.kind is Kind.SYMBOL and following.text in (",", ")"))
        return self.at_name()

    def name(self) -> Name:
        """Parse an identifier."""
        if not self.at_name():
            self.refuse("<identifier>")
        token = self.take()
        return Name(token.value, token.kind is Kind.QUOTED)

    def qualified_name(self) -> tuple[Name, ...]:
        """Parse names separated by dots."""
        names = [self.name()]
        while self.accept_symbol("."):
            names.append(self.name())
        return tuple(names)

    def names_in_parentheses(self) -> tuple[Name, ...]:
        """Parse a list of names such as ``(a, b)``."""
        self.expect_symbol("(")
        names = [self.name()]
        while self.accept_symbol(","):
            names.append(self.name())
        self.expect_symbol(")")
        return tuple(names)

    def string(self) -> str:
        """Parse a string constant."""
        if self.token.kind not in (Kind.STRING, Kind.UNICODE_STRING):
            self.refuse("<string>")
        return self.take().value
