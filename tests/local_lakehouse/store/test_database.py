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


def test_the_folder_belongs_to_its_user(database: Database) -> None:
    assert stat.S_IMODE(database.directory.stat().st_mode) == 0o700


def test_blocks_of_one_thread_are_one_transaction(database: Database) -> None:
    def add_two_and_fail() -> None:
        with database.transaction():
            add(database, "first")
            add(database, "second")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_two_and_fail()

    assert notes(database) == []


def test_a_snapshot_sees_one_instant_and_waits_for_nobody(database: Database) -> None:
    add(database, "before")
    with database.snapshot() as connection:
        writer = threading.Thread(target=add, args=(database, "meanwhile"))
        writer.start()
        writer.join()

        assert connection.execute("SELECT text FROM notes").fetchall() == [("before",)]
    assert notes(database) == ["before", "meanwhile"]


def test_a_snapshot_cannot_write(database: Database) -> None:
    with pytest.raises(StorageError), database.snapshot() as connection:
        connection.execute("INSERT INTO notes VALUES ('x')")


@pytest.mark.parametrize("read", ["one of many rows", "the only row", "no row", "an error"])
def test_a_result_that_is_not_read_to_its_end_does_not_keep_old_data(database: Database, read: str) -> None:
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
    # The connection is used again, while the first reader still has its result.
    assert notes(database)[-1] == "later"
    assert kept


def test_a_snapshot_does_not_wait_for_a_writer(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES ('half')")
        assert notes(database) == []


def test_hooks_see_the_commit_and_the_rollback(database: Database) -> None:
    seen: list[str] = []
    database.before_commit(lambda: seen.append(f"before, writing {database.writing}"))
    database.after_commit(lambda: seen.append(f"after, writing {database.writing}"))
    database.after_rollback(lambda: seen.append("rollback"))

    add(database, "kept")
    with pytest.raises(ZeroDivisionError), database.transaction():
        raise ZeroDivisionError

    assert seen == ["before, writing True", "after, writing False", "rollback"]


def test_a_failing_hook_undoes_the_transaction(database: Database) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    database.before_commit(fail)
    with pytest.raises(ZeroDivisionError):
        add(database, "lost")

    assert notes(database) == []


def test_what_was_committed_survives_a_killed_process(tmp_path: Path) -> None:
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


def test_one_folder_has_one_process(database: Database) -> None:
    with pytest.raises(StateInUseError, match="zetl local stop"):
        Database(database.directory)


def test_a_closed_folder_can_be_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        filled(tmp_path, 1)
    database = Database(tmp_path)

    assert len(notes(database)) == 2
    database.close()


def test_a_temporary_folder_is_deleted() -> None:
    database = Database(None)
    database.close()

    assert not database.directory.exists()


@pytest.mark.parametrize("left", [0.999, 0.5, 0.01, 0.0001])
def test_a_truncated_file_is_refused_with_the_next_step(tmp_path: Path, left: float) -> None:
    path = filled(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left)])

    with pytest.raises(UnreadableStateError, match="zetl local reset"):
        Database(tmp_path)
    assert path.read_bytes() == content[: int(len(content) * left)]


def test_flipped_bits_are_found(tmp_path: Path) -> None:
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


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("Dear diary, today something else was saved under this name." * 10)
    with pytest.raises(UnreadableStateError, match="zetl local reset"):
        Database(tmp_path)


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA application_id = 7")
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.commit()
    connection.close()

    with pytest.raises(UnreadableStateError, match="another program"):
        Database(tmp_path)


def test_a_newer_format_is_refused(database: Database) -> None:
    database.define(Schema("pets", 2, ("CREATE TABLE pets (name TEXT)",)))
    with pytest.raises(UnreadableStateError, match="newer version"):
        database.define(Schema("pets", 1, ()))


def test_an_older_format_is_migrated_step_by_step(database: Database) -> None:
    add(database, "old")
    steps = {1: ("ALTER TABLE notes ADD COLUMN author TEXT",), 2: ("UPDATE notes SET author = 'unknown'",)}
    database.define(Schema("notes", 3, (), steps))

    with database.snapshot() as connection:
        assert connection.execute("SELECT text, author FROM notes").fetchall() == [("old", "unknown")]


def test_an_older_format_without_a_way_is_refused(database: Database) -> None:
    with pytest.raises(UnreadableStateError, match="zetl local reset"):
        database.define(Schema("notes", 2, ()))


def test_a_full_disk_fails_the_request_and_nothing_else(database: Database) -> None:
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


def test_a_content_from_before_a_module_was_used_gets_its_tables(database: Database, tmp_path: Path) -> None:
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
def test_writers_wait_only_while_the_last_pages_of_a_long_log_are_moved(
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


def test_a_long_log_is_reused_although_writes_continue(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
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
    # Writers waited only for the pages of the last commit.
    assert moved_under_lock[0] < log.stat().st_size / 50
    before = log.stat().st_size
    add(database, "after")
    assert log.stat().st_size == before
