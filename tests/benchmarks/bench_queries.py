"""Benchmarks of Athena clients: small queries, a large DataFrame, concurrent clients, and a large CTAS.

In each round, MiniStack also runs the small queries, and DuckDB runs the queries with large results on the same files.
Compare ratios rather than seconds, because the times depend on the computer.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import awswrangler as wr
import boto3
import duckdb
import psutil
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from botocore.config import Config

from tests.benchmarks import results
from tests.benchmarks.emulators import LAKEHOUSE, MINISTACK_QUERIES, Emulator, running
from tests.local_lakehouse.athena.tpch_data import generate

BUCKET = "bench"
CALLS = 100
CLIENTS = 8
MILLION = 1_000_000
MB = 2**20
ROUNDS = 3
SCALE = float(os.environ.get("ZETL_BENCH_SCALE", "1"))
SECONDS = 8.0
SMALL = """
SELECT state, count(*) AS accounts, sum(balance) AS total FROM {table}
WHERE balance > {balance} GROUP BY state ORDER BY 1
"""
PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}
TEXT = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": ","},
    },
}
TYPES = {pa.int32(): "int", pa.int64(): "bigint", pa.float64(): "double", pa.date32(): "date"}


class EmulatedAthena:
    """The Athena service of an emulator, with a database for external tables."""

    def __init__(self, address: str) -> None:
        self.session = boto3.Session("test", "test", region_name="us-east-1")
        self.address = address
        self.athena = self.client("athena")
        self.client("s3").create_bucket(Bucket=BUCKET)
        self.client("glue").create_database(DatabaseInput={"Name": "bench"})

    def client(self, service: str) -> Any:
        return self.session.client(
            service, endpoint_url=self.address, config=Config(retries={"total_max_attempts": 1}, read_timeout=300)
        )

    def add(self, name: str, path: Path) -> None:
        """Upload a Parquet or CSV file, and create an external table for it."""
        parquet = path.suffix == ".parquet"
        schema = pq.read_schema(path) if parquet else pa_csv.read_csv(path).schema
        self.client("s3").upload_file(str(path), BUCKET, f"{name}/{path.name}")
        self.client("glue").create_table(
            DatabaseName="bench",
            TableInput={
                "Name": name, "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "parquet" if parquet else "csv"}
                | ({} if parquet else {"skip.header.line.count": "1"}),
                "StorageDescriptor": {
                    "Location": f"s3://{BUCKET}/{name}/", **(PARQUET if parquet else TEXT),
                    "Columns": [{"Name": field.name, "Type": _type(field.type)} for field in schema],
                },
            },
        )  # fmt: skip

    def run(self, sql: str, client: Any = None) -> str:
        """Start a query, poll until it ends, as boto3 users do, and return its ID."""
        athena = client or self.athena
        query = athena.start_query_execution(
            QueryString=sql, QueryExecutionContext={"Database": "bench"},
            ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"},
        )["QueryExecutionId"]  # fmt: skip
        while True:
            status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
            if status["State"] not in ("QUEUED", "RUNNING"):
                break
        assert status["State"] == "SUCCEEDED", status
        return str(query)

    def rows(self, sql: str, client: Any = None) -> list[Any]:
        """Run a query, and return the first page of its result."""
        athena = client or self.athena
        return list(athena.get_query_results(QueryExecutionId=self.run(sql, athena))["ResultSet"]["Rows"])


@pytest.fixture
def start_athena(tmp_path: Path) -> Iterator[Callable[[Emulator], EmulatedAthena]]:
    """Provide a function that starts an emulator, and stop the emulator at the end of the test."""
    with contextlib.ExitStack() as stack:

        def start(emulator: Emulator) -> EmulatedAthena:
            state = tmp_path / emulator.name
            state.mkdir()
            return EmulatedAthena(stack.enter_context(running(emulator, state)))

        yield start


def bench_small_queries(start_athena: Callable[[Emulator], EmulatedAthena], tmp_path: Path) -> None:
    pa_csv.write_csv(_accounts(50), tmp_path / "text.csv")
    mine, other = start_athena(LAKEHOUSE), start_athena(MINISTACK_QUERIES)
    for athena in (mine, other):
        athena.add("text", tmp_path / "text.csv")
    mine.run(_ctas("iceberg", "text"))
    columns = {
        "lakehouse, Iceberg": (mine, "iceberg"), "lakehouse, text": (mine, "text"), "MiniStack, text": (other, "text")
    }  # fmt: skip
    medians: dict[str, dict[str, list[float]]] = {"repeated": {}, "distinct": {}}
    for number in range(ROUNDS):
        for kind, found in medians.items():
            for name, (athena, table) in columns.items():
                millis = []
                for call in range(CALLS):
                    balance = 10.0 if kind == "repeated" else number + call / CALLS
                    millis.append(_seconds(athena.rows, SMALL.format(table=table, balance=balance)) * 1000)
                found.setdefault(name, []).append(statistics.median(millis))
    results.save("small_queries", {f"{kind} (ms)": found for kind, found in medians.items()})
    print(f"\n{'small query (ms)':<20}" + "".join(f"{name:>20}" for name in columns) + f"{'ratio':>8}")
    for kind, found in medians.items():
        millis = [statistics.median(found[name]) for name in columns]
        print(f"{kind:<20}" + "".join(f"{each:>20.1f}" for each in millis) + f"{millis[0] / millis[-1]:>8.2f}")


def bench_a_million_rows_to_pandas(start_athena: Callable[[Emulator], EmulatedAthena], tmp_path: Path) -> None:
    path = tmp_path / "million.parquet"
    pq.write_table(_accounts(MILLION), path)
    athena = start_athena(LAKEHOUSE)
    athena.add("million", path)
    wr.config.athena_endpoint_url = wr.config.s3_endpoint_url = wr.config.glue_endpoint_url = athena.address
    wr.config.sts_endpoint_url = athena.address

    def read(**options: Any) -> int:
        return len(
            wr.athena.read_sql_query(
                "SELECT * FROM million", "bench", s3_output=f"s3://{BUCKET}/pandas/{time.time_ns()}/",
                boto3_session=athena.session, athena_query_wait_polling_delay=0.02, **options,
            )
        )  # fmt: skip

    def write_csv() -> int:
        duckdb.connect().execute(f"COPY (SELECT * FROM '{path}') TO '{tmp_path / 'copy.csv'}' (FORCE_QUOTE *)")
        return MILLION

    # The last two entries measure how long it takes to read a CSV file without a query, and to write one with DuckDB.
    existing = athena.run("SELECT * FROM million")
    ways: dict[str, Callable[[], int]] = {
        "DuckDB to pandas": lambda: len(duckdb.connect().execute(f"SELECT * FROM '{path}'").df()),
        "awswrangler, CSV": lambda: read(ctas_approach=False),
        "awswrangler, CTAS": lambda: read(ctas_approach=True),
        "awswrangler, UNLOAD": lambda: read(ctas_approach=False, unload_approach=True),
        "awswrangler, existing CSV": lambda: len(wr.athena.get_query_results(existing, boto3_session=athena.session)),
        "DuckDB to a CSV file": write_csv,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.perf_counter()
            assert way() == MILLION
            seconds[name].append(time.perf_counter() - started)
    results.save("million_rows", {f"{name} (s)": each for name, each in seconds.items()})
    plain = statistics.median(seconds["DuckDB to pandas"])
    print(f"\n{'a million rows':<28}{'seconds':>8}{'÷ DuckDB':>10}")
    for name, each in seconds.items():
        print(f"{name:<28}{statistics.median(each):>8.2f}{statistics.median(each) / plain:>10.2f}")


def bench_concurrent_clients(start_athena: Callable[[Emulator], EmulatedAthena], tmp_path: Path) -> None:
    pq.write_table(_accounts(MILLION), tmp_path / "million.parquet")
    athena = start_athena(LAKEHOUSE)
    athena.add("million", tmp_path / "million.parquet")
    sql = SMALL.format(table="million", balance=10)
    print(f"\n{'queries per second':<28}{'1 client':>10}{f'{CLIENTS} clients':>12}{'ratio':>8}")
    single, many = _throughput(athena, sql, 1), _throughput(athena, sql, CLIENTS)
    results.save("clients", {"1 client (queries/s)": single, f"{CLIENTS} clients (queries/s)": many})
    print(f"{'aggregation of 1 M rows':<28}{single:>10.1f}{many:>12.1f}{many / single:>8.2f}")


def bench_ctas(start_athena: Callable[[Emulator], EmulatedAthena], tmp_path: Path) -> None:
    files = generate(tmp_path, SCALE)
    athena = start_athena(LAKEHOUSE)
    for name, path in files.items():
        athena.add(f"source_{name}", path)
    output = tmp_path / "copy.parquet"
    with _memory() as most:
        seconds = {name: _seconds(athena.run, _ctas(name, f"source_{name}")) for name in files}
    plain = _seconds(duckdb.sql, f"COPY (SELECT * FROM '{files['lineitem']}') TO '{output}'")
    (count,) = athena.rows("SELECT count(*) FROM lineitem")[1]["Data"]
    assert int(count["VarCharValue"]) == pq.read_metadata(files["lineitem"]).num_rows
    results.save("ctas", {"seconds": seconds, "DuckDB, lineitem (s)": plain, "largest process (bytes)": most[0]})
    print(f"\nCTAS of TPC-H, scale factor {SCALE:g}: {sum(seconds.values()):.1f} s")
    print(f"lineitem: {seconds['lineitem']:.1f} s; DuckDB writes a copy in {plain:.1f} s")
    print(f"largest process of the lakehouse: {most[0] / MB:.0f} MB")


def _ctas(name: str, source: str) -> str:
    properties = f"table_type = 'ICEBERG', is_external = false, location = 's3://{BUCKET}/tables/{name}/'"
    return f"CREATE TABLE {name} WITH ({properties}) AS SELECT * FROM {source}"


def _throughput(athena: EmulatedAthena, sql: str, clients: int) -> float:
    """Return the queries per second of concurrent clients."""
    deadline = time.perf_counter() + SECONDS

    def work(_: int) -> int:
        client, done = athena.client("athena"), 0
        while time.perf_counter() < deadline:
            athena.rows(sql, client)
            done += 1
        return done

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(work, range(clients))) / SECONDS


@contextlib.contextmanager
def _memory() -> Iterator[list[int]]:
    """Sample the memory of each child process, and yield a list whose only entry is the largest value in bytes."""
    most, ended = [0], threading.Event()

    def sample() -> None:
        while not ended.wait(0.05):
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    # Memory pages backed by files are not counted, because the system can discard them at any time.
                    memory = process.memory_info()
                    most[0] = max(most[0], memory.rss - memory.shared)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


def _accounts(count: int) -> pa.Table:
    numbers: Sequence[int] = range(count)
    return pa.table(
        {
            "id": pa.array([f"CUST{number:07d}" for number in numbers]),
            "state": pa.array([("CA", "NY", "TX", "WA")[number % 4] for number in numbers]),
            "balance": pa.array([number % 10_007 / 4 + 11 for number in numbers]),
            "day": pa.array([19_000 + number % 365 for number in numbers], pa.int32()).cast(pa.date32()),
        }
    )


def _type(arrow: pa.DataType) -> str:
    if pa.types.is_decimal(arrow):
        return f"decimal({arrow.precision},{arrow.scale})"
    return TYPES.get(arrow, "string")


def _seconds(call: Callable[..., Any], *arguments: Any) -> float:
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started
