"""Tests that the DuckDB JSON parser for items returns either the complete content of the lines or None."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_lakehouse.zero_etl.json_parser import parse
from local_lakehouse.zero_etl.typed import typed

Item = dict[str, dict[str, Any]]

KNOWN: list[Item] = [
    {
        "id": {"S": "1"}, "total": {"N": "1.50"}, "photo": {"B": "aGk="}, "paid": {"BOOL": True},
        "note": {"NULL": True}, "tags": {"SS": ["a", "b"]}, "sizes": {"NS": ["1"]},
        "address": {"M": {"street": {"S": "Main"}, "geo": {"M": {}}}},
        "lines": {"L": [{"S": "x"}, {"M": {"sku": {"S": "y"}}}]},
    },
    {"id": {"S": "2"}, "address": {"M": {"geo": {"M": {"lat": {"N": "1"}}}}}, "lines": {"L": []}},
]  # fmt: skip
TEXTS = ["", " ", "Zürich", "😀", "a\nb", "a\x00b", "'", '"', "\\", "null", "{ }", "}"]


def _lines(*items: Item) -> bytes:
    return "\n".join(json.dumps(item, separators=(",", ":")) for item in items).encode()


def test_parser_returns_the_same_data_as_python() -> None:
    kind = typed(KNOWN).type
    parsed = parse(_lines(*KNOWN), kind)
    assert parsed is not None
    assert parsed.type == kind
    assert parsed.to_pylist() == typed(KNOWN).to_pylist()


@pytest.mark.parametrize("text", TEXTS)
def test_strings_are_read_unchanged(text: str) -> None:
    parsed = parse(_lines({"id": {"S": text}}), typed(KNOWN).type)
    assert parsed is not None
    assert parsed.field("id").to_pylist() == [{"S": text}]


@pytest.mark.parametrize(
    "unknown",
    [
        {"id": {"S": "1"}, "other": {"S": "x"}},
        {"id": {"S": "1"}, "ID": {"S": "x"}},
        {"id": {"N": "1"}},
        {"id": {"S": "1"}, "address": {"S": "Main"}},
        {"id": {"S": "1"}, "address": {"M": {"city": {"S": "Bern"}}}},
        {"id": {"S": "1"}, "address": {"M": {"street": {"N": "1"}}}},
        {"id": {"S": "1"}, "address": {"M": {"street": {"M": {}}}}},
        {"id": {"S": "1"}, "lines": {"L": [{"N": "1"}]}},
        {"id": {"S": "1"}, "lines": {"L": [{"M": {"price": {"N": "1"}}}]}},
        {"id": {"S": "1"}, "total": {"L": []}},
        {},
    ],
)  # fmt: skip
def test_parser_returns_none_for_lines_with_unknown_members(unknown: Item) -> None:
    lines = _lines(*KNOWN, unknown) if unknown else _lines({"other": {"S": "x"}})
    assert parse(lines, typed(KNOWN).type) is None


@pytest.mark.parametrize("text", ["{", '{"', "{}", '{"S":"x"}'])
def test_parser_reads_string_that_looks_like_an_object_or_returns_none(text: str) -> None:
    parsed = parse(_lines({"id": {"S": f"{text} and {text}"}}), typed(KNOWN).type)
    assert parsed is None or parsed.field("id").to_pylist() == [{"S": f"{text} and {text}"}]


@pytest.mark.parametrize("names", [("a", "A"), ("ä", "Ä"), ("straße", "STRASSE")])
def test_parser_returns_none_for_names_that_differ_only_in_case(names: tuple[str, str]) -> None:
    item = {name: {"S": name} for name in names}
    assert parse(_lines(item), typed([item]).type) is None


def test_parser_returns_none_for_types_with_empty_maps() -> None:
    item: Item = {"id": {"S": "1"}, "map": {"M": {}}}
    assert parse(_lines(item), typed([item]).type) is None


@pytest.mark.parametrize("lines", [b'{"id":{"S":"1"}', b'{"id":{"S":"\\ud83d"}}', b"[]", b""])
def test_parser_returns_none_for_invalid_lines(lines: bytes) -> None:
    assert parse(lines, typed(KNOWN).type) is None
