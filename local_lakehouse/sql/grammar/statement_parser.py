"""Read whole statements of Trino's kind: DML, CTAS, views, ``UNLOAD``, ``EXPLAIN``, prepared statements."""

from __future__ import annotations

from local_lakehouse.sql.failures import MalformedQuery
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.hive_parser import HiveReader
from local_lakehouse.sql.grammar.parser import QueryReader
from local_lakehouse.sql.grammar.tokens import Kind

_EXPLAIN_OPTIONS = {
    "FORMAT": ("TEXT", "GRAPHVIZ", "JSON"),
    "TYPE": ("LOGICAL", "DISTRIBUTED", "VALIDATE", "IO"),
}
_HIVE = ("ALTER", "DROP", "SHOW", "DESCRIBE", "DESC", "MSCK")
_VERBS = (
    "'ALTER', 'CREATE', 'DEALLOCATE', 'DELETE', 'DESC', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'INSERT', 'MERGE', "
    "'MSCK', 'OPTIMIZE', 'PREPARE', 'SHOW', 'UNLOAD', 'UPDATE', 'VACUUM', <query>"
)


class StatementReader(QueryReader):
    """Reads statements."""

    def whole_statement(self) -> nodes.Statement:
        """Read a statement up to its end; a semicolon may stand there."""
        statement = self.statement()
        self.accept_symbol(";")
        self.expect_end()
        return statement

    def statement(self) -> nodes.Statement:
        """Read a statement."""
        mark = self.mark()
        if self.at_query():
            query = self.query()
            return nodes.Select(query, position=self.place(mark), text=self.written(mark))
        reader = _READERS.get(self.token.upper)
        if reader is None:
            if self.token.kind is Kind.WORD and self.token.upper in (
                "GRANT",
                "REVOKE",
                "USE",
                "SET",
                "CALL",
                "ANALYZE",
                "COMMIT",
                "ROLLBACK",
                "START",
            ):
                raise MalformedQuery("Queries of this type are not supported", code="INVALID_INPUT")
            raise self.refuse(_VERBS)
        return reader(self)

    def _explain(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        analyze = self.accept("ANALYZE")
        self.accept("VERBOSE")
        options = {"FORMAT": "TEXT", "TYPE": "DISTRIBUTED"}
        if self.at_symbol("(") and self.peek().upper in _EXPLAIN_OPTIONS:
            self.take()
            while True:
                name = self.accept_any(*_EXPLAIN_OPTIONS)
                if name is None:
                    raise self.refuse("'FORMAT', 'TYPE'")
                value = self.accept_any(*_EXPLAIN_OPTIONS[name])
                if value is None:
                    raise self.refuse(", ".join(f"'{one}'" for one in _EXPLAIN_OPTIONS[name]))
                options[name] = value
                if not self.accept_symbol(","):
                    break
            self.expect_symbol(")")
        inner = self.statement()
        return nodes.Explain(inner, analyze, options["FORMAT"], options["TYPE"], position=self.place(mark))

    def _insert(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        self.expect("INTO")
        place = self.mark()
        table = self.qualified_name()
        columns: tuple[tree.Name, ...] = ()
        if self.at_symbol("(") and not self.at_query():
            columns = self.names_in_parentheses()
        query = self.query()
        return nodes.Insert(table, self.place(place), columns, query, position=self.place(mark))

    def _update(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        place = self.mark()
        table = self.qualified_name()
        self.expect("SET")
        assignments = self._assignments()
        where = self.expression() if self.accept("WHERE") else None
        return nodes.Update(table, self.place(place), assignments, where, position=self.place(mark))

    def _assignments(self) -> tuple[nodes.Assignment, ...]:
        found = [self._assignment()]
        while self.accept_symbol(","):
            found.append(self._assignment())
        return tuple(found)

    def _assignment(self) -> nodes.Assignment:
        mark = self.mark()
        name = self.name()
        while self.accept_symbol("."):
            name = self.name()
        self.expect_symbol("=")
        return nodes.Assignment(name, self.expression(), position=self.place(mark))

    def _delete(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        self.expect("FROM")
        place = self.mark()
        table = self.qualified_name()
        where = self.expression() if self.accept("WHERE") else None
        return nodes.Delete(table, self.place(place), where, position=self.place(mark))

    def _merge(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        self.expect("INTO")
        place = self.mark()
        table = self.qualified_name()
        alias = self.name() if self.accept("AS") or (self.at_name() and not self.at("USING")) else None
        self.expect("USING")
        source = self._relation()
        self.expect("ON")
        condition = self.expression()
        cases = []
        while self.at("WHEN"):
            cases.append(self._merge_case())
        if not cases:
            self.refuse("'WHEN'")
        return nodes.Merge(table, self.place(place), alias, source, condition, tuple(cases), position=self.place(mark))

    def _merge_case(self) -> nodes.MergeCase:
        mark = self.mark()
        self.take()
        matched = not self.accept("NOT")
        self.expect("MATCHED")
        condition = self.expression() if self.accept("AND") else None
        self.expect("THEN")
        if matched and self.accept("DELETE"):
            return nodes.MergeCase(True, condition, "DELETE", position=self.place(mark))
        if matched:
            self.expect("UPDATE", "SET")
            return nodes.MergeCase(True, condition, "UPDATE", self._assignments(), position=self.place(mark))
        self.expect("INSERT")
        columns: tuple[tree.Name, ...] = ()
        if self.at_symbol("("):
            self.take()
            names = [self._last_name()]
            while self.accept_symbol(","):
                names.append(self._last_name())
            self.expect_symbol(")")
            columns = tuple(names)
        self.expect("VALUES")
        self.expect_symbol("(")
        values = self._list(")")
        return nodes.MergeCase(False, condition, "INSERT", (), columns, values, position=self.place(mark))

    def _last_name(self) -> tree.Name:
        return self.qualified_name()[-1]

    def _create(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        replace = self.accept("OR", "REPLACE")
        if self.accept("VIEW"):
            return self._create_view(mark, replace=replace)
        if replace:
            raise self.refuse("'VIEW'")
        if self.accept("TABLE"):
            if_not_exists = self.accept("IF", "NOT", "EXISTS")
            if self._table_as_follows():
                return self._create_table_as(mark, if_not_exists=if_not_exists)
        return HiveReader(self.text).whole_statement_at(self)

    def _table_as_follows(self) -> bool:
        """Tell whether the statement is a CTAS: a query follows, and no list of columns does."""
        distance = 0
        while self.peek(distance).kind in (Kind.WORD, Kind.QUOTED) and self.peek(distance + 1).text == ".":
            distance += 2
        return self.peek(distance + 1).upper in ("AS", "WITH")

    def _create_table_as(self, mark: int, *, if_not_exists: bool) -> nodes.Statement:
        table = self.qualified_name()
        if len(table) > 3:
            raise MalformedQuery(f"Invalid table name {'.'.join(name.value for name in table)}")
        properties = self._properties() if self.accept("WITH") else ()
        self.expect("AS")
        nested = self.at_symbol("(") and not self.at_query()
        if nested:
            self.take()
        query = self.query()
        if nested:
            self.expect_symbol(")")
        with_data = True
        if self.accept("WITH"):
            with_data = not self.accept("NO")
            self.expect("DATA")
        return nodes.CreateTableAs(table, if_not_exists, properties, query, with_data, position=self.place(mark))

    def _properties(self) -> tuple[nodes.Property, ...]:
        self.expect_symbol("(")
        found = []
        while True:
            mark = self.mark()
            name = self.name().key
            self.expect_symbol("=")
            found.append(nodes.Property(name, self.expression(), position=self.place(mark)))
            if not self.accept_symbol(","):
                break
        self.expect_symbol(")")
        return tuple(found)

    def _create_view(self, mark: int, *, replace: bool) -> nodes.Statement:
        view = self.qualified_name()
        self.expect("AS")
        query = self.query()
        return nodes.CreateView(view, replace, query, position=self.place(mark))

    def _unload(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        self.expect_symbol("(")
        query = self.query()
        self.expect_symbol(")")
        self.expect("TO")
        location = self.string()
        properties = self._properties() if self.accept("WITH") else ()
        return nodes.Unload(query, location, properties, position=self.place(mark))

    def _prepare(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        name = self.name().value
        self.expect("FROM")
        start = self.mark()
        self.statement()
        return nodes.Prepare(name, self.written(start), position=self.place(mark))

    def _execute(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        name = self.name().value
        parameters: list[tree.Expression] = []
        if self.accept("USING"):
            parameters.append(self.expression())
            while self.accept_symbol(","):
                parameters.append(self.expression())
        return nodes.Execute(name, tuple(parameters), position=self.place(mark))

    def _deallocate(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        self.expect("PREPARE")
        return nodes.Deallocate(self.name().value, position=self.place(mark))

    def _optimize(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        place = self.mark()
        table = self.qualified_name()
        self.expect("REWRITE", "DATA", "USING", "BIN_PACK")
        where = self.expression() if self.accept("WHERE") else None
        return nodes.Optimize(table, self.place(place), where, position=self.place(mark))

    def _vacuum(self) -> nodes.Statement:
        mark = self.mark()
        self.take()
        return nodes.Vacuum(self.qualified_name(), position=self.place(mark))

    def _hive(self) -> nodes.Statement:
        if self.at("DROP", "VIEW"):
            mark = self.mark()
            self.take()
            self.take()
            if_exists = self.accept("IF", "EXISTS")
            return nodes.DropView(self.qualified_name(), if_exists, position=self.place(mark))
        return HiveReader(self.text).whole_statement_at(self)


_READERS = {
    "EXPLAIN": StatementReader._explain,
    "INSERT": StatementReader._insert,
    "UPDATE": StatementReader._update,
    "DELETE": StatementReader._delete,
    "MERGE": StatementReader._merge,
    "CREATE": StatementReader._create,
    "UNLOAD": StatementReader._unload,
    "PREPARE": StatementReader._prepare,
    "EXECUTE": StatementReader._execute,
    "DEALLOCATE": StatementReader._deallocate,
    "OPTIMIZE": StatementReader._optimize,
    "VACUUM": StatementReader._vacuum,
    **dict.fromkeys(_HIVE, StatementReader._hive),
}


def parse_statement(text: str) -> nodes.Statement:
    """Read a statement.

    Args:
        text: The statement; a semicolon may end it.

    Raises:
        MalformedQuery: The syntax is wrong.
        QueryFailure: A part of it is not supported.
    """
    return StatementReader(text).whole_statement()
