"""Tests for CloudWatch Logs Insights queries, and for the rejection of S3 Select."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once
# CloudWatch Logs accepts events from the last 14 days.
AT = datetime.now(UTC).replace(microsecond=123_000) - timedelta(hours=1)
SHOWN = [f"{AT + timedelta(seconds=number):%Y-%m-%d %H:%M:%S}.123" for number in range(3)]


@pytest.fixture
def logs(lab: Lab) -> Any:
    logs = lab.client("logs")
    logs.create_log_group(logGroupName="/app")
    logs.create_log_stream(logGroupName="/app", logStreamName="one")
    times = [int((AT + timedelta(seconds=number)).timestamp() * 1000) for number in range(3)]
    events = [{"timestamp": each, "message": f"event {number}"} for number, each in enumerate(times)]
    logs.put_log_events(logGroupName="/app", logStreamName="one", logEvents=events)
    return logs


def _start(logs: Any, query: str, **groups: Any) -> str:
    start, end = int(AT.timestamp()) - 60, int(AT.timestamp()) + 60
    found: str = logs.start_query(
        startTime=start, endTime=end, queryString=query, **(groups or {"logGroupName": "/app"})
    )["queryId"]
    return found


def _rows(logs: Any, query: str, **groups: Any) -> list[list[tuple[str, str]]]:
    found = logs.get_query_results(queryId=_start(logs, query, **groups))
    assert found["status"] == "Complete"
    assert all(row[-1]["field"] == "@ptr" for row in found["results"])
    return [[(each["field"], each["value"]) for each in row[:-1]] for row in found["results"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "fields @message, @timestamp | sort @timestamp desc | limit 2",
            [[("@message", f"event {number}"), ("@timestamp", SHOWN[number])] for number in (2, 1)],
        ),
        ("fields @logStream\n| sort @timestamp asc\n| limit 1", [[("@logStream", "one")]]),
        (
            "fields @message | fields @logStream,@message | sort @timestamp asc",
            [[("@message", f"event {number}"), ("@logStream", "one")] for number in range(3)],
        ),
        ("limit 1", [[("@timestamp", SHOWN[2]), ("@message", "event 2")]]),
    ],
)
def test_insights_query_returns_matching_events(logs: Any, query: str, expected: list[list[tuple[str, str]]]) -> None:
    assert _rows(logs, query) == expected


def test_start_query_accepts_every_form_of_log_group(logs: Any, lab: Lab) -> None:
    arn = f"arn:aws:logs:us-east-1:{lab.account}:log-group:/app"
    ways: list[dict[str, Any]] = [
        {"logGroupName": "/app"}, {"logGroupNames": ["/app"]}, {"logGroupIdentifiers": ["/app"]},
        {"logGroupIdentifiers": [arn]}, {"logGroupIdentifiers": [f"{arn}:*"]},
    ]  # fmt: skip
    for groups in ways:
        assert _rows(logs, "fields @message | limit 1", **groups) == [[("@message", "event 2")]]
    for groups in ({"logGroupName": "/app", "logGroupNames": ["/app"]}, {"queryLanguage": "SQL", **ways[0]}):
        with pytest.raises(ClientError, match="InvalidParameterException"):
            _start(logs, "limit 1", **groups)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        _start(logs, "limit 1", logGroupName="/other")


@pytest.mark.parametrize(
    "command",
    [
        "filter @message like /1/", "stats count(*) by bin(5m)", "parse @message '* *' as a, b", "fields @log",
        "fields strlen(@message)", "sort @message asc", "sort @timestamp", "limit 10001",
        "limit 0", "dedup @message", "display @message",
    ],
)  # fmt: skip
def test_unsupported_insights_command_is_rejected(logs: Any, command: str) -> None:
    with pytest.raises(ClientError) as raised:
        _start(logs, f"fields @timestamp | {command}")
    assert f"does not support '{command}' in CloudWatch Logs Insights; AWS may support it" in str(raised.value)


def test_describe_queries_returns_the_original_query_string(logs: Any) -> None:
    _start(logs, "limit  1")
    assert [each["queryString"] for each in logs.describe_queries(logGroupName="/app")["queries"]] == ["limit  1"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.get_query_results(queryId="unknown")


def test_s3_select_is_rejected(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="mine")
    s3.put_object(Bucket="mine", Key="a.csv", Body=b"a,b\n1,2\n")
    with pytest.raises(ClientError, match="The local lakehouse does not support s3 SelectObjectContent; AWS does"):
        s3.select_object_content(
            Bucket="mine", Key="a.csv", Expression="SELECT * FROM s3object", ExpressionType="SQL",
            InputSerialization={"CSV": {}}, OutputSerialization={"JSON": {}},
        )  # fmt: skip
