"""Tests for blocks in Avro files with Snappy and Zstandard compression."""

from __future__ import annotations

import base64
import io
from typing import IO, Any, cast

import fastavro
import pytest

from local_lakehouse.athena.tables.avro_codecs import CODECS, CompressingFile, readable

SYNC_BYTES = 16
SCHEMA = {"type": "record", "name": "row", "fields": [{"name": "text", "type": ["null", "string"]}]}
ROWS = [{"text": letter * count} for letter in "ab" for count in (0, 1, 300, 20_000)] + [{"text": None}]
# Each block contains one row, whose text is the letter a, repeated 64 times. fastavro wrote the blocks with cramjam and
# backports.zstd.
FASTAVRO_BLOCKS = {"snappy": "QgiAAWH6AQAg2LsT", "zstandard": "KLUv/SBCTQAAGIABYQEAlMAQ"}


def _written(codec: str, rows: list[dict[str, Any]], flushes: int = 1) -> bytes:
    sink = io.BytesIO()
    writer = fastavro.write.Writer(cast("IO[bytes]", CompressingFile(cast("IO[bytes]", sink), codec)), SCHEMA, "null")
    writer.flush()
    for _ in range(flushes):
        for row in rows:
            writer.write(row)
        writer.flush()
    return sink.getvalue()


def _read(content: bytes) -> list[Any]:
    return list(fastavro.reader(io.BytesIO(readable(content))))


@pytest.mark.parametrize("flushes", [0, 1, 3])
@pytest.mark.parametrize("codec", CODECS)
def test_rows_round_trip(codec: str, flushes: int) -> None:
    sink = io.BytesIO()
    fastavro.writer(sink, SCHEMA, ROWS * flushes)
    content = _written(codec, ROWS, flushes)

    assert _read(content) == ROWS * flushes
    assert fastavro.block_reader(io.BytesIO(content)).metadata["avro.codec"] == codec
    assert len(content) < len(sink.getvalue()) or not flushes


@pytest.mark.parametrize("codec", CODECS)
def test_blocks_written_by_fastavro_are_read(codec: str) -> None:
    sink, schema = io.BytesIO(), {"type": "record", "name": "row", "fields": [{"name": "text", "type": "string"}]}
    fastavro.writer(sink, schema, [], sync_marker=b"0" * SYNC_BYTES)
    content = sink.getvalue().replace(b"\x08null", bytes([2 * len(codec)]) + codec.encode())
    block = base64.b64decode(FASTAVRO_BLOCKS[codec])
    content += bytes([2, 2 * len(block)]) + block + b"0" * SYNC_BYTES

    assert _read(content) == [{"text": "a" * 64}]


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_files_with_other_codecs_are_not_changed(codec: str) -> None:
    sink = io.BytesIO()
    fastavro.writer(sink, SCHEMA, ROWS, codec)
    assert readable(sink.getvalue()) == sink.getvalue()


@pytest.mark.parametrize("codec", CODECS)
def test_incomplete_file_raises_value_error(codec: str) -> None:
    content = _written(codec, ROWS[:3])
    for end in range(len(_written(codec, [])) + 1, len(content)):
        with pytest.raises(ValueError, match="incomplete"):
            _read(content[:end])


def test_changed_byte_in_a_snappy_block_raises_an_error() -> None:
    rows = [{"text": str(number)} for number in range(100)]
    content = _written("snappy", rows)
    end = len(content) - SYNC_BYTES
    for position in range(end - 100, end):
        changed = bytearray(content)
        changed[position] ^= 1
        with pytest.raises((ValueError, OSError)):
            _read(bytes(changed))


def test_snappy_blocks_of_boundary_sizes_round_trip() -> None:
    sizes = [127, 128, 16_383, 16_384, 2_097_151, 2_097_152]
    rows = [{"text": "x" * size} for size in sizes]
    assert [len(row["text"]) for row in _read(_written("snappy", rows))] == sizes
