"""The target bucket's settings for public access, TLS, expiry and encryption."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from zetl_helpers import permissions
from zetl_helpers._aws import absent, one_of, settled
from zetl_helpers.lab import Lab

CLOSED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
RESULTS_PREFIX = "athena-results/"
# Query results contain rows of the table, and old results are not needed.
EXPIRY = {
    "ID": "zetl-athena-results",
    "Status": "Enabled",
    "Filter": {"Prefix": RESULTS_PREFIX},
    "Expiration": {"Days": 7},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}


def close(lab: Lab) -> bool:
    """Block public access to the bucket, and return whether a change was necessary.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html
    """
    s3 = lab.client("s3")
    found = None
    with absent("NoSuchPublicAccessBlockConfiguration"):
        found = of_new_bucket(lab, s3.get_public_access_block)["PublicAccessBlockConfiguration"]
    if found == CLOSED:
        return False
    of_new_bucket(lab, s3.put_public_access_block, PublicAccessBlockConfiguration=CLOSED)
    return True


def deny_insecure_transport(lab: Lab) -> bool:
    """Add a statement to the bucket's policy that denies requests without TLS, and keep the other statements.

    Returns:
        True if the statement was missing or different.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    s3 = lab.client("s3")
    wanted = permissions.render(lab, "target_bucket_policy")
    document: dict[str, Any] = {**wanted, "Statement": []}
    with absent("NoSuchBucketPolicy"):
        document = json.loads(of_new_bucket(lab, s3.get_bucket_policy)["Policy"])
    found = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    sids = {statement["Sid"] for statement in wanted["Statement"]}
    if [statement for statement in found if statement.get("Sid") in sids] == wanted["Statement"]:
        return False
    others = [statement for statement in found if statement.get("Sid") not in sids]
    merged = {**document, "Statement": [*others, *wanted["Statement"]]}
    of_new_bucket(lab, s3.put_bucket_policy, Policy=json.dumps(merged))
    return True


def expire_results(lab: Lab) -> bool:
    """Add a lifecycle rule that deletes Athena query results after a week, and keep the other rules.

    Returns:
        True if the rule was missing or different.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
    """
    s3 = lab.client("s3")
    found: list[dict[str, Any]] = []
    with absent("NoSuchLifecycleConfiguration"):
        found = of_new_bucket(lab, s3.get_bucket_lifecycle_configuration)["Rules"]
    if EXPIRY in found:
        return False
    rules = [*(rule for rule in found if rule.get("ID") != EXPIRY["ID"]), EXPIRY]
    of_new_bucket(lab, s3.put_bucket_lifecycle_configuration, LifecycleConfiguration={"Rules": rules})
    return True


def encrypt(lab: Lab, key: str) -> bool:
    """Encrypt new objects in the bucket with a customer managed key, and return whether a change was necessary."""
    s3 = lab.client("s3")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    found = of_new_bucket(lab, s3.get_bucket_encryption)["ServerSideEncryptionConfiguration"]["Rules"]
    if any(rule.get("ApplyServerSideEncryptionByDefault") == default for rule in found):
        return False
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    of_new_bucket(lab, s3.put_bucket_encryption, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return True


def of_new_bucket(lab: Lab, call: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """Call an operation on a new bucket, and retry the call until the bucket is visible everywhere."""
    return settled(f"bucket {lab.bucket}", lambda: call(Bucket=lab.bucket, **arguments), one_of("NoSuchBucket"))
