"""Readers for the file formats of Hive tables."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.orc as orc

from local_lakehouse.athena.tables import avro_codecs, lazy_simple, parquet_files
from local_lakehouse.athena.tables.iceberg_types import arrow_type
from local_lakehouse.athena.tables.serdes import (
    AVRO,
    CLOUDTRAIL,
    CLOUDTRAIL_INPUT,
    JSON,
    LAZY_SIMPLE,
    OPEN_CSV,
    ORC,
    PARQUET,
    REGEX,
    unsupported_serde,
)
from local_lakehouse.athena.tables.skipped_lines import FOOTER, HEADER, skipped_lines
from local_lakehouse.athena.tables.stored_values import conformed
from local_lakehouse.athena.tables.text_values import decimal_of, fitted, read_csv, read_text, rounded
from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.runtime.regexp_functions import Pattern, java_pattern
from local_lakehouse.sql.runtime.udf import AthenaError
from local_lakehouse.sql.types import Type

# A cell can be as long as its file.
csv.field_size_limit(2**31 - 1)
_REFUSED_COMPRESSIONS = ("deflate", "lz4", "lzo", "snappy", "zst")


def has_own_schema(entry: dict[str, Any]) -> bool:
    """Return whether the SerDe defines a table's columns, so that DESCRIBE shows a default comment for them."""
    return serde_name(entry) in (OPEN_CSV, REGEX, CLOUDTRAIL, *JSON)


def serde_name(entry: dict[str, Any]) -> str:
    """Return the name of a table's SerDe, without its package."""
    serde = entry["StorageDescriptor"].get("SerdeInfo", {})
    return str(serde.get("SerializationLibrary", "")).rpartition(".")[2]


def parse_file(entry: dict[str, Any], path: str, content: bytes, columns: list[tuple[str, Type]]) -> pa.Table:
    """Return the rows in one of a table's files.

    Args:
        entry: The table's catalog entry.
        path: The file's path, whose extension can specify a compression format.
        content: The file's content.
        columns: The names and types of the table's columns, without partition columns.

    Raises:
        QueryFailure: The file does not match the table's format.
    """
    library = serde_name(entry)
    parameters = {
        **entry.get("Parameters", {}),
        **entry["StorageDescriptor"].get("SerdeInfo", {}).get("Parameters", {}),
    }
    if library == PARQUET:
        return _named(parquet_files.read(content), columns, partial(parquet_files.mismatch, path))
    if library == ORC:
        return _orc(
            path, content, columns, by_name=parameters.get("orc.column.index.access", "true").lower() == "false"
        )
    if library == AVRO:
        return _avro(content, columns)
    content = _decompressed(path, content)
    if library == OPEN_CSV:
        return _texts(_quoted(content.decode(errors="replace"), parameters), parameters, columns, read_csv)
    if library == LAZY_SIMPLE:
        layout = lazy_simple.layout_of(parameters)
        lines = [layout.cells(line) for line in _lines(content.decode(errors="replace"))]
        return _texts(lines, parameters, columns, lambda text, type_: layout.read(text, type_, read_text))
    if library == REGEX:
        return _texts(_matched(content.decode(errors="replace"), parameters, len(columns)), parameters, columns)
    logged = entry["StorageDescriptor"].get("InputFormat") == CLOUDTRAIL_INPUT
    if library == CLOUDTRAIL or (library in JSON and logged):
        return _records(_cloudtrail(content), columns)
    if library in JSON:
        lenient = parameters.get("ignore.malformed.json", "").lower() == "true"
        written = _kept(_lines(content.decode(errors="replace")), parameters)
        return _records(_json_lines(written, lenient=lenient), columns)
    raise QueryFailure("NOT_SUPPORTED", unsupported_serde(library))


def _decompressed(path: str, content: bytes) -> bytes:
    """Return the decompressed content of a text file.

    The file's extension determines the compression. Gzip is also recognized by its first bytes.

    AWS: https://docs.aws.amazon.com/athena/latest/ug/compression-formats.html

    Raises:
        QueryFailure: The compression is not supported (``NOT_SUPPORTED``), or the content is invalid
            (``HIVE_CURSOR_ERROR``).
    """
    extension = path.rpartition("/")[2].rpartition(".")[2].lower()
    if extension in _REFUSED_COMPRESSIONS:
        raise QueryFailure(
            "NOT_SUPPORTED", f"The local Athena does not read text files with the extension .{extension}"
        )
    try:
        if extension == "gz" or content[:2] == b"\x1f\x8b":
            return gzip.decompress(content)
        return bz2.decompress(content) if extension == "bz2" else content
    except (OSError, EOFError, zlib.error) as error:
        raise QueryFailure("HIVE_CURSOR_ERROR", f"Failed to read file: {path}: {error}") from error


