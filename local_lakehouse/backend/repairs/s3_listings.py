"""Fixes for the lists of buckets, objects, versions and multipart uploads in Amazon S3.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
"""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from moto.core.responses import ActionResult
from moto.core.utils import iso_8601_datetime_with_milliseconds, utcnow
from moto.s3.exceptions import InvalidContinuationToken
from moto.s3.models import FakeDeleteMarker, S3Backend
from moto.s3.responses import S3Response

_MOST = 1000
_MOST_BUCKETS = 10_000
_OWNER = {"ID": "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a", "DisplayName": "webfile"}


def apply() -> None:
    """Apply the fixes to moto, once per process."""
    if not hasattr(S3Response.list_objects_v2, "__wrapped__"):
        S3Response.list_objects = _list_objects  # type: ignore[method-assign]
        S3Response.list_objects_v2 = _limited(_with_known_token(S3Response.list_objects_v2))  # type: ignore[method-assign]
        S3Response.list_object_versions = _limited(S3Response.list_object_versions)  # type: ignore[method-assign]
        S3Response.list_multipart_uploads = _list_multipart_uploads  # type: ignore[method-assign]
        S3Response.all_buckets = _list_buckets  # type: ignore[method-assign]
        S3Backend.list_object_versions = _after_marker(S3Backend.list_object_versions)  # type: ignore[method-assign]
        S3Backend.create_multipart_upload = _with_time(S3Backend.create_multipart_upload)  # type: ignore[method-assign]


