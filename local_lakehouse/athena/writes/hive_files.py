"""Write files that Hive tables and UNLOAD leave in S3."""

from __future__ import annotations

import gzip
import io
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from local_lakehouse.athena.results import render
from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.athena.writes.export import exported, field_names
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

FORMATS = ("PARQUET", "JSON", "TEXTFILE")
_REFUSED_FORMATS = ("ORC", "AVRO", "ION")
_CODECS = {"SNAPPY": "snappy", "GZIP": "gzip", "ZSTD": "zstd", "LZ4": "lz4", "NONE": "none", "UNCOMPRESSED": "none"}
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_UNSUPPORTED = ("timestamp with time zone", "time", "uuid", "json", "interval day to second", "interval year to month")


def check_format(name: str) -> str:
    """Return a format's name.

    Raises:
        QueryFailure: It is not offered.
    """
    written = name.upper()
    if written in _REFUSED_FORMATS:
        raise QueryFailure(
            "NOT_SUPPORTED", f"The local Athena does not write {written}: it writes {', '.join(FORMATS)}"
        )
    if written not in FORMATS:
        raise QueryFailure("INVALID_TABLE_PROPERTY", f"Unsupported format: {name}")
    return written


def check_hive_types(columns: Sequence[tuple[str, Type]]) -> None:
    """Refuse columns that Hive's files cannot hold.

    Raises:
        QueryFailure: ``NOT_SUPPORTED``, as Athena says it.
    """
    for name, type_ in columns:
        _check_type(name, type_)


def _check_type(name: str, type_: Type) -> None:
    if type_.name in _UNSUPPORTED:
        raise QueryFailure("NOT_SUPPORTED", f"Unsupported Hive type: {type_.name}")
    if type_.name == "timestamp" and type_.precision > 3:
        raise QueryFailure(
            "NOT_SUPPORTED",
            f"Incorrect timestamp precision for timestamp({type_.precision}); the configured precision is "
            f"MILLISECONDS; column name: {name}",
        )
    for child in type_.children:
        _check_type(name, child)


def check_location(location: str) -> None:
    """Refuse a location that is none in S3.

    Raises:
        QueryFailure: ``INVALID_TABLE_PROPERTY``.
    """
    if not re.fullmatch(r"s3://[^/]+(/.*)?", location, re.DOTALL):
        raise QueryFailure("INVALID_TABLE_PROPERTY", f"External location is not a valid file system URI: {location}")


class HiveWriter:
    """Writes rows below a location.

    Args:
        lake: The lakehouse's tables.
        location: Where the files go; it ends with a slash.
        file_format: One of `FORMATS`.
        compression: The codec's name, or None for the format's own.
        delimiter: What stands between the columns of a text file.
    """

    def __init__(
        self, lake: Lake, location: str, file_format: str, compression: str | None, delimiter: str = "\x01"
    ) -> None:
        check_location(location)
        self._lake = lake
        self._bucket, _, self._prefix = location.removeprefix("s3://").partition("/")
        self._format = file_format
        codec = (compression or ("GZIP" if file_format != "TEXTFILE" else "NONE")).upper()
        if codec not in _CODECS:
            raise QueryFailure("INVALID_TABLE_PROPERTY", f"Unsupported compression: {compression}")
        self._codec = _CODECS[codec]
        self._delimiter = delimiter

    def check_empty(self, table: str) -> None:
        """Refuse a location that holds files already."""
        found = self._lake.s3.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)
        if found.get("KeyCount"):
            location = f"s3://{self._bucket}/{self._prefix}"
            raise QueryFailure(
                "HIVE_PATH_ALREADY_EXISTS",
                f"Target directory for table '{table}' already exists: {location}. You may need to manually clean the "
                f"data at location '{location}' before retrying. Athena will not delete data in your account.",
            )

    def write(self, rows: pa.Table, columns: Sequence[tuple[str, Type]], partitioned_by: Sequence[str]) -> list[str]:
        """Write rows and return the paths of their files.

        Args:
            rows: The rows, in the form that DuckDB answers.
            columns: Names and types of the columns.
            partitioned_by: The last columns, by which files are laid out in folders.
        """
        if not rows.num_rows:
            return []
        own = columns[: len(columns) - len(partitioned_by)]
        paths = []
        for folder, part in _partitions(rows, columns, partitioned_by):
            key = f"{self._prefix}{folder}{_file_name()}{self._extension()}"
            self._lake.s3.put_object(Bucket=self._bucket, Key=key, Body=self._body(part, own))
            paths.append(f"s3://{self._bucket}/{key}")
        return paths

    def _extension(self) -> str:
        return ".gz" if self._format != "PARQUET" and self._codec == "gzip" else ""

    def _body(self, rows: pa.Table, columns: Sequence[tuple[str, Type]]) -> bytes:
        if self._format == "PARQUET":
            arrays = [_millis(exported(rows.column(index), type_)) for index, (_, type_) in enumerate(columns)]
            buffer = io.BytesIO()
            table = pa.Table.from_arrays(arrays, names=[name for name, _ in columns])
            pq.write_table(table, buffer, compression=self._codec)
            return buffer.getvalue()
        if self._format == "JSON":
            text = "".join(f"{line}\n" for line in _json_lines(rows, columns))
        else:
            shown = render(rows.select(range(len(columns))), [type_ for _, type_ in columns])
            text = "".join(
                self._delimiter.join(r"\N" if cell is None else cell for cell in row) + "\n" for row in shown
            )
        if self._codec == "gzip":
            return gzip.compress(text.encode())
        if self._codec != "none":
            raise QueryFailure("NOT_SUPPORTED", f"Compression {self._codec} of {self._format} files is not supported")
        return text.encode()


