"""The estimated and actual cost of a zero-ETL integration on AWS, based on list prices and quantities."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from zetl_helpers._refresh import LONGEST_REFRESH, SHORTEST_REFRESH, require_interval
from zetl_helpers.cost._prices import (
    DAYS_A_MONTH,
    GB,
    ITEM_OVERHEAD,
    LEAST_EXPORT,
    PRICED_REGION,
    TB,
    CostItem,
    Sheet,
    billed_scan,
    line,
    price,
    price_notes,
)
from zetl_helpers.cost._spent import actual

__all__ = [
    "DAYS_A_MONTH", "LONGEST_REFRESH", "PRICED_REGION", "SHORTEST_REFRESH", "CostItem", "Estimate", "Sheet", "actual",
    "by_interval", "estimate", "idle_cost", "idle_warning", "query_cost",
]  # fmt: skip

MINUTES_A_DAY = 24 * 60
_GLUE_FREE = 1_000_000

# Our assumptions for values that AWS does not publish. They err on the high side, and the lines that use them are
# marked.
_BUCKETS = 16
_PUTS_A_COMMIT = 4  # data file, manifest, manifest list, metadata
_GETS_A_COMMIT = 4
_GETS_A_QUERY = 8
_CATALOG_REQUESTS_A_COMMIT = 5
_CATALOG_REQUESTS_A_QUERY = 5
_LOG_BYTES_A_COMMIT = 3 * 600

NOT_INCLUDED = (
    "The DynamoDB table itself (storage, reads, writes)",
    "Processing at the target, if AWS bills it (the AWS documentation for DynamoDB sources doesn't mention it)",
    "Customer managed keys, alarms, data transfer",
)


@dataclass(frozen=True, repr=False)
class Estimate(Sheet):
    """The cost of one table over a number of days.

    Args:
        region: The AWS Region.
        days: The number of days.
        refresh_minutes: The integration's refresh interval in minutes.
    """

    region: str
    days: float
    refresh_minutes: int


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
    """Estimate the cost of one DynamoDB table with a zero-ETL integration.

    Args:
        items: The number of items in the table.
        item_bytes: The average size of an item in bytes.
        changes_per_day: The number of puts, updates and deletes per day, spread evenly over the day.
        refresh_minutes: The integration's refresh interval in minutes, from 15 to 8640.
        region: The AWS Region. For Regions other than us-east-1, the estimate uses us-east-1 prices and adds a note.
        days: The number of days.
        queries_per_day: The number of Athena queries per day, each of which reads the whole table.

    Returns:
        The costs in US dollars, itemized and in total, with notes on what they exclude.

    Raises:
        ValueError: A number is negative, or AWS does not allow the interval.

    https://docs.aws.amazon.com/glue/latest/dg/zero-etl-configuring-integration.html
    """
    _check(refresh_minutes, items, item_bytes, changes_per_day, days, queries_per_day)
    table_bytes = items * (item_bytes + ITEM_OVERHEAD)
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
            line("CloudWatch Logs", "logs", commits * _LOG_BYTES_A_COMMIT / GB, "GB", "three events per refresh"),
        ),
        notes=(
            idle_warning(refresh_minutes),
            *(f"Not included: {entry}" for entry in NOT_INCLUDED),
            *price_notes(region),
        ),
        period=f"{'1 day' if days == 1 else f'{days:g} days'}, list prices in {PRICED_REGION}",
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
    """Estimate the monthly cost for several refresh intervals, as input for `charts.cost_by_interval`.

    Args:
        items: The number of items in the table.
        item_bytes: The average size of an item in bytes.
        changes_per_day: The number of puts, updates and deletes per day, spread evenly over the day.
        intervals: The refresh intervals in minutes, each from 15 to 8640.
        region: The AWS Region, as for `estimate`.
        queries_per_day: The number of Athena queries per day, each of which reads the whole table.

    Returns:
        One row for each interval and cost item, with the columns `refresh_minutes`, `item` and `usd` (US dollars).
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
    """Return the cost in US dollars of one table's refreshes while nothing changes.

    Each refresh is an export, which is billed as at least 10 MB.

    Args:
        refresh_minutes: The integration's refresh interval in minutes, from 15 to 8640.
        days: The number of days.
    """
    return _exports_a_day(refresh_minutes) * days * LEAST_EXPORT / GB * price("incremental_export")


