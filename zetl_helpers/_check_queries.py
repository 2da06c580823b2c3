"""The results folder for exercise checks. The learner's query history omits queries with results in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FOLDER = "exercise-checks/"
_checking = ContextVar("_checking", default=False)


@contextmanager
def checking() -> Iterator[None]:
    """Mark the queries that run inside the ``with`` block as queries of an exercise check."""
    token = _checking.set(True)
    try:
        yield
    finally:
        _checking.reset(token)


def folder(results: str) -> str:
    """Return the location for a query's results: a separate folder if an exercise check is running the query.

    A folder marks these queries, because a comment in a statement would shift the positions in Athena error messages.
    """
    return f"{results}{_FOLDER}" if _checking.get() else results


def is_marked(location: str) -> bool:
    """Return whether a check ran the query whose results are at this location."""
    return f"/{_FOLDER}" in location
