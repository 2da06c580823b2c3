"""Tests for the target's column types, column names and values in each unnest mode."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_lakehouse.zero_etl.conftest import DATABASE_ARN, World
from tests.local_lakehouse.zero_etl.documented_behavior import covers

ITEM: dict[str, Any] = {
    "pk": {"S": "a"},
    "qty": {"N": "3"},
    "addr": {"M": {"city": {"S": "Rom"}, "geo": {"M": {"lat": {"N": "1"}}}}},
    "tags": {"SS": ["x", "y"]},
    "hist": {"L": [{"S": "p"}, {"N": "2"}]},
    "gone": {"NULL": True},
}


def _columns(world: World, table: str) -> dict[str, str]:
    return {field.name: str(field.field_type) for field in world.table(table).schema().fields}


def _load(world: World, *items: dict[str, Any], mode: str = "TOPLEVEL", **config: Any) -> str:
    world.create_table("Orders")
    for item in items:
        world.put("Orders", item)
    arn = world.integrate("Orders", mode, **config)
    world.refresh()
    return arn


@covers("toplevel")
def test_toplevel_mode_creates_a_column_for_each_attribute(world: World) -> None:
    _load(world, ITEM)
    assert world.rows("orders") == [
        {
            "pk": "a",
            "qty": 3.0,
            "addr": {"city": "Rom", "geo": {"lat": 1.0}},
            "tags": ["x", "y"],
            "hist": ["p", "2"],
        }
    ]
    assert _columns(world, "orders")["addr"].startswith("struct<")


@covers("full")
def test_full_mode_creates_a_column_for_each_leaf(world: World) -> None:
    _load(world, ITEM, mode="FULL")
    assert world.rows("orders") == [
        {"pk": "a", "qty": 3.0, "addr.city": "Rom", "addr.geo.lat": 1.0, "tags": ["x", "y"], "hist": ["p", "2"]}
    ]


@covers("nounnest")
def test_nounnest_mode_creates_one_column_with_type_tags(world: World) -> None:
    _load(world, ITEM, mode="NOUNNEST")
    assert world.rows("orders") == [
        {
            "pk": "a",
            "value": {
                "qty": {"N": 3.0},
                "addr": {"M": {"city": {"S": "Rom"}, "geo": {"M": {"lat": {"N": 1.0}}}}},
                "tags": {"SS": ["x", "y"]},
                "hist": {"L": ["p", "2"]},
            },
        }
    ]


@covers("default-full")
def test_unnest_mode_defaults_to_full(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", ITEM)
    world.integrate("Orders")
    world.call("DeleteIntegrationTableProperties", ResourceArn=DATABASE_ARN, TableName="Orders")
    world.refresh()
    assert "addr.geo.lat" in _columns(world, "orders")


@covers("type-map")
def test_each_dynamodb_type_is_mapped_to_its_column_type(world: World) -> None:
    _load(
        world,
        {
            "pk": {"S": "a"},
            "s": {"S": "2024-01-05T00:00:00Z"},
            "n": {"N": "10140"},
            "b": {"B": b"\x00\xff"},
            "flag": {"BOOL": False},
            "ss": {"SS": ["x"]},
            "ns": {"NS": ["1.5"]},
            "bs": {"BS": [b"\x01"]},
        },
    )
    assert _columns(world, "orders") == {
        "pk": "string",
        "s": "string",
        "n": "double",
        "b": "binary",
        "flag": "boolean",
        "ss": "list<string>",
        "ns": "list<double>",
        "bs": "list<binary>",
    }
    (row,) = world.rows("orders")
    assert (row["n"], row["b"], row["flag"], row["ns"], row["bs"]) == (10140.0, b"\x00\xff", False, [1.5], [b"\x01"])


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ({"S": 'a"b'}, 'a"b'),
        ({"N": "1.50"}, "1.5"),
        ({"N": "1E+3"}, "1000"),
        ({"N": "-0.000001"}, "-0.000001"),
        ({"BOOL": True}, "true"),
        ({"NULL": True}, None),
        ({"B": b"hi"}, "aGk="),
        ({"M": {"b": {"N": "1"}, "a": {"L": [{"S": 'x"'}, {"NULL": True}]}}}, '{"a":["x\\"",null],"b":1}'),
        ({"L": []}, "[]"),
        ({"SS": ["x"]}, '["x"]'),
        ({"NS": ["1.0"]}, "[1]"),
    ],
)
@covers("lists-of-strings")
def test_list_elements_become_strings(world: World, element: dict[str, Any], text: str | None) -> None:
    _load(world, {"pk": {"S": "a"}, "l": {"L": [element, {"S": "end"}]}})
    assert world.rows("orders")[0]["l"] == [text, "end"]


@pytest.mark.parametrize(
    "number",
    [
        "1E-130",
        "-1E-130",
        "9.9999999999999999999999999999999999999E+125",
        "12345678901234567890123456789012345678",
        "0.1",
    ],
)
def test_extreme_numbers_become_doubles(world: World, number: str) -> None:
    _load(world, {"pk": {"S": "a"}, "n": {"N": number}})
    assert world.rows("orders")[0]["n"] == float(number)


def test_keys_that_become_the_same_double_stay_separate_rows(world: World) -> None:
    world.create_table("Orders", kind="N")
    one, other = "1", "1.00000000000000000001"
    world.put("Orders", {"pk": {"N": one}, "v": {"S": "one"}})
    world.put("Orders", {"pk": {"N": other}, "v": {"S": "other"}})
    world.integrate("Orders")
    world.refresh()
    world.put("Orders", {"pk": {"N": other}, "v": {"S": "changed"}})
    world.refresh()
    assert sorted(row["v"] for row in world.rows("orders")) == ["changed", "one"]
    world.delete("Orders", {"pk": {"N": one}})
    world.refresh()
    assert world.rows("orders") == [{"pk": 1.0, "v": "changed"}]
    summary = world.snapshots("orders")[-1].summary
    assert (summary["zero-etl.deleted-rows"], summary["zero-etl.updated-rows"]) == ("1", "0")


@covers("null-ignored")
def test_attribute_that_is_always_null_has_no_column(world: World) -> None:
    _load(world, {"pk": {"S": "a"}, "x": {"NULL": True}, "m": {"M": {"y": {"NULL": True}}}})
    assert _columns(world, "orders") == {"pk": "string"}


def test_column_of_a_removed_attribute_is_kept(world: World) -> None:
    _load(world, {"pk": {"S": "a"}, "x": {"N": "1"}})
    world.put("Orders", {"pk": {"S": "a"}})
    world.refresh()
    assert world.rows("orders") == [{"pk": "a", "x": None}]


def test_new_map_members_extend_the_column(world: World) -> None:
    _load(world, {"pk": {"S": "a"}, "m": {"M": {"x": {"N": "1"}}}})
    before = world.table("orders").schema().find_field("m.x").field_id
    world.put("Orders", {"pk": {"S": "b"}, "m": {"M": {"y": {"M": {"z": {"S": "deep"}}}}}})
    world.refresh()
    assert world.rows("orders") == [
        {"pk": "a", "m": {"x": 1.0, "y": None}},
        {"pk": "b", "m": {"x": None, "y": {"z": "deep"}}},
    ]
    assert world.table("orders").schema().find_field("m.x").field_id == before


@covers("type-change", "mixed-string")
def test_type_change_starts_a_full_load(world: World) -> None:
    arn = _load(world, {"pk": {"S": "a"}, "x": {"N": "1"}}, {"pk": {"S": "b"}, "x": {"N": "2.50"}})
    first = world.snapshots("orders")[-1].snapshot_id
    world.put("Orders", {"pk": {"S": "a"}, "x": {"S": "one"}})
    world.refresh()
    assert world.status(arn) == "SYNCING"
    assert len(world.snapshots("orders")) == 1
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert world.rows("orders") == [{"pk": "a", "x": "one"}, {"pk": "b", "x": "2.5"}]
    assert len(world.snapshots("orders")) == 2
    assert [row["x"] for row in world.rows("orders", snapshot=first)] == [1.0, 2.5]


@covers("mixed-string")
def test_string_column_accepts_other_types_without_a_full_load(world: World) -> None:
    arn = _load(world, {"pk": {"S": "a"}, "x": {"N": "1"}}, {"pk": {"S": "b"}, "x": {"S": "two"}})
    world.put("Orders", {"pk": {"S": "c"}, "x": {"N": "3"}})
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert [row["x"] for row in world.rows("orders")] == ["1", "two", "3"]


@covers("mixed-string")
@pytest.mark.parametrize("members", [{}, {"city": {"NULL": True}}, {"geo": {"M": {}}}])
def test_map_without_values_is_null_no_matter_when_its_column_became_a_string(
    world: World, members: dict[str, Any]
) -> None:
    address = {"M": members}
    arn = _load(world, {"pk": {"S": "a"}, "address": address})
    world.put("Orders", {"pk": {"S": "b"}, "address": {"N": "1"}})
    world.put("Orders", {"pk": {"S": "c"}, "address": {"M": {"city": {"S": "Rom"}}}})
    world.refresh()
    world.put("Orders", {"pk": {"S": "d"}, "address": address})
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert [row["address"] for row in world.rows("orders")] == [None, "1", '{"city":"Rom"}', None]


def test_type_change_in_nounnest_mode_does_not_require_a_full_load(world: World) -> None:
    arn = _load(world, {"pk": {"S": "a"}, "x": {"N": "1"}}, mode="NOUNNEST")
    world.put("Orders", {"pk": {"S": "b"}, "x": {"S": "two"}})
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert world.rows("orders") == [
        {"pk": "a", "value": {"x": {"N": 1.0, "S": None}}},
        {"pk": "b", "value": {"x": {"N": None, "S": "two"}}},
    ]


@covers("layout-change")
def test_changed_unnest_mode_starts_a_full_load(world: World) -> None:
    arn = _load(world, ITEM)
    world.call(
        "UpdateIntegrationTableProperties",
        ResourceArn=DATABASE_ARN,
        TableName="Orders",
        TargetTableConfig={"UnnestSpec": "FULL"},
    )
    world.refresh()
    assert world.status(arn) == "SYNCING"
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert world.rows("orders")[0]["addr.geo.lat"] == 1.0


def test_only_top_level_names_are_lowercased(world: World) -> None:
    _load(world, {"pk": {"S": "a"}, "CreditLimit": {"N": "1"}, "Address": {"M": {"ZipCode": {"S": "x"}}}})
    assert world.rows("orders") == [{"pk": "a", "creditlimit": 1.0, "address": {"ZipCode": "x"}}]


@pytest.mark.parametrize(
    "name",
    [
        "select",
        "order by",
        "a b",
        "a.b",
        'quo"te',
        "it's",
        "ü☃",
        "a-b",
        "1st",
        "_",
        "a\\b",
        "a/b",
        "__row",
        "__file",
        "at",
        "k0",
    ],
)
@pytest.mark.parametrize("mode", ["TOPLEVEL", "FULL", "NOUNNEST"])
def test_unusual_attribute_names_are_kept(world: World, name: str, mode: str) -> None:
    _load(world, {"pk": {"S": "a"}, name: {"N": "1"}}, mode=mode)
    world.put("Orders", {"pk": {"S": "b"}, name: {"N": "2"}})
    world.refresh()
    rows = world.rows("orders")
    values = [row["value"][name]["N"] for row in rows] if mode == "NOUNNEST" else [row[name] for row in rows]
    assert values == [1.0, 2.0]


@pytest.mark.parametrize(
    ("mode", "one", "other"),
    [
        ("TOPLEVEL", {"Name": {"S": "x"}}, {"name": {"S": "y"}}),
        ("FULL", {"a.b": {"S": "x"}}, {"a": {"M": {"b": {"S": "y"}}}}),
        ("FULL", {"a": {"M": {"B": {"S": "x"}}}}, {"a": {"M": {"b": {"S": "y"}}}}),
        ("TOPLEVEL", {"a": {"M": {"B": {"S": "x"}}}}, {"a": {"M": {"b": {"S": "y"}}}}),
        ("TOPLEVEL", {"a.b": {"S": "x"}}, {"a": {"M": {"b": {"S": "y"}}}}),
        ("NOUNNEST", {"Name": {"S": "x"}}, {"name": {"S": "y"}}),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_integration_needs_attention_if_column_names_conflict(
    world: World, mode: str, one: dict[str, Any], other: dict[str, Any], together: bool
) -> None:
    first = {"pk": {"S": "a"}, **one, **other} if together and not set(one) & set(other) else {"pk": {"S": "a"}, **one}
    arn = _load(world, first, mode=mode)
    world.put("Orders", {"pk": {"S": "b"}, **other})
    world.refresh()
    (error,) = world.describe(arn)["Errors"]
    assert world.status(arn) == "NEEDS_ATTENTION"
    assert error["ErrorCode"] == "COLUMN_NAME_CONFLICT"
    names = [next(iter(attribute)) for attribute in (one, other)]
    assert all(name in error["ErrorMessage"] for name in names), error
    for key in "ab":
        world.put("Orders", {"pk": {"S": key}})
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert [row["pk"] for row in world.rows("orders")] == ["a", "b"]


@pytest.mark.parametrize("mode", ["TOPLEVEL", "FULL", "NOUNNEST"])
@pytest.mark.parametrize("item", [{"a:b": {"S": "x"}}, {"m": {"M": {"a:b": {"S": "x"}}}}])
@covers("colon")
def test_integration_fails_if_a_name_contains_a_colon(world: World, mode: str, item: dict[str, Any]) -> None:
    arn = _load(world, {"pk": {"S": "a"}, **item}, mode=mode)
    assert world.status(arn) == "FAILED"
    assert world.codes(arn) == ["UNSUPPORTED_COLUMN_NAME"]
    assert "a:b" in world.describe(arn)["Errors"][0]["ErrorMessage"]


@covers("columns-limit")
def test_integration_fails_with_more_than_1000_columns(world: World) -> None:
    arn = _load(world, {"pk": {"S": "a"}, **{f"c{number}": {"N": "1"} for number in range(999)}})
    assert world.status(arn) == "ACTIVE"
    world.put("Orders", {"pk": {"S": "b"}, "one_more": {"N": "1"}})
    world.refresh()
    assert world.status(arn) == "FAILED"
    assert world.codes(arn) == ["TOO_MANY_COLUMNS"]


def test_largest_item_is_replicated(world: World) -> None:
    text = "é" * 199_000
    _load(world, {"pk": {"S": "a"}, "big": {"S": text}})
    assert world.rows("orders")[0]["big"] == text


@pytest.mark.parametrize("name", ["value", "Value"])
@pytest.mark.parametrize("loaded", [True, False])
def test_integration_needs_attention_if_nounnest_key_is_named_value(world: World, name: str, loaded: bool) -> None:
    world.create_table("Orders", name)
    item = {name: {"S": "a"}, **({} if loaded else {"x": {"N": "1"}})}
    world.put("Orders", item)
    arn = world.integrate("Orders", "NOUNNEST")
    world.refresh()
    world.put("Orders", {name: {"S": "a"}, "x": {"N": "2"}})
    world.refresh()

    (error,) = world.describe(arn)["Errors"]
    assert (world.status(arn), error["ErrorCode"]) == ("NEEDS_ATTENTION", "COLUMN_NAME_CONFLICT")
    conflict = f"The key {name} and the map of all other attributes would both become the column value."
    assert error["ErrorMessage"].startswith(conflict)
    assert "Choose another UnnestSpec." in error["ErrorMessage"]
