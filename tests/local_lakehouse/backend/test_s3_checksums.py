"""Tests for the checksums of copied objects and of multipart uploads."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_state import backends_of
from local_lakehouse.lakehouse import Lakehouse
from tests.local_lakehouse.backend.test_moto_state import opened

_PART = 5 * 2**20
_LARGE = b"0123456789abcdef" * (9 * 2**16)
_CHECKED = {"Bucket": "files", "ChecksumMode": "ENABLED"}


@pytest.fixture
def s3(clients: ServiceClients) -> Any:
    """Provide a client, and create the bucket `files`."""
    client = clients.client("s3")
    client.create_bucket(Bucket="files")
    return client


def _crc32(content: bytes) -> str:
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def _upload(s3: Any, key: str = "parts", **arguments: Any) -> bytes:
    upload = {"Bucket": "files", "Key": key}
    upload["UploadId"] = s3.create_multipart_upload(**upload, **arguments)["UploadId"]
    bodies = [b"a" * _PART, b"b"]
    tags = [s3.upload_part(**upload, PartNumber=n, Body=body)["ETag"] for n, body in enumerate(bodies, 1)]
    parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    return b"".join(bodies)


def test_copy_of_a_large_uploaded_file_can_be_read(lakehouse: Lakehouse, tmp_path: Path) -> None:
    s3 = boto3.client(
        "s3", region_name="us-east-1", endpoint_url=lakehouse.url, aws_access_key_id="x", aws_secret_access_key="x"
    )  # fmt: skip
    s3.create_bucket(Bucket="files")
    (tmp_path / "large").write_bytes(_LARGE)
    s3.upload_file(str(tmp_path / "large"), "files", "large")
    s3.copy_object(Bucket="files", Key="copy", CopySource="files/large")

    assert s3.get_object(Bucket="files", Key="copy")["Body"].read() == _LARGE
    assert s3.get_object(Bucket="files", Key="large")["Body"].read() == _LARGE


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_copy_has_the_checksum_of_its_content(s3: Any, kind: str) -> None:
    content = _upload(s3, ChecksumAlgorithm="CRC32", ChecksumType=kind)
    copied = s3.copy_object(Bucket="files", Key="copy", CopySource="files/parts")
    found = s3.get_object(Key="copy", **_CHECKED)

    assert copied["CopyObjectResult"]["ChecksumCRC32"] == found["ChecksumCRC32"] == _crc32(content)
    assert found["ChecksumType"] == "FULL_OBJECT"
    assert found["Body"].read() == content


def test_copy_is_a_single_object(s3: Any) -> None:
    content = _upload(s3)
    s3.copy_object(Bucket="files", Key="copy", CopySource="files/parts")
    found = s3.get_object(Bucket="files", Key="copy", PartNumber=1)

    assert "-" not in found["ETag"]
    assert found["Body"].read() == content


def test_copy_does_not_share_the_parts_of_its_source(tmp_path: Path) -> None:
    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        s3.create_bucket(Bucket="files")
        content = _upload(s3)
        s3.copy_object(Bucket="files", Key="copy", CopySource="files/parts")
        s3.delete_object(Bucket="files", Key="copy")
    with opened(tmp_path):
        stored = backends_of("s3")["123456789012"]["aws"].get_bucket("files").keys["parts"]
        assert b"".join(bytes(part.value) for part in stored.multipart.parts.values()) == content


@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME"])
def test_no_wrong_checksum_is_stored_for_a_multipart_upload(s3: Any, algorithm: str) -> None:
    content = _upload(s3, ChecksumAlgorithm=algorithm)
    s3.copy_object(Bucket="files", Key="copy", CopySource="files/parts")

    for key in ("parts", "copy"):
        found = s3.get_object(Key=key, **_CHECKED)
        assert not [name for name in found if name.startswith("Checksum")]
        assert found["Body"].read() == content
    listed = s3.list_objects_v2(Bucket="files")["Contents"]
    assert not [each for each in listed if "ChecksumAlgorithm" in each]


def test_upload_without_an_algorithm_has_no_wrong_checksum(s3: Any) -> None:
    _upload(s3)
    found = s3.get_object_attributes(Bucket="files", Key="parts", ObjectAttributes=["Checksum", "ObjectSize"])

    assert found["ObjectSize"] == _PART + 1
    assert "Checksum" not in found


@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME"])
def test_copy_keeps_the_source_algorithm_if_the_requested_one_is_not_available(s3: Any, algorithm: str) -> None:
    s3.put_object(Bucket="files", Key="a", Body=b"text", ChecksumAlgorithm="SHA256")
    copied = s3.copy_object(Bucket="files", Key="copy", CopySource="files/a", ChecksumAlgorithm=algorithm)
    found = s3.get_object(Key="copy", **_CHECKED)

    assert copied["CopyObjectResult"]["ChecksumSHA256"] == found["ChecksumSHA256"]
    assert f"Checksum{algorithm}" not in copied["CopyObjectResult"].keys() | found.keys()
    assert found["Body"].read() == b"text"


def test_copy_computes_the_requested_checksum(s3: Any) -> None:
    content = _upload(s3, ChecksumAlgorithm="SHA256")
    s3.copy_object(Bucket="files", Key="copy", CopySource="files/parts", ChecksumAlgorithm="CRC32")
    found = s3.get_object(Key="copy", **_CHECKED)

    assert (found["ChecksumCRC32"], found["ChecksumType"]) == (_crc32(content), "FULL_OBJECT")


def test_client_checksum_that_cannot_be_computed_is_kept(clients: ServiceClients, s3: Any) -> None:
    value = base64.b64encode(b"01234567").decode()
    headers = {"x-amz-sdk-checksum-algorithm": "CRC64NVME", "x-amz-checksum-crc64nvme": value}
    clients.put_object("files", "a", b"text", headers)
    s3.copy_object(Bucket="files", Key="copy", CopySource="files/a")

    for key in ("a", "copy"):
        assert s3.head_object(Key=key, **_CHECKED)["ChecksumCRC64NVME"] == value


@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME"])
def test_no_wrong_checksum_is_stored_for_an_object(clients: ServiceClients, s3: Any, algorithm: str) -> None:
    # If a client sends the value in a trailer, the request that is executed contains only the name of the algorithm.
    clients.put_object("files", "a", b"text", {"x-amz-sdk-checksum-algorithm": algorithm})

    assert f"Checksum{algorithm}" not in s3.head_object(Key="a", **_CHECKED)


def test_checksum_is_not_read_from_the_content(clients: ServiceClients, s3: Any) -> None:
    content = b"x-amz-checksum-crc32:AAAAAA==\r\n"
    clients.put_object("files", "a", content, {"x-amz-sdk-checksum-algorithm": "CRC32"})

    assert s3.head_object(Key="a", **_CHECKED)["ChecksumCRC32"] == _crc32(content)
