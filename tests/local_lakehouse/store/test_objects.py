"""Tests that an object's body is written before its transaction commits, and deleted if no transaction uses it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_lakehouse.store.database import Database
from local_lakehouse.store.objects import Objects, VersionBodies

pytestmark = pytest.mark.once

CONTENT = b"a long body"


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    database = Database(tmp_path)
    yield Objects(database)
    database.close()


def files(objects: Objects) -> list[bytes]:
    return [path.read_bytes() for path in objects.database.directory.glob("objects/*/*")]


def put(objects: Objects, content: bytes) -> None:
    with objects.database.transaction():
        body = objects.write(content)
        objects.put("bucket", "key", "[]", [VersionBodies("null", body.file)])


def test_transaction_uses_the_staged_body(objects: Objects) -> None:
    with objects.staged(CONTENT):
        assert files(objects) == [CONTENT]
        put(objects, CONTENT)
    assert files(objects) == [CONTENT]


def test_staged_body_survives_commits_of_other_threads(objects: Objects) -> None:
    with objects.staged(CONTENT):
        other = threading.Thread(target=put, args=(objects, b"another"))
        other.start()
        other.join()
        with objects.database.transaction():
            body = objects.write(CONTENT)
            objects.put("bucket", "staged", "[]", [VersionBodies("null", body.file)])
    assert sorted(files(objects)) == [CONTENT, b"another"]
    assert objects.read(body) == CONTENT


def test_unused_staged_body_is_deleted(objects: Objects) -> None:
    with objects.staged(CONTENT):
        put(objects, b"another")
    assert files(objects) == [b"another"]


def test_staged_body_of_a_failed_transaction_is_deleted(objects: Objects) -> None:
    def fail() -> None:
        with objects.staged(CONTENT), objects.database.transaction():
            objects.write(CONTENT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert files(objects) == []
    objects.sync()


def test_empty_body_creates_no_file(objects: Objects) -> None:
    with objects.staged(b""):
        put(objects, b"")
    assert files(objects) == []
