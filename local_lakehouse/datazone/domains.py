"""The domains of an account, including the initial domain, and their projects."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from local_lakehouse.protocol.wire import Fault

_T = TypeVar("_T")

_LETTERS = string.ascii_lowercase + string.digits
_MADE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
TOOLING = "tooling0blueprint"


@dataclass
class Project:
    """A project.

    Args:
        domain_id: The ID of the project's domain.
        id: The ID.
        name: The name.
        environment_id: The ID of the project's tooling environment.
        profile_id: The ID of the profile from which the project was created. It is empty for the initial project.
        created: The creation time.
    """

    domain_id: str
    id: str
    name: str
    environment_id: str
    profile_id: str = ""
    created: datetime = _MADE

    @property
    def role(self) -> str:
        """The name of the project's role."""
        return f"datazone_usr_role_{self.id}_{self.environment_id}"

    @property
    def workgroup(self) -> str:
        """The name of the project's Athena workgroup."""
        return f"workgroup-{self.id}-{self.environment_id}"


@dataclass
class Domain:
    """A domain.

    Args:
        id: The ID.
        name: The name.
        execution_role: The role for the domain's users.
        service_role: The role that DataZone uses.
        unit_id: The ID of the root domain unit.
        tags: The domain's tags.
        blueprints: The configured blueprints, keyed by ID.
        profiles: The project profiles, keyed by ID.
        grants: The policy grants for profiles.
        projects: The projects, keyed by ID.
        created: The creation time.
    """

    id: str
    name: str
    execution_role: str
    service_role: str
    unit_id: str
    tags: dict[str, str] = field(default_factory=dict)
    blueprints: dict[str, dict[str, Any]] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    grants: list[dict[str, Any]] = field(default_factory=list)
    projects: dict[str, Project] = field(default_factory=dict)
    created: datetime = _MADE


GIVEN = Project("dzd-4k7m2p9q1r5s8t", "7c2v5b8n1m4x9z", "CustomerDB_Project", "9a6s3d0f7g4h1j")


def given_domain(execution_role: str) -> Domain:
    """Return the initial domain with its project, which an administrator would have created before the tutorial."""
    return Domain(
        GIVEN.domain_id, "Tutorial", execution_role, "", "3h6j9k2m5n8p1q", projects={GIVEN.id: GIVEN}
    )  # fmt: skip


def new_id(prefix: str = "") -> str:
    """Return an ID in DataZone's format."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(14))


class Domains:
    """All domains.

    Args:
        given: The initial domain.
    """

    def __init__(self, given: Domain) -> None:
        self._by_id = {given.id: given}

    def all(self) -> list[Domain]:
        """Return the domains, oldest first."""
        return list(self._by_id.values())

    def add(self, domain: Domain) -> None:
        """Add a domain.

        Raises:
            Fault: The name is already in use (``ConflictException``).
        """
        if domain.name in {entry.name for entry in self.all()}:
            raise Fault("ConflictException", f"A domain with the name {domain.name} already exists.", status=409)
        self._by_id[domain.id] = domain

    def remove(self, domain: Domain) -> None:
        """Remove a domain.

        Raises:
            Fault: The domain has projects (``ConflictException``).
        """
        if domain.projects:
            raise Fault(
                "ConflictException", f"Domain {domain.id} has projects. Delete them first.", status=409
            )  # fmt: skip
        del self._by_id[domain.id]

    def domain(self, identity: str) -> Domain:
        """Return a domain.

        Raises:
            Fault: The domain does not exist (``ResourceNotFoundException``).
        """
        return _found(self._by_id, identity, "Domain")

    def project(self, domain: str, identity: str) -> Project:
        """Return a project.

        Raises:
            Fault: The project does not exist (``ResourceNotFoundException``).
        """
        return _found(self.domain(domain).projects, identity, "Project")

    def document(self) -> list[dict[str, Any]]:
        """Return all domains and their projects as plain data."""
        return [asdict(domain) for domain in self.all()]

    def load(self, document: list[Mapping[str, Any]]) -> None:
        """Restore the domains from the result of `document`."""
        domains = [
            Domain(**{**entry, "projects": {key: Project(**value) for key, value in entry["projects"].items()}})
            for entry in document
        ]
        self._by_id = {domain.id: domain for domain in domains}


def _found(known: Mapping[str, _T], identity: str, what: str) -> _T:
    if identity not in known:
        raise Fault("ResourceNotFoundException", f"{what} {identity} does not exist.", status=404)
    return known[identity]
