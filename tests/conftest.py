from collections.abc import Iterator

import boto3
import pytest

from zetl_helpers import lab as lab_module
from zetl_helpers._wait import without_waiting
from zetl_helpers.lab import Lab
from zetl_helpers.local.lakehouse import Lakehouse, Settings


@pytest.fixture
def lakehouse(request: pytest.FixtureRequest) -> Iterator[Lakehouse]:
    """A running lakehouse that refreshes when it is told to, and keeps nothing."""
    ticks = "lakehouse_ticks" in request.fixturenames
    lakehouse = Lakehouse(Settings(refresh_seconds=0.05 if ticks else 3600))
    lakehouse.start()
    yield lakehouse
    lakehouse.stop()


@pytest.fixture
def lab(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab on that lakehouse, with nothing in it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
    return connect_to(lakehouse.url)


@pytest.fixture
def lakehouse_ticks(lakehouse: Lakehouse) -> Lakehouse:
    """The running lakehouse, refreshed all the time in the background."""
    return lakehouse


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Let the helpers' waits take no time."""
    with without_waiting():
        yield


def connect_to(url: str, prefix: str = "", region: str = "us-east-1") -> Lab:
    """Connect as `zetl.connect` does, and leave the environment alone."""
    session = boto3.Session(
        aws_access_key_id="LOCALLAKEHOUSE000000", aws_secret_access_key="not-a-secret", region_name=region
    )
    return lab_module._introduce("local", session, prefix, url)
