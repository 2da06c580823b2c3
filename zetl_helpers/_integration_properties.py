"""Settings to configure before an integration is created: the target role, unnesting and partitioning."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from botocore.exceptions import ClientError

from zetl_helpers import keys
from zetl_helpers._aws import absent, error_code, make, settled, tag_list
from zetl_helpers._steps import Step, ensured
from zetl_helpers.lab import Lab

Unnest = Literal["FULL", "TOPLEVEL", "NOUNNEST"]

GONE = ("EntityNotFoundException", "ResourceNotFoundException", "IntegrationNotFoundFault")
# These codes mean that another operation is running on the integration or its target.
BUSY = ("IntegrationConflictOperationFault", "InvalidIntegrationStateFault", "InvalidStateException")
# Retrying helps if the grant in the Data Catalog's policy is not visible yet, but not if the caller lacks a different
# permission.
_CALLER_MAY_NOT = re.compile(r"not authorized to perform: (?!glue:CreateInboundIntegration)")
_ABOUT_RIGHTS = re.compile(r"assume|role|permission|authorized|access", re.IGNORECASE)


def set_target_role(lab: Lab, *, kms_key: str | None = None) -> Step:
    """Set the role that writes to the database, as a property of the integration's target.

    Args:
        lab: The lab.
        kms_key: The ID, ARN or alias of a customer managed key that encrypts the target table's data. The target role
            also needs permission to use the key, which `keys.allow_target_role` grants.

    Returns:
        The step and its outcome.

    Raises:
        KeyNotUsableError: The key cannot be used.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_CreateIntegrationResourceProperty.html
    """
    glue = lab.client("glue")
    wanted = {"RoleArn": lab.role_arn}
    with lab.recording() as calls:
        if kms_key is not None:
            wanted["KmsArn"] = keys.require(lab, kms_key)
        found = _target_role(lab)
        arguments = {"ResourceArn": lab.database_arn, "TargetProcessingProperties": wanted}
        if found is None:
            tagged = {**arguments, "Tags": tag_list(lab.tags, "key", "value")}
            once_known(
                lab,
                lambda: make(
                    lambda: glue.create_integration_resource_property(**tagged),
                    lambda: glue.update_integration_resource_property(**arguments),
                    "ConflictException",
                ),
            )
        elif {name: found.get(name) for name in wanted} != wanted:
            once_known(lab, lambda: glue.update_integration_resource_property(**arguments))
            return Step(f"target role of database {lab.database}", "changed", calls, wanted)
    return Step(f"target role of database {lab.database}", "already there" if found else "created", calls, wanted)


def _target_role(lab: Lab) -> dict[str, Any] | None:
    with absent(*GONE):
        answer = lab.client("glue").get_integration_resource_property(ResourceArn=lab.database_arn)
        properties: dict[str, Any] = answer.get("TargetProcessingProperties", {})
        return properties
    return None


def set_table_properties(lab: Lab, *, unnest: Unnest = "FULL", partition_by: Sequence[dict[str, str]] = ()) -> Step:
    """Set how attributes become columns and how the target table is partitioned.

    Call this function before you create the integration.

    Args:
        lab: The lab.
        unnest: ``FULL`` creates a column for each attribute and splits maps into a column for each leaf. ``TOPLEVEL``
            creates a column for each attribute. ``NOUNNEST`` creates one column for all attributes except the keys.
        partition_by: The entries of a partition spec, each with ``FieldName``, ``FunctionSpec`` and ``ConversionSpec``.
            Defaults to bucketing by the partition key, which is also the default in AWS Glue.

    Returns:
        The step and its outcome.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-partition-schema-unnesting.html
    """
    glue = lab.client("glue")
    key = {"ResourceArn": lab.database_arn, "TableName": lab.table}
    wanted: dict[str, Any] = {"UnnestSpec": unnest, "TargetTableName": lab.target_table}
    if partition_by:
        wanted["PartitionSpec"] = list(partition_by)
    with lab.recording() as calls:
        found = None
        with absent(*GONE):
            found = glue.get_integration_table_properties(**key).get("TargetTableConfig", {})
        if found is None:
            glue.create_integration_table_properties(**key, TargetTableConfig=wanted)
        elif found != wanted:
            glue.update_integration_table_properties(**key, TargetTableConfig=wanted)
    return Step(f"properties of table {lab.table} in database {lab.database}", ensured(found, wanted), calls, wanted)


def delete_table_properties(lab: Lab) -> Step:
    """Delete the unnesting and partitioning properties of the lab's table.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome.
    """
    glue = lab.client("glue")
    arguments = {"ResourceArn": lab.database_arn, "TableName": lab.table}
    return _delete(
        lab,
        f"properties of table {lab.table} in database {lab.database}",
        lambda: glue.get_integration_table_properties(**arguments),
        lambda: glue.delete_integration_table_properties(**arguments),
    )


def delete_resource_property(lab: Lab) -> Step:
    """Delete the resource property, so that the database has no target role.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome.
    """
    glue = lab.client("glue")
    return _delete(
        lab,
        f"target role of database {lab.database}",
        lambda: glue.get_integration_resource_property(ResourceArn=lab.database_arn),
        lambda: glue.delete_integration_resource_property(ResourceArn=lab.database_arn),
    )


def _delete(lab: Lab, thing: str, look: Any, act: Any) -> Step:
    with lab.recording() as calls:
        try:
            look()
            act()
        except ClientError as error:
            if error_code(error) not in GONE:
                raise
            return Step(thing, "already gone", calls)
    return Step(thing, "deleted", calls)


def once_known(lab: Lab, act: Callable[[], object]) -> None:
    """Retry a call while a new role or policy is not yet visible everywhere, or while the target is busy."""
    settled(f"AWS Glue to accept role {lab.role}", act, _passes_by_itself, timeout=120)


def _passes_by_itself(error: ClientError) -> bool:
    message = str(error.response["Error"].get("Message", ""))
    if error_code(error) in BUSY or "in progress" in message:
        return True
    refused = error_code(error) in ("AccessDeniedException", "ValidationException", "InvalidInputException")
    return refused and bool(_ABOUT_RIGHTS.search(message)) and not _CALLER_MAY_NOT.search(message)
