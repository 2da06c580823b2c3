"""Amazon DynamoDB streams, which retain the old and new images of each changed item for one day.

Each record is a row that is committed together with the change.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from local_lakehouse.store.database import Database, Schema

KEPT_SECONDS = 24 * 3600
_TRIM_SECONDS = 60.0
_SCHEMA = Schema(
    "streams", 1,
    (
        """
        CREATE TABLE streams (id INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, arn TEXT NOT NULL,
        start INTEGER NOT NULL, opened REAL NOT NULL, closed REAL, about TEXT NOT NULL)
        """,
        """
        CREATE TABLE stream_records (id INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL, at REAL NOT NULL,
        before TEXT, after TEXT, service INTEGER NOT NULL)
        """,
        "CREATE INDEX stream_records_in_order ON stream_records (stream, id)",
        "CREATE INDEX stream_records_by_time ON stream_records (at)",
    ),
    large=("stream_records",),
)  # fmt: skip
_COLUMNS = "SELECT id, collection, arn, start, opened, closed, about FROM streams"

Item = Mapping[str, Mapping[str, Any]]

_by_service: ContextVar[bool] = ContextVar("by_service", default=False)


@contextlib.contextmanager
def expiring() -> Iterator[None]:
    """Record that DynamoDB itself made the changes in the block, because the items had expired."""
    token = _by_service.set(True)
    try:
        yield
    finally:
        _by_service.reset(token)


@dataclass(frozen=True)
class Stream:
    """A stream.

    Args:
        number: The stream's number.
        collection: The number that identifies the items of the stream's table.
        arn: The stream's ARN.
        start: The number of the record before the stream's first record.
        opened: The time at which the stream was enabled, in seconds since 1970.
        closed: The time at which the stream was disabled or its table was deleted, or None while the stream is enabled.
        about: The stream's description, with the table, label, view and key schema.
    """

    number: int
    collection: int
    arn: str
    start: int
    opened: float
    closed: float | None
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """The item before and after a change, and whether DynamoDB deleted the item because it had expired."""

    number: int
    at: float
    before: Item | None
    after: Item | None
    by_service: bool


class Streams:
    """The streams of all tables.

    Args:
        database: The database.
        clock: A function that returns the current time in seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        database.define(_SCHEMA)
        self._database = database
        self._clock = clock
        self._open: dict[int, int] | None = None
        self._trimmed = 0.0
        database.after_rollback(self.forget)
        database.after_replacement(self.forget)

    def forget(self) -> None:
        """Discard the cached list of open streams."""
        self._open = None

    def open(self, collection: int, arn: str, about: Mapping[str, Any]) -> None:
        """Start recording a collection's changes."""
        with self._database.transaction() as connection:
            self._trim(connection)
            connection.execute(
                "INSERT INTO streams (collection, arn, start, opened, about) VALUES (?, ?, ?, ?, ?)",
                (collection, arn, _last(connection), self._clock(), json.dumps(about)),
            )
        self.forget()

    def close(self, collection: int) -> None:
        """Stop recording a collection's changes. Existing records are kept until they are a day old."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE streams SET closed = ? WHERE collection = ? AND closed IS NULL", (self._clock(), collection)
            )
        self.forget()

    def note(self, connection: sqlite3.Connection, collection: int, before: str | None, after: str | None) -> None:
        """Record an item's change, if the collection has an open stream and the item has changed.

        Args:
            connection: The change's transaction.
            collection: The item's collection.
            before: The stored item before the change, or None if it did not exist.
            after: The stored item after the change, or None if it was deleted.
        """
        stream = self._opened(connection).get(collection)
        if stream is None or before == after or _same(before, after):
            return
        connection.execute(
            "INSERT INTO stream_records (stream, at, before, after, service) VALUES (?, ?, ?, ?, ?)",
            (stream, self._clock(), before, after, _by_service.get()),
        )
        self._trim(connection)

    def all(self) -> list[Stream]:
        """Return the readable streams, oldest first."""
        with self._database.view() as connection:
            rows = connection.execute(
                f"{_COLUMNS} WHERE closed IS NULL OR closed > ? ORDER BY id", (self._clock() - KEPT_SECONDS,)
            ).fetchall()
        return [_stream(row) for row in rows]

    def find(self, arn: str) -> Stream | None:
        """Return the stream with the given ARN, or None if it does not exist."""
        return next((each for each in self.all() if each.arn == arn), None)

    def last(self, stream: Stream) -> int:
        """Return the record number of a stream's last record, or `start` if the stream has no records."""
        with self._database.view() as connection:
            row = connection.execute("SELECT max(id) FROM stream_records WHERE stream = ?", (stream.number,)).fetchone()
        return int(row[0] or stream.start)

    def before(self, stream: Stream, moment: float) -> int:
        """Return the record number of a stream's last record before a second, or `start` if there is no such record.

        Args:
            stream: The stream.
            moment: The time in seconds since 1970. The times of records are shown in whole seconds.
        """
        with self._database.view() as connection:
            row = connection.execute(
                "SELECT max(id) FROM stream_records WHERE stream = ? AND CAST(at AS INTEGER) < ?",
                (stream.number, moment),
            ).fetchone()
        return int(row[0] or stream.start)

    def trimmed(self, stream: Stream) -> int:
        """Return the record number before a stream's first available record, or `start` if no record is available."""
        with self._database.view() as connection:
            row = connection.execute(
                "SELECT min(id) FROM stream_records WHERE stream = ? AND at > ?",
                (stream.number, self._clock() - KEPT_SECONDS),
            ).fetchone()
        if row[0] is None:
            return stream.start
        return stream.start if self._is_first(stream, int(row[0])) else int(row[0]) - 1

    def _is_first(self, stream: Stream, record: int) -> bool:
        """Return whether a record is the first of its stream, which means that no earlier record was trimmed."""
        return self._clock() - stream.opened < KEPT_SECONDS or record == stream.start + 1

    def records(self, stream: Stream, after: int, limit: int) -> list[Record]:
        """Return the records of a stream that follow a given record."""
        with self._database.view() as connection:
            rows: Sequence[Any] = connection.execute(
                "SELECT id, at, before, after, service FROM stream_records "
                "WHERE stream = ? AND id > ? AND at > ? ORDER BY id LIMIT ?",
                (stream.number, after, self._clock() - KEPT_SECONDS, limit),
            ).fetchall()
        return [
            Record(number, at, _item(before), _item(present), bool(service))
            for number, at, before, present, service in rows
        ]

    def _opened(self, connection: sqlite3.Connection) -> dict[int, int]:
        if self._open is None:
            rows = connection.execute("SELECT collection, id FROM streams WHERE closed IS NULL").fetchall()
            self._open = dict(rows)
        return self._open

    def _trim(self, connection: sqlite3.Connection) -> None:
        now = self._clock()
        if now - self._trimmed < _TRIM_SECONDS:
            return
        self._trimmed = now
        connection.execute("DELETE FROM stream_records WHERE at <= ?", (now - KEPT_SECONDS,))
        connection.execute("DELETE FROM streams WHERE closed <= ?", (now - KEPT_SECONDS,))


def _last(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'stream_records'").fetchone()
    return int(row[0]) if row else 0


def _same(before: str | None, after: str | None) -> bool:
    """Return whether two stored items are equal, regardless of the order of attributes and of set members."""
    if before is None or after is None:
        return False
    return bool(_ordered(json.loads(before)) == _ordered(json.loads(after)))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: sorted(member) if name in ("SS", "NS", "BS") and isinstance(member, list) else _ordered(member)
            for name, member in value.items()
        }
    return [_ordered(each) for each in value] if isinstance(value, list) else value


def _item(body: str | None) -> Item | None:
    return None if body is None else json.loads(body)


def _stream(row: Sequence[Any]) -> Stream:
    number, collection, arn, start, opened, closed, about = row
    return Stream(number, collection, arn, start, opened, closed, json.loads(about))
