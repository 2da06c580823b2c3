"""The embedded database of the state folder, which is one SQLite file in WAL mode."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from local_lakehouse.store.locks import FairLock

FILE = "lakehouse.sqlite"
# A lakehouse holds this file's lock while it uses the folder.
LOCK = "lock"
PRIVATE = 0o700
# The bytes of "ZETL", which identify the file.
_APPLICATION = 0x5A45544C
# The lengths of the log, in pages of 4 KB. At the first length, `checkpoint` tries to empty the log. At the second
# length, a commit would have to empty it.
_LONG_LOG = 16_000
_LONGEST_LOG = 262_144
EARLIER = "lakehouse.pickle"
# A killed process's lock is released only after all its threads end, which can take some time on a busy computer.
_RELEASE_SECONDS = 2.0
_HEADER = b"SQLite format 3\x00"
_FORMATS = "CREATE TABLE IF NOT EXISTS formats (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID"
_LARGE_TABLES = "CREATE TABLE IF NOT EXISTS large_tables (name TEXT PRIMARY KEY) WITHOUT ROWID"

Hook = Callable[[], None]


class UnreadableStateError(Exception):
    """A part of the state folder cannot be read by this version. The message describes the solution."""


class StateInUseError(Exception):
    """Another process is using the state folder."""


class StorageError(Exception):
    """The state folder could not be read or written. The message explains the reason and the solution."""


@dataclass(frozen=True)
class Schema:
    """The tables of a module.

    Args:
        name: The module's name in the table of formats.
        version: The version of the tables that `create` creates.
        create: The statements that create the tables.
        migrations: The statements that migrate each version to the next version, keyed by the initial version.
        large: The tables that grow with use. These tables are not checked when the database is opened, so that the time
            to open it does not depend on their size. Their rows must have checksums wherever a changed bit would
            matter.
    """

    name: str
    version: int
    create: tuple[str, ...]
    migrations: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    large: tuple[str, ...] = ()


_Connection = TypeVar("_Connection", bound=sqlite3.Connection)


class _Reader(sqlite3.Connection):
    """A connection that can end its reads even if a caller has not read all rows of a result.

    SQLite keeps a connection's snapshot until the last result is read or closed, even after a rollback. If `end` did
    not close all results, the connection's next user would see old data.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """Execute a statement, and return its result, which `end` closes."""
        cursor = self.cursor()
        self._cursors.add(cursor)
        return cursor.execute(*arguments)

    def end(self) -> None:
        """Close all results, and end the transaction."""
        for cursor in list(self._cursors):
            cursor.close()
        if self.in_transaction:
            self.rollback()


