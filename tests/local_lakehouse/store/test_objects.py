"""Tests that an object's body is written before its transaction commits, and deleted if no transaction uses it."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_lakehouse.store.database import Database, StorageError
from local_lakehouse.store.mapped_files import LARGE_BYTES
from local_lakehouse.store.objects import Body, Objects, VersionBodies

pytestmark = pytest.mark.once

CONTENT = b"a long body"
LARGE = bytes(range(256)) * (LARGE_BYTES // 256)


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    database = Database(tmp_path)
    yield Objects(database)
    database.close()


def files(objects: Objects) -> list[bytes]:
    return [path.read_bytes() for path in objects.database.directory.glob("objects/*/*")]


def put(objects: Objects, content: bytes) -> Body:
    with objects.database.transaction():
        body = objects.write(content)
        objects.put("bucket", "key", "[]", [VersionBodies("null", body.file)])
    return body


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


def test_empty_body_does_not_create_a_file(objects: Objects) -> None:
    with objects.staged(b""):
        put(objects, b"")
    assert files(objects) == []


def test_only_large_bodies_are_mapped(objects: Objects) -> None:
    assert isinstance(objects.content(put(objects, LARGE[:-1])), bytes)
    content = objects.content(put(objects, LARGE))

    assert isinstance(content, memoryview)
    assert content == LARGE
    assert objects.read(put(objects, LARGE)) == LARGE


def test_mapped_body_outlives_its_object(objects: Objects) -> None:
    content = objects.content(put(objects, LARGE))
    for path in objects.database.directory.glob("objects/*/*"):
        path.unlink()

    assert content[-256:] == LARGE[-256:]


@pytest.mark.parametrize("size", [100, len(LARGE)])
@pytest.mark.parametrize("damage", ["changed", "shortened", "deleted"])
def test_damaged_body_is_detected_even_after_a_successful_read(objects: Objects, size: int, damage: str) -> None:
    body = put(objects, LARGE[:size])
    objects.content(body)
    (path,) = objects.database.directory.glob("objects/*/*")
    if damage == "deleted":
        path.unlink()
    else:
        path.write_bytes(LARGE[: size - 1] + (b"?" if damage == "changed" else b""))
        # Some file systems record modification times at a low resolution.
        os.utime(path, ns=(0, 0))

    with pytest.raises(StorageError):
        objects.content(body)


def test_checksum_of_a_large_body_is_computed_once(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    body = put(objects, LARGE)
    objects.content(body)

    def compute_again(_: bytes) -> int:
        raise AssertionError("the checksum is computed again")

    monkeypatch.setattr("local_lakehouse.store.objects.zlib.crc32", compute_again)
    assert objects.content(body) == LARGE
