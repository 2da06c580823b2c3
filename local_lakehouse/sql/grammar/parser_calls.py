"""Read functions' calls, and the forms that look like calls but have a grammar of their own."""

from __future__ import annotations

import re
from abc import abstractmethod

from local_lakehouse.sql.failures import MalformedQuery, QueryFailure
from local_lakehouse.sql.grammar import json_tree, tree
from local_lakehouse.sql.grammar.parser_types import TypeReader
from local_lakehouse.sql.grammar.tree import Expression, FrameBound, Query, SortItem, Window

_WITHOUT_PARENTHESES = {
    "CURRENT_DATE": "current_date",
    "CURRENT_TIMESTAMP": "current_timestamp",
    "LOCALTIMESTAMP": "localtimestamp",
    "CURRENT_USER": "current_user",
    "CURRENT_CATALOG": "current_catalog",
    "CURRENT_SCHEMA": "current_schema",
}
_NORMAL_FORMS = ("NFD", "NFC", "NFKD", "NFKC")
_UNICODE_ESCAPE = re.compile(r"\\(\\|\+[0-9A-Fa-f]{6}|[0-9A-Fa-f]{4}|.|$)", re.DOTALL)


class CallReader(TypeReader):
    """Reads calls."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.parameters = 0

    @abstractmethod
    def expression(self) -> Expression:
        """Read one expression."""

    @abstractmethod
    def value(self) -> Expression:
        """Read a value: arithmetic and ``||``, but no comparison."""

    @abstractmethod
    def query(self) -> Query:
        """Read a query."""

    @abstractmethod
    def at_query(self) -> bool:
        """Tell whether a query comes next."""

    def unicode(self, written: str) -> str:
        """Resolve the escapes of a ``U&'…'`` constant."""
        escape = "\\"
        if self.accept("UESCAPE"):
            escape = self.string()
        if escape != "\\":
            written = written.replace("\\", "\\\\").replace(escape, "\\")

        def resolve(match: re.Match[str]) -> str:
            code = match.group(1)
            if code == "\\":
                return "\\"
            digits = code.removeprefix("+")
            if len(digits) not in (4, 6):
                raise MalformedQuery(f"Invalid escaped character: {code}")
            return chr(int(digits, 16))

        return _UNICODE_ESCAPE.sub(resolve, written)

    def special_form(self) -> Expression | None:
        """Read a form that has a grammar of its own, if one comes next."""
        word = self.token.upper
        if word == "CASE":
            return self._case()
        if word in _WITHOUT_PARENTHESES:
            return self._without_parentheses()
        if word == "ARRAY" and self.peek().text == "[":
            return self._array()
        if word == "ROW" and self.peek().text == "(":
            return self._row()
        reader = _FORMS.get(word)
        if reader is None or self.peek().text != "(":
            return None
        mark = self.mark()
        self.take()
        self.expect_symbol("(")
        return reader(self, mark)

    def _call(self, mark: int, name: str, *arguments: Expression) -> Expression:
        return tree.Call(name, arguments, position=self.place(mark), text=self.written(mark))

    def _case(self) -> Expression:
        mark = self.mark()
        self.take()
        operand = None if self.at("WHEN") else self.expression()
        branches = []
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            branches.append((condition, self.expression()))
        if not branches:
            self.refuse("'WHEN'")
        default = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return tree.Case(operand, tuple(branches), default, position=self.place(mark), text=self.written(mark))

    def _without_parentheses(self) -> Expression:
        mark = self.mark()
        name = _WITHOUT_PARENTHESES[self.take().upper]
        arguments: tuple[Expression, ...] = ()
        if self.accept_symbol("("):
            arguments = (self.expression(),)
            self.expect_symbol(")")
        return self._call(mark, name, *arguments)

    def _array(self) -> Expression:
        mark = self.mark()
        self.take()
        self.take()
        items = []
        if not self.at_symbol("]"):
            items.append(self.expression())
            while self.accept_symbol(","):
                items.append(self.expression())
        self.expect_symbol("]")
        return tree.Array(tuple(items), position=self.place(mark), text=self.written(mark))

    def _row(self) -> Expression:
        mark = self.mark()
        self.take()
        self.take()
        items = [self.expression()]
        while self.accept_symbol(","):
            items.append(self.expression())
        self.expect_symbol(")")
        return tree.Row(tuple(items), position=self.place(mark), text=self.written(mark))

    def _cast(self, mark: int) -> Expression:
        safe = self.text[self._tokens[mark].start :][:3].upper() == "TRY"
        operand = self.expression()
        self.expect("AS")
        target = self.type()
        self.expect_symbol(")")
        return tree.Cast(operand, target, safe, position=self.place(mark), text=self.written(mark))

    def _extract(self, mark: int) -> Expression:
        unit = self.name().value.upper()
        self.expect("FROM")
        operand = self.value()
        self.expect_symbol(")")
        return tree.Extract(unit, operand, position=self.place(mark), text=self.written(mark))

    def _exists(self, mark: int) -> Expression:
        query = self.query()
        self.expect_symbol(")")
        return tree.Exists(query, position=self.place(mark), text=self.written(mark))

    def _position(self, mark: int) -> Expression:
        needle = self.value()
        self.expect("IN")
        text = self.value()
        self.expect_symbol(")")
        return self._call(mark, "strpos", text, needle)

    def _substring(self, mark: int) -> Expression:
        arguments = [self.value()]
        if self.accept("FROM"):
            arguments.append(self.value())
            if self.accept("FOR"):
                arguments.append(self.value())
        else:
            while self.accept_symbol(","):
                arguments.append(self.value())
        self.expect_symbol(")")
        return self._call(mark, "substr", *arguments)

    def _trim(self, mark: int) -> Expression:
        side = self.accept_any("BOTH", "LEADING", "TRAILING")
        arguments = [] if self.at("FROM") else [self.value()]
        if self.accept("FROM"):
            arguments.insert(0, self.value())
        elif side is None and self.accept_symbol(","):
            arguments.append(self.value())
        self.expect_symbol(")")
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side or "", "trim")
        return self._call(mark, name, *arguments)

    def _normalize(self, mark: int) -> Expression:
        operand = self.value()
        form = self.accept_any(*_NORMAL_FORMS) if self.accept_symbol(",") else "NFC"
        if form is None:
            self.refuse(", ".join(f"'{name}'" for name in _NORMAL_FORMS))
        self.expect_symbol(")")
        return self._call(mark, "normalize", operand, tree.Literal("varchar", form or ""))

    def _grouping(self, mark: int) -> Expression:
        items = [self.expression()]
        while self.accept_symbol(","):
            items.append(self.expression())
        self.expect_symbol(")")
        return self._call(mark, "grouping", *items)

    def _listagg(self, mark: int) -> Expression:
        distinct = self.accept("DISTINCT")
        arguments = [self.expression()]
        if self.accept_symbol(","):
            arguments.append(tree.Literal("varchar", self.string()))
        if self.accept("ON", "OVERFLOW"):
            raise QueryFailure("NOT_SUPPORTED", "listagg with ON OVERFLOW is not supported", self.place(mark))
        self.expect_symbol(")")
        self.expect("WITHIN", "GROUP")
        self.expect_symbol("(")
        self.expect("ORDER", "BY")
        order = self.sort_items()
        self.expect_symbol(")")
        condition = self._filter()
        return tree.Call(
            "listagg",
            tuple(arguments),
            distinct,
            order,
            condition,
            position=self.place(mark),
            text=self.written(mark),
        )

    def _json_object(self, mark: int) -> Expression:
        members = []
        while not self.at_symbol(")") and not self.at("NULL", "ON") and not self.at("ABSENT", "ON"):
            keyword = self.accept("KEY")
            key = self.value()
            if keyword:
                self.expect("VALUE")
            elif not self.accept("VALUE"):
                self.expect_symbol(":")
            members.append((key, self.expression()))
            if not self.accept_symbol(","):
                break
        null_on_null = not self.accept("ABSENT", "ON", "NULL")
        self.accept("NULL", "ON", "NULL")
        self.expect_symbol(")")
        return json_tree.JsonObject(tuple(members), null_on_null, position=self.place(mark), text=self.written(mark))

    def _json_array(self, mark: int) -> Expression:
        items = []
        while not self.at_symbol(")") and not self.at("NULL", "ON") and not self.at("ABSENT", "ON"):
            items.append(self.expression())
            if not self.accept_symbol(","):
                break
        null_on_null = self.accept("NULL", "ON", "NULL")
        self.accept("ABSENT", "ON", "NULL")
        self.expect_symbol(")")
        return json_tree.JsonArray(tuple(items), null_on_null, position=self.place(mark), text=self.written(mark))

    def _json_path_call(self, mark: int) -> Expression:
        name = self._tokens[mark].text.lower()
        operand = self.expression()
        self.accept("FORMAT", "JSON")
        self.expect_symbol(",")
        path = self.string()
        if self.accept("PASSING"):
            raise QueryFailure("NOT_SUPPORTED", f"{name} with PASSING is not supported", self.place(mark))
        returning = self.type() if self.accept("RETURNING") else None
        options, defaults = self._json_clauses()
        self.expect_symbol(")")
        return json_tree.JsonPathCall(
            name,
            operand,
            path,
            returning,
            tuple(options),
            tuple(defaults),
            position=self.place(mark),
            text=self.written(mark),
        )

    def _json_clauses(self) -> tuple[list[tuple[str, str]], list[tuple[str, Expression]]]:
        options: list[tuple[str, str]] = []
        defaults: list[tuple[str, Expression]] = []
        while not self.at_symbol(")"):
            if self.accept("DEFAULT"):
                value = self.expression()
                self.expect("ON")
                defaults.append((self.take().upper, value))
            elif self.accept("WITHOUT"):
                self.accept("ARRAY")
                self.expect("WRAPPER")
                options.append(("WRAPPER", "WITHOUT"))
            elif self.accept("WITH"):
                kind = self.accept_any("CONDITIONAL", "UNCONDITIONAL") or "UNCONDITIONAL"
                self.accept("ARRAY")
                self.expect("WRAPPER")
                options.append(("WRAPPER", kind))
            elif self.token.upper in ("KEEP", "OMIT"):
                options.append(("QUOTES", self.take().upper))
                self.expect("QUOTES")
            elif self.token.upper in ("NULL", "ERROR", "EMPTY", "TRUE", "FALSE", "UNKNOWN"):
                behaviour = self.take().upper
                if behaviour == "EMPTY" and self.token.upper in ("ARRAY", "OBJECT"):
                    behaviour += " " + self.take().upper
                self.expect("ON")
                options.append((self.take().upper, behaviour))
            else:
                self.refuse("')'")
        return options, defaults

    def name_or_call(self) -> Expression:
        """Read a column's name or a function's call."""
        mark = self.mark()
        name = self.name()
        if not self.at_symbol("(") or name.quoted:
            return tree.Column(name, position=self.place(mark), text=self.written(mark))
        self.take()
        if self.accept_symbol("*"):
            self.expect_symbol(")")
            return self._finish_call(mark, name.key, (), star=True)
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        arguments = []
        if not self.at_symbol(")") and not self.at("ORDER", "BY"):
            arguments.append(self.expression())
            while self.accept_symbol(","):
                arguments.append(self.expression())
        order = self.sort_items() if self.accept_by("ORDER") else ()
        self.expect_symbol(")")
        return self._finish_call(mark, name.key, tuple(arguments), distinct=distinct, order=order)

    def _finish_call(
        self,
        mark: int,
        name: str,
        arguments: tuple[Expression, ...],
        *,
        distinct: bool = False,
        order: tuple[SortItem, ...] = (),
        star: bool = False,
    ) -> Expression:
        condition = self._filter()
        nulls = None
        if self.token.upper in ("IGNORE", "RESPECT") and self.peek().upper == "NULLS":
            nulls = self.take().upper
            self.take()
        window = self.window() if self.accept("OVER") else None
        return tree.Call(
            name,
            arguments,
            distinct,
            order,
            condition,
            window,
            nulls,
            star,
            position=self.place(mark),
            text=self.written(mark),
        )

    def _filter(self) -> Expression | None:
        if not (self.at("FILTER") and self.peek().text == "("):
            return None
        self.take()
        self.expect_symbol("(")
        self.expect("WHERE")
        condition = self.expression()
        self.expect_symbol(")")
        return condition

    def sort_items(self) -> tuple[SortItem, ...]:
        """Read the keys behind ``ORDER BY``."""
        items = [self._sort_item()]
        while self.accept_symbol(","):
            items.append(self._sort_item())
        return tuple(items)

    def _sort_item(self) -> SortItem:
        mark = self.mark()
        key = self.expression()
        descending = self.accept_any("ASC", "DESC") == "DESC"
        nulls_first = False
        if self.accept("NULLS"):
            side = self.accept_any("FIRST", "LAST")
            if side is None:
                self.refuse("'FIRST', 'LAST'")
            nulls_first = side == "FIRST"
        return SortItem(key, descending, nulls_first, position=self.place(mark), text=self.written(mark))

    def window(self) -> Window:
        """Read what stands behind ``OVER``."""
        mark = self.mark()
        if self.at_name():
            return Window(self.name(), (), (), None, position=self.place(mark))
        return self.window_specification()

    def window_specification(self) -> Window:
        """Read ``(PARTITION BY … ORDER BY … ROWS …)``."""
        mark = self.mark()
        self.expect_symbol("(")
        base = None
        if self.at_name() and self.token.upper not in ("PARTITION", "ROWS", "RANGE", "GROUPS"):
            base = self.name()
        partition: list[Expression] = []
        if self.accept_by("PARTITION"):
            partition.append(self.expression())
            while self.accept_symbol(","):
                partition.append(self.expression())
        order = self.sort_items() if self.accept_by("ORDER") else ()
        frame = self._frame()
        self.expect_symbol(")")
        return Window(base, tuple(partition), order, frame, position=self.place(mark))

    def _frame(self) -> tree.Frame | None:
        mark = self.mark()
        unit = self.accept_any("ROWS", "RANGE", "GROUPS")
        if unit is None:
            return None
        if self.accept("BETWEEN"):
            start = self._bound()
            self.expect("AND")
            return tree.Frame(unit, start, self._bound(), position=self.place(mark))
        return tree.Frame(unit, self._bound(), None, position=self.place(mark))

    def _bound(self) -> FrameBound:
        mark = self.mark()
        if self.accept("CURRENT", "ROW"):
            return FrameBound("CURRENT ROW", None, position=self.place(mark))
        value = None if self.accept("UNBOUNDED") else self.expression()
        side = self.accept_any("PRECEDING", "FOLLOWING")
        if side is None:
            self.refuse("'FOLLOWING', 'PRECEDING'")
        kind = f"UNBOUNDED {side}" if value is None else str(side)
        return FrameBound(kind, value, position=self.place(mark), text=self.written(mark))


_FORMS = {
    "CAST": CallReader._cast,
    "TRY_CAST": CallReader._cast,
    "EXTRACT": CallReader._extract,
    "EXISTS": CallReader._exists,
    "POSITION": CallReader._position,
    "SUBSTRING": CallReader._substring,
    "TRIM": CallReader._trim,
    "NORMALIZE": CallReader._normalize,
    "GROUPING": CallReader._grouping,
    "LISTAGG": CallReader._listagg,
    "JSON_OBJECT": CallReader._json_object,
    "JSON_ARRAY": CallReader._json_array,
    "JSON_VALUE": CallReader._json_path_call,
    "JSON_QUERY": CallReader._json_path_call,
    "JSON_EXISTS": CallReader._json_path_call,
}
