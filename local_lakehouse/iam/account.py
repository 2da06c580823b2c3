"""The names, tags and policies of the account's resources for the permission check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.iam.access import Access
from local_lakehouse.iam.authorization import Document, parse_document
from local_lakehouse.protocol.wire import Caller, Fault, Service

_HOLDERS = {
    "QueryExecutionId": ("GetQueryExecution", "QueryExecution"),
    "NamedQueryId": ("GetNamedQuery", "NamedQuery"),
}


_OF_A_BOUNDED_ROLE = re.compile(r"iam:((Attach|Put|Delete|Detach)RolePolicy|DeleteRolePermissionsBoundary)")


class Account:
    """The names of the account's resources, for one request.

    Args:
        clients: The AWS clients for the lakehouse.
        region: The request's Region.
        caller: The signer's ARN.
        athena: The Athena service, which returns the workgroup of each query, or None to get the workgroup from moto.
    """

    def __init__(self, clients: ServiceClients, region: str, caller: str, athena: Service | None) -> None:
        self.caller = caller
        self.partition = clients.partition
        self._clients = clients
        self._region = region
        self._athena = athena

    def arn(self, service: str, rest: str, *, region: str | None = None) -> str:
        """Return an ARN in this account and, by default, in the request's Region."""
        where = self._region if region is None else region
        return f"arn:{self.partition}:{service}:{where}:{self._clients.account}:{rest}"

    def iam_arn(self, kind: str, name: str) -> str:
        """Return the ARN of a role, user, group or instance profile, with its path if the resource exists."""
        noun = {"role": "Role", "user": "User", "group": "Group", "instance-profile": "InstanceProfile"}[kind]
        operation = f"get_{kind.replace('-', '_')}"
        found = _found(getattr(self._clients.client("iam"), operation), **{f"{noun}Name": name})
        return str(found[noun]["Arn"]) if found else self.arn("iam", f"{kind}/{name}", region="")

    def key_arn(self, name: str) -> str:
        """Return a KMS key's ARN, given its ID, alias or ARN."""
        found = _found(self._clients.client("kms").describe_key, KeyId=name)
        return str(found["KeyMetadata"]["Arn"]) if found else self.arn("kms", f"key/{name}")

    def work_group(self, kind: str, identity: str) -> str:
        """Return the workgroup of a ``QueryExecutionId`` or ``NamedQueryId``, or a pattern if the ID is unknown."""
        operation, member = _HOLDERS[kind]
        found: Mapping[str, Any] | None
        if self._athena is not None and operation in self._athena.operations:
            caller = Caller(self._clients.account, self._region, self.caller)
            try:
                found = self._athena.call(operation, {kind: identity}, caller)
            except Fault:
                found = None
        else:
            client = self._clients.client("athena")
            found = _found(
                getattr(client, "get_query_execution" if member == "QueryExecution" else "get_named_query"),
                **{kind: identity},
            )
        return str(found[member].get("WorkGroup", "primary")) if found else "*"


def resource_tags(
    clients: ServiceClients, access: Access, integrations: Service | None, caller: Caller
) -> dict[str, str]:
    """Return the ``aws:ResourceTag/…`` keys of a permission's resource.

    Args:
        clients: The AWS clients for the lakehouse.
        access: The permission.
        integrations: The zero-ETL service, which returns the tags of integrations.
        caller: The caller.
    """
    service, _, rest = access.resource.removeprefix(f"arn:{clients.partition}:").partition(":")
    name = rest.split(":", 2)[-1]
    tags: Mapping[str, str] = {}
    if service == "iam" and name.startswith("role/") and not name.endswith("/"):
        found = _found(clients.client("iam").get_role, RoleName=name.rpartition("/")[2])
        tags = {tag["Key"]: tag["Value"] for tag in found["Role"].get("Tags", [])} if found else {}
    elif service == "glue" and name.startswith("integration:") and not name.endswith("*") and integrations is not None:
        try:
            tags = integrations.call("GetTags", {"ResourceArn": access.resource}, caller).get("Tags", {})
        except Fault:
            tags = {}
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


def role_boundary(clients: ServiceClients, access: Access) -> dict[str, str]:
    """Return the ``iam:PermissionsBoundary`` key of a permission's role, or no key if the role has no boundary."""
    if not _OF_A_BOUNDED_ROLE.fullmatch(access.action):
        return {}
    found = _found(clients.client("iam").get_role, RoleName=access.resource.rpartition("/")[2])
    boundary = found["Role"].get("PermissionsBoundary") if found else None
    return {"iam:PermissionsBoundary": boundary["PermissionsBoundaryArn"]} if boundary else {}


def resource_policy(clients: ServiceClients, access: Access) -> Document | None:
    """Return the policy that is attached to a permission's resource, or None if the resource has no policy.

    Args:
        clients: The AWS clients for the lakehouse.
        access: The permission. A role's policy is its trust policy.
    """
    service, _, rest = access.resource.removeprefix(f"arn:{clients.partition}:").partition(":")
    name = rest.split(":", 2)[-1]
    text: Any = None
    if service == "s3" and name not in ("", "*"):
        text = _policy(clients, "s3", "get_bucket_policy", "Policy", Bucket=name.split("/")[0])
    elif service == "dynamodb" and name.startswith("table/"):
        table = access.resource.split("/index/")[0]
        text = _policy(clients, "dynamodb", "get_resource_policy", "Policy", ResourceArn=table)
    elif service == "glue":
        text = _policy(clients, "glue", "get_resource_policy", "PolicyInJson")
    elif service == "kms" and name.startswith("key/"):
        text = _policy(clients, "kms", "get_key_policy", "Policy", KeyId=access.resource, PolicyName="default")
    elif service == "sns":
        found = _found(clients.client("sns").get_topic_attributes, TopicArn=access.resource)
        text = found["Attributes"].get("Policy") if found else None
    elif service == "iam" and access.action.startswith("sts:"):
        found = _found(clients.client("iam").get_role, RoleName=name.rpartition("/")[2])
        matches = found is not None and found["Role"]["Arn"] == access.resource
        text = found["Role"]["AssumeRolePolicyDocument"] if found is not None and matches else None
    return parse_document(text) if isinstance(text, str) else text


def _policy(clients: ServiceClients, service: str, operation: str, member: str, **parameters: str) -> Any:
    def look() -> Any:
        found = _found(getattr(clients.client(service), operation), **parameters)
        return found.get(member) if found else None

    return clients.settings.result((resource_policy, service, operation, *parameters.values()), look)


def _found(get: Callable[..., Mapping[str, Any]], **parameters: str) -> Mapping[str, Any] | None:
    """Return the response to a read request, or None if the resource does not exist."""
    try:
        return get(**parameters)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise
        return None
