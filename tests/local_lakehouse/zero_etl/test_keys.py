"""Tests that items are loaded, updated and deleted correctly, whatever the type, length and bytes of their keys."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_backend import Backend
from tests.local_lakehouse.zero_etl.conftest import World

BYTES = st.one_of(
    st.binary(min_size=1, max_size=6),
    st.lists(st.sampled_from([0, 1, 2, 92, 127, 128, 254, 255]), min_size=1, max_size=3).map(bytes),
    st.sampled_from([b"\x00" * 1024, b"\xff" * 1024]),
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5),
    st.sampled_from(["\x00", "\x00\x01", "\\", "\U0010ffff", "k" * 1024]),
)
NUMBERS = st.one_of(st.integers(-1000, 1000), st.integers(-(2**53), 2**53), st.decimals(-9, 9, places=3)).map(
    lambda number: format(number.normalize(), "f") if hasattr(number, "normalize") else str(number)
)
KINDS: dict[str, st.SearchStrategy[Any]] = {"B": BYTES, "S": TEXTS, "N": NUMBERS.filter(lambda text: text != "-0")}


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, str | None, list[tuple[Any, Any]]]:
    """Draw the types of a table's keys, and some keys."""
    hashed = draw(st.sampled_from(sorted(KINDS)))
    ranged = draw(st.none() | st.sampled_from(sorted(KINDS)))
    key = st.tuples(KINDS[hashed], st.none() if ranged is None else KINDS[ranged])
    return hashed, ranged, draw(st.lists(key, min_size=1, max_size=8, unique=True))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=tables())
@example(table=("B", "B", [(b"\x00", b"\x01"), (b"\x00", b"\x00\x01"), (b"\x00\x00", b"\x01"), (b"\x01", b"\x00")]))
@example(table=("B", None, [(bytes(range(byte, byte + 16)), None) for byte in range(0, 256, 16)]))
@example(table=("S", "N", [("\x00", "0"), ("\x00", "-1"), ("\x00\x00", "0")]))
def test_keys_survive_loads_updates_and_deletions(table: tuple[str, str | None, list[tuple[Any, Any]]]) -> None:
    hashed, ranged, keys = table
    backend = Backend("us-east-1")
    try:
        _check_keys(backend.clients, hashed, ranged, keys)
    finally:
        backend.close()


def _check_keys(clients: ServiceClients, hashed: str, ranged: str | None, keys: list[tuple[Any, Any]]) -> None:
    world = World(clients)
    world.create_table("Orders", "H", hashed, ("R", ranged) if ranged else None)

    def key(pair: tuple[Any, Any]) -> dict[str, dict[str, Any]]:
        return {"H": {hashed: pair[0]}, **({"R": {ranged: pair[1]}} if ranged else {})}

    for pair in keys:
        world.put("Orders", {**key(pair), "v": {"S": "first"}})
    world.integrate("Orders")
    world.refresh()
    for pair in keys[::2]:
        world.put("Orders", {**key(pair), "v": {"S": "second"}})
    for pair in keys[1::4]:
        world.delete("Orders", key(pair))
    world.refresh()

    def read(tag: str | None, value: Any) -> Any:
        return float(value) if tag == "N" else value

    expected = {
        (read(hashed, pair[0]), read(ranged, pair[1])): "second" if index % 2 == 0 else "first"
        for index, pair in enumerate(keys)
        if index % 4 != 1
    }
    assert {(row["h"], row.get("r")): row["v"] for row in world.rows("orders", "h")} == expected
