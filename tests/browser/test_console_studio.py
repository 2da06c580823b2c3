"""Browser tests for the practice console's Studio pages, from the data explorer to the query history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import zetl_helpers as zetl
from tests.browser.conftest import SCREENSHOTS
from tests.browser.console import open_console, serving, write
from zetl_helpers.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

SHARES = """SELECT state,
  round(100 * SUM(currentbalance) / (SELECT SUM(currentbalance) FROM customeraccounts), 2) AS balance_percentage
FROM customeraccounts GROUP BY state ORDER BY 1"""
ENDLESS = "SELECT count(*) FROM " + ", ".join(f"UNNEST(sequence(1, 9999)) {name}(n)" for name in "abc")


@pytest.fixture
def loaded_lab(lab: Lab, lakehouse_ticks: object) -> Lab:
    """Provide the lab at the start of chapter 4, after its table has been loaded into the lakehouse."""
    zetl.catch_up(lab, 4)
    return lab


@pytest.fixture
def page(browser: Browser, loaded_lab: Lab, tmp_path: Path) -> Iterator[Page]:
    with serving(tmp_path, loaded_lab.endpoint) as server, open_console(browser, server, accept_downloads=True) as page:
        yield page


def studio(page: Page, entry: str) -> None:
    navigation = page.get_by_role("navigation", name="Services")
    navigation.get_by_role("link", name="SageMaker Unified Studio", exact=True).click()
    navigation.get_by_role("link", name=entry, exact=True).click()
    page.get_by_role("heading", name=entry, level=1).wait_for()


def cell(page: Page, number: int) -> Locator:
    return page.get_by_role("region", name=re.compile(rf"^Cell {number},"))


def wait_for_text(page: Page, number: int, text: str) -> None:
    """Wait until a cell's editor contains the given text."""
    page.get_by_role("textbox", name=re.compile(rf"of cell {number}$")).filter(has_text=text).wait_for()


def shown(table: Locator) -> list[list[str]]:
    return [row.get_by_role("cell").all_inner_texts() for row in table.get_by_role("row").all()[1:]]


def test_project_page_shows_role_arn_with_copy_button(page: Page, loaded_lab: Lab) -> None:
    page.get_by_role("navigation", name="Services").get_by_role(
        "link", name="SageMaker Unified Studio", exact=True
    ).click()
    page.get_by_role("heading", name=loaded_lab.project).wait_for()
    assert page.get_by_text(zetl.studio.find_project(loaded_lab).role_arn, exact=True).is_visible()
    assert page.get_by_role("button", name="Copy project role ARN").is_visible()


def test_table_can_be_opened_and_queried(page: Page) -> None:
    studio(page, "Data")
    tree = page.get_by_role("tree", name="Data")
    for name in ("Lakehouse", "AwsDataCatalog", "customerdb", "customeraccounts"):
        tree.get_by_role("treeitem", name=name, exact=True).locator("> .node").click()
    columns = page.get_by_role("table", name="Columns")
    columns.get_by_text("currentbalance").wait_for()
    assert ["creditlimit", "double", "–"] in shown(columns)
    page.get_by_role("button", name="Actions for customeraccounts").click()
    page.get_by_role("menuitem", name="Query with Athena").click()
    result = page.get_by_role("table", name="Result")
    result.wait_for()
    assert len(shown(result)) == 10
    wait_for_text(page, 1, 'FROM "awsdatacatalog"."customerdb"."customeraccounts"')


def test_pie_chart_shows_chosen_values_and_can_be_downloaded(page: Page, loaded_lab: Lab, tmp_path: Path) -> None:
    studio(page, "Query editor")
    write(page, 1, SHARES)
    page.get_by_role("button", name="Run all").click()
    page.get_by_role("button", name="Chart view").click()
    page.get_by_role("tab", name="Structure").click()
    assert page.get_by_role("button", name="Traces").is_visible()
    page.get_by_label("Type").select_option("Pie")
    page.get_by_label("Values").select_option("balance_percentage")
    page.get_by_label("Labels").select_option("state")
    page.get_by_role("tab", name="Style").click()
    page.get_by_label("Title", exact=True).fill("Balance by state")
    chart = page.get_by_role("img", name="Balance by state: pie of balance_percentage by state")
    chart.wait_for()
    # Wait for plotly's elements, because the page's content security policy blocks `wait_for_function`.
    page.locator(".chart .pielayer .slice").first.wait_for()
    drawn = page.evaluate(
        "(() => { const [t] = document.querySelector('.chart').data; return [t.labels, t.values]; })()"
    )
    expected = zetl.query(loaded_lab, SHARES)
    assert drawn == [list(expected["state"]), [float(value) for value in expected["balance_percentage"]]]
    for button, start in (("Download PNG", b"\x89PNG"), ("Download JPEG", b"\xff\xd8\xff")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        target = tmp_path / download.value.suggested_filename
        download.value.save_as(target)
        assert target.read_bytes().startswith(start)
        assert target.stem == "Balance-by-state"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "console-chart.png", full_page=True)


def test_chart_follows_color_scheme(page: Page) -> None:
    """A chart drawn in light mode is readable after a switch to dark mode."""
    studio(page, "Query editor")
    write(page, 1, SHARES)
    page.get_by_role("button", name="Run all").click()
    page.get_by_role("button", name="Chart view").click()
    title = page.locator(".chart .xtitle")
    light = title.evaluate("title => getComputedStyle(title).fill")
    page.emulate_media(color_scheme="dark")
    page.locator(f".chart .xtitle:not([style*='{light}'])").wait_for()
    assert title.evaluate("title => getComputedStyle(title).fill") == page.locator(".chart").evaluate(
        "chart => getComputedStyle(chart).color"
    )


