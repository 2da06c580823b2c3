"""Partitioning of the target table, by default into buckets of the partition key.

The table properties can specify a different partitioning.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-data-partitioning.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.partitioning import PARTITION_FIELD_ID_START, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    YearTransform,
)
from pyiceberg.types import DoubleType

from local_lakehouse.zero_etl.problems import NeedsAttentionError, Problem
from local_lakehouse.zero_etl.times import TimestampError, to_timestamps
from local_lakehouse.zero_etl.unnest import Column

# AWS does not document the number of buckets, so 16 is our choice.
BUCKETS = 16

IDENTITY = "identity"
TIME_FUNCTIONS: Mapping[str, Transform[Any, Any]] = {
    "year": YearTransform(),
    "month": MonthTransform(),
    "day": DayTransform(),
    "hour": HourTransform(),
}
CONVERSIONS = frozenset({"epoch_sec", "epoch_milli", "iso"})


@dataclass(frozen=True)
class Rule:
    """An entry in the `PartitionSpec` of the table properties.

    Args:
        field: The source column.
        function: The partition function, which is ``identity``, ``year``, ``month``, ``day`` or ``hour``.
        conversion: The time format of the column's values: ``epoch_sec``, ``epoch_milli`` or ``iso``, or None for
            ``identity``.
    """

    field: str
    function: str
    conversion: str | None


def rules_of(partition_spec: Sequence[Mapping[str, str]]) -> tuple[Rule, ...]:
    """Parse the `PartitionSpec` of validated table properties."""
    return tuple(
        Rule(
            entry["FieldName"],
            entry.get("FunctionSpec", IDENTITY).lower(),
            entry.get("ConversionSpec", "").lower() or None,
        )
        for entry in partition_spec
    )


def with_times(columns: Sequence[Column], rules: Sequence[Rule], keys: Mapping[str, str]) -> tuple[Column, ...]:
    """Check the partition columns, and convert those with a time function to timestamps in UTC.

    Args:
        columns: The items' columns.
        rules: The partitioning.
        keys: The table's key attributes, which identify an item in messages.

    Raises:
        NeedsAttentionError: A partition column is missing, or one of its values cannot be converted to a timestamp.
    """
    conversions = {rule.field.lower(): rule for rule in rules}
    rows = len(columns[0].values)
    missing = [rule.field for name, rule in conversions.items() if rows and name not in {c.name for c in columns}]
    if missing:
        raise NeedsAttentionError(
            *(_missing(name, "no attribute becomes a separate column with this name") for name in missing)
        )
    return tuple(
        _checked(column, conversions[column.name], columns[: len(keys)]) if column.name in conversions else column
        for column in columns
    )


def _checked(column: Column, rule: Rule, keys: Sequence[Column]) -> Column:
    if column.values.null_count:
        raise NeedsAttentionError(_missing(rule.field, f"the item {_item(keys, column.values.is_null())} lacks it"))
    if pa.types.is_nested(column.values.type):
        raise NeedsAttentionError(_unfit(rule, f"it is of type {column.values.type}"))
    if rule.conversion is None:
        return column
    try:
        return Column(column.name, column.source, to_timestamps(column.values, rule.conversion))
    except TimestampError as error:
        where = _item(keys, pc.equal(column.values, pa.scalar(error.value, column.values.type)))
        raise NeedsAttentionError(_unfit(rule, f"the item {where} has the value {error.value!r}")) from error


def _missing(name: str, why: str) -> Problem:
    return Problem(
        "PARTITION_COLUMN_MISSING",
        f"The target table is partitioned by {name}, but {why}. Give every item the attribute {name}, or change the "
        "PartitionSpec or UnnestSpec in the table properties. The integration then retries automatically.",
    )


def _unfit(rule: Rule, why: str) -> Problem:
    use = f"converted with {rule.conversion}" if rule.conversion else "used for partitions"
    return Problem(
        "PARTITION_CONVERSION_FAILED",
        f"The partition column {rule.field} cannot be {use}: {why}. Correct the value, or change the "
        "PartitionSpec in the table properties. The integration then retries automatically.",
    )


def _item(keys: Sequence[Column], where: pa.BooleanArray) -> str:
    row = pc.index(pc.fill_null(where, False), True).as_py()
    return ", ".join(f"{key.source[0]}={key.values[row].as_py()!r}" for key in keys)


def spec_of(schema: Schema, rules: Sequence[Rule], hash_key: str, spec_id: int, first_field_id: int) -> PartitionSpec:
    """Return the partition specification of a target table.

    A numeric partition key is a double in the target, which Iceberg cannot put into buckets. The target then remains
    unpartitioned unless its table properties specify a partitioning. AWS does not document this case, so this behavior
    is our choice. If an empty table does not have a rule's column yet, the rule applies when the column appears.

    Args:
        schema: The table's schema.
        rules: The partitioning in the table properties, or an empty list for the default.
        hash_key: The partition key's column.
        spec_id: The specification's ID.
        first_field_id: The first ID for the fields of the specification.
    """
    columns = {field.name for field in schema.fields}
    wanted: list[tuple[str, str, Transform[Any, Any]]] = [
        (rule.field.lower(), rule.function, TIME_FUNCTIONS.get(rule.function, IdentityTransform()))
        for rule in rules
        if rule.field.lower() in columns
    ]
    if not rules and not isinstance(schema.find_field(hash_key).field_type, DoubleType):
        wanted = [(hash_key, "bucket", BucketTransform(BUCKETS))]
    taken = set(columns)
    fields = []
    for position, (column, function, transform) in enumerate(wanted):
        name = column if function == IDENTITY else _free_name(f"{column}_{function}", taken)
        taken.add(name)
        source = schema.find_field(column).field_id
        fields.append(
            PartitionField(source_id=source, field_id=first_field_id + position, transform=transform, name=name)
        )
    return PartitionSpec(*fields, spec_id=spec_id)


FIRST_FIELD_ID = PARTITION_FIELD_ID_START


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
