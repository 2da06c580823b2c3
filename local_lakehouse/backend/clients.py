"""AWS clients through which the lakehouse's services call moto without a socket."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit

from local_lakehouse.backend.settings import SettingsCache, changes_settings
from local_lakehouse.loading import load
from local_lakehouse.protocol import reader
from local_lakehouse.protocol.faults import Answer
from local_lakehouse.protocol.request import Body, Request
from local_lakehouse.protocol.services import partition_of, service_model
from local_lakehouse.store.documents import Documents

if TYPE_CHECKING:
    import boto3
    from botocore.model import OperationModel

# The lakehouse's own services send this access key, so that the permission check recognizes their requests.
SERVICE_ACCESS_KEY = "ZETLSERVICE000000000"

_READS = re.compile(r"^(Describe|Get|List|BatchGet|Head|Query$|Scan$|Filter|Search|Lookup|TransactGet|Simulate|Check)")


def reads(operation: str) -> bool:
    """Return whether an operation is read-only."""
    return _READS.match(operation) is not None


def is_from_service(request: Request) -> bool:
    """Return whether one of the lakehouse's services sent a request."""
    return request.credential is not None and request.credential.access_key == SERVICE_ACCESS_KEY


_Shared = TypeVar("_Shared")


class CallerRights(Protocol):
    """The permissions of the caller on whose behalf a service acts."""

    def refuse(self, request: Request) -> Answer | None:
        """Return an error response for a request, or None if the request is allowed."""

    def objection(self, action: str, resource: str) -> str | None:
        """Return why a permission is missing, or None if the permission is granted."""


@dataclass(frozen=True)
class Actor:
    """The principal that calls the Data Catalog, or on whose behalf Athena reads a table.

    Args:
        principal: The ARN of the user or role.
        rights: A function that returns the caller's permissions.
    """

    principal: str
    rights: Callable[[], CallerRights]


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


