"""Tests that no value is lost when items with values of any type, in any order, are converted to Arrow data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.zero_etl import typed as module
from local_lakehouse.zero_etl.typed import typed, typed_keys, typed_lines

names = st.sampled_from(["a", "b", "A", "ä.b", "😀"])
leaves = st.one_of(
    st.text(max_size=5).map(lambda text: {"S": text}),
    st.just({"S": "2024-01-05T00:00:00Z"}),
    st.integers().map(lambda number: {"N": str(number)}),
    st.just({"B": "aGVsbG8="}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    st.lists(st.text(max_size=2), min_size=1, max_size=2).map(lambda texts: {"SS": texts}),
    st.just({"NS": ["1", "2.5"]}),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.dictionaries(names, inner, max_size=2).map(lambda members: {"M": members}),
        st.lists(inner, max_size=2).map(lambda elements: {"L": elements}),
    ),
    max_leaves=6,
)
items = st.lists(st.dictionaries(names, values, max_size=4), max_size=8)


def _plain(value: Any) -> Any:
    """Remove members that are None, which are in the array only because other items have them."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items() if member is not None}
    return [_plain(element) for element in value] if isinstance(value, list) else value


def _lines(some: list[Any]) -> bytes:
    return "\n".join(json.dumps(item, separators=(",", ":")) for item in some).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items, st.integers(1, 4), st.sampled_from([0, 10_000]))
def test_typed_arrays_contain_the_items(
    monkeypatch: pytest.MonkeyPatch, some: list[dict[str, Any]], size: int, decoded_in_python: int
) -> None:
    monkeypatch.setattr(module, "_SAMPLE", 1)
    monkeypatch.setattr(module, "_GROUP_BYTES", 100)
    monkeypatch.setattr(module, "_SMALL_BYTES", decoded_in_python)
    array = typed_lines(_lines(some[start : start + size]) for start in range(0, len(some), size))
    assert _plain(array.to_pylist()) == some
    assert _plain(typed(some).to_pylist()) == some


def test_only_the_first_lines_are_decoded_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = [_lines([{"k": {"S": f"{chunk}-{row}"}, "n": {"N": "1"}} for row in range(10)]) for chunk in range(20)]
    decoded = []

    def counted(chunk: bytes) -> Any:
        decoded.append(chunk)
        return json.loads(b"[" + chunk.replace(b"\n", b",") + b"]")

    monkeypatch.setattr(module, "decoded", counted)
    monkeypatch.setattr(module, "_GROUP_BYTES", 500)
    monkeypatch.setattr(module, "_SMALL_BYTES", 100)
    assert len(typed_lines(iter(chunks))) == 200
    assert decoded == chunks[:1]


@given(st.lists(st.fixed_dictionaries({name: st.text(max_size=3) for name in "SNB"}), min_size=1, max_size=4))
def test_typed_keys_match_typed_items(texts: list[dict[str, str]]) -> None:
    keys = [{f"attribute {tag}": {tag: text} for tag, text in key.items()} for key in texts]
    types = {f"attribute {tag}": tag for tag in "SNB"}
    assert typed_keys(keys, types).to_pylist() == typed(keys).to_pylist() == keys
