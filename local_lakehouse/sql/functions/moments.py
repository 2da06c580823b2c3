"""The signatures of date and time functions.

https://trino.io/docs/current/functions/datetime.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.precision import (
    FIXED_UNITS,
    MILLIS,
    MONTHS,
    Parts,
    clock,
    held,
    parts,
    rounded,
    shifted,
    text,
)
from local_lakehouse.sql.analysis.signatures import Emit
from local_lakehouse.sql.analysis.typed import Typed, quote
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.functions.registry import define
from local_lakehouse.sql.types import Type

_TZ = "timestamp with time zone"
_TIME_TZ = "time with time zone"
_MAX_DIGITS = 12
_DATE_UNITS = ("day", "week", "month", "quarter", "year")
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


def _second(arguments: Sequence[Typed]) -> Type:
    return arguments[1].type


def _third(arguments: Sequence[Typed]) -> Type:
    return arguments[2].type


def _clocked(template: str) -> Emit:
    """Return an emitter that applies a template to a value's local time."""
    return lambda arguments: template.replace("{0}", clock(arguments[0].sql, arguments[0].type))


def _by_unit(value: Typed, allowed: tuple[str, ...], type_: str, write: Callable[[str], str]) -> str:
    """Return the SQL that `write` produces for a unit. The unit can be an expression."""
    if value.literal is not None and value.literal.lower() in allowed:
        return write(value.literal.lower())
    bad = f"athena_bad('''' || {value.sql} || ''' is not a valid {type_} field')"
    if value.literal is not None:
        return bad
    branches = " ".join(f"WHEN '{unit}' THEN {write(unit)}" for unit in allowed)
    return f"CASE lower({value.sql}) {branches} ELSE {bad} END"


_UNITS = {
    "date": (_DATE_UNITS, "DATE"),
    "timestamp": ((*FIXED_UNITS, *_DATE_UNITS), "Timestamp"),
    _TZ: ((*FIXED_UNITS, *_DATE_UNITS), "Timestamp"),
    "time": (FIXED_UNITS, "Time"),
    _TIME_TZ: (FIXED_UNITS, "Time"),
}
_MILLI_DIGITS = 3


def _truncated(arguments: Sequence[Typed]) -> str:
    """Return the SQL that truncates a value in its zone, which determines the start of a day or longer unit."""
    unit, value = arguments
    allowed, label = _UNITS[value.type.name]

    def write(unit: str) -> str:
        if value.type == types.DATE:
            return f"CAST(date_trunc('{unit}', {value.sql}) AS DATE)"
        moment = parts(value.sql, value.type)
        if not moment.zone or value.type.name == _TIME_TZ:
            start = f"CAST(date_trunc('{unit}', {moment.micros}) AS TIMESTAMP)"
            return held(Parts(start, zone=moment.zone), value.type)
        local = clock(value.sql, value.type)
        start = f"CAST(date_trunc('{unit}', {local}) AS TIMESTAMP)"
        if unit in FIXED_UNITS:
            instant = f"({moment.micros} - ({local} - {start}))"
        else:
            instant = f"athena_moved_local({start}, {moment.zone}, {moment.micros})"
        return held(Parts(instant, zone=moment.zone), value.type)

    return _by_unit(unit, allowed, label, write)


def _added(arguments: Sequence[Typed]) -> str:
    """Return the SQL that adds a number of units to a value.

    Days and longer units are added to the local time in the value's zone, and shorter units to the instant.
    """
    unit, amount, value = arguments
    allowed, label = _UNITS[value.type.name]

    def write(unit: str) -> str:
        if value.type == types.DATE:
            macro = "athena_date_add_months" if unit in MONTHS else "athena_date_add_days"
            return f"{macro}({value.sql}, {amount.sql} * {MONTHS.get(unit) or MILLIS[unit]})"
        moved = shifted(value.sql, value.type, amount.sql, unit)
        return held(rounded(moved, value.type.precision) if unit == "millisecond" else moved, value.type)

    return _by_unit(unit, allowed, label, write)


def _difference(arguments: Sequence[Typed]) -> str:
    """Return the SQL for the number of complete units between two values.

    Days and longer units are counted in the first value's zone. For values with more than three fractional digits,
    Trino counts these units in UTC.
    """
    unit, first, last = arguments
    allowed, label = _UNITS[first.type.name]

    def write(unit: str) -> str:
        if first.type.name in ("time", _TIME_TZ):
            delta = f"({_picos_of_day(last)} - {_picos_of_day(first)})"
            return f"CAST({delta} // {MILLIS[unit] * 10**9} AS BIGINT)"
        begin, end = (parts(value.sql, value.type).micros for value in (first, last))
        if first.type.name == _TZ and unit not in FIXED_UNITS and first.type.precision <= _MILLI_DIGITS:
            begin = clock(first.sql, first.type)
            end = f"athena_local(athena_zoned({end}, ({first.sql}).z))"
        if unit in MILLIS:
            return f"(athena_millis_between({begin}, {end}) // {MILLIS[unit]})"
        return f"(athena_months_between({begin}, {end}) // {MONTHS[unit]})"

    return _by_unit(unit, allowed, label, write)


