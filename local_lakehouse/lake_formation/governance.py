"""Lake Formation's decisions about access to databases and tables.

Lake Formation checks a principal if a database or table is not open to ``IAM_ALLOWED_PRINCIPALS``, or if the principal
has opted in. The data of a table in a registered location is read with Lake Formation's credentials. The principal's S3
permissions apply in an unregistered location, and in hybrid mode if Lake Formation does not check the principal.

AWS: https://docs.aws.amazon.com/lake-formation/latest/dg/hybrid-access-mode.html,
https://docs.aws.amazon.com/athena/latest/ug/security-athena-lake-formation.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_lakehouse.lake_formation.register import Register
from local_lakehouse.lake_formation.resources import ANY_TABLE, EVERY_COLUMN, EVERYBODY, Columns, Resource
from local_lakehouse.protocol.faults import Fault

# The permissions for each of Glue's write operations. If an operation has several permissions, any of them is
# sufficient.
_ON_DATABASES = {"UpdateDatabase": ("ALTER",), "DeleteDatabase": ("DROP",)}
_ON_TABLES = {
    "UpdateTable": ("ALTER", "INSERT", "DELETE"),
    "DeleteTable": ("DROP",),
    "BatchDeleteTable": ("DROP",),
    "CreatePartition": ("ALTER", "INSERT"),
    "BatchCreatePartition": ("ALTER", "INSERT"),
    "UpdatePartition": ("ALTER", "INSERT"),
    "DeletePartition": ("ALTER", "DELETE"),
    "BatchDeletePartition": ("ALTER", "DELETE"),
}
_SEEING_TABLES = ("GetTable", "GetTableVersion", "GetTableVersions", "GetPartition", "GetPartitions")


_WRITERS_RIGHTS = ("ALTER", "DROP", "INSERT", "DELETE", "SELECT", "DESCRIBE")


@dataclass(frozen=True)
class DataAccess:
    """A principal's access to a table's data.

    Args:
        columns: The accessible columns.
        vended: Whether Lake Formation issues credentials. If not, the principal's S3 permissions apply.
    """

    columns: Columns
    vended: bool


class Governance:
    """The access checks of Lake Formation, based on the register.

    Args:
        register: Lake Formation's state.
    """

    def __init__(self, register: Register) -> None:
        self.register = register

    def checks(self, principal: str, resource: Resource) -> bool:
        """Return whether Lake Formation, and not only IAM, controls a principal's access to a resource."""
        if resource not in self.register.creators:
            # Lake Formation has no record of a resource that does not exist or that is older than the register.
            return False
        if not any(permission == "ALL" for permission, _ in self.register.held(EVERYBODY, resource)):
            return True
        return self.register.opted_in(principal, resource)

    def may_see(self, principal: str, resource: Resource) -> bool:
        """Return whether a principal is allowed to see a database or table."""
        if not self.checks(principal, resource) or self._owns(principal, resource):
            return True
        return self.register.is_administrator(principal) or any(True for _ in self.register.held(principal, resource))

    def may(self, principal: str, resource: Resource, *permissions: str) -> bool:
        """Return whether a principal has at least one of the given permissions."""
        if not self.checks(principal, resource) or self._owns(principal, resource):
            return True
        held = {permission for permission, _ in self.register.held(principal, resource)}
        return bool(held & {"ALL", *permissions})

    def require(self, principal: str, resource: Resource, *permissions: str) -> None:
        """Check that a principal has at least one of the given permissions.

        Raises:
            Fault: ``AccessDeniedException``.
        """
        if not self.may(principal, resource, *permissions):
            raise _insufficient(permissions[0], resource)

    def data_access(self, principal: str, database: str, table: str, location: str) -> DataAccess:
        """Return a principal's access to a table's data.

        Args:
            principal: The ARN of a user or role.
            database: The database's name.
            table: The table's name.
            location: The ARN of the data's location.

        Raises:
            Fault: The principal has no access (``AccessDeniedException``).
        """
        resource = Resource("table", database.lower(), table.lower())
        if not self.may_see(principal, resource):
            raise _insufficient("DESCRIBE", resource)
        registered = self.register.location_of(location.rstrip("/"))
        if registered is None:
            return DataAccess(EVERY_COLUMN, vended=False)
        if not self.checks(principal, resource):
            return DataAccess(EVERY_COLUMN, vended=not registered.hybrid)
        if self._owns(principal, resource):
            return DataAccess(EVERY_COLUMN, vended=True)
        readable = [
            columns
            for permission, columns in self.register.held(principal, resource)
            if permission in ("ALL", "SELECT")
        ]
        if not readable:
            raise _insufficient("SELECT", resource)
        return DataAccess(_union(readable), vended=True)

    def check(self, operation: str, parameters: Mapping[str, Any], principal: str) -> None:
        """Check whether a principal is allowed to send a request to the Data Catalog.

        Raises:
            Fault: ``AccessDeniedException``.
        """
        if operation == "CreateDatabase":
            self._check_creation_of_database(principal)
            return
        if operation == "CreateTable":
            self._check_creation_of_table(parameters, principal)
            return
        if operation in _ON_DATABASES:
            self.require(
                principal, Resource("database", str(parameters.get("Name", "")).lower()), *_ON_DATABASES[operation]
            )
        database = str(parameters.get("DatabaseName") or "").lower()
        for table in _tables_of(operation, parameters):
            resource = Resource("table", database, table.lower())
            if operation in _ON_TABLES:
                self.require(principal, resource, *_ON_TABLES[operation])
            elif not self.may_see(principal, resource):
                raise _insufficient("DESCRIBE", resource)
        if operation == "GetDatabase":
            resource = Resource("database", str(parameters.get("Name", "")).lower())
            if not self.may_see(principal, resource):
                raise _insufficient("DESCRIBE", resource)

    def visible(self, operation: str, answer: dict[str, Any], principal: str) -> dict[str, Any]:
        """Return the response to a Data Catalog request without the parts that a principal is not allowed to see."""
        if operation == "GetDatabases":
            seen = [
                entry
                for entry in answer["DatabaseList"]
                if self.may_see(principal, Resource("database", entry["Name"].lower()))
            ]
            return {**answer, "DatabaseList": seen}
        if operation in ("GetTables", "SearchTables"):
            listed = [
                item
                for item in answer["TableList"]
                if self.may_see(principal, Resource("table", item["DatabaseName"].lower(), item["Name"].lower()))
            ]
            return {**answer, "TableList": [self._granted_columns(each, principal) for each in listed]}
        if operation == "GetTable":
            return {**answer, "Table": self._granted_columns(answer["Table"], principal)}
        return answer

    def note(self, operation: str, parameters: Mapping[str, Any], principal: str | None) -> bool:
        """Record the resources that a Data Catalog request created or deleted, and return whether there were any."""
        database = str(parameters.get("DatabaseName") or parameters.get("Name") or "").lower()
        match operation:
            case "CreateDatabase":
                name = str(parameters["DatabaseInput"]["Name"]).lower()
                self.register.created(Resource("database", name), principal)
            case "CreateTable":
                name = str(parameters["TableInput"]["Name"]).lower()
                self.register.created(Resource("table", database, name), principal)
            case "DeleteDatabase":
                self.register.deleted(Resource("database", database))
            case "DeleteTable":
                self.register.deleted(Resource("table", database, str(parameters["Name"]).lower()))
            case "BatchDeleteTable":
                for name in parameters["TablesToDelete"]:
                    self.register.deleted(Resource("table", database, str(name).lower()))
            case _:
                return False
        return True

    def writer_lacks(self, role: str, database: str, table: str, location: str) -> list[str]:
        """Return the permissions that an integration's target role lacks, as ``PERMISSION on resource``.

        AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-limitations.html

        Args:
            role: The ARN of the target role.
            database: The target database.
            table: The target table, whether or not it exists.
            location: The ARN of the table's location.
        """
        about_database, about_table = Resource("database", database), Resource("table", database, table)
        missing = []
        if self.checks(role, about_database):
            held = {right for right, _ in self.register.held(role, about_database)}
            missing += [f"{right} on database {database}" for right in _lacking(held, ("CREATE_TABLE", "DESCRIBE"))]
        # A table that does not exist yet is open to IAM if new tables are open to IAM by default.
        new = about_table not in self.register.creators
        opened = bool(self.register.settings.get("CreateTableDefaultPermissions"))
        checked = not opened if new else self.checks(role, about_table)
        if checked:
            held = {right for right, _ in self.register.held(role, about_table)}
            missing += [f"{right} on table {database}.{table}" for right in _lacking(held, _WRITERS_RIGHTS)]
        registered = self.register.location_of(location)
        if checked and registered is not None and not self._may_use(role, registered.arn):
            missing.append(f"DATA_LOCATION_ACCESS on {registered.arn}")
        return missing

    def _may_use(self, principal: str, location: str) -> bool:
        """Return whether a principal is allowed to create tables in a registered location."""
        return any(
            holder == principal and about.kind == "location" and (location + "/").startswith(about.location + "/")
            for holder, about in self.register.grants
        )

    def _check_creation_of_database(self, principal: str) -> None:
        opened = bool(self.register.settings.get("CreateDatabaseDefaultPermissions"))
        held = {permission for permission, _ in self.register.held(principal, Resource("catalog"))}
        if not (opened or held & {"ALL", "CREATE_DATABASE"} or self.register.is_administrator(principal)):
            raise Fault(
                "AccessDeniedException",
                "Insufficient Lake Formation permission(s): Required Create Database on Catalog",
            )

    def _check_creation_of_table(self, parameters: Mapping[str, Any], principal: str) -> None:
        database = Resource("database", str(parameters["DatabaseName"]).lower())
        self.require(principal, database, "CREATE_TABLE")
        path = str(parameters["TableInput"].get("StorageDescriptor", {}).get("Location", "")).rstrip("/")
        registered = self.register.location_of(f"arn:aws:s3:::{path.removeprefix('s3://')}")
        if registered and self.checks(principal, database) and not self._may_use(principal, registered.arn):
            raise Fault(
                "AccessDeniedException",
                f"Insufficient Lake Formation permission(s) on {path}: Required DATA_LOCATION_ACCESS",
            )

    def _owns(self, principal: str, resource: Resource) -> bool:
        return self.register.creators.get(resource.thing) == principal

    def _granted_columns(self, entry: dict[str, Any], principal: str) -> dict[str, Any]:
        """Return a table's entry without the columns that a principal is not allowed to read."""
        resource = Resource("table", entry["DatabaseName"].lower(), entry["Name"].lower())
        if not self.checks(principal, resource) or self._owns(principal, resource):
            return entry
        held = list(self.register.held(principal, resource))
        readable = [columns for permission, columns in held if permission in ("ALL", "SELECT")]
        described = any(permission != "SELECT" for permission, _ in held) or self.register.is_administrator(principal)
        if described or not readable or "StorageDescriptor" not in entry:
            return entry
        granted = _union(readable)
        columns = [column for column in entry["StorageDescriptor"].get("Columns", []) if granted.has(column["Name"])]
        return {**entry, "StorageDescriptor": {**entry["StorageDescriptor"], "Columns": columns}}


