"""Reader of JSON functions, which have clauses of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import json_tree
from local_lakehouse.sql.grammar.tree import (
    Expression,
)

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.parser import Parser


class JsonParser:
    """Reads JSON functions, which have clauses of their own.

    Args:
        parser: The parser of the statement.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._tokens = parser.tokens

    def object_form(self, mark: int) -> Expression:
        """Read ``json_object`` from behind its parenthesis."""
        members = []
        while (
            not self._tokens.at_symbol(")")
            and not self._tokens.at("NULL", "ON")
            and not self._tokens.at("ABSENT", "ON")
        ):
            keyword = self._tokens.accept("KEY")
            key = self._parser.value()
            if keyword:
                self._tokens.expect("VALUE")
            elif not self._tokens.accept("VALUE"):
                self._tokens.expect_symbol(":")
            members.append((key, self._parser.expression()))
            if not self._tokens.accept_symbol(","):
                break
        null_on_null = not self._tokens.accept("ABSENT", "ON", "NULL")
        self._tokens.accept("NULL", "ON", "NULL")
        self._tokens.expect_symbol(")")
        return json_tree.JsonObject(
            tuple(members), null_on_null, position=self._tokens.place(mark), text=self._tokens.written(mark)
        )

    def array_form(self, mark: int) -> Expression:
        """Read ``json_array`` from behind its parenthesis."""
        items = []
        while (
            not self._tokens.at_symbol(")")
            and not self._tokens.at("NULL", "ON")
            and not self._tokens.at("ABSENT", "ON")
        ):
            items.append(self._parser.expression())
            if not self._tokens.accept_symbol(","):
                break
        null_on_null = self._tokens.accept("NULL", "ON", "NULL")
        self._tokens.accept("ABSENT", "ON", "NULL")
        self._tokens.expect_symbol(")")
        return json_tree.JsonArray(
            tuple(items), null_on_null, position=self._tokens.place(mark), text=self._tokens.written(mark)
        )

    def path_form(self, mark: int) -> Expression:
        """Read a function with a JSON path from behind its parenthesis."""
        name = self._tokens.token_at(mark).text.lower()
        operand = self._parser.expression()
        self._tokens.accept("FORMAT", "JSON")
        self._tokens.expect_symbol(",")
        path = self._tokens.string()
        if self._tokens.accept("PASSING"):
            raise QueryFailure("NOT_SUPPORTED", f"{name} with PASSING is not supported", self._tokens.place(mark))
        returning = self._parser.type() if self._tokens.accept("RETURNING") else None
        options, defaults = self._json_clauses()
        self._tokens.expect_symbol(")")
        return json_tree.JsonPathCall(
            name,
            operand,
            path,
            returning,
            tuple(options),
            tuple(defaults),
            position=self._tokens.place(mark),
            text=self._tokens.written(mark),
        )

    def _json_clauses(self) -> tuple[list[tuple[str, str]], list[tuple[str, Expression]]]:
        options: list[tuple[str, str]] = []
        defaults: list[tuple[str, Expression]] = []
        while not self._tokens.at_symbol(")"):
            if self._tokens.accept("DEFAULT"):
                value = self._parser.expression()
                self._tokens.expect("ON")
                defaults.append((self._tokens.take().upper, value))
            elif self._tokens.accept("WITHOUT"):
                self._tokens.accept("ARRAY")
                self._tokens.expect("WRAPPER")
                options.append(("WRAPPER", "WITHOUT"))
            elif self._tokens.accept("WITH"):
                kind = self._tokens.accept_any("CONDITIONAL", "UNCONDITIONAL") or "UNCONDITIONAL"
                self._tokens.accept("ARRAY")
                self._tokens.expect("WRAPPER")
                options.append(("WRAPPER", kind))
            elif self._tokens.token.upper in ("KEEP", "OMIT"):
                options.append(("QUOTES", self._tokens.take().upper))
                self._tokens.expect("QUOTES")
            elif self._tokens.token.upper in ("NULL", "ERROR", "EMPTY", "TRUE", "FALSE", "UNKNOWN"):
                behaviour = self._tokens.take().upper
                if behaviour == "EMPTY" and self._tokens.token.upper in ("ARRAY", "OBJECT"):
                    behaviour += " " + self._tokens.take().upper
                self._tokens.expect("ON")
                options.append((self._tokens.take().upper, behaviour))
            else:
                self._tokens.refuse("')'")
        return options, defaults