def _picos_of_day(value: Typed) -> str:
    if value.type.name == _TIME_TZ:
        return f"CAST(({value.sql}).n AS HUGEINT)"
    moment = parts(value.sql, value.type)
    return f"(CAST(epoch_us({moment.micros}) AS HUGEINT) * 1000000 + {moment.picos})"


# The MySQL pattern codes, with the DuckDB codes that produce the same format.
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


def _to_millis(value: Typed) -> str:
    """Return the SQL for the local time, rounded to milliseconds because patterns have no smaller unit."""
    local = clock(value.sql, value.type)
    return f"athena_round_timestamp({local}, 3)" if value.type.precision > _MILLI_DIGITS else local


def _format(arguments: Sequence[Typed]) -> str:
    pattern = arguments[1].literal
    value = _to_millis(arguments[0])
    pieces = list(_CODE.finditer(pattern or ""))
    codes = [piece.group(1) for piece in pieces if piece.group(1)]
    if not pattern or not all(code in _CODES for code in codes) or "".join(map(re.Match.group, pieces)) != pattern:
        return f"athena_date_format(athena_in_years({value}, 1, 9999), {arguments[1].sql})"
    written = "".join(_CODES[piece.group(1)] if piece.group(1) else piece.group() for piece in pieces)
    return f"strftime(athena_in_years({value}, 0, 294247), {quote(written)})"


def _now(name: str) -> Callable[[Sequence[Typed]], Type]:
    """Return the function that derives the type of the current time from the requested precision."""

    def type_of(arguments: Sequence[Typed]) -> Type:
        digits = arguments[0].literal
        if digits is None or not 0 <= int(digits) <= _MAX_DIGITS:
            raise QueryFailure("INVALID_FUNCTION_ARGUMENT", f"{name.upper()} precision must be in range [0, 12]")
        return Type(name, (int(digits),))

    return type_of


def _this_moment(name: str) -> Emit:
    def emit(arguments: Sequence[Typed]) -> str:
        type_ = _now(name)(arguments)
        return held(rounded(Parts("athena_now_micros()"), type_.precision), type_)

    return emit


def _iso(arguments: Sequence[Typed]) -> str:
    value = arguments[0]
    shown = text(value.sql, value.type, separator="T")
    return f"({shown} || athena_offset_text(athena_zone_offset({value.sql})))" if value.type.name == _TZ else shown


def _iso_type(arguments: Sequence[Typed]) -> Type:
    digits, zoned = arguments[0].type.precision, arguments[0].type.name == _TZ
    return types.varchar(22 + min(digits, 1) + digits + (6 if zoned else 0))


def _of_nanos(sql: str) -> str:
    rest = f"(({sql}) % 1000 + 1000) % 1000"
    return f"athena_fine_zoned(make_timestamp((({sql}) - {rest}) // 1000), 'UTC', {rest} * 1000)"


def _unix_time(arguments: Sequence[Typed]) -> str:
    moment = parts(arguments[0].sql, arguments[0].type)
    micros = f"CAST(epoch_us({moment.micros}) AS DOUBLE)"
    if moment.picos != "0":
        micros = f"({micros} + {moment.picos} / 1000000.0::DOUBLE)"
    return f"({micros} / 1000000.0::DOUBLE)"


def _zone_of(value: Typed) -> str:
    """Return the SQL for a zone's name, which can be an offset from UTC."""
    return f"athena_zone_of_interval({value.sql})" if types.is_interval(value.type) else f"athena_zone({value.sql})"


def _in_zone(arguments: Sequence[Typed]) -> str:
    value = arguments[0]
    if value.type.name == _TIME_TZ:
        offset = f"athena_offset(epoch_us(athena_now()), {_zone_of(arguments[1])})"
        return f"athena_time_at({value.sql}, {offset})"
    moment = replace(parts(value.sql, value.type), zone=_zone_of(arguments[1]))
    return held(moment, value.type)


def _with_zone(arguments: Sequence[Typed]) -> str:
    value, zone = arguments[0], f"athena_zone({arguments[1].sql})"
    moment = parts(value.sql, value.type)
    instant = f"athena_keep_local({moment.micros}, {zone})"
    return held(Parts(instant, moment.picos, zone), types.timestamp_tz(value.type.precision))


def _joda(arguments: Sequence[Typed]) -> str:
    value, pattern = arguments
    if value.type.name == _TZ:
        zone, offset = f"({value.sql}).z", f"athena_zone_offset({value.sql})"
    else:
        zone, offset = "'UTC'", "0"
    return f"athena_format_datetime(athena_in_years({_to_millis(value)}, 1, 9999), {zone}, {offset}, {pattern.sql})"


