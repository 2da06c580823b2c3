"""Read the names of types: ``array(row(a integer, b varchar(3)))``."""

from __future__ import annotations

from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar.parser_base import TokenReader
from local_lakehouse.sql.grammar.tokens import Kind
from local_lakehouse.sql.types import Type

_SIMPLE = {
    "BOOLEAN": types.BOOLEAN,
    "TINYINT": types.TINYINT,
    "SMALLINT": types.SMALLINT,
    "INTEGER": types.INTEGER,
    "INT": types.INTEGER,
    "BIGINT": types.BIGINT,
    "REAL": types.REAL,
    "DOUBLE": types.DOUBLE,
    "VARBINARY": types.VARBINARY,
    "JSON": types.JSON,
    "DATE": types.DATE,
    "UUID": types.UUID,
    "STRING": types.VARCHAR,
    "UNKNOWN": types.UNKNOWN,
}
_MAX_SECOND_DIGITS = 6


class TypeReader(TokenReader):
    """Reads types."""

    def type(self) -> Type:
        """Read one type."""
        type_ = self._base_type()
        while self.accept("ARRAY"):
            type_ = types.array(type_)
        return type_

    def _base_type(self) -> Type:
        mark = self.mark()
        if self.token.kind is not Kind.WORD:
            self.refuse("<type>")
        word = self.take().upper
        if word == "DOUBLE":
            self.accept("PRECISION")
            return types.DOUBLE
        if word in _SIMPLE:
            return _SIMPLE[word]
        if word in ("VARCHAR", "CHAR"):
            lengths = self._numbers()
            return types.char(*(lengths or (1,))) if word == "CHAR" else types.varchar(*(lengths or (None,)))
        if word in ("DECIMAL", "NUMERIC", "DEC"):
            precision, scale = (*self._numbers(), None, None)[:2]
            return types.decimal(precision or types.MAX_PRECISION, scale or 0)
        if word in ("TIMESTAMP", "TIME"):
            return self._time_type(word)
        if word == "INTERVAL":
            return self._interval_type()
        if word == "ARRAY":
            return types.array(self._bracketed()[0])
        if word == "MAP":
            return types.map_of(*self._bracketed())
        if word == "ROW":
            return self._row_type()
        self.rewind(mark)
        raise QueryFailure("TYPE_MISMATCH", f"Unknown type: {self.token.text.lower()}", self.token.position)

    def _numbers(self) -> tuple[int, ...]:
        if not self.accept_symbol("("):
            return ()
        numbers = [self._number()]
        while self.accept_symbol(","):
            numbers.append(self._number())
        self.expect_symbol(")")
        return tuple(numbers)

    def _number(self) -> int:
        if self.token.kind is not Kind.INTEGER:
            self.refuse("<integer>")
        return int(self.take().text)

    def _time_type(self, word: str) -> Type:
        mark = self.mark()
        precision = (self._numbers() or (3,))[0]
        if precision > _MAX_SECOND_DIGITS:
            raise QueryFailure(
                "NOT_SUPPORTED", f"{word.lower()}({precision}) is more precise than microseconds", self.place(mark)
            )
        if self.accept("WITH", "TIME", "ZONE"):
            if word == "TIME":
                raise QueryFailure("NOT_SUPPORTED", "time with time zone is not supported", self.place(mark))
            return types.timestamp_tz(precision)
        self.accept("WITHOUT", "TIME", "ZONE")
        return types.timestamp(precision) if word == "TIMESTAMP" else types.time(precision)

    def _interval_type(self) -> Type:
        if self.accept("YEAR", "TO", "MONTH"):
            return types.MONTH_INTERVAL
        self.expect("DAY", "TO", "SECOND")
        return types.DAY_INTERVAL

    def _bracketed(self) -> list[Type]:
        closing = ">" if self.accept_symbol("<") else ")"
        if closing == ")":
            self.expect_symbol("(")
        parts = [self.type()]
        while self.accept_symbol(","):
            parts.append(self.type())
        self.expect_symbol(closing)
        return parts

    def _row_type(self) -> Type:
        self.expect_symbol("(")
        fields: list[str | None] = []
        children: list[Type] = []
        while True:
            named = (
                self.at_name()
                and not (self.peek().kind is Kind.SYMBOL and self.peek().text in (",", ")", "("))
                and not self.at("DOUBLE", "PRECISION")
                and not (self.token.upper in ("TIMESTAMP", "TIME") and self.peek().upper in ("WITH", "WITHOUT"))
                and not (self.token.upper == "INTERVAL" and self.peek().upper in ("YEAR", "DAY"))
            )
            fields.append(self.name().key if named else None)
            children.append(self.type())
            if not self.accept_symbol(","):
                break
        self.expect_symbol(")")
        return types.row(tuple(children), tuple(fields))
