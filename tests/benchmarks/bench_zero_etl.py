"""How fast items become snapshots: the first load, and refreshes beside PyIceberg's own `upsert`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.iceberg.catalog import load_catalog
from local_lakehouse.zero_etl.merge import MergeContext
from local_lakehouse.zero_etl.rows import as_rows
from local_lakehouse.zero_etl.target import Layout, Target
from local_lakehouse.zero_etl.typed import typed
from local_lakehouse.zero_etl.unnest import FULL, Unnested, unnest

KEYS = {"CustomerID": "S", "AccountNumber": "S"}
ITEMS = 300_000
TABLE = 100_000
CHANGES = 10_000
# PyIceberg's `upsert` takes seconds for a thousand.
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


@pytest.fixture
def target() -> Iterator[Callable[[str], Target]]:
    backend = Backend("us-east-1")
    backend.clients.client("s3").create_bucket(Bucket="bench")
    backend.clients.client("glue").create_database(DatabaseInput={"Name": "d", "LocationUri": "s3://bench/d"})
    context = MergeContext(load_catalog(backend.clients))
    columns = [name.lower() for name in KEYS]
    yield lambda name: Target(Layout("d", name, f"s3://bench/d/{name}", columns, (), "bench_1"), context)
    backend.close()


def bench_first_load(target: Callable[[str], Target]) -> None:
    items = [_item(number, number) for number in range(ITEMS)]
    rates = []
    for attempt in range(3):
        started = time.perf_counter()
        target(f"load{attempt}").load(_unnest(items).columns, keep=False)
        rates.append(ITEMS / (time.perf_counter() - started))
    print(f"\nfirst load: {max(rates):,.0f} items/s ({ITEMS:,} items; best of {len(rates)})")
    assert max(rates) >= 200_000


def bench_refresh_beside_upsert(target: Callable[[str], Target]) -> None:
    target("changes").load(_unnest([_item(number, number) for number in range(TABLE)]).columns, keep=False)
    rates = []
    for attempt in range(5):
        rows, gone = _changes(CHANGES, attempt)
        started = time.perf_counter()
        counts = target("changes").apply(_unnest(rows), _unnest(_keys(rows + gone)).columns)
        rates.append(CHANGES / (time.perf_counter() - started))
        assert counts.updated + counts.inserted + counts.deleted >= CHANGES * 9 // 10
    upserts = _upsert_rate(target)
    print(f"\nrefresh: {max(rates):,.0f} changes/s ({CHANGES:,} of {TABLE:,} rows; best of {len(rates)})")
    print(f"PyIceberg's upsert: {upserts:,.0f} changes/s ({UPSERTS:,} of {TABLE:,} rows)")
    assert max(rates) >= 50_000


def _changes(number: int, attempt: int) -> tuple[list[Item], list[Item]]:
    step = TABLE // number
    changed = [_item(row * step, row + 7 + attempt) for row in range(number * 9 // 10)]
    new = [_item(TABLE + attempt * number + row, 1) for row in range(number // 20)]
    gone = [_item(row * step + 1 + attempt, 0) for row in range(number // 20)]
    return changed + new, gone


def _upsert_rate(target: Callable[[str], Target]) -> float:
    catalog = target("changes").context.catalog
    target("upserts").load(_unnest([_item(number, number) for number in range(TABLE)]).columns, keep=False)
    table = catalog.load_table(("d", "upserts"))
    rows, _ = _changes(UPSERTS, 0)
    changed = as_rows(_unnest(rows).columns, table.schema())
    started = time.perf_counter()
    table.upsert(changed, join_cols=[name.lower() for name in KEYS])
    return len(rows) / (time.perf_counter() - started)
