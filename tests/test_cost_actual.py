"""Tests for a lab's actual cost, compared with independently computed figures."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.fakes import FakeOperation
from zetl_helpers import cost, integration, monitoring, source, target
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

MB = 2**20
START = datetime(2026, 10, 1, tzinfo=UTC)


def amounts(sheet: cost.Sheet) -> dict[str, float]:
    return {item.item: item.usd for item in sheet.items}


def test_empty_account_costs_nothing(lab: Lab) -> None:
    sheet = cost.actual(lab)
    assert (sheet.items, sheet.total) == ((), 0)


def test_bills_table_by_size_and_integration_by_exports(lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(lab, 3)
    described = lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]
    created = integration.require(lab)["CreateTime"]
    # DynamoDB adds 100 bytes to each of the 1,000 items, which makes the total exactly 1 GB.
    size = {"TableSizeBytes": 2**30 - 100 * 1000, "ItemCount": 1000, "CreationDateTime": created}
    FakeOperation(lab, "dynamodb", "DescribeTable").once(lambda _: {"Table": {**described, **size}})
    spent = amounts(cost.actual(lab, now=created + timedelta(days=10, seconds=1)))
    assert spent["DynamoDB PITR"] == pytest.approx(0.20 / 3, rel=1e-4), "1 GB for 10 of 30 days"
    assert spent["DynamoDB full export"] == pytest.approx(0.10), "1 GB, exported once"
    assert spent["DynamoDB incremental exports"] == pytest.approx(0.9375), "960 exports of 10 MB: 9.375 GB at $0.10"

    size = {"TableSizeBytes": 25 * 4 * MB - 25 * 100, "ItemCount": 25}
    FakeOperation(lab, "dynamodb", "DescribeTable").once(lambda _: {"Table": {**described, **size}})
    spent = amounts(cost.actual(lab, now=created + timedelta(minutes=16)))
    assert spent["DynamoDB incremental exports"] == pytest.approx(0.10 * 100 / 1024), "25 rows of 4 MB exceed 10 MB"

    events = lab.client("logs").filter_log_events(logGroupName=integration.LOG_GROUP)["events"]
    assert len(events) == 3
    logged = sum(len(event["message"]) for event in events) + 26 * 3
    assert spent["CloudWatch Logs"] == pytest.approx(0.50 * logged / 2**30), "each event has 26 additional bytes"


def test_bills_objects_from_creation(lab: Lab) -> None:
    target.create_bucket(lab)
    s3 = lab.client("s3")
    for name in ("one", "two"):
        s3.put_object(Bucket=lab.bucket, Key=name, Body=bytes(MB))
    written = s3.head_object(Bucket=lab.bucket, Key="two")["LastModified"]
    spent = amounts(cost.actual(lab, now=written + timedelta(days=30)))
    assert spent["S3 storage"] == pytest.approx(0.023 * 2 / 1024, rel=1e-4), "2 MB for a month"
    assert spent["S3 writes"] == pytest.approx(0.00001), "two requests at $0.005 per thousand"


def execution(state: str, scanned: int, kind: str = "DML", database: str = "customerdb") -> dict[str, Any]:
    return {
        "QueryExecutionContext": {"Database": database},
        "Status": {"State": state},
        "StatementType": kind,
        "Statistics": {"DataScannedInBytes": scanned},
    }


def test_bills_queries_by_bytes_scanned(lab: Lab) -> None:
    executions = [
        execution("SUCCEEDED", 0),
        execution("SUCCEEDED", 10 * MB + 1),
        execution("CANCELLED", 5 * MB),
        execution("CANCELLED", 0),
        execution("FAILED", 99 * MB),
        execution("SUCCEEDED", 0, kind="DDL"),
        execution("SUCCEEDED", 99 * MB, database="somebodyelses"),
    ]
    FakeOperation(lab, "athena", "ListQueryExecutions").once(lambda _: {"QueryExecutionIds": ["some"]})
    FakeOperation(lab, "athena", "BatchGetQueryExecution").once(lambda _: {"QueryExecutions": executions})
    (line,) = cost.actual(lab).items
    assert line.usd == pytest.approx(5.00 * (10 + 11 + 10) / 2**20), "31 MB at $5 a TB"
    assert line.basis.startswith("3 queries that scanned 15,728,641 bytes, at least 10 MB each; $5.00 per TB")


def test_bills_alarm_by_month(lab: Lab) -> None:
    source.create_table(lab)
    found = {"AlarmName": monitoring.alarm_name(lab), "AlarmConfigurationUpdatedTimestamp": START}
    FakeOperation(lab, "cloudwatch", "DescribeAlarms").once(lambda _: {"MetricAlarms": [found]})
    assert amounts(cost.actual(lab, now=START + timedelta(days=15)))["CloudWatch alarm"] == pytest.approx(0.05)


def test_notes_name_costs_that_aws_does_not_report(lab: Lab) -> None:
    source.create_table(lab)
    text = repr(cost.actual(lab))
    assert "Cost Explorer" in text
    assert "the billed cost within a day" in text
    assert "Not reported by AWS, and not included: S3 reads" in text
    assert "every six hours" in text
