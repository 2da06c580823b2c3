"""Predictions of the target table and potential problems, before an integration is created.

Checks do not change anything. Checking a table requires only ``dynamodb:DescribeTable``, ``Scan``,
``DescribeContinuousBackups`` and ``GetResourcePolicy``, and ``kms:DescribeKey`` if the table is encrypted with a KMS
key. Checking a file does not require an account.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zetl_helpers import cost
from zetl_helpers._aws import absent
from zetl_helpers._errors import UserError
from zetl_helpers.preflight import _findings, _partitions
from zetl_helpers.preflight._checklist import Checklist, Places, Task
from zetl_helpers.preflight._columns import MODES, layout
from zetl_helpers.preflight._findings import Finding
from zetl_helpers.preflight._items import Item, UnreadableItemsError, plain_json, read
from zetl_helpers.preflight._report import Report
from zetl_helpers.preflight._shapes import guess_keys, survey

if TYPE_CHECKING:
    from zetl_helpers.lab import Lab

__all__ = [
    "Checklist", "Finding", "Places", "Report", "Task", "UnreadableItemsError", "of_file", "of_items", "of_table",
    "read_items",
]  # fmt: skip

SAMPLE = 10_000
_CHANGED_SHARE = 0.05
_LATER = "An attribute that appears later adds a column or, in NOUNNEST, a field in the value column."
_FIRST_LOAD = (
    "First load: AWS doesn't document how long it takes. Users report 15 to 20 minutes for small tables, "
    "most of which is spent on the export."
)


def of_table(
    lab: Lab, table: str, *, sample: int = SAMPLE, changes_per_day: float | None = None, refresh_minutes: int = 15
) -> Report:
    """Check a table in the lab's account, without changing anything.

    Args:
        lab: The lab, which supplies the account and Region. The table does not have to belong to the lab.
        table: The table's name or ARN.
        sample: The maximum number of items to read. Each MB read costs 128 read request units on AWS.
        changes_per_day: Writes per day. Defaults to 5% of the number of items.
        refresh_minutes: The refresh interval in minutes for the cost estimate, from 15 to 8640.

    Returns:
        The report.

    Raises:
        UserError: The table does not exist.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-sources.html
    """
    dynamodb = lab.client("dynamodb")
    described: dict[str, Any] | None = None
    with absent("ResourceNotFoundException"):
        described = dynamodb.describe_table(TableName=table)["Table"]
    if described is None:
        raise UserError(
            f"There is no table {table} in account {lab.account}, Region {lab.region}. List the tables with: "
            "aws dynamodb list-tables"
        )
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    policy = ""
    with absent("PolicyNotFoundException"):
        policy = dynamodb.get_resource_policy(ResourceArn=described["TableArn"])["Policy"]
    types = {each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]}
    keys = {each["AttributeName"]: types[each["AttributeName"]] for each in described["KeySchema"]}
    items = plain_json(itertools.islice(_scanned(dynamodb, table), sample))
    settings = _findings.of_table(
        described,
        recoverable=recovery == "ENABLED",
        aws_managed_key=_has_aws_managed_key(lab, described),
        policy=policy,
    )
    return _report(
        described["TableName"], keys, items, settings,
        total=max(described.get("ItemCount", 0), len(items)),
        region=lab.region, changes_per_day=changes_per_day, refresh_minutes=refresh_minutes,
    )  # fmt: skip


def of_file(
    path: str | Path,
    *,
    keys: Mapping[str, str] | Sequence[str] = (),
    changes_per_day: float | None = None,
    refresh_minutes: int = 15,
) -> Report:
    """Check items in a file or an export, without an account.

    Args:
        path: A file in DynamoDB JSON with one item per line, or the folder of an export to Amazon S3.
        keys: The key attributes, with the partition key first. By default, they are guessed from the items.
        changes_per_day: Writes per day. Defaults to 5% of the number of items.
        refresh_minutes: The refresh interval in minutes for the cost estimate, from 15 to 8640.

    Returns:
        The report.

    Raises:
        UnreadableItemsError: The file contains no items in DynamoDB JSON.
        UserError: An item has no valid key, the key types differ between items, or no key can be guessed.

    See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
    """
    where = Path(path)
    return of_items(
        read(where), name=where.name, keys=keys, changes_per_day=changes_per_day, refresh_minutes=refresh_minutes
    )


def read_items(path: str | Path) -> list[Item]:
    """Return the items of a file or an export in DynamoDB JSON.

    Args:
        path: A file or an export folder, as for `of_file`.

    Raises:
        UnreadableItemsError: The file contains no items in DynamoDB JSON.
    """
    return read(Path(path))


def of_items(
    items: Sequence[Item],
    *,
    name: str = "items",
    keys: Mapping[str, str] | Sequence[str] = (),
    changes_per_day: float | None = None,
    refresh_minutes: int = 15,
) -> Report:
    """Check items in DynamoDB JSON.

    Args:
        items: The items, such as ``{"CustomerID": {"S": "CUST0001"}}``.
        name: The name for the items in the report.
        keys: The key attributes, with the partition key first. By default, they are guessed from the items.
        changes_per_day: Writes per day. Defaults to 5% of the number of items.
        refresh_minutes: The refresh interval in minutes for the cost estimate, from 15 to 8640.

    Returns:
        The report.

    Raises:
        UserError: An item has no valid key, the key types differ between items, or no key can be guessed.
    """
    known = _typed_keys(items, keys) if keys else guess_keys(items)
    if not known:
        raise UserError(
            f"The key cannot be guessed from the items of {name}. Specify the key with --keys PARTITION_KEY,SORT_KEY"
        )
    shown = " and ".join(known)
    guessed = [] if keys else [
        Finding(
            "info", "KEYS_GUESSED",
            f"The key is assumed to be {shown}. If this guess is wrong, specify the key with --keys.",
        )
    ]  # fmt: skip
    return _report(
        name, known, items, guessed,
        total=len(items), region=cost.PRICED_REGION, changes_per_day=changes_per_day, refresh_minutes=refresh_minutes,
    )  # fmt: skip


def _typed_keys(items: Sequence[Item], keys: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = dict(keys) if isinstance(keys, Mapping) else {}
    for number, item in enumerate(items, start=1):
        for name in keys:
            tag = next(iter(item.get(name, {})), None)
            if tag not in ("S", "N", "B"):
                raise UserError(
                    f"Item {number} has no valid key {name}. Each item needs this attribute as a string, number or "
                    "binary."
                )
            if found.setdefault(name, tag) != tag:
                raise UserError(f"The key {name} of item {number} has type {tag}, but other items have {found[name]}.")
    return found or dict.fromkeys(keys, "S")


def _scanned(dynamodb: Any, table: str) -> Iterator[dict[str, Any]]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table):
        yield from page["Items"]


def _has_aws_managed_key(lab: Lab, table: Mapping[str, Any]) -> bool:
    encryption = table.get("SSEDescription", {})
    if encryption.get("Status") != "ENABLED":
        return False
    key = encryption.get("KMSMasterKeyArn")
    # If this description does not contain a key, DynamoDB uses the AWS managed key.
    return not key or lab.client("kms").describe_key(KeyId=key)["KeyMetadata"].get("KeyManager") == "AWS"


def _report(
    name: str,
    keys: Mapping[str, str],
    items: Sequence[Item],
    further: Iterable[Finding],
    *,
    total: int,
    region: str,
    changes_per_day: float | None,
    refresh_minutes: int,
) -> Report:
    found = survey(items, keys)
    layouts = {mode: layout(found, mode) for mode in MODES}
    mean = found.size // found.items if found.items else 0
    size = mean * total if total > found.items else found.size
    changes = changes_per_day if changes_per_day is not None else total * _CHANGED_SHARE
    findings = _findings.by_severity([*further, *_findings.of_items(found, list(layouts.values()))])
    looked = "every item" if found.items >= total else f"a sample of {found.items:,} of {total:,} items"
    rate = f"{changes:,.0f} change{'s' * (round(changes) != 1)} per day"
    assumptions = (
        f"Columns and findings are based on {looked}. {_LATER}",
        rate + ("" if changes_per_day is not None else ", 5% of the items")
        + f"; a refresh every {refresh_minutes} minutes; 20 queries per day that read the whole table.",
        _FIRST_LOAD,
        "Sizes are DynamoDB item sizes. Compressed Parquet files are smaller.",
    )  # fmt: skip
    return Report(
        name=name,
        keys=keys,
        looked_at=found.items,
        items=total,
        size=size,
        layouts=layouts,
        findings=findings,
        partitions=tuple(_partitions.candidates(items, keys, size)),
        cost=cost.estimate(total, mean, changes, refresh_minutes, region),
        assumptions=assumptions,
    )
