"""Enforcement of IAM policies, which checks each request before it reaches a service.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from local_lakehouse.backend.clients import acting_for
from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.iam.access import Access
from local_lakehouse.iam.account import Account, resource_policy, resource_tags, role_boundary
from local_lakehouse.iam.actions import accesses
from local_lakehouse.iam.authorization import (
    Ask,
    Decision,
    Document,
    Principal,
    UnsupportedPolicyError,
    decide,
)
from local_lakehouse.iam.identities import Identity, find_identity
from local_lakehouse.iam.refusals import Cause, Refusal, answer, describe
from local_lakehouse.iam.rights import Rights
from local_lakehouse.protocol.request import Request
from local_lakehouse.protocol.services import signing_name
from local_lakehouse.protocol.wire import Answer, Caller, Fault, Service

_LOG = logging.getLogger(__name__)

# Each of these condition keys is in a request's context if and only if AWS also includes the key for that request.
# Conditions on other keys cannot be evaluated.
_KNOWN = (
    "aws:CalledVia*", "aws:MultiFactorAuthPresent", "aws:PrincipalIsAWSService", "aws:PrincipalOrg*",
    "aws:RequestTag/*", "aws:ResourceTag/*", "aws:SourceAccount", "aws:SourceArn", "aws:SourceVpc", "aws:SourceVpce",
    "aws:username", "cloudwatch:namespace", "iam:PassedToService", "iam:PermissionsBoundary", "iam:PolicyARN",
    "s3:VersionId", "s3:delimiter", "s3:max-keys", "s3:prefix", "s3:x-amz-*", "sts:ExternalId", "sts:RoleSessionName",
)  # fmt: skip
# The senders of these requests are not authenticated here, so checking only the trust policy would give anyone access.
_UNVERIFIED = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")


class PolicyEnforcer:
    """An enforcer that checks requests against their signers' policies.

    Args:
        backend: The backend that stores the account's identities and resource policies.
        services: The lakehouse's services.
    """

    def __init__(self, backend: Backend, services: Sequence[Service]) -> None:
        self._backend = backend
        self._athena = next((service for service in services if service.name == "athena"), None)
        self._glue = next((each for each in services if each.name == "glue" and "GetTags" in each.operations), None)
        self.rights = Rights()

    def refuse(self, request: Request) -> Answer | None:
        """Return an error response for a request, or None if the request is allowed."""
        try:
            if request.credential is not None and request.credential.service != signing_name(request.service):
                raise Refusal(Cause.WRONG_SCOPE)
            self.check(request, self._identity(request))
        except Refusal as refusal:
            return answer(request, refusal)
        return None

    def rights_of(self, request: Request) -> CallersRights:
        """Return the permissions of an allowed request's signer, for services that act on the signer's behalf."""
        return CallersRights(self, self._identity(request), self._backend.region)

    def check(self, request: Request, identity: Identity, further: Mapping[str, str] = MappingProxyType({})) -> None:
        """Check a request against an identity's permissions.

        Args:
            request: The request.
            identity: The identity.
            further: Additional condition keys.

        Raises:
            Refusal: The request is not allowed.
        """
        if not request.operation:
            raise Refusal(Cause.NOT_CHECKED)
        account = Account(self._backend.clients, request.region, identity.arn, self._athena)
        try:
            _refuse_what_is_not_offered(request)
            needed = accesses(request, account)
        except Fault as fault:
            raise Refusal(Cause.MALFORMED, fault.message) from fault
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            _LOG.warning("the permissions for a request to %s cannot be determined", request.service, exc_info=True)
            raise Refusal(Cause.MALFORMED) from error
        for access in needed:
            self.require(identity, access.within(further), request.region)

    def _identity(self, request: Request) -> Identity:
        if request.credential is None:
            if request.service != "s3":
                raise Refusal(Cause.NOT_SIGNED)
            return _ANONYMOUS
        identity = find_identity(self._backend, request.credential.access_key)
        if identity is None:
            raise Refusal(Cause.NOT_KNOWN)
        return identity

    def _about(self, identity: Identity, access: Access, region: str) -> dict[str, str]:
        """Return the condition keys that describe a permission's resource."""
        clients = self._backend.clients
        tags = resource_tags(clients, access, self._glue, Caller(clients.account, region, identity.arn))
        return {**tags, **role_boundary(clients, access)}

    def require(self, identity: Identity, access: Access, region: str) -> None:
        """Check that an identity has a permission.

        Raises:
            Refusal: The permission is missing.
        """
        try:
            # IAM reads policies and tags internally, so callers need no permission to read them.
            with acting_for(None):
                surroundings = {**_context(region), **self._about(identity, access, region)}
                attached = resource_policy(self._backend.clients, access)
            why = _objection(identity, access, attached, surroundings)
        except UnsupportedPolicyError as error:
            why = f"because a policy cannot be evaluated: {error}"
        self.rights.note(identity.context.get("aws:PrincipalArn", identity.arn), access, allowed=why is None)
        if why is not None:
            anonymous = identity is _ANONYMOUS
            raise Refusal(Cause.DENIED, None if anonymous else describe(identity.arn, access, why))


