"""The comment that marks the queries of an exercise's check, so that the learner's history leaves them out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_COMMENT = "/* run by the check of an exercise */"
_checking = ContextVar("_checking", default=False)


@contextmanager
def checking() -> Iterator[None]:
    """Mark the queries that run inside the block."""
    token = _checking.set(True)
    try:
        yield
    finally:
        _checking.reset(token)


def marked(sql: str) -> str:
    """Return a statement with the comment if a check runs it.

    The comment is at the end, so that the positions in Athena's messages stay right.
    """
    return f"{sql}\n{_COMMENT}" if _checking.get() else sql


def is_marked(sql: str) -> bool:
    """Return whether a check ran a statement."""
    return sql.rstrip().endswith(_COMMENT)
