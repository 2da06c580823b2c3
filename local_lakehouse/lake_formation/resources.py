"""The resources of Lake Formation permissions, and the permissions for each type of resource.

AWS: https://docs.aws.amazon.com/lake-formation/latest/dg/lf-permissions-reference.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local_lakehouse.protocol.faults import Fault

EVERYBODY = "IAM_ALLOWED_PRINCIPALS"
ANY_TABLE = "*"
# The wildcard that Lake Formation uses in place of a table's name.
_ALL_TABLES = "ALL_TABLES"

_PERMISSIONS = {
    "catalog": {"ALL", "CREATE_DATABASE", "DESCRIBE"},
    "database": {"ALL", "ALTER", "CREATE_TABLE", "DESCRIBE", "DROP"},
    "table": {"ALL", "ALTER", "DELETE", "DESCRIBE", "DROP", "INSERT", "SELECT"},
    "columns": {"SELECT"},
    "location": {"DATA_LOCATION_ACCESS"},
}


@dataclass(frozen=True)
class Columns:
    """A subset of a table's columns.

    Args:
        names: The names, in lowercase.
        excluded: Whether the named columns are excluded instead of included.
    """

    names: frozenset[str]
    excluded: bool = False

    def has(self, column: str) -> bool:
        """Return whether the subset contains a column."""
        return (column.lower() in self.names) is not self.excluded


EVERY_COLUMN = Columns(frozenset(), excluded=True)


@dataclass(frozen=True)
class Resource:
    """The resource of a permission.

    Args:
        kind: The type of the resource, which is ``catalog``, ``database``, ``table``, ``columns`` or ``location``.
        database: The database's name.
        table: The table's name, or `ANY_TABLE` for all tables of the database.
        columns: The columns, if the type is ``columns``.
        location: The ARN of a location in S3.
    """

    kind: str
    database: str = ""
    table: str = ""
    columns: Columns | None = None
    location: str = ""

    def document(self) -> list[Any]:
        """Return the resource as plain data."""
        columns = None if self.columns is None else [sorted(self.columns.names), self.columns.excluded]
        return [self.kind, self.database, self.table, columns, self.location]

    @classmethod
    def of(cls, document: Sequence[Any]) -> Resource:
        """Create a resource from the result of `document`."""
        kind, database, table, columns, location = document
        chosen = None if columns is None else Columns(frozenset(columns[0]), columns[1])
        return cls(kind, database, table, chosen, location)

    @property
    def thing(self) -> Resource:
        """The table that contains the columns if the resource is a set of columns, or else the resource itself."""
        return replace(self, kind="table", columns=None) if self.kind == "columns" else self

    def answer(self, account: str) -> dict[str, Any]:
        """Return the resource in the format of the Lake Formation API."""
        catalog = {"CatalogId": account}
        match self.kind:
            case "catalog":
                return {"Catalog": {}}
            case "database":
                return {"Database": {**catalog, "Name": self.database}}
            case "location":
                return {"DataLocation": {**catalog, "ResourceArn": self.location}}
        name = _ALL_TABLES if self.table == ANY_TABLE else self.table
        named: dict[str, Any] = {**catalog, "DatabaseName": self.database, "Name": name}
        if self.kind == "table" or self.columns is None:
            return {"Table": {**named, "TableWildcard": {}} if self.table == ANY_TABLE else named}
        if self.columns.excluded:
            names = sorted(self.columns.names)
            named["ColumnWildcard"] = {"ExcludedColumnNames": names} if names else {}
        else:
            named["ColumnNames"] = sorted(self.columns.names)
        return {"TableWithColumns": named}


def read(document: Mapping[str, Any]) -> Resource:
    """Parse the resource in a request.

    Raises:
        Fault: The resource is missing or incomplete, or its type is not supported.
    """
    match document:
        case {"Catalog": _}:
            return Resource("catalog")
        case {"Database": {"Name": str(name)}}:
            return Resource("database", name.lower())
        case {"Table": {"DatabaseName": str(database), "TableWildcard": _}}:
            return Resource("table", database.lower(), ANY_TABLE)
        case {"Table": {"DatabaseName": str(database), "Name": str(name)}}:
            return Resource("table", database.lower(), _table(name))
        case {"TableWithColumns": {"DatabaseName": str(database), "Name": str(name), **rest}}:
            return Resource("columns", database.lower(), _table(name), _columns(rest))
        case {"DataLocation": {"ResourceArn": str(arn)}}:
            return Resource("location", location=arn.rstrip("/"))
    kind = next(iter(document), None)
    if kind is None:
        raise Fault("InvalidInputException", "A resource must be specified.")
    if kind == "Table":
        raise Fault("InvalidInputException", "A Table resource requires a Name or a TableWildcard.")
    raise Fault(
        "InvalidInputException",
        f"{kind} is valid in Lake Formation but not supported here, because the local lakehouse cannot enforce grants "
        "on it. Grant permissions on the database, the table or its columns.",
    )


def _table(name: str) -> str:
    return ANY_TABLE if name == _ALL_TABLES else name.lower()


def _columns(document: Mapping[Any, Any]) -> Columns:
    if "ColumnNames" in document:
        return Columns(frozenset(name.lower() for name in document["ColumnNames"]))
    excluded = (document.get("ColumnWildcard") or {}).get("ExcludedColumnNames") or ()
    return Columns(frozenset(name.lower() for name in excluded), excluded=True)


def check(resource: Resource, permissions: Sequence[str]) -> None:
    """Check that permissions apply to a type of resource.

    Raises:
        Fault: A permission does not apply to the type, or no permission is given.
    """
    wrong = sorted(set(permissions) - _PERMISSIONS[resource.kind])
    if wrong or not permissions:
        offered = ", ".join(sorted(_PERMISSIONS[resource.kind]))
        raise Fault(
            "InvalidInputException",
            f"Permissions modification is invalid. The resource type {resource.kind} supports only: {offered}.",
        )
