"""Functions that wait until an integration needs attention or has recovered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from zetl_helpers._integration_lookup import IntegrationError, last_sync, require
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import Lab

_TROUBLE = ("NEEDS_ATTENTION", "FAILED")


def wait_until_attention(lab: Lab, *, timeout: float = 5400) -> str:
    """Wait until the integration needs attention or has failed permanently.

    Args:
        lab: The lab.
        timeout: Maximum seconds to wait. On AWS, the problem appears at the next refresh, after 15 to 30 minutes.

    Returns:
        The status on the first line, followed by one line for each error that ``DescribeIntegrations`` returns.

    Raises:
        IntegrationError: The integration does not exist.
        WaitTimeoutError: The integration reports no problem.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-creating-managing.html
    """

    def look() -> dict[str, Any] | None:
        found = require(lab)
        return found if found["Status"] in _TROUBLE else None

    found = wait_for(
        f"integration {lab.integration} to need attention",
        look,
        timeout=timeout,
        hint="The integration reports no problem. Check zetl.integration.describe(lab).",
        usual=lab.usually("15 to 30 minutes"),
    )
    return "\n".join([f"status: {found['Status']}", *_reasons(found)])


def wait_until_recovered(lab: Lab, *, timeout: float = 5400) -> None:
    """Wait until the integration is ACTIVE again after you fix the cause of a failure.

    Args:
        lab: The lab.
        timeout: Maximum seconds to wait. AWS Glue retries automatically, but less frequently the longer a failure
            lasts.

    Raises:
        IntegrationError: The integration does not exist or has failed permanently.
        WaitTimeoutError: The integration still needs attention. The message says why.
    """
    reasons: list[str] = []

    def look() -> bool | None:
        found = require(lab)
        reasons[:] = _reasons(found)
        if found["Status"] == "FAILED":
            raise IntegrationError(
                f"Integration {lab.integration!r} has failed permanently: {' '.join(reasons)} "
                "Delete it with zetl.integration.delete(lab) and create it again."
            )
        return True if found["Status"] == "ACTIVE" else None

    wait_for(
        f"integration {lab.integration} to recover",
        look,
        timeout=timeout,
        hint="The integration still reports a problem. Check zetl.integration.describe(lab).",
        usual=lab.usually("15 to 30 minutes"),
        status=lambda: " ".join(reasons)[:60],
    )


def wait_for_outcome(lab: Lab, since: datetime, *, timeout: float = 5400) -> str:
    """Wait until a write has arrived in the target or has stopped the integration.

    Args:
        lab: The lab.
        since: A time after the write, as a datetime with a time zone.
        timeout: Maximum seconds to wait. On AWS, the outcome is known after the next refresh, in 15 to 30 minutes.

    Returns:
        The integration's status: ``ACTIVE`` if the write has arrived, otherwise ``NEEDS_ATTENTION`` or ``FAILED``.

    Raises:
        IntegrationError: The integration does not exist.
        WaitTimeoutError: The write has neither arrived nor stopped the integration.
    """

    def look() -> str | None:
        status = str(require(lab)["Status"])
        if status in _TROUBLE:
            return status
        synced = last_sync(lab)
        return status if status == "ACTIVE" and synced is not None and synced >= since else None

    return wait_for(
        f"integration {lab.integration} to ingest the writes up to {since:%H:%M:%S}",
        look,
        timeout=timeout,
        hint="Check zetl.integration.describe(lab) and zetl.monitoring.log_events(lab).",
        usual=lab.usually("15 to 30 minutes"),
    )


def errors(lab: Lab) -> pd.DataFrame:
    """Return the errors that the integration currently reports.

    Args:
        lab: The lab.

    Returns:
        One row for each entry of ``Errors``, with the columns ``code`` and ``message``. The DataFrame is empty if the
        integration reports no error.

    Raises:
        IntegrationError: The integration does not exist.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_DescribeIntegrations.html
    """
    found = require(lab).get("Errors", [])
    rows = [(entry["ErrorCode"], entry.get("ErrorMessage", "")) for entry in found]
    return pd.DataFrame(rows, columns=["code", "message"])


def _reasons(found: dict[str, Any]) -> list[str]:
    return [error.get("ErrorMessage", error["ErrorCode"]) for error in found.get("Errors", [])]
