"""Optimistic commits, which are retried or rejected if the table has changed since it was read."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import DataFileContent
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import (
    AddPartitionSpecUpdate,
    AddSchemaUpdate,
    AddSortOrderUpdate,
    AssertCreate,
    AssertCurrentSchemaId,
    AssertDefaultSpecId,
    AssertLastAssignedFieldId,
    AssertLastAssignedPartitionId,
    AssertRefSnapshotId,
    AssertTableUUID,
    AssignUUIDUpdate,
    SetCurrentSchemaUpdate,
    SetDefaultSortOrderUpdate,
    SetDefaultSpecUpdate,
    SetLocationUpdate,
    SetPropertiesUpdate,
    TableRequirement,
    TableUpdate,
    UpgradeFormatVersionUpdate,
)

from local_lakehouse.iceberg.catalog import LakehouseCatalog
from local_lakehouse.iceberg.snapshots import Change, live_entries, make, snapshot_updates

# The first attempt and 4 retries, the default value of Iceberg's `commit.retry.num-retries`.
_ATTEMPTS = 5
_PAUSE_SECONDS = 0.02
_LAYOUT_UPDATES = (AddSchemaUpdate, SetCurrentSchemaUpdate, AddPartitionSpecUpdate, SetDefaultSpecUpdate)


class _AssertSchemas(AssertCurrentSchemaId):
    """The requirement that no schema was added and that the current schema is the same.

    A change that restores an earlier schema also restores its ID. Therefore, the current ID does not reveal that
    another writer has renamed a column and then restored its name.
    """

    last_schema_id: int

    def validate(self, base_metadata: TableMetadata | None) -> None:  # type: ignore[override]  # as in PyIceberg
        """Raise `CommitFailedException` if the requirement is not met."""
        super().validate(base_metadata)
        if base_metadata is not None and _last_schema_id(base_metadata) != self.last_schema_id:
            raise CommitFailedException("Requirement failed: a schema was added concurrently")


def commit(table: Table, updates: Sequence[TableUpdate]) -> None:
    """Commit updates to a table if its current snapshot has not changed since the table was read.

    Updates of the schema or the partitioning also require that neither of them has changed, because new IDs were
    assigned from the state that was read. Other updates can follow such a change. Their files have the earlier layout,
    as if they had been committed first.

    Raises:
        CommitFailedException: Another writer has committed a change in the meantime.
    """
    snapshot = table.current_snapshot()
    requirements: tuple[TableRequirement, ...] = (
        make(AssertTableUUID, uuid=table.metadata.table_uuid),
        make(AssertRefSnapshotId, ref=MAIN_BRANCH, snapshot_id=snapshot.snapshot_id if snapshot else None),
    )
    if any(isinstance(update, _LAYOUT_UPDATES) for update in updates):
        requirements += tuple(_same_layout(table.metadata))
    table.catalog.commit_table(table, requirements, tuple(updates))


def _same_layout(metadata: TableMetadata) -> Iterator[TableRequirement]:
    last_schema_id = _last_schema_id(metadata)
    yield make(_AssertSchemas, current_schema_id=metadata.current_schema_id, last_schema_id=last_schema_id)
    yield make(AssertLastAssignedFieldId, last_assigned_field_id=metadata.last_column_id)
    yield make(AssertDefaultSpecId, default_spec_id=metadata.default_spec_id)
    yield make(AssertLastAssignedPartitionId, last_assigned_partition_id=metadata.last_partition_id)


def _last_schema_id(metadata: TableMetadata) -> int:
    return max(schema.schema_id for schema in metadata.schemas)


def create(catalog: LakehouseCatalog, database: str, name: str, metadata: TableMetadata, change: Change) -> None:
    """Add a table to the catalog. If the change adds files, create the table's first snapshot.

    Args:
        catalog: The catalog.
        database: The table's database.
        name: The table's name.
        metadata: The table's metadata without a snapshot.
        change: The files of the table's first snapshot.

    Raises:
        CommitFailedException: The table already exists.
    """
    staged = catalog.staged_table(database, name, metadata)
    updates = [*_creation(metadata)]
    if change.added:
        updates += snapshot_updates(metadata, metadata, staged.io, change)
    catalog.commit_table(staged, (AssertCreate(),), tuple(updates))


def _creation(metadata: TableMetadata) -> Iterator[TableUpdate]:
    yield AssignUUIDUpdate(uuid=metadata.table_uuid)
    yield make(UpgradeFormatVersionUpdate, format_version=metadata.format_version)
    yield make(AddSchemaUpdate, schema_=metadata.schema())
    yield make(SetCurrentSchemaUpdate, schema_id=-1)
    yield make(AddPartitionSpecUpdate, spec=metadata.spec())
    yield make(SetDefaultSpecUpdate, spec_id=-1)
    yield make(AddSortOrderUpdate, sort_order=UNSORTED_SORT_ORDER)
    yield make(SetDefaultSortOrderUpdate, sort_order_id=-1)
    yield SetLocationUpdate(location=metadata.location)
    yield SetPropertiesUpdate(updates=metadata.properties)


def commit_change(table: Table, change: Change, reload: Callable[[], Table]) -> None:
    """Commit a change as the table's next snapshot.

    If another writer commits first, a change that only adds or only rewrites files is applied to the new state. Any
    other change fails, because it was computed from rows that may have changed. Added rows also fail if the new state
    lacks one of their columns, because the column's values would be lost.

    Args:
        table: The table from which the change was computed.
        change: The change, whose files are already written.
        reload: A function that returns the table's current state.

    Raises:
        CommitFailedException: Another writer has committed a conflicting change in the meantime.
    """
    uuid = table.metadata.table_uuid
    columns = table.schema().field_ids
    deletes = _delete_files(table) if change.removed else set()
    for attempt in range(_ATTEMPTS):
        try:
            commit(table, snapshot_updates(table.metadata, table.metadata, table.io, change))
        except CommitFailedException:
            table = reload()
            same_table = table.metadata.table_uuid == uuid
            if attempt + 1 == _ATTEMPTS or not same_table or not _fits(table, change, columns, deletes):
                raise
            time.sleep(_PAUSE_SECONDS * 2**attempt * (0.5 + random.random()))  # noqa: S311  (not a secret)
        else:
            return


def _fits(table: Table, change: Change, columns: set[int], deletes: set[str]) -> bool:
    if not change.removed:
        return columns <= table.schema().field_ids
    if change.operation != Operation.REPLACE or _delete_files(table) != deletes:
        return False
    live = {entry.data_file.file_path for entry in live_entries(table.metadata, table.io)}
    return all(file.file_path in live for file in change.removed)


def _delete_files(table: Table) -> set[str]:
    entries = live_entries(table.metadata, table.io)
    return {entry.data_file.file_path for entry in entries if entry.data_file.content != DataFileContent.DATA}
