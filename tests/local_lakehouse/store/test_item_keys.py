from __future__ import annotations

import base64
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.store import item_keys

pytestmark = pytest.mark.once

_DIGITS = st.text("0123456789", min_size=1, max_size=38)
NUMBERS = st.builds(
    lambda sign, digits, exponent: f"{sign}{digits}E{exponent}",
    st.sampled_from(["", "-"]), _DIGITS, st.integers(-130, 87),
)  # fmt: skip
BYTES = st.binary(max_size=12) | st.lists(st.sampled_from([0, 1, 254, 255]), max_size=6).map(bytes)
TEXTS = st.text(max_size=12) | st.text("\x00\x01a", max_size=6)


@given(NUMBERS, NUMBERS)
def test_numbers_sort_by_value(one: str, other: str) -> None:
    encoded = item_keys.encode("N", one), item_keys.encode("N", other)
    assert (encoded[0] < encoded[1]) == (Decimal(one) < Decimal(other))
    assert (encoded[0] == encoded[1]) == (Decimal(one) == Decimal(other))


@given(_DIGITS)
def test_integer_and_decimal_with_equal_values_have_the_same_key(digits: str) -> None:
    assert item_keys.encode("N", digits) == item_keys.encode("N", f"{digits}.0") == item_keys.encode("N", f"{digits}E0")


@given(BYTES, BYTES)
def test_binary_values_sort_by_unsigned_bytes(one: bytes, other: bytes) -> None:
    encoded = [item_keys.encode("B", base64.b64encode(each).decode()) for each in (one, other)]
    assert (encoded[0] < encoded[1]) == (one < other)
    assert (encoded[0] == encoded[1]) == (one == other)


@given(TEXTS, TEXTS)
def test_text_sorts_by_utf_8(one: str, other: str) -> None:
    encoded = item_keys.encode("S", one), item_keys.encode("S", other)
    assert (encoded[0] < encoded[1]) == (one.encode() < other.encode())
    assert (encoded[0] == encoded[1]) == (one == other)


@given(st.tuples(BYTES, BYTES), st.tuples(BYTES, BYTES))
def test_composite_keys_are_unambiguous(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> None:
    encoded = [b"".join(item_keys.encode("B", part) for part in key) for key in (one, other)]
    assert (encoded[0] < encoded[1]) == (one < other)
    assert (encoded[0] == encoded[1]) == (one == other)


@given(NUMBERS, NUMBERS)
def test_no_encoding_is_a_prefix_of_another(one: str, other: str) -> None:
    encoded = item_keys.encode("N", one), item_keys.encode("N", other)
    assert encoded[0] == encoded[1] or not encoded[0].startswith(encoded[1])


@given(BYTES, st.integers(1, 40))
def test_segments_contain_every_key_once(key: bytes, total: int) -> None:
    encoded = item_keys.partition(item_keys.encode("B", key))
    bounds = [item_keys.segment(number, total) for number in range(total)]
    assert sum(low < encoded < high for low, high in bounds) == 1
