"""Rendering of a helper's AWS calls as boto3 code and AWS CLI commands."""

from __future__ import annotations

import json
import keyword
import shlex
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from botocore import xform_name

__all__ = ["Call", "boto3_code", "changing", "cli_commands"]

_LOOKS = ("BatchGet", "Describe", "Get", "Head", "List", "Query", "Scan", "Search", "Simulate")
_INDENT = "    "
_WIDTH = 100
# The AWS CLI offers the operations of the S3 API as s3api commands, not s3 commands.
_CLI_NAMES = {"s3": "s3api"}


class Call(str):
    """An operation, such as ``dynamodb.CreateTable``, and its arguments.

    Args:
        name: Service and operation.
        parameters: The arguments in boto3 format, or None if they are unknown.
    """

    __slots__ = ("parameters",)
    parameters: Mapping[str, Any] | None

    def __new__(cls, name: str, parameters: Mapping[str, Any] | None = None) -> Call:
        call = super().__new__(cls, name)
        call.parameters = None if parameters is None else MappingProxyType(dict(parameters))
        return call

    @property
    def service(self) -> str:
        """The name of the service's boto3 client."""
        return self.partition(".")[0]

    @property
    def operation(self) -> str:
        """The operation's name in the API."""
        return self.partition(".")[2]

    @property
    def changes(self) -> bool:
        """Whether the call can change resources."""
        return not self.operation.startswith(_LOOKS)


def changing(calls: Iterable[str]) -> list[Call]:
    """Return the calls that can change resources and whose arguments are known.

    If there are none, return all calls with known arguments.
    """
    known = [call for call in calls if isinstance(call, Call) and call.parameters is not None]
    return [call for call in known if call.changes] or known


def boto3_code(calls: Sequence[Call]) -> str:
    """Return calls as boto3 code.

    Args:
        calls: The calls, in order.
    """
    lines = ["import boto3", ""]
    made: set[str] = set()
    for call in calls:
        name = call.service.replace("-", "_")
        if name not in made:
            made.add(name)
            lines.append(f'{name} = boto3.client("{call.service}")')
        function = f"{name}.{xform_name(call.operation)}"
        lines.append(f"{function}({_arguments(call.parameters or {}, len(function))})")
    if any(_document(value) is not None for call in calls for value in (call.parameters or {}).values()):
        lines.insert(0, "import json\n")
    return "\n".join(lines)


def cli_commands(calls: Sequence[Call]) -> str:
    """Return calls as AWS CLI commands.

    Long arguments are indented JSON on several lines, so that readers do not need to scroll horizontally.

    Args:
        calls: The calls, in order.
    """
    return "\n".join(_command(call) for call in calls)


def _arguments(parameters: Mapping[str, Any], indent: int) -> str:
    """Return a call's arguments as Python code, on the same line as the function's name if they fit."""
    if not parameters:
        return ""
    if all(name.isidentifier() and not keyword.iskeyword(name) for name in parameters):
        parts = [f"{name}={_argument(value)}" for name, value in parameters.items()]
    else:
        return f"**{_literal(dict(parameters), 0)}"
    joined = ", ".join(parts)
    if indent + len(joined) < _WIDTH and "\n" not in joined:
        return joined
    return "\n" + "".join(f"{_INDENT}{part},\n" for part in parts)


def _argument(value: Any) -> str:
    document = _document(value)
    return _literal(value, 1) if document is None else f"json.dumps({_literal(document, 1)})"


def _document(value: Any) -> Any:
    """Return the parsed contents of a long JSON string, such as a policy. Return None for any other value."""
    if not isinstance(value, str) or len(value) < _WIDTH or not value.startswith(("{", "[")):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _literal(value: Any, depth: int) -> str:
    """Return a value as Python code, on several lines if it is long."""
    if hasattr(value, "read") or isinstance(value, bytes | bytearray):
        return 'open("FILE", "rb")' if hasattr(value, "read") or len(value) > _WIDTH else repr(bytes(value))
    if isinstance(value, Mapping):
        entries = [f"{_text(str(name))}: {_literal(entry, depth + 1)}" for name, entry in value.items()]
        return _bracketed("{", entries, "}", depth)
    if isinstance(value, list | tuple | set):
        return _bracketed("[", [_literal(item, depth + 1) for item in value], "]", depth)
    return _text(value) if isinstance(value, str) else repr(value)


def _bracketed(opening: str, entries: Sequence[str], closing: str, depth: int, *, last: str = ",") -> str:
    line = opening + ", ".join(entries) + closing
    if len(line) + len(_INDENT) * depth < _WIDTH and "\n" not in line:
        return line
    inner = ",\n".join(f"{_INDENT * (depth + 1)}{entry}" for entry in entries)
    return f"{opening}\n{inner}{last}\n{_INDENT * depth}{closing}"


def _text(value: str) -> str:
    """Return a Python literal for a string, with double quotes if all characters are printable."""
    return json.dumps(value, ensure_ascii=False) if value.isprintable() else repr(value)


def _command(call: Call) -> str:
    service = _CLI_NAMES.get(call.service, call.service)
    parts = [f"aws {service} {xform_name(call.operation, '-')}"]
    parts += [_option(name, value) for name, value in (call.parameters or {}).items()]
    line = " ".join(parts)
    return line if len(line) < _WIDTH else f" \\\n{_INDENT}".join(parts)


def _option(name: str, value: Any) -> str:
    option = f"--{xform_name(name, '-')}"
    if isinstance(value, bool):
        return option if value else f"--no-{option.removeprefix('--')}"
    if hasattr(value, "read") or isinstance(value, bytes | bytearray):
        return f"{option} fileb://FILE"
    if isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value):
        return " ".join([option, *map(shlex.quote, value)])
    document = _document(value)
    if document is not None:
        value = document
    if isinstance(value, Mapping | list | tuple):
        text = json.dumps(value, ensure_ascii=False, default=str)
        return f"{option} {shlex.quote(text if len(text) < _WIDTH else _indented(value))}"
    return f"{option} {shlex.quote(str(value))}"


def _indented(value: Any, depth: int = 0) -> str:
    """Return a value as JSON, with each part on one line if it fits."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    if len(line) + len(_INDENT) * depth < _WIDTH or not isinstance(value, Mapping | list | tuple):
        return line
    if isinstance(value, Mapping):
        entries = [f"{json.dumps(str(name))}: {_indented(entry, depth + 1)}" for name, entry in value.items()]
        return _bracketed("{", entries, "}", depth, last="")
    return _bracketed("[", [_indented(entry, depth + 1) for entry in value], "]", depth, last="")
