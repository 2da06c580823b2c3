"""Tests for the 22 TPC-H queries on Iceberg tables at scale factor 0.1, compared with DuckDB on the same rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from local_lakehouse.athena.api import AthenaService
from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.iceberg.catalog import load_catalog
from local_lakehouse.sql.workers.pool import WorkerPool
from tests.local_lakehouse.athena.conftest import Athena
from tests.local_lakehouse.athena.tpch_data import generate, read
from tests.local_lakehouse.athena.tpch_queries import QUERIES


@pytest.fixture(scope="module")
def lake(
    workers: WorkerPool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Athena, duckdb.DuckDBPyConnection]]:
    """Provide the TPC-H tables in Athena and in DuckDB, with the same rows."""
    backend = Backend("us-east-1")
    service = AthenaService(backend.clients, workers)
    athena = Athena(service, backend.clients)
    athena.s3.create_bucket(Bucket="lab")
    athena.glue.create_database(DatabaseInput={"Name": "lab"})
    catalog, plain = load_catalog(backend.clients), duckdb.connect()
    for name, path in generate(tmp_path_factory.mktemp("tpch")).items():
        rows = read(path)
        catalog.create_table(("lab", name), rows.schema, location=f"s3://lab/{name}").append(rows)
        plain.from_parquet(str(path)).create_view(name)
    yield athena, plain
    service.stop()
    backend.close()


def _same(text: str | None, value: Any) -> bool:
    if text is None or value is None:
        return text is value
    if isinstance(value, float | Decimal | int):
        return math.isclose(float(text), float(value), rel_tol=1e-9, abs_tol=0.006)
    return text == str(value)


@pytest.mark.parametrize("number", QUERIES)
def test_query_returns_the_same_rows_as_duckdb(lake: tuple[Athena, duckdb.DuckDBPyConnection], number: int) -> None:
    athena, plain = lake

    rows = athena.run(QUERIES[number])

    expected = plain.execute(QUERIES[number]).fetchall()
    assert len(rows) == len(expected)
    assert all(
        _same(text, value)
        for row, expected_row in zip(rows, expected, strict=True)
        for text, value in zip(row, expected_row, strict=True)
    )


def test_most_queries_return_rows(lake: tuple[Athena, duckdb.DuckDBPyConnection]) -> None:
    _, plain = lake
    found = [number for number, sql in QUERIES.items() if plain.execute(sql).fetchall()]

    assert len(found) >= 20
