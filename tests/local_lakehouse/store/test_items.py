"""Tests that an index finds exactly the items whose attribute is between two bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.store.database import Database
from local_lakehouse.store.item_keys import key_of
from local_lakehouse.store.items import Items

pytestmark = pytest.mark.once

NOW = 1_800_000_000
values = st.one_of(
    st.integers(NOW - 5, NOW + 5).map(lambda number: {"N": str(number)}),
    st.decimals(-10, NOW * 2, places=3).map(lambda number: {"N": str(number)}),
    st.text(max_size=3).map(lambda text: {"S": text}),
    st.just({"BOOL": True}),
    st.just({"L": [{"N": str(NOW)}]}),
)


@pytest.fixture
def items() -> Iterator[Items]:
    database = Database(None)
    yield Items(database)
    database.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.none(), values), max_size=20), st.lists(st.one_of(st.none(), values), max_size=20))
def test_index_returns_the_items_between_the_bounds(items: Items, first: list[Any], later: list[Any]) -> None:
    collection = items.create()
    expected_values: dict[str, Any] = {}
    for batch in (first, later):
        written = {f"k{number}": value for number, value in enumerate(batch)}
        _write(items, collection, written)
        expected_values.update(written)
        expected = {
            key
            for key, value in expected_values.items()
            if value is not None and "N" in value and NOW - 3 < float(value["N"]) < NOW
        }
        found = items.over(collection, "ttl", NOW - 3, NOW)
        assert {item["k"]["S"] for item in found} == expected
        assert len(found) == len(expected)


def _write(items: Items, collection: int, values: dict[str, Any]) -> None:
    changes = []
    for name, value in values.items():
        item = {"k": {"S": name}, **({} if value is None else {"ttl": value})}
        key = key_of(item, ["k"], [])
        assert key is not None
        changes.append((key, json.dumps(item), 1))
    items.write(collection, changes)
