from collections.abc import Iterator

import pytest

from tests.conftest import connect_to
from zetl_helpers.lab import Lab
from zetl_helpers.local.backend import Backend
from zetl_helpers.local.inside import Inside
from zetl_helpers.local.lakehouse import Lakehouse


@pytest.fixture
def lab(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab whose calls may break AWS's service models: to say so is for the lakehouse."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
    return connect_to(lakehouse.url, contract=False)


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A lakehouse's moto, empty."""
    backend = Backend("us-east-1")
    yield backend
    backend.reset()


@pytest.fixture
def inside(backend: Backend) -> Inside:
    """What a service of the lakehouse sees of an empty account."""
    return backend.inside
