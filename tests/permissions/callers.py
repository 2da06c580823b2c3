"""Functions that replace the caller's policies on a lakehouse that enforces IAM, and list the checked permissions."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from local_lakehouse import daemon
from local_lakehouse.daemon import Running
from local_lakehouse.lakehouse import Lakehouse
from zetl_helpers import _rights, permissions
from zetl_helpers import lab as lab_module
from zetl_helpers._local_session import local_session
from zetl_helpers.lab import Lab

Document = dict[str, Any]

# The learner's dummy key belongs to this role, and this policy grants the role all permissions.
ROLE = "Admin"
_ADMINISTRATOR = "Administrator"


def learner_policies(
    lab: Lab,
    change: Callable[[Document], Document] = lambda document: document,
    names: Sequence[str] = _rights.LEARNER_POLICIES,
) -> list[Document]:
    """Return the learner's policies with the lab's names, after applying the test's change to each policy."""
    return [change(permissions.render(lab, name)) for name in names]


def replace_policies(lab: Lab, documents: Iterable[Document]) -> None:
    """Create the target roles' boundary, and replace the administrator role's policy with the given policies."""
    iam = lab.client("iam")
    boundary = json.dumps(permissions.render(lab, "target_role_boundary"))
    iam.create_policy(PolicyName=permissions.BOUNDARY_NAME, PolicyDocument=boundary)
    for number, document in enumerate(documents):
        iam.put_role_policy(RoleName=ROLE, PolicyName=f"Given{number}", PolicyDocument=json.dumps(document))
    iam.delete_role_policy(RoleName=ROLE, PolicyName=_ADMINISTRATOR)


def without(action: str) -> Callable[[Document], Document]:
    """Return a change that removes one action from a policy."""

    def change(document: Document) -> Document:
        kept = []
        for statement in document["Statement"]:
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            left = [each for each in actions if each != action]
            if left:
                kept.append({**statement, "Action": left})
        return {**document, "Statement": kept}

    return change


def checked_permissions(running: Lakehouse | Running, *, after: int = 0, of: str = "") -> list[dict[str, Any]]:
    """Return the permissions that a lakehouse checked, each with ``action``, ``resource`` and ``allowed``.

    Args:
        running: The lakehouse.
        after: A number that `last_check` returned. Only permissions checked later are included.
        of: The name of a user or role. The default is all identities.
    """
    answer = daemon.ask(running.url, running.token, "rights")
    assert answer is not None
    found: list[dict[str, Any]] = answer["rights"]
    return [
        permission
        for permission in found
        if permission["number"] > after and permission["principal"].endswith(f"/{of}" if of else "")
    ]


def last_check(running: Lakehouse | Running) -> int:
    """Return the number of the last permission that a lakehouse checked."""
    return max((permission["number"] for permission in checked_permissions(running)), default=0)


def session_of(lab: Lab, role: str, url: str, prefix: str = "") -> Lab:
    """Return a lab with another role's credentials."""
    arn = f"arn:aws:iam::{lab.account}:role/{role}"
    keys = lab.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    session = local_session(url, lab.region, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    return lab_module._introduce("local", session, prefix, url)
