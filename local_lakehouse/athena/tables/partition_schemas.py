"""The storage and the schema of partitions, which can differ from those of their table.

https://docs.aws.amazon.com/athena/latest/ug/updates-and-partitions.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from local_lakehouse.athena.tables.hive_formats import serde_name
from local_lakehouse.athena.tables.partition_names import partition_name
from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.hive_types import UnknownTypeError, parse_glue_type
from local_lakehouse.sql.types import Type

_SELF_DESCRIBING = ("ParquetHiveSerDe", "OrcSerde", "AvroSerDe")
# The conversions that Trino supports between a partition's type and the table's type:
# https://github.com/trinodb/trino/blob/401/plugin/trino-hive/src/main/java/io/trino/plugin/hive/HiveCoercionPolicy.java
_WIDENED = {
    **{name: (*types.INTEGERS[place + 1 :], "varchar") for place, name in enumerate(types.INTEGERS)},
    "real": ("double",),
}
_CONVERTIBLE = {"real": ("decimal",), "double": ("real", "decimal"), "decimal": ("real", "double")}


def entry_of_partition(
    entry: dict[str, Any], descriptor: dict[str, Any], values: Sequence[str | None]
) -> dict[str, Any]:
    """Return a table's catalog entry with the storage of one of its partitions.

    A column has the partition's type if the partition's values must be converted after they are read.

    Args:
        entry: The table's catalog entry.
        descriptor: The partition's storage descriptor, in which a missing property has the table's value.
        values: The partition's values.

    Raises:
        QueryFailure: The types of the partition's columns do not match the table (``HIVE_PARTITION_SCHEMA_MISMATCH``),
            or their conversion is not supported (``NOT_SUPPORTED``).
    """
    table = entry["StorageDescriptor"]
    given = {key: value for key, value in descriptor.items() if value}
    columns = list(table.get("Columns", []))
    found = {**entry, "StorageDescriptor": {**table, **given, "Columns": columns}}
    library = serde_name(found)
    for place, theirs in _pairs(found, library, descriptor.get("Columns", ())):
        ours, stored = columns[place], _type(theirs)
        declared = _type(ours)
        if declared is None or stored is None or _reads_same(stored, declared):
            continue
        if not _can_convert(stored, declared):
            raise _mismatch(entry, ours, theirs, values)
        if library in _SELF_DESCRIBING:
            continue
        if declared.name in _WIDENED.get(stored.name, ()) and not declared.numbers:
            columns[place] = {**ours, "Type": theirs["Type"]}
        else:
            raise QueryFailure(
                "NOT_SUPPORTED",
                f"The local Athena does not convert the column '{theirs['Name']}' of a partition from {stored} to the "
                f"table's type {declared}. Drop the partition and add it again.",
            )
    return found


def _pairs(
    entry: dict[str, Any], library: str, columns: Sequence[dict[str, Any]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the place of each of the table's columns, and the partition's column that Athena compares it with."""
    serde = entry["StorageDescriptor"].get("SerdeInfo", {})
    if not _matches_by_name(library, {**entry.get("Parameters", {}), **serde.get("Parameters", {})}):
        yield from zip(range(len(entry["StorageDescriptor"]["Columns"])), columns, strict=False)
        return
    by_name = {column["Name"].lower(): column for column in columns}
    for place, column in enumerate(entry["StorageDescriptor"]["Columns"]):
        if column["Name"].lower() in by_name:
            yield place, by_name[column["Name"].lower()]


def _matches_by_name(library: str, parameters: dict[str, str]) -> bool:
    return library == "ParquetHiveSerDe" or (
        library == "OrcSerde" and parameters.get("orc.column.index.access", "true").lower() == "false"
    )


def _type(column: dict[str, Any]) -> Type | None:
    try:
        return parse_glue_type(column.get("Type", "string"))
    except UnknownTypeError:
        return None


def _reads_same(stored: Type, declared: Type) -> bool:
    """Return whether text is read in the same way as one type and as the other."""
    both_texts = types.is_text(stored) and types.is_text(declared)
    return stored.name == declared.name or both_texts or (stored.name == "varchar" and declared.name in types.INTEGERS)


def _can_convert(stored: Type, declared: Type) -> bool:
    return declared.name in (*_WIDENED.get(stored.name, ()), *_CONVERTIBLE.get(stored.name, ()))


def _mismatch(
    entry: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any], values: Sequence[str | None]
) -> QueryFailure:
    keys = [key["Name"].lower() for key in entry["PartitionKeys"]]
    return QueryFailure(
        "HIVE_PARTITION_SCHEMA_MISMATCH",
        "There is a mismatch between the table and partition schemas. The types are incompatible and cannot be "
        f"coerced. The column '{ours['Name']}' in table '{entry['DatabaseName']}.{entry['Name']}' is declared as type "
        f"'{ours.get('Type')}', but partition '{partition_name(keys, values)}' declared column '{theirs['Name']}' as "
        f"type '{theirs.get('Type')}'.",
    )
