"""How much memory and time statements may take."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MB = 2**20
# What DuckDB counts is less than what its process takes.
_OVERHEAD = 256 * MB
_GREATEST_QUERY = 2048 * MB
_GREATEST_SHARE = 0.5


def _all_queries() -> int:
    return int(psutil.virtual_memory().total * _GREATEST_SHARE)


@dataclass(frozen=True)
class Limits:
    """The bounds of statements.

    Args:
        all_bytes: The memory of all statements together; by default half of the computer's.
        query_bytes: The memory of one statement; by default 2 GB, or a quarter of the computer's where that is less.
        duckdb_bytes: What DuckDB itself holds a statement to; by default as much as `query_bytes`.
        result_bytes: The rows that one statement hands to the lakehouse.
        seconds: The time of one statement.
        threads: The threads of one statement.
        readable: The folders whose files DuckDB may read; no others.
    """

    all_bytes: int = field(default_factory=_all_queries)
    query_bytes: int = field(default_factory=lambda: min(_GREATEST_QUERY, _all_queries() // 2))
    duckdb_bytes: int | None = None
    result_bytes: int = 256 * MB
    seconds: float = 30 * 60.0
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    readable: tuple[Path, ...] = ()

    @property
    def process_bytes(self) -> int:
        """The memory that one process may add to what it starts with."""
        return self.query_bytes + _OVERHEAD
