"""Fixes for object versions in Amazon S3 buckets whose versioning is suspended.

moto treats such a bucket like a bucket without versioning, and deletes all versions of each object that is written or
deleted.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersionSuspendedBehavior.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.s3.exceptions import InvalidBucketState, VersioningNotEnabledForReplication
from moto.s3.models import FakeBucket, S3Backend

_ENABLED, _SUSPENDED = "Enabled", "Suspended"
_NULL = "null"


def apply() -> None:
    """Apply the fixes to moto, once per process."""
    if not hasattr(S3Backend._set_delete_marker, "__wrapped__"):
        # moto then keeps all versions of an object, and the other fixes replace the version with the ID null.
        FakeBucket.is_versioned = property(_has_versions)  # type: ignore[assignment,method-assign]
        S3Backend.put_object = _replacing_null(S3Backend.put_object)  # type: ignore[method-assign]
        S3Backend._set_delete_marker = _replacing_null(S3Backend._set_delete_marker)  # type: ignore[method-assign]
        S3Backend.put_bucket_versioning = _unless_locked(S3Backend.put_bucket_versioning)  # type: ignore[method-assign]
        S3Backend.put_bucket_replication = _if_enabled(  # type: ignore[method-assign]
            S3Backend.put_bucket_replication, VersioningNotEnabledForReplication
        )
        S3Backend.put_object_lock_configuration = _if_enabled(  # type: ignore[method-assign]
            S3Backend.put_object_lock_configuration, _lock_refused
        )


def _has_versions(bucket: FakeBucket) -> bool:
    return bucket.versioning_status in (_ENABLED, _SUSPENDED)


def _replacing_null(add: Callable[..., Any]) -> Callable[..., Any]:
    """Make the new version or delete marker replace the version with the ID null if versioning is suspended."""

    @functools.wraps(add)
    def adding(self: S3Backend, bucket_name: str, key_name: str, *arguments: Any, **named: Any) -> Any:
        added = add(self, bucket_name, key_name, *arguments, **named)
        bucket = self.get_bucket(bucket_name)
        if bucket.versioning_status == _SUSPENDED:
            others = [each for each in bucket.keys.getlist(key_name) if each is not added and each.version_id != _NULL]
            added._version_id = _NULL
            if hasattr(added, "key"):
                # The reference of a delete marker would keep the content of the replaced version.
                added.key = None
            bucket.keys.setlist(key_name, [*others, added])
        return added

    return adding


def _unless_locked(put: Callable[..., None]) -> Callable[..., None]:
    """Reject the suspension of a bucket with Object Lock, because a locked version could then be replaced."""

    @functools.wraps(put)
    def putting(self: S3Backend, bucket_name: str, status: str) -> None:
        if status == _SUSPENDED and self.get_bucket(bucket_name).object_lock_enabled:
            raise InvalidBucketState(
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
            )
        put(self, bucket_name, status)

    return putting


def _if_enabled(put: Callable[..., None], refusal: Callable[[str], Exception]) -> Callable[..., None]:
    """Reject a configuration that needs enabled versioning."""

    @functools.wraps(put)
    def putting(self: S3Backend, bucket_name: str, *arguments: Any, **named: Any) -> None:
        if self.get_bucket(bucket_name).versioning_status != _ENABLED:
            raise refusal(bucket_name)
        put(self, bucket_name, *arguments, **named)

    return putting


def _lock_refused(_bucket_name: str) -> Exception:
    # The message is the same as the one that moto returns for a bucket without versioning.
    return InvalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
