"""Tests for CloudWatch alarms and the metrics that determine their states."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

FULL, INCREMENTAL = ([{"Name": "integrationArn", "Value": "arn"}, {"Name": "loadType", "Value": kind}] for kind in "FI")


def put(lab: Lab, value: float, dimensions: list[dict[str, str]] | None = None, *, minutes_ago: float = 0) -> None:
    datum: dict[str, Any] = {
        "MetricName": "Failures",
        "Value": value,
        "Timestamp": datetime.now(UTC) - timedelta(minutes=minutes_ago),
        "Dimensions": dimensions or [],
    }
    lab.client("cloudwatch").put_metric_data(Namespace="Test", MetricData=[datum])


def alarm(lab: Lab, **settings: Any) -> None:
    simple = {"Namespace": "Test", "MetricName": "Failures", "Statistic": "Sum", "Period": 60}
    lab.client("cloudwatch").put_metric_alarm(
        AlarmName="failures",
        **({} if "Metrics" in settings else simple),
        **{
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            **settings,
        },
    )


def either(expression: str) -> list[dict[str, Any]]:
    """Return the metric queries for an alarm on two metrics."""
    series = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {"Namespace": "Test", "MetricName": "Failures", "Dimensions": dimensions},
                "Period": 60,
                "Stat": "Sum",
            },
            "ReturnData": False,
        }
        for name, dimensions in (("full", FULL), ("incremental", INCREMENTAL))
    ]
    return [*series, {"Id": "failures", "Expression": expression, "Label": "Failures", "ReturnData": True}]


def state(lab: Lab) -> str:
    (found,) = lab.client("cloudwatch").describe_alarms(AlarmNames=["failures"])["MetricAlarms"]
    return str(found["StateValue"])


def test_alarm_state_follows_the_metric(lab: Lab) -> None:
    alarm(lab)
    assert state(lab) == "INSUFFICIENT_DATA"
    put(lab, 0)
    assert state(lab) == "OK"
    put(lab, 1)
    (found,) = lab.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert found["StateReason"] == (
        "Threshold Crossed: 1 datapoint [1.0] was greater than or equal to the threshold (1.0)."
    )


@pytest.mark.parametrize(
    ("treated", "expected"),
    [("missing", "INSUFFICIENT_DATA"), ("notBreaching", "OK"), ("breaching", "ALARM"), ("ignore", "INSUFFICIENT_DATA")],
)
def test_missing_data_is_treated_as_configured(lab: Lab, treated: str, expected: str) -> None:
    alarm(lab, TreatMissingData=treated)
    assert state(lab) == expected


@pytest.mark.parametrize(("periods", "counted"), [(1, "1 missing datapoint was"), (2, "2 missing datapoints were")])
def test_alarm_reason_contains_the_number_of_missing_datapoints(lab: Lab, periods: int, counted: str) -> None:
    alarm(lab, EvaluationPeriods=periods, TreatMissingData="breaching")
    (found,) = lab.client("cloudwatch").describe_alarms(AlarmNames=["failures"])["MetricAlarms"]
    assert found["StateReason"] == f"{counted} treated as [breaching]."


def test_alarm_ignores_failures_before_the_evaluation_range(lab: Lab) -> None:
    alarm(lab, TreatMissingData="notBreaching")
    put(lab, 1, minutes_ago=2)
    assert state(lab) == "OK"


def test_alarm_evaluates_the_configured_periods(lab: Lab) -> None:
    alarm(lab, EvaluationPeriods=3, DatapointsToAlarm=2, TreatMissingData="notBreaching")
    put(lab, 1)
    assert state(lab) == "OK"
    put(lab, 1, minutes_ago=2.5)
    assert state(lab) == "ALARM"


@pytest.mark.parametrize("failing", [FULL, INCREMENTAL])
@pytest.mark.parametrize(
    "expression", ["SUM([FILL(full, 0), FILL(incremental, 0)])", "FILL(full,0)+FILL(incremental,0)"]
)
def test_alarm_on_two_metrics_detects_a_failure_in_either_metric(
    lab: Lab, expression: str, failing: list[dict[str, str]]
) -> None:
    alarm(lab, Metrics=either(expression), TreatMissingData="notBreaching")
    assert state(lab) == "OK"
    put(lab, 1, failing)
    assert state(lab) == "ALARM"


def test_sum_without_fill_is_missing_if_one_metric_is_missing(lab: Lab) -> None:
    alarm(lab, Metrics=either("full + incremental"))
    put(lab, 1, FULL)
    assert state(lab) == "INSUFFICIENT_DATA"


@pytest.mark.parametrize("expression", ["SEARCH('{Test}', 'Sum', 60)", "RATE(full)", "full if incremental else 1"])
def test_unsupported_metric_math_is_rejected(lab: Lab, expression: str) -> None:
    with pytest.raises(ClientError, match="not supported here"):
        alarm(lab, Metrics=either(expression))
    assert lab.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_each_metric_is_listed_once(lab: Lab) -> None:
    for _ in range(3):
        put(lab, 1, FULL)
        put(lab, 1, INCREMENTAL)
        put(lab, 1)
    listed = lab.client("cloudwatch").list_metrics(Namespace="Test")["Metrics"]
    assert sorted(len(metric["Dimensions"]) for metric in listed) == [0, 2, 2]
