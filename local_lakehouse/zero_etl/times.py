"""Conversion of attribute values that represent times into timestamps in UTC.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-data-partitioning.html
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

TIMESTAMP = pa.timestamp("us", "UTC")

_MICROSECONDS = {"epoch_sec": 1e6, "epoch_milli": 1e3}
# Iceberg stores microseconds in 64 bits. Below this value, a double represents microseconds exactly.
_LIMIT = float(2**53)


class TimestampError(ValueError):
    """A value is not a time.

    Args:
        value: The value.
    """

    def __init__(self, value: Any) -> None:
        super().__init__(f"{value!r} is not a time")
        self.value = value


def to_timestamps(values: pa.Array, conversion: str) -> pa.TimestampArray:
    """Convert numbers or strings to timestamps.

    Args:
        values: The values, which must not be null.
        conversion: The time format, which is ``epoch_sec``, ``epoch_milli``, or ``iso`` for ISO 8601 strings. Strings
            without an offset are in UTC.

    Raises:
        TimestampError: A value cannot be converted.
    """
    convert = _from_iso if conversion == "iso" else _from_epoch
    try:
        return convert(values, conversion)
    except pa.ArrowInvalid as error:
        raise TimestampError(_first_bad(values, conversion)) from error


def _first_bad(values: pa.Array, conversion: str) -> Any:
    convert = _from_iso if conversion == "iso" else _from_epoch
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            convert(values.slice(low, middle - low), conversion)
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return values[low].as_py()


def _from_epoch(values: pa.Array, conversion: str) -> pa.TimestampArray:
    if not (pa.types.is_string(values.type) or pa.types.is_floating(values.type)):
        raise pa.ArrowInvalid(f"{values.type} is not a time")
    ticks = pc.round(pc.multiply(pc.cast(values, pa.float64()), _MICROSECONDS[conversion]))
    if pc.any(pc.greater(pc.abs(ticks), _LIMIT)).as_py():
        raise pa.ArrowInvalid("beyond the range of timestamps")
    return pc.cast(pc.cast(ticks, pa.int64()), TIMESTAMP)


def _from_iso(values: pa.Array, _: str) -> pa.TimestampArray:
    if not pa.types.is_string(values.type):
        raise pa.ArrowInvalid(f"{values.type} is not an ISO 8601 string")
    texts = pc.replace_substring_regex(values, r"^(\d{4}-\d{2}-\d{2})$", r"\1T00:00:00")
    # Iceberg stores microseconds.
    texts = pc.replace_substring_regex(texts, r"(\.\d{6})\d+", r"\1")
    zoned = pc.match_substring_regex(texts, r"[T ].*(?:Z|[+-]\d{2}(?::?\d{2})?)$")
    return pc.cast(pc.if_else(zoned, texts, pc.binary_join_element_wise(texts, "Z", "")), TIMESTAMP)
