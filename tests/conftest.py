import atexit
import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests import botocore_caches
from tests.contract.recorder import recorded_lab
from tests.temporary_files import folder_in_memory
from zetl_helpers._wait import without_waiting
from zetl_helpers.lab import Lab

# The tests create and drop thousands of lakehouses. With the default thresholds, garbage collection took a fifth of the
# tests' time.
gc.set_threshold(50_000, 20, 50)

botocore_caches.apply()

# A Hypothesis example can be slow on a busy computer, so only pytest-timeout limits how long a test can run.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """Restore the environment after each test, because a connection to the local lakehouse changes it."""
    before = _environment_settings()
    yield
    for name in _environment_settings().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _environment_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "ZETL_", "WR_"))}


@pytest.fixture
def lakehouse(request: pytest.FixtureRequest) -> Iterator[Lakehouse]:
    """Provide a running lakehouse without a state folder.

    The lakehouse refreshes on request, or continuously if the test uses `lakehouse_ticks`.
    """
    ticks = "lakehouse_ticks" in request.fixturenames
    if ticks and "no_waiting" in request.fixturenames:
        pytest.fail("Waits that end immediately can time out before the background refresh. See without_waiting.")
    lakehouse = Lakehouse(Settings(refresh_seconds=0.05, paused=not ticks))
    lakehouse.start()
    yield lakehouse
    lakehouse.stop()


@pytest.fixture
def lab(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Provide an empty lab on the lakehouse."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
    return connect_to(lakehouse.url)


@pytest.fixture
def lakehouse_ticks(lakehouse: Lakehouse) -> Lakehouse:
    """Provide the running lakehouse, which refreshes continuously in the background."""
    return lakehouse


@pytest.fixture
def no_waiting() -> Iterator[None]:
    """Make the helpers' waits end immediately."""
    with without_waiting():
        yield


def pytest_configure(config: pytest.Config) -> None:
    # The workers use the folder of the main process. Files from failed tests are kept only if `--basetemp` is given.
    if not hasattr(config, "workerinput") and not config.getoption("basetemp") and (folder := folder_in_memory()):
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_finish() -> None:
    # Thousands of tests and modules stay in memory until the end, when pytest collects garbage five times.
    gc.freeze()
    atexit.register(gc.unfreeze)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="rewrite tests/golden/ instead of comparing with it")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Provide a function that compares text with a file in tests/golden/."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--rewrite-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if not path.exists():
            pytest.fail(f"tests/golden/{name} does not exist: run this test with --rewrite-golden, and review the file")
        assert text == path.read_text(encoding="utf-8")

    return compare


def connect_to(url: str, prefix: str = "", region: str = "us-east-1", *, contract: bool = True) -> Lab:
    """Return a lab as `zetl.connect` does, but leave the environment unchanged.

    A call that violates its service model fails the test, unless `contract` is false.
    """
    lab, _ = recorded_lab(url, prefix, region, strict=contract)
    return lab
