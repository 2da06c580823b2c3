"""The IAM actions that are required for a request, and their resources.

AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from local_lakehouse.iam import dynamodb, glue, s3
from local_lakehouse.iam.access import Access, Directory, on
from local_lakehouse.protocol.request import Request

# The services to which a request can pass a role, and the requests that pass one.
_PASSED = {
    "events": r"Put(Rule|Targets)",
    "glue": r"(Create|Update)(IntegrationResourceProperty|Job|Crawler|Session|DevEndpoint|MLTransform)",
    "lakeformation": r"(Register|Update)Resource",
    "logs": r"Put(SubscriptionFilter|Destination)",
}
_ROLE_MEMBERS = ("RoleArn", "roleArn", "Role")
_TAGGED = re.compile(r"Create|Put|Register|Run|Start")
_ACCOUNT_LISTS = {"ListRoles": "role", "ListUsers": "user", "ListGroups": "group"}
_HOLDERS = (
    ("GroupName", "group"),
    ("InstanceProfileName", "instance-profile"),
    ("RoleName", "role"),
    ("UserName", "user"),
)
_OWN_KEYS = re.compile(r"GetUser|ChangePassword|(List|Create|Update|Delete)AccessKeys?|GetLoginProfile")


def accesses(call: Request, directory: Directory) -> list[Access]:
    """Return all permissions that are required for a request.

    Args:
        call: The request.
        directory: The names of the account's resources, from which their ARNs are built.

    Returns:
        The required permissions, each on one resource, or an empty list if no permission is required.
    """
    needed = _SERVICES[call.service](call, directory)
    tags = {f"aws:RequestTag/{key}": value for key, value in _tags(call)}
    tagging = list(_tagging(call, needed)) if tags else []
    return [*(each.within(tags) for each in (*needed, *tagging)), *_passing(call, directory)]


def _tags(call: Request) -> Iterator[tuple[str, str]]:
    tags: Any = next((call.parameters[name] for name in ("Tags", "tags") if call.parameters.get(name)), [])
    if isinstance(tags, Mapping):
        yield from ((str(key), str(value)) for key, value in tags.items())
    elif isinstance(tags, Sequence) and not isinstance(tags, str):
        for tag in tags:
            key, value = tag.get("Key", tag.get("key")), tag.get("Value", tag.get("value", ""))
            yield str(key), str(value)


def _tagging(call: Request, needed: Sequence[Access]) -> Iterator[Access]:
    """Yield the permission to tag a new resource, which is required if the request creates the resource with tags."""
    if not _TAGGED.match(call.operation) or not needed:
        return
    prefix = needed[0].action.partition(":")[0]
    noun = call.operation.removeprefix("Create")
    yield Access(f"iam:Tag{noun}" if prefix == "iam" else f"{prefix}:TagResource", _own(needed).resource)


def _own(needed: Sequence[Access]) -> Access:
    """Return the permission for the resource itself. Glue also requires permission for the catalog and database."""
    integrations = [each for each in needed if ":integration" in each.resource]
    return (integrations or list(needed))[-1]


def _passing(call: Request, directory: Directory) -> Iterator[Access]:
    if re.fullmatch(_PASSED.get(call.service, ""), call.operation):
        for role in _roles(call.parameters):
            arn = role if role.startswith("arn:") else directory.iam_arn("role", role)
            yield Access("iam:PassRole", arn, {"iam:PassedToService": f"{call.service}.amazonaws.com"})


def _roles(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name in _ROLE_MEMBERS and isinstance(member, str) and member:
                yield member
            else:
                yield from _roles(member)
    elif isinstance(value, list):
        for member in value:
            yield from _roles(member)


def _athena(call: Request, directory: Directory) -> list[Access]:
    if resource := call.text("ResourceARN"):
        return on(call, resource)
    if "DataCatalog" in call.operation or call.text("CatalogName"):
        catalog = call.text("CatalogName") or call.text("Name")
        return on(call, directory.arn("athena", f"datacatalog/{catalog}") if catalog else "*")
    if call.operation.startswith("List") and call.operation.endswith(("WorkGroups", "EngineVersions", "DPUSizes")):
        return on(call, "*")
    if "WorkGroup" in call.operation:
        groups = [call.text("WorkGroup") or call.text("Name") or "primary"]
    elif found := [
        (kind, identity) for kind in ("QueryExecutionId", "NamedQueryId") for identity in _identities(call, kind)
    ]:
        groups = sorted({directory.work_group(kind, identity) for kind, identity in found})
    else:
        groups = [call.text("WorkGroup") or "primary"]
    return on(call, *(directory.arn("athena", f"workgroup/{group}") for group in groups))


def _identities(call: Request, name: str) -> list[str]:
    several = call.parameters.get(f"{name}s", [])
    one = call.text(name)
    return [one] if one else [str(identity) for identity in several]


def _cloudwatch(call: Request, directory: Directory) -> list[Access]:
    if resource := call.text("ResourceARN"):
        return on(call, resource)
    if "Dashboard" in call.operation:
        names = call.parameters.get("DashboardNames") or [call.text("DashboardName")]
        return on(call, *(directory.arn("cloudwatch", f"dashboard/{n}", region="") if n else "*" for n in names))
    if "Alarm" in call.operation:
        names = call.parameters.get("AlarmNames") or [call.text("AlarmName") or "*"]
        return on(call, *(directory.arn("cloudwatch", f"alarm:{name}") for name in names))
    namespace = call.text("Namespace")
    return on(call, "*", **({"cloudwatch:namespace": namespace} if namespace else {}))


def _datazone(call: Request, directory: Directory) -> list[Access]:
    domain = call.text("domainIdentifier") or (call.text("identifier") if "Domain" in call.operation else None)
    return on(call, directory.arn("datazone", f"domain/{domain}") if domain else "*")


def _events(call: Request, directory: Directory) -> list[Access]:
    if resource := call.text("ResourceARN"):
        return on(call, resource)
    bus = (call.text("EventBusName") or "default").rpartition("/")[2]
    if call.operation == "PutEvents":
        buses = {(entry.get("EventBusName") or "default").rpartition("/")[2] for entry in call.parameters["Entries"]}
        return on(call, *(directory.arn("events", f"event-bus/{name}") for name in sorted(buses)))
    if "EventBus" in call.operation and (name := call.text("Name")):
        return on(call, directory.arn("events", f"event-bus/{name}"))
    rule = call.text("Rule") or (call.text("Name") if "Rule" in call.operation else None)
    if rule:
        return on(call, directory.arn("events", f"rule/{rule}" if bus == "default" else f"rule/{bus}/{rule}"))
    return on(call, "*")


def _iam(call: Request, directory: Directory) -> list[Access]:
    policy = call.text("PolicyArn")
    context = {"iam:PolicyARN": policy} if policy else {}
    if boundary := call.text("PermissionsBoundary"):
        context["iam:PermissionsBoundary"] = boundary
    if kind := _ACCOUNT_LISTS.get(call.operation):
        return on(call, directory.arn("iam", kind + (call.text("PathPrefix") or "/"), region=""))
    for member, kind in _HOLDERS:
        if name := call.text(member):
            if call.operation == f"Create{kind.title().replace('-', '')}":
                return on(call, directory.arn("iam", f"{kind}{call.text('Path') or '/'}{name}", region=""), **context)
            return on(call, directory.iam_arn(kind, name), **context)
    if call.operation == "CreatePolicy":
        return on(call, directory.arn("iam", f"policy{call.text('Path') or '/'}{call.text('PolicyName')}", region=""))
    if _OWN_KEYS.fullmatch(call.operation):
        return on(call, directory.caller)
    named = policy or call.text("PolicySourceArn") or call.text("OpenIDConnectProviderArn")
    return on(call, named or "*")


def _kms(call: Request, directory: Directory) -> list[Access]:
    if call.operation == "ReEncrypt":
        # If the request does not name the source key, only the ciphertext identifies it.
        source = call.text("SourceKeyId")
        return [
            Access("kms:ReEncryptFrom", directory.key_arn(source) if source else "*"),
            Access("kms:ReEncryptTo", directory.key_arn(call.text("DestinationKeyId") or "")),
        ]
    alias = call.text("AliasName")
    key = call.text("TargetKeyId") or call.text("KeyId")
    resources = [directory.arn("kms", alias)] if alias else []
    return on(call, *resources, *([directory.key_arn(key)] if key else []))


def _logs(call: Request, directory: Directory) -> list[Access]:
    if resource := call.text("resourceArn"):
        return on(call, resource)
    if call.operation == "DescribeLogGroups":
        return on(call, directory.arn("logs", "log-group::log-stream:"))
    named = [call.text("logGroupName"), call.text("logGroupIdentifier"), call.text("logGroupArn")]
    named += [*call.parameters.get("logGroupNames", []), *call.parameters.get("logGroupIdentifiers", [])]
    groups = [re.sub(r":\*$", "", re.sub(r"^arn:[^:]*:logs:[^:]*:\d*:log-group:", "", name)) for name in named if name]
    # In policies, a log group's ARN ends in `:*`. The ARN built here ends in the request's log stream instead.
    stream = call.text("logStreamName") or ""
    return on(call, *(directory.arn("logs", f"log-group:{group}:log-stream:{stream}") for group in groups))


def _sns(call: Request, directory: Directory) -> list[Access]:
    prefix = {"PublishBatch": "Publish"}.get(call.operation, call.operation)
    if subscription := call.text("SubscriptionArn"):
        return [Access(f"sns:{prefix}", subscription.rpartition(":")[0])]
    topic = call.text("TopicArn") or call.text("TargetArn") or call.text("ResourceArn")
    if call.operation == "CreateTopic":
        topic = directory.arn("sns", call.text("Name") or "")
    return [Access(f"sns:{prefix}", topic or "*")]


def _sts(call: Request, directory: Directory) -> list[Access]:
    if call.operation in ("GetCallerIdentity", "GetSessionToken"):
        return []
    if call.operation == "GetFederationToken":
        return on(call, directory.arn("sts", f"federated-user/{call.text('Name')}", region=""))
    keys = {"sts:ExternalId": "ExternalId", "sts:RoleSessionName": "RoleSessionName"}
    context = {key: value for key, name in keys.items() if (value := call.text(name))}
    needed = on(call, call.text("RoleArn") or "*", **context)
    if call.parameters.get("Tags"):
        needed.append(Access("sts:TagSession", needed[0].resource, context))
    return needed


def _tag(call: Request, directory: Directory) -> list[Access]:
    """Return the permissions for the tagging API, including the permissions to tag each resource."""
    needed = [Access(f"tag:{call.operation}", "*")]
    if call.operation in ("TagResources", "UntagResources"):
        verb = call.operation.removesuffix("s")
        for arn in call.parameters.get("ResourceARNList", []):
            service = arn.split(":")[2] if arn.count(":") > 2 else "tag"
            needed.append(Access("s3:PutBucketTagging" if service == "s3" else f"{service}:{verb}", arn))
    return needed


def _anywhere(call: Request, directory: Directory) -> list[Access]:
    return on(call, "*")


_SERVICES: Mapping[str, Callable[[Request, Directory], list[Access]]] = {
    "athena": _athena,
    "cloudwatch": _cloudwatch,
    "datazone": _datazone,
    "dynamodb": dynamodb.accesses,
    "dynamodbstreams": dynamodb.stream_accesses,
    "events": _events,
    "glue": glue.accesses,
    "iam": _iam,
    "kms": _kms,
    "lakeformation": _anywhere,
    "logs": _logs,
    "resourcegroupstaggingapi": _tag,
    "s3": s3.accesses,
    "sns": _sns,
    "sts": _sts,
}
