"""An integration that needs attention: waiting until AWS Glue sees what is wrong, and until it goes on again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from zetl_helpers import integration
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import Lab

_TROUBLE = ("NEEDS_ATTENTION", "FAILED")


def wait_until_needed(lab: Lab, *, timeout: float = 5400) -> str:
    """Wait until the integration needs attention, or has failed for good.

    Args:
        lab: The lab.
        timeout: Seconds to wait at most; on AWS it shows at the next refresh, after 15 to 30 minutes.

    Returns:
        The status and the errors, as ``DescribeIntegrations`` gives them, a line each.

    Raises:
        IntegrationError: There is no integration.
        WaitTimeoutError: It goes on as if nothing had happened.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-creating-managing.html
    """

    def look() -> dict[str, Any] | None:
        found = integration.require(lab)
        return found if found["Status"] in _TROUBLE else None

    found = wait_for(
        f"integration {lab.integration} to notice what is wrong",
        look,
        timeout=timeout,
        hint="Look at integration.describe(lab): it goes on as if nothing had happened.",
    )
    return "\n".join([f"status: {found['Status']}", *_reasons(found)])


def wait_until_mended(lab: Lab, *, timeout: float = 5400) -> None:
    """Wait until an integration whose trouble was mended goes on; it retries by itself.

    Args:
        lab: The lab.
        timeout: Seconds to wait at most; the tries move apart the longer the trouble lasted.

    Raises:
        IntegrationError: There is no integration, or it has failed for good.
        WaitTimeoutError: It still needs attention; the text says why.
    """
    reasons: list[str] = []

    def look() -> bool | None:
        found = integration.require(lab)
        reasons[:] = _reasons(found)
        if found["Status"] == "FAILED":
            raise integration.IntegrationError(
                f"Integration {lab.integration!r} has failed for good: {' '.join(reasons)} "
                "Delete it with integration.delete(lab) and create it again."
            )
        return True if found["Status"] == "ACTIVE" else None

    wait_for(
        f"integration {lab.integration} to go on",
        look,
        timeout=timeout,
        hint="Look at integration.describe(lab): what it names is still wrong.",
        status=lambda: " ".join(reasons)[:60],
    )


def wait_for_outcome(lab: Lab, since: datetime, *, timeout: float = 5400) -> str:
    """Wait until it is known what became of a write: it arrived, or the integration stopped at it.

    Args:
        lab: The lab.
        since: The moment after the write; with a time zone.
        timeout: Seconds to wait at most; on AWS it shows at the next refresh, after 15 to 30 minutes.

    Returns:
        The integration's status: ``NEEDS_ATTENTION`` or ``FAILED``, or ``ACTIVE`` when the write has arrived.

    Raises:
        IntegrationError: There is no integration.
        WaitTimeoutError: Neither happens.
    """

    def look() -> str | None:
        status = str(integration.require(lab)["Status"])
        if status in _TROUBLE:
            return status
        synced = integration.last_sync(lab)
        return status if status == "ACTIVE" and synced is not None and synced >= since else None

    return wait_for(
        f"integration {lab.integration} to take in what was written until {since:%H:%M:%S}",
        look,
        timeout=timeout,
        hint="Look at integration.describe(lab) and monitoring.log_events(lab).",
    )


def errors(lab: Lab) -> pd.DataFrame:
    """Return what the integration complains about now.

    Args:
        lab: The lab.

    Returns:
        One row for each entry of ``Errors``, columns ``code`` and ``message``; none while all is well.

    Raises:
        IntegrationError: There is no integration.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_DescribeIntegrations.html
    """
    found = integration.require(lab).get("Errors", [])
    rows = [(one["ErrorCode"], one.get("ErrorMessage", "")) for one in found]
    return pd.DataFrame(rows, columns=["code", "message"])


def _reasons(found: dict[str, Any]) -> list[str]:
    return [one.get("ErrorMessage", one["ErrorCode"]) for one in found.get("Errors", [])]
