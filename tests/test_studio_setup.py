"""Tests for planning, creating, using and deleting a domain and a project through the API, with each step repeated."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.fakes import FakeOperation
from zetl_helpers import _studio_setup, cleanup, permissions, query, studio
from zetl_helpers._wait import without_waiting
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab
from zetl_helpers.studio import DomainPlan, StudioSetupError

pytestmark = pytest.mark.usefixtures("no_waiting")
SUBNETS = ("subnet-a", "subnet-b")


@pytest.fixture
def plan(lab: Lab) -> DomainPlan:
    """Provide a plan in an account whose administrator has created the four roles."""
    for name in _studio_setup._ROLES.values():
        role = name.format(account=lab.account, region=lab.region)
        lab.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps({}))
    permissions.create_target_role(lab)
    return studio.plan_domain(lab, vpc="vpc-1", subnets=SUBNETS)


def other_project(lab: Lab) -> Lab:
    """Set the lab's project to a project other than the domain's initial project, and return the lab."""
    object.__setattr__(lab, "project", "Mine")
    return lab


def domains(lab: Lab) -> list[str]:
    return [item["name"] for item in lab.client("datazone").list_domains()["items"]]


def test_plan_shows_cost_and_vpc_without_creating_anything(lab: Lab, plan: DomainPlan) -> None:
    assert "projects in VPC vpc-1, subnets subnet-a, subnet-b" in str(plan)
    assert "NAT gateway in the VPC costs about $0.045 an hour" in str(plan)
    assert "CloudFormation templates, see https://github.com/aws/Unified-Studio-for-Amazon-Sagemaker" in str(plan)
    assert domains(lab) == ["Tutorial"]


def test_plan_reports_missing_role_and_subnet(lab: Lab) -> None:
    with pytest.raises(
        StudioSetupError,
        match=r"role AmazonSageMakerDomainExecution, which does not exist\. An administrator must create it",
    ):
        studio.plan_domain(lab, vpc="vpc-1", subnets=SUBNETS)
    with pytest.raises(StudioSetupError, match="two Availability Zones"):
        studio.plan_domain(lab, vpc="vpc-1", subnets=SUBNETS[:1])


def test_creating_and_deleting_are_idempotent(lab: Lab, plan: DomainPlan) -> None:
    lab = other_project(lab)
    created = studio.create_domain(lab, plan)
    assert (created.did, studio.create_domain(lab, plan).did) == ("created", "already there")
    domain, profile = created.details["domain"], created.details["profile"]
    project = studio.create_project(lab, domain, profile)
    assert (project.did, studio.create_project(lab, domain, profile).did) == ("created", "already there")
    assert studio.find_project(lab).project_id == project.details["project"]
    with pytest.raises(StudioSetupError, match=r"still has projects: Mine\. Delete all of its projects first"):
        studio.delete_domain(lab, domain)
    assert [studio.delete_project(lab, domain).did, studio.delete_project(lab, domain).did] == [
        "deleted", "already gone",
    ]  # fmt: skip
    assert [studio.delete_domain(lab, domain).did, studio.delete_domain(lab, domain).did] == ["deleted", "already gone"]
    assert domains(lab) == ["Tutorial"]


def test_project_requires_a_profile(lab: Lab, plan: DomainPlan) -> None:
    domain = studio.create_domain(lab, plan).details["domain"]
    with pytest.raises(ClientError, match="To create a project, the local lakehouse requires a projectProfileId"):
        lab.client("datazone").create_project(domainIdentifier=domain, name="Mine")


def test_created_project_can_query_shared_table(lab: Lab, plan: DomainPlan, lakehouse: Lakehouse) -> None:
    lab = other_project(lab)
    created = studio.create_domain(lab, plan)
    studio.create_project(lab, created.details["domain"], created.details["profile"])
    with without_waiting(lakehouse.zero_etl.refresh_now):
        chapters.catch_up(lab, 4)
    chapters.share(lab)
    member = studio.as_project(lab, studio.find_project(lab))
    assert query(member, "SELECT count(*) AS accounts FROM customeraccounts")["accounts"].item() == 25


def test_cleanup_deletes_project_before_domain(lab: Lab, plan: DomainPlan) -> None:
    lab = other_project(lab)
    created = studio.create_domain(lab, plan)
    studio.create_project(lab, created.details["domain"], created.details["profile"])
    found = cleanup.plan(lab)
    kinds = [entry.kind for entry in found]
    assert kinds.index("Studio project") < kinds.index("Studio domain") < kinds.index("IAM role")
    assert set(cleanup.apply(found)["outcome"]) == {"deleted"}
    assert domains(lab) == ["Tutorial"]


STACK = "SageMakerUnifiedStudio-VPC"


class Stacks:
    """A simulation of CloudFormation and the VPC stack, because the local lakehouse does not support CloudFormation.

    Args:
        lab: The lab.
        tags: The stack's tags.
        after: The stack's status after a request to delete it.
    """

    def __init__(self, lab: Lab, tags: dict[str, str], after: str = "DELETE_COMPLETE") -> None:
        self.stack = {"StackId": f"arn:{STACK}", "StackName": STACK, "StackStatus": "CREATE_COMPLETE"}
        self.shown = {**self.stack, "CreationTime": 0, "Tags": [{"Key": key, "Value": tags[key]} for key in tags]}
        self.deleted_with: list[list[str]] = []
        self.lab, self.after = lab, after
        FakeOperation(lab, "cloudformation", "DescribeStacks").always(lambda _: {"Stacks": [self.shown]})
        FakeOperation(lab, "cloudformation", "DeleteStack").always(self._delete)

    def _delete(self, _: dict[str, str]) -> dict[str, str]:
        self.deleted_with.append(domains(self.lab))
        self.shown |= {"StackStatus": self.after, "StackStatusReason": "The subnet has dependencies"}
        return {}


def plan_with_stack(lab: Lab, plan: DomainPlan) -> DomainPlan:
    return studio.plan_domain(lab, vpc=plan.vpc, subnets=SUBNETS, stack=STACK)


def test_cleanup_deletes_vpc_stack_after_domain(lab: Lab, plan: DomainPlan) -> None:
    stacks = Stacks(lab, lab.tags)
    with_stack = plan_with_stack(lab, plan)
    assert f"stack {STACK} of the VPC: cleanup deletes it after the domain" in str(with_stack)
    studio.create_domain(lab, with_stack)
    found = [entry for entry in cleanup.plan(lab) if entry.kind.startswith(("Studio", "CloudFormation"))]
    assert [entry.kind for entry in found] == ["Studio project", "Studio domain", "CloudFormation stack"]
    assert set(cleanup.apply(found)["outcome"]) == {"deleted"}
    assert stacks.deleted_with == [["Tutorial"]], "the stack was deleted after the lab's domain"
    assert "CloudFormation stack" not in [entry.kind for entry in cleanup.plan(lab)]


@pytest.mark.parametrize("tags", [{}, {"zetl-lab": "somebody"}], ids=["no tag", "another lab's"])
def test_cleanup_keeps_stack_without_lab_tag(lab: Lab, plan: DomainPlan, tags: dict[str, str]) -> None:
    stacks = Stacks(lab, tags)
    with_stack = plan_with_stack(lab, plan)
    assert "cleanup keeps it, because it doesn't have the tag zetl-lab=tutorial" in str(with_stack)
    studio.create_domain(lab, with_stack)
    found = cleanup.plan(lab)
    assert "CloudFormation stack" not in [entry.kind for entry in found]
    assert [entry.name for entry in found.foreign] == [STACK]
    cleanup.apply(found)
    with pytest.raises(StudioSetupError, match="so it is kept"):
        studio.delete_stack(lab, STACK)
    assert stacks.deleted_with == []


def test_failed_stack_deletion_is_reported_and_remains_in_plan(lab: Lab, plan: DomainPlan) -> None:
    Stacks(lab, lab.tags, after="DELETE_FAILED")
    studio.create_domain(lab, plan_with_stack(lab, plan))
    outcomes = cleanup.apply(cleanup.plan(lab)).set_index("kind")["outcome"]
    why = "Stack SageMakerUnifiedStudio-VPC could not be deleted: The subnet has dependencies"
    assert outcomes["CloudFormation stack"].startswith(f"failed: {why}")
    assert [entry.kind for entry in cleanup.plan(lab)] == ["CloudFormation stack", "IAM role"]


def test_plan_reports_missing_stack(lab: Lab, plan: DomainPlan) -> None:
    FakeOperation(lab, "cloudformation", "DescribeStacks").fail("ValidationError", times=9)
    with pytest.raises(StudioSetupError, match=f"no CloudFormation stack {STACK} in us-east-1"):
        plan_with_stack(lab, plan)
    assert studio.delete_stack(lab, STACK).did == "already gone"


def test_domain_that_cannot_be_deleted_remains_recorded(lab: Lab, plan: DomainPlan, no_waiting: None) -> None:
    created = studio.create_domain(lab, plan)
    datazone = lab.client("datazone")
    domain = {"domainIdentifier": created.details["domain"]}
    theirs = datazone.create_project(**domain, name="Theirs", projectProfileId=created.details["profile"])
    outcomes = cleanup.apply(cleanup.plan(lab)).set_index("kind")["outcome"]
    assert "still has projects: Theirs. Delete all of its projects first" in outcomes["Studio domain"]
    assert (
        f"list resources that still exist: Studio project {lab.project}, Studio domain {created.details['domain']}"
        in outcomes["IAM role"]
    )
    datazone.delete_project(**domain, identifier=theirs["id"])
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert domains(lab) == ["Tutorial"]


def test_rejects_domain_without_lab_tag(lab: Lab, plan: DomainPlan) -> None:
    with pytest.raises(StudioSetupError, match="doesn't have the lab's tag"):
        studio.create_domain(lab, DomainPlan("Tutorial", plan.vpc, plan.subnets, plan.roles))
    with pytest.raises(StudioSetupError, match="doesn't have the lab's tag"):
        studio.delete_domain(lab, studio.find_project(lab).domain_id)


def test_create_domain_requires_target_role(lab: Lab) -> None:
    with pytest.raises(StudioSetupError, match="Run chapter 1 first"):
        studio.create_domain(lab, DomainPlan("mine", "vpc-1", SUBNETS, {}))
    assert domains(lab) == ["Tutorial"]


def test_failed_deployment_error_says_what_to_check(lab: Lab, plan: DomainPlan) -> None:
    lab = other_project(lab)
    created = studio.create_domain(lab, plan)
    failed = {"overallDeploymentStatus": "FAILED_DEPLOYMENT", "environmentFailureReasons": {"Tooling": []}}
    answer = {"domainId": "d", "id": "p", "name": "Mine", "createdBy": "me", "projectStatus": "ACTIVE"}
    FakeOperation(lab, "datazone", "GetProject").once(lambda _: {**answer, "environmentDeploymentDetails": failed})
    with pytest.raises(StudioSetupError, match=r"not deployed.*provisioning role and the subnets"):
        studio.create_project(lab, created.details["domain"], created.details["profile"])


def test_domains_persist_across_restarts(tmp_path: Path) -> None:
    names = []
    for first in (True, False):
        running = Lakehouse(Settings(state=tmp_path / "state", refresh_seconds=3600))
        running.start()
        lab = connect_to(running.url)
        if first:
            role = "arn:aws:iam::123456789012:role/Any"
            lab.client("datazone").create_domain(
                name="kept", domainVersion="V2", domainExecutionRole=role, serviceRole=role, tags={"a": "b"}
            )
        names.append(domains(lab))
        running.stop()
    assert names == [["Tutorial", "kept"]] * 2
