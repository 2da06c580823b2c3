"""Tests that compare the data plane with the moto handlers that behave like AWS."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from moto.dynamodb.models import dynamodb_backends

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_backend import ACCOUNT, Backend
from local_lakehouse.protocol.faults import Answer
from local_lakehouse.protocol.request import Request

pytestmark = pytest.mark.once

_NAMES = ("a", "b", "c")
_NUMBERS = st.integers(-3, 12).map(lambda number: {"N": str(number)})
_TEXTS = st.sampled_from(["", "x", "xy", "y", "é"]).map(lambda text: {"S": text})
_FLAT = st.one_of(
    _NUMBERS, _TEXTS, st.booleans().map(lambda each: {"BOOL": each}), st.just({"NULL": True}),
    st.sets(st.sampled_from(["x", "y", "z"]), min_size=1).map(lambda each: {"SS": sorted(each)}),
    st.sets(st.integers(0, 3), min_size=1).map(lambda each: {"NS": [str(number) for number in sorted(each)]}),
)  # fmt: skip
_VALUES = st.one_of(
    _FLAT,
    st.lists(_FLAT, max_size=3).map(lambda each: {"L": each}),
    st.dictionaries(st.sampled_from(_NAMES), _FLAT, max_size=2).map(lambda each: {"M": each}),
)
_ITEMS = st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=3)
_PATHS = st.sampled_from(["a", "b", "c", "a.a", "b[0]", "c.b"])
_OPERATORS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


@st.composite
def _tests(draw: st.DrawFn, depth: int = 2) -> tuple[str, dict[str, Any]]:
    """Draw a condition and its values. The names of the values contain a random number, so that they are unique."""
    name = f":v{draw(st.integers(0, 10**6))}"
    kind = draw(st.sampled_from(["compare", "exists", "type", "contains", "begins", "size"] + ["logic"] * (depth > 0)))
    path = draw(_PATHS)
    if kind == "logic":
        (one, first), (other, second) = draw(_tests(depth - 1)), draw(_tests(depth - 1))
        joined = draw(st.sampled_from([f"({one}) AND ({other})", f"({one}) OR NOT ({other})"]))
        return joined, {**first, **second}
    if kind == "exists":
        return f"{draw(st.sampled_from(['attribute_exists', 'attribute_not_exists']))}({path})", {}
    if kind == "type":
        return f"attribute_type({path}, {name})", {
            name: {"S": draw(st.sampled_from(["S", "N", "L", "M", "SS", "NULL"]))}
        }
    if kind == "contains":
        return f"contains({path}, {name})", {name: draw(_TEXTS)}
    if kind == "begins":
        return f"begins_with({path}, {name})", {name: draw(_TEXTS)}
    if kind == "size":
        # Moto rejects the request if it evaluates the size of a value that has no size, such as a number.
        values = {name: draw(_NUMBERS), f"{name}t": {"S": draw(st.sampled_from(["S", "L", "M", "SS"]))}}
        return f"attribute_type({path}, {name}t) AND size({path}) {draw(_OPERATORS)} {name}", values
    operator = draw(_OPERATORS)
    # In moto, a missing value equals NULL.
    same = _FLAT.filter(lambda value: "NULL" not in value)
    return f"{path} {operator} {name}", {name: draw(same if operator in ("=", "<>") else st.one_of(_NUMBERS, _TEXTS))}


@st.composite
def _updates(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    left = list(_NAMES)
    sections: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for position in range(draw(st.integers(1, 3))):
        attribute = left.pop(draw(st.integers(0, len(left) - 1)))
        name = f":u{position}"
        section = draw(st.sampled_from(["SET", "REMOVE", "ADD", "DELETE"]))
        if section == "REMOVE":
            sections.setdefault(section, []).append(attribute)
            continue
        if section == "SET":
            form = draw(st.sampled_from(["{}", "{p} + {}", "if_not_exists({p}, {})", "list_append({p}, {})"]))
            values[name] = draw(
                {"{p} + {}": _NUMBERS, "list_append({p}, {})": st.just({"L": [{"S": "e"}]})}.get(form, _VALUES)
            )
            sections.setdefault(section, []).append(f"{attribute} = {form.format(name, p=attribute)}")
        else:
            members = st.sets(st.sampled_from(["x", "w"]), min_size=1).map(lambda each: {"SS": sorted(each)})
            values[name] = draw(members if section == "DELETE" else st.one_of(_NUMBERS, members))
            sections.setdefault(section, []).append(f"{attribute} {name}")
    return " ".join(f"{section} {', '.join(actions)}" for section, actions in sections.items()), values


@pytest.fixture(scope="module")
def routes() -> Any:
    """Provide clients of the data plane and of moto, each with a separate table in one lakehouse."""
    backend = Backend("us-east-1")

    def by_moto(request: Request) -> Answer:
        from local_lakehouse.backend import dispatch

        table = dynamodb_backends[ACCOUNT]["us-east-1"].tables["table1"]
        before = copy.deepcopy(table.items)
        answer = dispatch.serve(request, ACCOUNT)
        if answer.status != 200:
            # Moto executes part of a request before it rejects the request.
            table.items = before
        return answer

    clients = [
        backend.clients.client("dynamodb"),
        ServiceClients(by_moto, backend.documents, ACCOUNT, "us-east-1").client("dynamodb"),
    ]
    for position in range(2):
        backend.clients.client("dynamodb").create_table(
            TableName=f"table{position}", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "h", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"}
            ],
        )  # fmt: skip
    # The second client uses unmodified moto, whose table is never saved, because no transaction includes the table.
    dynamodb_backends[ACCOUNT]["us-east-1"].tables["table1"].items = defaultdict(dict)
    yield clients
    backend.close()


def _both(routes: Any, operation: str, **arguments: Any) -> None:
    """Send a request to both implementations, and check that the responses and the stored items are equal."""
    answers = []
    for position, client in enumerate(routes):
        try:
            answer = getattr(client, operation)(TableName=f"table{position}", **arguments)
            answers.append({name: answer.get(name) for name in ("Attributes", "Item", "Items", "Count")})
        except ClientError as error:
            answers.append({"refused": error.response["Error"]["Code"]})
        except (TypeError, ValueError, AttributeError, KeyError, NotImplementedError):
            # Moto fails if an operand has an unexpected type.
            assert position == 1, (operation, arguments)
            reject()
    assert _sorted(answers[0]) == _sorted(answers[1]), (operation, arguments)
    stored = [client.scan(TableName=f"table{position}")["Items"] for position, client in enumerate(routes)]
    assert _sorted(stored[0]) == _sorted(stored[1]), (operation, arguments)


def _sorted(value: Any) -> Any:
    """Sort sets, whose order is not guaranteed."""
    if isinstance(value, dict):
        return {
            name: sorted(member) if name in ("SS", "NS") and isinstance(member, list) else _sorted(member)
            for name, member in value.items()
        }
    return [_sorted(each) for each in value] if isinstance(value, list) else value


_RANGES = st.integers(0, 2).map(lambda number: {"N": str(number)})


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {"ExpressionAttributeValues": values} if values else {}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_data_plane_and_moto_agree(routes: Any, data: st.DataObject) -> None:
    for number in range(3):
        key = {"h": {"S": "x"}, "r": {"N": str(number)}}
        for position, client in enumerate(routes):
            client.delete_item(TableName=f"table{position}", Key=key)
    for _ in range(4):
        key = {"h": {"S": "x"}, "r": data.draw(_RANGES)}
        kind = data.draw(st.sampled_from(["put", "put", "put", "delete", "update", "update", "filter", "query"]))
        condition, values = data.draw(_tests())
        conditional = {"ConditionExpression": condition, **_given(values)} if data.draw(st.booleans()) else {}
        if kind == "put":
            _both(routes, "put_item", Item={**data.draw(_ITEMS), **key}, ReturnValues="ALL_OLD", **conditional)
        elif kind == "delete":
            _both(routes, "delete_item", Key=key, ReturnValues="ALL_OLD", **conditional)
        elif kind == "update":
            expression, further = data.draw(_updates())
            stored = routes[0].get_item(TableName="table0", Key=key)
            if "Item" not in stored and "SET" not in expression and "ADD" not in expression:
                # Unlike AWS, moto creates the item.
                continue
            if conditional:
                further = {**further, **values}
            conditional.pop("ExpressionAttributeValues", None)
            _both(
                routes, "update_item", Key=key, UpdateExpression=expression, ReturnValues="ALL_NEW", **conditional,
                **_given(further),
            )  # fmt: skip
        elif kind == "filter":
            _both(routes, "scan", FilterExpression=condition, **_given(values))
        else:
            bound = data.draw(_RANGES)
            operator = data.draw(st.sampled_from(["=", "<", "<=", ">", ">="]))
            _both(
                routes, "query", KeyConditionExpression=f"h = :h AND r {operator} :r", FilterExpression=condition,
                ScanIndexForward=data.draw(st.booleans()), **_given({**values, ":h": {"S": "x"}, ":r": bound}),
            )  # fmt: skip


def test_clients_use_different_implementations(routes: Any) -> None:
    """The two clients use different implementations: only the data plane normalizes numbers."""
    item = {"h": {"S": "y"}, "r": {"N": "1"}, "n": {"N": "1.50"}}
    found = []
    for position, client in enumerate(routes):
        client.put_item(TableName=f"table{position}", Item=item)
        found.append(client.get_item(TableName=f"table{position}", Key={"h": item["h"], "r": item["r"]})["Item"]["n"])
        client.delete_item(TableName=f"table{position}", Key={"h": item["h"], "r": item["r"]})
    assert json.dumps(found) == '[{"N": "1.5"}, {"N": "1.50"}]'
