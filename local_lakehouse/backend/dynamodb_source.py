"""The items of moto's DynamoDB tables: the one place that knows how moto keeps them."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, islice
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import dynamodb_backends

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_state import watch_backends
from local_lakehouse.store.item_keys import key_of
from local_lakehouse.store.items import lines, lines_of

watch_backends()

# Moto is not typed.
Table = Any

Item = dict[str, dict[str, Any]]

_FIVE_YEARS = 5 * 365 * 24 * 3600
# Far below all limits of DynamoDB: 38 digits, and 1 KB for the smallest of its keys.
_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?")
_SMALL = 1_000
# So many items are put while others wait.
_AT_ONCE = 200


class DynamoDbSource:
    """Reads items as they are at one instant; a `snapshot` sees the same instant in all its reads.

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

    def collection(self, table_name: str) -> int | None:
        """Return the number under which a table's items are stored; None when there is no such table."""
        with self._clients.lock:
            table = self._table(table_name)
            return None if table is None else int(table.items.number)

    def items(self, table_name: str) -> list[Item]:
        """Return all items of a table in DynamoDB JSON, none when there is no such table."""
        with self.snapshot(table_name) as snapshot:
            return snapshot.items()

    def items_of(self, table_name: str, keys: Iterable[Mapping[str, Mapping[str, Any]]]) -> list[Item]:
        """Return those items of a table that have one of the given keys, each in DynamoDB JSON."""
        with self.snapshot(table_name) as snapshot:
            return snapshot.items_of(keys)

    @contextlib.contextmanager
    def snapshot(self, table_name: str) -> Iterator[TableSnapshot]:
        """Yield a table as it is at the beginning of the block; nobody waits for what is read in it."""
        with contextlib.ExitStack() as stack:
            with self._clients.lock:
                table = self._table(table_name)
                if table is not None:
                    table.items.write()
                connection = stack.enter_context(self._clients.documents.database.view())
                number, names = (0, ()) if table is None else (table.items.number, table.items.names)
            yield TableSnapshot(connection, number, names)

    def put_new(self, table_name: str, items: Iterable[Any]) -> int:
        """Put items into a table that nobody reads yet, and return how many of them are valid.

        A few are put in each transaction, and read and checked before it begins, so that other requests get in between.

        Args:
            table_name: The table.
            items: What should be items in DynamoDB JSON; of two with one key the later one stays.
        """
        names = list(self.key_attributes(table_name) or ())
        with self._clients.lock:
            table = self._tables()[table_name]
        remaining = iter(items)
        valid = 0
        while some := list(islice(remaining, _AT_ONCE)):
            prepared = [_prepared(table, names, item) for item in some]
            with self._clients.lock, self._clients.documents.database.transaction():
                for plain, run in groupby(zip(some, prepared, strict=True), lambda pair: pair[1] is not None):
                    if plain:
                        rows = [row for _, row in run]
                        table.items.put_rows(rows)
                        valid += len(rows)
                    else:
                        valid += sum(_put(table, names, item) for item, _ in run)
        return valid

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
            watched = [
                (name, table.items, table.ttl["AttributeName"])
                for name, table in self._tables().items()
                if table.ttl["TimeToLiveStatus"] == "ENABLED"
            ]
        # DynamoDB leaves alone what is over since more than five years: it is probably no time at all.
        return [
            (name, {key: item[key] for key in items.names})
            for name, items, attribute in watched
            for item in items.over(attribute, now - _FIVE_YEARS, now)
        ]

    def _tables(self) -> Mapping[str, Table]:
        tables: Mapping[str, Table] = dynamodb_backends[self._clients.account][self._clients.region].tables
        return tables

    def _table(self, table_name: str) -> Table | None:
        return self._tables().get(table_name)


class TableSnapshot:
    """A table's items at one instant.

    Args:
        connection: Sees that instant.
        number: The collection of the items.
        names: The table's key attributes, the hash key first.
    """

    def __init__(self, connection: sqlite3.Connection, number: int, names: Sequence[str]) -> None:
        self._connection = connection
        self._number = number
        self._names = names

    def lines(self) -> Iterator[bytes]:
        """Yield all items in DynamoDB JSON, a line each, many lines at once."""
        return lines(self._connection, self._number)

    def lines_of(self, keys: Iterable[Mapping[str, Mapping[str, Any]]]) -> Iterator[bytes]:
        """Yield the items that have one of the given keys, as `lines` does."""
        sought = (key_of(key, self._names[:1], self._names[1:]) for key in keys)
        return lines_of(self._connection, self._number, [key for key in sought if key is not None])

    def items(self) -> list[Item]:
        """Return all items in DynamoDB JSON."""
        return list(chain.from_iterable(map(decoded, self.lines())))

    def items_of(self, keys: Iterable[Mapping[str, Mapping[str, Any]]]) -> list[Item]:
        """Return the items that have one of the given keys, in DynamoDB JSON."""
        return list(chain.from_iterable(map(decoded, self.lines_of(keys))))


def decoded(chunk: bytes) -> list[Item]:
    """Return the items of some lines."""
    found: list[Item] = json.loads(b"[" + chunk.replace(b"\n", b",") + b"]")
    return found


def _prepared(table: Table, names: Sequence[str], item: Any) -> tuple[bytes, str, int] | None:
    """Return the row of an item in which there is nothing for moto to check; None for any other."""
    if not _has_keys(names, item) or not _is_plain(item):
        return None
    types = [next(iter(item[name])) for name in names]
    if types != [table.hash_key_type, table.range_key_type][: len(names)]:
        return None
    key = key_of(item, names[:1], names[1:])
    if key is None:
        return None
    size = sum(len(name.encode()) + len(value.encode()) for name, tagged in item.items() for value in tagged.values())
    return key, json.dumps(item, separators=(",", ":")), size


def _has_keys(names: Sequence[str], item: Any) -> bool:
    return isinstance(item, dict) and all(_holds_something(item.get(name)) for name in names)


def _put(table: Table, names: Sequence[str], item: Any) -> bool:
    """Put one item, and tell whether it is valid."""
    if not _has_keys(names, item):
        return False
    try:
        table.put_item(item)
    except (JsonRESTError, AttributeError, TypeError, ValueError):
        return False
    return True


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