class Database:
    """A SQLite file with a single writing process, whose commits survive if the process is killed.

    The file is in WAL mode with ``synchronous=NORMAL``. A commit is passed to the operating system before it returns,
    so no commit is lost after `kill -9`. Commits from the last second can be lost in a power failure, but the file is
    never damaged.

    Args:
        directory: The state folder, which becomes private to the user. None creates a temporary folder, which `close`
            deletes.

    Raises:
        StateInUseError: Another process is using the folder.
        StorageError: The folder cannot be written.
        UnreadableStateError: The file is damaged, or was written by another program.

    See: https://www.sqlite.org/wal.html
    """

    def __init__(self, directory: Path | None) -> None:
        self._temporary = directory is None
        self.directory = Path(tempfile.mkdtemp(prefix="lakehouse-")) if directory is None else directory
        self.path = self.directory / FILE
        self.lock = FairLock()
        self.revision = 0  # the number of commits so far
        self._depth = 0
        self._writing_thread = 0
        self._readers: list[_Reader] = []
        self._readers_lock = threading.Lock()
        self._closed = False
        self._before_commit: list[Hook] = []
        self._last_before_commit: list[Hook] = []
        self._after_commit: list[Hook] = []
        self._after_rollback: list[Hook] = []
        self._after_replacement: list[Hook] = []
        self._schemas: dict[str, Schema] = {}
        self._folder_lock = FileLock(self.directory / LOCK)
        self._descriptor = -1
        try:
            self._open()
        except BaseException:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._folder_lock.release()
            raise

    def define(self, schema: Schema) -> None:
        """Create a module's tables, or migrate them to the schema's version.

        Raises:
            RuntimeError: The tables are new, and this thread is in a transaction, whose failure would delete them.
            UnreadableStateError: The tables were written by a newer version, are too old to be migrated, or are
                damaged.
        """
        if self.writing:
            if self._schemas.get(schema.name) == schema:
                return
            raise RuntimeError(f"The tables of {schema.name} must be defined before a transaction begins")
        self._define(schema)
        self._schemas[schema.name] = schema

    def _define(self, schema: Schema) -> None:
        with self.transaction() as connection:
            row = connection.execute("SELECT version FROM formats WHERE name = ?", (schema.name,)).fetchone()
            self._migrate(connection, schema, None if row is None else int(row[0]))
            connection.execute(
                "INSERT INTO formats VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version",
                (schema.name, schema.version),
            )
            connection.executemany("INSERT OR IGNORE INTO large_tables VALUES (?)", [(each,) for each in schema.large])

    def check(self) -> None:
        """Check the small tables and the file's structure for damage.

        Raises:
            UnreadableStateError: The file is damaged.
        """
        try:
            with self.snapshot() as connection:
                names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
                large = {row[0] for row in connection.execute("SELECT name FROM large_tables")}
                for name in sorted(set(names) - large):
                    found = connection.execute(f"PRAGMA quick_check('{name}')").fetchone()[0]
                    if found != "ok":
                        raise UnreadableStateError(self._damaged(found))
        except StorageError as error:
            raise UnreadableStateError(self._damaged(str(error.__cause__))) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit all changes that the block makes, or discard all of them.

        Writers run one at a time, because each must acquire `lock`, which gives clients priority. A nested block in the
        same thread is part of the outer block.

        Raises:
            StorageError: The state folder cannot be written. No change was made.
        """
        with self.lock:
            if self._depth:
                yield self._writer
                return
            try:
                with self._outermost():
                    yield self._writer
            except sqlite3.Error as error:
                raise self.failure(error) from error
            self.revision += 1
            for hook in self._after_commit:
                hook()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that reads the last committed state, without waiting for or blocking writers.

        All reads see the same point in time. A transaction's changes are visible here only after the transaction
        is committed.
        """
        connection = self._reader()
        try:
            connection.execute("BEGIN")
            # A deferred transaction sees the state at the time of its first read.
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
            yield connection
        except sqlite3.Error as error:
            raise self.failure(error) from error
        finally:
            self._give_back(connection)

    def view(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """Return a context manager that yields a connection for reading.

        If this thread is in a transaction, the connection also sees the transaction's uncommitted changes.
        """
        if self.writing:
            return contextlib.nullcontext(self._writer)
        return self.snapshot()

    def before_commit(self, hook: Hook, *, last: bool = False) -> None:
        """Register a function to call at the end of each outermost transaction.

        Args:
            hook: The function.
            last: Whether to call the function after all functions that were registered without `last`.
        """
        (self._last_before_commit if last else self._before_commit).append(hook)

    def after_commit(self, hook: Hook) -> None:
        """Register a function to call after each commit, while `lock` is still held."""
        self._after_commit.append(hook)

    def after_rollback(self, hook: Hook) -> None:
        """Register a function to call after each failed transaction, so that caches can discard unsaved changes."""
        self._after_rollback.append(hook)

    def after_replacement(self, hook: Hook) -> None:
        """Register a function to call after `replace`, so that no old data remains in memory."""
        self._after_replacement.append(hook)

    def checkpoint(self) -> None:
        """Move committed data from the log to the file, with little delay for readers and writers.

        SQLite reuses the start of the log only when the complete log has been moved, which continuous writes prevent.
        If the log is long, writers wait while its last pages are being moved, unless a reader still needs a part of the
        log.
        """
        with self.snapshot() as connection:
            connection.execute("ROLLBACK")
            pages, _ = _checkpoint(connection)
            if pages <= _LONG_LOG:
                return
            # SQLite would sync the file only after moving the complete log, and writers would have to wait.
            os.fsync(self._descriptor)
            pages, moved = _checkpoint(connection)
            if moved == pages:
                with self.lock:
                    _checkpoint(connection)

    def copy(self) -> sqlite3.Connection:
        """Return an in-memory copy of the current data."""
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with self.snapshot() as connection:
            connection.backup(copy)
        return copy

    def replace(self, content: sqlite3.Connection) -> None:
        """Replace all data with the data of another database in the same format."""
        with self.lock:
            try:
                content.backup(self._writer)
            except sqlite3.Error as error:
                raise self.failure(error) from error
            # The other database may lack the tables of a module that was first used after that database was written.
            # All tables must exist before a hook uses one of them.
            with self.transaction():
                for schema in self._schemas.values():
                    self._define(schema)
            for hook in self._after_replacement:
                hook()

    @property
    def writing(self) -> bool:
        """Whether this thread is in a transaction."""
        return self._depth > 0 and self._writing_thread == threading.get_ident()

    def failure(self, error: sqlite3.Error | OSError) -> StorageError:
        """Return the exception for an error from SQLite or the file system."""
        text = str(error)
        if "full" in text or getattr(error, "errno", None) in _FULL:
            advice = "The disk is full: free some space, then retry the request"
        elif "readonly" in text or "unable to open" in text or isinstance(error, PermissionError):
            advice = "The folder is not writable: make it writable, then retry the request"
        elif "malformed" in text or "not a database" in text:
            return StorageError(self._damaged(text))
        else:
            advice = "Run: zetl local status"
        return StorageError(
            f"The state in {self.directory} could not be read or written ({text}). {advice}. Nothing was changed."
        )

    def close(self) -> None:
        """Close the file, and delete the state folder if it is temporary."""
        with self.lock, self._readers_lock:
            if self._closed:
                return
            self._closed = True
            for connection in self._readers:
                connection.close()
            self._readers.clear()
            self._writer.close()
            os.close(self._descriptor)
        self._folder_lock.release()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _open(self) -> None:
        try:
            self.directory.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            self.directory.chmod(PRIVATE)
            self._folder_lock.acquire(timeout=_RELEASE_SECONDS, poll_interval=0.02)
        except Timeout as error:
            raise StateInUseError(
                f"Another lakehouse is using {self.directory}. Stop it with: zetl local stop"
            ) from error
        except OSError as error:
            raise self.failure(error) from error
        self._recognize()
        try:
            # The descriptor stays open as long as a connection is open, because closing it would release SQLite's
            # locks.
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self.failure(error) from error
        try:
            self._writer = self._connect(sqlite3.Connection)
            self._writer.execute("PRAGMA journal_mode = WAL")
            # `checkpoint` runs in the background, long before the log reaches this size.
            self._writer.execute(f"PRAGMA wal_autocheckpoint = {_LONGEST_LOG}")
            self._writer.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._writer.execute(_FORMATS)
            self._writer.execute(_LARGE_TABLES)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise self.failure(error) from error
            raise UnreadableStateError(self._damaged(str(error))) from error

    def _recognize(self) -> None:
        """Reject a file that is truncated or from another program, before SQLite opens it."""
        earlier = self.directory / EARLIER
        if earlier.exists():
            raise UnreadableStateError(
                f"{earlier} was written by a version that stored its state as a Python pickle. This version does not "
                "read pickles, because they can execute arbitrary code. Delete the state with: zetl local reset"
            )
        if not self.path.exists() or not (size := self.path.stat().st_size):
            return
        with self.path.open("rb") as file:
            header = file.read(100)
        if len(header) < 100 or not header.startswith(_HEADER):
            raise UnreadableStateError(self._damaged("it does not begin with the header of a SQLite database"))
        page_size = int.from_bytes(header[16:18], "big")
        page_size = 65_536 if page_size == 1 else page_size
        pages = int.from_bytes(header[28:32], "big")
        log = self.path.with_name(FILE + "-wal")
        logged = log.stat().st_size if log.exists() else 0
        if not logged and page_size and size < pages * page_size:
            raise UnreadableStateError(self._damaged(f"missing bytes: {pages * page_size - size}"))
        if int.from_bytes(header[68:72], "big") not in (_APPLICATION, 0):
            raise UnreadableStateError(self._damaged("it belongs to another program"))

    def _migrate(self, connection: sqlite3.Connection, schema: Schema, found: int | None) -> None:
        if found is None:
            for statement in schema.create:
                connection.execute(statement)
            return
        if found > schema.version:
            raise UnreadableStateError(
                f"The state in {self.directory} was written by a newer version ({schema.name} {found}; this version "
                f"reads {schema.version}). Install the newer version again, or delete the state with: zetl local reset"
            )
        for version in range(found, schema.version):
            if version not in schema.migrations:
                raise UnreadableStateError(
                    f"The state in {self.directory} was written by a version that is too old ({schema.name} {found}; "
                    f"this version reads {schema.version}). Delete the state with: zetl local reset"
                )
            for statement in schema.migrations[version]:
                connection.execute(statement)

    @contextlib.contextmanager
    def _outermost(self) -> Iterator[None]:
        self._writer.execute("BEGIN IMMEDIATE")
        self._depth, self._writing_thread = 1, threading.get_ident()
        try:
            yield
            for hook in (*self._before_commit, *self._last_before_commit):
                hook()
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            self._depth = 0
            for hook in self._after_rollback:
                hook()
            raise
        finally:
            self._depth = 0

    def _connect(self, kind: type[_Connection]) -> _Connection:
        connection = kind(self.path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cache_size = -16000")
        return connection

    def _reader(self) -> _Reader:
        with self._readers_lock:
            if self._closed:
                raise StorageError(
                    f"The state in {self.directory} is closed. Start the lakehouse with: zetl local start"
                )
            if self._readers:
                return self._readers.pop()
        connection = self._connect(_Reader)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _give_back(self, connection: _Reader) -> None:
        connection.end()
        with self._readers_lock:
            if not self._closed:
                self._readers.append(connection)
                return
        connection.close()

    def _damaged(self, detail: str) -> str:
        return (
            f"{self.path} is damaged ({detail}). Restore the last backup with: zetl local reset --to-backup, "
            "or delete the state with: zetl local reset"
        )


def _checkpoint(connection: sqlite3.Connection) -> tuple[int, int]:
    """Move pages without waiting for readers, and return the number of pages in the log and the number moved."""
    _, pages, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(pages), int(moved)


_FULL = (getattr(os, "ENOSPC", 28), 28, 122)
