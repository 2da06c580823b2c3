"""The signer of a request and the policies that apply to the signer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from local_lakehouse.backend.moto_backend import ACCOUNT, Backend
from local_lakehouse.iam.authorization import Document, parse_document
from local_lakehouse.loading import load

if TYPE_CHECKING:
    from moto.iam.models import Group, IAMBackend, ManagedPolicy, Role, User
    from moto.sts.models import AssumedRole


@dataclass(frozen=True)
class Identity:
    """A user or a role session.

    Args:
        arn: The identity's ARN.
        policies: The inline and attached policies, including those of the user's groups.
        boundary: The permissions boundary, or None if the identity has none.
        session: The session policy, or None if the identity has none.
        context: The identity's condition keys.
    """

    arn: str
    policies: tuple[Document, ...]
    boundary: Document | None
    session: Document | None
    context: Mapping[str, str]


def find_identity(backend: Backend, access_key: str) -> Identity | None:
    """Return the identity for an access key, or None if the key is unknown or inactive."""
    with backend.lock:
        session = backend.sts.get_assumed_role_from_access_key(access_key)
        if session is not None:
            return _session(backend.iam, session)
        user = backend.iam.get_user_from_access_key_id(access_key)
        return None if user is None or not _active(user, access_key) else _user(backend.iam, user)


def find_principal(backend: Backend, arn: str) -> Identity | None:
    """Return the user or role with the given ARN for ``SimulatePrincipalPolicy``, or None if it does not exist."""
    with backend.lock:
        iam = backend.iam
        role = _role(iam, arn)
        if role is not None:
            return Identity(role.arn, tuple(_policies(role)), _boundary(iam, role), None, {})
        users: list[User] = list(iam.users.values())
        user = next((each for each in users if each.arn == arn), None)
        return None if user is None else _user(iam, user)


def _active(user: User, access_key: str) -> bool:
    return any(key.access_key_id == access_key and key.status == "Active" for key in user.access_keys)


def _user(iam: IAMBackend, user: User) -> Identity:
    groups: list[Group] = iam.get_groups_for_user(user.name)
    holders: tuple[User | Group, ...] = (user, *groups)
    return Identity(
        user.arn,
        tuple(document for holder in holders for document in _policies(holder)),
        boundary=None,
        session=None,
        context={
            **_principal("User", user.arn, user.id),
            "aws:username": user.name,
        },
    )


def _session(iam: IAMBackend, session: AssumedRole) -> Identity:
    context = {
        **_principal("AssumedRole", session.role_arn, session.user_id),
        "aws:MultiFactorAuthPresent": "false",
    }
    scope = parse_document(session.policy) if session.policy else None
    role = _role(iam, session.role_arn)
    if role is None:
        # A session still exists after its role is deleted, but has no permissions.
        return Identity(session.arn, (), None, scope, context)
    return Identity(session.arn, tuple(_policies(role)), _boundary(iam, role), scope, context)


def _principal(kind: str, arn: str, identity: str) -> dict[str, str]:
    return {
        "aws:PrincipalArn": arn,
        "aws:PrincipalAccount": ACCOUNT,
        "aws:PrincipalType": kind,
        "aws:userid": identity,
    }


def _role(iam: IAMBackend, arn: str) -> Role | None:
    load("moto.iam.exceptions")
    from moto.iam.exceptions import NotFoundException

    try:
        return iam.get_role_by_arn(arn)
    except NotFoundException:
        return None


def _boundary(iam: IAMBackend, role: Role) -> Document | None:
    if not role.permissions_boundary_arn:
        return None
    policy = iam.managed_policies.get(role.permissions_boundary_arn)
    # A boundary whose policy was deleted does not allow any action.
    return _document(policy) if policy is not None else {"Statement": []}


def _policies(holder: User | Group | Role) -> Iterable[Document]:
    for text in holder.policies.values():
        yield parse_document(text if text.lstrip().startswith("{") else unquote(text))
    for policy in holder.managed_policies.values():
        yield _document(policy)


def _document(policy: ManagedPolicy) -> Document:
    return parse_document(next(version.document for version in policy.versions if version.is_default))
