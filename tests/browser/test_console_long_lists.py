"""Browser tests for long lists in the console: a hundred thousand rows or items, and many tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.browser.console import open_console, serving, show, write
from tests.conftest import connect_to
from zetl_helpers import source, target
from zetl_helpers._wait import without_waiting
from zetl_helpers.console.server import ConsoleServer
from zetl_helpers.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

ROWS = 100_000
TABLES = 120
MANY = """SELECT 1000 * (a - 1) + b AS n, 'row ' || CAST(1000 * (a - 1) + b AS varchar) AS name
FROM UNNEST(sequence(1, 100)) x(a), UNNEST(sequence(1, 1000)) y(b) ORDER BY 1"""
# The visible part of a page has at most this many elements, although the result has far more rows.
DRAWN = 100


@pytest.fixture(scope="module")
def large_lab() -> Iterator[Lab]:
    """Provide a lab with a table of 100,000 items, and with more tables than one page of the list shows."""
    lakehouse = Lakehouse(Settings(paused=True))
    lakehouse.start()
    lab = connect_to(lakehouse.url)
    with without_waiting():
        target.create_bucket(lab)
        target.create_database(lab)
        source.import_items(
            lab, ({"CustomerID": {"S": f"C{number:06}"}, "AccountNumber": {"S": "A"}} for number in range(ROWS))
        )
    dynamodb = lab.client("dynamodb")
    for number in range(TABLES):
        dynamodb.create_table(
            TableName=f"table-{number:04}",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    yield lab
    lakehouse.stop()


@pytest.fixture(scope="module")
def large_server(large_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleServer]:
    with serving(tmp_path_factory.mktemp("state"), large_lab.endpoint) as server:
        yield server


def operation(route: Route) -> str:
    requests: dict[str, Any] = json.loads(route.request.post_data or "{}")
    return str(requests.get("operation", ""))


def drawn(page: Page) -> int:
    return int(page.locator("main tbody tr").count())


def test_result_shows_first_rows_and_explains_how_to_get_the_rest(
    large_server: ConsoleServer, browser: Browser, tmp_path: Path
) -> None:
    with open_console(browser, large_server, accept_downloads=True) as page:
        show(page, "/studio/query")
        write(page, 1, MANY)
        page.get_by_role("button", name="Run cell 1").click()
        page.get_by_text("The first 100 of 100,000 rows").wait_for()
        assert page.get_by_text("turn off Limit 100").is_visible()
        page.get_by_label("Limit 100").uncheck()

        # One response with rows is delayed, to check that the page can be used in the meantime.
        held_requests: list[Route] = []
        pages = iter(range(1000))

        def hold_fourth_page(route: Route) -> None:
            if operation(route) == "GetQueryResults" and next(pages) == 3:
                held_requests.append(route)
            else:
                route.continue_()

        page.route("**/api/call", hold_fourth_page)
        page.get_by_role("button", name="Run cell 1").click()
        page.get_by_text("2,999 rows read…").wait_for()
        page.get_by_label("Querybook name").fill("Typed while rows are read")
        held_requests.pop().continue_()
        page.get_by_text("The first 64,000 of 100,000 rows").wait_for(timeout=120_000)
        assert page.get_by_label("Querybook name").input_value() == "Typed while rows are read"
        assert ".csv" in str(page.locator(".results").get_by_role("link", name="Amazon S3").get_attribute("href"))

        table = page.get_by_role("table", name="Result")
        assert table.get_attribute("aria-rowcount") == "64001"
        assert drawn(page) <= DRAWN
        region = page.get_by_role("region", name="Result, scrollable")
        region.evaluate("element => { element.scrollTop = element.scrollHeight; }")
        table.get_by_text("row 64000", exact=True).wait_for()
        # Sorting shows other rows, but the columns keep their width, so a double click hits the same header twice.
        header = table.get_by_role("columnheader", name="n", exact=True)
        before = header.bounding_box()
        header.get_by_role("button").click()
        table.get_by_text("row 1", exact=True).wait_for()
        assert header.bounding_box() == before
        header.get_by_role("button").click(click_count=2)
        table.get_by_text("row 1", exact=True).wait_for()
        header.get_by_role("button").click()
        table.get_by_text("row 64000", exact=True).wait_for()
        assert drawn(page) <= DRAWN

        page.get_by_role("button", name="Chart view").click()
        page.get_by_label("Type").select_option("Pie")
        assert page.get_by_text("A pie chart can show at most 500 rows, and this result has 64000 rows.").is_visible()
        with page.expect_download() as download:
            page.get_by_role("button", name="Export CSV").click()
        download.value.save_as(tmp_path / "result.csv")
        assert len((tmp_path / "result.csv").read_text().splitlines()) == 64_001


def test_stopping_query_keeps_rows_that_were_already_read(large_server: ConsoleServer, browser: Browser) -> None:
    with open_console(browser, large_server) as page:
        show(page, "/studio/query")
        page.get_by_label("Limit 100").uncheck()
        write(page, 1, MANY)
        held_requests: list[Route] = []
        pages = iter(range(1000))

        def hold_third_page(route: Route) -> None:
            if operation(route) == "GetQueryResults" and next(pages) == 2:
                held_requests.append(route)
            else:
                route.continue_()

        page.route("**/api/call", hold_third_page)
        page.get_by_role("button", name="Run cell 1").click()
        page.get_by_text("1,999 rows read…").wait_for()
        page.get_by_role("button", name="Stop cell 1").click()
        held_requests.pop().continue_()
        page.get_by_text("The first 2,999 of 100,000 rows").wait_for()


def test_items_are_loaded_page_by_page(large_server: ConsoleServer, browser: Browser, large_lab: Lab) -> None:
    with open_console(browser, large_server) as page:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.post_data or ""))
        show(page, f"/dynamodb/items/{large_lab.table}")
        page.get_by_role("heading", name="Items returned (300+)").wait_for()
        assert page.get_by_text(re.compile("Items read: 300 of 100,000 in the table")).is_visible()
        assert drawn(page) <= DRAWN
        page.get_by_role("button", name="Retrieve next page").click()
        page.get_by_role("heading", name="Items returned (600+)").wait_for()
        assert sum('"Scan"' in each for each in requests) == 2
        page.get_by_label("CustomerID equals").fill("C099999")
        page.get_by_role("button", name="Run", exact=True).click()
        page.get_by_role("heading", name="Items returned (1)").wait_for()


def test_table_list_requests_only_visible_tables(large_server: ConsoleServer, browser: Browser, large_lab: Lab) -> None:
    with open_console(browser, large_server) as page:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.post_data or ""))
        show(page, "/dynamodb/tables")
        page.get_by_text("Page 1 of 3").wait_for()
        page.get_by_role("cell", name="CustomerID (S)").wait_for()
        assert 0 < sum('"DescribeTable"' in each for each in requests) <= 50
        page.get_by_label("Find in Tables").fill("0119")
        page.get_by_role("row", name=re.compile("table-0119")).get_by_text("id (S)").wait_for()
        # A table that was deleted elsewhere disappears from the list when the list is shown again.
        large_lab.client("dynamodb").delete_table(TableName="table-0118")
        page.get_by_label("Find in Tables").fill("0118")
        page.get_by_text("No matches.").wait_for()
