"""Slides from the notebooks, with the kit's talking points as speaker notes."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbconvert.filters import markdown2html

from zetl_helpers.course import exercises
from zetl_helpers.course.kit import chapters
from zetl_helpers.course.kit.material import Material, load
from zetl_helpers.course.site import _excerpts as excerpts

__all__ = ["MOST_WORDS", "Slide", "deck", "write"]

MOST_WORDS = 40
"""The maximum number of words of prose on a slide."""
_MOST_CODE_LINES, _MOST_ANSWER_LINES = 12, 16
_SECTIONS = ("section", "exercise", "key-points")
_LEFT_OUT = ("connect", "console")


@dataclass(frozen=True)
class Slide:
    """One slide.

    Args:
        title: The slide's heading.
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
        """The number of words in the prose."""
        return excerpts.words(f"{self.title} {self.lead}")


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
    """Return the slides of a notebook. Each question precedes its answer.

    Args:
        path: The notebook.
    """
    notebook = nbformat.read(path, as_version=4)
    chapter = chapters.read(path)
    material = load(chapter)
    answers = iter(exercises.ALL.get(chapter.number, ()))
    practice = f"including {chapter.practice} minutes for exercises" if chapter.practice else "without exercises"
    minutes = f"{chapter.minutes} minutes, {practice}. Cost on AWS: {chapter.cost}."
    slides = [Slide(chapter.title, notes=[minutes])]
    for cells in _sections(notebook):
        kind, planned = cells[0].metadata["zetl"]["kind"], cells[0].metadata["zetl"].get("minutes", 0)
        title, _, text = cells[0].source.partition("\n")
        title = title.lstrip("# ")
        if kind == "exercise":
            slides += _of_exercise(title, text, cells[1:], next(answers), planned)
        elif kind == "key-points":
            slides += _of_points(text, material[title].say)
        else:
            slides += _of_section(title, text, cells[1:], _notes(material[title], planned), path.parent)
    return slides


def _sections(notebook: nbformat.NotebookNode) -> Iterator[list[nbformat.NotebookNode]]:
    """Yield the cells of each section, starting with its heading, without console boxes."""
    section: list[nbformat.NotebookNode] = []
    for cell in notebook.cells:
        kind = cell.metadata.get("zetl", {}).get("kind")
        if kind in _LEFT_OUT:
            continue
        if kind and kind != "answer":
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
    later = [cell.source for cell in cells if cell.cell_type == "markdown"]
    picture = next((found for part in [text, *later] if (found := excerpts.picture(part, folder))), "")
    own = [] if picture else excerpts.tables(text)
    yield Slide(title, _lead(text, title), picture or (own[0] if len(own) == 1 else ""), notes)
    yield from (Slide(title, "", part, notes) for part in own if len(own) > 1)
    shown = [(cell, excerpts.result(cell)) for cell in cells if cell.cell_type == "code"]
    shown = [(cell, result) for cell, result in shown if result]
    if shown:
        cell, result = next(((cell, result) for cell, result in shown if "<img" in result), shown[0])
        is_short = len(cell.source.splitlines()) <= _MOST_CODE_LINES and "<img" not in result
        yield Slide(title, "", (_code(cell.source) if is_short else "") + result, notes)
    if not picture and not own:
        yield from (Slide(title, "", part, notes) for part in next(filter(None, map(excerpts.tables, later)), []))


def _of_exercise(
    title: str, text: str, cells: Sequence[nbformat.NotebookNode], exercise: exercises.Exercise, planned: int
) -> Iterator[Slide]:
    hints = [f"Hint: {hint}" for hint in exercise.hints]
    given = next((excerpts.given(cell.source) for cell in cells if cell.cell_type == "code"), "")
    task = re.sub(r"^\s*\*[^*]+\*\s*", "", text.strip())
    asked = next((part for part in task.split("\n\n") if "?" in part), task)
    notes = [f"{planned} min.", *hints]
    yield Slide(title, _lead(asked, title), _code(given) if given else "", notes)
    items = excerpts.further_items(asked, MOST_WORDS - excerpts.words(title))
    yield from (Slide(title, part, "", notes) for part in items)
    first, *others = excerpts.pages(excerpts.without_checks(exercise.answer), _MOST_ANSWER_LINES)
    answer = f"{title.partition(' · ')[0]}: an answer"
    yield Slide(answer, _lead(exercise.why, answer), _code(first), [exercise.why])
    yield from (Slide(answer, "", _code(part), [exercise.why]) for part in others)


def _of_points(text: str, say: Sequence[str]) -> Iterator[Slide]:
    points = [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]
    for number, (point, said) in enumerate(zip(points, say, strict=True), start=1):
        title = f"Key point {number} of {len(points)}"
        yield Slide(title, _lead(point, title), notes=[said])


def _lead(text: str, title: str) -> str:
    return excerpts.lead(text, MOST_WORDS - excerpts.words(title))


def _code(source: str) -> str:
    return f"<pre class='code'>{html.escape(source)}</pre>"


def _notes(material: Material, planned: int) -> list[str]:
    return [
        f"{planned} min.",
        *material.say,
        *(f"If it breaks: {line}" for line in material.breaks),
        *(f"Asked: {question} – {answer}" for question, answer in material.asked),
    ]


def _page(slide: Slide, number: int, count: int) -> str:
    heading = "h1" if number == 1 else "h2"
    lead = markdown2html(slide.lead) if slide.lead else ""
    notes = "".join(f"<li>{html.escape(excerpts.plain(line))}</li>" for line in slide.notes)
    return (
        f"<section id='{number}' aria-label='Slide {number} of {count}'>"
        f"<{heading}>{html.escape(slide.title)}</{heading}>"
        f"<div class='lead'>{lead}</div><div class='body'>{slide.body}</div>"
        f"<aside class='notes'><ul>{notes}</ul></aside><p class='place'>{number} / {count}</p></section>"
    )
