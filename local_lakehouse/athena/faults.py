"""The errors of Athena's operations."""

from __future__ import annotations

import uuid

from local_lakehouse.protocol.wire import Fault


def invalid_request(message: str, code: str = "INVALID_INPUT") -> Fault:
    """Return the error for a request that Athena rejects."""
    return Fault("InvalidRequestException", message, AthenaErrorCode=code, ErrorCode=code)


def not_found(message: str, name: str) -> Fault:
    """Return the error for a resource that does not exist."""
    return Fault("ResourceNotFoundException", message, ResourceName=name)


def entity_not_found(message: str) -> Fault:
    """Return the error for a missing catalog entity. Its message ends with the error details that clients parse."""
    envelope = (
        "(Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException; "
        f"Request ID: {uuid.uuid4()}; Proxy: null)"
    )
    return Fault("MetadataException", f"{message} {envelope}")
