"""Fixes for the tags of buckets and objects in Amazon S3, for the default encryption, and for requests for parts.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import xmltodict
from moto.s3.exceptions import S3ClientError
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from local_lakehouse.backend.repairs import s3_checksums, s3_versions

# Since January 2023, S3 encrypts new objects with S3 managed keys unless the request or the bucket specifies another
# type of encryption.
_DEFAULT = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}
_ENCRYPTION = "x-amz-server-side-encryption"


def apply() -> None:
    """Apply the fixes to moto, once per process."""
    if not hasattr(S3Response._bucket_response_put, "__wrapped__"):
        S3Response._bucket_response_put = _with_tags(S3Response._bucket_response_put)  # type: ignore[method-assign]
        S3Response._key_response_post = _encrypted_upload(S3Response._key_response_post)  # type: ignore[method-assign]
        S3Backend.get_bucket_encryption = _with_default(S3Backend.get_bucket_encryption)  # type: ignore[method-assign]
        S3Backend.put_object = _encrypted(S3Backend.put_object)  # type: ignore[method-assign]
        S3Response._tagging_from_xml = _or_no_tags(S3Response._tagging_from_xml)  # type: ignore[method-assign]
        S3Backend.put_object_tagging = _without_empty(S3Backend.put_object_tagging)  # type: ignore[method-assign]
        S3Response.get_object = _whole(S3Response.get_object)  # type: ignore[method-assign]
    s3_checksums.apply()
    s3_versions.apply()


def _whole(get: Callable[..., Any]) -> Callable[..., Any]:
    """Reject a request for a part of a multipart upload, because moto would return the whole object."""

    @functools.wraps(get)
    def getting(self: S3Response) -> Any:
        answer = get(self)
        if answer[0] == HTTPStatus.OK and "partNumber" in self.querystring:
            raise S3ClientError(
                "NotImplemented",
                "The local lakehouse does not support GetObject with PartNumber for an object from a multipart upload. "
                "Use Range.",
            )
        return answer

    return getting


def _with_tags(put: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``CreateBucket`` tag the new bucket, because moto ignores the tags."""

    @functools.wraps(put)
    def tagging(self: S3Response, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        new = not querystring and bucket_name not in self.backend.buckets
        answer = put(self, request, bucket_name, querystring)
        tags = _bucket_tags(self.body) if new else {}
        if tags:
            self.backend.put_bucket_tagging(bucket_name, tags)
        return answer

    return tagging


def _bucket_tags(body: bytes | str) -> dict[str, str]:
    configuration = (xmltodict.parse(body, force_list=("Tag",)) if body else {}).get("CreateBucketConfiguration")
    tags = ((configuration or {}).get("Tags") or {}).get("Tag", [])
    return {tag["Key"]: tag.get("Value") or "" for tag in tags}


def _or_no_tags(read: Callable[..., Any]) -> Callable[..., Any]:
    """Accept an empty set of tags, which causes an error in moto."""

    @functools.wraps(read)
    def reading(self: S3Response) -> dict[str, str]:
        tags: dict[str, str] = read(self) if xmltodict.parse(self.body)["Tagging"]["TagSet"] else {}
        return tags

    return reading


def _without_empty(put: Callable[..., Any]) -> Callable[..., Any]:
    """Remove the tag entry of an object without tags. moto would keep an empty entry in memory for each such object."""

    @functools.wraps(put)
    def putting(self: S3Backend, key: Any, tags: dict[str, str] | None) -> Any:
        tagged = put(self, key, tags)
        if not tags:
            self.tagger.delete_all_tags_for_resource(key.arn)
        return tagged

    return putting


def _with_default(get: Callable[..., Any]) -> Callable[..., Any]:
    """Return the default encryption for a bucket without an encryption configuration."""

    @functools.wraps(get)
    def getting(self: S3Backend, bucket_name: str) -> Any:
        return get(self, bucket_name) or _DEFAULT

    return getting


def _encrypted(put: Callable[..., Any]) -> Callable[..., Any]:
    """Set the encryption of each object that is written."""

    @functools.wraps(put)
    def putting(self: S3Backend, bucket_name: str, *arguments: Any, **named: Any) -> Any:
        named["encryption"] = named.get("encryption") or _default_headers(self, bucket_name)[_ENCRYPTION]
        key = put(self, bucket_name, *arguments, **named)
        if not key.encryption.startswith("aws:kms"):
            # moto keeps the KMS key from the bucket's configuration even if the request specifies another type of
            # encryption.
            key.kms_key_id = None
        return key

    return putting


def _encrypted_upload(post: Callable[..., Any]) -> Callable[..., Any]:
    """Add the bucket's encryption to the headers of ``CreateMultipartUpload``, from which moto reads the encryption."""

    @functools.wraps(post)
    def posting(self: S3Response, request: Any, body: bytes, bucket_name: str, query: Any, key_name: str) -> Any:
        if "uploads" in query and _ENCRYPTION not in request.headers:
            request.headers.extend(_default_headers(self.backend, bucket_name))
        return post(self, request, body, bucket_name, query, key_name)

    return posting


def _default_headers(backend: S3Backend, bucket_name: str) -> dict[str, str]:
    default = backend.get_bucket_encryption(bucket_name)["Rule"]["ApplyServerSideEncryptionByDefault"]  # type: ignore[index]
    headers = {_ENCRYPTION: default["SSEAlgorithm"], f"{_ENCRYPTION}-aws-kms-key-id": default.get("KMSMasterKeyID")}
    return {name: value for name, value in headers.items() if value}
