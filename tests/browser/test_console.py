"""Browser tests for the console: its token, untrusted content, other origins, a stopped lakehouse and the item form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.console import open_console, serving, show
from zetl_helpers import target
from zetl_helpers.console.server import ConsoleServer
from zetl_helpers.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='run'\">"


def test_untrusted_content_is_displayed_but_not_executed(
    server: ConsoleServer, browser: Browser, course_lab: Lab
) -> None:
    key = {"CustomerID": {"S": HOSTILE}, "AccountNumber": {"S": "{{constructor.constructor('x')()}}"}}
    dynamodb = course_lab.client("dynamodb")
    dynamodb.put_item(TableName=course_lab.table, Item={**key, HOSTILE: {"M": {HOSTILE: {"S": HOSTILE}}}})
    course_lab.client("s3").put_object(
        Bucket=course_lab.bucket, Key=f"customerdb/customeraccounts/{HOSTILE}.json", Body=b"[]"
    )
    course_lab.client("glue").update_database(
        Name=course_lab.database, DatabaseInput={**target.database_input(course_lab), "Description": HOSTILE}
    )
    with open_console(browser, server) as page:
        show(page, "/dynamodb/items/CustomerAccounts")
        page.locator("tbody").get_by_role("button", name=HOSTILE).click()
        assert page.get_by_role("dialog").get_by_label("CustomerID").input_value() == HOSTILE
        page.keyboard.press("Escape")
        for path in ("/glue/databases", f"/s3/{course_lab.bucket}?prefix=customerdb%2Fcustomeraccounts%2F"):
            show(page, path)
            assert page.get_by_text(HOSTILE).first.is_visible()
        assert page.title() != "run"
        assert page.evaluate("document.querySelector('main img[src=x]')") is None
    dynamodb.delete_item(TableName=course_lab.table, Key=key)


def test_wizard_lists_databases_once_lab_is_loaded(server: ConsoleServer, browser: Browser) -> None:
    held_requests: list[Route] = []
    with open_console(browser, server) as page:
        page.route("**/api/lab", lambda route: held_requests.append(route))
        page.reload()
        show(page, "/glue/zero-etl/create")
        page.get_by_role("button", name="Next").click()
        page.get_by_label("Target IAM role").get_by_role("option", name="zETLTargetRole").wait_for(state="attached")
        options = page.get_by_label("Target database").get_by_role("option")
        assert options.all_text_contents() == ["Choose a database"]
        for route in held_requests:
            route.continue_()
        page.get_by_label("Target database").select_option(label="customerdb")
        arn = page.get_by_label("Target database").input_value()
        assert arn == "arn:aws:glue:us-east-1:123456789012:database/customerdb"


def test_bookmark_without_token_shows_instructions(server: ConsoleServer, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/#/dynamodb/tables")
    page.get_by_role("heading", name="This page requires a token").wait_for()
    assert "CustomerAccounts" not in page.content()
    page.close()


def test_token_is_removed_from_address_and_link_opens_page(server: ConsoleServer, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}#/dynamodb/tables")
    page.get_by_role("link", name="CustomerAccounts").wait_for()
    assert server.session.token not in page.url
    # The second window has the same cookie, but the browser sends the cookie only to 127.0.0.1, not to localhost.
    other = context.new_page()
    other.goto(f"http://localhost:{server.port}/#/glue/zero-etl")
    other.get_by_role("heading", name="This page requires a token").wait_for()
    other.goto(f"http://127.0.0.1:{server.port}/#/glue/zero-etl")
    other.get_by_role("link", name="ddb-to-lakehouse").wait_for()
    context.close()


def test_other_origins_cannot_read_or_change_anything(server: ConsoleServer, browser: Browser, course_lab: Lab) -> None:
    context = browser.new_context()
    context.new_page().goto(server.url)
    foreign = context.new_page()
    # A browser treats another port on this computer as the same site, so it sends even a `SameSite=Strict` cookie.
    foreign.route(
        "http://127.0.0.1:9/", lambda route: route.fulfill(body="<title>foreign</title>", content_type="text/html")
    )
    foreign.goto("http://127.0.0.1:9/")
    tried = foreign.evaluate(
        """async (console_) => {
          const found = [];
          const params = {TableName: "CustomerAccounts"};
          const question = JSON.stringify({service: "dynamodb", operation: "DeleteTable", params});
          for (const options of [
            {}, {mode: "no-cors"}, {credentials: "include", mode: "no-cors"},
            {credentials: "include", headers: {"X-Zetl-Console": "1", "Content-Type": "application/json"}},
          ]) {
            try {
              const response = await fetch(console_ + "/api/call", {method: "POST", body: question, ...options});
              found.push([response.type, response.status, await response.text()]);
            } catch (error) { found.push(["refused"]); }
          }
          const frame = document.createElement("iframe");
          frame.src = console_ + "/";
          document.body.append(frame);
          await new Promise((resolve) => { frame.onload = resolve; setTimeout(resolve, 2000); });
          try { found.push(frame.contentDocument ? "read" : "opaque"); } catch (error) { found.push("opaque"); }
          return found;
        }""",
        f"http://127.0.0.1:{server.port}",
    )
    assert all(each in (["refused"], ["opaque", 0, ""]) for each in tried[:4]), tried
    assert tried[4] != "read"
    context.close()
    assert course_lab.client("dynamodb").describe_table(TableName=course_lab.table)["Table"]["TableStatus"] == "ACTIVE"


def test_page_reports_that_lakehouse_is_stopped_and_starts_it(browser: Browser, tmp_path: Path) -> None:
    from local_lakehouse import daemon

    with serving(tmp_path, None) as server, open_console(browser, server) as page:
        page.get_by_role("heading", name="The local lakehouse is stopped").wait_for()
        page.get_by_role("button", name="Start local lakehouse").click()
        try:
            page.get_by_role("heading", name="Practice console").wait_for()
            show(page, "/dynamodb/tables")
            page.get_by_text("There are no tables yet.").wait_for()
        finally:
            assert daemon.stop(tmp_path)
        page.get_by_role("heading", name="The local lakehouse is stopped").wait_for()


def test_items_can_be_edited_in_a_form_and_as_json(server: ConsoleServer, browser: Browser, course_lab: Lab) -> None:
    with open_console(browser, server) as page:
        show(page, "/dynamodb/items/CustomerAccounts")
        page.get_by_role("button", name="Create item").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("CustomerID").fill("CUST9999")
        dialog.get_by_label("AccountNumber").fill("ACC999999")
        dialog.get_by_role("button", name="Add new attribute").click()
        dialog.get_by_label("Attribute name").fill("Balance")
        dialog.get_by_label("Balance", exact=True).fill("12.25")
        dialog.get_by_label("Type of Balance").select_option(label="Number")
        dialog.get_by_role("tab", name="JSON").click()
        editor = dialog.get_by_role("textbox", name="Item as DynamoDB JSON")
        editor.filter(has_text="12.25").wait_for()
        dialog.get_by_role("button", name="Create item").click()
        dialog.wait_for(state="detached")
        page.get_by_role("checkbox", name="Select CUST9999 · ACC999999").check()
        key = {"CustomerID": {"S": "CUST9999"}, "AccountNumber": {"S": "ACC999999"}}
        found = course_lab.client("dynamodb").get_item(TableName=course_lab.table, Key=key)["Item"]
        assert found == {**key, "Balance": {"N": "12.25"}}
        page.get_by_text("Same as: the calls behind your clicks").click()
        assert page.get_by_label("Call", exact=True).input_value()
        page.get_by_role("button", name="Delete items").click()
        page.get_by_label("To confirm, type confirm").fill("confirm")
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        page.get_by_text("1 item was deleted.").wait_for()
        assert "Item" not in course_lab.client("dynamodb").get_item(TableName=course_lab.table, Key=key)
