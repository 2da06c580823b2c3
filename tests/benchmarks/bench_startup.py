"""Benchmarks of an emulator's startup time, and of its memory use after startup."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

from local_lakehouse import daemon
from tests.benchmarks import results
from tests.benchmarks.bench_latency import _client, _files, _import
from tests.benchmarks.emulators import LAKEHOUSE, MINISTACK, MOTO, Emulator, running

ROUNDS = 5
ITEMS = int(os.environ.get("ZETL_BENCH_ITEMS", "400000"))
MB = 2**20


def bench_startup(tmp_path: Path) -> None:
    filled = tmp_path / "filled"
    _fill(filled)
    columns = {"lakehouse": LAKEHOUSE, f"{ITEMS:,} items": LAKEHOUSE, MINISTACK.name: MINISTACK, MOTO.name: MOTO}
    seconds: dict[str, list[float]] = {name: [] for name in columns}
    memory: dict[str, float] = {}
    for attempt in range(ROUNDS):
        for name, emulator in columns.items():
            state = tmp_path / f"{name} {attempt}"
            if emulator is LAKEHOUSE and name != "lakehouse":
                state = filled
            state.mkdir(exist_ok=True)
            taken, memory[name] = _start(emulator, state)
            seconds[name].append(taken)
    results.save("startup", {"first response (s)": seconds, "memory (bytes)": memory})
    print(f"\n{'':28}" + "".join(f"{name:>16}" for name in columns))
    print(f"{'first response (s)':28}" + "".join(f"{statistics.median(each):>16.2f}" for each in seconds.values()))
    print(f"{'memory (MB)':28}" + "".join(f"{each / MB:>16.0f}" for each in memory.values()))
    assert memory["lakehouse"] <= 2 * memory[MOTO.name]
    assert memory[f"{ITEMS:,} items"] <= 600 * MB


def bench_commands(tmp_path: Path) -> None:
    """Measure the most common commands, and compare the import time of the helpers with that of their libraries."""
    running_lakehouse, _ = daemon.start(tmp_path, port=0)
    python = [sys.executable, "-c"]
    helpers = "import boto3, pandas, plotly.graph_objects, awswrangler"
    connected = "import time, zetl_helpers as z; t = time.perf_counter(); z.connect(); print(time.perf_counter() - t)"
    environment = {
        **os.environ, "ZETL_STATE_DIR": str(tmp_path), "ZETL_TARGET": "local",
        "AWS_ENDPOINT_URL": running_lakehouse.url,
    }  # fmt: skip
    try:
        command = str(Path(sys.executable).with_name("zetl"))
        seconds = {}
        for label, arguments in {
            "zetl --help": [command, "--help"],
            "zetl local status": [command, "local", "status", "--state", str(tmp_path)],
            "import of the libraries": [*python, helpers],
            "import zetl_helpers": [*python, "import zetl_helpers"],
        }.items():
            seconds[label] = _median(arguments, environment)
        took = [float(_run([*python, connected], environment).splitlines()[-1]) for _ in range(ROUNDS)]
        seconds["zetl.connect()"] = statistics.median(took)
        results.save("commands", {f"{label} (s)": each for label, each in seconds.items()})
        print()
        for label, each in seconds.items():
            print(f"{label:<28}{each:>8.2f} s")
    finally:
        daemon.stop(tmp_path)


def _fill(state: Path) -> None:
    """Create a state folder whose lakehouse contains imported items."""
    lakehouse, _ = daemon.start(state, port=0)
    _client(lakehouse, "s3").create_bucket(Bucket="bench")
    _files(lakehouse, ITEMS)
    _import(lakehouse, ITEMS)
    daemon.stop(state)


def _start(emulator: Emulator, state: Path) -> tuple[float, float]:
    """Start an emulator, and return its startup time in seconds and the memory of its processes in bytes."""
    before = set(psutil.Process().children(recursive=True))
    started = time.perf_counter()
    with running(emulator, state) as address, closing(_dynamodb(address)) as client:
        client.list_tables()
        taken = time.perf_counter() - started
        processes = set(psutil.Process().children(recursive=True)) - before
        memory = sum(process.memory_info().rss for process in processes)
    shutil.rmtree(state / "log", ignore_errors=True)
    return taken, memory


def _dynamodb(address: str) -> Any:
    return boto3.client(
        "dynamodb", endpoint_url=address, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


def _median(arguments: Sequence[str], environment: dict[str, str]) -> float:
    seconds = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        _run(arguments, environment)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])


def _run(arguments: Sequence[str], environment: dict[str, str]) -> str:
    return subprocess.run(arguments, env=environment, check=True, capture_output=True, text=True).stdout
