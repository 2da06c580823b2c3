"""Functions for strings and binary values."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac as hmac_module
import math
import re
import unicodedata
import zlib
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from uuid import UUID

import mmh3
import snowballstemmer
import xxhash

from local_lakehouse.sql.json_text import java_double
from local_lakehouse.sql.runtime.java_format import java_format
from local_lakehouse.sql.runtime.udf import AthenaError, udf


@udf("s:s")
def reverse(text: str) -> str:
    """Reverse a string."""
    return text[::-1]


@udf("x:x")
def reverse_bytes(value: bytes) -> bytes:
    """Return bytes in reverse order."""
    return value[::-1]


@udf("xnn:x")
def substr_bytes(value: bytes, start: int, length: int) -> bytes:
    """Return a slice of bytes. Positions start at 1, and a negative position counts from the end."""
    first = start - 1 if start > 0 else len(value) + start
    if start == 0 or not 0 <= first < len(value):
        return b""
    return value[first : first + max(0, length)]


@udf("ss:s")
def replace_empty(text: str, new: str) -> str:
    """Insert a string before each character and after the last character."""
    return text.replace("", new)


@udf("ssn:n")
def strpos(text: str, part: str, instance: int) -> int:
    """Return the position of the n-th occurrence of a string, or 0 if there is no such occurrence.

    If n is negative, the occurrences are counted from the end.
    """
    if instance == 0:
        raise AthenaError("'instance' must not be a positive or negative number.")
    if not part:
        return 1 if instance > 0 else len(text) + 1
    place = -1 if instance > 0 else len(text)
    for _ in range(abs(instance)):
        place = text.find(part, place + 1) if instance > 0 else text.rfind(part, 0, place + len(part) - 1)
        if place < 0:
            return 0
    return place + 1


_MAX_SPLITS = 2**31 - 1


@udf("ssn:S")
def split_limit(text: str, delimiter: str, limit: int) -> list[str]:
    """Split a string into at most a given number of parts."""
    if limit <= 0:
        raise AthenaError("Limit must be positive")
    if limit > _MAX_SPLITS:
        raise AthenaError("Limit is too large")
    if not delimiter:
        raise AthenaError("The delimiter may not be the empty string")
    return text.split(delimiter, limit - 1)


def _entries(text: str, entry_delimiter: str, key_delimiter: str) -> list[tuple[str, str]]:
    if not entry_delimiter:
        raise AthenaError("entryDelimiter is empty")
    if not key_delimiter:
        raise AthenaError("keyValueDelimiter is empty")
    if entry_delimiter == key_delimiter:
        raise AthenaError("entryDelimiter and keyValueDelimiter must not be the same")
    entries = []
    for entry in filter(None, text.split(entry_delimiter)):
        parts = entry.split(key_delimiter)
        if len(parts) != 2:
            raise AthenaError(f"Key-value delimiter must appear exactly once in each entry. Bad input: '{entry}'")
        entries.append((parts[0], parts[1]))
    return entries


@udf("sss:m")
def split_to_map(text: str, entry_delimiter: str, key_delimiter: str) -> dict[str, str]:
    """Split a string into a map from keys to values."""
    result: dict[str, str] = {}
    for key, value in _entries(text, entry_delimiter, key_delimiter):
        if key in result:
            raise AthenaError(
                f"Duplicate keys ({key}) are not allowed. Specifying a lambda to resolve conflicts can avoid this error"
            )
        result[key] = value
    return result


@udf("sss:M")
def split_to_multimap(text: str, entry_delimiter: str, key_delimiter: str) -> dict[str, list[str]]:
    """Split a string into a map from each key to all its values."""
    result: dict[str, list[str]] = {}
    for key, value in _entries(text, entry_delimiter, key_delimiter):
        result.setdefault(key, []).append(value)
    return result


@udf("ss:n")
def levenshtein(left: str, right: str) -> int:
    """Return the edit distance between two strings, in code points."""
    if not left or not right:
        return len(left) + len(right)
    distances = list(range(1, len(right) + 1))
    for row, letter in enumerate(left):
        diagonal, last = row, row + 1
        for column, other in enumerate(right):
            above = distances[column]
            last = diagonal if letter == other else 1 + min(diagonal, above, last)
            diagonal, distances[column] = above, last
    return distances[-1]


@udf("ss:n")
def hamming(left: str, right: str) -> int:
    """Return the number of positions with different characters, by code point."""
    if len(left) != len(right):
        raise AthenaError("The input strings to hamming_distance function must have the same length")
    return sum(mine != its for mine, its in zip(left, right, strict=True))


@udf("s:s")
def soundex(text: str) -> str:
    """Return the phonetic code of a word."""
    codes = {
        letter: digit
        for digit, letters in zip("123456", ("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), strict=False)
        for letter in letters
    }
    letters = [letter for letter in text.upper() if letter.isalpha()]
    if any(ord(letter) > 127 for letter in letters):
        raise AthenaError(f"The character is not mapped: {text}")
    if not letters:
        return ""
    result, last = letters[0], codes.get(letters[0], "")
    for letter in letters[1:]:
        code = codes.get(letter, "")
        if code and code != last:
            result += code
        if letter not in "HW":
            last = code
    return result[:4].ljust(4, "0")


@udf("s:b")
def luhn_check(text: str) -> bool:
    """Return whether a number's check digit is valid."""
    if not text:
        return False
    if not re.fullmatch(r"\d+", text, re.ASCII):
        raise AthenaError("Input contains non-numeric characters")
    total = sum(
        int(digit) if place % 2 == 0 else sum(divmod(2 * int(digit), 10)) for place, digit in enumerate(reversed(text))
    )
    return total % 10 == 0


