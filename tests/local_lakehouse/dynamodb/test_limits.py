"""Tests for the limits of requests, names, keys and expressions, on a table without a sort key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.backend.moto_backend import Backend

pytestmark = pytest.mark.once

KEY = {"id": {"S": "a"}}
_INVALID = "One or more parameter values were invalid: "
_OPERAND = "Incorrect operand type for operator or function; operator or function: "


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


def test_query_with_key_conditions_accepts_expressions_for_other_parameters(things: Any) -> None:
    things.put_item(TableName="things", Item={"id": {"S": "k"}, "n": {"N": "1"}, "m": {"N": "2"}})
    conditions = {"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "k"}]}}
    answer = things.query(
        TableName="things", KeyConditions=conditions, ProjectionExpression="m", FilterExpression="n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )  # fmt: skip
    assert answer["Items"] == [{"m": {"N": "2"}}]
    message = (
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
        "{KeyConditions} Expression parameters: {KeyConditionExpression}"
    )
    _refused(things, "query", message, TableName="things", KeyConditions=conditions, KeyConditionExpression="id = :n")


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


_CONDITIONS = [
    ("size(:v) = :v", f"{_OPERAND}size, operand type: N"),
    ("size(size(n)) = :v", f"{_OPERAND}size, operand type: N"),
    ("a" + ".a" * 32 + " = :v", "The document path has too many nesting levels; nesting levels: 33"),
    ("n[2147483648] = :v", "List index is not within the allowable range; index: [2147483648]"),
    (
        "a = :v" + " OR a = :v" * 150,
        "The expression contains too many operators; operator count: 301",
    ),
]


@pytest.mark.parametrize(("condition", "message"), _CONDITIONS)
def test_invalid_conditions_are_rejected(things: Any, condition: str, message: str) -> None:
    given: dict[str, Any] = {"TableName": "things", "ExpressionAttributeValues": {":v": {"N": "1"}}}
    _refused(things, "scan", f"Invalid FilterExpression: {message}", FilterExpression=condition, **given)
    _refused(
        things, "put_item", f"Invalid ConditionExpression: {message}", Item=KEY, ConditionExpression=condition, **given
    )


def test_condition_with_300_nested_operators_is_accepted(things: Any) -> None:
    condition = "n = m" + " OR (n = m" * 149 + ")" * 149
    things.scan(TableName="things", FilterExpression=condition)
    things.scan(TableName="things", FilterExpression="a[2147483647] = n")


@pytest.mark.parametrize(
    ("condition", "value", "message"),
    [
        ("begins_with(name, :v)", {"N": "1"}, f"{_OPERAND}begins_with, operand type: N"),
        ("name < :v", {"BOOL": True}, f"{_OPERAND}<, operand type: BOOL"),
        (":v >= name", {"NULL": True}, f"{_OPERAND}>=, operand type: NULL"),
        ("name BETWEEN :v AND :v", {"L": []}, f"{_OPERAND}BETWEEN, operand type: L"),
    ],
)
def test_invalid_operands_of_key_conditions_are_rejected(
    things: Any, condition: str, value: dict[str, Any], message: str
) -> None:
    condition = condition.replace("name", "#n")
    _refused(
        things, "query", f"Invalid KeyConditionExpression: {message}", TableName="things", IndexName="by_kind",
        KeyConditionExpression=f"kind = :k AND {condition}", ExpressionAttributeNames={"#n": "name"},
        ExpressionAttributeValues={":k": {"S": "k"}, ":v": value},
    )  # fmt: skip


def test_nested_list_append_is_rejected(things: Any) -> None:
    _refused(
        things, "update_item", "Invalid UpdateExpression: The function is not allowed to be used this way in an "
        "expression; function: list_append", TableName="things", Key=KEY,
        UpdateExpression="SET l = list_append(list_append(:v, :v), :v)", ExpressionAttributeValues={":v": {"L": []}},
    )  # fmt: skip


_LONG = "x" * 65_536
_TOO_LONG = f"{_INVALID}Attribute name is too large, must be less than 65536 bytes"


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("put_item", {"Item": {**KEY, _LONG: {"S": ""}}}),
        ("put_item", {"Item": {**KEY, "m": {"M": {_LONG: {"S": ""}}}}}),
        ("get_item", {"Key": KEY, "ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": _LONG}}),
        ("get_item", {"Key": KEY, "AttributesToGet": [_LONG]}),
        ("update_item", {"Key": KEY, "AttributeUpdates": {_LONG: {"Value": {"S": ""}}}}),
        ("scan", {"ScanFilter": {_LONG: {"ComparisonOperator": "NULL"}}}),
    ],
)
def test_long_attribute_names_are_rejected(things: Any, operation: str, arguments: dict[str, Any]) -> None:
    _refused(things, operation, _TOO_LONG, TableName="things", **arguments)


def test_longest_attribute_name_is_accepted(things: Any) -> None:
    item = {"id": {"S": "long"}, _LONG[1:]: {"S": ""}}
    things.put_item(TableName="things", Item=item)
    assert things.get_item(TableName="things", Key={"id": {"S": "long"}})["Item"] == item


@pytest.mark.parametrize(
    ("attribute", "longest", "message"),
    [
        ("kind", 2048, f"{_INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        ("name", 1024, f"{_INVALID}Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
    ],
)
def test_long_keys_of_an_index_are_rejected(things: Any, attribute: str, longest: int, message: str) -> None:
    others = {name: {"S": "x"} for name in ("kind", "name")}
    item = {**KEY, **others, attribute: {"S": "x" * (longest + 1)}}
    _refused(things, "put_item", message, TableName="things", Item=item)
    _refused(
        things, "update_item", message, TableName="things", Key=KEY, UpdateExpression="SET #n = :v",
        ExpressionAttributeNames={"#n": attribute}, ExpressionAttributeValues={":v": item[attribute]},
    )  # fmt: skip
    things.put_item(TableName="things", Item={**item, attribute: {"S": "x" * longest}})


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


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("bad table!", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("a" * 256, "have length less than or equal to 255"),
    ],
)
def test_invalid_table_names_are_rejected(things: Any, name: str, rule: str) -> None:
    message = f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: Member must "
    _refused(things, "put_item", message + rule, TableName=name, Item=KEY)
    _refused(things, "scan", message + rule, TableName=name)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"ComparisonOperator": "IN", "AttributeValueList": [{"S": "a"}, {"N": "1"}]},
            f"{_INVALID}AttributeValues inside AttributeValueList must be of same type",
        ),
        (
            {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "2"}, {"N": "1"}]},
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
        ),
    ],
)
def test_invalid_legacy_filters_are_rejected(things: Any, given: dict[str, Any], message: str) -> None:
    _refused(things, "scan", message, TableName="things", ScanFilter={"n": given})
    _refused(things, "put_item", message, TableName="things", Item=KEY, Expected={"n": given})


def test_expected_not_contains_fails_for_a_missing_attribute(things: Any) -> None:
    things.put_item(TableName="things", Item={"id": {"S": "legacy"}, "s": {"SS": ["x"]}})
    condition = {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [{"S": "y"}]}
    things.put_item(TableName="things", Item={"id": {"S": "legacy"}, "s": {"SS": ["x"]}}, Expected={"s": condition})
    with pytest.raises(things.exceptions.ConditionalCheckFailedException):
        things.put_item(TableName="things", Item={"id": {"S": "legacy"}}, Expected={"missing": condition})


def test_new_index_omits_items_whose_attribute_cannot_be_a_key(things: Any) -> None:
    things.create_table(
        TableName="old", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    values: list[Any] = [{"S": "x"}, {"S": ""}, {"N": "1"}, {"S": "x" * 2049}, {"BOOL": True}]
    for number, value in enumerate(values):
        things.put_item(TableName="old", Item={"id": {"S": str(number)}, "x": value})
    create = {
        "IndexName": "by_x", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }  # fmt: skip
    things.update_table(
        TableName="old", GlobalSecondaryIndexUpdates=[{"Create": create}],
        AttributeDefinitions=[{"AttributeName": "x", "AttributeType": "S"}],
    )  # fmt: skip
    assert [item["id"] for item in things.scan(TableName="old", IndexName="by_x")["Items"]] == [{"S": "0"}]
    things.put_item(TableName="old", Item={"id": {"S": "2"}, "x": {"S": "y"}})
    assert things.scan(TableName="old", IndexName="by_x")["Count"] == 2
