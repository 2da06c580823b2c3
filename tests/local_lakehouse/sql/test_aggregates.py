"""Tests for aggregates: NULL values and invalid arguments."""

import pytest

from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Run


def test_aggregate_of_several_values_keeps_null_values_and_skips_null_keys(run: Run) -> None:
    rows = "(VALUES (1, 1), (NULL, 5), (3, 4), (4, NULL)) AS t(x, y)"

    assert run(f"SELECT max_by(x, y, 2), min_by(x, y, 3) FROM {rows}").rows == [["[null, 3]", "[1, 3, null]"]]
    assert run(f"SELECT max_by(x, y, 1) OVER () FROM {rows} LIMIT 1").rows == [["[null]"]]
    assert run(f"SELECT max(x, 2), min(x, 2) FROM {rows}").rows == [["[4, 3]", "[1, 3]"]]


def test_entropy_rejects_negative_counts(run: Run) -> None:
    with pytest.raises(QueryFailure, match="Entropy count argument must be non-negative"):
        run("SELECT entropy(x) FROM (VALUES 2, -1) AS t(x)")


@pytest.mark.parametrize(("error", "count"), [("0.0040625", "2"), ("0.26", "2"), ("CAST(NULL AS double)", "0")])
def test_approx_distinct_accepts_standard_errors_in_range(run: Run, error: str, count: str) -> None:
    assert run(f"SELECT approx_distinct(x, {error}) FROM (VALUES 1, 2, 2) AS t(x)").rows == [[count]]


@pytest.mark.parametrize("error", ["0.001", "0.5", "nan()"])
def test_approx_distinct_rejects_other_standard_errors(run: Run, error: str) -> None:
    with pytest.raises(QueryFailure, match="Max standard error must be in"):
        run(f"SELECT approx_distinct(x, {error}) FROM (VALUES 1, 2, 2) AS t(x)")
