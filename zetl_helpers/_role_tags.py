"""Tags that record the Region of the target role, because IAM roles are shared by all Regions."""

from __future__ import annotations

from collections.abc import Mapping

from zetl_helpers.lab import Lab

# Other tags on the role record resources in this Region, such as the Studio domain.
REGION_TAG = "zetl-lab-region"


def role_tags(lab: Lab) -> dict[str, str]:
    """Return the tags that a new target role gets."""
    return {**lab.tags, REGION_TAG: lab.region}


def other_region(lab: Lab, tags: Mapping[str, str]) -> str | None:
    """Return the Region of the lab that a role belongs to, or None if that is this lab's Region.

    A role from an earlier version does not have the tag, and counts as a role in this lab's Region.

    Args:
        lab: The lab.
        tags: The role's tags.
    """
    region = tags.get(REGION_TAG, lab.region)
    return None if region == lab.region else region
