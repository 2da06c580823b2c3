"""Logs, metrics, freshness and alarms of an integration."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from zetl_helpers import integration
from zetl_helpers._aws import ForeignResourceError, absent, tag_dict, tag_list
from zetl_helpers._steps import Step
from zetl_helpers.lab import TAG_KEY, Lab

NAMESPACE = "AWS/Glue/ZeroETL"
METRICS = ("InsertCount", "UpdateCount", "DeleteCount", "IngestionSucceeded", "IngestionFailed", "LastSyncTimestamp")


def log_events(lab: Lab) -> pd.DataFrame:
    """Return what the integration wrote to its log, the oldest first.

    Args:
        lab: The lab.

    Returns:
        Columns ``time`` (UTC), ``messageType``, ``tableName``, ``inserts``, ``updates``, ``deletes`` (``Int64``, empty
        but for ``IngestionProcessingStats``), ``lastSynced`` (UTC, empty but for ``IngestionCompleted``) and
        ``message``.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-monitoring.html
    """
    rows: list[dict[str, Any]] = []
    stream = integration.integration_id(lab)
    with absent("ResourceNotFoundException"):
        pages = (
            lab.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=integration.LOG_GROUP, logStreamNames=[stream])
        )
        rows = [_log_row(event) for page in pages for event in page["events"]]
    columns = ["time", "messageType", "tableName", "inserts", "updates", "deletes", "lastSynced", "message"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"inserts": "Int64", "updates": "Int64", "deletes": "Int64"})


def metrics(lab: Lab, *, hours: int = 24) -> pd.DataFrame:
    """Return the integration's metrics, summed over the last hours.

    Args:
        lab: The lab.
        hours: How far to look back.

    Returns:
        One row for each metric, columns ``metric``, ``loadType``, ``sum`` (``LastSyncTimestamp``: the newest value) and
        ``points`` (minutes with a value).

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-monitoring.html
    """
    cloudwatch = lab.client("cloudwatch")
    now = datetime.now(UTC)
    series = _series(lab)
    if not series:
        return pd.DataFrame(columns=["metric", "loadType", "sum", "points"])
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions},
                "Period": 60,
                "Stat": "Maximum" if name == "LastSyncTimestamp" else "Sum",
            },
        }
        for number, (name, dimensions) in enumerate(series)
    ]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=now - timedelta(hours=hours), EndTime=now + timedelta(minutes=1)
    )
    values: dict[str, list[float]] = {}
    for result in (result for page in pages for result in page["MetricDataResults"]):
        values.setdefault(result["Id"], []).extend(result["Values"])
    rows: list[dict[str, Any]] = [
        _metric_row(name, dimensions, values.get(f"m{number}", [])) for number, (name, dimensions) in enumerate(series)
    ]
    rows.sort(key=_metric_order)
    return pd.DataFrame(rows)


def freshness(lab: Lab) -> timedelta:
    """Return how far the target is behind the source, by the newest ingestion that the log shows.

    Args:
        lab: The lab.

    Raises:
        IntegrationError: Nothing was ingested yet.
    """
    synced = integration.last_sync(lab)
    if synced is None:
        raise integration.IntegrationError(
            f"Integration {lab.integration!r} has ingested nothing yet. Wait with integration.wait_until_loaded(lab)."
        )
    return datetime.now(UTC) - synced


def ingestions(lab: Lab) -> pd.DataFrame:
    """Return when each ingestion was completed, and up to when the target then followed the source.

    Args:
        lab: The lab.

    Returns:
        Columns ``completed_at`` and ``last_synced_at`` (UTC), as `charts.freshness` takes them.
    """
    events = log_events(lab)
    completed = events[events["messageType"] == "IngestionCompleted"]
    return pd.DataFrame({"completed_at": completed["time"], "last_synced_at": completed["lastSynced"]})


def create_alarm(lab: Lab) -> Step:
    """Make an alarm that goes off when an ingestion fails.

    Args:
        lab: The lab.

    Returns:
        What happened.

    Raises:
        ForeignResourceError: An alarm of that name exists and is not the lab's.
        IntegrationError: There is no integration.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    cloudwatch = lab.client("cloudwatch")
    name = alarm_name(lab)
    with lab.recording() as calls:
        found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        if found:
            _refuse_foreign(lab, found[0]["AlarmArn"])
        else:
            # Until something was ingested CloudWatch knows no series of the integration.
            dimensions = next((dims for metric, dims in _series(lab) if metric == "IngestionFailed"), _dimensions(lab))
            cloudwatch.put_metric_alarm(
                AlarmName=name,
                AlarmDescription="An ingestion of the zero-ETL integration failed",
                Namespace=NAMESPACE,
                MetricName="IngestionFailed",
                Dimensions=dimensions,
                Statistic="Sum",
                Period=900,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanOrEqualToThreshold",
                # No ingestion, no data point: a quiet source is no failure.
                TreatMissingData="notBreaching",
                Tags=tag_list(lab.tags),
            )
    return Step(f"alarm {name}", "already there" if found else "created", calls)


def alarm_name(lab: Lab) -> str:
    """Return the alarm's name."""
    return f"{lab.integration}-ingestion-failed"


def _log_row(event: dict[str, Any]) -> dict[str, Any]:
    message = json.loads(event["message"])
    details = message["details"]
    text = details.get("message") or details.get("errorMessage", "")
    return {
        "time": datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
        "messageType": message["messageType"],
        "tableName": details.get("tableName"),
        "inserts": details.get("insert_count"),
        "updates": details.get("update_count"),
        "deletes": details.get("delete_count"),
        "lastSynced": _moment(details.get("lastSyncedTimestamp")),
        "message": text,
    }


def _moment(milliseconds: str | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _refuse_foreign(lab: Lab, alarm: str) -> None:
    tags = tag_dict(lab.client("cloudwatch").list_tags_for_resource(ResourceARN=alarm)["Tags"])
    if TAG_KEY not in tags:
        raise ForeignResourceError(
            f"Alarm {alarm_name(lab)} exists and does not carry the tag {TAG_KEY}: it is not the lab's. "
            "Set ZETL_PREFIX to give your lab names of its own."
        )


def _dimensions(lab: Lab) -> list[dict[str, str]]:
    arn = integration.require(lab)["IntegrationArn"]
    return [{"Name": "integrationArn", "Value": arn}, {"Name": "tableName", "Value": lab.target_table}]


def _series(lab: Lab) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the integration's metrics with their whole sets of dimensions: CloudWatch finds by exact sets only."""
    wanted = [{"Name": "integrationArn", "Value": integration.require(lab)["IntegrationArn"]}]
    pages = lab.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace=NAMESPACE, Dimensions=wanted)
    # A metric can be listed more than once; what tells two apart is name and dimensions.
    found = {
        (metric["MetricName"], tuple(sorted((one["Name"], one["Value"]) for one in metric["Dimensions"])))
        for page in pages
        for metric in page["Metrics"]
        if metric["MetricName"] in METRICS
    }
    return [(name, [{"Name": key, "Value": value} for key, value in dimensions]) for name, dimensions in sorted(found)]


def _metric_order(row: dict[str, Any]) -> tuple[int, str]:
    return METRICS.index(row["metric"]), row["loadType"]


def _metric_row(name: str, dimensions: list[dict[str, str]], values: list[float]) -> dict[str, Any]:
    load_type = next((one["Value"] for one in dimensions if one["Name"] == "loadType"), "")
    total = max(values, default=0.0) if name == "LastSyncTimestamp" else sum(values)
    return {"metric": name, "loadType": load_type, "sum": total, "points": len(values)}
