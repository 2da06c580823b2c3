"""Read queries: ``WITH``, ``SELECT``, set operations, ``FROM``, ``GROUP BY``, ``ORDER BY``."""

from __future__ import annotations

from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.parser_expressions import ExpressionReader
from local_lakehouse.sql.grammar.tokens import Kind
from local_lakehouse.sql.grammar.tree import Body, Expression, GroupingElement, Query, Relation

_UNSUPPORTED_RELATIONS = ("JSON_TABLE", "TABLE")


class QueryReader(ExpressionReader):
    """Reads queries."""

    def at_query(self) -> bool:
        """Tell whether a query comes next."""
        distance = 0
        while self.peek(distance).text == "(":
            distance += 1
        word = self.peek(distance).upper
        if distance and word in ("SELECT", "WITH", "VALUES"):
            # '((SELECT 1) + 2)' is an expression, '((SELECT 1) UNION …)' a query.
            return self._parenthesised_query(distance)
        return word in ("SELECT", "WITH", "VALUES") or (word == "TABLE" and self.peek(distance + 1).text != "(")

    def _parenthesised_query(self, depth: int) -> bool:
        level, distance = depth, depth
        while level:
            token = self.peek(distance)
            if token.kind is Kind.END:
                return True
            level += {"(": 1, ")": -1}.get(token.text, 0) if token.kind is Kind.SYMBOL else 0
            distance += 1
        following = self.peek(distance)
        return following.text == ")" or following.upper in (
            "UNION",
            "INTERSECT",
            "EXCEPT",
            "ORDER",
            "LIMIT",
            "OFFSET",
            "FETCH",
        )

    def whole_query(self) -> Query:
        """Read a query up to the statement's end."""
        query = self.query()
        self.expect_end()
        return query

    def query(self) -> Query:
        """Read a query."""
        mark = self.mark()
        recursive, common = False, []
        if self.accept("WITH"):
            recursive = self.accept("RECURSIVE")
            common.append(self._common_table())
            while self.accept_symbol(","):
                common.append(self._common_table())
        body = self._body()
        order = self.sort_items() if self.accept_by("ORDER") else ()
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
            position=self.place(mark),
            text=self.written(mark),
        )

    def _offset(self) -> Expression | None:
        if not self.accept("OFFSET"):
            return None
        count = self._count()
        self.accept_any("ROW", "ROWS")
        return count

    def _limit(self) -> tuple[Expression | None, bool]:
        if self.accept("LIMIT"):
            return (None if self.accept("ALL") else self._count()), False
        if not self.accept("FETCH"):
            return None, False
        if self.accept_any("FIRST", "NEXT") is None:
            self.refuse("'FIRST', 'NEXT'")
        count = tree.Literal("integer", "1") if self.token.upper in ("ROW", "ROWS") else self._count()
        self.accept_any("ROW", "ROWS")
        if self.accept("WITH", "TIES"):
            return count, True
        self.expect("ONLY")
        return count, False

    def _count(self) -> Expression:
        token = self.token
        if self.accept_symbol("?"):
            self.parameters += 1
            return tree.Parameter(self.parameters - 1, position=token.position, text="?")
        if token.kind is not Kind.INTEGER:
            self.refuse("'ALL', <integer>")
        self.take()
        return tree.Literal("integer", token.text, position=token.position, text=token.text)

    def _common_table(self) -> tree.CommonTable:
        mark = self.mark()
        name = self.name()
        columns = self.names_in_parentheses() if self.at_symbol("(") else ()
        self.expect("AS")
        self.expect_symbol("(")
        query = self.query()
        self.expect_symbol(")")
        return tree.CommonTable(name, columns, query, position=self.place(mark))

    def _body(self) -> Body:
        mark = self.mark()
        left = self._intersection()
        while operator := self.accept_any("UNION", "EXCEPT"):
            distinct = self._distinct_set()
            right = self._intersection()
            left = tree.SetOperation(operator, distinct, left, right, position=self.place(mark))
        return left

    def _intersection(self) -> Body:
        mark = self.mark()
        left = self._primary_body()
        while self.accept("INTERSECT"):
            distinct = self._distinct_set()
            left = tree.SetOperation("INTERSECT", distinct, left, self._primary_body(), position=self.place(mark))
        return left

    def _distinct_set(self) -> bool:
        if self.accept("ALL"):
            return False
        self.accept("DISTINCT")
        return True

    def _primary_body(self) -> Body:
        mark = self.mark()
        if self.accept("SELECT"):
            return self._select(mark)
        if self.accept("VALUES"):
            rows = [self.expression()]
            while self.accept_symbol(","):
                rows.append(self.expression())
            return tree.Values(tuple(rows), position=self.place(mark))
        if self.accept("TABLE"):
            name = self.qualified_name()
            return tree.TableBody(tree.Table(name, position=self.place(mark)), position=self.place(mark))
        if self.accept_symbol("("):
            query = self.query()
            self.expect_symbol(")")
            return tree.NestedQuery(query, position=self.place(mark))
        raise self.refuse("'(', 'SELECT', 'TABLE', 'VALUES', 'WITH'")

    def _select(self, mark: int) -> Body:
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        items = [self._select_item()]
        while self.accept_symbol(","):
            items.append(self._select_item())
        source = self._from() if self.accept("FROM") else None
        where = self.expression() if self.accept("WHERE") else None
        group = self._group_by() if self.accept_by("GROUP") else None
        having = self.expression() if self.accept("HAVING") else None
        windows = []
        if self.accept("WINDOW"):
            windows.append(self._named_window())
            while self.accept_symbol(","):
                windows.append(self._named_window())
        return tree.Select(
            tuple(items), distinct, source, where, group, having, tuple(windows), position=self.place(mark)
        )

    def _named_window(self) -> tuple[tree.Name, tree.Window]:
        name = self.name()
        self.expect("AS")
        return name, self.window_specification()

    def _select_item(self) -> tree.SelectItem | tree.AllColumns:
        mark = self.mark()
        if self.accept_symbol("*"):
            return tree.AllColumns(None, position=self.place(mark), text="*")
        expression = self._qualified_star(mark)
        if expression is not None:
            return tree.AllColumns(expression, position=self.place(mark), text=self.written(mark))
        expression = self.expression()
        written = self.written(mark)
        alias = self.name() if self.accept("AS") or self.at_alias() else None
        return tree.SelectItem(expression, alias, position=self.place(mark), text=written)

    def _qualified_star(self, mark: int) -> Expression | None:
        distance = 0
        while self.peek(distance).kind in (Kind.WORD, Kind.QUOTED) and self.peek(distance + 1).text == ".":
            distance += 2
        if not distance or self.peek(distance).text != "*":
            return None
        names = self.name()
        base: Expression = tree.Column(names, position=self.place(mark), text=names.value)
        while self.accept_symbol(".") and not self.accept_symbol("*"):
            base = tree.Dereference(base, self.name(), position=self.place(mark), text=self.written(mark))
        return base

    def _group_by(self) -> tree.GroupBy:
        mark = self.mark()
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        elements = [self._grouping_element()]
        while self.accept_symbol(","):
            elements.append(self._grouping_element())
        return tree.GroupBy(tuple(elements), distinct, position=self.place(mark))

    def _grouping_element(self) -> GroupingElement:
        mark = self.mark()
        kind = self.accept_any("ROLLUP", "CUBE")
        if kind or self.accept("GROUPING", "SETS"):
            self.expect_symbol("(")
            sets = []
            while not self.at_symbol(")"):
                sets.append(self._grouping_set())
                if not self.accept_symbol(","):
                    break
            self.expect_symbol(")")
            return GroupingElement(kind or "SETS", tuple(sets), position=self.place(mark))
        return GroupingElement("SIMPLE", (self._grouping_set(),), position=self.place(mark))

    def _grouping_set(self) -> tuple[Expression, ...]:
        if self.at_symbol("(") and self.peek().text == ")":
            self.take()
            self.take()
            return ()
        found = self.expression()
        return found.items if isinstance(found, tree.Row) and found.text.startswith("(") else (found,)

    def _from(self) -> Relation:
        mark = self.mark()
        left = self._relation()
        while self.accept_symbol(","):
            left = tree.Join("CROSS", left, self._relation(), position=self.place(mark))
        return left

    def _relation(self) -> Relation:
        mark = self.mark()
        left = self._sampled()
        while True:
            if self.accept("CROSS"):
                self.expect("JOIN")
                left = tree.Join("CROSS", left, self._sampled(), position=self.place(mark))
                continue
            if self.at("NATURAL"):
                raise QueryFailure("NOT_SUPPORTED", "Natural join not supported", self.token.position)
            kind = self._join_kind()
            if kind is None:
                return left
            right = self._sampled()
            left = self._joined(mark, kind, left, right)

    def _join_kind(self) -> str | None:
        if self.accept("JOIN"):
            return "INNER"
        kind = self.accept_any("INNER", "LEFT", "RIGHT", "FULL")
        if kind is None:
            return None
        if kind != "INNER":
            self.accept("OUTER")
        self.expect("JOIN")
        return kind

    def _joined(self, mark: int, kind: str, left: Relation, right: Relation) -> Relation:
        if self.accept("USING"):
            place = self.mark()
            names = self.names_in_parentheses()
            columns = tuple(tree.Column(name, position=self.place(place), text=name.value) for name in names)
            return tree.Join(kind, left, right, None, columns, position=self.place(mark))
        self.expect("ON")
        return tree.Join(kind, left, right, self.expression(), position=self.place(mark))

    def _sampled(self) -> Relation:
        mark = self.mark()
        relation = self._aliased()
        if not self.accept("TABLESAMPLE"):
            return relation
        method = self.accept_any("BERNOULLI", "SYSTEM")
        if method is None:
            raise self.refuse("'BERNOULLI', 'SYSTEM'")
        self.expect_symbol("(")
        percentage = self.expression()
        self.expect_symbol(")")
        return tree.Sampled(relation, method, percentage, position=self.place(mark))

    def _aliased(self) -> Relation:
        mark = self.mark()
        relation = self._primary_relation()
        if self.at("MATCH_RECOGNIZE"):
            raise QueryFailure("NOT_SUPPORTED", "MATCH_RECOGNIZE is not supported", self.token.position)
        if not (self.accept("AS") or self.at_alias()):
            return relation
        alias = self.name()
        columns = self.names_in_parentheses() if self.at_symbol("(") else ()
        return tree.Aliased(relation, alias, columns, position=self.place(mark))

    def _primary_relation(self) -> Relation:
        mark = self.mark()
        if self.token.upper in _UNSUPPORTED_RELATIONS and self.peek().text == "(":
            raise QueryFailure("NOT_SUPPORTED", f"{self.token.text} in FROM is not supported", self.token.position)
        if self.accept("UNNEST"):
            self.expect_symbol("(")
            items = self._list(")")
            ordinality = self.accept("WITH", "ORDINALITY")
            return tree.Unnest(items, ordinality, position=self.place(mark))
        if self.accept("LATERAL"):
            self.expect_symbol("(")
            query = self.query()
            self.expect_symbol(")")
            return tree.Lateral(query, position=self.place(mark))
        if self.at_symbol("("):
            return self._parenthesised_relation(mark)
        name = self.qualified_name()
        return self._versioned(mark, name)

    def _parenthesised_relation(self, mark: int) -> Relation:
        if self.at_query() or self.peek().upper in ("SELECT", "WITH", "VALUES", "TABLE"):
            self.take()
            query = self.query()
            self.expect_symbol(")")
            return tree.SubqueryRelation(query, position=self.place(mark))
        self.take()
        relation = self._relation()
        self.expect_symbol(")")
        return relation

    def _versioned(self, mark: int, name: tuple[tree.Name, ...]) -> Relation:
        if not self.accept("FOR"):
            return tree.Table(name, position=self.place(mark), text=self.written(mark))
        kind = self.accept_any("TIMESTAMP", "VERSION")
        if kind is None:
            self.refuse("'TIMESTAMP', 'VERSION'")
        self.expect("AS", "OF")
        version = self.value()
        return tree.Table(name, kind, version, position=self.place(mark), text=self.written(mark))


def parse_query(text: str) -> Query:
    """Read a query.

    Args:
        text: The query, and nothing else.

    Raises:
        MalformedQuery: The syntax is wrong.
        QueryFailure: A part of it is not supported.
    """
    return QueryReader(text).whole_query()
