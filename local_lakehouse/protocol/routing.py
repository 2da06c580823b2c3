"""What a request asks for: its operation and its parameters, read by botocore's service models."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

from botocore.model import OperationModel

from local_lakehouse.protocol import wire

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_OLDER_CREDENTIAL = re.compile(r"(?:^|&)AWSAccessKeyId=([^&]+)")
_SIGNED_AS = {"monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Call:
    """One request, understood as far as a check of rights needs it.

    Args:
        service: botocore's name of the service.
        operation: The operation of its model.
        parameters: Its members by their names on the wire; of a request in REST-XML those of path, query and headers.
        headers: The ``x-amz-*`` headers that the operation's model knows, by lower-case name.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    headers: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Return a parameter that is a text; None when it is not there."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) and value else None


@dataclass(frozen=True)
class Credential:
    """What a request is signed with.

    Args:
        access_key: The key's id.
        region: The Region that the signature is for; None when it does not say.
        service: botocore's name of the service that the signature is for.
    """

    access_key: str
    region: str | None
    service: str


def find_credential(environ: WSGIEnvironment) -> Credential | None:
    """Read who signed a request from its header, or from the query of a presigned URL; None for an unsigned one."""
    query = unquote(environ.get("QUERY_STRING", ""))
    scope = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", "")) or _CREDENTIAL.search(query)
    if scope:
        return Credential(scope[1], scope[2], _SIGNED_AS.get(scope[3], scope[3]))
    # The older signature, which boto3 still gives to URLs of S3, says nothing of Region and service.
    older = _OLDER_CREDENTIAL.search(query)
    return Credential(older[1], None, "s3") if older else None


def read_body(environ: WSGIEnvironment) -> bytes:
    """Read a request's body and leave it to be read again."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def identify(service: str, environ: WSGIEnvironment) -> Call | None:
    """Tell which operation a request is for.

    Args:
        service: botocore's name of the service that it is signed for.
        environ: The request.

    Returns:
        The call; None when the model has no such operation.

    Raises:
        Fault: ``SerializationException`` for a body that is no JSON.
    """
    if str(wire.service_model(service).metadata["protocol"]).startswith("rest-"):
        return _identify_rest(service, environ)
    if environ.get("CONTENT_TYPE", "").startswith(_FORM) or "HTTP_X_AMZ_TARGET" not in environ:
        return _identify_query(service, environ)
    operation = environ["HTTP_X_AMZ_TARGET"].rpartition(".")[2]
    if operation not in wire.service_model(service).operation_names:
        return None
    return Call(service, operation, _json(environ), {})


def _json(environ: WSGIEnvironment) -> dict[str, Any]:
    document = wire.parse_json(read_body(environ))
    if not isinstance(document, dict):
        raise wire.Fault("SerializationException", "The request's body is no JSON object.")
    return document


def _identify_query(service: str, environ: WSGIEnvironment) -> Call | None:
    form = dict(_query(environ))
    if environ.get("CONTENT_TYPE", "").startswith(_FORM):
        form |= dict(parse_qsl(read_body(environ).decode(errors="replace"), keep_blank_values=True))
    operation = form.get("Action", "")
    if operation not in wire.service_model(service).operation_names:
        return None
    return Call(service, operation, _nested(form), {})


def _nested(form: Mapping[str, str]) -> dict[str, Any]:
    """Put together what a form spreads over ``Tags.member.1.Key``."""
    tree: dict[str, Any] = {}
    for name, value in form.items():
        *outer, last = name.split(".")
        inner = tree
        for part in outer:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                break
        else:
            inner[last] = value
    return {name: _listed(value) for name, value in tree.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) in ({"member"}, {"entry"}):
        value = next(iter(value.values()))
    if isinstance(value, dict) and value and all(key.isdecimal() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(item) for key, item in value.items()} if isinstance(value, dict) else value


@dataclass(frozen=True)
class _Route:
    model: OperationModel
    method: str
    path: re.Pattern[str]
    literals: Mapping[str, str]
    query: frozenset[str]
    headers: frozenset[str]

    @property
    def weight(self) -> tuple[int, int]:
        """How special it is: a request may match several, and is for the most special one."""
        return len(self.literals) + len(self.query) + len(self.headers), -self.path.groups

    def matches(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        return (
            method == self.method
            and self.path.fullmatch(path) is not None
            and all(name in query and value in ("", query[name]) for name, value in self.literals.items())
            and self.query <= query.keys()
            and self.headers <= headers.keys()
        )


@functools.cache
def _routes(service: str) -> tuple[_Route, ...]:
    model = wire.service_model(service)
    routes = [_route(model.operation_model(name)) for name in sorted(model.operation_names)]
    return tuple(sorted(routes, key=lambda route: route.weight, reverse=True))


def _route(model: OperationModel) -> _Route:
    path, _, literals = model.http["requestUri"].partition("?")
    required = (
        [model.input_shape.members[name] for name in model.input_shape.required_members] if (model.input_shape) else []
    )
    return _Route(
        model,
        model.http["method"],
        re.compile("".join(_path_pattern(path)) + "/?", re.DOTALL),
        dict(parse_qsl(literals, keep_blank_values=True)),
        frozenset(
            each.serialization["name"] for each in required if each.serialization.get("location") == "querystring"
        ),
        frozenset(
            each.serialization["name"].lower() for each in required if each.serialization.get("location") == "header"
        ),
    )


def _path_pattern(path: str) -> Iterator[str]:
    for part in re.split(r"(\{\w+\+?\})", path.rstrip("/")):
        label = re.fullmatch(r"\{(\w+)(\+?)\}", part)
        if label is None:
            yield re.escape(part)
        else:
            # A bucket's key may end in a slash, which belongs to it.
            yield f"(?P<{label[1]}>.+)" if label[2] else f"(?P<{label[1]}>[^/]+)"


def _identify_rest(service: str, environ: WSGIEnvironment) -> Call | None:
    method, query, headers = environ["REQUEST_METHOD"], dict(_query(environ)), _headers(environ)
    # WSGI hands the path's bytes over as Latin-1.
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    route = next((each for each in _routes(service) if each.matches(method, path, query, headers)), None)
    if route is None:
        return None
    matched = route.path.fullmatch(path)
    parameters = {**query, **_document(route.model, environ), **(matched.groupdict() if matched else {})}
    return Call(service, route.model.name, parameters, headers)


def _document(model: OperationModel, environ: WSGIEnvironment) -> Mapping[str, Any]:
    if model.service_model.metadata["protocol"] == "rest-json":
        return _json(environ)
    # Only these requests say in their body what they need rights for; an object's content is none of our business.
    if model.name not in _READ_FROM_BODY:
        return {}
    element, member = _READ_FROM_BODY[model.name]
    found = list(_elements(read_body(environ), element))
    return {member: found} if found else {}


_READ_FROM_BODY = {"DeleteObjects": ("Object", "Objects"), "CreateBucket": ("Tag", "Tags")}


def _elements(body: bytes, name: str) -> Iterator[Mapping[str, str]]:
    """Read the elements of a name, each with the texts it holds; a request without a body has none."""
    if not body:
        return
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  (expat expands no external entities)
    except ElementTree.ParseError as error:
        raise wire.Fault("MalformedXML", "The XML you provided was not well-formed.") from error
    for element in root.iter():
        if element.tag.rpartition("}")[2] == name:
            yield {child.tag.rpartition("}")[2]: child.text or "" for child in element}


def _query(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    return parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_X_AMZ_") and isinstance(value, str)
    }
