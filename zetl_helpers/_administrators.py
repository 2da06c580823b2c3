"""Lake Formation's administrators: a list of the whole account, to which labs add and from which they take away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import target
from zetl_helpers._aws import absent, error_code, tag_dict, tag_list
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import Lab

# Tags on the target role: who became an administrator by the lab, and that the lab is about to take that back.
ADDED = "zetl-lab-administrator"
_LEAVING = "zetl-lab-leaves"


def rewrite(lab: Lab, change: Callable[[list[str]], list[str]]) -> tuple[list[str], list[str]]:
    """Change the list of administrators; everybody else and all other settings stay.

    ``PutDataLakeSettings`` replaces all settings and takes no condition. So they are written only if they still have
    the hash they were read with, and read back: who wrote in between is merged, who wrote over them is merged again.

    Args:
        lab: The lab.
        change: Returns the list as it should be; asked twice, it changes nothing more.

    Returns:
        The list before and after.
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
        "Lake Formation's settings to be written",
        attempt,
        timeout=60,
        hint="Somebody writes them at the same time: look at the administrators in the AWS Lake Formation console.",
    )
    return before or [], after


def note(lab: Lab, principal: str) -> None:
    """Note on the target role that the lab made a principal an administrator: clean-up takes away no other."""
    lab.client("iam").tag_role(RoleName=lab.role, Tags=tag_list({ADDED: principal}))


def note_leaving(lab: Lab) -> None:
    """Note that the lab needs its administrator no more, before a look at who else does.

    Two labs that leave at the same time see each other's note, so that one of them takes the right away.
    """
    with absent("NoSuchEntity"):
        lab.client("iam").tag_role(RoleName=lab.role, Tags=tag_list({_LEAVING: "yes"}))


def forget(lab: Lab) -> None:
    """Take the notes away."""
    with absent("NoSuchEntity"):
        lab.client("iam").untag_role(RoleName=lab.role, TagKeys=[ADDED, _LEAVING])


def noted(lab: Lab) -> str | None:
    """Return the principal that the lab made an administrator, or None."""
    with absent("NoSuchEntity"):
        return _tags(lab).get(ADDED)
    return None


def shared_with(lab: Lab, principal: str) -> list[str]:
    """Return the other labs, by their databases, for which the same principal was made an administrator."""
    return [database for database in target.other_databases(lab, principal) if _needs(lab, database, principal)]


def _needs(lab: Lab, database: str, principal: str) -> bool:
    neighbour = replace(lab, prefix=database.removesuffix("customerdb").rstrip("_"))
    try:
        tags = _tags(neighbour)
    except ClientError as error:
        # Who may not look at a neighbour's role leaves the neighbour its right.
        return error_code(error) != "NoSuchEntity"
    return tags.get(ADDED) == principal and _LEAVING not in tags


def _tags(lab: Lab) -> dict[str, str]:
    return tag_dict(lab.client("iam").list_role_tags(RoleName=lab.role)["Tags"])


def _settings(lab: Lab) -> dict[str, Any]:
    settings: dict[str, Any] = lab.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    return settings


def _names(settings: dict[str, Any]) -> list[str]:
    return [one["DataLakePrincipalIdentifier"] for one in settings.get("DataLakeAdmins", [])]


def _hash(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
