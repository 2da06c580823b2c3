"""The local paths of S3 objects, from which DuckDB reads Parquet files."""

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
# A statement can run for half an hour, and it reads the copies that existed when it started.
_IN_USE_SECONDS = 45 * 60


@functools.cache
def copies_folder() -> Path:
    """Return this process's folder for copies of objects. The folder is removed at exit."""
    folder = Path(tempfile.mkdtemp(prefix="local-lakehouse-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class LocalFiles:
    """Local files that contain the bodies of S3 objects, either hard links to the stored files or copies.

    Args:
        fetch: A function that writes an object's bytes to an open file.
        body: A function that returns the file with an object's bytes, or None if no file contains them.
        limit: The maximum total size of the copies in bytes. Copies that a statement may still read are kept.
        clock: A function that returns the time in seconds.
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

    def path(self, location: str, version: str = "", is_current: Callable[[], bool] = lambda: True) -> Path:
        """Return the path of a local file with an object's bytes.

        Args:
            location: The object's location.
            version: An identifier of the contents, such as the entity tag, for an object that can be overwritten.
            is_current: A function that returns whether the object still has this version. If the object has been
                overwritten, the new bytes are returned, but not for later calls with this version.

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
        try:
            if body is None or not _linked(body, copy):
                with copy.open("wb") as file:
                    self._fetch(location, file)
            return self.adopt(key if is_current() else copy.name, copy)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise

    def new_path(self) -> Path:
        """Return a path for a new file."""
        return copies_folder() / f"{uuid.uuid4().hex}.bin"

    def adopt(self, location: str, copy: Path) -> Path:
        """Add a file with an object's bytes, and return the path of the object's file.

        If the object already has a file, the new file is deleted.
        """
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
        """Remove the copy of a deleted object."""
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
    """Create a hard link that survives the object's deletion, and return whether the link was created."""
    try:
        copy.hardlink_to(body)
    except OSError:
        # The body is on a different file system or on a file system without hard links, or the object was deleted.
        return False
    return True
