"""Responses to rejected requests, with the message and format of each protocol.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

from enum import Enum

from local_lakehouse.iam.access import Access
from local_lakehouse.protocol.faults import Answer, Fault, fail
from local_lakehouse.protocol.request import Request
from local_lakehouse.protocol.services import PROTOCOLS


class Cause(Enum):
    """The cause of a rejection, with its error codes for JSON services, query services and S3, and its message."""

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
        "The local lakehouse does not support this operation, so it cannot check the caller's permission.",
    )  # fmt: skip
    MALFORMED = (
        "ValidationException", "ValidationError", "InvalidRequest",
        "Members of the request are missing or have the wrong type.",
    )  # fmt: skip


class Refusal(Exception):
    """A request is rejected."""

    def __init__(self, cause: Cause, message: str | None = None) -> None:
        super().__init__(message or cause.value[3])
        self.cause = cause
        self.message = message or cause.value[3]


def describe(caller: str, access: Access, why: str) -> str:
    """Return AWS's message for a denied action.

    Args:
        caller: The caller's ARN.
        access: The missing permission.
        why: The reason for the denial, in AWS's wording.
    """
    resource = f'"{access.resource}"' if access.action.startswith("s3:") else access.resource
    return f"User: {caller} is not authorized to perform: {access.action} on resource: {resource} {why}".rstrip()


def answer(request: Request, refusal: Refusal) -> Answer:
    """Return the response to a rejected request, in the format of its service."""
    json_code, query_code, s3_code, _ = refusal.cause.value
    message = refusal.message
    if request.protocol == "rest-xml":
        status = {"InvalidRequest": 400, "NotImplemented": 501}.get(s3_code, 403)
        return fail(request.service, request.method, Fault(s3_code, message, status=status))
    if request.protocol == "query":
        status = 400 if query_code in ("InvalidAction", "ValidationError") else 403
        return fail(request.service, request.method, Fault(query_code, message, status=status), queried=True)
    status = 403 if request.protocol == "rest-json" else 400
    response = fail(request.service, request.method, Fault(json_code, message, status=status))
    if PROTOCOLS[request.service].queried:
        # Clients that use a service's older protocol expect the older names of its errors.
        return Answer(403, [*response.headers, ("x-amzn-query-error", f"{query_code};Sender")], response.body)
    return response
