"""A parser for Hive statements, such as ``CREATE EXTERNAL TABLE`` and ``SHOW TABLES``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.alter_parser import AlterReader
from local_lakehouse.sql.grammar.reader import TokenReader
from local_lakehouse.sql.grammar.tokens import Kind

_DELIMITERS = {
    ("FIELDS", "TERMINATED", "BY"): "field.delim",
    ("ESCAPED", "BY"): "escape.delim",
    ("LINES", "TERMINATED", "BY"): "line.delim",
    ("COLLECTION", "ITEMS", "TERMINATED", "BY"): "collection.delim",
    ("MAP", "KEYS", "TERMINATED", "BY"): "mapkey.delim",
    ("NULL", "DEFINED", "AS"): "serialization.null.format",
}
_TRANSFORMS = ("year", "month", "day", "hour", "bucket", "truncate")


class HiveReader(AlterReader):
    """The parser for Hive statements."""

    def statement_at(self, reader: TokenReader, mark: int) -> nodes.Statement:
        """Parse the statement at another reader's mark, and advance that reader past the statement."""
        start = reader.token_at(mark).start
        while self.token.start < start:
            self.take()
        statement = self._statement()
        reader.continue_after(self)
        return statement

    def _statement(self) -> nodes.Statement:
        readers: dict[str, Callable[[], nodes.Statement]] = {
            "CREATE": self._create,
            "ALTER": self._alter,
            "DROP": self._drop,
            "SHOW": self._show,
            "DESCRIBE": self._describe,
            "DESC": self._describe,
            "MSCK": self._repair,
        }
        return readers[self.take().upper]()

    def _create(self) -> nodes.Statement:
        if self.accept_any("DATABASE", "SCHEMA"):
            return self._create_database()
        external = self.accept("EXTERNAL")
        self.expect("TABLE")
        if_not_exists = self.accept("IF", "NOT", "EXISTS")
        table = self._table()
        if not self.at_symbol("("):
            self.refuse("'('")
        columns = self._columns()
        clauses: dict[str, Any] = {
            "partitions": (),
            "comment": None,
            "location": None,
            "properties": (),
            "row_format": (),
        }
        seen: set[str] = set()
        while self.token.kind is not Kind.END and not self.at_symbol(";"):
            if self.token.upper in seen:
                self.refuse("<EOF>")
            seen.add(self.token.upper)
            self._clause(clauses)
        return nodes.CreateTable(table, external, if_not_exists, columns, **clauses)

    def _clause(self, clauses: dict[str, Any]) -> None:
        if self.accept("COMMENT"):
            clauses["comment"] = self.string()
        elif self.accept("PARTITIONED", "BY"):
            clauses["partitions"] = self._partitions()
        elif self.accept("LOCATION"):
            clauses["location"] = self.string()
        elif self.accept("TBLPROPERTIES"):
            clauses["properties"] = self._pairs()
        elif self.accept("STORED", "AS"):
            self._stored_as(clauses)
        elif self.accept("ROW", "FORMAT"):
            self._row_format(clauses)
        elif self.accept("WITH", "SERDEPROPERTIES"):
            clauses["row_format"] = (*clauses["row_format"], *self._pairs())
        elif self.accept("CLUSTERED", "BY"):
            self._buckets(clauses)
        else:
            self.refuse("'CLUSTERED', 'COMMENT', 'LOCATION', 'PARTITIONED', 'ROW', 'STORED', 'TBLPROPERTIES'")

    def _buckets(self, clauses: dict[str, Any]) -> None:
        self.expect_symbol("(")
        columns = [self.name().key]
        while self.accept_symbol(","):
            columns.append(self.name().key)
        self.expect_symbol(")")
        if self.at("SORTED", "BY"):
            self.note_not_offered("SORTED BY", self.take().position)
            self.take()
            self.skip_parentheses()
        self.expect("INTO")
        clauses["bucketed_by"] = tuple(columns)
        clauses["bucket_count"] = self._positive_number()
        self.expect("BUCKETS")

    def _positive_number(self) -> int:
        if not self.token.text.isdecimal() or int(self.token.text) == 0:
            self.refuse("<number>")
        return int(self.take().text)

    def _stored_as(self, clauses: dict[str, Any]) -> None:
        if self.accept("INPUTFORMAT"):
            clauses["stored_as"] = self.string()
            self.expect("OUTPUTFORMAT")
            clauses["output_format"] = self.string()
        else:
            clauses["stored_as"] = self.name().value.upper()

    def _row_format(self, clauses: dict[str, Any]) -> None:
        if self.accept("SERDE"):
            clauses["serde"] = self.string()
            return
        self.expect("DELIMITED")
        found: dict[str, str] = {}
        while (words := next((each for each in _DELIMITERS if self.at(*each)), None)) is not None:
            if _DELIMITERS[words] in found:
                self.refuse()
            self.expect(*words)
            found[_DELIMITERS[words]] = self.string()
        clauses["row_format"] = (*clauses["row_format"], *found.items())

    def _partitions(self) -> tuple[nodes.PartitionField, ...]:
        self.expect_symbol("(")
        found = [self._partition()]
        while self.accept_symbol(","):
            found.append(self._partition())
        self.expect_symbol(")")
        return tuple(found)

    def _partition(self) -> nodes.PartitionField:
        mark = self.mark()
        word = self.name().key
        if word in _TRANSFORMS and self.accept_symbol("("):
            argument = None
            # The Athena user guide documents both truncate(L, col) and truncate(col, L).
            column_first = word == "truncate" and self.at_name()
            if word in ("bucket", "truncate") and not column_first:
                argument = self._positive_number()
                self.expect_symbol(",")
            column = self.name().key
            if column_first:
                self.expect_symbol(",")
                argument = self._positive_number()
            self.expect_symbol(")")
            return nodes.PartitionField(column, word, argument, position=self.place(mark))
        if self.at_symbol(",", ")"):
            return nodes.PartitionField(word, position=self.place(mark))
        return nodes.PartitionField(word, type=self.type(), comment=self._comment(), position=self.place(mark))

    def _create_database(self) -> nodes.Statement:
        if_not_exists = self.accept("IF", "NOT", "EXISTS")
        name = self._database()
        comment = self._comment()
        location = self.string() if self.accept("LOCATION") else None
        properties = self._pairs() if self.accept("WITH", "DBPROPERTIES") else ()
        return nodes.CreateDatabase(name, if_not_exists, comment, location, properties)

    def _drop(self) -> nodes.Statement:
        if self.accept_any("DATABASE", "SCHEMA"):
            if_exists = self.accept("IF", "EXISTS")
            name = self._database()
            cascade = self.accept("CASCADE")
            if not cascade:
                self.accept("RESTRICT")
            return nodes.DropDatabase(name, if_exists, cascade)
        self.expect("TABLE")
        if_exists = self.accept("IF", "EXISTS")
        return nodes.DropTable(self._table(), if_exists)

    def _repair(self) -> nodes.Statement:
        self.expect("REPAIR", "TABLE")
        return nodes.RepairTable(self._table())

    def _describe(self) -> nodes.Statement:
        form = self.accept_any("EXTENDED", "FORMATTED") or ""
        table = self._table()
        if self.at("PARTITION"):
            self.note_not_offered("DESCRIBE for a partition", self.take().position)
            self.skip_parentheses()
        if self.at_name():
            self.note_not_offered("DESCRIBE for a column", self.take().position)
            while self.accept_symbol("."):
                self.take()
        return nodes.Describe(table, form)

    def _show(self) -> nodes.Statement:
        if self.accept("TBLPROPERTIES"):
            table = self._table()
            key = None
            if self.accept_symbol("("):
                key = self.string()
                self.expect_symbol(")")
            return nodes.Show("TABLE_PROPERTIES", table, key=key)
        if self.accept("CREATE"):
            kind = self.accept_any("TABLE", "VIEW")
            if kind is None:
                raise self.refuse("'TABLE', 'VIEW'")
            if kind == "VIEW":
                self._also_names = (Kind.QUOTED,)
            return nodes.Show(f"CREATE_{kind}", self._table())
        if self.accept("COLUMNS"):
            return self._show_columns()
        if self.accept("PARTITIONS"):
            return nodes.Show("PARTITIONS", self._table())
        what = self.accept_any("DATABASES", "SCHEMAS", "TABLES", "VIEWS", "FUNCTIONS")
        if what is None:
            raise self.refuse("'COLUMNS', 'CREATE', 'DATABASES', 'PARTITIONS', 'TABLES', 'TBLPROPERTIES', 'VIEWS'")
        in_database = what in ("TABLES", "VIEWS") and self.accept_any("IN", "FROM")
        database = self._database() if in_database else None
        liked = self.accept("LIKE")
        pattern = self.string() if liked or self.token.kind is Kind.STRING else None
        escape = self.string() if what == "FUNCTIONS" and pattern is not None and self.accept("ESCAPE") else None
        return nodes.Show("DATABASES" if what == "SCHEMAS" else what, (), database, pattern, escape=escape)

    def _show_columns(self) -> nodes.Statement:
        if self.accept_any("IN", "FROM") is None:
            self.refuse("'FROM', 'IN'")
        table = self._table()
        if len(table) == 1 and self.accept_any("IN", "FROM"):
            table = (*self._table()[-1:], *table)
        return nodes.Show("COLUMNS", table)
