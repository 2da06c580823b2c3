"""Tests for GetItem, BatchGetItem, Query and Scan, as documented by AWS."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.store.database import Database

pytestmark = pytest.mark.once


def _put(client: Any, h: str, r: int, **more: Any) -> None:
    client.put_item(TableName="orders", Item={"h": {"S": h}, "r": {"N": str(r)}, **more})


def _refused(call: Any, message: str, **arguments: Any) -> None:
    with pytest.raises(ClientError) as raised:
        call(TableName="orders", **arguments)
    error = raised.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationException", message)


KEY = {"h": {"S": "a"}, "r": {"N": "1"}}


def test_get_item_returns_normalized_numbers(orders: Any) -> None:
    item = {**KEY, "n": {"N": "0012.500"}, "l": {"L": [{"N": "1E2"}, {"NS": ["1.0", "2"]}]}, "b": {"B": b"\x00\xff"}}
    orders.put_item(TableName="orders", Item=item)
    assert orders.get_item(TableName="orders", Key=KEY)["Item"] == {
        **KEY, "n": {"N": "12.5"}, "l": {"L": [{"N": "100"}, {"NS": ["1", "2"]}]}, "b": {"B": b"\x00\xff"},
    }  # fmt: skip


def test_get_item_omits_missing_items_and_unrequested_capacity(orders: Any) -> None:
    answer = orders.get_item(TableName="orders", Key=KEY)
    assert answer.keys() == {"ResponseMetadata"}
    counted = orders.get_item(TableName="orders", Key=KEY, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert counted["ConsumedCapacity"] == {"TableName": "orders", "CapacityUnits": 1.0}


def test_query_capacity_depends_on_the_total_size_of_its_items(orders: Any) -> None:
    for number in range(4):
        _put(orders, "a", number, text={"S": "x" * 2000}, at={"S": "t"})
    query = {
        "TableName": "orders", "KeyConditionExpression": "h = :h", "ExpressionAttributeValues": {":h": {"S": "a"}},
        "ReturnConsumedCapacity": "INDEXES",
    }  # fmt: skip
    assert orders.query(**query)["ConsumedCapacity"] == {
        "TableName": "orders", "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0},
    }  # fmt: skip
    assert orders.query(**query, IndexName="by_at")["ConsumedCapacity"] == {
        "TableName": "orders", "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.0},
        "LocalSecondaryIndexes": {"by_at": {"CapacityUnits": 0.5}},
    }  # fmt: skip


def test_projection_keeps_the_nesting_of_its_paths(orders: Any) -> None:
    _put(orders, "a", 1, m={"M": {"x": {"S": "1"}, "y": {"S": "2"}}}, l={"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]})
    found = orders.get_item(
        TableName="orders", Key=KEY, ProjectionExpression="m.#x, l[2], l[0], nothing.there, m.z.z",
        ExpressionAttributeNames={"#x": "x"},
    )  # fmt: skip
    assert found["Item"] == {"m": {"M": {"x": {"S": "1"}}}, "l": {"L": [{"S": "0"}, {"S": "2"}]}}
    nothing = orders.get_item(TableName="orders", Key=KEY, ProjectionExpression="nothing")
    assert nothing["Item"] == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"ProjectionExpression": "h, name"},
            "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: name",
        ),
        ({"ProjectionExpression": ""}, "Invalid ProjectionExpression: The expression can not be empty;"),
        ({"ProjectionExpression": "!!"}, 'Invalid ProjectionExpression: Syntax error; token: "!", near: "!!"'),
        (
            {"ProjectionExpression": "#n"},
            (
                "Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; "
                "attribute name: #n"
            ),
        ),
        (
            {"ProjectionExpression": "a, a.b"},
            (
                "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one "
                "of these paths; path one: [a], path two: [a, b]"
            ),
        ),
        (
            {"ProjectionExpression": "a.b, a[0]"},
            (
                "Invalid ProjectionExpression: Two document paths conflict with each other; must remove or rewrite one "
                "of these paths; path one: [a, b], path two: [a, [0]]"
            ),
        ),
        (
            {"ProjectionExpression": "h", "ExpressionAttributeNames": {"#n": "n"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}",
        ),
        (
            {"ProjectionExpression": "#m", "ExpressionAttributeNames": {"#n": "n"}},
            (
                "Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; "
                "attribute name: #m"
            ),
        ),
        (
            {"ExpressionAttributeNames": {"#n": "n"}},
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            {"ProjectionExpression": "h", "ExpressionAttributeNames": {}},
            "ExpressionAttributeNames must not be empty",
        ),
        (
            {"ProjectionExpression": "h", "AttributesToGet": ["h"]},
            (
                "Can not use both expression and non-expression parameters in the same request: Non-expression "
                "parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
            ),
        ),
        (
            {"ReturnConsumedCapacity": "ALL"},
            (
                "1 validation error detected: Value 'ALL' at 'returnConsumedCapacity' failed to satisfy constraint: "
                "Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
            ),
        ),
    ],
)
def test_get_item_rejects_invalid_arguments(orders: Any, arguments: dict[str, Any], message: str) -> None:
    _refused(orders.get_item, message, Key=KEY, **arguments)


def test_page_contains_up_to_one_megabyte(orders: Any) -> None:
    for number in range(30):
        _put(orders, "a", number, text={"S": "x" * 100_000})
    pages = list(orders.get_paginator("scan").paginate(TableName="orders"))
    assert [page["Count"] for page in pages] == [10, 10, 10]
    assert [item["r"]["N"] for page in pages for item in page["Items"]] == [str(number) for number in range(30)]
    counted = orders.scan(TableName="orders", Select="COUNT")
    assert (counted["Count"], counted["ScannedCount"], "Items" in counted) == (10, 10, False)


def test_scan_order_does_not_depend_on_the_order_of_writes(orders: Any) -> None:
    names = [f"customer-{number}" for number in range(40)]
    for name in names:
        _put(orders, name, 1)
    first = [item["h"]["S"] for item in orders.scan(TableName="orders")["Items"]]
    for name in reversed(names):
        _put(orders, name, 1)
    again = [item["h"]["S"] for item in orders.scan(TableName="orders")["Items"]]
    assert first == again
    assert first not in (names, sorted(names))


def test_limit_applies_before_the_filter(orders: Any) -> None:
    for number in range(6):
        _put(orders, "a", number, even={"BOOL": number % 2 == 0})
    arguments = {
        "TableName": "orders", "Limit": 2, "FilterExpression": "even = :t",
        "ExpressionAttributeValues": {":t": {"BOOL": True}},
    }  # fmt: skip
    page = orders.scan(**arguments)
    assert (page["Count"], page["ScannedCount"]) == (1, 2)
    assert page["LastEvaluatedKey"] == {"h": {"S": "a"}, "r": {"N": "1"}}
    rest = orders.scan(**{**arguments, "Limit": 4}, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert [item["r"]["N"] for item in rest["Items"]] == ["2", "4"]
    # After a full page, there is always another page, even if that page is empty.
    assert "LastEvaluatedKey" in rest
    assert orders.scan(**arguments, ExclusiveStartKey=rest["LastEvaluatedKey"])["ScannedCount"] == 0


def test_indexes_return_the_projected_attributes(orders: Any) -> None:
    more = {"colour": {"S": "red"}, "at": {"S": "noon"}, "note": {"S": "n"}, "extra": {"S": "o"}}
    _put(orders, "a", 1, **more)
    red = {"KeyConditionExpression": "colour = :c", "ExpressionAttributeValues": {":c": {"S": "red"}}}
    at = {"KeyConditionExpression": "h = :h", "ExpressionAttributeValues": {":h": {"S": "a"}}}
    keys = {**KEY, "colour": {"S": "red"}, "note": {"S": "n"}}
    assert orders.query(TableName="orders", IndexName="by_colour", **red)["Items"] == [keys]
    assert orders.scan(TableName="orders", IndexName="by_colour")["Items"] == [keys]
    local = {**KEY, "at": {"S": "noon"}}
    assert orders.query(TableName="orders", IndexName="by_at", **at)["Items"] == [local]
    # A local index fetches missing attributes from the table, but a global index cannot.
    fetched = orders.query(TableName="orders", IndexName="by_at", **at, ProjectionExpression="extra")
    assert fetched["Items"] == [{"extra": {"S": "o"}}]
    everything = orders.query(TableName="orders", IndexName="by_at", **at, Select="ALL_ATTRIBUTES")
    assert everything["Items"] == [{**KEY, **more}]
    _refused(
        orders.query,
        "One or more parameter values were invalid: Global secondary index by_colour does not project [extra]",
        IndexName="by_colour", **red, ProjectionExpression="h, extra",
    )  # fmt: skip
    _refused(
        orders.query, "Consistent reads are not supported on global secondary indexes", IndexName="by_colour", **red,
        ConsistentRead=True,
    )  # fmt: skip
    _refused(orders.scan, "The table does not have the specified index: none", IndexName="none")


@pytest.mark.parametrize(
    ("arguments", "units"),
    [
        # The index contains only keys, so each item of 5 KB is also read from the table.
        ({"Select": "ALL_ATTRIBUTES"}, {"Table": 4.0, "Index": 1.0}),
        ({"ProjectionExpression": "filler"}, {"Table": 4.0, "Index": 1.0}),
        ({"ProjectionExpression": "r"}, {"Table": 0.0, "Index": 1.0}),
        ({}, {"Table": 0.0, "Index": 1.0}),
    ],
)
def test_items_fetched_for_a_local_index_consume_read_units(
    orders: Any, arguments: dict[str, Any], units: dict[str, float]
) -> None:
    for number in range(2):
        _put(orders, "a", number, at={"S": str(number)}, filler={"S": "x" * 5_000})
    consumed = orders.query(
        TableName="orders", IndexName="by_at", KeyConditionExpression="h = :h", ConsistentRead=True,
        ExpressionAttributeValues={":h": {"S": "a"}}, ReturnConsumedCapacity="INDEXES", **arguments,
    )["ConsumedCapacity"]  # fmt: skip
    assert consumed["CapacityUnits"] == sum(units.values())
    assert consumed["Table"] == {"CapacityUnits": units["Table"]}
    assert consumed["LocalSecondaryIndexes"] == {"by_at": {"CapacityUnits": units["Index"]}}


def test_index_pages_are_contiguous_in_both_directions(orders: Any) -> None:
    for number in range(7):
        _put(orders, "a", number, at={"S": "same" if number < 5 else "later"}, colour={"S": "red"})
    for forward in (True, False):
        pages = orders.get_paginator("query").paginate(
            TableName="orders", IndexName="by_at", KeyConditionExpression="h = :h", ScanIndexForward=forward,
            ExpressionAttributeValues={":h": {"S": "a"}}, PaginationConfig={"PageSize": 2},
        )  # fmt: skip
        found = [item["r"]["N"] for page in pages for item in page["Items"]]
        assert found == (["5", "6", "0", "1", "2", "3", "4"] if forward else ["4", "3", "2", "1", "0", "6", "5"])


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("h = :a OR r = :n", "Invalid operator used in KeyConditionExpression: OR"),
        ("h <> :a", "Invalid operator used in KeyConditionExpression: <>"),
        ("h = :a AND contains(r, :n)", "Invalid operator used in KeyConditionExpression: contains"),
        ("r = :n AND r = :n", "KeyConditionExpressions must only contain one condition per key"),
        ("r = :n", "Query condition missed key schema element: h"),
        ("h = :a AND x = :n", "Query condition missed key schema element: r"),
        ("h > :a", "Query key condition not supported"),
        ("h = :n", "One or more parameter values were invalid: Condition parameter type does not match schema type"),
        (
            "h = :a AND r BETWEEN :n AND :m",
            (
                "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal "
                "to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"
            ),
        ),
        (
            "h = :e",
            (
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                "empty string value. Key: h"
            ),
        ),
        ("a-b", 'Invalid KeyConditionExpression: Syntax error; token: "-", near: "a-b"'),
    ],
)
def test_query_rejects_invalid_key_conditions(orders: Any, expression: str, message: str) -> None:
    given = {":a": {"S": "a"}, ":n": {"N": "2"}, ":m": {"N": "1"}, ":e": {"S": ""}}
    used = {name: value for name, value in given.items() if name in expression}
    _refused(
        orders.query,
        message,
        KeyConditionExpression=expression,
        **({"ExpressionAttributeValues": used} if used else {}),
    )


def test_query_rejects_a_filter_on_the_key(orders: Any) -> None:
    _refused(
        orders.query, "Filter Expression can only contain non-primary key attributes: Primary key attribute: r",
        KeyConditionExpression="h = :h", FilterExpression="x = :h AND (r = :h OR x = :h)",
        ExpressionAttributeValues={":h": {"S": "a"}},
    )  # fmt: skip


def test_query_rejects_a_start_key_outside_its_bounds(orders: Any) -> None:
    condition = {"KeyConditionExpression": "h = :h", "ExpressionAttributeValues": {":h": {"S": "a"}}}
    _refused(
        orders.query, "The provided starting key is outside query boundaries based on provided conditions",
        ExclusiveStartKey={"h": {"S": "b"}, "r": {"N": "1"}}, **condition,
    )  # fmt: skip
    _refused(orders.query, "The provided starting key is invalid", ExclusiveStartKey={"h": {"S": "a"}}, **condition)


def test_legacy_parameters_read_the_same_items_as_expressions(orders: Any) -> None:
    for number in range(5):
        _put(orders, "a", number, text={"S": "ab" * number}, **({"odd": {"SS": ["o"]}} if number % 2 else {}))

    def operator(name: str, *values: Any) -> dict[str, Any]:
        return {"ComparisonOperator": name, **({"AttributeValueList": list(values)} if values else {})}

    def numbers(**arguments: Any) -> list[str]:
        call = orders.query if "KeyConditions" in arguments else orders.scan
        return [item["r"]["N"] for item in call(TableName="orders", **arguments)["Items"]]

    hashed = operator("EQ", {"S": "a"})
    assert numbers(KeyConditions={"h": hashed, "r": operator("GE", {"N": "3"})}) == ["3", "4"]
    assert numbers(KeyConditions={"h": hashed, "r": operator("BETWEEN", {"N": "1"}, {"N": "2"})}) == ["1", "2"]
    assert numbers(KeyConditions={"h": hashed}, QueryFilter={"odd": operator("NOT_NULL")}) == ["1", "3"]
    assert numbers(ScanFilter={"odd": operator("NULL")}) == ["0", "2", "4"]
    assert numbers(ScanFilter={"odd": operator("CONTAINS", {"S": "o"})}) == ["1", "3"]
    assert numbers(ScanFilter={"odd": operator("NOT_CONTAINS", {"S": "o"})}) == ["0", "2", "4"]
    assert numbers(ScanFilter={"text": operator("BEGINS_WITH", {"S": "abab"})}) == ["2", "3", "4"]
    assert numbers(ScanFilter={"text": operator("IN", {"S": ""}, {"S": "ab"})}) == ["0", "1"]
    assert numbers(ScanFilter={"text": operator("NE", {"S": "ab"})}) == ["0", "2", "3", "4"]
    both = {"odd": operator("NOT_NULL"), "text": operator("EQ", {"S": ""})}
    assert (numbers(ScanFilter=both), numbers(ScanFilter=both, ConditionalOperator="OR")) == ([], ["0", "1", "3"])
    assert orders.get_item(TableName="orders", Key=KEY, AttributesToGet=["text"])["Item"] == {"text": {"S": "ab"}}
    _refused(
        orders.scan, "One or more parameter values were invalid: Invalid number of argument(s) for the EQ "
        "ComparisonOperator", ScanFilter={"h": operator("EQ")},
    )  # fmt: skip


def test_batch_get_item_returns_the_existing_items(orders: Any) -> None:
    _put(orders, "a", 1, text={"S": "x"})
    missing = {"h": {"S": "b"}, "r": {"N": "1"}}
    answer = orders.batch_get_item(
        RequestItems={
            "orders": {"Keys": [KEY, missing], "ProjectionExpression": "#t", "ExpressionAttributeNames": {"#t": "text"}}
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == {"orders": [{"text": {"S": "x"}}]}
    assert answer["UnprocessedKeys"] == {}
    assert answer["ConsumedCapacity"] == [{"TableName": "orders", "CapacityUnits": 1.0}]
    with pytest.raises(ClientError, match="Provided list of item keys contains duplicates"):
        orders.batch_get_item(RequestItems={"orders": {"Keys": [KEY, {"h": {"S": "a"}, "r": {"N": "1.0"}}]}})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"Segment": 4, "TotalSegments": 4},
            (
                "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 4 is not "
                "less than TotalSegments: 4"
            ),
        ),
        (
            {"Segment": 0},
            (
                "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
                "present"
            ),
        ),
        (
            {"Select": "SPECIFIC_ATTRIBUTES"},
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            {"Select": "COUNT", "ProjectionExpression": "h"},
            "Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
        (
            {"FilterExpression": "x = :v"},
            (
                "Invalid FilterExpression: An expression attribute value used in expression is not defined; "
                "attribute value: :v"
            ),
        ),
        (
            {"ExpressionAttributeValues": {":v": {"S": "x"}}},
            "ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null",
        ),
    ],
)
def test_scan_rejects_invalid_arguments(orders: Any, arguments: dict[str, Any], message: str) -> None:
    _refused(orders.scan, message, **arguments)


def test_reads_do_not_wait_for_writes(backend: Backend, orders: Any) -> None:
    _put(orders, "a", 1)
    found: list[Any] = []
    with backend.database.transaction():
        _put(orders, "a", 2)
        reader = threading.Thread(target=lambda: found.append(orders.scan(TableName="orders")["Count"]))
        reader.start()
        reader.join(20)
        assert found == [1]
    assert orders.scan(TableName="orders")["Count"] == 2


def test_repeated_access_key_lookup_does_not_wait_for_writes(backend: Backend) -> None:
    found: list[bool] = []
    assert not backend.knows("test")
    with backend.database.transaction():
        asking = threading.Thread(target=lambda: found.append(backend.knows("test")))
        asking.start()
        asking.join(20)
        assert found == [False]
    iam = backend.clients.client("iam")
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
    assert backend.knows(key)
    iam.delete_access_key(UserName="u", AccessKeyId=key)
    assert not backend.knows(key)


def test_writes_to_other_services_do_not_discard_cached_access_keys(backend: Backend) -> None:
    found: list[bool] = []
    backend.clients.client("iam").create_user(UserName="u")
    assert not backend.knows("test")
    s3 = backend.clients.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="key", Body=b"")
    with backend.database.transaction():
        asking = threading.Thread(target=lambda: found.append(backend.knows("test")))
        asking.start()
        asking.join(20)
        assert found == [False]


def test_access_keys_are_known_after_a_restart(tmp_path: Path) -> None:
    keys, database = [], Database(tmp_path)
    backend = Backend("us-east-1", database)
    iam, sts = backend.clients.client("iam"), backend.clients.client("sts")
    iam.create_user(UserName="u")
    keys.append(iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"])
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    keys.append(sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]["AccessKeyId"])
    backend.close()
    again = Backend("us-east-1", database)
    assert [again.knows(key) for key in keys] == [True, True]
    # These words occur in the stored identities, but are not access keys.
    assert [again.knows(word) for word in ("u", "r", "é", "\\", "", "%", "UserName")] == [False] * 7
    again.close()
    database.close()


def test_recreated_table_does_not_use_the_cached_definition(orders: Any) -> None:
    _put(orders, "a", 1)
    orders.delete_table(TableName="orders")
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*: Requested resource not found$"):
        orders.scan(TableName="orders")
    orders.create_table(
        TableName="orders", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "B"}],
    )  # fmt: skip
    for byte in range(256):
        orders.put_item(TableName="orders", Item={"id": {"B": bytes([byte])}})
    pages = orders.get_paginator("scan").paginate(TableName="orders", PaginationConfig={"PageSize": 100})
    assert {item["id"]["B"] for page in pages for item in page["Items"]} == {bytes([byte]) for byte in range(256)}
