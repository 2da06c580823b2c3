"""What a zero-ETL integration costs on AWS, before it runs: list prices times what the service does."""

import html
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypedDict

import pandas as pd

MINUTES_A_DAY = 24 * 60
DAYS_A_MONTH = 30
SHORTEST_REFRESH, LONGEST_REFRESH = 15, 8640
PRICED_REGION = "us-east-1"

_MB, _GB, _TB = 2**20, 2**30, 2**40
_LEAST_EXPORT = 10 * _MB
_LEAST_SCAN = 10 * _MB
# DynamoDB adds this to each item's size when it bills storage: https://aws.amazon.com/dynamodb/pricing/on-demand/
_ITEM_OVERHEAD = 100
_GLUE_FREE = 1_000_000

# What AWS does not publish. Our assumptions, on the high side; the lines that rest on them say so.
_BUCKETS = 16
_PUTS_A_COMMIT = 4  # data file, manifest, manifest list, metadata
_GETS_A_COMMIT = 4
_GETS_A_QUERY = 8
_CATALOG_REQUESTS_A_COMMIT = 5
_CATALOG_REQUESTS_A_QUERY = 5
_LOG_BYTES_A_COMMIT = 3 * 600

NOT_INCLUDED = (
    "The DynamoDB table itself (storage, reads, writes)",
    "Processing at the target, should AWS bill it: no AWS page read says so for DynamoDB",
    "Customer managed keys, alarms, data transfer",
)


class _Price(TypedDict):
    """One entry of data/prices.json."""

    usd: float
    unit: str
    source: str
    date: str


@dataclass(frozen=True)
class CostItem:
    """One line of an estimate."""

    item: str
    quantity: float
    unit: str
    usd: float
    """The amount for the whole period."""
    basis: str
    """How the quantity comes about, and where the price is from."""


@dataclass(frozen=True, repr=False)
class Estimate:
    """What one table costs over a number of days; a notebook shows it as a table with its notes."""

    region: str
    days: float
    refresh_minutes: int
    items: tuple[CostItem, ...]
    notes: tuple[str, ...]
    """What to know before believing it: the cost of an idle integration first."""

    @property
    def total(self) -> float:
        """The sum of all items in US dollars."""
        return math.fsum(item.usd for item in self.items)

    def table(self) -> pd.DataFrame:
        """Return one row for each cost item and a last one with the total."""
        rows = [(each.item, each.quantity, each.unit, each.usd, each.basis) for each in self.items]
        rows.append(("Total", math.nan, "", self.total, self._period))
        return pd.DataFrame(rows, columns=["item", "quantity", "unit", "usd", "basis"])

    def __repr__(self) -> str:
        lines = [f"{item:<30}{amount:>14}  {basis}" for item, amount, basis in self._rows()]
        return "\n".join([*lines, *self.notes])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{item}</td><td>{amount}</td><td style='text-align:left'>{basis}</td></tr>"
            for item, amount, basis in (map(html.escape, row) for row in self._rows())
        )
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return f"<table><tr><th>item</th><th>US dollars</th><th>basis</th></tr>{rows}</table><ul>{notes}</ul>"

    @property
    def _period(self) -> str:
        return f"{'1 day' if self.days == 1 else f'{self.days:g} days'}, list prices of {PRICED_REGION}"

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [(each.item, _dollars(each.usd), each.basis) for each in self.items]
        return [*rows, ("Total", _dollars(self.total), self._period)]


