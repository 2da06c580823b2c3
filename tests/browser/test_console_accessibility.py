"""Accessibility tests for every page and state of the console, in light mode, dark mode and a narrow window."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.browser.conftest import SCREENSHOTS, lab_before_chapter_9
from tests.browser.console import axe_violations, open_console, save_screenshot, show, write
from zetl_helpers import integration, source
from zetl_helpers.console.server import ConsoleServer
from zetl_helpers.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(400)]

TABLE = "/glue/databases/customerdb/tables/customeraccounts"
QUERY = "/studio/query?database=customerdb&table=customeraccounts"
PAGES = (
    "/", "/dynamodb/tables", "/dynamodb/create-table", "/dynamodb/tables/CustomerAccounts",
    "/dynamodb/tables/CustomerAccounts?tab=backups", "/dynamodb/tables/CustomerAccounts?tab=permissions",
    "/dynamodb/tables/Missing", "/dynamodb/items", "/dynamodb/items/CustomerAccounts", "/dynamodb/integrations",
    "/glue/zero-etl", "/glue/zero-etl/create", "/glue/databases", "/glue/create-database", "/glue/databases/customerdb",
    TABLE, f"{TABLE}?tab=history", f"{TABLE}?tab=snapshots", f"{TABLE}?tab=metadata", f"{TABLE}?tab=properties",
    "/glue/catalog-settings", "/s3/buckets",
    "/s3/glue-zetl-target-123456789012-us-east-1?prefix=customerdb%2Fcustomeraccounts%2F", "/iam/roles",
    "/iam/create-role", "/iam/roles/zETLTargetRole", "/cloudwatch/alarms", "/cloudwatch/logs", "/cloudwatch/metrics",
    "/studio", "/studio/data", "/studio/data?database=customerdb&table=customeraccounts", "/studio/query",
    "/studio/querybooks", "/studio/history", "/nowhere",
)  # fmt: skip


def item_form(page: Page) -> None:
    page.locator("tbody").get_by_role("button").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Add new attribute").click()


def item_json(page: Page) -> None:
    item_form(page)
    page.get_by_role("dialog").get_by_label("Attribute name").last.fill("Note")
    page.get_by_role("tab", name="JSON").click()
    page.locator(".cm-content").wait_for()


def delete_table(page: Page) -> None:
    page.get_by_role("radio", name="Select CustomerAccounts").check()
    page.get_by_role("button", name="Delete").click()


def menu(page: Page) -> None:
    page.get_by_role("button", name="Create integration").click()
    page.get_by_role("menuitem").first.wait_for()


def wizard_problems(page: Page) -> None:
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    page.locator(".problem").first.wait_for()


def wizard_details(page: Page) -> None:
    page.get_by_role("button", name="Next").click()
    page.get_by_label("DynamoDB table").select_option(label="CustomerAccounts")
    page.get_by_label("Target database").select_option(label="customerdb")
    page.get_by_label("Target IAM role").select_option(label="zETLTargetRole")
    page.get_by_role("radio", name="Specify custom partition keys").check()
    page.get_by_role("button", name="Add partition key").click()
    page.get_by_label("Field of key 1").fill("State")
    page.get_by_text("Prerequisites").wait_for()


def wizard_name(page: Page) -> None:
    wizard_details(page)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Integration name").fill("another")


def wizard_review(page: Page) -> None:
    wizard_name(page)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Create and launch integration").wait_for()


def create_alarm(page: Page) -> None:
    page.get_by_role("button", name="Create alarm").click()
    page.get_by_role("dialog").wait_for()


def tree(page: Page) -> None:
    explorer = page.get_by_role("tree", name="Data")
    for name in ("Lakehouse", "AwsDataCatalog", "customerdb", "customeraccounts"):
        explorer.get_by_role("treeitem", name=name, exact=True).locator("> .node").click()
    page.get_by_role("button", name="Actions for customeraccounts").click()


def tab(name: str, shows: Callable[[Page], Any]) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.get_by_role("tab", name=name).click()
        shows(page).wait_for()

    return act


def result(page: Page) -> None:
    page.get_by_role("table", name="Result").wait_for()


def failed(page: Page) -> None:
    write(page, 1, "SELECT state,\n  saldo\nFROM customeraccounts")
    page.get_by_role("button", name="Run cell 1").click()
    page.locator(".cm-lintRange-error").wait_for()


def markdown(page: Page) -> None:
    page.get_by_role("button", name="Add markdown").click()
    write(page, 2, "# Balances\n\nBy *state*, in `USD`:\n\n- one\n- two")
    page.get_by_role("button", name="Preview cell 2").click()
    page.get_by_role("button", name="Cell 2 menu").click()


def completion(page: Page) -> None:
    write(page, 1, "SELECT * FROM customera")
    page.keyboard.type("c")
    page.locator(".cm-tooltip-autocomplete").wait_for()


def pie(page: Page) -> None:
    result(page)
    page.get_by_role("button", name="Chart view").click()
    page.get_by_label("Type").select_option("Pie")
    page.get_by_label("Values").select_option("currentbalance")
    page.get_by_label("Labels").select_option("state")
    page.locator(".chart .pielayer .slice").first.wait_for()


def unfinished_chart(page: Page) -> None:
    result(page)
    page.get_by_role("button", name="Chart view").click()
    page.get_by_role("button", name="Add trace").click()
    page.get_by_label("Type of trace 2").select_option("Pie")
    page.get_by_text("Choose Values").wait_for()


def style(page: Page) -> None:
    pie(page)
    page.get_by_role("tab", name="Style").click()


def annotate(page: Page) -> None:
    pie(page)
    page.get_by_role("tab", name="Annotate").click()


def suggestion(page: Page) -> None:
    page.get_by_label("Ask a question").fill("What is the average credit limit by state?")
    page.get_by_role("button", name="Generate SQL").click()
    page.get_by_role("button", name="Add to querybook").wait_for()


def not_understood(page: Page) -> None:
    page.get_by_label("Ask a question").fill("Is it raining?")
    page.get_by_role("button", name="Generate SQL").click()
    page.get_by_role("region", name="Suggestion").wait_for()


def saved(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Untitled querybook was saved.").wait_for()
    show(page, "/studio/querybooks")
    page.get_by_role("checkbox").first.check()


def execution(page: Page) -> None:
    page.get_by_role("table", name="Queries").locator("tbody").get_by_role("button").last.click()
    page.get_by_role("dialog").wait_for()


def calls(page: Page) -> None:
    page.get_by_text("Same as: the calls behind your clicks").click()
    page.get_by_role("tab", name="AWS CLI").click()


def metadata(page: Page) -> None:
    page.get_by_role("treeitem", name=re.compile("Current snapshot")).click()
    page.get_by_role("treeitem", name="data manifest").first.click()
    page.get_by_role("treeitem", name="data file").first.wait_for()


def parquet(page: Page) -> None:
    metadata(page)
    page.get_by_role("treeitem", name="data file").first.click()
    page.get_by_role("link", name=re.compile(r"Open .*\.parquet in Amazon S3")).click()
    page.get_by_role("heading", name=re.compile(r"^Parquet file: \d+ rows?")).wait_for()


def folder(page: Page) -> None:
    page.get_by_role("link", name="metadata/").click()
    page.get_by_role("link", name=re.compile(r"\.json$")).first.click()
    page.get_by_role("region", name="Content").wait_for()


# These clicks open other states of the pages: dialogs, menus, steps, results, charts and errors.
STATES: tuple[tuple[str, Callable[[Page], None]], ...] = (
    ("/dynamodb/items/CustomerAccounts", item_form),
    ("/dynamodb/items/CustomerAccounts", item_json),
    ("/dynamodb/tables", delete_table),
    ("/dynamodb/integrations", menu),
    ("/glue/zero-etl/create", wizard_problems),
    ("/glue/zero-etl/create", wizard_details),
    ("/glue/zero-etl/create", wizard_name),
    ("/glue/zero-etl/create", wizard_review),
    (f"{TABLE}?tab=metadata", metadata),
    (f"{TABLE}?tab=metadata", parquet),
    ("/s3/glue-zetl-target-123456789012-us-east-1?prefix=customerdb%2Fcustomeraccounts%2F", folder),
    ("/cloudwatch/alarms", create_alarm),
    ("/cloudwatch/metrics", lambda page: page.locator(".chart svg").first.wait_for()),
    ("/cloudwatch/metrics", calls),
    ("/studio/data", tree),
    (
        "/studio/data?database=customerdb&table=customeraccounts",
        tab("Sample data", lambda page: page.get_by_role("table", name="Sample")),
    ),
    (
        "/studio/data?database=customerdb&table=customeraccounts",
        tab("Details", lambda page: page.get_by_text("Location")),
    ),
    (QUERY, result),
    ("/studio/query", failed),
    ("/studio/query", markdown),
    ("/studio/query", completion),
    (QUERY, pie),
    (QUERY, unfinished_chart),
    (QUERY, style),
    (QUERY, annotate),
    ("/studio/query", suggestion),
    ("/studio/query", not_understood),
    ("/studio/query", saved),
    ("/studio/history", execution),
)

# Only the colors differ in dark mode, so axe checks only their contrast.
LOOKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "light": ({"color_scheme": "light", "viewport": {"width": 1280, "height": 900}}, {}),
    "dark": ({"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}}, {"runOnly": ["color-contrast"]}),
    "narrow": ({"color_scheme": "light", "viewport": {"width": 360, "height": 740}}, {}),
}

# The first four items are from different states, and the first item has all attributes.
ITEMS = 4

# This expression returns the last element in the document that extends beyond the window's right edge.
WIDEST = """[...document.querySelectorAll("body *")].filter(
    (each) => each.getBoundingClientRect().right > window.innerWidth + 1 && !each.closest(".scroll")
  ).pop()?.outerHTML.slice(0, 300) ?? "" """


@pytest.fixture(scope="module")
def course_lab() -> Iterator[Lab]:
    """Provide a lab with few items, because axe checks each cell, and the cells in a column look alike."""
    items = source.items
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "items", lambda batch=1: items(batch)[:ITEMS])
        with lab_before_chapter_9() as lab:
            yield lab


def violations(page: Page, name: str, look: str) -> dict[str, str]:
    """Take a screenshot of a page, and return axe's violations and any element that is too wide."""
    _, rules = LOOKS[look]
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    file = f"console-{re.sub(r'[^a-zA-Z0-9]+', '-', name).strip('-')}-{look}.png"
    save_screenshot(page, SCREENSHOTS / file)
    found = {f"{name}, {look}: {each['id']}": each["nodes"][0]["html"] for each in axe_violations(page, **rules)}
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found[f"{name}, {look}: too wide"] = page.evaluate(WIDEST)
    return found


