"""Point-in-time recovery: what the items of a table were before each write, while it is on.

The database keeps the earlier form of an item whenever a write replaces it. A state of the past is the present one with
these forms put back: turning recovery on costs nothing, and nothing is held in memory.

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

_TABLES = (
    "CREATE TABLE histories (collection INTEGER PRIMARY KEY, since INTEGER NOT NULL)",
    """
    CREATE TABLE earlier_items (collection INTEGER, key BLOB, moment INTEGER, body TEXT,
    PRIMARY KEY (collection, key, moment)) WITHOUT ROWID
    """,
    "CREATE INDEX earlier_items_by_moment ON earlier_items (collection, moment)",
    "CREATE INDEX earlier_items_unfinished ON earlier_items (moment) WHERE moment = 0",
    """
    CREATE TRIGGER keep_replaced_item BEFORE INSERT ON items
    WHEN EXISTS (SELECT 1 FROM histories WHERE collection = NEW.collection)
    BEGIN
        INSERT OR IGNORE INTO earlier_items VALUES (NEW.collection, NEW.key, 0,
        (SELECT body FROM items WHERE collection = NEW.collection AND key = NEW.key));
    END
    """,
    """
    CREATE TRIGGER keep_deleted_item BEFORE DELETE ON items
    WHEN EXISTS (SELECT 1 FROM histories WHERE collection = OLD.collection)
    BEGIN
        INSERT OR IGNORE INTO earlier_items VALUES (OLD.collection, OLD.key, 0, OLD.body);
    END
    """,
    """
    CREATE TRIGGER keep_updated_item BEFORE UPDATE ON items
    WHEN EXISTS (SELECT 1 FROM histories WHERE collection = OLD.collection)
    BEGIN
        INSERT OR IGNORE INTO earlier_items VALUES (OLD.collection, OLD.key, 0, OLD.body);
    END
    """,
)
# The first version kept every form of every item, by other keys: recovery begins again.
_FROM_1 = ("DROP TABLE item_versions", "DROP TABLE histories", *_TABLES)
_SCHEMA = Schema("history", 2, _TABLES, migrations={1: _FROM_1}, large=("earlier_items",))

# What the present transaction replaces has the moment 0, and gets its own when the transaction ends.
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
    """What became of one item between two moments.

    Args:
        written: When it was last written, in microseconds since 1970.
        keys: Its key.
        new: What it is in the end; None when it was deleted.
        old: What it was in the beginning; None when it was not there.
    """

    written: int
    keys: Item
    new: Item | None
    old: Item | None


class History:
    """Keeps earlier forms of items while point-in-time recovery is on.

    Args:
        clients: The lakehouse.
        clock: The present time in seconds since 1970.
    """

    def __init__(self, clients: ServiceClients, clock: Callable[[], float]) -> None:
        self._clients = clients
        self._clock = clock
        self._source = DynamoDbSource(clients)
        self._last = 0
        self._database = clients.documents.database
        # The triggers are about its table.
        Items(self._database)
        self._database.define(_SCHEMA)
        self._database.before_commit(self._finish, last=True)

    def note(self, operation: str, request: Mapping[str, Any]) -> None:
        """Begin or end a table's history after a DynamoDB request that turned recovery on or off."""
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
        """Begin a table's history, or end it, as its point-in-time recovery says.

        Returns:
            The first moment that it knows; None without point-in-time recovery.
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
        """Return the present moment in microseconds; never the same one twice, and never an earlier one."""
        self._last = max(int(self._clock() * 1_000_000), self._last + 1)
        return self._last

    def items_at(self, table: str, moment: int) -> list[Item]:
        """Return a table's items as they were at a moment."""
        with self._database.view() as connection:
            parameters = {"collection": self._source.collection(table), "moment": moment + 1}
            return [json.loads(body) for (body,) in connection.execute(_STATE, parameters)]

    def changes_between(self, table: str, start: int, end: int) -> list[Change]:
        """Return what became of the items that were written from `start`, inclusive, to `end`, exclusive."""
        collection = self._source.collection(table)
        names = tuple(self._source.key_attributes(table) or ())
        changes = []
        with self._database.view() as connection:
            for key, written in connection.execute(_WRITTEN, (collection, start, end)).fetchall():
                place = {"collection": collection, "key": key}
                old, new = (_form(connection, {**place, "moment": moment}) for moment in (start, end))
                # What came and went in between leaves no trace.
                image = new or old
                if image is not None:
                    changes.append(Change(written, {name: image[name] for name in names}, new, old))
        return changes

    def _finish(self) -> None:
        """Give the forms that the present transaction replaces its moment."""
        with self._database.transaction() as connection:
            found = connection.execute("SELECT 1 FROM earlier_items WHERE moment = 0 LIMIT 1").fetchone()
            if found is not None:
                moment = self.now()
                connection.execute("UPDATE earlier_items SET moment = ? WHERE moment = 0", (moment,))


def _form(connection: sqlite3.Connection, place: Mapping[str, Any]) -> Item | None:
    """Return what an item was just before a moment."""
    row = connection.execute(_FORM, place).fetchone() or connection.execute(_PRESENT, place).fetchone()
    found: Item | None = json.loads(row[0]) if row is not None and row[0] is not None else None
    return found
