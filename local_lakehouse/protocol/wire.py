"""The AWS JSON and REST-JSON protocols, based on botocore's service models."""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from local_lakehouse.protocol.faults import Answer, Fault, as_json
from local_lakehouse.protocol.request import Caller
from local_lakehouse.protocol.services import service_model

__all__ = [
    "Answer",
    "Caller",
    "Fault",
    "Service",
    "answer",
    "as_json",
    "parse",
    "parse_json",
    "service_model",
    "violations",
]


class Service(Protocol):
    """A service of the lakehouse that implements operations of an AWS service."""

    @property
    def name(self) -> str:
        """The service's name in botocore, such as ``athena``."""

    @property
    def operations(self) -> frozenset[str]:
        """The operations that are implemented here. moto executes the service's other operations."""

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Execute one validated request and return its result, or raise a `Fault`."""


def parse(operation: OperationModel, document: Any) -> dict[str, Any]:
    """Convert a decoded JSON document to a request, and validate it against the operation's input shape.

    Args:
        operation: The operation.
        document: The JSON document, whose unknown members are ignored, as on AWS.

    Returns:
        The members, keyed by their names in the model, with timestamps as timezone-aware datetimes and blobs as bytes.

    Raises:
        Fault: A JSON type is wrong (``SerializationException``), or a constraint is violated (``ValidationException``).
    """
    shape = operation.input_shape
    if shape is None:
        return {}
    request: dict[str, Any] = _decode(shape, {} if document is None else document)
    check(operation, request)
    return request


def check(operation: OperationModel, request: Mapping[str, Any]) -> None:
    """Validate a request's members, whose types have already been checked, against the model's constraints.

    Raises:
        Fault: ``ValidationException``.
    """
    _refuse_broken(list(violations(operation.input_shape, request)) if operation.input_shape else [])


def _refuse_broken(broken: Sequence[str]) -> None:
    if broken:
        noun = "error" if len(broken) == 1 else "errors"
        raise Fault("ValidationException", f"{len(broken)} validation {noun} detected: " + "; ".join(broken))


def parse_json(body: bytes) -> Any:
    """Decode a request's body, and raise AWS's error if it is not JSON."""
    try:
        document = json.loads(body or b"{}", parse_constant=_refuse_constant)
        if _ESCAPED_SURROGATE.search(body):
            # Half a surrogate pair is valid JSON but not valid text, so it can neither be stored nor returned.
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Fault("SerializationException", "The request's body is not valid JSON.") from error
    return document


_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")


def check_types(operation: OperationModel, document: Any, apart: Collection[str] = ()) -> None:
    """Check the types and required members of a decoded JSON document, because moto does not check them.

    Args:
        operation: The operation.
        document: The document.
        apart: The names of shapes that are checked elsewhere.

    Raises:
        Fault: ``SerializationException`` or ``ValidationException``.
    """
    if operation.input_shape is not None:
        _refuse_broken(list(_check_tree(operation.input_shape, document, "", apart)))


def check_required(operation: OperationModel, request: Mapping[str, Any]) -> None:
    """Check that a request has its required members.

    Raises:
        Fault: A required member is missing (``ValidationError``, as in the query protocol).
    """
    needed = operation.input_shape.required_members if operation.input_shape else []
    missing = [_violation("null", _join("", name), "Member must not be null") for name in needed if name not in request]
    if missing:
        noun = "error" if len(missing) == 1 else "errors"
        raise Fault("ValidationError", f"{len(missing)} validation {noun} detected: " + "; ".join(missing))


def _check_tree(shape: Shape, value: Any, path: str, apart: Collection[str]) -> Iterator[str]:
    if shape.name in apart:
        return
    _check_type(shape, value)
    if isinstance(shape, StructureShape):
        required, members = _wire_members(shape)
        for wire_name, name in required:
            if value.get(wire_name) is None:
                yield _violation("null", _join(path, name), "Member must not be null")
        for wire_name, held in value.items():
            if held is not None and wire_name in members:
                name, member = members[wire_name]
                yield from _check_tree(member, held, _join(path, name), apart)
    elif isinstance(shape, ListShape):
        for position, item in enumerate(value, 1):
            yield from _check_tree(shape.member, item, f"{path}.{position}.member", apart)
    elif isinstance(shape, MapShape) and shape.value.name not in apart:
        for key, item in value.items():
            yield from _check_tree(shape.value, item, f"{path}.{key}.member", apart)
    elif shape.type_name == "blob":
        _decode_blob(value)
    elif shape.type_name == "timestamp":
        _decode_timestamp(value)


@functools.cache
def _wire_members(shape: StructureShape) -> tuple[list[tuple[str, str]], dict[str, tuple[str, Shape]]]:
    """Return the required members as pairs of wire name and member name, and a map of all members by wire name."""
    members = {_wire_name(member, name): (name, member) for name, member in shape.members.items()}
    return [(_wire_name(shape.members[name], name), name) for name in shape.required_members], members


def answer(operation: OperationModel, result: Mapping[str, Any], json_version: str | None) -> Answer:
    """Serialize a result according to the operation's output shape."""
    shape = operation.output_shape
    body = {} if shape is None else _encode(shape, result)
    return _respond(200, body, json_version)


def _respond(status: int, body: Any, json_version: str | None) -> Answer:
    content_type = f"application/x-amz-json-{json_version}" if json_version else "application/json"
    payload = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(payload))),
        ("x-amzn-RequestId", str(uuid.uuid4())),
    ]
    return Answer(status, headers, payload)


_JSON_NAMES = {dict: "Structure", list: "List", str: "String", bool: "Boolean", int: "Integer", float: "Double"}
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "blob": (str,),
    "timestamp": (int, float, str),
}


