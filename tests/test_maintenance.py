"""Tests for compacting small files, and for deleting old snapshots and the files that only they use."""

from datetime import UTC, datetime

import pytest

from local_lakehouse.lakehouse import Lakehouse
from zetl_helpers import integration, lakehouse, maintenance, source
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import QueryError


def count(lab: Lab) -> tuple[int, int, int]:
    counts = maintenance.files(lab)
    return counts.files, counts.snapshots, counts.stored_files


def test_compact_and_vacuum_reduce_number_of_files(lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(lab, 3)
    source.load_items(lab, source.items(2))
    integration.wait_until_synced(lab, datetime.now(UTC))
    before, snapshots, _ = count(lab)
    maintenance.compact(lab)
    files, after, in_s3 = count(lab)
    assert (files, after) == (10, snapshots + 1)  # There is one file for each state.
    assert files < before < in_s3
    maintenance.vacuum(lab)
    assert count(lab) == (files, after, in_s3), (
        "snapshots of the last five days are kept unless the caller specifies otherwise"
    )
    maintenance.keep_snapshots_for(lab, 0)
    maintenance.vacuum(lab)
    assert count(lab) == (files, 1, files)
    assert maintenance.files(lab).rows == len(lakehouse.query(lab, "SELECT customerid FROM customeraccounts"))


def test_counts_are_readable() -> None:
    counts = maintenance.FileCounts(103_000, 48, 46, 5, 60, 4_118)
    assert str(counts) == "103,000 rows in 48 files of 46 KB · 5 snapshots · 60 files, 4,118 KB in S3"


def test_compact_raises_error_if_table_is_missing(lab: Lab) -> None:
    chapters.catch_up(lab, 2)
    with pytest.raises(QueryError, match="customeraccounts"):
        maintenance.compact(lab)
