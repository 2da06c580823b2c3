"""Changes to the Data Catalog's resource policy, which all labs in an account share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import permissions
from zetl_helpers._aws import absent, error_code
from zetl_helpers._errors import UserError
from zetl_helpers._steps import Step, ensured
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import Lab

_CREATE_SID = "ZeroEtlCreate"
_MOST_BYTES = 10_240


class CatalogPolicyFullError(UserError):
    """The Data Catalog's policy has no room for a lab's statements. The message says who can fix this."""


def merge_catalog_policy(lab: Lab) -> Step:
    """Add the lab's two statements to the Data Catalog's policy and keep all other statements.

    The policy is account-wide, and ``PutResourcePolicy`` replaces all statements. This function therefore reads the
    policy and merges the statements by ``Sid``. It writes the policy only if its hash has not changed, so that no
    concurrent change is lost. If the instructor has prepared the class, nothing is added. The class statement covers
    AWS Glue for all labs, and the learner's IAM policy allows the learner to create integrations.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome, with the complete policy as `details`.

    Raises:
        CatalogPolicyFullError: The policy would exceed the maximum size that AWS allows.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_PutResourcePolicy.html
    """
    wanted = permissions.render(lab, "catalog_resource_policy")["Statement"]
    with lab.recording() as calls:
        document, _ = _read_catalog_policy(lab)
        if _class_statement(lab) in document["Statement"]:
            return Step("class statement in the Data Catalog policy", "already there", calls, document)
        before, after = _rewrite_catalog_policy(lab, wanted, drop=())
    mine = [statement for statement in before if statement.get("Sid") in {entry["Sid"] for entry in wanted}]
    return Step("statements in the Data Catalog policy", ensured(mine or None, wanted), calls, after)


def remove_catalog_statements(lab: Lab, only: Sequence[str] | None = None) -> Step:
    """Remove the lab's statements from the Data Catalog's policy and keep all other statements.

    Args:
        lab: The lab.
        only: The ``Sid`` values to remove. Defaults to all of the lab's statements.

    Returns:
        The step and its outcome.
    """
    sids = [statement["Sid"] for statement in permissions.render(lab, "catalog_resource_policy")["Statement"]]
    sids = [sid for sid in sids if only is None or sid in only]
    with lab.recording() as calls:
        before, _ = _rewrite_catalog_policy(lab, (), drop=sids)
    gone = not any(statement.get("Sid") in sids for statement in before)
    return Step("statements in the Data Catalog policy", "already gone" if gone else "deleted", calls)


def merge_class_statement(lab: Lab) -> Step:
    """Add the statement that lets AWS Glue deliver data to all databases of a class, and keep all other statements.

    The statement's size does not depend on the number of learners. In contrast, the two statements of a single lab use
    about 800 of the policy's 10,240 bytes.

    Args:
        lab: Any lab in the account.

    Returns:
        The step and its outcome, with the complete policy as `details`.
    """
    wanted = _class_statement(lab)
    with lab.recording() as calls:
        before, after = _rewrite_catalog_policy(lab, [wanted], drop=())
    mine = [statement for statement in before if statement.get("Sid") == wanted["Sid"]]
    return Step("class statement in the Data Catalog policy", ensured(mine or None, [wanted]), calls, after)


def remove_class_statement(lab: Lab) -> Step:
    """Undo `merge_class_statement`.

    Args:
        lab: Any lab in the account.

    Returns:
        The step and its outcome.
    """
    sid = _class_statement(lab)["Sid"]
    with lab.recording() as calls:
        before, _ = _rewrite_catalog_policy(lab, (), drop=[sid])
    gone = not any(statement.get("Sid") == sid for statement in before)
    return Step("class statement in the Data Catalog policy", "already gone" if gone else "deleted", calls)


def class_is_prepared(lab: Lab) -> bool:
    """Return whether an instructor has added the class statement."""
    document, _ = _read_catalog_policy(lab)
    return _class_statement(lab) in document["Statement"]


def _class_statement(lab: Lab) -> dict[str, Any]:
    (statement,) = permissions.render(lab, "catalog_resource_policy_class")["Statement"]
    return dict(statement)


def catalog_statements(lab: Lab) -> list[dict[str, Any]]:
    """Return the lab's statements in the Data Catalog's policy."""
    sids = {statement["Sid"] for statement in permissions.render(lab, "catalog_resource_policy")["Statement"]}
    document, _ = _read_catalog_policy(lab)
    return [statement for statement in document["Statement"] if statement.get("Sid") in sids]


def other_databases(lab: Lab, principal: str) -> list[str]:
    """Return other labs' databases for which the principal may create integrations.

    Args:
        lab: The lab.
        principal: The ARN of an IAM user or role.

    Returns:
        The databases' names, as they appear in the Data Catalog's policy.
    """
    document, _ = _read_catalog_policy(lab)
    found = {
        resource.rpartition("/")[2]
        for statement in document["Statement"]
        if str(statement.get("Sid", "")).startswith(_CREATE_SID) and statement.get("Principal") == {"AWS": principal}
        for resource in statement["Resource"]
        if ":database/" in resource
    }
    return sorted(found - {lab.database})


def _rewrite_catalog_policy(
    lab: Lab, add: list[dict[str, Any]] | tuple[()], drop: list[str] | tuple[()]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Add and remove statements in the policy, and retry if another caller has changed the policy."""
    seen: list[tuple[list[dict[str, Any]], dict[str, Any]]] = []

    def attempt() -> bool | None:
        document, policy_hash = _read_catalog_policy(lab)
        before = document["Statement"]
        replaced = {statement["Sid"] for statement in add} | set(drop)
        statements = [statement for statement in before if statement.get("Sid") not in replaced] + list(add)
        after = {**document, "Statement": statements}
        seen[:] = [(before, after)]
        return True if _same(before, statements) else _write_catalog_policy(lab, after, policy_hash)

    wait_for(
        "the Data Catalog policy to be written",
        attempt,
        timeout=30,
        hint="Another caller is also changing the policy. Check the policy in the AWS Glue console, under Data Catalog "
        "settings.",
    )
    return seen[0]


