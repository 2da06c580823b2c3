"""Tests that the key range of a query contains exactly the keys that match the condition."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_lakehouse.dynamodb import key_ranges, syntax
from local_lakehouse.dynamodb.names import Names
from local_lakehouse.store import item_keys
from local_lakehouse.store.items import Index

pytestmark = pytest.mark.once

_NUMBERS = st.sampled_from(
    ["0", "5", "50", "5.5", "-5", "-5.5", "-50", "-4.9", "1E-20", "-1E-20", "9E30", "0.5", "-0.5"]
)
_BYTES = st.lists(st.sampled_from([0, 1, 0x7F, 0x80, 0xFE, 0xFF]), min_size=1, max_size=4).map(bytes)
_TEXTS = st.text("\x00\x01ab\u00ff\U0010ffff", min_size=1, max_size=3)
_COMPARE = {
    "=": lambda a, b: a == b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}  # fmt: skip


def _value(tag: str, plain: Any) -> dict[str, str]:
    return {tag: base64.b64encode(plain).decode() if tag == "B" else plain}


def _order(tag: str, plain: Any) -> Any:
    if tag == "N":
        return Decimal(plain)
    return plain.encode() if tag == "S" else plain


def _keys_within_bounds(tag: str, condition: str, keys: list[Any], values: list[Any], hashed: str = "x") -> set[Any]:
    given_values = {f":{position}": _value(tag, value) for position, value in enumerate(values)}
    request = {"K": "", "ExpressionAttributeValues": {":h": {"S": hashed}, **given_values}}
    low, high = key_ranges.bounds(
        [syntax.condition(f"h = :h AND {condition}")],
        Names(request, ("K",)),
        Index(("h",), ("r",)),
        {"h": "S", "r": tag},
    )
    found = set()
    for key in keys:
        item = {"h": {"S": "x"}, "r": _value(tag, key)}
        # In a table, `stored` is the whole key. In an index entry, `stored` is followed by the item's table key.
        stored = item_keys.key_of(item, ("h",), ("r",))
        assert stored is not None
        assert (low < stored < high) == (low < stored + item_keys.partition(b"\xff\x00") < high)
        if low < stored < high:
            found.add(key)
    return found


_TYPED = st.one_of(*(
    st.tuples(st.just(tag), st.lists(plain, min_size=1, max_size=6), plain, plain)
    for tag, plain in (("N", _NUMBERS), ("B", _BYTES), ("S", _TEXTS))
))  # fmt: skip


@settings(deadline=None)  # The first example loads the list of reserved words.
@given(_TYPED, st.sampled_from(sorted(_COMPARE)))
def test_comparison_bounds_contain_the_matching_keys(case: tuple[str, list[Any], Any, Any], operator: str) -> None:
    tag, keys, value, _ = case
    expected = {key for key in keys if _COMPARE[operator](_order(tag, key), _order(tag, value))}
    assert _keys_within_bounds(tag, f"r {operator} :0", keys, [value]) == expected
    assert _keys_within_bounds(tag, f"r {operator} :0", keys, [value], hashed="y") == set()


@given(_TYPED)
def test_between_bounds_contain_both_ends(case: tuple[str, list[Any], Any, Any]) -> None:
    tag, keys, *both = case
    low, high = sorted(both, key=lambda each: _order(tag, each))
    expected = {key for key in keys if _order(tag, low) <= _order(tag, key) <= _order(tag, high)}
    assert _keys_within_bounds(tag, "r BETWEEN :0 AND :1", keys, [low, high]) == expected


@given(_TYPED.filter(lambda case: case[0] != "N"))
def test_begins_with_bounds_contain_the_matching_keys(case: tuple[str, list[Any], Any, Any]) -> None:
    tag, keys, value, _ = case
    expected = {key for key in keys if key.startswith(value)}
    assert _keys_within_bounds(tag, "begins_with(r, :0)", keys, [value]) == expected
