"""Access to large files without reading them into memory."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import IO

# Smaller files are read, which takes less time than mapping them.
LARGE_BYTES = 2**20


def mapped(file: IO[bytes]) -> memoryview:
    """Map the content of an open file into memory, and return it. The file may be closed or deleted, but not changed.

    Args:
        file: The file, which must not be empty.
    """
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def content_of(path: Path) -> bytes | memoryview:
    """Return a file's content, which is memory-mapped if the file is large."""
    with path.open("rb") as file:
        return mapped(file) if path.stat().st_size >= LARGE_BYTES else file.read()
