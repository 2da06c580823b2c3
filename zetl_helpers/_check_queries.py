"""The folder of results that marks the queries of an exercise's check, which the learner's history leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FOLDER = "exercise-checks/"
_checking = ContextVar("_checking", default=False)


@contextmanager
def checking() -> Iterator[None]:
    """Mark the queries that run inside the block."""
    token = _checking.set(True)
    try:
        yield
    finally:
        _checking.reset(token)


def folder(results: str) -> str:
    """Return the location of a query's results, which is a folder of its own if a check runs the query.

    A comment in the statement would move the positions in Athena's messages.
    """
    return f"{results}{_FOLDER}" if _checking.get() else results


def is_marked(location: str) -> bool:
    """Return whether a check ran the query with this location of its results."""
    return f"/{_FOLDER}" in location
