"""Slides from the notebooks: one idea per slide, with the kit's talking points as speaker notes."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.filters import markdown2html

from zetl_helpers.course import exercises
from zetl_helpers.course.kit import chapters
from zetl_helpers.course.kit.material import Material, load

__all__ = ["MOST_WORDS", "Slide", "deck", "write"]

MOST_WORDS = 40
"""The maximum number of words of prose on a slide."""
_MOST_CODE_LINES, _MOST_ROWS = 12, 9
_SECTIONS = ("section", "exercise", "key-points")
_LEFT_OUT = ("connect", "answer", "console")


@dataclass(frozen=True)
class Slide:
    """One slide.

    Args:
        title: Its heading.
        lead: One idea, in at most `MOST_WORDS` words of Markdown.
        body: A figure, or a query and its result, as HTML.
        notes: Speaker notes, one per line.
    """

    title: str
    lead: str = ""
    body: str = ""
    notes: Sequence[str] = ()

    @property
    def words(self) -> int:
        """The number of words of prose."""
        return len(re.findall(r"\w[\w'’.-]*", f"{self.title} {_plain(self.lead)}"))


def write(path: Path, out: Path) -> None:
    """Write the slides of a notebook with stored outputs, as one page that needs no network.

    Args:
        path: The notebook.
        out: The page to write.
    """
    slides = deck(path)
    here = Path(__file__)
    style, script = (here.with_name(f"slides.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    body = "\n".join(_page(slide, number, len(slides)) for number, slide in enumerate(slides, start=1))
    title = html.escape(slides[0].title)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<style>\n{style}</style></head>\n<body>\n<main>\n{body}\n</main>\n<script>\n{script}</script></body></html>\n",
        encoding="utf-8",
    )


def deck(path: Path) -> list[Slide]:
    """Return the slides of a notebook: for each section, the question and then the answer.

    Args:
        path: The notebook.
    """
    notebook = nbformat.read(path, as_version=4)
    chapter = chapters.read(path)
    material = load(chapter)
    answers = iter(exercises.ALL.get(chapter.number, ()))
    minutes = f"{chapter.minutes} minutes, including {chapter.practice} for exercises. Cost on AWS: {chapter.cost}."
    slides = [Slide(chapter.title, notes=[minutes])]
    for cells in _sections(notebook):
        kind, planned = cells[0].metadata["zetl"]["kind"], cells[0].metadata["zetl"].get("minutes", 0)
        title, _, text = cells[0].source.partition("\n")
        title = title.lstrip("# ")
        if kind == "exercise":
            slides += _of_exercise(title, text, next(answers), planned)
        elif kind == "key-points":
            slides += _of_points(text)
        else:
            slides += _of_section(title, text, cells[1:], _notes(material[title], planned), path.parent)
    return slides


def _sections(notebook: nbformat.NotebookNode) -> Iterator[list[nbformat.NotebookNode]]:
    """Yield the cells of each section, starting with its heading, without set-up cells."""
    section: list[nbformat.NotebookNode] = []
    for cell in notebook.cells:
        kind = cell.metadata.get("zetl", {}).get("kind")
        if kind in _LEFT_OUT:
            continue
        if kind:
            if section:
                yield section
            section = [cell] if kind in _SECTIONS else []
        elif section:
            section.append(cell)
    if section:
        yield section


def _of_section(
    title: str, text: str, cells: Sequence[nbformat.NotebookNode], notes: list[str], folder: Path
) -> Iterator[Slide]:
    markdown = [text, *(cell.source for cell in cells if cell.cell_type == "markdown")]
    picture = next((found for part in markdown if (found := _picture(part, folder))), "")
    table = "" if picture else next((markdown2html(found) for part in markdown if (found := _table(part))), "")
    yield Slide(title, _lead(text, title), picture or table, notes)
    shown = [(cell, _result(cell)) for cell in cells if cell.cell_type == "code"]
    shown = [(cell, result) for cell, result in shown if result]
    if not shown:
        return
    cell, result = next(((cell, result) for cell, result in shown if "<img" in result), shown[0])
    lines = cell.source.splitlines()
    is_figure = "<img" in result
    code = "" if is_figure or len(lines) > _MOST_CODE_LINES else f"<pre class='code'>{html.escape(cell.source)}</pre>"
    yield Slide(title, "", code + result, notes)


def _of_exercise(title: str, text: str, exercise: exercises.Exercise, planned: int) -> Iterator[Slide]:
    hints = [f"Hint: {hint}" for hint in exercise.hints]
    yield Slide(title, _lead(re.sub(r"^\s*\*[^*]+\*\s*", "", text.strip()), title), "", [f"{planned} min.", *hints])
    code = exercise.answer.strip()
    lines = code.splitlines()
    short = "\n".join(lines[:_MOST_CODE_LINES]) + ("\n…" if len(lines) > _MOST_CODE_LINES else "")
    yield Slide(
        f"{title.partition(' · ')[0]}: an answer", "", f"<pre class='code'>{html.escape(short)}</pre>", [exercise.why]
    )


def _of_points(text: str) -> Iterator[Slide]:
    points = [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]
    for number, point in enumerate(points, start=1):
        title = f"Key point {number} of {len(points)}"
        yield Slide(title, _lead(point, title))


def _notes(material: Material, planned: int) -> list[str]:
    return [
        f"{planned} min.",
        *material.say,
        *(f"If it breaks: {line}" for line in material.breaks),
        *(f"Asked: {question} – {answer}" for question, answer in material.asked),
    ]


def _lead(text: str, title: str) -> str:
    """Return the first sentences of a text that fit on a slide with its title."""
    paragraph = next(
        (part for part in text.strip().split("\n\n") if part and not part.startswith(("|", "!", "#", "```"))), ""
    )
    paragraph = re.split(r"\n(?=[|!-])", paragraph)[0]
    paragraph = _without_links(paragraph)
    for boundary in (r"(?<=[.?!:])\s+", r"(?<=[,;])\s+|\n", r"\s+"):
        kept = ""
        for part in re.split(boundary, paragraph):
            if Slide(title, f"{kept} {part}").words > MOST_WORDS:
                break
            kept = f"{kept} {part}".strip()
        if kept:
            # A shortened sentence must not end inside a code span.
            whole = kept if kept.count("`") % 2 == 0 else kept.rpartition("`")[0]
            return whole if whole.endswith((".", "?", "!", ":")) else f"{whole.rstrip(',; ')} …"
    return ""


def _picture(text: str, folder: Path) -> str:
    found = re.search(r"!\[([^\]]*)\]\(([^)]+\.svg)\)", text)
    if not found:
        return ""
    drawing = base64.b64encode((folder / found[2]).read_bytes()).decode()
    return f"<img src='data:image/svg+xml;base64,{drawing}' alt='{html.escape(found[1], quote=True)}'>"


def _table(text: str) -> str:
    """Return the first table of a text, in Markdown, unless it is too long for a slide."""
    rows = [_without_links(line) for line in text.splitlines() if line.startswith("|")]
    return "\n".join(rows) if 0 < len(rows) <= _MOST_ROWS else ""


def _result(cell: nbformat.NotebookNode) -> str:
    """Return a cell's output as HTML that fits on a slide, such as a picture, a small table, or the first lines."""
    for output in reversed(cell.get("outputs", [])):
        data: dict[str, Any] = output.get("data", {})
        plain = "".join(output.get("text", "") or data.get("text/plain", ""))
        if "image/png" in data:
            words = html.escape(plain, quote=True)
            return f"<img src='data:image/png;base64,{''.join(data['image/png']).strip()}' alt='{words}'>"
        table = "".join(data.get("text/html", ""))
        if "dataframe" in table and table.count("<tr") <= _MOST_ROWS:
            return table
        if plain.strip():
            lines = plain.strip("\n").splitlines()
            more = ["…"] if len(lines) > _MOST_ROWS else []
            return f"<pre class='result'>{html.escape(chr(10).join([*lines[:_MOST_ROWS], *more]))}</pre>"
    return ""


def _page(slide: Slide, number: int, count: int) -> str:
    heading = "h1" if number == 1 else "h2"
    lead = markdown2html(slide.lead) if slide.lead else ""
    notes = "".join(f"<li>{html.escape(_plain(line))}</li>" for line in slide.notes)
    return (
        f"<section id='{number}' aria-label='Slide {number} of {count}'>"
        f"<{heading}>{html.escape(slide.title)}</{heading}>"
        f"<div class='lead'>{lead}</div><div class='body'>{slide.body}</div>"
        f"<aside class='notes'><ul>{notes}</ul></aside><p class='place'>{number} / {count}</p></section>"
    )


def _without_links(text: str) -> str:
    return re.sub(r"(?<!!)\[([^\]]+)\]\([^)]+\)", r"\1", text)


def _plain(markdown: str) -> str:
    return re.sub(r"[`*]|\[|\]\([^)]*\)", "", markdown)
