"""Creation, monitoring and deletion of the zero-ETL integration."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from zetl_helpers import _arrival, keys
from zetl_helpers._arrival import LOG_GROUP
from zetl_helpers._aws import absent, make, one_of, settled, tag_list
from zetl_helpers._integration_attention import errors, wait_for_outcome, wait_until_attention, wait_until_recovered
from zetl_helpers._integration_lookup import IntegrationError, find, last_sync, require, tags
from zetl_helpers._integration_properties import (
    BUSY,
    GONE,
    Unnest,
    delete_resource_property,
    delete_table_properties,
    once_known,
    set_table_properties,
    set_target_role,
)
from zetl_helpers._refresh import SHORTEST_REFRESH, require_interval
from zetl_helpers._steps import Step
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import Lab

__all__ = [
    "GONE",
    "LOG_GROUP",
    "IntegrationError",
    "Unnest",
    "create",
    "delete",
    "delete_resource_property",
    "delete_table_properties",
    "describe",
    "errors",
    "find",
    "integration_id",
    "last_sync",
    "require",
    "set_table_properties",
    "set_target_role",
    "tags",
    "wait_for_outcome",
    "wait_until_active",
    "wait_until_attention",
    "wait_until_loaded",
    "wait_until_recovered",
    "wait_until_synced",
]

_SETTLING = ("CREATING", "MODIFYING", "SYNCING")
# ModifyIntegration cannot change these settings.
_FIXED = ("KmsKeyId", "AdditionalEncryptionContext")


def create(
    lab: Lab,
    *,
    refresh_minutes: int | None = None,
    kms_key: str | None = None,
    encryption_context: dict[str, str] | None = None,
) -> Step:
    """Create the integration from the table to the database. The integration then runs automatically.

    Args:
        lab: The lab.
        refresh_minutes: The refresh interval in minutes, from 15 to 8640. Defaults to 15 for a new integration.
        kms_key: The ID, ARN or alias of a customer managed key for data in transit through the integration. Defaults to
            an AWS owned key.
        encryption_context: The encryption context for KMS. Requires `kms_key`.

    Returns:
        The step and its outcome, with the response from AWS Glue as `details`. An existing integration is left
        unchanged. If its interval, key or context differs from the arguments, a note says so.

    Raises:
        ValueError: AWS does not accept the interval.
        ForeignResourceError: An integration with the lab's name exists but does not belong to the lab.
        KeyNotUsableError: The key cannot be used.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_CreateIntegration.html
    """
    options: dict[str, Any] = {}
    if refresh_minutes is not None:
        require_interval(refresh_minutes)
        options["IntegrationConfig"] = {"RefreshInterval": str(refresh_minutes)}  # the API requires a string
    if encryption_context is not None:
        options["AdditionalEncryptionContext"] = encryption_context
    with lab.recording() as calls:
        if kms_key is not None:
            options["KmsKeyId"] = keys.require(lab, kms_key)
        found = find(lab)
        if found is not None and found["Status"] == "DELETING":
            _wait_until_gone(lab, timeout=1800)
            found = None
        if found is not None:
            note = _differences(found, options)
            return Step(f"integration {lab.integration}", "already there", calls, found, note)
        arguments: dict[str, Any] = {
            "IntegrationName": lab.integration,
            "Description": "Zero-ETL tutorial",
            "SourceArn": lab.table_arn,
            "TargetArn": lab.database_arn,
            "IntegrationConfig": {"RefreshInterval": str(SHORTEST_REFRESH)},
            "Tags": tag_list(lab.tags, "key", "value"),  # this API's tag fields are in lowercase
            **options,
        }
        glue = lab.client("glue")
        once_known(
            lab, lambda: make(lambda: glue.create_integration(**arguments), lambda: find(lab), "ConflictException")
        )
        found = wait_for(
            f"integration {lab.integration} to be listed",
            lambda: find(lab),
            timeout=60,
            hint="Check the integration in the AWS Glue console, under Zero-ETL integrations.",
        )
    return Step(f"integration {lab.integration}", "created", calls, found)


def _differences(found: dict[str, Any], options: dict[str, Any]) -> str:
    """Describe the options of `create` that differ from those of an existing integration, and how to change them."""
    texts = []
    wanted = options.get("IntegrationConfig")
    if wanted is not None and (interval := _interval(found)) != wanted["RefreshInterval"]:
        texts.append(
            f"Its refresh interval is still {interval} minutes, not {wanted['RefreshInterval']}. Change it with "
            "ModifyIntegration."
        )
    if any(found.get(name) != options[name] for name in _FIXED if name in options):
        texts.append(
            "Its KMS key and encryption context cannot be changed. Delete the integration and create it again."
        )
    return " ".join(texts)


def _interval(found: dict[str, Any]) -> str:
    return str(found.get("IntegrationConfig", {}).get("RefreshInterval", SHORTEST_REFRESH))


def wait_until_active(lab: Lab, *, timeout: float = 1800) -> list[str]:
    """Wait until the integration is ACTIVE.

    Args:
        lab: The lab.
        timeout: Maximum seconds to wait. On AWS, an integration becomes ACTIVE after 5 to 10 minutes.

    Returns:
        The observed states, in order.

    Raises:
        IntegrationError: The integration needs attention or has failed.
        WaitTimeoutError: The integration does not become ACTIVE before the timeout.
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
        hint="Check zetl.integration.describe(lab).",
        status=lambda: seen[-1] if seen else "",
        usual=lab.usually("5 to 10 minutes"),
    )


