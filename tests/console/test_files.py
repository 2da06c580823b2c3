"""Tests for the console's view of a table's files, and for the console's assistant and policies."""

import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.console.conftest import PageClient
from zetl_helpers import integration, permissions, source, target
from zetl_helpers._wait import without_waiting
from zetl_helpers.lab import Lab


@pytest.fixture
def loaded_lab(lakehouse: Lakehouse, lab: Lab) -> Lab:
    """Provide a lab whose integration has completed its first load."""
    source.create_table(lab)
    source.enable_pitr(lab)
    source.load_items(lab)
    source.put_policy(lab)
    target.create_bucket(lab)
    target.create_database(lab)
    target.merge_catalog_policy(lab)
    permissions.create_target_role(lab)
    integration.set_target_role(lab)
    with without_waiting(lakehouse.zero_etl.refresh_now):
        integration.create(lab)
        integration.wait_until_loaded(lab, timeout=60)
    return lab


def test_reads_metadata_manifests_and_rows_of_table(page: PageClient, loaded_lab: Lab) -> None:
    metadata = page.ask("iceberg", database=loaded_lab.database, table=loaded_lab.target_table)["metadata"]
    snapshot = metadata["snapshots"][-1]
    # The snapshot's ID is a string, because JavaScript would round the number.
    assert snapshot["snapshot-id"] == str(metadata["current-snapshot-id"])
    found = page.ask("manifests", location=snapshot["manifest-list"])
    files = [file for manifest in found for file in manifest["files"]]
    assert sum(file["records"] for file in files) == 25
    bucket, _, key = files[0]["path"].removeprefix("s3://").partition("/")
    parquet = page.ask("parquet", bucket=bucket, key=key)
    assert parquet["rows"] == files[0]["records"]
    assert {column["name"] for column in parquet["columns"]} >= {"zipcode", "customerid"}
    assert len(parquet["first_rows"]) == parquet["rows"]


def test_parquet_request_rejects_other_files(page: PageClient, lab: Lab) -> None:
    target.create_bucket(lab)
    lab.client("s3").put_object(Bucket=lab.bucket, Key="a.parquet", Body=b"not parquet")
    status, answer = page.try_("parquet", bucket=lab.bucket, key="a.parquet")
    assert (status, answer["error"]["code"]) == (400, "NotParquet")
    status, answer = page.try_("parquet", bucket=lab.bucket, key="none.parquet")
    assert (status, answer["error"]["code"]) == (400, "NoSuchKey")


@pytest.mark.parametrize("location", ["/etc/passwd", "file:///etc/passwd", "http://example.com/a", "s3://bucket"])
def test_manifests_request_rejects_other_locations(page: PageClient, location: str) -> None:
    status, answer = page.try_("manifests", location=location)
    assert (status, answer["error"]["code"]) == (400, "InvalidLocation")


def test_assistant_suggests_sql_without_running_it(page: PageClient, loaded_lab: Lab) -> None:
    answer = page.ask("assistant", question="How many accounts are there in each state?")
    assert "SELECT" in answer["sql"]
    ids = page.call("athena", "ListQueryExecutions")["QueryExecutionIds"]
    ran = [page.call("athena", "GetQueryExecution", QueryExecutionId=each)["QueryExecution"]["Query"] for each in ids]
    assert answer["sql"] not in ran


def test_renders_policies_with_lab_names(page: PageClient, lab: Lab) -> None:
    policy = page.ask("policy", name="catalog_resource_policy")
    assert policy == permissions.render(lab, "catalog_resource_policy")
    assert page.try_("policy", name="../pyproject")[0] == 404
