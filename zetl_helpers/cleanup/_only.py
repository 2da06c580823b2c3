"""Cleanup of individual tables, and of the shared resources once no table is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from zetl_helpers.cleanup._discover import empty
from zetl_helpers.cleanup._leftovers import Leftover, Ownership
from zetl_helpers.lab import Lab

# Every chapter that replicates a table creates these resources first. Any other resource, such as a Studio domain,
# shows that the lab is in use.
_SHARED = (
    "resource property", "Lake Formation grants", "Glue database", "Athena results", "S3 bucket",
    "Data Catalog policy statement", "IAM role",
)  # fmt: skip


def select(mine: Ownership, found: Sequence[Leftover], only: Sequence[Lab], *, complete: bool) -> list[Leftover]:
    """Return the resources whose deletion completely removes the given tables, in deletion order.

    Args:
        mine: The owners of the lab's resources.
        found: All of the lab's resources, in order.
        only: The tables, each as returned by `Lab.with_table`.
        complete: Whether every kind of resource could be checked.
    """
    sources = {lab.source for lab in only}
    others = [entry for entry in found if entry.table not in sources]
    if complete and all(other.kind in _SHARED for other in others):
        return list(found)
    theirs = [item for item in found if item.table in sources]
    return [*theirs, *_files(mine, only)]


def _files(mine: Ownership, only: Sequence[Lab]) -> Iterator[Leftover]:
    """Find the target tables' files in the lab's bucket. The bucket itself is kept."""
    if not mine.owns(mine.bucket):
        return
    s3, bucket = mine.lab.client("s3"), mine.lab.bucket
    for lab in only:
        prefix = f"{lab.database}/{lab.target_table}/"
        if s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"]:
            delete = partial(empty, s3, bucket, prefix)
            name, why = f"s3://{bucket}/{prefix}", "billed per GB-month"
            yield Leftover("files", name, why, "in the lab's bucket", delete, table=lab.source)
