"""Iceberg snapshots for charts, read from any format in which Athena queries return them."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd


class Snapshot(NamedTuple):
    """One snapshot, which is a committed state of a table."""

    at: str
    """The commit time in UTC, in plotly's date format."""
    id: str
    """The snapshot's ID as text, because JavaScript rounds whole numbers beyond 53 bits."""
    operation: str
    added: int
    deleted: int
    total: int
    """The number of records in the table after the commit."""


def snapshots(table: pd.DataFrame) -> list[Snapshot]:
    """Read the rows of `"table$snapshots"`, oldest first.

    Raises:
        ValueError: A snapshot's summary does not contain the number of records.
    """
    times = pd.to_datetime(table["committed_at"], utc=True)
    history = table.assign(committed_at=times).sort_values("committed_at", kind="stable")
    return [
        Snapshot(
            at=moment(row.committed_at),
            id=str(row.snapshot_id),
            operation=str(row.operation),
            added=_count(row.summary, "added-records", absent=0),
            deleted=_count(row.summary, "deleted-records", absent=0),
            total=_count(row.summary, "total-records"),
        )
        for row in history.itertuples()
    ]


def moment(time: Any) -> str:
    """Format a UTC time for plotly, with milliseconds."""
    return str(time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3])


def _count(summary: Any, key: str, *, absent: int | None = None) -> int:
    """Read a count from a snapshot's summary.

    The summary is a mapping, a sequence of pairs (from awswrangler), or text such as `{key=value, …}` (from Athena).

    Iceberg omits some counts that are zero. `absent` is the value to return for a missing key.
    """
    if isinstance(summary, str):
        found = re.search(rf"(?:^\{{|, ){re.escape(key)}=(\d+)", summary)
        value = found[1] if found else None
    else:
        entries = summary if isinstance(summary, Mapping) else dict(summary if summary is not None else ())
        value = entries.get(key)
    if value is not None:
        return int(value)
    if absent is None:
        raise ValueError(f'A snapshot\'s summary has no {key}: {summary!r}. Query all columns of "table$snapshots".')
    return absent
