"""The partitions of a table. All rows of a data file have the same partition values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import TruncateTransform
from pyiceberg.typedef import Record
from pyiceberg.types import DecimalType, IcebergType, IntegerType, LongType, StructType

_LOWEST = {IntegerType: -(2**31), LongType: -(2**63)}


class UnstorablePartitionError(Exception):
    """A row's partition value is outside the range of its type."""


@dataclass(frozen=True)
class Partition:
    """The partition values that a data file's rows share, in the form that PyIceberg's location provider expects."""

    partition: Record
    spec: PartitionSpec
    schema: Schema

    def to_path(self) -> str:
        """Return the partition's folder."""
        return self.spec.partition_to_path(self.partition, self.schema)


def transformed(rows: pa.Table, spec: PartitionSpec, schema: Schema) -> pa.Table:
    """Return the partition values of each row, with one column per partition field.

    Raises:
        UnstorablePartitionError: A partition value is outside the range of the column's type.
    """
    columns = {}
    for field in spec.fields:
        source_type = schema.find_type(field.source_id)
        source = _source(rows, schema.as_struct(), field.source_id)
        if isinstance(source_type, DecimalType):
            source = _aligned(source)
        _check_range(field, source_type, source)
        values = field.transform.pyarrow_transform(source_type)(source)
        columns[field.name] = pa.chunked_array(values) if isinstance(values, list) else values
    return pa.table(columns)


def _aligned(values: Any) -> Any:
    """Copy decimals to aligned memory, because the transforms cannot read unaligned decimals from another process."""
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    return pa.chunked_array([chunk.take(pa.array(np.arange(len(chunk)))) for chunk in chunks], values.type)


def _check_range(field: PartitionField, type_: IcebergType, source: Any) -> None:
    """Reject numbers that truncation would move below their type's range."""
    if not isinstance(field.transform, TruncateTransform):
        return
    if not isinstance(type_, IntegerType | LongType | DecimalType):
        return
    lowest = pc.min(source).as_py()
    if lowest is None:
        return
    truncated: Any = field.transform.transform(type_)(lowest)
    if isinstance(type_, DecimalType):
        fits = len(truncated.as_tuple().digits) <= type_.precision
    else:
        # The transform wraps around, which would put the number into the highest partition.
        fits = truncated >= _LOWEST[type(type_)]
    if not fits:
        raise UnstorablePartitionError(f"Cannot write value as {type_}, too large: {truncated}")


def _source(rows: Any, struct: StructType, field_id: int) -> Any:
    """Return the source column of a partition field. The source can be a field of a row."""
    for child in struct.fields:
        if child.field_id == field_id:
            return _child(rows, child.name)
        if isinstance(child.field_type, StructType) and field_id in Schema(child).field_ids:
            return _source(_child(rows, child.name), child.field_type, field_id)
    raise ValueError(f"no column has the field ID {field_id}")


def _child(rows: Any, name: str) -> Any:
    return rows.column(name) if isinstance(rows, pa.Table) else pc.struct_field(rows, [rows.type.get_field_index(name)])


def split(rows: pa.Table, spec: PartitionSpec, schema: Schema) -> Iterator[tuple[tuple[Any, ...], pa.Table]]:
    """Group rows by partition.

    Args:
        rows: The rows in the table's schema and in the representation that data files use.
        spec: The table's partition specification.
        schema: The table's schema.

    Yields:
        The values and the rows of each nonempty partition.
    """
    for values, members in members_of(rows, spec, schema):
        yield values, rows if members is None else rows.take(members)


def members_of(
    rows: pa.Table, spec: PartitionSpec, schema: Schema
) -> Iterator[tuple[tuple[Any, ...], pa.Array | None]]:
    """Yield the values and row numbers of each partition. For an unpartitioned table, the row numbers are None."""
    if not rows.num_rows:
        return
    if spec.is_unpartitioned():
        yield (), None
        return
    values = transformed(rows, spec, schema)
    names = [f"p{position}" for position in range(len(spec.fields))]
    numbered = values.rename_columns(names).append_column("row", pa.array(np.arange(rows.num_rows)))
    groups = numbered.group_by(names).aggregate([("row", "list")])
    for group in range(groups.num_rows):
        members = groups.column("row_list")[group].values
        yield tuple(partition_value(groups.column(name)[group].as_py()) for name in names), members


def partition_value(value: Any) -> Any:
    """Return a partition's value as manifests represent it, with dates and times as numbers."""
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days
    if isinstance(value, time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    return value
