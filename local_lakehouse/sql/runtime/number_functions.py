"""Functions for numbers, and conversions between numbers and text."""

from __future__ import annotations

import itertools
import math
import statistics
import struct
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

from local_lakehouse.sql.json_text import java_double
from local_lakehouse.sql.runtime.udf import AthenaError, udf

_EXACT = Context(prec=120)
_BIGINT = 2**63
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_MAX_COMBINATIONS = 5
_MAX_COMBINATION_ELEMENTS = 100_000


@udf("d:s")
def double_text(value: float) -> str:
    """Format a double in Java's format."""
    return java_double(value)


@udf("d:s")
def real_text(value: float) -> str:
    """Format a single-precision number in Java's format."""
    return java_double(value, single=True)


@udf("s:s")
def plain_number(text: str) -> str:
    """Format a number without an exponent."""
    return format(Decimal(text), "f")


@udf("ssi:s")
def quotient(dividend: str, divisor: str, scale: int) -> str:
    """Divide decimals, and round half away from zero to a given number of fractional digits."""
    if not Decimal(divisor):
        raise AthenaError("Division by zero", "DIVISION_BY_ZERO")
    result = _EXACT.divide(Decimal(dividend), Decimal(divisor))
    return str(result.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=_EXACT))


@udf("si:s")
def truncate_text(number: str, digits: int) -> str:
    """Truncate a decimal to a given number of fractional digits."""
    return format(Decimal(number).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_DOWN, context=_EXACT), "f")


@udf("sn:n")
def from_base(text: str, radix: int) -> int:
    """Parse a number in a given base."""
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
    """Format a number in a given base."""
    _check_radix(radix)
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = _DIGITS[digit] + digits
    return "-" + digits if value < 0 else digits


def _check_radix(radix: int) -> None:
    if not 2 <= radix <= len(_DIGITS):
        raise AthenaError("Radix must be between 2 and 36")


@udf("sn:s")
def round_text(value: str, digits: int) -> str:
    """Round a decimal half away from zero to the given number of fractional digits.

    If `digits` is negative, digits before the decimal point are also rounded.
    """
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or -digits <= exponent:
        return value
    return format(number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, _EXACT), "f")


@udf("nn:n")
def bit_count(value: int, bits: int) -> int:
    """Count the set bits of a number in two's complement."""
    if not 2 <= bits <= 64:
        raise AthenaError(f"Bits specified in bit_count must be between 2 and 64, got {bits}")
    half = 1 << (bits - 1)
    if not -half <= value < half:
        raise AthenaError(
            f"Number must be representable with the bits specified. {value} cannot be represented with {bits} bits"
        )
    return (value & ((1 << bits) - 1)).bit_count()


# Java uses only the lowest six bits of a shift count for a long.
_SHIFTS = 64


@udf("nnn:n")
def shift_left(value: int, count: int, bits: int) -> int:
    """Shift bits to the left, and discard the bits beyond the size of the type."""
    if count >= _SHIFTS:
        return 0
    shifted = (value << (count % _SHIFTS)) & ((1 << bits) - 1)
    return shifted - (1 << bits) if shifted >> (bits - 1) else shifted


@udf("nn:n")
def shift_right(value: int, count: int) -> int:
    """Shift bits to the right, and keep the sign."""
    return value >> (_SHIFTS - 1 if count >= _SHIFTS else count % _SHIFTS)


@udf("nnn:n")
def shift_right_logical(value: int, count: int, bits: int) -> int:
    """Shift the bits of a number to the right, and fill with zeros."""
    if count == 0 or count >= _SHIFTS:
        return value if count == 0 else 0
    return (value & ((1 << bits) - 1)) >> (count % _SHIFTS)


@udf("n:x")
def to_big_endian_32(value: int) -> bytes:
    """Return a number as four bytes in big-endian order."""
    return value.to_bytes(4, "big", signed=True)


@udf("x:n")
def from_big_endian_32(value: bytes) -> int:
    """Read a number from four bytes in big-endian order."""
    if len(value) != 4:
        raise AthenaError(f"expected 4-byte input, but got instead: {len(value)}")
    return int.from_bytes(value, "big", signed=True)


@udf("di:x")
def to_ieee754(value: float, size: int) -> bytes:
    """Return the bytes of a floating-point number."""
    return struct.pack(">f" if size == 4 else ">d", value)


@udf("xi:d")
def from_ieee754(value: bytes, size: int) -> float:
    """Read a floating-point number from its bytes."""
    if len(value) != size:
        kind = "single" if size == 4 else "double"
        raise AthenaError(f"Input floating-point value must be exactly {size} bytes long ({kind} precision)")
    return float(struct.unpack(">f" if size == 4 else ">d", value)[0])


@udf("ddd:d")
def normal_cdf(mean: float, deviation: float, value: float) -> float:
    """Return the probability that a normally distributed value is below a given value."""
    if not deviation > 0:
        raise AthenaError("standardDeviation must be > 0")
    return statistics.NormalDist(mean, deviation).cdf(value)


@udf("ddd:d")
def inverse_normal_cdf(mean: float, deviation: float, probability: float) -> float:
    """Return the quantile of a normal distribution."""
    if not 0 < probability < 1:
        raise AthenaError("p must be 0 > p > 1")
    if not deviation > 0:
        raise AthenaError("sd must be > 0")
    return statistics.NormalDist(mean, deviation).inv_cdf(probability)


@udf("nndn:d")
def wilson_bound(successes: int, trials: int, z: float, sign: int) -> float:
    """Return the lower (sign -1) or upper (sign 1) bound of the Wilson score interval."""
    if successes < 0:
        raise AthenaError("number of successes must not be negative")
    if trials <= 0:
        raise AthenaError("number of trials must be positive")
    if successes > trials:
        raise AthenaError("number of successes must not be larger than number of trials")
    if not z >= 0:
        raise AthenaError("z-score must not be negative")
    count = float(trials)
    rate = successes / count
    spread = math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return (rate + z * z / (2 * count) + sign * z * spread) / (1 + z * z / count)


@udf("nn:C")
def combinations(count: int, size: int) -> list[list[int]]:
    """Return all combinations of `size` positions in an array of `count` elements."""
    if size < 0:
        raise AthenaError(f"combination size must not be negative: {size}")
    if size > _MAX_COMBINATIONS:
        raise AthenaError(f"combination size must not exceed {_MAX_COMBINATIONS}: {size}")
    if math.comb(count, size) * size > _MAX_COMBINATION_ELEMENTS:
        raise AthenaError("combinations exceed max size")
    ordered = itertools.combinations(range(1, count + 1), size)
    return [list(places) for places in sorted(ordered, key=lambda places: places[::-1])]