def _limited(list_page: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a page to 1,000 entries."""

    @functools.wraps(list_page)
    def listing(self: S3Response) -> Any:
        if "max-keys" in self.querystring:
            self.querystring["max-keys"] = [str(_size(self, "max-keys"))]
        return list_page(self)

    return listing


def _with_known_token(list_page: Callable[..., Any]) -> Callable[..., Any]:
    """Reject a continuation token that no response contained, for which moto fails."""

    @functools.wraps(list_page)
    def listing(self: S3Response) -> Any:
        token = _given(self, "continuation-token")
        if token and token not in self.backend._pagination_tokens:
            raise InvalidContinuationToken
        return list_page(self)

    return listing


def _after_marker(list_versions: Callable[..., Any]) -> Callable[..., Any]:
    """Start a list of versions after all versions of the key in ``KeyMarker``, where moto skips exactly one version."""

    @functools.wraps(list_versions)
    def listing(self: S3Backend, bucket_name: str, *arguments: Any, **named: Any) -> Any:
        if named.get("max_keys") == 0:
            return [], [], [], None, None
        marker = named.get("key_marker")
        if marker and not named.get("version_id_marker"):
            before = [each for key, each in self.get_bucket(bucket_name).keys.iterlists() if key <= marker]
            last = min(before[-1], key=lambda version: version.last_modified) if before else None
            named["key_marker"] = last.name if last else None
            named["version_id_marker"] = last.version_id if last else None
        return list_versions(self, bucket_name, *arguments, **named)

    return listing


def _with_time(create: Callable[..., Any]) -> Callable[..., Any]:
    """Record when a multipart upload was initiated, because moto lists every upload with the same date in 2010."""

    @functools.wraps(create)
    def creation(self: S3Backend, *arguments: Any, **named: Any) -> Any:
        upload = create(self, *arguments, **named)
        upload.initiated = utcnow()
        return upload

    return creation


def _list_objects(self: S3Response) -> Any:
    """Return a page of objects and common prefixes. moto returns all common prefixes on every page."""
    bucket = self.backend.get_bucket(self.bucket_name)
    prefix, delimiter, marker = (_given(self, name) for name in ("prefix", "delimiter", "marker"))
    size = _size(self, "max-keys")
    objects = {name: key for name, key in _of_prefix(bucket.keys, prefix) if not isinstance(key, FakeDeleteMarker)}
    page, truncated = _page(_rolled_up(objects, prefix, delimiter, marker), marker, size)
    encoding = _given(self, "encoding-type")
    result: dict[str, Any] = {
        "Name": bucket.name,
        "Prefix": _encoded(prefix, encoding),
        "Marker": _encoded(marker, encoding),
        "MaxKeys": size,
        "IsTruncated": truncated,
        "Contents": [_entry(objects[name], encoding) for name in page if name in objects],
        **_prefixes([name for name in page if name not in objects], delimiter, encoding),
    }
    if truncated and delimiter:
        result["NextMarker"] = _encoded(page[-1], encoding)
    self.data["Action"] = "ListObjects"
    return self.serialized(ActionResult(result))


def _of_prefix(keys: Any, prefix: str) -> Iterable[tuple[str, Any]]:
    return keys.items(prefix) if prefix else keys.items()  # type: ignore[no-any-return]


def _entry(key: Any, encoding: str) -> dict[str, Any]:
    return {
        "Key": _encoded(key.name, encoding),
        "LastModified": key.last_modified_ISO8601,
        "ETag": key.etag,
        "Size": key.size,
        "StorageClass": key.storage_class,
        "Owner": _OWNER,
    }


def _list_multipart_uploads(self: S3Response) -> Any:
    """Return a page of multipart uploads. moto ignores most parameters."""
    prefix, delimiter, marker = (_given(self, name) for name in ("prefix", "delimiter", "key-marker"))
    upload_marker = _given(self, "upload-id-marker") if marker else ""
    size = _size(self, "max-uploads")
    uploads = [
        each
        for each in self.backend.list_multipart_uploads(self.bucket_name).values()
        if each.key_name.startswith(prefix)
    ]
    # An entry is an upload, or a common prefix with an empty upload ID.
    entries = sorted({_upload_entry(each, prefix, delimiter) for each in uploads})
    left = [each for each in entries if each[0] > marker or (upload_marker and each > (marker, upload_marker))]
    page = left[:size]
    known = {each.id: each for each in uploads}
    encoding = _given(self, "encoding-type")
    result: dict[str, Any] = {
        "Bucket": self.bucket_name,
        "Prefix": _encoded(prefix, encoding),
        "KeyMarker": _encoded(marker, encoding),
        "UploadIdMarker": upload_marker,
        "MaxUploads": size,
        "IsTruncated": 0 < size < len(left),
        "Uploads": [_upload(self, known[identity], encoding) for _, identity in page if identity],
        **_prefixes([name for name, identity in page if not identity], delimiter, encoding),
    }
    if result["IsTruncated"]:
        result["NextKeyMarker"], result["NextUploadIdMarker"] = _encoded(page[-1][0], encoding), page[-1][1]
    self.data["Action"] = "ListMultipartUploads"
    return self.serialized(ActionResult(result))


def _upload_entry(upload: Any, prefix: str, delimiter: str) -> tuple[str, str]:
    name = _shortened(upload.key_name, prefix, delimiter)
    return name, upload.id if name == upload.key_name else ""


def _upload(self: S3Response, upload: Any, encoding: str) -> dict[str, Any]:
    return {
        "Key": _encoded(upload.key_name, encoding),
        "UploadId": upload.id,
        "Initiator": {"ID": f"arn:aws:iam::{self.current_account}:root", "DisplayName": "webfile"},
        "Owner": _OWNER,
        "StorageClass": upload.storage or "STANDARD",
        # The state of an older version has uploads without a time.
        "Initiated": iso_8601_datetime_with_milliseconds(getattr(upload, "initiated", None)),
        "ChecksumAlgorithm": upload.metadata.get("x-amz-checksum-algorithm"),
        "ChecksumType": upload.metadata.get("x-amz-checksum-type"),
    }


def _list_buckets(self: S3Response) -> Any:
    """Return a page of buckets. moto does not return a token for the next page."""
    prefix, token = _given(self, "prefix"), _given(self, "continuation-token")
    found = self.backend.list_buckets(prefix=prefix, bucket_region=_given(self, "bucket-region"), max_buckets=None)
    after = _bucket_of(token) if token else ""
    left = [each for each in sorted(found, key=lambda bucket: bucket.name) if each.name > after]
    size = int(_given(self, "max-buckets") or _MOST_BUCKETS)
    page = left[:size]
    result: dict[str, Any] = {
        "Owner": {"ID": "bcaf1ffd86f41161ca5fb16fd081034f", "DisplayName": "webfile"},
        "Buckets": [
            {"Name": each.name, "CreationDate": each.creation_date_ISO8601, "BucketRegion": each.region_name}
            for each in page
        ],
        "Prefix": prefix or None,
    }
    if len(page) < len(left):
        result["ContinuationToken"] = base64.urlsafe_b64encode(page[-1].name.encode()).decode()
    self.data["Action"] = "ListBuckets"
    return self.serialized(ActionResult(result))


def _bucket_of(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidContinuationToken from None


def _rolled_up(names: Iterable[str], prefix: str, delimiter: str, marker: str) -> list[str]:
    """Return the names after a marker, with the names below a common prefix replaced by this prefix."""
    return sorted({_shortened(name, prefix, delimiter) for name in names if name > marker})


def _shortened(name: str, prefix: str, delimiter: str) -> str:
    """Return a name's common prefix, or the whole name."""
    end = name.find(delimiter, len(prefix)) if delimiter else -1
    return name if end < 0 else name[: end + len(delimiter)]


def _page(names: list[str], marker: str, size: int) -> tuple[list[str], bool]:
    """Return the first names after a marker, and whether more names follow."""
    left = [name for name in names if name != marker]
    return left[:size], 0 < size < len(left)


def _prefixes(names: list[str], delimiter: str, encoding: str) -> dict[str, Any]:
    given: dict[str, Any] = {"EncodingType": encoding} if encoding else {}
    if delimiter:
        given["Delimiter"] = _encoded(delimiter, encoding)
        given["CommonPrefixes"] = [{"Prefix": _encoded(name, encoding)} for name in names]
    return given


def _given(self: S3Response, name: str) -> str:
    return str(self.querystring.get(name, [""])[0])


def _size(self: S3Response, name: str) -> int:
    return min(int(_given(self, name) or _MOST), _MOST)


def _encoded(text: str, encoding: str) -> str:
    return quote(text) if encoding == "url" else text
