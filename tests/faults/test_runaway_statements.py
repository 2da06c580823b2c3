"""Tests that a statement that exhausts memory or does not end is stopped without affecting concurrent statements."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config

from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.sql.workers.limits import MB, Limits

NUMBERS = "UNNEST(sequence(1, 10000))"
RUNAWAY = {
    "lists": f"SELECT cardinality(array_agg(repeat(x, 10000))) FROM {NUMBERS} a(x), {NUMBERS} b(y)",
    "distinct": f"SELECT count(DISTINCT CAST(x * 10000 + y AS varchar)) FROM {NUMBERS} a(x), {NUMBERS} b(y)",
    "sort": f"SELECT x, y FROM {NUMBERS} a(x), {NUMBERS} b(y) ORDER BY (x * y) % 9973, y LIMIT 100000000",
    "endless": f"SELECT count(*) FROM {NUMBERS} a(x), {NUMBERS} b(y), {NUMBERS} c(z) WHERE (x + y + z) % 7 = 9",
    "constant": "SELECT cardinality(flatten(repeat(repeat(rpad('x', 10000, 'y'), 10000), 10000)))",
}
SECONDS = 15.0
PAUSE = threading.Event()
# The size of a function's result is checked before the result is created.
EXPECTED = ("EXCEEDED_LOCAL_MEMORY_LIMIT", "EXCEEDED_TIME_LIMIT", "INVALID_FUNCTION_ARGUMENT: result of repeat")


@pytest.fixture(scope="module")
def limited_lakehouse() -> Iterator[Lakehouse]:
    limits = Limits(query_bytes=64 * MB, all_bytes=1024 * MB, seconds=SECONDS)
    lakehouse = Lakehouse(Settings(paused=True, limits=limits))
    lakehouse.start()
    yield lakehouse
    lakehouse.stop()


def athena_of(lakehouse: Lakehouse) -> Any:
    return boto3.client(
        "athena", endpoint_url=lakehouse.url, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


def start(athena: Any, sql: str) -> str:
    output = {"OutputLocation": "s3://results/"}
    execution_id: str = athena.start_query_execution(QueryString=sql, ResultConfiguration=output)["QueryExecutionId"]
    return execution_id


def finished(athena: Any, execution_id: str, seconds: float) -> dict[str, Any]:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        status: dict[str, Any] = athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]["Status"]
        if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            return status
        # The lakehouse runs in this process, so clients that poll without a pause would slow it down.
        PAUSE.wait(0.05)
    raise AssertionError(f"{execution_id} is {status['State']} after {seconds} seconds")


def test_runaway_statements_fail_without_affecting_others(limited_lakehouse: Lakehouse) -> None:
    s3 = boto3.client(
        "s3", endpoint_url=limited_lakehouse.url, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip
    s3.create_bucket(Bucket="results")
    process = psutil.Process()
    before = process.memory_info().rss
    reasons: list[str] = []

    def client(number: int) -> None:
        athena = athena_of(limited_lakehouse)
        kinds = list(RUNAWAY.values())
        ids = [start(athena, kinds[(number * 4 + place) % len(kinds)]) for place in range(4 if number < 6 else 3)]
        reasons.extend(finished(athena, execution_id, 90)["StateChangeReason"] for execution_id in ids)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    athena = athena_of(limited_lakehouse)
    answered = 0
    waits = []
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        status = finished(athena, start(athena, "SELECT 1"), 30)
        waits.append(round(time.monotonic() - began, 2))
        assert status["State"] == "SUCCEEDED", status
        answered += 1
    print(waits)
    assert len(reasons) == 30
    assert [reason for reason in reasons if not reason.startswith(EXPECTED)] == []
    assert answered > 3
    assert process.memory_info().rss - before < 256 * MB


def test_statements_can_be_stopped_under_full_load(limited_lakehouse: Lakehouse) -> None:
    athena = athena_of(limited_lakehouse)
    ids = [start(athena, RUNAWAY["endless"]) for _ in range(8)]
    for execution_id in ids:
        athena.stop_query_execution(QueryExecutionId=execution_id)
    assert {finished(athena, execution_id, 30)["State"] for execution_id in ids} == {"CANCELLED"}
