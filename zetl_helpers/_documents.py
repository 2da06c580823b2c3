"""The sample data and policy templates in the package."""

from __future__ import annotations

import base64
import importlib.resources
import json
from collections.abc import Mapping
from string import Template
from typing import Any


def sample(name: str) -> Any:
    """Return a document from ``sample_data/``, with its binary values decoded to bytes."""
    text = importlib.resources.files("zetl_helpers.sample_data").joinpath(name).read_text(encoding="utf-8")
    return json.loads(text, object_hook=_decode_binary)


def policy_template(name: str) -> Template:
    """Return a template from ``policies/``."""
    text = importlib.resources.files("zetl_helpers.policies").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return Template(text)


def policy_names() -> list[str]:
    """Return the names of all policy templates."""
    files = importlib.resources.files("zetl_helpers.policies").iterdir()
    return sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


def with_bytes(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a typed value in DynamoDB JSON with its binary values decoded to bytes."""
    decoded: dict[str, Any] = json.loads(json.dumps(value), object_hook=_decode_binary)
    return decoded


def _decode_binary(document: dict[str, Any]) -> dict[str, Any]:
    """Decode a typed value such as ``{"B": "aGk="}``: DynamoDB JSON uses base64, but boto3 expects bytes."""
    match document:
        case {"B": str(text), **rest} if not rest:
            return {"B": base64.b64decode(text)}
        case {"BS": [*texts], **rest} if not rest:
            return {"BS": [base64.b64decode(text) for text in texts]}
    return document
