"""The progress card as an accessible table and as text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from zetl_helpers.course.exercises.engine import MARKS

_CAPTION = "text-align:left;padding-top:1em;white-space:nowrap"
_COLUMN_HEAD = "th scope='col'"
_ROW_HEAD = "th scope='row'"


@dataclass(frozen=True)
class Card:
    """A table of a learner's progress.

    Args:
        caption: The text above the table.
        columns: The columns' names.
        rows: The rows, as strings. The last column contains a state or the number of solved exercises.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __repr__(self) -> str:
        table = [list(self.columns), *([*row[:-1], _marked(row[-1])] for row in self.rows)]
        widths = [max(len(row[place]) for row in table) for place in range(len(self.columns))]
        lines = [
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table
        ]
        return "\n".join([self.caption, *lines])

    def _repr_html_(self) -> str:
        head = "".join(_cell(_COLUMN_HEAD, name) for name in self.columns)
        body = "".join(f"<tr>{_cell(_ROW_HEAD, row[0])}{_cells(row[1:])}</tr>" for row in self.rows)
        caption = f"<caption style='{_CAPTION}'><b>{html.escape(self.caption)}</b></caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(texts: Sequence[str]) -> str:
    return "".join(_cell("td", _marked(text)) for text in texts)


def _cell(tag: str, text: str) -> str:
    return f"<{tag} style='text-align:left'>{html.escape(text)}</{tag.split()[0]}>"


def _marked(text: str) -> str:
    return f"{MARKS[text]} {text}" if text in MARKS else text
