"""Conversion of HTTP requests to `Request` objects.

This module rejects ambiguous requests, such as requests with a repeated parameter or header, an unknown parameter, or
text that is not UTF-8.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_to_bytes
from xml.etree import ElementTree

from local_lakehouse.protocol import query_wire, routing, wire
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.request import Body, Credential, Headers, Request
from local_lakehouse.protocol.services import PROTOCOLS, by_signature, by_target, operation_names, service_model

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_FORM = "application/x-www-form-urlencoded"

# The largest request is 16 MB in DynamoDB, and the largest single upload is 5 GiB in S3.
_LARGEST_DOCUMENT = 20 * 1024 * 1024
_LARGEST_OBJECT = 5 * 1024**3

# The parameters of a signature and `x-id`, in lowercase. None of these parameters affects the operation.
_SIGNATURE = frozenset(
    {
        "awsaccesskeyid", "expires", "signature", "x-amz-algorithm", "x-amz-content-sha256", "x-amz-credential",
        "x-amz-date", "x-amz-expires", "x-amz-security-token", "x-amz-signature", "x-amz-signedheaders", "x-id",
    }
)  # fmt: skip
# Headers that contain lists can be repeated, and any other header has one value.
_LISTS = frozenset({"accept", "accept-encoding", "accept-language", "cache-control", "connection", "cookie", "via"})


@dataclass(frozen=True)
class Head:
    """The part of an HTTP request that precedes the content.

    Args:
        method: The HTTP method.
        target: The path and query, unchanged.
        headers: The names and values of the headers, in order.
    """

    method: str
    target: str
    headers: Sequence[tuple[str, str]]


class UnreadableRequestError(Exception):
    """A request is ambiguous or invalid.

    Args:
        service: The service, or ``s3`` if the service is unknown.
        fault: The error.
    """

    def __init__(self, service: str, fault: Fault) -> None:
        super().__init__(fault.message)
        self.service = service
        self.fault = fault


def read(head: Head, body: Body, region: str) -> Request:
    """Read a request.

    Args:
        head: The request's head.
        body: The request's content.
        region: The Region for requests that do not name a Region.

    Raises:
        UnreadableRequestError: The request is invalid or ambiguous.
    """
    service = "s3"
    try:
        path, query = _split(head.target)
        headers = Headers(_once(head.headers))
        query, headers = _hoisted(query, headers)
        credential = _credential(query, headers)
        service = _service(credential, headers)
        if service not in PROTOCOLS:
            raise Fault(
                "UnknownOperationException",
                f"The local lakehouse does not implement {service!r}. It implements: {', '.join(sorted(PROTOCOLS))}.",
            )
        where = (credential.region if credential else None) or region
        asked = [(name, value) for name, value in query if name.lower() not in _SIGNATURE]
        reading = _Reading(service, credential, where, head.method, path, headers, body)
        if routing.is_rest(service):
            return reading.rest(asked)
        target = headers.get("x-amz-target")
        if target is None:
            return reading.form(asked)
        if asked:
            raise Fault("SerializationException", f"{service} requires its parameters in the body.")
        return reading.json(target.rpartition(".")[2])
    except Fault as fault:
        raise UnreadableRequestError(service, fault) from fault


def _split(target: str) -> tuple[str, list[tuple[str, str]]]:
    path, _, query = target.partition("?")
    try:
        # A plus sign represents a space, as in all SDKs.
        return path, parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise Fault("InvalidURI", "The query string is not UTF-8.") from error


def _once(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for name, value in pairs:
        lowered = name.lower()
        if lowered not in found:
            found[lowered] = (name, value)
        elif lowered in _LISTS:
            found[lowered] = (name, f"{found[lowered][1]}, {value}")
        else:
            raise Fault("InvalidArgument", f"The header {name} occurs more than once.")
    return list(found.values())


def _hoisted(query: list[tuple[str, str]], headers: Headers) -> tuple[list[tuple[str, str]], Headers]:
    """Move the headers in a presigned URL's query to the other headers."""
    carried = [(name, value) for name, value in query if _is_header(name)]
    if not carried:
        return query, headers
    pairs = _once([*headers.written(), *carried])
    return [(name, value) for name, value in query if not _is_header(name)], Headers(pairs)


