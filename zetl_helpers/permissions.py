"""Who may do what: renders ``policies/``, and keeps the target role."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import _documents
from zetl_helpers._aws import ForeignResourceError, absent, error_code, make, one_of, settled, tag_dict, tag_list
from zetl_helpers._steps import Step, ensured
from zetl_helpers.lab import TAG_KEY, Lab

POLICY_NAME = "zETLTargetPolicy"
ROLE_DESCRIPTION = "AWS Glue zero-ETL writes the lab's target table with this role"


def caller_principal(lab: Lab) -> str:
    """Return the ARN of the IAM user or role behind the caller, as policies and Lake Formation want it.

    ``GetCallerIdentity`` names the session of a role (``sts …:assumed-role/Admin/me``); a principal is the role
    itself (``iam …:role/Admin``), with the path that only IAM knows.

    Args:
        lab: The lab.

    Returns:
        The ARN; of the role without a path when IAM may not be asked.
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


def render(lab: Lab, name: str, *, integration_id: str = "*") -> dict[str, Any]:
    """Fill one template of ``policies/`` with the lab's names.

    Args:
        lab: The lab.
        name: The template's name without ``.json``, such as ``table_resource_policy``.
        integration_id: The id of the integration, where a template names a single one.

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
        Caller=caller_principal(lab),
        Integration=integration_id,
        # Each of the lab's tables has statements of its own.
        LabId=re.sub(r"\W|_", "", lab.database) + lab.further,
    )
    document: dict[str, Any] = json.loads(text)
    return document


def write_all(lab: Lab, folder: Path) -> list[Path]:
    """Write all policies, rendered, one document a file.

    Args:
        lab: The lab.
        folder: Where to; made when it is not there.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in _documents.policy_names():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(render(lab, name), indent=2) + "\n", encoding="utf-8")
        written.append(path)
    return written


def create_target_role(lab: Lab) -> list[Step]:
    """Make the role that the integration writes with: trust for AWS Glue, and the rights it needs, no more.

    Args:
        lab: The lab.

    Returns:
        What happened to the role, and to its policy.

    Raises:
        ForeignResourceError: A role of that name exists and is not the lab's.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-target.html
    """
    return [_ensure_role(lab), _ensure_role_policy(lab)]


def role_exists(lab: Lab) -> bool:
    """Tell whether the lab's target role is there.

    Raises:
        ForeignResourceError: A role of that name exists and is not the lab's.
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
                    Tags=tag_list(lab.tags),
                ),
                lambda: role_exists(lab),
                "EntityAlreadyExists",
            )
            return Step(f"role {lab.role}", "created", calls, trust)
        if role["AssumeRolePolicyDocument"] == trust:
            return Step(f"role {lab.role}", "already there", calls, trust)
        iam.update_assume_role_policy(RoleName=lab.role, PolicyDocument=json.dumps(trust))
    return Step(f"role {lab.role}", "changed", calls, trust)


def _find_role(lab: Lab) -> dict[str, Any] | None:
    with absent("NoSuchEntity"):
        role: dict[str, Any] = lab.client("iam").get_role(RoleName=lab.role)["Role"]
        if TAG_KEY not in tag_dict(role.get("Tags", [])):
            raise ForeignResourceError(
                f"Role {lab.role} exists and does not carry the tag {TAG_KEY}: it is not the lab's. "
                "Set ZETL_PREFIX to give your lab names of its own."
            )
        return role
    return None


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
