"""The compression of the files that ``UNLOAD`` and statements on Hive tables write.

https://docs.aws.amazon.com/athena/latest/ug/compression-support-hive.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_lakehouse.sql.failures import QueryFailure

# Each format's codecs, with their names in Arrow. The first codec is the format's default.
_TEXT_CODECS = {"GZIP": "gzip", "BZIP2": "bzip2", "SNAPPY": "snappy", "LZ4": "lz4", "ZSTD": "zstd", "NONE": "none"}
_CODECS = {
    "PARQUET": {"GZIP": "gzip", "SNAPPY": "snappy", "ZSTD": "zstd", "NONE": "none", "UNCOMPRESSED": "none"},
    "ORC": {"ZLIB": "gzip", "GZIP": "gzip", "SNAPPY": "snappy", "LZ4": "lz4", "ZSTD": "zstd", "NONE": "none"},
    "AVRO": {"DEFLATE": "gzip", "GZIP": "gzip", "BZIP2": "bzip2", "SNAPPY": "snappy", "ZSTD": "zstd", "NONE": "none"},
    "JSON": _TEXT_CODECS,
    "TEXTFILE": _TEXT_CODECS,
}
_WRITTEN_TEXT_CODECS = ("gzip", "bzip2", "none")
_LEVELS = range(1, 23)
_DEFAULT_LEVEL = 3
# https://docs.aws.amazon.com/athena/latest/ug/compression-support-zstd-levels.html
_FORMATS_WITHOUT_LEVELS = ("ORC",)
_TABLE_PROPERTIES = {"PARQUET": "parquet.compression", "ORC": "orc.compress"}
_ANY_FORMAT = "write.compression"
_LEVEL = "compression_level"


@dataclass(frozen=True)
class Compression:
    """A compression format.

    Args:
        codec: The codec's name in Arrow, or ``none``.
        level: The level, or None if the codec has no levels.
    """

    codec: str
    level: int | None = None


def compression_of(file_format: str, name: str | None, level: object = None) -> Compression:
    """Return the compression with the given name, or a format's default if the name is None.

    Args:
        file_format: The file format's name in uppercase.
        name: The compression's name in Athena, such as ``SNAPPY``.
        level: The value of the property ``compression_level``, or None if the property is not specified.

    Raises:
        QueryFailure: The format does not support the compression or the level (``INVALID_TABLE_PROPERTY``), or the
            local Athena does not write it (``NOT_SUPPORTED``).
    """
    codecs = _CODECS[file_format]
    codec = next(iter(codecs.values())) if name is None else codecs.get(name.upper())
    if codec is None:
        raise QueryFailure("INVALID_TABLE_PROPERTY", f"Unsupported compression for {file_format}: {name}")
    if codecs is _TEXT_CODECS and codec not in _WRITTEN_TEXT_CODECS:
        raise QueryFailure(
            "NOT_SUPPORTED", f"The local Athena does not write {file_format} files with {codec} compression"
        )
    if level is None:
        return Compression(codec, _DEFAULT_LEVEL if codec == "zstd" else None)
    if codec != "zstd" or file_format in _FORMATS_WITHOUT_LEVELS:
        raise QueryFailure(
            "INVALID_TABLE_PROPERTY", f"{_LEVEL} is supported only for ZSTD compression, and not for ORC files"
        )
    if checked_level(level) != _DEFAULT_LEVEL and file_format == "AVRO":
        raise QueryFailure(
            "NOT_SUPPORTED", f"The local Athena writes AVRO files only with the {_LEVEL} {_DEFAULT_LEVEL}"
        )
    return Compression(codec, checked_level(level))


def checked_level(level: object) -> int:
    """Return a compression level as a number.

    Raises:
        QueryFailure: The level is not valid (``INVALID_TABLE_PROPERTY``).
    """
    text = str(level)
    if not text.isdecimal() or int(text) not in _LEVELS:
        raise QueryFailure("INVALID_TABLE_PROPERTY", f"{_LEVEL} must be a number from 1 to 22: {level}")
    return int(text)


def table_compression(file_format: str, parameters: Mapping[str, str]) -> Compression:
    """Return the compression of the files that are inserted into a table with the given properties.

    Raises:
        QueryFailure: The compression is not supported.
    """
    name = parameters.get(_TABLE_PROPERTIES.get(file_format, ""), parameters.get(_ANY_FORMAT))
    return compression_of(file_format, name, parameters.get(_LEVEL))


def compression_parameters(file_format: str, name: str | None, level: object = None) -> dict[str, Any]:
    """Return the table properties that make later ``INSERT`` statements use the same compression."""
    if name is None:
        return {}
    found = {_TABLE_PROPERTIES.get(file_format, _ANY_FORMAT): name.upper()}
    return found if level is None else {**found, _LEVEL: str(level)}
