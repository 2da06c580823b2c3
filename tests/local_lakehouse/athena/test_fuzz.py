"""Tests that random statements on Iceberg tables return the same rows before and after OPTIMIZE, and with time travel.

Several statements insert, delete and update rows, so that the tables have delete files and small files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.athena.results import Text
from local_lakehouse.sql.grammar.parser import parse_type
from local_lakehouse.sql.hive_types import glue_type
from tests.local_lakehouse.athena.conftest import Athena
from tests.local_lakehouse.sql.random_statements import COLUMNS, ROWS, statements, written

EXAMPLES = int(os.environ.get("FUZZ_TABLES", "3"))
PARTITIONS = ["", "PARTITIONED BY (s)", "PARTITIONED BY (bucket(2, i))", "PARTITIONED BY (day(d), truncate(1, s))"]
CHANGES = [
    "DELETE FROM {} WHERE i = 1",
    "DELETE FROM {} WHERE s IS NULL OR f > 1.5",
    "UPDATE {} SET j = i + 1, s = 'ab' WHERE d > DATE '2024-01-02'",
    "UPDATE {} SET s = NULL WHERE i < 0",
]


def _create(athena: Athena, name: str, partitions: str) -> None:
    columns = ", ".join(f"{column} {glue_type(parse_type(type_))}" for column, type_ in COLUMNS.items())
    athena.run(f"DROP TABLE IF EXISTS {name}")
    athena.run(
        f"CREATE TABLE {name} ({columns}) {partitions} LOCATION 's3://lab/{name}/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )


def _insert(athena: Athena, name: str, rows: Sequence[Any]) -> None:
    if rows:
        lines = ["(" + ", ".join(map(written, row, COLUMNS.values())) + ")" for row in rows]
        athena.run(f"INSERT INTO {name} VALUES {', '.join(lines)}")


def _answer(athena: Athena, sql: str) -> list[list[Text]]:
    return sorted(athena.run(sql), key=lambda row: [(value is None, value or "") for value in row])


def _snapshot(athena: Athena, name: str) -> str | None:
    found = athena.run(f'SELECT snapshot_id FROM "{name}$snapshots" ORDER BY committed_at DESC LIMIT 1')
    return found[0][0] if found else None


def _at(sql: str, versions: dict[str, str | None]) -> str:
    """Return a query that reads the given versions of the tables. A table whose version is None is empty."""

    def travel(match: re.Match[str]) -> str:
        version = versions[match[2]]
        if version is None:
            return f"{match[1]} (SELECT * FROM {match[2]} WHERE false) AS {match[2]}"
        return f"{match[1]} {match[2]} FOR VERSION AS OF {version} AS {match[2]}"

    return re.sub(r"\b(FROM|JOIN) (t|u)\b", travel, sql)


@given(
    st.lists(ROWS, min_size=1, max_size=3),
    ROWS,
    st.lists(st.sampled_from(CHANGES), max_size=2),
    st.sampled_from(PARTITIONS),
    st.lists(statements(), min_size=4, max_size=8),
)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.timeout(7200)
def test_query_results_agree_after_optimize_and_with_time_travel(
    athena: Athena, inserts: Any, second: Any, changes: list[str], partitions: str, queries: list[str]
) -> None:
    _create(athena, "t", partitions)
    _create(athena, "u", "")
    for rows in inserts:
        _insert(athena, "t", rows)
    _insert(athena, "u", second)
    for change in changes:
        athena.run(change.format("t"))
    versions = {name: _snapshot(athena, name) for name in ("t", "u")}
    answers = [_answer(athena, query) for query in queries]

    athena.run("OPTIMIZE t REWRITE DATA USING BIN_PACK")
    assert [_answer(athena, query) for query in queries] == answers

    _insert(athena, "t", [(7, 7, "later", 7.0, None)])
    athena.run("DELETE FROM u WHERE true")
    assert [_answer(athena, _at(query, versions)) for query in queries] == answers
