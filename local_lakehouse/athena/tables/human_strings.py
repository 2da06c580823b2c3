"""Column bounds in Iceberg's human-readable format.

https://iceberg.apache.org/javadoc/latest/org/apache/iceberg/transforms/Transform.html
"""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pyiceberg import types as iceberg
from pyiceberg.types import IcebergType

from local_lakehouse.sql.json_text import java_double

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def human_string(type_: IcebergType, value: Any) -> str:
    """Format a value for display as Iceberg's identity transform does.

    Args:
        type_: The value's Iceberg type.
        value: The value as PyIceberg decodes it, such as days, microseconds or bytes.
    """
    if isinstance(type_, iceberg.BooleanType):
        return "true" if value else "false"
    if isinstance(type_, iceberg.FloatType | iceberg.DoubleType):
        return java_double(value, single=isinstance(type_, iceberg.FloatType))
    if isinstance(type_, iceberg.BinaryType | iceberg.FixedType):
        return base64.b64encode(value).decode()
    if isinstance(type_, iceberg.DateType):
        days = value if isinstance(value, int) else (value - date(1970, 1, 1)).days
        return (_EPOCH + timedelta(days=days)).date().isoformat()
    if isinstance(type_, iceberg.TimeType):
        clock = value if isinstance(value, time) else (_EPOCH + timedelta(microseconds=value)).time()
        return _clock(clock)
    if isinstance(type_, iceberg.TimestampType | iceberg.TimestamptzType):
        moment = value if isinstance(value, datetime) else _EPOCH + timedelta(microseconds=value)
        zone = "Z" if isinstance(type_, iceberg.TimestamptzType) else ""
        return f"{moment.date().isoformat()}T{_clock(moment.time())}{zone}"
    return str(value)


def _clock(value: time) -> str:
    """Format a time as Java's `LocalTime` does: omit zero seconds, and write 0, 3 or 6 fractional digits."""
    if not value.second and not value.microsecond:
        return f"{value:%H:%M}"
    if not value.microsecond:
        return f"{value:%H:%M:%S}"
    digits = f"{value.microsecond:06}"
    return f"{value:%H:%M:%S}.{digits[:3] if digits.endswith('000') else digits}"
