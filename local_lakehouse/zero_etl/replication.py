"""Replication of an integration's initial data and changes, each as of a single point in time."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from local_lakehouse.backend.changes import ChangeLog
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.dynamodb_source import DynamoDbSource
from local_lakehouse.iceberg.catalog import LakehouseCatalog
from local_lakehouse.zero_etl.matching import Counts
from local_lakehouse.zero_etl.merge import MergeContext
from local_lakehouse.zero_etl.partitions import Rule, with_times
from local_lakehouse.zero_etl.problems import NameConflictError, NeedsAttentionError, Problem, SnapshotNeededError
from local_lakehouse.zero_etl.schemas import check_names, evolved
from local_lakehouse.zero_etl.target import Layout, Target
from local_lakehouse.zero_etl.typed import typed_keys, typed_lines
from local_lakehouse.zero_etl.unnest import Unnested, unnest

# A double can distinguish any two numbers that have at most this many digits.
_EXACT_DIGITS = 15


@dataclass
class Memory:
    """The state of an integration between loads and refreshes.

    Args:
        keys: The table's key attributes and their types, with the partition key first.
        origins: The source attribute of each target column, keyed by path.
        widened: The paths whose values became strings because the values had different types.
        lossy_keys: Whether two different keys in the source can have the same column values in the target.
    """

    keys: dict[str, str] = field(default_factory=dict)
    origins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    widened: frozenset[str] = frozenset()
    lossy_keys: bool = False


@dataclass(frozen=True)
class Job:
    """The parameters of a replication.

    Args:
        integration: The integration's ID.
        table: The DynamoDB table.
        mode: The unnest mode.
        rules: The partitioning.
        database: The Glue database.
        target_table: The Glue table.
        location: The Glue table's location in S3.
    """

    integration: str
    table: str
    mode: str
    rules: tuple[Rule, ...]
    database: str
    target_table: str
    location: str


class Replicator:
    """A replicator that copies items to target tables.

    Args:
        clients: The AWS clients for the lakehouse.
        catalog: The lakehouse's Glue Data Catalog.
        changes: The recorded writes.
    """

    def __init__(self, clients: ServiceClients, catalog: LakehouseCatalog, changes: ChangeLog) -> None:
        self._clients = clients
        self._changes = changes
        self._source = DynamoDbSource(clients)
        self._context = MergeContext(catalog)

    def load(self, job: Job, memory: Memory, *, keep: bool) -> Counts:
        """Load the whole table in one commit.

        Args:
            job: The parameters.
            memory: The integration's state, which is updated after the load.
            keep: Whether to keep target columns that no longer occur in any item.

        Raises:
            NeedsAttentionError: A problem must be fixed first.
            FailedForGoodError: A service limit is exceeded.
        """
        with contextlib.ExitStack() as stack:
            with self._clients.lock:
                keys = self._keys(job)
                self._changes.watch(job.integration, job.table, keys)
                snapshot = stack.enter_context(self._source.snapshot(job.table))
            items = typed_lines(snapshot.lines())
        unnested, origins = self._unnested(job, items, Memory(keys))
        counts = self._target(job, keys).load(unnested.columns, keep=keep)
        memory.keys = keys
        memory.origins = origins
        memory.widened = unnested.mixed
        memory.lossy_keys = _lossy(job, keys, items)
        return counts

    def refresh(self, job: Job, memory: Memory) -> Counts | None:
        """Apply the changes since the last refresh to the target, in one commit.

        Returns:
            The row counts, or None if no item was written. Writes that do not change an item cause an ingestion without
            row changes.

        Raises:
            SnapshotNeededError: The table must be loaded again.
            NeedsAttentionError: A problem must be fixed first. The changes are kept.
            FailedForGoodError: A service limit is exceeded.
        """
        with contextlib.ExitStack() as stack:
            with self._clients.lock:
                keys = self._keys(job)
                if keys != memory.keys:
                    raise SnapshotNeededError
                window = self._changes.take(job.integration)
                if not window:
                    return None
                snapshot = stack.enter_context(self._source.snapshot(job.table))
            touched = None if window.whole else typed_keys(list(window.keys.values()), keys)
            if touched is None or memory.lossy_keys or _lossy(job, keys, touched):
                touched = None
                items = typed_lines(snapshot.lines())
            else:
                items = typed_lines(snapshot.lines_of(window.keys.values()))
        try:
            counts = self._apply(job, memory, items, touched)
        except NameConflictError as conflict:
            self._changes.put_back(job.integration)
            self._check_all_names(job, keys)
            raise SnapshotNeededError from conflict
        except BaseException:
            self._changes.put_back(job.integration)
            raise
        self._changes.settle(job.integration)
        memory.lossy_keys = memory.lossy_keys or _lossy(job, keys, items)
        return counts

    def _apply(self, job: Job, memory: Memory, items: pa.StructArray, touched: pa.StructArray | None) -> Counts:
        unnested, origins = self._unnested(job, items, memory)
        key_columns = None if touched is None else unnest(touched, memory.keys, job.mode).columns
        counts = self._target(job, memory.keys).apply(unnested, key_columns, memory.origins)
        if counts:
            memory.origins = origins
            memory.widened |= unnested.mixed
        return counts

    def _check_all_names(self, job: Job, keys: Mapping[str, str]) -> None:
        """Check the names of all current items.

        A refresh also compares names with the target's columns, whose attributes may no longer occur in any item.

        Raises:
            NameConflictError: Two attributes of current items would share a column.
        """
        with contextlib.ExitStack() as stack:
            with self._clients.lock:
                snapshot = stack.enter_context(self._source.snapshot(job.table))
            items = typed_lines(snapshot.lines())
        columns = unnest(items, keys, job.mode).columns
        check_names(columns, {}, job.mode)
        evolved(columns, None, 0)

    def _keys(self, job: Job) -> dict[str, str]:
        keys = self._source.key_attributes(job.table)
        if keys is None:
            raise NeedsAttentionError(
                Problem(
                    "SOURCE_TABLE_NOT_FOUND",
                    f"The DynamoDB table {job.table} does not exist. Create it again, or delete the integration. "
                    "The integration then retries automatically.",
                )
            )
        return keys

    def _unnested(self, job: Job, items: pa.StructArray, memory: Memory) -> tuple[Unnested, dict[str, tuple[str, ...]]]:
        """Return the columns of items, and the source attributes of all columns."""
        unnested = unnest(items, memory.keys, job.mode, memory.widened)
        # If two attributes have the same column, each item seems to lack one of them.
        origins = check_names(unnested.columns, memory.origins, job.mode)
        return Unnested(with_times(unnested.columns, job.rules, memory.keys), unnested.mixed), origins

    def _target(self, job: Job, keys: Mapping[str, str]) -> Target:
        columns = [name.lower() for name in keys]
        layout = Layout(job.database, job.target_table, job.location, columns, job.rules, f"{job.integration}_1")
        return Target(layout, self._context)


def _lossy(job: Job, keys: Mapping[str, str], items: pa.StructArray) -> bool:
    """Return whether items with different keys can have the same key values in the target."""
    if any(rule.conversion and rule.field.lower() in {name.lower() for name in keys} for rule in job.rules):
        return True
    return len(items) > 0 and any(_has_long(items, name) for name, tag in keys.items() if tag == "N")


def _has_long(items: pa.StructArray, name: str) -> bool:
    digits = pc.replace_substring_regex(pc.struct_field(items, [name, "N"]), "[^0-9]", "")
    return bool(pc.any(pc.greater(pc.utf8_length(digits), _EXACT_DIGITS)).as_py())
