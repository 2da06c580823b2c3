"""Browser tests that take a screenshot of each slide, and check that no slide is cut off or sends a request."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import ROOT, SCREENSHOTS
from tests.browser.console import save_screenshot
from zetl_helpers.course.site import slides

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
_CUT_OFF = """() => {
    const slide = document.querySelector("section.shown"), [lead, body] = slide.querySelectorAll(".lead, .body");
    return body.scrollHeight > body.clientHeight + 2 || slide.scrollHeight > slide.clientHeight + 2
        || body.scrollWidth > body.clientWidth + 2 || lead.scrollWidth > lead.clientWidth + 2;
}"""
# The smallest allowed font sizes in pixels, for a screen that is 1280 pixels wide.
_LEGIBLE, _LEGIBLE_IN_TABLES = 12, 17
_SMALLEST_TEXT = """() => {
    const parts = [...document.querySelectorAll("section.shown :is(h1, h2, p, li, pre, td)")];
    const sizes = parts.filter(part => part.offsetParent).map(part => parseFloat(getComputedStyle(part).fontSize));
    return Math.min(...sizes);
}"""
_SMALLEST_TEXT_OF_TABLES = """() => {
    const cells = [...document.querySelectorAll("section.shown :is(td, th)")].filter(cell => cell.offsetParent);
    return Math.min(...cells.map(cell => parseFloat(getComputedStyle(cell).fontSize)), 100);
}"""


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_slides_fit_the_screen(path: Path, browser: "Browser", tmp_path: Path) -> None:
    slides.write(path, tmp_path / "deck.html")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    address = (tmp_path / "deck.html").as_uri()
    page.goto(address)
    folder = SCREENSHOTS / "slides" / path.stem
    folder.mkdir(parents=True, exist_ok=True)
    cut_off = []
    for number, slide in enumerate(slides.deck(path), start=1):
        assert page.locator("section.shown").get_attribute("id") == str(number)
        small = page.evaluate(_SMALLEST_TEXT) < _LEGIBLE
        if page.evaluate(_CUT_OFF) or small or page.evaluate(_SMALLEST_TEXT_OF_TABLES) < _LEGIBLE_IN_TABLES:
            cut_off.append(f"{number} {slide.title}")
        save_screenshot(page, folder / f"{number:02}.png")
        page.keyboard.press("ArrowRight")
    page.keyboard.press("n")
    assert page.locator("section.shown .notes").is_visible()
    page.close()
    assert cut_off == []
    assert [entry for entry in requests if not entry.startswith(("data:", address))] == []