def test_axe_finds_low_contrast_in_dark_mode(browser: Browser) -> None:
    page = browser.new_page(color_scheme="light")
    page.set_content(
        "<html lang=en><title>Page</title><main><h1>Heading</h1><p>Text</p></main>"
        "<style>@media (prefers-color-scheme: dark) { p { color: #777; background: #888 } }</style>"
    )
    assert axe_violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert [found["id"] for found in axe_violations(page, **LOOKS["dark"][1])] == ["color-contrast"]
    page.close()


def test_pages_are_accessible(server: ConsoleServer, browser: Browser, course_lab: Lab) -> None:
    created = f"/glue/zero-etl/{integration.integration_id(course_lab)}"
    tabs = [f"{created}?tab={name}" for name in ("details", "logs", "metrics")]
    logs = f"/cloudwatch/logs/{quote('/aws-glue/zeroETL-integrations/logs/', safe='')}"
    found: dict[str, str] = {}
    with open_console(browser, server) as page:
        for path in (*PAGES, *tabs, logs):
            show(page, path)
            for look, (options, _) in LOOKS.items():
                page.emulate_media(color_scheme=options["color_scheme"])
                page.set_viewport_size(options["viewport"])
                found |= violations(page, path, look)
    assert found == {}, json.dumps(found, indent=2)


# The clicks are repeated in the narrow layout, where other elements could cover the controls.
@pytest.mark.parametrize("looks", [("light", "dark"), ("narrow",)], ids="-".join)
def test_page_states_are_accessible(server: ConsoleServer, browser: Browser, looks: tuple[str, ...]) -> None:
    found: dict[str, str] = {}
    options, _ = LOOKS[looks[0]]
    with open_console(browser, server, **options) as page:
        for path, act in STATES:
            # A reload closes dialogs and menus left open by the previous state.
            page.reload()
            show(page, path)
            act(page)
            for look in looks:
                page.emulate_media(color_scheme=LOOKS[look][0]["color_scheme"])
                found |= violations(page, f"{path} {act.__name__}", look)
            page.emulate_media(color_scheme=options["color_scheme"])
    assert found == {}, json.dumps(found, indent=2)
