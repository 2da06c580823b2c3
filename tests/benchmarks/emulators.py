"""The local lakehouse and other AWS emulators, each in a separate environment.

Each emulator is started as its users would start it. The benchmarks call all emulators from one process, in the same
rounds.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "emulators"
_PATIENCE = 60.0


@dataclass(frozen=True)
class Emulator:
    """An AWS emulator.

    Args:
        name: The emulator's name in the figures.
        requirements: The packages to install, or none for the lakehouse itself.
        command: The command that starts the emulator. The placeholders ``{port}`` and ``{state}`` are replaced with
            the port and the path of a state folder.
        environment: Additional environment variables.
    """

    name: str
    requirements: Sequence[str]
    command: Sequence[str]
    environment: Mapping[str, str]


LAKEHOUSE = Emulator(
    "lakehouse",
    (),
    (sys.executable, "-m", "local_lakehouse", "--port", "{port}", "--state", "{state}"),
    {"PYTHONPATH": str(ROOT)},
)
MINISTACK = Emulator("MiniStack", ("ministack",), ("ministack",), {"GATEWAY_PORT": "{port}", "BIND_HOST": "127.0.0.1"})
# MiniStack runs Athena queries only if DuckDB is installed.
MINISTACK_QUERIES = replace(MINISTACK, name="MiniStack with DuckDB", requirements=("ministack", "duckdb"))
MOTO = Emulator("moto_server", ("moto[server,dynamodb]",), ("moto_server", "-H", "127.0.0.1", "-p", "{port}"), {})


@contextlib.contextmanager
def running(emulator: Emulator, state: Path) -> Iterator[str]:
    """Run an emulator in the block, and yield its address.

    Args:
        emulator: The emulator.
        state: An empty folder for the emulator's state.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    values = {"port": port, "state": str(state)}
    command = [word.format(**values) for word in emulator.command]
    if emulator.requirements:
        command[0] = str(_installed(emulator) / command[0])
    environment = {
        **os.environ, "TMPDIR": str(state), "HOME": str(state),
        **{name: value.format(**values) for name, value in emulator.environment.items()},
    }  # fmt: skip
    with (
        (state / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=state) as process,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address, process, state / "log")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _installed(emulator: Emulator) -> Path:
    """Return the folder with an emulator's commands. The first call installs the emulator."""
    folder = FOLDER / emulator.name
    commands = folder / "bin"
    if not (commands / emulator.command[0]).exists():
        venv.create(folder, with_pip=True)
        subprocess.run([commands / "pip", "install", "--quiet", *emulator.requirements], check=True)
    return commands


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not respond:\n{log.read_text(errors='replace')[-2000:]}")
