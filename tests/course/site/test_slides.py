"""Tests that the slides summarize each section in few words, have speaker notes, and work without a network."""

import itertools
import re
from pathlib import Path

import nbformat
import pytest

from zetl_helpers.course.kit import chapters
from zetl_helpers.course.site import _excerpts as excerpts
from zetl_helpers.course.site import slides

pytestmark = pytest.mark.once

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestDeck:
    def test_slides_have_at_most_forty_words(self, path: Path) -> None:
        assert {slide.title: slide.words for slide in slides.deck(path) if slide.words > slides.MOST_WORDS} == {}

    def test_every_slide_has_content(self, path: Path) -> None:
        assert [slide.title for slide in slides.deck(path)[1:] if not slide.lead and not slide.body] == []

    def test_every_section_has_slide_with_talking_points(self, path: Path) -> None:
        deck = slides.deck(path)
        for section in chapters.read(path).sections:
            if section.kind != "key-points":
                assert next(slide for slide in deck if slide.title == section.heading).notes

    def test_every_slide_has_speaker_notes(self, path: Path) -> None:
        assert [slide.title for slide in slides.deck(path) if not any(slide.notes)] == []

    def test_answers_and_task_lists_are_complete(self, path: Path) -> None:
        deck = slides.deck(path)
        assert [slide.title for slide in deck if slide.body.endswith("\n…</pre>") and "answer" in slide.title] == []
        for slide, after in itertools.pairwise(deck):
            if slide.title.startswith("Exercise") and slide.lead.endswith("- …"):
                assert after.title == slide.title

    def test_slides_contain_no_calls_to_course_helpers(self, path: Path) -> None:
        text = " ".join(slide.body + slide.lead for slide in slides.deck(path))
        assert not re.search(r"open_chapter\(|ex\.q\d", text)

    def test_slides_do_not_refer_to_other_cells(self, path: Path) -> None:
        leads = [slide.lead for slide in slides.deck(path)]
        assert [lead for lead in leads if re.search(r"\babove\b|\bbelow\b|[Nn]ext cell", lead)] == []

    def test_leads_do_not_end_with_a_colon(self, path: Path) -> None:
        assert [slide.title for slide in slides.deck(path) if slide.lead.endswith((":", ") …"))] == []

    def test_slides_show_every_stored_figure(self, path: Path) -> None:
        notebook = nbformat.read(path, as_version=4)
        with_figure, heading = set(), ""
        for cell in notebook.cells:
            kind = cell.metadata.get("zetl", {}).get("kind")
            heading = cell.source.partition("\n")[0].lstrip("# ") if kind == "section" else "" if kind else heading
            if heading and any("image/jpeg" in output.get("data", {}) for output in cell.get("outputs", [])):
                with_figure.add(heading)
        assert with_figure == {slide.title for slide in slides.deck(path) if "image/jpeg" in slide.body}

    def test_page_is_self_contained(self, path: Path, tmp_path: Path) -> None:
        slides.write(path, tmp_path / "deck.html")
        page = re.sub(r"base64,[^'\"]+", "", (tmp_path / "deck.html").read_text(encoding="utf-8"))
        assert not re.search(r"(?:src|href)=['\"](?!data:)", page)
        assert page.count("<section") == len(slides.deck(path))


def test_exercise_question_precedes_answer() -> None:
    titles = [slide.title for slide in slides.deck(NOTEBOOKS[4])]
    question = next(number for number, title in enumerate(titles) if title.startswith("Exercise 4.4 ·"))
    assert titles[question + 1] == "Exercise 4.4: an answer"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_exercise_slide_contains_question(path: Path) -> None:
    tasks = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.metadata.get("zetl", {}).get("kind") == "exercise":
            heading, _, text = cell.source.partition("\n")
            tasks[heading.lstrip("# ")] = text
    leads = {slide.title: slide.lead for slide in slides.deck(path)}
    assert [title for title, task in tasks.items() if "?" in task and "?" not in leads[title]] == []


def test_exercise_slide_shows_code_from_question() -> None:
    question = next(slide for slide in slides.deck(NOTEBOOKS[1]) if slide.title.startswith("Exercise 1.4 ·"))
    assert "s3:DeleteBucket" in question.body
    assert "check" not in question.body


def test_question_slide_contains_allowed_values() -> None:
    question = next(slide for slide in slides.deck(NOTEBOOKS[2]) if slide.title.startswith("Exercise 2.2 ·"))
    assert all(f"`{value}`" in question.lead for value in ("identity", "month", "epoch_sec", "epoch_milli", "iso"))


def test_empty_answer_is_omitted() -> None:
    question = next(slide for slide in slides.deck(NOTEBOOKS[1]) if slide.title.startswith("Exercise 1.1 ·"))
    assert question.body == ""


def test_lead_keeps_list_with_its_introduction() -> None:
    text = "Do three things:\n\n1. Look.\n2. Run `ex.q4.break_it()`.\n3. Write a long report about it."
    assert excerpts.lead(text, 20) == "Do three things:\n\n- Look.\n- Write a long report about it."
    assert excerpts.lead(text, 5) == "Do three things:\n\n- Look.\n- …"
    assert excerpts.lead(text, 3) == "Do three things."


def test_long_table_is_truncated_after_first_rows() -> None:
    rows = "".join(f"<tr><th>row {number}</th><td>a</td></tr>" for number in range(20))
    table = f"<table class='dataframe'><thead><tr><th></th><th>x</th></tr></thead><tbody>{rows}</tbody></table>"
    output = nbformat.v4.new_output("display_data", data={"text/html": table, "text/plain": "x"})
    shown = excerpts.result(nbformat.v4.new_code_cell("x", outputs=[output]))
    assert shown.count("<tr>") == 10
    assert shown.endswith("<p>…</p>")


def test_wide_table_keeps_first_and_last_columns() -> None:
    names = [f"{'long' * 5}{number}" for number in range(6)]
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "".join(f"<tr><th>{number}</th>{'<td>a</td>' * 6}</tr>" for number in range(3))
    table = f"<table class='dataframe'><tr><th></th>{head}</tr>{rows}</table>"
    output = nbformat.v4.new_output("display_data", data={"text/html": table, "text/plain": "x"})
    shown = excerpts.result(nbformat.v4.new_code_cell("x", outputs=[output]))
    assert re.findall(r"<th>(.*?)</th>", shown) == [names[0], names[1], "…", names[5]]
    assert shown.count("<td>…</td>") == 3


def test_long_markdown_table_is_split_across_several_slides() -> None:
    text = "\n".join(["| a | b |", "| --- | --- |", *(f"| [row {n}](x.md) | {n} |" for n in range(13))])
    parts = excerpts.tables(f"Before.\n\n{text}\n\nAfter.")
    assert [part.count("<tr>") for part in parts] == [8, 7]
    assert all("<th>a</th>" in part for part in parts)
    assert excerpts.tables("No table.") == []


def test_long_code_is_split_at_empty_lines() -> None:
    code = "\n\n".join("\n".join(f"{block}{line}" for line in range(4)) for block in "abc")
    assert [part[0] for part in excerpts.pages(code, 9)] == ["a", "c"]
    assert [len(part.splitlines()) for part in excerpts.pages(code, 3)] == [3, 1] * 3
