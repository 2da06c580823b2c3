"""The policies in ``policies/`` with the lab's names, and the target role."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError

from zetl_helpers import _documents, _governed, _rights
from zetl_helpers._aws import ForeignResourceError, absent, error_code, make, one_of, settled, tag_dict, tag_list
from zetl_helpers._role_tags import REGION_TAG, other_region, role_tags
from zetl_helpers._steps import Step, ensured
from zetl_helpers.lab import TAG_KEY, Lab

__all__ = [
    "BOUNDARY_NAME",
    "LEARNER_BOUNDARY_NAME",
    "LEARNER_ROLE",
    "POLICY_NAME",
    "ROLE_DESCRIPTION",
    "boundary_arn",
    "caller_principal",
    "create_target_role",
    "limit_target_role",
    "render",
    "role_exists",
    "simulate",
    "write_all",
]

POLICY_NAME = "zETLTargetPolicy"
# The account's administrator creates this managed policy once from policies/target_role_boundary.json.
BOUNDARY_NAME = "zETLTargetBoundary"
# The permissions boundary for the roles that an instructor creates for learners.
LEARNER_BOUNDARY_NAME = "zETLLearnerBoundary"
LEARNER_ROLE = "zETLLearner"
ROLE_DESCRIPTION = "AWS Glue zero-ETL writes the lab's target table with this role"


def caller_principal(lab: Lab) -> str:
    """Return the ARN of the caller's IAM user or role, as policies and Lake Formation expect it.

    For a role, ``GetCallerIdentity`` returns the session (``sts …:assumed-role/Admin/me``). The principal is the role
    itself (``iam …:role/Admin``), whose ARN can contain a path that only IAM returns.

    Args:
        lab: The lab.

    Returns:
        The ARN, without the role's path if the caller is not allowed to call IAM.
    """
    session = re.fullmatch(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.+", lab.caller)
    if session is None:
        return lab.caller
    try:
        return str(lab.client("iam").get_role(RoleName=session[3])["Role"]["Arn"])
    except ClientError as error:
        if error_code(error) not in ("NoSuchEntity", "AccessDenied"):
            raise
        return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}"


def render(lab: Lab, name: str, *, caller: str | None = None) -> dict[str, Any]:
    """Render a template from ``policies/`` with the lab's names.

    Args:
        lab: The lab.
        name: The template's name without ``.json``, such as ``table_resource_policy``.
        caller: The ARN of the user or role that the policy is for. Defaults to the caller.

    Returns:
        The policy document.
    """
    text = _documents.policy_template(name).substitute(
        Partition=lab.partition,
        Region=lab.region,
        Account=lab.account,
        Table=lab.table,
        Database=lab.database,
        Bucket=lab.bucket,
        Prefix=lab.database,
        Role=lab.role,
        WorkGroup=lab.workgroup,
        Caller=caller or caller_principal(lab),
        # Each of the lab's tables has separate statements.
        LabId=re.sub(r"\W|_", "", lab.database) + lab.further,
        Tag=lab.tags[TAG_KEY],
        IntegrationName=replace(lab, source=lab.everywhere[0].source).integration,
        Boundary=BOUNDARY_NAME,
        LearnerBoundary=LEARNER_BOUNDARY_NAME,
        EachTable=_EACH_TABLE,
        **_of_the_class(lab),
    )
    return {**json.loads(text), "Statement": [_with_tables(lab, entry) for entry in json.loads(text)["Statement"]]}


_EACH_TABLE = "{each table}"
_ANY_TABLE = "{any table}"
_STEM = 8


def _of_the_class(lab: Lab) -> dict[str, str]:
    """Return patterns that match the resource names of all labs in the account and Region, with or without a prefix."""
    bare = replace(lab, prefix="", source=lab.everywhere[0].source)
    return {
        "AnyTable": _ANY_TABLE,
        "AnyDatabase": f"*{bare.database}",
        "AnyBucket": f"{bare.bucket}*",
        "AnyRole": f"*{bare.role}",
        "AnyLearner": f"*{LEARNER_ROLE}",
        "AnyIntegrationName": f"*{bare.integration}",
    }


def _with_tables(lab: Lab, statement: dict[str, Any]) -> dict[str, Any]:
    """Repeat a resource for each of the lab's tables if a statement applies to all of them."""
    resource = statement.get("Resource", "")
    patterns = _alike(entry.source for entry in lab.everywhere)
    front = lab.table.removesuffix(lab.source)
    names = {_EACH_TABLE: [front + pattern for pattern in patterns], _ANY_TABLE: [f"*{each}" for each in patterns]}
    for mark, tables in names.items():
        if isinstance(resource, str) and mark in resource:
            return {**statement, "Resource": [resource.replace(mark, table) for table in tables]}
    return statement


