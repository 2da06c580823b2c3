"""Simulated AWS responses that the local lakehouse would not return, such as throttling and partial batches."""

import json
from collections.abc import Callable
from http.client import responses
from typing import Any

from botocore.awsrequest import AWSResponse

from zetl_helpers.lab import Lab


class FakeOperation:
    """A fake operation of a lab's client, which responds to some calls and passes all other calls to the lakehouse.

    Args:
        lab: The lab.
        service: The name of the service, such as ``dynamodb``.
        operation: The operation, such as ``PutItem``.
    """

    def __init__(self, lab: Lab, service: str, operation: str) -> None:
        self.left = 0
        self._answer: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
        name = f"{service}.{operation}"
        events = lab.client(service).meta.events
        events.register(f"before-call.{name}", self._call)

    def once(self, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Respond to the next call with a function's result for the call's parameters."""
        self.left = 1
        self._answer = lambda request: (200, answer(_parameters(request)))

    def always(self, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Respond to all later calls with a function's result for each call's parameters."""
        self.once(answer)
        self.left = 10**9

    def fail(self, code: str, *, times: int = 1, message: str = "simulated") -> None:
        """Make the next calls fail with an error from the service."""
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
    """Return the parameters in the body of a JSON or query request, but not those in its path."""
    body = request["body"]
    document: dict[str, Any] = body if isinstance(body, dict) else json.loads(body or b"{}")
    return document
