"""The lakehouse seen by the services that live in it: AWS clients that reach moto without a socket."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from local_lakehouse.loading import load
from local_lakehouse.protocol import reader
from local_lakehouse.protocol.faults import Answer
from local_lakehouse.protocol.request import Body, Request
from local_lakehouse.protocol.services import partition_of
from local_lakehouse.store.documents import Documents

if TYPE_CHECKING:
    import boto3
    from botocore.model import OperationModel

# The services' own requests are signed with these, so that a check of the caller's rights knows them.
SERVICE_ACCESS_KEY = "ZETLSERVICE000000000"

_READS = re.compile(r"^(Describe|Get|List|BatchGet|Head|Query$|Scan$|Filter|Search|Lookup|TransactGet|Simulate|Check)")


def reads(operation: str) -> bool:
    """Tell whether an operation only reads."""
    return _READS.match(operation) is not None


_Shared = TypeVar("_Shared")


class CallerRights(Protocol):
    """The rights of a caller on whose behalf a service acts."""

    def refuse(self, request: Request) -> Answer | None:
        """Return the answer to a request that must not be carried out; None for one that may."""

    def objection(self, action: str, resource: str) -> str | None:
        """Return why a right is not given; None when it is."""


@dataclass(frozen=True)
class Actor:
    """Who asks the Data Catalog, or asks Athena to read a table.

    Args:
        principal: ARN of the user or role.
        rights: Looks up its rights.
    """

    principal: str
    rights: Callable[[], CallerRights]


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


@contextlib.contextmanager
def asked_by(actor: Actor | None) -> Iterator[None]:
    """Let Lake Formation decide about somebody in the block; about nobody for None."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def current_actor() -> Actor | None:
    """Return about whom Lake Formation decides."""
    return _actor.get()


# Athena reads tables and writes results with the rights of who asked; other services have rights of their own.
_rights: ContextVar[CallerRights | None] = ContextVar("rights", default=None)


@contextlib.contextmanager
def acting_for(rights: CallerRights | None) -> Iterator[None]:
    """Check the services' requests in the block against somebody's rights; against nobody's for None."""
    token = _rights.set(rights)
    try:
        yield
    finally:
        _rights.reset(token)


def require(action: str, resource: str) -> None:
    """Make sure that who is worked for has a right; what is read from a cache makes no request that would tell.

    Args:
        action: Such as ``s3:GetObject``.
        resource: The ARN of what it is about.

    Raises:
        ClientError: ``AccessDenied``, as the service would answer it.
    """
    rights = _rights.get()
    why = rights.objection(action, resource) if rights else None
    if why is not None:
        load("botocore.exceptions")
        from botocore.exceptions import ClientError

        operation = action.partition(":")[2]
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": why}}, operation)


