"""Tests that each slide has one idea, few words and speaker notes, and works without a network."""

import re
from pathlib import Path

import pytest

from zetl_helpers.course.kit import chapters
from zetl_helpers.course.site import slides

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestDeck:
    def test_no_slide_has_more_than_forty_words(self, path: Path) -> None:
        assert {slide.title: slide.words for slide in slides.deck(path) if slide.words > slides.MOST_WORDS} == {}

    def test_every_slide_says_or_shows_something(self, path: Path) -> None:
        assert [slide.title for slide in slides.deck(path)[1:] if not slide.lead and not slide.body] == []

    def test_every_section_is_there_with_the_kits_talking_points(self, path: Path) -> None:
        deck = slides.deck(path)
        for section in chapters.read(path).sections:
            if section.kind != "key-points":
                assert next(slide for slide in deck if slide.title == section.heading).notes

    def test_no_slide_shows_scaffolding(self, path: Path) -> None:
        text = " ".join(slide.body + slide.lead for slide in slides.deck(path))
        assert not re.search(r"open_chapter\(|ex\.q\d\.check\(answer\)", text)

    def test_the_page_refers_to_nothing_outside_itself(self, path: Path, tmp_path: Path) -> None:
        slides.write(path, tmp_path / "deck.html")
        page = re.sub(r"base64,[^'\"]+", "", (tmp_path / "deck.html").read_text(encoding="utf-8"))
        assert not re.search(r"(?:src|href)=['\"](?!data:)", page)
        assert page.count("<section") == len(slides.deck(path))


def test_the_question_of_an_exercise_comes_before_its_answer() -> None:
    titles = [slide.title for slide in slides.deck(NOTEBOOKS[4])]
    question = next(number for number, title in enumerate(titles) if title.startswith("Exercise 4.4 ·"))
    assert titles[question + 1] == "Exercise 4.4: an answer"
