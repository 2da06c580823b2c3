"""Iceberg's metadata tables, such as ``"t$snapshots"``, ``"t$history"`` and ``"t$files"``.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-metadata.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyiceberg.manifest import DataFile, DataFileContent, ManifestEntryStatus, ManifestFile
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import IcebergType, PrimitiveType

from local_lakehouse.athena.tables.file_bounds import (
    Row,
    decoded,
    partition_bound,
    partition_fields,
    partition_of,
    plain_value,
    shown_bounds,
)
from local_lakehouse.athena.tables.iceberg_types import arrow_type, athena_type
from local_lakehouse.sql import types
from local_lakehouse.sql.types import Type

Columns = tuple[tuple[str, Type], ...]
_MOMENT = types.timestamp_tz(3)
_SUMMARY = types.map_of(types.VARCHAR, types.VARCHAR)
_COUNTS = types.map_of(types.INTEGER, types.BIGINT)
_BOUNDS = types.map_of(types.INTEGER, types.VARCHAR)
_PARTITION_SUMMARY = types.array(
    types.row(
        (types.BOOLEAN, types.BOOLEAN, types.VARCHAR, types.VARCHAR),
        ("contains_null", "contains_nan", "lower_bound", "upper_bound"),
    )
)


def _moment(millis: int) -> dict[str, Any]:
    return {"i": datetime.fromtimestamp(0, UTC).replace(tzinfo=None) + timedelta(milliseconds=millis), "z": "UTC"}


def _snapshots(table: Table) -> tuple[Columns, list[Row]]:
    columns = (
        ("committed_at", _MOMENT),
        ("snapshot_id", types.BIGINT),
        ("parent_id", types.BIGINT),
        ("operation", types.VARCHAR),
        ("manifest_list", types.VARCHAR),
        ("summary", _SUMMARY),
    )
    rows = []
    for snapshot in sorted(table.metadata.snapshots, key=lambda entry: entry.timestamp_ms):
        summary = snapshot.summary
        rows.append(
            (
                _moment(snapshot.timestamp_ms),
                snapshot.snapshot_id,
                snapshot.parent_snapshot_id,
                summary.operation.value if summary else None,
                snapshot.manifest_list,
                list(summary.additional_properties.items()) if summary else None,
            )
        )
    return columns, rows


def _history(table: Table) -> tuple[Columns, list[Row]]:
    columns = (
        ("made_current_at", _MOMENT),
        ("snapshot_id", types.BIGINT),
        ("parent_id", types.BIGINT),
        ("is_current_ancestor", types.BOOLEAN),
    )
    ancestors = set()
    current = table.current_snapshot()
    while current is not None:
        ancestors.add(current.snapshot_id)
        current = table.snapshot_by_id(current.parent_snapshot_id) if current.parent_snapshot_id else None
    rows = []
    for entry in table.metadata.snapshot_log:
        snapshot = table.snapshot_by_id(entry.snapshot_id)
        parent = snapshot.parent_snapshot_id if snapshot else None
        rows.append((_moment(entry.timestamp_ms), entry.snapshot_id, parent, entry.snapshot_id in ancestors))
    return columns, rows


def _refs(table: Table) -> tuple[Columns, list[Row]]:
    columns = (
        ("name", types.VARCHAR),
        ("type", types.VARCHAR),
        ("snapshot_id", types.BIGINT),
        ("max_reference_age_in_ms", types.BIGINT),
        ("min_snapshots_to_keep", types.INTEGER),
        ("max_snapshot_age_in_ms", types.BIGINT),
    )
    rows = [
        (
            name,
            ref.snapshot_ref_type.value.upper(),
            ref.snapshot_id,
            ref.max_ref_age_ms,
            ref.min_snapshots_to_keep,
            ref.max_snapshot_age_ms,
        )
        for name, ref in table.metadata.refs.items()
    ]
    return columns, rows


def _manifests_of(table: Table) -> list[ManifestFile]:
    snapshot = table.current_snapshot()
    return snapshot.manifests(table.io) if snapshot else []


def _manifests(table: Table) -> tuple[Columns, list[Row]]:
    columns = (
        ("path", types.VARCHAR),
        ("length", types.BIGINT),
        ("partition_spec_id", types.INTEGER),
        ("added_snapshot_id", types.BIGINT),
        ("added_data_files_count", types.INTEGER),
        ("added_rows_count", types.BIGINT),
        ("existing_data_files_count", types.INTEGER),
        ("existing_rows_count", types.BIGINT),
        ("deleted_data_files_count", types.INTEGER),
        ("deleted_rows_count", types.BIGINT),
        ("partitions", _PARTITION_SUMMARY),
    )
    rows = [
        (
            entry.manifest_path,
            entry.manifest_length,
            entry.partition_spec_id,
            entry.added_snapshot_id,
            entry.added_files_count,
            entry.added_rows_count,
            entry.existing_files_count,
            entry.existing_rows_count,
            entry.deleted_files_count,
            entry.deleted_rows_count,
            _partition_summaries(table, entry),
        )
        for entry in _manifests_of(table)
    ]
    return columns, rows


def _partition_summaries(table: Table, manifest: ManifestFile) -> list[dict[str, Any]]:
    fields = table.specs()[manifest.partition_spec_id].fields
    return [
        {
            "f0": summary.contains_null,
            "f1": summary.contains_nan,
            "f2": partition_bound(table, field, summary.lower_bound),
            "f3": partition_bound(table, field, summary.upper_bound),
        }
        for field, summary in zip(fields, manifest.partitions or [], strict=False)
    ]


def _data_files(table: Table) -> Iterable[DataFile]:
    for manifest in _manifests_of(table):
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            if entry.status != ManifestEntryStatus.DELETED:
                yield entry.data_file


def _files(table: Table) -> tuple[Columns, list[Row]]:
    columns = (
        ("content", types.INTEGER),
        ("file_path", types.VARCHAR),
        ("file_format", types.VARCHAR),
        ("record_count", types.BIGINT),
        ("file_size_in_bytes", types.BIGINT),
        ("column_sizes", _COUNTS),
        ("value_counts", _COUNTS),
        ("null_value_counts", _COUNTS),
        ("nan_value_counts", _COUNTS),
        ("lower_bounds", _BOUNDS),
        ("upper_bounds", _BOUNDS),
        ("key_metadata", types.VARBINARY),
        ("split_offsets", types.array(types.BIGINT)),
        ("equality_ids", types.array(types.INTEGER)),
    )
    rows = [
        (
            int(file.content),
            file.file_path,
            str(file.file_format.value).upper(),
            file.record_count,
            file.file_size_in_bytes,
            _pairs(file.column_sizes),
            _pairs(file.value_counts),
            _pairs(file.null_value_counts),
            _pairs(file.nan_value_counts),
            shown_bounds(table, file.lower_bounds),
            shown_bounds(table, file.upper_bounds),
            file.key_metadata,
            file.split_offsets,
            file.equality_ids,
        )
        for file in _data_files(table)
    ]
    return columns, rows


def _pairs(values: dict[int, int] | None) -> list[tuple[int, int]] | None:
    return None if values is None else sorted(values.items())


def _partitions(table: Table) -> tuple[Columns, list[Row]]:
    fields = partition_fields(table)
    identity = {field.source_id for field in table.spec().fields if isinstance(field.transform, IdentityTransform)}
    primitive = [
        field for field in table.schema().fields if field.field_type.is_primitive and field.field_id not in identity
    ]
    data_type = types.row(
        tuple(
            types.row(
                (athena_type(field.field_type), athena_type(field.field_type), types.BIGINT, types.BIGINT),
                ("min", "max", "null_count", "nan_count"),
            )
            for field in primitive
        ),
        tuple(field.name for field in primitive),
    )
    partition_type = types.row(
        tuple(athena_type(result) for _, result in fields), tuple(field.name for field, _ in fields)
    )
    columns: Columns = (
        *((("partition", partition_type),) if fields else ()),
        ("record_count", types.BIGINT),
        ("file_count", types.BIGINT),
        ("total_size", types.BIGINT),
        *((("data", data_type),) if primitive else ()),
    )
    groups: dict[Row, list[DataFile]] = defaultdict(list)
    for file in _data_files(table):
        if file.content == DataFileContent.DATA:
            groups[partition_of(table, file, fields)].append(file)
    rows: list[Row] = []
    for key, files in groups.items():
        partition = {
            f"f{index}": plain_value(value, result)
            for index, (value, (_, result)) in enumerate(zip(key, fields, strict=True))
        }
        data = {
            f"f{index}": _column_summary(field.field_id, field.field_type, files)
            for index, field in enumerate(primitive)
        }
        rows.append(
            (
                *((partition,) if fields else ()),
                sum(file.record_count for file in files),
                len(files),
                sum(file.file_size_in_bytes for file in files),
                *((data,) if primitive else ()),
            )
        )
    return columns, rows


def _column_summary(field_id: int, type_: IcebergType, files: list[DataFile]) -> dict[str, Any]:
    def bound(values: list[dict[int, bytes] | None], choose: Callable[[list[Any]], Any]) -> Any:
        if not isinstance(type_, PrimitiveType):
            return None
        found = [decoded(type_, value[field_id]) for value in values if value and field_id in value]
        return plain_value(choose(found), type_) if found else None

    def total(values: list[dict[int, int] | None]) -> int | None:
        found = [value[field_id] for value in values if value and field_id in value]
        return sum(found) if found else None

    return {
        "f0": bound([file.lower_bounds for file in files], min),
        "f1": bound([file.upper_bounds for file in files], max),
        "f2": total([file.null_value_counts for file in files]),
        "f3": total([file.nan_value_counts for file in files]),
    }


_BUILDERS: dict[str, Callable[[Table], tuple[Columns, list[Row]]]] = {
    "snapshots": _snapshots,
    "history": _history,
    "refs": _refs,
    "manifests": _manifests,
    "files": _files,
    "partitions": _partitions,
}
METADATA_TABLES = tuple(_BUILDERS)


def metadata_table(table: Table, name: str) -> tuple[Columns, pa.Table]:
    """Return the columns and rows of a metadata table.

    Args:
        table: The Iceberg table.
        name: The part of the table name after the dollar sign, which is one of `METADATA_TABLES`.
    """
    columns, rows = _BUILDERS[name](table)
    return columns, rows_table(columns, rows)


def rows_table(columns: Columns, rows: Iterable[Row]) -> pa.Table:
    """Return rows as an Arrow table with DuckDB's column names."""
    listed = list(rows)
    arrays = [pa.array([row[index] for row in listed], arrow_type(type_)) for index, (_, type_) in enumerate(columns)]
    return pa.table(arrays, names=[f"c{index}" for index in range(len(columns))])
