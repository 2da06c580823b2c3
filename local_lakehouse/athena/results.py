"""The values, column descriptions and CSV files of results in Athena's format.

https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from local_lakehouse.sql import types
from local_lakehouse.sql.json_text import java_double
from local_lakehouse.sql.types import Type
from local_lakehouse.sql.zones import to_local

Text = str | None
_UNBOUNDED = 2147483647
_BINARY_LENGTH = 1073741824
_PRECISIONS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "real": 17, "double": 17}
_TIMES = ("timestamp", "timestamp with time zone", "time", "time with time zone")
MIN_SECOND_DIGITS = 3
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
FAR = "The local Athena does not write dates and timestamps before the year 1 or after the year 9999"


def column_info(name: str, type_: Type) -> dict[str, Any]:
    """Return the description of a result's column for ``ResultSetMetadata``."""
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": {"real": "float"}.get(type_.name, type_.name),
        "Precision": _precision(type_),
        "Scale": type_.scale if type_.name == "decimal" else 0,
        "Nullable": "UNKNOWN",
        "CaseSensitive": types.is_text(type_),
    }


def _precision(type_: Type) -> int:
    if type_.name in _TIMES:
        return MIN_SECOND_DIGITS
    if type_.name == "varbinary":
        return _BINARY_LENGTH
    if type_.name == "varchar" and not type_.numbers:
        return _UNBOUNDED
    if type_.name in ("varchar", "char", "decimal"):
        return type_.precision
    return _PRECISIONS.get(type_.name, 0)


def text_writer(type_: Type) -> Callable[[Any], str]:
    """Return the function that formats non-NULL values of a type."""
    if type_.name == "array":
        return _array_writer(type_)
    if type_.name == "map":
        return _map_writer(type_)
    if type_.name == "row":
        return _row_writer(type_)
    if type_.name in _TIMES:
        return _moment_writer(type_)
    if type_.name == "char":
        length = type_.precision
        return lambda value: str(value).ljust(length)
    return _WRITERS.get(type_.name, str)


def _moment_writer(type_: Type) -> Callable[[Any], str]:
    # A timestamp is shown with at least millisecond precision, and a time with the precision of its type.
    digits = max(type_.precision, MIN_SECOND_DIGITS) if type_.name.startswith("timestamp") else type_.precision
    if type_.name == "timestamp with time zone":
        return lambda value: f"{_clock(_local(value), value.get('p', 0), digits)} {value['z']}"
    if type_.name == "time with time zone":
        return lambda value: _zoned_time(value["n"], value["o"], digits)
    if types.is_fine(type_):
        return lambda value: _clock(value["u"], value["p"], digits)
    return lambda value: _clock(value, 0, digits)


def _local(value: dict[str, Any]) -> datetime:
    instant = (value["i"] - _EPOCH) // _MICROSECOND
    return _EPOCH + to_local(instant, value["z"]) * _MICROSECOND


def _zoned_time(picos: int, offset: int, digits: int) -> str:
    seconds, fraction = divmod((picos + offset * 60 * 10**12) % (86_400 * 10**12), 10**12)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:012}"
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    return _shortened(clock, digits) + zone


def _clock(value: Any, picos: int, digits: int) -> str:
    text = f"{value.strftime('%H:%M:%S.%f')}{picos:06}"
    if isinstance(value, datetime):
        text = f"{value.year:04}-{value.month:02}-{value.day:02} {text}"
    return _shortened(text, digits)


def _shortened(clock: str, digits: int) -> str:
    """Shorten a time's fraction of a second from twelve digits to the given number."""
    return clock[: len(clock) - 12 + digits].removesuffix(".")


def _inner(writer: Callable[[Any], str], value: Any) -> str:
    return "null" if value is None else writer(value)


def _array_writer(type_: Type) -> Callable[[Any], str]:
    writer = text_writer(type_.element)
    return lambda value: "[" + ", ".join(_inner(writer, item) for item in value) + "]"


def _map_writer(type_: Type) -> Callable[[Any], str]:
    key, value = text_writer(type_.key), text_writer(type_.value)

    def write(entries: Any) -> str:
        ordered = sorted(entries.items() if isinstance(entries, dict) else entries, key=lambda entry: _order(entry[0]))
        return "{" + ", ".join(f"{_inner(key, item)}={_inner(value, other)}" for item, other in ordered) + "}"

    return write


def _order(key: Any) -> Any:
    return repr(key) if isinstance(key, dict | list) else key


def _row_writer(type_: Type) -> Callable[[Any], str]:
    writers = [text_writer(child) for child in type_.children]
    # Unnamed fields are numbered: https://docs.aws.amazon.com/athena/latest/ug/rows-and-structs.html
    labels = [f"{name or f'field{index}'}=" for index, name in enumerate(type_.fields)]

    def write(value: Any) -> str:
        parts = (
            label + _inner(writer, value[f"f{index}"])
            for index, (label, writer) in enumerate(zip(labels, writers, strict=False))
        )
        return "{" + ", ".join(parts) + "}"

    return write


def _binary(value: bytes) -> str:
    return value.hex(" ")


def _day_interval(value: int) -> str:
    span = timedelta(milliseconds=abs(value))
    rest = span - timedelta(days=span.days)
    seconds, millis = divmod(rest // timedelta(milliseconds=1), 1000)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{millis:03}"
    return f"{'-' if value < 0 else ''}{span.days} {clock}"


def _month_interval(value: int) -> str:
    return f"{'-' if value < 0 else ''}{abs(value) // 12}-{abs(value) % 12}"


def _single(value: float) -> str:
    return java_double(value, single=True)


_WRITERS: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false",
    "double": java_double,
    "real": _single,
    "decimal": lambda value: format(value, "f"),
    "varbinary": _binary,
    "interval day to second": _day_interval,
    "interval year to month": _month_interval,
    "unknown": lambda _: "null",
}


def csv_text(names: Sequence[str], rows: Iterable[Sequence[Text]]) -> str:
    """Return a header and rows as CSV in Athena's format, with quoted values and empty cells for NULL."""
    lines = [csv_line(names)]
    lines += [csv_line(row) for row in rows]
    return "".join(lines)


def csv_line(values: Sequence[Text]) -> str:
    """Return a row as a CSV line in Athena's format."""
    if None not in values:
        line = '"' + '","'.join(map(str, values)) + '"\n'
        if line.count('"') == 2 * len(values):
            return line
    return ",".join("" if value is None else '"' + value.replace('"', '""') + '"' for value in values) + "\n"
