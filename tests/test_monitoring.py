import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.fakes import Answers
from zetl_helpers import _arrival, integration, lakehouse, monitoring, permissions, source
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab


@pytest.fixture
def evolved(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """Provide a lab after chapter 6."""
    chapters.catch_up(lab, 3)
    integration.wait_until_synced(lab, chapters.apply_changes(lab), timeout=30)
    return lab


def test_the_log_tells_what_each_ingestion_did(evolved: Lab) -> None:
    events = monitoring.log_events(evolved)
    stats = events[events["messageType"] == "IngestionProcessingStats"]
    first = stats.iloc[0]
    assert (first["inserts"], first["updates"], first["deletes"]) == (25, 0, 0)
    rest = stats.iloc[1:]
    assert (rest["inserts"].sum(), rest["updates"].sum(), rest["deletes"].sum()) == (1, 1, 1)


def test_the_metrics_say_the_same(evolved: Lab) -> None:
    sums = monitoring.metrics(evolved).groupby("metric")["sum"].sum()
    assert (sums["InsertCount"], sums["UpdateCount"], sums["DeleteCount"]) == (26, 1, 1)
    assert "IngestionFailed" not in sums, "the metric is emitted only if an ingestion fails"


def test_freshness_is_counted_from_the_newest_ingestion(evolved: Lab) -> None:
    assert 0 <= monitoring.freshness(evolved).total_seconds() < 60
    ingestions = monitoring.ingestions(evolved)
    assert (ingestions["completed_at"] >= ingestions["last_synced_at"]).all()


def test_the_alarm_is_made_once_and_covers_every_load_type(evolved: Lab) -> None:
    assert [monitoring.create_alarm(evolved).did, monitoring.create_alarm(evolved).did] == ["created", "already there"]
    name = monitoring.alarm_name(evolved)
    alarm = evolved.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    arn = integration.require(evolved)["IntegrationArn"]
    watched = [metric["MetricStat"]["Metric"]["Dimensions"] for metric in alarm["Metrics"] if "MetricStat" in metric]
    assert [{"Name": "integrationArn", "Value": arn} in dimensions for dimensions in watched] == [True, True]
    kinds = [
        dimension["Value"] for dimensions in watched for dimension in dimensions if dimension["Name"] == "loadType"
    ]
    assert kinds == ["FULL_LOAD", "INCREMENTAL_LOAD"]
    assert monitoring.alarm_state(evolved) == "OK", "without a failure, there is no data and no alarm"


def test_the_alarm_goes_off_at_a_failing_refresh(evolved: Lab) -> None:
    monitoring.create_alarm(evolved)
    permissions.limit_target_role(evolved, "s3:PutObject")
    evolved.client("dynamodb").put_item(
        TableName=evolved.table,
        Item={"CustomerID": {"S": "CUST9002"}, "AccountNumber": {"S": "A"}, "State": {"S": "NV"}},
    )
    integration.wait_until_attention(evolved, timeout=30)
    assert monitoring.wait_for_alarm(evolved, timeout=30).startswith("Threshold Crossed: 1 datapoint [1.0] was greater")
    sums = monitoring.metrics(evolved).set_index(["metric", "loadType"])["sum"]
    assert sums["IngestionFailed", "INCREMENTAL_LOAD"] == 1
    assert ("IngestionFailed", "FULL_LOAD") not in sums


def test_the_alarm_goes_off_when_the_first_load_fails(lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(lab, 2)
    permissions.limit_target_role(lab, "s3:PutObject")
    integration.set_target_role(lab)
    integration.create(lab)
    monitoring.create_alarm(lab)
    integration.wait_until_attention(lab, timeout=30)
    assert monitoring.wait_for_alarm(lab, timeout=30)


def test_events_of_failures_match_the_pattern_and_others_do_not(evolved: Lab) -> None:
    events, logs = evolved.client("events"), evolved.client("logs")
    logs.create_log_group(logGroupName="/aws/events/failures")
    arn = f"arn:aws:logs:us-east-1:{evolved.account}:log-group:/aws/events/failures"
    events.put_rule(Name="failures", EventPattern=json.dumps(monitoring.event_pattern()))
    events.put_targets(Rule="failures", Targets=[{"Id": "log", "Arn": arn}])
    evolved.client("dynamodb").delete_resource_policy(ResourceArn=evolved.table_arn)
    integration.wait_until_attention(evolved, timeout=30)
    source.put_policy(evolved)
    integration.wait_until_recovered(evolved, timeout=60)
    received = logs.filter_log_events(logGroupName="/aws/events/failures")["events"]
    kinds = {json.loads(entry["message"])["detail-type"] for entry in received}
    assert kinds == {"Glue Zero ETL Ingestion Failed", "Glue Zero ETL Integration Needs Attention"}


@pytest.mark.parametrize("slash", ["", "/", "/{id}"])
def test_the_log_is_found_in_each_spelling_of_its_group(lab: Lab, lakehouse_ticks: Lakehouse, slash: str) -> None:
    silence(lab, "logs", "cloudwatch")
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


@pytest.mark.parametrize("silenced", [("logs",), ("logs", "cloudwatch")])
def test_arrival_is_known_without_logs_and_without_metrics(
    lab: Lab, lakehouse_ticks: Lakehouse, monkeypatch: pytest.MonkeyPatch, silenced: tuple[str, ...]
) -> None:
    monkeypatch.setattr(_arrival, "_GRACE", timedelta())
    silence(lab, *silenced)
    table = integration.wait_until_loaded(lab, timeout=30)
    assert table["Name"] == lab.target_table
    since = chapters.apply_changes(lab)
    assert integration.wait_until_synced(lab, since, timeout=30) >= since
    assert lakehouse.query(lab, "SELECT count(*) AS n FROM customeraccounts")["n"].tolist() == [25]
    assert monitoring.log_events(lab).empty


def test_a_caller_who_may_not_read_logs_learns_of_arrival_from_metrics(evolved: Lab) -> None:
    said = integration.last_sync(evolved)
    Answers(evolved, "logs", "DescribeLogGroups").fail("AccessDeniedException", times=9)
    assert integration.last_sync(evolved) == said


def silence(lab: Lab, *services: str) -> None:
    """Create an integration whose target role may not write telemetry to these services."""
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


def test_before_anything_was_ingested_there_is_no_freshness(lab: Lab) -> None:
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    integration.create(lab)
    assert monitoring.log_events(lab).empty
    assert monitoring.metrics(lab).empty
    with pytest.raises(integration.IntegrationError, match="hasn't ingested anything yet"):
        monitoring.freshness(lab)
