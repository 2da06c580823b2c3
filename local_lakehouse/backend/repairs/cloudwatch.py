"""Fixes for the list of metrics and the alarms in Amazon CloudWatch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, MetricDatumBase

from local_lakehouse.backend import alarms


def apply() -> None:
    """Apply the fixes to moto, once per process."""
    if not hasattr(CloudWatchBackend.get_filtered_metrics, "__wrapped__"):
        CloudWatchBackend.get_filtered_metrics = _listed_once(  # type: ignore[method-assign]
            CloudWatchBackend.get_filtered_metrics
        )
        alarms.apply()


def _listed_once(find: Callable[..., list[MetricDatumBase]]) -> Callable[..., list[MetricDatumBase]]:
    """List each metric once, whereas moto repeats some metrics for each data point."""

    @functools.wraps(find)
    def finding(self: CloudWatchBackend, *arguments: Any, **named: Any) -> list[MetricDatumBase]:
        found: dict[tuple[Any, ...], MetricDatumBase] = {}
        for datum in find(self, *arguments, **named):
            dimensions = frozenset((dimension.name, dimension.value) for dimension in datum.dimensions)
            found.setdefault((datum.namespace, datum.name, dimensions), datum)
        return list(found.values())

    return finding
