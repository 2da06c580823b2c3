"""Tests that partition values of type double are read from manifests with full precision."""

from __future__ import annotations

import pytest

from local_lakehouse.iceberg.catalog import load_catalog
from tests.local_lakehouse.athena.conftest import Athena


@pytest.fixture
def partitioned(athena: Athena) -> Athena:
    """Create a table that is partitioned by a column of type double."""
    athena.run(
        "CREATE TABLE t (n int, d double) PARTITIONED BY (d) LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.write("INSERT INTO t VALUES (1, 0.1), (2, -1e-300), (3, 1e300)")
    return athena


@pytest.mark.parametrize(
    ("condition", "rows"),
    [("d = 0.1", ["1"]), ("d < 0e0", ["2"]), ("d = 1e300", ["3"]), ("d IN (0.1, 1e300)", ["1", "3"])],
)
def test_filter_finds_partitions_whose_values_need_double_precision(
    partitioned: Athena, condition: str, rows: list[str]
) -> None:
    found = partitioned.run(f"SELECT n FROM t WHERE {condition} ORDER BY n")

    assert [row[0] for row in found] == rows


def test_rewritten_manifest_keeps_the_values(partitioned: Athena) -> None:
    partitioned.write("DELETE FROM t WHERE n = 3")

    table = load_catalog(partitioned.clients).load_table(("lab", "t"))
    partitions = {task.file.partition[0] for task in table.scan().plan_files()}

    assert partitions == {0.1, -1e-300}
