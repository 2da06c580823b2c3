"""Statements about zero-ETL in the AWS documentation, with the tests that cover each statement.

``python -m tests.local_lakehouse.zero_etl.documented_behavior`` prints the table.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])

PAGES = {
    "model": "aws-glue-api-integrations.html",
    "sources": "zero-etl-sources.html",
    "target": "zero-etl-target.html",
    "managing": "zero-etl-creating-managing.html",
    "configuring": "zero-etl-configuring-integration.html",
    "unnesting": "zero-etl-ddb-schema-unnesting.html",
    "partitioning": "zero-etl-data-partitioning.html",
    "monitoring": "zero-etl-monitoring.html",
    "troubleshooting": "zero-etl-troubleshooting.html",
    "limitations": "zero-etl-limitations.html",
    "exports": "S3DataExport.Output.html",
}

# Each name refers to a page and a statement on it.
ROWS = {
    "operations": (
        "model",
        "AWS Glue has fifteen operations on integrations, resource properties and table properties.",
    ),
    "create-answer": ("model", "CreateIntegration returns the required members and the status CREATING."),
    "tags-lower-case": ("model", "An integration has at most 50 tags, each with the members `key` and `value`."),
    "tag-operations": ("model", "TagResource, UntagResource and GetTags accept integrations and resource properties."),
    "describe-filters": ("model", "DescribeIntegrations filters by Status, IntegrationName (one value) and SourceArn."),
    "inbound-shape": ("model", "DescribeInboundIntegrations returns neither names nor tags."),
    "modeled-errors": ("model", "An invalid request returns an error that the model contains."),
    "not-found": ("model", "A request for an unknown integration returns IntegrationNotFoundFault."),
    "delete-answer": ("model", "DeleteIntegration returns the status DELETING, without IntegrationConfig."),
    "kms-key": ("model", "A KMS key that cannot be accessed causes KMSKeyNotAccessibleFault."),
    "encryption-context": ("model", "AdditionalEncryptionContext is allowed only together with KmsKeyId."),
    "interval": (
        "configuring",
        "RefreshInterval is a number of minutes from 15 to 8640, as a string. The default for DynamoDB is 15.",
    ),
    "interval-changes": ("configuring", "ModifyIntegration changes RefreshInterval and rejects TargetNamespace."),
    "data-filter": ("model", "A DynamoDB source does not support DataFilter."),
    "pitr": ("sources", "Point-in-time recovery must be on, or the integration needs attention."),
    "table-policy": (
        "sources",
        "The table's policy must allow three actions for glue.amazonaws.com, including DescribeExport.",
    ),
    "table-policy-conditions": (
        "sources",
        "The conditions of the table's policy on aws:SourceAccount and aws:SourceArn are evaluated.",
    ),
    "grant-a": ("target", "The catalog's policy or the caller's policies must allow glue:CreateInboundIntegration."),
    "grant-b": ("target", "The catalog's policy must always allow AuthorizeInboundIntegration for glue.amazonaws.com."),
    "location-uri": ("target", "The target database must have a LocationUri."),
    "target-role-trust": ("target", "The target role must trust glue.amazonaws.com."),
    "target-role-permissions": ("target", "The target role needs each of the documented permissions."),
    "resource-property": ("target", "The target database needs a resource property that names the target role."),
    "shared-properties": (
        "limitations",
        "Integrations share one resource property per resource, and one set of table properties per table.",
    ),
    "creating-active": ("managing", "The full load begins only after the status has changed from CREATING to ACTIVE."),
    "modifying": ("managing", "After ModifyIntegration, the status is MODIFYING, then ACTIVE."),
    "needs-attention-recovery": (
        "troubleshooting",
        "An integration that needs attention retries with backoff, and continues after the problem is fixed.",
    ),
    "seven-days": ("managing", "If a problem is not fixed within seven days, the status is FAILED."),
    "failed-terminal": ("managing", "FAILED is final: the integration must be deleted and created again."),
    "deleting-keeps": ("managing", "During deletion, the status is DELETING, and the target's data is kept."),
    "managed-key": ("limitations", "A source that is encrypted with the AWS managed key is not supported."),
    "source-missing": ("troubleshooting", "If the source is missing, the integration needs attention."),
    "type-map": ("unnesting", "S, N, B, BOOL, SS, NS, BS and L have documented column types. N is a double."),
    "null-ignored": ("unnesting", "NULL produces no value."),
    "lists-of-strings": ("unnesting", "Every element of a list becomes a string."),
    "toplevel": ("unnesting", "TOPLEVEL creates one column per attribute, and maps are structs without type tags."),
    "full": (
        "unnesting",
        "FULL creates a column for each leaf of a map, named after the leaf's dotted path. Arrays stay arrays.",
    ),
    "nounnest": (
        "unnesting",
        "With NOUNNEST, keys are columns, and the other attributes are in a struct `value` with type tags.",
    ),
    "default-full": ("unnesting", "Without table properties, the unnest mode is FULL."),
    "mixed-string": ("unnesting", "Attributes of several types become strings."),
    "type-change": ("managing", "If a data type changes, the status is SYNCING until a new full load is complete."),
    "layout-change": ("target", "After a change to the unnest mode or the partitioning, the table is loaded again."),
    "colon": ("limitations", "A colon in the name of a column or nested field causes the status FAILED."),
    "columns-limit": ("limitations", "More than 1,000 columns cause the status FAILED."),
    "insert-update-delete": ("monitoring", "Inserts, updates and deletions are applied to the table and counted."),
    "final-state": ("exports", "Several writes to one key in one export window appear only as the final state."),
    "new-attribute": ("managing", "A new attribute becomes a new column, which is NULL in existing rows."),
    "old-snapshots": ("managing", "The rows of earlier snapshots can be read."),
    "every-write-path": ("sources", "Every kind of write is replicated, including deletions by time to live."),
    "iceberg-glue-table": (
        "target",
        "The table's parameters include table_type (ICEBERG), metadata_location and glue_integration_id.",
    ),
    "default-bucket": ("partitioning", "By default, the table is partitioned by buckets of the hash key."),
    "partition-functions": (
        "partitioning",
        "The only partition functions are identity, year, month, day and hour. Several levels are allowed.",
    ),
    "partition-conversions": (
        "partitioning",
        "Time functions need a conversion (epoch_sec, epoch_milli or iso), and produce UTC timestamps.",
    ),
    "partition-missing": (
        "partitioning",
        "If a partition column is missing or a conversion fails, the integration needs attention.",
    ),
    "partition-limit": ("managing", "A table has at most ten partition keys."),
    "log-messages": (
        "monitoring",
        "The integration's log stream contains four kinds of messages, each with its documented fields.",
    ),
    "metrics": (
        "monitoring",
        "Six metrics have the dimensions integrationArn, loadType and tableName. The role must allow PutMetricData.",
    ),
    "events": ("monitoring", "The source of the EventBridge events begins with aws.glue-zero-etl."),
    "export-full": (
        "exports",
        "A full export consists of manifests, checksums, the file _started, and data files with one item per line.",
    ),
    "export-incremental": (
        "exports",
        "An incremental export includes its start but not its end, and contains old and new images.",
    ),
}


def covers(*rows: str) -> Callable[[Test], Test]:
    """Mark a test as covering the given rows."""

    def mark(test: Test) -> Test:
        test.__dict__["covers"] = rows
        return test

    return mark


def covering_tests() -> dict[str, list[str]]:
    """Return the names of the tests that cover each row."""
    found: dict[str, list[str]] = {row: [] for row in ROWS}
    for module, name, rows in _marked():
        for row in rows:
            found.setdefault(row, []).append(f"{module}::{name}")
    return found


def table() -> str:
    """Return the table of rows and tests in Markdown."""
    lines = ["| AWS page | documented | tests |", "| --- | --- | --- |"]
    for row, tests in covering_tests().items():
        page, text = ROWS[row]
        lines.append(f"| {PAGES[page]} | {text} | {', '.join(tests)} |")
    return "\n".join(lines)


def _marked() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for package in ("tests.local_lakehouse", "tests.local_lakehouse.zero_etl", "tests.local_lakehouse.exports"):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if module.name.startswith("test_"):
                members = vars(importlib.import_module(f"{package}.{module.name}"))
                for name, member in members.items():
                    if name.startswith("test_") and hasattr(member, "covers"):
                        yield module.name, name, member.covers


if __name__ == "__main__":
    print(table())
