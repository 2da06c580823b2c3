"""A class in one account: the instructor makes the learners' roles, sees everybody's lab, and cleans up after all."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.iam.authorization import Ask, Decision, decide
from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.rights.people import rights, session_of
from tests.rights.unused import denied, unused
from zetl_helpers import _rights, lakehouse, monitoring, permissions
from zetl_helpers.course import chapters
from zetl_helpers.course.classroom import closing, progress, roster
from zetl_helpers.lab import Lab

TRUST = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}


@pytest.fixture
def enforcing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lakehouse]:
    """A running lakehouse that enforces IAM and refreshes all the time."""
    lakehouse = Lakehouse(Settings(refresh_seconds=0.05, enforce_iam=True))
    lakehouse.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
    yield lakehouse
    lakehouse.stop()


@pytest.fixture
def administrator(enforcing: Lakehouse) -> Lab:
    """The administrator of an account in which both boundaries are made and somebody is to teach."""
    lab = connect_to(enforcing.url)
    iam = lab.client("iam")
    for name, boundary in (
        (permissions.BOUNDARY_NAME, "target_role_boundary"),
        (permissions.LEARNER_BOUNDARY_NAME, "learner_boundary"),
    ):
        iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(permissions.render(lab, boundary)))
    iam.create_role(RoleName="Teacher", AssumeRolePolicyDocument=written(TRUST))
    iam.put_role_policy(RoleName="Teacher", PolicyName="own", PolicyDocument=json.dumps(teachers_policy(lab)))
    formation = lab.client("lakeformation")
    settings = formation.get_data_lake_settings()["DataLakeSettings"]
    settings["DataLakeAdmins"] = [{"DataLakePrincipalIdentifier": role_arn("Teacher")}]
    formation.put_data_lake_settings(DataLakeSettings=settings)
    return lab


def written(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def role_arn(name: str) -> str:
    return f"arn:aws:iam::123456789012:role/{name}"


def teachers_policy(lab: Lab) -> dict[str, Any]:
    return permissions.render(lab, "instructor_permissions", caller=role_arn("Teacher"))


def enrol(teacher: Lab, learner: Lab) -> str:
    """Make a learner's role, as an instructor does."""
    name = f"{learner.prefix}_{permissions.LEARNER_ROLE}"
    iam = teacher.client("iam")
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=written(TRUST),
        PermissionsBoundary=f"arn:aws:iam::123456789012:policy/{permissions.LEARNER_BOUNDARY_NAME}",
        Tags=[{"Key": key, "Value": value} for key, value in learner.tags.items()],
    )
    for policy in _rights.LEARNER_POLICIES:
        document = permissions.render(learner, policy, caller=role_arn(name))
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    return name


def dismiss(teacher: Lab, name: str) -> None:
    """Delete a learner's role."""
    for policy in _rights.LEARNER_POLICIES:
        teacher.client("iam").delete_role_policy(RoleName=name, PolicyName=policy)
    teacher.client("iam").delete_role(RoleName=name)


def test_the_instructors_policy_is_enough_and_no_more_than_enough(enforcing: Lakehouse, administrator: Lab) -> None:
    teacher = session_of(administrator, "Teacher", enforcing.url)
    for prefix in ("ana", "bob"):
        name = enrol(teacher, connect_to(enforcing.url, prefix))
        learner = session_of(administrator, name, enforcing.url, prefix)
        chapters.catch_up(learner, 4)
        chapters.share(learner)
        lakehouse.save_query(learner, "Accounts", "SELECT 1", "How many there are")
        monitoring.create_alarm(learner)
    labs = roster.learners(teacher)
    assert [lab.prefix for lab in labs] == ["ana", "bob"]
    assert list(progress.status(labs)["integration"]) == ["ACTIVE", "ACTIVE"]
    outcomes = closing.apply(closing.plan(labs))
    assert set(outcomes["outcome"]) == {"deleted"}
    assert roster.learners(teacher) == []
    for prefix in ("ana", "bob"):
        dismiss(teacher, f"{prefix}_{permissions.LEARNER_ROLE}")
    asked = rights(enforcing)
    assert denied(asked) == []
    assert unused([teachers_policy(administrator)], asked) == []


def test_one_learner_cannot_reach_the_lab_of_another(enforcing: Lakehouse, administrator: Lab) -> None:
    teacher = session_of(administrator, "Teacher", enforcing.url)
    bob = connect_to(enforcing.url, "bob")
    chapters.catch_up(bob, 3)
    name = enrol(teacher, connect_to(enforcing.url, "ana"))
    ana = session_of(administrator, name, enforcing.url, "ana")
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


def test_neither_learner_nor_instructor_makes_a_role_without_its_boundary(
    enforcing: Lakehouse, administrator: Lab
) -> None:
    teacher = session_of(administrator, "Teacher", enforcing.url)
    name = enrol(teacher, connect_to(enforcing.url, "ana"))
    ana = session_of(administrator, name, enforcing.url, "ana")
    for who, role in ((ana, ana.role), (ana, name), (teacher, "cy_zETLLearner"), (teacher, "Somebody")):
        with pytest.raises(ClientError, match=r"not authorized to perform: iam:CreateRole"):
            who.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=written(TRUST))
    permissions.create_target_role(ana)
    made = administrator.client("iam").get_role(RoleName=ana.role)["Role"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == permissions.boundary_arn(ana)
    with pytest.raises(ClientError, match="AccessDenied"):
        ana.client("iam").delete_role_permissions_boundary(RoleName=ana.role)


@pytest.mark.parametrize("prefix", ["", "ana"])
def test_the_boundaries_leave_what_the_policies_give(lakehouse: Lakehouse, prefix: str) -> None:
    lab = connect_to(lakehouse.url, prefix)
    learner = role_arn(f"{prefix}_zETLLearner")
    for boundary, bounded in (
        ("learner_boundary", _rights.LEARNER_POLICIES),
        ("target_role_boundary", ["target_role_permissions"]),
    ):
        limit = permissions.render(lab, boundary)
        for name in bounded:
            for one in _rights.statements(name, permissions.render(lab, name, caller=learner)):
                context = {
                    key: value.replace("${aws:PrincipalAccount}", lab.account) for _, key, value in one.conditions
                }
                context |= {"aws:PrincipalAccount": lab.account, "aws:ResourceAccount": lab.account}
                for action in one.actions:
                    for resource in one.resources:
                        asked = Ask(action, resource, context=context)
                        assert decide([limit], asked) is Decision.ALLOWED, (boundary, action, resource)
