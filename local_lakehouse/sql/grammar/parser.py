"""The parser for a statement, which combines the parsers for its parts."""

from __future__ import annotations

import functools

from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.call_parser import CallParser
from local_lakehouse.sql.grammar.constant_parser import ConstantParser
from local_lakehouse.sql.grammar.expression_parser import ExpressionParser
from local_lakehouse.sql.grammar.form_parser import FormParser
from local_lakehouse.sql.grammar.json_parser import JsonParser
from local_lakehouse.sql.grammar.query_parser import QueryParser
from local_lakehouse.sql.grammar.reader import TokenReader
from local_lakehouse.sql.grammar.relation_parser import RelationParser
from local_lakehouse.sql.grammar.statement_parser import StatementParser
from local_lakehouse.sql.grammar.tree import Expression, Query
from local_lakehouse.sql.grammar.type_parser import TypeParser
from local_lakehouse.sql.grammar.window_parser import WindowParser
from local_lakehouse.sql.types import Type


class Parser:
    """The parser for one statement.

    Args:
        text: The statement.
    """

    def __init__(self, text: str) -> None:
        self.tokens = TokenReader(text)
        self.types = TypeParser(self.tokens)
        self.windows = WindowParser(self)
        self.json = JsonParser(self)
        self.forms = FormParser(self)
        self.calls = CallParser(self)
        self.constants = ConstantParser(self)
        self.expressions = ExpressionParser(self)
        self.relations = RelationParser(self)
        self.queries = QueryParser(self)
        self.statements = StatementParser(self)

    @property
    def parameters(self) -> int:
        """The number of ``?`` placeholders."""
        return self.tokens.parameters

    def type(self) -> Type:
        """Parse a type."""
        return self.types.type()

    def expression(self) -> Expression:
        """Parse one expression."""
        return self.expressions.expression()

    def value(self) -> Expression:
        """Parse a value, which can contain arithmetic and ``||`` but no comparison."""
        return self.expressions.value()

    def at_query(self) -> bool:
        """Return whether a query follows."""
        return self.queries.at_query()

    def opens_query(self) -> bool:
        """Return whether a query follows, at a position where no expression can follow."""
        return self.queries.opens_query()

    def query(self) -> Query:
        """Parse a query."""
        return self.queries.query()

    def statement(self) -> nodes.Statement:
        """Parse a complete statement, with an optional final semicolon."""
        return self.statements.whole_statement()


@functools.lru_cache(maxsize=32)
def parse_statement(text: str) -> nodes.Statement:
    """Parse a statement.

    A statement is parsed before it is queued and again when it runs, so the most recent trees are cached.

    Args:
        text: The statement, with an optional final semicolon.

    Raises:
        MalformedQuery: The syntax is invalid.
        QueryFailure: The text contains an unsupported construct.
    """
    return Parser(text).statement()


def parse_query(text: str) -> Query:
    """Parse a query.

    Args:
        text: A single query.

    Raises:
        MalformedQuery: The syntax is invalid.
        QueryFailure: The text contains an unsupported construct.
    """
    return Parser(text).queries.whole_query()


def parse_expression(text: str) -> Expression:
    """Parse an expression.

    Args:
        text: A single expression.

    Raises:
        MalformedQuery: The syntax is invalid.
        QueryFailure: The text contains an unsupported construct.
    """
    parser = Parser(text)
    expression = parser.expression()
    parser.tokens.expect_end()
    return expression


def parse_type(text: str) -> Type:
    """Parse a type name.

    Args:
        text: A single type name.

    Raises:
        MalformedQuery: The syntax is invalid.
        QueryFailure: The type does not exist.
    """
    tokens = TokenReader(text)
    type_ = TypeParser(tokens).type()
    tokens.expect_end()
    return type_
