"""Tests for ``format``, whose specifiers follow Java's ``java.util.Formatter``."""

from __future__ import annotations

import pytest

from local_lakehouse.sql.runtime.java_format import java_format
from local_lakehouse.sql.runtime.udf import AthenaError

INVALID, UNSUPPORTED = "INVALID_FUNCTION_ARGUMENT", "NOT_SUPPORTED"

NUMBERS = [
    ("%g", "double", "12345.678", "12345.7"),
    ("%g", "double", "0.0", "0.00000"),
    ("%g", "double", "1.0E-5", "1.00000e-05"),
    ("%g", "double", "999999.5", "1.00000e+06"),
    ("%.3g", "double", "1234.5", "1.23e+03"),
    ("%G", "double", "1.0E10", "1.00000E+10"),
    ("%,.8g", "double", "12345.5", "12,345.500"),
    ("%e", "double", "0.0", "0.000000e+00"),
    ("%.0e", "double", "2.5", "3e+00"),
    ("%#.0e", "double", "3.0", "3.e+00"),
    ("%#.0f", "double", "3.0", "3."),
    ("%e", "double", "-1.0E-300", "-1.000000e-300"),
    ("%f", "double", "1.0E30", "1" + "0" * 30 + ".000000"),
    ("%f", "double", "-0.0", "-0.000000"),
    ("%.1f", "double", "-0.01", "-0.0"),
    ("%.0f", "decimal", "0.5", "1"),
    ("%.2f", "double", "1.005", "1.01"),
    ("%.10f", "real", "1.1", "1.1000000238"),
    ("%s", "real", "1.1", "1.1"),
    ("%s", "decimal", "0.00000001", "1E-8"),
    ("%s", "decimal", "1.50", "1.50"),
    ("%08.2f", "double", "-3.14159", "-0003.14"),
    ("%(08d", "integer", "-5", "(000005)"),
    ("%(,d", "bigint", "-1234", "(1,234)"),
    ("%,015d", "integer", "-1234567", "-000001,234,567"),
    ("%05f", "double", "NaN", "  NaN"),
    ("%+09f", "double", "Infinity", "+Infinity"),
    ("%(f", "double", "-Infinity", "(Infinity)"),
    ("%E", "double", "NaN", "NAN"),
    ("%#x", "integer", "255", "0xff"),
    ("%#X", "integer", "255", "0XFF"),
    ("%#o", "integer", "8", "010"),
    ("%#010x", "integer", "255", "0x000000ff"),
    ("%-5d|", "integer", "7", "7    |"),
]
OTHERS = [
    ("%b %B", [("varchar", None), ("boolean", "true")], "false TRUE"),
    ("%b", [("varchar", "x")], "true"),
    ("%.2s|%5.2s|%S", [("varchar", None), ("varchar", "abc"), ("varchar", None)], "nu|   ab|NULL"),
    ("%.2f|%05d", [("double", None), ("integer", None)], "nu| null"),
    ("%s %<s %1$s", [("varchar", "a")], "a a a"),
    ("%2$s %s %s", [("varchar", "a"), ("varchar", "b")], "b a b"),
    ("%5%|%-5%|", [], "    %|%    |"),
    ("%TB %<tB", [("date", "2020-01-01")], "JANUARY January"),
]
BAD = [
    ("%0$s", "varchar", INVALID),
    ("%<s", "varchar", INVALID),
    ("%-d", "integer", INVALID),
    ("%0d", "integer", INVALID),
    ("%-05d", "integer", INVALID),
    ("%+ d", "integer", INVALID),
    ("%++d", "integer", INVALID),
    ("%.2d", "integer", INVALID),
    ("%#d", "integer", INVALID),
    ("%,x", "integer", INVALID),
    ("%+x", "integer", INVALID),
    ("%,e", "double", INVALID),
    ("%#g", "double", INVALID),
    ("%05s", "varchar", INVALID),
    ("%,s", "varchar", INVALID),
    ("%.2tY", "date", INVALID),
    ("%05tY", "date", INVALID),
    ("%5n", "date", INVALID),
    ("%05%", "date", INVALID),
    ("%c", "integer", INVALID),
    ("%d", "double", INVALID),
    ("%f", "integer", INVALID),
    ("%q", "integer", INVALID),
    ("%", "integer", INVALID),
    ("%h", "varchar", UNSUPPORTED),
    ("%a", "double", UNSUPPORTED),
]


@pytest.mark.parametrize(("template", "kind", "value", "expected"), NUMBERS)
def test_numbers_are_formatted(template: str, kind: str, value: str, expected: str) -> None:
    assert java_format(template, [kind], [value]) == expected


@pytest.mark.parametrize(("template", "values", "expected"), OTHERS)
def test_other_values_are_formatted(template: str, values: list[tuple[str, str | None]], expected: str) -> None:
    assert java_format(template, [kind for kind, _ in values], [value for _, value in values]) == expected


@pytest.mark.parametrize(("template", "kind", "name"), BAD)
def test_invalid_and_unsupported_specifiers_are_rejected(template: str, kind: str, name: str) -> None:
    value = {"varchar": "a", "date": "2020-01-01"}.get(kind, "1")
    with pytest.raises(AthenaError, match=rf"\|{name}\|"):
        java_format(template, [kind], [value])
