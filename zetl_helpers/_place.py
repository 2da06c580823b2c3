"""Detection of the notebook space in which this process is running, and of the space's project and domain type."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from botocore.exceptions import ClientError

from zetl_helpers._aws import error_code
from zetl_helpers._rights import DENIED

# Every notebook space has this file, but the file contains a project ID only in a Unified Studio space.
METADATA = Path("/opt/ml/metadata/resource-metadata.json")

Kind = Literal["IAM-based", "Identity Center"]
# The name of a project's IAM connection depends on the type of domain.
_CONNECTIONS: dict[str, Kind] = {"default.iam": "IAM-based", "project.iam": "Identity Center"}

MEMBERS_CHAPTERS = (
    "you can run chapters 4, 5 and 7 and read chapters 6 and 8; an administrator runs chapters 1 to 3 and 6"
)


@dataclass(frozen=True)
class Space:
    """A notebook space in SageMaker Unified Studio.

    Args:
        domain_id: The domain's ID.
        project_id: The project's ID.
        region: The domain's Region.
        role_arn: The ARN of the project's role, which all code in the space uses to call AWS.
    """

    domain_id: str
    project_id: str
    region: str
    role_arn: str


@dataclass(frozen=True)
class Place:
    """A space and the permissions of its project's role.

    Args:
        space: The space.
        kind: The type of the space's domain, or None if the role is not allowed to read the domain's connections.
        workgroup: The project's Athena workgroup, or an empty string if the project has no connection to a workgroup.
        builds: Whether the role may create the resources for chapters 1 to 3.
    """

    space: Space
    kind: Kind | None
    workgroup: str
    builds: bool

    @property
    def is_members(self) -> bool:
        """Whether the role belongs to a project that can query tables shared with it but cannot create resources."""
        return not self.builds and self.kind != "IAM-based"

    def __str__(self) -> str:
        kind = f"{self.kind} domain" if self.kind else "domain of an unknown type"
        if self.builds:
            may = "every chapter runs"
        elif self.is_members:
            may = MEMBERS_CHAPTERS
        else:
            may = "the project's role lacks the learner's permissions; attach the policies in policies/ to the role"
        return f"space of project {self.space.project_id}, {kind}: {may}"


def find_space(metadata: Path | None = None) -> Space | None:
    """Return the Unified Studio space in which this process is running. Return None outside such a space.

    Args:
        metadata: The file that describes the space.
    """
    path = metadata or METADATA
    if not path.exists():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    found = document.get("AdditionalMetadata", {})
    if not found.get("DataZoneProjectId"):
        return None
    return Space(
        found["DataZoneDomainId"],
        found["DataZoneProjectId"],
        found.get("DataZoneDomainRegion", ""),
        document.get("ExecutionRoleArn", ""),
    )


def look(space: Space, client: Callable[[str], Any]) -> Place:
    """Query DataZone and AWS Glue for the type of a space's domain and for the permissions of the project's role.

    The IDs come from the space's metadata, because a project's role cannot list domains.

    Args:
        space: The space.
        client: A function that returns the boto3 client for a service.

    See https://docs.aws.amazon.com/datazone/latest/APIReference/API_ListConnections.html
    """
    connections = _connections(space, client("datazone"))
    kinds = [_CONNECTIONS[connection["name"]] for connection in connections if connection["name"] in _CONNECTIONS]
    workgroups = [entry for entry in connections if entry.get("type") == "ATHENA"]
    workgroup = _workgroup(space, client("datazone"), workgroups[0]["connectionId"]) if workgroups else ""
    return Place(space, kinds[0] if kinds else None, workgroup, _allowed(client("glue").describe_integrations))


def _connections(space: Space, datazone: Any) -> list[dict[str, Any]]:
    where = {"domainIdentifier": space.domain_id, "projectIdentifier": space.project_id}
    try:
        return [item for page in datazone.get_paginator("list_connections").paginate(**where) for item in page["items"]]
    except ClientError as error:
        if error_code(error) not in DENIED:
            raise
        return []


def _workgroup(space: Space, datazone: Any, connection: str) -> str:
    found = datazone.get_connection(domainIdentifier=space.domain_id, identifier=connection)
    return str(found["props"]["athenaProperties"]["workgroupName"])


def _allowed(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if error_code(error) not in DENIED:
            raise
        return False
    return True
