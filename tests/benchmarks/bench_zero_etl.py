"""Benchmarks of the first load, and of refreshes compared with PyIceberg's `upsert`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local_lakehouse.__main__ import SWITCH_SECONDS
from local_lakehouse.backend.dynamodb_source import DynamoDbSource
from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.iceberg.catalog import load_catalog
from local_lakehouse.zero_etl.merge import MergeContext
from local_lakehouse.zero_etl.rows import as_rows
from local_lakehouse.zero_etl.target import Layout, Target
from local_lakehouse.zero_etl.typed import typed, typed_keys, typed_lines
from local_lakehouse.zero_etl.unnest import FULL, Unnested, unnest
from tests.benchmarks import results

KEYS = {"CustomerID": "S", "AccountNumber": "S"}
ITEMS = 300_000
TABLE = 100_000
CHANGES = 10_000
# This number is small because PyIceberg's `upsert` takes seconds for a thousand rows.
UPSERTS = 1_000

Item = dict[str, dict[str, Any]]


def _item(number: int, balance: int) -> Item:
    return {
        "CustomerID": {"S": f"CUST{number:06d}"},
        "AccountNumber": {"S": f"ACC{number}"},
        "State": {"S": ("NY", "WA", "TX", "CA")[number % 4]},
        "ZipCode": {"S": str(10_000 + number % 900)},
        "LastPaymentDate": {"S": "2024-01-05T00:00:00Z"},
        "AccountStatus": {"S": "Active" if number % 7 else "Past due"},
        "CreditLimit": {"N": str(number * 10)},
        "CurrentBalance": {"N": f"{balance}.5"},
        "InterestRate": {"N": "3.25"},
    }


def _unnest(items: list[Item]) -> Unnested:
    return unnest(typed(items), KEYS, FULL)


def _keys(items: list[Item]) -> list[Item]:
    return [{name: item[name] for name in KEYS} for item in items]


@dataclass
class Environment:
    """A lakehouse with a bucket and a database."""

    backend: Backend

    def __post_init__(self) -> None:
        self.clients = self.backend.clients
        self.clients.client("s3").create_bucket(Bucket="bench")
        self.clients.client("glue").create_database(DatabaseInput={"Name": "d", "LocationUri": "s3://bench/d"})
        self.context = MergeContext(load_catalog(self.clients))
        self.source = DynamoDbSource(self.clients)

    def table(self, name: str, items: list[Item]) -> None:
        """Create a DynamoDB table that contains the items."""
        self.clients.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in zip(KEYS, ("HASH", "RANGE"), strict=True)],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in KEYS.items()],
        )
        self.put(name, items)

    def put(self, name: str, items: list[Item]) -> None:
        """Put items into a table."""
        with self.backend.database.transaction():
            self.source.put_new(name, items)

    def target(self, name: str) -> Target:
        """Return the target table of an integration."""
        columns = [key.lower() for key in KEYS]
        return Target(Layout("d", name, f"s3://bench/d/{name}", columns, (), "bench_1"), self.context)


@pytest.fixture
def environment() -> Iterator[Environment]:
    backend = Backend("us-east-1")
    earlier = sys.getswitchinterval()
    # The thread switch interval is the same as in a lakehouse.
    sys.setswitchinterval(SWITCH_SECONDS)
    yield Environment(backend)
    sys.setswitchinterval(earlier)
    backend.close()


def bench_first_load(environment: Environment) -> None:
    environment.table("Loaded", [_item(number, number) for number in range(ITEMS)])
    rates, rates_of_cpu = [], []
    for attempt in range(4):
        started, cpu = time.perf_counter(), time.process_time()
        with environment.source.snapshot("Loaded") as snapshot:
            items = typed_lines(snapshot.lines())
        environment.target(f"load{attempt}").load(unnest(items, KEYS, FULL).columns, keep=False)
        rates.append(ITEMS / (time.perf_counter() - started))
        rates_of_cpu.append(ITEMS / (time.process_time() - cpu))
    results.save("first_load", {"items/s": rates, "items per second of CPU time": rates_of_cpu})
    print(f"\nfirst load: {max(rates):,.0f} items/s ({ITEMS:,} items; best of {len(rates)})")
    print(f"per second of CPU time: {max(rates_of_cpu):,.0f} items, regardless of the computer's other load")
    assert max(rates_of_cpu) >= 150_000


def bench_refresh_and_upsert(environment: Environment) -> None:
    environment.target("changes").load(_unnest([_item(number, number) for number in range(TABLE)]).columns, keep=False)
    environment.table("Changed", [_item(number, number) for number in range(TABLE)])
    rates, rates_of_cpu = [], []
    for attempt in range(5):
        rows, gone = _changes(CHANGES, attempt)
        environment.put("Changed", rows)
        keys = _keys(rows + gone)
        started, cpu = time.perf_counter(), time.process_time()
        with environment.source.snapshot("Changed") as snapshot:
            changed = typed_lines(snapshot.lines_of(_keys(rows)))
        counts = environment.target("changes").apply(
            unnest(changed, KEYS, FULL), unnest(typed_keys(keys, KEYS), KEYS, FULL).columns, known=()
        )
        rates.append(CHANGES / (time.perf_counter() - started))
        rates_of_cpu.append(CHANGES / (time.process_time() - cpu))
        assert counts.updated + counts.inserted + counts.deleted >= CHANGES * 9 // 10
    upserts = _upsert_rate(environment)
    per_cpu = {"changes per second of CPU time": rates_of_cpu}
    results.save("refresh", {"changes/s": rates, **per_cpu, "PyIceberg upsert (changes/s)": upserts})
    print(f"\nrefresh: {max(rates):,.0f} changes/s ({CHANGES:,} of {TABLE:,} rows; best of {len(rates)})")
    print(f"per second of CPU time: {max(rates_of_cpu):,.0f} changes")
    print(f"PyIceberg's upsert: {upserts:,.0f} changes/s ({UPSERTS:,} of {TABLE:,} rows)")
    assert max(rates_of_cpu) >= 15_000
    assert max(rates) > 10 * upserts


def _changes(number: int, attempt: int) -> tuple[list[Item], list[Item]]:
    step = TABLE // number
    changed = [_item(row * step, row + 7 + attempt) for row in range(number * 9 // 10)]
    new = [_item(TABLE + attempt * number + row, 1) for row in range(number // 20)]
    gone = [_item(row * step + 1 + attempt, 0) for row in range(number // 20)]
    return changed + new, gone


def _upsert_rate(environment: Environment) -> float:
    environment.target("upserts").load(_unnest([_item(number, number) for number in range(TABLE)]).columns, keep=False)
    table = environment.context.catalog.load_table(("d", "upserts"))
    rows, _ = _changes(UPSERTS, 0)
    changed = as_rows(_unnest(rows).columns, table.schema())
    started = time.perf_counter()
    table.upsert(changed, join_cols=[name.lower() for name in KEYS])
    return len(rows) / (time.perf_counter() - started)
