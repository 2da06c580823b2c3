"""Fixtures for Chromium, and for the practice console of a lab at the start of chapter 9."""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import zetl_helpers as zetl
from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.browser.console import serving
from tests.conftest import connect_to
from zetl_helpers import monitoring
from zetl_helpers._wait import without_waiting
from zetl_helpers.console.server import ConsoleServer
from zetl_helpers.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
# A headless shell is Chromium without browser windows, and using it more than halves the CPU time of the tests. Even in
# headless mode, full Chromium draws the user interface of its windows, in additional processes.
_NAMES = ("chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the system's Chromium, preferably its headless shell."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("Chromium is not installed: apt-get install chromium-headless-shell")
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator["Browser"]:
    """Provide the system's Chromium, controlled by Playwright. Playwright's own browsers are not needed."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("Playwright is not installed: make .venv/.pages")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's sandbox needs permissions that containers rarely have, and the pages are trusted.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@contextmanager
def lab_before_chapter_9() -> Iterator[Lab]:
    """Run a lakehouse with a lab at the start of chapter 9, including the alarm from chapter 8."""
    lakehouse = Lakehouse(Settings(refresh_seconds=0.05))
    lakehouse.start()
    lab = connect_to(lakehouse.url)
    with without_waiting(lakehouse.zero_etl.refresh_now):
        zetl.catch_up(lab, 9)
        monitoring.create_alarm(lab)
    yield lab
    lakehouse.stop()


@pytest.fixture(scope="module")
def course_lab() -> Iterator[Lab]:
    """Provide the lab from `lab_before_chapter_9` to all tests in a module."""
    with lab_before_chapter_9() as lab:
        yield lab


@pytest.fixture(scope="module")
def server(course_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleServer]:
    """Provide the practice console for the lab from `course_lab`."""
    with serving(tmp_path_factory.mktemp("state"), course_lab.endpoint) as server:
        yield server
