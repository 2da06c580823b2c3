"""Tests for a learner's own table, whose keys are derived from its items, and for the cleanup of individual tables."""

from pathlib import Path

import pytest

from tests.fakes import FakeOperation
from zetl_helpers import cleanup, integration, lakehouse, preflight, source, target
from zetl_helpers._errors import UserError
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

ITEMS = """\
{"Year": {"N": "2019.0"}, "Name": {"S": "a"}, "Cover": {"B": "AAH/"}, "Pages": {"M": {"First": {"BS": ["AA=="]}}}}
{"Year": {"N": "2020"}, "Name": {"S": "b"}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Provide a file of items with reserved words as keys, an unusual number format, and binary values."""
    path = tmp_path / "items.json"
    path.write_text(ITEMS)
    return path


def replicate_file(lab: Lab, path: Path) -> Lab:
    """Load the items of a file, and replicate them to the lakehouse, as chapter 13 does."""
    own = lab.with_table("MyTable")
    source.create_table(own, keys=preflight.of_file(path).keys)
    source.load_items(own, source.file_items(path))
    source.enable_pitr(own)
    source.put_policy(own)
    target.merge_catalog_policy(own)
    integration.set_table_properties(own, unnest="TOPLEVEL")
    integration.create(own, refresh_minutes=1440)
    integration.wait_until_loaded(own)
    return own


@pytest.mark.usefixtures("lakehouse_ticks")
def test_table_has_keys_from_report(lab: Lab, file: Path) -> None:
    chapters.catch_up(lab, 13)
    report = preflight.of_file(file, keys=["Year", "Name"])
    own = lab.with_table("MyTable")
    assert source.create_table(own, keys=report.keys).did == "created"
    assert source.create_table(own, keys=report.keys).did == "already there"
    described = lab.client("dynamodb").describe_table(TableName="MyTable")["Table"]
    assert [entry["AttributeName"] for entry in described["KeySchema"]] == ["Year", "Name"]
    assert {each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]} == {
        "Year": "N", "Name": "S",
    }  # fmt: skip
    with pytest.raises(source.OtherKeysError, match=r"with the key Year, Name, but the key of these items is Name"):
        source.create_table(own, keys={"Name": "S"})


def test_load_items_writes_number_keys_once(lab: Lab, file: Path) -> None:
    own = lab.with_table("MyTable")
    source.create_table(own, keys={"Year": "N", "Name": "S"})
    items = source.file_items(file)
    assert source.load_items(own, items).details == {"written": 2}
    assert source.load_items(own, items).details == {"written": 0}
    found = lab.client("dynamodb").get_item(TableName=own.table, Key={"Year": {"N": "2019"}, "Name": {"S": "a"}})
    assert found["Item"]["Cover"] == {"B": b"\x00\x01\xff"}
    assert found["Item"]["Pages"] == {"M": {"First": {"BS": [b"\x00"]}}}


def test_sample_file_lists_existing_files() -> None:
    assert source.sample_file("shipments.json").is_file()
    with pytest.raises(UserError, match=r"no sample file nothing\.json\. Use one of .*movies\.json"):
        source.sample_file("nothing.json")


@pytest.mark.usefixtures("lakehouse_ticks")
def test_columns_match_prediction(lab: Lab) -> None:
    chapters.catch_up(lab, 13)
    path = source.sample_file("movies.json")
    own = replicate_file(lab, path)
    arrived = lakehouse.schema(own).set_index("column")["type"].to_dict()
    assert arrived == preflight.of_file(path).columns("TOPLEVEL")
    assert lakehouse.query(own, "SELECT count(*) AS n FROM mytable")["n"].tolist() == [24]


@pytest.mark.usefixtures("lakehouse_ticks")
def test_cleanup_of_one_table_keeps_the_rest(lab: Lab) -> None:
    chapters.catch_up(lab, 4)
    before = [(entry.kind, entry.name) for entry in cleanup.plan(lab)]
    own = replicate_file(lab, source.sample_file("movies.json"))
    found = cleanup.plan(lab, only=[own])
    assert [item.kind for item in found] == [
        "integration", "log stream", "table properties", "Glue table", "point-in-time recovery", "resource policy",
        "DynamoDB table", "Data Catalog policy statement", "Data Catalog policy statement", "files",
    ]  # fmt: skip
    with pytest.raises(cleanup.LeftoverError, match=r"integration ddb-to-lakehouse-mytable"):
        cleanup.verify(lab, only=[own], timeout=0)
    assert set(cleanup.apply(found)["outcome"]) == {"deleted"}
    assert cleanup.verify(lab, only=[own]) == "All resources of MyTable are deleted."
    assert [(each.kind, each.name) for each in cleanup.plan(lab)] == before
    objects = lab.client("s3").list_objects_v2(Bucket=lab.bucket)["Contents"]
    assert not [element["Key"] for element in objects if "/mytable/" in element["Key"]]
    assert lakehouse.query(lab, "SELECT count(*) AS n FROM customeraccounts")["n"].tolist() == [25]


@pytest.mark.usefixtures("lakehouse_ticks")
def test_cleanup_of_last_tables_deletes_everything(lab: Lab) -> None:
    chapters.catch_up(lab, 13)
    own, shipments = replicate_file(lab, source.sample_file("movies.json")), lab.with_table("Shipments")
    source.create_table(shipments, keys={"ShipmentID": "S"})
    first = cleanup.plan(lab, only=[own])
    assert "IAM role" not in [entry.kind for entry in first], "Shipments still needs the role"
    both = cleanup.plan(lab, only=[own, shipments])
    assert [item.name for item in both] == [each.name for each in cleanup.plan(lab)]
    assert set(cleanup.apply(both)["outcome"]) == {"deleted"}
    assert cleanup.verify(lab) == "All resources of the lab are deleted."


@pytest.mark.usefixtures("lakehouse_ticks")
def test_cleanup_keeps_shared_resources_if_listing_fails(lab: Lab) -> None:
    chapters.catch_up(lab, 13)
    own = replicate_file(lab, source.sample_file("movies.json"))
    FakeOperation(lab, "cloudwatch", "DescribeAlarms").fail("AccessDenied", times=1)
    found = cleanup.plan(lab, only=[own])
    assert [what for what, _ in found.unseen] == ["CloudWatch alarms"]
    assert "S3 bucket" not in [entry.kind for entry in found]
