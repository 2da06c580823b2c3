from collections.abc import Iterator

import pytest

from local_lakehouse.backend import preparations
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.lakehouse import Lakehouse
from tests.conftest import connect_to
from zetl_helpers.lab import Lab


@pytest.fixture
def lab(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Provide a lab whose calls may violate the AWS service models, because the lakehouse must report violations."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
    return connect_to(lakehouse.url, contract=False)


@pytest.fixture
def backend() -> Iterator[Backend]:
    """Provide an empty moto backend."""
    preparations.prepare("s3", "local_lakehouse.iam.bucket_policies")
    backend = Backend("us-east-1")
    yield backend
    backend.close()


@pytest.fixture
def clients(backend: Backend) -> ServiceClients:
    """Provide the AWS clients of the backend."""
    return backend.clients
