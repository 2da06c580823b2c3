"""The permissions that are required for requests to S3. Their names often differ from the operations' names.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from local_lakehouse.iam.access import Access, Directory
from local_lakehouse.protocol.reader import copy_source
from local_lakehouse.protocol.request import Request

_ACTIONS: Mapping[str, str] = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "SelectObjectContent": "GetObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
# The analytics, inventory, metrics and tiering configurations each have one action for reads and one action for writes.
_CONFIGURATION = re.compile(
    r"(Get|Put|Delete|List)Bucket(Analytics|Inventory|Metrics|IntelligentTiering)Configurations?"
)
_COPIES = ("CopyObject", "UploadPartCopy")
_OF_A_VERSION = re.compile(r"(Get|Put|Delete)Object(Acl|Tagging|Attributes)?")
# The additional permission that each header requires.
_BY_HEADER: Mapping[str, str] = {
    "x-amz-acl": "PutObjectAcl",
    "x-amz-bypass-governance-retention": "BypassGovernanceRetention",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-tagging": "PutObjectTagging",
}
_KEYS = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys", "versionId": "s3:VersionId"}


def accesses(call: Request, directory: Directory) -> list[Access]:
    """Return the permissions that are required for an S3 request."""
    bucket = call.text("Bucket")
    if bucket is None:
        return [Access("s3:ListAllMyBuckets", f"{_every(directory)}*")]
    context = _context(call)
    if call.operation == "DeleteObjects":
        return [
            Access(
                f"s3:{_versioned('DeleteObject', entry.get('VersionId'))}",
                _object(bucket, entry["Key"], directory),
                context,
            )
            for entry in call.parameters["Objects"]
        ]
    key = call.text("Key")
    resource = f"{_every(directory)}{bucket}" if key is None else _object(bucket, key, directory)
    version = call.text("versionId")
    action = _versioned(_action(call.operation), version)
    needed = [Access(f"s3:{action}", resource, context)]
    if call.operation == "GetObjectAttributes":
        needed.append(Access(f"s3:{_versioned('GetObject', version)}", resource, context))
    if call.operation in _COPIES:
        needed.insert(0, _source(call.amz_headers["x-amz-copy-source"], context, directory))
    return [*needed, *_beside(call, action, resource, context)]


def _every(directory: Directory) -> str:
    return f"arn:{directory.partition}:s3:::"


def _object(bucket: str, key: str, directory: Directory) -> str:
    return f"{_every(directory)}{bucket}/{key}"


def _action(operation: str) -> str:
    configuration = _CONFIGURATION.fullmatch(operation)
    if configuration:
        verb = "Put" if configuration[1] in ("Put", "Delete") else "Get"
        return f"{verb}{configuration[2]}Configuration"
    return _ACTIONS.get(operation, operation)


def _versioned(action: str, version: str | None) -> str:
    matched = _OF_A_VERSION.fullmatch(action) if version else None
    return f"{matched[1]}ObjectVersion{matched[2] or ''}" if matched and action != "PutObject" else action


def _source(header: str, context: Mapping[str, str], directory: Directory) -> Access:
    bucket, key, version = copy_source(header)
    return Access(f"s3:{_versioned('GetObject', version)}", _object(bucket, key, directory), context)


def _context(call: Request) -> dict[str, str]:
    named = {key: call.parameters[name] for name, key in _KEYS.items() if name in call.parameters}
    return {**named, **{f"s3:{name}": value for name, value in call.amz_headers.items()}}


def _beside(call: Request, action: str, resource: str, context: Mapping[str, str]) -> Iterator[Access]:
    if call.operation == "CreateBucket" and "x-amz-acl" in call.amz_headers:
        yield Access("s3:PutBucketAcl", resource, context)
    if action in ("PutObject", "DeleteObject", "DeleteObjectVersion"):
        for header, further in _BY_HEADER.items():
            if header in call.amz_headers:
                yield Access(f"s3:{further}", resource, context)
