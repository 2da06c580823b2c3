"""An Athena over an empty lakehouse, for tests of what its Iceberg tables answer."""

from __future__ import annotations

from tests.local_lakehouse.athena.conftest import athena, workers

__all__ = ["athena", "workers"]
