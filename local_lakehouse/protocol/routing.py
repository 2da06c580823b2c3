"""Routing of REST requests to operations, based on botocore's models."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from botocore.model import ListShape, OperationModel

from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.services import PROTOCOLS, service_model


@dataclass(frozen=True)
class Route:
    """The pattern that matches requests to one operation.

    Args:
        model: The operation.
        method: The HTTP method.
        path: The path's pattern, with a group for each label.
        literals: The constant query parameters.
        query: The required query parameters.
        headers: The required headers.
        known: The query parameters in the model, each mapped to True if it can be repeated.
    """

    model: OperationModel
    method: str
    path: re.Pattern[str]
    literals: Mapping[str, str]
    query: frozenset[str]
    headers: frozenset[str]
    known: Mapping[str, bool]

    @property
    def weight(self) -> tuple[int, int]:
        """The route's precedence. If a request matches several routes, the most specific route is used."""
        return len(self.literals) + len(self.query) + len(self.headers), -self.path.groups

    def matches(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Return whether a request matches this operation."""
        return (
            method == self.method
            and self.path.fullmatch(path) is not None
            and all(name in query and value in ("", query[name]) for name, value in self.literals.items())
            and self.query <= query.keys()
            and all(name in headers for name in self.headers)
        )


def find(
    service: str, method: str, path: str, query: list[tuple[str, str]], headers: Mapping[str, str]
) -> tuple[Route, dict[str, str], dict[str, list[str]]] | None:
    """Find the operation of a REST request.

    Args:
        service: The name of the service in botocore.
        method: The HTTP method.
        path: The path, which is decoded for S3 and unchanged for other services. S3 keys can contain any character.
        query: The query parameters, without the parameters of a signature.
        headers: The HTTP headers.

    Returns:
        The route, the path's labels and the query parameters, or None if the model has no such operation.

    Raises:
        Fault: A parameter is repeated or unknown (``InvalidArgument``).
    """
    values: dict[str, list[str]] = {}
    for name, value in query:
        values.setdefault(name, []).append(value)
    first = {name: held[0] for name, held in values.items()}
    route = next((each for each in _routes(service) if each.matches(method, path, first, headers)), None)
    if route is None:
        return None
    for name, held in values.items():
        if name not in route.literals and name not in route.known:
            raise Fault("InvalidArgument", f"{route.model.name} has no query parameter {name!r}.")
        if len(held) > 1 and not route.known.get(name):
            raise Fault("InvalidArgument", f"The query parameter {name!r} occurs {len(held)} times.")
    matched = route.path.fullmatch(path)
    return route, matched.groupdict() if matched else {}, values


@functools.cache
def _routes(service: str) -> tuple[Route, ...]:
    model = service_model(service)
    routes = [_route(model.operation_model(name)) for name in sorted(model.operation_names)]
    return tuple(sorted(routes, key=lambda route: route.weight, reverse=True))


def _route(model: OperationModel) -> Route:
    path, _, literals = model.http["requestUri"].partition("?")
    members = model.input_shape.members if model.input_shape else {}
    required = [members[name] for name in model.input_shape.required_members] if model.input_shape else []
    return Route(
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
        {
            each.serialization["name"]: isinstance(each, ListShape)
            for each in members.values()
            if each.serialization.get("location") == "querystring"
        },
    )


def _path_pattern(path: str) -> Iterator[str]:
    for part in re.split(r"(\{\w+\+?\})", path.rstrip("/")):
        label = re.fullmatch(r"\{(\w+)(\+?)\}", part)
        if label is None:
            yield re.escape(part)
        else:
            # An S3 key can end in a slash, which is part of the key.
            yield f"(?P<{label[1]}>.+)" if label[2] else f"(?P<{label[1]}>[^/]+)"


def is_rest(service: str) -> bool:
    """Return whether a service uses a REST protocol."""
    return PROTOCOLS[service].name.startswith("rest-")