def idle_warning(refresh_minutes: int) -> str:
    """Describe the cost of an unused integration and how to avoid this cost.

    Args:
        refresh_minutes: The integration's refresh interval in minutes, from 15 to 8640.

    Returns:
        The cost and the advice as sentences.
    """
    idle = idle_cost(refresh_minutes)
    return (
        f"An idle integration that refreshes every {refresh_minutes} minutes costs about ${idle:.2f} a month per "
        "table. Each refresh is an export, which is billed as at least 10 MB. Delete the integration when you are "
        "done. Otherwise it keeps exporting."
    )


def query_cost(scanned_bytes: int) -> float:
    """Return the cost of one Athena query in US dollars, from its `DataScannedInBytes`.

    Args:
        scanned_bytes: The bytes that Athena reports as scanned. Athena bills at least 10 MB per query, except for DDL,
            which is free.

    https://aws.amazon.com/athena/pricing/
    """
    if scanned_bytes < 0:
        raise ValueError(f"A query cannot scan {scanned_bytes} bytes.")
    return billed_scan(scanned_bytes) / TB * price("athena_scan")


def write_cost(items: int, item_bytes: int) -> float:
    """Return the cost in US dollars of writing items on demand, at one write request unit per KB, rounded up per item.

    https://aws.amazon.com/dynamodb/pricing/on-demand/
    """
    _check(SHORTEST_REFRESH, items, item_bytes)
    return items * max(1, math.ceil(item_bytes / 1024)) / 1_000_000 * price("write")


def import_cost(items: int, item_bytes: int) -> float:
    """Return the cost in US dollars of importing a table from S3, based on the items' uncompressed size.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.HowItWorks.html
    """
    _check(SHORTEST_REFRESH, items, item_bytes)
    return items * item_bytes / GB * price("import")


def _exports_a_day(refresh_minutes: int) -> float:
    """Return the number of exports per day, which is at least one, because no export covers more than a day."""
    return max(1.0, MINUTES_A_DAY / refresh_minutes)


def _dynamodb(table_bytes: float, exports: float, changed_bytes: float, days: float) -> tuple[CostItem, ...]:
    size = table_bytes / GB
    billed = max(exports * LEAST_EXPORT, changed_bytes) / GB
    least = f"{exports:,.0f} exports of at least 10 MB each"
    return (
        line("DynamoDB PITR", "pitr", size * days / DAYS_A_MONTH, "GB-months", "100 bytes added to each item"),
        line("DynamoDB full export", "full_export", size, "GB", "the initial load, once"),
        line("DynamoDB incremental exports", "incremental_export", billed, "GB", least),
    )


def _s3(table_bytes: float, commits: float, changes: float, queries: float, days: float) -> tuple[CostItem, ...]:
    # With copy-on-write, a commit rewrites each bucket that it changes, and time travel keeps the old files.
    rewritten = min(_BUCKETS * commits, changes) / _BUCKETS
    average_bytes = table_bytes * (1 + rewritten / 2)
    assumed = f"assumed: {_BUCKETS} buckets, copy-on-write, no snapshot expired"
    puts = _BUCKETS + 3 + commits * _PUTS_A_COMMIT
    gets = commits * _GETS_A_COMMIT + queries * _GETS_A_QUERY
    storage = average_bytes / GB * days / DAYS_A_MONTH
    return (
        line("S3 storage", "s3_storage", storage, "GB-months", assumed),
        line("S3 writes", "s3_put", puts / 1000, "thousand requests", f"assumed: {_PUTS_A_COMMIT} per refresh"),
        line("S3 reads", "s3_get", gets / 1000, "thousand requests", f"assumed: {_GETS_A_QUERY} per query"),
    )


def _athena(table_bytes: float, queries: float) -> CostItem:
    scanned = queries * billed_scan(math.ceil(table_bytes))
    return line(
        "Athena queries",
        "athena_scan",
        scanned / TB,
        "TB",
        f"{queries:,.0f} queries of the whole table, at least 10 MB each",
    )


def _catalog(commits: float, queries: float, days: float) -> CostItem:
    """Price the Data Catalog requests.

    A table adds only a few objects to the Data Catalog, and the first million objects are free.
    """
    requests = commits * _CATALOG_REQUESTS_A_COMMIT + queries * _CATALOG_REQUESTS_A_QUERY
    billed = max(0.0, requests - _GLUE_FREE * days / DAYS_A_MONTH)
    basis = f"assumed: {requests:,.0f} requests; the first million a month is free"
    return line("Glue Data Catalog", "glue_requests", billed / 1_000_000, "million requests", basis)


def _check(refresh_minutes: int, *amounts: float) -> None:
    require_interval(refresh_minutes)
    if any(amount < 0 or not math.isfinite(amount) for amount in amounts):
        raise ValueError(
            "Items, sizes, changes, queries and days must be zero or more. Check the arguments of the estimate."
        )
