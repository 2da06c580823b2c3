"""A parser for sort keys, windows and frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.grammar.tokens import Kind
from local_lakehouse.sql.grammar.tree import (
    Expression,
    FrameBound,
    SortItem,
    Window,
)

if TYPE_CHECKING:
    from local_lakehouse.sql.grammar.parser import Parser

_PATTERN_WORDS = ("MEASURES", "AFTER", "INITIAL", "SEEK", "PATTERN", "SUBSET", "DEFINE")


class WindowParser:
    """The parser for sort keys, windows and frames.

    Args:
        parser: The statement's parser.
    """

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._tokens = parser.tokens

    def sort_items(self) -> tuple[SortItem, ...]:
        """Parse the keys after ``ORDER BY``."""
        items = [self._sort_item()]
        while self._tokens.accept_symbol(","):
            items.append(self._sort_item())
        return tuple(items)

    def _sort_item(self) -> SortItem:
        mark = self._tokens.mark()
        key = self._parser.expression()
        descending = self._tokens.accept_any("ASC", "DESC") == "DESC"
        nulls_first = False
        if self._tokens.accept("NULLS"):
            side = self._tokens.accept_any("FIRST", "LAST")
            if side is None:
                self._tokens.refuse("'FIRST', 'LAST'")
            nulls_first = side == "FIRST"
        return SortItem(
            key, descending, nulls_first, position=self._tokens.place(mark), text=self._tokens.written(mark)
        )

    def window(self) -> Window:
        """Parse the window after ``OVER``."""
        mark = self._tokens.mark()
        if self._tokens.at_name():
            return Window(self._tokens.name(), (), (), None, is_reference=True, position=self._tokens.place(mark))
        return self.window_specification()

    def window_specification(self) -> Window:
        """Parse ``(PARTITION BY … ORDER BY … ROWS …)``."""
        mark = self._tokens.mark()
        self._tokens.expect_symbol("(")
        base = None
        if self._tokens.at_name() and self._tokens.token.upper not in (
            "PARTITION",
            "ROWS",
            "RANGE",
            "GROUPS",
            "MEASURES",
        ):
            base = self._tokens.name()
        partition: list[Expression] = []
        if self._tokens.accept_by("PARTITION"):
            partition.append(self._parser.expression())
            while self._tokens.accept_symbol(","):
                partition.append(self._parser.expression())
        order = self.sort_items() if self._tokens.accept_by("ORDER") else ()
        if self._tokens.token.upper in _PATTERN_WORDS:
            self._skip_pattern()
        frame = self._frame()
        if self._tokens.token.upper in _PATTERN_WORDS:
            self._skip_pattern()
        self._tokens.expect_symbol(")")
        return Window(base, tuple(partition), order, frame, position=self._tokens.place(mark))

    def _skip_pattern(self) -> None:
        """Skip an unsupported row pattern in a window."""
        self._tokens.note_not_offered("row patterns in a window", self._tokens.token.position)
        while not self._tokens.at_symbol(")") and self._tokens.token.upper not in ("ROWS", "RANGE", "GROUPS"):
            if self._tokens.at_symbol("("):
                self._tokens.skip_parentheses()
            elif self._tokens.token.kind in (Kind.END, Kind.UNKNOWN):
                self._tokens.refuse("')'")
            else:
                self._tokens.take()

    def _frame(self) -> tree.Frame | None:
        mark = self._tokens.mark()
        unit = self._tokens.accept_any("ROWS", "RANGE", "GROUPS")
        if unit is None:
            return None
        if self._tokens.accept("BETWEEN"):
            start = self._bound()
            self._tokens.expect("AND")
            return tree.Frame(unit, start, self._bound(), position=self._tokens.place(mark))
        return tree.Frame(unit, self._bound(), None, position=self._tokens.place(mark))

    def _bound(self) -> FrameBound:
        mark = self._tokens.mark()
        if self._tokens.accept("CURRENT", "ROW"):
            return FrameBound("CURRENT ROW", None, position=self._tokens.place(mark))
        value = None if self._tokens.accept("UNBOUNDED") else self._parser.expression()
        side = self._tokens.accept_any("PRECEDING", "FOLLOWING")
        if side is None:
            self._tokens.refuse("'FOLLOWING', 'PRECEDING'")
        kind = f"UNBOUNDED {side}" if value is None else str(side)
        return FrameBound(kind, value, position=self._tokens.place(mark), text=self._tokens.written(mark))
