"""Requests that boto3 sends, and the permissions that these requests require."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest

from local_lakehouse.iam.actions import accesses
from local_lakehouse.protocol.reader import Head, read
from local_lakehouse.protocol.request import Body, Headers, Request
from local_lakehouse.protocol.services import PROTOCOLS


class Names:
    """An account whose ARNs and workgroups are derived from names, without a lookup."""

    caller = "arn:aws:iam::123456789012:user/me"
    partition = "aws"

    def arn(self, service: str, rest: str, *, region: str | None = None) -> str:
        return f"arn:aws:{service}:{'us-east-1' if region is None else region}:123456789012:{rest}"

    def iam_arn(self, kind: str, name: str) -> str:
        return self.arn("iam", f"{kind}/{name}", region="")

    def key_arn(self, name: str) -> str:
        return self.arn("kms", f"key/{name}")

    def work_group(self, kind: str, identity: str) -> str:
        return f"of-{identity}"


class _SentError(Exception):
    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__()
        self.request = request


def send(service: str, operation: str, parameters: Mapping[str, Any]) -> Request:
    """Return a boto3 request as the lakehouse parses it."""
    client = boto3.client(
        service,
        endpoint_url="http://127.0.0.1:9",
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="x",
    )

    def catch(request: AWSPreparedRequest, **_: object) -> None:
        raise _SentError(request)

    client.meta.events.register_first("before-send.*", catch)
    with pytest.raises(_SentError) as sent:
        getattr(client, operation)(**parameters)
    return received(sent.value.request)


def received(request: AWSPreparedRequest) -> Request:
    """Return the request as the lakehouse parses it."""
    url = urlsplit(request.url)
    headers = [(name, v.decode() if isinstance(v, bytes) else v) for name, v in request.headers.items()]
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else body.read()
    target = url.path + (f"?{url.query}" if url.query else "")
    return read(Head(request.method, target, headers), Body([content]), "us-east-1")


def parsed_request(service: str, operation: str, parameters: Mapping[str, Any]) -> Request:
    """Return a request with the given parameters, as if the lakehouse had parsed it."""
    protocol = PROTOCOLS[service].name
    return Request(
        service, operation, protocol, None, "us-east-1", "POST", "/", {}, Headers([]), lambda: b"", lambda _: parameters
    )


def required_permissions(service: str, operation: str, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    request = send(service, operation, parameters)
    assert request.service == service
    return [(access.action, access.resource) for access in accesses(request, Names())]


def on(action: str, *resources: str) -> list[tuple[str, str]]:
    return [(action, resource) for resource in resources]
