"""Tests for the target's default partitioning, and for the partitioning that table properties define."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.local_lakehouse.zero_etl.conftest import DATABASE_ARN, World
from tests.local_lakehouse.zero_etl.documented_behavior import covers


def _load(world: World, spec: list[dict[str, str]], *items: dict[str, Any], mode: str = "TOPLEVEL") -> str:
    world.create_table("Orders")
    for item in items:
        world.put("Orders", item)
    arn = world.integrate("Orders", mode, PartitionSpec=spec)
    world.refresh()
    return arn


def _spec(world: World) -> list[str]:
    table = world.table("orders")
    return [f"{field.name}:{field.transform}" for field in table.spec().fields]


def _folders(world: World) -> list[str]:
    return sorted(
        path.removeprefix("s3://lake-bucket/customerdb/orders/data/").rpartition("/")[0]
        for path in world.table("orders").inspect.files().column("file_path").to_pylist()
    )


@covers("default-bucket")
def test_default_partitioning_uses_buckets_of_the_hash_key(world: World) -> None:
    world.create_table("Orders", sort=("sk", "N"))
    for number in range(40):
        world.put("Orders", {"pk": {"S": f"k{number}"}, "sk": {"N": "1"}})
    world.integrate("Orders")
    world.refresh()
    assert _spec(world) == ["pk_bucket:bucket[16]"]
    assert len(_folders(world)) > 4
    before = set(world.table("orders").inspect.files().column("file_path").to_pylist())
    world.put("Orders", {"pk": {"S": "k1"}, "sk": {"N": "1"}, "x": {"S": "new"}})
    world.refresh()
    after = set(world.table("orders").inspect.files().column("file_path").to_pylist())
    assert len(before - after) == len(after - before) == 1


def test_table_with_numeric_hash_key_is_not_partitioned(world: World) -> None:
    world.create_table("Orders", kind="N")
    world.put("Orders", {"pk": {"N": "1"}})
    world.integrate("Orders")
    world.refresh()
    assert _spec(world) == []


@covers("partition-functions")
def test_identity_partitions_can_have_several_levels(world: World) -> None:
    _load(
        world,
        [{"FieldName": "State", "FunctionSpec": "identity"}, {"FieldName": "Kind"}],
        {"pk": {"S": "a"}, "State": {"S": "NY"}, "Kind": {"S": "x y"}},
        {"pk": {"S": "b"}, "State": {"S": "WA"}, "Kind": {"S": "x y"}},
    )
    assert _spec(world) == ["state:identity", "kind:identity"]
    assert _folders(world) == ["state=NY/kind=x+y", "state=WA/kind=x+y"]
    world.put("Orders", {"pk": {"S": "a"}, "State": {"S": "WA"}, "Kind": {"S": "z"}})
    world.refresh()
    assert world.rows("orders")[0] == {"pk": "a", "state": "WA", "kind": "z"}
    assert _folders(world) == ["state=WA/kind=x+y", "state=WA/kind=z"]


@pytest.mark.parametrize(
    ("function", "folder"),
    [("year", "2023"), ("month", "2023-01"), ("day", "2023-01-15"), ("hour", "2023-01-15-14")],
)
@pytest.mark.parametrize(
    ("conversion", "value"),
    [
        ("epoch_sec", {"N": "1673791200"}),
        ("epoch_milli", {"N": "1673791200000"}),
        ("iso", {"S": "2023-01-15T14:00:00Z"}),
        ("iso", {"S": "2023-01-15T16:00:00+02:00"}),
        ("iso", {"S": "2023-01-15T14:00:00"}),
    ],
)
@covers("partition-functions", "partition-conversions")
def test_time_partition_has_a_spec_and_folder(
    world: World, function: str, folder: str, conversion: str, value: dict[str, str]
) -> None:
    spec = [{"FieldName": "created_at", "FunctionSpec": function, "ConversionSpec": conversion}]
    _load(world, spec, {"pk": {"S": "a"}, "created_at": value})
    assert _spec(world) == [f"created_at_{function}:{function}"]
    assert _folders(world) == [f"created_at_{function}={folder}"]
    assert world.rows("orders") == [{"pk": "a", "created_at": datetime(2023, 1, 15, 14, tzinfo=UTC)}]
    assert str(world.table("orders").schema().find_field("created_at").field_type) == "timestamptz"


def test_one_field_can_have_two_time_functions(world: World) -> None:
    spec = [{"FieldName": "at", "FunctionSpec": function, "ConversionSpec": "iso"} for function in ("year", "month")]
    _load(world, spec, {"pk": {"S": "a"}, "at": {"S": "2023-01-15"}})
    assert _folders(world) == ["at_year=2023/at_month=2023-01"]
    world.put("Orders", {"pk": {"S": "a"}, "at": {"S": "2024-02-01"}})
    world.refresh()
    assert _folders(world) == ["at_year=2024/at_month=2024-02"]


def test_key_attribute_can_be_used_for_a_time_partition(world: World) -> None:
    world.create_table("Orders", sort=("at", "S"))
    key = {"pk": {"S": "a"}, "at": {"S": "2023-01-15"}}
    same = {"pk": {"S": "a"}, "at": {"S": "2023-01-15T00:00:00Z"}}
    world.put("Orders", key)
    world.put("Orders", {**same, "n": {"N": "1"}})
    world.integrate("Orders", PartitionSpec=[{"FieldName": "at", "FunctionSpec": "day", "ConversionSpec": "iso"}])
    world.refresh()
    assert len(world.rows("orders")) == 2
    world.delete("Orders", key)
    world.refresh()
    assert [row["n"] for row in world.rows("orders")] == [1.0]


@pytest.mark.parametrize(
    ("spec", "item", "code", "named"),
    [
        ([{"FieldName": "state"}], {}, "PARTITION_COLUMN_MISSING", "state"),
        ([{"FieldName": "m"}], {"m": {"M": {"x": {"S": "y"}}}}, "PARTITION_CONVERSION_FAILED", "m"),
        (
            [{"FieldName": "at", "FunctionSpec": "day", "ConversionSpec": "iso"}],
            {"at": {"S": "yesterday"}},
            "PARTITION_CONVERSION_FAILED",
            "yesterday",
        ),
        (
            [{"FieldName": "at", "FunctionSpec": "day", "ConversionSpec": "iso"}],
            {"at": {"N": "1673791200"}},
            "PARTITION_CONVERSION_FAILED",
            "at",
        ),
        (
            [{"FieldName": "at", "FunctionSpec": "day", "ConversionSpec": "epoch_milli"}],
            {"at": {"S": "2023-01-15"}},
            "PARTITION_CONVERSION_FAILED",
            "2023-01-15",
        ),
        (
            [{"FieldName": "at", "FunctionSpec": "day", "ConversionSpec": "epoch_sec"}],
            {"at": {"N": "1E+100"}},
            "PARTITION_CONVERSION_FAILED",
            "at",
        ),
    ],
)
@covers("partition-missing")
def test_integration_needs_attention_if_items_cannot_be_partitioned(
    world: World, spec: list[dict[str, str]], item: dict[str, Any], code: str, named: str
) -> None:
    arn = _load(world, spec, {"pk": {"S": "a"}, **item})
    assert world.codes(arn) == [code]
    assert named in world.describe(arn)["Errors"][0]["ErrorMessage"]


@covers("partition-missing")
def test_changes_are_delayed_until_missing_partition_value_is_added(world: World) -> None:
    arn = _load(world, [{"FieldName": "State"}], {"pk": {"S": "a"}, "State": {"S": "NY"}})
    world.put("Orders", {"pk": {"S": "b"}, "State": {"S": "WA"}})
    world.put("Orders", {"pk": {"S": "c"}})
    world.refresh()
    (error,) = world.describe(arn)["Errors"]
    assert error["ErrorCode"] == "PARTITION_COLUMN_MISSING"
    assert "State" in error["ErrorMessage"]
    assert "pk='c'" in error["ErrorMessage"]
    assert [row["pk"] for row in world.rows("orders")] == ["a"]
    world.put("Orders", {"pk": {"S": "c"}, "State": {"S": "TX"}})
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert [row["pk"] for row in world.rows("orders")] == ["a", "b", "c"]
    assert len(world.snapshots("orders")) == 2


def test_nounnest_mode_rejects_partitions_on_non_key_attributes(world: World) -> None:
    arn = _load(world, [{"FieldName": "State"}], {"pk": {"S": "a"}, "State": {"S": "NY"}}, mode="NOUNNEST")
    (error,) = world.describe(arn)["Errors"]
    assert error["ErrorCode"] == "PARTITION_COLUMN_MISSING"
    assert "or change the PartitionSpec or UnnestSpec" in error["ErrorMessage"]


def test_empty_table_is_partitioned_once_it_has_items(world: World) -> None:
    arn = _load(world, [{"FieldName": "State"}])
    assert world.status(arn) == "ACTIVE"
    world.put("Orders", {"pk": {"S": "a"}, "State": {"S": "NY"}})
    world.refresh()
    world.refresh()
    assert _spec(world) == ["state:identity"]
    assert world.rows("orders") == [{"pk": "a", "state": "NY"}]


@covers("layout-change")
def test_changed_partitioning_starts_a_full_load(world: World) -> None:
    arn = _load(world, [], {"pk": {"S": "a"}, "State": {"S": "NY"}})
    first = world.snapshots("orders")[-1].snapshot_id
    config = {"UnnestSpec": "TOPLEVEL", "PartitionSpec": [{"FieldName": "State"}]}
    world.call(
        "UpdateIntegrationTableProperties", ResourceArn=DATABASE_ARN, TableName="Orders", TargetTableConfig=config
    )
    world.refresh()
    assert world.status(arn) == "SYNCING"
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert _folders(world) == ["state=NY"]
    assert world.rows("orders", snapshot=first) == world.rows("orders")
