"""Chapters with planned minutes and expected outputs, read from the notebooks."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

_TAUGHT = ("section", "exercise", "key-points")


@dataclass(frozen=True)
class Section:
    """One section of a chapter.

    Args:
        heading: The section's heading, without markup.
        kind: ``section``, ``exercise`` or ``key-points``.
        minutes: The planned minutes.
        texts: The section's text, cell by cell.
        outputs: The outputs of the section's code cells as text. Figures are described in words, and each row of a wide
            table is one line.
    """

    heading: str
    kind: str
    minutes: int
    texts: Sequence[str]
    outputs: Sequence[str]

    @property
    def points(self) -> Sequence[str]:
        """The items of the section's first list."""
        return re.findall(r"^- (.+)$", self.texts[0], flags=re.MULTILINE)


@dataclass(frozen=True)
class Chapter:
    """One notebook.

    Args:
        name: The file's name without its extension.
        number: The chapter's number.
        title: The notebook's first heading.
        minutes: The planned minutes.
        cost: The chapter's cost on AWS.
        needs: The chapters that this chapter builds on.
        sections: The chapter's sections in order, including the exercises.
    """

    name: str
    number: int
    title: str
    minutes: int
    cost: str
    needs: Sequence[int]
    sections: Sequence[Section]

    @property
    def exercises(self) -> Sequence[Section]:
        """The chapter's exercises in order."""
        return [section for section in self.sections if section.kind == "exercise"]

    @property
    def practice(self) -> int:
        """The minutes for the chapter's exercises."""
        return sum(exercise.minutes for exercise in self.exercises)

    @property
    def teaching(self) -> int:
        """The minutes for the chapter without its exercises."""
        return self.minutes - self.practice


def read(path: Path) -> Chapter:
    """Read a chapter from its notebook."""
    notebook = nbformat.read(path, as_version=4)
    about = notebook.metadata["zetl"]
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    return Chapter(
        path.stem, about["chapter"], title, about["minutes"], about["cost"], tuple(about["needs"]), _sections(notebook)
    )


def _sections(notebook: nbformat.NotebookNode) -> list[Section]:
    starts = [
        position
        for position, cell in enumerate(notebook.cells)
        if cell.metadata.get("zetl", {}).get("kind") not in (None, "connect", "answer", "console")
    ]
    ends = [*starts[1:], len(notebook.cells)]
    parts = [notebook.cells[start:end] for start, end in zip(starts, ends, strict=True)]
    return [_section(part) for part in parts if part[0].metadata["zetl"]["kind"] in _TAUGHT]


def _section(cells: Sequence[nbformat.NotebookNode]) -> Section:
    about = cells[0].metadata["zetl"]
    heading, _, text = cells[0].source.partition("\n")
    # The cells after an exercise's code cell continue the chapter, and are not part of the task.
    told = itertools.takewhile(lambda cell: about["kind"] != "exercise" or cell.cell_type == "markdown", cells[1:])
    texts = [text.strip(), *(cell.source for cell in told if cell.cell_type == "markdown" and not _is_box(cell))]
    outputs = [_words(output) for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    return Section(
        heading.lstrip("# "), about["kind"], about.get("minutes", 0), texts, [entry for entry in outputs if entry]
    )


def _is_box(cell: nbformat.NotebookNode) -> bool:
    """Return whether a cell is a box with console steps, which the instructor does not read aloud."""
    return bool(cell.metadata.get("zetl", {}).get("kind") == "console")


def _words(output: dict[str, Any]) -> str:
    data: dict[str, Any] = output.get("data", {})
    text = "".join(output.get("text") or data.get("text/plain", "")).strip("\n")
    table = "".join(data.get("text/html", ""))
    # If a table is wide, pandas ends its lines with a backslash and continues the rows further below.
    return _whole_rows(table) if "\\\n" in text and "dataframe" in table else text


def _whole_rows(table: str) -> str:
    """Return the text of an HTML table, with each row on one line."""
    rows = [
        [html.unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL)]
        for row in re.findall(r"<tr.*?</tr>", table, flags=re.DOTALL)
    ]
    widths = [max(map(len, column)) for column in itertools.zip_longest(*rows, fillvalue="")]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
