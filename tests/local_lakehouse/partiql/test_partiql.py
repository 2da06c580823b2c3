"""Tests for PartiQL statements. Some results are compared with those of other DynamoDB operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.partiql.api import PartiqlService
from local_lakehouse.protocol import wire
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.services import service_model
from local_lakehouse.protocol.wire import Caller

pytestmark = pytest.mark.once

CALLER = Caller("123456789012", "us-east-1", "")
ITEMS: list[dict[str, Any]] = [
    {"id": {"S": "a"}, "n": {"N": "1"}, "state": {"S": "CA"}, "ok": {"BOOL": True}, "tags": {"SS": ["x", "y"]}},
    {"id": {"S": "a"}, "n": {"N": "2"}, "state": {"S": "NV"}, "ok": {"BOOL": False}, "list": {"L": [{"N": "7"}]}},
    {"id": {"S": "a"}, "n": {"N": "10"}, "state": {"NULL": True}, "map": {"M": {"city": {"S": "Reno"}}}},
    {"id": {"S": "b"}, "n": {"N": "-1"}, "raw": {"B": b"\x00\xff"}, "total": {"N": "2.50"}},
    {"id": {"S": "b"}, "n": {"N": "3"}, "state": {"S": "CA"}, "total": {"N": "11"}},
]


class Statements:
    """A client that executes statements on a backend, with requests and responses in the boto3 format."""

    def __init__(self, clients: ServiceClients) -> None:
        self.dynamodb = clients.client("dynamodb")
        self.noted: list[tuple[str, Mapping[str, Any]]] = []
        self._service = PartiqlService(clients, [lambda operation, request: self.noted.append((operation, request))])

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        wire.check(service_model("dynamodb").operation_model(operation), request)
        return self._service.call(operation, request, CALLER)

    def run(self, statement: str, *parameters: Mapping[str, Any], **more: Any) -> list[dict[str, Any]]:
        given = {"Parameters": list(parameters)} if parameters else {}
        items: list[dict[str, Any]] = self.call("ExecuteStatement", Statement=statement, **given, **more)["Items"]
        return items

    def numbers(self, where: str, *parameters: Mapping[str, Any]) -> list[str]:
        """Return the sort keys of the items that a condition selects, in order."""
        return [item["n"]["N"] for item in self.run(f"SELECT * FROM Orders WHERE {where}", *parameters)]

    def refusal(self, operation: str, **request: Any) -> Fault:
        with pytest.raises(Fault) as raised:
            self.call(operation, **request)
        return raised.value


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend("us-east-1")
    backend.clients.client("dynamodb").create_table(
        TableName="Orders", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"},
            {"AttributeName": "state", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-state", "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )  # fmt: skip
    yield backend
    backend.close()


@pytest.fixture
def statements(backend: Backend) -> Iterator[Statements]:
    statements = Statements(backend.clients)
    for item in ITEMS:
        if item["state"] == {"NULL": True} if "state" in item else False:
            item = {name: value for name, value in item.items() if name != "state"} | {"none": {"NULL": True}}
        statements.dynamodb.put_item(TableName="Orders", Item=item)
    yield statements
    for item in statements.dynamodb.scan(TableName="Orders")["Items"]:
        statements.dynamodb.delete_item(TableName="Orders", Key={"id": item["id"], "n": item["n"]})


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("id='a'", ["1", "2", "10"]),
        ("id = 'a' AND n = 2", ["2"]),
        ("'a' = id AND 1 < n", ["2", "10"]),
        ("id = 'a' AND n BETWEEN 2 AND 10", ["2", "10"]),
        ("id = 'a' AND n <> 2", ["1", "10"]),
        ("id = 'a' AND n > 1 AND n < 10", ["2"]),
        ("id = 'a' AND (n = 1 OR n = 10)", ["1", "10"]),
        ("id = 'a' AND NOT n = 1", ["2", "10"]),
        ("id = 'a' AND n IN [1, 2]", ["1", "2"]),
        ("id IN ('b', 'a') AND n > 1", ["3", "2", "10"]),
        ("id IN ['a', 'b'] ORDER BY id DESC", ["-1", "3", "1", "2", "10"]),
        ("id = 'a' ORDER BY n DESC", ["10", "2", "1"]),
        ("id = 'a' AND n < 10 ORDER BY id, n DESC", ["2", "1"]),
        ("id = 'a' AND ok = true", ["1"]),
        ("id = 'a' AND ok = FALSE", ["2"]),
        ("id = 'a' AND ok <> true", ["2", "10"]),
        ("id = 'a' AND \"state\" = 'CA'", ["1"]),
        ("id = 'a' AND state IN ['CA', 'NV']", ["1", "2"]),
        ("id = 'a' AND begins_with(state, 'C')", ["1"]),
        ("id = 'a' AND contains(tags, 'x')", ["1"]),
        ("id = 'a' AND tags = <<'y', 'x'>>", ["1"]),
        ("id = 'a' AND contains(list, 7)", ["2"]),
        ("id = 'a' AND \"list\"[0] = 7", ["2"]),
        ("id = 'a' AND \"list\" = [7]", ["2"]),
        ("id = 'a' AND map.city = 'Reno'", ["10"]),
        ("id = 'a' AND \"map\" = {'city': 'Reno'}", ["10"]),
        ("id = 'a' AND state IS MISSING", ["10"]),
        ("id = 'a' AND state IS NOT MISSING", ["1", "2"]),
        ("id = 'a' AND none IS NULL", ["10"]),
        ("id = 'a' AND map IS STRUCT", ["10"]),
        ("id = 'a' AND ok IS NOT BOOLEAN", ["10"]),
        ("id = 'a' AND attribute_type(tags, 'SS')", ["1"]),
        ("id = 'a' AND none = NULL", ["10"]),
        ("id = 'a' AND size(state) = 2", ["1", "2"]),
        ("id = 'b' AND total = 2.5", ["-1"]),
        ("id = 'b' AND total NOT BETWEEN 3 AND 20", ["-1"]),
        ("id = 'b' AND (total) > 1e1", ["3"]),
        ("id = 'it''s'", []),
    ],
)
def test_condition_selects_the_matching_items(statements: Statements, where: str, found: list[str]) -> None:
    if "contains(list" in where or "(map" in where or "map." in where or "list" in where:
        where = where.replace("contains(list", 'contains("list"').replace("map.", '"map".')
    assert statements.numbers(where) == found


@pytest.mark.parametrize(
    ("where", "parameters", "found"),
    [
        ("id = ? AND n = ?", [{"S": "a"}, {"N": "2"}], ["2"]),
        ("id=? AND ok=?", [{"S": "a"}, {"BOOL": True}], ["1"]),
        ("raw = ?", [{"B": b"\x00\xff"}], ["-1"]),
        ("id = 'a' AND n IN [?, ?]", [{"N": "1"}, {"N": "10"}], ["1", "10"]),
        ("id = ? AND begins_with(state, ?)", [{"S": "b"}, {"S": "CA"}], ["3"]),
    ],
)
def test_parameters_replace_question_marks(
    statements: Statements, where: str, parameters: list[Any], found: list[str]
) -> None:
    assert statements.numbers(where, *parameters) == found


def test_select_reads_a_table_or_an_index(statements: Statements) -> None:
    some = statements.run("SELECT n, state FROM Orders WHERE id='b'")
    indexed = statements.run('SELECT id FROM "Orders"."by-state" WHERE state = \'CA\'')
    arn = statements.dynamodb.describe_table(TableName="Orders")["Table"]["TableArn"]

    assert some == [{"n": {"N": "-1"}}, {"n": {"N": "3"}, "state": {"S": "CA"}}]
    assert sorted(item["id"]["S"] for item in indexed) == ["a", "b"]
    assert len(statements.run(f'SELECT * FROM "{arn}"')) == len(ITEMS)


def test_select_is_paginated(statements: Statements) -> None:
    statement = "SELECT n FROM Orders WHERE id IN ['a', 'b']"
    found: list[str] = []
    token: dict[str, str] = {}
    pages = 0
    while True:
        answer = statements.call("ExecuteStatement", Statement=statement, Limit=2, **token)
        found += [item["n"]["N"] for item in answer["Items"]]
        pages += 1
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}

    assert found == ["1", "2", "10", "-1", "3"]
    assert pages >= 3
    other = statements.refusal("ExecuteStatement", Statement="SELECT * FROM Orders", **token)
    assert other.message == "NextToken does not match request"
    assert statements.refusal("ExecuteStatement", Statement=statement, NextToken="x").message == "Invalid NextToken"


def test_statements_insert_update_and_delete_items(statements: Statements) -> None:
    run, key = statements.run, "WHERE id = 'c' AND n = 1"
    assert run("INSERT INTO Orders VALUE {'id': 'c', 'n': 1, 'l': [1], 's': <<1>>, 'm': {'a': 1}, 't': 'x'}") == []
    changed = run(
        f"UPDATE Orders SET l = list_append(l, ?) SET s = set_add(s, <<2>>) SET m.a = m.a + 4, u = 'new' REMOVE t "
        f"{key} RETURNING ALL NEW *",
        {"L": [{"N": "2"}]},
    )
    item = {
        "id": {"S": "c"}, "n": {"N": "1"}, "l": {"L": [{"N": "1"}, {"N": "2"}]}, "m": {"M": {"a": {"N": "5"}}},
        "u": {"S": "new"},
    }  # fmt: skip
    assert [{**each, "s": {"NS": sorted(each["s"]["NS"])}} for each in changed] == [{**item, "s": {"NS": ["1", "2"]}}]
    assert run(f"UPDATE Orders SET s = set_delete(s, <<1>>) {key} RETURNING MODIFIED NEW *") == [{"s": {"NS": ["2"]}}]
    assert run(f"DELETE FROM Orders {key} AND u = 'new' RETURNING ALL OLD *") == [{**item, "s": {"NS": ["2"]}}]
    assert run(f"SELECT * FROM Orders {key}") == []
    assert [operation for operation, _ in statements.noted if operation != "Query"] == [
        "PutItem", "UpdateItem", "UpdateItem", "DeleteItem",
    ]  # fmt: skip


def test_binary_values_are_recorded_in_base64(statements: Statements) -> None:
    statements.run("INSERT INTO Orders VALUE ?", {"M": {"id": {"S": "c"}, "n": {"N": "1"}, "raw": {"B": b"\x00"}}})

    assert statements.noted[-1][1]["Item"]["raw"] == {"B": "AA=="}


@pytest.mark.parametrize(
    ("statement", "code", "message"),
    [
        (
            "INSERT INTO Orders VALUE {'id': 'a', 'n': 1}",
            "DuplicateItemException", "Duplicate primary key exists in table",
        ),
        (
            "INSERT INTO Orders VALUE {'id': 'a'}",
            "ValidationException", "Key attribute should be present in the item: Key n",
        ),
        ("INSERT INTO Orders VALUE {'id': 'a', 'n': 'x'}", "ValidationException", "data type should match"),
        (
            "UPDATE Orders SET x = 1 WHERE id = 'none' AND n = 1",
            "ConditionalCheckFailedException", "conditional request",
        ),
        ("UPDATE Orders SET x = 1 WHERE id = 'a' AND n = 1 AND ok = false", "ConditionalCheckFailedException", ""),
        ("DELETE FROM Orders WHERE id = 'a' AND n = 1 AND ok = false", "ConditionalCheckFailedException", ""),
        ("UPDATE Orders SET x = 1 WHERE id = 'a'", "ValidationException", "mandatory equality on all key attributes"),
        (
            "DELETE FROM Orders WHERE id = 'a' AND n > 1",
            "ValidationException", "mandatory equality on all key attributes",
        ),
        ("DELETE FROM Orders", "ValidationException", "mandatory equality on all key attributes"),
        (
            "DELETE FROM Orders WHERE id = 'a' OR n = 1",
            "ValidationException", "mandatory equality on all key attributes",
        ),
        (
            "DELETE FROM Orders WHERE id = 'a' AND n = 1 AND n = 2",
            "ValidationException", "Multiple conditions on same key n",
        ),
        (
            "UPDATE Orders SET s = set_add(t, <<1>>) WHERE id = 'a' AND n = 1",
            "ValidationException", "must equal the assignment",
        ),
        ("SELECT * FROM Other", "ResourceNotFoundException", "Requested resource not found"),
        ("SELECT * FROM Orders.other", "ValidationException", "The table does not have the specified index"),
        ("SELECT * FROM Orders ORDER BY n", "ValidationException", "Must have WHERE clause"),
        (
            "SELECT * FROM Orders WHERE n = 1 ORDER BY n",
            "ValidationException", "at least one non-optional hash key condition",
        ),
        (
            "SELECT * FROM Orders WHERE id = 'a' ORDER BY state",
            "ValidationException", "must be part of the primary key",
        ),
        (
            "SELECT * FROM Orders WHERE id IN ['a', 'b'] ORDER BY n",
            "ValidationException", "Must have hash key in ORDER BY",
        ),
        ("SELECT map.city FROM Orders", "ValidationException", "does not support paths into attributes in a SELECT"),
        ("EXISTS(SELECT * FROM Orders WHERE id = 'a' AND n = 1)", "ValidationException", "EXISTS can only be used in"),
    ],
)  # fmt: skip
def test_statement_fails_with_the_aws_error(statements: Statements, statement: str, code: str, message: str) -> None:
    before = statements.dynamodb.scan(TableName="Orders")["Items"]
    fault = statements.refusal("ExecuteStatement", Statement=statement.replace("map.", '"map".'))

    assert (fault.code, message in fault.message) == (code, True), fault.message
    assert statements.dynamodb.scan(TableName="Orders")["Items"] == before


def test_delete_of_a_missing_item_succeeds(statements: Statements) -> None:
    assert statements.run("DELETE FROM Orders WHERE id = 'none' AND n = 1 AND ok = true") == []


def test_batch_statements_succeed_or_fail_independently(statements: Statements) -> None:
    writes = [
        "INSERT INTO Orders VALUE {'id': 'c', 'n': 1}", "INSERT INTO Orders VALUE {'id': 'a', 'n': 1}",
        "UPDATE Orders SET x = 1 WHERE id = 'none' AND n = 1", "not a statement", "DELETE FROM Other WHERE id = 'a'",
    ]  # fmt: skip
    written = statements.call("BatchExecuteStatement", Statements=[{"Statement": each} for each in writes])["Responses"]
    reads = ["SELECT n FROM Orders WHERE id = 'c' AND n = 1", "SELECT * FROM Orders WHERE id = 'a'"]
    read = statements.call("BatchExecuteStatement", Statements=[{"Statement": each} for each in reads])["Responses"]

    assert [each.get("Error", {}).get("Code") for each in written] == [
        None, "DuplicateItem", "ConditionalCheckFailed", "ValidationError", "ResourceNotFound",
    ]  # fmt: skip
    assert read[0] == {"TableName": "Orders", "Item": {"n": {"N": "1"}}}
    assert "must specify the primary key in the where clause" in read[1]["Error"]["Message"]


def test_transaction_is_atomic(statements: Statements) -> None:
    def transact(*texts: str) -> dict[str, Any]:
        return statements.call("ExecuteTransaction", TransactStatements=[{"Statement": each} for each in texts])

    check = "EXISTS(SELECT * FROM Orders WHERE id = 'a' AND n = 1 AND ok = true)"
    insert = "INSERT INTO Orders VALUE {'id': 'c', 'n': 1}"
    assert transact(insert, "UPDATE Orders SET x = 1 WHERE id = 'b' AND n = 3", check)["Responses"] == []
    assert statements.run("SELECT x FROM Orders WHERE id = 'b' AND n = 3") == [{"x": {"N": "1"}}]
    with pytest.raises(Fault) as raised:
        transact(insert, "DELETE FROM Orders WHERE id = 'b' AND n = 3")
    reasons = raised.value.members["CancellationReasons"]
    assert [each["Code"] for each in reasons] == ["DuplicateItem", "None"]
    assert raised.value.message.endswith("[DuplicateItem, None]")
    assert len(statements.run("SELECT x FROM Orders WHERE id = 'b' AND n = 3")) == 1
    read = transact("SELECT * FROM Orders WHERE id = 'a' AND n = 2", "SELECT * FROM Orders WHERE id = 'none' AND n = 1")
    assert read["Responses"] == [{"Item": ITEMS[1]}, {}]
    for texts in ([insert, "SELECT * FROM Orders WHERE id = 'a' AND n = 1"], ["SELECT * FROM Orders WHERE id = 'a'"]):
        with pytest.raises(Fault):
            transact(*texts)


VALUES = st.sampled_from(
    [{"N": "1"}, {"N": "2"}, {"S": "a"}, {"S": ""}, {"BOOL": True}, {"NULL": True}, {"B": b"\x00"}]
)


def _condition(name: str, values: Sequence[Mapping[str, Any]], kind: str) -> str:
    return {
        "not": f"NOT {name} = ?", "in": f"{name} IN [?, ?]",
        "between": f"{name} BETWEEN ? AND ?", "missing": f"{name} IS MISSING",
    }[kind]  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_statement_and_filter_select_the_same_items(statements: Statements, data: st.DataObject) -> None:
    """A PartiQL statement with parameters selects the same items as a scan with an equivalent filter expression."""
    item = data.draw(st.dictionaries(st.sampled_from(["x", "y"]), VALUES))
    statements.dynamodb.put_item(TableName="Orders", Item={"id": {"S": "h"}, "n": {"N": "1"}, **item})
    name = data.draw(st.sampled_from(["x", "y"]))
    kind, places, native = data.draw(
        st.sampled_from(
            [
                ("not", 1, "NOT #n = :a"), ("in", 2, "#n IN (:a, :b)"),
                ("missing", 0, "attribute_not_exists(#n)"),
            ]
        )
    )  # fmt: skip
    values: list[Any] = [data.draw(VALUES) for _ in range(places)]
    bound = dict(zip((":a", ":b"), values, strict=False))
    request = {"ExpressionAttributeValues": {**bound, ":h": {"S": "h"}}}
    expected = statements.dynamodb.scan(
        TableName="Orders", FilterExpression=f"id = :h AND {native}", ExpressionAttributeNames={"#n": name}, **request
    )["Items"]

    assert (
        statements.run(f"SELECT * FROM Orders WHERE id='h' AND {_condition(name, values, kind)}", *values) == expected
    )


def test_capacity_of_several_partitions_is_added(statements: Statements) -> None:
    consumed = statements.call(
        "ExecuteStatement", Statement="SELECT * FROM Orders WHERE id IN ['a', 'b']", ReturnConsumedCapacity="INDEXES"
    )["ConsumedCapacity"]
    assert consumed == {"TableName": "Orders", "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}}


def test_select_finds_the_item_of_a_table_without_a_sort_key(statements: Statements) -> None:
    statements.dynamodb.create_table(
        TableName="Customers", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    statements.run("INSERT INTO Customers VALUE {'id': 'c', 'n': 1}")
    assert statements.run("SELECT n FROM Customers WHERE id = 'c'") == [{"n": {"N": "1"}}]