def _lacking(held: set[str], needed: tuple[str, ...]) -> list[str]:
    return [] if "ALL" in held else [right for right in needed if right not in held]


def _union(listed: list[Columns]) -> Columns:
    """Return the union of several sets of columns."""
    total = listed[0]
    for entry in listed[1:]:
        match total.excluded, entry.excluded:
            case True, True:
                total = Columns(total.names & entry.names, excluded=True)
            case True, False:
                total = Columns(total.names - entry.names, excluded=True)
            case False, True:
                total = Columns(entry.names - total.names, excluded=True)
            case _:
                total = Columns(total.names | entry.names)
    return total


def _tables_of(operation: str, parameters: Mapping[str, Any]) -> list[str]:
    if operation == "BatchDeleteTable":
        return [str(name) for name in parameters["TablesToDelete"]]
    if operation == "UpdateTable":
        return [str(parameters["TableInput"]["Name"])]
    if operation in _ON_TABLES or operation in _SEEING_TABLES:
        return [str(parameters.get("TableName") or parameters.get("Name"))]
    return []


def _insufficient(permission: str, resource: Resource) -> Fault:
    name = resource.table if resource.kind == "table" and resource.table != ANY_TABLE else resource.database
    words = permission.replace("_", " ").title()
    return Fault("AccessDeniedException", f"Insufficient Lake Formation permission(s): Required {words} on {name}")
