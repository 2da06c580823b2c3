"""One Iceberg commit that is one snapshot, whatever it adds, removes and changes in the schema.

PyIceberg's own `overwrite` and `upsert` may write two or three snapshots for one change; a reader who travels to one of
those in the middle sees half a refresh. So the snapshot is put together here, from PyIceberg's parts.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import pyarrow as pa
from pydantic import BaseModel
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan, write_file
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriter,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table, WriteTask
from pyiceberg.table.locations import load_location_provider
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.refs import MAIN_BRANCH, SnapshotRefType
from pyiceberg.table.snapshots import (
    Operation,
    Snapshot,
    SnapshotSummaryCollector,
    Summary,
    update_snapshot_summaries,
)
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate, TableUpdate
from pyiceberg.typedef import Record

from local_lakehouse.zero_etl.partitions import Partition, split
from local_lakehouse.zero_etl.problems import NeedsAttentionError, Problem
from local_lakehouse.zero_etl.rows import arrow_schema

Updates = tuple[TableUpdate, ...]
_Model = TypeVar("_Model", bound=BaseModel)

_COMPRESSION: Literal["deflate"] = "deflate"
_FORMAT_VERSION: Literal[2] = 2
_READERS = 4
# Beyond this many manifests a commit gathers them into one, so that hundreds of refreshes stay quick to plan.
_MANIFEST_LIMIT = 12


def make(model: type[_Model], **members: Any) -> _Model:
    """Make one of PyIceberg's models by its members' Python names, which type checkers do not know it takes."""
    return model(**members)


@dataclass(frozen=True)
class Change:
    """What one snapshot does to a table's data files.

    Args:
        rows: The rows to be written, in the table's new schema.
        removed: The data files that are no longer part of the table.
        kept: The rows of removed files that stay, one table for each of these files.
        properties: Further entries for the snapshot's summary.
    """

    rows: pa.Table
    removed: Sequence[DataFile] = ()
    kept: Sequence[pa.Table] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


def live_files(table: Table) -> list[ManifestEntry]:
    """Return the entries of the data files of a table's current snapshot.

    Raises:
        NeedsAttentionError: The table has delete files, which this service never writes.
    """
    snapshot = table.current_snapshot()
    entries = [
        entry
        for manifest in (snapshot.manifests(table.io) if snapshot else [])
        for entry in manifest.fetch_manifest_entry(table.io)
    ]
    if any(entry.data_file.content != DataFileContent.DATA for entry in entries):
        raise NeedsAttentionError(
            Problem(
                "TARGET_TABLE_UNSUPPORTED",
                f"Somebody wrote delete files into the target table {'.'.join(table.name())}, which the local "
                "lakehouse cannot apply. Delete the Glue table; the integration then loads it anew.",
            )
        )
    return entries


class RowCache:
    """The rows of data files that were read or written last: data files never change.

    Args:
        limit: How many bytes of rows to keep.
    """

    def __init__(self, limit: int = 256 * 2**20) -> None:
        self._limit = limit
        self._size = 0
        self._rows: OrderedDict[str, pa.Table] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: str, schema: pa.Schema) -> pa.Table | None:
        """Return a file's rows if they are here in the given schema."""
        with self._lock:
            rows = self._rows.get(path)
            if rows is None or not rows.schema.equals(schema):
                return None
            self._rows.move_to_end(path)
            return rows

    def put(self, path: str, rows: pa.Table) -> None:
        """Keep a file's rows, and drop those that were not needed for longest."""
        with self._lock:
            known = self._rows.pop(path, None)
            self._size += rows.nbytes - (known.nbytes if known is not None else 0)
            self._rows[path] = rows
            while self._size > self._limit:
                _, dropped = self._rows.popitem(last=False)
                self._size -= dropped.nbytes


def read_files(table: Table, metadata: TableMetadata, files: Sequence[DataFile], cache: RowCache) -> list[pa.Table]:
    """Read data files, each as one table in the schema of the given metadata: columns they lack are null."""
    schema = metadata.schema()
    wanted = arrow_schema(schema)

    def read(file: DataFile) -> pa.Table:
        rows = cache.get(file.file_path, wanted)
        if rows is None:
            found = ArrowScan(metadata, table.io, schema, AlwaysTrue()).to_table([FileScanTask(file)])
            rows = found.cast(wanted).combine_chunks()
            cache.put(file.file_path, rows)
        return rows

    # Not PyIceberg's own pool: its scans wait there for each other.
    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(read, files))


def snapshot_updates(table: Table, metadata: TableMetadata, change: Change, cache: RowCache) -> Updates:
    """Write the files of a new snapshot.

    Args:
        table: The table as it is.
        metadata: Its metadata with the new schema and partition specification.
        change: What the snapshot does.
        cache: Keeps the rows for the next refresh.

    Returns:
        The updates that make the snapshot the table's current one.
    """
    return _Producer(table, metadata, change, cache).updates()


