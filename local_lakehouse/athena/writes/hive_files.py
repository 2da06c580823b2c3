"""The files that ``UNLOAD`` and statements on Hive tables write to S3."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from local_lakehouse.athena.result_columns import render
from local_lakehouse.athena.tables.bucketing import Bucketing, buckets_of
from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.athena.tables.lazy_simple import Layout
from local_lakehouse.athena.tables.partition_names import partition_name
from local_lakehouse.athena.writes.compression import Compression
from local_lakehouse.athena.writes.hive_encoders import (
    AvroEncoder,
    Encoder,
    LineEncoder,
    OrcEncoder,
    ParquetEncoder,
    json_lines,
)
from local_lakehouse.iceberg.writer import Sink
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

# https://docs.aws.amazon.com/athena/latest/ug/ctas-insert-into.html
_OPEN_PARTITIONS = 100
_FILE_BYTES = 128 * 2**20
FORMATS = ("PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE")
_REFUSED_FORMATS = ("ION",)
_EXTENSIONS = {"gzip": ".gz", "bzip2": ".bz2"}
_UNSUPPORTED = (
    "unknown",
    "timestamp with time zone",
    "time",
    "time with time zone",
    "uuid",
    "json",
    "interval day to second",
    "interval year to month",
)


def check_format(name: str) -> str:
    """Check a file format, and return its name in uppercase.

    Raises:
        QueryFailure: The format is not supported.
    """
    written = name.upper()
    if written in _REFUSED_FORMATS:
        raise QueryFailure(
            "NOT_SUPPORTED", f"The local Athena does not write {written}; it writes {', '.join(FORMATS)}"
        )
    if written not in FORMATS:
        raise QueryFailure("INVALID_TABLE_PROPERTY", f"Unsupported format: {name}")
    return written


def check_hive_types(columns: Sequence[tuple[str, Type]]) -> None:
    """Reject columns that the files of Hive tables cannot store.

    Raises:
        QueryFailure: A column's type is not supported (``NOT_SUPPORTED``, with Athena's message).
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
    """Reject a location that is not in S3.

    Raises:
        QueryFailure: The location is not in S3 (``INVALID_TABLE_PROPERTY``).
    """
    if not re.fullmatch(r"s3://[^/]+(/.*)?", location, re.DOTALL):
        raise QueryFailure("INVALID_TABLE_PROPERTY", f"External location is not a valid file system URI: {location}")


class HiveWriter:
    """A writer that stores rows in files under a location.

    Args:
        lake: The lakehouse's tables.
        location: The files' location, with a trailing slash.
        file_format: One of `FORMATS`.
        compression: The compression of the files.
        layout: The layout of the lines in a text file.
        header: Whether a text file starts with a line of column names.
        location_of: A function that returns the location of a partition's folder, with a trailing slash, or None for
            folders under the files' location.
    """

    def __init__(
        self,
        lake: Lake,
        location: str,
        file_format: str,
        compression: Compression,
        layout: Layout,
        *,
        header: bool = False,
        location_of: Callable[[str], str] | None = None,
    ) -> None:
        check_location(location)
        self._lake = lake
        self._location = location
        self._header = header
        self._location_of = location_of or f"{location}{{}}".format
        self._format = file_format
        self._compression = compression
        self._layout = layout

    def check_empty(self, table: str) -> None:
        """Reject a location that already contains files."""
        bucket, prefix = _bucket_and_key(self._location)
        found = self._lake.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
        if found.get("KeyCount"):
            location = self._location
            raise QueryFailure(
                "HIVE_PATH_ALREADY_EXISTS",
                f"Target directory for table '{table}' already exists: {location}. You may need to manually clean the "
                f"data at location '{location}' before retrying. Athena will not delete data in your account.",
            )

    def write(
        self,
        rows: pa.RecordBatchReader,
        columns: Sequence[tuple[str, Type]],
        partitioned_by: Sequence[str],
        bucketing: Bucketing | None = None,
    ) -> Written:
        """Write rows as they arrive, and delete the files if an error occurs.

        Args:
            rows: The rows, in DuckDB's representation.
            columns: The names and types of the columns.
            partitioned_by: The partition columns, which are the last columns.
            bucketing: The buckets, each of which has one file per partition, or None for a table without buckets.
        """
        own = columns[: len(columns) - len(partitioned_by)]
        query = _query_name()
        files: dict[tuple[str, str], _OpenFile] = {}
        paths: list[str] = []
        count = 0
        try:
            for batch in rows:
                count += batch.num_rows
                for target, part in _divided(batch, columns, partitioned_by, bucketing):
                    if target not in files:
                        if len(files) >= _OPEN_PARTITIONS:
                            raise QueryFailure(
                                "HIVE_TOO_MANY_OPEN_PARTITIONS",
                                f"Exceeded limit of {_OPEN_PARTITIONS} open writers for partitions/buckets.",
                            )
                        files[target] = _OpenFile(self._lake, self._encoder(own))
                    files[target].write(part)
                    if files[target].size > _FILE_BYTES and bucketing is None:
                        paths.append(self._store(query, target, files[target]))
                        files[target] = _OpenFile(self._lake, self._encoder(own))
            paths += [self._store(query, target, file) for target, file in files.items() if file.rows]
        except BaseException:
            for file in files.values():
                file.discard()
            for path in paths:
                bucket, key = _bucket_and_key(path)
                self._lake.s3.delete_object(Bucket=bucket, Key=key)
            raise
        return Written(count, paths, sorted({folder for folder, _ in files}))

    def _store(self, query: str, target: tuple[str, str], file: _OpenFile) -> str:
        folder, suffix = target
        path = f"{self._location_of(folder)}{query}_{suffix or uuid.uuid4()}{self._extension()}"
        file.store(*_bucket_and_key(path))
        return path

    def _extension(self) -> str:
        return _EXTENSIONS.get(self._compression.codec, "") if self._format in ("JSON", "TEXTFILE") else ""

    def _encoder(self, columns: Sequence[tuple[str, Type]]) -> Callable[[Sink], Encoder]:
        compression = self._compression
        if self._format == "PARQUET":
            return lambda sink: ParquetEncoder(sink, columns, compression)
        if self._format == "ORC":
            return lambda sink: OrcEncoder(sink, columns, compression.codec)
        if self._format == "AVRO":
            return lambda sink: AvroEncoder(sink, columns, compression.codec)
        if self._format == "JSON":
            return lambda sink: LineEncoder(sink, lambda rows: json_lines(rows, columns), compression.codec)
        header = self._layout.separators[0].join(name for name, _ in columns) if self._header else None
        return lambda sink: LineEncoder(sink, lambda rows: self._text_lines(rows, columns), compression.codec, header)

    def _text_lines(self, rows: pa.Table, columns: Sequence[tuple[str, Type]]) -> Iterator[str]:
        cells = [_text_cells(rows.column(index), type_, self._layout) for index, (_, type_) in enumerate(columns)]
        for row in zip(*cells, strict=True):
            yield self._layout.separators[0].join(row)


