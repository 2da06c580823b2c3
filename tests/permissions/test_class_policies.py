"""Tests that the policies for a class in one account allow what the instructor and learners need, and nothing else."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.iam.authorization import Ask, Decision, decide
from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.permissions.callers import checked_permissions, session_of
from tests.permissions.unused_permissions import denied, unused
from zetl_helpers import _rights, cleanup, doctor, integration, lakehouse, monitoring, permissions, target
from zetl_helpers._aws import absent
from zetl_helpers._wait import without_waiting
from zetl_helpers.course import chapters, classroom
from zetl_helpers.course.classroom import closing, progress, roster
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

TRUST = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}


@pytest.fixture
def enforcing_lakehouse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lakehouse]:
    """Provide a running lakehouse that enforces IAM and refreshes continuously."""
    lakehouse = Lakehouse(Settings(refresh_seconds=0.05, enforce_iam=True))
    lakehouse.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
    yield lakehouse
    lakehouse.stop()


@pytest.fixture
def administrator(enforcing_lakehouse: Lakehouse) -> Lab:
    """Provide an administrator's lab, in an account that has both permissions boundaries but no class yet."""
    lab = connect_to(enforcing_lakehouse.url)
    iam = lab.client("iam")
    for name, boundary in (
        (permissions.BOUNDARY_NAME, "target_role_boundary"),
        (permissions.LEARNER_BOUNDARY_NAME, "learner_boundary"),
    ):
        iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(permissions.render(lab, boundary)))
    iam.create_role(RoleName="Teacher", AssumeRolePolicyDocument=written(TRUST))
    iam.put_role_policy(RoleName="Teacher", PolicyName="own", PolicyDocument=json.dumps(instructor_policy(lab)))
    formation = lab.client("lakeformation")
    settings = formation.get_data_lake_settings()["DataLakeSettings"]
    settings["DataLakeAdmins"] = [{"DataLakePrincipalIdentifier": role_arn("Teacher")}]
    formation.put_data_lake_settings(DataLakeSettings=settings)
    return lab


def written(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def role_arn(name: str) -> str:
    return f"arn:aws:iam::123456789012:role/{name}"


def instructor_policy(lab: Lab) -> dict[str, Any]:
    return permissions.render(lab, "instructor_permissions", caller=role_arn("Teacher"))


def enroll(instructor: Lab, learner: Lab, policies: Sequence[str] = _rights.LEARNER_POLICIES) -> str:
    """Create a learner's role, as an instructor does."""
    name = f"{learner.prefix}_{permissions.LEARNER_ROLE}"
    iam = instructor.client("iam")
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=written(TRUST),
        PermissionsBoundary=f"arn:aws:iam::123456789012:policy/{permissions.LEARNER_BOUNDARY_NAME}",
        Tags=[{"Key": key, "Value": value} for key, value in learner.tags.items()],
    )
    for policy in policies:
        document = permissions.render(learner, policy, caller=role_arn(name))
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    return name


def delete_learner_role(instructor: Lab, name: str) -> None:
    """Delete a learner's role."""
    iam = instructor.client("iam")
    for policy in (*_rights.LEARNER_POLICIES, *_rights.CLASS_POLICIES):
        with absent("NoSuchEntity"):
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def test_instructor_policy_grants_exactly_what_is_needed(enforcing_lakehouse: Lakehouse, administrator: Lab) -> None:
    instructor = session_of(administrator, "Teacher", enforcing_lakehouse.url)
    for prefix in ("ana", "bob"):
        name = enroll(instructor, connect_to(enforcing_lakehouse.url, prefix))
        learner = session_of(administrator, name, enforcing_lakehouse.url, prefix)
        chapters.catch_up(learner, 4)
        chapters.share(learner)
        lakehouse.save_query(learner, "Accounts", "SELECT 1", "The number of accounts")
        monitoring.create_alarm(learner)
    create_log_group(administrator, learner)
    classroom.prepare(instructor)
    chapters.catch_up(class_learner(administrator, enforcing_lakehouse, "cem"), 4)
    labs = roster.learners(instructor)
    assert [lab.prefix for lab in labs] == ["ana", "bob", "cem"]
    assert all(classroom.has_target(lab) for lab in labs)
    assert {step.did for step in classroom.share(labs[2:])} == {"created"}
    assert list(progress.status(labs)["integration"]) == ["ACTIVE"] * 3
    assert [str(check) for check in doctor.examine(instructor) if not check.ok] == []
    outcomes = closing.apply(closing.plan(labs))
    assert set(outcomes["outcome"]) == {"deleted"}
    assert roster.learners(instructor) == []
    assert [step.did for step in classroom.undo(instructor, administrator=True)] == ["deleted", "deleted"]
    for prefix in ("ana", "bob", "cem"):
        delete_learner_role(instructor, f"{prefix}_{permissions.LEARNER_ROLE}")
    checked = checked_permissions(enforcing_lakehouse)
    assert denied(checked) == []
    assert unused([instructor_policy(administrator)], checked) == []