def estimate(
    items: int,
    item_bytes: int,
    changes_per_day: float,
    refresh_minutes: int = SHORTEST_REFRESH,
    region: str = PRICED_REGION,
    days: float = DAYS_A_MONTH,
    *,
    queries_per_day: float = 20,
) -> Estimate:
    """Estimate what one DynamoDB table with a zero-ETL integration costs.

    Args:
        items: Items in the table.
        item_bytes: Average size of an item.
        changes_per_day: Puts, updates and deletes a day, spread evenly.
        refresh_minutes: The integration's refresh interval, 15 to 8640.
        region: The AWS Region; prices are known for us-east-1 and stand in for the others, with a note.
        days: How long it runs.
        queries_per_day: Athena queries a day, each reading the whole table.

    Raises:
        ValueError: A number is negative, or the interval is one that AWS refuses.

    https://docs.aws.amazon.com/glue/latest/dg/zero-etl-configuring-integration.html
    """
    _check(refresh_minutes, items, item_bytes, changes_per_day, days, queries_per_day)
    table_bytes = items * (item_bytes + _ITEM_OVERHEAD)
    exports = _exports_a_day(refresh_minutes) * days
    commits = min(_exports_a_day(refresh_minutes), changes_per_day) * days
    queries = queries_per_day * days
    return Estimate(
        region=region,
        days=days,
        refresh_minutes=refresh_minutes,
        items=(
            *_dynamodb(table_bytes, exports, changes_per_day * days * item_bytes, days),
            *_s3(table_bytes, commits, changes_per_day * days, queries, days),
            _athena(table_bytes, queries),
            _catalog(commits, queries, days),
            _line("CloudWatch Logs", "logs", commits * _LOG_BYTES_A_COMMIT / _GB, "GB", "three events a refresh"),
        ),
        notes=(
            idle_warning(refresh_minutes),
            *_region_notes(region),
            *(f"Not included: {one}" for one in NOT_INCLUDED),
        ),
    )


def by_interval(
    items: int,
    item_bytes: int,
    changes_per_day: float,
    intervals: Iterable[int] = (15, 60, 360, 1440),
    region: str = PRICED_REGION,
    *,
    queries_per_day: float = 20,
) -> pd.DataFrame:
    """Estimate a month at several refresh intervals, for `charts.cost_by_interval`.

    Returns:
        One row for each interval and cost item: `refresh_minutes`, `item`, `usd`.
    """
    rows = [
        (minutes, each.item, each.usd)
        for minutes in intervals
        for each in estimate(
            items, item_bytes, changes_per_day, minutes, region, DAYS_A_MONTH, queries_per_day=queries_per_day
        ).items
    ]
    return pd.DataFrame(rows, columns=["refresh_minutes", "item", "usd"])


def idle_cost(refresh_minutes: int, days: float = DAYS_A_MONTH) -> float:
    """Return what the refreshes of one table cost in US dollars while nothing changes.

    Each refresh is an export, and each export is billed as 10 MB at least.
    """
    return _exports_a_day(refresh_minutes) * days * _LEAST_EXPORT / _GB * _price("incremental_export")


def idle_warning(refresh_minutes: int) -> str:
    """Say what an integration costs that nobody uses, and what ends it."""
    idle = idle_cost(refresh_minutes)
    return (
        f"An idle integration refreshing every {refresh_minutes} minutes costs about ${idle:.2f} a month per table: "
        "each refresh is an export, billed as 10 MB at least. Delete the integration when you are done."
    )


def query_cost(scanned_bytes: int) -> float:
    """Return what one Athena query costs in US dollars, from its `DataScannedInBytes`; DDL is free.

    https://aws.amazon.com/athena/pricing/
    """
    if scanned_bytes < 0:
        raise ValueError(f"A query cannot scan {scanned_bytes} bytes.")
    billed = max(_LEAST_SCAN, math.ceil(scanned_bytes / _MB) * _MB)
    return billed / _TB * _price("athena_scan")


def _exports_a_day(refresh_minutes: int) -> float:
    """Count the exports of a day: no export spans more than one, however long the interval."""
    return max(1.0, MINUTES_A_DAY / refresh_minutes)


def _dynamodb(table_bytes: float, exports: float, changed_bytes: float, days: float) -> tuple[CostItem, ...]:
    size = table_bytes / _GB
    billed = max(exports * _LEAST_EXPORT, changed_bytes) / _GB
    least = f"{exports:,.0f} exports, 10 MB at least"
    return (
        _line("DynamoDB PITR", "pitr", size * days / DAYS_A_MONTH, "GB-months", "100 bytes added to each item"),
        _line("DynamoDB full export", "full_export", size, "GB", "the initial load, once"),
        _line("DynamoDB incremental exports", "incremental_export", billed, "GB", least),
    )


