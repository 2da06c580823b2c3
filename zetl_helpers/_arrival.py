"""Logs, metrics and snapshots as evidence that data has arrived in the target."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import lakehouse
from zetl_helpers._aws import error_code
from zetl_helpers._rights import DENIED
from zetl_helpers.lab import Lab

LOG_GROUP = "/aws-glue/zeroETL-integrations/logs/"
NAMESPACE = "AWS/Glue/ZeroETL"

# Log events and metrics give a more precise time than the snapshot of the same ingestion, but can arrive a few seconds
# later.
_GRACE = timedelta(seconds=60)


def log_sources(lab: Lab, integration: str) -> list[dict[str, Any]]:
    """Return the locations of an integration's log events, as arguments for ``FilterLogEvents``.

    The AWS documentation and samples show three forms of the log group's name: with a trailing slash, without it, and
    with the integration's ID after the slash. In the first two forms, the ID is the name of a log stream in the group.

    Args:
        lab: The lab.
        integration: The integration's ID.
    """
    prefix = LOG_GROUP.rstrip("/")
    pages = lab.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    groups = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    return [
        {"logGroupName": group} if group.endswith(integration) else
        {"logGroupName": group, "logStreamNames": [integration]}
        for group in groups
        if group in (prefix, LOG_GROUP, LOG_GROUP + integration)
    ]  # fmt: skip


def log_events(lab: Lab, integration: str, pattern: str = "") -> Iterator[dict[str, Any]]:
    """Yield an integration's log events, as ``FilterLogEvents`` returns them.

    Args:
        lab: The lab.
        integration: The integration's ID.
        pattern: A CloudWatch Logs filter pattern. By default, all events match.
    """
    logs = lab.client("logs")
    filtered = {"filterPattern": pattern} if pattern else {}
    for source in log_sources(lab, integration):
        try:
            for page in logs.get_paginator("filter_log_events").paginate(**source, **filtered):
                yield from page["events"]
        except ClientError as error:
            # The group exists, but it has no stream for this integration.
            if error_code(error) != "ResourceNotFoundException":
                raise


def last_sync(lab: Lab, integration: dict[str, Any]) -> datetime | None:
    """Return the time up to which the target contains the source's changes.

    Return None if no ingestion has been found.

    The time comes from the log or, failing that, from the metrics. If both are missing or inaccessible, the function
    returns the commit time of the target table's latest snapshot. The ingestion read the source before that commit, so
    the commit time is an upper bound. A snapshot is ignored for its first minute, because a log event or metric can
    still arrive.

    Args:
        lab: The lab.
        integration: The integration, as returned by ``DescribeIntegrations``.
    """
    arn = str(integration["IntegrationArn"])
    for look in (_by_log, _by_metric):
        try:
            found = look(lab, arn)
        except ClientError as error:
            if error_code(error) not in DENIED:
                raise
            continue
        if found is not None:
            return found
    return _by_snapshot(lab)


def is_loaded(lab: Lab, integration: dict[str, Any]) -> bool:
    """Return whether the integration's log shows a completed ingestion, and therefore a completed initial load.

    Return False if the caller is not allowed to read the log.

    Args:
        lab: The lab.
        integration: The integration, as returned by ``DescribeIntegrations``.
    """
    try:
        return _by_log(lab, str(integration["IntegrationArn"])) is not None
    except ClientError as error:
        if error_code(error) not in DENIED:
            raise
        return False


def metric_series(lab: Lab, arn: str, name: str = "") -> list[tuple[str, list[dict[str, str]]]]:
    """Return an integration's metrics, each with its name and all dimensions.

    CloudWatch returns data only if a request specifies all dimensions of a metric.

    Args:
        lab: The lab.
        arn: The integration's ARN.
        name: The metric's name. Defaults to all metrics.
    """
    asked: dict[str, Any] = {"Namespace": NAMESPACE, "Dimensions": [{"Name": "integrationArn", "Value": arn}]}
    if name:
        asked["MetricName"] = name
    pages = lab.client("cloudwatch").get_paginator("list_metrics").paginate(**asked)
    found = {
        (
            metric["MetricName"],
            tuple(sorted((dimension["Name"], dimension["Value"]) for dimension in metric["Dimensions"])),
        )
        for page in pages
        for metric in page["Metrics"]
    }
    return [
        (metric, [{"Name": key, "Value": value} for key, value in dimensions]) for metric, dimensions in sorted(found)
    ]


def _by_log(lab: Lab, arn: str) -> datetime | None:
    integration = arn.replace("/", ":").rpartition(":")[2]
    events = log_events(lab, integration, '{ $.messageType = "IngestionCompleted" }')
    messages = [json.loads(event["message"]) for event in events]
    synced = [
        int(message["details"]["lastSyncedTimestamp"])
        for message in messages
        if message["messageType"] == "IngestionCompleted"
    ]
    return datetime.fromtimestamp(max(synced) / 1000, UTC) if synced else None


def _by_metric(lab: Lab, arn: str) -> datetime | None:
    series = metric_series(lab, arn, "LastSyncTimestamp")
    if not series:
        return None
    now = datetime.now(UTC)
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions},
                "Period": 300,
                "Stat": "Maximum",
            },
        }
        for number, (name, dimensions) in enumerate(series)
    ]
    pages = (
        lab.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(MetricDataQueries=queries, StartTime=now - timedelta(days=14), EndTime=now + timedelta(minutes=5))
    )
    values = [value for page in pages for result in page["MetricDataResults"] for value in result["Values"]]
    return datetime.fromtimestamp(max(values) / 1000, UTC) if values else None


def newest_snapshot(lab: Lab) -> datetime | None:
    """Return the commit time of the target table's latest snapshot.

    Return None if the table does not exist or has no snapshot.

    Args:
        lab: The lab.
    """
    sql = f'SELECT max(committed_at) AS newest FROM "{lab.target_table}$snapshots"'  # noqa: S608
    try:
        newest = lakehouse.query(lab, sql)["newest"].iloc[0]
    except lakehouse.QueryError as error:
        if "does not exist" not in str(error):
            raise
        return None
    moment: datetime | None = newest.tz_convert(UTC).to_pydatetime() if newest == newest else None
    return moment


def _by_snapshot(lab: Lab) -> datetime | None:
    moment = newest_snapshot(lab)
    return moment if moment is not None and datetime.now(UTC) - moment >= _GRACE else None
