"""The write operations, which write one row per item.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_lakehouse.dynamodb import documents, legacy, updates
from local_lakehouse.dynamodb.capacity import Meter, choice
from local_lakehouse.dynamodb.conditions import Test
from local_lakehouse.dynamodb.names import Names
from local_lakehouse.dynamodb.reads import FindTable, condition_of, document, require_tables
from local_lakehouse.dynamodb.tables import Table
from local_lakehouse.dynamodb.updates import Update
from local_lakehouse.dynamodb.values import (
    LARGEST_ITEM,
    Item,
    Unfit,
    accept_item,
    invalid,
    text_of,
)
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.store.items import Items, Row

_RETURN_VALUES = ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
_MOST_WRITES = 25
_MISSING: Item = {}


@dataclass(frozen=True)
class Write:
    """A write that has been validated as far as possible without reading the item.

    Args:
        table: The table.
        names: The item's key attributes.
        key: The stored form of the key.
        test: The condition on the item, or None for an unconditional write.
        become: A function that returns the new item and its size. The item is None if the write deletes it.
        shows_failed: Whether an error response includes the item that fails the condition.
        update: The update, or None for a put or delete.
    """

    table: Table
    names: Mapping[str, Any]
    key: bytes
    test: Test | None
    become: Callable[[Item | None], tuple[Item | None, int]]
    shows_failed: bool = False
    update: Update | None = None


@dataclass(frozen=True)
class Written:
    """The item before and after a write."""

    old: Item | None
    new: Item | None


def put(table: Table, item: Any, request: Mapping[str, Any]) -> Write:
    """Validate a put, and return it as a write.

    Raises:
        Fault: The item or the request is not valid (``ValidationException``).
    """
    new, size = accept_item(item)
    key = table.key_bytes(new)
    table.check_index_keys(new)
    table.check_index_key_lengths(new, size)
    if size > LARGEST_ITEM:
        raise invalid("Item size has exceeded the maximum allowed size")
    test = _condition(request)
    return Write(table, table.key_in(new), key, test, lambda _: (new, size), _shows_failed(request))


def delete(table: Table, request: Mapping[str, Any]) -> Write:
    """Validate a delete, and return it as a write.

    Raises:
        Fault: The key or the request is not valid (``ValidationException``).
    """
    test = _condition(request)
    given, key = table.key(request["Key"])
    return Write(table, given, key, test, lambda _: (None, 0), _shows_failed(request))


def update(table: Table, request: Mapping[str, Any]) -> Write:
    """Validate an update, and return it as a write.

    Raises:
        Fault: The key or the request is not valid (``ValidationException``).
    """
    names = Names(request, ("UpdateExpression", "ConditionExpression"))
    test = condition_of(request, "ConditionExpression", legacy.expected(request), names)
    text = request.get("UpdateExpression")
    if text is None:
        actions = legacy.attribute_updates(request)
        change = names.read("AttributeUpdates", "", lambda _: updates.compiled(actions, names))
    else:
        change = names.read("UpdateExpression", text, lambda read: updates.update(read, names))
    names.require_use()
    given, key = table.key(request["Key"])
    for path in change.paths:
        if path[0] in table.names:
            raise invalid(
                "One or more parameter values were invalid: "
                f"Cannot update attribute {path[0]}. This attribute is part of the key"
            )

    def become(old: Item | None) -> tuple[Item | None, int]:
        if old is None and not change.creates_item:
            return None, 0
        new, size = accept_item(change.applied(given if old is None else old))
        table.check_updated_index_keys(new)
        table.check_index_key_lengths(new, size)
        if size > LARGEST_ITEM:
            raise Unfit("Item size to update has exceeded the maximum allowed size")
        return new, size

    return Write(table, given, key, test, become, _shows_failed(request), change)


def _condition(request: Mapping[str, Any]) -> Test | None:
    if not request:
        # The puts in a batch have no condition.
        return None
    names = Names(request, ("ConditionExpression",))
    test = condition_of(request, "ConditionExpression", legacy.expected(request), names)
    names.require_use()
    return test


def _shows_failed(request: Mapping[str, Any]) -> bool:
    return choice(request, "ReturnValuesOnConditionCheckFailure", ("ALL_OLD", "NONE"), "NONE") == "ALL_OLD"


class Writes:
    """The write operations. Each operation runs in one transaction.

    Args:
        items: The item store.
        table: A function that returns a table by its name or ARN.
    """

    def __init__(self, items: Items, table: FindTable) -> None:
        self._items = items
        self._table = table

    def put_item(self, request: Mapping[str, Any]) -> str:
        """Put an item, and replace any item with the same key."""
        returned = _returned(request, ("ALL_OLD", "NONE"))
        legacy.require_one_way(request)
        return self._one(request, put(self._table(request["TableName"]), request["Item"], request), returned)

    def delete_item(self, request: Mapping[str, Any]) -> str:
        """Delete an item."""
        returned = _returned(request, ("ALL_OLD", "NONE"))
        legacy.require_one_way(request)
        return self._one(request, delete(self._table(request["TableName"]), request), returned)

    def update_item(self, request: Mapping[str, Any]) -> str:
        """Update or create an item."""
        returned = _returned(request, _RETURN_VALUES)
        legacy.require_one_way(request)
        return self._one(request, update(self._table(request["TableName"]), request), returned)

    def batch_write_item(self, request: Mapping[str, Any]) -> str:
        """Put and delete up to 25 items."""
        meter = Meter(request)
        metrics = wants_metrics(request)
        asked = request["RequestItems"]
        require_tables(asked)
        for name, each in asked.items():
            if not 1 <= len(each) <= _MOST_WRITES:
                raise invalid(
                    f"1 validation error detected: Value '{{{name}=[{_shown(each)}]}}' at 'requestItems' failed to "
                    "satisfy constraint: Map value must satisfy constraint: [Member must have length less than or "
                    f"equal to {_MOST_WRITES}, Member must have length greater than or equal to 1]"
                )
        entries = [(name, entry) for name, each in asked.items() for entry in each]
        if len(entries) > _MOST_WRITES:
            raise invalid("Too many items requested for the BatchWriteItem call")
        table = functools.cache(self._table)
        writes = [_batched(table(name), entry) for name, entry in entries]
        if len({(write.table.name, write.key) for write in writes}) < len(writes):
            raise invalid("Provided list of item keys contains duplicates")
        with self._items.database.transaction():
            for write, written in zip(writes, self.carry_out_all(writes), strict=True):
                meter.write(write.table, written.old, written.new)
        return document(
            UnprocessedItems="{}",
            ItemCollectionMetrics=batch_metrics(writes) if metrics else None,
            ConsumedCapacity=meter.all(),
        )

    def carry_out(self, write: Write) -> Written:
        """Execute a write inside a transaction.

        Raises:
            Fault: The condition is not met (``ConditionalCheckFailedException``), or an update cannot be applied to the
                item (``ValidationException``).
        """
        return self.carry_out_all([write])[0]

    def carry_out_all(self, writes: Sequence[Write]) -> list[Written]:
        """Execute writes to different items inside a transaction, and update the totals of each table once.

        Raises:
            Fault: As for `carry_out`.
        """
        written = []
        changes: dict[int, list[tuple[bytes, Row | None, str | None, int]]] = {}
        for write in writes:
            row, old = self.present(write)
            self.require(write, old)
            new, size = write.become(old)
            if new is not None or row is not None:
                body = None if new is None else text_of(new)
                changes.setdefault(write.table.collection, []).append((write.key, row, body, size))
            written.append(Written(old, new))
        for collection, each in changes.items():
            self._items.replace(collection, each)
        return written

    def present(self, write: Write) -> tuple[Row | None, Item | None]:
        """Return the row and the item that a write would change. Both are None if the item does not exist."""
        row = self._items.get(write.table.collection, write.key)
        return row, None if row is None else json.loads(row.body)

    @staticmethod
    def require(write: Write, old: Item | None) -> None:
        """Check the condition of a write.

        Raises:
            Fault: ``ConditionalCheckFailedException``.
        """
        if write.test is not None and not write.test(_MISSING if old is None else old):
            shown: dict[str, Any] = {"Item": old} if write.shows_failed and old is not None else {}
            raise Fault("ConditionalCheckFailedException", "The conditional request failed", **shown)

    def _one(self, request: Mapping[str, Any], write: Write, returned: str) -> str:
        meter = Meter(request)
        metrics = wants_metrics(request) and write.table.has_local_indexes
        with self._items.database.transaction():
            written = self.carry_out(write)
        meter.write(write.table, written.old, written.new)
        attributes = _attributes(write, written, returned)
        return document(
            Attributes=text_of(attributes) if attributes else None,
            ItemCollectionMetrics=json.dumps(_metrics(write)) if metrics else None,
            ConsumedCapacity=meter.only(),
        )


def batch_metrics(writes: Sequence[Write]) -> str | None:
    """Return the metrics of the item collections that writes change as JSON, or None without local indexes."""
    found: dict[str, list[dict[str, Any]]] = {}
    for write in writes:
        if write.table.has_local_indexes and _metrics(write) not in found.setdefault(write.table.name, []):
            found[write.table.name].append(_metrics(write))
    return json.dumps(found) if found else None


def _shown(entries: Sequence[Any]) -> str:
    return f"{len(entries)} requests" if entries else ""


def _batched(table: Table, entry: Mapping[str, Any]) -> Write:
    kinds = [kind for kind in ("PutRequest", "DeleteRequest") if entry.get(kind) is not None]
    if len(kinds) != 1:
        raise invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
            "datatypes"
            if kinds
            else "Supplied WriteRequest is empty, must contain exactly one of PutRequest and DeleteRequest"
        )
    if kinds == ["PutRequest"]:
        return put(table, entry["PutRequest"]["Item"], {})
    return delete(table, entry["DeleteRequest"])


def wants_metrics(request: Mapping[str, Any]) -> bool:
    """Return whether a request asks for the metrics of item collections.

    Raises:
        Fault: The value is not allowed (``ValidationException``).
    """
    return choice(request, "ReturnItemCollectionMetrics", ("SIZE", "NONE"), "NONE") == "SIZE"


def _metrics(write: Write) -> dict[str, Any]:
    name = write.table.names[0]
    return {"ItemCollectionKey": {name: write.names[name]}, "SizeEstimateRangeGB": [0.0, 1.0]}


def _returned(request: Mapping[str, Any], allowed: tuple[str, ...]) -> str:
    returned = choice(request, "ReturnValues", _RETURN_VALUES, "NONE")
    if returned not in allowed:
        raise invalid("ReturnValues can only be ALL_OLD or NONE")
    return returned


def _attributes(write: Write, written: Written, returned: str) -> Mapping[str, Any] | None:
    if returned == "NONE":
        return None
    item = written.old if returned.endswith("OLD") else written.new
    if item is None or returned.startswith("ALL") or write.update is None:
        return item
    return documents.projected(item, write.update.paths)
