"""Limits on the memory, run time and result size of statements."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MB = 2**20
# DuckDB counts less memory than its process uses.
_OVERHEAD = 256 * MB
_GREATEST_QUERY = 2048 * MB
_GREATEST_SHARE = 0.5


def _all_queries() -> int:
    return int(psutil.virtual_memory().total * _GREATEST_SHARE)


@dataclass(frozen=True)
class Limits:
    """The limits for statements.

    Args:
        all_bytes: The maximum combined memory of all statements, in bytes. Defaults to half of the computer's memory.
        query_bytes: The maximum memory of one statement, in bytes. Defaults to 2 GB or a quarter of the computer's
            memory, whichever is less.
        duckdb_bytes: DuckDB's memory limit, in bytes. None selects `query_bytes`.
        result_bytes: The maximum size of one statement's result, in bytes.
        seconds: The maximum run time of one statement in seconds.
        threads: The number of threads for one statement.
        readable: The only folders from which DuckDB can read.
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
        """The memory that one process can use beyond its initial size, in bytes."""
        return self.query_bytes + _OVERHEAD
