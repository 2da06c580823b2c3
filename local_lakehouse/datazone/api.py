"""The DataZone operations by which a notebook finds its project and the project's role.

The lakehouse plays an account whose administrator has made a SageMaker Unified Studio domain and a project in it; both
are there from the start, since on AWS they are made by hand, in the console.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_backend import GivenRole
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


class DataZoneService:
    """Answers for one domain with one project.

    Args:
        clients: The clients it works with.
    """

    name = "datazone"

    def __init__(self, clients: ServiceClients) -> None:
        self._clients = clients
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

    def _list_connections(self, request: dict[str, Any]) -> dict[str, Any]:
        _require(request["domainIdentifier"], _DOMAIN, "Domain")
        _require(request.get("projectIdentifier", _PROJECT), _PROJECT, "Project")
        fits = request.get("type", "IAM") == "IAM" and request.get("name", "project.iam") == "project.iam"
        return {"items": [self._connection_summary()] if fits else []}

    def _get_connection(self, request: dict[str, Any]) -> dict[str, Any]:
        _require(request["domainIdentifier"], _DOMAIN, "Domain")
        _require(request["identifier"], _CONNECTION, "Connection")
        return {**self._connection_summary(), "environmentUserRole": self._role_arn()}

    def _role_arn(self) -> str:
        return f"arn:{self._clients.partition}:iam::{self._clients.account}:role/{_ROLE}"


def _require(found: str, wanted: str, what: str) -> None:
    if found != wanted:
        raise Fault("ResourceNotFoundException", f"{what} {found} does not exist.", status=404)
