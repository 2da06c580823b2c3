"""A parser for relations in ``FROM``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.tree import (
    Relation,
)

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.parser import Parser

_TABLE_FUNCTIONS = {"JSON_TABLE": "JSON_TABLE", "TABLE": "table functions with TABLE(…)"}


class RelationParser:
    """The parser for relations in ``FROM``.

    Args:
        parser: The statement's parser.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._tokens = parser.tokens

    def source(self) -> Relation:
        """Parse the relations after ``FROM``."""
        mark = self._tokens.mark()
        left = self.relation()
        while self._tokens.accept_symbol(","):
            left = tree.Join("CROSS", left, self.relation(), position=self._tokens.place(mark))
        return left

    def relation(self) -> Relation:
        """Parse a relation with its joins."""
        mark = self._tokens.mark()
        left = self._sampled()
        while True:
            if self._tokens.accept("CROSS"):
                self._tokens.expect("JOIN")
                left = tree.Join("CROSS", left, self._sampled(), position=self._tokens.place(mark))
                continue
            if self._tokens.at("NATURAL"):
                # Trino's parser accepts natural joins, but its analyzer rejects them with this message.
                raise QueryFailure("NOT_SUPPORTED", "Natural join not supported", self._tokens.token.position)
            kind = self._join_kind()
            if kind is None:
                return left
            right = self._sampled()
            left = self._joined(mark, kind, left, right)

    def _join_kind(self) -> str | None:
        if self._tokens.accept("JOIN"):
            return "INNER"
        kind = self._tokens.accept_any("INNER", "LEFT", "RIGHT", "FULL")
        if kind is None:
            return None
        if kind != "INNER":
            self._tokens.accept("OUTER")
        self._tokens.expect("JOIN")
        return kind

    def _joined(self, mark: int, kind: str, left: Relation, right: Relation) -> Relation:
        if self._tokens.accept("USING"):
            self._tokens.expect_symbol("(")
            columns = [self._column()]
            while self._tokens.accept_symbol(","):
                columns.append(self._column())
            self._tokens.expect_symbol(")")
            return tree.Join(kind, left, right, None, tuple(columns), position=self._tokens.place(mark))
        self._tokens.expect("ON")
        return tree.Join(kind, left, right, self._parser.expression(), position=self._tokens.place(mark))

    def _column(self) -> tree.Column:
        mark = self._tokens.mark()
        name = self._tokens.name()
        return tree.Column(name, position=self._tokens.place(mark), text=name.value)

    def _sampled(self) -> Relation:
        mark = self._tokens.mark()
        relation = self._aliased()
        if not self._tokens.accept("TABLESAMPLE"):
            return relation
        method = self._tokens.accept_any("BERNOULLI", "SYSTEM")
        if method is None:
            raise self._tokens.refuse("'BERNOULLI', 'SYSTEM'")
        self._tokens.expect_symbol("(")
        percentage = self._parser.expression()
        self._tokens.expect_symbol(")")
        return tree.Sampled(relation, method, percentage, position=self._tokens.place(mark))

    def _aliased(self) -> Relation:
        mark = self._tokens.mark()
        relation = self._named(mark, self._primary_relation())
        if self._tokens.at("MATCH_RECOGNIZE") and self._tokens.peek().text == "(":
            self._tokens.note_not_offered("MATCH_RECOGNIZE", self._tokens.take().position)
            self._tokens.skip_parentheses()
            relation = self._named(mark, relation)
        return relation

    def _named(self, mark: int, relation: Relation) -> Relation:
        at_pattern = self._tokens.at("MATCH_RECOGNIZE") and self._tokens.peek().text == "("
        if at_pattern or not (self._tokens.accept("AS") or self._tokens.at_alias()):
            return relation
        alias = self._tokens.name()
        columns = self._tokens.names_in_parentheses() if self._tokens.at_symbol("(") else ()
        return tree.Aliased(relation, alias, columns, position=self._tokens.place(mark))

    def _primary_relation(self) -> Relation:
        mark = self._tokens.mark()
        if self._tokens.token.upper in _TABLE_FUNCTIONS and self._tokens.peek().text == "(":
            token = self._tokens.take()
            self._tokens.note_not_offered(_TABLE_FUNCTIONS[token.upper], token.position)
            self._tokens.skip_parentheses()
            return tree.Table((tree.Name(token.text),), position=token.position, text=token.text)
        if self._tokens.accept("UNNEST"):
            self._tokens.expect_symbol("(")
            items = self._parser.expressions.items_until(")")
            ordinality = self._tokens.accept("WITH", "ORDINALITY")
            return tree.Unnest(items, ordinality, position=self._tokens.place(mark))
        if self._tokens.accept("LATERAL"):
            self._tokens.expect_symbol("(")
            query = self._parser.query()
            self._tokens.expect_symbol(")")
            return tree.Lateral(query, position=self._tokens.place(mark))
        if self._tokens.at_symbol("("):
            return self._parenthesised_relation(mark)
        name = self._tokens.qualified_name()
        return self._versioned(mark, name)

    def _parenthesised_relation(self, mark: int) -> Relation:
        if self._parser.queries.parentheses_hold_query():
            self._tokens.take()
            query = self._parser.query()
            self._tokens.expect_symbol(")")
            return tree.SubqueryRelation(query, position=self._tokens.place(mark))
        self._tokens.take()
        relation = self.relation()
        self._tokens.expect_symbol(")")
        return relation

    def _versioned(self, mark: int, name: tuple[tree.Name, ...]) -> Relation:
        if not self._tokens.accept("FOR"):
            return tree.Table(name, position=self._tokens.place(mark), text=self._tokens.written(mark))
        kind = self._tokens.accept_any("TIMESTAMP", "VERSION")
        if kind is None:
            self._tokens.refuse("'TIMESTAMP', 'VERSION'")
        self._tokens.expect("AS", "OF")
        version = self._parser.value()
        return tree.Table(name, kind, version, position=self._tokens.place(mark), text=self._tokens.written(mark))
