"""Random statements over random tables, by several routes that must agree.

The routes: the tables as the catalog has them; the same rows as constants in the statement; and the tables without the
rows that the statement's own conditions allow a scan to leave out. ``make fuzz`` runs more of them.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.athena.results import Text, render
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.analysis.session import Condition, Session
from local_lakehouse.sql.grammar.parser import parse_query
from local_lakehouse.sql.workers.pool import WorkerPool, WorkerSession
from tests.local_lakehouse.sql.conftest import Table, Tables

COLUMNS = {"i": "integer", "j": "bigint", "s": "varchar", "f": "double", "d": "date"}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "i": st.none() | st.integers(-3, 3),
    "j": st.none() | st.integers(-3, 3) | st.sampled_from([2**40, -(2**40)]),
    "s": st.none() | st.sampled_from(["", "a", "b", "ab", "r1.c0", "é"]),
    "f": st.none() | st.sampled_from([0.0, -0.0, 1.5, -2.25, 3.0]),
    "d": st.none() | st.dates(date(2024, 1, 1), date(2024, 1, 4)),
}
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))


@pytest.fixture(scope="module")
def worker(workers: WorkerPool) -> Iterator[WorkerSession]:
    """One worker for all statements of the module."""
    with workers.opened() as opened:
        yield opened


def _written(value: Any, type_: str) -> str:
    if value is None:
        return f"CAST(NULL AS {type_})"
    if isinstance(value, str):
        return f"CAST('{value}' AS varchar)"
    if isinstance(value, date):
        return f"DATE '{value}'"
    return f"CAST({value!r} AS {type_})" if not isinstance(value, float) else f"DOUBLE '{value!r}'"


_rows = st.lists(st.tuples(*VALUES.values()), max_size=6)
_numbers = st.sampled_from(["i", "j", "i + 1", "j - i", "abs(i)", "coalesce(i, 0)", "length(s)", "nullif(i, 1)"])
_constants = {
    "i": st.integers(-3, 3).map(str),
    "j": st.integers(-3, 3).map(str),
    "s": st.sampled_from(["'a'", "'ab'", "'r1.c0'", "''"]),
    "f": st.sampled_from(["1.5", "0.0", "-2.25", "1"]),
    "d": st.sampled_from(["DATE '2024-01-02'", "DATE '2024-01-03'"]),
}


def _comparison(column: str, name: str = "") -> st.SearchStrategy[str]:
    constant, name = _constants[column], name or column
    operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM"])
    items = st.lists(constant | st.just("NULL"), min_size=1, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("{} {} {}".format, st.just(name), operators, constant),
        st.builds("{} {} {}".format, constant, st.sampled_from(["=", "<", ">="]), st.just(name)),
        st.builds("{} BETWEEN {} AND {}".format, st.just(name), constant, constant),
        st.builds("{} IN ({})".format, st.just(name), items),
        st.sampled_from([f"{name} IS NULL", f"{name} IS NOT NULL"]),
    )


_simple = st.one_of(
    *map(_comparison, COLUMNS),
    st.builds("{} {} {}".format, _numbers, st.sampled_from(["=", "<", ">="]), _numbers),
    st.sampled_from(
        ["s LIKE 'a%'", "i IN (SELECT j FROM u)", "EXISTS (SELECT 1 FROM u WHERE u.i = t.i)", "true", "NULL"]
    ),
)
_conditions = st.recursive(
    _simple,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: "(" + " AND ".join(terms) + ")")
        | st.lists(inner, min_size=2, max_size=3).map(lambda terms: "(" + " OR ".join(terms) + ")")
        | inner.map(lambda term: f"(NOT {term})")
    ),
    max_leaves=5,
)
_aggregates = st.sampled_from(
    ["count(*)", "count(i)", "count(DISTINCT s)", "sum(i)", "min(s)", "max(d)", "min(f)", "sum(j) FILTER (WHERE i > 0)"]
)
_selects = st.one_of(
    st.just("SELECT i, j, s, f, d FROM t"),
    st.builds("SELECT DISTINCT {}, s FROM t".format, _numbers),
    st.builds("SELECT CASE WHEN {} THEN s ELSE 'no' END, {} FROM t".format, _simple, _simple),
    st.just("SELECT t.i, u.s FROM t JOIN u ON t.i = u.i"),
    st.just("SELECT t.i, u.s FROM t LEFT JOIN u ON t.s = u.s AND u.i > 0"),
    st.just("SELECT i, sum(j) OVER (PARTITION BY s) FROM t"),
    st.just("SELECT i, (SELECT max(u.j) FROM u WHERE u.s = t.s) FROM t"),
)


@st.composite
def _statements(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        group = draw(st.sampled_from(["s", "i", "d", "i, s"]))
        where = draw(_conditions)
        having = draw(st.sampled_from(["", " HAVING count(*) > 1", " HAVING min(i) IS NOT NULL"]))
        return f"SELECT {group}, {draw(_aggregates)} FROM t WHERE {where} GROUP BY {group}{having}"
    select = draw(_selects)
    if "JOIN" in select:
        return f"{select} WHERE {draw(_comparison('i', 't.i') | _comparison('s', 'u.s'))}"
    statement = f"{select} WHERE {draw(_conditions)}"
    if draw(st.booleans()) and select.startswith("SELECT i, j, s"):
        joined = draw(st.sampled_from(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL"]))
        statement += f" {joined} {select} WHERE {draw(_conditions)}"
    return statement


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
    """Tell whether a scan that looks at a condition alone may keep a row."""
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
            "(" + ", ".join(map(_written, row, table.columns.values())) + ")"
            for row in (*table.rows, (None,) * len(table.columns))
        ]
        names = ", ".join(table.columns)
        rows = f"SELECT * FROM (VALUES {', '.join(lines)}) AS v({names})"
        # The row of NULLs gives a table without rows its types.
        limit = f" LIMIT {len(table.rows)}"
        common.append(f"{name}({names}) AS ({rows}{limit})")
    return f"WITH {', '.join(common)} {sql}"


@given(_rows, _rows, _statements())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_routes_agree(worker: WorkerSession, first: Any, second: Any, statement: str) -> None:
    tables = {"t": Table(COLUMNS, first), "u": Table(COLUMNS, second)}

    answer = _answer(statement, Tables(tables), worker)

    assert _answer(_as_constants(statement, tables), Tables({}), worker) == answer
    assert _answer(statement, Tables(tables), worker, pruned=True) == answer
