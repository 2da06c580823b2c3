"""Evaluation of CloudWatch alarms, which moto stores but does not evaluate.

An alarm is evaluated when it is read, and its latest period ends at the time of the read. Actions are not executed.
Alarms can use simple statistics, and metric math with arithmetic and the functions SUM, MAX, MIN, AVG and FILL. An
alarm that uses any other metric math is rejected with an error that names the unsupported part.

AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import ast
import functools
import json
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterValue
from moto.cloudwatch.models import Alarm, CloudWatchBackend, MetricAggregatedDatum, MetricDatum
from moto.cloudwatch.responses import CloudWatchResponse

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "MAX": max,
    "MIN": min,
    "AVG": lambda values: sum(values) / len(values),
}
_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
_STATISTICS: dict[str, Callable[[Sequence[tuple[float, float, float, float]]], float]] = {
    # Each data point is a tuple of its sum, minimum, maximum and number of samples.
    "Sum": lambda data: sum(entry for entry, _, _, _ in data),
    "Minimum": lambda data: min(item for _, item, _, _ in data),
    "Maximum": lambda data: max(each for _, _, each, _ in data),
    "SampleCount": lambda data: sum(element for _, _, _, element in data),
    "Average": lambda data: sum(member for member, _, _, _ in data) / sum(candidate for _, _, _, candidate in data),
}


def apply() -> None:
    """Patch moto to evaluate alarms. Later calls in the same process do nothing."""
    if hasattr(CloudWatchBackend.put_metric_alarm, "__wrapped__"):
        return
    CloudWatchBackend.put_metric_alarm = _checked(CloudWatchBackend.put_metric_alarm)  # type: ignore[method-assign]
    for name in ("describe_alarms", "describe_alarms_for_metric"):
        setattr(CloudWatchResponse, name, _evaluated(getattr(CloudWatchResponse, name)))


def _checked(put: Callable[..., Alarm]) -> Callable[..., Alarm]:
    """Reject an alarm that cannot be evaluated. As on AWS, a new alarm starts in the state INSUFFICIENT_DATA."""

    @functools.wraps(put)
    def putting(self: CloudWatchBackend, *arguments: Any, **named: Any) -> Alarm:
        known = named.get("name") in self.alarms
        alarm = put(self, *arguments, **named)
        if alarm.rule is None:
            try:
                _check(alarm)
            except InvalidParameterValue:
                if not known:
                    self.delete_alarms([alarm.name])
                raise
            alarm.state_value = "INSUFFICIENT_DATA"
        return alarm

    return putting


def _evaluated(describe: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(describe)
    def describing(self: CloudWatchResponse) -> Any:
        for alarm in self.cloudwatch_backend.describe_alarms():
            if alarm.rule is None:
                evaluate(alarm, self.cloudwatch_backend.metric_data, datetime.now(UTC))
        return describe(self)

    return describing


def evaluate(alarm: Alarm, data: Iterable[Any], now: datetime) -> None:
    """Set an alarm's state from its metrics.

    Args:
        alarm: The alarm.
        data: The data points of all metrics.
        now: The current time, at which the latest period ends.
    """
    periods = int(alarm.evaluation_periods)
    length = timedelta(seconds=_period(alarm))
    listed = list(data)
    values = [_value(alarm, listed, now - number * length, length) for number in range(periods)]
    state = _state(alarm, values)
    if state is not None and state != alarm.state_value:
        alarm.update_state(_reason(alarm, values, state), json.dumps({"version": "1.0"}), state)


def _state(alarm: Alarm, values: Sequence[float | None]) -> str | None:
    """Return the alarm's new state, or None if the state does not change."""
    missing = alarm.treat_missing_data or "missing"
    compare, _ = _COMPARISONS[alarm.comparison_operator]
    if all(value is None for value in values):
        if missing == "ignore":
            return None
        if missing == "missing":
            return "INSUFFICIENT_DATA"
    breaching = sum(
        (missing == "breaching") if value is None else compare(value, float(alarm.threshold)) for value in values
    )
    return "ALARM" if breaching >= int(alarm.datapoints_to_alarm or alarm.evaluation_periods) else "OK"


def _reason(alarm: Alarm, values: Sequence[float | None], state: str) -> str:
    found = [value for value in values if value is not None]
    if not found:
        points = "1 missing datapoint was" if len(values) == 1 else f"{len(values)} missing datapoints were"
        return f"{points} treated as [{alarm.treat_missing_data or 'missing'}]."
    _, words = _COMPARISONS[alarm.comparison_operator]
    negation = "" if state == "ALARM" else "not "
    shown = ", ".join(str(value) for value in found)
    points = f"1 datapoint [{shown}] was" if len(found) == 1 else f"{len(found)} datapoints [{shown}] were"
    return f"Threshold Crossed: {points} {negation}{words} the threshold ({float(alarm.threshold)})."