def _quoted(text: str, parameters: Mapping[str, str]) -> list[list[str]]:
    """Return the cells of each line of a CSV file. A quoted cell ends with its line, as in Hive."""
    read = partial(
        csv.reader,
        # As in Hive, only the first of several characters is used.
        delimiter=(parameters.get("separatorChar") or ",")[0],
        quotechar=(parameters.get("quoteChar") or '"')[0],
        escapechar=(parameters.get("escapeChar") or "\\")[0],
    )
    return [next(read([line]), []) for line in _lines(text)]


def _lines(text: str) -> list[str]:
    r"""Split text into lines only at ``\n``, ``\r\n`` and ``\r``, as Hadoop does."""
    lines = re.split(r"\r\n|\n|\r", text)
    return lines if lines[-1] else lines[:-1]


def _named(
    found: pa.Table, columns: list[tuple[str, Type]], mismatch: Callable[[str, pa.DataType, Type], QueryFailure]
) -> pa.Table:
    """Return a file's columns, matched by name, with NULL for missing columns."""
    names = {name.lower(): name for name in found.column_names}
    arrays = [
        conformed(found.column(names[name]), type_, partial(mismatch, name))
        if name in names
        else pa.nulls(found.num_rows, arrow_type(type_))
        for name, type_ in columns
    ]
    return pa.table(arrays, names=[f"c{index}" for index in range(len(columns))])


def _orc(path: str, content: bytes, columns: list[tuple[str, Type]], *, by_name: bool) -> pa.Table:
    """Return an ORC file's columns, matched by position unless `by_name` is true."""
    found = orc.ORCFile(pa.BufferReader(content)).read()
    if not by_name:
        renamed = [name for name, _ in columns[: found.num_columns]]
        found = found.select(range(len(renamed))).rename_columns(renamed)

    def mismatch(name: str, stored: pa.DataType, type_: Type) -> QueryFailure:
        return QueryFailure(
            "HIVE_BAD_DATA",
            f"Malformed ORC file. Cannot read SQL type '{type_}' from ORC stream '.{name}' of type {stored} [{path}]",
        )

    return _named(found, columns, mismatch)


def _avro(content: bytes, columns: list[tuple[str, Type]]) -> pa.Table:
    try:
        records = [
            {str(key).lower(): value for key, value in record.items()}
            for record in fastavro.reader(io.BytesIO(avro_codecs.readable(content)))
            if isinstance(record, dict)
        ]
    except (ValueError, EOFError, OSError, IndexError, zlib.error) as error:
        raise QueryFailure("HIVE_BAD_DATA", f"Not a valid Avro file: {error}") from error
    return _table([[_from_avro(record.get(name), type_) for record in records] for name, type_ in columns], columns)


def _table(values: list[list[Any]], columns: list[tuple[str, Type]]) -> pa.Table:
    """Return an Arrow table with the given Python values.

    Raises:
        QueryFailure: A value does not match its column's type (``HIVE_BAD_DATA``).
    """
    arrays = []
    for listed, (name, type_) in zip(values, columns, strict=True):
        try:
            arrays.append(pa.array(listed, arrow_type(type_)))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise QueryFailure("HIVE_BAD_DATA", f"Invalid value in column '{name}' of type {type_}: {error}") from error
    return pa.table(arrays, names=[f"c{index}" for index in range(len(columns))])


def _from_avro(value: Any, type_: Type) -> Any:
    """Return an Avro value with row fields named ``f0``, ``f1`` and so on."""
    if value is None:
        return None
    if type_.name == "array":
        return [_from_avro(item, type_.element) for item in value]
    if type_.name == "map":
        return [(key, _from_avro(item, type_.value)) for key, item in value.items()]
    if type_.name == "row":
        members = {str(key).lower(): item for key, item in value.items()}
        return {
            f"f{index}": _from_avro(members.get(name or ""), child)
            for index, (name, child) in enumerate(zip(type_.fields, type_.children, strict=False))
        }
    if isinstance(value, datetime):
        return rounded(value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value)
    if isinstance(value, Decimal) and type_.name == "decimal":
        return decimal_of(value, type_)
    return fitted(value, type_) if isinstance(value, str) and types.is_text(type_) else value


def line_pattern(parameters: Mapping[str, str]) -> Pattern:
    """Return the pattern that parses a table's lines.

    Raises:
        QueryFailure: The pattern is missing or invalid (``INVALID_TABLE_PROPERTY``).
    """
    written = parameters.get("input.regex")
    if written is None:
        raise QueryFailure("INVALID_TABLE_PROPERTY", "This table does not have the serde property 'input.regex'")
    insensitive = parameters.get("input.regex.case.insensitive", "").lower() == "true"
    try:
        return java_pattern(f"(?i){written}" if insensitive else written)
    except AthenaError as error:
        raise QueryFailure("INVALID_TABLE_PROPERTY", f"This input.regex is not supported: {written}") from error


