"""SageMaker Unified Studio projects, and the grants that share tables with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from zetl_helpers import _administrators, _governed, permissions
from zetl_helpers._aws import absent, one_of, settled
from zetl_helpers._errors import StudioSetupError
from zetl_helpers._place import Space
from zetl_helpers._steps import Did, Step
from zetl_helpers._studio_setup import (
    DomainPlan,
    create_domain,
    create_project,
    delete_domain,
    delete_project,
    plan_domain,
)
from zetl_helpers._studio_stack import delete_stack
from zetl_helpers.lab import Lab

__all__ = [
    "DomainPlan",
    "Project",
    "StudioError",
    "StudioSetupError",
    "add_administrator",
    "added_administrator",
    "as_project",
    "caller_identity",
    "create_domain",
    "create_project",
    "delete_domain",
    "delete_project",
    "delete_stack",
    "deregister_location",
    "find_project",
    "grants",
    "plan_domain",
    "register_location",
    "registered_location",
    "remove_administrator",
    "share_with_project",
    "unshare",
]


class StudioError(Exception):
    """A domain, project or connection in the Studio is missing or not accessible. The message says what to do."""


@dataclass(frozen=True)
class Project:
    """A project of SageMaker Unified Studio.

    Args:
        domain_id: The ID of the project's domain.
        project_id: The project's ID.
        name: The project's name.
        role_arn: The role that the project uses, including for queries.
        portal: The address of the Studio in the browser.
    """

    domain_id: str
    project_id: str
    name: str
    role_arn: str
    portal: str


def caller_identity(lab: Lab) -> pd.DataFrame:
    """Return the caller's identity from STS, and the matching principal in IAM and Lake Formation.

    Args:
        lab: The lab.

    Returns:
        Two rows with the columns ``what`` and ``ARN``.
    """
    rows = {"GetCallerIdentity says": lab.caller, "the IAM principal": permissions.caller_principal(lab)}
    return pd.DataFrame({"what": list(rows), "ARN": list(rows.values())})


def add_administrator(lab: Lab) -> Step:
    """Add the caller to the Lake Formation administrators.

    ``PutDataLakeSettings`` replaces all settings. This function therefore reads the settings, adds the caller, and
    writes the settings back if no other caller has changed them.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome, with all administrators in `details`.

    Raises:
        ForeignResourceError: The target role, whose tag would record the administrator, does not belong to the lab.

    See https://docs.aws.amazon.com/lake-formation/latest/APIReference/API_PutDataLakeSettings.html
    """
    principal = permissions.caller_principal(lab)
    permissions.role_exists(lab)
    with lab.recording() as calls:
        before, _ = _administrators.rewrite(lab, lambda names: names)
        # The administrator is recorded before the change, because cleanup removes only an administrator that a lab has
        # recorded.
        if principal not in before or _administrators.shared_with(lab, principal):
            _administrators.note(lab, principal)
        _, after = _administrators.rewrite(lab, lambda names: names if principal in names else [*names, principal])
    thing = f"Lake Formation administrator {principal}"
    return Step(thing, "already there" if principal in before else "created", calls, {"administrators": after})


def remove_administrator(lab: Lab, principal: str | None = None) -> Step:
    """Undo `add_administrator`.

    Other administrators are kept. `principal` is also kept while another lab needs it as an administrator.

    Args:
        lab: The lab.
        principal: The administrator to remove. Defaults to the caller.

    Returns:
        The step and its outcome.

    Raises:
        ForeignResourceError: The target role, whose tag records the administrator, does not belong to the lab.
    """
    principal = principal or permissions.caller_principal(lab)
    permissions.role_exists(lab)
    with lab.recording() as calls:
        _administrators.note_leaving(lab)
        kept = bool(_administrators.shared_with(lab, principal))
        before, _ = _administrators.rewrite(lab, lambda names: [name for name in names if kept or name != principal])
        _administrators.forget(lab)
    did: Did = "already gone" if principal not in before else "still needed" if kept else "deleted"
    return Step(f"Lake Formation administrator {principal}", did, calls)


def added_administrator(lab: Lab) -> str | None:
    """Return the Lake Formation administrator that the tutorial added, or None if it added none."""
    return _administrators.noted(lab)


def find_project(lab: Lab) -> Project:
    """Find the current space's project or, outside a Studio space, the project named in `Lab.project`.

    Args:
        lab: The lab.

    Returns:
        The project.

    Raises:
        StudioError: The domain does not exist or has no such project.

    See https://docs.aws.amazon.com/datazone/latest/APIReference/API_ListProjects.html
    """
    datazone = lab.client("datazone")
    if lab.place is not None:
        return _project_of_space(datazone, lab.place.space, lab.region)
    domains = [entry for entry in _pages(datazone, "list_domains") if entry.get("domainVersion", "V2") == "V2"]
    if not domains:
        raise StudioError(
            "This account has no SageMaker Unified Studio domain in this Region. An administrator can create one in "
            "the Amazon SageMaker console, or with studio.plan_domain and studio.create_domain. The chapters on Athena "
            "work without a domain."
        )
    for domain in domains:
        for project in _pages(datazone, "list_projects", domainIdentifier=domain["id"]):
            if project["name"] == lab.project:
                role = _project_role(datazone, domain["id"], project["id"])
                portal = domain.get("portalUrl", "")
                return Project(domain["id"], project["id"], project["name"], role, portal)
    raise StudioError(
        f"No project {lab.project!r} is visible to you. In the Studio, choose Create project, name it {lab.project}, "
        "and choose the profile SQL analytics. Then run this cell again."
    )


def _project_of_space(datazone: Any, space: Space, region: str) -> Project:
    """Look up a space's project by the IDs in the space's metadata, because the project's role cannot list domains."""
    listed = _pages(datazone, "list_projects", domainIdentifier=space.domain_id)
    names = {entry["id"]: entry["name"] for entry in listed}
    if space.project_id not in names:
        raise StudioError(
            f"Project {space.project_id} of this space is no longer visible to you. Ask an owner of the project, or "
            "open the space again from the Studio."
        )
    role = space.role_arn or _project_role(datazone, space.domain_id, space.project_id)
    portal = f"https://{space.domain_id}.sagemaker.{space.region or region}.on.aws"
    return Project(space.domain_id, space.project_id, names[space.project_id], role, portal)