class ServiceClients:
    """Clients of moto for the services of this process.

    Args:
        serve: Carries out a request.
        documents: Where services keep their state. The lock of its database is held by `serve` while it carries out
            one request; hold it to see several things at one instant.
        account: The account that all requests belong to.
        region: The Region of the clients.
    """

    def __init__(self, serve: Callable[[Request], Answer], documents: Documents, account: str, region: str) -> None:
        self.account = account
        self.region = region
        self.partition = partition_of(region)
        self.documents = documents
        self.lock = documents.database.lock
        self._serve = serve
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()
        # Tells the file of an object's body by bucket and key, where bodies are files.
        self.body_path: Callable[[str, str], Path | None] = lambda _bucket, _key: None
        self._shared: dict[type, Any] = {}
        self._shared_lock = threading.RLock()
        self._revision_lock = threading.Lock()
        self.revision = 0  # another one after each request that may have changed something

    def touch(self, operation: str) -> None:
        """Note that a request was served: unless it only reads, something may be another than before."""
        if not reads(operation):
            with self._revision_lock:
                self.revision += 1

    @contextlib.contextmanager
    def changing(self, *participants: str) -> Iterator[None]:
        """Keep what the block changes in moto and in services, all of it or nothing.

        Args:
            participants: The services that change, by the names they are registered under in `documents`.

        Raises:
            StorageError: It cannot be kept; nothing was changed.
        """
        with self.documents.database.transaction():
            self.documents.changed(participants)
            yield

    def client(self, service: str) -> Any:
        """Return the client of an AWS service, the same one at every call; it may be used from any thread."""
        with self._clients_lock:
            if service not in self._clients:
                self._clients[service] = self._connect(service)
            return self._clients[service]

    def shared(self, kind: type[_Shared], make: Callable[[], _Shared]) -> _Shared:
        """Return an object that all services of this lakehouse share, made when it is first asked for.

        Args:
            kind: Its class, of which there is one object.
            make: Makes it.
        """
        with self._shared_lock:
            if kind not in self._shared:
                self._shared[kind] = make()
            found: _Shared = self._shared[kind]
            return found

    def _connect(self, service: str) -> Any:
        load("botocore.config")
        from botocore.config import Config

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
        # Last: whatever botocore does to a request is done, but for a signature, which nobody would verify.
        client.meta.events.register_last("before-call.*", functools.partial(self._send, service))
        return client

    def _send(
        self, service: str, model: OperationModel, params: Mapping[str, Any], **_: object
    ) -> tuple[Any, Mapping[str, Any]]:
        request = self._request(service, params)
        rights = _rights.get()
        answer = None
        if rights is not None:
            with acting_for(None):
                answer = rights.refuse(request)
        if answer is None:
            answer = self._serve(request)
            self.touch(model.name)
        return _received(model, str(params["url"]), answer)

    def _request(self, service: str, params: Mapping[str, Any]) -> Request:
        """Read a request as botocore hands it over before it is signed."""
        url = urlsplit(params["url"])
        scope = f"{SERVICE_ACCESS_KEY}/20260101/{self.region}/{_signed_as(service)}/aws4_request"
        headers = [(str(name), _text(value)) for name, value in params["headers"].items()]
        head = reader.Head(
            params["method"],
            url.path + (f"?{url.query}" if url.query else ""),
            [*headers, ("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}")],
        )
        return reader.read(head, Body([_content(params["body"])]), self.region)


def _received(model: OperationModel, url: str, answer: Answer) -> tuple[Any, Mapping[str, Any]]:
    """Read an answer as botocore would from a connection."""
    load("botocore.endpoint")
    load("botocore.awsrequest")
    from botocore.awsrequest import AWSResponse, HeadersDict
    from botocore.endpoint import convert_to_response_dict

    response = AWSResponse(url, answer.status, HeadersDict(answer.headers), _Raw([answer.body]))
    found = convert_to_response_dict(response, model)
    parser = _parser(model.service_model.resolved_protocol)
    parsed = parser.parse(found, model.output_shape)
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        shape = model.service_model.shape_for_error_code(parsed.get("Error", {}).get("Code"))
        if shape is not None:
            parsed.update(parser.parse(found, shape))
    return response, parsed


@functools.cache
def _parser(protocol: str) -> Any:
    load("botocore.parsers")
    from botocore.parsers import ResponseParserFactory

    return ResponseParserFactory().create_parser(protocol)


@functools.cache
def _session() -> boto3.Session:
    load("boto3")
    import boto3

    # Shared, since each session reads botocore's data anew.
    return boto3.Session(aws_access_key_id=SERVICE_ACCESS_KEY, aws_secret_access_key="local", region_name="us-east-1")


def _signed_as(service: str) -> str:
    return {"cloudwatch": "monitoring", "resourcegroupstaggingapi": "tagging"}.get(service, service)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, Mapping):
        return urlencode(body, doseq=True).encode()
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    return bytes(body.read())


class _Raw(io.BytesIO):
    """A response's body as urllib3 would hand it to botocore."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__(b"".join(chunks))

    def stream(self, amt: int | None = None, **_: object) -> Iterable[bytes]:
        while chunk := self.read(-1 if amt is None else amt):
            yield chunk
