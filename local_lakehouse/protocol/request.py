"""A request, which is parsed once for authorization, services, moto and observers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from local_lakehouse.protocol.faults import Fault

T = TypeVar("T")


@dataclass(frozen=True)
class Credential:
    """The signature of a request.

    Args:
        access_key: The access key ID.
        region: The Region in the signature, or None if the signature does not name a Region.
        service: The botocore name of the service in the signature.
    """

    access_key: str
    region: str | None
    service: str


@dataclass(frozen=True)
class Caller:
    """The identity that signed a request."""

    account: str
    region: str
    arn: str
    role: str = ""

    @property
    def principal(self) -> str:
        """The ARN of the user or the session's role, by which policies and Lake Formation identify the caller."""
        return self.role or self.arn


class Headers(Mapping[str, str]):
    """Case-insensitive HTTP headers, in which ``_`` and ``-`` are different characters, as in Amazon S3."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._held = {name.lower(): (name, value) for name, value in pairs}

    def __getitem__(self, name: str) -> str:
        return self._held[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._held

    def written(self) -> list[tuple[str, str]]:
        """Return the names and values in their original form."""
        return list(self._held.values())


class Body:
    """The content of a request, which is read once, on demand and up to a limit.

    Args:
        chunks: The content's pieces as they arrive.
    """

    def __init__(self, chunks: Iterable[bytes] = ()) -> None:
        self._chunks = chunks
        self._content: bytes | None = None

    def read(self, limit: int) -> bytes:
        """Return the complete content.

        Args:
            limit: The maximum number of bytes.

        Raises:
            Fault: The content is larger than the limit (``RequestEntityTooLarge``).
        """
        if self._content is None:
            pieces: list[bytes] = []
            size = 0
            for piece in self._chunks:
                size += len(piece)
                if size > limit:
                    raise Fault(
                        "RequestEntityTooLarge", f"The request's body is larger than {limit:,} bytes.", status=413
                    )
                pieces.append(piece)
            self._content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return self._content


class _lazily(Generic[T]):  # noqa: N801  (used as a decorator)
    """A cached property.

    Before Python 3.12, `functools.cached_property` uses one lock for all instances, so a slow body would block all
    other requests.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        value = self._compute(instance)
        instance.__dict__[self._name] = value
        return value


@dataclass(frozen=True)
class Request:
    """A request to an AWS service.

    Args:
        service: The name of the service in botocore.
        operation: The operation in the service's model, or an empty string if the model does not contain it.
        protocol: The protocol, which is ``json``, ``query``, ``rest-json`` or ``rest-xml``.
        credential: The signature, or None if the request is unsigned.
        region: The request's Region.
        method: The HTTP method.
        path: The path, percent-decoded.
        query: The query or form parameters in the operation's model, each with one value.
        headers: The HTTP headers, including those in a presigned URL's query.
        content: A function that reads the decoded body.
        members: A function that returns the operation's members, keyed by their wire names.
    """

    service: str
    operation: str
    protocol: str
    credential: Credential | None
    region: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    content: Callable[[], bytes] = field(repr=False)
    members: Callable[[Request], Mapping[str, Any]] = field(repr=False)

    @_lazily
    def body(self) -> bytes:
        """Return the uncompressed content, without the framing of streaming signatures."""
        return self.content()

    @_lazily
    def parameters(self) -> Mapping[str, Any]:
        """Return the operation's members, keyed by wire name, including members in a REST path and query."""
        return self.members(self)

    @_lazily
    def amz_headers(self) -> Mapping[str, str]:
        """Return the ``x-amz-*`` headers, keyed by lowercase name."""
        return {name: value for name, value in self.headers.items() if name.startswith("x-amz-")}

    def text(self, name: str) -> str | None:
        """Return a string parameter, or None if it is missing or empty."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) and value else None

    def signed_with(self, access_key: str) -> Request:
        """Return a copy of the request, signed with a different key."""
        region, service = (self.credential.region, self.credential.service) if self.credential else (None, self.service)
        return replace(self, credential=Credential(access_key, region, service))