def _alike(names: Iterable[str]) -> list[str]:
    """Combine names that have the same length and the same beginning into a pattern.

    A managed policy is limited to 6,144 characters.
    """
    groups: dict[tuple[str, int], list[str]] = {}
    for name in names:
        groups.setdefault((name[:_STEM], len(name)), []).append(name)
    return [
        "".join(letters[0] if len(set(letters)) == 1 else "?" for letters in zip(*group, strict=True))
        for group in groups.values()
    ]


def write_all(lab: Lab, folder: Path, *, learner: str | None = None) -> list[Path]:
    """Render all policies and write each one to a file.

    Args:
        lab: The lab.
        folder: The folder, which is created if it does not exist.
        learner: The ARN of the user or role that the learner's policies are for. Defaults to the caller.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in _documents.policy_names():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(render(lab, name, caller=learner), indent=2) + "\n", encoding="utf-8")
        written.append(path)
    return written


def simulate(lab: Lab, policies: Sequence[str] = _rights.LEARNER_POLICIES) -> pd.DataFrame:
    """Check with IAM's policy simulator whether the caller has the tutorial's permissions, without changing anything.

    IAM evaluates the caller's policies and permissions boundary and, if the account has any, service control policies.
    It does not evaluate the resource policies of buckets, tables or the Data Catalog.

    Args:
        lab: The lab.
        policies: The names of the policies that grant the permissions.

    Returns:
        One row for each action and resource in the policies, with the columns ``action``, ``resource``, ``allowed``
        (bool) and ``policy`` (the file and statement that grant the permission).

    Raises:
        ClientError: The caller lacks ``iam:SimulatePrincipalPolicy``.

    See https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    principal = caller_principal(lab)
    rows = [
        (action, resource, allowed, str(statement))
        for name in policies
        for statement in _rights.statements(name, render(lab, name))
        for (action, resource), allowed in _simulated(lab, principal, statement)
    ]
    return pd.DataFrame(rows, columns=["action", "resource", "allowed", "policy"])


def _simulated(lab: Lab, principal: str, statement: _rights.Statement) -> Iterator[tuple[tuple[str, str], bool]]:
    wanted = [(action, resource) for action in statement.actions for resource in statement.resources]
    if principal.endswith(":root"):
        # IAM simulates only users, groups and roles. The account's root user has all permissions.
        yield from ((pair, True) for pair in wanted)
        return
    # Every request contains aws:PrincipalAccount, which the policies use as a variable. The statement's conditions
    # contain the other keys.
    context = {"aws:PrincipalAccount": lab.account}
    context |= {key: _value(lab, value) for _, key, value in statement.conditions}
    pages = (
        lab.client("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(
            PolicySourceArn=principal,
            ActionNames=list(statement.actions),
            ResourceArns=list(statement.resources),
            ContextEntries=[
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in context.items()
            ],
        )
    )
    decisions: dict[tuple[str, str], bool] = {}
    for page in pages:
        for result in page["EvaluationResults"]:
            action, allowed = result["EvalActionName"], result["EvalDecision"] == "allowed"
            decisions[action, result.get("EvalResourceName", "*")] = allowed
            for entry in result.get("ResourceSpecificResults", []):
                decisions[action, entry["EvalResourceName"]] = entry["EvalResourceDecision"] == "allowed"
    # A result without a resource applies to all of the action's resources.
    yield from ((pair, decisions[pair] if pair in decisions else decisions[pair[0], "*"]) for pair in wanted)


def _value(lab: Lab, value: str) -> str:
    """Return the value of a condition key in the lab's requests."""
    return value.replace("${aws:PrincipalAccount}", lab.account)


def create_target_role(lab: Lab) -> list[Step]:
    """Create the target role, which trusts AWS Glue and has only the permissions that the integration needs.

    Args:
        lab: The lab.

    Returns:
        The steps and their outcomes for the role, its policy and, if Lake Formation governs the account, its grants.

    Raises:
        ForeignResourceError: A role with the lab's name exists but does not belong to the lab, or belongs to a lab in
            another Region.
        NotAdministratorError: Lake Formation governs the account, and the caller cannot grant permissions.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-target.html
    """
    return [_ensure_role(lab), _ensure_role_policy(lab), *_governed.grant(lab, caller_principal(lab))]


def limit_target_role(lab: Lab, *actions: str) -> Step:
    """Remove actions from the target role's policy, to show how an integration reports missing permissions.

    `create_target_role` restores the whole policy.

    Args:
        lab: The lab.
        actions: The actions to remove, such as ``s3:PutObject``.

    Returns:
        The step and its outcome, with the policy as `details`.

    See https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
    """
    document = render(lab, "target_role_permissions")
    statements = []
    for statement in document["Statement"]:
        listed = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        if kept := [action for action in listed if action not in actions]:
            statements.append({**statement, "Action": kept})
    document["Statement"] = statements
    with lab.recording() as calls:
        lab.client("iam").put_role_policy(
            RoleName=lab.role, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(document)
        )
    return Step(f"role {lab.role} without {', '.join(actions)}", "changed", calls, document)


