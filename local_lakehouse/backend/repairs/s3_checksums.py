"""Fixes for the checksums of objects in Amazon S3, and for copies of objects from multipart uploads.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable
from typing import Any

from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from local_lakehouse.backend.object_checks import CHECKSUMS

_ALGORITHM = "x-amz-checksum-algorithm"
_TYPE = "x-amz-checksum-type"


def apply() -> None:
    """Apply the fixes to moto, once per process."""
    if not hasattr(S3Backend.copy_object, "__wrapped__"):
        S3Backend.copy_object = _as_single_object(S3Backend.copy_object)  # type: ignore[method-assign]
        S3Backend.complete_multipart_upload = _with_correct_checksum(  # type: ignore[method-assign]
            S3Backend.complete_multipart_upload
        )
        S3Response.copy_object = _with_known_algorithm(S3Response.copy_object)  # type: ignore[method-assign]
        S3Response._get_checksum = _checksum  # type: ignore[method-assign]


def _as_single_object(copy: Callable[..., None]) -> Callable[..., None]:
    """Make the copy of an object from a multipart upload a single object with a checksum of its whole content.

    In moto, the copy has the checksum of the parts without its type, so that clients reject the content. The copy also
    shares the parts, whose files would be deleted together with the copy.
    """

    @functools.wraps(copy)
    def copying(self: S3Backend, src_key: Any, dest_bucket_name: str, dest_key_name: str, **named: Any) -> None:
        composed = src_key.multipart is not None
        copy(self, src_key, dest_bucket_name, dest_key_name, **named)
        if composed:
            copied = self.get_bucket(dest_bucket_name).keys[dest_key_name]
            copied.multipart = None
            _set_checksum(copied, src_key.checksum_algorithm)

    return copying


def _with_correct_checksum(complete: Callable[..., Any]) -> Callable[..., Any]:
    """Remove the checksum of a multipart upload if moto has stored a CRC32 in place of another checksum."""

    @functools.wraps(complete)
    def completing(self: S3Backend, *arguments: Any, **named: Any) -> Any:
        key = complete(self, *arguments, **named)
        if key is not None and not _is_known(key.checksum_algorithm):
            _set_checksum(key, None)
        return key

    return completing


def _with_known_algorithm(copy: Callable[..., Any]) -> Callable[..., Any]:
    """Ignore the requested algorithm of a copy if its checksum cannot be computed. The copy keeps its checksum."""

    @functools.wraps(copy)
    def copying(self: S3Response) -> Any:
        if not _is_known(self.headers.get(_ALGORITHM)):
            self.headers.pop(_ALGORITHM, None)
        return copy(self)

    return copying


def _checksum(self: S3Response, response_headers: dict[str, Any]) -> tuple[str, str | None]:
    """Return the algorithm and the checksum of a request.

    moto searches the content for a checksum, and computes a CRC32 in place of a checksum that it cannot compute.
    """
    algorithm = str(self.headers.get("x-amz-sdk-checksum-algorithm", ""))
    header = f"x-amz-checksum-{algorithm.lower()}"
    value = self.headers.get(header)
    if not value and _is_known(algorithm):
        value = _computed(self.raw_body, algorithm)
    if not value:
        return "", None
    response_headers[header] = value
    return algorithm, value


def _set_checksum(key: Any, algorithm: str | None) -> None:
    """Set the checksum of a key's whole content, or remove the checksum if it cannot be computed."""
    known = algorithm if _is_known(algorithm) else None
    key.checksum_algorithm = known
    key.checksum_value = _computed(key.value, known) if known else None
    key.checksum_type = "FULL_OBJECT" if known else None
    key.checksum_parts = None
    for name in (_ALGORITHM, _TYPE):
        # moto stores these headers of the multipart upload as metadata, which each response contains.
        key.metadata.pop(name, None)


def _is_known(algorithm: str | None) -> bool:
    return algorithm is not None and algorithm.lower() in CHECKSUMS


def _computed(content: bytes, algorithm: str) -> str:
    return base64.b64encode(CHECKSUMS[algorithm.lower()](content)).decode()
