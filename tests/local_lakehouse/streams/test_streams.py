"""Tests that a DynamoDB stream contains each item change exactly once, in order, for a day."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.protocol import wire
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.services import service_model
from local_lakehouse.protocol.wire import Caller
from local_lakehouse.store.database import Database
from local_lakehouse.store.streams import expiring
from local_lakehouse.streams.api import StreamsService

pytestmark = pytest.mark.once

CALLER = Caller("123456789012", "us-east-1", "")
HOURS = 3600


class World:
    """A backend with DynamoDB Streams, whose clock the test controls."""

    def __init__(self, database: Database | None = None) -> None:
        self.backend = Backend("us-east-1", database)
        self.dynamodb = self.backend.clients.client("dynamodb")
        self.ahead = 0.0
        self._service = StreamsService(self.backend.database, self._now)

    def _now(self) -> float:
        return time.time() + self.ahead

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        wire.check(service_model("dynamodbstreams").operation_model(operation), request)
        return self._service.call(operation, request, CALLER)

    def refusal(self, operation: str, **request: Any) -> Fault:
        with pytest.raises(Fault) as raised:
            self.call(operation, **request)
        return raised.value

    def create(self, view: str | None = "NEW_AND_OLD_IMAGES", name: str = "Orders") -> str:
        stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}} if view else {}
        answer = self.dynamodb.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], **stream,
        )  # fmt: skip
        return str(answer["TableDescription"].get("LatestStreamArn", ""))

    def put(self, key: str, **more: Any) -> None:
        self.dynamodb.put_item(TableName="Orders", Item={"id": {"S": key}, **more})

    def iterator(self, arn: str, kind: str = "TRIM_HORIZON", **more: Any) -> str:
        shard = self.call("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        answer = self.call("GetShardIterator", StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **more)
        return str(answer["ShardIterator"])

    def records(self, arn: str, kind: str = "TRIM_HORIZON", **more: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GetRecords", ShardIterator=self.iterator(arn, kind, **more))["Records"]
        return found


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.backend.close()


def change(record: dict[str, Any]) -> tuple[str, Any, Any]:
    stream_record = record["dynamodb"]
    return record["eventName"], stream_record.get("OldImage"), stream_record.get("NewImage")


def test_each_change_creates_one_record(world: World) -> None:
    arn = world.create()
    world.put("a", n={"N": "1"}, photo={"B": b"\x00\xff"})
    world.put("a", photo={"B": b"\x00\xff"}, n={"N": "1"})
    world.dynamodb.update_item(
        TableName="Orders", Key={"id": {"S": "a"}}, UpdateExpression="SET n = :n REMOVE photo",
        ExpressionAttributeValues={":n": {"N": "2"}},
    )  # fmt: skip
    world.dynamodb.delete_item(TableName="Orders", Key={"id": {"S": "none"}})
    world.dynamodb.delete_item(TableName="Orders", Key={"id": {"S": "a"}})
    first = {"id": {"S": "a"}, "n": {"N": "1"}, "photo": {"B": b"\x00\xff"}}
    second = {"id": {"S": "a"}, "n": {"N": "2"}}

    found = world.records(arn)

    assert [change(each) for each in found] == [
        ("INSERT", None, first), ("MODIFY", first, second), ("REMOVE", second, None),
    ]  # fmt: skip
    keys, old, new = 2 + 1, (2 + 1) + (1 + 2) + (5 + 2), (2 + 1) + (1 + 2)
    assert [each["dynamodb"]["SizeBytes"] for each in found] == [keys + old, keys + old + new, keys + new]
    numbers = [int(each["dynamodb"]["SequenceNumber"]) for each in found]
    assert numbers == sorted(set(numbers))
    assert {each["eventSource"] for each in found} == {"aws:dynamodb"}
    assert len({each["eventID"] for each in found}) == 3


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_view_type_determines_the_images(world: World, view: str, images: set[str]) -> None:
    arn = world.create(view)
    world.put("a", n={"N": "1"})
    world.put("a", n={"N": "2"})

    stream_record = world.records(arn)[-1]["dynamodb"]

    assert stream_record["Keys"] == {"id": {"S": "a"}}
    assert stream_record.keys() & {"NewImage", "OldImage"} == images


def test_stream_contains_batches_and_successful_transactions(world: World) -> None:
    arn = world.create()
    world.dynamodb.batch_write_item(
        RequestItems={"Orders": [{"PutRequest": {"Item": {"id": {"S": key}}}} for key in "abc"]}
    )
    put = {"TableName": "Orders", "Item": {"id": {"S": "d"}}}
    check = {"TableName": "Orders", "Key": {"id": {"S": "none"}}, "ConditionExpression": "attribute_exists(id)"}
    world.dynamodb.transact_write_items(TransactItems=[{"Put": put}])
    with pytest.raises(world.dynamodb.exceptions.TransactionCanceledException):
        world.dynamodb.transact_write_items(
            TransactItems=[{"Put": {**put, "Item": {"id": {"S": "e"}}}}, {"ConditionCheck": check}]
        )

    assert [each["dynamodb"]["Keys"]["id"]["S"] for each in world.records(arn)] == ["a", "b", "c", "d"]


def test_iterators_start_at_the_requested_position(world: World) -> None:
    arn = world.create()
    world.put("a")
    latest = world.iterator(arn, "LATEST")
    world.put("b")
    world.put("c")
    numbers = [each["dynamodb"]["SequenceNumber"] for each in world.records(arn)]

    def keys(records: list[dict[str, Any]]) -> list[str]:
        return [each["dynamodb"]["Keys"]["id"]["S"] for each in records]

    assert keys(world.call("GetRecords", ShardIterator=latest)["Records"]) == ["b", "c"]
    assert keys(world.records(arn, "AT_SEQUENCE_NUMBER", SequenceNumber=numbers[1])) == ["b", "c"]
    assert keys(world.records(arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[1])) == ["c"]
    first = world.call("GetRecords", ShardIterator=world.iterator(arn), Limit=2)
    assert keys(first["Records"]) == ["a", "b"]
    assert keys(world.call("GetRecords", ShardIterator=first["NextShardIterator"])["Records"]) == ["c"]


_KINDS = service_model("dynamodbstreams").operation_model("GetShardIterator").input_shape.members["ShardIteratorType"]


@pytest.mark.skipif("AT_TIMESTAMP" not in _KINDS.enum, reason="older models do not have this type of iterator")
def test_iterator_starts_at_the_requested_time(world: World) -> None:
    arn = world.create()
    for key in ("a", "b", "c"):
        world.put(key)
    with world.backend.database.transaction() as connection:
        connection.execute("UPDATE stream_records SET at = at + 10 * (id - (SELECT min(id) FROM stream_records))")
    world.ahead = 60
    times = [each["dynamodb"]["ApproximateCreationDateTime"] for each in world.records(arn)]

    def keys(moment: datetime) -> list[str]:
        return [each["dynamodb"]["Keys"]["id"]["S"] for each in world.records(arn, "AT_TIMESTAMP", Timestamp=moment)]

    assert keys(times[0] - timedelta(hours=48)) == keys(times[0]) == ["a", "b", "c"]
    assert keys(times[0] + timedelta(milliseconds=1)) == keys(times[1]) == ["b", "c"]
    assert keys(times[2] + timedelta(seconds=1)) == []
    shard = world.call("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    asked = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "AT_TIMESTAMP"}
    assert world.refusal("GetShardIterator", **asked).code == "ValidationException"
    future = times[2] + timedelta(hours=1)
    assert "in the future" in world.refusal("GetShardIterator", **asked, Timestamp=future).message


def test_streams_are_listed_for_a_day_after_they_end(world: World) -> None:
    first = world.create()
    other = world.create(name="Other")
    world.put("a")
    world.dynamodb.update_table(TableName="Orders", StreamSpecification={"StreamEnabled": False})
    world.put("b")
    ended = world.call("DescribeStream", StreamArn=first)["StreamDescription"]

    assert ended["StreamStatus"] == "DISABLED"
    assert "EndingSequenceNumber" in ended["Shards"][0]["SequenceNumberRange"]
    answer = world.call("GetRecords", ShardIterator=world.iterator(first))
    assert [len(answer["Records"]), "NextShardIterator" in answer] == [1, False]
    second = world.dynamodb.update_table(
        TableName="Orders", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )["TableDescription"]["LatestStreamArn"]
    assert [each["StreamArn"] for each in world.call("ListStreams")["Streams"]] == [first, other, second]
    page = world.call("ListStreams", TableName="Orders", Limit=1)
    assert page["LastEvaluatedStreamArn"] == first
    rest = world.call("ListStreams", TableName="Orders", ExclusiveStartStreamArn=first)["Streams"]
    assert [each["StreamArn"] for each in rest] == [second]
    world.dynamodb.delete_table(TableName="Other")
    assert world.call("DescribeStream", StreamArn=other)["StreamDescription"]["StreamStatus"] == "DISABLED"
    world.ahead = 25 * HOURS
    assert [each["StreamArn"] for each in world.call("ListStreams")["Streams"]] == [second]


def test_records_expire_after_a_day(world: World) -> None:
    arn = world.create()
    world.put("a")
    old = world.records(arn)[0]["dynamodb"]["SequenceNumber"]
    iterator = world.iterator(arn)
    world.ahead = 23 * HOURS
    assert len(world.records(arn)) == 1
    assert world.refusal("GetRecords", ShardIterator=iterator).code == "ExpiredIteratorException"
    world.ahead = 25 * HOURS
    assert world.records(arn) == []
    assert old


def test_missing_streams_shards_and_iterators_are_rejected(world: World) -> None:
    arn = world.create()
    missing = "arn:aws:dynamodb:us-east-1:123456789012:table/Orders/stream/2020-01-01T00:00:00.000"

    fault = world.refusal("DescribeStream", StreamArn=missing)
    assert (fault.code, fault.message) == (
        "ResourceNotFoundException", f"Requested resource not found: Stream: {missing} not found",
    )  # fmt: skip
    shard = "shardId-00000000000000000001-00000000"
    arguments = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "LATEST"}
    assert world.refusal("GetShardIterator", **arguments).code == "ResourceNotFoundException"
    assert world.refusal("GetRecords", ShardIterator="x" * 20).message == "Invalid ShardIterator"


def test_expired_items_are_deleted_by_the_service(world: World) -> None:
    arn = world.create()
    world.put("a")
    with expiring():
        world.dynamodb.delete_item(TableName="Orders", Key={"id": {"S": "a"}})

    assert [each.get("userIdentity") for each in world.records(arn)] == [
        None, {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"},
    ]  # fmt: skip


def test_stream_survives_a_restart(tmp_path: Path) -> None:
    database = Database(tmp_path)
    world = World(database)
    arn = world.create()
    world.put("a")
    world.backend.close()
    database.close()

    database = Database(tmp_path)
    world = World(database)
    world.put("b")
    assert [each["dynamodb"]["Keys"]["id"]["S"] for each in world.records(arn)] == ["a", "b"]
    world.backend.close()
    database.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.sampled_from([{"N": "1"}, {"SS": ["x", "y"]}]))))
def test_records_reproduce_the_items_of_the_table(world: World, steps: list[tuple[str, Any]]) -> None:
    """If a stream's records are applied in order to an empty table, the result is the source's current items."""
    if "Orders" in world.dynamodb.list_tables()["TableNames"]:
        world.dynamodb.delete_table(TableName="Orders")
    arn = world.create()
    for key, value in steps:
        if value is None:
            world.dynamodb.delete_item(TableName="Orders", Key={"id": {"S": key}})
        else:
            world.put(key, value=value)
    copy: dict[str, Any] = {}
    for record in world.records(arn):
        name, old, new = change(record)
        key = record["dynamodb"]["Keys"]["id"]["S"]
        assert copy.get(key) == old
        assert name == ("INSERT" if old is None else "REMOVE" if new is None else "MODIFY")
        copy[key] = new

    items = {item["id"]["S"]: item for item in world.dynamodb.scan(TableName="Orders")["Items"]}
    assert {key: item for key, item in copy.items() if item is not None} == items
