"""Fixtures for Iceberg table tests: the Athena service of an empty lakehouse, and its worker processes."""

from __future__ import annotations

from tests.local_lakehouse.athena.conftest import athena, workers

__all__ = ["athena", "workers"]
