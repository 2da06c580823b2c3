"""A search for the lab's leftovers in Lake Formation, Unified Studio, the Data Catalog policy and IAM."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

from zetl_helpers import _studio_setup, _studio_stack, permissions, studio, target
from zetl_helpers._aws import absent
from zetl_helpers._wait import WaitTimeoutError, wait_for
from zetl_helpers.cleanup._leftovers import TAGGED, Foreign, Found, Leftover, Ownership, StillThereError
from zetl_helpers.lab import Lab

# A grant to this principal leaves access control to IAM alone and is not a grant to a person.
_EVERYBODY = "IAM_ALLOWED_PRINCIPALS"


def grants(mine: Ownership) -> Found:
    """Find Lake Formation grants and opt-ins for the lab's database and tables."""
    by_principal: dict[str, list[tuple[dict[str, Any], list[str]]]] = defaultdict(list)
    opted_in: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in _resources(mine):
        for permission in _pages(mine, "list_permissions", "PrincipalResourcePermissions", resource):
            by_principal[_principal(permission)].append((permission["Resource"], permission["Permissions"]))
        for page in _pages(mine, "list_lake_formation_opt_ins", "LakeFormationOptInsInfoList", resource):
            opted_in[_principal(page)].append(resource)
    # The caller's grants are kept, because without them the caller could not drop the database.
    others = {*by_principal, *opted_in} - {_EVERYBODY, permissions.caller_principal(mine.lab)}
    for principal in sorted(others):
        granted, opt_ins = by_principal[principal], opted_in[principal]
        yield Leftover(
            "Lake Formation grants",
            principal,
            "let the role read the table",
            "on the lab's database",
            partial(_revoke, mine, principal, granted, opt_ins),
        )


def _resources(mine: Ownership) -> Iterator[dict[str, Any]]:
    """Yield the tables before the database, so that table grants are revoked before the broader database grants."""
    for table in mine.tables_in_database:
        yield {"Table": {"DatabaseName": mine.lab.database, "Name": table["Name"]}}
    if mine.owns(mine.database):
        yield {"Table": {"DatabaseName": mine.lab.database, "TableWildcard": {}}}
        yield {"Database": {"Name": mine.lab.database}}


def _pages(mine: Ownership, operation: str, key: str, resource: dict[str, Any]) -> list[dict[str, Any]]:
    formation = mine.lab.client("lakeformation")
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = getattr(formation, operation)(Resource=resource, **token)
        found += answer[key]
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}


def _principal(entry: dict[str, Any]) -> str:
    return str(entry["Principal"]["DataLakePrincipalIdentifier"])


def _revoke(
    mine: Ownership, principal: str, granted: list[tuple[dict[str, Any], list[str]]], opt_ins: list[dict[str, Any]]
) -> None:
    formation = mine.lab.client("lakeformation")
    who = {"DataLakePrincipalIdentifier": principal}
    for resource, rights in granted:
        with absent("EntityNotFoundException"):
            formation.revoke_permissions(Principal=who, Resource=resource, Permissions=rights)
    for resource in opt_ins:
        with absent("EntityNotFoundException"):
            formation.delete_lake_formation_opt_in(Principal=who, Resource=resource)


def locations(mine: Ownership) -> Found:
    """Find the locations in the lab's bucket that chapter 3 registered with Lake Formation."""
    formation = mine.lab.client("lakeformation")
    token: dict[str, str] = {}
    while True:
        answer = formation.list_resources(**token)
        for arn in (entry["ResourceArn"] for entry in answer["ResourceInfoList"]):
            for lab in mine.lab.everywhere:
                if arn.rstrip("/") == lab.table_location_arn and mine.owns(mine.bucket):
                    why, known_by = "lets Lake Formation read the files", "in the lab's bucket"
                    delete = partial(studio.deregister_location, lab)
                    yield Leftover("Lake Formation location", arn, why, known_by, delete, table=lab.source)
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def administrator(mine: Ownership) -> Found:
    """Find the Lake Formation administrator that the tutorial added and recorded in a tag on the target role."""
    if mine.owns(mine.role) and (principal := studio.added_administrator(mine.lab)):
        yield Leftover(
            "Lake Formation administrator",
            principal,
            "wasn't an administrator before the tutorial",
            "recorded on the lab's role",
            partial(studio.remove_administrator, mine.lab, principal),
        )


