"""The pages of the practice console for the steps of each chapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from zetl_helpers.lab import Lab

__all__ = ["PLACES", "Place"]


@dataclass(frozen=True)
class Place:
    """A page of the practice console that a chapter's step leads to.

    Args:
        step: The heading of the step in the chapter.
        title: The services and pages to choose, as named in the chapter's box.
        path: The page's path. It can contain placeholders for the lab's names, such as ``{table}``.
        query: Additional parameters of the page, such as the tab to open. Their values can contain the same
            placeholders.
    """

    step: str
    title: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)

    def address(self, lab: Lab) -> str:
        """Return the page's path and query, with the names of a lab in place of the placeholders."""
        names = {
            "table": lab.table,
            "database": lab.database,
            "target_table": lab.target_table,
            "bucket": lab.bucket,
            "role": lab.role,
        }
        path = self.path.format_map({name: quote(value, safe="") for name, value in names.items()})
        query = urlencode({name: value.format_map(names) for name, value in self.query.items()}, quote_via=quote)
        return f"{path}?{query}" if query else path


_TARGET = "/glue/databases/{database}/tables/{target_table}"
_EDITOR = "SageMaker Unified Studio › Query editor"
_OF_TABLE = {"database": "{database}", "table": "{target_table}"}


def _sql(statement: str) -> dict[str, str]:
    return {"sql": statement}


PLACES: Mapping[int, tuple[Place, ...]] = {
    1: (
        Place("The source: a table", "DynamoDB › Create table", "/dynamodb/create-table"),
        Place("Point-in-time recovery", "DynamoDB › Tables › Backups", "/dynamodb/tables/{table}", {"tab": "backups"}),
        Place("Twenty-five items", "DynamoDB › Explore items", "/dynamodb/items/{table}"),
        Place(
            "Let AWS Glue read the table",
            "DynamoDB › Tables › Permissions",
            "/dynamodb/tables/{table}",
            {"tab": "permissions"},
        ),
        Place("The target: bucket, prefix, database", "Amazon S3 › Buckets", "/s3/buckets"),
        Place("The target: bucket, prefix, database", "AWS Glue › Databases › Add database", "/glue/create-database"),
        Place("Let the integration write into the catalog", "AWS Glue › Catalog settings", "/glue/catalog-settings"),
        Place("The target role", "IAM › Create role", "/iam/create-role"),
    ),
    2: (
        Place("How attributes become columns", "AWS Glue › Create zero-ETL integration", "/glue/zero-etl/create"),
        Place("Which role writes", "AWS Glue › Create zero-ETL integration", "/glue/zero-etl/create"),
        Place("Create it", "DynamoDB › Integrations", "/dynamodb/integrations"),
        Place("The initial load", "AWS Glue › Databases › Table", _TARGET),
        Place(
            "The files in the bucket", "Amazon S3 › Bucket", "/s3/{bucket}", {"prefix": "{database}/{target_table}/"}
        ),
        Place("An integration that needs attention", "AWS Glue › Zero-ETL integrations", "/glue/zero-etl"),
    ),
    3: (
        Place("The project and its role", "SageMaker Unified Studio", "/studio"),
        Place("The table in the Studio", "SageMaker Unified Studio › Data", "/studio/data"),
    ),
    4: (
        Place("Read the whole table", _EDITOR, "/studio/query", _OF_TABLE),
        Place("Credit use by place", _EDITOR, "/studio/query"),
        Place("Accounts past due by place", _EDITOR, "/studio/query"),
        Place("Athena's SQL dialect", _EDITOR, "/studio/query", _sql("SELECT 7 / 2 AS whole, 7 / 2e0 AS fraction")),
        Place("The history", "SageMaker Unified Studio › Query history", "/studio/history"),
        Place("Save a query", "SageMaker Unified Studio › Querybooks", "/studio/querybooks"),
    ),
    5: (
        Place("A pie: credit use by state", _EDITOR, "/studio/query"),
        Place("A pivot: states and statuses", _EDITOR, "/studio/query"),
        Place("The pivot as a heat map", _EDITOR, "/studio/query"),
        Place("A map: accounts past due by state", _EDITOR, "/studio/query"),
    ),
    6: (
        Place("Before", "AWS Glue › Databases › Table", _TARGET),
        Place("Three writes", "DynamoDB › Explore items", "/dynamodb/items/{table}"),
        Place("Wait for the refresh", "AWS Glue › Zero-ETL integrations", "/glue/zero-etl"),
        Place("After", "AWS Glue › Databases › Table › Schema history", _TARGET, {"tab": "history"}),
        Place("Names that collide", "DynamoDB › Explore items", "/dynamodb/items/{table}"),
    ),
    7: (
        Place("Snapshots", "AWS Glue › Databases › Table › Snapshots", _TARGET, {"tab": "snapshots"}),
        Place(
            "Travel by version",
            _EDITOR,
            "/studio/query",
            _sql('SELECT snapshot_id, committed_at FROM "{database}"."{target_table}$snapshots" ORDER BY committed_at'),
        ),
        Place("Travel by time", _EDITOR, "/studio/query"),
        Place("Compare two versions", _EDITOR, "/studio/query"),
    ),
    8: (
        Place("The log", "AWS Glue › Zero-ETL integrations", "/glue/zero-etl"),
        Place("The metrics", "CloudWatch › Metrics", "/cloudwatch/metrics"),
        Place("Freshness", "CloudWatch › Metrics", "/cloudwatch/metrics"),
        Place("An alarm", "CloudWatch › Alarms", "/cloudwatch/alarms"),
        Place("A failed ingestion", "CloudWatch › Log groups", "/cloudwatch/logs"),
    ),
    12: (
        Place("Discover", "AWS Glue › Zero-ETL integrations", "/glue/zero-etl"),
        Place("Delete", "AWS Glue › Zero-ETL integrations", "/glue/zero-etl"),
        Place("Prove it", "DynamoDB › Tables", "/dynamodb/tables"),
    ),
}
"""The console pages for each chapter that has boxes with console steps, in the order of the steps."""