class CallersRights:
    """The permissions of the caller on whose behalf a service acts.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html

    Args:
        enforcer: The policy enforcer.
        identity: The caller.
        region: The Region of the lakehouse.
    """

    def __init__(self, enforcer: PolicyEnforcer, identity: Identity, region: str) -> None:
        self._enforcer = enforcer
        self._identity = identity
        self._region = region

    def refuse(self, request: Request) -> Answer | None:
        """Return an error response for a request, or None if the request is allowed."""
        try:
            self._enforcer.check(request, self._identity, _FORWARDED)
        except Refusal as refusal:
            return answer(request, refusal)
        return None

    def objection(self, action: str, resource: str) -> str | None:
        """Return why a permission is missing, or None if the permission is granted."""
        try:
            self._enforcer.require(self._identity, Access(action, resource, _FORWARDED), self._region)
        except Refusal as refusal:
            return refusal.message
        return None


# These context keys distinguish Athena's requests from the caller's requests.
_FORWARDED = {"aws:ViaAWSService": "true", "aws:CalledVia": "athena.amazonaws.com"}
_ANONYMOUS = Identity("anonymous", (), None, None, {})


def _context(region: str) -> dict[str, str]:
    return {
        "aws:RequestedRegion": region,
        # Requests are treated as encrypted, because they do not leave this computer and would be encrypted on AWS.
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
    }


def _refuse_what_is_not_offered(request: Request) -> None:
    if request.operation in _UNVERIFIED:
        message = f"A lakehouse that enforces IAM does not support {request.operation}; AWS does."
        raise Refusal(Cause.NOT_CHECKED, message)
    dropped = {
        ("sts", "AssumeRole"): "PolicyArns",
        ("iam", "CreateUser"): "PermissionsBoundary",
    }.get((request.service, request.operation), "")
    if dropped in request.parameters:
        message = f"The local lakehouse does not evaluate {dropped} in {request.operation}; AWS does. Omit it."
        raise Refusal(Cause.NOT_CHECKED, message)


def _objection(
    identity: Identity, access: Access, attached: Document | None, surroundings: Mapping[str, str]
) -> str | None:
    """Return why a permission is missing, in AWS's wording, or None if the permission is granted."""
    context = {**surroundings, **identity.context, **access.context}
    if account := identity.context.get("aws:PrincipalAccount"):
        context["aws:ResourceAccount"] = account
    ask = Ask(access.action, access.resource, Principal("AWS", identity.arn), context, _KNOWN)
    named = Ask(access.action, access.resource, Principal("AWS", identity.arn, by_account=False), context, _KNOWN)
    resources = [] if attached is None else [attached]
    limits = {"permissions boundary": identity.boundary, "session policy": identity.session}
    scopes = {kind: decide([document], ask) for kind, document in limits.items() if document is not None}
    own, around = decide(identity.policies, ask), decide(resources, ask)
    decisions = {"identity-based policy": own, "resource-based policy": around, **scopes}
    for kind, decision in decisions.items():
        if decision is Decision.DENIED:
            article = "an" if kind[0] == "i" else "a"
            return f"with an explicit deny in {article} {kind}"
    if _must_agree(access) and around is not Decision.ALLOWED:
        return "" if access.action.startswith("sts:") else _missing("resource-based policy", access)
    if own is not Decision.ALLOWED and decide(resources, named) is not Decision.ALLOWED:
        return _missing("identity-based policy", access)
    return next((_missing(kind, access) for kind, scope in scopes.items() if scope is not Decision.ALLOWED), None)


def _must_agree(access: Access) -> bool:
    """Return whether a resource's policy must also allow access, as is the case for roles and KMS keys."""
    service, _, rest = access.resource.partition(":")[2].partition(":")[2].partition(":")
    return (service == "iam" and access.action.startswith("sts:")) or (service == "kms" and ":key/" in rest)


def _missing(kind: str, access: Access) -> str:
    return f"because no {kind} allows the {access.action} action"
