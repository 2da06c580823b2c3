"""The import of a table from the lab's bucket, which continues in the background if the user stops waiting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers._aws import absent, error_code, one_of, settled, tag_list
from zetl_helpers._errors import as_sentence
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import TAG_KEY, Lab

# DynamoDB rejects tags until the new table exists and is no longer changing.
_NOT_READY = ("ResourceNotFoundException", "ResourceInUseException")


class ImportFailedError(Exception):
    """An import from Amazon S3 failed or skipped items, or its table cannot be tagged. The message says why."""


def source_key(lab: Lab) -> str:
    """Return the key of the object with the items of the lab's table, which no other import reads."""
    return f"imports/{lab.table}.json.gz"


def find(lab: Lab) -> dict[str, Any] | None:
    """Return the import that is creating or has created the lab's table, as ``DescribeImport`` describes it.

    An import is the lab's only if it reads the lab's bucket, so an untagged table from another import is not found.

    See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListImports.html
    """
    started = sorted(_own_imports(lab), key=lambda summary: str(summary["StartTime"]))
    if not started:
        return None
    described = describe(lab, started[-1]["ImportArn"])
    return described if described["ImportStatus"] == "IN_PROGRESS" or _has_created(lab, described) else None


def describe(lab: Lab, arn: str) -> dict[str, Any]:
    """Return an import as ``DescribeImport`` describes it."""
    found: dict[str, Any] = lab.client("dynamodb").describe_import(ImportArn=arn)["ImportTableDescription"]
    return found


def wait(lab: Lab, arn: str, timeout: float) -> dict[str, Any]:
    """Wait until an import has ended, and tag its table.

    Args:
        lab: The lab.
        arn: The import's ARN.
        timeout: Maximum seconds to wait.

    Returns:
        The import as ``DescribeImport`` describes it.

    Raises:
        ImportFailedError: The import failed or skipped items, or the table cannot be tagged.
        WaitTimeoutError: The import does not finish.
    """
    tagged = False

    def look() -> dict[str, Any] | None:
        nonlocal tagged
        # ImportTable does not accept tags. The table is tagged as soon as it exists, so that cleanup finds the table
        # after an interruption.
        if not tagged:
            with absent(*_NOT_READY):
                _tag(lab)
                tagged = True
        found = describe(lab, arn)
        return None if found["ImportStatus"] == "IN_PROGRESS" else found

    done = wait_for(
        f"table {lab.table} to be imported",
        look,
        timeout=timeout,
        hint="Check Imports from S3 in the DynamoDB console.",
        usual=lab.usually("3 to 10 minutes"),
    )
    # An import that failed early leaves no table.
    if not tagged and (done["ImportStatus"] == "COMPLETED" or _table(lab) is not None):
        _tag_finished(lab)
    return require_success(lab, done)


def require_success(lab: Lab, done: dict[str, Any]) -> dict[str, Any]:
    """Return the description of an import that has ended, or raise an error if the import failed or skipped items.

    Raises:
        ImportFailedError: The import failed or skipped items.
    """
    if done["ImportStatus"] != "COMPLETED" or done["ErrorCount"]:
        why = done.get("FailureMessage") or f"number of invalid items: {done.get('ErrorCount')}"
        raise ImportFailedError(
            f"The import into table {lab.table} ended with the status {done['ImportStatus']}: {as_sentence(why)} "
            "Delete the table with cleanup and start again."
        )
    return done


def _tag(lab: Lab) -> None:
    lab.client("dynamodb").tag_resource(ResourceArn=lab.table_arn, Tags=tag_list(lab.tags))


def _tag_finished(lab: Lab) -> None:
    try:
        settled(f"table {lab.table} to accept tags", lambda: _tag(lab), one_of(*_NOT_READY), timeout=120)
    except ClientError as error:
        raise ImportFailedError(
            f"Table {lab.table} was imported, but it cannot be tagged: {error_code(error)}: "
            f"{as_sentence(error.response['Error']['Message'])} Without the tag {TAG_KEY}, cleanup does not delete the "
            "table, and AWS continues to bill it. Run the cell again to tag the table, or delete the table in the "
            "DynamoDB console."
        ) from error


def _own_imports(lab: Lab) -> Iterator[dict[str, Any]]:
    request: dict[str, Any] = {"TableArn": lab.table_arn}
    while True:
        page = lab.client("dynamodb").list_imports(**request)
        for summary in page["ImportSummaryList"]:
            place = summary.get("S3BucketSource", {})
            if (place.get("S3Bucket"), place.get("S3KeyPrefix")) == (lab.bucket, source_key(lab)):
                yield summary
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def _has_created(lab: Lab, described: dict[str, Any]) -> bool:
    """Return whether an import created the table with the lab's name, and not an earlier table with that name."""
    table = _table(lab)
    return table is not None and table["TableId"] == described.get("TableId")


def _table(lab: Lab) -> dict[str, Any] | None:
    with absent("ResourceNotFoundException"):
        found: dict[str, Any] = lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]
        return found
    return None
