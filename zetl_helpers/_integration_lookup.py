"""Lookup of the description, tags and progress of the lab's integration."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from zetl_helpers import _arrival
from zetl_helpers._aws import ForeignResourceError, tag_dict
from zetl_helpers.lab import TAG_KEY, Lab


class IntegrationError(Exception):
    """The integration is missing, needs attention or has failed. The message says why and what to do."""


def find(lab: Lab) -> dict[str, Any] | None:
    """Return the description of the lab's integration from ``DescribeIntegrations``.

    Return None if the integration does not exist.

    Raises:
        ForeignResourceError: An integration with the lab's name exists but does not belong to the lab.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_DescribeIntegrations.html
    """
    filters = [{"Name": "IntegrationName", "Values": [lab.integration]}]
    found: list[dict[str, Any]] = lab.client("glue").describe_integrations(Filters=filters)["Integrations"]
    if not found:
        return None
    if found[0]["SourceArn"] != lab.table_arn or TAG_KEY not in tags(lab, found[0]):
        raise ForeignResourceError(
            f"Integration {lab.integration} exists but doesn't belong to the lab: its source isn't {lab.table_arn}, "
            f"or it doesn't have the tag {TAG_KEY}. Set ZETL_PREFIX to use different names for your lab."
        )
    return found[0]


def tags(lab: Lab, found: dict[str, Any]) -> dict[str, str]:
    """Return an integration's tags.

    The API model of ``DescribeIntegrations`` includes tags. If a response omits them, this function requests the tags
    separately.

    Args:
        lab: The lab.
        found: The integration, as returned by ``DescribeIntegrations``.
    """
    if found.get("Tags"):
        return tag_dict(found["Tags"], "key", "value")
    answer: dict[str, str] = lab.client("glue").get_tags(ResourceArn=found["IntegrationArn"])["Tags"]
    return answer


def require(lab: Lab) -> dict[str, Any]:
    """Return the description of the lab's integration from ``DescribeIntegrations``.

    Raises:
        IntegrationError: The integration does not exist.
    """
    found = find(lab)
    if found is None:
        raise IntegrationError(
            f"There is no integration {lab.integration!r} from table {lab.table}. "
            "Create it with zetl.integration.create(lab)."
        )
    return found


def last_sync(lab: Lab) -> datetime | None:
    """Return the time up to which the target contains the source's changes.

    Return None if no ingestion has been found.

    The time comes from the integration's log, its metrics, or the target table's latest snapshot, in that order.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-monitoring.html
    """
    return _arrival.last_sync(lab, require(lab))
