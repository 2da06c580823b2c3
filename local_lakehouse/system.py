"""Operating system calls that differ between POSIX and Windows.

No other module in the project makes these calls, so this module determines the supported systems. It imports only the
standard library, because the helpers use it in installations without the local lakehouse's packages.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

NO_FORK = (
    "The local lakehouse forks worker processes, which Windows does not support. Install and run it in WSL, "
    "or set ZETL_TARGET=aws to work on AWS."
)


class UnsupportedSystemError(Exception):
    """The local lakehouse does not run on this operating system. The message describes the alternatives."""


def require_fork() -> None:
    """Check that processes can be forked.

    Raises:
        UnsupportedSystemError: The operating system cannot fork processes.
    """
    if not hasattr(os, "fork"):
        raise UnsupportedSystemError(NO_FORK)


def has_socket_files() -> bool:
    """Return whether the operating system supports local sockets whose addresses are files."""
    return hasattr(socket, "AF_UNIX") and os.name == "posix"


# Processes


def start_detached(command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process that ignores Ctrl-C in this terminal and continues to run after this process ends.

    Args:
        command: The program and its arguments.
        output: The file for the process's output.
    """
    return subprocess.Popen(  # noqa: S603  (the callers run our own modules)
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
    )


def start_with_descriptor(
    command: Sequence[str], descriptor: int, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a process that inherits an open file descriptor, which keeps its number.

    Args:
        command: The program and its arguments.
        descriptor: The file descriptor.
        environment: The environment of the process.
    """
    return subprocess.Popen(  # noqa: S603  (the callers run our own modules)
        command, pass_fds=[descriptor], stdin=subprocess.DEVNULL, env=environment
    )


def ask_to_end(pid: int) -> None:
    """Send a termination signal to a process, so that it can save its state and exit."""
    os.kill(pid, signal.SIGTERM)


def on_request_to_end(react: Callable[[], object]) -> None:
    """Register a function to call when this process receives Ctrl-C or a termination signal."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: react())


def ignore_interrupts() -> None:
    """Ignore Ctrl-C, which a terminal sends to all processes of a command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def was_killed(status: int | None) -> bool:
    """Return whether a process ended as if the operating system had killed it for using too much memory.

    Args:
        status: The process's exit status, which is negative if a signal ended the process, or None if unknown.
    """
    return status in (-signal.SIGKILL, -signal.SIGABRT)


# Forks


def fork() -> int:
    """Fork this process, and return 0 in the new process and the new process's ID in this process."""
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return pid


def ends_of_children() -> socket.socket:
    """Return a socket, for use with `select`, that becomes readable when a child process ends."""
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.set_wakeup_fd(wake.detach())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return woken


def ended_children() -> Iterator[tuple[int, int]]:
    """Yield the ID and the status of each child process that has ended since the last call."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            yield pid, os.waitstatus_to_exitcode(status)


def send_descriptors(connection: socket.socket, data: bytes, descriptors: Sequence[int]) -> None:
    """Send bytes together with the descriptors of open files."""
    socket.send_fds(connection, [data], list(descriptors))


def receive_descriptors(connection: socket.socket, size: int, most: int) -> tuple[bytes, list[int]]:
    """Receive bytes together with the descriptors of open files.

    Args:
        connection: A socket that is connected to a process on this computer.
        size: The maximum number of bytes.
        most: The maximum number of open files.
    """
    data, descriptors, _, _ = socket.recv_fds(connection, size, most)
    return data, list(descriptors)


# The limits of this process

_UNLIMITED = -1


def limit_memory_and_files(data_bytes: int, file_bytes: int) -> None:
    """Limit the memory and the file sizes of this process, as far as the operating system supports these limits.

    Args:
        data_bytes: The memory in bytes that the process can use in addition to its current memory. Only Linux enforces
            this limit.
        file_bytes: The size of the largest file that the process can write, in bytes.
    """
    if sys.platform == "win32":
        return
    import resource

    _lower(resource, resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        _lower(resource, resource.RLIMIT_DATA, _data_bytes() + data_bytes)
    _lower(resource, resource.RLIMIT_FSIZE, file_bytes)
    # A file that exceeds the limit causes a write error instead of ending the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _data_bytes() -> int:
    """Return the memory of this process that Linux counts as data, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"^VmData:\s*(\d+) kB", status, re.MULTILINE)[0]) * 1024


def _lower(resource: Any, which: int, limit: int) -> None:
    hard = resource.getrlimit(which)[1]
    wanted = limit if hard == _UNLIMITED else min(limit, hard)
    resource.setrlimit(which, (wanted, hard))


# The memory and files of this computer


def free_memory() -> int | None:
    """Return the free memory in bytes.

    If it is unknown, return the installed memory or, if that is also unknown, None.
    """
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return None
    except OSError:
        pass
    try:
        # If the kernel does not report free memory, as on macOS, the installed memory is used.
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def is_foreign(path: Path) -> bool:
    """Return whether another user owns a file or folder, or False on systems without numeric owners."""
    return hasattr(os, "getuid") and path.stat().st_uid != os.getuid()


# The standard library has a different locking function for each operating system. Closing the file releases the lock.
if sys.platform == "win32":
    import msvcrt

    def lock(file: IO[bytes]) -> None:
        """Acquire the lock on an open file, and hold it until the file is closed."""
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def lock(file: IO[bytes]) -> None:
        """Acquire the lock on an open file, and hold it until the file is closed."""
        fcntl.flock(file, fcntl.LOCK_EX)
