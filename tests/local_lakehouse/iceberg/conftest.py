"""A fixture that provides the Athena service of an empty lakehouse, for tests of Iceberg tables."""

from __future__ import annotations

from tests.local_lakehouse.athena.conftest import athena, workers

__all__ = ["athena", "workers"]
