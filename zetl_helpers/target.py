"""The target's bucket and Glue database, and the Data Catalog's policy."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import _bucket_settings, keys
from zetl_helpers._aws import ForeignResourceError, absent, error_code, make, one_of, settled, tag_dict, tag_list
from zetl_helpers._catalog_policy import (
    CatalogPolicyFullError,
    catalog_statements,
    class_is_prepared,
    merge_catalog_policy,
    merge_class_statement,
    other_databases,
    remove_catalog_statements,
    remove_class_statement,
)
from zetl_helpers._steps import Did, Step
from zetl_helpers.lab import TAG_KEY, Lab

__all__ = [
    "CatalogPolicyFullError",
    "bucket_exists",
    "catalog_statements",
    "class_is_prepared",
    "create_bucket",
    "create_database",
    "create_prefix",
    "database_exists",
    "database_input",
    "merge_catalog_policy",
    "merge_class_statement",
    "other_databases",
    "remove_catalog_statements",
    "remove_class_statement",
]

_OTHER_NAMES = "Set ZETL_PREFIX to use different names for your lab."


def create_bucket(lab: Lab, *, kms_key: str | None = None) -> Step:
    """Create a tagged, private bucket for the Iceberg tables.

    The bucket accepts only requests over TLS. Athena query results in the bucket expire after a week.

    Args:
        lab: The lab.
        kms_key: The ID, ARN or alias of a customer managed key that encrypts new objects. Defaults to an S3 managed
            key. The target role also needs permission to use the key, which `keys.allow_target_role` grants.

    Returns:
        The step and its outcome.

    Raises:
        ForeignResourceError: A bucket with the lab's name exists but does not belong to the lab.
        KeyNotUsableError: The key cannot be used for the bucket.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """
    with lab.recording() as calls:
        found = bucket_exists(lab)
        key = keys.require(lab, kms_key) if kms_key else None
        if not found:
            settled(f"bucket {lab.bucket}", lambda: _create_bucket(lab), one_of("OperationAborted"), timeout=120)
        changed = [
            _bucket_settings.close(lab),
            _bucket_settings.deny_insecure_transport(lab),
            _bucket_settings.expire_results(lab),
            key is not None and _bucket_settings.encrypt(lab, key),
        ]
    return Step(f"bucket {lab.bucket}", _did(found, any(changed)), calls)


def _did(found: bool, changed: bool) -> Did:
    if not found:
        return "created"
    return "changed" if changed else "already there"


def _create_bucket(lab: Lab) -> None:
    """Create the bucket and its tag in one request, because an untagged bucket would have no known owner."""
    configuration: dict[str, Any] = {"Tags": tag_list(lab.tags)}
    if lab.region != "us-east-1":  # the only Region that S3 does not accept as a location constraint
        configuration["LocationConstraint"] = lab.region
    s3 = lab.client("s3")
    make(
        lambda: s3.create_bucket(Bucket=lab.bucket, CreateBucketConfiguration=configuration),
        lambda: bucket_exists(lab),
        "BucketAlreadyOwnedByYou",
        "BucketAlreadyExists",
    )


def bucket_exists(lab: Lab) -> bool:
    """Return whether the lab's bucket exists.

    Raises:
        ForeignResourceError: A bucket with the lab's name exists but does not belong to the lab.
    """
    s3 = lab.client("s3")
    try:
        # Another account can create a bucket with this name first and grant everyone access to it.
        s3.head_bucket(Bucket=lab.bucket, ExpectedBucketOwner=lab.account)
    except ClientError as error:
        if error_code(error) in ("404", "NoSuchBucket"):
            return False
        if error_code(error) in ("403", "AccessDenied"):
            raise ForeignResourceError(_why_forbidden(lab)) from error
        if error_code(error) in ("301", "PermanentRedirect"):
            raise ForeignResourceError(
                f"Bucket {lab.bucket} isn't in the lab's Region, {lab.region}, so it isn't the lab's bucket. Zero-ETL "
                f"requires a bucket in the same Region. {_OTHER_NAMES}"
            ) from error
        raise
    tags: dict[str, str] = {}
    with absent("NoSuchTagSet"):
        tags = tag_dict(s3.get_bucket_tagging(Bucket=lab.bucket)["TagSet"])
    if TAG_KEY not in tags:
        raise ForeignResourceError(
            f"Bucket {lab.bucket} exists but doesn't have the tag {TAG_KEY}, so it doesn't belong to the lab. "
            f"{_OTHER_NAMES}"
        )
    return True


def _why_forbidden(lab: Lab) -> str:
    """Return a message for another account's bucket or for a bucket that the caller is not allowed to read.

    S3 returns 403 for both.
    """
    try:
        own = {bucket["Name"] for bucket in lab.client("s3").list_buckets()["Buckets"]}
    except ClientError as error:
        if error_code(error) != "AccessDenied":
            raise
        return (
            f"You can't access bucket {lab.bucket}: it belongs to another account, or you lack "
            f"s3:ListBucket. {_OTHER_NAMES} See policies/ for the permissions that the tutorial needs."
        )
    if lab.bucket in own:
        return (
            f"Bucket {lab.bucket} is in your account, but you can't access it, because you lack s3:ListBucket. "
            "Ask for the permissions in policies/."
        )
    return f"Bucket {lab.bucket} belongs to another account. {_OTHER_NAMES}"


def create_prefix(lab: Lab) -> Step:
    """Create the prefix for the database's tables in the bucket.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome.
    """
    s3 = lab.client("s3")
    key = f"{lab.database}/"
    with lab.recording() as calls:
        found = s3.list_objects_v2(Bucket=lab.bucket, Prefix=key, MaxKeys=1)["KeyCount"] > 0
        if not found:
            s3.put_object(Bucket=lab.bucket, Key=key)
    return Step(f"prefix {lab.location}/", "already there" if found else "created", calls)


def create_database(lab: Lab) -> Step:
    """Create the Glue database with a location for its tables. A zero-ETL target must have a location.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome.

    Raises:
        ForeignResourceError: A database with the lab's name exists but does not belong to the lab.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-target.html
    """
    glue = lab.client("glue")
    with lab.recording() as calls:
        found = database_exists(lab)
        if not found:
            make(
                lambda: glue.create_database(DatabaseInput=database_input(lab), Tags=lab.tags),
                lambda: database_exists(lab),
                "AlreadyExistsException",
            )
    return Step(f"database {lab.database}", "already there" if found else "created", calls)


def database_input(lab: Lab) -> dict[str, Any]:
    """Return the ``DatabaseInput`` of the lab's Glue database, with the lab's tag as a parameter."""
    return {
        "Name": lab.database,
        "LocationUri": f"{lab.location}/",
        "Description": "Zero-ETL target for the tutorial",
        "Parameters": lab.tags,
    }


def database_exists(lab: Lab) -> bool:
    """Return whether the lab's Glue database exists.

    Raises:
        ForeignResourceError: A database with the lab's name exists but does not belong to the lab.
    """
    with absent("EntityNotFoundException"):
        database = lab.client("glue").get_database(Name=lab.database)["Database"]
        if TAG_KEY not in database.get("Parameters", {}):
            raise ForeignResourceError(
                f"Database {lab.database} exists but doesn't have the tag {TAG_KEY}, so it doesn't belong to the lab. "
                f"{_OTHER_NAMES}"
            )
        return True
    return False
