"""Tests for MySQL and Joda-Time date patterns, and for ISO 8601 strings, which are parsed by Joda-Time's rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.runtime.patterns import format_joda, format_mysql, parse_iso, parse_joda, parse_mysql
from local_lakehouse.sql.runtime.udf import AthenaError
from tests.local_lakehouse.sql.conftest import Run

INVALID, UNSUPPORTED = "INVALID_FUNCTION_ARGUMENT", "NOT_SUPPORTED"
NOW = datetime.now(UTC).year
# A two-digit year stands for a year between 80 years before and 19 years after the current year.
FIRST_YEAR = NOW - 80

PARSED_MYSQL = [
    ("2020-W05", "%x-W%v", "2020-01-27 00:00:00"),
    ("2020", "%x", "2019-12-30 00:00:00"),
    ("12-25", "%m-%d", "2000-12-25 00:00:00"),
    ("02-29", "%m-%d", "2000-02-29 00:00:00"),
    ("366", "%j", "2000-12-31 00:00:00"),
    ("05", "%v", "2000-01-31 00:00:00"),
    ("7", "%e", "2000-01-07 00:00:00"),
    ("10:11", "%H:%i", "1970-01-01 10:11:00"),
    ("Mon 2020-01-01", "%a %Y-%m-%d", "2019-12-30 00:00:00"),
    ("Wed 2020-01-01", "%a %Y-%m-%d", "2020-01-01 00:00:00"),
    ("January 5 2020", "%b %e %Y", "2020-01-05 00:00:00"),
    ("jan 5 2020", "%M %e %Y", "2020-01-05 00:00:00"),
    ("PM", "%p", "1970-01-01 12:00:00"),
    ("12 AM", "%h %p", "1970-01-01 00:00:00"),
    ("13 AM", "%H %p", "1970-01-01 13:00:00"),
    ("69 70", "%y %y", "1970-01-01 00:00:00"),
    ("69", "%y", "2069-01-01 00:00:00"),
    ("10:11:12.1239", "%T.%f", "1970-01-01 10:11:12.123000"),
    ("11:12:13 PM", "%r", "1970-01-01 23:12:13"),
    ("2020-01-01T", "%Y-%m-%dT%", "2020-01-01 00:00:00"),
    ("10:11:12.", "%T.%f", INVALID),
    ("x", "%x", INVALID),
    ("v", "%v", INVALID),
    ("2020 jAn", "%Y %b", INVALID),
    ("2020-02-30", "%Y-%m-%d", INVALID),
    ("٢٠٢٠", "%Y", INVALID),
    ("", "", INVALID),
    ("", "%", INVALID),
    ("0000", "%Y", UNSUPPORTED),
]
FORMATTED_MYSQL = [
    ("%f %x %v a%", "678000 2021 02 a"),
    ("%q%%", "q%"),
    ("", INVALID),
    ("%", INVALID),
    ("%D", INVALID),
]
PARSED_JODA = [
    ("Mon", "EEE", "2000-12-25 00:00:00 UTC"),
    ("12", "MM", "2000-12-01 00:00:00 UTC"),
    (f"{FIRST_YEAR % 100:02}", "yy", f"{FIRST_YEAR}-01-01 00:00:00 UTC"),
    (f"{(FIRST_YEAR - 1) % 100:02}", "YY", f"{FIRST_YEAR + 99}-01-01 00:00:00 UTC"),
    ("2020", "yy", "2020-01-01 00:00:00 UTC"),
    ("200102", "yyMMdd", "2020-01-02 00:00:00 UTC"),
    ("2020-03-01", "yy-MM-dd", "2020-03-01 00:00:00 UTC"),
    ("2020030", "yyyyDDD", "2020-01-30 00:00:00 UTC"),
    ("PM", "a", "1970-01-01 12:00:00 UTC"),
    ("11 PM", "K a", "1970-01-01 23:00:00 UTC"),
    ("2020 PST", "yyyy z", "2020-01-01 00:00:00 America/Los_Angeles"),
    ("2020 Europe/Berlin", "yyyy ZZZ", "2020-01-01 00:00:00 Europe/Berlin"),
    ("2020+05", "yyyyZ", "2020-01-01 00:00:00 +05:00"),
    ("2020+05:30", "yyyyZ", "2020-01-01 00:00:00 +05:30"),
    ("2020-0530", "yyyyZZ", "2020-01-01 00:00:00 -05:30"),
    ("2020z", "yyyyZ", "2020-01-01 00:00:00 UTC"),
    ("2020 AD", "Y G", "2020-01-01 00:00:00 UTC"),
    ("2020T", "yyyy'T", "2020-01-01 00:00:00 UTC"),
    ("2020 o'clock", "yyyy 'o''clock'", "2020-01-01 00:00:00 UTC"),
    ("1.5", "s.SSSSSSSSSSSSSSSSSSSS", "1970-01-01 00:00:01.500000 UTC"),
    ("2020 +05:00", "yyyy ZZZ", INVALID),
    ("2020 Europe/Berlin", "yyyy Z", INVALID),
    ("2020 utc", "yyyy ZZZ", INVALID),
    ("2020 CET", "yyyy z", INVALID),
    ("2020 Eastern Standard Time", "yyyy zzzz", INVALID),
    ("2020+24", "yyyyZ", INVALID),
    ("2020+05:3", "yyyyZ", INVALID),
    ("-2020", "Y", INVALID),
    ("2020 Am", "yyyy a", INVALID),
    ("2020", "uuuu", INVALID),
    ("2020", "", INVALID),
    ("20", "C", INVALID),
    ("20", "CC", "2000-01-01 00:00:00 UTC"),
    ("12020", "yyyy", UNSUPPORTED),
    ("10 BC", "yyyy G", UNSUPPORTED),
]
FORMATTED_JODA = [
    ("Europe/Berlin", 60, "ZZZ Z ZZ", "Europe/Berlin +0100 +01:00"),
    ("Europe/Berlin", 60, "z", UNSUPPORTED),
    ("America/New_York", -300, "z zzzz", "EST Eastern Standard Time"),
    ("America/Los_Angeles", -420, "z zzzz", "PDT Pacific Daylight Time"),
    ("America/Los_Angeles", -472, "z", UNSUPPORTED),
    ("UTC", 0, "z zzzz Z", "UTC Coordinated Universal Time +0000"),
    ("+05:45", 345, "z ZZZ Z", "+05:45 +05:45 +0545"),
    ("UTC", 0, "x xx xxx y yy yyyyy", "2021 21 2021 2021 21 02021"),
    ("UTC", 0, "G C Y YY", "AD 20 2021 21"),
    ("UTC", 0, "S SS SSSS", "6 67 6780"),
    ("UTC", 0, "e E EEEE M MM MMM MMMM", "4 Thu Thursday 1 01 Jan January"),
    ("UTC", 0, "'T''s' ''yyyy'", "T's '2021"),
    ("UTC", 0, "u", INVALID),
    ("UTC", 0, "", INVALID),
]
PARSED_ISO = [
    ("2020-W05-3T10:00Z", "2020-01-29 10:00:00 UTC"),
    ("2020-W05", "2020-01-27 00:00:00 UTC"),
    ("2020-060T10", "2020-02-29 10:00:00 UTC"),
    ("2020-12", "2020-12-01 00:00:00 UTC"),
    ("T10:00", "1970-01-01 10:00:00 UTC"),
    ("2020-1-5t1:2:3,5+0530", "2020-01-05 01:02:03.500000 +05:30"),
    ("2020-01-01T10.5", "2020-01-01 10:30:00 UTC"),
    ("2020-01-01T10:30.25-05", "2020-01-01 10:30:15 -05:00"),
    ("2020-01-01T", "2020-01-01 00:00:00 UTC"),
    ("2020-01-01TZ", "2020-01-01 00:00:00 UTC"),
    ("2020-01-01Z", INVALID),
    ("2020-01-01T10:1112", INVALID),
    ("2020-01-01T10:11:12.", INVALID),
    ("2020-01-01 10:11", INVALID),
    ("2020-W54", INVALID),
    ("T", INVALID),
    ("", INVALID),
    ("20200105", UNSUPPORTED),
]


def outcome(call: Callable[..., Any], *arguments: object) -> str:
    """Return the result of a call as a string, or the name of the Athena error if the call fails."""
    try:
        found = call(*arguments)
    except AthenaError as error:
        return str(error).split("|")[1]
    except QueryFailure as failure:
        return failure.name
    return " ".join(map(str, found)) if isinstance(found, tuple) else str(found)


@pytest.mark.parametrize(("text", "pattern", "expected"), PARSED_MYSQL)
def test_dates_are_parsed_with_mysql_patterns(text: str, pattern: str, expected: str) -> None:
    assert outcome(parse_mysql, text, pattern) == expected


@pytest.mark.parametrize(("pattern", "expected"), FORMATTED_MYSQL)
def test_dates_are_formatted_with_mysql_patterns(pattern: str, expected: str) -> None:
    assert outcome(format_mysql, datetime(2021, 1, 14, 3, 4, 5, 678_000), pattern) == expected


@pytest.mark.parametrize(("text", "pattern", "expected"), PARSED_JODA)
def test_dates_are_parsed_with_joda_patterns(text: str, pattern: str, expected: str) -> None:
    assert outcome(parse_joda, text, pattern) == expected


@pytest.mark.parametrize(("zone", "offset", "pattern", "expected"), FORMATTED_JODA)
def test_dates_are_formatted_with_joda_patterns(zone: str, offset: int, pattern: str, expected: str) -> None:
    assert outcome(format_joda, datetime(2021, 1, 14, 3, 4, 5, 678_000), zone, offset, pattern) == expected


@pytest.mark.parametrize(("text", "expected"), PARSED_ISO)
def test_iso_8601_strings_are_parsed(text: str, expected: str) -> None:
    assert outcome(parse_iso, text) == expected


@given(
    st.datetimes(datetime(1, 2, 1), datetime(9999, 12, 1)),
    st.sampled_from(["%Y-%m-%d %T.%f", "%x-%v %a %H:%i:%s.%f", "%j %Y %r %f", "%M %e %Y %l:%i:%S %p %f"]),
)
def test_mysql_formats_round_trip(moment: datetime, pattern: str) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert parse_mysql(format_mysql(moment, pattern), pattern) == moment


QUERIES = [
    (
        "parse_datetime('2020-03-08 02:30 America/New_York', 'yyyy-MM-dd HH:mm ZZZ')",
        INVALID,
    ),
    ("parse_datetime('2020 +15', 'yyyy Z')", INVALID),
    ("from_iso8601_date('2020-1-5')", "2020-01-05"),
    ("from_iso8601_date('2020-01-05T')", INVALID),
    # Java rounds half up, even for negative numbers.
    ("from_unixtime(-0.0005)", "1970-01-01 00:00:00.000 UTC"),
    ("from_unixtime(-0.0015)", "1969-12-31 23:59:59.999 UTC"),
    ("from_unixtime(0.0005)", "1970-01-01 00:00:00.001 UTC"),
    ("from_unixtime(-0.0005, 'UTC')", "1970-01-01 00:00:00.000 UTC"),
    ("from_unixtime(nan(), 1, 0)", "1970-01-01 01:00:00.000 +01:00"),
    ("date_format(TIMESTAMP '-0001-01-05 03:04:05', '%Y')", UNSUPPORTED),
    ("date_format(TIMESTAMP '12020-01-05 03:04:05', '%Y')", "12020"),
    ("date_format(TIMESTAMP '12020-01-05 03:04:05', '%x')", UNSUPPORTED),
    ("format_datetime(TIMESTAMP '12020-01-05 03:04:05', 'yyyy')", UNSUPPORTED),
    ("date_format(TIMESTAMP '2020-01-05 03:04:05.678901', '%f')", "679000"),
]


@pytest.mark.parametrize(("expression", "expected"), QUERIES)
def test_date_functions_use_the_patterns_in_queries(run: Run, expression: str, expected: str) -> None:
    assert outcome(lambda: run(f"SELECT {expression} AS x").rows[0][0]) == expected


def test_week_year_starts_on_monday() -> None:
    for year in range(1, 400):
        assert parse_mysql(f"{year:04}", "%x").weekday() == 0
        assert parse_mysql(f"{year:04}-53", "%Y-%j") - datetime(year, 1, 1) == timedelta(days=52)