def wait_until_loaded(lab: Lab, *, timeout: float = 3600) -> dict[str, Any]:
    """Wait until the target table exists and the initial load has completed.

    Args:
        lab: The lab.
        timeout: Maximum seconds to wait. On AWS, the first rows of a small table arrive 15 to 20 minutes after the
            integration is created.

    Returns:
        The table, as returned by the Data Catalog.

    Raises:
        IntegrationError: The integration needs attention or has failed, or the table was deleted after the load.
        WaitTimeoutError: The initial load does not complete before the timeout.
    """
    is_first = True

    def look() -> dict[str, Any] | None:
        nonlocal is_first
        _check(lab)
        table = _target_table(lab)
        if table is not None:
            return table if last_sync(lab) is not None else None
        # While there is no table, only the first poll reads the log, because a wait polls many times.
        if is_first and _arrival.is_loaded(lab, require(lab)) and _target_table(lab) is None:
            raise IntegrationError(
                f"Table {lab.database}.{lab.target_table} was deleted after the initial load, and the integration does "
                "not create it again. Delete the integration with zetl.integration.delete(lab), create it again with "
                "zetl.integration.create(lab), and repeat this step."
            )
        is_first = False
        return None

    return wait_for(
        f"table {lab.database}.{lab.target_table}",
        look,
        timeout=timeout,
        hint="The first export is still running or has failed. Check zetl.monitoring.log_events(lab).",
        usual=lab.usually("15 to 20 minutes"),
    )


def wait_until_synced(lab: Lab, since: datetime, *, timeout: float = 5400) -> datetime:
    """Wait until all writes up to a given time have arrived in the target table.

    Args:
        lab: The lab.
        since: The time up to which all writes must have arrived, as a datetime with a time zone.
        timeout: Maximum seconds to wait. AWS takes 15 to 30 minutes, or longer if the refresh interval is longer.

    Returns:
        The time up to which the target now reflects the source.

    Raises:
        IntegrationError: The integration needs attention or has failed.
        WaitTimeoutError: The writes do not arrive before the timeout.
    """

    def look() -> datetime | None:
        _check(lab)
        synced = last_sync(lab)
        return synced if synced is not None and synced >= since else None

    return wait_for(
        f"the target to reflect {lab.table} up to {since:%H:%M:%S}",
        look,
        timeout=timeout,
        hint="Check zetl.monitoring.log_events(lab). A refresh without changes may not log an event.",
        usual=lab.usually("15 to 30 minutes"),
    )


def describe(lab: Lab) -> pd.DataFrame:
    """Return the integration's properties for display.

    Args:
        lab: The lab.

    Returns:
        One row for each property, with the string columns ``property`` and ``value``.

    Raises:
        IntegrationError: The integration does not exist.
    """
    found = require(lab)
    rows = {
        "name": found["IntegrationName"],
        "status": found["Status"],
        "source": found["SourceArn"],
        "target": found["TargetArn"],
        "refresh interval": f"{_interval(found)} minutes",
        "errors": "; ".join(error.get("ErrorMessage", error["ErrorCode"]) for error in found.get("Errors", []))
        or "none",
    }
    return pd.DataFrame({"property": list(rows), "value": list(rows.values())})


def integration_id(lab: Lab) -> str:
    """Return the integration's ID, which is the last part of the integration's ARN.

    Raises:
        IntegrationError: The integration does not exist.
    """
    return str(require(lab)["IntegrationArn"]).replace("/", ":").rpartition(":")[2]


def delete(lab: Lab, *, timeout: float = 1800) -> Step:
    """Delete the integration and wait until it is gone. The target table and its files are kept.

    Args:
        lab: The lab.
        timeout: Maximum seconds to wait.

    Returns:
        The step and its outcome.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_DeleteIntegration.html
    """
    glue = lab.client("glue")
    thing = f"integration {lab.integration}"
    with lab.recording() as calls:
        found = find(lab)
        if found is None:
            return Step(thing, "already gone", calls)
        if found["Status"] != "DELETING":
            with absent(*GONE):
                settled(
                    f"{thing} to finish another operation",
                    lambda: glue.delete_integration(IntegrationIdentifier=found["IntegrationArn"]),
                    one_of(*BUSY),
                    timeout=timeout,
                )
        _wait_until_gone(lab, timeout=timeout)
    return Step(thing, "deleted", calls)


def _wait_until_gone(lab: Lab, *, timeout: float) -> None:
    wait_for(
        f"integration {lab.integration} to be deleted",
        lambda: True if find(lab) is None else None,
        timeout=timeout,
        hint="Check zetl.integration.describe(lab).",
    )


def _target_table(lab: Lab) -> dict[str, Any] | None:
    with absent("EntityNotFoundException"):
        found: dict[str, Any] = lab.client("glue").get_table(DatabaseName=lab.database, Name=lab.target_table)["Table"]
        return found
    return None


def _check(lab: Lab) -> None:
    found = require(lab)
    if found["Status"] in ("NEEDS_ATTENTION", "FAILED"):
        raise IntegrationError(_complaint(found))


def _complaint(found: dict[str, Any]) -> str:
    errors = [error.get("ErrorMessage", error["ErrorCode"]).rstrip(".") for error in found.get("Errors", [])]
    reasons = f"{'; '.join(errors) or 'AWS gives no reason'}."
    name = found["IntegrationName"]
    if found["Status"] == "NEEDS_ATTENTION":
        return f"Integration {name!r} needs attention: {reasons} It retries automatically once the cause is fixed."
    if found["Status"] == "FAILED":
        return f"Integration {name!r} has failed permanently: {reasons} Delete it and create it again."
    return f"Integration {name!r} is {found['Status']}: {reasons}"
