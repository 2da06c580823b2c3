"""Tests that the content of a large object is not held in memory while the object is being written or read."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.lakehouse import Lakehouse
from local_lakehouse.protocol.request import Request
from local_lakehouse.store.mapped_files import content_of

MB = 2**20
SIZE = 16 * MB + 7
WHOLE = slice(None)
# S3 ignores invalid ranges.
RANGES = {
    "bytes=0-0": slice(1), "bytes=100-1048675": slice(100, 1048676), f"bytes={SIZE - 6}-": slice(-6, None),
    "bytes=-9": slice(-9, None), f"bytes=0-{2 * SIZE}": WHOLE, "bytes=5-4": WHOLE, "bytes=0-1,5-6": WHOLE,
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "large"
    file.write_bytes(b"".join(number.to_bytes(4, "big") for number in range(SIZE // 4 + 1))[:SIZE])
    return file


@pytest.fixture
def s3(clients: ServiceClients) -> Any:
    s3 = clients.client("s3")
    s3.create_bucket(Bucket="lab")
    return s3


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    """Fail if Python allocates more memory in the block than the given number of bytes."""
    tracemalloc.start()
    try:
        yield
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < limit, f"{most:,} bytes were allocated"


def test_mapped_file_is_written_without_a_copy(clients: ServiceClients, s3: Any, path: Path) -> None:
    clients.put_object("lab", "warm", b"x")
    with at_most(4 * MB):
        clients.put_object("lab", "key", content_of(path))

    assert s3.get_object(Bucket="lab", Key="key")["Body"].read() == path.read_bytes()


def test_range_is_read_without_reading_the_rest(clients: ServiceClients, s3: Any, path: Path) -> None:
    clients.put_object("lab", "key", content_of(path))
    s3.head_object(Bucket="lab", Key="key")
    with at_most(4 * MB):
        found = s3.get_object(Bucket="lab", Key="key", Range=f"bytes={8 * MB}-{9 * MB - 1}")["Body"].read()

    assert found == path.read_bytes()[8 * MB : 9 * MB]


def test_complete_object_is_sent_without_a_copy(clients: ServiceClients, s3: Any, path: Path) -> None:
    clients.put_object("lab", "key", content_of(path))
    s3.head_object(Bucket="lab", Key="key")
    answers = []
    serve = clients._serve

    def observe(request: Request) -> Any:
        with at_most(4 * MB):
            answers.append(serve(request))
        return answers[-1]

    clients._serve = observe
    s3.get_object(Bucket="lab", Key="key")

    assert answers[0].sent == path.read_bytes()


def test_every_form_of_range_request_is_answered_over_http(lakehouse: Lakehouse, path: Path) -> None:
    s3 = boto3.client(
        "s3", region_name="us-east-1", endpoint_url=lakehouse.url, aws_access_key_id="x", aws_secret_access_key="x"
    )  # fmt: skip
    s3.create_bucket(Bucket="lab")
    lakehouse.backend.clients.put_object("lab", "key", content_of(path))
    content = path.read_bytes()

    for asked, expected in RANGES.items():
        assert s3.get_object(Bucket="lab", Key="key", Range=asked)["Body"].read() == content[expected], asked
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket="lab", Key="key", Range=f"bytes={SIZE}-")
    assert s3.head_object(Bucket="lab", Key="key")["ContentLength"] == SIZE
    s3.download_file("lab", "key", str(path.with_name("copy")))
    assert path.with_name("copy").read_bytes() == content