def _matched(text: str, parameters: dict[str, str], width: int) -> list[list[str | None]]:
    """Return the groups of each line, or a row of NULLs for a line that does not match completely."""
    pattern = line_pattern(parameters)
    rows: list[list[str | None]] = []
    for line in _lines(text):
        try:
            match = pattern.fullmatch(line)
        except AthenaError as error:
            raise QueryFailure(
                "HIVE_CURSOR_ERROR", f"Matching input.regex against this line took too long: {line[:80]}"
            ) from error
        rows.append(list(match.groups())[:width] if match else [None] * width)
    return rows


def _texts(
    rows: list[Any],
    parameters: dict[str, str],
    columns: list[tuple[str, Type]],
    read: Callable[[str | None, Type], Any] | None = None,
) -> pa.Table:
    read = read or read_text
    rows = _kept(rows, parameters)
    return _table(
        [
            [read(row[index], type_) if index < len(row) else None for row in rows]
            for index, (_, type_) in enumerate(columns)
        ],
        columns,
    )


def _kept(lines: list[Any], parameters: dict[str, str]) -> list[Any]:
    """Return the lines of a file without its header and footer."""
    lines = lines[skipped_lines(parameters, HEADER) :]
    return lines[: max(len(lines) - skipped_lines(parameters, FOOTER), 0)]


class _Number(float):
    """A fractional number in JSON text, with its original digits."""

    def __new__(cls, text: str) -> _Number:
        """Return the number that a string represents."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def _json_lines(lines: list[str], *, lenient: bool) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for line in filter(None, map(str.strip, lines)):
        try:
            record = json.loads(line, parse_float=_Number)
            if not isinstance(record, dict):
                raise ValueError("A JSONObject text must begin with '{'")
        except ValueError as error:
            if lenient:
                records.append({})
                continue
            raise QueryFailure(
                "HIVE_CURSOR_ERROR", f"Row is not a valid JSON Object - JSONException: {error}"
            ) from error
        records.append(record)
    return records


def _cloudtrail(content: bytes) -> list[dict[str, Any]]:
    """Return the events in a CloudTrail file."""
    try:
        events = json.loads(content)["Records"]
    except (ValueError, KeyError, TypeError) as error:
        raise QueryFailure("HIVE_CURSOR_ERROR", f"Not a CloudTrail log file: {error!r}") from error
    return [event for event in events if isinstance(event, dict)]


def _records(records: Iterable[dict[str, Any]], columns: list[tuple[str, Type]]) -> pa.Table:
    lowered = [{str(key).lower(): value for key, value in record.items()} for record in records]
    return _table([[_from_json(record.get(name), type_) for record in lowered] for name, type_ in columns], columns)


def _from_json(value: Any, type_: Type) -> Any:
    """Convert a JSON value to a column's type.

    Raises:
        QueryFailure: The value does not match a nested type (``HIVE_BAD_DATA``), or a timestamp is not a string
            (``NOT_SUPPORTED``).
    """
    if value is None:
        return None
    if type_.children:
        return _nested(value, type_)
    if types.is_text(type_):
        if isinstance(value, str | _Number):
            return fitted(value if isinstance(value, str) else value.text, type_)
        return fitted(json.dumps(value, separators=(",", ":")), type_)
    if type_.name == "timestamp":
        return _json_timestamp(value, type_)
    if isinstance(value, _Number):
        return read_text(value.text, type_)
    return read_text(value if isinstance(value, str) else json.dumps(value), type_)


def _nested(value: Any, type_: Type) -> Any:
    if type_.name == "array" and isinstance(value, list):
        return [_from_json(item, type_.element) for item in value]
    if type_.name == "array" or not isinstance(value, dict):
        raise QueryFailure(
            "HIVE_BAD_DATA", f"Error parsing a JSON record: {json.dumps(value)} does not match the type {type_}"
        )
    if type_.name == "map":
        return [(_from_json(key, type_.key), _from_json(item, type_.value)) for key, item in value.items()]
    members = {str(key).lower(): item for key, item in value.items()}
    return {
        f"f{index}": _from_json(members.get((name or "").lower()), child)
        for index, (name, child) in enumerate(zip(type_.fields, type_.children, strict=False))
    }


def _json_timestamp(value: Any, type_: Type) -> Any:
    if not isinstance(value, str):
        raise QueryFailure("NOT_SUPPORTED", f"The local Athena does not read the JSON value {value} as a timestamp")
    # Unlike text files, JSON files can contain timestamps in ISO 8601 format.
    return read_text(re.sub(r"^(.{10})T(.*?)Z?$", r"\1 \2", value), type_)
