"""AWS's documentation about zero-ETL, row by row, with the tests for each row.

``python -m tests.local_lakehouse.zero_etl.documented`` prints the table.
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

# The row's name: the page, and its statement.
ROWS = {
    "operations": ("model", "Fifteen operations on integrations, resource properties and table properties."),
    "create-answer": ("model", "CreateIntegration answers with the required members and the status CREATING."),
    "tags-lower-case": ("model", "Tags of integrations are a list of key and value in lower case, at most 50."),
    "tag-operations": ("model", "TagResource, UntagResource and GetTags know integrations and resource properties."),
    "describe-filters": ("model", "DescribeIntegrations filters by Status, IntegrationName (one value) and SourceArn."),
    "inbound-shape": ("model", "DescribeInboundIntegrations shows neither name nor tags."),
    "modelled-errors": ("model", "A request that is wrong somewhere gets an error of the model."),
    "not-found": ("model", "An unknown integration is an IntegrationNotFoundFault."),
    "delete-answer": ("model", "DeleteIntegration answers DELETING, without IntegrationConfig."),
    "kms-key": ("model", "A KMS key that cannot be accessed is a KMSKeyNotAccessibleFault."),
    "encryption-context": ("model", "AdditionalEncryptionContext is allowed only together with KmsKeyId."),
    "interval": ("configuring", "RefreshInterval is a string of 15 to 8640 minutes; 15 for DynamoDB unless set."),
    "interval-changes": ("configuring", "ModifyIntegration changes RefreshInterval; a TargetNamespace is refused."),
    "data-filter": ("model", "A DynamoDB source takes no DataFilter."),
    "pitr": ("sources", "Point-in-time recovery must be on, or the integration needs attention."),
    "table-policy": ("sources", "The table's policy lets glue.amazonaws.com do three actions, DescribeExport too."),
    "table-policy-conditions": ("sources", "Its conditions on aws:SourceAccount and aws:SourceArn count."),
    "grant-a": ("target", "The caller needs glue:CreateInboundIntegration, in the catalog or in its own policies."),
    "grant-b": ("target", "glue.amazonaws.com needs glue:AuthorizeInboundIntegration in the catalog, all the time."),
    "location-uri": ("target", "The target database needs a LocationUri."),
    "target-role-trust": ("target", "The target role trusts glue.amazonaws.com."),
    "target-role-rights": ("target", "The target role needs each of its documented rights."),
    "resource-property": ("target", "A resource property with a role belongs to the target database."),
    "shared-properties": ("limitations", "One property per resource, one per table in it; integrations share them."),
    "creating-active": ("managing", "CREATING becomes ACTIVE, and only then the full load begins."),
    "modifying": ("managing", "ModifyIntegration shows MODIFYING, then ACTIVE."),
    "needs-attention-repair": ("troubleshooting", "After a repair the integration goes on by itself, with back-off."),
    "seven-days": ("managing", "Seven days without a repair make the integration FAILED."),
    "failed-terminal": ("managing", "FAILED is final: delete and create again."),
    "deleting-keeps": ("managing", "Deleting shows DELETING and keeps the target's data."),
    "managed-key": ("limitations", "A source under the AWS managed key is not supported."),
    "source-missing": ("troubleshooting", "A missing source needs attention."),
    "type-map": ("unnesting", "S, N, B, BOOL, SS, NS, BS and L have their types; N is a double."),
    "null-ignored": ("unnesting", "NULL produces no value."),
    "lists-of-strings": ("unnesting", "Every element of a list becomes a string."),
    "toplevel": ("unnesting", "TOPLEVEL: one column per attribute; maps are structs without type tags."),
    "full": ("unnesting", "FULL: each leaf of a map is a column named by its dotted path; arrays stay arrays."),
    "nounnest": ("unnesting", "NOUNNEST: keys are columns, the rest is one struct `value` with type tags."),
    "default-full": ("unnesting", "Without table properties the mode is FULL."),
    "mixed-string": ("unnesting", "Attributes of several types become strings."),
    "type-change": ("managing", "A changed data type: SYNCING, a fresh full snapshot, ACTIVE."),
    "layout-change": ("target", "A change of unnesting or partitioning loads the table anew."),
    "colon": ("limitations", "A colon in a column's or a nested field's name makes the integration FAILED."),
    "columns-limit": ("limitations", "More than 1000 columns make the integration FAILED."),
    "insert-update-delete": ("monitoring", "Inserted, updated and deleted rows reach the table and are counted."),
    "final-state": ("exports", "Several writes to one key in one window arrive as their final state."),
    "new-attribute": ("managing", "A new attribute is a new column, null in the old rows."),
    "old-snapshots": ("managing", "Earlier snapshots stay readable with their rows."),
    "every-write-path": ("sources", "Every way of writing is replicated, deletions by time to live included."),
    "iceberg-glue-table": ("target", "The Glue table is ICEBERG with metadata_location and glue_integration_id."),
    "default-bucket": ("partitioning", "By default the table is in buckets of the hash key."),
    "partition-functions": ("partitioning", "identity, year, month, day and hour, in several levels; nothing else."),
    "partition-conversions": (
        "partitioning",
        "Time functions need epoch_sec, epoch_milli or iso; UTC timestamps result.",
    ),
    "partition-missing": ("partitioning", "A missing partition column or a failed conversion needs attention."),
    "partition-limit": ("managing", "At most ten partition keys."),
    "log-messages": ("monitoring", "Four log messages with their fields in the integration's stream."),
    "metrics": ("monitoring", "Six metrics with integrationArn, loadType and tableName, if the role may put them."),
    "events": ("monitoring", "EventBridge events whose source begins with aws.glue-zero-etl."),
    "export-full": ("exports", "A full export: manifests, checksums, _started, data of {Item} lines."),
    "export-incremental": ("exports", "An incremental export: from inclusive, to exclusive, old and new images."),
}


def holds(*rows: str) -> Callable[[Test], Test]:
    """Mark a test as covering some documented rows."""

    def mark(test: Test) -> Test:
        test.__dict__["holds"] = rows
        return test

    return mark


def held_by() -> dict[str, list[str]]:
    """Return the tests for each row, as found in the tests themselves."""
    found: dict[str, list[str]] = {row: [] for row in ROWS}
    for module, name, rows in _marked():
        for row in rows:
            found.setdefault(row, []).append(f"{module}::{name}")
    return found


def table() -> str:
    """Return the table of rows and tests in Markdown."""
    lines = ["| AWS page | documented | held by |", "| --- | --- | --- |"]
    for row, tests in held_by().items():
        page, text = ROWS[row]
        lines.append(f"| {PAGES[page]} | {text} | {', '.join(tests)} |")
    return "\n".join(lines)


def _marked() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for package in ("tests.local_lakehouse", "tests.local_lakehouse.zero_etl", "tests.local_lakehouse.exports"):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if module.name.startswith("test_"):
                members = vars(importlib.import_module(f"{package}.{module.name}"))
                for name, member in members.items():
                    if name.startswith("test_") and hasattr(member, "holds"):
                        yield module.name, name, member.holds


if __name__ == "__main__":
    print(table())
