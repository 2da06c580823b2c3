"""Evaluation of IAM policy documents.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

Document = Mapping[str, Any]


class Decision(Enum):
    """The result of a policy evaluation."""

    ALLOWED = "allowed"
    DENIED = "denied by a statement"
    NOT_ALLOWED = "not allowed by any statement"


class UnsupportedPolicyError(ValueError):
    """A policy uses an unsupported construct."""


@dataclass(frozen=True)
class Principal:
    """The caller of a request.

    Args:
        kind: The kind of principal, ``AWS`` or ``Service``, which is a key in a policy's `Principal`.
        name: An ARN, or a service's name such as ``glue.amazonaws.com``.
        by_account: Whether a statement whose `Principal` is the account applies to this principal.
    """

    kind: str
    name: str
    by_account: bool = True


@dataclass(frozen=True)
class Ask:
    """A request to evaluate.

    Args:
        action: The action, such as ``s3:PutObject``.
        resource: The resource's ARN.
        principal: The caller, which is compared with the principals in resource policies.
        context: The condition keys and their values.
        known: Patterns of condition keys that are absent from the request unless `context` contains them. A condition
            on any other key, or with an unsupported operator, cannot be evaluated. An Allow statement with such a
            condition does not apply, but a Deny statement does. None means that `context` contains all keys of the
            request.
    """

    action: str
    resource: str
    principal: Principal | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    known: Sequence[str] | None = None


def decide(documents: Iterable[Document], ask: Ask) -> Decision:
    """Evaluate a request against several policy documents.

    Args:
        documents: Identity policies or resource policies. A statement with a `Principal` applies only if the principal
            matches.
        ask: The request.

    Raises:
        UnsupportedPolicyError: A relevant statement uses an unsupported condition operator, and `Ask.known` is None.
    """
    effects = {
        statement.get("Effect")
        for document in documents
        for statement in _statements(document)
        if _applies(statement, ask)
    }
    if "Deny" in effects:
        return Decision.DENIED
    return Decision.ALLOWED if "Allow" in effects else Decision.NOT_ALLOWED


def parse_document(text: str) -> Document:
    """Parse a policy document.

    Raises:
        UnsupportedPolicyError: The document is not a JSON object.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UnsupportedPolicyError(f"The policy document is not valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise UnsupportedPolicyError("The policy document is not a JSON object.")
    return document


def _statements(document: Document) -> Sequence[Document]:
    statements = document.get("Statement", [])
    return [statements] if isinstance(statements, dict) else statements


def _applies(statement: Document, ask: Ask) -> bool:
    return (
        _names(statement, "Action", lambda pattern: _like(pattern.lower(), ask.action.lower()))
        # A trust policy has no `Resource`, because it applies to its role.
        and (("Resource" not in statement and "NotResource" not in statement) or _about(statement, ask))
        and _by(statement, ask)
        and all(
            _condition(operator, key, values, ask.context)
            if _can_judge(operator, key, values, ask)
            else statement.get("Effect") == "Deny"
            for operator, tests in statement.get("Condition", {}).items()
            for key, values in tests.items()
        )
    )


def _can_judge(operator: str, key: str, wanted: Any, ask: Ask) -> bool:
    if ask.known is None:
        return True
    keys = [key, *(variable for choice in _list(wanted) for variable in _VARIABLE.findall(choice))]
    return (operator == "Null" or _test_of(operator) is not None) and all(_is_known(each, ask) for each in keys)


def _is_known(key: str, ask: Ask) -> bool:
    patterns = [*ask.context, *(ask.known or ())]
    return any(_like(pattern.lower(), key.lower()) for pattern in patterns)


def _about(statement: Document, ask: Ask) -> bool:
    return _names(statement, "Resource", lambda pattern: _like(_filled(pattern, ask.context), ask.resource))


def _names(statement: Document, element: str, matches: Callable[[str], bool]) -> bool:
    if f"Not{element}" in statement:
        return not any(map(matches, _list(statement[f"Not{element}"])))
    return any(map(matches, _list(statement.get(element, []))))


def _by(statement: Document, ask: Ask) -> bool:
    if "NotPrincipal" in statement:
        return ask.principal is not None and not _is_among(ask.principal, statement["NotPrincipal"])
    if "Principal" in statement:
        return ask.principal is not None and _is_among(ask.principal, statement["Principal"])
    return True


def _is_among(principal: Principal, named: Any) -> bool:
    if named == "*":
        return True
    return any(
        pattern == "*" or _same_principal(pattern, principal) for pattern in _list(named.get(principal.kind, []))
    )


def _same_principal(pattern: str, principal: Principal) -> bool:
    """Return whether a pattern names a principal, the principal's account, or the role of the principal's session."""
    account = _account_of(principal.name)
    if account and pattern in (account, f"arn:{principal.name.split(':')[1]}:iam::{account}:root"):
        return principal.by_account
    role = role_of(principal.name)
    # A session's ARN omits the path of its role.
    return pattern == principal.name or (role is not None and re.sub(r":role/.*/", ":role/", pattern) == role)


def role_of(arn: str) -> str | None:
    """Return the ARN of a session's role, or None if the given ARN does not identify a session."""
    session = re.fullmatch(r"arn:(aws[^:]*):sts::(\d+):assumed-role/([^/]+)/.+", arn)
    return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else None


def _account_of(arn: str) -> str | None:
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 and parts[0] == "arn" else None


def _list(value: Any) -> Sequence[str]:
    return [str(value)] if isinstance(value, str | int | bool) else [str(element) for element in value]


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    # IAM supports only the wildcards * and ?, so brackets match literally.
    return re.compile("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern), re.DOTALL)


def _like(pattern: str, value: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


def _arn_like(pattern: str, value: str) -> bool:
    """Compare ARNs part by part, as IAM does, so that ``*`` matches a colon only in the last part."""
    patterns, values = pattern.split(":", 5), value.split(":", 5)
    return len(patterns) == len(values) and all(map(_like, patterns, values))


_VARIABLE = re.compile(r"\$\{([^}]+)\}")


def _filled(pattern: str, context: Mapping[str, str]) -> str:
    """Replace policy variables such as ``${aws:SourceAccount}`` with their values."""
    lowered = {key.lower(): value for key, value in context.items()}
    return _VARIABLE.sub(lambda variable: lowered.get(variable[1].lower(), variable[0]), pattern)


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
}
_NEGATED: Mapping[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def _test_of(operator: str) -> Callable[[str, str], bool] | None:
    name = operator.removesuffix("IfExists")
    return _OPERATORS.get(_NEGATED.get(name, name))


def _condition(operator: str, key: str, wanted: Any, context: Mapping[str, str]) -> bool:
    value = next((held for name, held in context.items() if name.lower() == key.lower()), None)
    if operator == "Null":
        return (value is None) == (_list(wanted)[0].lower() == "true")
    name = operator.removesuffix("IfExists")
    negated = name in _NEGATED
    test = _test_of(operator)
    if test is None:
        raise UnsupportedPolicyError(
            f"The local lakehouse does not evaluate the condition operator {operator}. It evaluates Null, and "
            f"the following operators with or without IfExists: {', '.join([*_OPERATORS, *_NEGATED])}."
        )
    if value is None:
        return negated or name != operator
    held = value
    return any(test(_filled(choice, context), held) for choice in _list(wanted)) != negated
