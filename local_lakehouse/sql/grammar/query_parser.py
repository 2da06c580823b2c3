"""A parser for queries, including ``WITH``, set operations and ``ORDER BY``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql.failures import QueryFailure, not_offered
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.tokens import Kind
from local_lakehouse.sql.grammar.tree import (
    Body,
    Expression,
    GroupingElement,
    Query,
)

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.parser import Parser

# The expressions that can precede ``.*``.
_PRIMARY = (tree.Column, tree.Dereference, tree.Subscript, tree.Call, tree.Cast, tree.Row, tree.ScalarQuery, tree.Case)
_AFTER_QUERY = ("UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET", "FETCH")


class QueryParser:
    """The parser for queries and their clauses.

    Args:
        parser: The statement's parser.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._tokens = parser.tokens

    def at_query(self) -> bool:
        """Return whether a query follows."""
        distance = 0
        while self._tokens.peek(distance).text == "(":
            distance += 1
        word = self._tokens.peek(distance).upper
        if distance and word in ("SELECT", "WITH", "VALUES"):
            # '((SELECT 1) + 2)' is an expression, and '((SELECT 1) UNION …)' is a query.
            return self._parenthesised_query(distance)
        return word in ("SELECT", "WITH", "VALUES") or (word == "TABLE" and self._tokens.peek(distance + 1).text != "(")

    def opens_query(self) -> bool:
        """Return whether a query follows, at a position where no expression can follow.

        The query can be in parentheses.
        """
        distance = 0
        while self._tokens.peek(distance).text == "(":
            distance += 1
        return self._tokens.peek(distance).upper in ("SELECT", "WITH", "VALUES", "TABLE")

    def _parenthesised_query(self, depth: int) -> bool:
        level, distance = depth, depth
        while level:
            token = self._tokens.peek(distance)
            if token.kind is Kind.END:
                return True
            level += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SYMBOL else 0
            distance += 1
        following = self._tokens.peek(distance)
        return following.text == ")" or following.upper in _AFTER_QUERY

    def parentheses_hold_query(self) -> bool:
        """Return whether the next parentheses contain a query instead of a relation.

        ``((SELECT 1) EXCEPT (SELECT 2))`` is a query in parentheses, and ``((SELECT 1) AS t CROSS JOIN u)`` is a join.
        The token after the inner query distinguishes the two cases.
        """
        depth = 0
        while self._tokens.peek(depth).text == "(":
            depth += 1
        word, following = self._tokens.peek(depth).upper, self._tokens.peek(depth + 1).text
        if word not in ("SELECT", "WITH", "VALUES") and (word != "TABLE" or following == "("):
            return False
        distance = depth
        for _ in range(depth - 1):
            distance = self._closed(distance)
            token = self._tokens.peek(distance)
            if token.text != ")" and token.upper not in _AFTER_QUERY:
                return False
        return True

    def _closed(self, distance: int) -> int:
        """Return the distance to the token after the closing parenthesis."""
        level = 1
        while level and self._tokens.peek(distance).kind is not Kind.END:
            token = self._tokens.peek(distance)
            level += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SYMBOL else 0
            distance += 1
        return distance

    def whole_query(self) -> Query:
        """Parse a query up to the end of the statement."""
        query = self.query()
        self._tokens.expect_end()
        return query

    def query(self) -> Query:
        """Parse a query."""
        mark = self._tokens.mark()
        recursive, common = False, []
        if self._tokens.at("WITH", "FUNCTION") and self._tokens.peek(2).upper != "AS":
            raise not_offered("WITH FUNCTION (inline functions)", self._tokens.token.position)
        if self._tokens.accept("WITH"):
            recursive = self._tokens.accept("RECURSIVE")
            common.append(self._common_table())
            while self._tokens.accept_symbol(","):
                common.append(self._common_table())
        body = self._body()
        order = self._parser.windows.sort_items() if self._tokens.accept_by("ORDER") else ()
        offset = self._offset()
        limit, with_ties = self._limit()
        return Query(
            body,
            recursive,
            tuple(common),
            order,
            offset,
            limit,
            with_ties,
            position=self._tokens.place(mark),
            text=self._tokens.written(mark),
        )

    def _offset(self) -> Expression | None:
        if not self._tokens.accept("OFFSET"):
            return None
        count = self._count()
        self._tokens.accept_any("ROW", "ROWS")
        return count

    def _limit(self) -> tuple[Expression | None, bool]:
        if self._tokens.accept("LIMIT"):
            return (None if self._tokens.accept("ALL") else self._count()), False
        if not self._tokens.accept("FETCH"):
            return None, False
        if self._tokens.accept_any("FIRST", "NEXT") is None:
            self._tokens.refuse("'FIRST', 'NEXT'")
        count = tree.Literal("integer", "1") if self._tokens.token.upper in ("ROW", "ROWS") else self._count()
        if isinstance(count, tree.Literal) and int(count.value) == 0:
            raise QueryFailure(
                "NUMERIC_VALUE_OUT_OF_RANGE", "FETCH FIRST row count must be positive (actual value: 0)", count.position
            )
        self._tokens.accept_any("ROW", "ROWS")
        if self._tokens.accept("WITH", "TIES"):
            return count, True
        self._tokens.expect("ONLY")
        return count, False

    def _count(self) -> Expression:
        token = self._tokens.token
        if self._tokens.accept_symbol("?"):
            return tree.Parameter(self._tokens.next_parameter(), position=token.position, text="?")
        if token.kind is not Kind.INTEGER:
            self._tokens.refuse("'ALL', <integer>")
        self._tokens.take()
        return tree.Literal("integer", token.text, position=token.position, text=token.text)

    def _common_table(self) -> tree.CommonTable:
        mark = self._tokens.mark()
        name = self._tokens.name()
        columns = self._tokens.names_in_parentheses() if self._tokens.at_symbol("(") else ()
        self._tokens.expect("AS")
        self._tokens.expect_symbol("(")
        query = self.query()
        self._tokens.expect_symbol(")")
        return tree.CommonTable(name, columns, query, position=self._tokens.place(mark))

    def _body(self) -> Body:
        mark = self._tokens.mark()
        left = self._intersection()
        while operator := self._tokens.accept_any("UNION", "EXCEPT"):
            distinct = self._distinct_set()
            right = self._intersection()
            left = tree.SetOperation(operator, distinct, left, right, position=self._tokens.place(mark))
        return left

    def _intersection(self) -> Body:
        mark = self._tokens.mark()
        left = self._primary_body()
        while self._tokens.accept("INTERSECT"):
            distinct = self._distinct_set()
            left = tree.SetOperation(
                "INTERSECT", distinct, left, self._primary_body(), position=self._tokens.place(mark)
            )
        return left

    def _distinct_set(self) -> bool:
        if self._tokens.accept("ALL"):
            return False
        self._tokens.accept("DISTINCT")
        return True

    def _primary_body(self) -> Body:
        mark = self._tokens.mark()
        if self._tokens.accept("SELECT"):
            return self._select(mark)
        if self._tokens.accept("VALUES"):
            rows = [self._parser.expression()]
            while self._tokens.accept_symbol(","):
                rows.append(self._parser.expression())
            return tree.Values(tuple(rows), position=self._tokens.place(mark))
        if self._tokens.accept("TABLE"):
            name = self._tokens.qualified_name()
            return tree.TableBody(
                tree.Table(name, position=self._tokens.place(mark)), position=self._tokens.place(mark)
            )
        if self._tokens.accept_symbol("("):
            query = self.query()
            self._tokens.expect_symbol(")")
            return tree.NestedQuery(query, position=self._tokens.place(mark))
        raise self._tokens.refuse("'(', 'SELECT', 'TABLE', 'VALUES', 'WITH'")

    def _select(self, mark: int) -> Body:
        distinct = self._tokens.accept("DISTINCT")
        if not distinct:
            self._tokens.accept("ALL")
        items = [self._select_item()]
        while self._tokens.accept_symbol(","):
            items.append(self._select_item())
        source = self._parser.relations.source() if self._tokens.accept("FROM") else None
        where = self._parser.expression() if self._tokens.accept("WHERE") else None
        group = self._group_by() if self._tokens.accept_by("GROUP") else None
        having = self._parser.expression() if self._tokens.accept("HAVING") else None
        windows = []
        if self._tokens.accept("WINDOW"):
            windows.append(self._named_window())
            while self._tokens.accept_symbol(","):
                windows.append(self._named_window())
        return tree.Select(
            tuple(items), distinct, source, where, group, having, tuple(windows), position=self._tokens.place(mark)
        )

    def _named_window(self) -> tuple[tree.Name, tree.Window]:
        name = self._tokens.name()
        self._tokens.expect("AS")
        return name, self._parser.windows.window_specification()

    def _select_item(self) -> tree.SelectItem | tree.AllColumns:
        mark = self._tokens.mark()
        if self._tokens.accept_symbol("*"):
            return tree.AllColumns(None, position=self._tokens.place(mark), text="*")
        expression = self._parser.expression()
        if self._tokens.at_symbol(".") and isinstance(expression, _PRIMARY):
            return self._all_columns(mark, expression)
        written = self._tokens.written(mark)
        alias = self._tokens.name() if self._tokens.accept("AS") or self._tokens.at_alias() else None
        return tree.SelectItem(expression, alias, position=self._tokens.place(mark), text=written)

    def _all_columns(self, mark: int, base: Expression) -> tree.AllColumns:
        """Parse ``.*`` after a relation's name or a row, with optional column aliases."""
        self._tokens.expect_symbol(".")
        self._tokens.expect_symbol("*")
        aliases = self._tokens.names_in_parentheses() if self._tokens.accept("AS") else ()
        return tree.AllColumns(base, aliases, position=self._tokens.place(mark), text=self._tokens.written(mark))

    def _group_by(self) -> tree.GroupBy:
        mark = self._tokens.mark()
        distinct = self._tokens.accept("DISTINCT")
        if not distinct:
            self._tokens.accept("ALL")
        elements = [self._grouping_element()]
        while self._tokens.accept_symbol(","):
            elements.append(self._grouping_element())
        return tree.GroupBy(tuple(elements), distinct, position=self._tokens.place(mark))

    def _grouping_element(self) -> GroupingElement:
        mark = self._tokens.mark()
        kind = self._tokens.accept_any("ROLLUP", "CUBE")
        if kind or self._tokens.accept("GROUPING", "SETS"):
            self._tokens.expect_symbol("(")
            sets = []
            while not self._tokens.at_symbol(")"):
                sets.append(self._grouping_set())
                if not self._tokens.accept_symbol(","):
                    break
            self._tokens.expect_symbol(")")
            return GroupingElement(kind or "SETS", tuple(sets), position=self._tokens.place(mark))
        return GroupingElement("SIMPLE", (self._grouping_set(),), position=self._tokens.place(mark))

    def _grouping_set(self) -> tuple[Expression, ...]:
        if self._tokens.at_symbol("(") and self._tokens.peek().text == ")":
            self._tokens.take()
            self._tokens.take()
            return ()
        found = self._parser.expression()
        return found.items if isinstance(found, tree.Row) and found.text.startswith("(") else (found,)
