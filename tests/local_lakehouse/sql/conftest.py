"""Fixtures for Athena SQL without AWS services, based on DuckDB and a catalog of Arrow tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from local_lakehouse.athena.result_columns import render
from local_lakehouse.athena.results import Text
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.analysis.session import Session, Source, SourceColumn, Version, View
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar.parser import Parser, parse_query, parse_type
from local_lakehouse.sql.workers.pool import WorkerPool, WorkerSession


@dataclass(frozen=True)
class Table:
    """A test table with its rows, and with the Athena type of each column."""

    columns: Mapping[str, str]
    rows: Sequence[Sequence[Any]] = ()

    def arrow(self) -> pa.Table:
        """Return the rows, with the column names that the generated DuckDB SQL uses."""
        columns = [[row[index] for row in self.rows] for index in range(len(self.columns))]
        kinds = [_ARROW[type_.partition("(")[0]] for type_ in self.columns.values()]
        arrays = [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
        return pa.table(arrays, names=[f"c{index}" for index in range(len(arrays))])


_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "array": pa.list_(pa.int32()),
}


@dataclass
class Tables:
    """A catalog of in-memory tables, which sends no requests."""

    tables: Mapping[str, Table]
    views: Mapping[str, View] = field(default_factory=dict)
    resolved_versions: list[Version | None] = field(default_factory=list)
    opened: dict[str, Source] = field(default_factory=dict)

    def resolve(
        self, names: tuple[str, ...], database: str | None, version: Version | None, position: Position
    ) -> Source | View:
        """Find a table or a view."""
        name = names[-1]
        if name in self.views:
            return self.views[name]
        if name not in self.tables:
            raise QueryFailure("TABLE_NOT_FOUND", f"Table '{'.'.join(names)}' does not exist", position)
        self.resolved_versions.append(version)
        columns = tuple(
            SourceColumn(column, parse_type(type_), f"c{index}")
            for index, (column, type_) in enumerate(self.tables[name].columns.items())
        )
        source = Source(("awsdatacatalog", "lab", name), f"test{next(_numbers)}_{name}", columns)
        self.opened[source.relation] = source
        return source

    def columns_read(self, compiled: Compiled) -> dict[str, set[str]]:
        """Return the names of the columns that a query reads from each table."""
        read: dict[str, set[str]] = {}
        for relation, columns in compiled.scans.items():
            source = self.opened[relation]
            read.setdefault(source.names[-1], set()).update(
                column.name for column in source.columns if column.sql in columns
            )
        return read


_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """The result of a query."""

    names: list[str | None]
    types: list[str]
    rows: list[list[Text]]


Run = Callable[..., Answer]


@pytest.fixture(scope="session")
def workers() -> Iterator[WorkerPool]:
    """Provide the worker processes that run all queries."""
    pool = WorkerPool()
    yield pool
    pool.stop()


def session(tables: Tables, worker: WorkerSession, parameters: Sequence[str] = ()) -> Session:
    """Return the session in which a query is analyzed."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    given = [Parser(text).expression() for text in parameters]
    return Session(tables, "lab", now, worker.constant, given)


@pytest.fixture(scope="session")
def compile_sql(workers: WorkerPool) -> Callable[..., Compiled]:
    """Provide a function that analyzes a query over tables."""

    def compiled(sql: str, tables: Tables | None = None) -> Compiled:
        with workers.opened() as worker:
            return compile_query(parse_query(sql), session(tables or Tables({}), worker))

    return compiled


@pytest.fixture(scope="session")
def run(workers: WorkerPool) -> Run:
    """Provide a function that runs a query, optionally over tables."""

    def answer(sql: str, tables: Mapping[str, Table] | None = None, parameters: Sequence[str] = ()) -> Answer:
        catalog = Tables(tables or {})
        with workers.opened() as worker:
            compiled = compile_query(parse_query(sql), session(catalog, worker, parameters))
            types = [column.type for column in compiled.columns]
            for relation, source in catalog.opened.items():
                worker.register(relation, catalog.tables[source.names[-1]].arrow())
            rows = render(worker.read(compiled.sql), types)
        return Answer([column.name for column in compiled.columns], [str(type_) for type_ in types], rows)

    return answer