@contextlib.contextmanager
def asked_by(actor: Actor | None) -> Iterator[None]:
    """Make Lake Formation check a caller's permissions in the block, or disable the check if the caller is None."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def current_actor() -> Actor | None:
    """Return the caller whose permissions Lake Formation checks, or None if the check is disabled."""
    return _actor.get()


# The permissions of the caller for whom Athena reads tables and writes results, or None if a service is acting on
# its own behalf.
_rights: ContextVar[CallerRights | None] = ContextVar("rights", default=None)


@contextlib.contextmanager
def acting_for(rights: CallerRights | None) -> Iterator[None]:
    """Check services' requests against a caller's permissions within the block. None disables the check."""
    token = _rights.set(rights)
    try:
        yield
    finally:
        _rights.reset(token)


def require(action: str, resource: str) -> None:
    """Check a caller's permission before reading from a cache.

    Reading from a cache sends no request, so the endpoint does not check the permission.

    Args:
        action: The action, such as ``s3:GetObject``.
        resource: The resource's ARN.

    Raises:
        ClientError: The permission is missing (``AccessDenied``).
    """
    rights = _rights.get()
    why = rights.objection(action, resource) if rights else None
    if why is not None:
        load("botocore.exceptions")
        from botocore.exceptions import ClientError

        operation = action.partition(":")[2]
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": why}}, operation)


class ServiceClients:
    """Clients that call moto for the services in this process.

    Args:
        serve: A function that executes a request.
        documents: The store of the services' state. `serve` holds the database's lock while it executes a request. To
            read several values as of a single point in time, hold the lock.
        account: The account for all requests.
        region: The Region for the clients.
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
        # A function that takes a bucket and a key, and returns the path of the object's body, or None if there is no
        # file.
        self.body_path: Callable[[str, str], Path | None] = lambda _bucket, _key: None
        # A function that takes a bucket and keys, and returns those keys whose objects exist and are not empty.
        self.stored_keys: Callable[[str, Sequence[str]], set[str]] = lambda _bucket, _keys: set()
        self._shared: dict[type, Any] = {}
        self._shared_lock = threading.RLock()
        self._revision_lock = threading.Lock()
        self.revision = 0  # increases after each request that may have changed the state
        self.settings = SettingsCache()
        documents.database.after_rollback(self.settings.changed)
        documents.database.after_replacement(self.settings.changed)

    def touch(self, service: str, operation: str) -> None:
        """Record that a request was executed, unless it is read-only.

        Args:
            service: The service's name in botocore.
            operation: The operation.
        """
        if reads(operation):
            return
        with self._revision_lock:
            self.revision += 1
        self.unsettle(service, operation)

    def unsettle(self, service: str, operation: str) -> None:
        """Discard cached results that depend on settings if an operation can change a setting.

        A transaction calls this method while it still holds the lock. Otherwise, a check could read one setting before
        the transaction and another setting after it, and cache an inconsistent result.

        Args:
            service: The service's name in botocore.
            operation: The operation.
        """
        if not reads(operation) and changes_settings(service, operation):
            self.settings.changed()

    @contextlib.contextmanager
    def changing(self, *participants: str) -> Iterator[None]:
        """Save all changes that the block makes in moto and in services, or discard all of them.

        Args:
            participants: The names under which `documents` stores the services whose state changes.

        Raises:
            StorageError: The changes cannot be saved, and the state is unchanged.
        """
        with self.documents.database.transaction():
            self.documents.changed(participants)
            yield

    def client(self, service: str) -> Any:
        """Return the shared, thread-safe client of an AWS service."""
        with self._clients_lock:
            if service not in self._clients:
                self._clients[service] = self._connect(service)
            return self._clients[service]

    def put_object(
        self, bucket: str, key: str, content: bytes | memoryview, headers: Mapping[str, str] | None = None
    ) -> None:
        """Write an S3 object.

        For a small object, the S3 client would take 50% longer, because it would resolve an endpoint and parse the
        response.

        Args:
            bucket: The bucket.
            key: The object's key.
            content: The object's content, which can be a mapped file.
            headers: Further headers of the request.

        Raises:
            ClientError: S3 rejects the request, for example because the bucket does not exist (``NoSuchBucket``).
        """
        further = [] if headers is None else list(headers.items())
        head = reader.Head("PUT", f"/{bucket}/{quote(key, safe='/~')}", [self._signature("s3"), *further])
        self._direct("s3", "PutObject", head, content)

    def get_table(self, database: str, name: str) -> dict[str, Any]:
        """Return a table's entry in the Data Catalog in half the time that the Glue client would take.

        Args:
            database: The database.
            name: The table's name.

        Raises:
            ClientError: Glue rejects the request, for example because the table does not exist
                (``EntityNotFoundException``).
        """
        headers = [("X-Amz-Target", "AWSGlue.GetTable"), self._signature("glue")]
        body = json.dumps({"DatabaseName": database, "Name": name}).encode()
        answer = self._direct("glue", "GetTable", reader.Head("POST", "/", headers), body)
        return copy.deepcopy(_table(answer.body))

    def _direct(self, service: str, operation: str, head: reader.Head, content: bytes | memoryview) -> Answer:
        """Answer a request without a client, and raise the errors that the client would raise."""
        # Only S3 requests contain mapped files, which are stored without being read into memory first.
        answer = self._answer(operation, reader.read(head, Body([cast("bytes", content)]), self.region))
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        client = self.client(service)
        _, parsed = _received(client.meta.service_model.operation_model(operation), head.target, answer)
        raise client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)

    def shared(self, kind: type[_Shared], make: Callable[[], _Shared]) -> _Shared:
        """Return the instance of a class that all services of this lakehouse share. It is created on first use.

        Args:
            kind: The class. Each lakehouse has one instance.
            make: A function that creates the instance.
        """
        with self._shared_lock:
            if kind not in self._shared:
                self._shared[kind] = make()
            found: _Shared = self._shared[kind]
            return found

    def _connect(self, service: str) -> Any:
        client = _with_own_handlers(_without_server(service, self.region))
        # This handler runs after all of botocore's handlers. It answers the request, so botocore does not sign the
        # request.
        client.meta.events.register_last("before-call.*", functools.partial(self._send, service))
        return client

    def _send(
        self, service: str, model: OperationModel, params: Mapping[str, Any], **_: object
    ) -> tuple[Any, Mapping[str, Any]]:
        answer = self._answer(model.name, self._request(service, params))
        return _received(model, str(params["url"]), answer)

    def _answer(self, operation: str, request: Request) -> Answer:
        """Answer a request with the permissions of the caller on whose behalf a service acts."""
        rights = _rights.get()
        answer = None
        if rights is not None:
            with acting_for(None):
                answer = rights.refuse(request)
        if answer is None:
            answer = self._serve(request)
            self.touch(request.service, operation)
        return answer

    def _request(self, service: str, params: Mapping[str, Any]) -> Request:
        """Parse a request that botocore has prepared but not signed."""
        url = urlsplit(params["url"])
        headers = [(str(name), _text(value)) for name, value in params["headers"].items()]
        head = reader.Head(
            params["method"],
            url.path + (f"?{url.query}" if url.query else ""),
            [*headers, self._signature(service)],
        )
        return reader.read(head, Body([_content(params["body"])]), self.region)

    def _signature(self, service: str) -> tuple[str, str]:
        """Return the header that identifies the signer of services' requests."""
        scope = f"{SERVICE_ACCESS_KEY}/20260101/{self.region}/{_signed_as(service)}/aws4_request"
        return "Authorization", f"AWS4-HMAC-SHA256 Credential={scope}"


