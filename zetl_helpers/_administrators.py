"""Changes to the account-wide list of Lake Formation administrators."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import target
from zetl_helpers._aws import absent, error_code, tag_dict, tag_list
from zetl_helpers._role_tags import other_region
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import Lab

# Tags on the target role. The first names the administrator that the lab added; the second marks this administrator for
# removal.
ADDED = "zetl-lab-administrator"
_LEAVING = "zetl-lab-leaves"


def rewrite(lab: Lab, change: Callable[[list[str]], list[str]]) -> tuple[list[str], list[str]]:
    """Apply a change to the list of administrators, and keep all other settings.

    ``PutDataLakeSettings`` replaces all settings and does not support conditional writes. This function therefore
    writes the settings only if their hash has not changed since it read them, and then reads them back. A concurrent
    change is unlikely to be lost. If another writer overwrites the lab's change, the function applies the change again.

    Args:
        lab: The lab.
        change: An idempotent function that takes the current list and returns the new list.

    Returns:
        The list before the change and the list after it.
    """
    before: list[str] | None = None
    after: list[str] = []

    def attempt() -> bool | None:
        nonlocal before, after
        settings = _settings(lab)
        found = _names(settings)
        before = found if before is None else before
        after = change(found)
        if after == found:
            return True
        if _hash(_settings(lab)) != _hash(settings):
            return None
        administrators = [{"DataLakePrincipalIdentifier": name} for name in after]
        wanted = {**settings, "DataLakeAdmins": administrators}
        lab.client("lakeformation").put_data_lake_settings(DataLakeSettings=wanted)
        now = _names(_settings(lab))
        return True if change(now) == now else None

    wait_for(
        "the Lake Formation settings to be written",
        attempt,
        timeout=60,
        hint="Another caller is changing the settings. Check the administrators in the AWS Lake Formation console.",
    )
    return before or [], after


def note(lab: Lab, principal: str) -> None:
    """Tag the target role with the administrator that the lab added, so that cleanup removes only this principal."""
    lab.client("iam").tag_role(RoleName=lab.role, Tags=tag_list({ADDED: principal}))


def note_leaving(lab: Lab) -> None:
    """Record on the target role that the lab no longer needs its administrator.

    Cleanup calls this function before it looks for other labs that need the same administrator. If two labs are cleaned
    up at the same time, at least one cleanup finds the other lab's record and removes the administrator.
    """
    with absent("NoSuchEntity"):
        lab.client("iam").tag_role(RoleName=lab.role, Tags=tag_list({_LEAVING: "yes"}))


def forget(lab: Lab) -> None:
    """Remove both administrator tags from the target role."""
    with absent("NoSuchEntity"):
        lab.client("iam").untag_role(RoleName=lab.role, TagKeys=[ADDED, _LEAVING])


def noted(lab: Lab) -> str | None:
    """Return the principal that the lab added as an administrator, or None if no administrator is recorded."""
    with absent("NoSuchEntity"):
        return _tags(lab).get(ADDED)
    return None


def shared_with(lab: Lab, principal: str) -> list[str]:
    """Return the databases of other labs that still need the same principal as an administrator."""
    return [database for database in target.other_databases(lab, principal) if _needs(lab, database, principal)]


def _needs(lab: Lab, database: str, principal: str) -> bool:
    neighbor = replace(lab, prefix=database.removesuffix("customerdb").rstrip("_"))
    try:
        tags = _tags(neighbor)
    except ClientError as error:
        # If the caller is not allowed to read another lab's role, the administrator is kept.
        return error_code(error) != "NoSuchEntity"
    return tags.get(ADDED) == principal and _LEAVING not in tags and other_region(neighbor, tags) is None


def _tags(lab: Lab) -> dict[str, str]:
    return tag_dict(lab.client("iam").list_role_tags(RoleName=lab.role)["Tags"])


def _settings(lab: Lab) -> dict[str, Any]:
    settings: dict[str, Any] = lab.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    return settings


def _names(settings: dict[str, Any]) -> list[str]:
    return [administrator["DataLakePrincipalIdentifier"] for administrator in settings.get("DataLakeAdmins", [])]


def _hash(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
