"""Conversion of values between the page's JSON and botocore's Python types."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

# The page's numbers are doubles, which cannot represent every integer beyond this limit.
_EXACT = 2**53
# The page shows only the start of an object. Users can download the whole object.
MAX_BODY = 1024 * 1024


class InvalidValueError(ValueError):
    """A parameter does not match the operation's model. The message names the parameter."""


def to_python(value: Any, shape: Any, path: str = "") -> Any:
    """Convert a parameter to the types that botocore expects, which are bytes for blobs and datetimes for timestamps.

    Args:
        value: The JSON value.
        shape: The value's botocore shape, or None if the model has none.
        path: The value's path, for the error message.

    Raises:
        InvalidValueError: A blob is not Base64, or a timestamp is not ISO 8601.
    """
    kind = getattr(shape, "type_name", None)
    if kind == "structure" and isinstance(value, Mapping):
        members = shape.members
        return {key: to_python(each, members.get(key), f"{path}.{key}".lstrip(".")) for key, each in value.items()}
    if kind == "map" and isinstance(value, Mapping):
        return {key: to_python(each, shape.value, f"{path}.{key}".lstrip(".")) for key, each in value.items()}
    if kind == "list" and isinstance(value, list):
        return [to_python(each, shape.member, f"{path}[{place}]") for place, each in enumerate(value)]
    if kind == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise InvalidValueError(f"{path} is not Base64.") from error
    if kind == "timestamp" and isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise InvalidValueError(f"{path} is not an ISO 8601 time, such as 2026-11-28T09:00:00Z.") from error
    return value


def to_json(value: Any) -> Any:
    """Convert a response for the page.

    Times become ISO 8601 strings, and blobs become Base64. Numbers that JavaScript cannot represent exactly become
    text.

    Args:
        value: A value from botocore, PyArrow or a document.
    """
    if isinstance(value, Mapping):
        return {str(key): to_json(each) for key, each in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list | tuple | set):
        return [to_json(each) for each in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if -_EXACT < value < _EXACT else str(value)
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if hasattr(value, "read"):
        return _beginning(value)
    return str(value)


def _beginning(body: Any) -> dict[str, Any]:
    """Return the first bytes of a streamed body, and whether more bytes follow."""
    with body:
        content = body.read(MAX_BODY + 1)
    return {"base64": base64.b64encode(content[:MAX_BODY]).decode(), "truncated": len(content) > MAX_BODY}
