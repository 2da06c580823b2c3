"""Lookup of the learner's permissions in ``policies/``, and explanations of denials."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zetl_helpers import _documents

_OWN_THINGS = ("learner_build_permissions", "learner_use_permissions")
# A learner with these policies can run every notebook and change account-wide settings.
LEARNER_POLICIES = (*_OWN_THINGS, "learner_account_permissions")
# In a prepared class, the instructor changes the account-wide settings and runs chapter 3.
CLASS_POLICIES = (*_OWN_THINGS, "learner_class_permissions")
INSTRUCTOR_POLICIES = ("instructor_permissions",)

DENIED = ("403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation")

_MISSING = re.compile(r"not authorized to perform: (?P<action>[\w-]+:\w+)(?: on resource: \"?(?P<resource>[^\s\"]+))?")
_ABOVE = re.compile(r"explicit deny|permissions boundary|service control policy|session policy|resource control policy")
_GRANTS = (
    "Lake Formation, not IAM, denies this request. A Lake Formation administrator can grant the permission, as "
    "described in chapter 3."
)
# The role of a Studio project has no S3 permissions for other people's files. Lake Formation provides temporary
# credentials.
_OF_PROJECT = re.compile(r"assumed-role/datazone_usr_role_\w+")
_SHARE = (
    "The project's role can read the table only through Lake Formation. The table's location must be registered, and "
    "the role must be opted in and granted SELECT. Ask the owner of the lab to share the table with this project, as "
    "described in chapter 3."
)
_INBOUND = (
    "You are missing glue:CreateInboundIntegration, which zetl.target.merge_catalog_policy(lab) in chapter 1 adds to "
    "the Data Catalog's policy. In a prepared class, the policy policies/learner_class_permissions.json grants it in "
    "the statement CreateIntegrationIntoOwnDatabase. Ask the instructor to attach that policy to your user or role."
)
# Some operations require an action with a different name, and the error message from AWS does not always contain the
# action.
_ACTIONS = {
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:DeleteObjects": "s3:DeleteObjectVersion",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
_PREFIXES = {"resourcegroupstaggingapi": "tag", "monitoring": "cloudwatch"}


@dataclass(frozen=True)
class Statement:
    """A statement of a policy document.

    Args:
        policy: The file that contains the statement, such as ``policies/learner_use_permissions.json``.
        sid: The statement's ``Sid``.
        actions: The allowed actions.
        resources: The resources to which the actions apply.
        conditions: The operator, key and value of each condition.
    """

    policy: str
    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Sequence[tuple[str, str, str]]

    def __str__(self) -> str:
        return f"{self.policy}, statement {self.sid}"


def statements(name: str, document: dict[str, Any]) -> Iterator[Statement]:
    """Yield the statements of a policy document.

    Args:
        name: The template's name.
        document: The document, rendered or unrendered.
    """
    for entry in document["Statement"]:
        conditions = [
            (operator, key, value)
            for operator, tests in entry.get("Condition", {}).items()
            for key, values in tests.items()
            for value in _listed(values)
        ]
        resources = _listed(entry.get("Resource", []))
        yield Statement(f"policies/{name}.json", entry["Sid"], _listed(entry["Action"]), resources, conditions)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@functools.cache
def _giving(action: str) -> tuple[Statement, ...]:
    """Return the learner's policy statements that contain an action. Their placeholders are not filled in."""
    return tuple(
        statement
        for name in dict.fromkeys((*LEARNER_POLICIES, *CLASS_POLICIES))
        for statement in statements(name, json.loads(_documents.policy_template(name).template))
        if action in statement.actions
    )


def action_of(service: str, operation: str) -> str:
    """Return the IAM action that an operation requires. The action usually has the operation's name.

    Args:
        service: The service's name in botocore.
        operation: The operation.
    """
    named = f"{_PREFIXES.get(service, service)}:{operation}"
    return _ACTIONS.get(named, named)


def explain(message: str, action: str | None = None) -> str:
    """Add the missing action and the policies that contain it to an AWS access-denied message.

    Args:
        message: The message from AWS.
        action: The denied action, if the message does not name it.

    Returns:
        The message, followed by the next step if the denied action is known.
    """
    if "Lake Formation permission" in message:
        return message if _GRANTS in message else f"{message} {_GRANTS}"
    found = _MISSING.search(message)
    missing = found["action"] if found else action
    if missing is None:
        return message
    step = _step(message, missing)
    return message if step in message else f"{message} {step}".strip()


def _step(message: str, action: str) -> str:
    if action == "glue:CreateInboundIntegration":
        return _INBOUND
    if action.startswith("s3:") and _OF_PROJECT.search(message):
        return _SHARE
    above = _ABOVE.search(message)
    if above:
        return f"You are missing {action}, which a policy denies ({above[0]}). Ask an account administrator."
    given = _giving(action)
    if not given:
        return (
            f"You are missing {action}. No policy in policies/ contains this action, because no notebook needs it. Ask "
            "an account administrator."
        )
    places = " or ".join(map(str, given))
    return (
        f"You are missing {action}. For a policy that allows it, see {places}. Run zetl policies to write the policies "
        "with the names of your resources. Ask an account administrator to attach them to your user or role."
    )
