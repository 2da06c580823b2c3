"""The target: bucket, Glue database and Data Catalog policy."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import permissions
from zetl_helpers._aws import ForeignResourceError, absent, error_code, tag_dict, tag_list
from zetl_helpers._steps import Step, ensured
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import TAG_KEY, Lab


def create_bucket(lab: Lab) -> Step:
    """Make the bucket for the Iceberg tables, closed to the public and tagged.

    Args:
        lab: The lab.

    Returns:
        What happened.

    Raises:
        ForeignResourceError: The bucket's name is taken by somebody else.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """
    s3 = lab.client("s3")
    with lab.recording() as calls:
        found = bucket_exists(lab)
        if not found:
            s3.create_bucket(Bucket=lab.bucket, **_location(lab.region))
            s3.put_bucket_tagging(Bucket=lab.bucket, Tagging={"TagSet": tag_list(lab.tags)})
            s3.put_public_access_block(
                Bucket=lab.bucket,
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "IgnorePublicAcls": True,
                    "BlockPublicPolicy": True,
                    "RestrictPublicBuckets": True,
                },
            )
    return Step(f"bucket {lab.bucket}", "already there" if found else "created", calls)


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
        if error_code(error) == "403":
            raise ForeignResourceError(
                f"Bucket {lab.bucket} belongs to another account. Set ZETL_PREFIX to give your lab names of its own."
            ) from error
        raise
    tags: dict[str, str] = {}
    with absent("NoSuchTagSet"):
        tags = tag_dict(s3.get_bucket_tagging(Bucket=lab.bucket)["TagSet"])
    if TAG_KEY not in tags:
        raise ForeignResourceError(
            f"Bucket {lab.bucket} exists and does not carry the tag {TAG_KEY}: it is not the lab's. "
            "Set ZETL_PREFIX to give your lab names of its own."
        )
    return True


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
            glue.create_database(
                DatabaseInput={
                    "Name": lab.database,
                    "LocationUri": f"{lab.location}/",
                    "Description": "Zero-ETL target of the tutorial",
                    "Parameters": lab.tags,
                },
                Tags=lab.tags,
            )
    return Step(f"database {lab.database}", "already there" if found else "created", calls)


def database_exists(lab: Lab) -> bool:
    """Tell whether the lab's Glue database is there.

    Raises:
        ForeignResourceError: A database of that name exists and is not the lab's.
    """
    with absent("EntityNotFoundException"):
        database = lab.client("glue").get_database(Name=lab.database)["Database"]
        if TAG_KEY not in database.get("Parameters", {}):
            raise ForeignResourceError(
                f"Database {lab.database} exists and does not carry {TAG_KEY}: it is not the lab's. "
                "Set ZETL_PREFIX to give your lab names of its own."
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
    mine = [statement for statement in before if statement["Sid"] in {one["Sid"] for one in wanted}]
    return Step("statements in the Data Catalog policy", ensured(mine or None, wanted), calls, after)


def remove_catalog_statements(lab: Lab) -> Step:
    """Take the lab's statements out of the Data Catalog's policy; all others stay.

    Args:
        lab: The lab.

    Returns:
        What happened.
    """
    sids = [statement["Sid"] for statement in permissions.render(lab, "catalog_resource_policy")["Statement"]]
    with lab.recording() as calls:
        before, _ = _rewrite_catalog_policy(lab, (), drop=sids)
    gone = not any(statement.get("Sid") in sids for statement in before)
    return Step("statements in the Data Catalog policy", "already gone" if gone else "deleted", calls)


def catalog_statements(lab: Lab) -> list[dict[str, Any]]:
    """Return those statements of the Data Catalog's policy that are the lab's."""
    sids = {statement["Sid"] for statement in permissions.render(lab, "catalog_resource_policy")["Statement"]}
    document, _ = _read_catalog_policy(lab)
    return [statement for statement in document["Statement"] if statement.get("Sid") in sids]


def _location(region: str) -> dict[str, Any]:
    """Return where a bucket lies, as ``CreateBucket`` wants it: us-east-1 may not be named."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


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
    return sorted(map(json.dumps, before)) == sorted(map(json.dumps, after))


def _read_catalog_policy(lab: Lab) -> tuple[dict[str, Any], str | None]:
    with absent("EntityNotFoundException"):
        answer = lab.client("glue").get_resource_policy()
        if "PolicyInJson" in answer:
            return json.loads(answer["PolicyInJson"]), answer["PolicyHash"]
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
        if error_code(error) != "ConditionCheckFailureException":
            raise
        return None
    return True
