"""Iceberg commits that create exactly one snapshot, whether they add files, remove files or change the schema.

PyIceberg's `overwrite` and `upsert` can write two or three snapshots for one change. Time travel to an intermediate
snapshot would show an incomplete refresh. Therefore, this module assembles the snapshot from PyIceberg's parts.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel
from pyiceberg.io import FileIO
from pyiceberg.manifest import (
    DataFile,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriter,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
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

from local_lakehouse.iceberg.file_io import LakehouseFileIO

Updates = tuple[TableUpdate, ...]
_Model = TypeVar("_Model", bound=BaseModel)

_COMPRESSION: Literal["deflate"] = "deflate"
# A commit that finds this many manifests merges them, so that planning stays fast after hundreds of refreshes.
_MANIFEST_LIMIT = 12


def make(model: type[_Model], **members: Any) -> _Model:
    """Create a PyIceberg model with the given members. Type checkers do not accept the members' Python names."""
    return model(**members)


@dataclass(frozen=True)
class Change:
    """The changes that one snapshot makes to a table's data files.

    Args:
        added: The new data files, which are already written.
        removed: The removed data files.
        operation: The snapshot's operation, or None if it is derived from the files.
        properties: Additional entries for the snapshot's summary.
    """

    added: Sequence[DataFile] = ()
    removed: Sequence[DataFile] = ()
    operation: Operation | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


def live_entries(metadata: TableMetadata, io: FileIO) -> list[ManifestEntry]:
    """Return the entries of all files in a table's current snapshot, including delete files."""
    snapshot = metadata.current_snapshot()
    return [entry for manifest in (snapshot.manifests(io) if snapshot else []) for entry in _entries(manifest, io)]


def _entries(manifest: ManifestFile, io: FileIO) -> Sequence[ManifestEntry]:
    return io.live_entries(manifest) if isinstance(io, LakehouseFileIO) else manifest.fetch_manifest_entry(io)


def snapshot_updates(before: TableMetadata, after: TableMetadata, io: FileIO, change: Change) -> Updates:
    """Write the manifests of a new snapshot.

    Args:
        before: The table's current metadata.
        after: The table's metadata with the new schema and partition specification.
        io: The table's `FileIO`.
        change: The snapshot's changes.

    Returns:
        The updates that make the snapshot current.
    """
    return _Producer(before, after, io, change).updates()


class _Producer:
    def __init__(self, before: TableMetadata, after: TableMetadata, io: FileIO, change: Change) -> None:
        self._before = before
        self._after = after
        self._io = io
        self._change = change
        self._id = after.new_snapshot_id()
        self._commit = uuid.uuid4()
        self._locations = load_location_provider(after.location, after.properties)
        self._format: Literal[1, 2] = 1 if after.format_version == 1 else 2
        self._manifests = 0

    def updates(self) -> Updates:
        parent = self._before.current_snapshot()
        manifests = [*self._write_added(), *self._carry_over(parent)]
        manifest_list = self._locations.new_metadata_location(f"snap-{self._id}-0-{self._commit}.avro")
        sequence_number = self._after.next_sequence_number()
        with write_manifest_list(
            format_version=self._format,
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
            summary=self._summary(parent),
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

    def _write_added(self) -> Iterator[ManifestFile]:
        by_spec: dict[int, list[DataFile]] = {}
        for file in self._change.added:
            by_spec.setdefault(file.spec_id, []).append(file)
        for spec_id, files in by_spec.items():
            with self._manifest(self._after.specs()[spec_id], self._schema_of(spec_id)) as writer:
                for file in files:
                    writer.add(ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, data_file=file))
            yield writer.to_manifest_file()

    def _carry_over(self, parent: Snapshot | None) -> Iterator[ManifestFile]:
        """Yield the parent's manifests, some of which are rewritten to remove files or to merge manifests."""
        removed = {file.file_path for file in self._change.removed}
        manifests = list(parent.manifests(self._io)) if parent else []
        gather = len(manifests) >= _MANIFEST_LIMIT
        rewritten: dict[int, list[ManifestEntry]] = {}
        for manifest in manifests:
            if not (manifest.has_added_files() or manifest.has_existing_files()):
                continue
            if manifest.content == ManifestContent.DELETES:
                yield manifest
                continue
            entries = _entries(manifest, self._io)
            if gather or any(entry.data_file.file_path in removed for entry in entries):
                rewritten.setdefault(manifest.partition_spec_id, []).extend(entries)
            else:
                yield manifest
        for spec_id, entries in rewritten.items():
            with self._manifest(self._after.specs()[spec_id], self._schema_of(spec_id)) as writer:
                for entry in entries:
                    write = writer.delete if entry.data_file.file_path in removed else writer.existing
                    write(entry)
            yield writer.to_manifest_file()

    def _schema_of(self, spec_id: int) -> Schema:
        """Return the current schema if it has a specification's source columns, or else the newest that has them."""
        sources = {field.source_id for field in self._after.specs()[spec_id].fields}
        newest_first = sorted(self._after.schemas, key=lambda schema: schema.schema_id, reverse=True)
        return next(schema for schema in (self._after.schema(), *newest_first) if sources <= set(schema.field_ids))

    def _manifest(self, spec: PartitionSpec, schema: Schema) -> ManifestWriter:
        location = self._locations.new_metadata_location(f"{self._commit}-m{self._manifests}.avro")
        self._manifests += 1
        return write_manifest(
            format_version=self._format,
            spec=spec,
            schema=schema,
            output_file=self._io.new_output(location),
            snapshot_id=self._id,
            avro_compression=_COMPRESSION,
        )

    def _summary(self, parent: Snapshot | None) -> Summary:
        collector = SnapshotSummaryCollector()
        for file in self._change.added:
            collector.add_file(file, self._schema_of(file.spec_id), self._after.specs()[file.spec_id])
        for file in self._change.removed:
            collector.remove_file(file, self._schema_of(file.spec_id), self._after.specs()[file.spec_id])
        operation = Operation.OVERWRITE
        if not self._change.removed:
            operation = Operation.APPEND
        elif not self._change.added:
            operation = Operation.DELETE
        summary = Summary(operation=operation, **collector.build(), **self._change.properties)
        totals = update_snapshot_summaries(summary, parent.summary if parent else None)
        # PyIceberg cannot compute totals for the operation `replace`, so the operation is set afterward.
        return Summary(operation=self._change.operation or operation, **totals.additional_properties)
