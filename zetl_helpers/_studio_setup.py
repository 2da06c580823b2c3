"""Creation of a SageMaker Unified Studio domain and project through the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import permissions
from zetl_helpers._aws import absent, error_code, tag_list
from zetl_helpers._errors import StudioSetupError
from zetl_helpers._steps import Step
from zetl_helpers._studio_stack import STACK_TAG, what_clean_up_does
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import TAG_KEY, Lab

# This tag on the lab's role contains the ID of the lab's domain. Cleanup does not delete any other domain.
DOMAIN_TAG = "zetl-lab-domain"
_DOMAIN = "zetl-tutorial"
_PROFILE = "zETL SQL analytics"
_CLOUDFORMATION = "https://github.com/aws/Unified-Studio-for-Amazon-Sagemaker"
_COST = f"""\
Cost: a domain itself is free. A project's JupyterLab space is billed per hour while it is running, and its storage per
month. A NAT gateway in the VPC costs about $0.045 an hour ($33 a month) even when it is not used, plus a charge per GB
(us-east-1, November 2026; check the current price: https://aws.amazon.com/vpc/pricing/). The console's stack
SageMakerUnifiedStudio-VPC contains a NAT gateway. Delete the project first, then the domain, then the stack. For
CloudFormation templates, see {_CLOUDFORMATION}"""
# The console creates roles with these names when it sets up an account's first domain.
_ROLES = {
    "execution": "AmazonSageMakerDomainExecution",
    "service": "AmazonSageMakerDomainService",
    "provisioning": "AmazonSageMakerProvisioning-{account}",
    "access": "AmazonSageMakerManageAccess-{region}",
}


@dataclass(frozen=True)
class DomainPlan:
    """The requirements and the cost of a domain. Printing the plan shows them.

    Args:
        name: The domain's name.
        vpc: The VPC for the projects.
        subnets: The VPC's private subnets, in at least two Availability Zones.
        roles: The ARNs of the roles, keyed by use (``execution``, ``service``, ``provisioning`` and ``access``).
        stack: The CloudFormation stack that created the VPC, or None if no stack created it.
        cleaning: A line that says whether cleanup deletes or keeps the VPC.
    """

    name: str
    vpc: str
    subnets: Sequence[str]
    roles: dict[str, str]
    stack: str | None = None
    cleaning: str = "cleanup keeps the VPC"

    def __str__(self) -> str:
        where = f"projects in VPC {self.vpc}, subnets {', '.join(self.subnets)}"
        roles = "".join(f"role for {use}: {arn}\n" for use, arn in self.roles.items())
        return f"domain {self.name} of SageMaker Unified Studio, {where}\n{roles}{self.cleaning}\n{_COST}"

    def __repr__(self) -> str:
        return str(self)


def plan_domain(
    lab: Lab,
    *,
    vpc: str,
    subnets: Sequence[str],
    name: str = _DOMAIN,
    roles: dict[str, str] | None = None,
    stack: str | None = None,
) -> DomainPlan:
    """Return the requirements and the cost of a domain without creating anything.

    Args:
        lab: The lab.
        vpc: The VPC for the projects.
        subnets: The VPC's private subnets, in at least two Availability Zones.
        name: The domain's name.
        roles: The ARNs of the roles, keyed by use (``execution``, ``service``, ``provisioning`` and ``access``).
            Defaults to the roles that the console creates.
        stack: The CloudFormation stack that created the VPC, such as ``SageMakerUnifiedStudio-VPC``. Cleanup deletes
            the stack after the domain if the stack has the lab's tag.

    Returns:
        The plan, which shows the settings, the roles and the cost of the domain.

    Raises:
        StudioSetupError: A role or the stack does not exist, or there are fewer than two subnets.
    """
    if len(set(subnets)) < 2:
        raise StudioSetupError(
            "A project needs private subnets in at least two Availability Zones. Specify them in the subnets argument."
        )
    arns = {use: (roles or {}).get(use) or _role(lab, use) for use in _ROLES}
    if stack is None:
        return DomainPlan(name, vpc, tuple(subnets), arns)
    return DomainPlan(name, vpc, tuple(subnets), arns, stack, what_clean_up_does(lab, stack))


def _role(lab: Lab, use: str) -> str:
    name = _ROLES[use].format(account=lab.account, region=lab.region)
    try:
        return str(lab.client("iam").get_role(RoleName=name)["Role"]["Arn"])
    except ClientError as error:
        if error_code(error) != "NoSuchEntity":
            raise
        raise StudioSetupError(
            f"A domain needs the {use} role {name}, which does not exist. An administrator must create it. "
            "The Amazon SageMaker console creates all four roles when it sets up the first domain (Create domain, "
            f"Quick setup). CloudFormation can also create them: see {_CLOUDFORMATION}. You can also specify a "
            "different role in the roles argument."
        ) from error


def create_domain(lab: Lab, plan: DomainPlan, *, timeout: float = 900) -> Step:
    """Create a domain, wait until it is available, and create its project profile for SQL analytics.

    Args:
        lab: The lab. A tag on its target role records the domain.
        plan: The result of `plan_domain`.
        timeout: Maximum seconds to wait.

    Returns:
        The step and its outcome. Its `details` contain the IDs ``domain`` and ``profile``.

    Raises:
        StudioSetupError: The lab's role does not exist, a domain with the plan's name does not belong to the lab, or
            the domain could not be created.

    See https://docs.aws.amazon.com/datazone/latest/APIReference/API_CreateDomain.html
    """
    if not permissions.role_exists(lab):
        raise StudioSetupError(
            f"Run chapter 1 first. It creates role {lab.role}, whose tag records the domain that cleanup may delete."
        )
    datazone = lab.client("datazone")
    with lab.recording() as calls:
        found = next((entry for entry in _pages(datazone, "list_domains") if entry["name"] == plan.name), None)
        if found is not None and not _is_labs(lab, found["arn"]):
            raise StudioSetupError(
                f"Domain {plan.name} exists but doesn't have the lab's tag {TAG_KEY}. Use the domain with "
                "studio.create_project, or choose another name."
            )
        domain = found["id"] if found else _create_domain(lab, plan)
        recorded = {DOMAIN_TAG: domain} | ({STACK_TAG: plan.stack} if plan.stack else {})
        lab.client("iam").tag_role(RoleName=lab.role, Tags=tag_list(recorded))
        _wait_for_domain(datazone, domain, timeout)
        profile = _profile(lab, domain, plan)
    details = {"domain": domain, "profile": profile}
    return Step(f"domain {plan.name}", "already there" if found else "created", calls, details)


def _create_domain(lab: Lab, plan: DomainPlan) -> str:
    made = lab.client("datazone").create_domain(
        name=plan.name,
        domainVersion="V2",
        domainExecutionRole=plan.roles["execution"],
        serviceRole=plan.roles["service"],
        tags=lab.tags,
    )
    return str(made["id"])


def _wait_for_domain(datazone: Any, domain: str, timeout: float) -> None:
    def look() -> bool | None:
        status = datazone.get_domain(identifier=domain)["status"]
        if status == "CREATION_FAILED":
            raise StudioSetupError(
                f"Domain {domain} could not be created. See the domain's page in the Amazon SageMaker console."
            )
        return True if status == "AVAILABLE" else None

    hint = "Check the domain in the Amazon SageMaker console."
    wait_for(f"domain {domain} to be AVAILABLE", look, timeout=timeout, hint=hint, usual="1 to 5 minutes")


def _profile(lab: Lab, domain: str, plan: DomainPlan) -> str:
    """Return the ID of the lab's project profile, and create the profile if it does not exist.

    For a new profile, this function enables the tooling blueprint and lets all users of the domain create projects.
    """
    datazone = lab.client("datazone")
    where = {"domainIdentifier": domain}
    for profile in _pages(datazone, "list_project_profiles", **where):
        if profile["name"] == _PROFILE:
            return str(profile["id"])
    (tooling,) = _pages(datazone, "list_environment_blueprints", **where, managed=True, name="Tooling")
    datazone.put_environment_blueprint_configuration(
        **where,
        environmentBlueprintIdentifier=tooling["id"],
        enabledRegions=[lab.region],
        provisioningRoleArn=plan.roles["provisioning"],
        manageAccessRoleArn=plan.roles["access"],
        regionalParameters={lab.region: {"VpcId": plan.vpc, "Subnets": ",".join(plan.subnets)}},
    )
    made = datazone.create_project_profile(
        **where,
        name=_PROFILE,
        status="ENABLED",
        environmentConfigurations=[
            {
                "name": "Tooling",
                "environmentBlueprintId": tooling["id"],
                "deploymentMode": "ON_CREATE",
                "deploymentOrder": 0,
                "awsAccount": {"awsAccountId": lab.account},
                "awsRegion": {"regionName": lab.region},
            }
        ],
    )
    datazone.add_policy_grant(
        **where,
        entityType="DOMAIN_UNIT",
        entityIdentifier=datazone.get_domain(identifier=domain)["rootDomainUnitId"],
        policyType="CREATE_PROJECT_FROM_PROJECT_PROFILE",
        principal={"user": {"allUsersGrantFilter": {}}},
        detail={"createProjectFromProjectProfile": {"includeChildDomainUnits": True, "projectProfiles": [made["id"]]}},
    )
    return str(made["id"])


def create_project(lab: Lab, domain: str, profile: str, *, timeout: float = 1800) -> Step:
    """Create the lab's project in a domain and wait until its tooling environment is deployed.

    Args:
        lab: The lab. `Lab.project` is the name of the project.
        domain: The domain's ID.
        profile: The ID of the project profile.
        timeout: Maximum seconds to wait.

    Returns:
        The step and its outcome. Its `details` contain the project's ID as ``project``.

    Raises:
        StudioSetupError: The project's environments could not be deployed.

    See https://docs.aws.amazon.com/datazone/latest/APIReference/API_CreateProject.html
    """
    datazone = lab.client("datazone")
    where = {"domainIdentifier": domain}
    with lab.recording() as calls:
        found = next(
            (entry for entry in _pages(datazone, "list_projects", **where) if entry["name"] == lab.project), None
        )
        made = found or datazone.create_project(**where, name=lab.project, projectProfileId=profile)

        def look() -> bool | None:
            project = datazone.get_project(**where, identifier=made["id"])
            deployed = project.get("environmentDeploymentDetails", {}).get("overallDeploymentStatus", "SUCCESSFUL")
            if deployed in ("FAILED_DEPLOYMENT", "FAILED_VALIDATION"):
                why = project["environmentDeploymentDetails"].get("environmentFailureReasons", {})
                raise StudioSetupError(
                    f"The environments of project {lab.project} were not deployed: {why}. Check the provisioning role "
                    "and the subnets in the plan, delete the project with studio.delete_project, and try again."
                )
            return True if project["projectStatus"] == "ACTIVE" and deployed == "SUCCESSFUL" else None

        hint = "Check the project's overview page in the Studio."
        wait_for(f"project {lab.project} to be ACTIVE", look, timeout=timeout, hint=hint, usual="5 to 15 minutes")
    return Step(f"project {lab.project}", "already there" if found else "created", calls, {"project": made["id"]})


def delete_project(lab: Lab, domain: str, *, timeout: float = 1800) -> Step:
    """Delete the lab's project and the resources that AWS deployed for it.

    Args:
        lab: The lab.
        domain: The domain's ID.
        timeout: Maximum seconds to wait.

    Returns:
        The step and its outcome.
    """
    datazone = lab.client("datazone")
    where = {"domainIdentifier": domain}
    with lab.recording() as calls:
        found = [project for project in _pages(datazone, "list_projects", **where) if project["name"] == lab.project]
        for entry in found:
            with absent("ResourceNotFoundException"):
                datazone.delete_project(**where, identifier=entry["id"], skipDeletionCheck=True)
        names = {item["id"] for item in found}
        wait_for(
            f"project {lab.project} to be deleted",
            lambda: None if names & {each["id"] for each in _pages(datazone, "list_projects", **where)} else True,
            timeout=timeout,
            hint="Check the project in the Studio.",
            usual="5 to 15 minutes",
        )
    return Step(f"project {lab.project}", "deleted" if found else "already gone", calls)


def delete_domain(lab: Lab, domain: str, *, timeout: float = 1800) -> Step:
    """Delete the domain that the lab created. Before calling this function, delete the domain's projects.

    Args:
        lab: The lab.
        domain: The domain's ID.
        timeout: Maximum seconds to wait.

    Returns:
        The step and its outcome.

    Raises:
        StudioSetupError: The domain doesn't have the lab's tag, or it still has projects.
    """
    datazone = lab.client("datazone")
    with lab.recording() as calls:
        found = next((entry for entry in _pages(datazone, "list_domains") if entry["id"] == domain), None)
        if found is not None:
            if not _is_labs(lab, found["arn"]):
                raise StudioSetupError(f"Domain {found['name']} doesn't have the lab's tag {TAG_KEY}, so it is kept.")
            others = [project["name"] for project in _pages(datazone, "list_projects", domainIdentifier=domain)]
            if others:
                raise StudioSetupError(
                    f"Domain {found['name']} still has projects: {', '.join(others)}. Delete all of its projects "
                    "first, in the Studio or with studio.delete_project."
                )
            datazone.delete_domain(identifier=domain, skipDeletionCheck=True)
            wait_for(
                f"domain {found['name']} to be deleted",
                lambda: None if domain in {item["id"] for item in _pages(datazone, "list_domains")} else True,
                timeout=timeout,
                hint="Check the domain in the Amazon SageMaker console.",
                usual="1 to 10 minutes",
            )
        with absent("NoSuchEntity"):
            lab.client("iam").untag_role(RoleName=lab.role, TagKeys=[DOMAIN_TAG])
    return Step(f"domain {domain}", "deleted" if found else "already gone", calls)


def _is_labs(lab: Lab, arn: str) -> bool:
    tags = lab.client("datazone").list_tags_for_resource(resourceArn=arn).get("tags", {})
    return bool(tags.get(TAG_KEY) == lab.tags[TAG_KEY])


def _pages(client: Any, operation: str, **arguments: Any) -> list[dict[str, Any]]:
    return [item for page in client.get_paginator(operation).paginate(**arguments) for item in page["items"]]
