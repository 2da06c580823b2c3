"""Functions that find unused parts of policies, and denied permissions."""

import re
from collections.abc import Iterable, Iterator
from typing import Any


def unused(documents: Iterable[dict[str, Any]], checks: Iterable[dict[str, Any]]) -> list[str]:
    """Return the parts of policy statements (actions and resources) that no granted permission required."""
    granted = {(check["action"], check["resource"]) for check in checks if check["allowed"]}
    return [line for document in documents for entry in document["Statement"] for line in _idle(entry, granted)]


def denied(checks: Iterable[dict[str, Any]]) -> list[str]:
    """Return each permission that was not granted."""
    return [f"{permission['action']} on {permission['resource']}" for permission in checks if not permission["allowed"]]


def _idle(statement: dict[str, Any], granted: set[tuple[str, str]]) -> Iterator[str]:
    actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
    for action in actions:
        if not any(entry == action and any(_like(pattern, thing) for pattern in resources) for entry, thing in granted):
            yield f"{statement['Sid']}: {action}"
    for pattern in resources:
        if not any(item in actions and _like(pattern, thing) for item, thing in granted):
            yield f"{statement['Sid']}: {pattern}"


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _like(pattern: str, value: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value, re.DOTALL) is not None