def _received(model: OperationModel, url: str, answer: Answer) -> tuple[Any, Mapping[str, Any]]:
    """Parse a response as botocore parses a server's response."""
    load("botocore.endpoint")
    load("botocore.awsrequest")
    from botocore.awsrequest import AWSResponse, HeadersDict
    from botocore.endpoint import convert_to_response_dict

    response = AWSResponse(url, answer.status, HeadersDict(answer.headers), _Raw([answer.sent]))
    found = convert_to_response_dict(response, model)
    parser = _parser(model.service_model.resolved_protocol)
    parsed = parser.parse(found, model.output_shape)
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        shape = model.service_model.shape_for_error_code(parsed.get("Error", {}).get("Code"))
        if shape is not None:
            parsed.update(parser.parse(found, shape))
    return response, parsed


@functools.lru_cache(maxsize=256)
def _table(body: bytes) -> dict[str, Any]:
    """Parse the response to ``GetTable``. The caller must not change the result."""
    shape = service_model("glue").operation_model("GetTable").output_shape
    found: dict[str, Any] = _parser("json").parse({"status_code": 200, "headers": {}, "body": body}, shape)["Table"]
    return found


@functools.cache
def _parser(protocol: str) -> Any:
    load("botocore.parsers")
    from botocore.parsers import ResponseParserFactory

    return ResponseParserFactory().create_parser(protocol)


@functools.cache
def service_session() -> boto3.Session:
    """Return the session of the services' clients.

    The session is shared because each new session would load botocore's data again.
    """
    for module in ("boto3", "botocore.session", "local_lakehouse.service_models"):
        load(module)
    import boto3
    import botocore.session

    from local_lakehouse.service_models import model_loader

    models = botocore.session.Session()
    models.register_component("data_loader", model_loader())
    return boto3.Session(SERVICE_ACCESS_KEY, "local", region_name="us-east-1", botocore_session=models)


@functools.cache
def _without_server(service: str, region: str) -> Any:
    """Return the client that each lakehouse in this process copies.

    Creating a client loads its endpoint rules and defines its methods, which takes longer than a request.
    """
    load("botocore.config")
    from botocore.config import Config

    return service_session().client(
        service,
        region_name=region,
        # No server is listening at this address: `_send` responds before a connection is opened.
        endpoint_url="http://127.0.0.1:9",
        config=Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            # Requests within the process do not need checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _with_own_handlers(client: Any) -> Any:
    """Return a copy of a client with separate event handlers."""
    # copy.copy fails, because it looks up attributes of the new client before the new client is initialized.
    other = object.__new__(type(client))
    other.__dict__.update(client.__dict__)
    other.meta = copy.copy(client.meta)
    other.meta.events = copy.copy(client.meta.events)
    return other


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
    """The body of a response, with the urllib3 interface that botocore needs."""

    def __init__(self, chunks: Iterable[bytes | memoryview]) -> None:
        super().__init__(b"".join(chunks))

    def stream(self, amt: int | None = None, **_: object) -> Iterable[bytes]:
        while chunk := self.read(-1 if amt is None else amt):
            yield chunk
