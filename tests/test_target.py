import dataclasses
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse
from tests.conftest import connect_to
from tests.fakes import FakeOperation
from zetl_helpers import target
from zetl_helpers._aws import ForeignResourceError, tag_list
from zetl_helpers.lab import Lab

pytestmark = [pytest.mark.usefixtures("no_waiting"), pytest.mark.once]

FOREIGN = {
    "Sid": "SomebodyElse",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "glue:GetTable",
    "Resource": "arn:aws:glue:us-east-1:123456789012:catalog",
}


def put_policy(lab: Lab, *statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": statements}
    lab.client("glue").put_resource_policy(PolicyInJson=json.dumps(document))


def sids(lab: Lab) -> list[str]:
    document = json.loads(lab.client("glue").get_resource_policy()["PolicyInJson"])
    return [statement["Sid"] for statement in document["Statement"]]


def test_steps_are_idempotent(lab: Lab) -> None:
    for make in (target.create_bucket, target.create_prefix, target.create_database):
        assert [make(lab).did, make(lab).did] == ["created", "already there"]
    database = lab.client("glue").get_database(Name="customerdb")["Database"]
    assert database["LocationUri"] == "s3://glue-zetl-target-123456789012-us-east-1/customerdb/"


def test_bucket_blocks_public_access(lab: Lab) -> None:
    target.create_bucket(lab)
    block = lab.client("s3").get_public_access_block(Bucket=lab.bucket)["PublicAccessBlockConfiguration"]
    assert all(block.values())


def test_bucket_policy_denies_http_and_keeps_other_statements(lab: Lab) -> None:
    target.create_bucket(lab)
    s3 = lab.client("s3")
    document = json.loads(s3.get_bucket_policy(Bucket=lab.bucket)["Policy"])
    (deny,) = document["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    theirs = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{lab.account}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{lab.bucket}/*",
    }
    s3.put_bucket_policy(Bucket=lab.bucket, Policy=json.dumps({**document, "Statement": theirs}))
    assert [target.create_bucket(lab).did, target.create_bucket(lab).did] == ["changed", "already there"]
    merged = json.loads(s3.get_bucket_policy(Bucket=lab.bucket)["Policy"])["Statement"]
    assert merged == [theirs, deny]


def test_results_expire_and_other_rules_are_kept(lab: Lab) -> None:
    target.create_bucket(lab)
    s3 = lab.client("s3")
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=lab.bucket)["Rules"]
    assert (rule["Filter"], rule["Expiration"]) == ({"Prefix": "athena-results/"}, {"Days": 7})
    theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=lab.bucket, LifecycleConfiguration={"Rules": [theirs]})
    assert target.create_bucket(lab).did == "changed"
    rules = s3.get_bucket_lifecycle_configuration(Bucket=lab.bucket)["Rules"]
    assert [entry["ID"] for entry in rules] == ["theirs", "zetl-athena-results"]


def test_rejects_catalog_policy_that_is_too_large(lab: Lab) -> None:
    with pytest.raises(ClientError, match=r"InvalidInputException.*10,240"):
        put_policy(lab, {**FOREIGN, "Resource": [f"{FOREIGN['Resource']}{'x' * 11_000}"]})


def test_rejects_foreign_bucket_and_database(lab: Lab) -> None:
    lab.client("s3").create_bucket(Bucket=lab.bucket)
    lab.client("glue").create_database(DatabaseInput={"Name": lab.database})
    with pytest.raises(ForeignResourceError, match=r"Bucket .* doesn't have the tag"):
        target.create_bucket(lab)
    with pytest.raises(ForeignResourceError, match="Database customerdb exists but doesn't have"):
        target.create_database(lab)


def test_rejects_tagged_bucket_in_another_account(lab: Lab) -> None:
    """A helper rejects a bucket in another account, even if the bucket has the lab's name and tag.

    Anyone can guess the bucket's name, create the bucket first, and allow everyone to use it.
    """
    other = dataclasses.replace(lab, account="999999999999")
    lab.client("s3").create_bucket(Bucket=other.bucket, CreateBucketConfiguration={"Tags": tag_list(lab.tags)})
    with pytest.raises(ForeignResourceError, match=f"Bucket {other.bucket}"):
        target.create_bucket(other)


def test_merge_and_removal_keep_foreign_statements(lab: Lab) -> None:
    put_policy(lab, FOREIGN)
    assert [target.merge_catalog_policy(lab).did, target.merge_catalog_policy(lab).did] == ["created", "already there"]
    assert sids(lab)[0] == "SomebodyElse"
    assert len(sids(lab)) == 3
    assert [target.remove_catalog_statements(lab).did, target.remove_catalog_statements(lab).did] == [
        "deleted",
        "already gone",
    ]
    assert sids(lab) == ["SomebodyElse"]


def test_merge_keeps_statements_of_other_learners(lakehouse: Lakehouse) -> None:
    anna, ben = connect_to(lakehouse.url, "anna"), connect_to(lakehouse.url, "ben")
    target.merge_catalog_policy(anna)
    target.merge_catalog_policy(ben)
    assert len(sids(anna)) == 4
    target.remove_catalog_statements(anna)
    assert len(target.catalog_statements(ben)) == 2
    assert target.catalog_statements(anna) == []


def test_merge_retries_after_concurrent_write(lab: Lab) -> None:
    put_policy(lab, FOREIGN)
    race = FakeOperation(lab, "glue", "PutResourcePolicy")
    race.fail("ConditionCheckFailureException")
    target.merge_catalog_policy(lab)
    assert len(sids(lab)) == 3


def test_removing_last_statement_deletes_policy(lab: Lab) -> None:
    target.merge_catalog_policy(lab)
    target.remove_catalog_statements(lab)
    assert target.catalog_statements(lab) == []
