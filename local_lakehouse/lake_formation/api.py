"""Lake Formation's settings, grants, opt-ins and registered locations.

AWS: https://docs.aws.amazon.com/lake-formation/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.lake_formation.governance import Governance
from local_lakehouse.lake_formation.register import Location, Register, default_settings
from local_lakehouse.lake_formation.resources import EVERYBODY, Resource, check, read
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.request import Caller

_SESSION = re.compile(r"arn:[\w-]+:sts::\d+:(assumed-role|federated-user)/.*")
_LINKED_ROLE = "role/aws-service-role/lakeformation.amazonaws.com/AWSServiceRoleForLakeFormationDataAccess"
_PAGE = 1000

_Operation = Callable[[dict[str, Any], Caller], dict[str, Any]]


class LakeFormationService:
    """The Lake Formation service, without the operations for LF-Tags, which moto executes.

    Args:
        governed: Whether new databases and tables have no default grants, as in an account that Lake Formation governs.
        founder: The ARN of the principal that administers Lake Formation in a governed account.
    """

    name = "lakeformation"

    def __init__(self, *, governed: bool = False, founder: str = "") -> None:
        self._governed = governed
        self._founder = founder
        self.register = self._new()
        self.governance = Governance(self.register)
        self._lock = threading.Lock()
        self._calls: dict[str, _Operation] = {
            "GetDataLakeSettings": self._get_settings,
            "PutDataLakeSettings": self._put_settings,
            "GrantPermissions": self._grant,
            "RevokePermissions": self._revoke,
            "BatchGrantPermissions": self._batch(self._grant),
            "BatchRevokePermissions": self._batch(self._revoke),
            "ListPermissions": self._list_permissions,
            "RegisterResource": self._register,
            "DeregisterResource": self._deregister,
            "DescribeResource": self._describe,
            "UpdateResource": self._update,
            "ListResources": self._list_resources,
            "CreateLakeFormationOptIn": self._opt_in,
            "DeleteLakeFormationOptIn": self._opt_out,
            "ListLakeFormationOptIns": self._list_opt_ins,
        }

    @property
    def operations(self) -> frozenset[str]:
        """The operations that are implemented here."""
        return frozenset(self._calls)

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request."""
        with self._lock:
            return self._calls[operation](request, caller)

    def dump(self) -> dict[str, Any]:
        """Return the complete state as a document."""
        with self._lock:
            return {"register": self.register.document()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore the state from a document that `dump` returned."""
        with self._lock:
            known = state.get("register")
            self.register = Register.read(known) if known else self._new()
            self.governance.register = self.register

    def _new(self) -> Register:
        """Return the register of a new account."""
        settings = default_settings(governed=self._governed)
        if self._governed and self._founder:
            # In a governed account, this principal is a data lake administrator from the start.
            settings["DataLakeAdmins"] = [{"DataLakePrincipalIdentifier": self._founder}]
        return Register(settings)

    def _get_settings(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"DataLakeSettings": copy.deepcopy(self.register.settings)}

    def _put_settings(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        # The request replaces all settings, so omitted members become empty.
        empty = {name: type(value)() for name, value in default_settings(governed=True).items()}
        settings = request["DataLakeSettings"]
        for administrator in (*settings.get("DataLakeAdmins", ()), *settings.get("ReadOnlyAdmins", ())):
            _principal(administrator)
        self.register.settings = {**empty, **copy.deepcopy(settings)}
        return {}

    def _grant(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        principal, resource, permissions, grantable = _parts(request)
        if principal == EVERYBODY and (permissions != ["ALL"] or grantable):
            raise Fault(
                "InvalidInputException",
                f"{EVERYBODY} can be granted only the ALL permission, without the grant option.",
            )
        self._require_granter(caller, resource, permissions)
        self.register.grant(principal, resource, permissions, grantable)
        return {}

    def _revoke(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        principal, resource, permissions, grantable = _parts(request)
        self._require_granter(caller, resource, permissions)
        if not self.register.revoke(principal, resource, permissions, grantable):
            raise Fault(
                "InvalidInputException",
                f"No permissions revoked. Grantee does not have: {', '.join(permissions)}",
            )
        return {}

    def _batch(self, one: _Operation) -> _Operation:
        def each(request: dict[str, Any], caller: Caller) -> dict[str, Any]:
            failures = []
            for entry in request["Entries"]:
                try:
                    one(entry, caller)
                except Fault as fault:
                    failure = {"ErrorCode": fault.code, "ErrorMessage": fault.message}
                    failures.append({"RequestEntry": entry, "Error": failure})
            return {"Failures": failures}

        return each

    def _require_granter(self, caller: Caller, resource: Resource, permissions: list[str]) -> None:
        """Check that a caller is an administrator, is the resource's creator, or has the grant option.

        Raises:
            Fault: ``AccessDeniedException``.
        """
        principal = caller.principal
        thing = resource.thing
        creators = self.register.creators
        owned = creators.get(thing) == principal
        options = {
            permission
            for (holder, about), held in self.register.grants.items()
            if holder == principal and about.thing == thing
            for permission, grantable in held.items()
            if grantable
        }
        if self.register.is_administrator(principal) or owned or {"ALL"} & options or set(permissions) <= options:
            return
        name = resource.table or resource.database or resource.location or "Catalog"
        raise Fault(
            "AccessDeniedException",
            f"Insufficient Lake Formation permission(s): Required Grant option for {', '.join(permissions)} on {name}",
        )

    def _list_permissions(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        principal = (request.get("Principal") or {}).get("DataLakePrincipalIdentifier")
        resource = read(request["Resource"]) if request.get("Resource") else None
        entries = [
            {
                "Principal": {"DataLakePrincipalIdentifier": holder},
                "Resource": about.answer(caller.account),
                "Permissions": sorted(held),
                "PermissionsWithGrantOption": sorted(name for name, grantable in held.items() if grantable),
            }
            for (holder, about), held in self.register.grants.items()
            if principal in (None, holder) and (resource is None or _is_about(about, resource))
        ]
        return _page(entries, request, "PrincipalResourcePermissions")

    def _register(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        arn = request["ResourceArn"].rstrip("/")
        if arn in self.register.locations:
            raise Fault("AlreadyExistsException", f"Resource is already registered: {arn}")
        role = request.get("RoleArn")
        if not role and not request.get("UseServiceLinkedRole"):
            raise Fault("InvalidInputException", "Either RoleArn or UseServiceLinkedRole must be specified.")
        if request.get("WithFederation") or request.get("WithPrivilegedAccess"):
            raise Fault("InvalidInputException", "WithFederation and WithPrivilegedAccess are not supported here.")
        role = role or f"arn:aws:iam::{caller.account}:{_LINKED_ROLE}"
        hybrid = bool(request.get("HybridAccessEnabled"))
        self.register.register_location(Location(arn, role, hybrid, datetime.now(UTC)))
        return {}

    def _deregister(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        self.register.deregister_location(self._registered(request).arn)
        return {}

    def _describe(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"ResourceInfo": _location(self._registered(request))}

    def _update(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        found = self._registered(request)
        if found.role.endswith(_LINKED_ROLE):
            raise Fault(
                "InvalidInputException",
                f"{found.arn} is registered with the service-linked role and cannot be changed. Deregister it, and "
                "register it again.",
            )
        hybrid = request.get("HybridAccessEnabled", found.hybrid)
        changed = replace(found, role=request["RoleArn"], hybrid=hybrid, modified=datetime.now(UTC))
        self.register.register_location(changed)
        return {}

    def _registered(self, request: dict[str, Any]) -> Location:
        arn = request["ResourceArn"].rstrip("/")
        found = self.register.locations.get(arn)
        if found is None:
            raise Fault("EntityNotFoundException", f"Entity not found: {arn} is not registered.")
        return found

    def _list_resources(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return _page(
            [_location(location) for location in self.register.locations.values()], request, "ResourceInfoList"
        )

    def _opt_in(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        self._require_administrator(caller, "CreateLakeFormationOptIn")
        principal, resource = _principal(request["Principal"]), read(request["Resource"])
        self.register.opt_in(principal, resource, datetime.now(UTC), caller.arn)
        return {}

    def _opt_out(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        self._require_administrator(caller, "DeleteLakeFormationOptIn")
        principal, resource = _principal(request["Principal"]), read(request["Resource"])
        if not self.register.opt_out(principal, resource):
            raise Fault("EntityNotFoundException", f"{principal} has not opted in for this resource.")
        return {}

    def _require_administrator(self, caller: Caller, operation: str) -> None:
        if not self.register.is_administrator(caller.principal):
            raise Fault(
                "AccessDeniedException",
                f"Insufficient Lake Formation permission(s): {operation} requires a data lake administrator.",
            )

    def _list_opt_ins(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        principal = (request.get("Principal") or {}).get("DataLakePrincipalIdentifier")
        resource = read(request["Resource"]) if request.get("Resource") else None
        entries = [
            {
                "Principal": {"DataLakePrincipalIdentifier": holder},
                "Resource": about.answer(caller.account),
                "LastModified": modified,
                "LastUpdatedBy": by,
            }
            for (holder, about), (modified, by) in self.register.opt_ins.items()
            if principal in (None, holder) and resource in (None, about)
        ]
        return _page(entries, request, "LakeFormationOptInsInfoList")


def _parts(request: Mapping[str, Any]) -> tuple[str, Resource, list[str], list[str]]:
    principal = _principal(request.get("Principal", {}))
    if not principal or "Resource" not in request:
        raise Fault("InvalidInputException", "A principal and a resource must be specified.")
    resource = read(request["Resource"])
    permissions = list(request.get("Permissions") or ())
    grantable = list(request.get("PermissionsWithGrantOption") or ())
    check(resource, permissions)
    return principal, resource, permissions, grantable


def _principal(document: Mapping[str, Any]) -> str:
    """Return a principal's identifier, or an empty string if there is none.

    Raises:
        Fault: The identifier is the ARN of a session (``InvalidInputException``). Grants to a role require the role's
            ARN.
    """
    identifier = str(document.get("DataLakePrincipalIdentifier", ""))
    if _SESSION.fullmatch(identifier):
        # AWS returns this message.
        raise Fault(
            "InvalidInputException",
            f"Unsupported principal identifier:{identifier}. Arns identifying principals with temporary credentials "
            "are not supported.",
        )
    return identifier


def _is_about(about: Resource, asked: Resource) -> bool:
    """Return whether a grant is listed for a resource. The list for a table includes the grants on its columns."""
    return about == asked or (asked.kind == "table" and about.thing == asked)


def _location(found: Location) -> dict[str, Any]:
    return {
        "ResourceArn": found.arn,
        "RoleArn": found.role,
        "LastModified": found.modified,
        "HybridAccessEnabled": found.hybrid,
    }


def _page(entries: list[dict[str, Any]], request: Mapping[str, Any], name: str) -> dict[str, Any]:
    token = str(request.get("NextToken") or 0)
    if not (token.isascii() and token.isdigit()):
        raise Fault("InvalidInputException", f"{token!r} is not a valid token for this list.")
    size, start = int(request.get("MaxResults") or _PAGE), int(token)
    answer: dict[str, Any] = {name: entries[start : start + size]}
    if start + size < len(entries):
        answer["NextToken"] = str(start + size)
    return answer
