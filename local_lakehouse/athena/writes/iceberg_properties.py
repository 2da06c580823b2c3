"""The table properties of Iceberg tables.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html#querying-iceberg-table-properties
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local_lakehouse.athena.writes.compression import checked_level
from local_lakehouse.sql.failures import QueryFailure

METADATA_FILES = "vacuum_max_metadata_files_to_keep"
_TARGET = "write_target_data_file_size_bytes"
_SMALLEST = "optimize_rewrite_min_data_file_size_bytes"
_LARGEST = "optimize_rewrite_max_data_file_size_bytes"
_MOST_BYTES = 10 * 2**30
_MOST_FILES = 50
_FORMATS = "parquet", "orc", "avro"
_CODECS = "gzip", "snappy", "zstd", "none", "uncompressed"


def _one_of(*allowed: str) -> Callable[[str], bool]:
    return lambda value: value.lower() in allowed


def _number(least: int, limit: int | None = None) -> Callable[[str], bool]:
    return lambda value: value.isdecimal() and least <= int(value) and (limit is None or int(value) < limit)


# The properties, each with a function that returns whether a value is allowed.
_CHECKS: dict[str, Callable[[str], bool]] = {
    "table_type": _one_of("iceberg"),
    "format": _one_of(*_FORMATS),
    # https://docs.aws.amazon.com/athena/latest/ug/compression-support-iceberg.html
    "write_compression": _one_of(*_CODECS),
    "compression_level": lambda value: bool(checked_level(value)),
    _SMALLEST: _number(0, _MOST_BYTES),
    _LARGEST: _number(1, _MOST_BYTES),
    "optimize_rewrite_data_file_threshold": _number(1, _MOST_FILES),
    "optimize_rewrite_delete_file_threshold": _number(1, _MOST_FILES),
    "vacuum_min_snapshots_to_keep": _number(1),
    "vacuum_max_snapshot_age_seconds": _number(0),
    METADATA_FILES: _number(1),
    _TARGET: _number(1),
    "write_object_storage_enabled": _one_of("true", "false"),
    "format-version": _one_of("2"),
    "write.object-storage.enabled": _one_of("true", "false"),
    "write.object-storage.path": bool,
    "write.data.path": bool,
}
_ICEBERG_NAMES = {
    "write_compression": "write.parquet.compression-codec",
    _TARGET: "write.target-file-size-bytes",
    METADATA_FILES: "write.metadata.previous-versions-max",
    "write_object_storage_enabled": "write.object-storage.enabled",
}


def check_properties(properties: Mapping[str, str], current: Mapping[str, str]) -> None:
    """Reject properties that Athena's Iceberg tables do not support.

    Args:
        properties: The new properties.
        current: The table's properties before the statement, or an empty dictionary for a new table.

    Raises:
        QueryFailure: A property or its value is not supported.
    """
    for key, value in properties.items():
        if key not in _CHECKS:
            raise QueryFailure("", f"Unsupported table property key: {key}", error_type=1200)
        if not _CHECKS[key](value):
            raise QueryFailure("", f"Unsupported table property value: {value} for key: {key}", error_type=1200)
    file_format = properties.get("format", "parquet").lower()
    if file_format != "parquet":
        raise QueryFailure("NOT_SUPPORTED", f"The local Athena writes Iceberg tables as Parquet, not as {file_format}")
    _check_sizes({**current, **properties})


def _check_sizes(properties: Mapping[str, str]) -> None:
    target = int(properties.get(_TARGET, 512 * 2**20))
    if int(properties.get(_SMALLEST, 0)) >= target:
        raise QueryFailure("", f"{_SMALLEST} must be less than {_TARGET}", error_type=1200)
    if _LARGEST in properties and int(properties[_LARGEST]) <= target:
        raise QueryFailure("", f"{_LARGEST} must be greater than {_TARGET}", error_type=1200)


def stored_properties(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the properties in a table's metadata, which include the corresponding Iceberg properties."""
    known = {key: value for key, value in properties.items() if key not in ("table_type", "format", "format-version")}
    return known | {_ICEBERG_NAMES[key]: value.lower() for key, value in known.items() if key in _ICEBERG_NAMES}


def removed_properties(key: str) -> tuple[str, ...]:
    """Return the properties in a table's metadata that are removed with a property."""
    return (key, _ICEBERG_NAMES[key]) if key in _ICEBERG_NAMES else (key,)


def is_hidden(key: str) -> bool:
    """Return whether the DDL omits a property, which is the case for writer settings and the table's comment."""
    return key == "comment" or (key.startswith("write.") and key not in _CHECKS)
