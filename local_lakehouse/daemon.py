"""Functions that start, find, stop and reset a local lakehouse."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_lakehouse import system

DEFAULT_PORT = 4555
_ADDRESS = "endpoint.json"
_TOKEN = "token"
_LOG = "lakehouse.log"
# The limit is high, because the learners in a class often start their lakehouses at the same time, on one machine
# with few cores. A startup failure is reported immediately.
_START_SECONDS = 300.0
_STOP_SECONDS = 60.0
# A killed process's lock is released only after all its threads end.
_RELEASE_SECONDS = 2.0
_ANSWER_SECONDS = 30.0
_WORK_SECONDS = 600.0
_POLL_SECONDS = 0.01


class LakehouseError(Exception):
    """A lakehouse could not be started or stopped, or a command failed. The message states the reason."""


@dataclass(frozen=True)
class Running:
    """A running lakehouse.

    Args:
        url: The lakehouse's address.
        pid: The lakehouse's process ID.
        health: The health report, with the process ID and settings of the lakehouse.
        token: The token for the lakehouse's controls.
    """

    url: str
    pid: int
    health: dict[str, Any]
    token: str = field(repr=False)

    @property
    def port(self) -> int:
        """The port in the lakehouse's address."""
        return int(self.url.rpartition(":")[2])


def find(state: Path) -> Running | None:
    """Return the lakehouse that is using a state folder, or None if no lakehouse responds.

    A lakehouse that is starting or busy may be using the folder without responding.
    """
    try:
        address = json.loads((state / _ADDRESS).read_text())
        url, pid = str(address["url"]), int(address["pid"])
        token = (state / _TOKEN).read_text()
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    health = ask(url, token, "health")
    # After a crash, another user's lakehouse or another program may be using the port.
    if health is None or health.get("pid") != pid:
        return None
    return Running(url, pid, health, token)


def start(
    state: Path,
    *,
    port: int | None = None,
    enforce_iam: bool = False,
    governed: bool = False,
    refresh_seconds: float | None = None,
) -> tuple[Running, bool]:
    """Start a lakehouse in the background, unless a lakehouse is already using the state folder.

    Args:
        state: The state folder.
        port: The port, or 0 for a free port. None selects the default port or, if it is in use, a free port.
        enforce_iam: Whether requests are checked against IAM policies.
        governed: Whether Lake Formation governs the account.
        refresh_seconds: The maximum time between two refreshes of the integrations, in seconds. None selects
            ``ZETL_REFRESH_SECONDS`` or, if that is not set, 1 second.

    Returns:
        The running lakehouse, and whether this call started it.

    Raises:
        LakehouseError: The lakehouse did not start, the running lakehouse does not respond or has different settings,
            or this system cannot run a lakehouse.
    """
    try:
        system.require_fork()
    except system.UnsupportedSystemError as error:
        raise LakehouseError(str(error)) from error
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_command(state):
        running = find(state)
        if running is None:
            # The new process acquires the lock itself, so it is only checked here. After a crash, another program can
            # use the recorded port. The new process's token must not be sent to that program.
            with _unused(state):
                (state / _ADDRESS).unlink(missing_ok=True)
                (state / _TOKEN).unlink(missing_ok=True)
            return _launch(state, _command(state, port, enforce_iam, governed, refresh_seconds)), True
    if port not in (None, 0, running.port):
        raise LakehouseError(
            f"A lakehouse with the state folder {state} is already running at {running.url}. "
            f"Stop it with zetl local stop, or specify another state folder with --state."
        )
    if enforce_iam and not running.health["enforce_iam"]:
        raise LakehouseError(
            f"A lakehouse that does not enforce IAM is already running at {running.url}. Stop it first: zetl local stop"
        )
    if governed and not running.health.get("governed"):
        raise LakehouseError(
            f"A lakehouse without Lake Formation governance is already running at {running.url}. "
            "Stop it first: zetl local stop"
        )
    return running, False


def stop(state: Path) -> bool:
    """Stop the lakehouse that is using a state folder, and keep its state.

    Returns:
        Whether the lakehouse was running.

    Raises:
        LakehouseError: The lakehouse did not stop in time, or does not respond.
    """
    running = find(state)
    if running is None:
        if state.exists():
            with _unused(state):
                pass
        return False
    system.ask_to_end(running.pid)
    deadline = time.monotonic() + _STOP_SECONDS
    while (state / _ADDRESS).exists():
        if time.monotonic() > deadline:
            raise LakehouseError(f"The lakehouse (process {running.pid}) did not stop; see {state / _LOG}.")
        time.sleep(_POLL_SECONDS)
    return True


def return_to_backup(state: Path) -> bool:
    """Stop any lakehouse that is using a state folder, and restore the folder's last backup.

    Returns:
        Whether there is a backup.

    Raises:
        LakehouseError: The lakehouse did not stop in time, or does not respond.
    """
    from local_lakehouse.store import folder

    if not state.exists():
        return False
    with _only_command(state):
        stop(state)
        with _unused(state):
            return folder.return_to_backup(state)


def export(state: Path, target: Path) -> None:
    """Export the state in a folder to one file, even while a lakehouse is using the folder.

    Raises:
        LakehouseError: The file cannot be written.
    """
    from local_lakehouse.store import folder
    from local_lakehouse.store.database import StorageError

    try:
        folder.export(state, target)
    except StorageError as error:
        raise LakehouseError(str(error)) from error


