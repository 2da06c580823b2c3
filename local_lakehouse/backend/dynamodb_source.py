"""The items of moto's DynamoDB tables: the one place that knows how moto keeps them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.dynamo_type import Item as StoredItem

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_state import watch_backends

watch_backends()

# Moto is not typed.
Table = Any

Item = dict[str, dict[str, Any]]

_FIVE_YEARS = 5 * 365 * 24 * 3600
# Far below all limits of DynamoDB: 38 digits, and 1 KB for the smallest of its keys.
_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?")
_SMALL = 1_000


class DynamoDbSource:
    """Reads items as they are at one instant; hold `inside.lock` over all reads that belong together.

    Args:
        clients: The lakehouse whose tables are read.
    """

    def __init__(self, clients: ServiceClients) -> None:
        self._clients = clients

    def key_attributes(self, table_name: str) -> dict[str, str] | None:
        """Return a table's key attributes and their types, the hash key first; None when there is no such table."""
        with self._clients.lock:
            table = self._table(table_name)
            if table is None:
                return None
            types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
            in_order = sorted(table.schema, key=lambda element: element["KeyType"] != "HASH")
            return {element["AttributeName"]: types[element["AttributeName"]] for element in in_order}

    def items(self, table_name: str) -> list[Item]:
        """Return all items of a table in DynamoDB JSON, none when there is no such table."""
        with self._clients.lock:
            table = self._table(table_name)
            return [] if table is None else [_image(item) for item in _all(table)]

    def items_of(self, table_name: str, keys: Iterable[Mapping[str, Mapping[str, Any]]]) -> list[Item]:
        """Return those items of a table that have one of the given keys, each in DynamoDB JSON."""
        names = list(self.key_attributes(table_name) or ())
        with self._clients.lock:
            table = self._table(table_name)
            if table is None:
                return []
            found = []
            for key in keys:
                item = table.items.get(DynamoType(dict(key[names[0]])))
                if item is not None and len(names) > 1:
                    item = item.get(DynamoType(dict(key[names[1]])))
                if item is not None:
                    found.append(_image(item))
            return found

    def put_new(self, table_name: str, items: Iterable[Any]) -> int:
        """Put items into a table that nobody reads yet, and return how many of them are valid.

        Args:
            table_name: The table.
            items: What should be items in DynamoDB JSON; of two with one key the later one stays.
        """
        names = list(self.key_attributes(table_name) or ())
        with self._clients.lock:
            table = self._tables()[table_name]
            return sum(_put(table, names, item) for item in items)

    def keeps_history(self, table_name: str) -> bool:
        """Tell whether point-in-time recovery is on for a table."""
        with self._clients.lock:
            table = self._table(table_name)
            if table is None:
                return False
            recovery = table.continuous_backups.get("PointInTimeRecoveryDescription", {})
            return bool(recovery.get("PointInTimeRecoveryStatus") == "ENABLED")

    def expired(self, now: float) -> list[tuple[str, Item]]:
        """Return the tables and keys of the items whose time to live is over.

        Args:
            now: The present time in seconds since 1970.
        """
        with self._clients.lock:
            return [
                (name, {key: _value(item.attrs[key]) for key in self.key_attributes(name) or ()})
                for name, table in self._tables().items()
                if table.ttl["TimeToLiveStatus"] == "ENABLED"
                for item in _all(table)
                if _is_over(item.attrs.get(table.ttl["AttributeName"]), now)
            ]

    def _tables(self) -> Mapping[str, Table]:
        tables: Mapping[str, Table] = dynamodb_backends[self._clients.account][self._clients.region].tables
        return tables

    def _table(self, table_name: str) -> Table | None:
        return self._tables().get(table_name)


def _all(table: Table) -> Iterator[Any]:
    """Yield a table's items as moto keeps them; its own way to list them sorts them first, which takes most time."""
    for found in table.items.values():
        if table.range_key_attr is None:
            yield found
        else:
            yield from found.values()


def _put(table: Table, names: Sequence[str], item: Any) -> bool:
    """Put one item, and tell whether it is valid."""
    if not isinstance(item, dict) or not all(_holds_something(item.get(name)) for name in names):
        return False
    if _is_plain(item):
        # What moto checks of each item costs it most of the time, and there is nothing to check.
        attributes = {name: _text(tag, value) for name, tagged in item.items() for tag, value in tagged.items()}
        keys = [attributes[name] for name in names]
        if [key.type for key in keys] == [table.hash_key_type, table.range_key_type][: len(keys)]:
            stored = StoredItem(keys[0], keys[1] if len(keys) > 1 else None, {})
            dict.update(stored.attrs, attributes)
            if len(keys) > 1:
                table.items[keys[0]][keys[1]] = stored
            else:
                table.items[keys[0]] = stored
            return True
    try:
        table.put_item(item)
    except (JsonRESTError, AttributeError, TypeError, ValueError):
        return False
    return True


def _text(tag: str, value: str) -> DynamoType:
    """Return a text or a number as moto keeps it, without looking for anything inside it."""
    typed = DynamoType.__new__(DynamoType)
    typed.type, typed.value = tag, value
    return typed


def _holds_something(tagged: Any) -> bool:
    """Tell whether a key attribute has a value: no part of a key may be empty."""
    return isinstance(tagged, dict) and all(tagged.values())


def _is_plain(item: Mapping[Any, Any]) -> bool:
    """Tell whether an item is small and holds nothing but texts and ordinary numbers."""
    size = 0
    for name, tagged in item.items():
        if not isinstance(tagged, dict) or len(tagged) != 1:
            return False
        ((tag, value),) = tagged.items()
        if not isinstance(value, str) or not (tag == "S" or (tag == "N" and _NUMBER.fullmatch(value))):
            return False
        size += len(name) + len(value)
    return size <= _SMALL


def _is_over(value: Any, now: float) -> bool:
    # DynamoDB leaves alone what is over since more than five years: it is probably no time at all.
    return value is not None and value.type == "N" and now - _FIVE_YEARS < float(value.value) < now


def _image(item: Any) -> Item:
    return {name: _value(value) for name, value in item.attrs.items()}


def _value(value: Any) -> dict[str, Any]:
    kind, content = value.type, value.value
    match kind:
        case "M":
            return {kind: {name: _value(member) for name, member in content.items()}}
        case "L":
            return {kind: [_value(element) for element in content]}
        case "B":
            return {kind: _base64(content)}
        case "BS":
            return {kind: [_base64(element) for element in content]}
        case "SS" | "NS":
            return {kind: list(content)}
        case _:
            return {kind: content}


def _base64(content: bytes | str) -> str:
    return base64.b64encode(content).decode() if isinstance(content, bytes) else content
