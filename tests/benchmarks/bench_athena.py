"""Benchmarks of Athena: TPC-H, an aggregation of a million rows, and a small repeated query.

Each figure is compared with two alternatives that are measured in the same run. The first is plain DuckDB on the data
files of the same tables. The second is a script that combines PyIceberg and DuckDB: it loads the table, reads the
query's columns, and runs the query. Compare ratios rather than seconds, because the times depend on the computer.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog import Catalog

from local_lakehouse.iceberg.catalog import load_catalog
from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.benchmarks import results
from tests.local_lakehouse.athena.tpch_data import generate, read
from tests.local_lakehouse.athena.tpch_queries import QUERIES

MILLION = 1_000_000
SCALE = float(os.environ.get("ZETL_BENCH_SCALE", "1"))
AGGREGATION = """
SELECT state, count(*) AS accounts, sum(balance) AS total, avg(balance) AS mean, max(day) AS latest
FROM million GROUP BY state ORDER BY state
"""
SMALL = """
SELECT state, count(*) AS accounts, sum(balance) AS total FROM small WHERE balance > 10 GROUP BY state ORDER BY state
"""
ROUNDS = 5


@dataclass
class TpchTables:
    """The TPC-H tables in Athena, as plain data files, and as Iceberg tables opened with PyIceberg."""

    client: Any
    catalog: Catalog
    files: dict[str, list[str]]

    def athena(self, sql: str) -> None:
        """Start a query, poll until it ends, and read the first page of its results, as boto3 users do."""
        execution_id = self.client.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": "lab"})[
            "QueryExecutionId"
        ]
        while True:
            status = self.client.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]["Status"]
            if status["State"] not in ("QUEUED", "RUNNING"):
                break
        assert status["State"] == "SUCCEEDED", status
        self.client.get_query_results(QueryExecutionId=execution_id)

    def duckdb(self, sql: str) -> None:
        """Run a query over the tables' data files."""
        with duckdb.connect() as connection:
            for name, files in self.files.items():
                connection.from_parquet(files).create_view(name)
            connection.execute(sql).fetchall()

    def by_hand(self, sql: str) -> None:
        """Load the Iceberg tables that a query names, read the columns that it names, and run the query."""
        with duckdb.connect() as connection:
            for name in self.files:
                if name in sql:
                    table = self.catalog.load_table(("lab", name))
                    used = tuple(field.name for field in table.schema().fields if field.name in sql)
                    rows = table.scan(selected_fields=used or ("*",)).to_arrow()
                    connection.register(name, rows)
            connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TpchTables]:
    folder = tmp_path_factory.mktemp("tables")
    paths = {
        **generate(folder, SCALE),
        "million": _write(folder, "million", MILLION),
        "small": _write(folder, "small", 50),
    }
    lakehouse = Lakehouse(Settings(paused=True))
    lakehouse.start()
    session = boto3.Session("LOCALLAKEHOUSE000000", "not-a-secret", region_name="us-east-1")
    session.client("s3", endpoint_url=lakehouse.url).create_bucket(Bucket="lab")
    session.client("glue", endpoint_url=lakehouse.url).create_database(DatabaseInput={"Name": "lab"})
    catalog = load_catalog(lakehouse.backend.clients)
    files = {}
    for name, path in paths.items():
        rows = read(path)
        table = catalog.create_table(("lab", name), rows.schema, location=f"s3://lab/{name}")
        table.append(rows)
        files[name] = [_local(lakehouse, task.file.file_path) for task in table.scan().plan_files()]
    yield TpchTables(session.client("athena", endpoint_url=lakehouse.url), catalog, files)
    lakehouse.stop()


def _local(lakehouse: Lakehouse, location: str) -> str:
    """Return the path of an object's content on the local disk."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    path = lakehouse.backend.objects.path_of(bucket, key)
    assert path is not None, location
    return str(path)


def _write(folder: Path, name: str, count: int) -> Path:
    numbers = range(count)
    rows = pa.table(
        {
            "id": pa.array([f"CUST{number:07d}" for number in numbers]),
            "state": pa.array([("CA", "NY", "TX", "WA")[number % 4] for number in numbers]),
            "balance": pa.array([number % 10_007 / 4 for number in numbers]),
            "day": pa.array([19_000 + number % 365 for number in numbers], pa.int32()).cast(pa.date32()),
        }
    )
    pq.write_table(rows, folder / f"{name}.parquet")
    return folder / f"{name}.parquet"


def _median_millis(run: Callable[[str], None], sql: str, rounds: int = ROUNDS) -> float:
    run(sql)
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        run(sql)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _compare(tables: TpchTables, title: str, sql: str, rounds: int = ROUNDS) -> tuple[float, float, float]:
    mine, plain, hand = (_median_millis(run, sql, rounds) for run in (tables.athena, tables.duckdb, tables.by_hand))
    print(f"{title:<12}{mine:>9.1f}{plain:>9.1f}{hand:>9.1f}{mine / plain:>10.2f}{mine / hand:>10.2f}")
    return mine, plain, hand


def _save(benchmark: str, times: dict[str, tuple[float, float, float]]) -> None:
    columns = ("Athena (ms)", "DuckDB (ms)", "by hand (ms)")
    results.save(benchmark, {name: dict(zip(columns, each, strict=True)) for name, each in times.items()})


def _heading() -> None:
    print("\nmilliseconds   Athena   DuckDB  by hand  ÷ DuckDB ÷ by hand")


def bench_tpch(tables: TpchTables) -> None:
    _heading()
    print(f"scale factor {SCALE:g}")
    times = {f"Q{number}": _compare(tables, f"TPC-H Q{number}", sql, rounds=3) for number, sql in QUERIES.items()}
    mine, plain, hand = (sum(column) for column in zip(*times.values(), strict=True))
    _save("tpch", times | {"all 22": (mine, plain, hand)})
    print(f"{'all 22':<12}{mine:>9.1f}{plain:>9.1f}{hand:>9.1f}{mine / plain:>10.2f}{mine / hand:>10.2f}")
    assert mine < hand


def bench_aggregation_of_a_million_rows(tables: TpchTables) -> None:
    _heading()
    mine, plain, hand = _compare(tables, "1 M rows", AGGREGATION, rounds=15)
    _save("aggregation", {"1 M rows": (mine, plain, hand)})
    assert mine < plain


def bench_a_small_query_again(tables: TpchTables) -> None:
    _heading()
    mine, plain, hand = _compare(tables, "50 rows", SMALL, rounds=100)
    _save("small_query", {"50 rows": (mine, plain, hand)})
    assert mine < plain
