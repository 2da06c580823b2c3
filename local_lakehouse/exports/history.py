"""Point-in-time recovery: every version of the items of the tables that have it on.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_lakehouse.backend.changes import ChangeLog, canonical
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.dynamodb_source import DynamoDbSource, Item
from local_lakehouse.store.database import Schema

Items = dict[str, Item]

_SCHEMA = Schema(
    "history", 1,
    (
        "CREATE TABLE histories (source TEXT PRIMARY KEY, since INTEGER, key_names TEXT) WITHOUT ROWID",
        """
        CREATE TABLE item_versions (source TEXT, moment INTEGER, key TEXT, body TEXT,
        PRIMARY KEY (source, moment, key)) WITHOUT ROWID
        """,
    ),
    large=("item_versions",),
)  # fmt: skip
_BASELINE = 0


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


@dataclass
class _Versions:
    since: int
    key_names: tuple[str, ...]
    baseline: Items
    current: Items
    writes: list[tuple[int, str, Item | None]] = field(default_factory=list)

    def take_over(self, moment: int, key: str, image: Item | None) -> None:
        """Note what an item is from a moment on; `_BASELINE` for what it is in the beginning."""
        if moment == _BASELINE and image is not None:
            self.baseline[key] = image
        else:
            self.writes.append((moment, key, image))
        if image is None:
            del self.current[key]
        else:
            self.current[key] = image


class History:
    """Keeps the versions of items while point-in-time recovery is on.

    Args:
        clients: The lakehouse.
        clock: The present time in seconds since 1970.
    """

    def __init__(self, clients: ServiceClients, clock: Callable[[], float]) -> None:
        self._clients = clients
        self._clock = clock
        self._source = DynamoDbSource(clients)
        self._changes = ChangeLog()
        self._tables: dict[str, _Versions] = {}
        self._last = 0
        self._database = clients.documents.database
        # What the present transaction has to write: new versions, or all there is of a table.
        self._new: list[tuple[str, int, str, str | None]] = []
        self._outdated: set[str] = set()
        self._database.define(_SCHEMA)
        self._database.before_commit(self._save)
        self._database.after_rollback(self._read_again)
        self._database.after_replacement(self._read)
        self._read()

    def note(self, operation: str, request: Mapping[str, Any]) -> None:
        """Note what a DynamoDB request changed, once it has been served and before the next one is."""
        with self._clients.lock:
            self._changes.note(operation, request)
            for table in list(self._tables):
                self._keep_up(table)
            if operation == "UpdateContinuousBackups":
                self._begin(str(request["TableName"]).rpartition("/")[2])

    def open(self, table: str) -> int | None:
        """Bring a table's history up to date.

        Returns:
            The first moment that it knows; None without point-in-time recovery.
        """
        with self._clients.lock:
            # Recovery may have been turned on before there was a history, or off since.
            self._begin(table)
            if table not in self._tables:
                return None
            # Items whose time to live is over leave without a request.
            self._catch_up(table)
            return self._tables[table].since

    def now(self) -> int:
        """Return the present moment in microseconds; never the same one twice, and never an earlier one."""
        self._last = max(int(self._clock() * 1_000_000), self._last + 1)
        return self._last

    def items_at(self, table: str, moment: int) -> list[Item]:
        """Return a table's items as they were at a moment."""
        with self._clients.lock:
            return list(self._state(table, moment + 1).values())

    def changes_between(self, table: str, start: int, end: int) -> list[Change]:
        """Return what became of the items that were written from `start`, inclusive, to `end`, exclusive."""
        with self._clients.lock:
            versions = self._tables[table]
            before, after = self._state(table, start), self._state(table, end)
            written = {key: moment for moment, key, _ in versions.writes if start <= moment < end}
            return [
                Change(moment, _keys(image, versions.key_names), after.get(key), before.get(key))
                for key, moment in written.items()
                # What came and went in between leaves no trace.
                if (image := after.get(key) or before.get(key)) is not None
            ]

    def _save(self) -> None:
        if not (self._new or self._outdated):
            return
        with self._database.transaction() as connection:
            for table in self._outdated:
                connection.execute("DELETE FROM histories WHERE source = ?", (table,))
                connection.execute("DELETE FROM item_versions WHERE source = ?", (table,))
                if table in self._tables:
                    connection.execute(
                        "INSERT INTO histories VALUES (?, ?, ?)",
                        (table, self._tables[table].since, json.dumps(self._tables[table].key_names)),
                    )
                    connection.executemany("INSERT INTO item_versions VALUES (?, ?, ?, ?)", self._all(table))
            fresh = (row for row in self._new if row[0] not in self._outdated)
            connection.executemany("INSERT INTO item_versions VALUES (?, ?, ?, ?)", fresh)
        self._new.clear()
        self._outdated.clear()

    def _all(self, table: str) -> Iterator[tuple[str, int, str, str | None]]:
        versions = self._tables[table]
        for key, image in versions.baseline.items():
            yield table, _BASELINE, key, json.dumps(image)
        for moment, key, written in versions.writes:
            yield table, moment, key, _text(written)

    def _read_again(self) -> None:
        """Forget what was not committed."""
        if self._new or self._outdated:
            self._read()

    def _read(self) -> None:
        with self._database.view() as connection:
            histories = connection.execute("SELECT source, since, key_names FROM histories").fetchall()
            rows = connection.execute(
                "SELECT source, moment, key, body FROM item_versions ORDER BY source, moment"
            ).fetchall()
        self._new.clear()
        self._outdated.clear()
        self._changes = ChangeLog()
        self._tables = {table: _Versions(since, tuple(json.loads(names)), {}, {}) for table, since, names in histories}
        for table, versions in self._tables.items():
            self._changes.watch(table, table, versions.key_names)
        for table, moment, key, body in rows:
            self._tables[table].take_over(moment, key, None if body is None else json.loads(body))

    def _begin(self, table: str) -> None:
        """Begin a table's history, or end it, as its point-in-time recovery says."""
        if not self._source.keeps_history(table):
            self._end(table)
        elif table not in self._tables:
            names = tuple(self._source.key_attributes(table) or ())
            items = {canonical(_keys(item, names)): item for item in self._source.items(table)}
            with self._database.transaction():
                self._tables[table] = _Versions(self.now(), names, items, dict(items))
                self._outdated.add(table)
            self._changes.watch(table, table, names)

    def _end(self, table: str) -> None:
        if self._tables.pop(table, None) is not None:
            with self._database.transaction():
                self._outdated.add(table)
        self._changes.forget(table)

    def _keep_up(self, table: str) -> None:
        window = self._changes.take(table)
        self._changes.settle(table)
        if not window:
            return
        if not self._source.keeps_history(table):
            self._end(table)
        elif window.whole:
            self._catch_up(table)
        else:
            images = self._by_key(table, self._source.items_of(table, window.keys.values()))
            self._write(table, {key: images.get(key) for key in window.keys})

    def _catch_up(self, table: str) -> None:
        """Compare a table as a whole: some write may not have told which items it changed."""
        images = self._by_key(table, self._source.items(table))
        self._write(table, {key: images.get(key) for key in images.keys() | self._tables[table].current.keys()})

    def _by_key(self, table: str, items: list[Item]) -> Items:
        names = self._tables[table].key_names
        return {canonical(_keys(item, names)): item for item in items}

    def _write(self, table: str, images: Mapping[str, Item | None]) -> None:
        versions = self._tables[table]
        moment = self.now()
        with self._database.transaction():
            for key, image in images.items():
                if versions.current.get(key) != image:
                    versions.take_over(moment, key, image)
                    self._new.append((table, moment, key, _text(image)))

    def _state(self, table: str, before: int) -> Items:
        versions = self._tables[table]
        state = dict(versions.baseline)
        for moment, key, image in versions.writes:
            if moment >= before:
                break
            if image is None:
                state.pop(key, None)
            else:
                state[key] = image
        return state


def _text(image: Item | None) -> str | None:
    return None if image is None else json.dumps(image)


def _keys(item: Item, names: tuple[str, ...]) -> Item:
    return {name: item[name] for name in names}
