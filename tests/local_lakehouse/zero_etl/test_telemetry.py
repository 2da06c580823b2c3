"""Tests for events, metrics and logs about refreshes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.local_lakehouse.zero_etl.conftest import ACCOUNT, DATABASE_ARN, REGION, ROLE_ARN, World
from tests.local_lakehouse.zero_etl.documented_behavior import covers

BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/zetl"


@dataclass
class SentEvents:
    """An account with a table, and all events that zero-ETL has sent."""

    world: World
    events: list[dict[str, Any]] = field(default_factory=list)

    def kinds(self) -> list[str]:
        return [event["DetailType"].removeprefix("Glue Zero ETL ") for event in self.events]


@pytest.fixture
def sent_events(world: World, monkeypatch: pytest.MonkeyPatch) -> SentEvents:
    sent_events = SentEvents(world)
    client = world.clients.client("events")
    client.create_event_bus(Name="zetl")
    put_events = client.put_events

    def put(Entries: list[dict[str, Any]]) -> Any:  # noqa: N803  (boto3 defines the name.)
        answer = put_events(Entries=Entries)
        sent_events.events += Entries
        return answer

    monkeypatch.setattr(client, "put_events", put)
    world.create_table("Orders")
    world.put("Orders", {"pk": {"S": "a"}, "x": {"N": "1"}})
    return sent_events


@covers("events")
def test_ingestion_sends_an_event(sent_events: SentEvents) -> None:
    arn = sent_events.world.integrate("Orders")
    sent_events.world.refresh()
    (event,) = sent_events.events
    assert event["Source"] == "aws.glue-zero-etl"
    assert event["DetailType"] == "Glue Zero ETL Ingestion Completed"
    assert event["Resources"] == [arn]
    assert json.loads(event["Detail"]) == {"integrationArn": arn, "tableName": "orders"}
    assert "EventBusName" not in event


def test_events_are_sent_for_problems_and_resyncs(sent_events: SentEvents) -> None:
    sent_events.world.integrate("Orders")
    sent_events.world.refresh()
    sent_events.world.put("Orders", {"pk": {"S": "a"}, "x": {"S": "one"}})
    sent_events.world.refresh()
    sent_events.world.refresh()
    sent_events.world.put("Orders", {"pk": {"S": "b"}, "X": {"S": "one"}})
    sent_events.world.refresh()
    sent_events.world.put("Orders", {"pk": {"S": "b"}, "a:b": {"S": "one"}})
    sent_events.world.refresh()
    assert sent_events.kinds() == [
        "Ingestion Completed",
        "Ingestion Completed",
        "Integration Resynced",
        "Ingestion Failed",
        "Integration Needs Attention",
        "Ingestion Failed",
        "Integration Failed",
    ]


def test_events_are_sent_to_the_bus_in_the_resource_property(sent_events: SentEvents) -> None:
    properties = {"RoleArn": ROLE_ARN, "EventBusArn": BUS}
    sent_events.world.call(
        "CreateIntegrationResourceProperty", ResourceArn=DATABASE_ARN, TargetProcessingProperties=properties
    )
    sent_events.world.integrate("Orders")
    sent_events.world.refresh()
    assert [event["EventBusName"] for event in sent_events.events] == [BUS]


def test_missing_event_bus_does_not_stop_the_load(sent_events: SentEvents) -> None:
    properties = {"RoleArn": ROLE_ARN, "EventBusArn": BUS + "-gone"}
    sent_events.world.call(
        "CreateIntegrationResourceProperty", ResourceArn=DATABASE_ARN, TargetProcessingProperties=properties
    )
    arn = sent_events.world.integrate("Orders")
    sent_events.world.refresh()
    assert sent_events.world.status(arn) == "ACTIVE"
    assert len(sent_events.world.rows("orders")) == 1


def _sum(world: World, arn: str, metric: str, load_type: str) -> float:
    now = datetime.fromtimestamp(world.clock.now, UTC)
    points = world.clients.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Glue/ZeroETL",
        MetricName=metric,
        Dimensions=[
            {"Name": "integrationArn", "Value": arn},
            {"Name": "loadType", "Value": load_type},
            {"Name": "tableName", "Value": "orders"},
        ],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


@pytest.mark.parametrize("written_meanwhile", [True, False])
def test_sync_timestamp_covers_only_replicated_writes(
    sent_events: SentEvents, monkeypatch: pytest.MonkeyPatch, written_meanwhile: bool
) -> None:
    world = sent_events.world
    arn = world.integrate("Orders")
    world.refresh()
    world.put("Orders", {"pk": {"S": "b"}})
    began = world.clock.now
    put_object = world.clients.client("s3").put_object

    def slowly(**request: Any) -> Any:
        world.clock.now += 5
        if written_meanwhile:
            world.put("Orders", {"pk": {"S": "c"}})
        return put_object(**request)

    monkeypatch.setattr(world.clients.client("s3"), "put_object", slowly)
    world.refresh()
    stream = arn.rpartition(":")[2]
    events = world.clients.client("logs").get_log_events(
        logGroupName="/aws-glue/zeroETL-integrations/logs/", logStreamName=stream
    )["events"]
    synced = int(json.loads(events[-1]["message"])["details"]["lastSyncedTimestamp"])
    # If no write occurs during the refresh, the sync time is the end of the refresh, because a client may be
    # waiting for the sync time to advance.
    assert synced == int((began if written_meanwhile else world.clock.now) * 1000)


@covers("metrics", "insert-update-delete")
def test_metrics_count_rows_and_ingestions(sent_events: SentEvents) -> None:
    arn = sent_events.world.integrate("Orders")
    sent_events.world.refresh()
    sent_events.world.put("Orders", {"pk": {"S": "a"}, "x": {"N": "2"}})
    sent_events.world.put("Orders", {"pk": {"S": "b"}, "x": {"N": "2"}})
    sent_events.world.put("Orders", {"pk": {"S": "c"}, "x": {"N": "2"}})
    sent_events.world.refresh()
    sent_events.world.refresh()
    assert _sum(sent_events.world, arn, "InsertCount", "FULL_LOAD") == 1
    assert _sum(sent_events.world, arn, "InsertCount", "INCREMENTAL_LOAD") == 2
    assert _sum(sent_events.world, arn, "UpdateCount", "INCREMENTAL_LOAD") == 1
    assert _sum(sent_events.world, arn, "IngestionSucceeded", "INCREMENTAL_LOAD") == 1
    assert _sum(sent_events.world, arn, "LastSyncTimestamp", "INCREMENTAL_LOAD") == int(
        sent_events.world.clock.now * 1000
    )


def test_refresh_without_changes_writes_nothing(sent_events: SentEvents) -> None:
    arn = sent_events.world.integrate("Orders")
    sent_events.world.refresh()
    group = "/aws-glue/zeroETL-integrations/logs/"
    stream = arn.rpartition(":")[2]
    logs = sent_events.world.clients.client("logs")
    before = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    for _ in range(3):
        sent_events.world.refresh()
    assert logs.get_log_events(logGroupName=group, logStreamName=stream)["events"] == before
    assert len(sent_events.world.snapshots("orders")) == 1
    assert sent_events.kinds() == ["Ingestion Completed"]