def _s3(table_bytes: float, commits: float, changes: float, queries: float, days: float) -> tuple[CostItem, ...]:
    # Copy-on-write: a commit writes again each bucket it touches, and the old files stay for time travel.
    rewritten = min(_BUCKETS * commits, changes) / _BUCKETS
    average_bytes = table_bytes * (1 + rewritten / 2)
    assumed = f"assumed: {_BUCKETS} buckets, copy-on-write, no snapshot expired"
    puts = _BUCKETS + 3 + commits * _PUTS_A_COMMIT
    gets = commits * _GETS_A_COMMIT + queries * _GETS_A_QUERY
    storage = average_bytes / _GB * days / DAYS_A_MONTH
    return (
        _line("S3 storage", "s3_storage", storage, "GB-months", assumed),
        _line("S3 writes", "s3_put", puts / 1000, "thousand requests", f"assumed: {_PUTS_A_COMMIT} a refresh"),
        _line("S3 reads", "s3_get", gets / 1000, "thousand requests", f"assumed: {_GETS_A_QUERY} a query"),
    )


def _athena(table_bytes: float, queries: float) -> CostItem:
    scanned = queries * max(_LEAST_SCAN, math.ceil(table_bytes / _MB) * _MB)
    return _line(
        "Athena queries",
        "athena_scan",
        scanned / _TB,
        "TB",
        f"{queries:,.0f} queries of the whole table, 10 MB at least",
    )


def _catalog(commits: float, queries: float, days: float) -> CostItem:
    """Count requests only: a table has few objects, and the first million is free."""
    requests = commits * _CATALOG_REQUESTS_A_COMMIT + queries * _CATALOG_REQUESTS_A_QUERY
    billed = max(0.0, requests - _GLUE_FREE * days / DAYS_A_MONTH)
    basis = f"assumed: {requests:,.0f} requests; the first million a month is free"
    return _line("Glue Data Catalog", "glue_requests", billed / 1_000_000, "million requests", basis)


def _line(item: str, price: str, quantity: float, unit: str, basis: str) -> CostItem:
    entry = _prices()[price]
    usd = entry["usd"]
    listed = f"{usd:.2f}" if usd == round(usd, 2) else f"{usd:g}"
    return CostItem(
        item=item,
        quantity=quantity,
        unit=unit,
        usd=quantity * usd,
        basis=f"{basis}; ${listed} per {entry['unit']} ({entry['date']})",
    )


def _dollars(amount: float) -> str:
    return "under one cent" if 0 < amount < 0.005 else f"${amount:,.2f}"


def _price(name: str) -> float:
    return _prices()[name]["usd"]


@cache
def _prices() -> dict[str, _Price]:
    content = resources.files("zetl_helpers").joinpath("data/prices.json").read_text(encoding="utf-8")
    prices: dict[str, _Price] = json.loads(content)[PRICED_REGION]
    return prices


def _region_notes(region: str) -> tuple[str, ...]:
    if region == PRICED_REGION:
        return ()
    return (
        f"Prices of {PRICED_REGION} stand in for {region}, where they may differ. Look them up before you rely on it.",
    )


def _check(refresh_minutes: int, *amounts: float) -> None:
    if not SHORTEST_REFRESH <= refresh_minutes <= LONGEST_REFRESH:
        raise ValueError(
            f"A refresh interval of {refresh_minutes} minutes is outside {SHORTEST_REFRESH} to {LONGEST_REFRESH}, "
            "which is what AWS accepts."
        )
    if any(amount < 0 or not math.isfinite(amount) for amount in amounts):
        raise ValueError(
            "Items, sizes, changes, queries and days are zero or more. Check the arguments of the estimate."
        )
