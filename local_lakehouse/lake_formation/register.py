"""The settings, grants, opt-ins, registered locations and creators in Lake Formation."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local_lakehouse.lake_formation.resources import (
    ANY_TABLE,
    EVERY_COLUMN,
    EVERYBODY,
    Columns,
    Resource,
)

_TO_EVERYBODY = {"Principal": {"DataLakePrincipalIdentifier": EVERYBODY}, "Permissions": ["ALL"]}


def default_settings(*, governed: bool = False) -> dict[str, Any]:
    """Return an account's initial settings, which open new resources to IAM except in a governed account."""
    default = [] if governed else [copy.deepcopy(_TO_EVERYBODY)]
    return {
        "DataLakeAdmins": [],
        "ReadOnlyAdmins": [],
        "CreateDatabaseDefaultPermissions": default,
        "CreateTableDefaultPermissions": copy.deepcopy(default),
        "Parameters": {"CROSS_ACCOUNT_VERSION": "4"},
        "TrustedResourceOwners": [],
        "AllowExternalDataFiltering": False,
        "ExternalDataFilteringAllowList": [],
        "AuthorizedSessionTagValueList": [],
    }


@dataclass(frozen=True)
class Location:
    """A registered location.

    Args:
        arn: The ARN of the location, without a trailing slash.
        role: The role that Lake Formation uses to read the location.
        hybrid: Whether only principals that have opted in are checked.
        modified: The time of registration or of the last change.
    """

    arn: str
    role: str
    hybrid: bool
    modified: datetime


