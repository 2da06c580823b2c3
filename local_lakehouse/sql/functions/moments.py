"""Date and time functions.

https://trino.io/docs/current/functions/datetime.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.signatures import Emit
from local_lakehouse.sql.analysis.typed import Typed, quote
from local_lakehouse.sql.functions.registry import define
from local_lakehouse.sql.types import Type

_TZ = "timestamp with time zone"
_DATE_UNITS = ("day", "week", "month", "quarter", "year")
_TIME_UNITS = ("millisecond", "second", "minute", "hour")
_FIELDS = {
    "year": "year({0})",
    "quarter": "quarter({0})",
    "month": "month({0})",
    "week week_of_year": "weekofyear({0})",
    "day day_of_month": "day({0})",
    "day_of_week dow": "isodow({0})",
    "day_of_year doy": "dayofyear({0})",
    "year_of_week yow": "isoyear({0})",
}
_CLOCK_FIELDS = {
    "hour": "hour({0})",
    "minute": "minute({0})",
    "second": "second({0})",
    "millisecond": "(millisecond({0}) % 1000)",
}
_DAY_INTERVAL_FIELDS = {
    "day": "({0} // 86400000)",
    "hour": "(({0} // 3600000) % 24)",
    "minute": "(({0} // 60000) % 60)",
    "second": "(({0} // 1000) % 60)",
    "millisecond": "({0} % 1000)",
}


def _same(arguments: Sequence[Typed]) -> Type:
    return arguments[0].type


def _moved(arguments: Sequence[Typed]) -> Type:
    type_ = arguments[2].type
    if arguments[0].literal == "millisecond" and type_.name.startswith("timestamp"):
        return Type(type_.name, (max(3, type_.precision),))
    return type_


def _second(arguments: Sequence[Typed]) -> Type:
    return arguments[1].type


def _by_unit(value: Typed, allowed: tuple[str, ...], type_: str, write: Callable[[str], str]) -> str:
    """Write what a function does for the unit it is told."""
    if value.literal is not None and value.literal.lower() in allowed:
        return write(value.literal.lower())
    bad = f"athena_bad('''' || {value.sql} || ''' is not a valid {type_} field')"
    if value.literal is not None:
        return bad
    branches = " ".join(f"WHEN '{unit}' THEN {write(unit)}" for unit in allowed)
    return f"CASE lower({value.sql}) {branches} ELSE {bad} END"


def _truncate(kind: str, template: str) -> Emit:
    allowed, label = _UNITS[kind]

    def emit(arguments: Sequence[Typed]) -> str:
        moment = arguments[1].sql
        return _by_unit(arguments[0], allowed, label, lambda unit: template.format(unit=unit, moment=moment))

    return emit


_UNITS = {
    "date": (_DATE_UNITS, "DATE"),
    "timestamp": ((*_TIME_UNITS, *_DATE_UNITS), "Timestamp"),
    "zoned": ((*_TIME_UNITS, *_DATE_UNITS), "Timestamp"),
    "time": (_TIME_UNITS, "Time"),
}
_TRUNCATIONS = {
    "date": "CAST(date_trunc('{unit}', {moment}) AS DATE)",
    "timestamp": "CAST(date_trunc('{unit}', {moment}) AS TIMESTAMP)",
    "zoned": "athena_with_timezone(CAST(date_trunc('{unit}', athena_local({moment})) AS TIMESTAMP), ({moment}).z)",
    "time": "CAST(date_trunc('{unit}', DATE '1970-01-01' + {moment}) AS TIME)",
}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_MILLIS = {
    "millisecond": 1,
    "second": 1000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 7 * 86_400_000,
}
_ADDERS = {
    "date": ("athena_date_add_months", "athena_date_add_days"),
    "timestamp": ("athena_add_months", "athena_add_millis"),
    "zoned": ("athena_zoned_add_months", "athena_zoned_add_millis"),
    "time": ("", "athena_time_add"),
}


def _add(kind: str) -> Emit:
    allowed, label = _UNITS[kind]
    months, millis = _ADDERS[kind]

    def emit(arguments: Sequence[Typed]) -> str:
        amount, moment = arguments[1].sql, arguments[2].sql

        def write(unit: str) -> str:
            if unit in _MONTHS:
                return f"{months}({moment}, {amount} * {_MONTHS[unit]})"
            return f"{millis}({moment}, {amount} * {_MILLIS[unit]})"

        return _by_unit(arguments[0], allowed, label, write)

    return emit


def _difference(kind: str) -> Emit:
    allowed, label = _UNITS[kind]

    def emit(arguments: Sequence[Typed]) -> str:
        first, last = (
            f"athena_at({argument.sql})" if kind == "zoned" else f"CAST({argument.sql} AS TIMESTAMP)"
            for argument in arguments[1:]
        )

        def write(unit: str) -> str:
            if unit in _MILLIS:
                return f"(athena_millis_between({first}, {last}) // {_MILLIS[unit]})"
            return f"(athena_months_between({first}, {last}) // {_MONTHS[unit]})"

        return _by_unit(arguments[0], allowed, label, write)

    return emit


# The codes of MySQL's patterns that DuckDB writes alike, under its own names for them.
_CODES = {
    "Y": "%Y",
    "y": "%y",
    "m": "%m",
    "c": "%-m",
    "d": "%d",
    "e": "%-d",
    "H": "%H",
    "k": "%-H",
    "h": "%I",
    "I": "%I",
    "l": "%-I",
    "i": "%M",
    "s": "%S",
    "S": "%S",
    "f": "%f",
    "p": "%p",
    "a": "%a",
    "b": "%b",
    "W": "%A",
    "M": "%B",
    "j": "%j",
    "T": "%H:%M:%S",
    "%": "%%",
}
_CODE = re.compile(r"%(.)|[^%]", re.DOTALL)


def _format(moment: str) -> Emit:
    def emit(arguments: Sequence[Typed]) -> str:
        pattern = arguments[1].literal
        value = moment.format(arguments[0].sql)
        pieces = list(_CODE.finditer(pattern or ""))
        codes = [piece.group(1) for piece in pieces if piece.group(1)]
        if not pattern or not all(code in _CODES for code in codes) or "".join(map(re.Match.group, pieces)) != pattern:
            return f"athena_date_format({value}, {arguments[1].sql})"
        written = "".join(_CODES[piece.group(1)] if piece.group(1) else piece.group() for piece in pieces)
        return f"strftime({value}, {quote(written)})"

    return emit


define("current_date", "", "date", "athena_current_date()")
define("current_timestamp now", "", lambda _: types.timestamp_tz(3), "athena_zoned(athena_now(), 'UTC')")
define("localtimestamp", "", lambda _: types.timestamp(3), "athena_now()")
define("current_timezone", "", "varchar", "'UTC'")
define("date", "varchar", "date", "athena_parse_date({0})", fails=True)
define("date", "date", "date", "{0}")
define("date", "timestamp", "date", "CAST({0} AS DATE)")
define("date", _TZ, "date", "CAST(athena_local({0}) AS DATE)")
define("last_day_of_month", "date", "date", "last_day({0})")
define("last_day_of_month", "timestamp", "date", "last_day({0})")
define("last_day_of_month", _TZ, "date", "last_day(athena_local({0}))")

for _names, _template in _FIELDS.items():
    define(_names, "date", "bigint", _template)
    define(_names, "timestamp", "bigint", _template)
    define(_names, _TZ, "bigint", _template.replace("{0}", "athena_local({0})"))
for _names, _template in _CLOCK_FIELDS.items():
    define(_names, "timestamp", "bigint", _template)
    define(_names, _TZ, "bigint", _template.replace("{0}", "athena_local({0})"))
    define(_names, "time", "bigint", _template)
for _names, _template in _DAY_INTERVAL_FIELDS.items():
    define(_names, "interval day to second", "bigint", _template)
define("year", "interval year to month", "bigint", "({0} // 12)")
define("month", "interval year to month", "bigint", "({0} % 12)")
define("timezone_hour", _TZ, "bigint", "(athena_zone_offset({0}) // 60)")
define("timezone_minute", _TZ, "bigint", "(athena_zone_offset({0}) % 60)")

for _kind, _type in (("date", "date"), ("timestamp", "timestamp"), ("zoned", _TZ), ("time", "time")):
    define("date_trunc", f"varchar,{_type}", _second, _truncate(_kind, _TRUNCATIONS[_kind]), fails=True)
    define("date_add", f"varchar,bigint,{_type}", _moved, _add(_kind), fails=True)
for _kind, _type in (("date", "date"), ("timestamp", "timestamp"), ("zoned", _TZ)):
    define("date_diff", f"varchar,{_type},{_type}", "bigint", _difference(_kind), fails=True)

define("date_format", "timestamp,varchar", "varchar", _format("{}"), fails=True)
define("date_format", f"{_TZ},varchar", "varchar", _format("athena_local({})"), fails=True)
define("date_parse", "varchar,varchar", lambda _: types.timestamp(3), "athena_date_parse({0}, {1})", fails=True)
define("format_datetime", "timestamp,varchar", "varchar", "athena_format_datetime({0}, 'UTC', 0, {1})", fails=True)
define(
    "format_datetime",
    f"{_TZ},varchar",
    "varchar",
    "athena_format_datetime(athena_local({0}), ({0}).z, athena_zone_offset({0}), {1})",
    fails=True,
)
define(
    "parse_datetime", "varchar,varchar", lambda _: types.timestamp_tz(3), "athena_parse_datetime({0}, {1})", fails=True
)
define("from_iso8601_date", "varchar", "date", "athena_from_iso8601_date({0})", fails=True)
define(
    "from_iso8601_timestamp",
    "varchar",
    lambda _: types.timestamp_tz(3),
    "athena_from_iso8601_timestamp({0})",
    fails=True,
)
define("to_iso8601", "date", "varchar", "CAST({0} AS VARCHAR)")
define(
    "to_iso8601",
    "timestamp",
    "varchar",
    lambda a: f"replace(athena_timestamp_text({a[0].sql}, {a[0].type.precision}), ' ', 'T')",
)
define("to_iso8601", _TZ, "varchar", lambda a: f"athena_zoned_iso({a[0].sql}, {a[0].type.precision})")
define("from_unixtime", "double", lambda _: types.timestamp_tz(3), "athena_zoned(athena_from_unixtime({0}), 'UTC')")
define(
    "from_unixtime",
    "double,varchar",
    lambda _: types.timestamp_tz(3),
    "athena_zoned(athena_from_unixtime({0}), athena_zone({1}))",
    fails=True,
)
define("to_unixtime", "timestamp", "double", "(epoch_us({0}) / 1000000.0::DOUBLE)")
define("to_unixtime", _TZ, "double", "(epoch_us(athena_at({0})) / 1000000.0::DOUBLE)")
define("at_timezone", f"{_TZ},varchar", _same, "athena_zoned(athena_at({0}), athena_zone({1}))", fails=True)
define(
    "with_timezone",
    "timestamp,varchar",
    lambda a: types.timestamp_tz(a[0].type.precision),
    "athena_with_timezone({0}, athena_zone({1}))",
    fails=True,
)
define("to_milliseconds", "interval day to second", "bigint", "{0}")
define("parse_duration", "varchar", "interval day to second", "athena_parse_duration({0})", fails=True)
