"""The lakehouse seen by the services that live in it: AWS clients that reach moto without a socket."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import threading
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.test import EnvironBuilder, run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

# The services' own requests are signed with these, so that a check of the caller's rights knows them.
SERVICE_ACCESS_KEY = "ZETLSERVICE000000000"

_READS = re.compile(r"^(Describe|Get|List|BatchGet|Head|Query$|Scan$|Filter|Search|Lookup|TransactGet)")


class Judge(Protocol):
    """Tells what somebody may do in whose name a service works."""

    def refuse(self, service: str, environ: WSGIEnvironment) -> tuple[int, list[tuple[str, str]], bytes] | None:
        """Return status, headers and body that a request is refused with; None for one that may be carried out."""

    def objection(self, action: str, resource: str) -> str | None:
        """Return why a right is not given; None when it is."""


# Athena reads tables and writes results with the rights of who asked; other services have rights of their own.
_judge: ContextVar[Judge | None] = ContextVar("judge", default=None)


@contextlib.contextmanager
def in_the_name_of(judge: Judge | None) -> Iterator[None]:
    """Let the services' requests inside the block be judged by the rights of somebody; by nobody's for None."""
    token = _judge.set(judge)
    try:
        yield
    finally:
        _judge.reset(token)


def require(action: str, resource: str) -> None:
    """Make sure that who is worked for has a right; what is read from a cache makes no request that would tell.

    Args:
        action: Such as ``s3:GetObject``.
        resource: The ARN of what it is about.

    Raises:
        ClientError: ``AccessDenied``, as the service would answer it.
    """
    judge = _judge.get()
    why = judge.objection(action, resource) if judge else None
    if why is not None:
        operation = action.partition(":")[2]
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": why}}, operation)


class ServiceClients:
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
        self.partition = str(_session().get_partition_for_region(region))
        self.lock = lock
        self._app = app
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()
        self.revision = 0  # another one after each request that may have changed something

    def touch(self, operation: str) -> None:
        """Note that a request was served: unless it only reads, something may be another than before."""
        if not _READS.match(operation):
            with self._clients_lock:
                self.revision += 1

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
        client.meta.events.register_first("before-send.*", functools.partial(self._send, service))
        return client

    def _send(self, service: str, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
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
        judge = _judge.get()
        if judge is not None:
            with in_the_name_of(None):
                refused = judge.refuse(service, environ)
            if refused is not None:
                return AWSResponse(request.url, refused[0], dict(refused[1]), _Raw([refused[2]]))
        chunks, status, headers = run_wsgi_app(self._app, environ, buffered=True)
        self.touch(event_name.rpartition(".")[2])
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
