"""The IAM policy simulator, which applies the same rules as policy enforcement.

AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.iam.authorization import Ask, Decision, Document, UnsupportedPolicyError, decide, parse_document
from local_lakehouse.iam.identities import Identity, find_principal
from local_lakehouse.protocol.wire import Caller, Fault

_DECISIONS = {
    Decision.ALLOWED: "allowed",
    Decision.DENIED: "explicitDeny",
    Decision.NOT_ALLOWED: "implicitDeny",
}
# The parameters that would change the result but are not supported.
_NOT_OFFERED = (
    "PermissionsBoundaryPolicyInputList", "PolicyExclusionList", "ResourcePolicy", "ResourceOwner", "CallerArn",
    "ResourceHandlingOption",
)  # fmt: skip


class PolicySimulator:
    """The simulator that executes ``SimulatePrincipalPolicy``. moto executes IAM's other operations.

    The response contains neither ``MatchedStatements`` nor ``MissingContextValues``.

    Args:
        backend: The backend that stores the account's identities.
    """

    name = "iam"
    operations = frozenset({"SimulatePrincipalPolicy"})

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request."""
        for member in _NOT_OFFERED:
            if request.get(member):
                raise Fault("InvalidInput", f"The local lakehouse does not evaluate {member} in {operation}; AWS does.")
        arn = request["PolicySourceArn"]
        identity = find_principal(self._backend, arn)
        if identity is None:
            raise Fault("NoSuchEntity", f"The user or role with ARN {arn} cannot be found.", status=404)
        try:
            results = list(_results(identity, request))
        except UnsupportedPolicyError as error:
            raise Fault("PolicyEvaluation", f"A policy cannot be evaluated: {error}", status=500) from error
        return {"EvaluationResults": results, "IsTruncated": False}


def _results(identity: Identity, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    policies = [*identity.policies, *(parse_document(text) for text in request.get("PolicyInputList", []))]
    context = {
        entry["ContextKeyName"]: entry["ContextKeyValues"][0]
        for entry in request.get("ContextEntries", [])
        if entry.get("ContextKeyValues")
    }
    for action in request["ActionNames"]:
        for resource in request.get("ResourceArns") or ["*"]:
            yield _result(identity, policies, Ask(action, resource, context=context))


def _result(identity: Identity, policies: Sequence[Document], ask: Ask) -> dict[str, Any]:
    decision = decide(policies, ask)
    result: dict[str, Any] = {"EvalActionName": ask.action, "EvalResourceName": ask.resource}
    if identity.boundary is not None:
        limit = decide([identity.boundary], ask)
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": limit is Decision.ALLOWED}
        if Decision.DENIED in (limit, decision):
            decision = Decision.DENIED
        elif limit is Decision.NOT_ALLOWED:
            decision = Decision.NOT_ALLOWED
    return {**result, "EvalDecision": _DECISIONS[decision]}
