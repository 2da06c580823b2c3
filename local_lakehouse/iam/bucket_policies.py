"""Bucket policies, which are evaluated in the same way as all other policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.s3.models import FakeBucket

from local_lakehouse.iam.authorization import Ask, Decision, Principal, decide, parse_document
from local_lakehouse.loading import load

if TYPE_CHECKING:
    from moto.iam.access_control import PermissionResult


def apply() -> None:
    """Patch moto once per process so that it calls the policy evaluator for buckets.

    Otherwise, moto would deny requests, even those from the lakehouse's services, without evaluating principals and
    conditions. Explicit denials are evaluated when the caller's permissions are checked.
    """
    FakeBucket.get_permission = _permission  # type: ignore[method-assign,assignment]


def _permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """Evaluate a bucket's policy for anonymous access, and consider only its Allow statements."""
    load("moto.iam.access_control")
    from moto.iam.access_control import PermissionResult

    everybody = Ask(action, resource, Principal("AWS", "*"), {"aws:SecureTransport": "true"}, known=())
    documents = [] if bucket.policy is None else [parse_document(bucket.policy.decode())]
    allowed = decide(documents, everybody) is Decision.ALLOWED
    return PermissionResult.PERMITTED if allowed else PermissionResult.NEUTRAL
