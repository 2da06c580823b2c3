"""Browser tests that perform the blog post's steps in the practice console by mouse and keyboard.

The tests find each element by its name in the AWS consoles.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import zetl_helpers as zetl
from local_lakehouse.lakehouse import Lakehouse
from tests.browser.console import open_console, serving
from zetl_helpers import cleanup, integration, permissions, source, target
from zetl_helpers.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

QUESTION = "calculate the total balance as a percentage of the credit limit outstanding per state and zipcode"


@pytest.fixture
def prepared_lab(lab: Lab) -> Lab:
    """Provide the lab as it is before the blog post's section *Create the zero-ETL integration*."""
    source.create_table(lab)
    source.enable_pitr(lab)
    source.load_items(lab)
    source.put_policy(lab)
    target.create_bucket(lab)
    target.create_database(lab)
    target.merge_catalog_policy(lab)
    permissions.create_target_role(lab)
    return lab


def service(page: Page, name: str, entry: str) -> None:
    """Open a service in the navigation, and then one of its entries."""
    navigation = page.get_by_role("navigation", name="Services")
    navigation.get_by_role("link", name=name, exact=True).click()
    navigation.get_by_role("link", name=entry, exact=True).click()
    page.get_by_role("heading", name=entry, level=1).wait_for()


def create_integration(page: Page, lab: Lab) -> None:
    service(page, "DynamoDB", "Integrations")
    page.get_by_role("button", name="Create integration").click()
    page.get_by_role("menuitem", name="Amazon SageMaker Lakehouse").click()
    page.get_by_role("radio", name="Amazon DynamoDB").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("DynamoDB table").select_option(label=lab.table)
    page.get_by_label("Target database").select_option(label=lab.database)
    page.get_by_label("Target IAM role").select_option(label=lab.role)
    partitioning = page.get_by_role("group", name="Data partitioning")
    partitioning.get_by_role("radio", name="Specify custom partition keys").check()
    page.get_by_role("button", name="Add partition key").click()
    page.get_by_label("Field of key 1").fill("State")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Integration name").fill(lab.integration)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Create and launch integration").click()
    page.get_by_role("heading", name="Zero-ETL integrations", level=1).wait_for()


