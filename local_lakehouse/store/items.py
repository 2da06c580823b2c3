"""Amazon DynamoDB items and index entries, which are stored as rows in the order of their keys."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from local_lakehouse.store.database import Database, Schema, StorageError
from local_lakehouse.store.item_keys import (
    LONGEST_HASH,
    LONGEST_RANGE,
    Item,
    after,
    encode,
    key_of,
    length,
    partition,
)
from local_lakehouse.store.streams import Streams

# The approximate number of bytes per read, and the maximum number of items.
_CHUNK_BYTES = 256 * 1024
_MOST_ROWS = 1_000
_KEYS_AT_ONCE = 500
# A text of this many characters is shorter than the longest key, because a character has at most four bytes.
_SHORT = LONGEST_RANGE // 4
_LINES = """
SELECT CAST(group_concat(body, char(10)) AS BLOB), max(key)
FROM (SELECT body, key FROM items WHERE collection = ? AND key > ? ORDER BY key LIMIT ?)
"""
_LINES_OF = "SELECT CAST(group_concat(body, char(10)) AS BLOB) FROM items WHERE collection = ? AND key IN ({marks})"
_TABLES = (
    """
    CREATE TABLE item_collections (id INTEGER PRIMARY KEY AUTOINCREMENT, items INTEGER NOT NULL, bytes INTEGER NOT NULL)
    """,
    """
    CREATE TABLE items (collection INTEGER, key BLOB, body TEXT NOT NULL, size INTEGER NOT NULL,
    crc INTEGER NOT NULL, PRIMARY KEY (collection, key)) WITHOUT ROWID
    """,
    """
    CREATE TABLE item_indexes (collection INTEGER, name TEXT, PRIMARY KEY (collection, name)) WITHOUT ROWID
    """,
    """
    CREATE TABLE index_entries (collection INTEGER, name TEXT, entry BLOB, key BLOB NOT NULL,
    PRIMARY KEY (collection, name, entry)) WITHOUT ROWID
    """,
)
_SCHEMA = Schema("items", 1, _TABLES, large=("items", "index_entries"))
# The statements, keyed by whether they read an index and whether they read backward.
_READS = {
    (False, False): "SELECT key, body, size, crc FROM items WHERE collection = ? AND key > ? AND key < ? ORDER BY key",
    (False, True): (
        "SELECT key, body, size, crc FROM items WHERE collection = ? AND key > ? AND key < ? ORDER BY key DESC"
    ),
    (True, False): (
        "SELECT entry, body, size, crc FROM index_entries AS e CROSS JOIN items AS i "
        "ON i.collection = e.collection AND i.key = e.key "
        "WHERE e.collection = ? AND e.name = ? AND entry > ? AND entry < ? ORDER BY entry"
    ),
    (True, True): (
        "SELECT entry, body, size, crc FROM index_entries AS e CROSS JOIN items AS i "
        "ON i.collection = e.collection AND i.key = e.key "
        "WHERE e.collection = ? AND e.name = ? AND entry > ? AND entry < ? ORDER BY entry DESC"
    ),
}
_GET = "SELECT key, body, size, crc FROM items WHERE collection = ? AND key = ?"
_INDEXES = "SELECT name FROM item_indexes WHERE collection = ?"
_DROPS = (
    "DELETE FROM items WHERE collection = ?",
    "DELETE FROM item_indexes WHERE collection = ?",
    "DELETE FROM index_entries WHERE collection = ?",
    "DELETE FROM item_collections WHERE id = ?",
)


class Row(NamedTuple):
    """A stored item.

    Args:
        key: The item's key, or its index entry if the item was read through an index.
        body: The item as JSON text.
        size: The item's size in bytes, as counted by DynamoDB.
    """

    key: bytes
    body: str
    size: int


@dataclass(frozen=True)
class Index:
    """The key attributes of a secondary index.

    Args:
        hash_names: The attributes of the partition key.
        range_names: The attributes of the sort key.
        types: The types of all key attributes, one letter each. If it is empty, values of all types are indexed.
    """

    hash_names: tuple[str, ...]
    range_names: tuple[str, ...]
    types: str = ""

    @property
    def name(self) -> str:
        """The name under which the index's entries are stored. Indexes with the same attributes share their entries."""
        return json.dumps([self.hash_names, self.range_names, *([self.types] if self.types else [])])

    @staticmethod
    def named(name: str) -> Index:
        """Return the index with the given name."""
        hash_names, range_names, *types = json.loads(name)
        return Index(tuple(hash_names), tuple(range_names), *types)

    def entry(self, item: Item, key: bytes) -> bytes | None:
        """Return an item's entry in the index, or None if the item lacks a valid key of the index."""
        prefix = key_of(item, self.hash_names, self.range_names)
        return None if prefix is None or not self._is_valid(item) else prefix + key

    def _is_valid(self, item: Item) -> bool:
        """Return whether the key attributes of an item have the index's types and can be keys.

        Items that are older than the index can violate these rules.
        """
        for position, kind in enumerate(self.types):
            hashes = position < len(self.hash_names)
            name = self.hash_names[position] if hashes else self.range_names[position - len(self.hash_names)]
            value = item[name].get(kind)
            if not value:
                return False
            if (
                len(value) > _SHORT
                and kind != "N"
                and length(kind, value) > (LONGEST_HASH if hashes else LONGEST_RANGE)
            ):
                return False
        return True


