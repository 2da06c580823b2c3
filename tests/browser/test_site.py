"""Browser tests for the site, opened from its folder without a server or a network."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.broken_links import broken_links
from tests.browser.conftest import ROOT, SCREENSHOTS
from tests.browser.console import axe_violations
from zetl_helpers import cli

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A browser on a busy machine is slow, so the timeouts are long enough that only a hanging test exceeds them.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

CHECKED_PAGES = ("index.html", "notebooks/05_visualize.html", "kit/index.html", "kit/04_query_with_athena.html")
# The page's scripts measure sizes only after the page is drawn.
_TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# The corner cell above the row labels of a pandas table is empty.
_ACCEPTED = {"empty-table-header"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="MkDocs is not installed: pip install -e '.[site,browser]'")
    from zetl_helpers.course.site.build import build

    return build(ROOT, tmp_path_factory.mktemp("site") / "site", cli.parser()).parent


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def test_site_has_no_broken_links(site: Path) -> None:
    assert broken_links(site) == []


def test_search_finds_chapter_without_server(site: Path, page: "Page") -> None:
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("s")
    page.keyboard.type("time travel")
    found = page.locator(".md-search-result__item", has_text="07 · Time travel").first
    found.wait_for()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "site_search.png")
    found.locator("a").first.click()
    page.wait_for_url("**/07_time_travel.html*")


@pytest.mark.parametrize("name", CHECKED_PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible_and_loads_without_network(site: Path, page: "Page", name: str, scheme: str) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto((site / name).as_uri())
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    page.evaluate(_TWO_FRAMES)
    found = [
        (violation["id"], violation["nodes"][0]["html"][:200])
        for violation in axe_violations(page, preload=False)
        if violation["id"] not in _ACCEPTED
    ]
    assert found == []


def test_figures_are_drawn_and_have_text_alternatives(site: Path, page: "Page") -> None:
    page.goto((site / "notebooks" / "05_visualize.html").as_uri())
    figures = page.locator(".js-plotly-plot")
    figures.first.locator(".main-svg").first.wait_for()
    assert figures.count() >= 2
    assert "NV" in str(page.locator("[role=group][aria-label]:has(.js-plotly-plot)").first.get_attribute("aria-label"))
    figures.first.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / "site.png")


def test_figure_titles_fit_on_a_phone(site: Path, page: "Page") -> None:
    page.set_viewport_size({"width": 420, "height": 900})
    page.goto((site / "notebooks" / "05_visualize.html").as_uri())
    figure = page.locator(".js-plotly-plot").first
    figure.locator(".main-svg").first.wait_for()
    assert not figure.locator(".modebar").is_visible()
    for number in range(page.locator(".js-plotly-plot").count()):
        frame, title = (page.locator(f".js-plotly-plot{part}").nth(number).bounding_box() for part in ("", " .gtitle"))
        assert frame is not None
        assert title is not None
        assert title["x"] + title["width"] <= frame["x"] + frame["width"] + 1
    with page.expect_download() as download:
        page.get_by_role("button", name="JPEG").first.click()
    assert download.value.suggested_filename.endswith((".jpeg", ".jpg"))