@udf("ss:s")
def normalize(text: str, form: str) -> str:
    """Return a string in a given Unicode normalization form."""
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]


@udf("s:s")
def word_stem(word: str) -> str:
    """Return the stem of an English word."""
    # A stemmer is stateful, and DuckDB calls this function from several threads.
    stem: str = snowballstemmer.stemmer("english").stemWord(word)
    return stem


@udf("d:s")
def format_number(value: float) -> str:
    """Format a number with a unit, such as 123K for 123456."""
    if math.isnan(value) or math.isinf(value):
        return java_double(value)
    unit, rest = "", abs(value)
    for name in ("", "K", "M", "B", "T", "Q"):
        unit = name
        if rest < 1000:
            break
        if name != "Q":
            rest /= 1000
    digits = 2 if rest < 10 or rest >= 1000 else 1 if rest < 100 else 0
    number = Decimal(repr(rest)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    shown = format(number, "f").rstrip("0").rstrip(".") if digits else format(number, "f")
    return ("-" if value < 0 else "") + shown + unit


@udf("d:s")
def human_readable_seconds(value: float) -> str:
    """Format seconds as weeks, days, hours, minutes and seconds."""
    if math.isnan(value) or math.isinf(value):
        raise AthenaError(f"Invalid argument found: {java_double(value)}")
    rest, parts = math.floor(abs(value) + 0.5), []
    for name, size in (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return ", ".join(parts) or "0 seconds"


@udf("s:s")
def parse_data_size(text: str) -> str:
    """Convert a size such as ``2.3MB`` to bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(B|kB|MB|GB|TB|PB|EB|ZB|YB)", text)
    if match is None:
        raise AthenaError(f"Invalid data size: '{text}'")
    power = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB").index(match.group(2))
    size = int(Context(prec=80).multiply(Decimal(match.group(1)), Decimal(1024**power)))
    if size >= 10**38:
        raise AthenaError(f"Value out of range: '{text}' ('{size}B')", "NUMERIC_VALUE_OUT_OF_RANGE")
    return str(size)


@udf("sSS:s", nulls=True)
def format_(template: str | None, kinds: list[str], values: list[str | None]) -> str | None:
    """Format values according to the rules of Java's ``Formatter``."""
    return None if template is None else java_format(template, kinds, values)


@udf("xs:s")
def from_utf8(value: bytes, replacement: str) -> str:
    """Decode UTF-8, and replace invalid bytes with a given character."""
    if len(replacement) > 1:
        raise AthenaError("Replacement character string must empty or a single character")
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "".join(_characters(value, replacement))


# The number of continuation bytes in a UTF-8 sequence whose first byte is below each limit. Sequences of 5 and 6 bytes
# are always invalid.
_FOLLOWING_BYTES = ((0xC0, 0), (0xE0, 1), (0xF0, 2), (0xF8, 3), (0xFC, 4), (0xFE, 5), (0x100, 0))


def _characters(value: bytes, replacement: str) -> Iterator[str]:
    """Decode bytes as UTF-8, and yield one replacement for each invalid sequence."""
    place = 0
    while place < len(value):
        following = next(count for limit, count in _FOLLOWING_BYTES if value[place] < limit)
        rest = value[place + 1 : place + 1 + following]
        length = 1 + next((index for index, byte in enumerate(rest) if byte >> 6 != 2), len(rest))
        try:
            yield value[place : place + length].decode()
        except UnicodeDecodeError:
            yield replacement
        place += length


@udf("s:s")
def uuid_text(text: str) -> str:
    """Cast a string to the canonical text of a UUID."""
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text):
        raise AthenaError(f"Cannot cast value to UUID: {text}", "INVALID_CAST_ARGUMENT")
    return text.lower()


@udf("x:s")
def uuid_bytes_text(value: bytes) -> str:
    """Cast 16 bytes to a UUID's canonical text."""
    if len(value) != 16:
        raise AthenaError(f"Invalid UUID binary length: {len(value)}", "INVALID_CAST_ARGUMENT")
    return str(UUID(bytes=value))


@udf("s:x")
def from_hex(text: str) -> bytes:
    """Decode hexadecimal digits."""
    try:
        return bytes.fromhex(text) if not re.search(r"\s", text) else bytes.fromhex("?")
    except ValueError as error:
        raise AthenaError(f"string value contains an illegal character: {text}") from error


@udf("x:s")
def latin(value: bytes) -> str:
    """Decode bytes as single-byte characters."""
    return value.decode("latin-1")


@udf("x:s")
def to_base32(value: bytes) -> str:
    """Encode bytes in Base32."""
    return base64.b32encode(value).decode()


@udf("s:x")
def from_base32(text: str) -> bytes:
    """Decode Base32."""
    digits = text.rstrip("=")
    try:
        if len(digits) % 8 in (1, 3, 6):
            raise ValueError(text)
        return base64.b32decode(digits + "=" * (-len(digits) % 8))
    except ValueError as error:
        raise AthenaError(f"Invalid input length {len(text)}") from error


@udf("s:x")
def from_base64(text: str) -> bytes:
    """Decode Base64."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise AthenaError(f"Illegal base64 text: {text}") from error


@udf("xs:x")
def digest(value: bytes, name: str) -> bytes:
    """Return a hash of bytes."""
    if name == "xxhash64":
        return xxhash.xxh64_digest(value)
    if name == "murmur3":
        return mmh3.hash_bytes(value)
    return hashlib.new(name, value, usedforsecurity=False).digest()


@udf("xxs:x")
def hmac(value: bytes, key: bytes, name: str) -> bytes:
    """Return a keyed hash of bytes."""
    return hmac_module.digest(key, value, name)


@udf("x:n")
def crc32(value: bytes) -> int:
    """Return the CRC-32 of bytes."""
    return zlib.crc32(value)


@udf("n:x")
def to_big_endian(value: int) -> bytes:
    """Return a number as eight bytes in big-endian order."""
    return value.to_bytes(8, "big", signed=True)


@udf("x:n")
def from_big_endian(value: bytes) -> int:
    """Read a number from eight bytes in big-endian order."""
    if len(value) != 8:
        raise AthenaError(f"expected 8-byte input, but got instead: {len(value)}")
    return int.from_bytes(value, "big", signed=True)


@udf("sss:b")
def like(text: str, pattern: str, escape: str) -> bool:
    """Return whether a string matches a ``LIKE`` pattern with an escape character."""
    if len(escape) != 1:
        raise AthenaError("Escape string must be a single character")
    expression, letters = "", iter(pattern)
    for letter in letters:
        if letter == escape:
            following = next(letters, "")
            if following not in ("%", "_", escape) or not following:
                raise AthenaError("Escape character must be followed by '%', '_' or the escape character itself")
            expression += re.escape(following)
        else:
            expression += {"%": ".*", "_": "."}.get(letter, re.escape(letter))
    return re.fullmatch(expression, text, re.DOTALL) is not None