class Items:
    """The items of all tables and backups, in numbered collections.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        database.define(_SCHEMA)
        self.database = database
        self.streams = Streams(database)
        self._indexes: dict[int, tuple[Index, ...]] = {}
        database.after_rollback(self._indexes.clear)
        database.after_replacement(self._indexes.clear)

    def forget_indexes(self) -> None:
        """Discard the cached lists of indexes and streams after a rollback to a savepoint."""
        self._indexes.clear()
        self.streams.forget()

    def create(self) -> int:
        """Create an empty collection and return its number."""
        with self.database.transaction() as connection:
            return int(connection.execute("INSERT INTO item_collections (items, bytes) VALUES (0, 0)").lastrowid or 0)

    def copy(self, collection: int) -> int:
        """Copy a collection and return the copy's number."""
        with self.database.transaction() as connection:
            copy = self.create()
            connection.execute(
                "UPDATE item_collections SET (items, bytes) = (SELECT items, bytes FROM item_collections WHERE id = ?) "
                "WHERE id = ?", (collection, copy),
            )  # fmt: skip
            connection.execute(
                "INSERT INTO items SELECT ?, key, body, size, crc FROM items WHERE collection = ?", (copy, collection)
            )
        return copy

    def drop(self, collection: int) -> None:
        """Delete a collection."""
        with self.database.transaction() as connection:
            for statement in _DROPS:
                connection.execute(statement, (collection,))
        self._indexes.pop(collection, None)

    def totals(self, collection: int) -> tuple[int, int]:
        """Return the number of items in a collection and their total size in bytes."""
        with self.database.view() as connection:
            row = connection.execute("SELECT items, bytes FROM item_collections WHERE id = ?", (collection,)).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def totals_with(self, collection: int, names: Iterable[str]) -> tuple[int, int]:
        """Return the number and total size, in bytes, of a collection's items that have all of the given attributes."""
        paths = json.dumps([f"$.{json.dumps(name)}" for name in names])
        with self.database.view() as connection:
            row = connection.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM items WHERE collection = ? AND NOT EXISTS "
                "(SELECT 1 FROM json_each(?) AS path WHERE json_type(body, path.value) IS NULL)", (collection, paths),
            ).fetchone()  # fmt: skip
        return int(row[0]), int(row[1])

    def get(self, collection: int, key: bytes) -> Row | None:
        """Return one item, or None if it does not exist."""
        with self.database.view() as connection:
            return self.get_by(connection, collection, key)

    def get_by(self, connection: sqlite3.Connection, collection: int, key: bytes) -> Row | None:
        """Return one item as a connection sees it, or None if it does not exist."""
        row = connection.execute(_GET, (collection, key)).fetchone()
        return _row(*row) if row else None

    def write(self, collection: int, changes: Iterable[tuple[bytes, str | None, int]]) -> None:
        """Put and delete items.

        Args:
            collection: The items' collection.
            changes: The key, text and size of each item. If the text is None, the item is deleted.
        """
        with self.database.transaction() as connection:
            self.replace(
                collection,
                ((key, self.get_by(connection, collection, key), body, size) for key, body, size in changes),
            )

    def replace(self, collection: int, changes: Iterable[tuple[bytes, Row | None, str | None, int]]) -> None:
        """Put and delete items whose current rows the caller already knows.

        Args:
            collection: The items' collection.
            changes: The key, current row, new text and new size of each item. If the new text is None, the item is
                deleted.
        """
        items = size = 0
        with self.database.transaction() as connection:
            indexes = self._indexes_of(collection)
            for key, old, body, new_size in changes:
                if old is not None:
                    items, size = items - 1, size - old.size
                if body is None:
                    connection.execute("DELETE FROM items WHERE collection = ? AND key = ?", (collection, key))
                else:
                    connection.execute(
                        "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?)",
                        (collection, key, body, new_size, zlib.crc32(body.encode())),
                    )
                    items, size = items + 1, size + new_size
                for index in indexes:
                    self._move(collection, index, key, old.body if old else None, body)
                self.streams.note(connection, collection, old.body if old else None, body)
            connection.execute(
                "UPDATE item_collections SET items = items + ?, bytes = bytes + ? WHERE id = ?",
                (items, size, collection),
            )

    def read(
        self, collection: int, low: bytes, high: bytes, *, index: Index | None = None, backward: bool = False
    ) -> Generator[Row, None, None]:
        """Yield the items between two exclusive bounds, in the order of the table or an index."""
        arguments: tuple[Any, ...] = (collection, low, high)
        if index is not None:
            self._build(collection, index)
            arguments = (collection, index.name, low, high)
        with self.database.view() as connection:
            for row in connection.execute(_READS[index is not None, backward], arguments):
                yield _row(*row)

    def over(self, collection: int, attribute: str, earliest: float, now: float) -> list[dict[str, Any]]:
        """Use an index to return the items in which an attribute is a number between two exclusive bounds."""
        index = Index((), (attribute,))
        low, high = (partition(b"") + encode("N", f"{bound:f}") for bound in (earliest, now))
        found = [json.loads(row.body) for row in self.read(collection, after(low), high, index=index)]
        # The index's entries also include binary values and strings.
        return [item for item in found if "N" in item[attribute]]

    def _indexes_of(self, collection: int) -> tuple[Index, ...]:
        """Return a collection's indexes from a cache, which stays valid because writers run one at a time."""
        if collection not in self._indexes:
            with self.database.transaction() as connection:
                rows = connection.execute(_INDEXES, (collection,)).fetchall()
            self._indexes[collection] = tuple(Index.named(row[0]) for row in rows)
        return self._indexes[collection]

    def _build(self, collection: int, index: Index) -> None:
        """Create the entries of an index when it is first read. Later writes maintain the entries."""
        with self.database.view() as connection:
            if (index.name,) in connection.execute(_INDEXES, (collection,)).fetchall():
                return
        with self.database.transaction() as connection:
            if index in self._indexes_of(collection):
                return
            connection.execute("INSERT INTO item_indexes VALUES (?, ?)", (collection, index.name))
            rows = connection.execute("SELECT key, body FROM items WHERE collection = ?", (collection,)).fetchall()
            for key, body in rows:
                self._move(collection, index, key, None, body)
            self._indexes.pop(collection, None)

    def _move(self, collection: int, index: Index, key: bytes, old: str | None, new: str | None) -> None:
        before = index.entry(json.loads(old), key) if old else None
        now = index.entry(json.loads(new), key) if new else None
        if before == now:
            return
        with self.database.transaction() as connection:
            if before is not None:
                connection.execute(
                    "DELETE FROM index_entries WHERE collection = ? AND name = ? AND entry = ?",
                    (collection, index.name, before),
                )
            if now is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO index_entries VALUES (?, ?, ?, ?)", (collection, index.name, now, key)
                )


