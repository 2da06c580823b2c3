"""The check of each request, as IAM makes it before a service sees the request.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

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
from local_lakehouse.protocol.routing import Call, Credential, find_credential, identify
from local_lakehouse.protocol.wire import Answer, Caller, Fault, Service

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_LOG = logging.getLogger(__name__)

# Condition keys that a request here has or lacks as it would on AWS. Conditions on others cannot be judged.
_KNOWN = (
    "aws:CalledVia*", "aws:MultiFactorAuthPresent", "aws:PrincipalIsAWSService", "aws:PrincipalOrg*",
    "aws:RequestTag/*", "aws:ResourceTag/*", "aws:SourceAccount", "aws:SourceArn", "aws:SourceVpc", "aws:SourceVpce",
    "aws:username", "cloudwatch:namespace", "iam:PassedToService", "iam:PermissionsBoundary", "iam:PolicyARN",
    "s3:VersionId", "s3:delimiter", "s3:max-keys", "s3:prefix", "s3:x-amz-*", "sts:ExternalId", "sts:RoleSessionName",
)  # fmt: skip
# Here nobody vouches for who such a request is from, so it would let everybody in.
_UNVERIFIED = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")


class Guard:
    """Checks requests against the policies of who signed them.

    Args:
        backend: The account: its identities, and what its resources allow.
        services: Our services.
    """

    def __init__(self, backend: Backend, services: Sequence[Service]) -> None:
        self._backend = backend
        self._athena = next((service for service in services if service.name == "athena"), None)
        self._glue = next((one for one in services if one.name == "glue" and "GetTags" in one.operations), None)
        self.rights = Rights()

    def refuse(self, service: str, environ: WSGIEnvironment) -> Answer | None:
        """Return what a request is answered that must not be carried out; None for one that may.

        Args:
            service: botocore's name of the service that the request is for.
            environ: The request.
        """
        try:
            self._check(service, environ)
        except Refusal as refusal:
            return answer(service, environ["REQUEST_METHOD"], refusal)
        except Fault as fault:
            return answer(service, environ["REQUEST_METHOD"], Refusal(Cause.MALFORMED, fault.message))
        except (KeyError, TypeError, AttributeError):
            _LOG.warning("what a request to %s is about cannot be told from its members", service, exc_info=True)
            return answer(service, environ["REQUEST_METHOD"], Refusal(Cause.MALFORMED))
        return None

    def caller(self, environ: WSGIEnvironment) -> CallersRights:
        """Return the rights of who signed a request that may be carried out, for services that work in their name."""
        credential = find_credential(environ)
        if credential is None:
            raise AssertionError("a request that is not signed is carried out by S3 alone")
        return CallersRights(self, self._identity(credential.service, credential), self._backend.region)

    def _check(self, service: str, environ: WSGIEnvironment) -> None:
        credential = find_credential(environ)
        if credential is not None and credential.service != service:
            raise Refusal(Cause.WRONG_SCOPE)
        identity = self._identity(service, credential)
        region = (credential.region if credential else None) or self._backend.region
        self.check(service, environ, identity, region)

    def check(
        self,
        service: str,
        environ: WSGIEnvironment,
        identity: Identity,
        region: str,
        further: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Judge a request by somebody's rights.

        Args:
            service: botocore's name of the service that the request is for.
            environ: The request.
            identity: Who has or lacks the rights.
            region: The Region that the request is for.
            further: Condition keys beside those of the request and of the identity.

        Raises:
            Refusal: It must not be carried out.
        """
        call = identify(service, environ)
        if call is None:
            raise Refusal(Cause.NOT_CHECKED)
        _refuse_what_is_not_offered(call)
        account = Account(self._backend.clients, region, identity.arn, self._athena)
        for access in accesses(call, account):
            self.judge(identity, access.within(further), region)

    def _identity(self, service: str, credential: Credential | None) -> Identity:
        if credential is None:
            if service != "s3":
                raise Refusal(Cause.NOT_SIGNED)
            return _ANONYMOUS
        identity = find_identity(self._backend, credential.access_key)
        if identity is None:
            raise Refusal(Cause.NOT_KNOWN)
        return identity

    def _about(self, identity: Identity, access: Access, region: str) -> dict[str, str]:
        """Return the condition keys that are about the thing a right is for."""
        clients = self._backend.clients
        tags = resource_tags(clients, access, self._glue, Caller(clients.account, region, identity.arn))
        return {**tags, **role_boundary(clients, access)}

    def judge(self, identity: Identity, access: Access, region: str) -> None:
        """Judge one right.

        Raises:
            Refusal: It is not given.
        """
        try:
            surroundings = {**_context(region), **self._about(identity, access, region)}
            why = _objection(identity, access, resource_policy(self._backend.clients, access), surroundings)
        except UnsupportedPolicyError as error:
            why = f"because a policy cannot be read: {error}"
        self.rights.note(access, allowed=why is None)
        if why is not None:
            anonymous = identity is _ANONYMOUS
            raise Refusal(Cause.DENIED, None if anonymous else describe(identity.arn, access, why))


