"""The target table. Each time it is created, loaded or changed, one version is added to the Glue table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchIcebergTableError,
    NoSuchPropertyException,
    NoSuchTableError,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import (
    AddPartitionSpecUpdate,
    AddSchemaUpdate,
    SetCurrentSchemaUpdate,
    SetDefaultSpecUpdate,
    SetPropertiesUpdate,
    update_table_metadata,
)

from local_lakehouse.iceberg.catalog import LakehouseCatalog
from local_lakehouse.iceberg.commits import commit, create
from local_lakehouse.iceberg.snapshots import Change, Updates, make, snapshot_updates
from local_lakehouse.zero_etl.matching import Counts
from local_lakehouse.zero_etl.merge import Delta, MergeContext, live_files, merge, write_rows
from local_lakehouse.zero_etl.partitions import FIRST_FIELD_ID, Rule, spec_of
from local_lakehouse.zero_etl.problems import NeedsAttentionError, Problem, SnapshotNeededError
from local_lakehouse.zero_etl.rows import as_rows
from local_lakehouse.zero_etl.schemas import evolved, replaced, same_layout
from local_lakehouse.zero_etl.unnest import Column, Unnested

INTEGRATION_ID = "glue_integration_id"
_ATTEMPTS = 5

# AWS documents neither the format version nor the codec, so these values are our choice.
_PROPERTIES = {"format-version": "2", "write.parquet.compression-codec": "zstd"}


@dataclass(frozen=True)
class Layout:
    """The storage layout of a target table.

    Args:
        database: The Glue database.
        table: The table.
        location: The table's location in S3, without a trailing slash.
        keys: The columns of the item's key, with the partition key first.
        rules: The partitioning, or an empty list for the default.
        integration: The value of `glue_integration_id`.
    """

    database: str
    table: str
    location: str
    keys: Sequence[str]
    rules: Sequence[Rule]
    integration: str


@dataclass
class Target:
    """A target table.

    Args:
        layout: The table's storage layout.
        context: The objects that all merges share.
    """

    layout: Layout
    context: MergeContext
    _table: Table | None = field(init=False)

    def __post_init__(self) -> None:
        self._table = self._current()

    @property
    def _catalog(self) -> LakehouseCatalog:
        return self.context.catalog

    def _current(self) -> Table | None:
        """Return the current table, or None if it does not exist."""
        name = f"{self.layout.database}.{self.layout.table}"
        try:
            return self._catalog.load_table((self.layout.database, self.layout.table))
        except (NoSuchIcebergTableError, NoSuchPropertyException) as error:
            raise NeedsAttentionError(
                Problem(
                    "TARGET_TABLE_CONFLICT",
                    f"The Glue table {name} exists but is not an Iceberg table. Rename or delete it, or choose another "
                    "TargetTableName in the table properties. The integration then retries automatically.",
                )
            ) from error
        except NoSuchTableError:
            return None
        except FileNotFoundError as error:
            raise NeedsAttentionError(
                Problem(
                    "TARGET_TABLE_BROKEN",
                    f"The metadata of the Glue table {name} is missing in S3: {error}. Delete the Glue table. The "
                    "integration then loads it again.",
                )
            ) from error

    @property
    def exists(self) -> bool:
        """Whether the Glue table exists."""
        return self._table is not None

    def _repeated(self, change: Callable[[], Counts]) -> Counts:
        """Apply a change, and retry it on the current table if another writer commits first."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return change()
            except CommitFailedException:
                self._table = self._current()
        return change()

    def load(self, columns: Sequence[Column], *, keep: bool) -> Counts:
        """Replace all rows of the table in one commit, and count the new rows as inserts.

        Args:
            columns: The columns of all items.
            keep: Whether to keep columns that no longer occur in any item.

        Raises:
            NeedsAttentionError: The table exists but was not created by an integration.
        """
        return self._repeated(lambda: self._load(columns, keep=keep))

    def _load(self, columns: Sequence[Column], *, keep: bool) -> Counts:
        table = self._table
        if table is None:
            return self._create(columns)
        if INTEGRATION_ID not in table.metadata.properties:
            raise NeedsAttentionError(
                Problem(
                    "TARGET_TABLE_CONFLICT",
                    f"The Glue table {self.layout.database}.{self.layout.table} exists but was not created by an "
                    "integration. Rename or delete it, or choose another TargetTableName in the table properties. "
                    "The integration then retries automatically.",
                )
            )
        schema = replaced(columns, table.schema(), table.metadata.last_column_id, keep=keep)
        updates = [*_schema_updates(table.metadata, schema), *self._ownership(table)]
        after = update_table_metadata(table.metadata, tuple(updates))
        spec_updates = self._spec_updates(after)
        after = update_table_metadata(after, spec_updates)
        removed = live_files(table)
        rows = as_rows(columns, after.schema())
        updates += spec_updates
        if removed or rows.num_rows:
            change = Change(write_rows(after, rows, self.context), removed)
            updates += snapshot_updates(table.metadata, after, table.io, change)
        commit(table, updates)
        return Counts(rows.num_rows, 0, 0)

    def apply(self, changed: Unnested, keys: Sequence[Column] | None, known: Collection[str]) -> Counts:
        """Apply changed items to the table, in one commit. If no row changes, nothing is committed.

        Args:
            changed: The changed items that still exist.
            keys: The key columns of all changed items, or None if `changed` contains all items.
            known: The columns that the integration has created so far.

        Raises:
            SnapshotNeededError: The table was deleted or replaced, a column was dropped or renamed, or a data type or
                the partitioning has changed.
        """
        return self._repeated(lambda: self._apply(changed, keys, known))

    def _apply(self, changed: Unnested, keys: Sequence[Column] | None, known: Collection[str]) -> Counts:
        table = self._table
        if table is None or table.metadata.properties.get(INTEGRATION_ID) != self.layout.integration:
            raise SnapshotNeededError
        if not set(known) <= {column.name for column in table.schema().fields}:
            # A column that another writer dropped or renamed would be NULL in all unchanged rows.
            raise SnapshotNeededError
        columns = changed.columns
        retyped = changed.mixed & set(table.schema().column_names)
        if retyped:
            raise SnapshotNeededError(retyped)
        schema = evolved(columns, table.schema(), table.metadata.last_column_id)
        updates = _schema_updates(table.metadata, schema)
        after = update_table_metadata(table.metadata, updates)
        if self._spec_updates(after):
            raise SnapshotNeededError
        schema = after.schema()
        # Another writer can change the order of the table's columns.
        names = list(self.layout.keys)
        touched = None if keys is None else as_rows(keys, schema.select(*names)).select(names)
        delta = Delta(as_rows(columns, schema), touched, self.layout.keys)
        counts, snapshot = merge(table, after, delta, self.context)
        if counts:
            commit(table, [*updates, *snapshot])
        return counts

    def _create(self, columns: Sequence[Column]) -> Counts:
        schema = evolved(columns, None, 0)
        metadata = new_table_metadata(
            schema,
            spec_of(schema, self.layout.rules, self.layout.keys[0], 0, FIRST_FIELD_ID),
            UNSORTED_SORT_ORDER,
            self.layout.location,
            {**_PROPERTIES, INTEGRATION_ID: self.layout.integration},
        )
        rows = as_rows(columns, metadata.schema())
        create(
            self._catalog,
            self.layout.database,
            self.layout.table,
            metadata,
            Change(write_rows(metadata, rows, self.context)),
        )
        return Counts(rows.num_rows, 0, 0)

    def _ownership(self, table: Table) -> Updates:
        if table.metadata.properties.get(INTEGRATION_ID) == self.layout.integration:
            return ()
        return (SetPropertiesUpdate(updates={INTEGRATION_ID: self.layout.integration}),)

    def _spec_updates(self, metadata: TableMetadata) -> Updates:
        """Return the updates that apply the properties' partitioning, or no updates if it is already in effect."""
        current = metadata.spec()
        next_field = max(metadata.last_partition_id or 0, FIRST_FIELD_ID - 1) + 1
        next_spec = max(spec.spec_id for spec in metadata.partition_specs) + 1
        wanted = spec_of(metadata.schema(), self.layout.rules, self.layout.keys[0], next_spec, next_field)
        if _same_partitions(current, wanted, metadata.schema()):
            return ()
        return (make(AddPartitionSpecUpdate, spec=wanted), make(SetDefaultSpecUpdate, spec_id=-1))


def _same_partitions(current: PartitionSpec, wanted: PartitionSpec, schema: Schema) -> bool:
    # Names are not compared, because a current name can have a suffix that avoids a conflict with a later column.
    def shape(spec: PartitionSpec) -> list[tuple[int, str]]:
        return [(field.source_id, str(field.transform)) for field in spec.fields]

    return shape(current) == shape(wanted)


def _schema_updates(metadata: TableMetadata, schema: Schema) -> Updates:
    if same_layout(schema, metadata.schema()):
        return ()
    number = max(known.schema_id for known in metadata.schemas) + 1
    numbered = Schema(*schema.fields, schema_id=number)
    return (make(AddSchemaUpdate, schema_=numbered), make(SetCurrentSchemaUpdate, schema_id=number))