def _is_header(name: str) -> bool:
    return name.lower().startswith("x-amz-") and name.lower() not in _SIGNATURE


def _credential(query: list[tuple[str, str]], headers: Headers) -> Credential | None:
    """Read a request's credential from its ``Authorization`` header or from a presigned URL's query."""
    signed = [value for name, value in query if name.lower() in ("x-amz-credential", "awsaccesskeyid")]
    header = headers.get("authorization")
    if len(signed) + (header is not None) > 1:
        raise Fault("InvalidArgument", "Only one signature is allowed in a request.")
    if header is not None:
        scopes = _CREDENTIAL.findall(header)
        if len(scopes) > 1:
            raise Fault("InvalidArgument", "The Authorization header has more than one credential.")
        if scopes:
            return Credential(scopes[0][0], scopes[0][1], by_signature(scopes[0][2]))
        older = re.fullmatch(r"AWS ([^:\s]+):\S+", header)
        return Credential(older[1], None, "s3") if older else None
    if not signed:
        return None
    scope = _CREDENTIAL.fullmatch(f"Credential={signed[0]}")
    if scope:
        return Credential(scope[1], scope[2], by_signature(scope[3]))
    # The older signature version, which boto3 still uses for presigned S3 URLs, contains neither a Region nor a
    # service.
    return Credential(signed[0], None, "s3")


def _service(credential: Credential | None, headers: Headers) -> str:
    if "x-amz-target" in headers:
        return by_target(headers["x-amz-target"].rpartition(".")[0])
    if credential:
        return credential.service
    return "sts" if headers.get("content-type", "").startswith(_FORM) else "s3"


@dataclass(frozen=True)
class _Reading:
    """A request whose service is known but whose operation has not been determined yet."""

    service: str
    credential: Credential | None
    region: str
    method: str
    path: str
    headers: Headers
    body: Body

    def json(self, operation: str) -> Request:
        known = operation if operation in operation_names(self.service) else ""
        return self._request(known, "json", unquote(self.path), {}, _json_object)

    def form(self, query: list[tuple[str, str]]) -> Request:
        """Read a request in the query protocol, whose form contains the operation."""
        pairs = list(query)
        if self.headers.get("content-type", "").startswith(_FORM):
            try:
                text = self._document().decode()
                pairs += parse_qsl(text, keep_blank_values=True, errors="strict")
            except ValueError as error:
                raise Fault("MalformedInput", "The form is not UTF-8.") from error
        form: dict[str, str] = {}
        for name, value in pairs:
            if name in form:
                raise Fault("MalformedInput", f"The parameter {name} occurs more than once.")
            form[name] = value
        operation = form.pop("Action", "")
        form.pop("Version", None)
        if not PROTOCOLS[self.service].queried or operation not in operation_names(self.service):
            return self._request("", "query", unquote(self.path), {}, lambda _: {})
        members, used = query_wire.parse(service_model(self.service).operation_model(operation), form)
        return self._request(operation, "query", unquote(self.path), used, lambda _: members)

    def rest(self, query: list[tuple[str, str]]) -> Request:
        protocol = PROTOCOLS[self.service].name
        try:
            decoded = unquote_to_bytes(self.path).decode()
        except ValueError as error:
            raise Fault("InvalidURI", "The path is not UTF-8.") from error
        path = decoded if protocol == "rest-xml" else self.path
        found = routing.find(self.service, self.method, path, query, self.headers)
        if found is None:
            return self._request("", protocol, decoded, {}, lambda _: {})
        route, labels, values = found
        first = {name: held[0] for name, held in values.items()}
        if protocol == "rest-xml":
            said = {**first, **labels}
            return self._request(
                route.model.name, protocol, decoded, first, lambda request: _xml_members(request, said)
            )
        located = {name: unquote(value) for name, value in labels.items()}
        shape = route.model.input_shape
        for member in shape.members.values() if shape else ():
            if member.serialization.get("location") == "querystring" and member.serialization["name"] in values:
                name = member.serialization["name"]
                located[name] = wire.from_query(member, values[name])
        return self._request(
            route.model.name, protocol, decoded, first, lambda request: {**_json_object(request), **located}
        )

    def _request(self, operation: str, protocol: str, path: str, query: Mapping[str, str], members: Any) -> Request:
        content = self._object if protocol == "rest-xml" else self._document
        return Request(
            self.service, operation, protocol, self.credential, self.region, self.method, path, query, self.headers,
            content, members,
        )  # fmt: skip

    def _document(self) -> bytes:
        content = self.body.read(_LARGEST_DOCUMENT)
        return _inflated(content) if self.headers.get("content-encoding", "").lower() == "gzip" else content

    def _object(self) -> bytes:
        content = self.body.read(_LARGEST_OBJECT)
        streamed = self.headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        return unframed(content) if streamed else content


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        document = inflater.decompress(content, _LARGEST_DOCUMENT)
    except zlib.error as error:
        raise Fault("SerializationException", "The request's body does not match its Content-Encoding.") from error
    if inflater.unconsumed_tail:
        raise Fault("RequestEntityTooLarge", f"The body is larger than {_LARGEST_DOCUMENT:,} bytes.", status=413)
    return document


