"""Helper actions that the notebooks do not perform, such as encryption with KMS keys and hybrid access mode."""

import json
from dataclasses import replace
from pathlib import Path

from tests.fakes import FakeOperation
from zetl_helpers import (
    _place,
    cleanup,
    doctor,
    integration,
    keys,
    lakehouse,
    monitoring,
    permissions,
    source,
    studio,
    target,
)
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab
from zetl_helpers.payments import payments


def run_actions_outside_notebooks(lab: Lab, folder: Path) -> None:
    """Run all helper actions that the notebooks do not perform. The lab is empty before and after the run."""
    key, other = (lab.client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    _create_lab_with_keys(lab, key)
    integration.set_target_role(lab, kms_key=other)
    _fix_role_trust(lab)
    doctor.examine(lab)
    permissions.write_all(lab, folder)
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    integration.set_table_properties(lab, unnest="TOPLEVEL")
    source.disable_pitr(lab)
    source.enable_pitr(lab)
    monitoring.create_alarm(lab)
    monitoring.create_alarm(lab)
    for sql in ("SELECT 1", "SELECT 2"):
        lakehouse.save_query(lab, "one", sql, "A number")
    _share_in_hybrid_access_mode(lab)
    _create_and_delete_domain(lab)
    source.import_items(lab.with_table("Payments"), payments(3))
    integration.delete(lab)
    integration.delete_table_properties(lab)
    integration.delete_resource_property(lab)
    _explain_inaccessible_bucket(lab)
    _clean_up_external_resources(lab)


def _create_lab_with_keys(lab: Lab, key: str) -> None:
    source.create_table(lab, kms_key=key)
    source.enable_pitr(lab)
    source.put_policy(lab)
    target.create_bucket(lab, kms_key=key)
    target.create_database(lab)
    target.merge_catalog_policy(lab)
    permissions.create_target_role(lab)
    keys.allow_target_role(lab, key)
    integration.set_target_role(lab, kms_key=key)
    integration.set_table_properties(lab)
    integration.create(lab, refresh_minutes=60, kms_key=key, encryption_context={"lab": "tutorial"})
    integration.wait_until_loaded(lab)


def _fix_role_trust(lab: Lab) -> None:
    trust = permissions.render(lab, "target_role_trust")
    trust["Statement"][0]["Principal"]["Service"] = "ec2.amazonaws.com"
    lab.client("iam").update_assume_role_policy(RoleName=lab.role, PolicyDocument=json.dumps(trust))
    permissions.create_target_role(lab)


def _share_in_hybrid_access_mode(lab: Lab) -> None:
    everybody = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
    lab.client("lakeformation").grant_permissions(
        Principal=everybody, Resource={"Database": {"Name": lab.database}}, Permissions=["ALL"]
    )
    studio.add_administrator(lab)
    project = studio.find_project(lab)
    studio.share_with_project(lab, project)
    studio.grants(lab, project)
    studio.unshare(lab, project)
    studio.remove_administrator(lab)


def _create_and_delete_domain(lab: Lab) -> None:
    """Create and delete a Studio domain with a project, and find the project from one of its spaces."""
    trust = permissions.render(lab, "target_role_trust")
    created = lab.client("iam").create_role(RoleName="AnyRole", AssumeRolePolicyDocument=json.dumps(trust))
    roles = dict.fromkeys(("execution", "service", "provisioning", "access"), created["Role"]["Arn"])
    mine = replace(lab, project="Mine")
    plan = studio.plan_domain(mine, vpc="vpc-1", subnets=("subnet-a", "subnet-b"), roles=roles)
    details = studio.create_domain(mine, plan).details
    project = studio.create_project(mine, details["domain"], details["profile"]).details["project"]
    place = _place.look(_place.Space(details["domain"], project, lab.region, ""), lab.client)
    studio.find_project(replace(mine, place=place))
    studio.delete_project(mine, details["domain"])
    studio.delete_domain(mine, details["domain"])
    lab.client("iam").delete_role(RoleName="AnyRole")


def _explain_inaccessible_bucket(lab: Lab) -> None:
    # The function is called directly, because S3's response for an inaccessible bucket is tested in tests/faults.
    assert "is in your account" in target._why_forbidden(lab)


def _clean_up_external_resources(lab: Lab) -> None:
    """Clean up resources that only AWS or a console user creates: an optimizer, a policy and an older log group."""
    chapters.catch_up(lab, 3)
    lab.client("logs").create_log_group(logGroupName=integration.LOG_GROUP + integration.integration_id(lab))
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    iam = lab.client("iam")
    arn = iam.create_policy(PolicyName="Extra", PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=lab.role, PolicyArn=arn)
    FakeOperation(lab, "glue", "GetTableOptimizer").once(lambda _: {"TableOptimizer": {"type": "compaction"}})
    found = cleanup.plan(lab)
    FakeOperation(lab, "glue", "DeleteTableOptimizer").once(lambda _: {})
    cleanup.apply(found)