def bring(state: Path, source: Path) -> None:
    """Import an exported state into a state folder that does not contain saved state.

    Raises:
        LakehouseError: The file cannot be read, the folder already contains saved state, or a lakehouse is using it.
    """
    from local_lakehouse.store import folder
    from local_lakehouse.store.database import StateInUseError, StorageError, UnreadableStateError

    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_command(state):
        running = find(state)
        if running is not None:
            raise LakehouseError(
                f"The lakehouse at {running.url} is already using {state}. Stop it first: zetl local stop"
            )
        with _unused(state):
            try:
                folder.bring(state, source)
            except (StateInUseError, StorageError, UnreadableStateError) as error:
                raise LakehouseError(str(error)) from error


def reset(state: Path) -> bool:
    """Stop any lakehouse that is using a state folder, and delete the folder's state and log.

    Returns:
        Whether a lakehouse was running or data existed.

    Raises:
        LakehouseError: The lakehouse did not stop in time, or does not respond. Nothing was deleted.
    """
    from local_lakehouse.store import folder

    if not state.exists():
        return False
    with _only_command(state):
        stopped = stop(state)
        with _unused(state):
            found = stopped or folder.has_state(state)
            folder.delete(state)
            (state / _LOG).unlink(missing_ok=True)
            return found


def tell(running: Running, control: str) -> dict[str, Any]:
    """Send ``refresh``, ``pause`` or ``resume`` to a lakehouse, and return its response.

    Raises:
        LakehouseError: The lakehouse does not respond.
    """
    answer = ask(running.url, running.token, control, _WORK_SECONDS)
    if answer is None:
        raise LakehouseError(f"The lakehouse at {running.url} does not respond. Run: zetl local status")
    return answer


def announce(state: Path, url: str, token: str) -> None:
    """Save the lakehouse's address, and save the control token in a file that only the user can read."""
    (state / _TOKEN).unlink(missing_ok=True)
    with os.fdopen(os.open(state / _TOKEN, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token)
    draft = (state / _ADDRESS).with_suffix(".draft")
    draft.write_text(json.dumps({"url": url, "pid": os.getpid()}))
    draft.replace(state / _ADDRESS)


def withdraw(state: Path) -> None:
    """Undo `announce`, unless another process has announced its address since then."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if int(json.loads((state / _ADDRESS).read_text())["pid"]) != os.getpid():
            return
    (state / _ADDRESS).unlink(missing_ok=True)
    (state / _TOKEN).unlink(missing_ok=True)


@contextlib.contextmanager
def _only_command(state: Path) -> Iterator[None]:
    """Wait until no other command is starting, deleting or replacing the lakehouse in a state folder."""
    with _locked(
        state / "start.lock",
        _START_SECONDS,
        f"Another command is starting or resetting the lakehouse in {state}. Wait until it ends, then retry.",
    ):
        yield


@contextlib.contextmanager
def _unused(state: Path) -> Iterator[None]:
    """Hold the lock that a lakehouse holds while it uses a state folder, even if it does not respond yet."""
    from local_lakehouse.store.database import LOCK

    lock = state / LOCK
    with _locked(
        lock,
        _RELEASE_SECONDS,
        f"A lakehouse is using {state}, but does not respond. It may be starting or busy: wait a minute, then retry. "
        f"If it still does not respond, end its process, which this command shows: lsof {lock}",
    ):
        yield


@contextlib.contextmanager
def _locked(path: Path, seconds: float, problem: str) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=seconds, poll_interval=0.02)
    except Timeout as error:
        raise LakehouseError(problem) from error
    except OSError as error:
        raise LakehouseError(f"{path} cannot be locked ({error}). Make the folder writable, then retry.") from error
    try:
        yield
    finally:
        lock.release()


def _command(
    state: Path, port: int | None, enforce_iam: bool, governed: bool, refresh_seconds: float | None
) -> list[str]:
    command = [sys.executable, "-m", "local_lakehouse", "--state", str(state.resolve())]
    if port is not None:
        command += ["--port", str(port)]
    if refresh_seconds is not None:
        command += ["--refresh-seconds", str(refresh_seconds)]
    if enforce_iam:
        command.append("--enforce-iam")
    if governed:
        command.append("--governed")
    return command


def _launch(state: Path, command: list[str]) -> Running:
    log = state / _LOG
    with log.open("ab") as output:
        begin = output.tell()
        process = system.start_detached(command, output)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        running = find(state)
        if running is not None:
            return running
        if process.poll() is not None:
            raise LakehouseError(_last_words(log, begin))
        time.sleep(_POLL_SECONDS)
    process.terminate()
    raise LakehouseError(f"The lakehouse did not respond within {_START_SECONDS:.0f} seconds; see {log}.")


def _last_words(log: Path, begin: int) -> str:
    """Return a process's last line of output, which contains the reason for its failure."""
    lines = log.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"The lakehouse exited immediately without a message; see {log}."


def ask(url: str, token: str, control: str, timeout: float = _ANSWER_SECONDS) -> dict[str, Any] | None:
    """Send a control request to a lakehouse, and return the response.

    Return None if the request fails, or if the response is not an object because another program uses the port.
    """
    host, _, port = url.removeprefix("http://").rpartition(":")
    try:
        # The connection is direct, because a proxy in the environment is meant for other hosts.
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=timeout)) as connection:
            connection.request("POST", f"/_zetl/{control}", b"{}", {"X-Zetl-Token": token})
            response = connection.getresponse()
            answer = json.loads(response.read()) if response.status == 200 else None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return answer if isinstance(answer, dict) else None
