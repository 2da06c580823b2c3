"""The target: bucket, Glue database and Data Catalog policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import keys, permissions
from zetl_helpers._aws import ForeignResourceError, absent, error_code, make, one_of, settled, tag_dict, tag_list
from zetl_helpers._steps import Did, Step, ensured
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import TAG_KEY, Lab

_OTHER_NAMES = "Set ZETL_PREFIX to give your lab names of its own."
CLOSED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
_CREATE_SID = "ZeroEtlCreate"


def create_bucket(lab: Lab, *, kms_key: str | None = None) -> Step:
    """Make the bucket for the Iceberg tables, closed to the public and tagged.

    Args:
        lab: The lab.
        kms_key: A customer managed key to encrypt new objects with, by id, ARN or alias; a key of S3 unless given. The
            target role needs it too: `keys.allow_target_role`.

    Returns:
        What happened.

    Raises:
        ForeignResourceError: The bucket's name is taken by somebody else.
        KeyNotUsableError: The key cannot be used for the bucket.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """
    with lab.recording() as calls:
        found = bucket_exists(lab)
        key = keys.require(lab, kms_key) if kms_key else None
        if not found:
            settled(f"bucket {lab.bucket}", lambda: _create_bucket(lab), one_of("OperationAborted"), timeout=120)
        changed = [_close(lab), key is not None and _encrypt(lab, key)]
    return Step(f"bucket {lab.bucket}", _did(found, any(changed)), calls)


def _did(found: bool, changed: bool) -> Did:
    if not found:
        return "created"
    return "changed" if changed else "already there"


def _create_bucket(lab: Lab) -> None:
    """Make the bucket with its tag in one request: a bucket without it would be nobody's."""
    configuration: dict[str, Any] = {"Tags": tag_list(lab.tags)}
    if lab.region != "us-east-1":  # which may not be named
        configuration["LocationConstraint"] = lab.region
    s3 = lab.client("s3")
    make(
        lambda: s3.create_bucket(Bucket=lab.bucket, CreateBucketConfiguration=configuration),
        lambda: bucket_exists(lab),
        "BucketAlreadyOwnedByYou",
        "BucketAlreadyExists",
    )


def _close(lab: Lab) -> bool:
    """Close the bucket to the public; tell whether it was open."""
    s3 = lab.client("s3")
    found = None
    with absent("NoSuchPublicAccessBlockConfiguration"):
        found = _of_new_bucket(lab, s3.get_public_access_block)["PublicAccessBlockConfiguration"]
    if found == CLOSED:
        return False
    _of_new_bucket(lab, s3.put_public_access_block, PublicAccessBlockConfiguration=CLOSED)
    return True


