"""Execution of notebooks in order, with the next kernel started in advance."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.paths import jupyter_runtime_dir
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from local_lakehouse import system

_CELL_SECONDS = 300


class SocketFileKernelManager(AsyncKernelManager):
    """A kernel manager that communicates with its kernels through Unix sockets.

    TCP ports are chosen before they are bound. If another process takes a kernel's port in the meantime, the
    kernel never responds.
    """

    def _transport_default(self) -> str:
        return "ipc"

    def _ip_default(self) -> str:
        return socket_file()


def socket_file() -> str:
    """Return the path prefix of a kernel's sockets. The kernel manager deletes the sockets."""
    folder = Path(jupyter_runtime_dir())
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / f"{uuid.uuid4().hex}-ipc")


# A new kernel imports these libraries before it executes the first cell.
_IMPORTS = "import zetl_helpers.charts; del zetl_helpers"


@dataclass(frozen=True)
class Executed:
    """An executed notebook with its outputs, an error if a cell failed, and the duration."""

    notebook: nbformat.NotebookNode
    error: str
    seconds: float


def execute(paths: Sequence[Path]) -> Iterator[Executed]:
    """Run notebooks in order. While a notebook is running, the next notebook's kernel starts.

    A kernel needs about a second of CPU time before it can execute a cell.

    Args:
        paths: The notebooks, which are not changed.

    Yields:
        The executed notebooks. If a cell fails, the notebook's remaining cells are not run.
    """
    started: deque[NotebookClient] = deque()
    try:
        for path in paths:
            started.append(_start(path))
            if len(started) > 1:
                yield _execute(started[0])
                started.popleft()
        while started:
            yield _execute(started[0])
            started.popleft()
    finally:
        for client in started:
            # The client of an executed notebook has already shut down the kernel and no longer has a kernel manager.
            if isinstance(client.km, AsyncKernelManager):
                run_sync(client.km.shutdown_kernel)(now=True)


def _start(path: Path) -> NotebookClient:
    """Start the kernel of a notebook, and return without waiting for it to be ready."""
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        kernel_manager_class=SocketFileKernelManager if system.has_socket_files() else AsyncKernelManager,
        timeout=_CELL_SECONDS,
        # After its last cell, a kernel has nothing left to do, and a graceful shutdown would take half a second.
        shutdown_kernel="immediate",
        # Depending on timing, the same text can arrive in one or more pieces.
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=[f"--IPKernelApp.exec_lines={_IMPORTS}"],
    )
    client.create_kernel_manager()
    client.start_new_kernel()
    return client


def _execute(client: NotebookClient) -> Executed:
    started = time.monotonic()
    error = ""
    try:
        client.execute()
    except CellExecutionError as failure:
        error = f"{failure.ename}: {failure.evalue}"
    return Executed(client.nb, error, time.monotonic() - started)
