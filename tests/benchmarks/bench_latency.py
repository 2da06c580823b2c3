"""Benchmarks of request latency during large operations, and of the time until a change is visible in Athena.

The large operations are an import and a first load of 400,000 items, and a refresh after 10,000 changes.
"""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import os
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local_lakehouse import daemon
from local_lakehouse.daemon import Running
from local_lakehouse.testing import _ALL, _TRUST, _catalog_policy, _source_policy
from tests.benchmarks import results

ITEMS = int(os.environ.get("ZETL_BENCH_ITEMS", "400000"))
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


SEND: dict[str, Callable[[Any], Any]] = {
    "GetItem": lambda dynamodb: dynamodb.get_item(TableName="Probe", Key=KEY),
    "PutItem": lambda dynamodb: dynamodb.put_item(TableName="Probe", Item=KEY),
    "PutObject": lambda s3: s3.put_object(Bucket="bench", Key="probe", Body=BODY),
}


def _probe(name: str, running: Running, results: Connection) -> None:
    """Send one kind of request repeatedly until a message arrives, and then return all latencies in seconds."""
    client = _client(running, "s3" if name == "PutObject" else "dynamodb")
    SEND[name](client)
    gc.collect()
    gc.freeze()
    gc.disable()
    results.send(None)
    seconds: list[float] = []
    while not results.poll(0.005):
        started = time.perf_counter()
        SEND[name](client)
        seconds.append(time.perf_counter() - started)
    results.send(seconds)


@contextlib.contextmanager
def _probes(running: Running) -> Iterator[dict[str, list[float]]]:
    """Send each kind of request during the block, and yield a dictionary of the latencies in seconds.

    The dictionary is filled at the end of the block. A separate process sends each kind of request, so that no request
    waits for this process or for requests of another kind.
    """
    context = multiprocessing.get_context("spawn")
    pipes = {name: context.Pipe() for name in SEND}
    probes = [context.Process(target=_probe, args=(name, running, pipes[name][1]), daemon=True) for name in SEND]
    for probe in probes:
        probe.start()
    for pipe, _ in pipes.values():
        assert pipe.recv() is None
    times: dict[str, list[float]] = {}
    yield times
    for pipe, _ in pipes.values():
        pipe.send(None)
    for name, (pipe, _) in pipes.items():
        times[name] = pipe.recv()
    for probe in probes:
        probe.join()


def _measure_during(running: Running, what: str, act: Callable[[], Any]) -> dict[str, float]:
    """Run an action, and return the longest latency of each kind of request during the action."""
    with _probes(running) as times:
        started = time.perf_counter()
        act()
        seconds = time.perf_counter() - started
    for name, found in times.items():
        at = sorted(each * 1000 for each in found)
        p50, p95, p99 = (at[min(len(at) - 1, int(len(at) * part))] for part in (0.5, 0.95, 0.99))
        print(f"{what:<20}{seconds:>7.1f} s  {name:<10}{len(at):>7}{p50:>9.1f}{p95:>9.1f}{p99:>9.1f}{at[-1]:>9.1f}")
    return {name: max(found) for name, found in times.items()}


def _item(number: int) -> dict[str, Any]:
    return {
        "id": {"S": f"customer-{number:07d}"}, "name": {"S": f"Name {number * 7919 % 100_003}"},
        "state": {"S": ("NY", "WA", "TX", "CA")[number % 4]}, "zip": {"S": str(10_000 + number % 900)},
        "paid": {"S": "2024-01-05T00:00:00Z"}, "limit": {"N": str(number * 10)}, "balance": {"N": f"{number}.5"},
    }  # fmt: skip


def _files(running: Running, rows: int) -> None:
    """Write the items to S3 for an import."""
    s3 = _client(running, "s3")
    for start in range(0, rows, PER_FILE):
        lines = [json.dumps({"Item": _item(number)}) for number in range(start, min(start + PER_FILE, rows))]
        s3.put_object(Bucket="bench", Key=f"items/{start}.json", Body="\n".join(lines).encode())


def _import(running: Running, rows: int) -> None:
    """Import the items into a table and wait for completion."""
    dynamodb = _client(running, "dynamodb")
    arn = dynamodb.import_table(
        S3BucketSource={"S3Bucket": "bench", "S3KeyPrefix": "items/"}, InputFormat="DYNAMODB_JSON",
        TableCreationParameters=_table("Large"),
    )["ImportTableDescription"]["ImportArn"]  # fmt: skip
    done = dynamodb.describe_import(ImportArn=arn)["ImportTableDescription"]
    assert (done["ImportStatus"], done["ImportedItemCount"]) == ("COMPLETED", rows)


