"""A log of the keys and tables that DynamoDB requests have changed since the last refresh."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from local_lakehouse.store.database import Database, Schema

_SCHEMA = Schema(
    "changes", 1,
    (
        """
        CREATE TABLE change_logs (integration TEXT PRIMARY KEY, source TEXT, key_names TEXT, whole INTEGER)
        WITHOUT ROWID
        """,
        "CREATE TABLE changes (integration TEXT, name TEXT, key TEXT, PRIMARY KEY (integration, name)) WITHOUT ROWID",
    ),
    large=("changes",),
)  # fmt: skip

Key = Mapping[str, Mapping[str, Any]]
Written = tuple[str, Mapping[str, Any]]

# The operations that do not change items. All other operations are assumed to change items.
_READ_ONLY = frozenset(
    {
        "BatchGetItem", "CreateBackup", "DeleteBackup", "DeleteResourcePolicy", "DescribeBackup",
        "DescribeContinuousBackups", "DescribeContributorInsights", "DescribeEndpoints", "DescribeExport",
        "DescribeGlobalTable", "DescribeGlobalTableSettings", "DescribeImport", "DescribeKinesisStreamingDestination",
        "DescribeLimits", "DescribeTable", "DescribeTableReplicaAutoScaling", "DescribeTimeToLive",
        "ExportTableToPointInTime", "GetItem", "GetResourcePolicy", "ListBackups", "ListContributorInsights",
        "ListExports", "ListGlobalTables", "ListImports", "ListTables", "ListTagsOfResource", "PutResourcePolicy",
        "Query", "Scan", "TagResource", "TransactGetItems", "UntagResource", "UpdateContinuousBackups",
        "UpdateTimeToLive",
    }
)  # fmt: skip


@dataclass
class Window:
    """The changes between two refreshes.

    Args:
        keys: A mapping from the normalized form of each changed item's key to the key.
        whole: Whether the whole table must be compared because a request did not name the items that it changed.
    """

    keys: dict[str, Key] = field(default_factory=dict)
    whole: bool = False

    def __bool__(self) -> bool:
        return self.whole or bool(self.keys)


@dataclass
class _Watched:
    table: str
    key_names: tuple[str, ...]
    window: Window = field(default_factory=Window)
    taken: Window = field(default_factory=Window)

    def pending(self) -> Window:
        return Window(self.taken.keys | self.window.keys, self.taken.whole or self.window.whole)


class ChangeLog:
    """A record of the writes to each integration's table since the last refresh.

    A refresh takes a window of changes. The log keeps this window until the refresh succeeds or fails, so that no
    change is lost if the state is saved during the refresh. If there is a database, each change is stored in a row that
    is committed together with the write.

    Args:
        database: The database for the changes, or None to keep them in memory.
    """

    def __init__(self, database: Database | None = None) -> None:
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        # Whether the current transaction contains a change for an integration, and the functions to call after the
        # commit.
        self._written = False
        self._listeners: list[Callable[[], None]] = []
        self._database = database
        # The keys to add when the transaction commits, and the integrations whose stored changes must be replaced.
        self._new: list[tuple[str, str, str]] = []
        self._outdated: set[str] = set()
        if database is not None:
            database.define(_SCHEMA)
            database.before_commit(self._write)
            database.after_commit(self._tell)
            database.after_rollback(self._read_again)
            database.after_replacement(self._read)
            self._read()

    def after_write(self, listener: Callable[[], None]) -> None:
        """Register a function to call after each commit that contains a change for an integration.

        The database is still locked during the call.
        """
        self._listeners.append(listener)

    def watch(self, integration: str, table: str, key_names: Iterable[str]) -> None:
        """Start recording a table's changes for an integration."""
        with self._transaction(), self._lock:
            self._watched[integration] = _Watched(table, tuple(key_names))
            self._outdated.add(integration)

    def forget(self, integration: str) -> None:
        """Stop recording changes for an integration."""
        with self._transaction(), self._lock:
            self._watched.pop(integration, None)
            self._outdated.add(integration)

    def take(self, integration: str) -> Window:
        """Return an integration's window, and start the next window. The caller must call `settle` or `put_back`."""
        with self._lock:
            watched = self._watched[integration]
            # Windows that were taken are kept until `settle` or `put_back` is called.
            watched.taken, watched.window = watched.pending(), Window()
            return watched.taken

    def nothing_since(self, integration: str) -> bool:
        """Return whether an integration has had no changes since its window was taken.

        The caller must hold the database's lock.
        """
        with self._lock:
            return integration in self._watched and not self._watched[integration].window

    def settle(self, integration: str) -> None:
        """Delete the current window, because it has been applied to the target."""
        with self._transaction(), self._lock:
            if integration in self._watched:
                self._watched[integration].taken = Window()
                self._outdated.add(integration)

    def put_back(self, integration: str) -> None:
        """Add the current window to the next window, because it could not be applied."""
        with self._lock:
            # The integration may have been deleted in the meantime.
            if integration in self._watched:
                watched = self._watched[integration]
                watched.window, watched.taken = watched.pending(), Window()

    def note(self, operation: str, request: Mapping[str, Any]) -> None:
        """Record the changes that a DynamoDB request made, before the next request is executed.

        A write that names its keys is recorded by key. After any other request, every watched table that the request
        mentions must be compared completely, unless the request is known to be read-only. This way, no write is missed.

        Args:
            operation: The operation, such as ``PutItem``.
            request: The request.
        """
        if operation in _READ_ONLY:
            return
        with self._lock:
            if not self._watched:
                return
            if operation in _WRITES:
                for table, item in _WRITES[operation](request):
                    self._note_key(table.rpartition("/")[2], item)
            elif not _is_select(operation, request):
                self._mark("\n".join(_texts(request)))

    def _transaction(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext() if self._database is None else self._database.transaction()

    def _write(self) -> None:
        if self._database is None or not (self._new or self._outdated):
            return
        with self._database.transaction() as connection, self._lock:
            for integration in self._outdated:
                connection.execute("DELETE FROM change_logs WHERE integration = ?", (integration,))
                connection.execute("DELETE FROM changes WHERE integration = ?", (integration,))
                if integration in self._watched:
                    watched = self._watched[integration]
                    pending = watched.pending()
                    connection.execute(
                        "INSERT INTO change_logs VALUES (?, ?, ?, ?)",
                        (integration, watched.table, json.dumps(watched.key_names), pending.whole),
                    )
                    rows = ((integration, name, json.dumps(key)) for name, key in pending.keys.items())
                    connection.executemany("INSERT INTO changes VALUES (?, ?, ?)", rows)
            fresh = (row for row in self._new if row[0] not in self._outdated)
            connection.executemany("INSERT OR REPLACE INTO changes VALUES (?, ?, ?)", fresh)
            self._outdated.clear()
            self._new.clear()

    def _tell(self) -> None:
        if self._written:
            self._written = False
            for listener in self._listeners:
                listener()

    def _read_again(self) -> None:
        """Discard uncommitted changes."""
        self._written = False
        if self._new or self._outdated:
            self._read()

    def _read(self) -> None:
        if self._database is None:
            return
        with self._database.view() as connection:
            logs = connection.execute("SELECT integration, source, key_names, whole FROM change_logs").fetchall()
            rows = connection.execute("SELECT integration, name, key FROM changes").fetchall()
        with self._lock:
            self._new.clear()
            self._outdated.clear()
            self._watched = {
                integration: _Watched(table, tuple(json.loads(names)), Window(whole=bool(whole)))
                for integration, table, names, whole in logs
            }
            for integration, name, key in rows:
                self._watched[integration].window.keys[name] = json.loads(key)

    def _note_key(self, table: str, item: Mapping[str, Any]) -> None:
        for integration, watched in self._watched.items():
            if watched.table == table:
                key = _key_of(item, watched.key_names)
                if key is None:
                    self._whole(integration)
                else:
                    self._written = True
                    name = canonical(key)
                    watched.window.keys[name] = key
                    if self._database is not None:
                        self._new.append((integration, name, json.dumps(key)))

    def _whole(self, integration: str) -> None:
        self._written = True
        if not self._watched[integration].window.whole:
            self._watched[integration].window.whole = True
            self._outdated.add(integration)

    def _mark(self, text: str) -> None:
        for integration, watched in self._watched.items():
            # The name must match a whole word in a statement or an ARN, because another table's name can start with
            # this name.
            if re.search(rf"(?<!\w){re.escape(watched.table)}(?!\w)", text):
                self._whole(integration)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield from (name, *_texts(member))
    elif isinstance(value, list):
        for element in value:
            yield from _texts(element)


def _put_item(request: Mapping[str, Any]) -> Iterator[Written]:
    yield request["TableName"], request["Item"]


def _keyed_write(request: Mapping[str, Any]) -> Iterator[Written]:
    yield request["TableName"], request["Key"]


def _batch_write_item(request: Mapping[str, Any]) -> Iterator[Written]:
    for table, writes in request["RequestItems"].items():
        for write in writes:
            yield table, write["PutRequest"]["Item"] if "PutRequest" in write else write["DeleteRequest"]["Key"]


def _transact_write_items(request: Mapping[str, Any]) -> Iterator[Written]:
    for entry in request["TransactItems"]:
        for action in ("Put", "Update", "Delete"):
            if action in entry:
                yield entry[action]["TableName"], entry[action]["Item" if action == "Put" else "Key"]


_WRITES: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Written]]] = {
    "PutItem": _put_item,
    "UpdateItem": _keyed_write,
    "DeleteItem": _keyed_write,
    "BatchWriteItem": _batch_write_item,
    "TransactWriteItems": _transact_write_items,
}


def _is_select(operation: str, request: Mapping[str, Any]) -> bool:
    return operation == "ExecuteStatement" and str(request.get("Statement", "")).lstrip()[:6].upper() == "SELECT"


def _key_of(item: Mapping[str, Any], names: Sequence[str]) -> Key | None:
    key = {name: item[name] for name in names if name in item}
    return key if len(key) == len(names) else None


def canonical(key: Key) -> str:
    """Return a string that is the same for equal keys. For example, the numbers 1 and 1.0 are equal."""
    return json.dumps([[name, tag, _same(tag, value)] for name, typed in key.items() for tag, value in typed.items()])


def _same(tag: str, value: str) -> str:
    if tag != "N":
        return value
    try:
        return str(Decimal(value).normalize())
    except InvalidOperation:
        return value
