"""SageMaker Unified Studio: caller, project, role, and the grants that make the tables visible in the project."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from zetl_helpers import permissions
from zetl_helpers._aws import absent, tag_dict, tag_list
from zetl_helpers._steps import Step
from zetl_helpers.lab import Lab

# What a notebook space of the Studio knows about itself.
_SPACE = Path("/opt/ml/metadata/resource-metadata.json")
# A tag on the target role: who became an administrator by the tutorial.
_ADDED = "zetl-lab-administrator"
_EVERYBODY = "IAM_ALLOWED_PRINCIPALS"


class StudioError(Exception):
    """The Studio, its domain or its project is not there; the text says what to do in the console."""


@dataclass(frozen=True)
class Project:
    """A project of SageMaker Unified Studio.

    Args:
        domain_id: The domain it belongs to.
        project_id: Its id.
        name: Its name.
        role_arn: The role with which everything in the project runs, queries too.
        portal: The address of the Studio in the browser.
    """

    domain_id: str
    project_id: str
    name: str
    role_arn: str
    portal: str


def caller_identity(lab: Lab) -> pd.DataFrame:
    """Show who calls, as STS says, and which principal that is to IAM and Lake Formation.

    Args:
        lab: The lab.

    Returns:
        Columns ``what`` and ``ARN``.
    """
    rows = {"GetCallerIdentity says": lab.caller, "the IAM principal": permissions.caller_principal(lab)}
    return pd.DataFrame({"what": list(rows), "ARN": list(rows.values())})


def add_administrator(lab: Lab) -> Step:
    """Make the caller a Lake Formation administrator, beside those who are.

    ``PutDataLakeSettings`` replaces all settings: they are read, the caller is added, and all of them are put back.

    Args:
        lab: The lab.

    Returns:
        What happened; `details` names all administrators.

    See https://docs.aws.amazon.com/lake-formation/latest/APIReference/API_PutDataLakeSettings.html
    """
    principal = permissions.caller_principal(lab)
    formation = lab.client("lakeformation")
    with lab.recording() as calls:
        settings = formation.get_data_lake_settings()["DataLakeSettings"]
        administrators = [one["DataLakePrincipalIdentifier"] for one in settings.get("DataLakeAdmins", [])]
        known = principal in administrators
        if not known:
            administrators.append(principal)
            # Noted first: clean-up may take away only what the tutorial gave.
            lab.client("iam").tag_role(RoleName=lab.role, Tags=tag_list({_ADDED: principal}))
            formation.put_data_lake_settings(
                DataLakeSettings={**settings, "DataLakeAdmins": _principals(administrators)}
            )
    thing = f"Lake Formation administrator {principal}"
    return Step(thing, "already there" if known else "created", calls, {"administrators": administrators})


def remove_administrator(lab: Lab) -> Step:
    """Undo `add_administrator`; all other administrators stay.

    Args:
        lab: The lab.

    Returns:
        What happened.
    """
    principal = permissions.caller_principal(lab)
    formation = lab.client("lakeformation")
    with lab.recording() as calls:
        settings = formation.get_data_lake_settings()["DataLakeSettings"]
        administrators = [one["DataLakePrincipalIdentifier"] for one in settings.get("DataLakeAdmins", [])]
        if principal not in administrators:
            return Step(f"Lake Formation administrator {principal}", "already gone", calls)
        administrators.remove(principal)
        formation.put_data_lake_settings(DataLakeSettings={**settings, "DataLakeAdmins": _principals(administrators)})
        with absent("NoSuchEntity"):
            lab.client("iam").untag_role(RoleName=lab.role, TagKeys=[_ADDED])
    return Step(f"Lake Formation administrator {principal}", "deleted", calls)


def added_administrator(lab: Lab) -> bool:
    """Tell whether the caller is a Lake Formation administrator because the tutorial made it one."""
    principal = permissions.caller_principal(lab)
    with absent("NoSuchEntity"):
        tags = tag_dict(lab.client("iam").list_role_tags(RoleName=lab.role)["Tags"])
        return tags.get(_ADDED) == principal
    return False


def find_project(lab: Lab) -> Project:
    """Find the project and its role: that of the space when the notebook runs in the Studio, else the lab's by name.

    Args:
        lab: The lab.

    Returns:
        The project.

    Raises:
        StudioError: There is no domain, or no such project in it.

    See https://docs.aws.amazon.com/datazone/latest/APIReference/API_ListProjects.html
    """
    datazone = lab.client("datazone")
    space = _space()
    domains = [one for one in _pages(datazone, "list_domains") if one.get("domainVersion", "V2") == "V2"]
    if not domains:
        raise StudioError(
            "This account and Region has no SageMaker Unified Studio domain. An administrator creates one in the "
            "Amazon SageMaker console; the chapters on Athena work without it."
        )
    for domain in domains:
        for project in _pages(datazone, "list_projects", domainIdentifier=domain["id"]):
            if project["id"] == space.get("DataZoneProjectId") or (not space and project["name"] == lab.project):
                role = space.get("ExecutionRoleArn") or _project_role(datazone, domain["id"], project["id"])
                portal = domain.get("portalUrl", "")
                return Project(domain["id"], project["id"], project["name"], role, portal)
    raise StudioError(
        f"No project {lab.project!r} is visible to you. In the Studio choose Create project, name it {lab.project} "
        "and take the profile SQL analytics; then repeat this cell."
    )


def share_with_project(lab: Lab, project: Project) -> list[Step]:
    """Grant the project's role what it needs to see the database and to query the table.

    Where the database is open to all IAM principals, Lake Formation decides only about those who opted in: the role is
    opted in first, so that nobody else's access changes.

    Args:
        lab: The lab.
        project: The project.

    Returns:
        What happened to each opt-in and grant.

    See https://docs.aws.amazon.com/lake-formation/latest/dg/hybrid-access-mode.html
    """
    steps = []
    for thing, resource, rights in _shares(lab):
        if _open_to_everybody(lab, resource):
            steps.append(_opt_in(lab, project, thing, resource))
        steps.append(_grant(lab, project, thing, resource, rights))
    return steps


def grants(lab: Lab, project: Project) -> pd.DataFrame:
    """List what Lake Formation grants the project's role on the lab's database and table.

    Args:
        lab: The lab.
        project: The project.

    Returns:
        Columns ``resource`` and ``permissions``.
    """
    rows = [
        {"resource": thing, "permissions": ", ".join(sorted(_granted(lab, project, resource)))}
        for thing, resource, _ in _shares(lab)
    ]
    return pd.DataFrame(rows)


def unshare(lab: Lab, project: Project) -> list[Step]:
    """Undo `share_with_project`.

    Args:
        lab: The lab.
        project: The project.

    Returns:
        What happened to each grant and opt-in.
    """
    formation = lab.client("lakeformation")
    principal = {"DataLakePrincipalIdentifier": project.role_arn}
    steps = []
    for thing, resource, rights in reversed(_shares(lab)):
        with lab.recording() as calls:
            held = sorted(_granted(lab, project, resource) & set(rights))
            if held:
                formation.revoke_permissions(Principal=principal, Resource=resource, Permissions=held)
            opted = _opted_in(lab, project, resource)
            if opted:
                formation.delete_lake_formation_opt_in(Principal=principal, Resource=resource)
        steps.append(Step(f"grants on {thing}", "deleted" if held or opted else "already gone", calls))
    return steps


def _principals(arns: list[str]) -> list[dict[str, str]]:
    return [{"DataLakePrincipalIdentifier": arn} for arn in arns]


def _space() -> dict[str, Any]:
    if not _SPACE.exists():
        return {}
    document = json.loads(_SPACE.read_text())
    return {**document.get("AdditionalMetadata", {}), "ExecutionRoleArn": document.get("ExecutionRoleArn")}


def _pages(client: Any, operation: str, **arguments: Any) -> list[dict[str, Any]]:
    return [one for page in client.get_paginator(operation).paginate(**arguments) for one in page["items"]]


def _project_role(datazone: Any, domain: str, project: str) -> str:
    """Read the role from the project's IAM connection."""
    found = _pages(datazone, "list_connections", domainIdentifier=domain, projectIdentifier=project, type="IAM")
    for connection in found:
        detail = datazone.get_connection(domainIdentifier=domain, identifier=connection["connectionId"])
        if role := detail.get("environmentUserRole"):
            return str(role)
    raise StudioError(
        f"Project {project} has no IAM connection with a role. "
        "Its overview page in the Studio shows the project role's ARN."
    )


