"""Tests for objects without tags, for requests for parts of objects, and for repeated requests."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.backend.moto_state import backends_of
from tests.local_lakehouse.backend.test_moto_state import opened

TAGS = [{"Key": "stage", "Value": "raw"}]


def _tagger() -> Any:
    return backends_of("s3")["123456789012"]["aws"].tagger


def _moto_rows(backend: Any) -> list[Any]:
    with backend.database.snapshot() as connection:
        return list(connection.execute("SELECT id, body FROM moto ORDER BY root, id"))


def test_objects_without_tags_do_not_add_to_the_stored_backend(tmp_path: Path) -> None:
    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        s3.create_bucket(Bucket="files")
        before = _moto_rows(backend)
        for number in range(3):
            s3.put_object(Bucket="files", Key=str(number), Body=b"x")
        s3.copy_object(Bucket="files", Key="copy", CopySource="files/0")
        upload = {"Bucket": "files", "Key": "parts"}
        upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
        part = s3.upload_part(**upload, PartNumber=1, Body=b"x")
        s3.complete_multipart_upload(
            **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        )  # fmt: skip
        assert _moto_rows(backend) == before


@pytest.mark.parametrize("clear", ["delete_object_tagging", "put_object_tagging", "put_object"])
def test_entry_is_removed_together_with_its_tags(tmp_path: Path, clear: str) -> None:
    with opened(tmp_path) as backend:
        s3, place = backend.clients.client("s3"), {"Bucket": "files", "Key": "a"}
        s3.create_bucket(Bucket="files")
        s3.put_object(**place, Tagging="stage=raw")
        assert s3.get_object_tagging(**place)["TagSet"] == TAGS
        getattr(s3, clear)(**place, **({"Tagging": {"TagSet": []}} if clear == "put_object_tagging" else {}))
        assert s3.get_object_tagging(**place)["TagSet"] == []
        assert _tagger().tags == {}


def test_empty_entries_from_an_earlier_state_are_removed_at_startup(tmp_path: Path) -> None:
    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        s3.create_bucket(Bucket="files")
        s3.put_object(Bucket="files", Key="tagged", Tagging="stage=raw")
        with backend.database.transaction():
            _tagger().tags["arn:aws:s3:::files/earlier/null"] = {}
        s3.put_object(Bucket="files", Key="other")
        assert any("files/earlier" in body for _, body in _moto_rows(backend))
    with opened(tmp_path) as backend:
        assert backend.clients.client("s3").get_object_tagging(Bucket="files", Key="tagged")["TagSet"] == TAGS
        assert list(_tagger().tags.values()) == [{"stage": "raw"}]


def test_request_for_a_part_never_returns_the_whole_object(tmp_path: Path) -> None:
    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        s3.create_bucket(Bucket="files")
        upload = {"Bucket": "files", "Key": "parts"}
        upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
        bodies = [b"a" * 5 * 2**20, b"b"]
        tags = [s3.upload_part(**upload, PartNumber=n, Body=body)["ETag"] for n, body in enumerate(bodies, 1)]
        parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        s3.put_object(Bucket="files", Key="whole", Body=b"whole")

        with pytest.raises(ClientError, match="does not support GetObject with PartNumber"):
            s3.get_object(Bucket="files", Key="parts", PartNumber=2)
        assert s3.get_object(Bucket="files", Key="parts")["Body"].read() == b"".join(bodies)
        assert s3.get_object(Bucket="files", Key="whole", PartNumber=1)["Body"].read() == b"whole"


@pytest.mark.parametrize("conditions", [{}, {"IfNoneMatch": "*"}])
def test_completed_multipart_upload_can_be_completed_again(tmp_path: Path, conditions: dict[str, str]) -> None:
    upload = {"Bucket": "files", "Key": "parts"}
    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        s3.create_bucket(Bucket="files")
        upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
        part = {"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"]}
        complete: dict[str, Any] = {**upload, **conditions, "MultipartUpload": {"Parts": [part]}}
        first = s3.complete_multipart_upload(**complete)
        assert s3.complete_multipart_upload(**complete)["ETag"] == first["ETag"]
    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        assert s3.complete_multipart_upload(**complete)["ETag"] == first["ETag"]
        s3.put_object(Bucket="files", Key="parts", Body=b"other")
        with pytest.raises(ClientError, match="PreconditionFailed" if conditions else "NoSuchUpload"):
            s3.complete_multipart_upload(**complete)
        assert s3.get_object(Bucket="files", Key="parts")["Body"].read() == b"other"