@dataclass(frozen=True)
class Written:
    """The number of rows written, the paths of their files, and the folders of their partitions."""

    rows: int
    paths: list[str]
    folders: list[str]


class _OpenFile:
    """A file that is being written."""

    def __init__(self, lake: Lake, encoder: Callable[[Sink], Encoder]) -> None:
        self._lake = lake
        self._sink = Sink(lake.catalog.objects)
        self._encoder = encoder(self._sink)
        self.rows = 0

    @property
    def size(self) -> int:
        """The number of bytes written so far."""
        return self._sink.size

    def write(self, rows: pa.Table) -> None:
        """Add rows."""
        self.rows += rows.num_rows
        self._encoder.write(rows)

    def store(self, bucket: str, key: str) -> None:
        """Upload the file without keeping a local copy, because another client can overwrite the object."""
        self._encoder.close()
        self._lake.clients.put_object(bucket, key, self._sink.content())
        self._sink.discard()

    def discard(self) -> None:
        """Discard the written data."""
        # An encoder that is not closed would later write its last bytes to the discarded file.
        self._encoder.close()
        self._sink.discard()


def _bucket_and_key(path: str) -> tuple[str, str]:
    bucket, _, key = path.removeprefix("s3://").partition("/")
    return bucket, key


def _query_name() -> str:
    return f"{datetime.now(UTC):%Y%m%d_%H%M%S}_00000_{uuid.uuid4().hex[:5]}"


def _divided(
    batch: pa.RecordBatch,
    columns: Sequence[tuple[str, Type]],
    partitioned_by: Sequence[str],
    bucketing: Bucketing | None,
) -> Iterator[tuple[tuple[str, str], pa.Table]]:
    """Divide rows among files. A file is identified by its folder and by the bucket in its name."""
    places = {name: index for index, (name, _) in enumerate(columns)}
    for folder, part in _partitions(pa.Table.from_batches([batch]), columns, partitioned_by):
        if bucketing is None:
            yield (folder, ""), part
            continue
        keys = [(part.column(places[name]), columns[places[name]][1]) for name in bucketing.columns]
        groups: dict[int, list[int]] = {}
        for index, bucket in enumerate(buckets_of(keys, bucketing.count)):
            groups.setdefault(bucket, []).append(index)
        for bucket, indexes in groups.items():
            yield (folder, f"bucket-{bucket:05d}"), part.take(pa.array(indexes))


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
    for key, indexes in groups.items():
        folder = f"{partition_name(partitioned_by, key)}/"
        yield folder, rows.take(pa.array(indexes))


def _text_cells(column: Any, type_: Type, layout: Layout) -> list[str]:
    if type_.children or type_.name == "varbinary":
        return [layout.written(value, type_) for value in column.to_pylist()]
    shown = [row[0] for row in render(pa.table([column], names=["c"]), [type_])]
    return [layout.null if text is None else layout.escaped(text) for text in shown]
