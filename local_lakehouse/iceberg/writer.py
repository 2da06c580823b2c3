"""A writer for a table's data files, which processes a stream of rows with bounded memory."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    StatisticsCollector,
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema, sanitize_column_names
from pyiceberg.table.locations import LocationProvider, load_location_provider
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.typedef import Record

from local_lakehouse.iceberg.file_io import SMALL_BYTES, LakehouseFileIO, ObjectBytes
from local_lakehouse.iceberg.partitions import Partition, split
from local_lakehouse.store.mapped_files import content_of

Values = tuple[Any, ...]
# DuckDB's default number of rows per row group.
_ROW_GROUP_ROWS = 122_880
_ROW_GROUP_BYTES = 32 * 2**20
# A larger dictionary contains values that rarely repeat, so it would need more space than the values themselves.
_DICTIONARY_BYTES = 32 * 2**10
# If values rarely repeat within this number of rows, a dictionary takes more time and space than the values themselves.
_SAMPLE_ROWS = 1_000
_BUFFERED_BYTES = 128 * 2**20
# A file is uploaded to S3 in one request, so its size is limited.
_LARGEST_FILE = 128 * 2**20
_DEFAULT_FILE = 512 * 2**20
_CODECS = {"zstd": "zstd", "snappy": "snappy", "gzip": "gzip", "lz4": "lz4", "none": "none", "uncompressed": "none"}
# The default in zlib and Java. Arrow's default of 9 takes up to ten times as long, and the files are hardly smaller.
GZIP_LEVEL = 6
_WRITERS = 2


class TooManyPartitionsError(Exception):
    """A statement's rows belong to too many partitions."""


class UnsupportedCodecError(Exception):
    """The table uses an unsupported compression codec."""


class Sink(io.RawIOBase):
    """An object that is being written. Its bytes are in memory or, beyond a size limit, in a local file.

    Args:
        objects: Access to the S3 objects.
    """

    def __init__(self, objects: ObjectBytes) -> None:
        super().__init__()
        self._objects = objects
        self._file: IO[bytes] = io.BytesIO()
        self._path: Path | None = None
        self._discarded = False
        self.size = 0

    def writable(self) -> bool:
        """Return True, because bytes can be written."""
        return True

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self.size

    def write(self, data: Any) -> int:
        """Add bytes. After `discard`, bytes are ignored, because a deleted Parquet writer still writes its footer."""
        if self._discarded:
            return memoryview(data).nbytes
        self.size += memoryview(data).nbytes
        if self._path is None and self.size > SMALL_BYTES:
            self._path = self._objects.local.new_path()
            begun, self._file = self._file, self._path.open("wb")
            self._file.write(begun.getvalue())  # type: ignore[attr-defined]
        self._file.write(data)
        return memoryview(data).nbytes

    def store(self, location: str) -> None:
        """Write the object to S3."""
        if self._path is None:
            self._objects.write(location, self._file.getvalue())  # type: ignore[attr-defined]
        else:
            self._file.close()
            self._objects.write_file(location, self._path)

    def content(self) -> bytes | memoryview:
        """Return the written data."""
        if self._path is None:
            written: bytes = self._file.getvalue()  # type: ignore[attr-defined]
            return written
        self._file.close()
        return content_of(self._path)

    def discard(self) -> None:
        """Discard the written data."""
        self._discarded = True
        self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


