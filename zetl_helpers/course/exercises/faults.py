"""Faults that exercises cause and learners fix. Every item that a fault writes has a known key."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from zetl_helpers import integration, permissions, source, studio
from zetl_helpers._wait import wait_for
from zetl_helpers.course.exercises.api import WRITTEN
from zetl_helpers.course.exercises.engine import Fault, IncorrectError
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import query

_COLLIDING, _WRITTEN = ("CUST9001", "ACC900001"), ("CUST9002", "ACC900002")
ITEMS = (_COLLIDING, _WRITTEN, WRITTEN)
"""The customer and account of each item that the exercises write."""
_COLLIDING_KEY, _WRITTEN_KEY = (
    {"CustomerID": {"S": customer}, "AccountNumber": {"S": account}} for customer, account in (_COLLIDING, _WRITTEN)
)


def judge_integration(lab: Lab, still: str) -> None:
    """Judge whether the integration has recovered.

    Args:
        lab: The lab.
        still: The start of the message if the integration has failed.

    Raises:
        IncorrectError: The integration still needs attention, or has failed.
    """
    found = integration.require(lab)
    if found["Status"] == "FAILED":
        raise IncorrectError(
            f"{still} The integration is FAILED, which is final. zetl.catch_up(lab, 3) deletes it and creates it again."
        )
    integration.wait_until_recovered(lab)


def _item(lab: Lab, key: dict[str, Any]) -> dict[str, Any] | None:
    return source.get_item(lab, key["CustomerID"]["S"], key["AccountNumber"]["S"])


# A fault in which point-in-time recovery is off.


def judge_recovery(lab: Lab, _: object) -> None:
    """Judge whether point-in-time recovery is on and the integration has recovered.

    Raises:
        IncorrectError: Point-in-time recovery is off, or the integration has not recovered.
    """
    dynamodb = lab.client("dynamodb")
    backups = dynamodb.describe_continuous_backups(TableName=lab.table)["ContinuousBackupsDescription"]
    if backups["ContinuousBackupsStatus"] != "ENABLED":
        raise IncorrectError(f"Table {lab.table} has no continuous backups.")
    if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
        raise IncorrectError(
            f"Point-in-time recovery is still off for table {lab.table}. The error that break_it() showed names the "
            "setting, and UpdateContinuousBackups turns it on."
        )
    judge_integration(lab, "Point-in-time recovery is on again.")


def _turn_recovery_on(lab: Lab) -> None:
    source.enable_pitr(lab)
    integration.wait_until_recovered(lab)


RECOVERY = Fault(
    "point-in-time recovery is off for the table.",
    source.disable_pitr,
    integration.wait_until_attention,
    _turn_recovery_on,
)


# A fault in which the target role can no longer write objects.


def judge_role(lab: Lab, _: object) -> None:
    """Judge whether the target role can write the target's objects, and whether the integration has recovered.

    Raises:
        IncorrectError: The permission is missing, too broad or for the wrong resource, or the integration has not
            recovered.
    """
    resources, wide = _write_rights(lab)
    if not resources:
        raise IncorrectError(
            f"No policy of role {lab.role} allows s3:PutObject yet. PutRolePolicy writes a role's policy."
        )
    if wide:
        raise IncorrectError(
            f"Role {lab.role} can write again, but {wide} allows more actions than the role needs. "
            "Allow only s3:PutObject."
        )
    file = f"arn:{lab.partition}:s3:::{lab.bucket}/{lab.database}/{lab.target_table}/data/file.parquet"
    if not any(fnmatchcase(file, resource) for resource in resources):
        raise IncorrectError(
            f"s3:PutObject is allowed on {resources[0]}, which does not include the files. The resource must be "
            f"arn:{lab.partition}:s3:::{lab.bucket}/{lab.database}/*."
        )
    judge_integration(lab, "The role can write again.")


def _write_rights(lab: Lab) -> tuple[list[str], str]:
    """Return the resources on which the role may perform s3:PutObject, and a ``*`` pattern that allows it, if any."""
    resources: list[str] = []
    wide = ""
    for name in lab.client("iam").list_role_policies(RoleName=lab.role)["PolicyNames"]:
        for allowing, statement in _writes_of(lab, name):
            resources += _listed(statement["Resource"])
            wide = wide or next((item for item in allowing if "*" in item), "")
    return resources, wide


def _writes_of(lab: Lab, policy: str) -> list[tuple[list[str], dict[str, Any]]]:
    """Return a policy's statements that allow s3:PutObject, each with the actions that match it."""
    document = lab.client("iam").get_role_policy(RoleName=lab.role, PolicyName=policy)["PolicyDocument"]
    found = []
    for statement in _listed(document["Statement"]):
        allowing = [entry for entry in _listed(statement["Action"]) if fnmatchcase("s3:putobject", entry.casefold())]
        if statement["Effect"] == "Allow" and allowing:
            found.append((allowing, statement))
    return found


