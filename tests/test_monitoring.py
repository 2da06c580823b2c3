import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.fakes import FakeOperation
from zetl_helpers import _arrival, integration, lakehouse, monitoring, permissions, source
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab


@pytest.fixture
def evolved_lab(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """Provide a lab after chapter 6."""
    chapters.catch_up(lab, 3)
    integration.wait_until_synced(lab, chapters.apply_changes(lab), timeout=30)
    return lab


def test_log_events_report_changes_in_each_ingestion(evolved_lab: Lab) -> None:
    events = monitoring.log_events(evolved_lab)
    stats = events[events["messageType"] == "IngestionProcessingStats"]
    first = stats.iloc[0]
    assert (first["inserts"], first["updates"], first["deletes"]) == (25, 0, 0)
    rest = stats.iloc[1:]
    assert (rest["inserts"].sum(), rest["updates"].sum(), rest["deletes"].sum()) == (1, 1, 1)


def test_metrics_match_log_events(evolved_lab: Lab) -> None:
    sums = monitoring.metrics(evolved_lab).groupby("metric")["sum"].sum()
    assert (sums["InsertCount"], sums["UpdateCount"], sums["DeleteCount"]) == (26, 1, 1)
    assert "IngestionFailed" not in sums, "the metric is emitted only if an ingestion fails"


def test_freshness_is_measured_from_latest_ingestion(evolved_lab: Lab) -> None:
    assert 0 <= monitoring.freshness(evolved_lab).total_seconds() < 60
    ingestions = monitoring.ingestions(evolved_lab)
    assert (ingestions["completed_at"] >= ingestions["last_synced_at"]).all()


def test_create_alarm_is_idempotent_and_covers_both_load_types(evolved_lab: Lab) -> None:
    assert [monitoring.create_alarm(evolved_lab).did, monitoring.create_alarm(evolved_lab).did] == [
        "created",
        "already there",
    ]
    name = monitoring.alarm_name(evolved_lab)
    alarm = evolved_lab.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    arn = integration.require(evolved_lab)["IntegrationArn"]
    watched = [metric["MetricStat"]["Metric"]["Dimensions"] for metric in alarm["Metrics"] if "MetricStat" in metric]
    assert [{"Name": "integrationArn", "Value": arn} in dimensions for dimensions in watched] == [True, True]
    kinds = [
        dimension["Value"] for dimensions in watched for dimension in dimensions if dimension["Name"] == "loadType"
    ]
    assert kinds == ["FULL_LOAD", "INCREMENTAL_LOAD"]
    assert monitoring.alarm_state(evolved_lab) == "OK", "without a failure, there is no data and no alarm"


def test_alarm_fires_when_refresh_fails(evolved_lab: Lab) -> None:
    monitoring.create_alarm(evolved_lab)
    permissions.limit_target_role(evolved_lab, "s3:PutObject")
    evolved_lab.client("dynamodb").put_item(
        TableName=evolved_lab.table,
        Item={"CustomerID": {"S": "CUST9002"}, "AccountNumber": {"S": "A"}, "State": {"S": "NV"}},
    )
    integration.wait_until_attention(evolved_lab, timeout=30)
    assert monitoring.wait_for_alarm(evolved_lab, timeout=30).startswith(
        "Threshold Crossed: 1 datapoint [1.0] was greater"
    )
    sums = monitoring.metrics(evolved_lab).set_index(["metric", "loadType"])["sum"]
    assert sums["IngestionFailed", "INCREMENTAL_LOAD"] == 1
    assert ("IngestionFailed", "FULL_LOAD") not in sums


def test_alarm_fires_when_first_load_fails(lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(lab, 2)
    permissions.limit_target_role(lab, "s3:PutObject")
    integration.set_target_role(lab)
    integration.create(lab)
    monitoring.create_alarm(lab)
    integration.wait_until_attention(lab, timeout=30)
    assert monitoring.wait_for_alarm(lab, timeout=30)


def test_event_pattern_matches_only_failures(evolved_lab: Lab) -> None:
    events, logs = evolved_lab.client("events"), evolved_lab.client("logs")
    logs.create_log_group(logGroupName="/aws/events/failures")
    arn = f"arn:aws:logs:us-east-1:{evolved_lab.account}:log-group:/aws/events/failures"
    events.put_rule(Name="failures", EventPattern=json.dumps(monitoring.event_pattern()))
    events.put_targets(Rule="failures", Targets=[{"Id": "log", "Arn": arn}])
    evolved_lab.client("dynamodb").delete_resource_policy(ResourceArn=evolved_lab.table_arn)
    integration.wait_until_attention(evolved_lab, timeout=30)
    source.put_policy(evolved_lab)
    integration.wait_until_recovered(evolved_lab, timeout=60)
    received = logs.filter_log_events(logGroupName="/aws/events/failures")["events"]
    kinds = {json.loads(entry["message"])["detail-type"] for entry in received}
    assert kinds == {"Glue Zero ETL Ingestion Failed", "Glue Zero ETL Integration Needs Attention"}


@pytest.mark.parametrize("slash", ["", "/", "/{id}"])
def test_finds_log_group_with_any_suffix(lab: Lab, lakehouse_ticks: Lakehouse, slash: str) -> None:
    create_without_telemetry(lab, "logs", "cloudwatch")
    found = integration.integration_id(lab)
    group = "/aws-glue/zeroETL-integrations/logs" + slash.format(id=found)
    stream = "a-table" if "id" in slash else found
    now = int(time.time() * 1000)
    message = {
        "messageType": "IngestionCompleted",
        "details": {
            "tableName": lab.target_table,
            "message": "Ingestion Job completed",
            "lastSyncedTimestamp": str(now),
        },
    }
    logs = lab.client("logs")
    # Another owner's integration has a log stream and a log group with similar names.
    for name, streams in ((group, [stream, f"{found}x"]), (f"/aws-glue/zeroETL-integrations/logs/{found}x", ["a"])):
        logs.create_log_group(logGroupName=name)
        for entry in streams:
            logs.create_log_stream(logGroupName=name, logStreamName=entry)
    logs.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": now, "message": json.dumps(message)}],
    )
    assert monitoring.log_events(lab)["messageType"].tolist() == ["IngestionCompleted"]
    assert integration.last_sync(lab) == datetime.fromtimestamp(now / 1000, UTC)


@pytest.mark.parametrize("denied_services", [("logs",), ("logs", "cloudwatch")])
def test_detects_sync_without_logs_or_metrics(
    lab: Lab, lakehouse_ticks: Lakehouse, monkeypatch: pytest.MonkeyPatch, denied_services: tuple[str, ...]
) -> None:
    monkeypatch.setattr(_arrival, "_GRACE", timedelta())
    create_without_telemetry(lab, *denied_services)
    table = integration.wait_until_loaded(lab, timeout=30)
    assert table["Name"] == lab.target_table
    since = chapters.apply_changes(lab)
    assert integration.wait_until_synced(lab, since, timeout=30) >= since
    assert lakehouse.query(lab, "SELECT count(*) AS n FROM customeraccounts")["n"].tolist() == [25]
    assert monitoring.log_events(lab).empty


def test_last_sync_uses_metrics_if_log_access_is_denied(evolved_lab: Lab) -> None:
    expected = integration.last_sync(evolved_lab)
    FakeOperation(evolved_lab, "logs", "DescribeLogGroups").fail("AccessDeniedException", times=9)
    assert integration.last_sync(evolved_lab) == expected


def create_without_telemetry(lab: Lab, *services: str) -> None:
    """Create an integration whose target role is not allowed to write telemetry to these services."""
    chapters.catch_up(lab, 2)
    kept = permissions.render(lab, "target_role_permissions")
    actions = [
        action
        for statement in kept["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action.startswith(tuple(f"{service}:" for service in services))
    ]
    permissions.limit_target_role(lab, *actions)
    integration.set_target_role(lab)
    integration.set_table_properties(lab, unnest="TOPLEVEL", partition_by=chapters.PARTITION_BY)
    integration.create(lab)


def test_freshness_raises_error_before_first_ingestion(lab: Lab) -> None:
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    integration.create(lab)
    assert monitoring.log_events(lab).empty
    assert monitoring.metrics(lab).empty
    with pytest.raises(integration.IntegrationError, match="hasn't ingested anything yet"):
        monitoring.freshness(lab)
