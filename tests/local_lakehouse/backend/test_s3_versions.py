"""Tests for the versions of objects in buckets whose versioning is suspended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.backend.clients import ServiceClients
from tests.local_lakehouse.backend.test_moto_state import opened

_PLACE = {"Bucket": "files", "Key": "a"}


@pytest.fixture
def s3(clients: ServiceClients) -> Any:
    """Provide a client, and create the bucket `files`."""
    client = clients.client("s3")
    client.create_bucket(Bucket="files")
    return client


def _set_versioning(s3: Any, status: str) -> None:
    s3.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": status})


def _write(s3: Any, body: bytes) -> str | None:
    found: str | None = s3.put_object(**_PLACE, Body=body).get("VersionId")
    return found


def _write_two_and_suspend(s3: Any) -> list[str | None]:
    """Write two versions, suspend versioning, and return the IDs of the versions."""
    _set_versioning(s3, "Enabled")
    found = [_write(s3, b"v1"), _write(s3, b"v2")]
    _set_versioning(s3, "Suspended")
    return found


def _versions(s3: Any) -> list[tuple[str, bool]]:
    """Return the ID of each version, newest first, and whether it is the latest version."""
    return [(each["VersionId"], each["IsLatest"]) for each in s3.list_object_versions(Bucket="files")["Versions"]]


def _markers(s3: Any) -> list[tuple[str, bool]]:
    listed = s3.list_object_versions(Bucket="files").get("DeleteMarkers", [])
    return [(each["VersionId"], each["IsLatest"]) for each in listed]


def _content(s3: Any, version: str | None = None) -> bytes:
    arguments = {"VersionId": version} if version else {}
    content: bytes = s3.get_object(**_PLACE, **arguments)["Body"].read()
    assert s3.head_object(**_PLACE, **arguments)["ContentLength"] == len(content)
    return content


def test_write_while_suspended_keeps_the_other_versions(s3: Any) -> None:
    v1, v2 = _write_two_and_suspend(s3)
    assert _write(s3, b"v3") == "null"
    assert _write(s3, b"v4!") == "null"

    assert _versions(s3) == [("null", True), (v2, False), (v1, False)]
    assert [_content(s3, version) for version in (None, "null", v2, v1)] == [b"v4!", b"v4!", b"v2", b"v1"]


def test_write_while_suspended_replaces_the_version_from_before_versioning(s3: Any) -> None:
    _write(s3, b"v0")
    v1, v2 = _write_two_and_suspend(s3)
    assert _content(s3, "null") == b"v0"
    _write(s3, b"v3")

    assert _versions(s3) == [("null", True), (v2, False), (v1, False)]
    assert _content(s3, "null") == b"v3"


def test_copy_and_multipart_upload_while_suspended_keep_the_other_versions(s3: Any) -> None:
    v1, v2 = _write_two_and_suspend(s3)
    s3.copy_object(**_PLACE, CopySource={**_PLACE, "VersionId": v1})
    assert (_versions(s3), _content(s3)) == ([("null", True), (v2, False), (v1, False)], b"v1")

    upload = {**_PLACE, "UploadId": s3.create_multipart_upload(**_PLACE)["UploadId"]}
    part = {"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"v4")["ETag"]}
    assert s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})["VersionId"] == "null"
    assert (_versions(s3), _content(s3)) == ([("null", True), (v2, False), (v1, False)], b"v4")


def test_deletion_while_suspended_replaces_the_null_version_with_a_marker(s3: Any) -> None:
    v1, v2 = _write_two_and_suspend(s3)
    _write(s3, b"v3")
    for _ in range(2):
        deleted = s3.delete_object(**_PLACE)
        assert (deleted["DeleteMarker"], deleted["VersionId"]) == (True, "null")

    assert _markers(s3) == [("null", True)]
    assert _versions(s3) == [(v2, False), (v1, False)]
    assert s3.list_objects_v2(Bucket="files")["KeyCount"] == 0
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(**_PLACE)
    with pytest.raises(ClientError, match="404"):
        s3.head_object(**_PLACE)
    assert [_content(s3, version) for version in (v2, v1)] == [b"v2", b"v1"]


def test_deletion_of_several_objects_while_suspended_keeps_the_other_versions(s3: Any) -> None:
    v1, v2 = _write_two_and_suspend(s3)
    deleted = s3.delete_objects(Bucket="files", Delete={"Objects": [{"Key": "a"}]})["Deleted"]
    assert deleted == [{"Key": "a", "DeleteMarkerVersionId": "null", "DeleteMarker": True}]
    assert (_versions(s3), _markers(s3)) == ([(v2, False), (v1, False)], [("null", True)])

    s3.delete_objects(Bucket="files", Delete={"Objects": [{"Key": "a", "VersionId": "null"}]})
    assert (_versions(s3), _markers(s3)) == ([(v2, True), (v1, False)], [])


def test_deletion_of_a_version_while_suspended_keeps_the_other_versions(s3: Any) -> None:
    v1, v2 = _write_two_and_suspend(s3)
    _write(s3, b"v3")
    s3.delete_object(**_PLACE, VersionId="unknown")
    assert _versions(s3) == [("null", True), (v2, False), (v1, False)]
    assert s3.delete_object(**_PLACE, VersionId=v1)["VersionId"] == v1
    assert _versions(s3) == [("null", True), (v2, False)]
    s3.delete_object(**_PLACE, VersionId="null")
    assert (_versions(s3), _content(s3)) == ([(v2, True)], b"v2")


def test_write_replaces_the_null_marker(s3: Any) -> None:
    v1, v2 = _write_two_and_suspend(s3)
    s3.delete_object(**_PLACE)
    _write(s3, b"v3")

    assert (_versions(s3), _markers(s3)) == ([("null", True), (v2, False), (v1, False)], [])


def test_write_after_versioning_is_enabled_again_keeps_the_null_version(s3: Any) -> None:
    v1, v2 = _write_two_and_suspend(s3)
    _write(s3, b"v3")
    _set_versioning(s3, "Enabled")
    v4 = _write(s3, b"v4")

    assert v4 not in (None, "null")
    assert _versions(s3) == [(v4, True), ("null", False), (v2, False), (v1, False)]
    assert _content(s3, "null") == b"v3"


def test_versions_survive_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        s3.create_bucket(Bucket="files")
        v1, v2 = _write_two_and_suspend(s3)
        _write(s3, b"v3")
    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        assert _versions(s3) == [("null", True), (v2, False), (v1, False)]
        assert [_content(s3, version) for version in (None, v2, v1)] == [b"v3", b"v2", b"v1"]
        _write(s3, b"v4")
        s3.delete_object(**_PLACE)
    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        assert (_versions(s3), _markers(s3)) == ([(v2, False), (v1, False)], [("null", True)])
        s3.delete_object(**_PLACE, VersionId="null")
        assert [_content(s3, version) for version in (None, v2, v1)] == [b"v2", b"v2", b"v1"]
    with opened(tmp_path) as backend:
        assert _versions(backend.clients.client("s3")) == [(v2, True), (v1, False)]


def test_tags_belong_to_the_null_version(s3: Any) -> None:
    _write_two_and_suspend(s3)
    s3.put_object(**_PLACE, Tagging="stage=raw")
    assert s3.get_object_tagging(**_PLACE, VersionId="null")["TagSet"] == [{"Key": "stage", "Value": "raw"}]
    _write(s3, b"v4")
    assert s3.get_object_tagging(**_PLACE, VersionId="null")["TagSet"] == []


def test_replication_and_object_lock_need_enabled_versioning(s3: Any) -> None:
    _write_two_and_suspend(s3)
    rule = {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::other"}}
    with pytest.raises(ClientError, match="Versioning must be 'Enabled' on the bucket"):
        s3.put_bucket_replication(Bucket="files", ReplicationConfiguration={"Role": "role", "Rules": [rule]})
    with pytest.raises(ClientError, match="Versioning must be 'Enabled' on the bucket"):
        s3.put_object_lock_configuration(Bucket="files", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


def test_versioning_of_a_bucket_with_object_lock_cannot_be_suspended(s3: Any) -> None:
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    with pytest.raises(ClientError, match="InvalidBucketState"):
        s3.put_bucket_versioning(Bucket="locked", VersioningConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_versioning(Bucket="locked")["Status"] == "Enabled"
