"""Tests for the limits of requests, names, keys and expressions, on a table without a sort key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.backend.moto_backend import Backend

pytestmark = pytest.mark.once

KEY = {"id": {"S": "a"}}


@pytest.fixture(scope="module")
def things() -> Iterator[Any]:
    """Provide a client, and create the table `things` with the partition key `id` and an index on `kind` and `name`."""
    backend = Backend("us-east-1")
    client = backend.clients.client("dynamodb")
    client.create_table(
        TableName="things", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "kind", "name")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_kind", "Projection": {"ProjectionType": "ALL"}, "KeySchema": [
                    {"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "name", "KeyType": "RANGE"},
                ],
            }
        ],
    )  # fmt: skip
    yield client
    backend.close()


def _refused(things: Any, operation: str, message: str, **arguments: Any) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(things, operation)(**arguments)
    error = raised.value.response["Error"]
    assert (error["Code"], error["Message"][:400]) == ("ValidationException", message[:400])


def test_query_finds_the_item_of_a_partition_without_a_sort_key(things: Any) -> None:
    for identity in ("a", "b", "a\x00", "ab"):
        things.put_item(TableName="things", Item={"id": {"S": identity}})
    asked: dict[str, Any] = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "a"}}}
    for forward in (True, False):
        assert things.query(TableName="things", ScanIndexForward=forward, **asked)["Items"] == [KEY]
    legacy = {"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}
    assert things.query(TableName="things", KeyConditions=legacy)["Items"] == [KEY]
    message = "The provided exclusive start key is invalid: ExclusiveStartKey: {id=AttributeValue: {S:a}}"
    _refused(things, "query", message, TableName="things", ExclusiveStartKey=KEY, **asked)


@pytest.mark.parametrize("update", ["REMOVE n", "REMOVE m.k, l[0]", "DELETE s :s"])
def test_update_that_only_removes_values_does_not_create_an_item(things: Any, update: str) -> None:
    values = {"ExpressionAttributeValues": {":s": {"SS": ["x"]}}} if ":s" in update else {}
    key = {"id": {"S": "missing"}}
    answer = things.update_item(
        TableName="things", Key=key, UpdateExpression=update, ReturnValues="ALL_NEW", ReturnConsumedCapacity="TOTAL",
        **values,
    )  # fmt: skip
    assert "Attributes" not in answer
    assert answer["ConsumedCapacity"]["CapacityUnits"] == 1
    assert "Item" not in things.get_item(TableName="things", Key=key)
    things.update_item(TableName="things", Key=key, AttributeUpdates={"n": {"Action": "DELETE"}})
    assert "Item" not in things.get_item(TableName="things", Key=key)


def test_update_without_changes_creates_an_item(things: Any) -> None:
    key = {"id": {"S": "created"}}
    things.update_item(TableName="things", Key=key)
    assert things.get_item(TableName="things", Key=key)["Item"] == key
