"""Values in text files and partition names, parsed according to the rules of Java and Hive."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.json_text import java_double
from local_lakehouse.sql.types import Type

# Python's int() and float() also accept underscores, digits from other scripts, and several spellings of infinity.
_INTEGER = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?<![fFdD])[fFdD]?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?: ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.([0-9]{1,9}))?)?"
)
_BITS = {"tinyint": 7, "smallint": 15, "integer": 31, "bigint": 63}
_EXACT = Context(prec=100)
_EPOCH = datetime(1970, 1, 1)


def read_text(text: str | None, type_: Type) -> Any:
    """Parse a string as a column's type and, as Hive does, return NULL for an invalid value."""
    if text is None:
        return None
    if types.is_text(type_):
        return fitted(text, type_)
    try:
        return _READERS[type_.name](text, type_)
    except KeyError as error:
        raise QueryFailure(
            "NOT_SUPPORTED", f"The local Athena does not read columns of type {type_} from text files"
        ) from error
    except (ValueError, InvalidOperation, OverflowError):
        return None


def written_text(value: Any, type_: Type) -> str:
    """Format a scalar value as a string that `read_text` parses to the same value."""
    return _WRITERS.get(type_.name, str)(value)


def read_csv(text: str | None, type_: Type) -> Any:
    """Parse a string as OpenCSVSerde does, with dates in days and timestamps in milliseconds since 1970.

    https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
    """
    if text is None or type_.name not in _CSV_NUMBERS:
        return read_text(text, type_)
    try:
        return _CSV_NUMBERS[type_.name](text, type_)
    except (ValueError, OverflowError) as error:
        message = f"Error parsing field value '{text}' for a column of type {type_}: For input string: \"{text}\""
        raise QueryFailure("HIVE_BAD_DATA", message) from error


def read_partition(text: str | None, type_: Type, key: str) -> Any:
    """Parse the value of a partition column.

    Raises:
        QueryFailure: The value does not match the column's type (``HIVE_INVALID_PARTITION_VALUE``).
    """
    value = read_text(text, type_)
    if value is None and text is not None:
        raise QueryFailure(
            "HIVE_INVALID_PARTITION_VALUE", f"Invalid partition value '{text}' for {type_} partition key: {key}"
        )
    return value


def fitted(text: str, type_: Type) -> str:
    """Truncate a string to the length of a column's type, as Hive does with longer values in files."""
    if type_.name == "char":
        return text[: type_.precision].rstrip(" ")
    return text[: type_.precision] if type_.numbers else text


def rounded(value: datetime) -> datetime:
    """Round a timestamp to milliseconds, the precision of Hive tables in Athena."""
    added = value + timedelta(microseconds=500)
    return added.replace(microsecond=added.microsecond // 1000 * 1000)


def decimal_of(value: Decimal, type_: Type) -> Decimal:
    """Round a number to the scale of a decimal type.

    Raises:
        OverflowError: The number has too many digits.
    """
    scaled = value.quantize(Decimal(1).scaleb(-type_.scale), ROUND_HALF_UP, _EXACT)
    if len(scaled.as_tuple().digits) > type_.precision:
        raise OverflowError(f"{value} has too many digits for {type_}")
    return scaled


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return match


def _integer(text: str, type_: Type) -> int:
    value = int(_matched(_INTEGER, text)[0])
    limit = 1 << _BITS[type_.name]
    if not -limit <= value < limit:
        raise OverflowError(f"{text} is out of range for {type_}")
    return value


def _real(text: str, _: Type) -> float:
    return float(_matched(_REAL, text.strip(" \t\r\n\f\v"))[0].rstrip("fFdD"))


def _decimal(text: str, type_: Type) -> Decimal:
    return decimal_of(Decimal(_matched(_DECIMAL, text.strip())[0]), type_)


def _boolean(text: str, _: Type) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _date(text: str, _: Type) -> date:
    year, month, day = map(int, _matched(_DATE, text).groups())
    return date(year, month, day)


def _timestamp(text: str, _: Type) -> datetime:
    parts = _matched(_TIMESTAMP, text.strip()).groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts[:6])
    return rounded(datetime(year, month, day, hour, minute, second, int((parts[6] or "").ljust(6, "0")[:6])))


def _binary(text: str, _: Type) -> bytes:
    return base64.b64decode(text, validate=True)


_READERS: dict[str, Callable[[str, Type], Any]] = {
    **dict.fromkeys(types.INTEGERS, _integer),
    "double": _real,
    "real": _real,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "varbinary": _binary,
}
_WRITERS: dict[str, Callable[[Any], str]] = {
    "double": java_double,
    "real": lambda value: java_double(value, single=True),
    "decimal": lambda value: format(value, "f"),
    "boolean": lambda value: "true" if value else "false",
    "timestamp": lambda value: value.isoformat(sep=" ", timespec="milliseconds"),
    "varbinary": lambda value: base64.b64encode(value).decode(),
}
_CSV_NUMBERS: dict[str, Callable[[str, Type], Any]] = {
    **dict.fromkeys(types.INTEGERS, _integer),
    "double": _real,
    "date": lambda text, _: _EPOCH.date() + timedelta(days=_integer(text, types.INTEGER)),
    "timestamp": lambda text, _: _EPOCH + timedelta(milliseconds=_integer(text, types.BIGINT)),
}
