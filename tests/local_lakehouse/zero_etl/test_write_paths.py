"""Tests that the target reflects every kind of write to an item."""

from __future__ import annotations

from tests.local_lakehouse.zero_etl.conftest import World
from tests.local_lakehouse.zero_etl.documented_behavior import covers


@covers("every-write-path")
def test_partiql_statements_batches_and_transactions_are_replicated(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", {"pk": {"S": "a"}, "x": {"S": "old"}})
    world.integrate("Orders")
    world.refresh()
    world.dynamodb("ExecuteStatement", Statement="INSERT INTO \"Orders\" VALUE {'pk': 'one', 'x': 'new'}")
    world.dynamodb("BatchExecuteStatement", Statements=[{"Statement": "DELETE FROM \"Orders\" WHERE pk='a'"}])
    world.dynamodb(
        "ExecuteTransaction",
        TransactStatements=[{"Statement": "INSERT INTO \"Orders\" VALUE {'pk': 'three', 'x': 'new'}"}],
    )
    world.refresh()
    assert [row["pk"] for row in world.rows("orders")] == ["one", "three"]
    summary = world.snapshots("orders")[-1].summary
    assert (summary["zero-etl.inserted-rows"], summary["zero-etl.deleted-rows"]) == ("2", "1")


def test_request_without_an_effect_does_not_create_a_snapshot(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", {"pk": {"S": "a"}, "m": {"M": {"l": {"L": [{"N": "1"}]}}}, "b": {"B": b"x"}})
    world.integrate("Orders")
    world.refresh()
    world.changes.note("ExecuteTransaction", {"TransactStatements": [{"Statement": "SELECT * FROM Orders"}]})
    world.put("Orders", {"pk": {"S": "a"}, "m": {"M": {"l": {"L": [{"N": "1"}]}}}, "b": {"B": b"x"}})
    world.refresh()
    assert len(world.snapshots("orders")) == 1


def test_all_items_are_compared_after_table_is_restored(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", {"pk": {"S": "a"}})
    backup = world.dynamodb("CreateBackup", TableName="Orders", BackupName="before")["BackupDetails"]["BackupArn"]
    world.put("Orders", {"pk": {"S": "b"}})
    arn = world.integrate("Orders")
    world.refresh()
    world.dynamodb("DeleteTable", TableName="Orders")
    world.dynamodb("RestoreTableFromBackup", TargetTableName="Orders", BackupArn=backup)
    world.allow("Orders")
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert [row["pk"] for row in world.rows("orders")] == ["a"]


@covers("every-write-path")
def test_expired_item_is_deleted_from_the_target(world: World) -> None:
    world.create_table("Orders")
    now = int(world.clock.now)
    world.put("Orders", {"pk": {"S": "soon"}, "until": {"N": str(now + 10)}})
    world.put("Orders", {"pk": {"S": "later"}, "until": {"N": str(now + 1000)}})
    world.put("Orders", {"pk": {"S": "never"}, "until": {"S": "text"}})
    world.dynamodb(
        "UpdateTimeToLive",
        TableName="Orders",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"},
    )
    world.integrate("Orders")
    world.refresh()
    assert len(world.rows("orders")) == 3
    world.clock.now += 11
    world.refresh()
    assert [row["pk"] for row in world.rows("orders")] == ["later", "never"]
    assert world.snapshots("orders")[-1].summary["zero-etl.deleted-rows"] == "1"