def _same(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    def texts(statements: list[dict[str, Any]]) -> list[str]:
        return sorted(json.dumps(statement, sort_keys=True) for statement in statements)

    return texts(before) == texts(after)


def _read_catalog_policy(lab: Lab) -> tuple[dict[str, Any], str | None]:
    with absent("EntityNotFoundException"):
        answer = lab.client("glue").get_resource_policy()
        document = json.loads(answer["PolicyInJson"])
        statements = document["Statement"]
        # IAM's policy grammar allows a single statement that is not in a list.
        listed = statements if isinstance(statements, list) else [statements]
        return {**document, "Statement": listed}, answer["PolicyHash"]
    return {"Version": "2012-10-17", "Statement": []}, None


def _write_catalog_policy(lab: Lab, document: dict[str, Any], policy_hash: str | None) -> bool | None:
    """Write the policy and return True. Return None without writing if the policy has changed since it was read."""
    glue = lab.client("glue")
    # White space counts toward the policy's size limit.
    text = json.dumps(document, separators=(",", ":"))
    size = len(text.encode())
    if document["Statement"] and size > _MOST_BYTES:
        raise CatalogPolicyFullError(
            f"With the statements for database {lab.database}, the Data Catalog's policy would be {size:,} bytes "
            f"long. AWS allows at most {_MOST_BYTES:,} bytes. Ask the instructor to run zetl class prepare, which "
            "adds a single statement for all labs. Or remove unused statements in the AWS Glue console, under Data "
            "Catalog settings."
        )
    condition = {"PolicyHashCondition": policy_hash} if policy_hash else {"PolicyExistsCondition": "NOT_EXIST"}
    try:
        if document["Statement"]:
            # TRUE preserves Lake Formation grants to other accounts.
            glue.put_resource_policy(PolicyInJson=text, EnableHybrid="TRUE", **condition)
        elif policy_hash:
            glue.delete_resource_policy(PolicyHashCondition=policy_hash)
    except ClientError as error:
        # The policy was deleted or changed after it was read.
        if error_code(error) not in ("ConditionCheckFailureException", "EntityNotFoundException"):
            raise
        return None
    return True
