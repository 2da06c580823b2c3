"""A parser for Trino statements, such as ``INSERT``, ``CREATE VIEW`` and ``UNLOAD``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from local_lakehouse.sql.failures import MalformedQuery
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.hive_parser import HiveReader
from local_lakehouse.sql.grammar.tokens import Kind

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.parser import Parser

_EXPLAIN_OPTIONS = {
    "FORMAT": ("TEXT", "GRAPHVIZ", "JSON"),
    "TYPE": ("LOGICAL", "DISTRIBUTED", "VALIDATE", "IO"),
}
# https://docs.aws.amazon.com/athena/latest/ug/athena-explain-statement.html
_ANALYZE_OPTIONS = {"FORMAT": ("TEXT", "JSON")}
_HIVE = ("ALTER", "DROP", "SHOW", "DESCRIBE", "DESC", "MSCK")
_VERBS = (
    "'ALTER', 'CREATE', 'DEALLOCATE', 'DELETE', 'DESC', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'INSERT', 'MERGE', "
    "'MSCK', 'OPTIMIZE', 'PREPARE', 'SHOW', 'UNLOAD', 'UPDATE', 'VACUUM', <query>"
)

# The first words of Trino statements that Athena does not support.
_OTHER_STATEMENTS = tuple(
    tuple(words.split())
    for words in (
        "USE",
        "GRANT",
        "REVOKE",
        "DENY",
        "SET ROLE",
        "SET SESSION",
        "SET PATH",
        "SET TIME ZONE",
        "RESET SESSION",
        "START TRANSACTION",
        "COMMIT",
        "ROLLBACK",
        "CALL",
        "ANALYZE",
        "COMMENT ON",
        "REFRESH MATERIALIZED VIEW",
        "CREATE CATALOG",
        "CREATE ROLE",
        "CREATE FUNCTION",
        "CREATE OR REPLACE FUNCTION",
        "CREATE MATERIALIZED VIEW",
        "CREATE OR REPLACE MATERIALIZED VIEW",
        "DROP CATALOG",
        "DROP ROLE",
        "DROP FUNCTION",
        "DROP MATERIALIZED VIEW",
        "ALTER VIEW",
        "ALTER MATERIALIZED VIEW",
        "SHOW CATALOGS",
        "SHOW SESSION",
        "SHOW STATS",
        "SHOW GRANTS",
        "SHOW ROLES",
        "SHOW ROLE",
        "SHOW CURRENT",
        "SHOW CREATE SCHEMA",
        "SHOW CREATE FUNCTION",
        "SHOW CREATE MATERIALIZED VIEW",
        "DESCRIBE INPUT",
        "DESCRIBE OUTPUT",
        "EXECUTE IMMEDIATE",
    )
)


class StatementParser:
    """The parser for Trino statements.

    Args:
        parser: The statement's parser.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._tokens = parser.tokens
        self._readers: dict[str, Callable[[], nodes.Statement]] = {
            "EXPLAIN": self._explain,
            "INSERT": self._insert,
            "UPDATE": self._update,
            "DELETE": self._delete,
            "MERGE": self._merge,
            "CREATE": self._create,
            "UNLOAD": self._unload,
            "PREPARE": self._prepare,
            "EXECUTE": self._execute,
            "DEALLOCATE": self._deallocate,
            "OPTIMIZE": self._optimize,
            "VACUUM": self._vacuum,
            **dict.fromkeys(_HIVE, self._hive),
        }

    def whole_statement(self) -> nodes.Statement:
        """Parse a single statement and an optional semicolon, and reject anything that follows."""
        statement = self.statement()
        self._tokens.accept_symbol(";")
        self._tokens.expect_end()
        return statement

    def statement(self) -> nodes.Statement:
        """Parse a statement."""
        mark = self._tokens.mark()
        if self._parser.opens_query():
            query = self._parser.query()
            return nodes.Select(query, position=self._tokens.place(mark), text=self._tokens.written(mark))
        self._refuse_by_name()
        reader = self._readers.get(self._tokens.token.upper)
        if reader is None:
            raise self._tokens.refuse(_VERBS)
        return reader()

    def _refuse_by_name(self) -> None:
        """Reject a statement that Trino supports but Athena does not."""
        for words in _OTHER_STATEMENTS:
            if self._tokens.at(*words):
                raise MalformedQuery(
                    f"Queries of this type are not supported: {' '.join(words)}",
                    self._tokens.token.position,
                    code="INVALID_INPUT",
                )

    def _explain(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        analyze = self._tokens.accept("ANALYZE")
        verbose = self._tokens.token.position
        if analyze and self._tokens.accept("VERBOSE"):
            self._tokens.note_not_offered("EXPLAIN ANALYZE VERBOSE", verbose)
        known = _ANALYZE_OPTIONS if analyze else _EXPLAIN_OPTIONS
        options = {"FORMAT": "TEXT", "TYPE": "DISTRIBUTED"}
        if self._tokens.at_symbol("(") and self._tokens.peek().upper in _EXPLAIN_OPTIONS:
            self._tokens.take()
            while True:
                name = self._tokens.accept_any(*known)
                if name is None:
                    raise self._tokens.refuse(", ".join(f"'{option}'" for option in known))
                value = self._tokens.accept_any(*known[name])
                if value is None:
                    raise self._tokens.refuse(", ".join(f"'{option}'" for option in known[name]))
                options[name] = value
                if not self._tokens.accept_symbol(","):
                    break
            self._tokens.expect_symbol(")")
        if options["TYPE"] == "IO":
            self._tokens.note_not_offered("EXPLAIN (TYPE IO)", self._tokens.place(mark))
        inner = self.statement()
        return nodes.Explain(inner, analyze, options["FORMAT"], options["TYPE"], position=self._tokens.place(mark))

    def _insert(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        self._tokens.expect("INTO")
        place = self._tokens.mark()
        table = self._tokens.qualified_name()
        columns: tuple[tree.Name, ...] = ()
        if self._tokens.at_symbol("(") and not self._parser.opens_query():
            columns = self._tokens.names_in_parentheses()
        query = self._parser.query()
        return nodes.Insert(table, self._tokens.place(place), columns, query, position=self._tokens.place(mark))

    def _update(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        place = self._tokens.mark()
        table = self._tokens.qualified_name()
        self._tokens.expect("SET")
        assignments = self._assignments()
        where = self._parser.expression() if self._tokens.accept("WHERE") else None
        return nodes.Update(table, self._tokens.place(place), assignments, where, position=self._tokens.place(mark))

    def _assignments(self) -> tuple[nodes.Assignment, ...]:
        found = [self._assignment()]
        while self._tokens.accept_symbol(","):
            found.append(self._assignment())
        return tuple(found)

    def _assignment(self) -> nodes.Assignment:
        mark = self._tokens.mark()
        name = self._tokens.name()
        self._tokens.expect_symbol("=")
        return nodes.Assignment(name, self._parser.expression(), position=self._tokens.place(mark))

    def _delete(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        self._tokens.expect("FROM")
        place = self._tokens.mark()
        table = self._tokens.qualified_name()
        where = self._parser.expression() if self._tokens.accept("WHERE") else None
        return nodes.Delete(table, self._tokens.place(place), where, position=self._tokens.place(mark))

    def _merge(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        self._tokens.expect("INTO")
        place = self._tokens.mark()
        table = self._tokens.qualified_name()
        alias = (
            self._tokens.name()
            if self._tokens.accept("AS") or (self._tokens.at_name() and not self._tokens.at("USING"))
            else None
        )
        self._tokens.expect("USING")
        source = self._parser.relations.relation()
        self._tokens.expect("ON")
        condition = self._parser.expression()
        cases = []
        while self._tokens.at("WHEN"):
            cases.append(self._merge_case())
        if not cases:
            self._tokens.refuse("'WHEN'")
        return nodes.Merge(
            table, self._tokens.place(place), alias, source, condition, tuple(cases), position=self._tokens.place(mark)
        )

    def _merge_case(self) -> nodes.MergeCase:
        mark = self._tokens.mark()
        self._tokens.take()
        matched = not self._tokens.accept("NOT")
        self._tokens.expect("MATCHED")
        condition = self._parser.expression() if self._tokens.accept("AND") else None
        self._tokens.expect("THEN")
        if matched and self._tokens.accept("DELETE"):
            return nodes.MergeCase(True, condition, "DELETE", position=self._tokens.place(mark))
        if matched:
            self._tokens.expect("UPDATE", "SET")
            return nodes.MergeCase(True, condition, "UPDATE", self._assignments(), position=self._tokens.place(mark))
        self._tokens.expect("INSERT")
        columns: tuple[tree.Name, ...] = ()
        if self._tokens.at_symbol("("):
            columns = self._tokens.names_in_parentheses()
        self._tokens.expect("VALUES")
        self._tokens.expect_symbol("(")
        values = self._parser.expressions.items_until(")")
        return nodes.MergeCase(False, condition, "INSERT", (), columns, values, position=self._tokens.place(mark))

    def _create(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        replace = self._tokens.accept("OR", "REPLACE")
        if self._tokens.accept("VIEW"):
            return self._create_view(mark, replace=replace)
        if replace:
            raise self._tokens.refuse("'VIEW'")
        if self._tokens.accept("TABLE"):
            if_not_exists = self._tokens.accept("IF", "NOT", "EXISTS")
            if self._table_as_follows():
                return self._create_table_as(mark, if_not_exists=if_not_exists)
        return HiveReader(self._tokens.text).statement_at(self._tokens, mark)

    def _table_as_follows(self) -> bool:
        """Return whether the statement is a CTAS, which has a query instead of a list of typed columns."""
        distance = 0
        while (
            self._tokens.peek(distance).kind in (Kind.WORD, Kind.QUOTED) and self._tokens.peek(distance + 1).text == "."
        ):
            distance += 2
        distance += 1
        if self._tokens.peek(distance).text == "(":
            # A CTAS lists only column names. In a CREATE TABLE without a query, each column also has a type.
            while self._tokens.peek(distance).text in ("(", ","):
                distance += 2
            if self._tokens.peek(distance).text != ")":
                return False
            distance += 1
        if self._tokens.peek(distance).upper == "COMMENT":
            distance += 2
        return self._tokens.peek(distance).upper in ("AS", "WITH")

    def _create_table_as(self, mark: int, *, if_not_exists: bool) -> nodes.Statement:
        table = self._tokens.qualified_name()
        if len(table) > 3:
            raise MalformedQuery(f"Invalid table name {'.'.join(name.value for name in table)}")
        columns = self._tokens.names_in_parentheses() if self._tokens.at_symbol("(") else ()
        comment = self._tokens.string() if self._tokens.accept("COMMENT") else None
        properties = self._properties() if self._tokens.accept("WITH") else ()
        self._tokens.expect("AS")
        nested = self._tokens.at_symbol("(") and not self._parser.at_query()
        if nested:
            self._tokens.take()
        query = self._parser.query()
        if nested:
            self._tokens.expect_symbol(")")
        with_data = True
        if self._tokens.accept("WITH"):
            with_data = not self._tokens.accept("NO")
            self._tokens.expect("DATA")
        return nodes.CreateTableAs(
            table, if_not_exists, properties, query, with_data, columns, comment, position=self._tokens.place(mark)
        )

    def _properties(self) -> tuple[nodes.Property, ...]:
        self._tokens.expect_symbol("(")
        found = []
        while True:
            mark = self._tokens.mark()
            name = self._tokens.name().key
            self._tokens.expect_symbol("=")
            found.append(nodes.Property(name, self._parser.expression(), position=self._tokens.place(mark)))
            if not self._tokens.accept_symbol(","):
                break
        self._tokens.expect_symbol(")")
        return tuple(found)

    def _create_view(self, mark: int, *, replace: bool) -> nodes.Statement:
        view = self._tokens.qualified_name()
        self._view_options()
        self._tokens.expect("AS")
        query = self._parser.query()
        return nodes.CreateView(view, replace, query, position=self._tokens.place(mark))

    def _view_options(self) -> None:
        position = self._tokens.token.position
        if self._tokens.accept("COMMENT"):
            self._tokens.string()
            self._tokens.note_not_offered("CREATE VIEW with COMMENT", position)
        if self._tokens.accept("SECURITY"):
            if self._tokens.accept_any("DEFINER", "INVOKER") is None:
                self._tokens.refuse("'DEFINER', 'INVOKER'")
            self._tokens.note_not_offered("CREATE VIEW with SECURITY", position)

    def _unload(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        self._tokens.expect_symbol("(")
        query = self._parser.query()
        self._tokens.expect_symbol(")")
        self._tokens.expect("TO")
        location = self._tokens.string()
        properties = self._properties() if self._tokens.accept("WITH") else ()
        return nodes.Unload(query, location, properties, position=self._tokens.place(mark))

    def _prepare(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        name = self._tokens.name().value
        self._tokens.expect("FROM")
        start = self._tokens.mark()
        self.statement()
        return nodes.Prepare(name, self._tokens.written(start), position=self._tokens.place(mark))

    def _execute(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        name = self._tokens.name().value
        parameters: list[tree.Expression] = []
        if self._tokens.accept("USING"):
            parameters.append(self._parser.expression())
            while self._tokens.accept_symbol(","):
                parameters.append(self._parser.expression())
        return nodes.Execute(name, tuple(parameters), position=self._tokens.place(mark))

    def _deallocate(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        self._tokens.expect("PREPARE")
        return nodes.Deallocate(self._tokens.name().value, position=self._tokens.place(mark))

    def _optimize(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        place = self._tokens.mark()
        table = self._tokens.qualified_name()
        self._tokens.expect("REWRITE", "DATA", "USING", "BIN_PACK")
        where = self._parser.expression() if self._tokens.accept("WHERE") else None
        return nodes.Optimize(table, self._tokens.place(place), where, position=self._tokens.place(mark))

    def _vacuum(self) -> nodes.Statement:
        mark = self._tokens.mark()
        self._tokens.take()
        return nodes.Vacuum(self._tokens.qualified_name(), position=self._tokens.place(mark))

    def _hive(self) -> nodes.Statement:
        mark = self._tokens.mark()
        if self._tokens.at("DROP", "VIEW"):
            self._tokens.take()
            self._tokens.take()
            if_exists = self._tokens.accept("IF", "EXISTS")
            return nodes.DropView(self._tokens.qualified_name(), if_exists, position=self._tokens.place(mark))
        return HiveReader(self._tokens.text).statement_at(self._tokens, mark)
