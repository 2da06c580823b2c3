"""How long requests wait while 400,000 items are imported, loaded, refreshed and saved, and how soon a change arrives."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local_lakehouse import daemon
from local_lakehouse.daemon import Running

ITEMS = 400_000
PER_FILE = 20_000
KEY = {"id": {"S": "probe"}}
BODY = b"x" * 1024
CHANGES = 40


def _client(running: Running, service: str) -> Any:
    return boto3.client(
        service, endpoint_url=running.url, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}, read_timeout=300),
    )  # fmt: skip


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    yield daemon.start(tmp_path / "state", port=0)[0]
    daemon.stop(tmp_path / "state")


class Probe:
    """Sends one kind of request again and again, and keeps how long each took."""

    def __init__(self, name: str, send: Callable[[], Any]) -> None:
        self.name = name
        self._send = send
        self._stopped = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        while not self._stopped.wait(0.005):
            started = time.perf_counter()
            self._send()
            self.seconds.append(time.perf_counter() - started)

    def stop(self) -> None:
        self._stopped.set()


def _during(running: Running, what: str, act: Callable[[], Any]) -> dict[str, float]:
    """Do something, and return the longest wait of each kind of request meanwhile."""
    dynamodb, s3 = _client(running, "dynamodb"), _client(running, "s3")
    probes = [
        Probe("GetItem", lambda: dynamodb.get_item(TableName="Probe", Key=KEY)),
        Probe("PutItem", lambda: dynamodb.put_item(TableName="Probe", Item=KEY)),
        Probe("PutObject", lambda: s3.put_object(Bucket="bench", Key="probe", Body=BODY)),
    ]
    with ThreadPoolExecutor(len(probes)) as pool:
        runs = [pool.submit(probe.run) for probe in probes]
        started = time.perf_counter()
        try:
            act()
        finally:
            seconds = time.perf_counter() - started
            for probe in probes:
                probe.stop()
        for run in runs:
            run.result()
    for probe in probes:
        at = sorted(each * 1000 for each in probe.seconds)
        p50, p95, p99 = (at[min(len(at) - 1, int(len(at) * part))] for part in (0.5, 0.95, 0.99))
        print(f"{what:<20}{seconds:>7.1f} s  {probe.name:<10}{len(at):>7}{p50:>9.1f}{p95:>9.1f}{p99:>9.1f}{at[-1]:>9.1f}")
    return {probe.name: max(probe.seconds) for probe in probes}


def _item(number: int) -> dict[str, Any]:
    return {
        "id": {"S": f"customer-{number:07d}"}, "name": {"S": f"Name {number * 7919 % 100_003}"},
        "state": {"S": ("NY", "WA", "TX", "CA")[number % 4]}, "zip": {"S": str(10_000 + number % 900)},
        "paid": {"S": "2024-01-05T00:00:00Z"}, "limit": {"N": str(number * 10)}, "balance": {"N": f"{number}.5"},
    }  # fmt: skip


def _create(dynamodb: Any, name: str) -> dict[str, Any]:
    return {
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }  # fmt: skip
