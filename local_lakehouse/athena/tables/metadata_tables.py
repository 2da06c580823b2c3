"""Iceberg's metadata tables: ``"t$snapshots"``, ``"t$history"``, ``"t$files"`` and their kin.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-metadata.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile, DataFileContent, ManifestEntryStatus, ManifestFile
from pyiceberg.partitioning import PartitionField
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform, TimeTransform
from pyiceberg.types import DoubleType, FloatType, IcebergType, IntegerType, LongType, PrimitiveType

from local_lakehouse.athena.tables.human_strings import human_string
from local_lakehouse.athena.tables.iceberg_types import arrow_type, athena_type
from local_lakehouse.sql import types
from local_lakehouse.sql.types import Type

Columns = tuple[tuple[str, Type], ...]
Row = tuple[Any, ...]
_NARROW = 4
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
    for snapshot in sorted(table.metadata.snapshots, key=lambda one: one.timestamp_ms):
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
            one.manifest_path,
            one.manifest_length,
            one.partition_spec_id,
            one.added_snapshot_id,
            one.added_files_count,
            one.added_rows_count,
            one.existing_files_count,
            one.existing_rows_count,
            one.deleted_files_count,
            one.deleted_rows_count,
            _partition_summaries(table, one),
        )
        for one in _manifests_of(table)
    ]
    return columns, rows


def _partition_summaries(table: Table, manifest: ManifestFile) -> list[dict[str, Any]]:
    fields = table.specs()[manifest.partition_spec_id].fields
    return [
        {
            "f0": summary.contains_null,
            "f1": summary.contains_nan,
            "f2": _partition_bound(table, field, summary.lower_bound),
            "f3": _partition_bound(table, field, summary.upper_bound),
        }
        for field, summary in zip(fields, manifest.partitions or [], strict=False)
    ]


def _partition_bound(table: Table, field: PartitionField, value: bytes | None) -> str | None:
    source = _field_type(table, field.source_id)
    if value is None or source is None:
        return None
    result = field.transform.result_type(source)
    if not isinstance(result, PrimitiveType):
        return None
    found = _decoded(result, value)
    if isinstance(field.transform, TimeTransform):
        return field.transform.to_human_string(source, found)
    return human_string(result, found)


def _shown_bound(type_: IcebergType, value: bytes | None) -> str | None:
    if value is None or not isinstance(type_, PrimitiveType):
        return None
    return human_string(type_, _decoded(type_, value))


def _decoded(type_: PrimitiveType, value: bytes) -> Any:
    """Return a bound; files that are older than a column's wider type hold it in the narrower one."""
    if len(value) == _NARROW and isinstance(type_, LongType):
        return from_bytes(IntegerType(), value)
    if len(value) == _NARROW and isinstance(type_, DoubleType):
        return from_bytes(FloatType(), value)
    return from_bytes(type_, value)


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
            _bounds(table, file.lower_bounds),
            _bounds(table, file.upper_bounds),
            file.key_metadata,
            file.split_offsets,
            file.equality_ids,
        )
        for file in _data_files(table)
    ]
    return columns, rows


def _pairs(values: dict[int, int] | None) -> list[tuple[int, int]] | None:
    return None if values is None else sorted(values.items())


def _bounds(table: Table, values: dict[int, bytes] | None) -> list[tuple[int, str | None]] | None:
    if values is None:
        return None
    shown = []
    for field_id, value in sorted(values.items()):
        field_type = _field_type(table, field_id)
        if field_type is not None:
            shown.append((field_id, _shown_bound(field_type, value)))
    return shown


def _field_type(table: Table, field_id: int) -> IcebergType | None:
    for schema in [table.schema(), *table.schemas().values()]:
        if field_id in schema.field_ids:
            return schema.find_type(field_id)
    return None


def _partition_fields(table: Table) -> list[tuple[PartitionField, IcebergType]]:
    """Return the partition fields of all specifications whose columns the table still has, and their types."""
    schema = table.schema()
    found: dict[int, tuple[PartitionField, IcebergType]] = {}
    for _, spec in sorted(table.specs().items()):
        for field in spec.fields:
            if field.source_id in schema.field_ids:
                result = field.transform.result_type(schema.find_type(field.source_id))
                found.setdefault(field.field_id, (field, result))
    return list(found.values())


def _partition_of(table: Table, file: DataFile, fields: Sequence[tuple[PartitionField, IcebergType]]) -> Row:
    own = {field.field_id: place for place, field in enumerate(table.specs()[file.spec_id].fields)}
    return tuple(file.partition[own[field.field_id]] if field.field_id in own else None for field, _ in fields)


def _partitions(table: Table) -> tuple[Columns, list[Row]]:
    fields = _partition_fields(table)
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
            groups[_partition_of(table, file, fields)].append(file)
    rows: list[Row] = []
    for key, files in groups.items():
        partition = {
            f"f{index}": _plain(value, result)
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


def _plain(value: Any, type_: IcebergType) -> Any:
    """Return a partition's value as Arrow takes it; Iceberg counts days and microseconds since 1970."""
    name = athena_type(type_).name
    if value is None or not isinstance(value, int):
        return value
    if name == "date":
        return (datetime(1970, 1, 1) + timedelta(days=value)).date()
    if name == "timestamp":
        return datetime(1970, 1, 1) + timedelta(microseconds=value)
    if name == "timestamp with time zone":
        return {"i": datetime(1970, 1, 1) + timedelta(microseconds=value), "z": "UTC"}
    return value


def _column_summary(field_id: int, type_: IcebergType, files: list[DataFile]) -> dict[str, Any]:
    def bound(values: list[dict[int, bytes] | None], choose: Callable[[list[Any]], Any]) -> Any:
        if not isinstance(type_, PrimitiveType):
            return None
        found = [_decoded(type_, one[field_id]) for one in values if one and field_id in one]
        return _plain(choose(found), type_) if found else None

    def total(values: list[dict[int, int] | None]) -> int | None:
        found = [one[field_id] for one in values if one and field_id in one]
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
    """Return a metadata table: its columns and its rows.

    Args:
        table: The Iceberg table.
        name: What follows the dollar sign; one of `METADATA_TABLES`.
    """
    columns, rows = _BUILDERS[name](table)
    return columns, rows_table(columns, rows)


def rows_table(columns: Columns, rows: Iterable[Row]) -> pa.Table:
    """Return rows as Arrow, with the columns' names that DuckDB is handed."""
    listed = list(rows)
    arrays = [pa.array([row[index] for row in listed], arrow_type(type_)) for index, (_, type_) in enumerate(columns)]
    return pa.table(arrays, names=[f"c{index}" for index in range(len(columns))])