@pytest.mark.parametrize("cleaned_up_by", ["learner", "instructor"])
def test_learner_and_instructor_can_delete_log_group_of_integration(
    enforcing_lakehouse: Lakehouse, administrator: Lab, cleaned_up_by: str
) -> None:
    instructor = session_of(administrator, "Teacher", enforcing_lakehouse.url)
    classroom.prepare(instructor)
    ana = class_learner(administrator, enforcing_lakehouse, "ana")
    chapters.catch_up(ana, 3)
    group = create_log_group(administrator, ana)
    lab = ana if cleaned_up_by == "learner" else next(iter(roster.learners(instructor)))
    found = [entry for entry in cleanup.plan(lab) if entry.kind == "log group"]
    assert [entry.name for entry in found] == [group]
    assert list(cleanup.apply(found)["outcome"]) == ["deleted"]
    assert [entry for entry in cleanup.plan(lab) if entry.kind == "log group"] == []
    with pytest.raises(ClientError, match="logs:DeleteLogGroup"):
        ana.client("logs").delete_log_group(logGroupName=integration.LOG_GROUP)


def create_log_group(administrator: Lab, learner: Lab) -> str:
    """Create a log group for a learner's integration, and return its name. On AWS, AWS Glue can create it."""
    name = f"{integration.LOG_GROUP}{integration.integration_id(learner)}"
    administrator.client("logs").create_log_group(logGroupName=name)
    return name


@pytest.mark.timeout(600)  # The test creates thirty labs.
def test_thirty_learners_can_build_labs_without_account_permissions(
    enforcing_lakehouse: Lakehouse, administrator: Lab
) -> None:
    instructor = session_of(administrator, "Teacher", enforcing_lakehouse.url)
    assert [step.did for step in classroom.prepare(instructor)] == ["created", "already there"]
    assert [step.did for step in classroom.prepare(instructor)] == ["already there", "already there"]
    policy = instructor.client("glue").get_resource_policy()["PolicyInJson"]
    seats = [f"seat{number:02}" for number in range(1, 31)]
    learners = [class_learner(administrator, enforcing_lakehouse, seat) for seat in seats]
    # Each wait triggers a refresh, because background refreshes of thirty integrations would run continuously.
    enforcing_lakehouse.zero_etl.pause()
    with without_waiting(enforcing_lakehouse.zero_etl.refresh_now):
        for learner in learners:
            chapters.catch_up(learner, 4)
            counted = lakehouse.query(learner, "SELECT count(*) AS accounts FROM customeraccounts")
            assert counted["accounts"].item() == 25
        for learner in learners[::10]:
            assert set(cleanup.apply(cleanup.plan(learner))["outcome"]) == {"deleted"}
    assert denied(checked_permissions(enforcing_lakehouse)) == []
    assert instructor.client("glue").get_resource_policy()["PolicyInJson"] == policy
    assert len(policy) < 10_240


def test_class_learner_cannot_change_account_settings(enforcing_lakehouse: Lakehouse, administrator: Lab) -> None:
    classroom.prepare(session_of(administrator, "Teacher", enforcing_lakehouse.url))
    ana = class_learner(administrator, enforcing_lakehouse, "ana")
    formation, glue = ana.client("lakeformation"), ana.client("glue")
    settings = formation.get_data_lake_settings()["DataLakeSettings"]
    for call, parameters in (
        (glue.put_resource_policy, {"PolicyInJson": "{}"}),
        (glue.delete_resource_policy, {}),
        (formation.put_data_lake_settings, {"DataLakeSettings": settings}),
    ):
        with pytest.raises(ClientError, match=r"learner_account_permissions"):
            call(**parameters)


def test_class_learner_needs_permission_on_their_own_database(
    enforcing_lakehouse: Lakehouse, administrator: Lab
) -> None:
    classroom.prepare(session_of(administrator, "Teacher", enforcing_lakehouse.url))
    ana = class_learner(administrator, enforcing_lakehouse, "ana")
    iam = administrator.client("iam")
    iam.delete_role_policy(RoleName="ana_zETLLearner", PolicyName="learner_class_permissions")
    chapters.catch_up(ana, 2)
    integration.set_target_role(ana)
    with without_waiting(), pytest.raises(ClientError, match="statement CreateIntegrationIntoOwnDatabase"):
        integration.create(ana)


