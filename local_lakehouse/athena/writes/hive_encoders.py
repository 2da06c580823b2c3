"""Encoders for the S3 files of Hive tables and ``UNLOAD``."""

from __future__ import annotations

import bz2
import gzip
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from typing import IO, Any, Protocol, cast

import fastavro
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

from local_lakehouse.athena.result_columns import render
from local_lakehouse.athena.tables import avro_codecs
from local_lakehouse.athena.tables.text_values import written_text
from local_lakehouse.athena.writes.compression import Compression
from local_lakehouse.athena.writes.export import exported, field_names, file_type
from local_lakehouse.iceberg.writer import GZIP_LEVEL, Sink
from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

_ROW_GROUP_ROWS = 122_880
_ROW_GROUP_BYTES = 32 * 2**20
_ORC_CODECS = {"gzip": "zlib", "snappy": "snappy", "zstd": "zstd", "lz4": "lz4", "none": "uncompressed"}
_AVRO_CODECS = {"gzip": "deflate", "bzip2": "bzip2", "snappy": "snappy", "zstd": "zstandard", "none": "null"}
_AVRO_TYPES: dict[str, Any] = {
    "boolean": "boolean",
    "tinyint": "int",
    "smallint": "int",
    "integer": "int",
    "bigint": "long",
    "real": "float",
    "double": "double",
    "varchar": "string",
    "char": "string",
    "varbinary": "bytes",
    "date": {"type": "int", "logicalType": "date"},
    "timestamp": {"type": "long", "logicalType": "timestamp-millis"},
}
# The types whose values are numbers or Booleans in JSON. Values of other scalar types are strings.
_JSON_NUMBERS = frozenset((*types.INTEGERS, "boolean", "double", "real"))
_TEXT_FILES: dict[str, Callable[[Sink], object]] = {
    "gzip": lambda sink: gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=GZIP_LEVEL),
    "bzip2": lambda sink: bz2.BZ2File(cast("IO[bytes]", sink), "wb"),
    "none": lambda sink: sink,
}