def _decode(shape: Shape, value: Any) -> Any:
    _check_type(shape, value)
    if isinstance(shape, StructureShape):
        return {
            name: _decode(member, value[_wire_name(member, name)])
            for name, member in shape.members.items()
            if value.get(_wire_name(member, name)) is not None
        }
    if isinstance(shape, ListShape):
        return [_decode(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _decode(shape.value, item) for key, item in value.items()}
    if shape.type_name == "blob":
        return _decode_blob(value)
    if shape.type_name == "timestamp":
        return _decode_timestamp(value)
    return value


def _check_type(shape: Shape, value: Any) -> None:
    expected = _PYTHON_TYPES[shape.type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        found = _JSON_NAMES.get(type(value), "NULL").upper()
        raise Fault("SerializationException", f"{found}_VALUE can not be converted to {_article(shape)}")


def _wire_name(member: Shape, name: str) -> str:
    return str(member.serialization.get("name", name))


def _article(shape: Shape) -> str:
    noun = {"long": "Long", "integer": "Integer", "list": "List"}.get(shape.type_name, shape.type_name.capitalize())
    return f"an {noun}" if noun[0] in "AEIOU" else f"a {noun}"


def _decode_blob(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fault("SerializationException", "A binary value is not valid base64.") from error


def _decode_timestamp(value: float | str) -> datetime:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Fault("SerializationException", f"{value!r} is not a timestamp.") from error


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Yield AWS's message for each of the model's constraints that a value violates.

    Args:
        shape: The model's shape.
        value: A value of the correct type.
        path: The value's path in the request.
    """
    where = path or "request"
    limits = shape.metadata
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                yield _violation("null", _join(path, name), "Member must not be null")
        for name, member in value.items():
            yield from violations(shape.members[name], member, _join(path, name))
    elif isinstance(shape, ListShape):
        yield from _length_violations(limits, len(value), value, where)
        for position, item in enumerate(value, 1):
            yield from violations(shape.member, item, f"{path}.{position}.member")
    elif isinstance(shape, MapShape):
        yield from _length_violations(limits, len(value), value, where)
        for key, item in value.items():
            yield from violations(shape.key, key, where)
            yield from violations(shape.value, item, f"{path}.{key}.member")
    elif shape.type_name in ("string", "blob") and not hasattr(value, "read"):  # a stream's length is unknown
        yield from _length_violations(limits, len(value), value, where)
        yield from _text_violations(shape, value, where)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _range_violations(limits, value, where)


def _join(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _violation(value: object, where: str, rule: str) -> str:
    shown = "null" if value == "null" else f"'{value}'"
    return f"Value {shown} at '{where}' failed to satisfy constraint: {rule}"


def _length_violations(limits: Mapping[str, Any], length: int, value: object, where: str) -> Iterator[str]:
    if length < limits.get("min", 0):
        yield _violation(value, where, f"Member must have length greater than or equal to {limits['min']}")
    if length > limits.get("max", length):
        yield _violation(value, where, f"Member must have length less than or equal to {limits['max']}")


def _range_violations(limits: Mapping[str, Any], value: float, where: str) -> Iterator[str]:
    if value < limits.get("min", value):
        yield _violation(value, where, f"Member must have value greater than or equal to {limits['min']}")
    if value > limits.get("max", value):
        yield _violation(value, where, f"Member must have value less than or equal to {limits['max']}")


def _text_violations(shape: Shape, value: Any, where: str) -> Iterator[str]:
    choices = getattr(shape, "enum", None)
    if choices and value not in choices:
        yield _violation(value, where, f"Member must satisfy enum value set: [{', '.join(choices)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and isinstance(value, str) and not _matches(pattern, value):
        yield _violation(value, where, f"Member must satisfy regular expression pattern: {pattern}")


def readable(pattern: str) -> bool:
    """Return whether Python can check a model's pattern."""
    return _compile(pattern) is not None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compile(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


@functools.cache
def _compile(pattern: str) -> re.Pattern[str] | None:
    """Compile a model's pattern, which has Java syntax, or return None if Python's `re` cannot compile it."""
    # Java writes the characters above U+FFFF as a range of surrogate pairs.
    pattern = pattern.replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\U00010000-\U0010ffff")
    escaped = re.sub(r"\\u\{?([0-9A-Fa-f]{4,5})\}?", lambda match: re.escape(chr(int(match[1], 16))), pattern)
    escaped = re.sub(r"\\p\{(?:IsAlphabetic|L|Alpha)\}", "A-Za-z\u00c0-\uffff", escaped)
    escaped = escaped.replace(r"\p{N}", "0-9").replace(r"\p{Z}", " \u00a0")
    try:
        return re.compile(escaped, re.DOTALL)
    except re.error:
        return None


def _encode(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {
            _wire_name(member, name): _encode(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [_encode(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {str(key): _encode(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return _encode_timestamp(shape, value)
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return value


def _encode_timestamp(shape: Shape, value: datetime) -> float | str:
    if shape.serialization.get("timestampFormat") == "iso8601":
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return round(value.timestamp(), 3)


def from_query(shape: Shape, values: list[str]) -> Any:
    """Convert a query string's values to the values that a JSON body would contain."""
    if isinstance(shape, ListShape):
        return [from_query(shape.member, [value]) for value in values]
    text = values[-1]
    if shape.type_name == "boolean":
        return text == "true"
    if shape.type_name in ("integer", "long"):
        try:
            return int(text)
        except ValueError as error:
            raise Fault("SerializationException", f"{text!r} can not be converted to an Integer") from error
    return text