@dataclass(frozen=True)
class FileLayout:
    """The layout of a table's new data files.

    Args:
        metadata: The table's metadata with the schema and the partition specification of the new files.
    """

    metadata: TableMetadata

    @property
    def schema(self) -> Schema:
        """The table's schema."""
        return self.metadata.schema()

    @property
    def spec(self) -> PartitionSpec:
        """The table's partition specification."""
        return self.metadata.spec()

    @property
    def codec(self) -> str:
        """The compression codec of Parquet pages.

        Raises:
            UnsupportedCodecError: The table's properties name an unsupported codec.
        """
        name = self.metadata.properties.get("write.parquet.compression-codec", "zstd").lower()
        if name not in _CODECS:
            raise UnsupportedCodecError(f"Data files cannot be compressed with {name}; use one of {', '.join(_CODECS)}")
        return _CODECS[name]

    @property
    def level(self) -> int | None:
        """The compression level for Parquet pages."""
        level = self.metadata.properties.get("write.parquet.compression-level")
        if level and self.codec in ("zstd", "gzip"):
            return int(level)
        return GZIP_LEVEL if self.codec == "gzip" else None

    @cached_property
    def file_schema(self) -> Schema:
        """The schema of the files.

        Names that Avro does not allow are encoded the way the Iceberg libraries encode them. Readers use the field IDs.
        """
        return sanitize_column_names(self.schema)

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The schema of the files as an Arrow schema."""
        return schema_to_pyarrow(self.file_schema)

    @cached_property
    def statistics_plan(self) -> dict[int, StatisticsCollector]:
        """The statistics to collect for each column, keyed by field ID."""
        return compute_statistics_plan(self.file_schema, self.metadata.properties)

    @cached_property
    def ids_by_path(self) -> dict[str, int]:
        """The field IDs of the columns, keyed by the columns' paths in Parquet."""
        return parquet_path_to_id_mapping(self.file_schema)

    @cached_property
    def locations(self) -> LocationProvider:
        """The provider of the data files' locations."""
        return load_location_provider(self.metadata.location, self.metadata.properties)

    @property
    def file_size(self) -> int:
        """The size in bytes at which a file is complete."""
        wanted = int(self.metadata.properties.get("write.target-file-size-bytes", _DEFAULT_FILE))
        return min(wanted, _LARGEST_FILE)

    def partition(self, values: Values) -> Partition | None:
        """Return the partition with the given values, or None for an unpartitioned table."""
        return None if self.spec.is_unpartitioned() else Partition(Record(*values), self.spec, self.schema)


class _OpenFile:
    """A data file that is being written."""

    def __init__(self, layout: FileLayout, objects: ObjectBytes, partition: Partition | None) -> None:
        self._layout = layout
        self._partition = partition
        self.sink = Sink(objects)
        self._writer: pq.ParquetWriter | None = None

    def _started(self, rows: pa.Table) -> pq.ParquetWriter:
        """Return a writer whose encodings suit the first rows."""
        layout = self._layout
        repeating = {
            field.name for field, column in zip(layout.arrow_schema, rows.columns, strict=True) if _repeats(column)
        }
        return pq.ParquetWriter(
            self.sink,
            layout.arrow_schema,
            compression=layout.codec,
            compression_level=layout.level,
            store_decimal_as_integer=True,
            use_dictionary=[path for path in layout.ids_by_path if path.partition(".")[0] in repeating],
            dictionary_pagesize_limit=_DICTIONARY_BYTES,
            # If the file contained an Arrow schema, readers would use Arrow's large types.
            store_schema=False,
        )

    def write(self, rows: pa.Table) -> None:
        """Add rows as row groups."""
        if self._writer is None:
            self._writer = self._started(rows)
        arrow = self._layout.arrow_schema
        columns = [
            pa.chunked_array([_conformed(chunk, field.type) for chunk in column.chunks], field.type)
            for column, field in zip(rows.columns, arrow, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=arrow), row_group_size=_ROW_GROUP_ROWS)

    def close(self) -> DataFile:
        """Write the file to S3 and return its entry."""
        assert self._writer is not None
        self._writer.close()
        layout = self._layout
        statistics = data_file_statistics_from_parquet_metadata(
            parquet_metadata=self._writer.writer.metadata,
            stats_columns=layout.statistics_plan,
            parquet_column_mapping=layout.ids_by_path,
        )
        location = layout.locations.new_data_location(f"{uuid.uuid4()}.parquet", self._partition)  # type: ignore[arg-type]  # duck-typed
        self.sink.store(location)
        entry = DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=location,
            file_format=FileFormat.PARQUET,
            partition=self._partition.partition if self._partition else Record(),
            file_size_in_bytes=self.sink.size,
            sort_order_id=None,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )
        entry.spec_id = layout.metadata.default_spec_id
        return entry


def _repeats(column: pa.ChunkedArray) -> bool:
    """Return whether the values of a column repeat often enough for a dictionary to be useful."""
    sample = column.slice(0, _SAMPLE_ROWS)
    return pa.types.is_nested(column.type) or bool(pc.count_distinct(sample).as_py() * 2 <= len(sample))


