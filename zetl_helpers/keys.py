"""Customer managed AWS KMS keys for the source, integration and target, and the permissions to use them."""

from __future__ import annotations

import json
from typing import Any, Literal

from botocore.exceptions import ClientError

from zetl_helpers import permissions
from zetl_helpers._aws import absent, error_code
from zetl_helpers._steps import Step, ensured
from zetl_helpers.lab import Lab

__all__ = ["ROLE_POLICY", "KeyNotUsableError", "Use", "allow_target_role", "require", "statements"]

Use = Literal["source", "integration", "target"]

ROLE_POLICY = "zETLTargetKeyPolicy"


class KeyNotUsableError(Exception):
    """A KMS key is not suitable for its purpose. The message says why, and which kind of key is suitable."""


def require(lab: Lab, key: str) -> str:
    """Check a key before it is used for encryption, without changing anything.

    Args:
        lab: The lab.
        key: The key's ID, ARN or alias (``alias/…``).

    Returns:
        The key's ARN.

    Raises:
        KeyNotUsableError: The key does not exist in the lab's Region, is disabled or pending deletion, is managed by
            AWS, or is not a symmetric encryption key.

    See https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
    """
    try:
        found = lab.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as error:
        if error_code(error) != "NotFoundException":
            raise
        raise KeyNotUsableError(
            f"There is no KMS key {key} in Region {lab.region}. The key must be in the same Region as the source, "
            "integration and target."
        ) from error
    arn = str(found["Arn"])
    reason = _unusable(lab, found)
    if reason:
        raise KeyNotUsableError(f"KMS key {key} ({arn}) {reason}")
    return arn


def statements(lab: Lab, use: Use) -> list[dict[str, Any]]:
    """Return the additional statements that a key's policy needs so that the lab can use the key.

    For DynamoDB and the target role, the statements follow the AWS documentation and a working configuration. AWS does
    not document a key policy for the integration's intermediate data. We therefore wrote the statement
    ``ZeroEtlIntegration`` ourselves. It is limited to this account's integrations.

    Args:
        lab: The lab.
        use: ``source`` for the table's key, ``integration`` for the key that encrypts the data in transit, or
            ``target`` for the key that encrypts the bucket and the Iceberg table.

    Returns:
        The statements for ``PutKeyPolicy``. The key's owner must add them, because the tutorial never changes a key's
        policy.

    See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """
    caller = {"AWS": permissions.caller_principal(lab)}
    if use == "source":
        through_dynamodb = {"StringEquals": {"kms:ViaService": f"dynamodb.{lab.region}.{lab.dns_suffix}"}}
        actions = ["kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
        return [_allow("ZeroEtlSourceTable", caller, actions, through_dynamodb)]
    if use == "integration":
        integrations = f"arn:{lab.partition}:glue:{lab.region}:{lab.account}:integration:*"
        for_integrations = {
            "StringEquals": {"aws:SourceAccount": lab.account},
            "ArnLike": {"aws:SourceArn": integrations},
        }
        actions = ["kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey"]
        return [
            _allow("ZeroEtlIntegration", {"Service": "glue.amazonaws.com"}, actions, for_integrations),
            _allow("ZeroEtlIntegrationOwner", caller, ["kms:DescribeKey", "kms:CreateGrant"], None),
        ]
    readers = [permissions.caller_principal(lab), lab.role_arn]
    return [_allow("ZeroEtlTarget", {"AWS": readers}, ["kms:Decrypt", "kms:GenerateDataKey"], None)]


def allow_target_role(lab: Lab, key: str) -> Step:
    """Allow the target role to encrypt and decrypt with a key. The key's policy must also allow this.

    Args:
        lab: The lab.
        key: The key's ID, ARN or alias.

    Returns:
        The step and its outcome, with the role's policy as `details`.

    Raises:
        KeyNotUsableError: The key cannot be used.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    iam = lab.client("iam")
    with lab.recording() as calls:
        statement = {
            "Sid": "UseTargetKey",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": require(lab, key),
        }
        wanted = {"Version": "2012-10-17", "Statement": [statement]}
        found = None
        with absent("NoSuchEntity"):
            found = iam.get_role_policy(RoleName=lab.role, PolicyName=ROLE_POLICY)["PolicyDocument"]
        if found != wanted:
            iam.put_role_policy(RoleName=lab.role, PolicyName=ROLE_POLICY, PolicyDocument=json.dumps(wanted))
    return Step(f"policy {ROLE_POLICY} of role {lab.role}", ensured(found, wanted), calls, wanted)


def _unusable(lab: Lab, key: dict[str, Any]) -> str | None:
    if key.get("KeyManager") == "AWS":
        return "is an AWS managed key, which zero-ETL cannot use. Use a customer managed key."
    kind = (key.get("KeySpec", "SYMMETRIC_DEFAULT"), key.get("KeyUsage", "ENCRYPT_DECRYPT"))
    if kind != ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"):
        return "is not a symmetric encryption key. Use a key of type SYMMETRIC_DEFAULT."
    if not key["Enabled"]:
        return f"is in the state {key.get('KeyState', 'disabled')}. Enable the key, or use a different key."
    if key["Arn"].split(":")[3] != lab.region:
        return f"isn't in the lab's Region, {lab.region}. Use a key in that Region."
    return None


def _allow(sid: str, principal: dict[str, Any], actions: list[str], condition: dict[str, Any] | None) -> dict[str, Any]:
    # A key's policy applies only to that key, so its resource is always *.
    statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*"}
    return statement if condition is None else {**statement, "Condition": condition}
