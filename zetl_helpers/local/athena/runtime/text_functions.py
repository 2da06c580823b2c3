"""Functions of texts, numbers' texts, binaries and URLs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac as hmac_module
import itertools
import math
import re
import statistics
import unicodedata
import zlib
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlsplit

from zetl_helpers.local.athena.json_text import java_double
from zetl_helpers.local.athena.runtime.java_format import java_format
from zetl_helpers.local.athena.runtime.stemmer import stem
from zetl_helpers.local.athena.runtime.udf import AthenaError, udf

_EXACT = Context(prec=120)
_BIGINT = 2**63
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_MAX_COMBINATIONS = 5


@udf("d:s")
def double_text(value: float) -> str:
    """Write a double as Java does."""
    return java_double(value)


@udf("d:s")
def real_text(value: float) -> str:
    """Write a single-precision number as Java does."""
    return java_double(value, single=True)


@udf("ssi:s")
def quotient(dividend: str, divisor: str, scale: int) -> str:
    """Divide decimals, rounding half away from zero to a number of digits."""
    if not Decimal(divisor):
        raise AthenaError("Division by zero", "DIVISION_BY_ZERO")
    result = _EXACT.divide(Decimal(dividend), Decimal(divisor))
    return str(result.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=_EXACT))


@udf("si:s")
def truncate_text(number: str, digits: int) -> str:
    """Cut a decimal behind a number of digits."""
    return format(Decimal(number).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_DOWN, context=_EXACT), "f")


@udf("sn:n")
def from_base(text: str, radix: int) -> int:
    """Read a number in a base."""
    _check_radix(radix)
    try:
        value = int(text.strip() if text == text.strip() and "_" not in text else "?", radix)
    except ValueError as error:
        raise AthenaError(f"Not a valid base-{radix} number: {text}") from error
    if not -_BIGINT <= value < _BIGINT:
        raise AthenaError(f"Not a valid base-{radix} number: {text}")
    return value


@udf("nn:s")
def to_base(value: int, radix: int) -> str:
    """Write a number in a base."""
    _check_radix(radix)
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = _DIGITS[digit] + digits
    return "-" + digits if value < 0 else digits


def _check_radix(radix: int) -> None:
    if not 2 <= radix <= len(_DIGITS):
        raise AthenaError("Radix must be between 2 and 36")


@udf("nn:n")
def bit_count(value: int, bits: int) -> int:
    """Count the bits of a number in two's complement."""
    if not 2 <= bits <= 64:
        raise AthenaError(f"Bits specified in bit_count must be between 2 and 64, got {bits}")
    half = 1 << (bits - 1)
    if not -half <= value < half:
        raise AthenaError(
            f"Number must be representable with the bits specified. {value} cannot be represented with {bits} bits"
        )
    return (value & ((1 << bits) - 1)).bit_count()


@udf("nn:n")
def shift_left(value: int, count: int) -> int:
    """Shift bits to the left, those that leave 64 bits lost."""
    shifted = (value << count) & (2**64 - 1) if count < 64 else 0
    return shifted - 2**64 if shifted >= _BIGINT else shifted


@udf("nn:n")
def shift_right(value: int, count: int) -> int:
    """Shift bits to the right, keeping the sign."""
    return value >> min(count, 63)


@udf("ddd:d")
def normal_cdf(mean: float, deviation: float, value: float) -> float:
    """Return the probability of a value below another under a normal distribution."""
    if deviation <= 0:
        raise AthenaError("standardDeviation must be > 0")
    return statistics.NormalDist(mean, deviation).cdf(value)


@udf("ddd:d")
def inverse_normal_cdf(mean: float, deviation: float, probability: float) -> float:
    """Return the value below which a share of a normal distribution lies."""
    if not 0 < probability < 1:
        raise AthenaError("p must be 0 > p > 1")
    if deviation <= 0:
        raise AthenaError("sd must be > 0")
    return statistics.NormalDist(mean, deviation).inv_cdf(probability)


