"""Tests for the target role's permissions boundary, in accounts with and without the boundary's managed policy."""

import json

import pytest

from local_lakehouse.lakehouse import Lakehouse
from zetl_helpers import integration, permissions, source, target
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once


def make_boundary(lab: Lab, *statements: dict[str, object]) -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    created = lab.client("iam").create_policy(PolicyName=permissions.BOUNDARY_NAME, PolicyDocument=document)
    return str(created["Policy"]["Arn"])


def test_creates_role_without_boundary_if_account_has_none(lab: Lab) -> None:
    permissions.create_target_role(lab)
    assert "PermissionsBoundary" not in lab.client("iam").get_role(RoleName=lab.role)["Role"]


def test_attaches_boundary_of_account(lab: Lab) -> None:
    arn = make_boundary(lab, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    assert arn == permissions.boundary_arn(lab)
    permissions.create_target_role(lab)
    role = lab.client("iam").get_role(RoleName=lab.role)["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn


@pytest.mark.usefixtures("lakehouse_ticks")
def test_boundary_limits_integration(lab: Lab, lakehouse: Lakehouse) -> None:
    make_boundary(lab, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    source.create_table(lab)
    source.enable_pitr(lab)
    source.put_policy(lab)
    target.create_bucket(lab)
    target.create_database(lab)
    target.merge_catalog_policy(lab)
    permissions.create_target_role(lab)
    integration.set_target_role(lab)
    integration.set_table_properties(lab, unnest="TOPLEVEL", partition_by=chapters.PARTITION_BY)
    integration.create(lab)
    with pytest.raises(integration.IntegrationError, match=r"is not allowed to perform .*glue:CreateTable"):
        integration.wait_until_loaded(lab)
