import time
from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection
from types import SimpleNamespace

import botocore.endpoint
import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.contract.recorder import Recorder, recorded_lab
from tests.faults.account_snapshot import Snapshots
from zetl_helpers._wait import without_waiting
from zetl_helpers.lab import Lab


@dataclass
class SharedLakehouse:
    """A running lakehouse, together with its empty state."""

    lakehouse: Lakehouse
    snapshots: Snapshots
    empty: Connection


@pytest.fixture(scope="module")
def shared_lakehouse() -> Iterator[SharedLakehouse]:
    """Provide one lakehouse for all tests in a module. The fixture `recorded` resets it to its empty state."""
    lakehouse = Lakehouse(Settings(paused=True))
    lakehouse.start()
    snapshots = Snapshots(lakehouse)
    yield SharedLakehouse(lakehouse, snapshots, snapshots.take())
    lakehouse.stop()


@pytest.fixture
def recorded(shared_lakehouse: SharedLakehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lab, Recorder]]:
    """Provide a lab in an empty account, and a recorder of its calls.

    All waits in the helpers and in botocore end immediately.
    """
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None, time=time.time))
    shared_lakehouse.snapshots.put_back(shared_lakehouse.empty)
    with without_waiting(shared_lakehouse.lakehouse.zero_etl.tick):
        yield recorded_lab(shared_lakehouse.lakehouse.url)


@pytest.fixture
def lab(recorded: tuple[Lab, Recorder]) -> Lab:
    return recorded[0]


@pytest.fixture
def recorder(recorded: tuple[Lab, Recorder]) -> Recorder:
    return recorded[1]
