"""Tests for AWS managed policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse, Settings
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
GLUE = "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)

OWN = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


def _names(iam: Any, **scope: Any) -> set[str]:
    pages = iam.get_paginator("list_policies").paginate(**scope)
    return {policy["Arn"] for page in pages for policy in page["Policies"]}


@pytest.mark.parametrize("kind", ["role", "user", "group"])
def test_aws_managed_policy_is_attached_and_detached(lab: Lab, kind: str) -> None:
    iam = lab.client("iam")
    name = {f"{kind.capitalize()}Name": "Analyst"}
    getattr(iam, f"create_{kind}")(**name, **({"AssumeRolePolicyDocument": TRUST} if kind == "role" else {}))
    attached = getattr(iam, f"list_attached_{kind}_policies")
    for arn in (READ_ONLY, GLUE):
        getattr(iam, f"attach_{kind}_policy")(**name, PolicyArn=arn)
    assert [policy["PolicyArn"] for policy in attached(**name)["AttachedPolicies"]] == [GLUE, READ_ONLY]
    assert _names(iam, OnlyAttached=True) == {READ_ONLY, GLUE}
    getattr(iam, f"detach_{kind}_policy")(**name, PolicyArn=GLUE)
    assert [policy["PolicyName"] for policy in attached(**name)["AttachedPolicies"]] == ["AmazonS3ReadOnlyAccess"]


def test_aws_managed_policy_document_is_returned(lab: Lab) -> None:
    iam = lab.client("iam")
    policy = iam.get_policy(PolicyArn=GLUE)["Policy"]
    assert (policy["PolicyName"], policy["Path"]) == ("AWSGlueServiceRole", "/service-role/")
    version = iam.get_policy_version(PolicyArn=GLUE, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert "glue:*" in version["Document"]["Statement"][0]["Action"]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/NoSuchPolicy",
        # This ARN lacks the policy's path.
        "arn:aws:iam::aws:policy/AWSGlueServiceRole",
        "arn:aws:iam::123456789012:policy/AmazonS3ReadOnlyAccess",
    ],
)
def test_attach_role_policy_rejects_an_unknown_policy(lab: Lab, arn: str) -> None:
    iam = lab.client("iam")
    iam.create_role(RoleName="Analyst", AssumeRolePolicyDocument=TRUST)
    with pytest.raises(ClientError, match="does not exist or is not attachable"):
        iam.attach_role_policy(RoleName="Analyst", PolicyArn=arn)


def test_list_policies_returns_aws_managed_policies_unless_scope_is_local(lab: Lab) -> None:
    iam = lab.client("iam")
    own = iam.create_policy(PolicyName="own", PolicyDocument=OWN)
    own_arn = own["Policy"]["Arn"]
    assert _names(iam, Scope="Local") == {own_arn}
    from_aws = _names(iam, Scope="AWS")
    assert {READ_ONLY, GLUE} <= from_aws
    assert _names(iam) == {own_arn, *from_aws}


def test_attached_policy_is_evaluated_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "state", enforce_iam=True)

    def client(lakehouse: Lakehouse, service: str, keys: dict[str, str] | None = None) -> Any:
        given = keys or {"AccessKeyId": "LOCALLAKEHOUSE000000", "SecretAccessKey": "x"}
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=lakehouse.url,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given.get("SessionToken"),
        )

    first = Lakehouse(settings)
    first.start()
    client(first, "iam").create_role(RoleName="Analyst", AssumeRolePolicyDocument=TRUST)
    client(first, "iam").attach_role_policy(RoleName="Analyst", PolicyArn=READ_ONLY)
    client(first, "s3").create_bucket(Bucket="files")
    first.stop()

    second = Lakehouse(settings)
    second.start()
    arn = "arn:aws:iam::123456789012:role/Analyst"
    keys = client(second, "sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    analyst = client(second, "s3", keys)
    assert analyst.list_objects_v2(Bucket="files")["KeyCount"] == 0
    with pytest.raises(ClientError, match="s3:PutObject"):
        analyst.put_object(Bucket="files", Key="a", Body=b"")
    assert client(second, "iam").get_policy(PolicyArn=READ_ONLY)["Policy"]["AttachmentCount"] == 1
    second.stop()
