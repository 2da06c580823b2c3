"""Amazon S3 objects, whose bodies are files in the state folder and whose other data is in database rows."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import threading
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local_lakehouse.store.database import PRIVATE, Database, Schema, StorageError
from local_lakehouse.store.mapped_files import LARGE_BYTES, content_of

FOLDER = "objects"
_MOST_CHECKED = 10_000
_KEYS_AT_ONCE = 500
_SCHEMA = Schema(
    "objects", 1,
    (
        """
        CREATE TABLE objects (bucket TEXT, key TEXT, versions TEXT NOT NULL, bodies TEXT NOT NULL,
        crc INTEGER NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID
        """,
    ),
    large=("objects",),
)  # fmt: skip


@dataclass(frozen=True)
class Body:
    """The content of an object, in a file that never changes.

    Args:
        file: The file's name, or an empty string for an empty body.
        size: The size in bytes.
        crc: The checksum.
        md5: The MD5 hash, or an empty string if it is not known.
    """

    file: str
    size: int
    crc: int
    md5: str = field(default="", compare=False)


EMPTY = Body("", 0, 0)


@dataclass(frozen=True)
class VersionBodies:
    """The files of one version of an object.

    Args:
        version: The version's ID, or ``null`` if the version was written while versioning was not enabled.
        body: The file of the version's content, or None for a delete marker.
        parts: The files of the version's uploaded parts.
    """

    version: str
    body: str | None
    parts: tuple[str, ...] = ()

    @property
    def files(self) -> Iterator[str]:
        """All files of the version."""
        yield from filter(None, (self.body, *self.parts))


class Objects:
    """The objects of all buckets.

    A body is written before the row that refers to it, and deleted after that row. Therefore, if a process is
    killed, it can leave behind only unreferenced files, which `sweep` deletes.

    Args:
        database: The database that contains the rows. Its folder contains the bodies.
    """

    def __init__(self, database: Database) -> None:
        database.define(_SCHEMA)
        self.database = database
        self._folder = database.directory / FOLDER
        self._lock = threading.Lock()
        self._staged = threading.local()
        self._unsynced: set[str] = set()
        self._new: set[str] = set()
        self._dropped: set[str] = set()
        # Large files whose checksums have been verified, each with its modification and status change times.
        self._checked: set[tuple[str, int, int]] = set()
        # Whether the files of deleted objects are kept until `sweep`, so that a copy of the database can refer to them.
        self.keeps_deleted = False
        database.after_commit(self._committed)
        database.after_rollback(self._undone)

    @contextlib.contextmanager
    def staged(self, content: bytes | memoryview) -> Iterator[None]:
        """Write a body before the block's transaction, so that other requests do not wait for the write.

        If `write` receives the same bytes object in the block, it returns this body without writing it again.
        Otherwise, the body's file is deleted at the end of the block.

        Raises:
            StorageError: The disk is full, or the folder cannot be written.
        """
        self._staged.body = content, self._written(content)
        try:
            yield
        finally:
            _, body = self._staged.body
            self._staged.body = None, EMPTY
            if body.file:
                with self._lock:
                    self._unsynced.discard(body.file)
                self._delete([body.file])

    def write(self, content: bytes | memoryview) -> Body:
        """Write a body in a transaction. The body is kept only if the transaction refers to it.

        Raises:
            StorageError: The disk is full, or the folder cannot be written.
        """
        staged, body = getattr(self._staged, "body", (None, EMPTY))
        if staged is content:
            self._staged.body = None, EMPTY
        else:
            body = self._written(content)
        if body.file:
            with self._lock:
                self._new.add(body.file)
        return body

    def read(self, body: Body) -> bytes:
        """Return a body.

        Raises:
            StorageError: The file is missing or damaged.
        """
        return bytes(self.content(body))

    def content(self, body: Body) -> bytes | memoryview:
        """Return a body, which is memory-mapped if it is large.

        The checksum of a large body is checked again only if the file has changed, because clients read large objects
        in many small ranges.

        Raises:
            StorageError: The file is missing or damaged.
        """
        if not body.file:
            return b""
        path = self._path(body.file)
        try:
            status = path.stat()
            content = content_of(path)
        except OSError as error:
            raise self.database.failure(error) from error
        known = body.file, status.st_mtime_ns, status.st_ctime_ns
        if len(content) == body.size and known in self._checked:
            return content
        self._check(path, content, body)
        if body.size >= LARGE_BYTES:
            if len(self._checked) >= _MOST_CHECKED:
                self._checked.clear()
            self._checked.add(known)
        return content

    def _check(self, path: Path, content: bytes | memoryview, body: Body) -> None:
        if len(content) != body.size or zlib.crc32(content) != body.crc:
            raise StorageError(
                f"{path} is damaged: it does not match its checksum. Delete the object and write it again, "
                "or restore the last backup with: zetl local reset --to-backup"
            )

    def path_of(self, bucket: str, key: str, version: str | None = None) -> Path | None:
        """Return the file that contains an object's content. The caller must not change the file.

        This method reads committed data, never waits, and can be called from any thread.

        Args:
            bucket: The bucket.
            key: The object's key.
            version: The version's ID, or None for the latest version.

        Returns:
            The file, or None if the object does not exist or is empty. The file is deleted some time after the object
            is deleted. A missing file means that the object was deleted after this call.
        """
        with self.database.view() as connection:
            row = connection.execute(
                "SELECT bodies FROM objects WHERE bucket = ? AND key = ?", (bucket, key)
            ).fetchone()
        bodies = _versions(row[0]) if row else []
        if version is not None:
            bodies = [each for each in bodies if each.version == version]
        return self._path(bodies[-1].body) if bodies and bodies[-1].body else None

    def stored_keys(self, bucket: str, keys: Sequence[str]) -> set[str]:
        """Return those keys whose objects exist and are not empty, as `path_of` does for one key.

        Args:
            bucket: The bucket.
            keys: The keys.
        """
        found = set()
        with self.database.view() as connection:
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                some = keys[start : start + _KEYS_AT_ONCE]
                rows = connection.execute(
                    f"SELECT key, bodies FROM objects WHERE bucket = ? AND key IN ({', '.join('?' * len(some))})",  # noqa: S608  (only placeholders are inserted)
                    (bucket, *some),
                )
                found |= {key for key, bodies in rows if _versions(bodies)[-1].body}
        return found

    def get(self, bucket: str, key: str) -> tuple[str, frozenset[str]] | None:
        """Return the version list that was passed to `put`, and the object's files.

        If the object does not exist, return None.
        """
        with self.database.view() as connection:
            row = connection.execute(
                "SELECT versions, bodies, crc FROM objects WHERE bucket = ? AND key = ?", (bucket, key)
            ).fetchone()
        return self._opened(bucket, key, *row) if row else None

    def names(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the keys in a bucket that start with a prefix, in order."""
        names = []
        with self.database.view() as connection:
            rows = connection.execute(
                "SELECT key FROM objects WHERE bucket = ? AND key >= ? ORDER BY key", (bucket, prefix)
            )
            for (name,) in rows:
                if not name.startswith(prefix):
                    break
                names.append(name)
        return names

    def has(self, bucket: str, key: str) -> bool:
        """Return whether an object exists."""
        with self.database.view() as connection:
            found = connection.execute("SELECT 1 FROM objects WHERE bucket = ? AND key = ?", (bucket, key)).fetchone()
        return found is not None

    def count(self, bucket: str) -> int:
        """Return the number of objects in a bucket."""
        with self.database.view() as connection:
            found = connection.execute("SELECT count(*) FROM objects WHERE bucket = ?", (bucket,)).fetchone()
        return int(found[0])

    def is_empty(self, bucket: str) -> bool:
        """Return whether a bucket contains no objects."""
        with self.database.view() as connection:
            return connection.execute("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", (bucket,)).fetchone() is None

    def put(self, bucket: str, key: str, versions: str, bodies: Sequence[VersionBodies]) -> None:
        """Write the row of an object."""
        listed = json.dumps([[each.version, each.body, each.parts] for each in bodies])
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)",
                (bucket, key, versions, listed, zlib.crc32(versions.encode())),
            )
        self.keep(file for each in bodies for file in each.files)

    def remove(self, bucket: str, key: str) -> None:
        """Delete the row of an object."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key))

    def keep(self, files: Iterable[str]) -> None:
        """Record in a transaction that these files are referenced."""
        with self._lock:
            self._new.difference_update(files)

    def drop(self, files: Iterable[str]) -> None:
        """Record in a transaction that these files are no longer referenced."""
        with self._lock:
            self._dropped.update(files)

    def sync(self) -> None:
        """Flush all new bodies to the disk, so that they survive a power failure.

        Raises:
            StorageError: The disk reports an error.
        """
        with self._lock:
            files, self._unsynced = self._unsynced, set()
        for file in sorted(files):
            try:
                descriptor = os.open(self._path(file), os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                os.fsync(descriptor)
            except OSError as error:
                with self._lock:
                    self._unsynced |= files
                raise self.database.failure(error) from error
            finally:
                os.close(descriptor)

    def sweep(self, named: set[str], before: float) -> int:
        """Delete unreferenced files.

        Args:
            named: The referenced files.
            before: A time in seconds since 1970. Files that were modified later are kept, because their rows may not be
                committed yet.

        Returns:
            The number of deleted files.
        """
        swept = 0
        for path in self._folder.glob("??/*"):
            # A request may delete a file at the same time.
            with contextlib.suppress(FileNotFoundError):
                if path.name not in named and path.stat().st_mtime < before:
                    path.unlink()
                    swept += 1
        return swept

    def _written(self, content: bytes | memoryview) -> Body:
        if not content:
            return EMPTY
        file = uuid.uuid4().hex
        path = self._path(file)
        try:
            try:
                path.write_bytes(content)
            except FileNotFoundError:
                path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
                path.write_bytes(content)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise self.database.failure(error) from error
        with self._lock:
            self._unsynced.add(file)
        return Body(file, len(content), zlib.crc32(content), hashlib.md5(content, usedforsecurity=False).hexdigest())

    def _committed(self) -> None:
        with self._lock:
            dropped = set() if self.keeps_deleted else self._dropped
            unnamed, self._new, self._dropped = self._new | dropped, set(), set()
        self._delete(unnamed)

    def _undone(self) -> None:
        with self._lock:
            unnamed, self._new, self._dropped = self._new, set(), set()
        self._delete(unnamed)

    def _delete(self, files: Iterable[str]) -> None:
        for file in files:
            self._path(file).unlink(missing_ok=True)

    def _path(self, file: str) -> Path:
        return self._folder / file[:2] / file

    def _opened(self, bucket: str, key: str, versions: str, bodies: str, crc: int) -> tuple[str, frozenset[str]]:
        if zlib.crc32(versions.encode()) != crc:
            raise StorageError(
                f"The entry for s3://{bucket}/{key} in {self.database.path} is damaged. "
                "Restore the last backup with: zetl local reset --to-backup"
            )
        return versions, frozenset(file for each in _versions(bodies) for file in each.files)


def _versions(bodies: str) -> list[VersionBodies]:
    return [VersionBodies(version, body, tuple(parts)) for version, body, parts in json.loads(bodies)]


def files_of(connection: sqlite3.Connection) -> set[str]:
    """Return the files to which object rows refer."""
    rows = connection.execute("SELECT bodies FROM objects")
    return {file for (bodies,) in rows for each in _versions(bodies) for file in each.files}