def _encrypt(lab: Lab, key: str) -> bool:
    """Encrypt the bucket's new objects with a customer managed key; tell whether they were not."""
    s3 = lab.client("s3")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    found: list[dict[str, Any]] = []
    with absent("ServerSideEncryptionConfigurationNotFoundError"):
        found = _of_new_bucket(lab, s3.get_bucket_encryption)["ServerSideEncryptionConfiguration"]["Rules"]
    if any(rule.get("ApplyServerSideEncryptionByDefault") == default for rule in found):
        return False
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    _of_new_bucket(lab, s3.put_bucket_encryption, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return True


def _of_new_bucket(lab: Lab, call: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """Make a call about a bucket that may be too new to be known everywhere."""
    return settled(f"bucket {lab.bucket}", lambda: call(Bucket=lab.bucket, **arguments), one_of("NoSuchBucket"))


def bucket_exists(lab: Lab) -> bool:
    """Tell whether the lab's bucket is there.

    Raises:
        ForeignResourceError: A bucket of that name exists and is not the lab's.
    """
    s3 = lab.client("s3")
    try:
        s3.head_bucket(Bucket=lab.bucket)
    except ClientError as error:
        if error_code(error) in ("404", "NoSuchBucket"):
            return False
        if error_code(error) in ("403", "AccessDenied"):
            raise ForeignResourceError(_why_forbidden(lab)) from error
        if error_code(error) in ("301", "PermanentRedirect"):
            raise ForeignResourceError(
                f"Bucket {lab.bucket} lies in another Region than the lab, {lab.region}, and zero-ETL needs it in the "
                f"same one: it is not the lab's. {_OTHER_NAMES}"
            ) from error
        raise
    tags: dict[str, str] = {}
    with absent("NoSuchTagSet"):
        tags = tag_dict(s3.get_bucket_tagging(Bucket=lab.bucket)["TagSet"])
    if TAG_KEY not in tags:
        raise ForeignResourceError(
            f"Bucket {lab.bucket} exists and does not carry the tag {TAG_KEY}: it is not the lab's. {_OTHER_NAMES}"
        )
    return True


def _why_forbidden(lab: Lab) -> str:
    """Tell a bucket of another account from one that the caller may not look at: S3 answers both with 403."""
    try:
        own = {bucket["Name"] for bucket in lab.client("s3").list_buckets()["Buckets"]}
    except ClientError as error:
        if error_code(error) != "AccessDenied":
            raise
        return (
            f"S3 does not let you look at bucket {lab.bucket}: it belongs to another account, or you lack "
            f"s3:ListBucket. {_OTHER_NAMES} See policies/ for the rights that the tutorial needs."
        )
    if lab.bucket in own:
        return (
            f"Bucket {lab.bucket} is in your account and you may not look at it (s3:ListBucket). Ask for the rights in "
            "policies/."
        )
    return f"Bucket {lab.bucket} belongs to another account. {_OTHER_NAMES}"


def create_prefix(lab: Lab) -> Step:
    """Make the prefix in the bucket under which the database's tables will lie.

    Args:
        lab: The lab.

    Returns:
        What happened.
    """
    s3 = lab.client("s3")
    key = f"{lab.database}/"
    with lab.recording() as calls:
        found = s3.list_objects_v2(Bucket=lab.bucket, Prefix=key, MaxKeys=1)["KeyCount"] > 0
        if not found:
            s3.put_object(Bucket=lab.bucket, Key=key)
    return Step(f"prefix {lab.location}/", "already there" if found else "created", calls)


def create_database(lab: Lab) -> Step:
    """Make the Glue database; a zero-ETL target must say where its tables lie.

    Args:
        lab: The lab.

    Returns:
        What happened.

    Raises:
        ForeignResourceError: A database of that name exists and is not the lab's.

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
    """Return the ``DatabaseInput`` of the lab's Glue database, its tag among the parameters."""
    return {
        "Name": lab.database,
        "LocationUri": f"{lab.location}/",
        "Description": "Zero-ETL target of the tutorial",
        "Parameters": lab.tags,
    }


def database_exists(lab: Lab) -> bool:
    """Tell whether the lab's Glue database is there.

    Raises:
        ForeignResourceError: A database of that name exists and is not the lab's.
    """
    with absent("EntityNotFoundException"):
        database = lab.client("glue").get_database(Name=lab.database)["Database"]
        if TAG_KEY not in database.get("Parameters", {}):
            raise ForeignResourceError(
                f"Database {lab.database} exists and does not carry {TAG_KEY}: it is not the lab's. {_OTHER_NAMES}"
            )
        return True
    return False


def merge_catalog_policy(lab: Lab) -> Step:
    """Add the lab's two statements to the Data Catalog's policy, and leave all others as they are.

    The policy belongs to the whole account and ``PutResourcePolicy`` replaces it: it is read, merged by ``Sid`` and
    written back under its hash, so that nobody's change made meanwhile is lost.

    Args:
        lab: The lab.

    Returns:
        What happened; `details` is the whole policy.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_PutResourcePolicy.html
    """
    wanted = permissions.render(lab, "catalog_resource_policy")["Statement"]
    with lab.recording() as calls:
        before, after = _rewrite_catalog_policy(lab, wanted, drop=())
    mine = [statement for statement in before if statement.get("Sid") in {one["Sid"] for one in wanted}]
    return Step("statements in the Data Catalog policy", ensured(mine or None, wanted), calls, after)


def remove_catalog_statements(lab: Lab, only: Sequence[str] | None = None) -> Step:
    """Take the lab's statements out of the Data Catalog's policy; all others stay.

    Args:
        lab: The lab.
        only: The ``Sid`` of those to take out; all of the lab's unless given.

    Returns:
        What happened.
    """
    sids = [statement["Sid"] for statement in permissions.render(lab, "catalog_resource_policy")["Statement"]]
    sids = [sid for sid in sids if only is None or sid in only]
    with lab.recording() as calls:
        before, _ = _rewrite_catalog_policy(lab, (), drop=sids)
    gone = not any(statement.get("Sid") in sids for statement in before)
    return Step("statements in the Data Catalog policy", "already gone" if gone else "deleted", calls)


def catalog_statements(lab: Lab) -> list[dict[str, Any]]:
    """Return those statements of the Data Catalog's policy that are the lab's."""
    sids = {statement["Sid"] for statement in permissions.render(lab, "catalog_resource_policy")["Statement"]}
    document, _ = _read_catalog_policy(lab)
    return [statement for statement in document["Statement"] if statement.get("Sid") in sids]


def other_databases(lab: Lab, principal: str) -> list[str]:
    """Return the databases of other labs into which the same principal may create integrations.

    Args:
        lab: The lab.
        principal: ARN of an IAM user or role.

    Returns:
        Their names, as the Data Catalog's policy has them.
    """
    document, _ = _read_catalog_policy(lab)
    found = {
        resource.rpartition("/")[2]
        for statement in document["Statement"]
        if str(statement.get("Sid", "")).startswith(_CREATE_SID) and statement.get("Principal") == {"AWS": principal}
        for resource in statement["Resource"]
        if ":database/" in resource
    }
    return sorted(found - {lab.database})


def _rewrite_catalog_policy(
    lab: Lab, add: list[dict[str, Any]] | tuple[()], drop: list[str] | tuple[()]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Merge into the policy, again from the start whenever somebody else wrote it in between."""
    seen: list[tuple[list[dict[str, Any]], dict[str, Any]]] = []

    def attempt() -> bool | None:
        document, policy_hash = _read_catalog_policy(lab)
        before = document["Statement"]
        replaced = {statement["Sid"] for statement in add} | set(drop)
        statements = [statement for statement in before if statement.get("Sid") not in replaced] + list(add)
        after = {**document, "Statement": statements}
        seen[:] = [(before, after)]
        return True if _same(before, statements) else _write_catalog_policy(lab, after, policy_hash)

    wait_for(
        "the Data Catalog policy to be written",
        attempt,
        timeout=30,
        hint="Somebody writes it at the same time: look at it in the AWS Glue console, under Data Catalog settings.",
    )
    return seen[0]


def _same(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    def texts(statements: list[dict[str, Any]]) -> list[str]:
        return sorted(json.dumps(statement, sort_keys=True) for statement in statements)

    return texts(before) == texts(after)


def _read_catalog_policy(lab: Lab) -> tuple[dict[str, Any], str | None]:
    with absent("EntityNotFoundException"):
        answer = lab.client("glue").get_resource_policy()
        document = json.loads(answer["PolicyInJson"])
        statements = document["Statement"]
        # IAM's grammar takes a single statement without a list around it.
        listed = statements if isinstance(statements, list) else [statements]
        return {**document, "Statement": listed}, answer["PolicyHash"]
    return {"Version": "2012-10-17", "Statement": []}, None


def _write_catalog_policy(lab: Lab, document: dict[str, Any], policy_hash: str | None) -> bool | None:
    """Write the policy if it is still the one that was read; None when it is another one by now."""
    glue = lab.client("glue")
    condition = {"PolicyHashCondition": policy_hash} if policy_hash else {"PolicyExistsCondition": "NOT_EXIST"}
    try:
        if document["Statement"]:
            # TRUE keeps grants that were made through Lake Formation for other accounts.
            glue.put_resource_policy(PolicyInJson=json.dumps(document), EnableHybrid="TRUE", **condition)
        elif policy_hash:
            glue.delete_resource_policy(PolicyHashCondition=policy_hash)
    except ClientError as error:
        # The policy is gone, or another one: somebody wrote it since it was read.
        if error_code(error) not in ("ConditionCheckFailureException", "EntityNotFoundException"):
            raise
        return None
    return True
