"""Answers of AWS that no lakehouse gives by itself: errors, partial batches, late visibility."""

import json
from collections.abc import Callable
from http.client import responses
from typing import Any

from botocore.awsrequest import AWSResponse

from zetl_helpers.lab import Lab


class Answers:
    """Answers one operation of a lab's client itself for some calls, then lets them through again.

    Args:
        lab: The lab.
        service: The service's name, such as ``dynamodb``.
        operation: The operation, such as ``PutItem``.
    """

    def __init__(self, lab: Lab, service: str, operation: str) -> None:
        self.left = 0
        self._answer: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
        name = f"{service}.{operation}"
        events = lab.client(service).meta.events
        events.register(f"before-call.{name}", self._call)

    def once(self, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Let the next call be answered by a function of its parameters."""
        self.left = 1
        self._answer = lambda request: (200, answer(_parameters(request)))

    def fail(self, code: str, *, times: int = 1, message: str = "told to") -> None:
        """Let the next calls fail with an error of the service."""
        self.left = times
        self._answer = lambda _: (400, {"Error": {"Code": code, "Message": message}})

    def _call(self, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        if not self.left:
            return None
        self.left -= 1
        status, parsed = self._answer(params)
        metadata = {"HTTPStatusCode": status, "RequestId": "test", "RetryAttempts": 0}
        return AWSResponse("", status, {}, None), {**parsed, "ResponseMetadata": metadata, "Reason": responses[status]}


def _parameters(request: dict[str, Any]) -> dict[str, Any]:
    """Read back what a JSON service was asked for; nothing where the path says it all."""
    document: dict[str, Any] = json.loads(request["body"] or b"{}")
    return document