def test_error_is_underlined(page: Page) -> None:
    studio(page, "Query editor")
    write(page, 1, "SELECT state,\n  saldo\nFROM customeraccounts")
    page.get_by_role("button", name="Run cell 1").click()
    assert "COLUMN_NOT_FOUND" in page.get_by_role("alert").inner_text()
    assert page.locator(".cm-lintRange-error").inner_text() == "saldo"


def test_run_all_stops_after_failure(page: Page) -> None:
    studio(page, "Query editor")
    page.get_by_role("button", name="Add SQL").click()
    write(page, 1, "SELECT nothing FROM nowhere")
    write(page, 2, "SELECT 1 AS one")
    page.get_by_role("button", name="Run all").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("table", name="Result").count() == 0
    write(page, 1, "SELECT 2 AS two")
    page.get_by_role("button", name="Run all").click()
    page.get_by_role("table", name="Result").nth(1).wait_for()
    assert [shown(table) for table in page.get_by_role("table", name="Result").all()] == [[["2"]], [["1"]]]


def test_a_query_can_be_stopped(page: Page) -> None:
    studio(page, "Query editor")
    write(page, 1, ENDLESS)
    page.get_by_role("button", name="Run cell 1").click()
    page.get_by_role("button", name="Stop cell 1").click()
    page.get_by_text("The query was stopped.").wait_for()


def test_assistant_adds_sql_without_running_it(page: Page, loaded_lab: Lab) -> None:
    studio(page, "Query editor")
    page.get_by_label("Ask a question").fill("What is the average credit limit by state?")
    page.get_by_role("button", name="Generate SQL").click()
    page.get_by_role("button", name="Add to querybook").click()
    wait_for_text(page, 3, "avg(")
    assert cell(page, 2).get_by_text("What is the average credit limit by state?").is_visible()
    assert page.get_by_role("table", name="Result").count() == 0
    suggested = page.get_by_role("region", name="suggested SQL").inner_text()
    assert suggested not in set(zetl.lakehouse.query_history(loaded_lab, newest=50)["query"])
    page.get_by_role("button", name="Run cell 3").click()
    page.get_by_role("table", name="Result").wait_for()


def test_querybook_can_be_saved_opened_and_shared(page: Page, loaded_lab: Lab) -> None:
    studio(page, "Query editor")
    write(page, 1, "SELECT 42 AS answer")
    page.get_by_label("Querybook name").fill("The answer")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The answer was saved.").wait_for()
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Share with project").click()
    page.get_by_text("The answer is shared with the project.").wait_for()
    assert zetl.lakehouse.saved_queries(loaded_lab)["The answer"]["QueryString"] == "SELECT 42 AS answer"
    studio(page, "Querybooks")
    page.get_by_role("link", name="The answer").wait_for()
    assert [row[1:3] for row in shown(page.get_by_role("table", name="Querybooks"))] == [["The answer", "Yes"]]
    page.get_by_role("link", name="The answer").click()
    wait_for_text(page, 1, "SELECT 42 AS answer")


def test_history_lists_queries_from_notebooks(page: Page, loaded_lab: Lab) -> None:
    zetl.query(loaded_lab, "SELECT 1 AS from_a_notebook")
    with pytest.raises(zetl.lakehouse.QueryError):
        zetl.query(loaded_lab, "SELECT wrong FROM customeraccounts")
    studio(page, "Query history")
    queries = page.get_by_role("table", name="Queries")
    queries.get_by_text("from_a_notebook").wait_for()
    page.get_by_label("Status").select_option("Failed")
    assert [(row[1], row[3]) for row in shown(queries)] == [("✕ Failed", "SELECT wrong FROM customeraccounts")]
    queries.get_by_role("button").last.click()
    dialog = page.get_by_role("dialog")
    assert "COLUMN_NOT_FOUND" in dialog.inner_text()
    dialog.get_by_role("link", name="Open in query editor").click()
    wait_for_text(page, 1, "SELECT wrong FROM customeraccounts")


def test_hostile_names_and_values_are_shown_as_text(page: Page, loaded_lab: Lab) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    loaded_lab.client("glue").create_table(
        DatabaseName=loaded_lab.database,
        TableInput={
            "Name": "hostile",
            "StorageDescriptor": {"Columns": [{"Name": hostile, "Type": "string", "Comment": hostile}]},
        },
    )
    studio(page, "Data")
    tree = page.get_by_role("tree", name="Data")
    for name in ("Lakehouse", "AwsDataCatalog", "customerdb", "hostile"):
        tree.get_by_role("treeitem", name=name, exact=True).locator("> .node").click()
    page.get_by_role("table", name="Columns").get_by_text(hostile).first.wait_for()
    studio(page, "Query editor")
    write(page, 1, f"SELECT '{hostile}' AS value")
    page.get_by_role("button", name="Add markdown").click()
    write(page, 2, f"# {hostile}\n\n[link](javascript:alert(1))")
    page.get_by_role("button", name="Preview cell 2").click()
    page.get_by_role("button", name="Run all").click()
    page.get_by_role("table", name="Result").get_by_text(hostile).wait_for()
    assert page.locator("main img").count() == 0
    assert page.get_by_role("link", name="link").count() == 0
