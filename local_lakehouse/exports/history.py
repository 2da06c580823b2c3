"""The item history that point-in-time recovery uses.

The database stores an item's earlier version whenever a write replaces it. A past state is the current state with these
versions restored. Therefore, recovery can be enabled immediately, and no versions are kept in memory.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.dynamodb_source import DynamoDbSource, Item
from local_lakehouse.store.database import Schema
from local_lakehouse.store.items import Items

# `INSERT OR IGNORE` would not keep a transaction's first version, because SQLite replaces a trigger's conflict policy
# with that of the statement that fires the trigger.
_TRIGGERS = (
    """
    CREATE TRIGGER keep_replaced_item BEFORE INSERT ON items
    WHEN EXISTS (SELECT 1 FROM histories WHERE collection = NEW.collection)
    BEGIN
        INSERT INTO earlier_items VALUES (NEW.collection, NEW.key, 0,
        (SELECT body FROM items WHERE collection = NEW.collection AND key = NEW.key)) ON CONFLICT DO NOTHING;
    END
    """,
    """
    CREATE TRIGGER keep_deleted_item BEFORE DELETE ON items
    WHEN EXISTS (SELECT 1 FROM histories WHERE collection = OLD.collection)
    BEGIN
        INSERT INTO earlier_items VALUES (OLD.collection, OLD.key, 0, OLD.body) ON CONFLICT DO NOTHING;
    END
    """,
    """
    CREATE TRIGGER keep_updated_item BEFORE UPDATE ON items
    WHEN EXISTS (SELECT 1 FROM histories WHERE collection = OLD.collection)
    BEGIN
        INSERT INTO earlier_items VALUES (OLD.collection, OLD.key, 0, OLD.body) ON CONFLICT DO NOTHING;
    END
    """,
)
_TABLES = (
    "CREATE TABLE histories (collection INTEGER PRIMARY KEY, since INTEGER NOT NULL)",
    """
    CREATE TABLE earlier_items (collection INTEGER, key BLOB, moment INTEGER, body TEXT,
    PRIMARY KEY (collection, key, moment)) WITHOUT ROWID
    """,
    "CREATE INDEX earlier_items_by_moment ON earlier_items (collection, moment)",
    "CREATE INDEX earlier_items_unfinished ON earlier_items (moment) WHERE moment = 0",
    *_TRIGGERS,
)
# The first format stored every version of every item under different keys, so its history is discarded.
_FROM_1 = ("DROP TABLE item_versions", "DROP TABLE histories", *_TABLES)
# The triggers of the second format replaced a version that the transaction had already kept.
_FROM_2 = (
    "DROP TRIGGER keep_replaced_item",
    "DROP TRIGGER keep_deleted_item",
    "DROP TRIGGER keep_updated_item",
    *_TRIGGERS,
)
_SCHEMA = Schema("history", 3, _TABLES, migrations={1: _FROM_1, 2: _FROM_2}, large=("earlier_items",))

# Versions that are replaced in the current transaction have a time of 0 until the transaction ends.
_STATE = """
SELECT body FROM items AS i WHERE collection = :collection AND NOT EXISTS (
    SELECT 1 FROM earlier_items AS e WHERE e.collection = i.collection AND e.key = i.key AND e.moment >= :moment
)
UNION ALL
SELECT body FROM (
    SELECT body, min(moment) FROM earlier_items WHERE collection = :collection AND moment >= :moment GROUP BY key
) WHERE body IS NOT NULL
"""
_WRITTEN = """
SELECT key, max(moment) FROM earlier_items WHERE collection = ? AND moment >= ? AND moment < ? GROUP BY key ORDER BY 2
"""
_FORM = """
SELECT body FROM earlier_items WHERE collection = :collection AND key = :key AND moment >= :moment
ORDER BY moment LIMIT 1
"""
_PRESENT = "SELECT body FROM items WHERE collection = :collection AND key = :key"


@dataclass(frozen=True)
class Change:
    """The change to one item between two points in time.

    Args:
        written: The time of the last write, in microseconds since 1970.
        keys: The item's key.
        new: The item at the end, or None if it was deleted.
        old: The item at the start, or None if it did not exist.
    """

    written: int
    keys: Item
    new: Item | None
    old: Item | None


class History:
    """The storage of earlier item versions while point-in-time recovery is enabled.

    Args:
        clients: The AWS clients for the lakehouse.
        clock: A function that returns the current time in seconds since 1970.
    """

    def __init__(self, clients: ServiceClients, clock: Callable[[], float]) -> None:
        self._clients = clients
        self._clock = clock
        self._source = DynamoDbSource(clients)
        self._last = 0
        self._database = clients.documents.database
        # `Items` creates the table that the triggers in the schema refer to.
        Items(self._database)
        self._database.define(_SCHEMA)
        self._database.before_commit(self._finish, last=True)

    def note(self, operation: str, request: Mapping[str, Any]) -> None:
        """Start or end a table's history after a request that enables or disables recovery, or deletes the table."""
        if operation == "UpdateContinuousBackups":
            with self._clients.lock:
                self.open(str(request["TableName"]).rpartition("/")[2])
        elif operation == "DeleteTable":
            with self._database.transaction() as connection:
                connection.execute(
                    "DELETE FROM histories WHERE NOT EXISTS (SELECT 1 FROM item_collections WHERE id = collection)"
                )
                connection.execute(
                    "DELETE FROM earlier_items WHERE collection NOT IN (SELECT collection FROM histories)"
                )

    def open(self, table: str) -> int | None:
        """Start or end a table's history according to its point-in-time recovery setting.

        Returns:
            The start of the history, or None if point-in-time recovery is disabled.
        """
        with self._clients.lock, self._database.transaction() as connection:
            collection = self._source.collection(table)
            if collection is None or not self._source.keeps_history(table):
                connection.execute("DELETE FROM histories WHERE collection = ?", (collection,))
                connection.execute("DELETE FROM earlier_items WHERE collection = ?", (collection,))
                return None
            row = connection.execute("SELECT since FROM histories WHERE collection = ?", (collection,)).fetchone()
            if row is not None:
                return int(row[0])
            since = self.now()
            connection.execute("INSERT INTO histories VALUES (?, ?)", (collection, since))
            return since

    def now(self) -> int:
        """Return the current time in microseconds. Each result is greater than the previous result."""
        self._last = max(int(self._clock() * 1_000_000), self._last + 1)
        return self._last

    def items_at(self, table: str, moment: int) -> list[Item]:
        """Return a table's items at a given time."""
        with self._database.view() as connection:
            parameters = {"collection": self._source.collection(table), "moment": moment + 1}
            return [json.loads(body) for (body,) in connection.execute(_STATE, parameters)]

    def changes_between(self, table: str, start: int, end: int) -> list[Change]:
        """Return the item changes that were written between `start` (inclusive) and `end` (exclusive)."""
        collection = self._source.collection(table)
        names = tuple(self._source.key_attributes(table) or ())
        changes = []
        with self._database.view() as connection:
            for key, written in connection.execute(_WRITTEN, (collection, start, end)).fetchall():
                place = {"collection": collection, "key": key}
                old, new = (_form(connection, {**place, "moment": moment}) for moment in (start, end))
                # Items that were both created and deleted between the two times are not part of the changes.
                image = new or old
                if image is not None:
                    changes.append(Change(written, {name: image[name] for name in names}, new, old))
        return changes

    def _finish(self) -> None:
        """Set the time of the versions that the current transaction replaces."""
        with self._database.transaction() as connection:
            found = connection.execute("SELECT 1 FROM earlier_items WHERE moment = 0 LIMIT 1").fetchone()
            if found is not None:
                moment = self.now()
                connection.execute("UPDATE earlier_items SET moment = ? WHERE moment = 0", (moment,))


def _form(connection: sqlite3.Connection, place: Mapping[str, Any]) -> Item | None:
    """Return an item as it was just before a given time, or None if it did not exist."""
    row = connection.execute(_FORM, place).fetchone() or connection.execute(_PRESENT, place).fetchone()
    found: Item | None = json.loads(row[0]) if row is not None and row[0] is not None else None
    return found
