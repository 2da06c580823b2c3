"""The API of Amazon DataZone, the service behind SageMaker Unified Studio.

The lakehouse emulates an account whose administrator has created a domain and a project, so both exist from the start.
Additional domains and projects can be created and deleted. The resources of a project, which take minutes to deploy
on AWS, are available immediately.

AWS: https://docs.aws.amazon.com/datazone/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_backend import GivenRole
from local_lakehouse.datazone.domains import GIVEN, TOOLING, Domain, Domains, Project, given_domain, new_id
from local_lakehouse.datazone.project_role import BOUNDARY_NAME, ProjectNames, permissions_boundary, role_policy
from local_lakehouse.protocol.wire import Caller, Fault

_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
    '"Principal":{"Service":["datazone.amazonaws.com","sagemaker.amazonaws.com"]},"Action":"sts:AssumeRole"}]}'
)
PROJECT_ROLE = GivenRole(GIVEN.role, _TRUST, {"AmazonDataZoneProject": GIVEN.id})


class DataZoneService:
    """The DataZone service, which executes requests for domains and their projects.

    Args:
        clients: The AWS clients for the lakehouse.
        create_workgroup: A function that creates a project's workgroup in Athena.
    """

    name = "datazone"

    def __init__(
        self, clients: ServiceClients, create_workgroup: Callable[[dict[str, Any]], object] = lambda _: None
    ) -> None:
        self._clients = clients
        self._create_workgroup = create_workgroup
        self._lock = threading.RLock()
        account = f"arn:{clients.partition}:iam::{clients.account}"
        self._domains = Domains(given_domain(f"{account}:role/service-role/AmazonSageMakerDomainExecution"))
        self._calls: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "ListDomains": self._list_domains,
            "GetDomain": lambda request: self._describe(self._domains.domain(request["identifier"])),
            "CreateDomain": self._create_domain,
            "DeleteDomain": self._delete_domain,
            "ListTagsForResource": self._list_tags,
            "ListEnvironmentBlueprints": self._list_blueprints,
            "PutEnvironmentBlueprintConfiguration": self._configure_blueprint,
            "CreateProjectProfile": self._create_profile,
            "ListProjectProfiles": self._list_profiles,
            "AddPolicyGrant": self._add_grant,
            "ListProjects": self._list_projects,
            "GetProject": self._get_project,
            "CreateProject": self._create_project,
            "DeleteProject": self._delete_project,
            "ListConnections": self._list_connections,
            "GetConnection": self._get_connection,
        }

    @property
    def operations(self) -> frozenset[str]:
        """The operations that are implemented here."""
        return frozenset(self._calls)

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request."""
        with self._lock:
            return self._calls[operation](request)

    def dump(self) -> dict[str, Any]:
        """Return the complete state as a document."""
        with self._lock:
            return {"domains": self._domains.document()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore the state from a document that `dump` returned."""
        with self._lock:
            if state.get("domains"):
                self._domains.load(state["domains"])

    def _list_domains(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("status", "AVAILABLE")
        return {"items": [self._summary(domain) for domain in self._domains.all()] if wanted == "AVAILABLE" else []}

    def _summary(self, domain: Domain) -> dict[str, Any]:
        return {
            "id": domain.id,
            "name": domain.name,
            "arn": self._domain_arn(domain),
            "managedAccountId": self._clients.account,
            "status": "AVAILABLE",
            "portalUrl": f"https://{domain.id}.sagemaker.{self._clients.region}.on.aws",
            "createdAt": domain.created,
            "domainVersion": "V2",
        }

    def _domain_arn(self, domain: Domain) -> str:
        where = f"{self._clients.region}:{self._clients.account}"
        return f"arn:{self._clients.partition}:datazone:{where}:domain/{domain.id}"

    def _describe(self, domain: Domain) -> dict[str, Any]:
        optional = {"serviceRole": domain.service_role} if domain.service_role else {}
        return {
            **{name: value for name, value in self._summary(domain).items() if name != "managedAccountId"},
            "domainExecutionRole": domain.execution_role,
            "rootDomainUnitId": domain.unit_id,
            "tags": domain.tags,
            **optional,
        }

    def _create_domain(self, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("domainVersion") != "V2":
            raise Fault(
                "ValidationException", "Only domains with version V2 (SageMaker Unified Studio) are supported here."
            )
        if not (request.get("domainExecutionRole") and request.get("serviceRole")):
            raise Fault("ValidationException", "A V2 domain requires domainExecutionRole and serviceRole.")
        domain = Domain(
            new_id("dzd-"), request["name"], request["domainExecutionRole"], request["serviceRole"], new_id(),
            dict(request.get("tags") or {}), created=datetime.now(UTC),
        )  # fmt: skip
        self._domains.add(domain)
        return {name: value for name, value in self._describe(domain).items() if name != "createdAt"}

    def _delete_domain(self, request: dict[str, Any]) -> dict[str, Any]:
        self._domains.remove(self._domains.domain(request["identifier"]))
        return {"status": "DELETING"}

    def _list_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"tags": self._domains.domain(request["resourceArn"].rpartition("/")[2]).tags}

    def _list_blueprints(self, request: dict[str, Any]) -> dict[str, Any]:
        self._domains.domain(request["domainIdentifier"])
        tooling = {
            "id": TOOLING,
            "name": "Tooling",
            "provider": "Amazon SageMaker",
            "provisioning": {"cloudFormation": {"templateUrl": "https://example.invalid/tooling"}},
        }
        return {"items": [tooling] if request.get("name", "Tooling") == "Tooling" else []}

    def _configure_blueprint(self, request: dict[str, Any]) -> dict[str, Any]:
        domain, blueprint = self._domains.domain(request["domainIdentifier"]), request["environmentBlueprintIdentifier"]
        if blueprint != TOOLING:
            raise Fault("ResourceNotFoundException", f"Environment blueprint {blueprint} does not exist.", status=404)
        names = ("provisioningRoleArn", "manageAccessRoleArn", "enabledRegions", "regionalParameters")
        domain.blueprints[blueprint] = {name: request[name] for name in names if name in request}
        return {"domainId": domain.id, "environmentBlueprintId": blueprint, **domain.blueprints[blueprint]}

    def _create_profile(self, request: dict[str, Any]) -> dict[str, Any]:
        domain = self._domains.domain(request["domainIdentifier"])
        for configuration in request.get("environmentConfigurations", []):
            if configuration["environmentBlueprintId"] not in domain.blueprints:
                raise Fault(
                    "ValidationException",
                    f"Environment blueprint {configuration['environmentBlueprintId']} is not enabled in the domain. "
                    "Enable it with PutEnvironmentBlueprintConfiguration.",
                )
        identity = new_id()
        kept = ("name", "status", "environmentConfigurations")
        domain.profiles[identity] = {name: request[name] for name in kept if name in request}
        return self._profile(domain, identity)

    def _profile(self, domain: Domain, identity: str) -> dict[str, Any]:
        profile = domain.profiles[identity]
        return {**profile, "domainId": domain.id, "id": identity, "createdBy": "administrator"}

    def _list_profiles(self, request: dict[str, Any]) -> dict[str, Any]:
        domain = self._domains.domain(request["domainIdentifier"])
        profiles = [self._profile(domain, identity) for identity in domain.profiles]
        shown = ("domainId", "id", "name", "status", "createdBy")
        return {"items": [{name: profile[name] for name in shown if name in profile} for profile in profiles]}

    def _add_grant(self, request: dict[str, Any]) -> dict[str, Any]:
        domain = self._domains.domain(request["domainIdentifier"])
        domain.grants.append({"policy": request["policyType"], "detail": request["detail"]})
        return {"grantId": new_id()}

    def _project(self, project: Project) -> dict[str, Any]:
        return {
            "domainId": project.domain_id,
            "id": project.id,
            "name": project.name,
            "projectStatus": "ACTIVE",
            "createdBy": "administrator",
            "createdAt": project.created,
            "domainUnitId": self._domains.domain(project.domain_id).unit_id,
        }

    def _list_projects(self, request: dict[str, Any]) -> dict[str, Any]:
        projects = self._domains.domain(request["domainIdentifier"]).projects.values()
        return {
            "items": [
                self._project(project) for project in projects if request.get("name", project.name) == project.name
            ]
        }

    def _get_project(self, request: dict[str, Any]) -> dict[str, Any]:
        project = self._domains.project(request["domainIdentifier"], request["identifier"])
        profile = {"projectProfileId": project.profile_id} if project.profile_id else {}
        deployed = {"environmentDeploymentDetails": {"overallDeploymentStatus": "SUCCESSFUL"}}
        return {**self._project(project), **profile, **deployed}

    def _create_project(self, request: dict[str, Any]) -> dict[str, Any]:
        domain, profile = self._domains.domain(request["domainIdentifier"]), request.get("projectProfileId", "")
        if request["name"] in {entry.name for entry in domain.projects.values()}:
            raise Fault("ConflictException", f"A project with the name {request['name']} already exists.", status=409)
        if not profile:
            raise Fault("ValidationException", "To create a project, the local lakehouse requires a projectProfileId.")
        if profile not in domain.profiles:
            raise Fault("ResourceNotFoundException", f"Project profile {profile} does not exist.", status=404)
        granted = [
            grant["detail"]["createProjectFromProjectProfile"].get("projectProfiles", [])
            for grant in domain.grants
            if grant["policy"] == "CREATE_PROJECT_FROM_PROJECT_PROFILE"
        ]
        if not any(profile in profiles for profiles in granted):
            raise Fault(
                "AccessDeniedException",
                f"No policy grant lets you create a project from profile {profile}. Add one with AddPolicyGrant.",
                status=403,
            )
        project = Project(domain.id, new_id(), request["name"], new_id(), profile, datetime.now(UTC))
        self._clients.client("iam").create_role(
            RoleName=project.role,
            AssumeRolePolicyDocument=_TRUST,
            Tags=[{"Key": "AmazonDataZoneProject", "Value": project.id}],
        )
        domain.projects[project.id] = project
        return self._get_project({"domainIdentifier": domain.id, "identifier": project.id})

    def _delete_project(self, request: dict[str, Any]) -> dict[str, Any]:
        project = self._domains.project(request["domainIdentifier"], request["identifier"])
        iam = self._clients.client("iam")
        with contextlib.suppress(iam.exceptions.NoSuchEntityException):
            iam.delete_role_policy(RoleName=project.role, PolicyName="project")
        with contextlib.suppress(iam.exceptions.NoSuchEntityException):
            iam.delete_role(RoleName=project.role)
        del self._domains.domain(project.domain_id).projects[project.id]
        return {}

    def _connections(self, project: Project) -> list[dict[str, Any]]:
        common = {
            "domainId": project.domain_id,
            "domainUnitId": self._domains.domain(project.domain_id).unit_id,
            "environmentId": project.environment_id,
            "projectId": project.id,
            "scope": "PROJECT",
        }
        location = {
            "accessRole": self._role_arn(project),
            "awsAccountId": self._clients.account,
            "awsRegion": self._clients.region,
        }
        endpoints = {"physicalEndpoints": [{"awsLocation": location}]}
        workgroup = {"props": {"athenaProperties": {"workgroupName": project.workgroup}}}
        iam = {"connectionId": f"{project.id}-iam", "name": "project.iam", "type": "IAM"}
        athena = {"connectionId": f"{project.id}-athena", "name": "project.athena", "type": "ATHENA"}
        return [{**common, **endpoints, **iam}, {**common, **endpoints, **athena, **workgroup}]

    def _list_connections(self, request: dict[str, Any]) -> dict[str, Any]:
        project = self._domains.project(request["domainIdentifier"], request["projectIdentifier"])
        wanted, name = request.get("type"), request.get("name")
        self._open_workgroup(project)
        listed = self._connections(project)
        return {
            "items": [entry for entry in listed if wanted in (None, entry["type"]) and name in (None, entry["name"])]
        }

    def _get_connection(self, request: dict[str, Any]) -> dict[str, Any]:
        identity = request["identifier"]
        for project in self._domains.domain(request["domainIdentifier"]).projects.values():
            for found in self._connections(project):
                if found["connectionId"] == identity:
                    return self._connection(project, found, secret=bool(request.get("withSecret")))
        raise Fault("ResourceNotFoundException", f"Connection {identity} does not exist.", status=404)

    def _connection(self, project: Project, found: dict[str, Any], *, secret: bool) -> dict[str, Any]:
        if found["type"] != "IAM":
            self._open_workgroup(project)
            return found
        detail = {**found, "environmentUserRole": self._role_arn(project)}
        return {**detail, "connectionCredentials": self._credentials(project)} if secret else detail

    def _credentials(self, project: Project) -> dict[str, Any]:
        """Return credentials for the project's role, which DataZone assumes for the project's members."""
        self._limit_role(project)
        session = self._clients.client("sts").assume_role(RoleArn=self._role_arn(project), RoleSessionName="member")
        made = session["Credentials"]
        return {
            "accessKeyId": made["AccessKeyId"],
            "secretAccessKey": made["SecretAccessKey"],
            "sessionToken": made["SessionToken"],
            "expiration": made["Expiration"],
        }

    def _limit_role(self, project: Project) -> None:
        """Attach the policy and permissions boundary of a Studio project to the project's role."""
        iam = self._clients.client("iam")
        names = ProjectNames(
            self._clients.partition, self._clients.region, self._clients.account, project.workgroup,
            self._bucket(project), project.domain_id,
        )  # fmt: skip
        iam.put_role_policy(RoleName=project.role, PolicyName="project", PolicyDocument=json.dumps(role_policy(names)))
        # On AWS, all projects share one boundary with conditions on tags. Here, each project has a separate boundary.
        name = BOUNDARY_NAME if project.id == GIVEN.id else f"{BOUNDARY_NAME}-{project.id}"
        boundary = f"arn:{self._clients.partition}:iam::{self._clients.account}:policy/{name}"
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(permissions_boundary(names)))
            iam.put_role_permissions_boundary(RoleName=project.role, PermissionsBoundary=boundary)

    def _bucket(self, project: Project) -> str:
        return f"amazon-sagemaker-{self._clients.account}-{self._clients.region}-{project.id}"

    def _open_workgroup(self, project: Project) -> None:
        """Create the project's workgroup and its bucket if they do not exist."""
        s3 = self._clients.client("s3")
        region, bucket = self._clients.region, self._bucket(project)
        where: dict[str, Any] = (
            {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, **where)
        with contextlib.suppress(Fault):  # raised if the workgroup already exists
            self._create_workgroup(
                {
                    "Name": project.workgroup,
                    "Configuration": {
                        "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/sys/athena/"},
                        "EnforceWorkGroupConfiguration": True,
                    },
                    "Tags": [{"Key": "AmazonDataZoneProject", "Value": project.id}],
                }
            )

    def _role_arn(self, project: Project) -> str:
        return f"arn:{self._clients.partition}:iam::{self._clients.account}:role/{project.role}"
