"""Tests for local copies of objects, and for the removal of copies that have not been read recently."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pytest

from local_lakehouse.iceberg.local_files import LocalFiles

pytestmark = pytest.mark.once


class _Objects:
    """Object contents by location, and a list of the locations that were read."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.reads: list[str] = []

    def fetch(self, location: str, target: IO[bytes]) -> None:
        self.reads.append(location)
        if location not in self.objects:
            raise FileNotFoundError(location)
        target.write(self.objects[location])


def test_each_object_version_is_copied_once() -> None:
    objects = _Objects(a=b"first")
    files = LocalFiles(objects.fetch)

    assert files.path("a", "1").read_bytes() == b"first"
    objects.objects["a"] = b"second"
    assert files.path("a", "1").read_bytes() == b"first"
    assert files.path("a", "2").read_bytes() == b"second"
    assert objects.reads == ["a", "a"]
    with pytest.raises(FileNotFoundError):
        files.path("b")


def test_bytes_of_an_overwritten_object_are_not_kept_for_the_earlier_version() -> None:
    objects = _Objects(a=b"second")
    files = LocalFiles(objects.fetch)

    assert files.path("a", "1", lambda: False).read_bytes() == b"second"
    objects.objects["a"] = b"first"
    assert files.path("a", "1").read_bytes() == b"first"


def test_recent_copies_are_kept_even_if_they_exceed_the_limit() -> None:
    now = [0.0]
    files = LocalFiles(_Objects(a=b"x" * 10, b=b"y" * 10, c=b"z" * 10).fetch, limit=15, clock=lambda: now[0])
    first, second = files.path("a"), files.path("b")
    assert first.exists()
    assert second.exists()

    now[0] = 3600.0
    third = files.path("c")

    assert (first.exists(), second.exists(), third.exists()) == (False, False, True)


def test_local_file_is_linked_instead_of_copied(tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(b"content")
    objects = _Objects(a=b"content")
    files = LocalFiles(objects.fetch, lambda _: body)

    path = files.path("a")
    body.unlink()

    assert path.read_bytes() == b"content"
    if objects.reads:
        pytest.skip("the temporary folders are on two file systems")
