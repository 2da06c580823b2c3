"""Tests that use boto3 to write and read DynamoDB items in the item store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.store.database import Database

pytestmark = pytest.mark.once


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    backend = Backend("us-east-1")
    yield backend.clients.client("dynamodb")
    backend.close()


def _table(dynamodb: Any, name: str, hash_type: str = "S", range_type: str | None = None, **more: Any) -> str:
    schema = [{"AttributeName": "h", "KeyType": "HASH"}]
    attributes = [{"AttributeName": "h", "AttributeType": hash_type}, *more.pop("Attributes", [])]
    if range_type:
        schema.append({"AttributeName": "r", "KeyType": "RANGE"})
        attributes.append({"AttributeName": "r", "AttributeType": range_type})
    dynamodb.create_table(
        TableName=name, KeySchema=schema, AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST", **more
    )
    return name


def _query(dynamodb: Any, table: str, condition: str, **values: Any) -> list[dict[str, Any]]:
    arguments = {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }
    pages = dynamodb.get_paginator("query").paginate(**arguments, PaginationConfig={"PageSize": 3})
    return [item for page in pages for item in page["Items"]]


def test_query_sorts_numeric_keys_across_pages(dynamodb: Any) -> None:
    table = _table(dynamodb, "ordered", "S", "N")
    numbers = ["-10", "-9.5", "-1E-5", "0", "2", "10", "1E20"]
    for number in reversed(numbers):
        dynamodb.put_item(TableName=table, Item={"h": {"S": "x"}, "r": {"N": number}})
    dynamodb.put_item(TableName=table, Item={"h": {"S": "other"}, "r": {"N": "1"}})

    found = _query(dynamodb, table, "h = :h", h={"S": "x"})
    between = _query(dynamodb, table, "h = :h AND r BETWEEN :a AND :b", h={"S": "x"}, a={"N": "-9.5"}, b={"N": "2"})
    above = _query(dynamodb, table, "h = :h AND r > :a", h={"S": "x"}, a={"N": "2"})
    backward = dynamodb.query(
        TableName=table, KeyConditionExpression="h = :h", ExpressionAttributeValues={":h": {"S": "x"}},
        ScanIndexForward=False, Limit=2,
    )["Items"]  # fmt: skip

    assert [float(item["r"]["N"]) for item in found] == [float(number) for number in numbers]
    assert [float(item["r"]["N"]) for item in between] == [-9.5, -1e-5, 0.0, 2.0]
    assert [float(item["r"]["N"]) for item in above] == [10.0, 1e20]
    assert [float(item["r"]["N"]) for item in backward] == [1e20, 10.0]


def test_index_reflects_puts_updates_and_deletes(dynamodb: Any) -> None:
    index = {
        "IndexName": "by_colour", "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }  # fmt: skip
    table = _table(
        dynamodb, "indexed", GlobalSecondaryIndexes=[index],
        Attributes=[{"AttributeName": "colour", "AttributeType": "S"}],
    )  # fmt: skip

    def red() -> list[str]:
        pages = dynamodb.get_paginator("query").paginate(
            TableName=table, IndexName="by_colour", KeyConditionExpression="colour = :c",
            ExpressionAttributeValues={":c": {"S": "red"}}, PaginationConfig={"PageSize": 2},
        )  # fmt: skip
        return sorted(item["h"]["S"] for page in pages for item in page["Items"])

    for name in "abcde":
        dynamodb.put_item(TableName=table, Item={"h": {"S": name}, "colour": {"S": "red"}})
    dynamodb.put_item(TableName=table, Item={"h": {"S": "without"}})
    assert red() == ["a", "b", "c", "d", "e"]

    dynamodb.put_item(TableName=table, Item={"h": {"S": "a"}, "colour": {"S": "blue"}})
    dynamodb.delete_item(TableName=table, Key={"h": {"S": "b"}})
    dynamodb.update_item(TableName=table, Key={"h": {"S": "c"}}, UpdateExpression="REMOVE colour")
    dynamodb.put_item(TableName=table, Item={"h": {"S": "f"}, "colour": {"S": "red"}})
    assert red() == ["d", "e", "f"]


def test_scan_segments_return_each_item_once(dynamodb: Any) -> None:
    table = _table(dynamodb, "segmented")
    for number in range(30):
        dynamodb.put_item(TableName=table, Item={"h": {"S": str(number)}})
    found = [
        item["h"]["S"]
        for segment in range(4)
        for page in dynamodb.get_paginator("scan").paginate(
            TableName=table, Segment=segment, TotalSegments=4, PaginationConfig={"PageSize": 3}
        )
        for item in page["Items"]
    ]
    assert sorted(found, key=int) == [str(number) for number in range(30)]


def test_canceled_transaction_changes_nothing(dynamodb: Any) -> None:
    table = _table(dynamodb, "transacted")
    dynamodb.put_item(TableName=table, Item={"h": {"S": "there"}, "n": {"N": "1"}})
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": {"h": {"S": "new"}}}},
                {
                    "Update": {
                        "TableName": table, "Key": {"h": {"S": "there"}}, "UpdateExpression": "SET n = :n",
                        "ExpressionAttributeValues": {":n": {"N": "2"}},
                    }
                },
                {
                    "ConditionCheck": {
                        "TableName": table, "Key": {"h": {"S": "absent"}},
                        "ConditionExpression": "attribute_exists(h)",
                    }
                },
            ]
        )  # fmt: skip
    assert dynamodb.scan(TableName=table)["Items"] == [{"h": {"S": "there"}, "n": {"N": "1"}}]


def test_item_count_and_size_are_exact_and_delete_table_removes_items(dynamodb: Any) -> None:
    table = _table(dynamodb, "counted")
    for number in range(3):
        dynamodb.put_item(TableName=table, Item={"h": {"S": str(number)}, "t": {"S": "x" * 10}})
    dynamodb.delete_item(TableName=table, Key={"h": {"S": "1"}})
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert (described["ItemCount"], described["TableSizeBytes"]) == (2, 2 * (1 + 1 + 1 + 10))

    dynamodb.delete_table(TableName=table)
    _table(dynamodb, "counted")
    assert dynamodb.scan(TableName="counted")["Items"] == []


def test_restored_table_has_separate_items(dynamodb: Any) -> None:
    table = _table(dynamodb, "saved")
    dynamodb.put_item(TableName=table, Item={"h": {"S": "kept"}})
    backup = dynamodb.create_backup(TableName=table, BackupName="before")["BackupDetails"]["BackupArn"]
    dynamodb.delete_item(TableName=table, Key={"h": {"S": "kept"}})
    dynamodb.restore_table_from_backup(TargetTableName="restored", BackupArn=backup)
    dynamodb.put_item(TableName="restored", Item={"h": {"S": "more"}})

    assert dynamodb.scan(TableName=table)["Items"] == []
    assert {item["h"]["S"] for item in dynamodb.scan(TableName="restored")["Items"]} == {"kept", "more"}


def test_items_survive_a_restart(tmp_path: Path) -> None:
    for round_ in range(2):
        database = Database(tmp_path)
        backend = Backend("us-east-1", database)
        dynamodb = backend.clients.client("dynamodb")
        if round_ == 0:
            _table(dynamodb, "durable", "B", "N")
            dynamodb.put_item(TableName="durable", Item={"h": {"B": b"\x00\xff"}, "r": {"N": "1"}, "l": {"L": []}})
        else:
            assert dynamodb.get_item(TableName="durable", Key={"h": {"B": b"\x00\xff"}, "r": {"N": "1.0"}})["Item"] == {
                "h": {"B": b"\x00\xff"},
                "r": {"N": "1"},
                "l": {"L": []},
            }
        backend.close()
        database.close()


_KEY_BYTES = st.lists(st.sampled_from([0, 1, 2, 254, 255]), min_size=1, max_size=3).map(bytes)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "delete", "update"]), _KEY_BYTES, _KEY_BYTES, st.integers(0, 9)), max_size=25
    )
)
def test_table_matches_a_dictionary_model(dynamodb: Any, steps: list[tuple[str, bytes, bytes, int]]) -> None:
    table = _table(dynamodb, "model", "B", "B")
    model: dict[tuple[bytes, bytes], dict[str, Any]] = {}
    for step, hashed, ranged, number in steps:
        key = {"h": {"B": hashed}, "r": {"B": ranged}}
        if step == "put":
            dynamodb.put_item(TableName=table, Item={**key, "n": {"N": str(number)}})
            model[hashed, ranged] = {"n": {"N": str(number)}}
        elif step == "delete":
            dynamodb.delete_item(TableName=table, Key=key)
            model.pop((hashed, ranged), None)
        else:
            dynamodb.update_item(
                TableName=table, Key=key, UpdateExpression="SET u = :n",
                ExpressionAttributeValues={":n": {"N": str(number)}},
            )  # fmt: skip
            model[hashed, ranged] = {**model.get((hashed, ranged), {}), "u": {"N": str(number)}}
    expected = {key: {"h": {"B": key[0]}, "r": {"B": key[1]}, **attributes} for key, attributes in model.items()}
    pages = list(dynamodb.get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": 4}))
    scanned = [item for page in pages for item in page["Items"]]
    assert len(scanned) == len(expected)
    assert {(item["h"]["B"], item["r"]["B"]): item for item in scanned} == expected
    for hashed in {key[0] for key in model}:
        found = _query(dynamodb, table, "h = :h", h={"B": hashed})
        assert [item["r"]["B"] for item in found] == sorted(key[1] for key in model if key[0] == hashed)
    dynamodb.delete_table(TableName=table)
