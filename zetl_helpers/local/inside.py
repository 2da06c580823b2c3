"""The lakehouse seen by the services that live in it: AWS clients that reach moto without a socket."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from werkzeug.test import EnvironBuilder, run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# The services' own requests are signed with these, so that a check of the caller's rights knows them.
SERVICE_ACCESS_KEY = "ZETLSERVICE000000000"


class Inside:
    """Clients of moto for the services of this process.

    Args:
        app: The WSGI application that serves moto.
        lock: Held by `app` while it serves one request; hold it to see several things at one instant.
        account: The account that all requests belong to.
        region: The Region of the clients.
    """

    def __init__(self, app: WSGIApplication, lock: threading.RLock, account: str, region: str) -> None:
        self.account = account
        self.region = region
        self.partition = str(botocore.session.get_session().get_partition_for_region(region))
        self.lock = lock
        self._app = app
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()

    def client(self, service: str) -> Any:
        """Return the client of an AWS service, the same one at every call; it may be used from any thread."""
        with self._clients_lock:
            if service not in self._clients:
                self._clients[service] = self._connect(service)
            return self._clients[service]

    def _connect(self, service: str) -> Any:
        client = _session().client(
            service,
            region_name=self.region,
            # Nothing listens there and nothing needs to: `_send` answers before a connection is opened.
            endpoint_url="http://127.0.0.1:9",
            config=Config(
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                # Requests that cross no network need no checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        client.meta.events.register_first("before-send.*", self._send)
        return client

    def _send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        url = urlsplit(request.url)
        builder = EnvironBuilder(
            path=url.path,
            base_url=f"{url.scheme}://{url.netloc}",
            query_string=url.query,
            method=request.method,
            headers=[(name, _text(value)) for name, value in request.headers.items()],
            input_stream=_stream(request.body),
        )
        environ = builder.get_environ()
        environ["RAW_URI"] = environ["REQUEST_URI"] = url.path + (f"?{url.query}" if url.query else "")
        chunks, status, headers = run_wsgi_app(self._app, environ, buffered=True)
        return AWSResponse(request.url, int(status.split()[0]), headers, _Raw(chunks))


@functools.cache
def _session() -> boto3.Session:
    # Shared, since each session reads botocore's data anew.
    return boto3.Session(aws_access_key_id=SERVICE_ACCESS_KEY, aws_secret_access_key="local", region_name="us-east-1")


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _stream(body: Any) -> io.BytesIO:
    if body is None:
        return io.BytesIO()
    if isinstance(body, str):
        return io.BytesIO(body.encode())
    if isinstance(body, bytes | bytearray):
        return io.BytesIO(body)
    return io.BytesIO(body.read())


class _Raw(io.BytesIO):
    """A response's body as urllib3 would hand it to botocore."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__(b"".join(chunks))

    def stream(self, amt: int | None = None, **_: object) -> Iterable[bytes]:
        while chunk := self.read(-1 if amt is None else amt):
            yield chunk