def _integrate(running: Running, rows: int) -> None:
    """Create the integration's prerequisites and the integration, and wait for the first load."""
    glue, iam, dynamodb = (_client(running, name) for name in ("glue", "iam", "dynamodb"))
    account, source = "123456789012", "arn:aws:dynamodb:us-east-1:123456789012:table/Large"
    glue.create_database(DatabaseInput={"Name": "bench", "LocationUri": "s3://bench/lake/"})
    iam.create_role(RoleName="target", AssumeRolePolicyDocument=_TRUST)
    iam.put_role_policy(RoleName="target", PolicyName="all", PolicyDocument=_ALL)
    target = f"arn:aws:glue:us-east-1:{account}:database/bench"
    glue.create_integration_resource_property(
        ResourceArn=target, TargetProcessingProperties={"RoleArn": f"arn:aws:iam::{account}:role/target"}
    )
    dynamodb.update_continuous_backups(
        TableName="Large", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.put_resource_policy(ResourceArn=source, Policy=_source_policy(source, account))
    glue.put_resource_policy(PolicyInJson=_catalog_policy("us-east-1", account))
    glue.create_integration(IntegrationName="bench", SourceArn=source, TargetArn=target)
    daemon.tell(running, "refresh")
    assert int(_query(running, "SELECT count(*) FROM large")[0]) == rows


def _change_many(running: Running) -> None:
    """Change 10,000 items with batch writes, and refresh."""
    dynamodb = _client(running, "dynamodb")
    for start in range(0, 10_000, 25):
        writes = [{"PutRequest": {"Item": {**_item(n * 40), "zip": {"S": "0"}}}} for n in range(start, start + 25)]
        dynamodb.batch_write_item(RequestItems={"Large": writes})
    daemon.tell(running, "refresh")
    assert int(_query(running, "SELECT count(*) FROM large WHERE zip = '0'")[0]) == 10_000


def _query(running: Running, sql: str) -> list[str]:
    """Return the first row of a query's result."""
    athena = _client(running, "athena")
    started = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": "bench"})
    while True:
        execution = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            break
    assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
    rows = athena.get_query_results(QueryExecutionId=started["QueryExecutionId"])["ResultSet"]["Rows"]
    return [cell.get("VarCharValue", "") for cell in rows[1]["Data"]] if len(rows) > 1 else []


def _freshness(running: Running, rows: int) -> list[float]:
    """Return the number of seconds until each change was visible in Athena."""
    dynamodb = _client(running, "dynamodb")
    seconds = []
    for number in range(CHANGES):
        # No item had this value before.
        mark = uuid.uuid4().hex
        dynamodb.put_item(TableName="Large", Item={**_item(number * 31 % rows), "zip": {"S": mark}})
        started = time.perf_counter()
        while not _query(running, f"SELECT id FROM large WHERE zip = '{mark}'"):
            pass
        seconds.append(time.perf_counter() - started)
        # The pauses vary, so that the changes are made at different points in the refresh cycle.
        time.sleep(number % 7 * 0.03)
    return seconds


def bench_request_latency(running: Running) -> None:
    dynamodb, s3 = _client(running, "dynamodb"), _client(running, "s3")
    dynamodb.create_table(**_table("Probe"))
    s3.create_bucket(Bucket="bench")
    print(f"\n{'':<20}{'':>9}  {'request':<10}{'count':>7}{'p50 ms':>9}{'p95':>9}{'p99':>9}{'longest':>9}")
    actions: dict[str, Callable[[], Any]] = {
        "nothing": lambda: time.sleep(5),
        "writing to S3": lambda: _files(running, ITEMS),
        "import": lambda: _import(running, ITEMS),
        "load": lambda: _integrate(running, ITEMS),
        "10,000 changes": lambda: _change_many(running),
        "single changes": lambda: _freshness(running, ITEMS),
    }
    longest = {what: _measure_during(running, what, act) for what, act in actions.items()}
    results.save("latency", {f"{what}, longest (s)": each for what, each in longest.items()})
    quiet = max(longest["nothing"].values())
    # The limit is 100 ms above the longest latency measured when no operation is running.
    assert max(value for each in longest.values() for value in each.values()) < quiet + 0.1


@pytest.mark.parametrize("rows", [1_000, 100_000, 400_000])
def bench_freshness(running: Running, rows: int) -> None:
    _client(running, "s3").create_bucket(Bucket="bench")
    _files(running, rows)
    _import(running, rows)
    _integrate(running, rows)
    seconds = sorted(_freshness(running, rows))
    p50, p95 = statistics.median(seconds), seconds[int(len(seconds) * 0.95)]
    results.save(f"freshness_{rows}", {"rows": rows, "visible after (s)": seconds})
    print(f"\na change is visible through Athena after {p50:.3f} s (p50), {p95:.3f} s (p95) with {rows:,} rows")
    # A refresh starts after at least 0.1 s without changes, so a value that arrives earlier was already in the table.
    assert seconds[0] >= 0.1
    assert p50 < 1.0


def _table(name: str) -> dict[str, Any]:
    return {
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }  # fmt: skip
