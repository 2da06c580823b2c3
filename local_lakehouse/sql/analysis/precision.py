"""Times and timestamps of every precision: how DuckDB holds them, and how one becomes another.

Up to six digits of a second a moment is DuckDB's own ``TIME`` or ``TIMESTAMP``. Beyond, it is a struct of that and the
picoseconds behind it, whose order and equality are the moments'. A time with a zone is its picoseconds in UTC and its
distance from UTC, at every precision. A cast to a lower precision rounds half up, and a time
that rounds up to midnight is 00:00.
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
    """The parts of a moment, as SQL.

    Args:
        micros: A timestamp; a time of day is one of 1970-01-01.
        picos: Picoseconds beyond it.
        zone: The name of its zone, or the minutes that a time of day is ahead of UTC; empty for one without.
    """

    micros: str
    picos: str = "0"
    zone: str = ""


def clock(sql: str, type_: Type) -> str:
    """Write the time, the date, or the timestamp on its zone's clock, to the microsecond."""
    if type_.name == _ZONED:
        return f"athena_local({sql})"
    if type_.name == _ZONED_TIME:
        return f"CAST({parts(sql, type_).micros} AS TIME)"
    return f"({sql}).u" if is_fine(type_) else sql


def parts(sql: str, type_: Type) -> Parts:
    """Take a moment apart; one with a zone into its instant and the zone."""
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
    """Put a moment together as values of a type are held."""
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
    """Round half up to a number of digits."""
    if digits < _MICRO_DIGITS:
        # Half of such a unit is whole microseconds: what is beyond them decides nothing.
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
    """Write a moment in a type that holds at least its digits; without a zone it is UTC."""
    moment = parts(sql, source)
    return held(moment, target)


def converted(sql: str, source: Type, target: Type) -> str:
    """Write the cast of a date, time or timestamp to a time or timestamp."""
    moment = parts(sql, source)
    if source.name == _ZONED and target.name != _ZONED:
        zone = f"athena_zone_offset({sql})" if target.name == _ZONED_TIME else ""
        moment = replace(moment, micros=f"athena_local({sql})", zone=zone)
        if zone:
            # The date is left behind: only the time of day may carry over when it is rounded.
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
    """Return a time or timestamp a number of units later.

    On the clock of a zoned value, a day or a month later is the same time of day; an hour later is an hour later.
    """
    moment = parts(sql, type_)
    if unit in MONTHS:
        macro, step = "athena_add_months", f"{amount} * {MONTHS[unit]}"
    else:
        macro, step = "athena_add_millis", f"{amount} * {MILLIS[unit]}"
    if type_.name in ("time", _ZONED_TIME):
        # A whole number of days changes no time of day.
        step = f"({step}) % 86400000"
    if moment.zone and unit not in FIXED_UNITS:
        local = f"{macro}({clock(sql, type_)}, {step})"
        return replace(moment, micros=f"athena_moved_local({local}, {moment.zone}, {moment.micros})")
    return replace(moment, micros=f"{macro}({moment.micros}, {step})")


def text(sql: str, type_: Type, *, separator: str = " ") -> str:
    """Write a moment as text, without its zone."""
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
