"""Requests as boto3 sends them, and the rights that they are found to need."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from werkzeug.test import EnvironBuilder

from local_lakehouse.iam.actions import accesses
from local_lakehouse.protocol.routing import identify


class Names:
    """An account whose names need no looking up."""

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


def send(service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the WSGI environment of what boto3 would send."""
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
    return environ(sent.value.request)


def environ(request: AWSPreparedRequest) -> dict[str, Any]:
    url = urlsplit(request.url)
    body = request.body or b""
    builder = EnvironBuilder(
        path=url.path,
        query_string=url.query,
        method=request.method,
        headers=[(name, v.decode() if isinstance(v, bytes) else v) for name, v in request.headers.items()],
        input_stream=io.BytesIO(body.encode() if isinstance(body, str) else body)
        if isinstance(body, bytes | str)
        else body,
    )
    return dict(builder.get_environ())


def asked(service: str, operation: str, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    call = identify(service, send(service, operation, parameters))
    assert call is not None
    return [(access.action, access.resource) for access in accesses(call, Names())]


def on(action: str, *resources: str) -> list[tuple[str, str]]:
    return [(action, resource) for resource in resources]
