"""What a refused request is answered: each protocol has its own words and its own form.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import uuid
from enum import Enum
from xml.sax.saxutils import escape

from local_lakehouse.iam.access import Access
from local_lakehouse.protocol import query_wire, wire
from local_lakehouse.protocol.wire import Answer, Fault


class Cause(Enum):
    """Why a request is refused: the code of a JSON service, of a query service and of S3, and the message."""

    DENIED = ("AccessDeniedException", "AccessDenied", "AccessDenied", "Access Denied")
    NOT_SIGNED = (
        "MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied",
        "Missing Authentication Token",
    )  # fmt: skip
    NOT_KNOWN = (
        "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
        "The security token included in the request is invalid.",
    )  # fmt: skip
    WRONG_SCOPE = (
        "InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch",
        "Credential should be scoped to correct service.",
    )  # fmt: skip
    NOT_CHECKED = (
        "UnknownOperationException", "InvalidAction", "NotImplemented",
        "The local lakehouse does not know this operation, so it cannot check who may call it.",
    )  # fmt: skip
    MALFORMED = (
        "ValidationException", "ValidationError", "InvalidRequest",
        "The request does not have the members that its operation needs.",
    )  # fmt: skip


class Refusal(Exception):
    """A request that is not carried out."""

    def __init__(self, cause: Cause, message: str | None = None) -> None:
        super().__init__(message or cause.value[3])
        self.cause = cause
        self.message = message or cause.value[3]


def describe(caller: str, access: Access, why: str) -> str:
    """Say in AWS's words what a caller may not do.

    Args:
        caller: The caller's ARN.
        access: The right that is missing.
        why: Which kind of policy says so, as AWS puts it.
    """
    resource = f'"{access.resource}"' if access.action.startswith("s3:") else access.resource
    return f"User: {caller} is not authorized to perform: {access.action} on resource: {resource} {why}".rstrip()


def answer(service: str, method: str, refusal: Refusal) -> Answer:
    """Serialise a refusal as the service's protocol does.

    Args:
        service: botocore's name of the service.
        method: The request's HTTP method.
        refusal: What is refused, and why.
    """
    metadata = wire.service_model(service).metadata
    json_code, query_code, s3_code, _ = refusal.cause.value
    if service == "s3":
        return _s3(s3_code, refusal.message, method)
    if metadata["protocol"] == "query":
        return _query(query_code, refusal.message)
    status = 403 if metadata["protocol"] == "rest-json" else 400
    version = None if metadata["protocol"] == "rest-json" else metadata.get("jsonVersion", "1.1")
    response = wire.fail(Fault(json_code, refusal.message, status=status), version)
    if "awsQueryCompatible" in metadata:
        # Clients that knew the service by its older protocol know its errors by their older names.
        return Answer(403, [*response.headers, ("x-amzn-query-error", f"{query_code};Sender")], response.body)
    return response


def _s3(code: str, message: str, method: str) -> Answer:
    status = {"InvalidRequest": 400, "NotImplemented": 501}.get(code, 403)
    document = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{_id()}</RequestId></Error>"
    return _xml(status, "" if method == "HEAD" else document)


def _query(code: str, message: str) -> Answer:
    return query_wire.fail(Fault(code, message, status=400 if code in ("InvalidAction", "ValidationError") else 403))


def _xml(status: int, document: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{document}'.encode() if document else b""
    return Answer(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))], body)


def _id() -> str:
    return str(uuid.uuid4())
