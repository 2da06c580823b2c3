"""Commits of statements' rows to Iceberg tables, with one snapshot per statement."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Operation

from local_lakehouse.athena.results import FAR
from local_lakehouse.athena.tables.iceberg_types import athena_type
from local_lakehouse.athena.tables.lake import Lake, is_iceberg
from local_lakehouse.iceberg.commits import commit_change
from local_lakehouse.iceberg.forms import write_form
from local_lakehouse.iceberg.partitions import UnstorablePartitionError
from local_lakehouse.iceberg.snapshots import Change
from local_lakehouse.iceberg.writer import DataFileWriter, FileLayout, TooManyPartitionsError, UnsupportedCodecError
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

_T = TypeVar("_T")
# https://docs.aws.amazon.com/athena/latest/ug/ctas-insert-into.html
_PARTITIONS = 100
_locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)


def fresh(lake: Lake, database: str, name: str) -> Table:
    """Return an Iceberg table's current state.

    Raises:
        QueryFailure: The table no longer exists or is no longer an Iceberg table.
    """
    entry = lake.table(database, name)
    if entry is None or not is_iceberg(entry):
        raise QueryFailure("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist")
    return lake.iceberg(entry)


def changing(database: str, name: str, change: Callable[[], _T]) -> _T:
    """Change a table while no other statement is changing it.

    Raises:
        QueryFailure: Another writer, such as an integration, committed a change in the meantime.
    """
    with _locks[database, name]:
        return committed(database, name, change)


def committed(database: str, name: str, change: Callable[[], _T]) -> _T:
    """Change a table, and make the statement fail if another writer's commit conflicts with the change.

    Raises:
        QueryFailure: Another writer, such as an integration, committed a change in the meantime.
    """
    try:
        return change()
    except CommitFailedException as error:
        raise QueryFailure(
            "ICEBERG_COMMIT_ERROR",
            f"Failed to commit the transaction on table {database}.{name}: another writer changed it in the "
            "meantime. Run the statement again.",
        ) from error


def table_columns(table: Table) -> list[tuple[str, Type]]:
    """Return the names and types of a table's columns."""
    return [(field.name, athena_type(field.field_type)) for field in table.schema().fields]


class RowWriter:
    """A writer that converts rows from DuckDB's representation and stores them in a table's data files.

    Args:
        lake: The lakehouse's tables.
        metadata: The table's metadata.
    """

    def __init__(self, lake: Lake, metadata: TableMetadata) -> None:
        self._schema = metadata.schema()
        self._files = DataFileWriter(FileLayout(metadata), lake.catalog.file_io(metadata.properties), _PARTITIONS)

    @property
    def files(self) -> Sequence[DataFile]:
        """The completed files."""
        return tuple(self._files.written)

    @property
    def row_count(self) -> int:
        """The number of rows written."""
        return self._files.row_count

    def write(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Write rows as they arrive."""
        for batch in batches:
            self._files.write(write_form(batch, self._schema))

    def finish(self) -> None:
        """Complete the files."""
        self._files.finish()

    def discard(self) -> None:
        """Delete the files."""
        self._files.discard()


@contextmanager
def row_writer(lake: Lake, metadata: TableMetadata) -> Iterator[RowWriter]:
    """Yield a writer, which the caller must finish in the block. Delete the writer's files if the block fails.

    Raises:
        QueryFailure: The statement writes to too many partitions or to a partition whose value cannot be stored, or the
            table's compression or a row's date is not supported.
    """
    writer = RowWriter(lake, metadata)
    try:
        yield writer
    except TooManyPartitionsError as error:
        writer.discard()
        raise QueryFailure("ICEBERG_TOO_MANY_OPEN_PARTITIONS", f"{error}.") from error
    except UnsupportedCodecError as error:
        writer.discard()
        raise QueryFailure("NOT_SUPPORTED", f"{error}") from error
    except UnstorablePartitionError as error:
        writer.discard()
        raise QueryFailure("INVALID_ARGUMENTS", f"{error}") from error
    except OverflowError as error:
        # The bounds in manifests are computed from Python's dates.
        writer.discard()
        raise QueryFailure("NOT_SUPPORTED", FAR) from error
    except BaseException:
        writer.discard()
        raise


def append(lake: Lake, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
    """Add rows to a table and return their number."""
    with row_writer(lake, table.metadata) as writer:
        writer.write(batches)
        writer.finish()
        if writer.row_count:
            database, name = table.name()
            # Statements commit one at a time, and a conflict with another writer causes a retry.
            with _locks[database, name]:
                commit_change(table, Change(writer.files), _reload(lake, table))
    return writer.row_count


def replace_files(lake: Lake, table: Table, removed: Sequence[DataFile], writer: RowWriter, *, same_rows: bool) -> None:
    """Replace files with a writer's files.

    Args:
        lake: The lakehouse's tables.
        table: The table that was read.
        removed: The files to remove.
        writer: The writer of the new rows.
        same_rows: Whether the new files contain the same rows as the removed files, as in Iceberg's ``replace``
            operation.
    """
    writer.finish()
    if removed or writer.files:
        change = Change(writer.files, removed, Operation.REPLACE if same_rows else None)
        commit_change(table, change, _reload(lake, table))


def _reload(lake: Lake, table: Table) -> Callable[[], Table]:
    database, name = table.name()
    return lambda: fresh(lake, database, name)
