"""Helpers that open the practice console in a browser, and check each page."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local_lakehouse.region import region_of
from zetl_helpers.console.link import Link
from zetl_helpers.console.server import ConsoleServer
from zetl_helpers.lab import local_environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Other programs can keep the processors busy, so a page can take far longer than usual.
_MILLISECONDS = 90_000
# To measure text, plotly.js uses an inline style, which the content security policy blocks. The chart looks the same
# without the style.
_HARMLESS = ("Applying inline style violates",)


@contextmanager
def serving(state: Path, endpoint: str | None) -> Iterator[ConsoleServer]:
    """Serve the practice console for a running lakehouse, or for a state folder whose lakehouse is stopped.

    The console's first query configures every client in this process for the lakehouse. A console that several tests
    share needs these settings until it ends, not only during the test that runs the query.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local_environment(endpoint, region_of()).items() if endpoint else ():
            patch.setenv(name, value)
        server = ConsoleServer(Link(state, endpoint=endpoint))
        server.serve_in_background()
        try:
            yield server
        finally:
            server.shutdown()
            server.server_close()


@contextmanager
def open_console(browser: Browser, server: ConsoleServer, **options: Any) -> Iterator[Page]:
    """Open the console, and check at the end that no script failed and no request was sent to another address."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(_MILLISECONDS)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url))
    page.goto(server.url)
    yield page
    context.close()
    own = (f"http://127.0.0.1:{server.port}/", "data:", f"blob:http://127.0.0.1:{server.port}/")
    assert [url for url in elsewhere if not url.startswith(own)] == []
    # The browser logs an error for each rejected request, but a rejection is a valid response from the lakehouse.
    unexpected = [text for text in problems if not text.startswith((*_HARMLESS, "Failed to load resource"))]
    assert unexpected == []


def show(page: Page, path: str) -> None:
    """Open a page of the open console and wait until it is loaded."""
    page.evaluate(
        """async (path) => {
          window.location.hash = path;
          for (let frames = 0; frames < 2; frames += 1) await new Promise(requestAnimationFrame);
        }""",
        path,
    )
    wait_until_loaded(page)


def open_address(page: Page, server: ConsoleServer, place: str) -> None:
    """Open a page of the console by its address, as an external link does, and wait until it is loaded."""
    page.goto("about:blank")
    page.goto(server.url_of(place))
    page.wait_for_load_state("networkidle")
    wait_until_loaded(page)


def wait_until_loaded(page: Page) -> None:
    """Wait until the page shows its heading and no loading message."""
    from playwright.sync_api import expect

    page.locator("h1:visible").wait_for()
    expect(page.locator(".loading:visible")).to_have_count(0, timeout=_MILLISECONDS)


def save_screenshot(page: Page, path: Path) -> None:
    """Store a screenshot of the visible part of a page as a PNG file.

    Compressing screenshots took a tenth of the browser tests' time, so the option `optimizeForSpeed` reduces the
    compression.
    """
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
    path.write_bytes(base64.b64decode(taken["data"]))
    session.detach()


def axe_violations(page: Page, **options: Any) -> list[dict[str, Any]]:
    """Run axe on a page, and return each violated rule and the elements that violate it.

    The axe script is added to a page only once, because loading it takes as long as checking a small page.
    """
    script: str = pytest.importorskip("axe_playwright_python.sync_playwright").Axe().axe_script
    if page.evaluate("!window.axe"):
        page.evaluate(script)
    # All rules run, but axe describes only the elements that violate a rule.
    run = "options => axe.run(options).then(results => results.violations)"
    violations: list[dict[str, Any]] = page.evaluate(run, {"resultTypes": ["violations"], **options})
    return violations


def write(page: Page, number: int, text: str) -> None:
    """Replace the text of a cell."""
    # Until CodeMirror has loaded, the page shows a plain text field.
    editor = page.locator(".cm-content").and_(page.get_by_role("textbox", name=re.compile(rf"of cell {number}$")))
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