@dataclass
class Register:
    """Lake Formation's complete state.

    Queries read the state without a lock, even while other requests are changing it. Therefore, its dictionaries are
    replaced, never modified in place. Writers hold the database's lock.

    Args:
        settings: The data lake settings.
        grants: The permissions, keyed by principal and resource, each with its grant option.
        opt_ins: The time and author of each opt-in, keyed by principal and resource.
        locations: The registered locations, keyed by ARN.
        creators: The creator of each database or table, or an empty string if a service created it. Creators have all
            permissions.
    """

    settings: dict[str, Any] = field(default_factory=default_settings)
    grants: dict[tuple[str, Resource], dict[str, bool]] = field(default_factory=dict)
    opt_ins: dict[tuple[str, Resource], tuple[datetime, str]] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)
    creators: dict[Resource, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the register as plain data."""
        return {
            "settings": self.settings,
            "grants": [[principal, about.document(), held] for (principal, about), held in self.grants.items()],
            "opt_ins": [
                [principal, about.document(), when, by] for (principal, about), (when, by) in self.opt_ins.items()
            ],
            "locations": [
                [location.arn, location.role, location.hybrid, location.modified]
                for location in self.locations.values()
            ],
            "creators": [[about.document(), creator] for about, creator in self.creators.items()],
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Register:
        """Create a register from the result of `document`."""
        return cls(
            copy.deepcopy(dict(document["settings"])),
            {(who, Resource.of(about)): dict(held) for who, about, held in document["grants"]},
            {(who, Resource.of(about)): (when, by) for who, about, when, by in document["opt_ins"]},
            {arn: Location(arn, role, hybrid, when) for arn, role, hybrid, when in document["locations"]},
            {Resource.of(about): creator for about, creator in document["creators"]},
        )

    def grant(self, principal: str, resource: Resource, permissions: list[str], grantable: list[str]) -> None:
        """Add permissions."""
        grants = dict(self.grants)
        for permission in permissions:
            key = principal, _filed(resource, permission)
            held = grants.get(key, {})
            grants[key] = {**held, permission: held.get(permission, False) or permission in grantable}
        self.grants = grants

    def revoke(self, principal: str, resource: Resource, permissions: list[str], grantable: list[str]) -> bool:
        """Revoke permissions, and return True. If one of them does not exist, change nothing and return False."""
        keys = {permission: (principal, _filed(resource, permission)) for permission in permissions}
        if not all(permission in self.grants.get(key, {}) for permission, key in keys.items()):
            return False
        grants = dict(self.grants)
        for permission, key in keys.items():
            held = dict(grants[key])
            if grantable and permission in grantable:
                held[permission] = False
            else:
                del held[permission]
            grants[key] = held
        self.grants = {key: held for key, held in grants.items() if held}
        return True

    def opt_in(self, principal: str, resource: Resource, when: datetime, author: str) -> None:
        """Record that a principal opts in for a resource, unless it has already opted in."""
        self.opt_ins = {(principal, resource): (when, author)} | self.opt_ins

    def opt_out(self, principal: str, resource: Resource) -> bool:
        """Delete an opt-in, and return whether it existed."""
        kept = {key: value for key, value in self.opt_ins.items() if key != (principal, resource)}
        existed = len(kept) < len(self.opt_ins)
        self.opt_ins = kept
        return existed

    def register_location(self, location: Location) -> None:
        """Register a location, or replace the location with the same ARN."""
        self.locations = {**self.locations, location.arn: location}

    def deregister_location(self, arn: str) -> None:
        """Deregister a location."""
        self.locations = {other: location for other, location in self.locations.items() if other != arn}

    def held(self, principal: str, resource: Resource) -> Iterator[tuple[str, Columns]]:
        """Yield each permission that a principal has on a resource, with its columns."""
        wildcard = Resource("table", resource.database, ANY_TABLE) if resource.kind == "table" else resource
        for (holder, about), permissions in self.grants.items():
            if holder == principal and about.thing in (resource, wildcard):
                for permission in permissions:
                    yield permission, about.columns or EVERY_COLUMN

    def is_administrator(self, principal: str) -> bool:
        """Return whether a principal is a data lake administrator."""
        return any(
            administrator["DataLakePrincipalIdentifier"] == principal
            for administrator in self.settings.get("DataLakeAdmins") or ()
        )

    def opted_in(self, principal: str, resource: Resource) -> bool:
        """Return whether a principal has opted in for a resource."""
        wildcard = Resource("table", resource.database, ANY_TABLE)
        return any(
            holder == principal and about in (resource, *([wildcard] if resource.kind == "table" else []))
            for holder, about in self.opt_ins
        )

    def location_of(self, path: str) -> Location | None:
        """Return the deepest registered location that contains a path, or None if no location contains it.

        Args:
            path: The ARN of the path, without a trailing slash.
        """
        found = [location for arn, location in self.locations.items() if path == arn or path.startswith(f"{arn}/")]
        return max(found, key=lambda entry: len(entry.arn), default=None)

    def created(self, resource: Resource, creator: str | None) -> None:
        """Record the creator and the default grants of a new database or table."""
        name = "CreateDatabaseDefaultPermissions" if resource.kind == "database" else "CreateTableDefaultPermissions"
        for entry in self.settings.get(name) or ():
            self.grant(entry["Principal"]["DataLakePrincipalIdentifier"], resource, list(entry["Permissions"]), [])
        # Lake Formation checks only resources with a known creator, so their default grants must already exist.
        self.creators = {**self.creators, resource: creator or ""}

    def deleted(self, resource: Resource) -> None:
        """Delete all data about a deleted database or table."""

        def concerns(about: Resource) -> bool:
            if resource.kind == "database":
                return about.database == resource.database
            return about.thing == resource

        self.creators = {about: who for about, who in self.creators.items() if not concerns(about)}
        self.grants = {key: held for key, held in self.grants.items() if not concerns(key[1])}
        self.opt_ins = {key: when for key, when in self.opt_ins.items() if not concerns(key[1])}


def _filed(resource: Resource, permission: str) -> Resource:
    """Return the resource under which a permission is stored. ``SELECT`` is stored for columns."""
    if permission == "SELECT" and resource.kind == "table":
        return Resource("columns", resource.database, resource.table, EVERY_COLUMN)
    return resource
