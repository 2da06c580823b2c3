"""Tests for the local files of S3 objects that clients can overwrite."""

from __future__ import annotations

import pytest

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.iceberg.file_io import ObjectBytes

pytestmark = pytest.mark.once


def test_file_of_an_object_that_is_overwritten_after_a_listing_is_not_reused(clients: ServiceClients) -> None:
    s3 = clients.client("s3")
    s3.create_bucket(Bucket="files")
    objects = ObjectBytes(clients)

    first = s3.put_object(Bucket="files", Key="a", Body=b"first")["ETag"]
    s3.put_object(Bucket="files", Key="a", Body=b"second")
    assert objects.path("s3://files/a", first).read_bytes() == b"second"

    s3.put_object(Bucket="files", Key="a", Body=b"first")
    assert objects.path("s3://files/a", first).read_bytes() == b"first"
    assert objects.path("s3://files/a", first) == objects.path("s3://files/a", first)


def test_file_of_a_deleted_object_does_not_exist(clients: ServiceClients) -> None:
    clients.client("s3").create_bucket(Bucket="files")

    with pytest.raises(FileNotFoundError):
        ObjectBytes(clients).path("s3://files/a", '"tag"')
