"""Tests for the first load, and for refreshes that create one snapshot each."""

from __future__ import annotations

import json

from tests.local_lakehouse.zero_etl.conftest import DATABASE, World
from tests.local_lakehouse.zero_etl.documented_behavior import covers


def _item(key: str, **numbers: int) -> dict[str, dict[str, str]]:
    return {"pk": {"S": key}, **{name: {"N": str(number)} for name, number in numbers.items()}}


@covers("creating-active")
def test_first_load_starts_when_the_integration_becomes_active(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", _item("a", qty=1))
    arn = world.integrate("Orders")
    world.service.tick()
    assert world.status(arn) == "CREATING"
    world.service.tick()
    assert world.status(arn) == "ACTIVE"
    assert world.rows("orders") == [{"pk": "a", "qty": 1.0}]
    assert [snapshot.summary.operation.value for snapshot in world.snapshots("orders")] == ["append"]


@covers("insert-update-delete", "new-attribute")
def test_refresh_creates_one_snapshot_only_if_there_are_changes(world: World) -> None:
    world.create_table("Orders")
    for key in "abcdefgh":
        world.put("Orders", _item(key, qty=1))
    world.integrate("Orders")
    world.refresh()
    world.put("Orders", _item("new", qty=7, extra=5))
    world.put("Orders", _item("a", qty=2))
    world.delete("Orders", {"pk": {"S": "b"}})
    world.refresh()
    world.refresh()
    assert len(world.snapshots("orders")) == 2
    rows = {row["pk"]: row for row in world.rows("orders")}
    assert rows["new"] == {"pk": "new", "qty": 7.0, "extra": 5.0}
    assert rows["a"] == {"pk": "a", "qty": 2.0, "extra": None}
    assert set(rows) == {*"acdefgh", "new"}
    summary = world.snapshots("orders")[-1].summary
    assert (summary["zero-etl.inserted-rows"], summary["zero-etl.updated-rows"], summary["zero-etl.deleted-rows"]) == (
        "1",
        "1",
        "1",
    )
    assert summary["total-records"] == "8"


@covers("old-snapshots")
def test_earlier_snapshots_keep_their_rows(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", _item("a", qty=1))
    world.integrate("Orders")
    world.refresh()
    before = world.table("orders").current_snapshot().snapshot_id
    world.put("Orders", _item("b", later=2))
    world.delete("Orders", {"pk": {"S": "a"}})
    world.refresh()
    assert world.rows("orders", snapshot=before) == [{"pk": "a", "qty": 1.0}]
    assert world.rows("orders") == [{"pk": "b", "qty": None, "later": 2.0}]


@covers("final-state")
def test_only_final_state_appears_after_several_writes_to_one_key(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", _item("a", qty=1))
    world.integrate("Orders")
    world.refresh()
    world.put("Orders", _item("a", qty=2))
    world.put("Orders", _item("a", qty=3))
    world.put("Orders", _item("gone", qty=1))
    world.delete("Orders", {"pk": {"S": "gone"}})
    world.refresh()
    assert world.rows("orders") == [{"pk": "a", "qty": 3.0}]
    assert len(world.snapshots("orders")) == 2


@covers("iceberg-glue-table")
def test_glue_table_has_the_documented_parameters(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", _item("a", qty=1))
    arn = world.integrate("Orders")
    world.refresh()
    table = world.clients.client("glue").get_table(DatabaseName=DATABASE, Name="orders")["Table"]
    identity = arn.rpartition(":")[2]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["Parameters"]["table_type"] == "ICEBERG"
    assert table["Parameters"]["glue_integration_id"].startswith(f"{identity}_")
    assert table["StorageDescriptor"]["Location"] == "s3://lake-bucket/customerdb/orders"
    assert table["Parameters"]["metadata_location"].startswith("s3://lake-bucket/customerdb/orders/metadata/00000-")
    assert [file.file_format for file in world.table("orders").inspect.files().to_pandas().itertuples()] == ["PARQUET"]
    assert world.table("orders").format_version == 2


@covers("log-messages", "metrics")
def test_ingestion_writes_logs_and_metrics(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", _item("a", qty=1))
    arn = world.integrate("Orders")
    world.refresh()
    events = world.clients.client("logs").get_log_events(
        logGroupName="/aws-glue/zeroETL-integrations/logs/", logStreamName=arn.rpartition(":")[2]
    )["events"]
    messages = [json.loads(event["message"]) for event in events]
    assert [message["messageType"] for message in messages] == [
        "IngestionStarted",
        "IngestionProcessingStats",
        "IngestionCompleted",
    ]
    assert all(message["integrationArn"] == arn for message in messages)
    assert messages[1]["details"] == {"tableName": "orders", "insert_count": 1, "update_count": 0, "delete_count": 0}
    assert messages[2]["details"]["lastSyncedTimestamp"] == str(int(world.clock.now * 1000))
    metrics = world.clients.client("cloudwatch").list_metrics(Namespace="AWS/Glue/ZeroETL")["Metrics"]
    assert {metric["MetricName"] for metric in metrics} == {
        "InsertCount",
        "UpdateCount",
        "DeleteCount",
        "IngestionSucceeded",
        "LastSyncTimestamp",
    }


def test_empty_source_creates_a_table_with_the_key_columns(world: World) -> None:
    world.create_table("Orders", "pk", "N", ("sk", "B"))
    arn = world.integrate("Orders")
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert [(field.name, str(field.field_type)) for field in world.table("orders").schema().fields] == [
        ("pk", "double"),
        ("sk", "binary"),
    ]
    assert world.rows("orders") == []
