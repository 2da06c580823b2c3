"""Findings about a table before an integration is created for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from zetl_helpers.preflight import _source_policy
from zetl_helpers.preflight._columns import LARGEST_SCHEMA, MOST_COLUMNS, NOUNNEST, Layout, shown
from zetl_helpers.preflight._shapes import Path, Shape, Survey
from zetl_helpers.preflight._source_policy import GLUE, Access

Severity = Literal["error", "warning", "info"]

LARGEST_ITEM = 400 * 1024
LARGEST_TABLE = 100 * 2**40
_SHOWN = 5
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """A fact to know or a problem to fix before an integration is created.

    Args:
        severity: ``error`` if the integration would need attention or fail, ``warning`` if the target may differ from
            what a user expects, or ``info`` for other facts.
        code: The kind of finding or, for a problem that the integration would report, its error code.
        message: The effect, the affected attribute, and the action to take.
        modes: The affected unnest modes.
    """

    severity: Severity
    code: str
    message: str
    modes: tuple[str, ...] = ()


def of_items(found: Survey, layouts: Sequence[Layout]) -> list[Finding]:
    """Return the findings about the items.

    Args:
        found: The summary of the items.
        layouts: The predicted target tables.
    """
    modes: dict[Finding, list[str]] = {}
    for layout in layouts:
        for finding in _of_layout(found, layout):
            modes.setdefault(finding, []).append(layout.mode)
    return [*(replace(finding, modes=tuple(of)) for finding, of in modes.items()), *_of_values(found)]


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, with the most severe first."""
    return tuple(sorted(findings, key=lambda each: _SEVERITIES.index(each.severity)))


def _of_layout(found: Survey, layout: Layout) -> Iterator[Finding]:
    yield from (_clash(*sources) for sources in layout.clashes.values())
    yield from map(_colon, layout.colons)
    if len(layout.columns) > MOST_COLUMNS:
        columns = f"{len(layout.columns):,} columns"
        message = f"The target would have {columns}, but zero-ETL allows at most {MOST_COLUMNS:,}. "
        yield Finding("error", "TOO_MANY_COLUMNS", message + "Use an unnest mode with fewer columns.")
    if layout.schema_bytes > LARGEST_SCHEMA:
        size = f"{layout.schema_bytes / 2**20:.0f} MB"
        message = f"The size of the schema would be about {size}, but zero-ETL allows at most 10 MB. "
        yield Finding("error", "SCHEMA_TOO_LARGE", message + "Reduce the number of different attribute names.")
    yield from (_mixture(path, _at(found, path)) for path in layout.mixed)
    dotted = [column.name for column in layout.columns if "." in column.name]
    if dotted:
        yield Finding("info", "QUOTED_COLUMNS", f"{_some(dotted)}: a name with a dot requires double quotes in Athena.")
    if layout.mode == NOUNNEST and len(layout.columns) > len(found.keys):
        message = (
            "All attributes except the keys are in one column, value. Its fields contain DynamoDB type tags, as in "
            "value.name.S."
        )
        yield Finding("info", "TAGGED_VALUES", message)


def _clash(first: str, second: str) -> Finding:
    message = f"{first} and {second} would have the same name in the target, and the integration would need attention. "
    advice = "Use another unnest mode." if second == shown(()) else "Rename or remove one of them in every item."
    return Finding("error", "COLUMN_NAME_CONFLICT", message + advice)


def _colon(path: str) -> Finding:
    message = (
        f"The name {path} contains a colon, which zero-ETL does not support. The integration would fail permanently. "
    )
    return Finding("error", "UNSUPPORTED_COLUMN_NAME", message + "Rename the attribute in every item.")


def _mixture(path: Path, shape: Shape) -> Finding:
    tags = ", ".join(
        f"{tag} in {shape.tags[tag]:,} item{'s' * (shape.tags[tag] != 1)} ({shape.example[tag]})"
        for tag in shape.present
    )
    message = (
        f"{shown(path)} has values of several types: {tags}. The type of its column becomes string. If a second type "
        "arrives after the first load, the integration loads the whole table again (SYNCING)."
    )
    return Finding("warning", "MIXED_TYPES", message)


