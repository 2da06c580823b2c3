"""Lets nbval check each notebook on a fresh local lakehouse of its own.

nbval starts a notebook's kernel with the environment of the test process. Before that happens, this plugin starts a
lakehouse and points the environment to it, so that notebooks run side by side and in any order: what earlier chapters
create, a notebook's opening cell creates.
"""

import os
import tempfile
from pathlib import Path

import nbval.kernel
import pytest
from jupyter_client.manager import KernelManager
from nbval.plugin import IPyNbFile

from local_lakehouse import daemon
from zetl_helpers.course.notebooks import kernel_environment, prepare, socket_file

# The figure itself depends on plotly's version. What it shows is compared as text: `charts.summary`, beside it in the
# same output. The PNG is a still picture of the same figure, added when outputs are stored.
_NOT_COMPARED = ("application/vnd.plotly.v1+json", "image/png")

_lakehouses: dict[Path, tempfile.TemporaryDirectory[str]] = {}


class _KernelManager(KernelManager):
    """As `zetl_helpers.course.notebooks.SocketFileKernelManager`, for nbval, which offers no option for it."""

    def _transport_default(self) -> str:
        return "ipc"

    def _ip_default(self) -> str:
        return socket_file()


if os.name == "posix":
    nbval.kernel.KernelManager = _KernelManager


def pytest_collectstart(collector: pytest.Collector) -> None:
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += _NOT_COMPARED


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if isinstance(item.parent, IPyNbFile) and item.path not in _lakehouses:
        _lakehouses[item.path] = _give_lakehouse(item.path.stem)


def pytest_sessionfinish() -> None:
    for folder in _lakehouses.values():
        daemon.stop(Path(folder.name))
        folder.cleanup()


def _give_lakehouse(notebook: str) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="zetl-")
    daemon.start(Path(folder.name), port=0)
    os.environ.update(kernel_environment(Path(folder.name)))
    prepare(notebook)
    return folder