def _conformed(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Convert values to the files' type, whose fields have the same positions but can have different names."""
    if pa.types.is_struct(wanted):
        children = [_conformed(values.field(place), child.type) for place, child in enumerate(wanted)]
        return pa.StructArray.from_arrays(children, fields=list(wanted), mask=pc.is_null(values))
    if pa.types.is_list(wanted) or pa.types.is_large_list(wanted):
        kind = pa.LargeListArray if pa.types.is_large_list(wanted) else pa.ListArray
        offsets = pc.add(values.offsets, 0).cast(pa.int64() if pa.types.is_large_list(wanted) else pa.int32())
        return kind.from_arrays(offsets, _conformed(values.values, wanted.value_type), wanted, mask=pc.is_null(values))
    if pa.types.is_map(wanted):
        keys, items = _conformed(values.keys, wanted.key_type), _conformed(values.items, wanted.item_type)
        return pa.MapArray.from_arrays(pc.add(values.offsets, 0), keys, items, wanted, mask=pc.is_null(values))
    if isinstance(wanted, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(wanted, values.cast(wanted.storage_type))
    return values.cast(wanted)


class DataFileWriter:
    """A writer that stores a stream of rows in a table's data files, and discards the files after an error.

    Args:
        layout: The files' layout.
        io: The table's `FileIO`.
        partitions: The maximum number of partitions, or None for no limit.
    """

    def __init__(self, layout: FileLayout, io: LakehouseFileIO, partitions: int | None = None) -> None:
        self._layout = layout
        self._io = io
        self._limit = partitions
        self._files: dict[Values, _OpenFile] = {}
        self._waiting: dict[Values, list[pa.Table]] = {}
        self._bytes: dict[Values, int] = {}
        self.written: list[DataFile] = []
        self.row_count = 0

    def __enter__(self) -> DataFileWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.finish()
        else:
            self.discard()

    def write(self, rows: pa.Table) -> None:
        """Add rows in the table's schema and in the representation that data files use.

        Raises:
            TooManyPartitionsError: There are too many partitions.
        """
        self.row_count += rows.num_rows
        for values, part in split(rows, self._layout.spec, self._layout.schema):
            if values not in self._waiting and self._limit is not None and len(self._waiting) >= self._limit:
                raise TooManyPartitionsError(f"Exceeded limit of {self._limit} open writers for partitions")
            self._waiting.setdefault(values, []).append(part)
            self._bytes[values] = self._bytes.get(values, 0) + part.nbytes
            waiting = sum(kept.num_rows for kept in self._waiting[values])
            if waiting >= _ROW_GROUP_ROWS or self._bytes[values] >= _ROW_GROUP_BYTES:
                self._flush(values)
        while sum(self._bytes.values()) > _BUFFERED_BYTES:
            self._flush(max(self._bytes, key=lambda values: self._bytes[values]))

    def _flush(self, values: Values) -> None:
        parts = self._waiting[values]
        self._waiting[values] = []
        self._bytes[values] = 0
        if not parts:
            return
        if values not in self._files:
            self._files[values] = _OpenFile(self._layout, self._io.objects, self._layout.partition(values))
        file = self._files[values]
        file.write(pa.concat_tables(parts))
        if file.sink.size >= self._layout.file_size:
            self.written.append(self._files.pop(values).close())

    def finish(self) -> None:
        """Write the remaining rows."""
        for values in list(self._waiting):
            self._flush(values)
        for values in list(self._files):
            self.written.append(self._files.pop(values).close())

    def discard(self) -> None:
        """Delete the written files."""
        for file in self._files.values():
            file.sink.discard()
        self._files.clear()
        for written in self.written:
            self._io.delete(written.file_path)
        self.written.clear()


def write_partitions(
    layout: FileLayout,
    io: LakehouseFileIO,
    groups: Iterable[tuple[Values, Callable[[], pa.Table]]],
    kept: Callable[[str, pa.Table], None],
) -> Sequence[DataFile]:
    """Write one data file per partition. Up to two files are written in parallel.

    Args:
        layout: The files' layout.
        io: The table's `FileIO`.
        groups: The partitions' values, and functions that return the rows in the representation that data files use.
            Each function is called in the thread that writes the file.
        kept: A function that receives each file's location and rows.
    """

    def write(group: tuple[Values, Callable[[], pa.Table]]) -> DataFile:
        values, collect = group
        rows = collect()
        file = _OpenFile(layout, io.objects, layout.partition(values))
        file.write(rows)
        entry = file.close()
        kept(entry.file_path, rows)
        return entry

    with ThreadPoolExecutor(_WRITERS) as pool:
        return list(pool.map(write, groups))
