"""A parser for JSON functions with special syntax, such as ``json_object`` and ``json_value``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql.grammar.json_tree import JsonArray, JsonInput, JsonObject, JsonOutput, JsonPathCall
from local_lakehouse.sql.grammar.tree import Expression

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.parser import Parser


class JsonParser:
    """The parser for JSON functions with special syntax, such as ``json_object`` and ``json_value``.

    Args:
        parser: The statement's parser.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._tokens = parser.tokens

    def object_form(self, mark: int) -> Expression:
        """Parse ``json_object`` after its opening parenthesis."""
        members: list[tuple[Expression, JsonInput]] = []
        while not self._at_end():
            keyword = self._tokens.accept("KEY")
            key = self._parser.value()
            if keyword:
                self._tokens.expect("VALUE")
            elif not self._tokens.accept("VALUE"):
                self._tokens.expect_symbol(":")
            members.append((key, self._input()))
            if not self._tokens.accept_symbol(","):
                break
        null_on_null = not self._tokens.accept("ABSENT", "ON", "NULL")
        self._tokens.accept("NULL", "ON", "NULL")
        unique = self._tokens.accept("WITH", "UNIQUE")
        if unique or self._tokens.accept("WITHOUT", "UNIQUE"):
            self._tokens.accept("KEYS")
        returning = self._output()
        self._tokens.expect_symbol(")")
        place, text = self._tokens.place(mark), self._tokens.written(mark)
        return JsonObject(tuple(members), null_on_null, unique, returning, position=place, text=text)

    def array_form(self, mark: int) -> Expression:
        """Parse ``json_array`` after its opening parenthesis."""
        items = []
        while not self._at_end():
            items.append(self._input())
            if not self._tokens.accept_symbol(","):
                break
        null_on_null = self._tokens.accept("NULL", "ON", "NULL")
        self._tokens.accept("ABSENT", "ON", "NULL")
        returning = self._output()
        self._tokens.expect_symbol(")")
        place, text = self._tokens.place(mark), self._tokens.written(mark)
        return JsonArray(tuple(items), null_on_null, returning, position=place, text=text)

    def path_form(self, mark: int) -> Expression:
        """Parse ``json_value``, ``json_query`` or ``json_exists`` after its opening parenthesis."""
        name = self._tokens.token_at(mark).text.lower()
        operand = self._input()
        self._tokens.expect_symbol(",")
        path = self._tokens.string()
        parameters = []
        if self._tokens.accept("PASSING"):
            parameters.append(self._parameter())
            while self._tokens.accept_symbol(","):
                parameters.append(self._parameter())
        returning = self._output() if name != "json_exists" else None
        options, defaults = self._clauses()
        self._tokens.expect_symbol(")")
        return JsonPathCall(
            name,
            operand,
            path,
            tuple(parameters),
            returning,
            tuple(options),
            tuple(defaults),
            position=self._tokens.place(mark),
            text=self._tokens.written(mark),
        )

    def _at_end(self) -> bool:
        tokens = self._tokens
        return tokens.at_symbol(")") or tokens.at("NULL", "ON") or tokens.at("ABSENT", "ON") or tokens.at("RETURNING")

    def _input(self) -> JsonInput:
        return JsonInput(self._parser.expression(), self._format())

    def _parameter(self) -> tuple[str, JsonInput]:
        value = self._input()
        self._tokens.expect("AS")
        name = self._tokens.name()
        return (name.value if name.quoted else name.value.upper()), value

    def _format(self) -> str | None:
        if not self._tokens.accept("FORMAT", "JSON"):
            return None
        if not self._tokens.accept("ENCODING"):
            return ""
        encoding = self._tokens.take().upper
        if encoding not in ("UTF8", "UTF16", "UTF32"):
            self._tokens.refuse("'UTF16', 'UTF32', 'UTF8'")
        return encoding

    def _output(self) -> JsonOutput | None:
        if not self._tokens.accept("RETURNING"):
            return None
        return JsonOutput(self._parser.type(), self._format())

    def _clauses(self) -> tuple[list[tuple[str, str]], list[tuple[str, Expression]]]:
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
                if self._tokens.accept("ON"):
                    self._tokens.expect("SCALAR")
                    self._tokens.expect("STRING")
            elif self._tokens.token.upper in ("NULL", "ERROR", "EMPTY", "TRUE", "FALSE", "UNKNOWN"):
                behavior = self._tokens.take().upper
                if behavior == "EMPTY" and self._tokens.token.upper in ("ARRAY", "OBJECT"):
                    behavior += " " + self._tokens.take().upper
                self._tokens.expect("ON")
                options.append((self._tokens.take().upper, behavior))
            else:
                self._tokens.refuse("')'")
        return options, defaults
