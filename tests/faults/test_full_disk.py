"""Tests for a lakehouse on a small file system that actually fills up."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_lakehouse import daemon
from local_lakehouse.daemon import Running

_BYTES = 24 * 2**20
_RESERVE = 4 * 2**20
_ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Provide an in-memory file system of 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("Only root may mount a file system.")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_BYTES}", "zetl-test", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"No file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    daemon.stop(disk / "state")
    # The process has closed its port, but may not have ended yet.
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def client(running: Running, service: str) -> Any:
    return boto3.client(
        service, endpoint_url=running.url, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=_ONCE,
    )  # fmt: skip


def write_until_error(write: Callable[[str], Any]) -> tuple[set[str], ClientError]:
    """Write until a write fails, and return the acknowledged writes and the reason for the failure."""
    acknowledged: set[str] = set()
    try:
        for number in range(100_000):
            write(f"{number:06d}")
            acknowledged.add(f"{number:06d}")
    except ClientError as error:
        return acknowledged, error
    raise AssertionError("The disk is not full.")


def test_lakehouse_keeps_acknowledged_writes_and_recovers_from_full_disk(disk: Path) -> None:
    reserve = disk / "reserve"
    reserve.write_bytes(b"\0" * _RESERVE)
    running = daemon.start(disk / "state", port=0)[0]
    s3, dynamodb = client(running, "s3"), client(running, "dynamodb")
    s3.create_bucket(Bucket="bucket")
    dynamodb.create_table(
        TableName="Items", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )  # fmt: skip

    objects, body_refused = write_until_error(
        lambda name: s3.put_object(Bucket="bucket", Key=name, Body=name.encode() * 20_000)
    )
    items, item_refused = write_until_error(
        lambda name: dynamodb.put_item(TableName="Items", Item={"k": {"S": name}, "text": {"S": name * 1_000}})
    )

    for refused in (body_refused, item_refused):
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert "The disk is full: free some space" in refused.response["Error"]["Message"]
    check(running, objects, items)
    reserve.unlink()
    s3.put_object(Bucket="bucket", Key="after", Body=b"after" * 1_000)
    dynamodb.put_item(TableName="Items", Item={"k": {"S": "after"}, "text": {"S": "after" * 1_000}})
    daemon.stop(disk / "state")
    running = daemon.start(disk / "state", port=0)[0]
    check(running, objects | {"after"}, items | {"after"})
    assert all(health["ok"] for health in running.health["background"].values()), running.health


def check(running: Running, objects: set[str], items: set[str]) -> None:
    """Compare the stored data with the acknowledged writes."""
    s3, dynamodb = client(running, "s3"), client(running, "dynamodb")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
    assert {each["Key"] for page in pages for each in page.get("Contents", ())} == objects
    for name in objects:
        repeated = s3.get_object(Bucket="bucket", Key=name)["Body"].read()
        assert repeated == name.encode() * (len(repeated) // len(name))
    found = [item for page in dynamodb.get_paginator("scan").paginate(TableName="Items") for item in page["Items"]]
    assert {item["k"]["S"]: item["text"]["S"] for item in found} == {name: name * 1_000 for name in items}