def role_exists(lab: Lab) -> bool:
    """Return whether the lab's target role exists.

    Raises:
        ForeignResourceError: A role with the lab's name exists but does not belong to the lab, or belongs to a lab in
            another Region.
    """
    return _find_role(lab) is not None


def _ensure_role(lab: Lab) -> Step:
    iam = lab.client("iam")
    trust = render(lab, "target_role_trust")
    with lab.recording() as calls:
        role = _find_role(lab)
        if role is None:
            make(
                lambda: iam.create_role(
                    RoleName=lab.role,
                    AssumeRolePolicyDocument=json.dumps(trust),
                    Description=ROLE_DESCRIPTION,
                    Tags=tag_list(role_tags(lab)),
                    **_boundary(lab),
                ),
                lambda: role_exists(lab),
                "EntityAlreadyExists",
            )
            return Step(f"role {lab.role}", "created", calls, trust)
        has_region = REGION_TAG in tag_dict(role["Tags"])
        if not has_region:
            _check_region_of_policy(lab)
            iam.tag_role(RoleName=lab.role, Tags=tag_list({REGION_TAG: lab.region}))
        has_trust = role["AssumeRolePolicyDocument"] == trust
        if not has_trust:
            iam.update_assume_role_policy(RoleName=lab.role, PolicyDocument=json.dumps(trust))
    return Step(f"role {lab.role}", "already there" if has_region and has_trust else "changed", calls, trust)


def boundary_arn(lab: Lab) -> str:
    """Return the ARN of the permissions boundary for target roles, whether or not it exists in the account."""
    return f"arn:{lab.partition}:iam::{lab.account}:policy/{BOUNDARY_NAME}"


def _boundary(lab: Lab) -> dict[str, str]:
    """Return the target role's boundary if the account's administrator has created it."""
    with absent("NoSuchEntity"):
        return {"PermissionsBoundary": str(lab.client("iam").get_policy(PolicyArn=boundary_arn(lab))["Policy"]["Arn"])}
    return {}


def _find_role(lab: Lab) -> dict[str, Any] | None:
    with absent("NoSuchEntity"):
        role: dict[str, Any] = lab.client("iam").get_role(RoleName=lab.role)["Role"]
        tags = tag_dict(role.get("Tags", []))
        if TAG_KEY not in tags:
            raise ForeignResourceError(
                f"Role {lab.role} exists but doesn't have the tag {TAG_KEY}, so it doesn't belong to the lab. "
                "Set ZETL_PREFIX to use different names for your lab."
            )
        if region := other_region(lab, tags):
            raise _of_other_region(lab, f"has the tag {REGION_TAG}={region}", region)
        return role
    return None


def _check_region_of_policy(lab: Lab) -> None:
    """Check that the policy of a role without a Region tag, which an earlier version created, is for this Region."""
    with absent("NoSuchEntity"):
        policy = lab.client("iam").get_role_policy(RoleName=lab.role, PolicyName=POLICY_NAME)["PolicyDocument"]
        regions = re.findall(r"arn:[\w-]+:glue:([\w-]+):", json.dumps(policy))
        if regions and lab.region not in regions:
            raise _of_other_region(lab, f"its policy {POLICY_NAME} is for {regions[0]}", regions[0])


def _of_other_region(lab: Lab, found: str, region: str) -> ForeignResourceError:
    return ForeignResourceError(
        f"Role {lab.role} exists but {found}, so it belongs to a lab in {region}. This lab is in {lab.region}. All "
        f"Regions share an account's roles. Set AWS_REGION={region} to continue with that lab, or set ZETL_PREFIX to "
        "use different names for this lab."
    )


def _ensure_role_policy(lab: Lab) -> Step:
    iam = lab.client("iam")
    wanted = render(lab, "target_role_permissions")
    thing = f"policy {POLICY_NAME} of role {lab.role}"
    with lab.recording() as calls:
        found = None
        with absent("NoSuchEntity"):
            found = iam.get_role_policy(RoleName=lab.role, PolicyName=POLICY_NAME)["PolicyDocument"]
        if found != wanted:
            text = json.dumps(wanted)
            settled(
                f"role {lab.role}",
                lambda: iam.put_role_policy(RoleName=lab.role, PolicyName=POLICY_NAME, PolicyDocument=text),
                one_of("NoSuchEntity"),
            )
    return Step(thing, ensured(found, wanted), calls, wanted)