class _Producer:
    def __init__(self, table: Table, metadata: TableMetadata, change: Change, cache: RowCache) -> None:
        self._before = table.metadata
        self._after = metadata
        self._io = table.io
        self._change = change
        self._cache = cache
        self._id = metadata.new_snapshot_id()
        self._commit = uuid.uuid4()
        self._locations = load_location_provider(metadata.location, metadata.properties)
        self._manifests = 0

    def updates(self) -> Updates:
        parent = self._before.current_snapshot()
        added = self._write_rows()
        manifests = [*self._write_added(added), *self._carry_over(parent)]
        manifest_list = self._locations.new_metadata_location(f"snap-{self._id}-0-{self._commit}.avro")
        sequence_number = self._after.next_sequence_number()
        with write_manifest_list(
            format_version=_FORMAT_VERSION,
            output_file=self._io.new_output(manifest_list),
            snapshot_id=self._id,
            parent_snapshot_id=parent.snapshot_id if parent else None,
            sequence_number=sequence_number,
            avro_compression=_COMPRESSION,
        ) as writer:
            writer.add_manifests(manifests)
        snapshot = make(
            Snapshot,
            snapshot_id=self._id,
            parent_snapshot_id=parent.snapshot_id if parent else None,
            manifest_list=manifest_list,
            sequence_number=sequence_number,
            summary=self._summary(added, parent),
            schema_id=self._after.current_schema_id,
        )
        return (
            AddSnapshotUpdate(snapshot=snapshot),
            make(
                SetSnapshotRefUpdate,
                snapshot_id=self._id,
                parent_snapshot_id=parent.snapshot_id if parent else None,
                ref_name=MAIN_BRANCH,
                type=SnapshotRefType.BRANCH,
            ),
        )

    def _write_rows(self) -> list[DataFile]:
        groups = [(partition, rows.combine_chunks()) for partition, rows in self._by_partition()]
        tasks = (
            WriteTask(
                write_uuid=self._commit,
                task_id=number,
                schema=self._after.schema(),
                record_batches=rows.to_batches(),
                partition_key=partition,  # type: ignore[arg-type]  # what the writer asks of it, `Partition` has
            )
            for number, (partition, rows) in enumerate(groups)
        )
        files = list(write_file(self._io, self._after, tasks))
        for file, (_, rows) in zip(files, groups, strict=True):
            self._cache.put(file.file_path, rows)
        return files

    def _by_partition(self) -> Iterator[tuple[Partition | None, pa.Table]]:
        """Put the rows of each partition together: one new data file for each."""
        schema, spec = self._after.schema(), self._after.spec()
        groups: dict[tuple[Any, ...], list[pa.Table]] = {}
        for file, rows in zip(self._change.removed, self._change.kept, strict=False):
            if file.spec_id == spec.spec_id:
                # These rows are sorted into their partition already.
                groups.setdefault(tuple(file.partition[n] for n in range(len(file.partition))), []).append(rows)
            else:
                for values, part in split(rows, spec, schema):
                    groups.setdefault(values, []).append(part)
        for values, rows in split(self._change.rows, spec, schema):
            groups.setdefault(values, []).append(rows)
        for values, tables in groups.items():
            rows = pa.concat_tables(tables)
            if rows.num_rows:
                yield (None if spec.is_unpartitioned() else Partition(Record(*values), spec, schema)), rows

    def _write_added(self, files: Sequence[DataFile]) -> Iterator[ManifestFile]:
        if files:
            with self._manifest(self._after.spec(), self._after.schema()) as writer:
                for file in files:
                    writer.add(ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, data_file=file))
            yield writer.to_manifest_file()

    def _carry_over(self, parent: Snapshot | None) -> Iterator[ManifestFile]:
        """Keep the manifests that stay as they are, and write those anew that lose files."""
        removed = {file.file_path for file in self._change.removed}
        manifests = list(parent.manifests(self._io)) if parent else []
        gather = len(manifests) >= _MANIFEST_LIMIT
        rewritten: dict[int, list[ManifestEntry]] = {}
        for manifest in manifests:
            if not (manifest.has_added_files() or manifest.has_existing_files()):
                continue
            entries = manifest.fetch_manifest_entry(self._io)
            if gather or any(entry.data_file.file_path in removed for entry in entries):
                rewritten.setdefault(manifest.partition_spec_id, []).extend(entries)
            else:
                yield manifest
        for spec_id, entries in rewritten.items():
            with self._manifest(self._before.specs()[spec_id], self._schema_of(spec_id)) as writer:
                for entry in entries:
                    write = writer.delete if entry.data_file.file_path in removed else writer.existing
                    write(entry)
            yield writer.to_manifest_file()

    def _schema_of(self, spec_id: int) -> Schema:
        """Return the newest schema that has the source columns of a partition specification."""
        sources = {field.source_id for field in self._before.specs()[spec_id].fields}
        newest_first = sorted(self._before.schemas, key=lambda schema: schema.schema_id, reverse=True)
        return next(schema for schema in newest_first if sources <= set(schema.field_ids))

    def _manifest(self, spec: PartitionSpec, schema: Schema) -> ManifestWriter:
        location = self._locations.new_metadata_location(f"{self._commit}-m{self._manifests}.avro")
        self._manifests += 1
        return write_manifest(
            format_version=_FORMAT_VERSION,
            spec=spec,
            schema=schema,
            output_file=self._io.new_output(location),
            snapshot_id=self._id,
            avro_compression=_COMPRESSION,
        )

    def _summary(self, added: Sequence[DataFile], parent: Snapshot | None) -> Summary:
        collector = SnapshotSummaryCollector()
        for file in added:
            collector.add_file(file, self._after.schema(), self._after.spec())
        for file in self._change.removed:
            collector.remove_file(file, self._schema_of(file.spec_id), self._before.specs()[file.spec_id])
        operation = Operation.OVERWRITE
        if not self._change.removed:
            operation = Operation.APPEND
        elif not added:
            operation = Operation.DELETE
        summary = Summary(operation=operation, **collector.build(), **self._change.properties)
        return update_snapshot_summaries(summary, parent.summary if parent else None)
