"""A parser for Hive's ``ALTER`` statements."""

from __future__ import annotations

from local_lakehouse.sql.failures import MalformedQuery
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.hive_reader import HiveTokens, Properties
from local_lakehouse.sql.grammar.tokens import Kind


class AlterReader(HiveTokens):
    """The parser for ``ALTER`` statements."""

    def _alter(self) -> nodes.Statement:
        if self.accept_any("DATABASE", "SCHEMA"):
            name = self._database()
            self.expect("SET", "DBPROPERTIES")
            return nodes.AlterDatabase(name, self._pairs())
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
