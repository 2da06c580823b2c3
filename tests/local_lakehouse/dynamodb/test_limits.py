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


_NO_TABLES = (
    "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have length "
    "greater than or equal to 1"
)
_NO_WRITES = (
    "1 validation error detected: Value '{{{}=[]}}' at 'requestItems' failed to satisfy constraint: Map value must "
    "satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or "
    "equal to 1]"
)
_KEYS = (
    "1 validation error detected: Value at 'RequestItems.things.member.Keys' failed to satisfy constraint: Member must "
    "have length {} than or equal to {}"
)


@pytest.mark.parametrize(
    ("operation", "asked", "message"),
    [
        ("batch_get_item", {}, _NO_TABLES),
        ("batch_write_item", {}, _NO_TABLES),
        ("batch_get_item", {"things": {"Keys": []}}, _KEYS.format("greater", 1)),
        ("batch_get_item", {"things": {"Keys": [KEY] * 101}}, _KEYS.format("less", 100)),
        (
            "batch_write_item", {"things": [{"DeleteRequest": {"Key": KEY}}], "others": []},
            _NO_WRITES.format("others"),
        ),
        (
            "batch_get_item",
            {
                "things": {"Keys": [KEY], "ProjectionExpression": "id"},
                "others": {"Keys": [KEY], "AttributesToGet": ["id"]},
            },
            (
                "Can not use both expression and non-expression parameters in the same request: "
                "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
            ),
        ),
    ],
)  # fmt: skip
def test_invalid_batches_are_rejected(
    things: Any, monkeypatch: pytest.MonkeyPatch, operation: str, asked: dict[str, Any], message: str
) -> None:
    # By default, boto3 rejects some of these requests before it sends them.
    monkeypatch.setattr(things, "_serializer", things._serializer._serializer)
    _refused(things, operation, message, RequestItems=asked)