def _of_values(found: Survey) -> Iterator[Finding]:
    if not found.items:
        yield Finding(
            "warning", "TABLE_EMPTY", "There are no items. Until items arrive, the target has only the key columns."
        )
    largest, key = found.largest
    if largest > LARGEST_ITEM:
        yield Finding(
            "error",
            "ITEM_TOO_LARGE",
            f"The item {key} is {largest:,} bytes long, but DynamoDB allows at most {LARGEST_ITEM:,}.",
        )
    for path, (number, key) in found.beyond.items():
        yield Finding(
            "error", "NUMBER_NOT_SUPPORTED",
            f"{shown(path)} of the item {key} is {number}, but DynamoDB allows at most 38 digits and values up to "
            "9.99E+125.",
        )  # fmt: skip
    for path, (number, key) in found.lossy.items():
        yield Finding(
            "warning", "NUMBER_PRECISION",
            f"{shown(path)} of the item {key} is {number}, which the target stores as the double {float(number)!r}. "
            "Store such numbers as strings if every digit matters.",
        )  # fmt: skip
    for path in sorted(found.listed):
        yield Finding(
            "info", "LIST_ELEMENTS_ARE_TEXT",
            f"{shown(path)} is a list whose elements are not all strings. Its column is array<string>: numbers, maps "
            "and lists arrive as text.",
        )  # fmt: skip
    for name, shape in found.attributes.items():
        yield from _without_column((name,), shape)
    partition_key = next(iter(found.keys), None)
    if partition_key and found.keys[partition_key] == "N":
        yield Finding(
            "info", "KEY_NOT_BUCKETED",
            f"The partition key {partition_key} is a number. In the target, it is a double, which Iceberg cannot "
            "put into buckets. The local lakehouse leaves the table unpartitioned. AWS does not document how it "
            "handles this case.",
        )  # fmt: skip


def _without_column(path: Path, shape: Shape) -> Iterator[Finding]:
    if not shape.present:
        yield Finding(
            "info",
            "NO_COLUMN",
            f"{shown(path)} is NULL in every item that has it. The column is added once an item has a value for it.",
        )
    elif shape.present == ("M",) and not shape.children:
        yield Finding("info", "NO_COLUMN", f"{shown(path)} has no column, because it contains only empty maps or NULL.")
    for name, child in shape.children.items():
        yield from _without_column((*path, name), child)


def of_table(
    description: Mapping[str, Any], *, recoverable: bool, aws_managed_key: bool, policy: str
) -> Iterator[Finding]:
    """Yield the findings about the table's settings.

    Args:
        description: The ``Table`` that ``DescribeTable`` returns.
        recoverable: Whether point-in-time recovery is on.
        aws_managed_key: Whether the table is encrypted with the AWS managed key.
        policy: The table's resource policy, or an empty string if it has none.
    """
    if not recoverable:
        message = "Point-in-time recovery is off. Enable it, because zero-ETL exports the table from its backups."
        yield Finding("error", "POINT_IN_TIME_RECOVERY_DISABLED", message)
    if aws_managed_key:
        message = "The table is encrypted with the AWS managed key aws/dynamodb, which zero-ETL does not support. "
        message += "Change it to the AWS owned key or a customer managed key."
        yield Finding("error", "SOURCE_ENCRYPTION_UNSUPPORTED", message)
    yield from _of_access(_source_policy.access(policy, description["TableArn"]), description["TableArn"])
    if description.get("TableSizeBytes", 0) > LARGEST_TABLE:
        yield Finding("error", "TABLE_TOO_LARGE", "The table is larger than 100 TB, which is the limit for zero-ETL.")


def _of_access(access: Access, table_arn: str) -> Iterator[Finding]:
    if access.denied:
        yield Finding(
            "error", "SOURCE_ACCESS_DENIED",
            f"A Deny statement in the table's resource policy applies to {GLUE} for {', '.join(access.denied)}. "
            "Change the statement so that it does not apply to AWS Glue.",
        )  # fmt: skip
    if access.missing:
        integrations = _source_policy.integrations(table_arn)
        yield Finding(
            "error", "SOURCE_ACCESS_DENIED",
            f"The table's resource policy does not let {GLUE} export the table. Missing for integrations in this "
            f"account: {', '.join(access.missing)}. Add the statement from "
            "https://docs.aws.amazon.com/glue/latest/dg/zero-etl-sources.html, with conditions that match "
            f"aws:SourceAccount {table_arn.split(':')[4]} and aws:SourceArn {integrations}.",
        )  # fmt: skip
    if access.undecided:
        yield Finding(
            "warning", "SOURCE_ACCESS_UNDECIDED",
            f"The table's resource policy lets {GLUE} export the table only under conditions that this check cannot "
            f"evaluate: {', '.join(access.reasons)}. Make sure that they are met for "
            f"{', '.join(access.undecided)}.",
        )  # fmt: skip


def _at(found: Survey, path: Path) -> Shape:
    shape = found.attributes[path[0]]
    for name in path[1:]:
        shape = shape.children[name]
    return shape


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
