"""Access to the items of DynamoDB tables for integrations, exports and imports."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.item_requests import described
from local_lakehouse.backend.moto_state import prepare_moto
from local_lakehouse.dynamodb.tables import Table as DescribedTable
from local_lakehouse.dynamodb.values import LARGEST_ITEM, accept_item, text_of
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.store.item_keys import key_of
from local_lakehouse.store.items import lines, lines_of

prepare_moto()

# moto has no type annotations.
Table = Any

Item = dict[str, dict[str, Any]]

_FIVE_YEARS = 5 * 365 * 24 * 3600
# The number of items per transaction. Other requests wait while a transaction is running.
_AT_ONCE = 200


class DynamoDbSource:
    """The items of all DynamoDB tables. All reads from a `snapshot` see the same point in time.

    Args:
        clients: The AWS clients for the lakehouse.
    """

    def __init__(self, clients: ServiceClients) -> None:
        self._clients = clients

    def key_attributes(self, table_name: str) -> dict[str, str] | None:
        """Return a table's key attributes and types, partition key first, or None if the table does not exist."""
        with self._clients.lock:
            table = self._table(table_name)
            if table is None:
                return None
            types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
            in_order = sorted(table.schema, key=lambda element: element["KeyType"] != "HASH")
            return {element["AttributeName"]: types[element["AttributeName"]] for element in in_order}

    def collection(self, table_name: str) -> int | None:
        """Return the number that identifies a table's items, or None if the table does not exist."""
        with self._clients.lock:
            table = self._table(table_name)
            return None if table is None else int(table.items.number)

    def items(self, table_name: str) -> list[Item]:
        """Return all items of a table in DynamoDB JSON, or an empty list if the table does not exist."""
        with self.snapshot(table_name) as snapshot:
            return snapshot.items()

    def items_of(self, table_name: str, keys: Iterable[Mapping[str, Mapping[str, Any]]]) -> list[Item]:
        """Return a table's items with the given keys, in DynamoDB JSON."""
        with self.snapshot(table_name) as snapshot:
            return snapshot.items_of(keys)

    @contextlib.contextmanager
    def snapshot(self, table_name: str) -> Iterator[TableSnapshot]:
        """Yield a snapshot of a table at the start of the block, without blocking other requests."""
        with contextlib.ExitStack() as stack:
            with self._clients.lock:
                table = self._table(table_name)
                connection = stack.enter_context(self._clients.documents.database.view())
                number, names = (0, ()) if table is None else (table.items.number, table.items.names)
            yield TableSnapshot(connection, number, names)

    def put_new(self, table_name: str, items: Iterable[Any]) -> int:
        """Write items to a table that is not in use yet, and return the number of valid items.

        The items are first validated and then written in key order. In any other order, each transaction would change
        about one database page per item. Each transaction writes at most 200 items, so that other requests can run in
        between. If iterating over `items` fails, the items before the failure are still written.

        Args:
            table_name: The table.
            items: The candidate items in DynamoDB JSON. If several items have the same key, the last of them is stored.
        """
        with self._clients.lock:
            moto_table = self._tables()[table_name]
            table = described(moto_table)
        # SQLite stores a database without a name in a temporary file.
        with contextlib.closing(sqlite3.connect("", isolation_level=None)) as staged:
            staged.execute("CREATE TABLE staged (number INTEGER PRIMARY KEY, key BLOB, body TEXT, size INTEGER)")
            rows = (row for item in items if (row := _prepared(table, item)) is not None)
            try:
                staged.execute("BEGIN")
                valid = staged.executemany("INSERT INTO staged VALUES (NULL, ?, ?, ?)", rows).rowcount
            finally:
                in_order = staged.execute("SELECT key, body, size FROM staged ORDER BY key, number")
                while some := in_order.fetchmany(_AT_ONCE):
                    with self._clients.lock, self._clients.documents.database.transaction():
                        moto_table.items.put_rows(some)
        return max(valid, 0)

    def keeps_history(self, table_name: str) -> bool:
        """Return whether point-in-time recovery is enabled for a table."""
        with self._clients.lock:
            table = self._table(table_name)
            if table is None:
                return False
            recovery = table.continuous_backups.get("PointInTimeRecoveryDescription", {})
            return bool(recovery.get("PointInTimeRecoveryStatus") == "ENABLED")

    def expired(self, now: float) -> list[tuple[str, Item]]:
        """Return the tables and keys of expired items.

        Args:
            now: The current time in seconds since 1970.
        """
        with self._clients.lock:
            watched = [
                (name, table.items, table.ttl["AttributeName"])
                for name, table in self._tables().items()
                if table.ttl["TimeToLiveStatus"] == "ENABLED"
            ]
        # DynamoDB ignores times more than five years in the past, which are probably not expiry times.
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
    """The items of a table at a single point in time.

    Args:
        connection: A connection that sees the database as it was at that point in time.
        number: The number that identifies the table's items.
        names: The table's key attributes, with the partition key first.
    """

    def __init__(self, connection: sqlite3.Connection, number: int, names: Sequence[str]) -> None:
        self._connection = connection
        self._number = number
        self._names = names

    def lines(self) -> Iterator[bytes]:
        """Yield all items in DynamoDB JSON, one per line, in batches of lines."""
        return lines(self._connection, self._number)

    def lines_of(self, keys: Iterable[Mapping[str, Mapping[str, Any]]]) -> Iterator[bytes]:
        """Yield the items with the given keys, in the same form as `lines`."""
        hashed, ranged = self._names[:1], self._names[1:]
        sought = [key_of(key, hashed, ranged) for key in keys]
        return lines_of(self._connection, self._number, [key for key in sought if key is not None])

    def items(self) -> list[Item]:
        """Return all items in DynamoDB JSON."""
        return list(chain.from_iterable(map(decoded, self.lines())))

    def items_of(self, keys: Iterable[Mapping[str, Mapping[str, Any]]]) -> list[Item]:
        """Return the items with the given keys, in DynamoDB JSON."""
        return list(chain.from_iterable(map(decoded, self.lines_of(keys))))


def decoded(chunk: bytes) -> list[Item]:
    """Parse lines that contain stored items."""
    found: list[Item] = json.loads(b"[" + chunk.replace(b"\n", b",") + b"]")
    return found


def _prepared(table: DescribedTable, item: Any) -> tuple[bytes, str, int] | None:
    """Return the stored form of an item, or None if ``PutItem`` would reject the item."""
    try:
        accepted, size = accept_item(item)
        key = table.key_bytes(accepted)
        table.check_index_keys(accepted)
    except Fault:
        return None
    return None if size > LARGEST_ITEM else (key, text_of(accepted), size)
