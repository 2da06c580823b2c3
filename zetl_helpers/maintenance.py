"""Maintenance of an Iceberg table's files and snapshots."""

from __future__ import annotations

from dataclasses import dataclass

import awswrangler as wr

from zetl_helpers import lakehouse
from zetl_helpers._counts import counted
from zetl_helpers._steps import Step
from zetl_helpers.lab import Lab

__all__ = ["FileCounts", "compact", "files", "keep_snapshots_for", "vacuum"]

_POLL_SECONDS = 0.1
_AGE = "vacuum_max_snapshot_age_seconds"


@dataclass(frozen=True)
class FileCounts:
    """The number and size of a table's data files at a point in time.

    Args:
        rows: The number of rows in the latest snapshot.
        files: The number of data files in the latest snapshot.
        average_kb: The average size of these files in KB.
        snapshots: The number of available snapshots.
        stored_files: The number of data files in S3, from all snapshots.
        stored_kb: The total size of the stored files in KB.
    """

    rows: int
    files: int
    average_kb: int
    snapshots: int
    stored_files: int
    stored_kb: int

    def __repr__(self) -> str:
        return (
            f"{counted(self.rows, 'row')} in {counted(self.files, 'file')} of {self.average_kb} KB · "
            f"{counted(self.snapshots, 'snapshot')} · "
            f"{counted(self.stored_files, 'file')}, {self.stored_kb:,} KB in S3"
        )


def files(lab: Lab) -> FileCounts:
    """Count the target table's data files, both in the latest snapshot and in S3.

    Args:
        lab: The lab.

    Returns:
        The numbers of rows, files and snapshots, and sizes in KB.

    Raises:
        QueryError: The table does not exist.

    See https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-data.html
    """
    live = lakehouse.query(
        lab,
        "SELECT COALESCE(SUM(record_count), 0) AS row_count, COUNT(*) AS file_count, "  # noqa: S608  (a fixed name)
        f'COALESCE(SUM(file_size_in_bytes), 0) AS bytes FROM "{lab.target_table}$files"',
    ).iloc[0]
    objects = lakehouse.objects(lab)
    stored = objects[objects["folder"] == "data"]
    count = int(live["file_count"])
    return FileCounts(
        rows=int(live["row_count"]),
        files=count,
        average_kb=round(int(live["bytes"]) / 1024 / max(count, 1)),
        snapshots=len(lakehouse.snapshots(lab)),
        stored_files=len(stored),
        stored_kb=round(int(stored["bytes"].sum()) / 1024),
    )


def compact(lab: Lab) -> Step:
    """Compact the small files of each partition with ``OPTIMIZE … BIN_PACK``.

    Athena rewrites nothing if the table has fewer than five small files.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome. Its `details` are Athena's ``QueryExecution``, which contains the statement.

    Raises:
        QueryError: Athena rejected the statement or failed to run it.

    See https://docs.aws.amazon.com/athena/latest/ug/optimize-statement.html
    """
    sql = f"OPTIMIZE {lab.target_table} REWRITE DATA USING BIN_PACK"
    return _run(lab, f"data files of table {lab.target_table}", sql)


def keep_snapshots_for(lab: Lab, seconds: int) -> Step:
    """Set the age at which ``VACUUM`` expires a snapshot. The default age is five days.

    Args:
        lab: The lab.
        seconds: The age in seconds.

    Returns:
        The step and its outcome.

    Raises:
        QueryError: Athena rejected the statement or failed to run it.

    See https://docs.aws.amazon.com/athena/latest/ug/vacuum-statement.html
    """
    sql = f"ALTER TABLE {lab.target_table} SET TBLPROPERTIES ('{_AGE}' = '{int(seconds)}')"
    return _run(lab, f"snapshot retention of {int(seconds)} s for table {lab.target_table}", sql)


def vacuum(lab: Lab) -> Step:
    """Expire old snapshots with ``VACUUM``, and delete the files that no remaining snapshot needs.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome. Its `details` are Athena's ``QueryExecution``, which contains the statement.

    Raises:
        QueryError: Athena rejected the statement or failed to run it.

    See https://docs.aws.amazon.com/athena/latest/ug/vacuum-statement.html
    """
    return _run(lab, f"snapshots of table {lab.target_table}", f"VACUUM {lab.target_table}")


def _run(lab: Lab, thing: str, sql: str) -> Step:
    with lab.recording() as calls:
        try:
            execution = wr.athena.start_query_execution(
                sql,
                database=lab.database,
                workgroup=lab.workgroup,
                s3_output=f"s3://{lab.bucket}/athena-results/",
                boto3_session=lab.session,
                wait=True,
                athena_query_wait_polling_delay=_POLL_SECONDS,
            )
        except wr.exceptions.QueryFailed as error:
            raise lakehouse.QueryError(str(error)) from None
        except lab.client("athena").exceptions.InvalidRequestException as error:
            raise lakehouse.QueryError(error.response["Error"]["Message"]) from None
    return Step(thing, "changed", calls, execution)
