"""A parser for type names such as ``array(row(a integer, b varchar(3)))``."""

from __future__ import annotations

from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar.reader import TokenReader
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
_MAX_LENGTHS = {"CHAR": 65_536, "VARCHAR": 2_147_483_646}
_MAX_SECOND_DIGITS = 12


class TypeParser:
    """The parser for type names such as ``array(row(a integer, b varchar(3)))``.

    Args:
        tokens: The statement's tokens.
    """

    def __init__(self, tokens: TokenReader) -> None:
        self._tokens = tokens

    def type(self) -> Type:
        """Parse one type."""
        type_ = self._base_type()
        while self._tokens.accept("ARRAY"):
            type_ = types.array(type_)
        return type_

    def _base_type(self) -> Type:
        mark = self._tokens.mark()
        if self._tokens.token.kind is not Kind.WORD:
            self._tokens.refuse("<type>")
        word = self._tokens.take().upper
        if word == "DOUBLE":
            self._tokens.accept("PRECISION")
            return types.DOUBLE
        if word in _SIMPLE:
            return _SIMPLE[word]
        if word in ("VARCHAR", "CHAR"):
            lengths = self._numbers()
            self._check_length(word, lengths, mark)
            return types.char(*(lengths or (1,))) if word == "CHAR" else types.varchar(*(lengths or (None,)))
        if word in ("DECIMAL", "NUMERIC", "DEC"):
            return self._decimal(mark)
        if word in ("TIMESTAMP", "TIME"):
            return self._time_type(word)
        if word == "INTERVAL":
            return self._interval_type()
        if word in ("ARRAY", "MAP", "ROW") and not self._tokens.at_symbol("(", "<"):
            raise QueryFailure("TYPE_MISMATCH", f"Unknown type: {word.lower()}", self._tokens.place(mark))
        if word == "ARRAY":
            return types.array(self._bracketed()[0])
        if word == "MAP":
            return types.map_of(*self._bracketed())
        if word == "ROW":
            return self._row_type()
        self._tokens.rewind(mark)
        raise QueryFailure(
            "TYPE_MISMATCH", f"Unknown type: {self._tokens.token.text.lower()}", self._tokens.token.position
        )

    def _decimal(self, mark: int) -> Type:
        """Parse a decimal's precision (1 to 38) and scale (0 to the precision)."""
        written = self._numbers()
        precision, scale = (*written, *(types.MAX_PRECISION, 0)[len(written) :])[:2]
        if not 1 <= precision <= types.MAX_PRECISION:
            self._out_of_range(f"DECIMAL precision must be in range [1, {types.MAX_PRECISION}]: {precision}", mark)
        if scale > precision:
            self._out_of_range(f"DECIMAL scale must be in range [0, precision ({precision})]: {scale}", mark)
        return types.decimal(precision, scale)

    def _check_length(self, word: str, lengths: tuple[int, ...], mark: int) -> None:
        most = _MAX_LENGTHS[word]
        if lengths and lengths[0] > most:
            self._out_of_range(f"{word} length must be in range [0, {most}], got {lengths[0]}", mark)

    def _out_of_range(self, message: str, mark: int) -> None:
        raise QueryFailure("INVALID_FUNCTION_ARGUMENT", message, self._tokens.place(mark))

    def _numbers(self) -> tuple[int, ...]:
        if not self._tokens.accept_symbol("("):
            return ()
        numbers = [self._number()]
        while self._tokens.accept_symbol(","):
            numbers.append(self._number())
        self._tokens.expect_symbol(")")
        return tuple(numbers)

    def _number(self) -> int:
        if self._tokens.token.kind is not Kind.INTEGER:
            self._tokens.refuse("<integer>")
        return int(self._tokens.take().text)

    def _time_type(self, word: str) -> Type:
        mark = self._tokens.mark()
        precision = (self._numbers() or (3,))[0]
        if precision > _MAX_SECOND_DIGITS:
            raise QueryFailure(
                "INVALID_FUNCTION_ARGUMENT",
                f"{word} precision must be in range [0, 12]: {precision}",
                self._tokens.place(mark),
            )
        if self._tokens.accept("WITH", "TIME", "ZONE"):
            return types.time_tz(precision) if word == "TIME" else types.timestamp_tz(precision)
        self._tokens.accept("WITHOUT", "TIME", "ZONE")
        return types.timestamp(precision) if word == "TIMESTAMP" else types.time(precision)

    def _interval_type(self) -> Type:
        if self._tokens.accept("YEAR", "TO", "MONTH"):
            return types.MONTH_INTERVAL
        self._tokens.expect("DAY", "TO", "SECOND")
        return types.DAY_INTERVAL

    def _bracketed(self) -> list[Type]:
        closing = ">" if self._tokens.accept_symbol("<") else ")"
        if closing == ")":
            self._tokens.expect_symbol("(")
        parts = [self.type()]
        while self._tokens.accept_symbol(","):
            parts.append(self.type())
        self._tokens.expect_symbol(closing)
        return parts

    def _row_type(self) -> Type:
        self._tokens.expect_symbol("(")
        fields: list[str | None] = []
        children: list[Type] = []
        while True:
            named = (
                self._tokens.at_name()
                and not (self._tokens.peek().kind is Kind.SYMBOL and self._tokens.peek().text in (",", ")", "("))
                and not self._tokens.at("DOUBLE", "PRECISION")
                and not (
                    self._tokens.token.upper in ("TIMESTAMP", "TIME")
                    and self._tokens.peek().upper in ("WITH", "WITHOUT")
                )
                and not (self._tokens.token.upper == "INTERVAL" and self._tokens.peek().upper in ("YEAR", "DAY"))
            )
            fields.append(self._tokens.name().key if named else None)
            children.append(self.type())
            if not self._tokens.accept_symbol(","):
                break
        self._tokens.expect_symbol(")")
        return types.row(tuple(children), tuple(fields))
