"""Backup, deletion and transfer of the state folder."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from local_lakehouse.store.database import EARLIER, FILE, PRIVATE, Database, StorageError, UnreadableStateError
from local_lakehouse.store.objects import FOLDER, files_of

BACKUP = "lakehouse.backup.sqlite"
_PIECE = 1024 * 1024
_LOGS = (FILE + "-wal", FILE + "-shm")
_BODY = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{30})")
# A user's text cannot match this pattern, because its quotes would be escaped.
_NAMED = re.compile(r'"\$body":\["([0-9a-f]+)"')


def has_state(directory: Path) -> bool:
    """Return whether a folder contains saved state, even if the state cannot be read."""
    return any((directory / name).exists() for name in (FILE, EARLIER, FOLDER, BACKUP))


def delete(directory: Path) -> None:
    """Delete the state in a folder that no running lakehouse is using."""
    for name in (FILE, *_LOGS, EARLIER, "lakehouse.draft", BACKUP, BACKUP + ".draft"):
        (directory / name).unlink(missing_ok=True)
    if (directory / FOLDER).exists():
        shutil.rmtree(directory / FOLDER)


def back_up(database: Database) -> None:
    """Write a backup of the database to its folder, replacing the previous backup."""
    draft = database.directory / (BACKUP + ".draft")
    draft.unlink(missing_ok=True)
    try:
        with database.snapshot() as connection:
            _copy(connection, draft)
        draft.replace(database.directory / BACKUP)
    except OSError as error:
        raise database.failure(error) from error
    finally:
        draft.unlink(missing_ok=True)


def return_to_backup(directory: Path) -> bool:
    """Replace the database with the last backup, in a folder that no running lakehouse is using.

    Returns:
        Whether the folder contains a backup.
    """
    backup = directory / BACKUP
    if not backup.exists():
        return False
    draft = directory / (FILE + ".draft")
    shutil.copyfile(backup, draft)
    for name in _LOGS:
        (directory / name).unlink(missing_ok=True)
    draft.replace(directory / FILE)
    return True


def named_files(connection: sqlite3.Connection) -> set[str]:
    """Return the files to which a database refers: the bodies of objects and the parts of incomplete uploads."""
    uploads = connection.execute("SELECT body FROM moto WHERE root >= 's3/' AND root < 's30'")
    return files_of(connection) | {file for (body,) in uploads for file in _NAMED.findall(body)}


def files_of_backup(directory: Path) -> set[str]:
    """Return the files to which the last backup refers."""
    if not (directory / BACKUP).exists():
        return set()
    with contextlib.closing(sqlite3.connect(f"{(directory / BACKUP).resolve().as_uri()}?mode=ro", uri=True)) as backup:
        return named_files(backup)


def export(directory: Path, target: Path) -> None:
    """Write a folder's state to one file, even while a lakehouse is running.

    Args:
        directory: The state folder.
        target: The path of the file, which is a gzip-compressed tar archive.

    Raises:
        StorageError: The folder has no state, the state cannot be read, or the file cannot be written.
    """
    source = directory / FILE
    if not source.exists():
        raise StorageError(f"There is no state in {directory}. Start a lakehouse with: zetl local start")
    draft = target.with_name(target.name + ".draft")
    try:
        with tempfile.TemporaryDirectory(dir=directory) as scratch, _opened(source) as connection:
            copy = Path(scratch) / FILE
            _copy(connection, copy)
            with contextlib.closing(sqlite3.connect(copy)) as copied:
                files = named_files(copied)
            with tarfile.open(draft, "w:gz", compresslevel=1) as archive:
                archive.add(copy, FILE)
                for file in sorted(files):
                    archive.add(directory / FOLDER / file[:2] / file, f"{FOLDER}/{file[:2]}/{file}")
        draft.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{directory} could not be exported to {target}: {error}") from error
    finally:
        draft.unlink(missing_ok=True)


def bring(directory: Path, source: Path) -> None:
    """Import the state in a file that `export` wrote. The folder must not contain saved state.

    Args:
        directory: The state folder, which no running lakehouse may be using.
        source: The file.

    Raises:
        StorageError: The folder already contains saved state, or the file cannot be read.
        UnreadableStateError: The file is not an exported state, or is damaged. Partial data is removed.
    """
    if has_state(directory):
        raise StorageError(
            f"{directory} already contains saved state. Delete it with: zetl local reset, or choose another folder"
        )
    directory.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            place = Path(scratch) / "state"
            place.mkdir(mode=PRIVATE)
            _unpack(source, place)
            database = Database(place)
            try:
                database.check()
            finally:
                database.close()
            for name in (FOLDER, FILE):
                if (place / name).exists():
                    (place / name).replace(directory / name)
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        raise StorageError(f"{source} could not be imported: {error}") from error


def _unpack(source: Path, place: Path) -> None:
    found = False
    with gzip.open(source) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            named = _BODY.fullmatch(member.name)
            if not member.isfile() or not (member.name == FILE or named):
                raise UnreadableStateError(
                    f"{source} is not an export of a local lakehouse: it contains {member.name!r}"
                )
            found = found or member.name == FILE
            content = archive.extractfile(member)
            if content is None:
                raise UnreadableStateError(f"{source} is damaged: {member.name} has no content")
            path = place / member.name
            path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            with path.open("wb") as file:
                shutil.copyfileobj(content, file)
        # The checksum of the complete content follows the part that tarfile reads.
        while stream.read(_PIECE):
            pass
    if not found:
        raise UnreadableStateError(f"{source} is not an export of a local lakehouse: it does not contain {FILE}")


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        connection.execute("PRAGMA query_only = ON")
        yield connection
