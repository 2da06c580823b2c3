"""Judges that check the results of steps that a learner performs with boto3 or the AWS CLI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import _query_advice, integration, source
from zetl_helpers._aws import absent
from zetl_helpers._wait import wait_for
from zetl_helpers.course.exercises.descriptions import kind_of
from zetl_helpers.course.exercises.engine import IncorrectError, UnreadableError, UntouchedError
from zetl_helpers.course.exercises.readings import Number, entry, unwrap
from zetl_helpers.course.exercises.sql import Sql
from zetl_helpers.lab import Lab

__all__ = [
    "WRITTEN", "Execution", "SavedQuery", "judge_imported_count", "judge_new_item", "judge_on_call_tag",
    "judge_partition_by_day",
]  # fmt: skip

WRITTEN = ("CUST9003", "ACC900003")
"""The customer and account of the item that exercise 1.2 asks for."""
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OVER = ("SUCCEEDED", "FAILED", "CANCELLED")


@dataclass(frozen=True)
class Execution:
    """A judge for a query execution, which the answer identifies by its ID.

    Args:
        judge: The judge for the statement that was run.
    """

    judge: Sql

    def __call__(self, lab: Lab, answer: Any) -> None:
        """Judge a query execution.

        Args:
            lab: The lab.
            answer: The ID, or the response from ``StartQueryExecution`` or ``GetQueryExecution``.

        Raises:
            IncorrectError: The query does not exist, did not succeed, or returns the wrong rows.
            UnreadableError: The answer contains no ID.
        """
        given = _id(answer, "QueryExecutionId", "QueryExecution")
        athena = lab.client("athena")

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = athena.get_query_execution(QueryExecutionId=given)["QueryExecution"]
            return found if found["Status"]["State"] in _OVER else None

        try:
            found = wait_for(f"query {given}", look, timeout=600, hint="Check the query history.")
        except ClientError as error:
            raise IncorrectError(f"Athena did not find query execution {given}: {_message(error)}") from None
        if found["Status"]["State"] != "SUCCEEDED":
            reason = found["Status"].get("StateChangeReason", "no reason is given")
            advice = _about_database(lab, found)
            text = f"{reason}\n{advice}" if advice else _query_advice.add(lab, reason, found["Query"])
            raise IncorrectError(f"The query's state is {found['Status']['State']}: {text}")
        self.judge(lab, found["Query"])


@dataclass(frozen=True)
class SavedQuery:
    """A judge for a saved query, which the answer identifies by its ID.

    Args:
        name: The name that the query must have.
        judge: The judge for the query's statement.
    """

    name: str
    judge: Sql

    def __call__(self, lab: Lab, answer: Any) -> None:
        """Judge a saved query.

        Args:
            lab: The lab.
            answer: The ID, or the response from ``CreateNamedQuery`` or ``GetNamedQuery``.

        Raises:
            IncorrectError: The query does not exist, has a different name or database, or returns the wrong rows.
            UnreadableError: The answer contains no ID.
        """
        given = _id(answer, "NamedQueryId", "NamedQuery")
        try:
            found = lab.client("athena").get_named_query(NamedQueryId=given)["NamedQuery"]
        except ClientError as error:
            raise IncorrectError(f"Athena did not find saved query {given}: {_message(error)}") from None
        if found["Name"] != self.name:
            raise IncorrectError(f"The saved query is named {found['Name']!r}, but it should be {self.name!r}.")
        if found["Database"] != lab.database:
            raise IncorrectError(
                f"The query is saved for database {found['Database']}, but the table is in {lab.database}."
            )
        self.judge(lab, found["QueryString"])


def judge_new_item(lab: Lab, _: object) -> None:
    """Judge the item from exercise 1.2, and delete it if it is correct.

    Raises:
        IncorrectError: An attribute is missing, or its type or value is wrong.
        UntouchedError: The item does not exist.
    """
    customer, account = WRITTEN
    item = source.get_item(lab, customer, account)
    if item is None:
        raise UntouchedError(
            f"Table {lab.table} does not contain an item for customer {customer} and account {account} yet."
        )
    for name, wanted in {"State": {"S": "NV"}, "CreditLimit": {"N": "1000"}}.items():
        if name not in item:
            raise IncorrectError(
                f"The item exists, but it has no attribute {name}. Write the item again: PutItem replaces it."
            )
        if item[name] != wanted:
            raise IncorrectError(
                f"{name} is {item[name]}, but it should be {wanted}. Write the item again: PutItem replaces it."
            )
    key = {"CustomerID": {"S": customer}, "AccountNumber": {"S": account}}
    lab.client("dynamodb").delete_item(TableName=lab.table, Key=key)


def judge_on_call_tag(lab: Lab, _: object) -> None:
    """Judge whether the integration has the tag ``on-call``.

    Raises:
        IncorrectError: The tag has no value, or its key has a different spelling.
        UntouchedError: The integration does not have the tag.
    """
    found = integration.require(lab)
    tags = integration.tags(lab, found)
    if "on-call" not in tags:
        alike = next((name for name in tags if re.sub(r"[\W_]", "", name.casefold()) == "oncall"), "")
        if alike:
            raise IncorrectError(f"The integration has a tag {alike!r}, but the exercise asks for 'on-call'.")
        raise UntouchedError(f"Integration {lab.integration} does not have the tag on-call yet.")
    if not tags["on-call"]:
        raise IncorrectError("The tag on-call has no value. Set the value to the contact.")


def judge_partition_by_day(lab: Lab, _: object) -> None:
    """Judge the properties of the table Payments, and delete them if they are correct.

    Raises:
        IncorrectError: The partition spec is wrong.
        UntouchedError: There are no properties.
    """
    glue = lab.client("glue")
    table = lab.with_table("Payments").table
    key = {"ResourceArn": lab.database_arn, "TableName": table}
    found = None
    with absent(*integration.GONE):
        found = glue.get_integration_table_properties(**key).get("TargetTableConfig", {})
    if found is None:
        raise UntouchedError(f"Table {table} has no integration table properties for {lab.database_arn} yet.")
    spec = found.get("PartitionSpec", [])
    if len(spec) != 1:
        raise IncorrectError(f"PartitionSpec has {len(spec)} entries, but it must have exactly one. {_AGAIN}")
    for name, wanted in {"FieldName": "PaidAt", "FunctionSpec": "day", "ConversionSpec": "iso"}.items():
        if spec[0].get(name) != wanted:
            raise IncorrectError(f"{name} is {spec[0].get(name)!r}. {_PARTITION[name]} {_AGAIN}")
    glue.delete_integration_table_properties(**key)


def judge_imported_count(lab: Lab, answer: Any) -> None:
    """Judge the number of items that the latest import loaded into the table Payments.

    Args:
        lab: The lab.
        answer: The number, or the response from ``DescribeImport``.

    Raises:
        IncorrectError: The number is wrong, or nothing was imported.
        UnreadableError: The answer is not a number.
    """
    given = Number("42", {"items": 1})(entry(entry(answer, "ImportTableDescription"), "ImportedItemCount"))
    payments = lab.with_table("Payments")
    dynamodb = lab.client("dynamodb")
    imports = [item for item in dynamodb.list_imports()["ImportSummaryList"] if item["TableArn"] == payments.table_arn]
    if not imports:
        raise IncorrectError(f"Nothing has been imported into {payments.table} yet. Run the cells above first.")
    newest = max(imports, key=lambda entry: entry["StartTime"])
    described = dynamodb.describe_import(ImportArn=newest["ImportArn"])["ImportTableDescription"]
    if given != described["ImportedItemCount"]:
        near = {described[name]: name for name in ("ProcessedSizeBytes", "ProcessedItemCount")}
        what = f" Your answer is the value of {near[int(given)]}." if given in near else ""
        raise IncorrectError(f"DescribeImport returns a different ImportedItemCount.{what}")


_AGAIN = "Change the properties with UpdateIntegrationTableProperties."
_PARTITION = {
    "FieldName": "It should be the name of the source attribute, PaidAt.",
    "FunctionSpec": "The question asks for a partition for each day.",
    "ConversionSpec": "2026-10-21T08:00:00Z is in ISO 8601 format.",
}


def _id(answer: Any, name: str, around: str) -> str:
    """Return the ID in an answer or in an API response."""
    value = unwrap(entry(entry(answer, around), name))
    if isinstance(value, str) and _ID.fullmatch(value.casefold()):
        return value.casefold()
    shown = f"{value!r:.60}" if isinstance(value, str) else kind_of(value)
    raise UnreadableError(f"The answer should be a {name}, as a string. Yours is {shown}.")


def _about_database(lab: Lab, execution: Mapping[str, Any]) -> str:
    """Return advice if a query did not find a table because it ran in a different database, or else an empty string."""
    database = execution.get("QueryExecutionContext", {}).get("Database", "default")
    reason = execution["Status"].get("StateChangeReason", "")
    if database == lab.database or not re.search(r"TABLE_NOT_FOUND|SCHEMA_NOT_FOUND", reason):
        return ""
    return f"Athena looked in the database {database}. Pass QueryExecutionContext={{'Database': lab.database}}."


def _message(error: ClientError) -> str:
    details: Mapping[str, Any] = error.response["Error"]
    return str(details.get("Message", details["Code"]))
