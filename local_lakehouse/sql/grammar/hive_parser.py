"""A parser for Hive statements, such as ``ALTER TABLE`` and ``SHOW TABLES``.

Names in Hive statements are unquoted or in backticks. Only the view name in ``SHOW CREATE VIEW`` can be in double
quotes, because Athena parses that statement like a query.
https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from local_lakehouse.sql.failures import MalformedQuery
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.reader import TokenReader
from local_lakehouse.sql.grammar.tokens import Kind, Token, tokenize
from local_lakehouse.sql.grammar.tree import Name
from local_lakehouse.sql.hive_types import UnknownTypeError, parse_glue_type
from local_lakehouse.sql.types import Type

Properties = tuple[tuple[str, str], ...]
_TRANSFORMS = ("year", "month", "day", "hour", "bucket", "truncate")
_CATALOG = "awsdatacatalog"
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|([0-3][0-7]{2})|(.))", re.DOTALL)
_CONTROLS = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}


class HiveReader(TokenReader):
    """The parser for Hive statements."""

    _also_names: tuple[Kind, ...] = ()

    def _tokenized(self, text: str) -> list[Token]:
        return tokenize(text, hive=True)

    def statement_at(self, reader: TokenReader, mark: int) -> nodes.Statement:
        """Parse the statement at another reader's mark, and advance that reader past the statement."""
        start = reader.token_at(mark).start
        while self.token.start < start:
            self.take()
        statement = self._statement()
        reader.continue_after(self)
        return statement

    def refuse(self, expected: str = "") -> MalformedQuery:
        """Reject the statement at the next token."""
        start = max(0, self.mark() - 3)
        raise MalformedQuery(
            f"no viable alternative at input '{self.written(start)[:60]} {self.token.text}'"
            if self.token.kind is Kind.QUOTED
            else f"mismatched input '{self.token.text}'" + (f". Expecting: {expected}" if expected else ""),
            self.token.position,
        )

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
            return parse_glue_type(" ".join(written.split()))
        except UnknownTypeError as error:
            raise MalformedQuery(f"no viable alternative at input '{written}'", self.place(mark)) from error

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
        clauses: dict[str, object] = {"partitions": (), "comment": None, "location": None, "properties": ()}
        while self.token.kind is not Kind.END and not self.at_symbol(";"):
            self._clause(clauses)
        return nodes.CreateTable(table, external, if_not_exists, columns, **clauses)  # type: ignore[arg-type]

    def _clause(self, clauses: dict[str, object]) -> None:
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
            clauses["row_format"] = self._pairs()
        elif self.accept("CLUSTERED", "BY"):
            self._buckets(clauses)
        else:
            self.refuse("'CLUSTERED', 'COMMENT', 'LOCATION', 'PARTITIONED', 'ROW', 'STORED', 'TBLPROPERTIES'")

    def _buckets(self, clauses: dict[str, object]) -> None:
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
        if not self.token.text.isdecimal() or int(self.token.text) == 0:
            self.refuse("<number>")
        clauses["bucketed_by"] = tuple(columns)
        clauses["bucket_count"] = int(self.take().text)
        self.expect("BUCKETS")

    def _stored_as(self, clauses: dict[str, object]) -> None:
        if self.accept("INPUTFORMAT"):
            clauses["stored_as"] = self.string()
            self.expect("OUTPUTFORMAT")
            clauses["output_format"] = self.string()
        else:
            clauses["stored_as"] = self.name().value.upper()

    def _row_format(self, clauses: dict[str, object]) -> None:
        if self.accept("SERDE"):
            clauses["serde"] = self.string()
            return
        self.expect("DELIMITED")
        found = []
        while True:
            if self.accept("FIELDS", "TERMINATED", "BY"):
                found.append(("field.delim", self.string()))
            elif self.accept("ESCAPED", "BY"):
                found.append(("escape.delim", self.string()))
            elif self.accept("LINES", "TERMINATED", "BY"):
                found.append(("line.delim", self.string()))
            elif self.accept("COLLECTION", "ITEMS", "TERMINATED", "BY"):
                found.append(("collection.delim", self.string()))
            elif self.accept("MAP", "KEYS", "TERMINATED", "BY"):
                found.append(("mapkey.delim", self.string()))
            elif self.accept("NULL", "DEFINED", "AS"):
                found.append(("serialization.null.format", self.string()))
            else:
                break
        clauses["row_format"] = tuple(found)

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
            if word in ("bucket", "truncate"):
                argument = int(self.take().text)
                self.expect_symbol(",")
            column = self.name().key
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
        database = self._database() if self.accept_any("IN", "FROM") else None
        liked = self.accept("LIKE")
        pattern = self.string() if liked or self.token.kind is Kind.STRING else None
        escape = self.string() if what == "FUNCTIONS" and pattern is not None and self.accept("ESCAPE") else None
        return nodes.Show("DATABASES" if what == "SCHEMAS" else what, (), database, pattern, escape=escape)

    def _show_columns(self) -> nodes.Statement:
        if self.accept_any("IN", "FROM") is None:
            self.refuse("'FROM', 'IN'")
        table = self._table()
        if self.accept_any("IN", "FROM"):
            table = (*self._table()[-1:], *table)
        return nodes.Show("COLUMNS", table)

    def _alter(self) -> nodes.Statement:
        self.expect("TABLE")
        if self.at("IF", "EXISTS"):
            raise MalformedQuery("no viable alternative at input 'ALTER TABLE IF'", self.token.position)
        table = self._table()
        if self.accept("PARTITION"):
            return self._alter_partition(table)
        if self.accept("ADD"):
            return self._add(table)
        if self.accept("REPLACE", "COLUMNS"):
            return nodes.AlterTable(table, "REPLACE_COLUMN", self._columns())
        if self.accept("DROP"):
            return self._drop_part(table)
        if self.accept("CHANGE"):
            return self._change(table)
        if self.accept("RENAME", "TO"):
            return nodes.AlterTable(table, "RENAME", new_table=self._table())
        if self.accept("SET", "TBLPROPERTIES"):
            return nodes.AlterTable(table, "PROPERTIES", properties=self._pairs())
        if self.accept("UNSET", "TBLPROPERTIES"):
            return self._unset(table)
        if self.accept("SET", "LOCATION"):
            return nodes.AlterTable(table, "SET_LOCATION", properties=(("location", self.string()),))
        if self.at("RENAME"):
            raise MalformedQuery(f"missing 'TO' at '{self.peek().text}'", self.peek().position)
        raise MalformedQuery(
            f"no viable alternative at input 'ALTER TABLE {'.'.join(name.value for name in table)} {self.token.text}'",
            self.token.position,
        )

    def _alter_partition(self, table: nodes.TableName) -> nodes.Statement:
        position = self.token.position
        given = self._partition_values()
        if self.accept("SET", "LOCATION"):
            return nodes.AlterTable(table, "SET_LOCATION", partitions=((given, self.string()),))
        if self.accept("RENAME", "TO"):
            self.expect("PARTITION")
            partitions = ((given, None), (self._partition_values(), None))
            return nodes.AlterTable(table, "RENAME_PARTITION", partitions=partitions)
        action = self.accept_any("ADD", "REPLACE", "CHANGE")
        if action is None:
            raise self.refuse("'ADD', 'CHANGE', 'RENAME', 'REPLACE', 'SET'")
        self.note_not_offered(f"ALTER TABLE PARTITION {action}", position)
        if action == "CHANGE":
            return self._change(table)
        self.expect("COLUMNS")
        return nodes.AlterTable(table, f"{action}_COLUMN", self._columns())

    def _add(self, table: nodes.TableName) -> nodes.Statement:
        if self.accept("COLUMNS"):
            return nodes.AlterTable(table, "ADD_COLUMN", self._columns())
        quiet = self.accept("IF", "NOT", "EXISTS")
        if not self.at("PARTITION"):
            raise MalformedQuery(
                f"no viable alternative at input 'ALTER TABLE {'.'.join(name.value for name in table)} ADD "
                f"{self.token.text}'",
                self.token.position,
            )
        partitions = []
        while self.accept("PARTITION"):
            values = self._partition_values()
            partitions.append((values, self.string() if self.accept("LOCATION") else None))
        return nodes.AlterTable(table, "ADD_PARTITION", partitions=tuple(partitions), quiet=quiet)

    def _partition_values(self) -> Properties:
        self.expect_symbol("(")
        found = []
        while True:
            name = self.name().key
            self.expect_symbol("=")
            found.append((name, self._partition_value()))
            if not self.accept_symbol(","):
                break
        self.expect_symbol(")")
        return tuple(found)

    def _partition_value(self) -> str:
        if self.token.kind in (Kind.STRING, Kind.QUOTED, Kind.EMPTY_QUOTED):
            return self.string()
        sign = "-" if self.accept_symbol("-") else ""
        if self.token.kind in (Kind.INTEGER, Kind.DECIMAL):
            return sign + self.take().text
        word = None if sign else self.accept_any("TRUE", "FALSE")
        if word is None:
            raise self.refuse("<constant>")
        return word.lower()

    def _drop_part(self, table: nodes.TableName) -> nodes.Statement:
        if self.accept("COLUMN"):
            return nodes.AlterTable(table, "DROP_COLUMN", old_name=self.name().key)
        quiet = self.accept("IF", "EXISTS")
        if not self.at("PARTITION"):
            raise MalformedQuery(f"mismatched input '{self.token.text}'. Expecting: '.', 'DROP'", self.token.position)
        partitions = []
        while True:
            self.expect("PARTITION")
            partitions.append((self._partition_values(), None))
            if not self.accept_symbol(","):
                break
        return nodes.AlterTable(table, "DROP_PARTITION", partitions=tuple(partitions), quiet=quiet)

    def _change(self, table: nodes.TableName) -> nodes.Statement:
        self.accept("COLUMN")
        old_name = self.name().key
        column = self._column()
        place = None
        if self.accept("FIRST"):
            place = "FIRST"
        elif self.accept("AFTER"):
            place = f"AFTER {self.name().key}"
        return nodes.AlterTable(table, "CHANGE_COLUMN", (column,), old_name, place)

    def _unset(self, table: nodes.TableName) -> nodes.Statement:
        self.expect_symbol("(")
        keys = [self.string()]
        while self.accept_symbol(","):
            keys.append(self.string())
        self.expect_symbol(")")
        return nodes.AlterTable(table, "PROPERTIES", unset=tuple(keys))


def _unescaped(escape: re.Match[str]) -> str:
    point, octal, letter = escape.groups()
    if letter is not None:
        return _CONTROLS.get(letter, letter)
    return chr(int(point, 16) if point else int(octal, 8))
