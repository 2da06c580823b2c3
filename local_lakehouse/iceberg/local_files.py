"""Paths on the local disk of objects in S3, from which DuckDB reads Parquet files by itself."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO

_COPIES_BYTES = 4 * 2**30
# A statement may run for half an hour, and reads the copies that it was told of at its start.
_IN_USE_SECONDS = 45 * 60


@functools.cache
def copies_folder() -> Path:
    """Return the folder of this process for copies of objects; it is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="local-lakehouse-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class LocalFiles:
    """Objects of S3 as files on the local disk: the object's own body if it is one, or else a copy.

    Args:
        fetch: Writes an object's bytes to an open file.
        body: Tells the file that has an object's bytes, if there is one.
        limit: How many bytes of copies to keep; copies that a statement may still read stay beyond it.
        clock: Tells the time in seconds.
    """

    def __init__(
        self,
        fetch: Callable[[str, IO[bytes]], None],
        body: Callable[[str], Path | None] = lambda _location: None,
        limit: int = _COPIES_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._body = body
        self._limit = limit
        self._clock = clock
        self._copies: OrderedDict[str, tuple[Path, int, float]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def path(self, location: str, version: str = "") -> Path:
        """Return the path of an object's bytes.

        Args:
            location: The object.
            version: Tells the contents of an object that may be overwritten, such as its entity tag.

        Raises:
            FileNotFoundError: The object does not exist.
        """
        key = location + version
        with self._lock:
            known = self._copies.get(key)
            if known is not None:
                self._copies[key] = (known[0], known[1], self._clock())
                self._copies.move_to_end(key)
                return known[0]
        copy = self.new_path()
        body = self._body(location)
        if body is not None and _linked(body, copy):
            return self.adopt(key, copy)
        try:
            with copy.open("wb") as file:
                self._fetch(location, file)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
        return self.adopt(key, copy)

    def new_path(self) -> Path:
        """Return a path for a file that is about to be written."""
        return copies_folder() / f"{uuid.uuid4().hex}.bin"

    def adopt(self, location: str, copy: Path) -> Path:
        """Keep a file that has an object's bytes, and return the path under which it is known."""
        size = copy.stat().st_size
        with self._lock:
            known = self._copies.get(location)
            if known is not None:
                copy.unlink()
                return known[0]
            self._copies[location] = (copy, size, self._clock())
            self._size += size
            self._drop_unused()
        return copy

    def forget(self, location: str) -> None:
        """Remove the copy of an object that is deleted."""
        with self._lock:
            self._remove(location)

    def _drop_unused(self) -> None:
        oldest = self._clock() - _IN_USE_SECONDS
        for location, (_, _, used) in list(self._copies.items()):
            if self._size <= self._limit or used > oldest:
                return
            self._remove(location)

    def _remove(self, location: str) -> None:
        known = self._copies.pop(location, None)
        if known is not None:
            self._size -= known[1]
            known[0].unlink(missing_ok=True)


def _linked(body: Path, copy: Path) -> bool:
    """Give a file a second name, under which it stays when the object is deleted; tell whether that is possible."""
    try:
        copy.hardlink_to(body)
    except OSError:
        # Another file system, one without links, or an object that was deleted just now.
        return False
    return True