def _millis(values: pa.Array) -> pa.Array:
    return values.cast(pa.timestamp("ms")) if pa.types.is_timestamp(values.type) else values


def _file_name() -> str:
    return f"{datetime.now(UTC):%Y%m%d_%H%M%S}_00000_{uuid.uuid4().hex[:5]}_{uuid.uuid4()}"


def _partitions(
    rows: pa.Table, columns: Sequence[tuple[str, Type]], partitioned_by: Sequence[str]
) -> Iterator[tuple[str, pa.Table]]:
    if not partitioned_by:
        yield "", rows
        return
    start = len(columns) - len(partitioned_by)
    shown = render(rows.select(range(start, len(columns))), [type_ for _, type_ in columns[start:]])
    groups: dict[tuple[str | None, ...], list[int]] = {}
    for index, values in enumerate(shown):
        groups.setdefault(tuple(values), []).append(index)
    if len(groups) > 100:
        raise QueryFailure(
            "HIVE_TOO_MANY_OPEN_PARTITIONS", "Exceeded limit of 100 open writers for partitions/buckets."
        )
    for key, indexes in groups.items():
        folder = "".join(
            f"{name}={_NULL_PARTITION if value is None else quote(value, safe=' ')}/"
            for name, value in zip(partitioned_by, key, strict=True)
        )
        yield folder, rows.take(pa.array(indexes))


def _json_lines(rows: pa.Table, columns: Sequence[tuple[str, Type]]) -> Iterator[str]:
    parts = [_json_values(rows.column(index), type_) for index, (_, type_) in enumerate(columns)]
    names = [name for name, _ in columns]
    for values in zip(*parts, strict=False):
        members = {name: value for name, value in zip(names, values, strict=False) if value is not None}
        yield json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def _json_values(column: Any, type_: Type) -> list[Any]:
    if type_.name in ("boolean", "integer", "bigint", "smallint", "tinyint", "double", "real"):
        listed: list[Any] = column.to_pylist()
        return listed
    if type_.children:
        return [_json_nested(value, type_) for value in column.to_pylist()]
    return [row[0] for row in render(pa.table([column], names=["c"]), [type_])]


def _json_nested(value: Any, type_: Type) -> Any:
    if value is None:
        return None
    if type_.name == "array":
        return [_json_nested(item, type_.element) for item in value]
    if type_.name == "map":
        entries = value.items() if isinstance(value, dict) else value
        return {str(key): _json_nested(item, type_.value) for key, item in entries}
    if type_.name == "row":
        return {
            name: _json_nested(value[f"f{index}"], child)
            for index, (name, child) in enumerate(zip(field_names(type_), type_.children, strict=False))
        }
    return value if isinstance(value, bool | int | float | str) else str(value)