def as_project(lab: Lab, project: Project) -> Lab:
    """Return the lab with the project role's credentials and the project's Athena workgroup.

    DataZone issues the role's credentials, which are valid for an hour or less, to the project's members.

    Args:
        lab: The lab.
        project: The project.

    Raises:
        StudioError: The project has no connections, or the caller cannot use them.

    See https://docs.aws.amazon.com/datazone/latest/APIReference/API_GetConnection.html
    """
    datazone = lab.client("datazone")
    lent = _connection(datazone, project, "IAM", withSecret=True).get("connectionCredentials")
    if not lent:
        raise StudioError(
            f"DataZone doesn't return credentials for project {project.name}, because you are not a member of the "
            "project. Ask an owner of the project to add you, or run this cell in one of the project's spaces."
        )
    athena = _connection(datazone, project, "ATHENA")["props"]["athenaProperties"]
    return lab.with_credentials(
        lent["accessKeyId"], lent["secretAccessKey"], lent["sessionToken"], workgroup=athena["workgroupName"]
    )


def _connection(datazone: Any, project: Project, kind: str, **options: Any) -> dict[str, Any]:
    where = {"domainIdentifier": project.domain_id}
    found = _pages(datazone, "list_connections", **where, projectIdentifier=project.project_id, type=kind)
    if not found:
        raise StudioError(f"Project {project.name} has no connection of the type {kind}. Its profile must include one.")
    detail: dict[str, Any] = datazone.get_connection(**where, identifier=found[0]["connectionId"], **options)
    return detail


