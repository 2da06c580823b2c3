"""Tests of the AWS clients that the services of the lakehouse use."""

from typing import Any

import pytest

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_backend import ACCOUNT
from local_lakehouse.protocol.faults import Answer
from local_lakehouse.protocol.request import Request

pytestmark = pytest.mark.once

LIST = b"<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"


class Served:
    """Clients of a lakehouse that has no buckets, and the requests that it received."""

    def __init__(self, like: ServiceClients, region: str = "us-east-1") -> None:
        self.requests: list[Request] = []
        self.clients = ServiceClients(self._serve, like.documents, ACCOUNT, region)

    def _serve(self, request: Request) -> Answer:
        self.requests.append(request)
        return Answer(200, [], LIST)


def test_clients_of_two_lakehouses_share_no_handlers(clients: ServiceClients) -> None:
    first, second = Served(clients), Served(clients)
    noted: list[str] = []

    def note(model: Any, **_: object) -> None:
        noted.append(model.name)

    first.clients.client("s3").meta.events.register("before-call.*", note)
    second.clients.client("s3").list_buckets()
    assert (len(first.requests), len(second.requests), noted) == (0, 1, [])
    first.clients.client("s3").list_buckets()
    assert (len(first.requests), len(second.requests), noted) == (1, 1, ["ListBuckets"])
    assert first.clients.client("s3") is first.clients.client("s3")


def test_client_uses_the_region_of_its_lakehouse(clients: ServiceClients) -> None:
    for region in ("us-east-1", "eu-west-1"):
        served = Served(clients, region)
        client = served.clients.client("s3")
        client.list_buckets()
        assert (client.meta.region_name, served.requests[0].region) == (region, region)
