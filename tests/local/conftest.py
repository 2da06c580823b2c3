from collections.abc import Iterator

import pytest

from zetl_helpers.local.backend import Backend
from zetl_helpers.local.inside import Inside


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
