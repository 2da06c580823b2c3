"""Conditions of Amazon S3 requests on stored objects that moto ignores or evaluates incorrectly.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.reader import copy_source, xml_tree
from local_lakehouse.protocol.request import Request

_SOURCE = "x-amz-copy-source"
_BYTES = re.compile(r"bytes=(?:([0-9]+)-([0-9]*)|-[0-9]+)")
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]+)")


def check(request: Request, backend: Any) -> None:
    """Check the conditions of a request on the objects that it reads or replaces.

    Raises:
        Fault: A condition is not met, or does not apply to the object.
    """
    if _SOURCE in request.headers:
        _check_source(request, backend)
    if request.operation == "CopyObject":
        _check_replaced(request, backend)
    if request.operation == "CompleteMultipartUpload" and not _is_repeated(request, backend):
        _check_replaced(request, backend)
        _check_upload(request, backend)
    if request.operation == "GetObjectAttributes":
        _check_attributes(request, _object(request, backend))
    if request.operation in ("GetObject", "HeadObject") and "partNumber" in request.query:
        _check_part(int(request.query["partNumber"]), _object(request, backend))


def ineffective(headers: Mapping[str, str]) -> set[str]:
    """Return the names of the headers that have no effect on a request to read an object."""
    found = _superseded(headers)
    if headers.get("if-match") == "*":
        found.add("if-match")
    match = _BYTES.fullmatch(headers.get("range", ""))
    if match is None or (match[1] and match[2] and int(match[1]) > int(match[2])):
        # S3 ignores malformed ranges.
        found.add("range")
    return found


def _superseded(headers: Mapping[str, str]) -> set[str]:
    """Return the conditions that another condition of the request supersedes."""
    pairs = {"if-match": "if-unmodified-since", "if-none-match": "if-modified-since"}
    return {later for first, later in pairs.items() if first in headers}


def _object(request: Request, backend: Any) -> Any:
    bucket, key = request.parameters["Bucket"], request.parameters["Key"]
    return backend.get_object(bucket, key, version_id=request.query.get("versionId"))


def _check_source(request: Request, backend: Any) -> None:
    bucket, key, version = copy_source(request.headers[_SOURCE])
    source = backend.get_object(bucket, key, version_id=version)
    if source is None:
        return
    headers = {
        name.removeprefix(f"{_SOURCE}-"): value for name, value in request.headers.items() if name.startswith(_SOURCE)
    }
    hidden = _superseded(headers)
    modified = source.last_modified.replace(microsecond=0, tzinfo=UTC)
    since, until = (
        _moment(headers[name]) if name in headers and name not in hidden else None
        for name in ("if-modified-since", "if-unmodified-since")
    )
    unmet = {
        "if-match": "if-match" in headers and not _matches(source, headers["if-match"]),
        "if-none-match": "if-none-match" in headers and _matches(source, headers["if-none-match"]),
        "if-modified-since": since is not None and modified <= since,
        "if-unmodified-since": until is not None and modified > until,
    }
    if any(unmet.values()):
        raise _unmet()
    if request.operation == "UploadPartCopy" and "range" in headers:
        _check_range(headers["range"], source.size)


def _check_range(given: str, size: int) -> None:
    match = _RANGE.fullmatch(given)
    if match is None:
        raise Fault(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
        )
    if not int(match[1]) <= int(match[2]) < size:
        raise Fault("InvalidArgument", f"Range specified is not valid for source object of size: {size}")


def _check_replaced(request: Request, backend: Any) -> None:
    """Check the conditions on the object that a copy or a multipart upload replaces."""
    if "if-match" not in request.headers and "if-none-match" not in request.headers:
        return
    replaced = backend.get_object(request.parameters["Bucket"], request.parameters["Key"])
    if "if-none-match" in request.headers and replaced is not None:
        raise _unmet()
    if "if-match" in request.headers:
        if replaced is None:
            raise Fault("NoSuchKey", "The specified key does not exist.", status=HTTPStatus.NOT_FOUND)
        if not _matches(replaced, request.headers["if-match"]):
            raise _unmet()


def _is_repeated(request: Request, backend: Any) -> bool:
    """Return whether the stored object is the result of the multipart upload that a request completes."""
    found = _object(request, backend)
    return bool(found and found.multipart and found.multipart.id == request.query["uploadId"])


def _check_upload(request: Request, backend: Any) -> None:
    upload = backend.get_bucket(request.parameters["Bucket"]).multiparts.get(request.query["uploadId"])
    if upload is None:
        raise Fault(
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
            "completed.",
            status=HTTPStatus.NOT_FOUND,
        )
    numbers = [
        int(each.text or 0) for each in xml_tree(request.body).iter() if each.tag.rpartition("}")[2] == "PartNumber"
    ]
    if any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        raise Fault(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        )
    size = request.headers.get("x-amz-mp-object-size")
    parts = [upload.parts[number].size for number in numbers if number in upload.parts]
    if size is not None and len(parts) == len(numbers) and size != str(sum(parts)):
        raise Fault(
            "InvalidRequest", "The provided 'x-amz-mp-object-size' header value does not match what was computed"
        )


def _check_attributes(request: Request, found: Any) -> None:
    """Reject a request for the parts of an object from a multipart upload, which moto would omit."""
    asked = request.headers.get("x-amz-object-attributes", "").split(",")
    if found is not None and found.multipart and "ObjectParts" in {name.strip() for name in asked}:
        message = "The local lakehouse does not support ObjectParts in GetObjectAttributes; AWS does."
        raise Fault("NotImplemented", message, status=HTTPStatus.NOT_IMPLEMENTED)


def _check_part(number: int, found: Any) -> None:
    if found is not None and number > (len(found.multipart.partlist) if found.multipart else 1):
        raise Fault(
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
            status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        )


def _matches(found: Any, tag: str) -> bool:
    return tag == "*" or tag.strip('"') == found.etag.strip('"')


def _moment(text: str) -> datetime | None:
    """Return the time in a header, or None for invalid text, which S3 ignores."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unmet() -> Fault:
    return Fault(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        status=HTTPStatus.PRECONDITION_FAILED,
    )
