"""The errors that a service's model defines, in the format of the service's protocol."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from local_lakehouse.protocol.services import PROTOCOLS, Protocol


class Fault(Exception):
    """An error that the service's model defines. The client receives it as it would from AWS.

    Args:
        code: The error's name in the service model, such as ``EntityNotFoundException``.
        message: The message, which states the problem, the affected resource and the next step.
        status: The HTTP status.
        members: The additional members of the error's shape, such as ``AthenaErrorCode``.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


@dataclass(frozen=True)
class Answer:
    """A complete HTTP response.

    Args:
        status: The HTTP status.
        headers: The names and values of the headers.
        body: The body.
        content: The content of a large object, which is sent instead of `body`.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    content: memoryview | None = None

    @property
    def sent(self) -> bytes | memoryview:
        """The body or the large content."""
        return self.body if self.content is None else self.content


def fail(service: str, method: str, fault: Fault, *, queried: bool = False) -> Answer:
    """Return the response for an error.

    Args:
        service: The name of the service in botocore.
        method: The HTTP method. A response to HEAD has no body.
        fault: The error.
        queried: Whether a service that supports several protocols was called with the ``query`` protocol.
    """
    protocol = PROTOCOLS.get(service, Protocol("json"))
    if protocol.name == "rest-xml":
        return _rest_xml(fault, method)
    if queried or protocol.name == "query":
        return _query(fault)
    return as_json(fault, protocol.version if protocol.name == "json" else None)


def as_json(fault: Fault, version: str | None) -> Answer:
    """Return an error as JSON, with its name in ``__type`` and, for REST-JSON clients, in a header.

    Models use either ``message`` or ``Message``. botocore reads both, and other clients use the name in the model.
    """
    body = {"__type": fault.code, "message": fault.message, "Message": fault.message, **fault.members}
    # A name from a client can contain a lone surrogate, which must be escaped.
    payload = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    headers = [
        ("Content-Type", f"application/x-amz-json-{version}" if version else "application/json"),
        ("Content-Length", str(len(payload))),
        ("x-amzn-RequestId", str(uuid.uuid4())),
        ("x-amzn-ErrorType", fault.code),
    ]
    return Answer(fault.status, headers, payload)


def _rest_xml(fault: Fault, method: str) -> Answer:
    message = _readable(fault.message)
    error = f"<Error><Code>{fault.code}</Code><Message>{message}</Message><RequestId>{uuid.uuid4()}</RequestId></Error>"
    return xml(fault.status, "" if method == "HEAD" else error, "application/xml")


def _query(fault: Fault) -> Answer:
    message = _readable(fault.message)
    error = f"<Error><Type>Sender</Type><Code>{fault.code}</Code><Message>{message}</Message></Error>"
    return xml(fault.status, f"<ErrorResponse>{error}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>")


def _readable(text: str) -> str:
    """Escape a string for XML, which allows neither control characters nor lone surrogates."""
    allowed = (
        character if character >= " " and not "\ud800" <= character <= "\udfff" else "\ufffd" for character in text
    )
    return escape("".join(allowed))


def xml(status: int, document: str, content_type: str = "text/xml") -> Answer:
    """Return a response with an XML document, or without a body if the document is empty."""
    declared = (
        document
        if document.startswith("<?xml") or not document
        else f'<?xml version="1.0" encoding="UTF-8"?>\n{document}'
    )
    body = declared.encode()
    return Answer(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))], body)
