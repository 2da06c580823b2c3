"""A parser for special forms, such as ``CASE``, ``CURRENT_DATE`` and ``TRIM(BOTH FROM x)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.tree import (
    Expression,
)

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.parser import Parser

_WITHOUT_PARENTHESES = {
    "CURRENT_DATE": "current_date",
    "CURRENT_TIMESTAMP": "current_timestamp",
    "CURRENT_TIME": "current_time",
    "LOCALTIME": "localtime",
    "LOCALTIMESTAMP": "localtimestamp",
    "CURRENT_USER": "current_user",
    "CURRENT_PATH": "current_path",
    "CURRENT_ROLE": "current_role",
    "CURRENT_CATALOG": "current_catalog",
    "CURRENT_SCHEMA": "current_schema",
}
_NORMAL_FORMS = ("NFD", "NFC", "NFKD", "NFKC")


class FormParser:
    """The parser for special forms, such as ``CASE``, ``CURRENT_DATE`` and ``TRIM(BOTH FROM x)``.

    Args:
        parser: The statement's parser.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._tokens = parser.tokens
        self._forms: dict[str, Callable[[int], Expression]] = {
            "CAST": self._cast,
            "TRY_CAST": self._cast,
            "EXTRACT": self._extract,
            "EXISTS": self._exists,
            "POSITION": self._position,
            "SUBSTRING": self._substring,
            "TRIM": self._trim,
            "NORMALIZE": self._normalize,
            "GROUPING": self._grouping,
            "LISTAGG": self._listagg,
            "JSON_OBJECT": parser.json.object_form,
            "JSON_ARRAY": parser.json.array_form,
            "JSON_VALUE": parser.json.path_form,
            "JSON_QUERY": parser.json.path_form,
            "JSON_EXISTS": parser.json.path_form,
        }

    def special_form(self) -> Expression | None:
        """Parse a special form, or return None if no special form follows."""
        word = self._tokens.token.upper
        if word == "CASE":
            return self._case()
        if word in _WITHOUT_PARENTHESES:
            return self._without_parentheses()
        if word == "ARRAY" and self._tokens.peek().text == "[":
            return self._array()
        if word == "ROW" and self._tokens.peek().text == "(":
            return self._row()
        reader = self._forms.get(word)
        if reader is None or self._tokens.peek().text != "(":
            return None
        mark = self._tokens.mark()
        self._tokens.take()
        self._tokens.expect_symbol("(")
        return reader(mark)

    def _call(self, mark: int, name: str, *arguments: Expression) -> Expression:
        return tree.Call(name, arguments, position=self._tokens.place(mark), text=self._tokens.written(mark))

    def _case(self) -> Expression:
        mark = self._tokens.mark()
        self._tokens.take()
        operand = None if self._tokens.at("WHEN") else self._parser.expression()
        branches = []
        while self._tokens.accept("WHEN"):
            condition = self._parser.expression()
            self._tokens.expect("THEN")
            branches.append((condition, self._parser.expression()))
        if not branches:
            self._tokens.refuse("'WHEN'")
        default = self._parser.expression() if self._tokens.accept("ELSE") else None
        self._tokens.expect("END")
        return tree.Case(
            operand, tuple(branches), default, position=self._tokens.place(mark), text=self._tokens.written(mark)
        )

    def _without_parentheses(self) -> Expression:
        mark = self._tokens.mark()
        name = _WITHOUT_PARENTHESES[self._tokens.take().upper]
        arguments: tuple[Expression, ...] = ()
        if self._tokens.accept_symbol("("):
            arguments = (self._parser.expression(),)
            self._tokens.expect_symbol(")")
        return self._call(mark, name, *arguments)

    def _array(self) -> Expression:
        mark = self._tokens.mark()
        self._tokens.take()
        self._tokens.take()
        items = []
        if not self._tokens.at_symbol("]"):
            items.append(self._parser.expression())
            while self._tokens.accept_symbol(","):
                items.append(self._parser.expression())
        self._tokens.expect_symbol("]")
        return tree.Array(tuple(items), position=self._tokens.place(mark), text=self._tokens.written(mark))

    def _row(self) -> Expression:
        mark = self._tokens.mark()
        self._tokens.take()
        self._tokens.take()
        items = [self._parser.expression()]
        while self._tokens.accept_symbol(","):
            items.append(self._parser.expression())
        self._tokens.expect_symbol(")")
        return tree.Row(tuple(items), position=self._tokens.place(mark), text=self._tokens.written(mark))

    def _cast(self, mark: int) -> Expression:
        safe = self._tokens.token_at(mark).upper == "TRY_CAST"
        operand = self._parser.expression()
        self._tokens.expect("AS")
        target = self._parser.type()
        self._tokens.expect_symbol(")")
        return tree.Cast(operand, target, safe, position=self._tokens.place(mark), text=self._tokens.written(mark))

    def _extract(self, mark: int) -> Expression:
        unit = self._tokens.name().value.upper()
        self._tokens.expect("FROM")
        operand = self._parser.value()
        self._tokens.expect_symbol(")")
        return tree.Extract(unit, operand, position=self._tokens.place(mark), text=self._tokens.written(mark))

    def _exists(self, mark: int) -> Expression:
        query = self._parser.query()
        self._tokens.expect_symbol(")")
        return tree.Exists(query, position=self._tokens.place(mark), text=self._tokens.written(mark))

    def _position(self, mark: int) -> Expression:
        needle = self._parser.value()
        self._tokens.expect("IN")
        text = self._parser.value()
        self._tokens.expect_symbol(")")
        return self._call(mark, "strpos", text, needle)

    def _substring(self, mark: int) -> Expression:
        arguments = [self._parser.value()]
        if self._tokens.accept("FROM"):
            arguments.append(self._parser.value())
            if self._tokens.accept("FOR"):
                arguments.append(self._parser.value())
        else:
            while self._tokens.accept_symbol(","):
                arguments.append(self._parser.value())
        self._tokens.expect_symbol(")")
        return self._call(mark, "substr", *arguments)

    def _trim(self, mark: int) -> Expression:
        side = self._tokens.accept_any("BOTH", "LEADING", "TRAILING")
        arguments = [] if self._tokens.at("FROM") else [self._parser.value()]
        if self._tokens.accept("FROM"):
            arguments.insert(0, self._parser.value())
        elif side is None and self._tokens.accept_symbol(","):
            arguments.append(self._parser.value())
        self._tokens.expect_symbol(")")
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side or "", "trim")
        return self._call(mark, name, *arguments)

    def _normalize(self, mark: int) -> Expression:
        operand = self._parser.value()
        form = self._tokens.accept_any(*_NORMAL_FORMS) if self._tokens.accept_symbol(",") else "NFC"
        if form is None:
            self._tokens.refuse(", ".join(f"'{name}'" for name in _NORMAL_FORMS))
        self._tokens.expect_symbol(")")
        return self._call(mark, "normalize", operand, tree.Literal("varchar", form or ""))

    def _grouping(self, mark: int) -> Expression:
        items = [self._parser.expression()]
        while self._tokens.accept_symbol(","):
            items.append(self._parser.expression())
        self._tokens.expect_symbol(")")
        return self._call(mark, "grouping", *items)

    def _truncation(self) -> list[Expression]:
        """Parse ``TRUNCATE`` in ``listagg``. Return the filler, and whether to append the number of omitted strings."""
        self._tokens.expect("TRUNCATE")
        filler = "..." if self._tokens.token.upper in ("WITH", "WITHOUT") else self._tokens.string()
        counted = self._tokens.accept_any("WITH", "WITHOUT")
        if counted is None:
            self._tokens.refuse("'WITH', 'WITHOUT'")
        self._tokens.expect("COUNT")
        return [tree.Literal("varchar", filler), tree.Literal("boolean", str(counted == "WITH").lower())]

    def _listagg(self, mark: int) -> Expression:
        distinct = self._tokens.accept("DISTINCT")
        arguments = [self._parser.expression()]
        if self._tokens.accept_symbol(","):
            arguments.append(tree.Literal("varchar", self._tokens.string()))
        if self._tokens.accept("ON", "OVERFLOW") and not self._tokens.accept("ERROR"):
            arguments += [tree.Literal("varchar", "")] if len(arguments) == 1 else []
            arguments += self._truncation()
        self._tokens.expect_symbol(")")
        self._tokens.expect("WITHIN", "GROUP")
        self._tokens.expect_symbol("(")
        self._tokens.expect("ORDER", "BY")
        order = self._parser.windows.sort_items()
        self._tokens.expect_symbol(")")
        condition = self._parser.calls.filter()
        return tree.Call(
            "listagg",
            tuple(arguments),
            distinct,
            order,
            condition,
            position=self._tokens.place(mark),
            text=self._tokens.written(mark),
        )
