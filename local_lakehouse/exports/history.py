"""Point-in-time recovery: every version of the items of the tables that have it on.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from local_lakehouse.backend.changes import ChangeLog, canonical
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.dynamodb_source import DynamoDbSource, Item

Items = dict[str, Item]


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

    def dump(self) -> dict[str, Any]:
        """Return all versions as plain data."""
        with self._clients.lock:
            return {table: asdict(versions) for table, versions in self._tables.items()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Put back what `dump` returned."""
        with self._clients.lock:
            self._tables = {table: _Versions(**versions) for table, versions in state.items()}
            self._changes = ChangeLog()
            for table, versions in self._tables.items():
                self._changes.watch(table, table, versions.key_names)

    def _begin(self, table: str) -> None:
        """Begin a table's history, or end it, as its point-in-time recovery says."""
        if not self._source.keeps_history(table):
            self._end(table)
        elif table not in self._tables:
            names = tuple(self._source.key_attributes(table) or ())
            items = {canonical(_keys(item, names)): item for item in self._source.items(table)}
            self._tables[table] = _Versions(self.now(), names, items, dict(items))
            self._changes.watch(table, table, names)

    def _end(self, table: str) -> None:
        self._tables.pop(table, None)
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
        for key, image in images.items():
            if versions.current.get(key) != image:
                versions.writes.append((moment, key, image))
                if image is None:
                    del versions.current[key]
                else:
                    versions.current[key] = image

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


def _keys(item: Item, names: tuple[str, ...]) -> Item:
    return {name: item[name] for name in names}
