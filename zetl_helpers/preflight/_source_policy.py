"""AWS Glue's access to a table, as far as the table's resource policy decides it before there is an integration."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GLUE = "glue.amazonaws.com"
ACTIONS = ("dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport")

# An integration's ID is a UUID. Its characters are unknown until the integration exists.
_UNKNOWN = "\0"
_ID = _UNKNOWN * 36
_ID_CHARACTERS = "0123456789abcdef-"
_ARN_PARTS = 6
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class Access:
    """The actions that AWS Glue may not perform.

    Args:
        missing: The actions that no statement allows.
        denied: The actions that a statement denies.
        undecided: The actions that are allowed or denied under conditions that cannot be evaluated.
        reasons: The condition keys that cannot be evaluated, and ``Principal`` if it cannot be.
    """

    missing: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def integrations(table_arn: str) -> str:
    """Return the pattern for the ARNs of the integrations in a table's account and Region."""
    return _source_arn(table_arn, "*")


def access(policy: str, table_arn: str) -> Access:
    """Return the access that a table's resource policy gives to AWS Glue for an integration in the table's account.

    Args:
        policy: The policy, or an empty string if the table has none.
        table_arn: The table's ARN.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-sources.html
    """
    statements = json.loads(policy)["Statement"] if policy else []
    statements = [statements] if isinstance(statements, dict) else statements
    request = _Request(table_arn)
    found: dict[str, list[str]] = {"missing": [], "denied": [], "undecided": []}
    for action in ACTIONS:
        results = [(each["Effect"], request.matches(each, action)) for each in statements]
        if ("Deny", True) in results:
            found["denied"].append(action)
        elif ("Allow", True) not in results and ("Allow", None) not in results:
            found["missing"].append(action)
        elif ("Deny", None) in results or ("Allow", True) not in results:
            found["undecided"].append(action)
    return Access(**{name: tuple(actions) for name, actions in found.items()}, reasons=tuple(sorted(request.reasons)))


class _Request:
    """A request that AWS Glue makes to a table for an integration. A result of None means undecided.

    Args:
        table_arn: The table's ARN.
    """

    def __init__(self, table_arn: str) -> None:
        self.reasons: set[str] = set()
        self._table_arn = table_arn
        account = table_arn.split(":")[4]
        # AWS includes the last three keys in every request of a service:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        self._context = {
            "aws:sourceaccount": account,
            "aws:sourcearn": _source_arn(table_arn, _ID),
            "aws:resourceaccount": account,
            "aws:principalisawsservice": "true",
            "aws:principalservicename": GLUE,
            "aws:securetransport": "true",
        }

    def matches(self, statement: Mapping[str, Any], action: str) -> bool | None:
        """Return whether a statement applies to this request with the given action."""
        if not _names(statement, "Action", lambda pattern: _like(pattern.lower(), action.lower())):
            return False
        if not _names(statement, "Resource", lambda pattern: _like(pattern, self._table_arn)):
            return False
        results = {"Principal": _principal(statement)}
        for operator, tests in statement.get("Condition", {}).items():
            for key, choices in tests.items():
                result = self._condition(operator, key, _list(choices))
                # A key can occur with several operators, all of which must match.
                results[key] = _all([results.get(key, True), result])
        outcome = _all(results.values())
        if outcome is None:
            self.reasons.update(name for name, result in results.items() if result is None)
        return outcome

    def _condition(self, operator: str, key: str, choices: Sequence[str]) -> bool | None:
        value = self._context.get(key.lower())
        if value is None:
            return None
        name = operator.removesuffix("IfExists")
        if name == "Null":
            return choices[0].lower() == "false"
        negated = "Not" in name
        compare = _OPERATORS.get(name.replace("Not", ""))
        if compare is None:
            return None
        result = _any(self._compared(compare, choice, value) for choice in choices)
        return result if result is None else result != negated

    def _compared(self, compare: Callable[..., bool], choice: str, value: str) -> bool | None:
        filled = _VARIABLE.sub(lambda variable: self._context.get(variable[1].lower(), variable[0]), choice)
        if _VARIABLE.search(filled):
            return None
        if compare(filled, value):
            return True
        return None if compare(filled, value, possibly=True) else False


def _source_arn(table_arn: str, integration: str) -> str:
    _, partition, _, region, account, _ = table_arn.split(":", _ARN_PARTS - 1)
    return f"arn:{partition}:glue:{region}:{account}:integration:{integration}"


def _principal(statement: Mapping[str, Any]) -> bool | None:
    if "NotPrincipal" in statement:
        return not _is_glue(statement["NotPrincipal"])
    named = statement.get("Principal", {})
    if _is_glue(named):
        return True
    # AWS documents that this value is equivalent to "*", but not that it includes service principals.
    return None if "*" in _list(named.get("AWS", [])) else False


def _is_glue(named: Any) -> bool:
    return named == "*" or (isinstance(named, dict) and not {GLUE, "*"}.isdisjoint(_list(named.get("Service", []))))


def _names(statement: Mapping[str, Any], element: str, matches: Callable[[str], bool]) -> bool:
    if f"Not{element}" in statement:
        return not any(map(matches, _list(statement[f"Not{element}"])))
    return any(map(matches, _list(statement.get(element, []))))


def _list(value: Any) -> list[str]:
    return [str(value)] if isinstance(value, str | int | bool) else [str(element) for element in value]


def _all(results: Iterable[bool | None]) -> bool | None:
    found = set(results)
    return False if False in found else None if None in found else True


def _any(results: Iterable[bool | None]) -> bool | None:
    found = set(results)
    return True if True in found else None if None in found else False


def _equal(wanted: str, value: str, *, possibly: bool = False) -> bool:
    return _matches(map(re.escape, wanted), wanted, value, possibly)


def _equal_ignoring_case(wanted: str, value: str, *, possibly: bool = False) -> bool:
    return _equal(wanted.lower(), value.lower(), possibly=possibly)


def _like(pattern: str, value: str, *, possibly: bool = False) -> bool:
    parts = ({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return _matches(parts, pattern, value, possibly)


def _arn_like(pattern: str, value: str, *, possibly: bool = False) -> bool:
    # IAM compares ARNs part by part, so a wildcard matches a colon only in the last part.
    patterns, values = pattern.split(":", _ARN_PARTS - 1), value.split(":", _ARN_PARTS - 1)
    pairs = zip(patterns, values, strict=False)
    return len(patterns) == len(values) and all(_like(*pair, possibly=possibly) for pair in pairs)


def _matches(parts: Iterable[str], letters: str, value: str, possibly: bool) -> bool:
    """Match a value. If `possibly` is true, an unknown character matches each letter that it could be."""
    expressions = [
        f"[{_UNKNOWN}{part}]" if possibly and letter in _ID_CHARACTERS else part
        for part, letter in zip(parts, letters, strict=True)
    ]
    return re.fullmatch("".join(expressions), value, re.DOTALL) is not None


_OPERATORS: Mapping[str, Callable[..., bool]] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_ignoring_case,
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": _equal_ignoring_case,
}
