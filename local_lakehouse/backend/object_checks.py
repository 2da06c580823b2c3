"""Checks of Amazon S3 requests that need no stored data, because moto ignores the members or does not check them.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.request import Request

_LONGEST_KEY = 1024
_LARGEST_METADATA = 2048
_MOST_PARTS = 10_000
_LARGEST_NUMBER = 2**31 - 1
_METADATA = "x-amz-meta-"
_ENCRYPTIONS = frozenset({"AES256", "aws:fsx", "aws:kms", "aws:kms:dsse"})
# These headers apply only to directory buckets.
_DIRECTORY_BUCKETS = ("x-amz-write-offset-bytes", "x-amz-if-match-last-modified-time", "x-amz-if-match-size")
_CUSTOMER_KEYS = (
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
)
_NOT_IMPLEMENTED = "A header you provided implies functionality that is not implemented"
_LISTINGS = frozenset({"ListBuckets", "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads"})
# Each parameter with the size of a page, the name in S3's message, and the range of its values.
_SIZES = {
    "max-buckets": ("max-buckets", 1, 10_000),
    "max-keys": ("maxKeys", 0, _LARGEST_NUMBER),
    "max-uploads": ("max-uploads", 0, _LARGEST_NUMBER),
}


def _crc32(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(4, "big")


# The functions that compute checksums. Python has no function for CRC32C and CRC64NVME, whose values are not verified.
CHECKSUMS: Mapping[str, Callable[[bytes], bytes]] = {
    "crc32": _crc32,
    "sha1": lambda content: hashlib.sha1(content, usedforsecurity=False).digest(),
    "sha256": lambda content: hashlib.sha256(content).digest(),
}


def check(request: Request) -> None:
    """Reject a request that AWS rejects, or that the local lakehouse would answer incorrectly.

    Raises:
        Fault: A member of the request is invalid or not supported.
    """
    if len(request.parameters.get("Key", "").encode()) > _LONGEST_KEY:
        raise Fault("KeyTooLongError", "Your key is too long")
    _check_headers(request)
    if request.operation in _LISTINGS:
        _check_listing(request.query)
    if "partNumber" in request.query:
        _check_part(request)
    if request.operation in ("PutObject", "UploadPart"):
        _check_content(request)


def _check_headers(request: Request) -> None:
    headers = request.headers
    if any(name in headers for name in _CUSTOMER_KEYS):
        message = "The local lakehouse does not support server-side encryption with customer-provided keys; AWS does."
        raise Fault("NotImplemented", message, status=501)
    if any(name in headers for name in _DIRECTORY_BUCKETS) or (
        request.method in ("PUT", "POST") and headers.get("if-none-match", "*") != "*"
    ):
        raise Fault("NotImplemented", _NOT_IMPLEMENTED, status=501)
    if headers.get("x-amz-server-side-encryption", "AES256") not in _ENCRYPTIONS:
        raise Fault("InvalidArgument", "The encryption method specified is not supported")
    for kind in ("metadata", "tagging"):
        if headers.get(f"x-amz-{kind}-directive", "COPY") not in ("COPY", "REPLACE"):
            raise Fault("InvalidArgument", f"Unknown {kind} directive.")
    size = sum(len(name) - len(_METADATA) + len(value) for name, value in headers.items() if name.startswith(_METADATA))
    if size > _LARGEST_METADATA:
        raise Fault("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    tags = [name for name, _ in parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True)]
    if len(set(tags)) < len(tags) or "" in tags:
        raise Fault(
            "InvalidArgument",
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag "
            "name duplicates.",
        )


def _check_listing(query: Mapping[str, str]) -> None:
    for name, (written, least, most) in _SIZES.items():
        size = query.get(name)
        if not size:
            continue
        if not re.fullmatch("-?[0-9]{1,10}", size) or abs(int(size)) > _LARGEST_NUMBER:
            raise Fault("InvalidArgument", f"Provided {name} not an integer or within integer range")
        if not least <= int(size) <= most:
            raise Fault("InvalidArgument", f"Argument {written} must be an integer between {least} and {most}")
    if query.get("encoding-type", "url") != "url":
        raise Fault("InvalidArgument", "Invalid Encoding Method specified in Request")
    if "version-id-marker" in query and not query.get("key-marker"):
        raise Fault("InvalidArgument", "A version-id marker cannot be specified without a key marker.")


def _check_part(request: Request) -> None:
    number = request.query["partNumber"]
    if not re.fullmatch("[0-9]{1,5}", number) or not 1 <= int(number) <= _MOST_PARTS:
        raise Fault("InvalidArgument", f"Part number must be an integer between 1 and {_MOST_PARTS}, inclusive")
    if "range" in request.headers:
        raise Fault("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")


def _check_content(request: Request) -> None:
    """Reject content that does not match the checksums in the headers."""
    given = request.headers.get("content-md5")
    if given is not None:
        wanted = _digest(given)
        if wanted is None or len(wanted) != hashlib.md5(usedforsecurity=False).digest_size:
            raise Fault("InvalidDigest", "The Content-MD5 you specified was invalid.")
        if wanted != hashlib.md5(request.body, usedforsecurity=False).digest():
            raise Fault("BadDigest", "The Content-MD5 you specified did not match what we received.")
    for name, compute in CHECKSUMS.items():
        given = request.headers.get(f"x-amz-checksum-{name}")
        if given is None:
            continue
        wanted, found = _digest(given), compute(request.body)
        if wanted is None or len(wanted) != len(found):
            raise Fault("InvalidRequest", f"Value for x-amz-checksum-{name} header is invalid.")
        if wanted != found:
            raise Fault("BadDigest", f"The {name.upper()} you specified did not match the calculated checksum.")


def _digest(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
