"""The check of each request, as IAM makes it before a service sees the request.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zetl_helpers.local.authorization import (
    Ask,
    Decision,
    Document,
    Principal,
    UnsupportedPolicyError,
    decide,
)
from zetl_helpers.local.backend import Backend
from zetl_helpers.local.enforcement.access import Access
from zetl_helpers.local.enforcement.account import Account, resource_policy
from zetl_helpers.local.enforcement.actions import accesses
from zetl_helpers.local.enforcement.identities import Identity, find_identity
from zetl_helpers.local.enforcement.operations import Call, Credential, find_credential, identify
from zetl_helpers.local.enforcement.refusals import Cause, Refusal, answer, describe
from zetl_helpers.local.wire import Answer, Fault, Service

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_LOG = logging.getLogger(__name__)

# Condition keys that a request here has or lacks as it would on AWS. Conditions on others cannot be judged.
_KNOWN = (
    "aws:CalledVia*", "aws:MultiFactorAuthPresent", "aws:PrincipalIsAWSService", "aws:PrincipalOrg*",
    "aws:RequestTag/*", "aws:SourceAccount", "aws:SourceArn", "aws:SourceVpc", "aws:SourceVpce", "aws:username",
    "cloudwatch:namespace", "iam:PassedToService", "iam:PermissionsBoundary", "iam:PolicyARN", "s3:VersionId",
    "s3:delimiter", "s3:max-keys", "s3:prefix", "s3:x-amz-*", "sts:ExternalId", "sts:RoleSessionName",
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

    def _check(self, service: str, environ: WSGIEnvironment) -> None:
        credential = find_credential(environ)
        call = identify(service, environ)
        if call is None:
            raise Refusal(Cause.NOT_CHECKED)
        _refuse_what_is_not_offered(call)
        if credential is not None and credential.service != service:
            raise Refusal(Cause.WRONG_SCOPE)
        identity = self._identity(service, credential)
        region = (credential.region if credential else None) or self._backend.region
        account = Account(self._backend.inside, region, identity.arn, self._athena)
        for access in accesses(call, account):
            self._judge(identity, access, region)

    def _identity(self, service: str, credential: Credential | None) -> Identity:
        if credential is None:
            if service != "s3":
                raise Refusal(Cause.NOT_SIGNED)
            return _ANONYMOUS
        identity = find_identity(self._backend, credential.access_key)
        if identity is None:
            raise Refusal(Cause.NOT_KNOWN)
        return identity

    def _judge(self, identity: Identity, access: Access, region: str) -> None:
        try:
            why = _objection(identity, access, resource_policy(self._backend.inside, access), _context(region))
        except UnsupportedPolicyError as error:
            why = f"because a policy cannot be read: {error}"
        if why is not None:
            anonymous = identity is _ANONYMOUS
            raise Refusal(Cause.DENIED, None if anonymous else describe(identity.arn, access, why))


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
    service, _, rest = access.resource.removeprefix("arn:aws:").partition(":")
    return (service == "iam" and access.action.startswith("sts:")) or (service == "kms" and ":key/" in rest)


def _missing(kind: str, access: Access) -> str:
    return f"because no {kind} allows the {access.action} action"
