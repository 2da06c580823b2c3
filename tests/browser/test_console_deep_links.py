"""Browser tests for the console pages that the chapters' boxes link to, and for the pictures of these pages."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import SCREENSHOTS
from tests.browser.console import open_address, open_console
from zetl_helpers.console.server import ConsoleServer
from zetl_helpers.course.places import PLACES, Place
from zetl_helpers.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PICTURES = SCREENSHOTS / "console"
MOST_BYTES = 80_000
SHARES = "calculate the total balance as a percentage of the credit limit outstanding per state and zipcode"


def linked_pages() -> list[tuple[int, Place]]:
    return [(number, place) for number, found in PLACES.items() for place in found]


def test_linked_pages_open_without_errors(server: ConsoleServer, browser: Browser, course_lab: Lab) -> None:
    problems: dict[str, list[str]] = {}
    with open_console(browser, server) as page:
        for address in sorted({place.address(course_lab) for _, place in linked_pages()}):
            open_address(page, server, address)
            found = page.get_by_role("alert").all_inner_texts()
            if page.get_by_role("heading", name="Page not found").count() or found:
                problems[address] = found
    assert problems == {}


def wizard(page: Page, lab: Lab) -> None:
    page.get_by_role("button", name="Next").click()
    page.get_by_label("DynamoDB table").select_option(label=lab.table)
    page.get_by_label("Target database").select_option(label=lab.database)
    page.get_by_label("Target IAM role").select_option(label=lab.role)
    page.get_by_text("Prerequisites").wait_for()


def catalog_table(page: Page, lab: Lab) -> None:
    tree = page.get_by_role("tree", name="Data")
    for name in ("Lakehouse", "AwsDataCatalog", lab.database, lab.target_table):
        tree.get_by_role("treeitem", name=name, exact=True).locator("> .node").click()
    page.get_by_role("table", name="Columns").wait_for()


def suggestion(page: Page, lab: Lab) -> None:
    del lab
    page.get_by_label("Ask a question").fill(SHARES)
    page.get_by_role("button", name="Generate SQL").click()
    page.get_by_role("button", name="Add to querybook").wait_for()


def pie(page: Page, lab: Lab) -> None:
    suggestion(page, lab)
    page.get_by_role("button", name="Add to querybook").click()
    # The querybook begins with an empty cell. The assistant adds the question as cell 2 and the query as cell 3.
    cell = page.get_by_role("region", name=re.compile("^Cell 3,"))
    cell.get_by_role("textbox").filter(has_text="balance_percentage").wait_for()
    page.get_by_role("button", name="Run cell 3").click()
    cell.get_by_role("table", name="Result").wait_for()
    cell.get_by_role("button", name="Chart view").click()
    page.get_by_label("Type").select_option("Pie")
    page.get_by_label("Values").select_option("balance_percentage")
    page.get_by_label("Labels").select_option("state")
    drawn = page.get_by_role("img", name="pie of balance_percentage by state")
    drawn.locator(".slice").first.wait_for()
    drawn.scroll_into_view_if_needed()
    page.locator(".results").last.evaluate("element => element.scrollIntoView()")


def selected(page: Page, lab: Lab) -> None:
    page.get_by_role("radio", name=f"Select {lab.integration}").check()
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").wait_for()


def logs(page: Page, lab: Lab) -> None:
    page.get_by_role("link", name=lab.integration).click()
    page.get_by_role("tab", name="Logs").click()
    page.get_by_role("cell", name="IngestionCompleted").first.wait_for()


def nothing(page: Page, lab: Lab) -> None:
    del page, lab


# For each chapter: the index of the page, and a function that prepares the page for the screenshot.
TAKEN: dict[int, tuple[int, Callable[[Page, Lab], None]]] = {
    1: (1, nothing),
    2: (0, wizard),
    3: (1, catalog_table),
    4: (1, suggestion),
    5: (0, pie),
    6: (3, nothing),
    7: (0, nothing),
    8: (0, logs),
    12: (1, selected),
}


@pytest.mark.parametrize("number", TAKEN)
def test_chapter_picture_is_within_size_limit(
    server: ConsoleServer, browser: Browser, course_lab: Lab, number: int
) -> None:
    place, act = TAKEN[number]
    with open_console(browser, server, viewport={"width": 960, "height": 600}) as page:
        open_address(page, server, PLACES[number][place].address(course_lab))
        act(page, course_lab)
        PICTURES.mkdir(parents=True, exist_ok=True)
        picture = PICTURES / f"console-{number:02}.webp"
        # Playwright writes only PNG and JPEG files, but a WebP file of a text page is only a third as large.
        session = page.context.new_cdp_session(page)
        taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": 80})
        picture.write_bytes(base64.b64decode(taken["data"]))
    assert picture.stat().st_size < MOST_BYTES