define("current_date", "", "date", "athena_current_date()")
define("current_timestamp now", "", lambda _: types.timestamp_tz(3), "athena_zoned(athena_now(), 'UTC')")
define("current_timestamp", "integer", _now(_TZ), _this_moment(_TZ))
define("localtimestamp", "", lambda _: types.timestamp(3), "athena_now()")
define("localtimestamp", "integer", _now("timestamp"), _this_moment("timestamp"))
define("localtime", "", lambda _: types.time(3), "CAST(athena_now() AS TIME)")
define("localtime", "integer", _now("time"), _this_moment("time"))
define("current_time", "", lambda _: types.time_tz(3), lambda _: held(Parts("athena_now()"), types.time_tz(3)))
define("current_time", "integer", _now(_TIME_TZ), _this_moment(_TIME_TZ))
define("current_timezone", "", "varchar", "'UTC'")
define("date", "varchar", "date", "athena_parse_date({0})", fails=True)
define("date", "date", "date", "{0}")
define("last_day_of_month", "date", "date", "last_day({0})")
for _type in ("timestamp", _TZ):
    define("date", _type, "date", _clocked("CAST({0} AS DATE)"))
    define("last_day_of_month", _type, "date", _clocked("last_day({0})"))

for _names, _template in _FIELDS.items():
    for _type in ("date", "timestamp", _TZ):
        define(_names, _type, "bigint", _clocked(_template))
for _names, _template in _CLOCK_FIELDS.items():
    for _type in ("timestamp", _TZ, "time", _TIME_TZ):
        define(_names, _type, "bigint", _clocked(_template))
for _names, _template in _DAY_INTERVAL_FIELDS.items():
    define(_names, "interval day to second", "bigint", _template)
define("year", "interval year to month", "bigint", "({0} // 12)")
define("month", "interval year to month", "bigint", "({0} % 12)")
define("timezone_hour", _TZ, "bigint", "(athena_zone_offset({0}) // 60)")
define("timezone_minute", _TZ, "bigint", "(athena_zone_offset({0}) % 60)")
define("timezone_hour", _TIME_TZ, "bigint", "(({0}).o // 60)")
define("timezone_minute", _TIME_TZ, "bigint", "(({0}).o % 60)")

for _type in ("date", "timestamp", _TZ, "time", _TIME_TZ):
    define("date_trunc", f"varchar,{_type}", _second, _truncated, fails=True)
    define("date_add", f"varchar,bigint,{_type}", _third, _added, fails=True)
    define("date_diff", f"varchar,{_type},{_type}", "bigint", _difference, fails=True)

for _type in ("timestamp", _TZ):
    define("date_format", f"{_type},varchar", "varchar", _format, fails=True)
    define("format_datetime", f"{_type},varchar", "varchar", _joda, fails=True)
define("date_parse", "varchar,varchar", lambda _: types.timestamp(3), "athena_date_parse({0}, {1})", fails=True)
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
define("to_iso8601", "date", lambda _: types.varchar(16), "CAST({0} AS VARCHAR)")
for _type in ("timestamp", _TZ):
    define("to_iso8601", _type, _iso_type, _iso)
    define("to_unixtime", _type, "double", _unix_time)
define("from_unixtime", "double", lambda _: types.timestamp_tz(3), "athena_zoned(athena_from_unixtime({0}), 'UTC')")
define(
    "from_unixtime",
    "double,varchar",
    lambda _: types.timestamp_tz(3),
    "athena_zoned(athena_from_unixtime({0}), athena_zone({1}))",
    fails=True,
)
define(
    "from_unixtime",
    "double,bigint,bigint",
    lambda _: types.timestamp_tz(3),
    "athena_zoned(athena_from_unixtime({0}), athena_zone_of_offset({1}, {2}))",
    fails=True,
)
define(
    "from_unixtime_nanos",
    "decimal",
    lambda _: types.timestamp_tz(9),
    lambda a: _of_nanos(f"CAST(round({a[0].sql}, 0) AS BIGINT)"),
    fails=True,
)
define(
    "from_unixtime_nanos",
    "bigint",
    lambda _: types.timestamp_tz(9),
    lambda a: _of_nanos(a[0].sql),
)
for _zone in ("varchar", "interval day to second"):
    for _type in (_TZ, _TIME_TZ):
        define("at_timezone", f"{_type},{_zone}", lambda a: a[0].type, _in_zone, fails=True)
define("with_timezone", "timestamp,varchar", lambda a: types.timestamp_tz(a[0].type.precision), _with_zone, fails=True)
define("to_milliseconds", "interval day to second", "bigint", "{0}")
define("parse_duration", "varchar", "interval day to second", "athena_parse_duration({0})", fails=True)
