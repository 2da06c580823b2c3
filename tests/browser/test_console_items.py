"""Browser tests for an item open in two tabs, a deleted item, right-to-left values, and a stopped query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.console import open_console, show, write
from zetl_helpers.console.server import ConsoleServer
from zetl_helpers.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

KEY = {"CustomerID": {"S": "tabs"}, "AccountNumber": {"S": "1"}}
HEBREW = "\u05e9\u05dc\u05d5\u05dd!"
ARABIC = "\u0633\u0637\u0631 1\n\u0633\u0637\u0631 2"


@pytest.fixture
def item(course_lab: Lab) -> dict[str, Any]:
    found = KEY | {"City": {"S": "Reno"}, "State": {"S": "NV"}, "Greeting": {"S": HEBREW}, "Lines": {"S": ARABIC}}
    course_lab.client("dynamodb").put_item(TableName=course_lab.table, Item=found)
    return found


def stored(lab: Lab) -> dict[str, Any]:
    found: dict[str, Any] = lab.client("dynamodb").get_item(TableName=lab.table, Key=KEY)["Item"]
    return found


def edit(page: Page, lab: Lab) -> Locator:
    """Open the form of the fixture's item."""
    show(page, f"/dynamodb/items/{lab.table}")
    page.get_by_label("CustomerID equals").fill("tabs")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("heading", name="Items returned (1)").wait_for()
    page.get_by_role("button", name="tabs", exact=True).click()
    return page.get_by_role("dialog")


def save(form: Locator, name: str, value: str) -> None:
    form.get_by_label(name, exact=True).fill(value)
    form.get_by_role("button", name="Save item").click()


@pytest.mark.usefixtures("item")
def test_two_tabs_do_not_overwrite_each_others_edits(server: ConsoleServer, browser: Browser, course_lab: Lab) -> None:
    with open_console(browser, server) as page, open_console(browser, server) as other:
        form, second = edit(page, course_lab), edit(other, course_lab)
        save(form, "City", "Elko")
        page.get_by_text("The item was saved.").wait_for()

        save(second, "City", "Ely")
        second.get_by_text("The item was changed or deleted after you opened it").wait_for()
        assert stored(course_lab)["City"] == {"S": "Elko"}

        # Changes to different attributes do not conflict, and both are saved.
        second.get_by_label("City", exact=True).fill("Reno")
        save(second, "State", "CA")
        other.get_by_text("The item was saved.").wait_for()
        assert stored(course_lab) == stored(course_lab) | {"City": {"S": "Elko"}, "State": {"S": "CA"}}


@pytest.mark.usefixtures("item")
def test_saving_does_not_recreate_deleted_item(server: ConsoleServer, browser: Browser, course_lab: Lab) -> None:
    with open_console(browser, server) as page:
        form = edit(page, course_lab)
        dynamodb = course_lab.client("dynamodb")
        dynamodb.delete_item(TableName=course_lab.table, Key=KEY)
        save(form, "City", "Elko")
        form.get_by_text("The item was changed or deleted after you opened it").wait_for()
        assert "Item" not in dynamodb.get_item(TableName=course_lab.table, Key=KEY)


# This expression returns the horizontal positions of the first and the last character of an element's text.
ENDS = """element => {
  const text = element.firstChild;
  return [0, text.length - 1].map((place) => {
    const range = document.createRange();
    range.setStart(text, place);
    range.setEnd(text, place + 1);
    return range.getBoundingClientRect().left;
  });
}"""


def test_shows_and_preserves_right_to_left_values(
    server: ConsoleServer, browser: Browser, course_lab: Lab, item: dict[str, Any]
) -> None:
    with open_console(browser, server) as page:
        form = edit(page, course_lab)
        assert form.get_by_label("Greeting", exact=True).input_value() == HEBREW
        assert form.get_by_label("Lines", exact=True).input_value() == ARABIC
        save(form, "City", "Elko")
        page.get_by_text("The item was saved.").wait_for()
        assert stored(course_lab) == item | {"City": {"S": "Elko"}}
        first, last = page.get_by_role("cell", name=HEBREW, exact=True).evaluate(ENDS)
        assert last < first, "the exclamation mark is at the end, which is on the left"


def test_querybook_is_usable_after_stopping_a_query(server: ConsoleServer, browser: Browser) -> None:
    with open_console(browser, server) as page:
        show(page, "/studio/query")
        endless = "SELECT sum(x.a * y.b % z.c) AS s FROM {0} x(a), {0} y(b), {0} z(c)"
        write(page, 1, endless.format("UNNEST(sequence(1, 9999))"))
        page.get_by_role("button", name="Run cell 1").click()
        page.get_by_text("Running…").wait_for()
        page.get_by_role("button", name="Stop cell 1").click()
        page.get_by_text("The query was stopped.").wait_for()
        write(page, 1, "SELECT 'after the stop' AS answer")
        page.get_by_role("button", name="Run cell 1").click()
        page.get_by_role("cell", name="after the stop").wait_for()
        show(page, "/studio/history")
        page.get_by_role("row").filter(has_text="x.a * y.b").get_by_text("Canceled").wait_for()