class Encoder(Protocol):
    """An encoder that writes rows to a sink in one format."""

    def write(self, rows: pa.Table) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write the end of the file."""


class ParquetEncoder:
    """An encoder that writes Parquet row groups."""

    def __init__(self, sink: Sink, columns: Sequence[tuple[str, Type]], compression: Compression) -> None:
        self._columns = columns
        types_ = [(name, _stored_type(type_)) for name, type_ in columns]
        self._schema = pa.schema(types_)
        # Athena writes timestamps as INT96: https://github.com/aws/aws-sdk-pandas/issues/592
        level = GZIP_LEVEL if compression.codec == "gzip" else compression.level
        self._writer = pq.ParquetWriter(
            sink,
            self._schema,
            compression=compression.codec,
            compression_level=level,
            use_deprecated_int96_timestamps=True,
        )
        self._waiting: list[pa.Table] = []

    def write(self, rows: pa.Table) -> None:
        """Buffer rows until they fill a row group."""
        arrays = [_millis(exported(rows.column(index), type_)) for index, (_, type_) in enumerate(self._columns)]
        self._waiting.append(pa.Table.from_arrays(arrays, schema=self._schema))
        waiting = sum(kept.num_rows for kept in self._waiting)
        if waiting >= _ROW_GROUP_ROWS or sum(kept.nbytes for kept in self._waiting) >= _ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=_ROW_GROUP_ROWS)
            self._waiting = []

    def close(self) -> None:
        """Write the buffered rows and the footer."""
        self._flush()
        self._writer.close()


class OrcEncoder:
    """An encoder that writes ORC stripes."""

    def __init__(self, sink: Sink, columns: Sequence[tuple[str, Type]], codec: str) -> None:
        self._columns = columns
        self._schema = pa.schema([(name, _orc_type(type_)) for name, type_ in columns])
        self._writer = orc.ORCWriter(sink, compression=_ORC_CODECS[codec])
        self._empty = True

    def write(self, rows: pa.Table) -> None:
        """Write rows."""
        arrays = [exported(rows.column(index), type_) for index, (_, type_) in enumerate(self._columns)]
        cast = [array.cast(field.type) for array, field in zip(arrays, self._schema, strict=True)]
        self._writer.write(pa.Table.from_arrays(cast, schema=self._schema))
        self._empty = False

    def close(self) -> None:
        """Write the footer."""
        if self._empty:
            self._writer.write(self._schema.empty_table())
        self._writer.close()


class AvroEncoder:
    """An encoder that writes Avro blocks with a schema derived from the columns."""

    def __init__(self, sink: Sink, columns: Sequence[tuple[str, Type]], codec: str) -> None:
        self._columns = columns
        names = itertools.count(1)
        fields = [
            {"name": name, "type": ["null", _avro_type(type_, names)], "default": None} for name, type_ in columns
        ]
        schema = {"type": "record", "name": "row", "fields": fields}
        file, own_codec = cast("IO[bytes]", sink), _AVRO_CODECS[codec]
        if own_codec in avro_codecs.CODECS:
            file, own_codec = cast("IO[bytes]", avro_codecs.CompressingFile(file, own_codec)), "null"
        self._writer = fastavro.write.Writer(file, schema, own_codec)

    def write(self, rows: pa.Table) -> None:
        """Write rows."""
        listed = [
            [avro_value(value, type_) for value in rows.column(index).to_pylist()]
            for index, (_, type_) in enumerate(self._columns)
        ]
        names = [name for name, _ in self._columns]
        for values in zip(*listed, strict=True):
            self._writer.write(dict(zip(names, values, strict=True)))
        self._writer.flush()

    def close(self) -> None:
        """Write the last block."""
        self._writer.flush()


class LineEncoder:
    """An encoder that writes lines of text."""

    def __init__(
        self, sink: Sink, lines: Callable[[pa.Table], Iterator[str]], codec: str, header: str | None = None
    ) -> None:
        self._lines = lines
        # The compressing files and Sink all implement the methods of IO[bytes] that this class calls.
        self._file = cast("IO[bytes]", _TEXT_FILES[codec](sink))
        self._compressed = codec != "none"
        if header is not None:
            self._file.write(f"{header}\n".encode())

    def write(self, rows: pa.Table) -> None:
        """Write a line for each row."""
        self._file.write("".join(f"{line}\n" for line in self._lines(rows)).encode())

    def close(self) -> None:
        """Finish the compressed stream."""
        if self._compressed:
            self._file.close()


def _stored_type(type_: Type) -> pa.DataType:
    found = file_type(type_)
    return pa.timestamp("ms") if pa.types.is_timestamp(found) else found


def _millis(values: pa.Array) -> pa.Array:
    return values.cast(pa.timestamp("ms")) if pa.types.is_timestamp(values.type) else values


def _orc_type(type_: Type) -> pa.DataType:
    found = file_type(type_)
    return pa.timestamp("ns") if pa.types.is_timestamp(found) else found


def _avro_type(type_: Type, names: Iterator[int]) -> Any:
    """Return the Avro type for an Athena type, with a unique name if it is a record."""
    if type_.name == "decimal":
        return {"type": "bytes", "logicalType": "decimal", "precision": type_.precision, "scale": type_.scale}
    if type_.name == "array":
        return {"type": "array", "items": ["null", _avro_type(type_.element, names)]}
    if type_.name == "map":
        if not types.is_text(type_.key):
            raise QueryFailure("NOT_SUPPORTED", f"Avro files cannot contain maps with keys of type {type_.key}")
        return {"type": "map", "values": ["null", _avro_type(type_.value, names)]}
    if type_.name == "row":
        number = next(names)
        fields = [
            {"name": name, "type": ["null", _avro_type(child, names)], "default": None}
            for name, child in zip(field_names(type_), type_.children, strict=True)
        ]
        return {"type": "record", "name": f"row{number}", "fields": fields}
    return _AVRO_TYPES[type_.name]


def avro_value(value: Any, type_: Type) -> Any:
    """Return a value for `fastavro`, with the original names of row fields."""
    if value is None:
        return None
    if type_.name == "array":
        return [avro_value(item, type_.element) for item in value]
    if type_.name == "map":
        entries = value.items() if isinstance(value, dict) else value
        return {key: avro_value(item, type_.value) for key, item in entries}
    if type_.name == "row":
        return {
            name: avro_value(value[f"f{index}"], child)
            for index, (name, child) in enumerate(zip(field_names(type_), type_.children, strict=True))
        }
    if type_.name == "timestamp":
        return value.replace(tzinfo=UTC)
    return value


def json_lines(rows: pa.Table, columns: Sequence[tuple[str, Type]]) -> Iterator[str]:
    """Yield each row as a JSON object."""
    parts = [_json_values(rows.column(index), type_) for index, (_, type_) in enumerate(columns)]
    names = [name for name, _ in columns]
    for values in zip(*parts, strict=False):
        members = {name: value for name, value in zip(names, values, strict=False) if value is not None}
        yield json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def _json_values(column: Any, type_: Type) -> list[Any]:
    if type_.name == "varbinary" or type_.name in _JSON_NUMBERS or type_.children:
        return [_json_nested(value, type_) for value in column.to_pylist()]
    return [row[0] for row in render(pa.table([column], names=["c"]), [type_])]


def _json_nested(value: Any, type_: Type) -> Any:
    if value is None:
        return None
    if type_.name == "array":
        return [_json_nested(item, type_.element) for item in value]
    if type_.name == "map":
        entries = value.items() if isinstance(value, dict) else value
        return {written_text(key, type_.key): _json_nested(item, type_.value) for key, item in entries}
    if type_.name == "row":
        return {
            name: _json_nested(value[f"f{index}"], child)
            for index, (name, child) in enumerate(zip(field_names(type_), type_.children, strict=False))
        }
    if type_.name not in _JSON_NUMBERS:
        return written_text(value, type_)
    if not isinstance(value, float):
        return value
    # JSON numbers cannot be NaN or infinity, and a real is written with the digits of a single-precision number.
    text = written_text(value, type_)
    return float(text) if math.isfinite(value) else text
