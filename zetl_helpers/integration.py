"""The zero-ETL integration: create, wait, describe, refresh, delete."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd
from botocore.exceptions import ClientError

from zetl_helpers._aws import absent, error_code, tag_list
from zetl_helpers._steps import Step, ensured
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import Lab

LOG_GROUP = "/aws-glue/zeroETL-integrations/logs/"

Unnest = Literal["FULL", "TOPLEVEL", "NOUNNEST"]

_SETTLING = ("CREATING", "MODIFYING", "SYNCING")
GONE = ("EntityNotFoundException", "ResourceNotFoundException", "IntegrationNotFoundFault")


class IntegrationError(Exception):
    """The integration is missing, needs attention or has failed; the text says why and what to do."""


def set_target_role(lab: Lab) -> Step:
    """Tell AWS Glue which role writes into the database: the integration's resource property.

    Args:
        lab: The lab.

    Returns:
        What happened.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_CreateIntegrationResourceProperty.html
    """
    glue = lab.client("glue")
    wanted = {"RoleArn": lab.role_arn}
    with lab.recording() as calls:
        found = None
        with absent(*GONE):
            answer = glue.get_integration_resource_property(ResourceArn=lab.database_arn)
            found = {"RoleArn": answer.get("TargetProcessingProperties", {}).get("RoleArn")}
        arguments = {"ResourceArn": lab.database_arn, "TargetProcessingProperties": wanted}
        if found is None:
            glue.create_integration_resource_property(**arguments, Tags=tag_list(lab.tags, "key", "value"))
        elif found != wanted:
            glue.update_integration_resource_property(**arguments)
    return Step(f"target role of database {lab.database}", ensured(found, wanted), calls, wanted)


def set_table_properties(lab: Lab, *, unnest: Unnest = "FULL", partition_by: Sequence[dict[str, str]] = ()) -> Step:
    """Choose how items become columns, and how the target table is partitioned; before the integration is made.

    Args:
        lab: The lab.
        unnest: ``FULL`` (each leaf of a map a column), ``TOPLEVEL`` (each attribute a column) or ``NOUNNEST``.
        partition_by: Entries of a partition spec: ``FieldName``, ``FunctionSpec``, ``ConversionSpec``; none for
            AWS Glue's default, buckets of the primary key.

    Returns:
        What happened.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-partition-schema-unnesting.html
    """
    glue = lab.client("glue")
    key = {"ResourceArn": lab.database_arn, "TableName": lab.table}
    wanted: dict[str, Any] = {"UnnestSpec": unnest, "TargetTableName": lab.target_table}
    if partition_by:
        wanted["PartitionSpec"] = list(partition_by)
    with lab.recording() as calls:
        found = None
        with absent(*GONE):
            found = glue.get_integration_table_properties(**key).get("TargetTableConfig", {})
        if found is None:
            glue.create_integration_table_properties(**key, TargetTableConfig=wanted)
        elif found != wanted:
            glue.update_integration_table_properties(**key, TargetTableConfig=wanted)
    return Step(f"properties of table {lab.table} in database {lab.database}", ensured(found, wanted), calls, wanted)


def create(lab: Lab, *, refresh_minutes: int = 15) -> Step:
    """Create the integration from the table to the database; it then goes on by itself.

    Args:
        lab: The lab.
        refresh_minutes: How often changes are fetched, 15 to 8640.

    Returns:
        What happened; `details` is AWS Glue's answer.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_CreateIntegration.html
    """
    with lab.recording() as calls:
        found = find(lab)
        if found is None:
            _create(lab, refresh_minutes)
            found = require(lab)
            return Step(f"integration {lab.integration}", "created", calls, found)
    return Step(f"integration {lab.integration}", "already there", calls, found)


def _create(lab: Lab, refresh_minutes: int) -> None:
    lab.client("glue").create_integration(
        IntegrationName=lab.integration,
        Description="Zero-ETL tutorial",
        SourceArn=lab.table_arn,
        TargetArn=lab.database_arn,
        IntegrationConfig={"RefreshInterval": str(refresh_minutes)},  # a text in the API
        Tags=tag_list(lab.tags, "key", "value"),  # and these tags have lower-case keys
    )


def find(lab: Lab) -> dict[str, Any] | None:
    """Return the lab's integration as ``DescribeIntegrations`` shows it; None when there is none.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_DescribeIntegrations.html
    """
    filters = [{"Name": "IntegrationName", "Values": [lab.integration]}]
    found: list[dict[str, Any]] = lab.client("glue").describe_integrations(Filters=filters)["Integrations"]
    mine = [one for one in found if one["SourceArn"] == lab.table_arn]
    return mine[0] if mine else None


def wait_until_active(lab: Lab, *, timeout: float = 1800) -> list[str]:
    """Wait until the integration is ACTIVE.

    Args:
        lab: The lab.
        timeout: Seconds to wait at most; AWS takes 5 to 10 minutes.

    Returns:
        The states that were seen, in order.

    Raises:
        IntegrationError: It needs attention or has failed.
        WaitTimeoutError: It stays in another state.
    """
    seen: list[str] = []

    def look() -> list[str] | None:
        found = require(lab)
        if not seen or seen[-1] != found["Status"]:
            seen.append(found["Status"])
        if found["Status"] == "ACTIVE":
            return seen
        if found["Status"] not in _SETTLING:
            raise IntegrationError(_complaint(found))
        return None

    return wait_for(
        f"integration {lab.integration} to be ACTIVE",
        look,
        timeout=timeout,
        hint="Look at integration.describe(lab).",
        status=lambda: seen[-1] if seen else "",
    )


def wait_until_loaded(lab: Lab, *, timeout: float = 3600) -> dict[str, Any]:
    """Wait until the initial load is there: the target table exists and its first ingestion is completed.

    Args:
        lab: The lab.
        timeout: Seconds to wait at most; AWS takes 15 to 20 minutes for a small table.

    Returns:
        The table as the Data Catalog shows it.

    Raises:
        IntegrationError: The integration needs attention or has failed.
        WaitTimeoutError: The table does not come.
    """

    def look() -> dict[str, Any] | None:
        _check(lab)
        with absent("EntityNotFoundException"):
            table: dict[str, Any] = lab.client("glue").get_table(DatabaseName=lab.database, Name=lab.target_table)[
                "Table"
            ]
            return table if last_sync(lab) is not None else None
        return None

    return wait_for(
        f"table {lab.database}.{lab.target_table}",
        look,
        timeout=timeout,
        hint="The first export still runs, or failed: look at monitoring.log_events(lab).",
    )


def wait_until_synced(lab: Lab, since: datetime, *, timeout: float = 5400) -> datetime:
    """Wait until what was written up to a moment has arrived in the target table.

    Args:
        lab: The lab.
        since: The moment, after the write; with a time zone.
        timeout: Seconds to wait at most; AWS takes 15 to 30 minutes, more where the refresh interval is longer.

    Returns:
        The moment up to which the target now follows the source, as the integration's log says.

    Raises:
        IntegrationError: The integration needs attention or has failed.
        WaitTimeoutError: The write does not arrive.
    """

    def look() -> datetime | None:
        _check(lab)
        synced = last_sync(lab)
        return synced if synced is not None and synced >= since else None

    return wait_for(
        f"the target to follow {lab.table} up to {since:%H:%M:%S}",
        look,
        timeout=timeout,
        hint="Look at monitoring.log_events(lab); a window in which nothing was written makes no event.",
    )


def describe(lab: Lab) -> pd.DataFrame:
    """Show the integration.

    Args:
        lab: The lab.

    Returns:
        One row for each property, columns ``property`` and ``value``, both text.

    Raises:
        IntegrationError: There is none.
    """
    found = require(lab)
    rows = {
        "name": found["IntegrationName"],
        "status": found["Status"],
        "source": found["SourceArn"],
        "target": found["TargetArn"],
        "refresh interval": f"{found.get('IntegrationConfig', {}).get('RefreshInterval', '15')} minutes",
        "errors": "; ".join(one.get("ErrorMessage", one["ErrorCode"]) for one in found.get("Errors", [])) or "none",
    }
    return pd.DataFrame({"property": list(rows), "value": list(rows.values())})


def integration_id(lab: Lab) -> str:
    """Return the integration's id, the last part of its ARN.

    Raises:
        IntegrationError: There is none.
    """
    return str(require(lab)["IntegrationArn"]).replace("/", ":").rpartition(":")[2]


def delete(lab: Lab, *, timeout: float = 1800) -> Step:
    """Delete the integration and wait until it is gone; the target table and its files stay.

    Args:
        lab: The lab.
        timeout: Seconds to wait at most.

    Returns:
        What happened.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_DeleteIntegration.html
    """
    glue = lab.client("glue")
    thing = f"integration {lab.integration}"
    with lab.recording() as calls:
        found = find(lab)
        if found is None:
            return Step(thing, "already gone", calls)
        if found["Status"] != "DELETING":
            glue.delete_integration(IntegrationIdentifier=found["IntegrationArn"])
        wait_for(
            f"{thing} to be gone",
            lambda: True if find(lab) is None else None,
            timeout=timeout,
            hint="Look at integration.describe(lab).",
        )
    return Step(thing, "deleted", calls)


def delete_table_properties(lab: Lab) -> Step:
    """Delete the table properties.

    Args:
        lab: The lab.

    Returns:
        What happened.
    """
    glue = lab.client("glue")
    arguments = {"ResourceArn": lab.database_arn, "TableName": lab.table}
    return _delete(
        lab,
        f"properties of table {lab.table} in database {lab.database}",
        lambda: glue.get_integration_table_properties(**arguments),
        lambda: glue.delete_integration_table_properties(**arguments),
    )


def delete_resource_property(lab: Lab) -> Step:
    """Delete the resource property: the database has no target role any more.

    Args:
        lab: The lab.

    Returns:
        What happened.
    """
    glue = lab.client("glue")
    return _delete(
        lab,
        f"target role of database {lab.database}",
        lambda: glue.get_integration_resource_property(ResourceArn=lab.database_arn),
        lambda: glue.delete_integration_resource_property(ResourceArn=lab.database_arn),
    )


def _delete(lab: Lab, thing: str, look: Any, act: Any) -> Step:
    with lab.recording() as calls:
        try:
            look()
            act()
        except ClientError as error:
            if error_code(error) not in GONE:
                raise
            return Step(thing, "already gone", calls)
    return Step(thing, "deleted", calls)


def require(lab: Lab) -> dict[str, Any]:
    """Return the lab's integration as `find` does.

    Raises:
        IntegrationError: There is none.
    """
    found = find(lab)
    if found is None:
        raise IntegrationError(
            f"There is no integration {lab.integration!r} from table {lab.table}. "
            "Create it with integration.create(lab)."
        )
    return found


def _check(lab: Lab) -> None:
    found = require(lab)
    if found["Status"] in ("NEEDS_ATTENTION", "FAILED"):
        raise IntegrationError(_complaint(found))


def _complaint(found: dict[str, Any]) -> str:
    errors = [one.get("ErrorMessage", one["ErrorCode"]) for one in found.get("Errors", [])]
    reasons = "; ".join(errors) or "AWS gives no reason."
    name = found["IntegrationName"]
    if found["Status"] == "NEEDS_ATTENTION":
        return f"Integration {name!r} needs attention: {reasons} It retries by itself once that is mended."
    if found["Status"] == "FAILED":
        return f"Integration {name!r} has failed for good: {reasons} Delete it and create it again."
    return f"Integration {name!r} is {found['Status']}: {reasons}"


def last_sync(lab: Lab) -> datetime | None:
    """Return up to when the target follows the source, as the newest completed ingestion says; None before the first.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-monitoring.html
    """
    logs = lab.client("logs")
    newest: int | None = None
    with absent("ResourceNotFoundException"):
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=LOG_GROUP,
            logStreamNames=[integration_id(lab)],
            filterPattern='{ $.messageType = "IngestionCompleted" }',
        )
        for page in pages:
            for event in page["events"]:
                message = json.loads(event["message"])
                if message["messageType"] == "IngestionCompleted":
                    newest = max(newest or 0, int(message["details"]["lastSyncedTimestamp"]))
    return None if newest is None else datetime.fromtimestamp(newest / 1000, UTC)
