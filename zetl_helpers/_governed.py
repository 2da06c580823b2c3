"""Permissions that the target role and the lab's owner need if Lake Formation governs the account."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers._aws import error_code, one_of, settled
from zetl_helpers._rights import DENIED
from zetl_helpers._steps import Step
from zetl_helpers.lab import Lab

EVERYBODY = "IAM_ALLOWED_PRINCIPALS"
_DATABASE_RIGHTS = ("CREATE_TABLE", "DESCRIBE")
_TABLE_RIGHTS = ("ALTER", "DELETE", "DESCRIBE", "DROP", "INSERT", "SELECT")


_OPENED = ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions")


class NotAdministratorError(Exception):
    """Lake Formation governs the account, and the caller cannot grant permissions. The message says who can do so."""


def is_governed(lab: Lab) -> bool | None:
    """Return whether Lake Formation governs the lab's database.

    In a governed database, IAM permissions alone are not enough.

    Args:
        lab: The lab.

    Returns:
        Whether Lake Formation governs the database. None if the database does not exist or the caller is not allowed to
        read it.

    See https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html
    """
    try:
        lab.client("glue").get_database(Name=lab.database)
        return not _held(lab, EVERYBODY, {"Database": {"Name": lab.database}})
    except ClientError as error:
        if error_code(error) not in (*DENIED, "EntityNotFoundException"):
            raise
        return None


def governs_new_things(settings: dict[str, Any]) -> bool:
    """Return whether Lake Formation will govern new databases or tables, according to the data lake settings.

    Args:
        settings: The response from ``GetDataLakeSettings``.

    See https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html
    """
    return not all(
        any(entry["Principal"]["DataLakePrincipalIdentifier"] == EVERYBODY for entry in settings.get(default, []))
        for default in _OPENED
    )


def missing(lab: Lab, principal: str) -> list[str]:
    """Return the permissions that the target role and the lab's owner lack.

    Args:
        lab: The lab.
        principal: The IAM user or role that owns the lab.

    Returns:
        The missing permissions, each as ``principal: permissions on the resource``. The list is empty if Lake Formation
        does not govern the database.
    """
    if not is_governed(lab):
        return []
    return [
        f"{who.rpartition('/')[2]}: {', '.join(lacking)} on the {thing}"
        for who, resource, rights, thing in _wanted(lab, principal)
        if (lacking := [right for right in rights if right not in _held(lab, who, resource)])
    ]


def grant(lab: Lab, principal: str, location: str | None = None) -> list[Step]:
    """Grant the target role and the lab's owner the permissions that they need if Lake Formation governs the database.

    Args:
        lab: The lab.
        principal: The IAM user or role that owns the lab.
        location: The ARN of the registered location that covers the table, or None if there is no such location.

    Returns:
        The steps and their outcomes, or an empty list if Lake Formation does not govern the database.

    Raises:
        NotAdministratorError: A permission is missing, and the caller cannot grant it.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-limitations.html
    """
    if not is_governed(lab):
        return []
    wanted = _wanted(lab, principal)
    if location is not None:
        resource = {"DataLocation": {"ResourceArn": location}}
        wanted.append((lab.role_arn, resource, ("DATA_LOCATION_ACCESS",), f"location {location}"))
    return [_grant(lab, who, resource, rights, thing) for who, resource, rights, thing in wanted]


def _wanted(lab: Lab, principal: str) -> list[tuple[str, dict[str, Any], tuple[str, ...], str]]:
    """Return the permissions that each principal needs on each resource."""
    database = {"Database": {"Name": lab.database}}
    tables = {"Table": {"DatabaseName": lab.database, "TableWildcard": {}}}
    return [
        (lab.role_arn, database, _DATABASE_RIGHTS, f"database {lab.database}"),
        (lab.role_arn, tables, _TABLE_RIGHTS, f"tables of {lab.database}"),
        (principal, tables, _TABLE_RIGHTS, f"tables of {lab.database}"),
    ]


def _grant(lab: Lab, who: str, resource: dict[str, Any], rights: tuple[str, ...], thing: str) -> Step:
    formation = lab.client("lakeformation")
    with lab.recording() as calls:
        lacking = [right for right in rights if right not in _held(lab, who, resource)]
        if lacking:
            try:
                settled(
                    "Lake Formation to finish another change",
                    lambda: formation.grant_permissions(
                        Principal={"DataLakePrincipalIdentifier": who}, Resource=resource, Permissions=lacking
                    ),
                    # Other labs in the account can grant permissions at the same time.
                    one_of("ConcurrentModificationException"),
                )
            except ClientError as error:
                if error_code(error) not in DENIED:
                    raise
                raise NotAdministratorError(
                    f"Lake Formation governs this account, and {who} lacks {', '.join(lacking)} on the {thing}. You "
                    "can't grant these permissions. Ask a Lake Formation administrator, or become one with "
                    "zetl.studio.add_administrator(lab) if the account is yours."
                ) from error
    name = who.rpartition("/")[2]
    return Step(f"{', '.join(rights)} on {thing} for {name}", "created" if lacking else "already there", calls)


def _held(lab: Lab, principal: str, resource: dict[str, Any]) -> set[str]:
    """Return a principal's permissions on a resource."""
    asked = {"Principal": {"DataLakePrincipalIdentifier": principal}, "Resource": resource}
    found: set[str] = set()
    token: dict[str, str] = {}
    while True:
        answer = lab.client("lakeformation").list_permissions(**asked, **token)
        found |= {right for entry in answer["PrincipalResourcePermissions"] for right in entry["Permissions"]}
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}
