"""A pytest plugin that makes nbval check each notebook on a fresh, separate local lakehouse.

A notebook's kernel inherits the environment of the test process. Before nbval starts the kernel, this plugin starts a
lakehouse and sets the environment to use it, so that notebooks can run in parallel and in any order. A notebook's
opening cell creates everything that the notebook needs from earlier chapters.
"""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import nbformat
import nbval.kernel
import pytest
from jupyter_client.manager import KernelManager
from nbval.plugin import IPyNbCell, IPyNbFile

from local_lakehouse import daemon, system
from zetl_helpers.course._notebook_execution import socket_file
from zetl_helpers.course.notebooks import kernel_environment, prepare

# The figure itself depends on plotly's version. The text of `charts.summary` in the same output is compared instead.
# The JPEG is a static picture of the same figure, added when outputs are stored.
_NOT_COMPARED = ("application/vnd.plotly.v1+json", "image/jpeg")

# This folder contains the outputs of notebooks with a failed cell.
KEPT = Path(os.environ.get("ZETL_FAILED_NOTEBOOKS", "build/failed-notebooks"))

_outputs: dict[Path, dict[int, list[Any]]] = {}
_failed: set[Path] = set()
_lakehouses: dict[Path, tempfile.TemporaryDirectory[str]] = {}


class _KernelManager(KernelManager):
    """A version of `SocketFileKernelManager` for nbval, which has no option for a kernel manager."""

    def _transport_default(self) -> str:
        return "ipc"

    def _ip_default(self) -> str:
        return socket_file()


if system.has_socket_files():
    nbval.kernel.KernelManager = _KernelManager


def pytest_collectstart(collector: pytest.Collector) -> None:
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += _NOT_COMPARED


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if isinstance(item.parent, IPyNbFile) and item.path not in _lakehouses:
        _lakehouses[item.path] = _start_lakehouse(item.path.stem)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if isinstance(item, IPyNbCell) and call.when == "call":
        _outputs.setdefault(item.path, {})[item.cell_num] = item.test_outputs or []
        if report.failed:
            _failed.add(item.path)
    return report


def _keep_outputs(path: Path) -> None:
    """Write a copy of a notebook with the outputs of this run, which include the failing cell's output."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code):
        cell.outputs = [nbformat.from_dict(output) for output in _outputs[path].get(number, [])]
    KEPT.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, KEPT / path.name)


def pytest_sessionfinish() -> None:
    for path in _failed:
        _keep_outputs(path)
    for folder in _lakehouses.values():
        daemon.stop(Path(folder.name))
        folder.cleanup()


def _start_lakehouse(notebook: str) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="zetl-")
    daemon.start(Path(folder.name), port=0)
    os.environ.update(kernel_environment(Path(folder.name)))
    prepare(notebook)
    return folder
