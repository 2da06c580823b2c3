"""Tests that each step has an *In the console* box, which links to an existing page or says that there is no page."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.conftest import connect_to
from zetl_helpers.course.opening import ChapterCard, console_links
from zetl_helpers.course.places import PLACES, Place
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "console_web" / "src"
PAGE = ROOT / "docs" / "practice-console.md"
ROUTES = [
    re.compile(re.sub(r":\w+", "[^/]+", path))
    for source in sorted(SOURCES.glob("*/index.tsx"))
    for path in re.findall(r'\{ path: "([^"]+)", title: "[^"]*", render:', source.read_text(encoding="utf-8"))
]
# The query parameters that the console's pages read, by service.
PARAMETERS = {"/dynamodb": {"tab"}, "/glue": {"tab"}, "/s3": {"prefix"}, "/studio": {"database", "table", "sql"}}
HEAD = re.compile(r"> \*\*In the console:\*\* (?:\[([^]]+)\]\(\.\./docs/practice-console\.md#([\w-]+)\))?")
NONE = "The practice console has no page for this step."


def cells(number: int) -> list[dict[str, Any]]:
    (path,) = (ROOT / "notebooks").glob(f"{number:02}_*.ipynb")
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def boxes(number: int) -> Iterator[tuple[str, str]]:
    """Yield the boxes of a chapter, each with the heading of its step."""
    step = ""
    for cell in cells(number):
        kind, text = cell["metadata"].get("zetl", {}).get("kind"), "".join(cell["source"])
        if kind == "section":
            step = text.partition("\n")[0].removeprefix("## ")
        elif kind == "console":
            yield step, text


def steps(number: int) -> list[str]:
    sections = [cell for cell in cells(number) if cell["metadata"].get("zetl", {}).get("kind") == "section"]
    return ["".join(cell["source"]).partition("\n")[0].removeprefix("## ") for cell in sections]


def anchor(place: Place) -> str:
    """Return the anchor in docs/practice-console.md that a console page's box links to."""
    area = place.path.split("/")[1]
    titles = re.findall(r'title: "([^"]+)", path: "/(\w+)"', (SOURCES / "areas.ts").read_text(encoding="utf-8"))
    (title,) = [str(title) for title, path in titles if path == area]
    return title.lower().replace(" ", "-")


@pytest.mark.parametrize("number", PLACES)
class TestChapter:
    def test_every_step_has_a_box(self, number: int) -> None:
        assert set(steps(number)) == {step for step, _ in boxes(number)}

    def test_boxes_and_card_link_to_same_places_in_same_order(self, number: int) -> None:
        linked = []
        for step, text in boxes(number):
            head = HEAD.match(text)
            assert head, text
            if head[1] is None:
                assert NONE in " ".join(text.replace("> ", "").split()), text
            else:
                linked.append((step, head[1], head[2]))
        assert linked == [(place.step, place.title, anchor(place)) for place in PLACES[number]]

    def test_places_are_console_pages(self, number: int, lab: Lab) -> None:
        for place in PLACES[number]:
            path, _, query = place.address(lab).partition("?")
            assert any(route.fullmatch(path) for route in ROUTES), path
            assert set(parse_qs(query)) <= PARAMETERS.get("/" + path.split("/")[1], set()), query

    def test_chapter_shows_one_picture_smaller_than_80_kb(self, number: int) -> None:
        shown = [
            name for _, text in boxes(number) for name in re.findall(r"\]\(\.\./(docs/images/console/[^)]+)\)", text)
        ]
        assert len(shown) == 1
        assert (ROOT / shown[0]).stat().st_size < 80_000


def test_routes_are_found_and_unknown_address_is_rejected() -> None:
    assert len(ROUTES) > 25
    assert not any(route.fullmatch("/glue/integrations") for route in ROUTES)


def test_every_picture_is_used() -> None:
    shown = {name for number in PLACES for _, text in boxes(number) for name in re.findall(r"console/([^/)]+)\)", text)}
    assert {path.name for path in (ROOT / "docs" / "images" / "console").iterdir()} == shown


class TestCard:
    def test_card_links_to_console_pages_for_chapter(self, lab: Lab) -> None:
        links = console_links(lab, 1)
        assert [place for place, _ in links] == list(PLACES[1])
        first, backups, *_ = (address for _, address in links)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+#/dynamodb/create-table", first)
        assert backups.endswith("#/dynamodb/tables/CustomerAccounts?tab=backups")
        card = ChapterCard(lab, _chapter(1), [], links)._repr_html_()
        assert card.count("target='_blank' rel='noopener'") == len(PLACES[1])

    def test_card_uses_prefix_in_addresses(self, lakehouse: Any) -> None:
        lab = connect_to(lakehouse.url, prefix="ann")
        (_, place, *_) = PLACES[1]
        assert place.address(lab) == "/dynamodb/tables/ann_CustomerAccounts?tab=backups"

    @pytest.mark.parametrize(("name", "value"), [("ZETL_CONSOLE", "off"), ("JUPYTERHUB_SERVICE_PREFIX", "/user/ann/")])
    def test_card_has_no_links_if_console_is_unreachable(
        self, lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)
        assert console_links(lab, 1) == []
        assert "console" not in ChapterCard(lab, _chapter(1), [])._repr_html_()

    def test_card_has_no_links_on_aws_or_if_chapter_has_no_boxes(self, lab: Lab) -> None:
        from dataclasses import replace

        assert console_links(replace(lab, target="aws", endpoint=None), 1) == []
        assert console_links(lab, 9) == []


def _chapter(number: int) -> Any:
    from zetl_helpers.course import exercises

    return exercises.Chapter(number, ())
