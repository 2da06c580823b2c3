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


def _listed_once(original: Callable[..., list[MetricDatumBase]]) -> Callable[..., list[MetricDatumBase]]:
    """List each metric once.

    moto compares each data point with all metrics found so far, and lists metrics without dimensions more than once.
    """

    @functools.wraps(original)
    def finding(
        self: CloudWatchBackend, metric_name: str, namespace: str, dimensions: list[dict[str, str]]
    ) -> list[MetricDatumBase]:
        found: dict[tuple[Any, ...], MetricDatumBase] = {}
        for datum in self.get_all_metrics():
            if datum.filter(namespace=namespace, name=metric_name, dimensions=dimensions):
                key = datum.namespace, datum.name, frozenset((each.name, each.value) for each in datum.dimensions)
                found.setdefault(key, datum)
        return list(found.values())

    return finding
