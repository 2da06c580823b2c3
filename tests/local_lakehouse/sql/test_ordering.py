"""Tests for sort keys and the rows that ``ORDER BY`` selects."""

import pytest

from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Run


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT DISTINCT x FROM t ORDER BY x DESC FETCH FIRST ROW WITH TIES", [["3"]]),
        ("SELECT DISTINCT x + y AS z FROM t ORDER BY z FETCH FIRST 2 ROWS WITH TIES", [["2"], ["4"]]),
        ("SELECT DISTINCT x, y FROM t ORDER BY 2 FETCH FIRST ROW WITH TIES", [["1", "1"], ["3", "1"]]),
        ("SELECT DISTINCT CAST(x AS varchar) FROM t ORDER BY 1 FETCH FIRST 2 ROWS WITH TIES", [["1"], ["3"]]),
        ("SELECT DISTINCT y, count(*) FROM t GROUP BY y ORDER BY 2 FETCH FIRST ROW WITH TIES", [["2", "1"]]),
    ],
)
def test_distinct_rows_are_ranked_for_ties(run: Run, query: str, rows: list[list[str]]) -> None:
    source = "WITH t(x, y) AS (VALUES (1, 1), (1, 1), (3, 1), (3, 2))"

    assert sorted(run(f"{source} {query}").rows) == rows


def test_random_sort_key_with_ties_is_rejected_unless_it_is_computed_first(run: Run) -> None:
    with pytest.raises(QueryFailure, match="does not support FETCH … WITH TIES with a random sort key"):
        run("SELECT random() AS r FROM (VALUES 1, 2) t(x) ORDER BY r FETCH FIRST ROW WITH TIES")
    assert len(run("VALUES random(), random() ORDER BY 1 FETCH FIRST ROW WITH TIES").rows) == 1