def lines(connection: sqlite3.Connection, collection: int) -> Iterator[bytes]:
    """Yield all items of a collection, as a connection sees them, in batches of JSON lines.

    SQLite joins the lines without holding Python's global interpreter lock.
    """
    totals = connection.execute("SELECT items, bytes FROM item_collections WHERE id = ?", (collection,)).fetchone()
    rows = _rows_at_once(*totals) if totals else 1
    last: bytes | None = b""
    while last is not None:
        chunk, last = connection.execute(_LINES, (collection, last, rows)).fetchone()
        if last is not None:
            yield chunk


def lines_of(connection: sqlite3.Connection, collection: int, keys: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the items that have the given keys, in the same form as `lines`."""
    sought = sorted(keys)
    for start in range(0, len(sought), _KEYS_AT_ONCE):
        some = sought[start : start + _KEYS_AT_ONCE]
        sql = _LINES_OF.format(marks=", ".join("?" * len(some)))
        (chunk,) = connection.execute(sql, (collection, *some)).fetchone()
        if chunk is not None:
            yield chunk


def _rows_at_once(items: int, size: int) -> int:
    return min(max(1, _CHUNK_BYTES * items // size), _MOST_ROWS) if size else _MOST_ROWS


def _row(key: bytes, body: str, size: int, crc: int) -> Row:
    if zlib.crc32(body.encode()) != crc:
        raise StorageError(
            "An item in the state folder is damaged: it does not match its checksum. "
            "Restore the last backup with: zetl local reset --to-backup"
        )
    return Row(key, body, size)
