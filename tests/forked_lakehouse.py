"""Lakehouse processes that are forked from a process that has already imported all modules.

Starting a process that imports them takes more than a second of CPU time. `local_lakehouse.daemon` starts and
finds these processes as usual, and they can be killed independently of each other.
"""

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import IO

import psutil
import pytest
from moto.moto_api._internal import mock_random

from local_lakehouse import __main__ as entry
from local_lakehouse import system
from local_lakehouse.loading import load, never_load_pandas
from local_lakehouse.sql.workers.frames import Channel, ClosedError, channel_of

_MODULES = ("athena.api", "backend.dispatch", "exports.api", "sql.workers.pool", "zero_etl.api")
# A library's thread can hold a lock at the moment of a fork, so the libraries must not start threads.
_WITHOUT_THREADS = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}


class Forked:
    """A forked process, with the methods of `subprocess.Popen` that `local_lakehouse.daemon` calls."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def poll(self) -> int | None:
        """Return None while the process is running, and 1 after it has ended."""
        return None if self._process.is_running() else 1

    def terminate(self) -> None:
        self._process.terminate()


@contextlib.contextmanager
def forked_lakehouses() -> Iterator[None]:
    """Fork a process for each lakehouse that is started inside the block, instead of starting a new Python process."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", __name__, str(theirs.fileno())]
    with subprocess.Popen(command, pass_fds=[theirs.fileno()], env={**os.environ, **_WITHOUT_THREADS}):
        theirs.close()
        orders = Channel(ours)

        def start(words: Sequence[str], output: IO[bytes]) -> Forked:
            orders.send({"arguments": list(words[3:]), "environment": dict(os.environ)}, [output.fileno()])
            return Forked(orders.receive()["pid"])

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(system, "start_detached", start)
            yield
        orders.close()


def main() -> None:
    """Fork a process for each request from the socket, until the socket is closed."""
    orders = channel_of(int(sys.argv[1]))
    never_load_pandas()
    for module in _MODULES:
        load(f"local_lakehouse.{module}")
    assert psutil.Process().num_threads() == 1
    # Without this call, garbage collection in a forked process would copy the memory.
    gc.freeze()
    # With this setting, the operating system removes child processes that have ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with contextlib.suppress(ClosedError):
        while True:
            order, (output,) = orders.receive_with_descriptors()
            pid = system.fork()
            if pid == 0:
                orders.close()
                _run_lakehouse(order["arguments"], order["environment"], output)
            os.close(output)
            orders.send({"pid": pid})


def _run_lakehouse(arguments: Sequence[str], environment: dict[str, str], output: int) -> None:
    os.setsid()
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.environ.clear()
    os.environ.update(environment)
    # Without a new seed, all forked processes would create the same IDs, and moto's roles would replace each other.
    mock_random.seed()
    status = entry.main(arguments)
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
