"""Amazon DynamoDB: keys that are not the table's, and updates of nothing.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Iterator
from typing import Any

from moto.dynamodb.exceptions import ProvidedKeyDoesNotExist, TransactionCanceledException
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.responses import DynamoHandler

_NO_KEY = ProvidedKeyDoesNotExist.provided_key_does_not_exist_msg


def apply() -> None:
    """Put moto right, once for the process."""
    if not hasattr(DynamoHandler.get_item, "__repaired__"):
        for name in ("get_item", "update_item", "delete_item", "batch_get_item", "batch_write_item"):
            setattr(DynamoHandler, name, _keyed(getattr(DynamoHandler, name)))
        for name in ("transact_get_items", "transact_write_items"):
            setattr(DynamoHandler, name, _cancelled(getattr(DynamoHandler, name)))
        DynamoHandler.update_item = _updating_nothing(DynamoHandler.update_item)  # type: ignore[method-assign]
        DynamoType.to_regular_json = _with_binary_sets(DynamoType.to_regular_json)  # type: ignore[method-assign]
        DynamoHandler.get_item.__repaired__ = True  # type: ignore[attr-defined]


def _with_binary_sets(regular: Callable[..., Any]) -> Callable[..., Any]:
    """Decode binary sets, as moto does binary values: without it no item with one can be projected."""

    @functools.wraps(regular)
    def with_sets(self: DynamoType) -> Any:
        if self.type == "BS":
            return {"BS": [base64.b64decode(each) if isinstance(each, str) else each for each in self.value]}
        return regular(self)

    return with_sets


def _keyed(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a key whose names or types are not the table's, for which moto finds or makes an item."""

    @functools.wraps(answer)
    def answering(self: DynamoHandler) -> Any:
        if not all(_is_key(self.dynamodb_backend.get_table(table), key) for table, key in _keys(self.body)):
            raise ProvidedKeyDoesNotExist
        return answer(self)

    return answering


def _is_key(table: Any, key: dict[str, dict[str, Any]]) -> bool:
    types = {each["AttributeName"]: [each["AttributeType"]] for each in table.attr}
    return {name: list(value) for name, value in key.items()} == {name: types[name] for name in table.table_key_attrs}


def _keys(request: dict[str, Any]) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    if "Key" in request:
        yield request["TableName"], request["Key"]
    for table, asked in request.get("RequestItems", {}).items():
        if isinstance(asked, dict):
            yield from ((table, key) for key in asked["Keys"])
        else:
            yield from ((table, one["DeleteRequest"]["Key"]) for one in asked if "DeleteRequest" in one)


def _cancelled(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Cancel a transaction with a key that is not the table's, and say which one it is."""

    @functools.wraps(answer)
    def answering(self: DynamoHandler) -> Any:
        reasons = [
            (None, None, None) if _has_key(self, action) else ("ValidationError", _NO_KEY, None)
            for entry in self.body["TransactItems"]
            for action in entry.values()
        ]
        if any(code for code, _, _ in reasons):
            raise TransactionCanceledException(reasons)
        return answer(self)

    return answering


def _has_key(handler: DynamoHandler, action: dict[str, Any]) -> bool:
    table = handler.dynamodb_backend.get_table(action["TableName"])
    key = action.get("Key")
    if key is None:
        key = {name: value for name, value in action["Item"].items() if name in table.table_key_attrs}
    return _is_key(table, key)


def _updating_nothing(update: Callable[..., Any]) -> Callable[..., Any]:
    """Let `UpdateItem` say nothing to update, which makes an item of its key alone: moto fails once it has made it."""

    @functools.wraps(update)
    def updating(self: DynamoHandler) -> Any:
        if "UpdateExpression" not in self.body:
            self.body.setdefault("AttributeUpdates", {})
        return update(self)

    return updating