def use_studio(page: Page, lab: Lab, folder: Path) -> None:
    """Perform the blog post's steps in SageMaker Unified Studio, from the data explorer to the query history."""
    service(page, "SageMaker Unified Studio", "Data")
    tree = page.get_by_role("tree", name="Data")
    for name in ("Lakehouse", "AwsDataCatalog", lab.database, lab.target_table):
        tree.get_by_role("treeitem", name=name, exact=True).locator("> .node").click()
    page.get_by_role("button", name=f"Actions for {lab.target_table}").click()
    page.get_by_role("menuitem", name="Query with Athena").click()
    page.get_by_role("table", name="Result").wait_for()
    page.get_by_label("Ask a question").fill(QUESTION)
    page.get_by_role("button", name="Generate SQL").click()
    page.get_by_role("button", name="Add to querybook").click()
    page.get_by_role("button", name="Run all").click()
    page.get_by_role("table", name="Result").nth(1).wait_for()
    # On a busy computer, a click can miss the button while the new cell still changes its height.
    page.get_by_role("button", name="Chart view").last.press("Enter")
    page.get_by_role("tab", name="Structure").click()
    page.get_by_role("button", name="Traces").wait_for()
    page.get_by_label("Type").select_option("Pie")
    page.get_by_label("Values").select_option("balance_percentage")
    page.get_by_label("Labels").select_option("state")
    # Until the pie is drawn, the image contains the empty chart that preceded the choice of the labels.
    page.get_by_role("img", name="pie of balance_percentage by state").locator(".slice").first.wait_for()
    drawn = page.evaluate("(({labels, values}) => [labels, values])(document.querySelector('.chart').data[0])")
    accounts = zetl.query(lab, "SELECT state, zipcode, currentbalance, creditlimit FROM customeraccounts")
    sums = accounts.groupby(["state", "zipcode"])[["currentbalance", "creditlimit"]].sum().reset_index()
    shares = (sums["currentbalance"] * 100 / sums["creditlimit"]).round(2)
    assert sorted(zip(*drawn, strict=True)) == sorted(zip(sums["state"], shares, strict=True))
    for button, start in (("Download PNG", b"\x89PNG"), ("Download JPEG", b"\xff\xd8\xff")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        download.value.save_as(folder / "chart")
        assert (folder / "chart").read_bytes().startswith(start)
    service(page, "SageMaker Unified Studio", "Query history")
    page.get_by_role("table", name="Queries").get_by_text("Completed").nth(1).wait_for()


def delete(page: Page, word: str, button: str = "Delete") -> None:
    """Confirm a deletion in its dialog."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(f"To confirm, type {word}").fill(word)
    dialog.get_by_role("button", name=button, exact=True).click()
    dialog.wait_for(state="detached")


def clean_up(page: Page, lab: Lab) -> None:
    service(page, "AWS Glue", "Zero-ETL integrations")
    page.get_by_role("radio", name=f"Select {lab.integration}").check()
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Delete").click()
    delete(page, "confirm")
    page.get_by_text("There are no zero-ETL integrations yet.").wait_for()
    service(page, "AWS Glue", "Databases")
    page.get_by_role("radio", name=f"Select {lab.database}").check()
    page.get_by_role("button", name="Delete").click()
    delete(page, "confirm")
    service(page, "AWS Glue", "Catalog settings")
    page.get_by_role("button", name="Delete policy").click()
    page.get_by_text("The Data Catalog policy was deleted.").wait_for()
    service(page, "Amazon S3", "Buckets")
    page.get_by_role("radio", name=f"Select {lab.bucket}").check()
    page.get_by_role("button", name="Empty").click()
    delete(page, "permanently delete", "Empty")
    page.get_by_role("button", name="Delete").click()
    delete(page, lab.bucket, "Delete bucket")
    service(page, "IAM", "Roles")
    page.get_by_role("radio", name=f"Select {lab.role}").check()
    page.get_by_role("button", name="Delete").click()
    delete(page, lab.role)
    service(page, "DynamoDB", "Tables")
    page.get_by_role("radio", name=f"Select {lab.table}").check()
    page.get_by_role("button", name="Delete").click()
    delete(page, "confirm")
    page.get_by_text("There are no tables yet.").wait_for()


@pytest.mark.timeout(300)
def test_blog_steps_succeed_from_integration_to_cleanup(
    lakehouse_ticks: Lakehouse, prepared_lab: Lab, browser: Browser, tmp_path: Path
) -> None:
    lab = prepared_lab
    with serving(tmp_path, lakehouse_ticks.url) as server, open_console(browser, server, accept_downloads=True) as page:
        create_integration(page, lab)
        page.get_by_role("row", name=re.compile(lab.integration)).get_by_text("Active").wait_for()
        # The notebooks' helpers find the integration that the console created.
        integration.wait_until_active(lab, timeout=60)
        integration.wait_until_loaded(lab, timeout=60)
        found = integration.describe(lab).set_index("property")["value"]
        assert found["status"] == "ACTIVE"

        page.get_by_role("link", name=lab.integration).click()
        page.get_by_role("tab", name="Logs").click()
        page.get_by_role("cell", name="IngestionCompleted").first.wait_for()
        page.get_by_role("tab", name="Metrics").click()
        page.get_by_role("img", name=re.compile("Rows and ingestions")).wait_for()
        page.get_by_role("cell", name="InsertCount").wait_for()

        service(page, "AWS Glue", "Databases")
        page.get_by_role("link", name=lab.database, exact=True).click()
        page.get_by_role("link", name=lab.target_table, exact=True).click()
        page.get_by_role("cell", name="zipcode").wait_for()
        page.get_by_role("tab", name="Snapshots").click()
        page.get_by_role("cell", name="append").wait_for()
        page.get_by_role("tab", name="Iceberg metadata").click()
        page.get_by_role("treeitem", name=re.compile("Current snapshot")).click()
        page.get_by_role("treeitem", name="data manifest").click()
        page.get_by_role("treeitem", name="data file").first.click()
        page.get_by_role("link", name=re.compile(r"Open .*\.parquet in Amazon S3")).click()
        page.get_by_role("heading", name=re.compile(r"^Parquet file: \d+ rows")).wait_for()

        use_studio(page, lab, tmp_path)
        clean_up(page, lab)
    assert not cleanup.plan(lab)
