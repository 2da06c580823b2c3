"""Tests for the parameters of Amazon S3 requests: conditions, ranges, checksums, limits and lists."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.backend import preparations
from local_lakehouse.backend.moto_backend import Backend

pytestmark = pytest.mark.once

_CONTENT = b"0123456789"
_TAG = '"781e5e245d69b566979b86e28d23f2c7"'
_PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_FUTURE = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
_SOURCE = {"Bucket": "files", "Key": "digits"}
_PART = 5 * 2**20


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """Provide a client, and create the bucket `files` with the objects `digits` and `empty`."""
    preparations.prepare("s3", "local_lakehouse.iam.bucket_policies")
    backend = Backend("us-east-1")
    client = backend.clients.client("s3")
    client.create_bucket(Bucket="files")
    client.put_object(**_SOURCE, Body=_CONTENT)
    client.put_object(Bucket="files", Key="empty")
    yield client
    backend.close()


def _refused(call: Any, status: int, code: str, **arguments: Any) -> None:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    response = raised.value.response
    # A response to HEAD contains no error code.
    found = response["Error"]["Code"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert found == (str(status) if found.isdecimal() else code)


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
@pytest.mark.parametrize(
    "conditions",
    [
        {"IfMatch": _TAG, "IfUnmodifiedSince": _PAST},
        {"IfNoneMatch": '"other"', "IfModifiedSince": _FUTURE},
        {"IfMatch": "*"},
        {"Range": "bytes=5-4"},
        {"Range": "items=0-1"},
        {"Range": "bytes=0-1,3-4"},
        {"PartNumber": 1},
    ],
)
def test_whole_object_is_returned(s3: Any, operation: str, conditions: dict[str, Any]) -> None:
    assert getattr(s3, operation)(**_SOURCE, **conditions)["ContentLength"] == len(_CONTENT)


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        ({"PartNumber": 2}, 416, "InvalidPartNumber"),
        ({"PartNumber": 0}, 400, "InvalidArgument"),
        ({"PartNumber": 10_001}, 400, "InvalidArgument"),
        ({"PartNumber": 1, "Range": "bytes=0-1"}, 400, "InvalidRequest"),
        ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, 501, "NotImplemented"),
    ],
)
def test_invalid_reads_are_rejected(s3: Any, operation: str, arguments: dict[str, Any], status: int, code: str) -> None:
    _refused(getattr(s3, operation), status, code, **_SOURCE, **arguments)


def test_malformed_range_of_an_empty_object_is_ignored(s3: Any) -> None:
    assert s3.get_object(Bucket="files", Key="empty", Range="bytes=5-4")["Body"].read() == b""
    _refused(s3.get_object, 416, "InvalidRange", Bucket="files", Key="empty", Range="bytes=0-0")


def _encoded(size: int) -> str:
    return base64.b64encode(b"0" * size).decode()


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        ({"ContentMD5": "AAAA"}, 400, "InvalidDigest"),
        ({"ContentMD5": _encoded(16)}, 400, "BadDigest"),
        ({"ChecksumSHA256": _encoded(32)}, 400, "BadDigest"),
        ({"ChecksumSHA1": _encoded(20)}, 400, "BadDigest"),
        ({"ChecksumCRC32": _encoded(4)}, 400, "BadDigest"),
        ({"ChecksumCRC32": _encoded(5)}, 400, "InvalidRequest"),
        ({"IfNoneMatch": '"x"'}, 501, "NotImplemented"),
        ({"WriteOffsetBytes": 1}, 501, "NotImplemented"),
        ({"ServerSideEncryption": "rot13"}, 400, "InvalidArgument"),
        ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, 501, "NotImplemented"),
        ({"Tagging": "a=b&a=c"}, 400, "InvalidArgument"),
        ({"Metadata": {"note": "x" * 2048}}, 400, "MetadataTooLarge"),
        ({"Key": "k" * 1025}, 400, "KeyTooLongError"),
    ],
)
def test_invalid_writes_are_rejected(s3: Any, arguments: dict[str, Any], status: int, code: str) -> None:
    _refused(s3.put_object, status, code, **{"Bucket": "files", "Key": "rejected", "Body": b"x", **arguments})
    assert s3.list_objects_v2(Bucket="files", Prefix="rejected")["KeyCount"] == 0


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        ({"CopySourceIfMatch": '"x"'}, 412, "PreconditionFailed"),
        ({"CopySourceIfNoneMatch": _TAG}, 412, "PreconditionFailed"),
        ({"CopySourceIfModifiedSince": _FUTURE}, 412, "PreconditionFailed"),
        ({"CopySourceIfUnmodifiedSince": _PAST}, 412, "PreconditionFailed"),
        ({"CopySourceIfNoneMatch": _TAG, "CopySourceIfModifiedSince": _PAST}, 412, "PreconditionFailed"),
        ({"Key": "empty", "IfNoneMatch": "*"}, 412, "PreconditionFailed"),
        ({"Key": "empty", "IfMatch": '"x"'}, 412, "PreconditionFailed"),
        ({"IfMatch": '"x"'}, 404, "NoSuchKey"),
        ({"MetadataDirective": "MERGE"}, 400, "InvalidArgument"),
        ({"TaggingDirective": "MERGE"}, 400, "InvalidArgument"),
    ],
)
def test_copy_checks_its_conditions(s3: Any, arguments: dict[str, Any], status: int, code: str) -> None:
    copy = {"Bucket": "files", "Key": "rejected", "CopySource": _SOURCE, **arguments}
    _refused(s3.copy_object, status, code, **copy)
    assert s3.head_object(Bucket="files", Key="empty")["ContentLength"] == 0


@pytest.mark.parametrize(
    "conditions",
    [
        {"CopySourceIfMatch": _TAG, "CopySourceIfUnmodifiedSince": _PAST},
        {"CopySourceIfNoneMatch": '"x"', "CopySourceIfModifiedSince": _PAST},
        {"IfNoneMatch": "*"},
    ],
)
def test_copy_with_met_conditions_succeeds(s3: Any, conditions: dict[str, Any]) -> None:
    s3.copy_object(Bucket="files", Key="copied", CopySource=_SOURCE, **conditions)
    s3.delete_object(Bucket="files", Key="copied")


def test_multipart_upload_checks_its_parts_and_conditions(s3: Any) -> None:
    upload = {"Bucket": "files", "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    source = {"PartNumber": 3, "CopySource": _SOURCE}
    _refused(s3.upload_part_copy, 412, "PreconditionFailed", **upload, **source, CopySourceIfMatch='"x"')
    _refused(s3.upload_part_copy, 400, "InvalidArgument", **upload, **source, CopySourceRange="bytes=0-10")
    _refused(s3.upload_part, 400, "BadDigest", **upload, PartNumber=1, Body=b"x", ContentMD5=_encoded(16))
    bodies = [b"a" * _PART, b"b"]
    tags = [s3.upload_part(**upload, PartNumber=n, Body=body)["ETag"] for n, body in enumerate(bodies, 1)]
    parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]
    whole = {"MultipartUpload": {"Parts": parts}}
    reverse = {"MultipartUpload": {"Parts": parts[::-1]}}
    _refused(s3.complete_multipart_upload, 400, "InvalidPartOrder", **upload, **reverse)
    _refused(s3.complete_multipart_upload, 400, "InvalidRequest", **upload, **whole, MpuObjectSize=7)
    _refused(s3.complete_multipart_upload, 404, "NoSuchKey", **upload, **whole, IfMatch='"x"')
    s3.complete_multipart_upload(**upload, **whole, MpuObjectSize=_PART + 1)
    _refused(s3.complete_multipart_upload, 404, "NoSuchUpload", **{**upload, "UploadId": "unknown"}, **whole)
    _refused(s3.head_object, 416, "InvalidPartNumber", Bucket="files", Key="parts", PartNumber=3)
    attributes = {"Bucket": "files", "ObjectAttributes": ["ObjectSize", "ObjectParts"]}
    _refused(s3.get_object_attributes, 501, "NotImplemented", Key="parts", **attributes)
    assert s3.get_object_attributes(Key="digits", **attributes)["ObjectSize"] == len(_CONTENT)
    s3.delete_object(Bucket="files", Key="parts")


_NAMES = ["a/1", "a/2", "b", "c/1", "d e"]


@pytest.fixture(scope="module")
def listed(s3: Any) -> Any:
    """Provide the client, and create the bucket `listed`."""
    s3.create_bucket(Bucket="listed")
    for name in _NAMES:
        s3.put_object(Bucket="listed", Key=name)
    return s3


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages_of_list_objects_contain_each_name_once(listed: Any, size: int) -> None:
    arguments: dict[str, Any] = {"Bucket": "listed", "Delimiter": "/", "MaxKeys": size}
    found: list[str] = []
    while True:
        page = listed.list_objects(**arguments)
        names = [each["Key"] for each in page.get("Contents", [])]
        names += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
        assert len(names) <= size
        found += sorted(names)
        if not page["IsTruncated"]:
            break
        arguments["Marker"] = page["NextMarker"]
    assert found == ["a/", "b", "c/", "d e"]
    assert [each["Key"] for each in listed.list_objects(Bucket="listed", Marker="a/2")["Contents"]] == _NAMES[2:]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("list_objects", {"MaxKeys": -1}),
        ("list_objects_v2", {"MaxKeys": -1}),
        ("list_objects_v2", {"EncodingType": "base64"}),
        ("list_objects_v2", {"ContinuationToken": "unknown"}),
        ("list_object_versions", {"VersionIdMarker": "x"}),
        ("list_multipart_uploads", {"MaxUploads": -1}),
    ],
)
def test_invalid_list_requests_are_rejected(listed: Any, operation: str, arguments: dict[str, Any]) -> None:
    _refused(getattr(listed, operation), 400, "InvalidArgument", Bucket="listed", **arguments)


def test_page_has_at_most_10000_buckets(s3: Any) -> None:
    _refused(s3.list_buckets, 400, "InvalidArgument", MaxBuckets=10_001)


def test_page_size_must_be_a_32_bit_integer(listed: Any) -> None:
    with pytest.raises(ClientError, match="Provided max-keys not an integer or within integer range"):
        listed.list_objects_v2(Bucket="listed", MaxKeys=2**31)


def test_page_has_at_most_1000_keys(listed: Any) -> None:
    assert listed.list_objects_v2(Bucket="listed", MaxKeys=5000)["MaxKeys"] == 1000
    assert listed.list_object_versions(Bucket="listed", MaxKeys=0)["IsTruncated"] is False


def test_list_of_versions_starts_after_the_key_marker(s3: Any) -> None:
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for name in ("a", "a", "c", "c"):
        s3.put_object(Bucket="versions", Key=name)

    def after(marker: str) -> list[str]:
        return [each["Key"] for each in s3.list_object_versions(Bucket="versions", KeyMarker=marker)["Versions"]]

    assert after("0") == ["a", "a", "c", "c"]
    assert after("a") == after("b") == ["c", "c"]


def test_multipart_uploads_are_listed_in_pages(s3: Any) -> None:
    s3.create_bucket(Bucket="uploads")
    names = ["x", "y/1", "y/2", "z", "z"]
    before = datetime.datetime.now(datetime.UTC)
    for name in names:
        s3.create_multipart_upload(Bucket="uploads", Key=name)

    def listed_by(**arguments: Any) -> list[str]:
        pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket="uploads", **arguments)
        return [
            each.get("Key", each.get("Prefix"))
            for page in pages
            for each in [*page.get("CommonPrefixes", []), *page.get("Uploads", [])]
        ]

    assert listed_by() == listed_by(PaginationConfig={"PageSize": 2}) == names
    assert listed_by(Delimiter="/", PaginationConfig={"PageSize": 1}) == ["x", "y/", "z", "z"]
    assert listed_by(Prefix="y/", PaginationConfig={"PageSize": 1}) == ["y/1", "y/2"]
    last = s3.list_multipart_uploads(Bucket="uploads", KeyMarker="y/2")["Uploads"]
    assert [each["Key"] for each in last] == names[3:]
    # A script that aborts old uploads must not find one that was just initiated.
    assert all(abs(each["Initiated"] - before) < datetime.timedelta(minutes=5) for each in last)


def test_buckets_are_listed_in_pages(listed: Any) -> None:
    for number in range(3):
        listed.create_bucket(Bucket=f"paged-{number}")
    pages = list(listed.get_paginator("list_buckets").paginate(Prefix="paged-", PaginationConfig={"PageSize": 2}))
    assert [[each["Name"] for each in page["Buckets"]] for page in pages] == [["paged-0", "paged-1"], ["paged-2"]]
    assert pages[0]["Prefix"] == "paged-"
    _refused(listed.list_buckets, 400, "InvalidArgument", ContinuationToken="?")
