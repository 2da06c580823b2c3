"""Logs, metrics, freshness and alarms for an integration."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from zetl_helpers import _arrival, integration
from zetl_helpers._arrival import NAMESPACE
from zetl_helpers._aws import ForeignResourceError, absent, tag_dict, tag_list
from zetl_helpers._steps import Step, ensured
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import TAG_KEY, Lab

__all__ = [
    "METRICS",
    "NoLogWarning",
    "alarm_name",
    "alarm_state",
    "create_alarm",
    "event_pattern",
    "freshness",
    "ingestions",
    "log_events",
    "metrics",
    "wait_for_alarm",
]

METRICS = ("InsertCount", "UpdateCount", "DeleteCount", "IngestionSucceeded", "IngestionFailed", "LastSyncTimestamp")

# AWS does not document the values of the dimension loadType. DynamoDB integrations are known to use these.
_LOAD_TYPES = ("FULL_LOAD", "INCREMENTAL_LOAD")
_ALARM_SECONDS = 900


_NO_LOG = (
    f"There is no log group {_arrival.LOG_GROUP} in this account and Region. AWS Glue creates it with the target role's"
    " permissions logs:CreateLogGroup, logs:CreateLogStream and logs:PutLogEvents. Restore them with "
    "zetl.permissions.create_target_role(lab). Until then, use the metrics and the table's snapshots to see which data "
    "arrived."
)


class NoLogWarning(UserWarning):
    """The log group for integrations does not exist. The message says which permissions AWS Glue needs to create it."""


def log_events(lab: Lab) -> pd.DataFrame:
    """Return the integration's log events, oldest first.

    Args:
        lab: The lab.

    Returns:
        One row for each event, with the columns ``time`` (UTC), ``messageType``, ``tableName``, ``inserts``,
        ``updates``, ``deletes`` (``Int64``, empty except for ``IngestionProcessingStats``), ``lastSynced`` (UTC, empty
        except for ``IngestionCompleted``) and ``message``.

    Warns:
        NoLogWarning: Data has arrived, but the account and Region have no log group for zero-ETL integrations.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-monitoring.html
    """
    found = integration.integration_id(lab)
    if not _arrival.log_sources(lab, found) and _arrived(lab):
        warnings.warn(_NO_LOG, NoLogWarning, stacklevel=2)
    rows = [_log_row(event) for event in _arrival.log_events(lab, found)]
    columns = ["time", "messageType", "tableName", "inserts", "updates", "deletes", "lastSynced", "message"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"inserts": "Int64", "updates": "Int64", "deletes": "Int64"})


def _arrived(lab: Lab) -> bool:
    with absent("EntityNotFoundException"):
        lab.client("glue").get_table(DatabaseName=lab.database, Name=lab.target_table)
        return True
    return False


def metrics(lab: Lab, *, hours: int = 24) -> pd.DataFrame:
    """Return the integration's metrics, summed over the most recent hours.

    Args:
        lab: The lab.
        hours: The length of the period in hours. The period ends now.

    Returns:
        One row for each metric, with the columns ``metric``, ``loadType``, ``sum`` (for ``LastSyncTimestamp``, the
        latest value) and ``points`` (the number of minutes with a value).

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
    """Return the current delay between source and target.

    The delay is the time since the latest state of the source that the target reflects.

    A member of a Studio project is not allowed to read the integration, so the table's latest snapshot is used instead.

    Args:
        lab: The lab.

    Raises:
        IntegrationError: No ingestion has completed yet.
    """
    synced = _arrival.newest_snapshot(lab) if lab.is_members else integration.last_sync(lab)
    if synced is None:
        raise integration.IntegrationError(
            f"Integration {lab.integration!r} hasn't ingested anything yet. Wait with "
            "zetl.integration.wait_until_loaded(lab)."
        )
    return datetime.now(UTC) - synced


def ingestions(lab: Lab) -> pd.DataFrame:
    """Return the time when each ingestion completed, and the time up to which the target then reflected the source.

    Args:
        lab: The lab.

    Returns:
        One row for each ingestion, with the columns ``completed_at`` and ``last_synced_at`` (UTC), for
        `charts.freshness`.
    """
    events = log_events(lab)
    completed = events[events["messageType"] == "IngestionCompleted"]
    return pd.DataFrame({"completed_at": completed["time"], "last_synced_at": completed["lastSynced"]})