@udf("nn:C")
def combinations(count: int, size: int) -> list[list[int]]:
    """Return the places of every combination of elements."""
    if size < 0:
        raise AthenaError(f"combination size must not be negative: {size}")
    if size > _MAX_COMBINATIONS:
        raise AthenaError(f"combination size must not exceed {_MAX_COMBINATIONS}: {size}")
    ordered = itertools.combinations(range(1, count + 1), size)
    return [list(places) for places in sorted(ordered, key=lambda places: places[::-1])]


@udf("s:s")
def reverse(text: str) -> str:
    """Return a text backwards."""
    return text[::-1]


@udf("x:x")
def reverse_bytes(value: bytes) -> bytes:
    """Return bytes backwards."""
    return value[::-1]


@udf("xnn:x", nulls=True)
def substr_bytes(value: bytes | None, start: int | None, length: int | None) -> bytes | None:
    """Return a part of bytes; places count from 1, or from the end if negative."""
    if value is None or start is None:
        return None
    first = start - 1 if start > 0 else len(value) + start
    if start == 0 or not 0 <= first < len(value):
        return b""
    return value[first:] if length is None else value[first : first + max(0, length)]


@udf("ss:s")
def replace_empty(text: str, new: str) -> str:
    """Insert a text before, between and behind all letters."""
    return text.replace("", new)


@udf("ssn:n")
def strpos(text: str, part: str, instance: int) -> int:
    """Return where the n-th occurrence of a text begins, counting from the end if n is negative."""
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


@udf("ssn:S")
def split_limit(text: str, delimiter: str, limit: int) -> list[str]:
    """Split a text into at most so many parts."""
    if limit <= 0:
        raise AthenaError("Limit must be positive")
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
    """Split a text into keys and values."""
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
    """Split a text into keys and all values of each."""
    result: dict[str, list[str]] = {}
    for key, value in _entries(text, entry_delimiter, key_delimiter):
        result.setdefault(key, []).append(value)
    return result


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
    """Tell whether the last digit of a number checks the others."""
    if not re.fullmatch(r"\d+", text):
        raise AthenaError(f"Invalid input: {text}")
    total = sum(
        int(digit) if place % 2 == 0 else sum(divmod(2 * int(digit), 10)) for place, digit in enumerate(reversed(text))
    )
    return total % 10 == 0


@udf("ss:s")
def normalize(text: str, form: str) -> str:
    """Return a text in one of Unicode's normal forms."""
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]


@udf("s:s")
def word_stem(word: str) -> str:
    """Return the stem of an English word."""
    return stem(word)


