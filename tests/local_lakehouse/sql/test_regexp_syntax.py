"""Tests that Trino regular expressions are translated into the syntax of the `regex` library."""

from __future__ import annotations

import pytest

from local_lakehouse.sql.runtime.regexp_functions import java_pattern, regexp_extract_all, regexp_like
from local_lakehouse.sql.runtime.text_functions import from_utf8
from local_lakehouse.sql.runtime.udf import AthenaError

MATCHES = [
    (r"C:\\home", r"C:\home", True),
    (r"\\Z", r"\Z", True),
    (r"\\z", r"\z", True),
    (r"\(?<a>", "<a>", True),
    (r"^\p{Lu}\p{Ll}$", "Яя", True),
    (r"^\p{Lu}$", "я", False),
    (r"^[\p{L}-]+$", "é-я", True),
    (r"^[^\p{L}\d]$", "é", False),
    (r"^\pL\PL$", "é1", True),
    (r"\p{^L}", "é", False),
    (r"^\p{Greek}$", "Ω", True),
    (r"^\p{Alpha}\p{Punct}$", "a!", True),
    (r"^[a-c[x-z]]$", "y", True),
    (r"^[a-z&&[^bc]]$", "b", False),
    (r"^[a-z&&[^bc]]$", "d", True),
    (r"^[[:digit:]a]+$", "1a", True),
    (r"^[a\-z]+$", "-", True),
    (r"^[+--]+$", ",", True),
    (r"^[a-]$", "-", True),
    (r"^[-a]$", "-", True),
    (r"^[|~&#]+$", "||~~&#", True),
    (r"^[]a]+$", "]a", True),
    (r"^[\w.-]+@[\w-]+$", "a.b-c@d-e", True),
    (r"^[\d-z]+$", "1-z", True),
    (r"^[\[\]]+$", "[]", True),
    (r"^[a\]b]+$", "a]b", True),
    (r"a(?i)b", "Ab", False),
    (r"a(?i)b", "aB", True),
    (r"(?i)a(?-i)b", "AB", False),
    (r"(a(?i)b)c", "aBC", False),
    (r"(?i:a)b", "AB", False),
    (r"(?iu)é", "É", True),
    (r"(?i)ss", "ß", False),
    (r"(?x) a b", "ab", True),
    (r"(?:cat){e<=1}", "cut", False),
    (r'{"a":[0-9]}', '{"a":1}', True),
    (r"^a{2}$", "aa", True),
    (r"^a{2,}+$", "aaa", True),
    (r"^a{,2}$", "a{,2}", True),
    (r"^\Qa.b*\E+$", "a.b**", True),
    (r"^\Qa.b\E$", "axb", False),
    (r"^(a)\10$", "aa0", True),
    (r"^(a)(b)\2\1$", "abba", True),
    (r"^(a)\1²$", "aa²", True),
    (r"^(a)\1٣$", "aa٣", True),
    (r"^(?:[ab]{100}c?){50}$", "a" * 5000, True),
    (r"^a{0,100000}$", "a", True),
    (r"^(?<x>a)\k<x>$", "aa", True),
    (r"^\x41\u0042\x{1F600}\t\e\cA\07$", "AB😀\t\x1b\x01\x07", True),
    (r"^a\Z", "a\n", True),
    (r"^a\z", "a\n", False),
    (r"^\.\/\-\ $", "./- ", True),
    (r"(?<=a)b(?!c)(?>d+)", "abdd", True),
    (r"^\d\w\s\D\W\S$", "1é\u00a0é!é", True),
]
BAD = [
    ("[", "INVALID_FUNCTION_ARGUMENT"),
    ("[a", "INVALID_FUNCTION_ARGUMENT"),
    ("[a--]", "INVALID_FUNCTION_ARGUMENT"),
    ("[z-a]", "INVALID_FUNCTION_ARGUMENT"),
    ("(", "INVALID_FUNCTION_ARGUMENT"),
    ("*", "INVALID_FUNCTION_ARGUMENT"),
    ("\\", "INVALID_FUNCTION_ARGUMENT"),
    (r"\p{IsL}", "INVALID_FUNCTION_ARGUMENT"),
    (r"\p{No_Such}", "INVALID_FUNCTION_ARGUMENT"),
    (r"\x{110000}", "INVALID_FUNCTION_ARGUMENT"),
    (r"\k<no>", "INVALID_FUNCTION_ARGUMENT"),
    ("a{100001}", "INVALID_FUNCTION_ARGUMENT"),
    ("a{0,99999999}", "INVALID_FUNCTION_ARGUMENT"),
    ("a{" + "9" * 5000 + "}", "INVALID_FUNCTION_ARGUMENT"),
    ("(a{1000}){1000}", "NOT_SUPPORTED"),
    ("(?x)(?:(?:[ab]{100}){100}c{10}\n){100}", "NOT_SUPPORTED"),
    (r"\uD83D\uDE00", "NOT_SUPPORTED"),
    (r"\m", "NOT_SUPPORTED"),
    (r"\h", "NOT_SUPPORTED"),
    (r"[\h]", "NOT_SUPPORTED"),
    (r"\G", "NOT_SUPPORTED"),
    (r"\X", "NOT_SUPPORTED"),
    (r"\R", "NOT_SUPPORTED"),
    (r"\N{DIGIT ONE}", "NOT_SUPPORTED"),
    ("(?R)", "NOT_SUPPORTED"),
    ("(?P<a>b)", "NOT_SUPPORTED"),
    ("(?|a)", "NOT_SUPPORTED"),
    ("(?e)a", "NOT_SUPPORTED"),
    ("(?#a)", "NOT_SUPPORTED"),
]
BYTES = [
    ("58bf", "X#"),
    ("efbfbd", "\ufffd"),
    ("eda080", "#"),
    ("f4908080", "#"),
    ("c0af41", "#A"),
    ("e28261", "#a"),
    ("f09f9880ff", "😀#"),
    ("f8888080806a", "#j"),
    ("e2", "#"),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), MATCHES)
def test_pattern_matching_agrees_with_trino(pattern: str, text: str, expected: bool) -> None:
    assert regexp_like(text, pattern) is expected


@pytest.mark.parametrize(("pattern", "name"), BAD)
def test_invalid_and_unsupported_patterns_are_rejected(pattern: str, name: str) -> None:
    with pytest.raises(AthenaError, match=rf"\|{name}\|"):
        java_pattern(pattern)


def test_empty_matches_are_found_once() -> None:
    assert regexp_extract_all("aab", "a*", 0) == ["aa", "", ""]


@pytest.mark.parametrize(("written", "expected"), BYTES)
def test_invalid_byte_sequence_is_replaced_once(written: str, expected: str) -> None:
    assert from_utf8(bytes.fromhex(written), "#") == expected
