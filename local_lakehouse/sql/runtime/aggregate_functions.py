"""The final steps of aggregates that DuckDB does not provide."""

from __future__ import annotations

import struct

import xxhash

from local_lakehouse.sql.runtime.udf import AthenaError, udf

_MAX_LISTAGG_BYTES = 1_048_576
_MAX_FILLER_BYTES = 65_536
_PRIME = 0x9E3779B185EBCA87
_WORD = 2**64


def _signed(word: int) -> int:
    return word - _WORD if word >= _WORD // 2 else word


@udf("Sssb:s")
def listagg(entries: list[str], separator: str, filler: str, counted: bool) -> str:
    """Join strings up to a maximum length. If strings are omitted, append a filler and, if `counted`, their count."""
    if len(filler.encode()) > _MAX_FILLER_BYTES:
        raise AthenaError(f"Overflow filler length {len(filler.encode())} exceeds maximum length {_MAX_FILLER_BYTES}")
    kept: list[str] = []
    used, between = 0, len(separator.encode())
    for entry in entries:
        needed = len(entry.encode()) + (between if kept else 0)
        if used + needed > _MAX_LISTAGG_BYTES:
            rest = f"({len(entries) - len(kept)})" if counted else ""
            return separator.join([*kept, f"{filler}{rest}"])
        used += needed
        kept.append(entry)
    return separator.join(kept)


@udf("n:n")
def hash_number(value: int) -> int:
    """Return the 64-bit hash of an eight-byte number."""
    return _signed(xxhash.xxh64_intdigest(struct.pack("<q", value)))


@udf("d:n")
def hash_double(value: float) -> int:
    """Return the 64-bit hash of a double, which is the same for positive and negative zero."""
    bits = b"\0\0\0\0\0\0\xf8\x7f" if value != value else struct.pack("<d", value or 0.0)
    return _signed(xxhash.xxh64_intdigest(bits))


@udf("x:n")
def hash_bytes(value: bytes) -> int:
    """Return the 64-bit hash of bytes."""
    return _signed(xxhash.xxh64_intdigest(value))


@udf("s:x")
def checksum_bytes(total: str) -> bytes:
    """Return the checksum of values from the sum of their hashes."""
    return (int(total) * _PRIME % _WORD).to_bytes(8, "little")