def _listed(one_or_more: Any) -> list[Any]:
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def _deny_writes(lab: Lab) -> None:
    permissions.limit_target_role(lab, "s3:PutObject")
    # The missing permission has no effect until there is something to write.
    lab.client("dynamodb").put_item(TableName=lab.table, Item={**_WRITTEN_KEY, "State": {"S": "NV"}})


def _allow_writes(lab: Lab) -> None:
    permissions.create_target_role(lab)
    _delete_other_policies(lab)
    _without_items(lab)


def _delete_other_policies(lab: Lab) -> None:
    """Delete policies that a learner added to allow s3:PutObject, because they would hide the failures in chapter 9."""
    iam = lab.client("iam")
    for name in iam.list_role_policies(RoleName=lab.role)["PolicyNames"]:
        if name != permissions.POLICY_NAME and _writes_of(lab, name):
            iam.delete_role_policy(RoleName=lab.role, PolicyName=name)


WRITING = Fault(
    "the target role has lost s3:PutObject, and a new item was written to the source.",
    _deny_writes,
    integration.wait_until_attention,
    _allow_writes,
)


# A fault in which two attributes whose names differ only in case become the same column.


def judge_names(lab: Lab, _: object) -> None:
    """Judge whether the item has State but not STATE, and whether the integration has recovered.

    Raises:
        IncorrectError: The item is missing or has both attributes or neither, or the integration has not recovered.
    """
    item = _item(lab, _COLLIDING_KEY)
    if item is None:
        raise IncorrectError(
            "The item CUST9001 is gone. That helps the integration, but the customer is lost. Write the item again, "
            "with State only."
        )
    if "STATE" in item and "State" in item:
        raise IncorrectError("The item CUST9001 still has both State and STATE, which are one column in the target.")
    if "State" not in item:
        raise IncorrectError("The item CUST9001 no longer has State, but the target is partitioned by State.")
    judge_integration(lab, "The item has only the attribute State.")


def _collide(lab: Lab) -> None:
    item = {**_COLLIDING_KEY, "State": {"S": "NV"}, "STATE": {"S": "Nevada"}}
    lab.client("dynamodb").put_item(TableName=lab.table, Item=item)


def _without_items(lab: Lab) -> None:
    """Delete the exercises' items from the table and wait until they are deleted from the target."""
    for key in (key for key in (_COLLIDING_KEY, _WRITTEN_KEY) if _item(lab, key)):
        lab.client("dynamodb").delete_item(TableName=lab.table, Key=key)
    integration.wait_until_recovered(lab)
    customers = ", ".join(f"'{customer}'" for customer, _ in ITEMS)
    sql = f"SELECT customerid FROM {lab.target_table} WHERE customerid IN ({customers})"  # noqa: S608  (our own keys)
    wait_for(
        "the exercises' items to be deleted from the target",
        lambda: True if query(lab, sql).empty else None,
        timeout=5400,
        hint="Check zetl.monitoring.log_events(lab).",
        every=1,
    )


NAMES = Fault(
    "item CUST9001 has the attributes State and STATE.",
    _collide,
    integration.wait_until_attention,
    _without_items,
)


# A fault in which the project's role can no longer query the table.

_READING = {"DESCRIBE", "SELECT"}


def judge_grants(lab: Lab, _: object) -> None:
    """Judge whether the project's role can only describe and query the table.

    Raises:
        IncorrectError: A permission is missing or unnecessary.
    """
    held = _table_grants(lab)
    missing = [entry for entry in ("DESCRIBE", "SELECT") if entry not in held and "ALL" not in held]
    if missing:
        raise IncorrectError(f"The project's role still lacks {' and '.join(missing)} on the table.")
    extra = sorted(held - _READING)
    if extra:
        raise IncorrectError(
            "The project's role can query the table, but it also has permissions that it does not need: "
            f"{', '.join(extra)}. Revoke them with RevokePermissions."
        )


def _table_grants(lab: Lab) -> set[str]:
    frame = studio.grants(lab, studio.find_project(lab))
    return {right for right in str(frame["permissions"].iloc[-1]).split(", ") if right}


def _revoke_all_but(lab: Lab, kept: set[str]) -> None:
    revoked = sorted(_table_grants(lab) - kept)
    if revoked:
        lab.client("lakeformation").revoke_permissions(
            Principal={"DataLakePrincipalIdentifier": studio.find_project(lab).role_arn},
            Resource={"Table": {"DatabaseName": lab.database, "Name": lab.target_table}},
            Permissions=revoked,
        )


def _share_again(lab: Lab) -> None:
    studio.share_with_project(lab, studio.find_project(lab))
    _revoke_all_but(lab, _READING)


def _show_grants(lab: Lab) -> str:
    return studio.grants(lab, studio.find_project(lab)).to_string(index=False)


GRANTS = Fault(
    "the project's role has lost SELECT on the table.",
    lambda lab: _revoke_all_but(lab, {"DESCRIBE"}),
    _show_grants,
    _share_again,
    source="The project role's grants are now:",
)