def create_alarm(lab: Lab) -> Step:
    """Create an alarm that is triggered when a full load or a refresh fails.

    The metric ``IngestionFailed`` is emitted only on failure and separately for each load type. The alarm adds up the
    metrics of all load types and treats missing data as not breaching.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome.

    Raises:
        ForeignResourceError: An alarm with the lab's name exists but does not belong to the lab.
        IntegrationError: The integration does not exist.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    cloudwatch = lab.client("cloudwatch")
    name = alarm_name(lab)
    with lab.recording() as calls:
        found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        if found:
            _refuse_foreign(lab, found[0]["AlarmArn"])
        wanted = _failures(lab)
        watched = _watched(found[0].get("Metrics", [])) if found else None
        if watched != _watched(wanted):
            cloudwatch.put_metric_alarm(
                AlarmName=name,
                AlarmDescription="An ingestion of the zero-ETL integration failed",
                Metrics=wanted,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanOrEqualToThreshold",
                # If nothing fails, there is no data point.
                TreatMissingData="notBreaching",
                # PutMetricAlarm ignores tags for an existing alarm, so they are set only when it is created.
                **({} if found else {"Tags": tag_list(lab.tags)}),
            )
    return Step(f"alarm {name}", ensured(watched, _watched(wanted)), calls)


def _watched(metrics: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return an alarm's metrics without the fields that CloudWatch adds, for comparison."""
    series = [
        (metric["Id"], metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])) for metric in metrics
    ]
    return sorted(
        (name, metric.get("Expression", "") + str(sorted((each["Name"], each["Value"]) for each in dimensions)))
        for (name, dimensions), metric in zip(series, metrics, strict=True)
    )


def _failures(lab: Lab) -> list[dict[str, Any]]:
    """Return the alarm's metrics, which are the number of failures for each load type and the sum of these numbers."""
    arn = integration.require(lab)["IntegrationArn"]
    kinds = list(_LOAD_TYPES)
    for _, dimensions in _arrival.metric_series(lab, arn):
        # AWS does not document the load types, so any others in existing metrics are added to the list.
        kinds += [
            dimension["Value"]
            for dimension in dimensions
            if dimension["Name"] == "loadType" and dimension["Value"] not in kinds
        ]
    series = [
        {
            "Id": f"failed{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": "IngestionFailed",
                    "Dimensions": [
                        {"Name": "integrationArn", "Value": arn},
                        {"Name": "loadType", "Value": kind},
                        {"Name": "tableName", "Value": lab.target_table},
                    ],
                },
                "Period": _ALARM_SECONDS,
                "Stat": "Sum",
            },
            "ReturnData": False,
        }
        for number, kind in enumerate(kinds)
    ]
    filled = ", ".join(f"FILL({metric['Id']}, 0)" for metric in series)
    total = {"Id": "failures", "Expression": f"SUM([{filled}])", "Label": "Failed ingestions", "ReturnData": True}
    return [*series, total]


def alarm_state(lab: Lab) -> str:
    """Return the alarm's state: ``OK``, ``ALARM`` or ``INSUFFICIENT_DATA``.

    Args:
        lab: The lab.

    Raises:
        IntegrationError: The alarm does not exist.

    See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    found = lab.client("cloudwatch").describe_alarms(AlarmNames=[alarm_name(lab)])["MetricAlarms"]
    if not found:
        raise integration.IntegrationError(
            f"There is no alarm {alarm_name(lab)!r}. Create it with zetl.monitoring.create_alarm(lab)."
        )
    return str(found[0]["StateValue"])


def wait_for_alarm(lab: Lab, *, timeout: float = 1800) -> str:
    """Wait until the alarm is triggered.

    Args:
        lab: The lab.
        timeout: Maximum seconds to wait. AWS publishes the metric a few minutes after the failure.

    Returns:
        CloudWatch's reason for the alarm's state.

    Raises:
        IntegrationError: The alarm does not exist.
        WaitTimeoutError: The alarm is not triggered.
    """
    name = alarm_name(lab)
    wait_for(
        f"alarm {name} to be triggered",
        lambda: True if alarm_state(lab) == "ALARM" else None,
        timeout=timeout,
        hint="Check zetl.monitoring.metrics(lab): the alarm is triggered only if IngestionFailed has a data point.",
        usual=lab.usually("up to 15 minutes"),
    )
    (found,) = lab.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found["StateReason"])


def event_pattern() -> dict[str, Any]:
    """Return the event pattern for an EventBridge rule that matches every failure of zero-ETL integrations.

    The AWS documentation shows detail types with and without a leading ``AWS``, so the pattern matches suffixes.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-monitoring.html
    """
    ends = ("Ingestion Failed", "Integration Failed", "Integration Needs Attention")
    return {
        "source": [{"prefix": "aws.glue-zero-etl"}],
        "detail-type": [{"suffix": f"Zero ETL {end}"} for end in ends],
    }


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
            f"Alarm {alarm_name(lab)} exists but doesn't have the tag {TAG_KEY}, so it doesn't belong to the lab. "
            "Set ZETL_PREFIX to use different names for your lab."
        )


def _series(lab: Lab) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the integration's metrics that this module supports."""
    found = _arrival.metric_series(lab, integration.require(lab)["IntegrationArn"])
    return [(name, dimensions) for name, dimensions in found if name in METRICS]


def _metric_order(row: dict[str, Any]) -> tuple[int, str]:
    return METRICS.index(row["metric"]), row["loadType"]


def _metric_row(name: str, dimensions: list[dict[str, str]], values: list[float]) -> dict[str, Any]:
    load_type = next((dimension["Value"] for dimension in dimensions if dimension["Name"] == "loadType"), "")
    total = max(values, default=0.0) if name == "LastSyncTimestamp" else sum(values)
    return {"metric": name, "loadType": load_type, "sum": total, "points": len(values)}
