"""Scan plans, which list the data files that can contain matching rows.

A `Scan` contains neither rows nor open files, so it can be sent to another process.

PyIceberg reads a version's manifests again for each filter. The planner reads them once, and then applies each filter
to the version's files with PyIceberg's evaluators. The evaluator for column bounds is private.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression
from pyiceberg.expressions.visitors import _InclusiveMetricsEvaluator, expression_evaluator, inclusive_projection
from pyiceberg.manifest import DataFile, FileFormat
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.name_mapping import NameMapping
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import Record
from pyiceberg.types import IcebergType

from local_lakehouse.iceberg.cache import KeptValues
from local_lakehouse.iceberg.forms import nested_ids
from local_lakehouse.iceberg.versions import planned, schema_of

_KEPT_PLANS = 128


class UnsupportedTableError(Exception):
    """The table uses an unsupported feature, which the message names."""


@dataclass(frozen=True)
class ScanFile:
    """One data file in a scan.

    Args:
        path: The file's location.
        size: The file's size in bytes.
        rows: The number of rows, including deleted rows.
        column_bytes: The size of each field in bytes, keyed by field ID. The mapping is empty if the file's entry has
            no sizes.
        constants: The values of partition columns, keyed by field ID, for files that do not contain these columns.
        deletes: The locations and sizes of the position deletes that apply to the file.
        entry: The file's entry in the table's manifests.
    """

    path: str
    size: int
    rows: int
    column_bytes: Mapping[int, int]
    constants: Mapping[int, Any]
    deletes: tuple[tuple[str, int], ...]
    entry: DataFile = field(repr=False, compare=False)

    def bytes_of(self, fields: Sequence[tuple[int, IcebergType]]) -> int:
        """Return the number of bytes to read for the given fields.

        If their sizes are unknown, return the file's size.
        """
        if not self.column_bytes:
            return self.size
        if not fields:
            return 0
        wanted = {field_id for top, type_ in fields for field_id in (top, *nested_ids(type_))}
        if not wanted & set(self.column_bytes):
            return self.size
        return sum(size for field_id, size in self.column_bytes.items() if field_id in wanted)


@dataclass(frozen=True)
class Scan:
    """The files of a table version that can contain matching rows.

    Args:
        schema: The version's schema.
        files: The files.
        mapping: The field IDs, keyed by name, for files without field IDs.
    """

    schema: Schema
    files: tuple[ScanFile, ...]
    mapping: NameMapping | None = None


class Planner:
    """A planner of scans, which caches the plans because a metadata file never changes."""

    def __init__(self) -> None:
        self._versions: KeptValues[_Version] = KeptValues(_KEPT_PLANS)
        self._filtered: KeptValues[Scan] = KeptValues(_KEPT_PLANS)

    def scan(self, table: Table, snapshot_id: int | None, filters: Sequence[BooleanExpression] = ()) -> Scan:
        """Return the scan of a table version.

        Args:
            table: The table.
            snapshot_id: The version's snapshot ID, or None for the current version.
            filters: The conditions that all required rows satisfy, with the column names from `versions.column_name`.

        Raises:
            UnsupportedTableError: The table uses an unsupported feature.
        """
        key = (table.metadata_location, snapshot_id)
        version = self._versions.get(key, lambda: _version(table, snapshot_id))
        if not filters or not version.scan.files:
            return version.scan
        row_filter: BooleanExpression = AlwaysTrue()
        for condition in filters:
            row_filter = And(row_filter, condition)
        return self._filtered.get((*key, repr(row_filter)), lambda: _filtered(version, row_filter))


@dataclass(frozen=True)
class _Version:
    """A table version.

    Args:
        scan: The scan of all files.
        view: The view of the table for planning, as `versions.planned` returns it.
    """

    scan: Scan
    view: Table


def _version(table: Table, snapshot_id: int | None) -> _Version:
    schema, view = schema_of(table, snapshot_id), planned(table, snapshot_id)
    if snapshot_id is None and table.current_snapshot() is None:
        return _Version(Scan(schema, ()), view)
    try:
        tasks = list(view.scan(snapshot_id=snapshot_id).plan_files())
    except ValueError as error:
        if "equality deletes" not in str(error):
            raise
        raise UnsupportedTableError(f"equality deletes, which the table {view.name()[-1]} contains") from error
    files = tuple(_scan_file(table, task) for task in tasks)
    return _Version(Scan(schema, files, table.name_mapping()), view)


def _filtered(version: _Version, row_filter: BooleanExpression) -> Scan:
    matches = _matcher(version.view, row_filter)
    return replace(version.scan, files=tuple(file for file in version.scan.files if matches(file.entry)))


def _matcher(view: Table, row_filter: BooleanExpression) -> Callable[[DataFile], bool]:
    """Return a function that checks whether a file can contain matching rows."""
    schema, specs = view.schema(), view.specs()
    bounds = _InclusiveMetricsEvaluator(schema, row_filter)

    @functools.cache
    def partition_matcher(spec_id: int) -> Callable[[Record], bool]:
        spec = specs[spec_id]
        partition_filter = inclusive_projection(schema, spec)(row_filter)
        return expression_evaluator(Schema(*spec.partition_type(schema).fields), partition_filter, case_sensitive=True)

    def matches(file: DataFile) -> bool:
        if not partition_matcher(file.spec_id)(file.partition):
            return False
        try:
            return bounds.eval(file)
        except struct.error:
            # PyIceberg before 0.12 cannot compare the bounds of files that were written before a column's type was
            # widened.
            return True

    return matches


def _scan_file(table: Table, task: FileScanTask) -> ScanFile:
    for file in (task.file, *task.delete_files):
        if file.file_format != FileFormat.PARQUET:
            raise UnsupportedTableError(
                f"{str(file.file_format.value).upper()} data files, which the Iceberg table {table.name()[-1]} contains"
            )
    deletes = sorted((file.file_path, file.file_size_in_bytes) for file in task.delete_files)
    return scan_file(table.specs(), task.file, tuple(deletes))


def scan_file(
    specs: Mapping[int, PartitionSpec], entry: DataFile, deletes: tuple[tuple[str, int], ...] = ()
) -> ScanFile:
    """Return the description of a data file for a scan.

    Args:
        specs: The table's partition specifications.
        entry: The file's entry in the table's manifests.
        deletes: The locations and sizes of the position deletes that apply to the file.
    """
    constants = {
        partition.source_id: entry.partition[place]
        for place, partition in enumerate(specs[entry.spec_id].fields)
        if isinstance(partition.transform, IdentityTransform)
    }
    column_bytes = dict(entry.column_sizes or {})
    return ScanFile(
        entry.file_path, entry.file_size_in_bytes, entry.record_count, column_bytes, constants, deletes, entry
    )