def register_location(lab: Lab) -> Step:
    """Register the table's location with Lake Formation, in hybrid access mode.

    Lake Formation then controls access to the files for principals that have opted in and have a grant. Other
    principals' access does not change. After the registration, Athena rejects DDL on the table, such as
    ``ALTER TABLE``, and does not reuse query results.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome.

    See https://docs.aws.amazon.com/lake-formation/latest/APIReference/API_RegisterResource.html
    """
    formation = lab.client("lakeformation")
    with lab.recording() as calls:
        found = registered_location(lab)
        if found is None:
            with absent("AlreadyExistsException"):
                _retry_while_busy(
                    formation.register_resource,
                    ResourceArn=lab.table_location_arn,
                    UseServiceLinkedRole=True,
                    HybridAccessEnabled=True,
                )
        # In a governed account, the target role needs a grant to write to a registered location.
        _governed.grant(lab, permissions.caller_principal(lab), lab.table_location_arn)
    return Step(f"location {lab.location}/{lab.target_table}", "created" if found is None else "already there", calls)


def registered_location(lab: Lab) -> dict[str, Any] | None:
    """Return the registered location that covers the table's files, or None if there is none."""
    formation = lab.client("lakeformation")
    token: dict[str, str] = {}
    while True:
        answer = formation.list_resources(**token)
        for found in answer["ResourceInfoList"]:
            arn = found["ResourceArn"].rstrip("/")
            if lab.table_location_arn == arn or lab.table_location_arn.startswith(f"{arn}/"):
                return dict(found)
        if not answer.get("NextToken"):
            return None
        token = {"NextToken": answer["NextToken"]}


def deregister_location(lab: Lab) -> Step:
    """Undo `register_location`, but keep a parent location that the lab did not register.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome.
    """
    with lab.recording() as calls:
        found = registered_location(lab)
        mine = found is not None and found["ResourceArn"].rstrip("/") == lab.table_location_arn
        if mine:
            _revoke_location(lab)
            with absent("EntityNotFoundException"):
                _retry_while_busy(lab.client("lakeformation").deregister_resource, ResourceArn=lab.table_location_arn)
    return Step(f"location {lab.location}/{lab.target_table}", "deleted" if mine else "already gone", calls)


def _revoke_location(lab: Lab) -> None:
    """Revoke the data location permissions on the table's location."""
    resource = {"DataLocation": {"ResourceArn": lab.table_location_arn}}
    formation = lab.client("lakeformation")
    for entry in formation.list_permissions(Resource=resource)["PrincipalResourcePermissions"]:
        _retry_while_busy(
            formation.revoke_permissions,
            Principal=entry["Principal"],
            Resource=resource,
            Permissions=entry["Permissions"],
        )


def share_with_project(lab: Lab, project: Project) -> list[Step]:
    """Allow the project's role to describe the database and query the table.

    A grant alone has no effect while the database is open to all IAM principals, or while Lake Formation does not
    manage the files' location. This function therefore also registers the location in hybrid access mode and opts the
    role in. Other principals' access does not change.

    Args:
        lab: The lab.
        project: The project.

    Returns:
        The steps and their outcomes for the location and for each opt-in and grant.

    See https://docs.aws.amazon.com/lake-formation/latest/dg/hybrid-access-mode.html
    """
    steps = [register_location(lab)]
    for thing, resource, rights in _shares(lab):
        if _open_to_everybody(lab, resource):
            steps.append(_opt_in(lab, project, thing, resource))
        steps.append(_grant(lab, project, thing, resource, rights))
    return steps


