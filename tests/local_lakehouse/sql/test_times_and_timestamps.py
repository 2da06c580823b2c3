"""Tests for times and timestamps of every precision, compared with exact models.

The models use integer picoseconds and Python's time zone rules.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from local_lakehouse.sql import zones
from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Run

PROFILE = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PICOS = 10**12
DAY_PICOS = 86_400 * PICOS
EPOCH = datetime(1970, 1, 1)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "+05:30", "-11:00"]

picos_of_day = st.integers(0, DAY_PICOS - 1)
digits = st.integers(0, 12)
days = st.integers(-25_000, 40_000)


def _clock(picos: int, precision: int) -> str:
    seconds, fraction = divmod(picos, PICOS)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + (f".{fraction:012}"[: precision + 1] if precision else "")


def _timestamp(picos: int, precision: int) -> str:
    day, rest = divmod(picos, DAY_PICOS)
    return f"{(EPOCH + timedelta(days=day)).date()} {_clock(rest, precision)}"


def _half_up(picos: int, precision: int) -> int:
    unit = int(10 ** (12 - precision))
    return (picos + unit // 2) // unit * unit


def _cut(picos: int, precision: int) -> int:
    unit = int(10 ** (12 - precision))
    return picos // unit * unit


@PROFILE
@given(picos_of_day, digits, digits)
@example(DAY_PICOS - 1, 12, 0)
@example(500_000, 12, 6)
@example(499_999, 12, 6)
def test_time_keeps_its_digits_and_rounds_half_up(run: Run, picos: int, written: int, wanted: int) -> None:
    picos = _cut(picos, written)
    literal = f"TIME '{_clock(picos, written)}'"
    rounded = _half_up(picos, wanted) % DAY_PICOS if wanted < written else picos
    answer = run(
        f"SELECT CAST({literal} AS varchar), CAST(CAST({literal} AS time({wanted})) AS varchar), "
        f"CAST(CAST('{_clock(picos, written)}' AS time({wanted})) AS varchar)"
    )
    assert answer.rows == [[_clock(picos, written), _clock(rounded, wanted), _clock(rounded, wanted)]]


@PROFILE
@given(picos_of_day, digits, digits, st.integers(-14 * 60, 14 * 60))
@example(DAY_PICOS - 1, 12, 0, -14 * 60)
@example(0, 12, 6, 1)
def test_time_with_time_zone_keeps_its_digits_and_offset(
    run: Run, picos: int, written: int, wanted: int, offset: int
) -> None:
    picos = _cut(picos, written)
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    text = f"{_clock(picos, written)}{zone}"
    rounded = _half_up(picos, wanted) % DAY_PICOS if wanted < written else picos
    utc = (picos - offset * 60 * PICOS) % DAY_PICOS
    answer = run(
        f"SELECT CAST(TIME '{text}' AS varchar), CAST(CAST('{text}' AS time({wanted}) with time zone) AS varchar), "
        f"TIME '{text}' = TIME '{_clock(utc, written)}+00:00', "
        f"CAST(TIME '{text}' AT TIME ZONE '+00:00' AS varchar), CAST(CAST(TIME '{text}' AS time({wanted})) AS varchar)"
    )
    shown = _clock(rounded, wanted)
    assert answer.rows == [[text, f"{shown}{zone}", "true", f"{_clock(utc, written)}+00:00", shown]]


@PROFILE
@given(days, picos_of_day, digits, digits)
@example(-1, DAY_PICOS - 1, 12, 11)
def test_timestamp_keeps_its_digits_and_rounds_half_up(
    run: Run, day: int, picos: int, written: int, wanted: int
) -> None:
    moment = _cut(day * DAY_PICOS + picos, written)
    text = _timestamp(moment, written)
    rounded = _half_up(moment, wanted) if wanted < written else moment
    shown = _timestamp(rounded, wanted)
    answer = run(
        f"SELECT CAST(CAST(TIMESTAMP '{text}' AS timestamp({wanted})) AS varchar), "
        f"CAST(CAST('{text}' AS timestamp({wanted})) AS varchar), "
        f"CAST(CAST(TIMESTAMP '{text} UTC' AS timestamp({wanted}) with time zone) AS varchar), "
        f"CAST(CAST(TIMESTAMP '{text}' AS time({wanted})) AS varchar), CAST(TIMESTAMP '{text}' AS date)"
    )
    assert answer.rows == [[shown, shown, f"{shown} UTC", shown.split()[1], text.split()[0]]]


@PROFILE
@given(days, picos_of_day, digits, picos_of_day, digits)
def test_timestamps_of_different_precision_are_compared_exactly(
    run: Run, day: int, one: int, one_digits: int, other: int, other_digits: int
) -> None:
    first, second = _cut(day * DAY_PICOS + one, one_digits), _cut(day * DAY_PICOS + other, other_digits)
    a, b = f"TIMESTAMP '{_timestamp(first, one_digits)}'", f"TIMESTAMP '{_timestamp(second, other_digits)}'"
    answer = run(f"SELECT {a} < {b}, {a} = {b}, {a} >= {b}, greatest({a}, {b}) = {b}")
    expected = [first < second, first == second, first >= second, second >= first]
    assert answer.rows == [[str(entry).lower() for entry in expected]]


@PROFILE
@given(st.sampled_from(ZONES), st.datetimes(datetime(1950, 1, 1), datetime(2060, 1, 1)), st.integers(-40, 40))
@example("Europe/Berlin", datetime(2024, 3, 30, 2, 30), 1)
@example("America/New_York", datetime(2024, 11, 2, 1, 30), 1)
def test_adding_days_keeps_the_local_time(run: Run, zone: str, local: datetime, count: int) -> None:
    local = local.replace(microsecond=0)
    moved = run(f"SELECT date_add('day', {count}, TIMESTAMP '{local} {zone}'), to_unixtime(TIMESTAMP '{local} {zone}')")
    rules = zones.zone(zone)
    start = local.replace(tzinfo=rules)
    # A local time that does not exist is displayed as the time one hour later.
    start = start.astimezone(UTC).astimezone(rules)
    wanted = (start.replace(tzinfo=None) + timedelta(days=count)).replace(tzinfo=rules)
    shown = {wanted.replace(fold=fold).astimezone(UTC).astimezone(rules) for fold in (0, 1)}
    texts = {f"{entry.replace(tzinfo=None)}.000 {zones.zone_name(zone)}" for entry in shown}
    assert moved.rows[0][0] in texts
    assert float(moved.rows[0][1] or "nan") == start.timestamp()


@PROFILE
@given(st.sampled_from(ZONES), st.datetimes(datetime(1950, 1, 1), datetime(2060, 1, 1)), st.sampled_from([0, 1]))
def test_time_zones_follow_the_python_rules(zone: str, local: datetime, fold: int) -> None:
    instant = (local.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    shown = local.replace(tzinfo=UTC).astimezone(zones.zone(zone))
    assert zones.to_local(instant, zone) == (shown.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)
    back = zones.to_instant(zones.to_local(instant, zone), zone)
    assert zones.to_local(back, zone) == zones.to_local(instant, zone)


def test_java_and_joda_resolve_clock_changes_differently() -> None:
    def micros(text: str) -> int:
        return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)

    # A local time that does not exist is moved forward by an hour. For a local time that occurs twice, java.time uses
    # the first offset, and Joda uses the original offset.
    assert zones.to_instant(micros("2024-03-31T02:30"), "Europe/Berlin") == micros("2024-03-31T01:30")
    assert zones.to_joda_instant(micros("2024-03-10T02:30"), "America/New_York") == micros("2024-03-10T07:30")
    assert zones.to_instant(micros("2024-10-27T02:30"), "Europe/Berlin") == micros("2024-10-27T00:30")
    late = micros("2024-10-28T12:00")
    assert zones.to_joda_instant(micros("2024-10-27T02:30"), "Europe/Berlin", late) == micros("2024-10-27T01:30")
    assert zones.offset_minutes(micros("12024-07-01T00:00"[1:]), "Europe/Berlin") == 120
    assert ZoneInfo("Europe/Berlin").utcoffset(datetime(2024, 7, 1)) == timedelta(hours=2)


EXPRESSIONS = [
    ("CAST(TIME '23:59:59.9999' AS time(2))", "00:00:00.00"),
    ("CAST(TIMESTAMP '2020-12-31 23:59:59.9999999999995' AS varchar)", "INVALID_LITERAL"),
    ("CAST('12:00:00.1234567890123' AS time(3))", "INVALID_CAST_ARGUMENT"),
    ("CAST(NULL AS time(13))", "INVALID_FUNCTION_ARGUMENT"),
    ("TIME '12:34:56.123456789012' + INTERVAL '1' DAY", "12:34:56.123456789012"),
    ("TIME '01:00' - INTERVAL '2' HOUR", "23:00:00.000"),
    ("TIME '10:00' - TIME '09:59:59.9995'", "0 00:00:00.001"),
    ("TIMESTAMP '2020-01-01 00:00:00.0005' - TIMESTAMP '2020-01-01 00:00:00'", "0 00:00:00.001"),
    ("date_add('millisecond', 5, TIMESTAMP '2020-01-01 00:00:00.99')", "2020-01-01 00:00:01.000"),
    ("date_add('month', 1, TIMESTAMP '2020-01-31 00:00:00.123456789')", "2020-02-29 00:00:00.123456789"),
    ("date_trunc('millisecond', TIMESTAMP '2020-01-31 00:00:00.123456789')", "2020-01-31 00:00:00.123000000"),
    ("date_trunc('hour', TIME '12:34:56.123456789')", "12:00:00.000000000"),
    ("TIMESTAMP '2012-10-31 01:00 UTC' AT TIME ZONE 'US/Pacific-New'", "2012-10-30 18:00:00.000 US/Pacific-New"),
    ("date_trunc('day', TIMESTAMP '2024-03-31 12:00 Europe/Berlin')", "2024-03-31 00:00:00.000 Europe/Berlin"),
    ("date_trunc('hour', TIMESTAMP '2024-10-27 01:30 UTC' AT TIME ZONE 'Europe/Berlin')",
     "2024-10-27 02:00:00.000 Europe/Berlin"),
    ("date_diff('day', TIMESTAMP '2020-03-28 12:00 Europe/Berlin', TIMESTAMP '2020-03-29 12:00 Europe/Berlin')", "1"),
    ("date_diff('hour', TIMESTAMP '2020-03-28 12:00 Europe/Berlin', TIMESTAMP '2020-03-29 12:00 Europe/Berlin')", "23"),
    ("date_diff('minute', TIME '10:00', TIME '09:00:30')", "-59"),
    ("date_add('day', 1, TIMESTAMP '2024-03-09 12:00 America/New_York')", "2024-03-10 12:00:00.000 America/New_York"),
    ("TIMESTAMP '2024-03-09 12:00 America/New_York' + INTERVAL '1' DAY", "2024-03-10 13:00:00.000 America/New_York"),
    ("TIMESTAMP '2024-02-10 12:00 America/New_York' + INTERVAL '1' MONTH", "2024-03-10 12:00:00.000 America/New_York"),
    ("hour(TIMESTAMP '2020-05-01 23:30:00.1234567 UTC' AT TIME ZONE 'Europe/Berlin')", "1"),
    ("CAST(TIMESTAMP '2020-05-01 23:30:00.1234567 UTC' AT TIME ZONE 'Europe/Berlin' AS date)", "2020-05-02"),
    ("with_timezone(TIMESTAMP '2020-05-01 12:00:00.123456789', 'Europe/Berlin')",
     "2020-05-01 12:00:00.123456789 Europe/Berlin"),
    ("at_timezone(TIMESTAMP '2020-05-01 12:00 UTC', INTERVAL '-90' MINUTE)", "2020-05-01 10:30:00.000 -01:30"),
    ("to_iso8601(TIMESTAMP '2020-05-01 12:34:56.1234567 Europe/Berlin')", "2020-05-01T12:34:56.1234567+02:00"),
    ("to_unixtime(TIMESTAMP '1970-01-01 00:00:01.5000000')", "1.5"),
    ("from_unixtime_nanos(-1)", "1969-12-31 23:59:59.999999999 UTC"),
    ("from_unixtime(0, -2, -30)", "1969-12-31 21:30:00.000 -02:30"),
    ("format_datetime(TIMESTAMP '2020-05-10 12:34:56.5555', 'ss.SSS')", "56.556"),
    ("date_format(TIMESTAMP '2020-05-10 12:34:56.111111', '%f')", "111000"),
    ("format('%s', TIMESTAMP '2020-05-10 12:34:56.1111')", "2020-05-10T12:34:56.111100"),
    ("format('%s', TIME '10:00')", "10:00"),
    ("format('%s', TIMESTAMP '2020-05-10 12:34 Europe/Berlin')", "2020-05-10T12:34+02:00[Europe/Berlin]"),
    ("CAST(TIMESTAMP '12345-05-10 12:34:56' AS varchar)", "+12345-05-10 12:34:56"),
    ("CAST('2020-05-10 12:34:56.11 +01:23' AS timestamp(2))", "2020-05-10 12:34:56.110"),
    ("CAST('2020-05-10 12:34:56 No/Where' AS timestamp)", "INVALID_CAST_ARGUMENT"),
    ("CAST(TIMESTAMP '2020-01-01 00:00:00.1234567' AS json)", '"2020-01-01 00:00:00.1234567"'),
    ("TIME '10:00' AT TIME ZONE '+05:30'", "15:30:00+05:30"),
    ("TIME '10:00:00+01:00'", "10:00:00+01:00"),
    ("TIME '10:00:00+14:01'", "INVALID_LITERAL"),
    ("TIME '01:00+02:00' AT TIME ZONE 'UTC'", "23:00:00+00:00"),
    ("TIME '01:00+02:00' AT TIME ZONE INTERVAL '-90' MINUTE", "21:30:00-01:30"),
    ("TIME '23:30+02:00' + INTERVAL '1' HOUR", "00:30:00.000+02:00"),
    ("TIME '10:00+02:00' - TIME '08:00'", "0 00:00:00.000"),
    ("TIME '10:00+02:00' = TIME '08:00'", "true"),
    ("TIME '10:00+02:00' + INTERVAL '1' MONTH", "TYPE_MISMATCH"),
    ("date_trunc('hour', TIME '10:59:59.9+02:30')", "10:00:00.0+02:30"),
    ("date_diff('minute', TIME '10:00+02:00', TIME '10:00+01:00')", "60"),
    ("date_add('second', -1, TIME '00:00+02:00')", "23:59:59+02:00"),
    ("hour(TIME '10:59+02:30')", "10"),
    ("extract(TIMEZONE_MINUTE FROM TIME '10:59-02:30')", "-30"),
    ("CAST(TIMESTAMP '2024-07-01 12:00:00.55 Europe/Berlin' AS time(1) with time zone)", "12:00:00.6+02:00"),
    ("CAST(CAST(TIME '10:00:00.123456789+02:00' AS time(9)) AS varchar)", "10:00:00.123456789"),
    ("date_diff('day', current_date, CAST(CAST(TIME '10:00+02:00' AS timestamp(3) with time zone) AS date))", "0"),
    ("(SELECT max(x) FROM (VALUES TIME '10:00+02:00', TIME '09:00+00:00') t(x))", "09:00:00+00:00"),
    ("(SELECT count(DISTINCT x) FROM (VALUES TIME '10:00+02:00', TIME '08:00+00:00') t(x))", "1"),
    ("CAST(TIME '10:00+02:00' AS date)", "TYPE_MISMATCH"),
    ("typeof(current_time)", "time(3) with time zone"),
    ("typeof(current_time(9))", "time(9) with time zone"),
    ("current_time(9) IS NULL", "false"),
    ("typeof(localtimestamp(9))", "timestamp(9)"),
    ("typeof(localtime)", "time(3)"),
    ("typeof(current_timestamp(0))", "timestamp(0) with time zone"),
    ("array_max(ARRAY[TIME '10:00:00.0000001', TIME '10:00'])", "10:00:00.0000001"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_date_and_time_expressions_return_the_expected_string(run: Run, expression: str, expected: str) -> None:
    try:
        shown = run(f"SELECT {expression} AS x").rows[0][0]
    except QueryFailure as failure:
        shown = failure.name
    assert shown == expected
