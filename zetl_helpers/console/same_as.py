"""Conversion of an action in the console to the equivalent boto3 code and AWS CLI command."""

from __future__ import annotations

import json
import pprint
import shlex
from collections.abc import Mapping
from typing import Any

# The CLI uses different names for some services.
_CLI_SERVICES = {"s3": "s3api"}


def boto3_code(service: str, method: str, parameters: Mapping[str, Any]) -> str:
    """Return Python code that makes a call.

    Args:
        service: The service's name in boto3.
        method: The client's method, such as ``create_integration``.
        parameters: The parameters, as Python objects.
    """
    lines = [f"{_variable(service)} = boto3.client({service!r})"]
    if not parameters:
        return "\n".join([*lines, f"{_variable(service)}.{method}()"])
    call = [f"{_variable(service)}.{method}("]
    for name, value in parameters.items():
        shown = pprint.pformat(value, width=88, sort_dicts=False)
        call.append(f"    {name}=" + shown.replace("\n", "\n    " + " " * (len(name) + 1)) + ",")
    return "\n".join([*lines, *call, ")"])


def cli_command(service: str, operation: Any, parameters: Mapping[str, Any]) -> str:
    """Return the AWS CLI command that makes a call.

    Args:
        service: The service's name in boto3.
        operation: The operation's botocore model.
        parameters: The parameters, as JSON values with blobs in Base64.
    """
    from botocore import xform_name

    words = [f"aws {_CLI_SERVICES.get(service, service)} {xform_name(operation.name, '-')}"]
    members = operation.input_shape.members if operation.input_shape is not None else {}
    for name, value in parameters.items():
        option = f"--{xform_name(name, '-')}"
        kind = members[name].type_name if name in members else "string"
        if kind == "boolean":
            words.append(option if value else option.replace("--", "--no-", 1))
        elif kind in ("structure", "map", "list"):
            words.append(f"{option} {_structured(value)}")
        else:
            words.append(f"{option} {shlex.quote(str(value))}")
    # The CLI writes streamed output to a file and requires the file's name as an argument.
    if operation.has_streaming_output:
        words.append("/dev/stdout")
    return " \\\n    ".join(words)


def _structured(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return " ".join(shlex.quote(each) for each in value)
    return shlex.quote(json.dumps(value, ensure_ascii=False))


def _variable(service: str) -> str:
    return service.replace("-", "_")
