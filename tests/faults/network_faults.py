"""Simulated network faults between botocore and AWS. Botocore retries the failed requests as usual."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

Send = Callable[[AWSPreparedRequest], Any]


class NetworkFaults:
    """Simulated faults for requests to one operation.

    Args:
        patch: The fixture that removes the faults after the test.
        operation: The operation, such as ``CreateTable``, or an empty string for all operations.
    """

    def __init__(self, patch: pytest.MonkeyPatch, operation: str = "") -> None:
        self.sent = 0
        self._operation = operation
        self._fault: Callable[[AWSPreparedRequest, Send], Any] = lambda request, send: send(request)
        self._left = 0
        real = URLLib3Session.send

        def send(session: URLLib3Session, request: AWSPreparedRequest) -> Any:
            return self._pass(request, lambda entry: real(session, entry))

        patch.setattr(URLLib3Session, "send", send)

    def lose_responses(self, times: int = 1) -> None:
        """Execute requests, but lose their responses."""

        def lose(request: AWSPreparedRequest, send: Send) -> Any:
            send(request)
            raise ReadTimeoutError(endpoint_url=request.url)

        self._fault, self._left = lose, times

    def respond_with_error(self, code: str, times: int, *, status: int = 400) -> None:
        """Respond to requests with an error in the format of a JSON service."""
        self._answer(json.dumps({"__type": code, "message": "simulated"}), times, status)

    def respond_with_xml_error(self, code: str, times: int, *, status: int = 403) -> None:
        """Respond to requests with an error in the format of an XML service, such as STS."""
        error = f"<Error><Code>{code}</Code><Message>simulated</Message></Error>"
        self._answer(f"<ErrorResponse>{error}</ErrorResponse>", times, status)

    def _answer(self, body: str, times: int, status: int) -> None:
        self._fault = lambda request, _: _Answer(request.url, status, {}, body.encode())
        self._left = times

    def drop_requests(self) -> None:
        """Drop all requests before they arrive."""

        def drop(request: AWSPreparedRequest, _: Send) -> Any:
            raise EndpointConnectionError(endpoint_url=request.url)

        self._fault, self._left = drop, 10**6

    def _pass(self, request: AWSPreparedRequest, send: Send) -> Any:
        if not self._matches(request):
            return send(request)
        self.sent += 1
        if not self._left:
            return send(request)
        self._left -= 1
        return self._fault(request, send)

    def _matches(self, request: AWSPreparedRequest) -> bool:
        target = request.headers.get("X-Amz-Target", b"")
        target = target.decode() if isinstance(target, bytes) else target
        body = request.body if isinstance(request.body, bytes | str) else b""
        text = body.decode(errors="replace") if isinstance(body, bytes) else body
        return not self._operation or target.endswith(f".{self._operation}") or f"Action={self._operation}&" in text


class _Answer(AWSResponse):  # type: ignore[misc]
    def __init__(self, url: str, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(url, status, headers, None)
        self._content = body
