import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from local_lakehouse.store import database as store
from local_lakehouse.store.database import FILE, Database, Schema, StateInUseError, StorageError, UnreadableStateError

pytestmark = pytest.mark.once

NOTES = Schema("notes", 1, ("CREATE TABLE notes (text TEXT)",))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "state")
    database.define(NOTES)
    yield database
    database.close()


def add(database: Database, text: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES (?)", (text,))


def notes(database: Database) -> list[str]:
    with database.snapshot() as connection:
        return [row[0] for row in connection.execute("SELECT text FROM notes ORDER BY rowid")]


def filled(directory: Path, notes: int = 2000) -> Path:
    database = Database(directory)
    database.define(NOTES)
    with database.transaction() as connection:
        connection.executemany("INSERT INTO notes VALUES (?)", [("x" * 100,)] * notes)
    database.close()
    return directory / FILE


def test_folder_is_private_to_the_user(database: Database) -> None:
    assert stat.S_IMODE(database.directory.stat().st_mode) == 0o700


def test_nested_transactions_are_rolled_back_together(database: Database) -> None:
    def add_two_and_fail() -> None:
        with database.transaction():
            add(database, "first")
            add(database, "second")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_two_and_fail()

    assert notes(database) == []


def test_snapshot_does_not_see_later_commits(database: Database) -> None:
    add(database, "before")
    with database.snapshot() as connection:
        writer = threading.Thread(target=add, args=(database, "meanwhile"))
        writer.start()
        writer.join()

        assert connection.execute("SELECT text FROM notes").fetchall() == [("before",)]
    assert notes(database) == ["before", "meanwhile"]


def test_snapshot_rejects_writes(database: Database) -> None:
    with pytest.raises(StorageError), database.snapshot() as connection:
        connection.execute("INSERT INTO notes VALUES ('x')")


@pytest.mark.parametrize("read", ["one of many rows", "the only row", "no row", "an error"])
def test_unread_result_does_not_keep_an_old_snapshot_open(database: Database, read: str) -> None:
    for number in range(1 if read == "the only row" else 500):
        add(database, f"note {number}")
    kept = []
    with contextlib.suppress(ZeroDivisionError), database.snapshot() as connection:
        rows = connection.execute("SELECT text FROM notes")
        kept.append(rows)
        if read != "no row":
            kept.append(rows.fetchone())
        if read == "an error":
            raise ZeroDivisionError
    add(database, "later")
    # The connection is reused while the first reader still has its result.
    assert notes(database)[-1] == "later"
    assert kept


def test_snapshot_does_not_wait_for_a_writer(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES ('half')")
        assert notes(database) == []


def test_hooks_run_at_commit_and_rollback(database: Database) -> None:
    seen: list[str] = []
    database.before_commit(lambda: seen.append(f"before, writing {database.writing}"))
    database.after_commit(lambda: seen.append(f"after, writing {database.writing}"))
    database.after_rollback(lambda: seen.append("rollback"))

    add(database, "kept")
    with pytest.raises(ZeroDivisionError), database.transaction():
        raise ZeroDivisionError

    assert seen == ["before, writing True", "after, writing False", "rollback"]


def test_failing_hook_rolls_back_the_transaction(database: Database) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    database.before_commit(fail)
    with pytest.raises(ZeroDivisionError):
        add(database, "lost")

    assert notes(database) == []


def test_committed_data_survives_sigkill(tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from local_lakehouse.store.database import Database, Schema
database = Database(Path({str(tmp_path)!r}))
database.define(Schema("notes", 1, ("CREATE TABLE notes (text TEXT)",)))
with database.transaction() as connection:
    connection.execute("INSERT INTO notes VALUES ('kept')")
with database.transaction() as connection:
    connection.execute("INSERT INTO notes VALUES ('lost')")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL

    database = Database(tmp_path)
    database.check()
    assert notes(database) == ["kept"]
    database.close()


def test_folder_in_use_cannot_be_opened(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_lakehouse.store.database._RELEASE_SECONDS", 0.0)
    with pytest.raises(StateInUseError, match="zetl local stop"):
        Database(database.directory)


def test_folder_of_an_exiting_process_is_opened_as_soon_as_its_lock_is_released(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock", thread_local=False)
    lock.acquire()
    release = threading.Timer(0.1, lock.release)
    release.start()

    Database(tmp_path).close()

    release.join()


def test_closed_folder_can_be_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        filled(tmp_path, 1)
    database = Database(tmp_path)

    assert len(notes(database)) == 2
    database.close()


def test_temporary_folder_is_deleted() -> None:
    database = Database(None)
    database.close()

    assert not database.directory.exists()


@pytest.mark.parametrize("left", [0.999, 0.5, 0.01, 0.0001])
def test_truncated_file_is_rejected_and_kept(tmp_path: Path, left: float) -> None:
    path = filled(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left)])

    with pytest.raises(UnreadableStateError, match="zetl local reset"):
        Database(tmp_path)
    assert path.read_bytes() == content[: int(len(content) * left)]


def test_check_detects_flipped_bits(tmp_path: Path) -> None:
    path = filled(tmp_path)
    content = bytearray(path.read_bytes())
    # These bytes are the header of the fourth page, which contains part of a table's structure.
    at = 4096 * 3
    content[at : at + 8] = bytes(byte ^ 0xFF for byte in content[at : at + 8])
    path.write_bytes(content)

    database = Database(tmp_path)
    with pytest.raises(UnreadableStateError, match="zetl local reset"):
        database.check()
    database.close()


def test_file_that_is_not_a_database_is_rejected(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("Dear diary, today something else was saved under this name." * 10)
    with pytest.raises(UnreadableStateError, match="zetl local reset"):
        Database(tmp_path)


def test_database_of_another_program_is_rejected(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA application_id = 7")
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.commit()
    connection.close()

    with pytest.raises(UnreadableStateError, match="another program"):
        Database(tmp_path)


def test_newer_schema_version_is_rejected(database: Database) -> None:
    database.define(Schema("pets", 2, ("CREATE TABLE pets (name TEXT)",)))
    with pytest.raises(UnreadableStateError, match="newer version"):
        database.define(Schema("pets", 1, ()))


def test_older_schema_version_is_migrated(database: Database) -> None:
    add(database, "old")
    steps = {1: ("ALTER TABLE notes ADD COLUMN author TEXT",), 2: ("UPDATE notes SET author = 'unknown'",)}
    database.define(Schema("notes", 3, (), steps))

    with database.snapshot() as connection:
        assert connection.execute("SELECT text, author FROM notes").fetchall() == [("old", "unknown")]


def test_schema_version_without_a_migration_is_rejected(database: Database) -> None:
    with pytest.raises(UnreadableStateError, match="zetl local reset"):
        database.define(Schema("notes", 2, ()))


def test_full_disk_affects_only_the_current_transaction(database: Database) -> None:
    add(database, "before")
    with database.lock:
        pages = database._writer.execute("PRAGMA page_count").fetchone()[0]
        database._writer.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StorageError, match="disk is full"):
        add(database, "x" * 100_000)
    with database.lock:
        database._writer.execute("PRAGMA max_page_count = 1000000")
    add(database, "after")

    assert notes(database) == ["before", "after"]


def test_replacing_database_adds_missing_tables(database: Database, tmp_path: Path) -> None:
    earlier = Database(tmp_path / "earlier")
    content = earlier.copy()
    earlier.close()

    database.replace(content)
    content.close()

    add(database, "a")
    assert notes(database) == ["a"]


@pytest.mark.parametrize(
    ("notes", "moved", "waits"),
    [(10, True, [False]), (100, True, [False, False, True]), (100, False, [False, False])],
)
def test_checkpoint_blocks_writers_only_for_the_last_pages(
    database: Database, monkeypatch: pytest.MonkeyPatch, notes: int, moved: bool, waits: list[bool]
) -> None:
    seen = []
    move = vars(store)["_checkpoint"]

    def checkpoint(connection: sqlite3.Connection) -> tuple[int, int]:
        seen.append(database.lock.held)
        found: tuple[int, int] = move(connection)
        return found

    monkeypatch.setattr(store, "_checkpoint", checkpoint)
    monkeypatch.setattr(store, "_LONG_LOG", 50)
    # A snapshot that was opened before the writes prevents the checkpoint from moving all of them.
    with contextlib.nullcontext() if moved else database.snapshot():
        with database.transaction() as connection:
            connection.executemany("INSERT INTO notes VALUES (?)", [("x" * 4_096,)] * notes)
        database.checkpoint()
    assert seen == waits


def test_long_log_is_reused_during_continuous_writes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    moved_under_lock: list[int] = []
    move = vars(store)["_checkpoint"]

    def checkpoint(connection: sqlite3.Connection) -> tuple[int, int]:
        before = log.stat().st_size
        found: tuple[int, int] = move(connection)
        if database.lock.held:
            moved_under_lock.append(before - sizes[-1])
        else:
            sizes.append(before)
            add(database, "meanwhile")
        return found

    log = database.path.with_name(FILE + "-wal")
    sizes: list[int] = []
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(database.lock.held))
    monkeypatch.setattr(store, "_checkpoint", checkpoint)
    monkeypatch.setattr(store, "_LONG_LOG", 50)
    with database.transaction() as connection:
        connection.executemany("INSERT INTO notes VALUES (?)", [("x" * 4_096,)] * 100)
    database.checkpoint()
    assert synced == [False]
    # Writers waited only while the pages of the last commit were being moved.
    assert moved_under_lock[0] < log.stat().st_size / 50
    before = log.stat().st_size
    add(database, "after")
    assert log.stat().st_size == before


def test_tables_cannot_be_defined_in_a_transaction(database: Database) -> None:
    pets = Schema("pets", 1, ("CREATE TABLE pets (name TEXT)",))
    with database.transaction(), pytest.raises(RuntimeError, match="pets must be defined before a transaction"):
        database.define(pets)
    database.define(pets)
    with database.transaction() as connection:
        database.define(pets)
        connection.execute("INSERT INTO pets VALUES ('Rex')")
    with database.snapshot() as connection:
        assert connection.execute("SELECT name FROM pets").fetchall() == [("Rex",)]