def test_rejects_catalog_policy_that_is_too_large(lakehouse: Lakehouse) -> None:
    labs = [connect_to(lakehouse.url, f"seat{number:02}") for number in range(1, 31)]
    for lab in labs[:10]:
        target.merge_catalog_policy(lab)
    with pytest.raises(target.CatalogPolicyFullError, match=r"AWS allows at most 10,240 bytes\..*zetl class prepare"):
        list(map(target.merge_catalog_policy, labs[10:]))


def class_learner(administrator: Lab, enforcing_lakehouse: Lakehouse, prefix: str) -> Lab:
    """Return the lab of a learner who has the policies of a class."""
    instructor = session_of(administrator, "Teacher", enforcing_lakehouse.url)
    name = enroll(instructor, connect_to(enforcing_lakehouse.url, prefix), _rights.CLASS_POLICIES)
    return session_of(administrator, name, enforcing_lakehouse.url, prefix)


def test_learner_cannot_access_lab_of_another_learner(enforcing_lakehouse: Lakehouse, administrator: Lab) -> None:
    instructor = session_of(administrator, "Teacher", enforcing_lakehouse.url)
    bob = connect_to(enforcing_lakehouse.url, "bob")
    chapters.catch_up(bob, 3)
    name = enroll(instructor, connect_to(enforcing_lakehouse.url, "ana"))
    ana = session_of(administrator, name, enforcing_lakehouse.url, "ana")
    integration = bob.client("glue").describe_integrations()["Integrations"][0]["IntegrationArn"]
    glue, dynamodb, s3 = ana.client("glue"), ana.client("dynamodb"), ana.client("s3")
    for call, parameters in (
        (glue.delete_integration, {"IntegrationIdentifier": integration}),
        (glue.delete_table, {"DatabaseName": bob.database, "Name": bob.target_table}),
        (dynamodb.scan, {"TableName": bob.table}),
        (dynamodb.delete_table, {"TableName": bob.table}),
        (s3.list_objects_v2, {"Bucket": bob.bucket}),
        (ana.client("iam").delete_role, {"RoleName": bob.role}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(**parameters)


def test_roles_can_be_created_only_with_boundary(enforcing_lakehouse: Lakehouse, administrator: Lab) -> None:
    instructor = session_of(administrator, "Teacher", enforcing_lakehouse.url)
    name = enroll(instructor, connect_to(enforcing_lakehouse.url, "ana"))
    ana = session_of(administrator, name, enforcing_lakehouse.url, "ana")
    for who, role in ((ana, ana.role), (ana, name), (instructor, "cy_zETLLearner"), (instructor, "Somebody")):
        with pytest.raises(ClientError, match=r"not authorized to perform: iam:CreateRole"):
            who.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=written(TRUST))
    permissions.create_target_role(ana)
    created = administrator.client("iam").get_role(RoleName=ana.role)["Role"]
    assert created["PermissionsBoundary"]["PermissionsBoundaryArn"] == permissions.boundary_arn(ana)
    with pytest.raises(ClientError, match="AccessDenied"):
        ana.client("iam").delete_role_permissions_boundary(RoleName=ana.role)


@pytest.mark.parametrize("prefix", ["", "ana"])
def test_boundaries_allow_everything_that_policies_grant(lakehouse: Lakehouse, prefix: str) -> None:
    lab = connect_to(lakehouse.url, prefix)
    learner = role_arn(f"{prefix}_zETLLearner")
    for boundary, bounded in (
        ("learner_boundary", (*_rights.LEARNER_POLICIES, *_rights.CLASS_POLICIES)),
        ("target_role_boundary", ["target_role_permissions"]),
    ):
        limit = permissions.render(lab, boundary)
        for name in bounded:
            for statement in _rights.statements(name, permissions.render(lab, name, caller=learner)):
                context = {
                    key: value.replace("${aws:PrincipalAccount}", lab.account) for _, key, value in statement.conditions
                }
                context |= {"aws:PrincipalAccount": lab.account, "aws:ResourceAccount": lab.account}
                for action in statement.actions:
                    for resource in statement.resources:
                        checked = Ask(action, resource, context=context)
                        assert decide([limit], checked) is Decision.ALLOWED, (boundary, action, resource)
