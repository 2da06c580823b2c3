"""The 22 queries of TPC-H on Iceberg tables: the same answers as DuckDB's own over the same rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.local.athena.conftest import Athena
from tests.local.athena.tpch_data import tables
from tests.local.athena.tpch_queries import QUERIES
from zetl_helpers.local.athena.api import AthenaService
from zetl_helpers.local.athena.runtime.engine import Engine
from zetl_helpers.local.backend import Backend
from zetl_helpers.local.iceberg import load_catalog

ORDERS = 3000


@pytest.fixture(scope="module")
def lake(engine: Engine) -> Iterator[tuple[Athena, duckdb.DuckDBPyConnection]]:
    """The tables in an Athena, and in a DuckDB beside it."""
    backend = Backend("us-east-1")
    service = AthenaService(backend.inside, engine)
    athena = Athena(service, backend.inside)
    athena.s3.create_bucket(Bucket="lab")
    athena.glue.create_database(DatabaseInput={"Name": "lab"})
    catalog, plain = load_catalog(backend.inside), duckdb.connect()
    for name, rows in tables(ORDERS).items():
        catalog.create_table(("lab", name), rows.schema, location=f"s3://lab/{name}").append(rows)
        plain.register(name, rows)
    yield athena, plain
    service.stop()
    backend.reset()


def _same(text: str | None, value: Any) -> bool:
    if text is None or value is None:
        return text is value
    if isinstance(value, float | Decimal | int):
        return math.isclose(float(text), float(value), rel_tol=1e-9, abs_tol=0.006)
    return text == str(value)


@pytest.mark.parametrize("number", QUERIES)
def test_query(lake: tuple[Athena, duckdb.DuckDBPyConnection], number: int) -> None:
    athena, plain = lake

    rows = athena.run(QUERIES[number])

    expected = plain.execute(QUERIES[number]).fetchall()
    assert len(rows) == len(expected)
    assert all(
        _same(text, value)
        for mine, its in zip(rows, expected, strict=True)
        for text, value in zip(mine, its, strict=True)
    )


def test_the_rows_are_such_that_queries_find_some(lake: tuple[Athena, duckdb.DuckDBPyConnection]) -> None:
    _, plain = lake
    found = [number for number, sql in QUERIES.items() if plain.execute(sql).fetchall()]

    assert len(found) >= 20