def unframed(content: bytes) -> bytes:
    """Remove the framing of ``aws-chunked``, which consists of sizes, signatures and trailers.

    AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html

    Raises:
        Fault: The framing is invalid (``IncompleteBody``).
    """
    stream = io.BytesIO(content)
    pieces: list[bytes] = []
    while True:
        size = re.fullmatch(rb"([0-9a-fA-F]{1,16})(;[^\r\n]*)?\r\n", stream.readline())
        length = int(size[1], 16) if size else -1
        if length == 0:
            return b"".join(pieces)
        piece = stream.read(max(length, 0))
        if size is None or len(piece) != length or stream.read(2) != b"\r\n":
            raise Fault("IncompleteBody", "The request's body is not framed as x-amz-content-sha256 specifies.")
        pieces.append(piece)


def _json_object(request: Request) -> dict[str, Any]:
    document = wire.parse_json(request.body)
    if not isinstance(document, dict):
        raise Fault("SerializationException", "The request's body is not a JSON object.")
    return document


# These are the only S3 requests whose bodies affect permissions.
_READ_FROM_BODY = {"DeleteObjects": ("Object", "Objects"), "CreateBucket": ("Tag", "Tags")}


def _xml_members(request: Request, said: Mapping[str, Any]) -> dict[str, Any]:
    if request.operation not in _READ_FROM_BODY or not request.body:
        return dict(said)
    element, member = _READ_FROM_BODY[request.operation]
    found = [
        {child.tag.rpartition("}")[2]: child.text or "" for child in each}
        for each in xml_tree(request.body).iter()
        if each.tag.rpartition("}")[2] == element
    ]
    return {**said, member: found} if found else dict(said)


def xml_tree(body: bytes) -> ElementTree.Element:
    """Parse an XML document.

    Raises:
        Fault: ``MalformedXML``.
    """
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Fault("MalformedXML", "The XML you provided declares entities.")
    try:
        return ElementTree.fromstring(body)  # noqa: S314  (the document declares no entities)
    except ElementTree.ParseError as error:
        raise Fault("MalformedXML", "The XML you provided was not well-formed.") from error


def copy_source(header: str) -> tuple[str, str, str | None]:
    """Parse the bucket, key and version in ``x-amz-copy-source``.

    Raises:
        Fault: The header does not name an object (``InvalidArgument``).
    """
    path, _, query = header.partition("?")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    version = unquote(query.removeprefix("versionId=")) if query.startswith("versionId=") else None
    if not bucket or not key or (query and version is None) or bucket.startswith("arn:"):
        raise Fault("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    return bucket, key, version
