"""The PartiQL operations of Amazon DynamoDB.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.partiql.requests import Request, Table, get, read, write
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.partiql import Exists, Insert, Select, Statement, parse
from local_lakehouse.protocol.partiql.values import invalid
from local_lakehouse.protocol.wire import Caller

_DUPLICATE = "Duplicate primary key exists in table"
_REQUESTED = ("ReturnConsumedCapacity", "ReturnValuesOnConditionCheckFailure")
_ACTIONS = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete", "ConditionCheck": "ConditionCheck"}
# The error codes in the response to a batch, keyed by the corresponding codes of DynamoDB's other operations.
_BATCH_CODES = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed", "ResourceNotFoundException": "ResourceNotFound",
    "ValidationException": "ValidationError", "DuplicateItemException": "DuplicateItem",
    "TransactionConflictException": "TransactionConflict",
    "ItemCollectionSizeLimitExceededException": "ItemCollectionSizeLimitExceeded",
}  # fmt: skip

Observer = Callable[[str, Mapping[str, Any]], None]


class PartiqlService:
    """The operations ``ExecuteStatement``, ``BatchExecuteStatement`` and ``ExecuteTransaction``.

    Args:
        clients: The AWS clients for the lakehouse.
        observers: The functions to call after each DynamoDB request that a statement sends.
    """

    name = "dynamodb"
    operations = frozenset({"BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction"})

    def __init__(self, clients: ServiceClients, observers: Sequence[Observer] = ()) -> None:
        self._clients = clients
        self._observers = observers

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Execute one validated request and return its result.

        Raises:
            Fault: An error that the service's model defines.
        """
        with self._clients.lock:
            if operation == "ExecuteStatement":
                return self._execute(request)
            return self._batch(request) if operation == "BatchExecuteStatement" else self._transact(request)

    def _execute(self, request: dict[str, Any]) -> dict[str, Any]:
        statement = parse(request["Statement"], request.get("Parameters", ()))
        if isinstance(statement, Exists):
            raise invalid("EXISTS can only be used in ExecuteTransaction write requests.")
        table = self._table(statement)
        if isinstance(statement, Select):
            return self._select(request, read(statement, table))
        answer = self._write(statement, write(statement, table), request)
        items = [answer["Attributes"]] if "Attributes" in answer else []
        return {"Items": items, **_capacity(answer)}

    def _select(self, request: dict[str, Any], pages: Sequence[Request]) -> dict[str, Any]:
        """Read pages until a result is truncated or the limit is reached."""
        asked = _digest(request)
        at, start = _position(request["NextToken"], asked, len(pages)) if "NextToken" in request else (0, None)
        limit = request.get("Limit")
        answer: dict[str, Any] = {"Items": []}
        units: list[Mapping[str, Any]] = []
        while at < len(pages):
            members = {**pages[at].members, "ConsistentRead": request.get("ConsistentRead", False)}
            if start is not None:
                members["ExclusiveStartKey"] = start
            if limit is not None:
                members["Limit"] = limit
            found = self._send(Request(pages[at].operation, members), request)
            answer["Items"] += found["Items"]
            units += [found["ConsumedCapacity"]] if "ConsumedCapacity" in found else []
            start = found.get("LastEvaluatedKey")
            if limit is not None:
                limit -= found["ScannedCount"]
            if start is None:
                at += 1
            if at < len(pages) and (start is not None or limit == 0):
                answer["NextToken"] = _token(at, start, asked)
                if start is not None:
                    answer["LastEvaluatedKey"] = start
                break
        if units:
            answer["ConsumedCapacity"] = functools.reduce(_added, units)
        return answer

    def _batch(self, request: dict[str, Any]) -> dict[str, Any]:
        responses: list[dict[str, Any]] = []
        capacity: list[Any] = []
        parsed = [_parsed(each) for each in request["Statements"]]
        if len({isinstance(each, Select) for each in parsed if not isinstance(each, Fault)}) > 1:
            raise invalid("The statements in a batch must be either all reads or all writes.")
        for statement, each in zip(parsed, request["Statements"], strict=True):
            answer: dict[str, Any] = {} if isinstance(statement, Fault) else {"TableName": statement.table}
            try:
                if isinstance(statement, Fault):
                    raise statement
                found = self._of_batch(statement, {**request, **each})
            except Fault as fault:
                code = _BATCH_CODES.get(fault.code, fault.code)
                responses.append({"Error": {"Code": code, "Message": fault.message, **_item(fault.members)}, **answer})
                continue
            responses.append({**answer, **_item(found)})
            capacity += [found["ConsumedCapacity"]] if "ConsumedCapacity" in found else []
        return {"Responses": responses, **({"ConsumedCapacity": capacity} if capacity else {})}

    def _of_batch(self, statement: Statement, request: dict[str, Any]) -> dict[str, Any]:
        if isinstance(statement, Exists):
            raise invalid("EXISTS can only be used in ExecuteTransaction write requests.")
        table = self._table(statement)
        if isinstance(statement, Select):
            reading = get(statement, table, "BatchExecuteStatement")
            consistent = request.get("ConsistentRead", False)
            return self._send(Request("GetItem", {**reading.members, "ConsistentRead": consistent}), request)
        answer = self._write(statement, write(statement, table), request)
        return {**answer, **({"Item": answer["Attributes"]} if "Attributes" in answer else {})}

    def _transact(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = request["TransactStatements"]
        statements = [parse(each["Statement"], each.get("Parameters", ())) for each in asked]
        reading = [isinstance(each, Select) for each in statements]
        if any(reading) and not all(reading):
            raise invalid("A transaction must contain either only reads or only writes.")
        if all(reading):
            return self._transact_reads(statements, request)
        items = []
        for statement, each in zip(statements, asked, strict=True):
            if getattr(statement, "returning", None) is not None:
                raise invalid("RETURNING is not supported in transactions.")
            found = write(statement, self._table(statement))
            members = {**found.members, **_given(each, "ReturnValuesOnConditionCheckFailure")}
            items.append({_ACTIONS[found.operation]: members})
        members = {"TransactItems": items, **_given(request, "ReturnConsumedCapacity", "ClientRequestToken")}
        try:
            answer = self._send(Request("TransactWriteItems", members), {})
        except Fault as fault:
            raise _with_duplicates(fault, statements) from fault
        return {"Responses": [], **_capacity(answer)}

    def _transact_reads(self, statements: Sequence[Statement], request: dict[str, Any]) -> dict[str, Any]:
        items = [
            {"Get": get(each, self._table(each), "ExecuteTransaction").members}
            for each in statements
            if isinstance(each, Select)
        ]
        members = {"TransactItems": items, **_given(request, "ReturnConsumedCapacity")}
        answer = self._send(Request("TransactGetItems", members), {})
        return {"Responses": answer["Responses"], **_capacity(answer)}

    def _write(self, statement: Statement, writing: Request, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._send(writing, request)
        except Fault as fault:
            if isinstance(statement, Insert) and fault.code == "ConditionalCheckFailedException":
                raise Fault("DuplicateItemException", _DUPLICATE) from fault
            raise

    def _table(self, statement: Statement) -> Table:
        try:
            described = self._clients.client("dynamodb").describe_table(TableName=statement.table)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise Fault("ResourceNotFoundException", "Requested resource not found") from error
            raise _fault(error) from error
        return Table.described(statement.table, described)

    def _send(self, request: Request, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Execute a request after copying the members that it shares with the PartiQL request."""
        passed = _REQUESTED if request.operation in ("PutItem", "UpdateItem", "DeleteItem") else _REQUESTED[:1]
        members = {**request.members, **_given(asked, *passed)}
        try:
            answer: dict[str, Any] = getattr(self._clients.client("dynamodb"), xform_name(request.operation))(**members)
        except ClientError as error:
            raise _fault(error) from error
        for observe in self._observers:
            observe(request.operation, _as_json(members))
        return answer


def _parsed(each: Mapping[str, Any]) -> Statement | Fault:
    try:
        return parse(each["Statement"], each.get("Parameters", ()))
    except Fault as fault:
        return fault


def _fault(error: ClientError) -> Fault:
    found = error.response["Error"]
    more = {name: error.response[name] for name in ("CancellationReasons", "Item") if name in error.response}
    return Fault(found["Code"], found["Message"], **_as_json(more))


def _with_duplicates(fault: Fault, statements: Sequence[Statement]) -> Fault:
    """Return a transaction's error, with the message for duplicates if an inserted item already exists."""
    reasons = fault.members.get("CancellationReasons")
    if reasons is None:
        return fault
    told = [
        {**reason, "Code": "DuplicateItem", "Message": _DUPLICATE}
        if isinstance(statement, Insert) and reason.get("Code") == "ConditionalCheckFailed"
        else reason
        for statement, reason in zip(statements, reasons, strict=True)
    ]
    codes = ", ".join(reason.get("Code", "None") for reason in told)
    message = f"{fault.message.partition('[')[0]}[{codes}]"
    return Fault(fault.code, message, **{**fault.members, "CancellationReasons": told})


def _given(request: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: request[name] for name in names if name in request}


def _capacity(answer: Mapping[str, Any]) -> dict[str, Any]:
    return _given(answer, "ConsumedCapacity")


def _added(one: Any, other: Any) -> Any:
    """Add the capacity units in two descriptions of consumed capacity, including those of the table and indexes."""
    if isinstance(one, Mapping):
        return {name: _added(one[name], other[name]) if name in other else one[name] for name in one}
    return one if isinstance(one, str) else one + other


def _item(answer: Mapping[str, Any]) -> dict[str, Any]:
    return _given(answer, "Item")


def _as_json(value: Any) -> Any:
    """Convert binary values, which boto3 represents as bytes, to base64 text for JSON."""
    if isinstance(value, Mapping):
        return {name: _as_json(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes | bytearray) else value


def _digest(request: Mapping[str, Any]) -> str:
    asked = json.dumps([request["Statement"], _as_json(request.get("Parameters", []))], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _token(at: int, start: Mapping[str, Any] | None, asked: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([at, _as_json(start), asked]).encode()).decode()


def _position(token: str, asked: str, pages: int) -> tuple[int, dict[str, Any] | None]:
    """Return the page and the start key in a token.

    Raises:
        Fault: The token is invalid, or belongs to a different statement (``ValidationException``).
    """
    try:
        at, start, of = json.loads(base64.urlsafe_b64decode(token))
        key = {} if start is None else {name: _typed(value) for name, value in start.items()}
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise invalid("Invalid NextToken") from None
    if of != asked:
        raise invalid("NextToken does not match request")
    if not isinstance(at, int) or not 0 <= at < pages:
        raise invalid("Invalid NextToken")
    return at, key or None


def _typed(value: Mapping[str, str]) -> dict[str, Any]:
    ((tag, content),) = value.items()
    return {tag: base64.b64decode(content) if tag == "B" else content}
