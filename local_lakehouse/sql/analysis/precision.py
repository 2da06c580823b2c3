"""The DuckDB representation of times and timestamps of every precision, and conversions between precisions.

Values without a zone and with up to six fractional digits are stored as DuckDB's ``TIME`` or ``TIMESTAMP``. Values with
more digits are stored as a struct of that type and the remaining picoseconds. DuckDB sorts and compares these structs
the way Athena sorts and compares the values. A timestamp with a zone is stored as a struct of its instant, its zone and
any remaining picoseconds. At every precision, a time with a zone is stored as picoseconds in UTC and an offset from
UTC. A cast to a lower precision rounds half up, and a time that rounds up to midnight becomes 00:00.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from local_lakehouse.sql.types import Type, is_fine

_ZONED = "timestamp with time zone"
_ZONED_TIME = "time with time zone"
_MICRO_DIGITS, _PICO_DIGITS = 6, 12
FIXED_UNITS = ("millisecond", "second", "minute", "hour")
MONTHS = {"month": 1, "quarter": 3, "year": 12}
MILLIS = {
    "millisecond": 1,
    "second": 1000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 7 * 86_400_000,
}
_UTC = "'UTC'"


@dataclass(frozen=True)
class Parts:
    """The parts of a time or timestamp, as SQL.

    Args:
        micros: The value as a timestamp. A time of day has the date 1970-01-01.
        picos: The remaining picoseconds.
        zone: The name of the value's zone or, for a time of day, the offset from UTC in minutes. The string is
            empty for a value without a zone.
    """

    micros: str
    picos: str = "0"
    zone: str = ""


def clock(sql: str, type_: Type) -> str:
    """Return the SQL for a value's local date, time or timestamp, with microsecond precision."""
    if type_.name == _ZONED:
        return f"athena_local({sql})"
    if type_.name == _ZONED_TIME:
        return f"CAST({parts(sql, type_).micros} AS TIME)"
    return f"({sql}).u" if is_fine(type_) else sql


def parts(sql: str, type_: Type) -> Parts:
    """Split a value into its parts.

    A timestamp with a zone is split into its instant and its zone. A time with a zone is split into its local time and
    its offset from UTC.
    """
    if type_.name == _ZONED_TIME:
        local = f"athena_clock_picos({sql})"
        return Parts(f"make_timestamp({local} // 1000000)", f"({local} % 1000000)", f"({sql}).o")
    picos = f"({sql}).p" if is_fine(type_) else "0"
    if type_.name == _ZONED:
        return Parts(f"athena_at({sql})", picos, f"({sql}).z")
    if type_.name == "time":
        return Parts(f"(DATE '1970-01-01' + {clock(sql, type_)})", picos)
    return Parts(f"CAST({clock(sql, type_)} AS TIMESTAMP)", picos)


def held(moment: Parts, type_: Type) -> str:
    """Return the SQL that builds a value of a type from the value's parts."""
    if type_.name == _ZONED:
        if is_fine(type_):
            return f"athena_fine_zoned({moment.micros}, {moment.zone or _UTC}, {moment.picos})"
        return f"athena_zoned({moment.micros}, {moment.zone or _UTC})"
    if type_.name == _ZONED_TIME:
        return (
            f"athena_zoned_time(athena_micros_of_day({moment.micros}) * 1000000 + {moment.picos}, {moment.zone or '0'})"
        )
    micros = f"CAST({moment.micros} AS TIME)" if type_.name == "time" else moment.micros
    return f"athena_fine({micros}, {moment.picos})" if is_fine(type_) else micros


def rounded(moment: Parts, digits: int) -> Parts:
    """Return a value's parts after rounding the value half up to a given number of fractional digits."""
    if digits < _MICRO_DIGITS:
        # Half of a unit that is larger than a microsecond is a whole number of microseconds, so the remaining
        # picoseconds do not affect rounding.
        return replace(moment, micros=f"athena_round_timestamp({moment.micros}, {digits})", picos="0")
    if digits == _PICO_DIGITS or moment.picos == "0":
        return moment
    if digits == _MICRO_DIGITS:
        return replace(moment, micros=f"athena_carry({moment.micros}, {moment.picos}, 1000000)", picos="0")
    unit = 10 ** (_PICO_DIGITS - digits)
    return replace(
        moment,
        micros=f"athena_carry({moment.micros}, {moment.picos}, {unit})",
        picos=f"athena_round_picos({moment.picos}, {unit})",
    )


def widen(sql: str, source: Type, target: Type) -> str:
    """Return the SQL that converts a value to a type with at least as many fractional digits.

    A value without a zone is interpreted as UTC.
    """
    moment = parts(sql, source)
    return held(moment, target)


def converted(sql: str, source: Type, target: Type) -> str:
    """Return the SQL that casts a date, time or timestamp to a time or timestamp."""
    moment = parts(sql, source)
    if source.name == _ZONED and target.name != _ZONED:
        zone = f"athena_zone_offset({sql})" if target.name == _ZONED_TIME else ""
        moment = replace(moment, micros=f"athena_local({sql})", zone=zone)
        if zone:
            # The date is removed, so that a value that rounds up to midnight becomes 00:00.
            moment = replace(moment, micros=f"(DATE '1970-01-01' + CAST({moment.micros} AS TIME))")
    if source.name == "timestamp" and target.name == _ZONED_TIME:
        moment = replace(moment, micros=f"(DATE '1970-01-01' + CAST({moment.micros} AS TIME))")
    if source.name in ("time", _ZONED_TIME) and target.name not in ("time", _ZONED_TIME):
        today = f"(athena_current_date() + {clock(sql, source)})"
        zone = f"athena_zone_of_offset(0, {moment.zone})" if moment.zone and target.name == _ZONED else ""
        moment = replace(moment, micros=f"athena_keep_local({today}, {zone})" if zone else today, zone=zone)
    digits = source.precision if source.numbers else 0
    return held(rounded(moment, target.precision) if target.precision < digits else moment, target)


def shifted(sql: str, type_: Type, amount: str, unit: str) -> Parts:
    """Return the parts of a time or timestamp after adding a number of units.

    For a value with a zone, days and longer units are added to the local time, and shorter units to the instant.
    """
    moment = parts(sql, type_)
    if unit in MONTHS:
        macro, step = "athena_add_months", f"{amount} * {MONTHS[unit]}"
    else:
        macro, step = "athena_add_millis", f"{amount} * {MILLIS[unit]}"
    if type_.name in ("time", _ZONED_TIME):
        # Adding whole days does not change the time of day.
        step = f"({step}) % 86400000"
    if moment.zone and unit not in FIXED_UNITS:
        local = f"{macro}({clock(sql, type_)}, {step})"
        return replace(moment, micros=f"athena_moved_local({local}, {moment.zone}, {moment.micros})")
    return replace(moment, micros=f"{macro}({moment.micros}, {step})")


def text(sql: str, type_: Type, *, separator: str = " ") -> str:
    """Return the SQL that formats a value without its zone."""
    digits = min(type_.precision, _MICRO_DIGITS)
    if type_.name in ("time", _ZONED_TIME):
        shown = f"athena_time_text({clock(sql, type_)}, {digits})"
    else:
        shown = f"athena_timestamp_text({clock(sql, type_)}, {digits})"
    if separator != " ":
        shown = f"replace({shown}, ' ', '{separator}')"
    if type_.precision <= _MICRO_DIGITS:
        return shown
    picos = parts(sql, type_).picos
    return f"({shown} || left(lpad(CAST({picos} AS VARCHAR), 6, '0'), {type_.precision - _MICRO_DIGITS}))"
