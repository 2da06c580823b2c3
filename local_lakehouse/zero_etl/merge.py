"""Merging of changed rows into the target table, in one commit that rewrites only files with changed rows.

Rows are matched by the columns of the item's key. Rows with the same key form a group that is replaced together, so
that they remain separate rows.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyiceberg.manifest import DataFile, DataFileContent
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata

from local_lakehouse.iceberg.catalog import LakehouseCatalog
from local_lakehouse.iceberg.forms import Form
from local_lakehouse.iceberg.partitions import members_of, partition_value, transformed
from local_lakehouse.iceberg.reader import Reader
from local_lakehouse.iceberg.scans import scan_file
from local_lakehouse.iceberg.snapshots import Change, Updates, live_entries, snapshot_updates
from local_lakehouse.iceberg.writer import FileLayout, Values, write_partitions
from local_lakehouse.zero_etl.matching import Counts, compare, rows_with_keys
from local_lakehouse.zero_etl.problems import NeedsAttentionError, Problem
from local_lakehouse.zero_etl.rows import arrow_schema

_READERS = 4


class MergeContext:
    """The catalog and its row cache, which all merges share.

    Args:
        catalog: The catalog of the lakehouse.
    """

    def __init__(self, catalog: LakehouseCatalog) -> None:
        self.catalog = catalog
        self.reader = Reader(catalog.objects, catalog.rows)


@dataclass(frozen=True)
class Delta:
    """The changes that a refresh applies.

    Args:
        rows: The final rows of the changed items that still exist, in the table's new schema.
        keys: The key columns of all changed items, or None if `rows` contains all rows.
        key_columns: The names of the key columns.
    """

    rows: pa.Table
    keys: pa.Table | None
    key_columns: Sequence[str]


def merge(table: Table, metadata: TableMetadata, delta: Delta, context: MergeContext) -> tuple[Counts, Updates]:
    """Write the data files of a refresh.

    Args:
        table: The current target table.
        metadata: The target table's metadata with the new schema.
        delta: The changes.
        context: The objects that all merges share.

    Returns:
        The row counts, and the updates to commit. There are no updates if no row changes.
    """
    return _Merge(table, metadata, delta, context).run()


def live_files(table: Table) -> list[DataFile]:
    """Return the data files of a table's current snapshot.

    Raises:
        NeedsAttentionError: The table has delete files, which this service never writes.
    """
    entries = live_entries(table.metadata, table.io)
    if any(entry.data_file.content != DataFileContent.DATA for entry in entries):
        raise NeedsAttentionError(
            Problem(
                "TARGET_TABLE_UNSUPPORTED",
                f"Another writer added delete files to the target table {'.'.join(table.name())}. The local lakehouse "
                "cannot merge changes into a table with delete files. Delete the Glue table. The integration then "
                "loads it again.",
            )
        )
    return [entry.data_file for entry in entries]


def write_rows(
    metadata: TableMetadata,
    rows: pa.Table,
    context: MergeContext,
    kept: Sequence[tuple[DataFile, pa.Table]] = (),
) -> Sequence[DataFile]:
    """Write rows as data files, one per partition, so that a small table has few files.

    Args:
        metadata: The table's metadata with the schema and the partition specification of the new files.
        rows: The rows, in the table's schema.
        context: The objects that all merges share.
        kept: The removed files, each with its unchanged rows.
    """
    layout = FileLayout(metadata)
    groups: dict[Values, list[_Part]] = {}
    regrouped = []
    for file, part in kept:
        if file.spec_id != layout.spec.spec_id:
            regrouped.append(part)
        elif part.num_rows:
            # The rows of one file are all in the same partition.
            values = tuple(file.partition[n] for n in range(len(file.partition)))
            groups.setdefault(values, []).append(_Part(part, None))
    for part in (*regrouped, rows):
        for values, members in members_of(part, layout.spec, layout.schema):
            groups.setdefault(values, []).append(_Part(part, members))
    io = context.catalog.file_io(metadata.properties)
    return write_partitions(
        layout,
        io,
        ((values, functools.partial(_collected, parts)) for values, parts in groups.items()),
        lambda path, table: context.reader.put(path, layout.schema.fields, table),
    )


@dataclass(frozen=True)
class _Part:
    """Some rows of a table, or all rows if `members` is None."""

    rows: pa.Table
    members: pa.Array | None


def _collected(parts: Sequence[_Part]) -> pa.Table:
    """Return the rows of a new data file, with one chunk per column."""
    rows = [part.rows if part.members is None else part.rows.take(part.members) for part in parts]
    return pa.concat_tables(rows).combine_chunks()


class _Merge:
    def __init__(self, table: Table, metadata: TableMetadata, delta: Delta, context: MergeContext) -> None:
        self._table = table
        self._after = metadata
        self._delta = delta
        self._context = context

    def run(self) -> tuple[Counts, Updates]:
        files = self._files()
        tables = self._read(files)
        matches = self._matches(tables)
        old = pa.concat_tables(
            [self._delta.rows.slice(0, 0), *(tables[file].take(pa.array(rows)) for file, rows in matches.items())]
        )
        found = compare(old, self._delta.rows, self._delta.key_columns)
        counts = found.counts
        if not counts:
            return counts, ()
        removed, kept = [], []
        for file, rows in _changed(matches, found.same_old):
            removed.append(files[file])
            kept.append(_without(tables[file], rows))
        new = self._delta.rows.filter(pa.array(~found.same_new))
        added = write_rows(self._after, new, self._context, list(zip(removed, kept, strict=True)))
        change = Change(added, removed, properties=_summary(counts))
        return counts, snapshot_updates(self._table.metadata, self._after, self._table.io, change)

    def _read(self, files: Sequence[DataFile]) -> list[pa.Table]:
        """Read data files, each as a table in the new schema, with null in missing columns."""
        schema, specs = self._after.schema(), self._table.specs()
        wanted = arrow_schema(schema)
        fields = [(field.name, field) for field in schema.fields]

        def read(file: DataFile) -> pa.Table:
            rows = self._context.reader.read(scan_file(specs, file), fields, Form.FILE, self._table.name_mapping())
            return rows.cast(wanted).combine_chunks()

        with ThreadPoolExecutor(_READERS) as pool:
            return list(pool.map(read, files))

    def _files(self) -> Sequence[DataFile]:
        """Return the data files that can contain changed keys."""
        files = live_files(self._table)
        if self._delta.keys is None:
            return files
        return _candidates(files, self._delta.keys, self._after.spec(), self._after.schema())

    def _matches(self, tables: Sequence[pa.Table]) -> dict[int, NDArray[np.int64]]:
        """Find the changed keys in data files, and return the row numbers, keyed by file number."""
        touched = self._delta.keys
        if touched is None:
            return {file: np.arange(rows.num_rows) for file, rows in enumerate(tables)}
        if not tables:
            return {}
        lengths = [rows.num_rows for rows in tables]
        present = pa.concat_tables([rows.select(self._delta.key_columns) for rows in tables])
        found = rows_with_keys(present, touched)
        starts = np.concatenate(([0], np.cumsum(lengths)))
        file_of = np.searchsorted(starts, found, side="right") - 1
        return {int(file): found[file_of == file] - starts[file] for file in np.unique(file_of)}


def _changed(
    matches: Mapping[int, NDArray[np.int64]], same: NDArray[np.bool_]
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield the files with changed rows, and the numbers of those rows."""
    start = 0
    for file, rows in matches.items():
        changed = rows[~same[start : start + len(rows)]]
        start += len(rows)
        if len(changed):
            yield file, changed


def _without(rows: pa.Table, row_numbers: NDArray[np.int64]) -> pa.Table:
    keep = np.ones(rows.num_rows, bool)
    keep[row_numbers] = False
    return rows.filter(pa.array(keep))


def _candidates(files: Sequence[DataFile], keys: pa.Table, spec: PartitionSpec, schema: Schema) -> list[DataFile]:
    """Return the files whose partition can contain a changed key."""
    sources = {schema.find_field(field.source_id).name for field in spec.fields}
    if spec.is_unpartitioned() or not sources <= set(keys.column_names):
        return list(files)
    values = transformed(keys, spec, schema)
    wanted = {
        tuple(map(partition_value, row.values()))
        for row in values.group_by(values.column_names).aggregate([]).to_pylist()
    }
    return [
        file
        for file in files
        if file.spec_id != spec.spec_id or tuple(file.partition[n] for n in range(len(file.partition))) in wanted
    ]


def _summary(counts: Counts) -> dict[str, str]:
    return {
        "zero-etl.inserted-rows": str(counts.inserted),
        "zero-etl.updated-rows": str(counts.updated),
        "zero-etl.deleted-rows": str(counts.deleted),
    }
