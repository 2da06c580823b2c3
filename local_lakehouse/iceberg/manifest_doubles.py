"""A correction of PyIceberg's Avro reader, which rounds partition values of type double to single precision.

PyIceberg 0.12 and earlier versions declare the compiled decoder's ``read_double`` as a C ``float``. Rounded values
would hide partitions from filters, and would be written to the next version of a manifest.
See https://github.com/apache/iceberg-python/pull/3808.
"""

from __future__ import annotations

import struct

from pyiceberg.avro.decoder import BinaryDecoder
from pyiceberg.avro.reader import DoubleReader

_DOUBLE = struct.Struct("<d")


def correct() -> None:
    """Make all readers in this process return doubles with full precision."""
    DoubleReader.read = _read  # type: ignore[method-assign]


def _read(self: DoubleReader, decoder: BinaryDecoder) -> float:
    value: float = _DOUBLE.unpack(decoder.read(_DOUBLE.size))[0]
    return value
