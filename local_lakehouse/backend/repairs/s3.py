"""A fix for Amazon S3 that creates buckets with their tags.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import xmltodict
from moto.s3.responses import S3Response


def apply() -> None:
    """Apply the fix to moto, once per process."""
    if not hasattr(S3Response._bucket_response_put, "__wrapped__"):
        S3Response._bucket_response_put = _with_tags(S3Response._bucket_response_put)  # type: ignore[method-assign]


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
