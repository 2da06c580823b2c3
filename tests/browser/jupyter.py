"""A JupyterLab server for tests, and a notebook that tests operate as a learner would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_SECONDS = 100
_TOKEN = "for-this-test"
_COUNT_RUN = """([prompts, all]) =>
    [...document.querySelectorAll(prompts)].filter(prompt => /\\[\\d+\\]/.test(prompt.innerText)).length === all"""
# With these settings, JupyterLab sends no network requests and renders all cells at once, so tests can check each cell.
_SETTINGS = {
    "@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "checkForUpdates": False},
}


@contextmanager
def serve(folder: Path, home: Path) -> Iterator[str]:
    """Run JupyterLab in a folder, with separate settings and runtime files.

    Yields:
        JupyterLab's address.
    """
    for name, settings in _SETTINGS.items():
        file = home / "settings" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    # Otherwise, JupyterLab starts Node.js whenever the page opens, to check whether extensions must be built.
    page_config = home / "config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True, exist_ok=True)
    page_config.write_text(json.dumps({"buildCheck": False}))
    # The folder's path must be short, because its sockets' paths can be at most 107 bytes long.
    runtime = Path(tempfile.mkdtemp())
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--IdentityProvider.token={_TOKEN}",
        "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={folder}",
        "--KernelManager.transport=ipc",
    ]  # fmt: skip
    with (home / "jupyter.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        yield _address(runtime, process)
    finally:
        process.terminate()
        process.wait(_SECONDS)
        shutil.rmtree(runtime, ignore_errors=True)


def _address(runtime: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, (
            "JupyterLab has ended. Its log is the file jupyter.log in the test's home folder."
        )
        for file in runtime.glob("jpserver-*.json"):
            url = str(json.loads(file.read_text())["url"])
            try:
                with urllib.request.urlopen(f"{url}api", timeout=5):
                    return url
            except urllib.error.URLError:
                pass
        time.sleep(0.1)
    raise TimeoutError("JupyterLab did not respond.")


class JupyterLab:
    """A browser page that shows JupyterLab, with the notebooks' folder in its file browser.

    Args:
        page: The browser's page.
        url: JupyterLab's address.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        page.set_default_timeout(_SECONDS * 1000)
        page.goto(f"{url}lab/tree/notebooks?reset&token={_TOKEN}")
        page.locator(".jp-Launcher").wait_for()

    def open(self, name: str) -> Notebook:
        """Open a notebook from the file browser.

        Args:
            name: The notebook's file name.
        """
        self.page.locator(".jp-DirListing-item", has_text=name).dblclick()
        notebook = Notebook(self, name)
        notebook.wait_for_kernel()
        return notebook


class Notebook:
    """A notebook that is open in JupyterLab, and is the only open one.

    Args:
        lab: The JupyterLab page.
        name: The file name in JupyterLab's file browser.
    """

    def __init__(self, lab: JupyterLab, name: str) -> None:
        self.page = lab.page
        self.name = name
        self._url = lab.url
        self.panel = lab.page.locator(".jp-NotebookPanel")
        self.panel.wait_for()

    def run_all(self) -> None:
        """Clear the stored outputs, choose **Run > Run All Cells**, and wait until all cells have run."""
        self._choose("Edit", "Clear Outputs of All Cells")
        self._choose("Run", "Run All Cells")
        self._wait_until_run(self.code_cells.count())

    def answer(self, position: int, source: str) -> str:
        """Replace a code cell's text, run the cell with Shift+Enter, and return its output."""
        cell = self.code_cells.nth(position)
        before = cell.locator(".jp-InputPrompt").inner_text()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function(
            "([cell, before]) => /\\[\\d+\\]/.test(cell.innerText) && cell.innerText !== before",
            arg=[cell.locator(".jp-InputPrompt").element_handle(), before],
        )
        shown: str = cell.locator(".jp-OutputArea").inner_text()
        return shown

    @property
    def code_cells(self) -> Locator:
        """Return the notebook's code cells."""
        return self.panel.locator(".jp-CodeCell")

    def close(self) -> None:
        """End the notebook's kernel and close its tab, without saving the outputs."""
        self.page.get_by_role("menuitem", name="File", exact=True).click()
        # The menu item's name also contains its keyboard shortcut.
        self.page.get_by_role("menuitem", name="Close and Shut Down Notebook").click()
        self.page.get_by_role("button", name="Ok", exact=True).click()
        self.panel.wait_for(state="detached")

    def _choose(self, menu: str, item: str) -> None:
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=item, exact=True).click()

    def wait_for_kernel(self) -> None:
        """Wait until the kernel is ready."""
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def _wait_until_run(self, cells: int) -> None:
        prompts = ".jp-NotebookPanel .jp-CodeCell .jp-InputPrompt"
        self.page.wait_for_function(_COUNT_RUN, arg=[prompts, cells])


def _call(url: str, method: str = "GET") -> Any:
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"token {_TOKEN}"})
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        return json.loads(answer.read() or b"null")
