"""Steps that learners perform with the AWS API, and tables that these steps create.

Each step receives the lab.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd

from zetl_helpers import charts, integration, lakehouse, monitoring, source
from zetl_helpers.course.exercises.shipments import fixed
from zetl_helpers.lab import Lab


def pivot(lab: Lab, sql: str = "", index: str = "accountstatus", columns: str = "state") -> Any:
    accounts = lakehouse.query(lab, sql or "SELECT state, accountstatus FROM customeraccounts")
    return charts.pivot_table(accounts, index=index, columns=columns)


def written(**changed: Any) -> Any:
    """Return a step that writes the item from exercise 1.2, with some attributes changed or left out."""

    def write(lab: Lab) -> None:
        item = {"State": {"S": "NV"}, "CreditLimit": {"N": "1000"}} | changed
        key = {"CustomerID": {"S": "CUST9003"}, "AccountNumber": {"S": "ACC900003"}}
        item = {name: value for name, value in item.items() if value is not None}
        lab.client("dynamodb").put_item(TableName=lab.table, Item={**key, **item})

    return write


def lags(lab: Lab) -> Any:
    runs = monitoring.ingestions(lab)
    return runs["completed_at"] - runs["last_synced_at"]


def tagged(tags: dict[str, str]) -> Any:
    """Return a step that tags the integration."""

    def tag(lab: Lab) -> None:
        glue, arn = lab.client("glue"), integration.require(lab)["IntegrationArn"]
        glue.untag_resource(ResourceArn=arn, TagsToRemove=[entry for entry in TAGS if entry not in tags])
        if tags:
            glue.tag_resource(ResourceArn=arn, TagsToAdd=tags)

    return tag


TAGS = (
    "on-call", "On-Call", "on_call", "ON-CALL", "On_Call", "oncall", "owner", "call", "pager", "Whom", "e-mail",
)  # fmt: skip


def partitioned(
    *, twice: bool = False, none: bool = False, config: dict[str, str] | None = None, **changed: str | None
) -> Any:
    """Return a step that tells AWS Glue how to partition the table Payments."""

    def partition(lab: Lab) -> None:
        spec = {"FieldName": "PaidAt", "FunctionSpec": "day", "ConversionSpec": "iso"} | changed
        spec = {name: value for name, value in spec.items() if value is not None}
        second = [{"FieldName": "State", "FunctionSpec": "identity"}] if twice else []
        partitions = {} if none else {"PartitionSpec": [spec, *second]}
        key = {"ResourceArn": lab.database_arn, "TableName": lab.with_table("Payments").table}
        lab.client("glue").create_integration_table_properties(
            **key, TargetTableConfig={**(config or {"UnnestSpec": "FULL"}), **partitions}
        )

    return partition


def accounts(lab: Lab) -> tuple[pd.Series, pd.Series]:
    """Return the status and the state of each account."""
    rows = lakehouse.query(lab, "SELECT state, accountstatus FROM customeraccounts")
    return rows["accountstatus"], rows["state"]


def executed(sql: str) -> Callable[[Lab], str]:
    """Return a step that runs a statement and returns the ID of its execution."""

    def execute(lab: Lab) -> str:
        athena = lab.client("athena")
        execution: str = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": lab.database},
            WorkGroup=lab.workgroup,
            ResultConfiguration={"OutputLocation": f"s3://{lab.bucket}/athena-results/"},
        )["QueryExecutionId"]
        return execution

    return execute


def without_database(sql: str) -> Callable[[Lab], str]:
    """Return a step that runs a statement without naming the database, and returns the ID of its execution."""

    def execute(lab: Lab) -> str:
        location = f"s3://{lab.bucket}/athena-results/"
        started = lab.client("athena").start_query_execution(
            QueryString=sql, WorkGroup=lab.workgroup, ResultConfiguration={"OutputLocation": location}
        )
        return str(started["QueryExecutionId"])

    return execute


def saved(sql: str, name: str = "Debt by status", database: str = "customerdb") -> Callable[[Lab], str]:
    """Return a step that saves a statement and returns the ID of the saved query."""

    def save(lab: Lab) -> str:
        query: str = lab.client("athena").create_named_query(
            Name=name, Database=database, QueryString=sql, WorkGroup=lab.workgroup
        )["NamedQueryId"]
        return query

    return save


def repaired(shipment: str = "", *, without: str = "", **changed: Any) -> Any:
    """Return a step that loads the corrected shipments, and then changes or deletes the given shipment."""

    def repair(lab: Lab) -> None:
        shipments = lab.with_table("Shipments")
        source.put_items(shipments, fixed())
        if not shipment:
            return
        item = (
            next(entry for entry in fixed() if entry["ShipmentID"] == {"S": shipment})
            | changed.pop("item", {})
            | changed
        )
        item.pop(without, None)
        dynamodb, key = lab.client("dynamodb"), {"ShipmentID": {"S": shipment}}
        if without == "ShipmentID":
            dynamodb.delete_item(TableName=shipments.table, Key=key)
        else:
            dynamodb.put_item(TableName=shipments.table, Item=item)

    return repair


def as_loaded(shipments: Lab) -> None:
    """Put the shipments, including their five problems, into the table, as the chapter does."""
    source.put_items(shipments, source.file_items(source.sample_file("shipments.json")))


def undo(lab: Lab) -> None:
    """Undo the changes made by `written`, `tagged`, `partitioned` and `repaired`."""
    key = {"CustomerID": {"S": "CUST9003"}, "AccountNumber": {"S": "ACC900003"}}
    lab.client("dynamodb").delete_item(TableName=lab.table, Key=key)
    tagged({})(lab)
    payments = lab.with_table("Payments")
    integration.delete_table_properties(payments)
    as_loaded(lab.with_table("Shipments"))
