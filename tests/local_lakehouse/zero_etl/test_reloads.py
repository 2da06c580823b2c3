"""Tests for targets that must be loaded again, because a load failed or another writer changed the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, LongType, NestedField

from local_lakehouse.iceberg.catalog import load_catalog
from tests.local_lakehouse.zero_etl.conftest import BUCKET, DATABASE, DATABASE_ARN, World, table_arn

Break = Callable[[World], object]


def _loaded(world: World, *items: dict[str, Any], mode: str = "TOPLEVEL", **more: Any) -> str:
    world.create_table("Orders", **more)
    for item in items or ({"pk": {"S": "a"}},):
        world.put("Orders", item)
    arn = world.integrate("Orders", mode)
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    return arn


def _configure(world: World, **config: Any) -> None:
    world.call(
        "UpdateIntegrationTableProperties", ResourceArn=DATABASE_ARN, TableName="Orders", TargetTableConfig=config
    )


def _reload(world: World, arn: str) -> None:
    """Run the refresh that finds the problem, and then the load."""
    world.refresh()
    assert world.status(arn) == "SYNCING"
    world.refresh()
    assert world.status(arn) == "ACTIVE"


def _foreign_table(world: World, name: str) -> None:
    schema = Schema(
        NestedField(1, "own", LongType(), required=False), NestedField(2, "pk", DoubleType(), required=False)
    )
    load_catalog(world.clients).create_table((DATABASE, name), schema, f"s3://{BUCKET}/elsewhere")


def _partition_by_a_missing_attribute(world: World) -> None:
    _configure(world, UnnestSpec="TOPLEVEL", PartitionSpec=[{"FieldName": "state", "FunctionSpec": "identity"}])


def _write_to_a_foreign_table(world: World) -> None:
    _foreign_table(world, "taken")
    _configure(world, UnnestSpec="TOPLEVEL", TargetTableName="taken")


def _no_restart(world: World) -> None:
    """Continue in the same process."""


def _restart(world: World) -> None:
    saved = world.service.dump()
    world.restart()
    world.service.load(saved)


def _restart_from_an_earlier_version(world: World) -> None:
    saved = world.service.dump()
    for name, document in saved.items():
        if name.startswith("integration/"):
            del document["reload"]
    world.restart()
    world.service.load(saved)


@pytest.mark.parametrize("restart", [_no_restart, _restart, _restart_from_an_earlier_version])
@pytest.mark.parametrize("misconfigure", [_partition_by_a_missing_attribute, _write_to_a_foreign_table])
def test_write_before_a_failed_load_arrives_after_the_properties_are_restored(
    world: World, misconfigure: Break, restart: Break
) -> None:
    arn = _loaded(world)
    misconfigure(world)
    world.refresh()
    world.put("Orders", {"pk": {"S": "b"}})
    world.refresh()
    assert world.status(arn) == "NEEDS_ATTENTION"
    restart(world)

    _configure(world, UnnestSpec="TOPLEVEL")
    world.refresh()

    assert world.status(arn) == "ACTIVE"
    assert [row["pk"] for row in world.rows("orders")] == ["a", "b"]


def test_failing_loads_back_off_and_fail_after_seven_days(world: World) -> None:
    arn = _loaded(world)
    _partition_by_a_missing_attribute(world)
    loads: list[float] = []
    load = world.service._lifecycle._replicator.load
    world.service._lifecycle._replicator.load = lambda *given, **named: (  # type: ignore[method-assign]
        loads.append(world.clock.now) or load(*given, **named)  # type: ignore[func-returns-value]
    )
    start = world.clock.now
    statuses = set()
    for _ in range(30):
        world.service.tick()
        world.clock.now += 1
        statuses.add(world.status(arn))

    assert [moment - start for moment in loads] == [1, 2, 4, 8, 16, 24]
    assert statuses == {"SYNCING", "NEEDS_ATTENTION"}
    world.clock.now = start + 7 * 24 * 3600 + 1
    world.service.tick()
    assert world.status(arn) == "FAILED"


def test_integration_tries_again_before_it_fails_after_seven_days(world: World) -> None:
    arn = _loaded(world)
    _partition_by_a_missing_attribute(world)
    world.refresh()
    world.refresh()
    assert world.status(arn) == "NEEDS_ATTENTION"
    # The lakehouse is stopped for a week. In the meantime, the cause is fixed.
    world.clock.now += 8 * 24 * 3600
    _configure(world, UnnestSpec="TOPLEVEL")
    world.service.tick()

    assert world.status(arn) == "ACTIVE"


def test_failure_after_seven_days_is_reported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = _loaded(world)
    _partition_by_a_missing_attribute(world)
    events: list[str] = []
    monkeypatch.setattr(world.service._lifecycle._telemetry, "event", lambda _run, what, _details: events.append(what))
    world.refresh()
    world.refresh()
    world.clock.now += 8 * 24 * 3600
    world.service.tick()

    assert world.status(arn) == "FAILED"
    found = [event for event in events if event.startswith("Integration ")]
    assert found == ["Integration Needs Attention", "Integration Failed"]


NAMES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("TOPLEVEL", {"Name": {"S": "x"}}, {"name": {"S": "y"}}),
    ("FULL", {"a.b": {"S": "x"}}, {"a": {"M": {"b": {"S": "y"}}}}),
    ("FULL", {"a": {"M": {"B": {"S": "x"}}}}, {"a": {"M": {"b": {"S": "y"}}}}),
    ("TOPLEVEL", {"a": {"M": {"B": {"S": "x"}}}}, {"a": {"M": {"b": {"S": "y"}}}}),
    ("NOUNNEST", {"Name": {"S": "x"}}, {"name": {"S": "y"}}),
]


@pytest.mark.parametrize(("mode", "one", "other"), NAMES)
def test_integration_recovers_after_the_attribute_is_renamed_in_every_item(
    world: World, mode: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    arn = _loaded(world, {"pk": {"S": "a"}, **one}, mode=mode)
    world.put("Orders", {"pk": {"S": "b"}, **other})
    for _ in range(3):
        world.refresh()
        assert world.codes(arn) == ["COLUMN_NAME_CONFLICT"]

    world.put("Orders", {"pk": {"S": "a"}, **other})
    _reload(world, arn)

    # The target is the same as after a first load of these items.
    world.create_table("Fresh")
    for key in "ab":
        world.put("Fresh", {"pk": {"S": key}, **other})
    world.integrate("Fresh", mode)
    world.refresh()
    assert world.rows("orders") == world.rows("fresh")


def test_conflict_with_the_partition_column_is_reported(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", {"pk": {"S": "a"}, "State": {"S": "CA"}})
    arn = world.integrate("Orders", PartitionSpec=[{"FieldName": "State", "FunctionSpec": "identity"}])
    world.refresh()
    world.put("Orders", {"pk": {"S": "b"}, "State": {"S": "CA"}, "STATE": {"S": "NV"}})
    world.refresh()
    assert world.codes(arn) == ["COLUMN_NAME_CONFLICT"]

    # A first load reports the same problem.
    world.call("DeleteIntegration", IntegrationIdentifier=arn)
    world.refresh()
    world.clients.client("glue").delete_table(DatabaseName=DATABASE, Name="orders")
    again = world.call(
        "CreateIntegration", IntegrationName="again", SourceArn=table_arn("Orders"), TargetArn=DATABASE_ARN
    )["IntegrationArn"]
    world.refresh()
    assert world.codes(again) == ["COLUMN_NAME_CONFLICT"]


@pytest.mark.parametrize(
    "change",
    [
        lambda update: update.delete_column("qty"),
        lambda update: update.rename_column("qty", "amount"),
        lambda update: update.rename_column("sk", "sort"),
    ],
    ids=["dropped column", "renamed column", "renamed key"],
)
def test_table_is_loaded_again_after_another_writer_removed_a_column(world: World, change: Any) -> None:
    items = [{"pk": {"S": "a"}, "sk": {"S": key}, "qty": {"N": key}} for key in "12"]
    arn = _loaded(world, *items, sort=("sk", "S"))
    with world.table("orders").update_schema(allow_incompatible_changes=True) as update:
        change(update)

    world.put("Orders", {"pk": {"S": "a"}, "sk": {"S": "1"}, "qty": {"N": "7"}})
    _reload(world, arn)

    found = [(row["sk"], row["qty"]) for row in world.rows("orders", "sk")]
    assert found == [("1", 7.0), ("2", 2.0)]


def test_order_of_the_columns_does_not_matter(world: World) -> None:
    items = [{"pk": {"S": "a"}, "sk": {"N": key}, "qty": {"N": key}} for key in "12"]
    arn = _loaded(world, *items, sort=("sk", "N"))
    with world.table("orders").update_schema() as update:
        update.move_first("sk")

    world.put("Orders", {"pk": {"S": "a"}, "sk": {"N": "1"}, "qty": {"N": "7"}})
    world.delete("Orders", {"pk": {"S": "a"}, "sk": {"N": "2"}})
    world.refresh()

    assert world.status(arn) == "ACTIVE"
    assert [(row["sk"], row["qty"]) for row in world.rows("orders")] == [(1.0, 7.0)]


def test_refresh_does_not_write_to_a_table_that_replaced_the_target(world: World) -> None:
    arn = _loaded(world, {"pk": {"N": "1"}}, kind="N")
    world.clients.client("glue").delete_table(DatabaseName=DATABASE, Name="orders")
    _foreign_table(world, "orders")

    world.put("Orders", {"pk": {"N": "2"}})
    for _ in range(2):
        world.refresh()

    assert world.codes(arn) == ["TARGET_TABLE_CONFLICT"]
    assert world.rows("orders") == []
    world.clients.client("glue").delete_table(DatabaseName=DATABASE, Name="orders")
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert [row["pk"] for row in world.rows("orders")] == [1.0, 2.0]


def test_missing_encryption_key_needs_attention(world: World) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    world.create_table("Orders", SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    arn = world.integrate("Orders")
    world.refresh()

    assert world.codes(arn) == ["SOURCE_ENCRYPTION_KEY_NOT_FOUND"]


def test_unexpected_error_of_a_check_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = _loaded(world)

    def fail(*_: object) -> None:
        raise LookupError("no such thing")

    monkeypatch.setattr(world.service._lifecycle.checks, "problems", fail)
    world.refresh()

    (error,) = world.describe(arn)["Errors"]
    assert error["ErrorCode"] == "INTERNAL_ERROR"
    assert "LookupError: no such thing" in error["ErrorMessage"]
