"""Checks that the local Athena reads a table's files as Athena does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_lakehouse.athena.tables.hive_formats import line_pattern
from local_lakehouse.athena.tables.serdes import (
    CLOUDTRAIL_INPUT,
    JSON,
    LAZY_SIMPLE,
    OPEN_CSV,
    PARQUET,
    REGEX,
    SERDE_PROPERTIES,
    unsupported_serde,
)
from local_lakehouse.sql.failures import QueryFailure

# A property that requests the default behavior is accepted.
_SERDE_DEFAULTS = {
    "line.delim": "\n",
    "case.insensitive": "true",
    "dots.in.keys": "false",
    "serialization.encoding": "UTF-8",
    "parquet.column.index.access": "false",
}
# SerDes also read these properties from the table's properties.
_TABLE_PROPERTIES: dict[str, tuple[str, ...]] = {
    "line.delim": (LAZY_SIMPLE,),
    "serialization.encoding": (LAZY_SIMPLE, OPEN_CSV, REGEX),
    "timestamp.formats": (LAZY_SIMPLE, *JSON),
    "case.insensitive": JSON,
    "dots.in.keys": JSON,
    "use.null.for.invalid.data": JSON,
    "parquet.column.index.access": (PARQUET,),
}
_TEXT_SERDES = (OPEN_CSV, LAZY_SIMPLE, REGEX, *JSON)
_TEXT_INPUTS = ("org.apache.hadoop.mapred.TextInputFormat", CLOUDTRAIL_INPUT)


def check_serde(library: str, properties: Mapping[str, str], table_properties: Mapping[str, str]) -> None:
    """Reject an unsupported SerDe or SerDe property.

    Args:
        library: The SerDe's full name.
        properties: The SerDe's properties.
        table_properties: The table's properties.

    Raises:
        QueryFailure: The SerDe or one of its properties is not supported (``NOT_SUPPORTED``).
    """
    name = library.rpartition(".")[2]
    if name not in SERDE_PROPERTIES:
        raise QueryFailure("NOT_SUPPORTED", unsupported_serde(library))
    if name == REGEX:
        line_pattern(properties)
    inherited = {key: value for key, value in table_properties.items() if name in _TABLE_PROPERTIES.get(key, ())}
    for key, value in {**inherited, **properties}.items():
        if key not in SERDE_PROPERTIES[name] and _SERDE_DEFAULTS.get(key) != value:
            raise QueryFailure(
                "NOT_SUPPORTED", f"The local Athena does not support the property '{key}' of the SerDe {name}"
            )


def check_table_type(properties: Mapping[str, str]) -> None:
    """Reject a table that is neither a Hive table nor an Iceberg table.

    Raises:
        QueryFailure: The property ``table_type`` has another value, such as ``DELTA`` (``NOT_SUPPORTED``).
    """
    for key, value in properties.items():
        if key.lower() == "table_type" and value.upper() != "HIVE":
            raise QueryFailure("NOT_SUPPORTED", f"The local Athena does not support tables of the type {value}")


def check_storage(entry: dict[str, Any]) -> None:
    """Reject a table whose files the local Athena does not read.

    Raises:
        QueryFailure: The table's type, SerDe or a property is not supported (``NOT_SUPPORTED``), or the input format
            does not match the SerDe (``HIVE_UNSUPPORTED_FORMAT``).
    """
    check_table_type(entry.get("Parameters", {}))
    serde = entry["StorageDescriptor"].get("SerdeInfo", {})
    library = serde.get("SerializationLibrary", "")
    check_serde(library, serde.get("Parameters", {}), entry.get("Parameters", {}))
    input_format = entry["StorageDescriptor"].get("InputFormat", "")
    # A table without an input format was created by another client.
    if library.rpartition(".")[2] in _TEXT_SERDES and input_format and input_format not in _TEXT_INPUTS:
        raise QueryFailure(
            "HIVE_UNSUPPORTED_FORMAT", f"Input format {input_format} with SerDe {library} is not supported."
        )
