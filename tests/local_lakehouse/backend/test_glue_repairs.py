"""Tests for the order of table parameters in AWS Glue, and for SearchTables."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from local_lakehouse.backend.repairs.glue import hash_map_order
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

# Published AWS Glue responses list parameters in these orders, for tables that crawlers or awswrangler created.
PUBLISHED = {
    "awswrangler": "compressionType classification projection.enabled typeOfData",
    "a crawled Parquet table": "sizeKey objectCount UPDATED_BY_CRAWLER CrawlerSchemaSerializerVersion recordCount "
    "averageRecordSize CrawlerSchemaDeserializerVersion compressionType classification typeOfData",
    "a crawled CSV table": "skip.header.line.count sizeKey objectCount UPDATED_BY_CRAWLER "
    "CrawlerSchemaSerializerVersion recordCount averageRecordSize CrawlerSchemaDeserializerVersion compressionType "
    "classification columnsOrdered areColumnsQuoted delimiter typeOfData",
}


@pytest.mark.parametrize("published", PUBLISHED.values(), ids=PUBLISHED)
def test_hash_map_order_matches_published_responses(published: str) -> None:
    assert list(hash_map_order(dict.fromkeys(sorted(published.split()), ""))) == published.split()


def test_hash_map_order_keeps_the_order_of_equal_hash_codes() -> None:
    # All strings of the same length that consist of "Aa" and "BB" have the same hash code.
    for same in itertools.permutations(("AaAa", "AaBB", "BBAa", "BBBB")):
        assert tuple(hash_map_order(dict.fromkeys(same, ""))) == same


@pytest.fixture
def glue(lab: Lab) -> Any:
    glue = lab.client("glue")
    parameters = {"classification": "parquet", "compressionType": "none", "typeOfData": "file"}
    descriptor = {"SerdeInfo": {"Parameters": parameters}, "Parameters": parameters, "Location": "s3://mine/events/"}
    glue.create_database(DatabaseInput={"Name": "sales", "Description": "Orders", "Parameters": parameters})
    table = {"Name": "orders", "StorageDescriptor": descriptor, "Parameters": parameters}
    glue.create_table(DatabaseName="sales", TableInput={**table, "PartitionKeys": [{"Name": "day", "Type": "date"}]})
    partition = {"Values": ["2026-01-01"], "StorageDescriptor": descriptor, "Parameters": parameters}
    glue.create_partition(DatabaseName="sales", TableName="orders", PartitionInput=partition)
    return glue


def test_responses_return_parameters_in_hash_map_order(glue: Any) -> None:
    table = {"DatabaseName": "sales", "Name": "orders"}
    described = [
        glue.get_database(Name="sales")["Database"],
        glue.get_table(**table)["Table"],
        *glue.get_tables(DatabaseName="sales")["TableList"],
        *glue.search_tables()["TableList"],
        *glue.get_partitions(DatabaseName="sales", TableName="orders")["Partitions"],
    ]
    descriptors = [each["StorageDescriptor"] for each in described if "StorageDescriptor" in each]
    for each in (*described, *descriptors, *(descriptor["SerdeInfo"] for descriptor in descriptors)):
        assert list(each["Parameters"]) == ["compressionType", "classification", "typeOfData"]
    assert len(descriptors) == 4


@pytest.mark.parametrize("text", ["order", "sales", "parquet", "EVENTS", "day", '"file"'])
def test_search_tables_searches_every_property(glue: Any, text: str) -> None:
    assert [table["Name"] for table in glue.search_tables(SearchText=text)["TableList"]] == ["orders"]
    assert glue.search_tables(SearchText="nothing")["TableList"] == []
