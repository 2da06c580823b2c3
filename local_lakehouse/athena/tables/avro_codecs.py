"""Avro's Snappy and Zstandard codecs, which fastavro supports only with additional libraries.

Avro: https://avro.apache.org/docs/1.12.0/specification/#object-container-files
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import IO, Any

import fastavro
import pyarrow as pa

_HEADER = fastavro.parse_schema(
    {
        "type": "record",
        "name": "header",
        "fields": [
            {"name": "magic", "type": {"type": "fixed", "name": "magic", "size": 4}},
            {"name": "meta", "type": {"type": "map", "values": "bytes"}},
            {"name": "sync", "type": {"type": "fixed", "name": "sync", "size": 16}},
        ],
    }
)
_CODEC = "avro.codec"
_SYNC_BYTES = 16
_CHECKSUM_BYTES = 4
_ZSTD_LEVEL = 3


def readable(content: bytes) -> bytes:
    """Return the content of an Avro file, decompressed if its codec is Snappy or Zstandard.

    Raises:
        ValueError: The content is not an Avro file, or a block is damaged.
    """
    file = io.BytesIO(content)
    header = _parsed(file, _HEADER)
    decompress = _DECOMPRESSIONS.get(header["meta"].get(_CODEC, b"").decode())
    if decompress is None:
        return content
    plain = io.BytesIO()
    _write_header(plain, header, "null")
    _copy_blocks(file, len(content), plain, decompress)
    return plain.getvalue()


class CompressingFile(io.RawIOBase):
    """A file that compresses the blocks of an uncompressed Avro file as they are written.

    Args:
        sink: The file for the compressed blocks.
        codec: One of `CODECS`.
    """

    def __init__(self, sink: IO[bytes], codec: str) -> None:
        super().__init__()
        self._sink = sink
        self._codec = codec
        self._waiting = io.BytesIO()
        self._begun = False

    def writable(self) -> bool:
        """Return True, because bytes can be written."""
        return True

    def write(self, content: Any) -> int:
        """Add a part of the uncompressed file."""
        return self._waiting.write(content)

    def flush(self) -> None:
        """Compress the added parts, which must end with a complete block."""
        size = self._waiting.tell()
        if not size:
            return
        self._waiting.seek(0)
        if not self._begun:
            _write_header(self._sink, _parsed(self._waiting, _HEADER), self._codec)
            self._begun = True
        _copy_blocks(self._waiting, size, self._sink, _COMPRESSIONS[self._codec])
        self._waiting = io.BytesIO()


def _parsed(file: IO[bytes], schema: Any) -> Any:
    try:
        return fastavro.schemaless_reader(file, schema, None)
    except (EOFError, IndexError) as error:
        raise ValueError("the file is incomplete") from error


def _write_header(file: IO[bytes], header: Any, codec: str) -> None:
    fastavro.schemaless_writer(file, _HEADER, {**header, "meta": {**header["meta"], _CODEC: codec.encode()}})


def _copy_blocks(file: IO[bytes], size: int, target: IO[bytes], change: Callable[[bytes], bytes]) -> None:
    """Copy blocks of rows and change the content of each block."""
    while file.tell() < size:
        rows, block = _parsed(file, "long"), _parsed(file, "bytes")
        fastavro.schemaless_writer(target, "long", rows)
        fastavro.schemaless_writer(target, "bytes", change(block))
        sync = file.read(_SYNC_BYTES)
        if len(sync) < _SYNC_BYTES:
            raise ValueError("the file is incomplete")
        target.write(sync)


def _snappy(block: bytes) -> bytes:
    return bytes(pa.compress(block, "snappy", asbytes=True)) + zlib.crc32(block).to_bytes(_CHECKSUM_BYTES)


def _from_snappy(block: bytes) -> bytes:
    compressed, checksum = block[:-_CHECKSUM_BYTES], block[-_CHECKSUM_BYTES:]
    size = shift = 0
    # The compressed block begins with the size of the content, encoded with seven bits per byte.
    for byte in compressed:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    content = bytes(pa.decompress(compressed, size, "snappy", asbytes=True))
    if zlib.crc32(content).to_bytes(_CHECKSUM_BYTES) != checksum:
        raise ValueError("a block has an invalid checksum")
    return content


def _zstd(block: bytes) -> bytes:
    return bytes(pa.Codec("zstd", _ZSTD_LEVEL).compress(block, asbytes=True))


def _from_zstd(block: bytes) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(block), "zstd") as stream:
        return bytes(stream.read())


_COMPRESSIONS = {"snappy": _snappy, "zstandard": _zstd}
_DECOMPRESSIONS = {"snappy": _from_snappy, "zstandard": _from_zstd}
CODECS = tuple(_COMPRESSIONS)
