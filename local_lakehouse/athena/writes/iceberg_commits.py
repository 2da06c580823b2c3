"""Commit rows to Iceberg tables, each statement as one snapshot."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.io.pyarrow import _dataframe_to_data_files, schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update.snapshot import _OverwriteFiles
from pyiceberg.typedef import EMPTY_DICT

from local_lakehouse.athena.tables.iceberg_types import athena_type
from local_lakehouse.athena.tables.lake import Lake, is_iceberg
from local_lakehouse.athena.writes.export import exported
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

_T = TypeVar("_T")
_locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)


def fresh(lake: Lake, database: str, name: str) -> Table:
    """Return an Iceberg table as it is now.

    Raises:
        QueryFailure: It is no Iceberg table any more.
    """
    entry = lake.table(database, name)
    if entry is None or not is_iceberg(entry):
        raise QueryFailure("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist")
    return lake.iceberg(entry)


def changing(database: str, name: str, change: Callable[[], _T]) -> _T:
    """Change a table while no other statement does.

    Raises:
        QueryFailure: Something else, such as an integration, committed at the same time.
    """
    with _locks[database, name]:
        try:
            return change()
        except CommitFailedException as error:
            raise QueryFailure(
                "ICEBERG_COMMIT_ERROR",
                f"Failed to commit the transaction on table {database}.{name}: it was changed by another writer "
                "meanwhile. Run the statement again.",
            ) from error


def table_columns(table: Table) -> list[tuple[str, Type]]:
    """Return names and types of a table's columns."""
    return [(field.name, athena_type(field.field_type)) for field in table.schema().fields]


def iceberg_rows(table: Table, rows: pa.Table) -> pa.Table:
    """Return rows in the Arrow types of a table's own schema."""
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
    arrays = []
    for index, (field, (_, type_)) in enumerate(zip(schema, table_columns(table), strict=False)):
        arrays.append(exported(rows.column(index), type_).cast(field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def append(table: Table, rows: pa.Table) -> None:
    """Add rows to a table."""
    if rows.num_rows:
        table.append(iceberg_rows(table, rows))


class _RewriteFiles(_OverwriteFiles):
    """The same rows in other files, which Iceberg calls ``replace``; PyIceberg itself has no such snapshot."""

    def _summary(self, snapshot_properties: dict[str, str] = EMPTY_DICT) -> Summary:
        summary = super()._summary(snapshot_properties)
        return Summary(Operation.REPLACE, **summary.additional_properties)


def replace_files(table: Table, removed: Sequence[DataFile], rows: pa.Table, *, same_rows: bool = False) -> None:
    """Put rows in the place of data files.

    Args:
        table: The table.
        removed: The files that go.
        rows: The rows that come, in the form that DuckDB answers.
        same_rows: Whether they are the rows that go, in other files.
    """
    if not removed and not rows.num_rows:
        return
    transaction = table.transaction()
    producer = _RewriteFiles if same_rows else _OverwriteFiles
    with producer(operation=Operation.OVERWRITE, transaction=transaction, io=table.io) as snapshot:
        for file in removed:
            snapshot.delete_data_file(file)
        if rows.num_rows:
            written: Any = _dataframe_to_data_files(
                table_metadata=transaction.table_metadata,
                df=iceberg_rows(table, rows),
                io=table.io,
                write_uuid=snapshot.commit_uuid,
            )
            for file in written:
                snapshot.append_data_file(file)
    transaction.commit_transaction()