@udf("d:s")
def format_number(value: float) -> str:
    """Write a number with a unit: 123456 is 123K."""
    if math.isnan(value) or math.isinf(value):
        return java_double(value)
    unit, rest = "", abs(value)
    for name in ("", "K", "M", "B", "T", "Q"):
        unit = name
        if rest < 1000:
            break
        if name != "Q":
            rest /= 1000
    digits = 2 if rest < 10 else 1 if rest < 100 else 0
    number = Decimal(repr(rest)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    shown = format(number, "f").rstrip("0").rstrip(".") if digits else format(number, "f")
    return ("-" if value < 0 else "") + shown + unit


@udf("d:s")
def human_readable_seconds(value: float) -> str:
    """Write seconds as weeks, days, hours, minutes and seconds."""
    if math.isnan(value) or math.isinf(value):
        raise AthenaError(f"Invalid argument found: {java_double(value)}")
    rest, parts = math.floor(abs(value) + 0.5), []
    for name, size in (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return ("-" if value < 0 and parts else "") + (", ".join(parts) or "0 seconds")


@udf("s:s")
def parse_data_size(text: str) -> str:
    """Read a size such as ``2.3MB`` in bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(B|kB|MB|GB|TB|PB|EB|ZB|YB)", text)
    if match is None:
        raise AthenaError(f"Invalid data size: '{text}'")
    power = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB").index(match.group(2))
    return str(int(Decimal(match.group(1)) * 1024**power))


@udf("sSS:s", nulls=True)
def format_(template: str | None, kinds: list[str], values: list[str | None]) -> str | None:
    """Fill a template as Java's formatter does."""
    return None if template is None else java_format(template, kinds, values)


@udf("xs:s")
def from_utf8(value: bytes, replacement: str) -> str:
    """Read UTF-8; bytes that are not UTF-8 become a replacement."""
    return replacement.join(value.decode("utf-8", errors="replace").split("\ufffd")) if value else ""


@udf("s:x")
def from_hex(text: str) -> bytes:
    """Read hexadecimal digits."""
    try:
        return bytes.fromhex(text) if not re.search(r"\s", text) else bytes.fromhex("?")
    except ValueError as error:
        raise AthenaError(f"string value contains an illegal character: {text}") from error


@udf("s:x")
def from_base64(text: str) -> bytes:
    """Read base 64."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise AthenaError(f"Illegal base64 text: {text}") from error


@udf("xs:x")
def digest(value: bytes, name: str) -> bytes:
    """Return a hash of bytes."""
    if name == "xxhash64":
        raise AthenaError("xxhash64 is not supported", "NOT_SUPPORTED")
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
    """Write a number as eight bytes."""
    return value.to_bytes(8, "big", signed=True)


@udf("x:n")
def from_big_endian(value: bytes) -> int:
    """Read a number from eight bytes."""
    if len(value) != 8:
        raise AthenaError(f"expected 8-byte input, but got instead: {len(value)}")
    return int.from_bytes(value, "big", signed=True)


def _url_part(name: str, text: str) -> str | None:
    try:
        parts = urlsplit(text)
        values = {
            "host": _host(text),
            "path": parts.path,
            "protocol": parts.scheme,
            "query": parts.query,
            "fragment": parts.fragment,
        }
    except ValueError:
        return None
    if re.search(r"[\s<>\"{}|\\^`]", text):
        return None
    return values[name]


def _host(text: str) -> str:
    authority = urlsplit(text).netloc.rpartition("@")[2]
    return re.sub(r":\d*$", "", authority)


@udf("s:s")
def url_host(text: str) -> str | None:
    """Return the host of a URL."""
    return _url_part("host", text)


@udf("s:s")
def url_path(text: str) -> str | None:
    """Return the path of a URL."""
    path = _url_part("path", text)
    return None if path is None else unquote_plus(path.replace("+", "%2B"))


@udf("s:s")
def url_protocol(text: str) -> str | None:
    """Return the protocol of a URL."""
    return _url_part("protocol", text)


@udf("s:s")
def url_query(text: str) -> str | None:
    """Return the query of a URL."""
    return _url_part("query", text)


@udf("s:s")
def url_fragment(text: str) -> str | None:
    """Return the fragment of a URL."""
    return _url_part("fragment", text)


@udf("s:n")
def url_port(text: str) -> int | None:
    """Return the port of a URL."""
    try:
        return urlsplit(text).port if _url_part("host", text) is not None else None
    except ValueError:
        return None


@udf("ss:s")
def url_parameter(text: str, name: str) -> str | None:
    """Return the first value of a parameter in a URL's query."""
    query = _url_part("query", text)
    found = parse_qsl(query or "", keep_blank_values=True)
    return next((value for key, value in found if key == name), None)


@udf("s:s")
def url_encode(text: str) -> str:
    """Escape a text for a URL's query."""
    return quote_plus(text, safe="*-._").replace("~", "%7E")


@udf("s:s")
def url_decode(text: str) -> str:
    """Resolve the escapes of a URL's query."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise AthenaError(f"Illegal hex characters in escape (%) pattern: {text}")
    return unquote_plus(text)


@udf("sss:b")
def like(text: str, pattern: str, escape: str) -> bool:
    """Match a pattern with an escape character."""
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
