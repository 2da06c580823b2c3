"""Tests that random statements on random tables return the same result however they are executed.

Each statement reads the tables from the catalog, and then the same rows as literals. It also reads the tables without
the rows that its conditions allow a scan to skip. ``make fuzz`` runs more statements.
`tests/local_lakehouse/athena/test_fuzz.py` executes similar statements on Iceberg tables, with ``OPTIMIZE`` and time
travel.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from local_lakehouse.athena.result_columns import render
from local_lakehouse.athena.results import Text
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.analysis.session import Condition, Session
from local_lakehouse.sql.grammar.parser import parse_query
from local_lakehouse.sql.workers.pool import WorkerPool, WorkerSession
from tests.local_lakehouse.sql.conftest import Table, Tables
from tests.local_lakehouse.sql.random_statements import COLUMNS, ROWS, statements, written

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))


@pytest.fixture(scope="module")
def worker(workers: WorkerPool) -> Iterator[WorkerSession]:
    """Provide one worker for all statements in the module."""
    with workers.opened() as opened:
        yield opened


def _answer(sql: str, tables: Tables, worker: WorkerSession, *, pruned: bool = False) -> list[list[Text]]:
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    compiled = compile_query(parse_query(sql), Session(tables, None, now, worker.constant))
    for relation, source in tables.opened.items():
        table = tables.tables[source.names[-1]]
        if pruned:
            kept = [row for row in table.rows if all(_meets(row, condition) for condition in source.conditions)]
            table = Table(table.columns, kept)
        worker.register(relation, table.arrow())
    rows = render(worker.read(compiled.sql), [column.type for column in compiled.columns])
    return sorted(rows, key=lambda row: [(value is None, value or "") for value in row])


def _meets(row: Any, condition: Condition) -> bool:
    """Return whether a scan that applies only one condition keeps a row."""
    value, wanted = row[int(condition.column.removeprefix("c"))], condition.values
    if value is None:
        return False
    if condition.operator == "IN":
        return value in wanted
    compare = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
    met: bool = compare[condition.operator](value, wanted[0])
    return met


def _as_constants(sql: str, tables: Mapping[str, Table]) -> str:
    common = []
    for name, table in tables.items():
        lines = [
            "(" + ", ".join(map(written, row, table.columns.values())) + ")"
            for row in (*table.rows, (None,) * len(table.columns))
        ]
        names = ", ".join(table.columns)
        rows = f"SELECT * FROM (VALUES {', '.join(lines)}) AS v({names})"
        # The row of NULLs defines the column types of an empty table.
        limit = f" LIMIT {len(table.rows)}"
        common.append(f"{name}({names}) AS ({rows}{limit})")
    return f"WITH {', '.join(common)} {sql}"


@given(ROWS, ROWS, statements())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_query_results_agree_for_tables_literals_and_pruned_rows(
    worker: WorkerSession, first: Any, second: Any, statement: str
) -> None:
    tables = {"t": Table(COLUMNS, first), "u": Table(COLUMNS, second)}

    answer = _answer(statement, Tables(tables), worker)

    assert _answer(_as_constants(statement, tables), Tables({}), worker) == answer
    assert _answer(statement, Tables(tables), worker, pruned=True) == answer
