"""A lab's cost so far, from the usage that AWS reports."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from zetl_helpers import _arrival, integration, monitoring
from zetl_helpers._aws import absent
from zetl_helpers._counts import counted
from zetl_helpers.cost._prices import (
    DAYS_A_MONTH,
    GB,
    ITEM_OVERHEAD,
    LEAST_EXPORT,
    PRICED_REGION,
    TB,
    CostItem,
    Sheet,
    billed_scan,
    line,
    price_notes,
)
from zetl_helpers.lab import TAG_KEY, Lab

# CloudWatch Logs adds this number of bytes to each event's size when it bills:
# https://aws.amazon.com/cloudwatch/pricing/
_EVENT_OVERHEAD = 26


def actual(lab: Lab, *, now: datetime | None = None) -> Sheet:
    """Compute the lab's cost so far, from the usage that AWS reports.

    The calculation uses the sizes of the table and of the bucket's objects, and the integration's age and refresh
    interval. It also uses the changes and events in the integration's log, the bytes that Athena scanned, and the age
    of the alarm. AWS does not report S3 reads or Data Catalog requests. Their cost is negligible here, so the function
    omits it. Deleted resources are not included.

    Args:
        lab: The lab. The costs of the lab's bucket and queries cover all of the lab's tables.
        now: The end of the period. Defaults to the current time.

    Returns:
        The costs, in the format that `cost.estimate` uses.

    See https://docs.aws.amazon.com/cost-management/latest/userguide/ce-what-is.html
    """
    now = now or datetime.now(UTC)
    items: list[CostItem] = []
    notes = [
        f"Cost Explorer shows the billed cost within a day, by tag {TAG_KEY} once it is an active cost allocation tag.",
        "Not reported by AWS, and not included: S3 reads, Data Catalog requests, and deleted resources.",
    ]
    with absent("ResourceNotFoundException"):
        table = lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]
        items += _pitr(lab, table, now)
        items += _exports(lab, table, now)
        notes.append(
            "DynamoDB updates a table's item count and size about every six hours, so a new table is counted as empty."
        )
    items += _bucket(lab, now)
    items += _queries(lab)
    items += _logs(lab)
    items += _alarm(lab, now)
    return Sheet(tuple(items), (*notes, *price_notes(lab.region)), f"so far, list prices in {PRICED_REGION}")


def _table_bytes(table: dict[str, Any]) -> int:
    return int(table["TableSizeBytes"]) + int(table["ItemCount"]) * ITEM_OVERHEAD


def _months(since: datetime, now: datetime) -> float:
    return max(now - since, timedelta()) / timedelta(days=DAYS_A_MONTH)


def _pitr(lab: Lab, table: dict[str, Any], now: datetime) -> Iterator[CostItem]:
    backups = lab.client("dynamodb").describe_continuous_backups(TableName=lab.table)["ContinuousBackupsDescription"]
    if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED":
        # AWS does not report when PITR was enabled if that was more than 35 days ago, so this function assumes that it
        # was enabled when the table was created.
        since = table["CreationDateTime"]
        quantity = _table_bytes(table) / GB * _months(since, now)
        yield line("DynamoDB PITR", "pitr", quantity, "GB-months", f"since the table was created, {since:%Y-%m-%d}")


def _exports(lab: Lab, table: dict[str, Any], now: datetime) -> Iterator[CostItem]:
    found = integration.find(lab)
    if found is None:
        return
    size = _table_bytes(table)
    yield line("DynamoDB full export", "full_export", size / GB, "GB", "the initial load, once")
    minutes = int(found.get("IntegrationConfig", {}).get("RefreshInterval", "15"))
    # No export covers more than a day, even with a longer interval.
    exports = math.floor(max(now - found["CreateTime"], timedelta()) / timedelta(minutes=min(minutes, 24 * 60)))
    changes = monitoring.log_events(lab)[["inserts", "updates", "deletes"]].sum().sum()
    changed_bytes = int(changes) * size / max(int(table["ItemCount"]), 1)
    billed = max(exports * LEAST_EXPORT, changed_bytes) if exports else 0
    counts = counted(exports, "export")
    basis = f"{counts} of at least 10 MB each, computed from the integration's age and interval"
    yield line("DynamoDB incremental exports", "incremental_export", billed / GB, "GB", basis)


def _bucket(lab: Lab, now: datetime) -> Iterator[CostItem]:
    versions: list[dict[str, Any]] = []
    with absent("NoSuchBucket"):
        for page in lab.client("s3").get_paginator("list_object_versions").paginate(Bucket=lab.bucket):
            versions += page.get("Versions", [])
    if versions:
        stored = sum(version["Size"] / GB * _months(version["LastModified"], now) for version in versions)
        yield line(
            "S3 storage", "s3_storage", stored, "GB-months", f"{len(versions):,} objects, each counted from creation"
        )
        yield line("S3 writes", "s3_put", len(versions) / 1000, "thousand requests", "one for each object")


def _queries(lab: Lab) -> Iterator[CostItem]:
    """Compute the cost of the queries on the lab's database in Athena's history, which covers 45 days."""
    athena = lab.client("athena")
    scans = []
    for page in athena.get_paginator("list_query_executions").paginate(WorkGroup=lab.workgroup):
        ids = page["QueryExecutionIds"]
        for execution in athena.batch_get_query_execution(QueryExecutionIds=ids)["QueryExecutions"] if ids else []:
            if execution.get("QueryExecutionContext", {}).get("Database") == lab.database and _is_billed(execution):
                scans.append(execution.get("Statistics", {}).get("DataScannedInBytes", 0))
    if scans:
        billed = sum(map(billed_scan, scans))
        queries = counted(len(scans), "query", "queries")
        basis = f"{queries} that scanned {counted(sum(scans), 'byte')}, at least 10 MB each"
        yield line("Athena queries", "athena_scan", billed / TB, "TB", basis)


def _is_billed(execution: dict[str, Any]) -> bool:
    """Return whether Athena bills a statement. Canceled queries are billed, but DDL and failed statements are not."""
    state = execution["Status"]["State"]
    scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
    return execution.get("StatementType") == "DML" and (state == "SUCCEEDED" or (state == "CANCELLED" and scanned > 0))


def _logs(lab: Lab) -> Iterator[CostItem]:
    if integration.find(lab) is None:
        return
    events = _arrival.log_events(lab, integration.integration_id(lab))
    sizes = [len(event["message"].encode()) + _EVENT_OVERHEAD for event in events]
    if sizes:
        yield line("CloudWatch Logs", "logs", sum(sizes) / GB, "GB", f"{len(sizes):,} event{'s' * (len(sizes) != 1)}")


def _alarm(lab: Lab, now: datetime) -> Iterator[CostItem]:
    alarms = lab.client("cloudwatch").describe_alarms(AlarmNames=[monitoring.alarm_name(lab)])["MetricAlarms"]
    for alarm in alarms:
        since = alarm["AlarmConfigurationUpdatedTimestamp"]
        metrics = sum("MetricStat" in metric for metric in alarm.get("Metrics", [])) or 1
        months = _months(since, now) * metrics
        yield line(
            "CloudWatch alarm",
            "alarm",
            months,
            "alarm-months",
            f"{metrics} metric{'s' * (metrics != 1)} since {since:%Y-%m-%d}",
        )