class CallersRights:
    """What somebody may do in whose name a service works.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html

    Args:
        guard: The check.
        identity: Who is worked for.
        region: The Region of the lakehouse.
    """

    def __init__(self, guard: Guard, identity: Identity, region: str) -> None:
        self._guard = guard
        self._identity = identity
        self._region = region

    def refuse(self, service: str, environ: WSGIEnvironment) -> tuple[int, list[tuple[str, str]], bytes] | None:
        """Return status, headers and body that a request is refused with; None for one that may be carried out."""
        try:
            self._guard.check(service, environ, self._identity, self._region, _FORWARDED)
        except Refusal as refusal:
            refused = answer(service, environ["REQUEST_METHOD"], refusal)
            return refused.status, refused.headers, refused.body
        return None

    def objection(self, action: str, resource: str) -> str | None:
        """Return why a right is not given; None when it is."""
        try:
            self._guard.judge(self._identity, Access(action, resource, _FORWARDED), self._region)
        except Refusal as refusal:
            return refusal.message
        return None


# How Athena's requests differ from those that the caller makes.
_FORWARDED = {"aws:ViaAWSService": "true", "aws:CalledVia": "athena.amazonaws.com"}
_ANONYMOUS = Identity("anonymous", (), None, None, {})


def _context(region: str) -> dict[str, str]:
    return {
        "aws:RequestedRegion": region,
        # Nothing leaves this computer; on AWS the same request would travel encrypted.
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
    }


def _refuse_what_is_not_offered(call: Call) -> None:
    if call.operation in _UNVERIFIED:
        raise Refusal(Cause.NOT_CHECKED, f"A lakehouse that enforces IAM does not offer {call.operation}; AWS does.")
    dropped = {
        ("sts", "AssumeRole"): "PolicyArns",
        ("iam", "CreateUser"): "PermissionsBoundary",
    }.get((call.service, call.operation), "")
    if dropped in call.parameters:
        message = f"The local lakehouse does not evaluate {dropped} of {call.operation}; AWS does. Leave it out."
        raise Refusal(Cause.NOT_CHECKED, message)


def _objection(
    identity: Identity, access: Access, attached: Document | None, surroundings: Mapping[str, str]
) -> str | None:
    """Say why a right is not given, in AWS's words; None when it is."""
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
    """Tell whether a resource's own policy must allow too, as those of roles and KMS keys must."""
    service, _, rest = access.resource.partition(":")[2].partition(":")[2].partition(":")
    return (service == "iam" and access.action.startswith("sts:")) or (service == "kms" and ":key/" in rest)


def _missing(kind: str, access: Access) -> str:
    return f"because no {kind} allows the {access.action} action"
