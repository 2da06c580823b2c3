"""AWS calls in the code of the helpers and notebooks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from botocore import xform_name

from local_lakehouse.protocol import wire
from tests.contract.tutorial import NOTEBOOKS, cells

_PACKAGE = Path(__file__).parent.parent.parent / "zetl_helpers"
HELPERS = sorted(_PACKAGE.glob("*.py"))
SERVICES = (
    "athena", "cloudwatch", "datazone", "dynamodb", "glue", "iam", "kms", "lakeformation", "logs", "s3", "sts",
)  # fmt: skip
_ERROR = re.compile(r"[A-Z]\w+(Exception|Fault)")


def operations() -> dict[str, set[str]]:
    """Return the AWS operations, keyed by boto3 method name."""
    found: dict[str, set[str]] = {}
    for service in SERVICES:
        for operation in wire.service_model(service).operation_names:
            found.setdefault(xform_name(operation), set()).add(f"{service}.{operation}")
    return found


def calls() -> dict[str, list[str]]:
    """Return the places where notebooks and helpers call each boto3 client method, keyed by method name."""
    known = operations()
    found: dict[str, list[str]] = {}
    for place, tree in _trees():
        helpers = {path.stem for path in HELPERS}
        for name in _names(tree, helpers):
            if name in known:
                found.setdefault(name, []).append(place)
    return found


def error_codes() -> dict[str, list[str]]:
    """Return the places where the code names each AWS error code, keyed by error code."""
    found: dict[str, list[str]] = {}
    for place, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _ERROR.fullmatch(node.value):
                found.setdefault(node.value, []).append(place)
    return found


def _trees() -> Iterator[tuple[str, ast.AST]]:
    for path in HELPERS:
        yield path.name, ast.parse(path.read_text(encoding="utf-8"))
    for path in NOTEBOOKS:
        for number, source in enumerate(cells(path), 1):
            yield f"{path.name}, code cell {number}", ast.parse(source)


def _names(tree: ast.AST, helpers: set[str]) -> Iterator[str]:
    """Yield the method names that occur in strings, or as attributes that are not helper functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _may_be_a_client(node, helpers):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "_" in node.value:
            yield node.value


def _may_be_a_client(node: ast.Attribute, helpers: set[str]) -> bool:
    """Return whether an attribute may be a client's method.

    A name without an underscore must follow a `client(...)` call or a variable named after a service.
    """
    owner = node.value
    if isinstance(owner, ast.Call):
        return isinstance(owner.func, ast.Attribute) and owner.func.attr == "client"
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return name in SERVICES or ("_" in node.attr and name not in helpers)
