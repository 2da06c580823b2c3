"""Bucket policies, judged by the evaluator that judges all other policies."""

from __future__ import annotations

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from local_lakehouse.iam.authorization import Ask, Decision, Principal, decide, parse_document


def apply() -> None:
    """Let moto ask the policy evaluator about buckets, once for the process.

    Moto denies without a look at principals and conditions, even to the services of the lakehouse.
    Who is denied is for the check of the caller's rights to say.
    """
    FakeBucket.get_permission = _permission  # type: ignore[method-assign,assignment]


def _permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """Judge a bucket's policy for everybody, as far as it allows."""
    everybody = Ask(action, resource, Principal("AWS", "*"), {"aws:SecureTransport": "true"}, known=())
    documents = [] if bucket.policy is None else [parse_document(bucket.policy.decode())]
    allowed = decide(documents, everybody) is Decision.ALLOWED
    return PermissionResult.PERMITTED if allowed else PermissionResult.NEUTRAL