def _shares(lab: Lab) -> list[tuple[str, dict[str, Any], tuple[str, ...]]]:
    """Return what is shared with the project: a name, the resource for Lake Formation, and the rights."""
    table = {"DatabaseName": lab.database, "Name": lab.target_table}
    return [
        (f"database {lab.database}", {"Database": {"Name": lab.database}}, ("DESCRIBE",)),
        (f"table {lab.database}.{lab.target_table}", {"Table": table}, ("DESCRIBE", "SELECT")),
    ]


def _open_to_everybody(lab: Lab, resource: dict[str, Any]) -> bool:
    found = lab.client("lakeformation").list_permissions(
        Principal={"DataLakePrincipalIdentifier": _EVERYBODY}, Resource=resource
    )
    return bool(found["PrincipalResourcePermissions"])


def _granted(lab: Lab, project: Project, resource: dict[str, Any]) -> set[str]:
    with absent("EntityNotFoundException"):
        found = lab.client("lakeformation").list_permissions(
            Principal={"DataLakePrincipalIdentifier": project.role_arn}, Resource=resource
        )
        return {right for one in found["PrincipalResourcePermissions"] for right in one["Permissions"]}
    return set()


def _grant(lab: Lab, project: Project, thing: str, resource: dict[str, Any], rights: tuple[str, ...]) -> Step:
    with lab.recording() as calls:
        missing = set(rights) - _granted(lab, project, resource)
        if missing:
            lab.client("lakeformation").grant_permissions(
                Principal={"DataLakePrincipalIdentifier": project.role_arn}, Resource=resource, Permissions=list(rights)
            )
    return Step(f"{' and '.join(rights)} on {thing}", "created" if missing else "already there", calls)


def _opted_in(lab: Lab, project: Project, resource: dict[str, Any]) -> bool:
    found = lab.client("lakeformation").list_lake_formation_opt_ins(
        Principal={"DataLakePrincipalIdentifier": project.role_arn}, Resource=resource
    )
    return bool(found["LakeFormationOptInsInfoList"])


def _opt_in(lab: Lab, project: Project, thing: str, resource: dict[str, Any]) -> Step:
    with lab.recording() as calls:
        known = _opted_in(lab, project, resource)
        if not known:
            lab.client("lakeformation").create_lake_formation_opt_in(
                Principal={"DataLakePrincipalIdentifier": project.role_arn}, Resource=resource
            )
    return Step(f"opt-in for {thing}", "already there" if known else "created", calls)
