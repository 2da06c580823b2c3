"""The DataZone operations by which a notebook finds its project and the project's role.

The lakehouse plays an account whose administrator has made a SageMaker Unified Studio domain and a project in it; both
are there from the start, since on AWS they are made by hand, in the console.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_backend import GivenRole
from local_lakehouse.datazone.project_role import BOUNDARY_NAME, ProjectNames, permissions_boundary, role_policy
from local_lakehouse.protocol.wire import Caller, Fault

_DOMAIN = "dzd-4k7m2p9q1r5s8t"
_DOMAIN_UNIT = "3h6j9k2m5n8p1q"
_PROJECT = "7c2v5b8n1m4x9z"
_PROJECT_NAME = "CustomerDB_Project"
_CONNECTION = "2w5e8r1t4y7u0i"
_ENVIRONMENT = "9a6s3d0f7g4h1j"
_ROLE = f"datazone_usr_role_{_PROJECT}_{_ENVIRONMENT}"
_MADE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
    '"Principal":{"Service":["datazone.amazonaws.com","sagemaker.amazonaws.com"]},"Action":"sts:AssumeRole"}]}'
)


PROJECT_ROLE = GivenRole(_ROLE, _TRUST, {"AmazonDataZoneProject": _PROJECT})
_ATHENA_CONNECTION = "5t8y1u4i7o0p3a"
_WORKGROUP = f"workgroup-{_PROJECT}-{_ENVIRONMENT}"


class DataZoneService:
    """Answers for one domain with one project.

    Args:
        clients: The clients it works with.
        create_workgroup: Lets Athena have the project's workgroup.
    """

    name = "datazone"

    def __init__(
        self, clients: ServiceClients, create_workgroup: Callable[[dict[str, Any]], object] = lambda _: None
    ) -> None:
        self._clients = clients
        self._create_workgroup = create_workgroup
        self._calls: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "ListDomains": lambda _: {"items": [self._domain_summary()]},
            "GetDomain": self._get_domain,
            "ListProjects": self._list_projects,
            "GetProject": self._get_project,
            "ListConnections": self._list_connections,
            "GetConnection": self._get_connection,
        }

    @property
    def operations(self) -> frozenset[str]:
        """The operations answered here."""
        return frozenset(self._calls)

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request."""
        return self._calls[operation](request)

    def _domain_summary(self) -> dict[str, Any]:
        region, account = self._clients.region, self._clients.account
        return {
            "id": _DOMAIN,
            "name": "Tutorial",
            "arn": f"arn:{self._clients.partition}:datazone:{region}:{account}:domain/{_DOMAIN}",
            "managedAccountId": account,
            "status": "AVAILABLE",
            "portalUrl": f"https://{_DOMAIN}.sagemaker.{region}.on.aws",
            "createdAt": _MADE,
            "domainVersion": "V2",
        }

    def _get_domain(self, request: dict[str, Any]) -> dict[str, Any]:
        _require(request["identifier"], _DOMAIN, "Domain")
        account = f"arn:{self._clients.partition}:iam::{self._clients.account}"
        role = f"{account}:role/service-role/AmazonSageMakerDomainExecution"
        return {
            **self._domain_summary(),
            "domainExecutionRole": role,
            "rootDomainUnitId": _DOMAIN_UNIT,
        }

    def _project_summary(self) -> dict[str, Any]:
        return {
            "domainId": _DOMAIN,
            "id": _PROJECT,
            "name": _PROJECT_NAME,
            "projectStatus": "ACTIVE",
            "createdBy": "administrator",
            "createdAt": _MADE,
            "domainUnitId": _DOMAIN_UNIT,
        }

    def _list_projects(self, request: dict[str, Any]) -> dict[str, Any]:
        _require(request["domainIdentifier"], _DOMAIN, "Domain")
        wanted = request.get("name", _PROJECT_NAME)
        return {"items": [self._project_summary()] if wanted == _PROJECT_NAME else []}

    def _get_project(self, request: dict[str, Any]) -> dict[str, Any]:
        _require(request["domainIdentifier"], _DOMAIN, "Domain")
        _require(request["identifier"], _PROJECT, "Project")
        return self._project_summary()

    def _connection_summary(self) -> dict[str, Any]:
        return {
            "connectionId": _CONNECTION,
            "domainId": _DOMAIN,
            "domainUnitId": _DOMAIN_UNIT,
            "environmentId": _ENVIRONMENT,
            "projectId": _PROJECT,
            "name": "project.iam",
            "type": "IAM",
            "scope": "PROJECT",
            "physicalEndpoints": [
                {
                    "awsLocation": {
                        "accessRole": self._role_arn(),
                        "awsAccountId": self._clients.account,
                        "awsRegion": self._clients.region,
                    }
                }
            ],
        }

    def _athena_connection(self) -> dict[str, Any]:
        self._open_workgroup()
        return {
            **self._connection_summary(),
            "connectionId": _ATHENA_CONNECTION,
            "name": "project.athena",
            "type": "ATHENA",
            "props": {"athenaProperties": {"workgroupName": _WORKGROUP}},
        }

    def _list_connections(self, request: dict[str, Any]) -> dict[str, Any]:
        _require(request["domainIdentifier"], _DOMAIN, "Domain")
        _require(request.get("projectIdentifier", _PROJECT), _PROJECT, "Project")
        wanted, name = request.get("type"), request.get("name")
        listed = [
            describe()
            for kind, called, describe in (
                ("IAM", "project.iam", self._connection_summary),
                ("ATHENA", "project.athena", self._athena_connection),
            )
            if wanted in (None, kind) and name in (None, called)
        ]
        return {"items": listed}

    def _get_connection(self, request: dict[str, Any]) -> dict[str, Any]:
        _require(request["domainIdentifier"], _DOMAIN, "Domain")
        if request["identifier"] == _ATHENA_CONNECTION:
            return self._athena_connection()
        _require(request["identifier"], _CONNECTION, "Connection")
        found = {**self._connection_summary(), "environmentUserRole": self._role_arn()}
        return {**found, "connectionCredentials": self._credentials()} if request.get("withSecret") else found

    def _credentials(self) -> dict[str, Any]:
        """Return credentials of the project's role, which DataZone assumes for the project's members."""
        self._limit_role()
        session = self._clients.client("sts").assume_role(RoleArn=self._role_arn(), RoleSessionName="member")
        made = session["Credentials"]
        return {
            "accessKeyId": made["AccessKeyId"],
            "secretAccessKey": made["SecretAccessKey"],
            "sessionToken": made["SessionToken"],
            "expiration": made["Expiration"],
        }

    def _limit_role(self) -> None:
        """Give the project's role its policy and its permissions boundary, as a project of the Studio has them."""
        iam = self._clients.client("iam")
        names = ProjectNames(self._clients.partition, self._clients.region, self._clients.account, _WORKGROUP,
                             self._bucket, _DOMAIN)  # fmt: skip
        iam.put_role_policy(RoleName=_ROLE, PolicyName="project", PolicyDocument=json.dumps(role_policy(names)))
        boundary = f"arn:{self._clients.partition}:iam::{self._clients.account}:policy/{BOUNDARY_NAME}"
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_policy(PolicyName=BOUNDARY_NAME, PolicyDocument=json.dumps(permissions_boundary(names)))
            iam.put_role_permissions_boundary(RoleName=_ROLE, PermissionsBoundary=boundary)

    @property
    def _bucket(self) -> str:
        return f"amazon-sagemaker-{self._clients.account}-{self._clients.region}-{_PROJECT}"

    def _open_workgroup(self) -> None:
        """Make the project's workgroup and its bucket, unless they are there."""
        s3 = self._clients.client("s3")
        region = self._clients.region
        where: dict[str, Any] = (
            {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=self._bucket, **where)
        with contextlib.suppress(Fault):  # it is there
            self._create_workgroup(
                {
                    "Name": _WORKGROUP,
                    "Configuration": {
                        "ResultConfiguration": {"OutputLocation": f"s3://{self._bucket}/sys/athena/"},
                        "EnforceWorkGroupConfiguration": True,
                    },
                    "Tags": [{"Key": "AmazonDataZoneProject", "Value": _PROJECT}],
                }
            )

    def _role_arn(self) -> str:
        return f"arn:{self._clients.partition}:iam::{self._clients.account}:role/{_ROLE}"


def _require(found: str, wanted: str, what: str) -> None:
    if found != wanted:
        raise Fault("ResourceNotFoundException", f"{what} {found} does not exist.", status=404)