def _check(alarm: Alarm) -> None:
    if alarm.comparison_operator not in _COMPARISONS:
        raise InvalidParameterValue(f"{alarm.comparison_operator} is valid in CloudWatch but not supported here.")
    for query in alarm.metric_data_queries:
        if query.expression:
            _parse(query.expression)
    statistics = [alarm.statistic or alarm.extended_statistic, *(
        query.metric_stat.stat for query in alarm.metric_data_queries if query.metric_stat
    )]  # fmt: skip
    for statistic in statistics:
        if statistic and statistic not in _STATISTICS:
            raise InvalidParameterValue(f"The statistic {statistic} is valid in CloudWatch but not supported here.")


def _period(alarm: Alarm) -> int:
    if alarm.period:
        return int(alarm.period)
    stated = [query.metric_stat.period for query in alarm.metric_data_queries if query.metric_stat]
    return int(stated[0]) if stated else 60


def _value(alarm: Alarm, data: Sequence[Any], end: datetime, length: timedelta) -> float | None:
    """Return an alarm's value in one period, or None if the period has no data."""
    if not alarm.metric_data_queries:
        series = (alarm.namespace, alarm.metric_name, _dimensions(alarm.dimensions))
        return _statistic(series, alarm.statistic, data, end, length)
    named: dict[str, float | None] = {}
    for query in alarm.metric_data_queries:
        if query.metric_stat:
            metric = query.metric_stat.metric
            series = (metric.namespace, metric.metric_name, _dimensions(metric.dimensions))
            named[query.id] = _statistic(series, query.metric_stat.stat, data, end, length)
    for query in alarm.metric_data_queries:
        if query.expression:
            named[query.id] = _calculate(_parse(query.expression), named)
    (returned,) = [query.id for query in alarm.metric_data_queries if query.return_data in (True, None, "true")]
    return named[returned]


def _statistic(
    series: tuple[Any, ...], statistic: str, data: Sequence[Any], end: datetime, length: timedelta
) -> float | None:
    found = [
        _summary(datum)
        for datum in data
        if (datum.namespace, datum.name, _dimensions(datum.dimensions)) == series
        and end - length < _moment(datum.timestamp) <= end
    ]
    return _STATISTICS[statistic](found) if found else None


def _summary(datum: MetricDatum | MetricAggregatedDatum) -> tuple[float, float, float, float]:
    if isinstance(datum, MetricAggregatedDatum):
        return float(datum.sum), float(datum.min), float(datum.max), float(datum.sample_count)
    return datum.value, datum.value, datum.value, 1.0


def _dimensions(dimensions: Iterable[Any]) -> frozenset[tuple[str, str]]:
    return frozenset((dimension.name, dimension.value) for dimension in dimensions)


def _moment(timestamp: datetime) -> datetime:
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)


def _parse(expression: str) -> ast.expr:
    """Parse a metric math expression. Its arithmetic and function calls have the same syntax as in Python."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise InvalidParameterValue(f"The expression {expression!r} cannot be parsed.") from error
    _refuse_what_is_not_offered(tree, expression)
    return tree


def _refuse_what_is_not_offered(node: ast.expr, expression: str) -> None:
    match node:
        case ast.Constant(value=int() | float()) | ast.Name():
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            parts = [left, right]
        case ast.Call(func=ast.Name(id="FILL"), args=[series, ast.Constant(value=int() | float())]):
            parts = [series]
        case ast.Call(func=ast.Name(id=name), args=[ast.List(elts=elements)]) if name in _AGGREGATES:
            parts = elements
        case _:
            raise InvalidParameterValue(
                f"{ast.unparse(node)} in the metric math expression {expression!r} is not supported here."
            )
    for part in parts:
        _refuse_what_is_not_offered(part, expression)


def _calculate(node: ast.expr, named: Mapping[str, float | None]) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            if name not in named:
                raise InvalidParameterValue(
                    f"The expression refers to {name}, but no metric or preceding expression in the alarm has that ID."
                )
            return named[name]
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _calculate(left, named), _calculate(right, named)
            return None if first is None or second is None else _OPERATORS[type(op)](first, second)
        case ast.Call(func=ast.Name(id="FILL"), args=[series, ast.Constant(value=int() | float() as number)]):
            found = _calculate(series, named)
            return float(number) if found is None else found
        case ast.Call(func=ast.Name(id=name), args=[ast.List(elts=elements)]):
            values = [value for value in (_calculate(element, named) for element in elements) if value is not None]
            return _AGGREGATES[name](values) if values else None
    raise InvalidParameterValue(f"The metric math expression {ast.unparse(node)} is not supported here.")