def grants(lab: Lab, project: Project) -> pd.DataFrame:
    """List the project role's Lake Formation permissions on the lab's database and table.

    Args:
        lab: The lab.
        project: The project.

    Returns:
        One row for each resource, with the columns ``resource`` and ``permissions``.
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
        The steps and their outcomes for each grant and opt-in.
    """
    formation = lab.client("lakeformation")
    principal = {"DataLakePrincipalIdentifier": project.role_arn}
    steps = []
    for thing, resource, rights in reversed(_shares(lab)):
        with lab.recording() as calls:
            held = sorted(_granted(lab, project, resource) & set(rights))
            if held:
                _retry_while_busy(
                    formation.revoke_permissions, Principal=principal, Resource=resource, Permissions=held
                )
            opted = _opted_in(lab, project, resource)
            if opted:
                _retry_while_busy(formation.delete_lake_formation_opt_in, Principal=principal, Resource=resource)
        steps.append(Step(f"grants on {thing}", "deleted" if held or opted else "already gone", calls))
    return steps


def _pages(client: Any, operation: str, **arguments: Any) -> list[dict[str, Any]]:
    return [item for page in client.get_paginator(operation).paginate(**arguments) for item in page["items"]]


def _project_role(datazone: Any, domain: str, project: str) -> str:
    """Return the role in the project's IAM connection."""
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
    """Return the name, the Lake Formation resource and the permissions of each resource shared with the project."""
    table = {"DatabaseName": lab.database, "Name": lab.target_table}
    return [
        (f"database {lab.database}", {"Database": {"Name": lab.database}}, ("DESCRIBE",)),
        (f"table {lab.database}.{lab.target_table}", {"Table": table}, ("DESCRIBE", "SELECT")),
    ]


def _open_to_everybody(lab: Lab, resource: dict[str, Any]) -> bool:
    return bool(_permissions(lab, _governed.EVERYBODY, resource))


def _granted(lab: Lab, project: Project, resource: dict[str, Any]) -> set[str]:
    with absent("EntityNotFoundException"):
        return {
            right for permission in _permissions(lab, project.role_arn, resource) for right in permission["Permissions"]
        }
    return set()


def _permissions(lab: Lab, principal: str, resource: dict[str, Any]) -> list[dict[str, Any]]:
    return _all_of(lab, "list_permissions", "PrincipalResourcePermissions", principal, resource)


def _all_of(lab: Lab, operation: str, key: str, principal: str, resource: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of all pages of a Lake Formation list operation, for which botocore has no paginator."""
    asked = {"Principal": {"DataLakePrincipalIdentifier": principal}, "Resource": resource}
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = getattr(lab.client("lakeformation"), operation)(**asked, **token)
        found += answer[key]
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}


def _grant(lab: Lab, project: Project, thing: str, resource: dict[str, Any], rights: tuple[str, ...]) -> Step:
    with lab.recording() as calls:
        missing = set(rights) - _granted(lab, project, resource)
        if missing:
            who = {"DataLakePrincipalIdentifier": project.role_arn}
            _retry_while_busy(
                lab.client("lakeformation").grant_permissions,
                Principal=who,
                Resource=resource,
                Permissions=list(rights),
            )
    return Step(f"{' and '.join(rights)} on {thing}", "created" if missing else "already there", calls)


def _retry_while_busy(call: Callable[..., object], **arguments: Any) -> None:
    """Retry a call while Lake Formation is busy with another call for the same resource."""
    settled(
        "Lake Formation to finish another change",
        lambda: call(**arguments),
        one_of("ConcurrentModificationException"),
        timeout=60,
    )


def _opted_in(lab: Lab, project: Project, resource: dict[str, Any]) -> bool:
    listed = _all_of(lab, "list_lake_formation_opt_ins", "LakeFormationOptInsInfoList", project.role_arn, resource)
    return bool(listed)


def _opt_in(lab: Lab, project: Project, thing: str, resource: dict[str, Any]) -> Step:
    with lab.recording() as calls:
        known = _opted_in(lab, project, resource)
        if not known:
            who = {"DataLakePrincipalIdentifier": project.role_arn}
            _retry_while_busy(
                lab.client("lakeformation").create_lake_formation_opt_in, Principal=who, Resource=resource
            )
    return Step(f"opt-in for {thing}", "already there" if known else "created", calls)
