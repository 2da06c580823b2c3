"""Tests for PutItem, UpdateItem, DeleteItem, BatchWriteItem and transactions, as documented by AWS."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.once

KEY = {"h": {"S": "a"}, "r": {"N": "1"}}
ITEM = {
    **KEY, "n": {"N": "5"}, "s": {"SS": ["x", "y"]}, "l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]},
    "m": {"M": {"k": {"N": "1"}}},
}  # fmt: skip
_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_NO_PLACE = "The document path provided in the update expression is invalid for update"


def _refused(call: Any, message: str, code: str = "ValidationException", **arguments: Any) -> None:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, message)


def _item(orders: Any) -> Any:
    return orders.get_item(TableName="orders", Key=KEY).get("Item")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"r": {"N": "1"}}, "One or more parameter values were invalid: Missing the key h in the item"),
        (
            {**KEY, "h": {"N": "1"}},
            "One or more parameter values were invalid: Type mismatch for key h expected: S actual: N",
        ),
        (
            {**KEY, "h": {"S": ""}},
            (
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                "an empty "
                "string value. Key: h"
            ),
        ),
        (
            {**KEY, "h": {"S": "x" * 2049}},
            (
                "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit "
                "of2048 bytes"
            ),
        ),
        (
            {**KEY, "colour": {"N": "1"}},
            (
                "One or more parameter values were invalid: Type mismatch for Index Key colour Expected: S Actual: N "
                "IndexName: by_colour"
            ),
        ),
        (
            {**KEY, "at": {"S": ""}},
            (
                "One or more parameter values are not valid. A value specified for a secondary "
                "index key is not supported. "
                "The AttributeValue for a key attribute cannot contain an empty string value. IndexName: by_at, "
                "IndexKey: at"
            ),
        ),
        ({**KEY, "t": {"S": "x" * 409_600}}, "Item size has exceeded the maximum allowed size"),
        ({**KEY, "m": {"M": {"": {"S": "x"}}}}, "One or more parameter values were invalid: Empty attribute name"),
    ],
)
def test_put_item_rejects_invalid_items(orders: Any, item: dict[str, Any], message: str) -> None:
    _refused(orders.put_item, message, TableName="orders", Item=item)
    _refused(orders.batch_write_item, message, RequestItems={"orders": [{"PutRequest": {"Item": item}}]})
    assert orders.scan(TableName="orders")["Items"] == []


def test_item_size_limit_is_400_kilobytes(orders: Any) -> None:
    item = {**KEY, "t": {"S": "x" * (409_600 - len("h" + "a" + "r") - 2 - len("t"))}}
    orders.put_item(TableName="orders", Item=item)
    grown: dict[str, Any] = {"TableName": "orders", "Key": KEY, "UpdateExpression": "SET u = :u"}
    _refused(
        orders.update_item, "Item size to update has exceeded the maximum allowed size", **grown,
        ExpressionAttributeValues={":u": {"S": ""}},
    )  # fmt: skip
    assert _item(orders) == item


@pytest.mark.parametrize(
    ("expression", "values", "changed"),
    [
        ("SET n = n + :v", {":v": {"N": "0.5"}}, {"n": {"N": "5.5"}}),
        ("SET n = :v - n", {":v": {"N": "1"}}, {"n": {"N": "-4"}}),
        ("SET z = if_not_exists(z, :v) + :v", {":v": {"N": "1"}}, {"z": {"N": "2"}}),
        ("SET z = n, n = :v", {":v": {"N": "9"}}, {"z": {"N": "5"}, "n": {"N": "9"}}),
        ("SET l = list_append(:v, l)", {":v": {"L": [{"S": "-"}]}}, {"l": {"L": [{"S": each} for each in "-012"]}}),
        ("SET l[1] = :v, l[9] = :v", {":v": {"S": "v"}}, {"l": {"L": [{"S": each} for each in "0v2v"]}}),
        ("REMOVE l[0], l[2]", {}, {"l": {"L": [{"S": "1"}]}}),
        ("REMOVE l[0] SET l[1] = :v", {":v": {"S": "v"}}, {"l": {"L": [{"S": "v"}, {"S": "2"}]}}),
        ("SET m.k = :v, m.j = :v", {":v": {"S": "v"}}, {"m": {"M": {"k": {"S": "v"}, "j": {"S": "v"}}}}),
        ("ADD n :v, z :v", {":v": {"N": "2"}}, {"n": {"N": "7"}, "z": {"N": "2"}}),
        ("ADD s :v", {":v": {"SS": ["y", "z"]}}, {"s": {"SS": ["x", "y", "z"]}}),
        ("DELETE s :v", {":v": {"SS": ["y", "q"]}}, {"s": {"SS": ["x"]}}),
        ("DELETE s :v", {":v": {"SS": ["x", "y"]}}, {"s": None}),
        ("set n = :v remove m", {":v": {"N": "0"}}, {"n": {"N": "0"}, "m": None}),
    ],
)
def test_update_item_returns_and_stores_the_new_item(
    orders: Any, expression: str, values: dict[str, Any], changed: dict[str, Any]
) -> None:
    orders.put_item(TableName="orders", Item=ITEM)
    given = {"ExpressionAttributeValues": values} if values else {}
    answer = orders.update_item(
        TableName="orders", Key=KEY, UpdateExpression=expression, ReturnValues="ALL_NEW", **given
    )
    expected = {name: value for name, value in {**ITEM, **changed}.items() if value is not None}
    assert answer["Attributes"] == _item(orders) == expected


@pytest.mark.parametrize(
    ("expression", "value", "message"),
    [
        ("SET n = n + :v", {"S": "1"}, ("Invalid UpdateExpression: Incorrect operand type for operator or function; "
          "operator or function: +, operand type: S")),
        ("SET s = s + :v", {"N": "1"}, _WRONG_TYPE),
        ("SET n = z + :v", {"N": "1"}, ("The provided expression refers to an attribute that does not exist in "
         "the item")),
        ("SET z.k = :v", {"N": "1"}, _NO_PLACE),
        ("SET n[0] = :v", {"N": "1"}, _NO_PLACE),
        ("ADD s :v", {"N": "1"}, _WRONG_TYPE),
        ("ADD n :v", {"S": "1"}, ("Invalid UpdateExpression: Incorrect operand type for operator or function; "
          "operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND")),
        ("SET h = :v", {"S": "b"}, ("One or more parameter values were invalid: Cannot update attribute h. "
          "This attribute is part of the key")),
        ("SET n = :v, n = :v", {"N": "1"}, ("Invalid UpdateExpression: Two document paths overlap "
        "with each other; must "
          "remove or rewrite one of these paths; path one: [n], path two: [n]")),
        ("SET n = :v SET z = :v", {"N": "1"},
         'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;'),
        ("SET n = foo(:v)", {"N": "1"}, "Invalid UpdateExpression: Invalid function name; function: foo"),
        ("INVALID SYNTAX :v", {"N": "1"}, ('Invalid UpdateExpression: Syntax error; token: "INVALID", near: '
         '"INVALID SYNTAX"')),
        ("SET colour = :v", {"N": "1"}, ("One or more parameter values were invalid: Type mismatch "
        "for Index Key colour "
          "Expected: S Actual: N IndexName: by_colour")),
        ("SET n = n + :v", {"N": "1E-40"}, "Attempting to store more than 38 significant digits in a Number"),
    ],
)  # fmt: skip
def test_update_item_rejects_invalid_expressions(
    orders: Any, expression: str, value: dict[str, Any], message: str
) -> None:
    orders.put_item(TableName="orders", Item=ITEM)
    _refused(
        orders.update_item, message, TableName="orders", Key=KEY, UpdateExpression=expression,
        ExpressionAttributeValues={":v": value},
    )  # fmt: skip
    assert _item(orders) == ITEM


@pytest.mark.parametrize(
    ("returned", "attributes"),
    [
        ("NONE", None), ("ALL_OLD", ITEM), ("UPDATED_OLD", {"n": {"N": "5"}, "m": {"M": {"k": {"N": "1"}}}}),
        ("UPDATED_NEW", {"n": {"N": "5"}, "m": {"M": {"k": {"N": "2"}}}, "z": {"N": "2"}}),
    ],
)  # fmt: skip
def test_return_values_contain_only_the_updated_paths(orders: Any, returned: str, attributes: Any) -> None:
    orders.put_item(TableName="orders", Item={**ITEM, "m": {"M": {"k": {"N": "1"}, "other": {"S": "o"}}}})
    if returned == "ALL_OLD":
        attributes = {**ITEM, "m": {"M": {"k": {"N": "1"}, "other": {"S": "o"}}}}
    answer = orders.update_item(
        TableName="orders", Key=KEY, UpdateExpression="SET n = :same, m.k = :two, z = :two", ReturnValues=returned,
        ExpressionAttributeValues={":same": {"N": "5"}, ":two": {"N": "2"}},
    )  # fmt: skip
    assert answer.get("Attributes") == attributes
    assert "ConsumedCapacity" not in answer


def test_failed_condition_returns_the_item_on_request(orders: Any) -> None:
    orders.put_item(TableName="orders", Item=ITEM)
    arguments = {"TableName": "orders", "Item": KEY, "ConditionExpression": "attribute_not_exists(h)"}
    _refused(orders.put_item, "The conditional request failed", "ConditionalCheckFailedException", **arguments)
    with pytest.raises(ClientError) as raised:
        orders.put_item(**arguments, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert raised.value.response["Item"] == ITEM
    assert _item(orders) == ITEM


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("n", 'Syntax error; token: "<EOF>", near: "n"'),
        ("NOT #n", 'Syntax error; token: "<EOF>", near: "#n"'),
        ("((n = :v))", "The expression has redundant parentheses;"),
        ("size(n)", "The function is not allowed to be used this way in an expression; function: size"),
        ("begins_with(n)", ("Incorrect number of operands for operator or function; operator or function: begins_with, "
          "number of operands: 1")),
        ("begins_with(n, :v)", ("Incorrect operand type for operator or function; operator or function: begins_with, "
          "operand type: N")),
        ("n = n", ("The first operand must be distinct from the remaining operands for this operator or function; "
          "operator: =, first operand: [n]")),
        ("attribute_exists(:v)", ("Operator or function requires a document path; operator or function: "
         "attribute_exists")),
        ("ATTRIBUTE_EXISTS(n)", "Invalid function name; function: ATTRIBUTE_EXISTS"),
        ("n BETWEEN :v AND :w", ("The BETWEEN operator requires same data type for lower and upper bounds; lower bound "
          "operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:1}")),
        ("attribute_type(n, :w)", ("Invalid attribute type name found; type: 1, valid types: "
          "{B,BOOL,BS,L,M,N,NS,NULL,S,SS}")),
    ],
)  # fmt: skip
def test_delete_item_rejects_invalid_conditions(orders: Any, condition: str, message: str) -> None:
    values = {name: value for name, value in {":v": {"N": "1"}, ":w": {"S": "1"}}.items() if name in condition}
    given: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
    if "#n" in condition:
        given["ExpressionAttributeNames"] = {"#n": "n"}
    _refused(
        orders.delete_item, f"Invalid ConditionExpression: {message}", TableName="orders", Key=KEY,
        ConditionExpression=condition, **given,
    )  # fmt: skip


def test_legacy_parameters_write_the_same_items_as_expressions(orders: Any) -> None:
    orders.put_item(TableName="orders", Item=ITEM, Expected={"h": {"Exists": False}})
    failed = {"code": "ConditionalCheckFailedException", "message": "The conditional request failed"}
    _refused(orders.put_item, TableName="orders", Item=ITEM, Expected={"h": {"Exists": False}}, **failed)
    _refused(orders.delete_item, TableName="orders", Key=KEY, Expected={"n": {"Value": {"N": "6"}}}, **failed)
    orders.update_item(
        TableName="orders", Key=KEY, Expected={"n": {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "6"}]}},
        AttributeUpdates={
            "n": {"Action": "ADD", "Value": {"N": "1"}}, "s": {"Action": "DELETE", "Value": {"SS": ["x"]}},
            "l": {"Action": "DELETE"}, "name": {"Value": {"S": "reserved"}},
        },
    )  # fmt: skip
    changed = {"n": {"N": "6"}, "s": {"SS": ["y"]}, "name": {"S": "reserved"}}
    assert _item(orders) == {name: value for name, value in {**ITEM, **changed}.items() if name != "l"}


def test_write_capacity_includes_the_changed_indexes(orders: Any) -> None:
    arguments = {"TableName": "orders", "ReturnConsumedCapacity": "INDEXES"}
    item = {**KEY, "colour": {"S": "red"}, "text": {"S": "x" * 1500}}
    first = orders.put_item(**arguments, Item=item)["ConsumedCapacity"]
    assert first == {
        "TableName": "orders", "CapacityUnits": 3.0, "Table": {"CapacityUnits": 2.0},
        "GlobalSecondaryIndexes": {"by_colour": {"CapacityUnits": 1.0}},
    }  # fmt: skip
    moved = orders.put_item(**arguments, Item={**item, "colour": {"S": "blue"}})["ConsumedCapacity"]
    assert moved["GlobalSecondaryIndexes"] == {"by_colour": {"CapacityUnits": 2.0}}
    same = orders.put_item(**arguments, Item={**item, "colour": {"S": "blue"}, "u": {"S": ""}})["ConsumedCapacity"]
    assert "GlobalSecondaryIndexes" not in same


def test_item_collection_metrics_are_returned_with_a_local_index(orders: Any) -> None:
    answer = orders.put_item(TableName="orders", Item=ITEM, ReturnItemCollectionMetrics="SIZE")
    assert answer["ItemCollectionMetrics"] == {
        "ItemCollectionKey": {"h": {"S": "a"}},
        "SizeEstimateRangeGB": [0.0, 1.0],
    }


def test_batch_write_rejects_duplicate_keys_and_too_many_items(orders: Any) -> None:
    twice = [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": {"h": {"S": "a"}, "r": {"N": "1.0"}}}}]
    _refused(orders.batch_write_item, "Provided list of item keys contains duplicates", RequestItems={"orders": twice})
    many = [{"PutRequest": {"Item": {"h": {"S": "a"}, "r": {"N": str(number)}}}} for number in range(26)]
    _refused(
        orders.batch_write_item,
        "1 validation error detected: Value '{orders=[26 requests]}' at 'requestItems' failed to satisfy constraint: "
        "Map value must satisfy constraint: [Member must have length less than or equal to 25, "
        "Member must have length greater than or equal to 1]",
        RequestItems={"orders": many},
    )
    _refused(
        orders.batch_write_item, "Too many items requested for the BatchWriteItem call",
        RequestItems={"orders": many[:25], "other": many[25:]},
    )  # fmt: skip


def _update(**more: Any) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "orders", "Key": KEY, "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}}, **more,
        }
    }  # fmt: skip


def test_transaction_with_the_same_client_request_token_runs_once(orders: Any) -> None:
    orders.put_item(TableName="orders", Item=ITEM)
    units = []
    for _ in range(3):
        answer = orders.transact_write_items(
            TransactItems=[_update()], ClientRequestToken="once", ReturnConsumedCapacity="TOTAL"
        )
        units.append(set(answer["ConsumedCapacity"][0]) - {"TableName", "CapacityUnits"})
    # A repeated request only reads the items.
    assert units == [{"WriteCapacityUnits"}, {"ReadCapacityUnits"}, {"ReadCapacityUnits"}]
    assert _item(orders)["n"] == {"N": "6"}
    with pytest.raises(orders.exceptions.IdempotentParameterMismatchException):
        orders.transact_write_items(
            TransactItems=[_update(ReturnValuesOnConditionCheckFailure="NONE")], ClientRequestToken="once"
        )
    orders.transact_write_items(TransactItems=[_update()], ClientRequestToken="again")
    assert _item(orders)["n"] == {"N": "7"}


def test_transaction_returns_item_collection_metrics(orders: Any) -> None:
    answer = orders.transact_write_items(TransactItems=[_update()], ReturnItemCollectionMetrics="SIZE")
    assert answer["ItemCollectionMetrics"] == {
        "orders": [{"ItemCollectionKey": {"h": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]}]
    }
    assert "ItemCollectionMetrics" not in orders.transact_write_items(TransactItems=[_update()])


def test_transaction_rejects_a_long_token_and_large_items(orders: Any) -> None:
    token = "x" * 37
    _refused(
        orders.transact_write_items,
        f"1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: "
        "Member must have length less than or equal to 36",
        TransactItems=[_update()], ClientRequestToken=token,
    )  # fmt: skip
    items = [{"h": {"S": "a"}, "r": {"N": str(number)}, "t": {"S": "x" * 390_000}} for number in range(11)]
    message = "The size of the transaction's items is too large: The size cannot exceed 4194304 bytes"
    puts = [{"Put": {"TableName": "orders", "Item": item}} for item in items]
    _refused(orders.transact_write_items, message, TransactItems=puts)
    assert orders.scan(TableName="orders")["Items"] == []
    orders.transact_write_items(TransactItems=puts[:10])
    orders.put_item(TableName="orders", Item=items[10])
    gets = [{"Get": {"TableName": "orders", "Key": {name: item[name] for name in "hr"}}} for item in items]
    _refused(orders.transact_get_items, message, TransactItems=gets)


def test_transaction_reports_only_the_first_invalid_action(orders: Any) -> None:
    wrong = {"Put": {"TableName": "orders", "Item": {**KEY, "h": {"N": "1"}}}}
    failing = {"Put": {"TableName": "orders", "Item": KEY, "ConditionExpression": "attribute_exists(h)"}}
    with pytest.raises(orders.exceptions.TransactionCanceledException) as raised:
        orders.transact_write_items(TransactItems=[wrong, wrong, failing])
    codes = [reason["Code"] for reason in raised.value.response["CancellationReasons"]]
    assert codes == ["ValidationError", "None", "None"]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {**KEY, "h": {"S": ""}},
            (
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                "empty string value. Key: h"
            ),
        ),
        ({**KEY, "t": {"S": "x" * 409_600}}, "Item size has exceeded the maximum allowed size"),
    ],
)
def test_invalid_item_does_not_cancel_a_transaction(orders: Any, item: dict[str, Any], message: str) -> None:
    put = {"Put": {"TableName": "orders", "Item": item}}
    _refused(orders.transact_write_items, message, TransactItems=[put])


def test_canceled_transaction_returns_a_reason_for_each_item(orders: Any) -> None:
    orders.put_item(TableName="orders", Item=ITEM)
    failing = _update(
        ConditionExpression="n > :one",
        UpdateExpression="SET n = :one + s",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    other = {"h": {"S": "b"}, "r": {"N": "1"}}
    check = {
        "TableName": "orders", "Key": other, "ConditionExpression": "attribute_exists(h)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }  # fmt: skip
    put = {"TableName": "orders", "Item": {"h": {"S": "c"}, "r": {"N": "1"}}}
    with pytest.raises(orders.exceptions.TransactionCanceledException) as raised:
        orders.transact_write_items(TransactItems=[{"Put": put}, failing, {"ConditionCheck": check}])
    assert raised.value.response["CancellationReasons"] == [
        {"Code": "None"},
        {"Code": "ValidationError", "Message": _WRONG_TYPE},
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"},
    ]
    assert raised.value.response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ValidationError, ConditionalCheckFailed]"
    )
    assert orders.scan(TableName="orders")["Items"] == [ITEM]
    _refused(
        orders.transact_write_items, "Transaction request cannot include multiple operations on one item",
        TransactItems=[_update(), {"Delete": {"TableName": "orders", "Key": KEY}}],
    )  # fmt: skip


def test_transaction_of_100_items_succeeds(orders: Any) -> None:
    items = [{"h": {"S": "a"}, "r": {"N": str(number)}} for number in range(100)]
    answer = orders.transact_write_items(
        TransactItems=[{"Put": {"TableName": "orders", "Item": item}} for item in items], ReturnConsumedCapacity="TOTAL"
    )
    assert answer["ConsumedCapacity"] == [{"TableName": "orders", "CapacityUnits": 200.0, "WriteCapacityUnits": 200.0}]
    read = orders.transact_get_items(TransactItems=[{"Get": {"TableName": "orders", "Key": item}} for item in items])
    assert [response["Item"] for response in read["Responses"]] == items
