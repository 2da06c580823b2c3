"""Benchmarks of DynamoDB requests to the lakehouse, MiniStack and moto_server, which take turns in each round.

Compare ratios rather than seconds, because the times depend on the computer. The lakehouse stores each write on
disk before it responds, but the other emulators keep writes in memory.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.benchmarks import results
from tests.benchmarks.emulators import LAKEHOUSE, MINISTACK, MOTO, running

ROUNDS = 3
CALLS = 100
SMALL, LARGE = 10_000, 50_000

Client = Any


def _client(address: str) -> Client:
    return boto3.client(
        "dynamodb", endpoint_url=address, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}, read_timeout=300),
    )  # fmt: skip


def _table(client: Client, name: str) -> str:
    client.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "h", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"},
        ],
    )  # fmt: skip
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


def _item(number: int) -> dict[str, Any]:
    return {
        "h": {"S": f"customer-{number % 1000:04d}"}, "r": {"N": str(number)}, "state": {"S": ("NY", "WA")[number % 2]},
        "balance": {"N": f"{number}.25"}, "active": {"BOOL": True}, "tags": {"SS": ["a", "b"]},
        "address": {"M": {"street": {"S": "Main Street 1"}, "zip": {"S": "10001"}}}, "text": {"S": "x" * 120},
    }  # fmt: skip


def _load(client: Client, table: str, first: int, last: int) -> None:
    for start in range(first, last, 25):
        entries = [{"PutRequest": {"Item": _item(number)}} for number in range(start, min(start + 25, last))]
        answer = client.batch_write_item(RequestItems={table: entries})
        assert not answer["UnprocessedItems"]


def _key(number: int) -> dict[str, Any]:
    item = _item(number)
    return {"h": item["h"], "r": item["r"]}


def _scan(client: Client, table: str, expected: int) -> None:
    pages = client.get_paginator("scan").paginate(TableName=table)
    assert sum(len(page["Items"]) for page in pages) == expected


def _median_call(call: Callable[[int], Any]) -> float:
    durations = []
    for number in range(CALLS):
        started = time.perf_counter()
        call(number)
        durations.append(time.perf_counter() - started)
    return statistics.median(durations) * 1000


def _seconds(do: Callable[[], Any]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def _round(client: Client, number: int) -> Iterator[tuple[str, float]]:
    """Measure each operation once, with a new table."""
    table = _table(client, f"small{number}")
    yield f"batch write {SMALL:,} (s)", _seconds(lambda: _load(client, table, 0, SMALL))
    yield f"scan {SMALL:,} (s)", _seconds(lambda: _scan(client, table, SMALL))
    yield from _calls(client, table, "")
    client.delete_table(TableName=table)


def _calls(client: Client, table: str, label: str) -> Iterator[tuple[str, float]]:
    first = SMALL if not label else LARGE
    yield f"put{label} (ms)", _median_call(lambda i: client.put_item(TableName=table, Item=_item(first + i)))
    yield f"get{label} (ms)", _median_call(lambda i: client.get_item(TableName=table, Key=_key(i)))
    yield (
        f"update{label} (ms)",
        _median_call(
            lambda i: client.update_item(
                TableName=table, Key=_key(i), UpdateExpression="SET balance = balance + :n, #s = :s",
                ExpressionAttributeNames={"#s": "state"},
                ExpressionAttributeValues={":n": {"N": "1"}, ":s": {"S": "TX"}},
            )
        ),
    )  # fmt: skip
    yield (
        f"query{label} (ms)",
        _median_call(
            lambda i: client.query(
                TableName=table, KeyConditionExpression="h = :h AND r >= :r", Limit=10,
                ExpressionAttributeValues={":h": _item(i)["h"], ":r": {"N": "1000"}},
            )
        ),
    )  # fmt: skip


def _large_round(client: Client, expected: int) -> Iterator[tuple[str, float]]:
    yield f"scan {LARGE:,} (s)", _seconds(lambda: _scan(client, "large", expected))
    yield from _calls(client, "large", f" among {LARGE:,}")


def bench_dynamodb(tmp_path: Path) -> None:
    figures: dict[str, dict[str, list[float]]] = {}
    emulators = (LAKEHOUSE, MINISTACK, MOTO)
    with contextlib.ExitStack() as stack:
        clients = {}
        for emulator in emulators:
            state = tmp_path / emulator.name
            state.mkdir()
            clients[emulator.name] = _client(stack.enter_context(running(emulator, state)))

        def note(emulator: str, measured: Iterator[tuple[str, float]]) -> None:
            for name, value in measured:
                figures.setdefault(name, {}).setdefault(emulator, []).append(value)

        for number in range(ROUNDS):
            for name, client in clients.items():
                note(name, _round(client, number))
        # Moto sorts the whole table for each query, so moto is not measured with the large table.
        large = {name: client for name, client in clients.items() if name != MOTO.name}
        for client in large.values():
            _load(client, _table(client, "large"), 0, LARGE)
        for number in range(ROUNDS):
            for name, client in large.items():
                note(name, _large_round(client, LARGE + (CALLS if number else 0)))
    _report(figures)


def _report(figures: dict[str, dict[str, list[float]]]) -> None:
    medians = {
        name: {emulator: statistics.median(held) for emulator, held in found.items()} for name, found in figures.items()
    }
    results.save("dynamodb", {"medians": medians, "rounds": figures})
    emulators = (LAKEHOUSE.name, MINISTACK.name, MOTO.name)
    print(f"\n{'':32}" + "".join(f"{emulator:>14}" for emulator in emulators) + f"{'ratio':>8}")
    slower = []
    for name, found in medians.items():
        ratio = found[LAKEHOUSE.name] / found[MINISTACK.name]
        cells = "".join(f"{found[emulator]:>14.2f}" if emulator in found else f"{'':>14}" for emulator in emulators)
        print(f"{name:32}{cells}{ratio:>8.2f}")
        if ratio > 1.0:
            slower.append(f"{name}: {ratio:.2f}")
    if slower:
        pytest.fail("slower than MiniStack: " + "; ".join(slower))
