"""The parent process's interface to the fork server."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading

from local_lakehouse import system
from local_lakehouse.sql.workers.frames import Channel, ClosedError, Message

_STATUS_SECONDS = 1.0
# If a library's thread holds a lock during a fork, the new process waits for that lock forever. With these settings,
# NumPy's OpenBLAS and Arrow's jemalloc do not start threads.
_WITHOUT_THREADS = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}


class Forks:
    """The fork server, which forks workers and reports their exit statuses."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        self._statuses: dict[int, int] = {}
        self._changed = threading.Condition()
        self._process = system.start_with_descriptor(
            [sys.executable, "-m", "local_lakehouse.sql.workers.forking", str(theirs.fileno())],
            theirs.fileno(),
            {**os.environ, **_WITHOUT_THREADS, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        theirs.close()
        threading.Thread(target=self._listen, name="ends of workers", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether the process is still running."""
        return self._process.poll() is None

    def start(self, settings: Message, socket_of_worker: socket.socket) -> None:
        """Fork a worker that receives commands from a socket.

        Args:
            settings: The worker's settings, which `local_lakehouse.sql.workers.process.run` describes.
            socket_of_worker: The worker's end of a pair of connected sockets.
        """
        self._channel.send(settings, [socket_of_worker.fileno()])

    def status_of(self, pid: int) -> int | None:
        """Return a failed worker's exit status, which is negative if a signal ended the worker.

        Return None if the worker ended normally, or if its status does not arrive within a second.
        """
        with self._changed:
            self._changed.wait_for(lambda: pid in self._statuses, timeout=_STATUS_SECONDS)
            return self._statuses.pop(pid, None)

    def _listen(self) -> None:
        with contextlib.suppress(ClosedError):
            while True:
                message = self._channel.receive()
                if message["status"] == 0:
                    continue
                with self._changed:
                    self._statuses[message["ended"]] = message["status"]
                    self._changed.notify_all()


_lock = threading.Lock()
_forks: Forks | None = None


def forks() -> Forks:
    """Return this process's fork server, which is started on first use and restarted if it has ended."""
    global _forks
    with _lock:
        if _forks is None or not _forks.alive:
            _forks = Forks()
        return _forks