def studio_domain(mine: Ownership) -> Found:
    """Find the lab's project, domain and VPC stack, in that order. Tags on the target role record them."""
    recorded = (mine.role or {}) if mine.owns(mine.role) else {}
    lab, domain, stack = mine.lab, recorded.get(_studio_setup.DOMAIN_TAG), recorded.get(_studio_stack.STACK_TAG)
    if domain is not None:
        delete = partial(_studio_setup.delete_project, lab, domain)
        yield Leftover(
            "Studio project", lab.project, "its spaces are billed by the hour", "in the lab's domain", delete
        )
        delete = partial(_studio_setup.delete_domain, lab, domain)
        why = "its VPC may have a NAT gateway, which is billed by the hour"
        yield Leftover("Studio domain", domain, why, "recorded on the lab's role, and tagged", delete)
    found = None if stack is None else _studio_stack.find_stack(lab, stack)
    if stack is not None and found is not None:
        tags = _studio_stack.tags_of(found)
        if mine.owns(tags):
            delete = partial(_studio_stack.delete_stack, lab, stack)
            why = "its NAT gateway is billed by the hour"
            yield Leftover("CloudFormation stack", stack, why, "recorded on the lab's role, and tagged", delete)
        else:
            yield mine.foreign("CloudFormation stack", stack, tags)


def catalog_statements(mine: Ownership) -> Found:
    """Find the lab's statements in the Data Catalog policy by the statements' ``Sid`` and resources.

    Statements have no tags. A statement belongs to the lab if it names only the lab's database and table, and neither
    has a different owner.
    """
    policy = ""
    with absent("EntityNotFoundException"):
        policy = mine.lab.client("glue").get_resource_policy()["PolicyInJson"]
    for lab in (entry for entry in mine.lab.everywhere if entry.table_arn in policy):
        wanted = {
            item["Sid"]: _subject(item) for item in permissions.render(lab, "catalog_resource_policy")["Statement"]
        }
        for statement in target.catalog_statements(lab):
            sid = statement["Sid"]
            theirs = mine.is_foreign(mine.database) or mine.is_foreign(mine.tables[lab.table])
            if _subject(statement) == wanted[sid] and not theirs:
                known_by = "names only the lab's table and database"
                delete = partial(target.remove_catalog_statements, lab, [sid])
                kind, why = "Data Catalog policy statement", "lets integrations write to the database"
                yield Leftover(kind, sid, why, known_by, delete, table=lab.source)
            else:
                yield Foreign(
                    "Data Catalog policy statement",
                    sid,
                    "it has the lab's Sid but names resources outside this lab",
                )


def _subject(statement: dict[str, Any]) -> tuple[frozenset[str], ...]:
    """Return the actions and resources of a statement, and the ARNs in the statement's conditions.

    The principal is ignored, because one person can set up the lab and another can clean it up. The condition operator
    is also ignored.
    """
    compared = [value for test in statement.get("Condition", {}).values() for value in test.values()]
    about = (statement.get("Action", []), statement.get("Resource", []), compared)
    return tuple(frozenset(_flat(part)) for part in about)


def _flat(value: Any) -> Iterator[str]:
    """Yield a string, or all strings in a list or in nested lists."""
    if isinstance(value, str):
        yield value
    else:
        for entry in value:
            yield from _flat(entry)


def role(mine: Ownership) -> Found:
    """Find the target role."""
    name = mine.lab.role
    if mine.owns(mine.role):
        yield Leftover("IAM role", name, "can write to the bucket", TAGGED, partial(_delete_role, mine))
    elif mine.role is not None:
        yield mine.foreign("IAM role", name, mine.role)


def _recorded(lab: Lab) -> list[str]:
    """Return the existing resources that the role's tags record, and that cleanup could not find without the tags."""
    now = Ownership(lab)
    found = (*administrator(now), *studio_domain(now))
    return [f"{item.kind} {item.name}" for item in found if isinstance(item, Leftover)]


def _delete_role(mine: Ownership) -> None:
    iam, name = mine.lab.client("iam"), mine.lab.role
    recorded = _recorded(mine.lab)
    if recorded:
        # IAM can return tags that were just removed.
        with contextlib.suppress(WaitTimeoutError):
            wait_for("the role's tags", lambda: None if _recorded(mine.lab) else True, timeout=30, hint="")
        recorded = _recorded(mine.lab)
    if recorded:
        raise StillThereError(
            f"The tags of role {name} list resources that still exist: {', '.join(recorded)}. Delete these first, then "
            "run cleanup again."
        )
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for policy in page["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for attached in page["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=name)
