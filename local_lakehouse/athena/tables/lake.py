"""The Glue Data Catalog and its Iceberg tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from pyiceberg.exceptions import ValidationError
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table

from local_lakehouse.backend.clients import ServiceClients, acting_for, current_actor, require
from local_lakehouse.iceberg.catalog import load_catalog
from local_lakehouse.iceberg.reader import Reader
from local_lakehouse.iceberg.scans import Planner, Scan, ScanFile, UnsupportedTableError
from local_lakehouse.lake_formation.governance import DataAccess, Governance
from local_lakehouse.lake_formation.resources import EVERY_COLUMN
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.sql.failures import QueryFailure

# Athena creates and reads tables with format version 2. It does not support the types or deletion vectors of
# version 3.
_NEWEST_FORMAT = 2
_DEFAULT_DATABASE = "default"


class Lake:
    """The lakehouse's tables.

    Args:
        clients: The AWS clients for the lakehouse.
        governance: Lake Formation's access checks, or None to disable them.
        reads_local_files: Whether DuckDB is allowed to read the files whose paths `local_path` returns.
    """

    def __init__(
        self, clients: ServiceClients, governance: Governance | None = None, *, reads_local_files: bool = False
    ) -> None:
        self.clients = clients
        self._governance = governance
        self.catalog = load_catalog(clients)
        self.reader = Reader(self.catalog.objects, self.catalog.rows)
        self.reads_local_files = reads_local_files
        self._planner = Planner()

    @property
    def glue(self) -> Any:
        """The Glue client."""
        return self.clients.client("glue")

    @property
    def s3(self) -> Any:
        """The S3 client."""
        return self.clients.client("s3")

    def require_default_database(self) -> None:
        """Check that the caller can see the catalog's default database, which Athena requires for every statement.

        AWS: https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        """
        prefix = f"arn:{self.clients.partition}:glue:{self.clients.region}:{self.clients.account}"
        for resource in (f"{prefix}:catalog", f"{prefix}:database/default"):
            require("glue:GetDatabase", resource)

    def database(self, name: str) -> dict[str, Any] | None:
        """Return a database, or None if it does not exist.

        Athena creates the database ``default`` when it is first used.
        """
        try:
            found: dict[str, Any] = self.glue.get_database(Name=name)["Database"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            return self._new_default() if name == _DEFAULT_DATABASE else None
        return found

    def _new_default(self) -> dict[str, Any] | None:
        # The service creates the database, regardless of the caller's permissions.
        with acting_for(None):
            try:
                self.glue.create_database(DatabaseInput={"Name": _DEFAULT_DATABASE, "Description": "Default database"})
            except ClientError as error:
                if error.response["Error"]["Code"] != "AlreadyExistsException":
                    raise
            found: dict[str, Any] = self.glue.get_database(Name=_DEFAULT_DATABASE)["Database"]
        return found

    def table(self, database: str, name: str) -> dict[str, Any] | None:
        """Return a table's catalog entry, or None if it does not exist."""
        try:
            return self.clients.get_table(database, name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                return None
            raise

    def databases(self) -> Iterator[dict[str, Any]]:
        """Yield all databases."""
        for page in self.glue.get_paginator("get_databases").paginate():
            yield from page["DatabaseList"]

    def tables(self, database: str) -> Iterator[dict[str, Any]]:
        """Yield all tables of a database."""
        for page in self.glue.get_paginator("get_tables").paginate(DatabaseName=database):
            yield from page["TableList"]

    def access(self, entry: dict[str, Any]) -> DataAccess:
        """Return the caller's access to a table's data.

        Raises:
            ClientError: The caller is not allowed to read the data.
        """
        metadata: str = entry.get("Parameters", {}).get("metadata_location", "")
        arn = self._location_arn(entry)
        paths = [f"arn:{self.clients.partition}:s3:::{metadata.removeprefix('s3://')}", f"{arn}/data/*"]
        objects = paths if metadata else [f"{arn}/*"]
        actor = current_actor()
        if actor is None or self._governance is None:
            for path in objects:
                require("s3:GetObject", path)
            return DataAccess(EVERY_COLUMN, vended=False)
        try:
            access = self._governance.data_access(actor.principal, entry["DatabaseName"], entry["Name"], arn)
        except Fault as fault:
            raise _denied(fault.code, fault.message) from fault
        if access.vended:
            require("lakeformation:GetDataAccess", "*")
            return access
        # The caller needs S3 permissions even if the data comes from a cache.
        rights = actor.rights()
        for path in objects:
            why = rights.objection("s3:GetObject", path)
            if why is not None:
                raise _denied("AccessDenied", why)
        return access

    def is_registered(self, entry: dict[str, Any]) -> bool:
        """Return whether the location of a table's data is registered with Lake Formation."""
        return (
            self._governance is not None
            and self._governance.register.location_of(self._location_arn(entry)) is not None
        )

    def _location_arn(self, entry: dict[str, Any]) -> str:
        metadata: str = entry.get("Parameters", {}).get("metadata_location", "")
        location = metadata.rpartition("/metadata/")[0] or str(entry.get("StorageDescriptor", {}).get("Location", ""))
        return f"arn:{self.clients.partition}:s3:::{location.removeprefix('s3://').rstrip('/')}"

    def iceberg(self, entry: dict[str, Any]) -> Table:
        """Return the Iceberg table that a catalog entry describes.

        Raises:
            ClientError: The caller is not allowed to read the data.
        """
        self.access(entry)
        return self.opened(entry)

    def opened(self, entry: dict[str, Any]) -> Table:
        """Return the Iceberg table that a catalog entry describes, without checking the caller's access again."""
        location: str | None = entry.get("Parameters", {}).get("metadata_location")
        full = f"{entry['DatabaseName']}.{entry['Name']}"
        if location is None:
            raise QueryFailure("ICEBERG_INVALID_METADATA", f"Table is missing [metadata_location] property: {full}")
        try:
            # The catalog caches metadata files, so it does not notice that a client deleted the file.
            if self.catalog.objects.missing([location]):
                raise FileNotFoundError(location)
            with acting_for(None):
                table = self.catalog.table_at(entry["DatabaseName"], entry["Name"], location)
        except FileNotFoundError as error:
            raise QueryFailure(
                "ICEBERG_MISSING_METADATA",
                f"Metadata not found in metadata location for table {full}: {location}",
            ) from error
        except (ValidationError, ValueError) as error:
            raise QueryFailure(
                "ICEBERG_INVALID_METADATA", f"Invalid metadata file for table {full}: {location}"
            ) from error
        if table.metadata.format_version > _NEWEST_FORMAT:
            raise QueryFailure(
                "NOT_SUPPORTED",
                f"The local Athena reads Iceberg tables up to format version {_NEWEST_FORMAT}; "
                f"{entry['DatabaseName']}.{entry['Name']} has version {table.metadata.format_version}",
            )
        return table

    def scan(self, table: Table, snapshot_id: int | None, filters: Sequence[BooleanExpression] = ()) -> Scan:
        """Return those files in a table version that can contain matching rows.

        Raises:
            QueryFailure: The table uses an unsupported feature (``NOT_SUPPORTED``).
        """
        try:
            return self._planner.scan(table, snapshot_id, filters)
        except UnsupportedTableError as error:
            raise QueryFailure("NOT_SUPPORTED", f"The local Athena does not read {error}") from error

    def require_files(self, files: Sequence[ScanFile]) -> None:
        """Check that data files exist. Caches would hide that a client deleted them.

        Raises:
            QueryFailure: A file does not exist (``ICEBERG_CANNOT_OPEN_SPLIT``).
        """
        sizes = {path: size for file in files for path, size in ((file.path, file.size), *file.deletes)}
        for path in self.catalog.objects.missing(sizes):
            raise QueryFailure(
                "ICEBERG_CANNOT_OPEN_SPLIT",
                f"Error opening Iceberg split {path} (offset=0, length={sizes[path]}): The specified key does not "
                "exist. (Error Code: NoSuchKey)",
            )

    def local_path(self, file: ScanFile) -> Path:
        """Return the path of a data file on the local disk."""
        return self.catalog.objects.local.path(file.path)


def _denied(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")


def is_iceberg(entry: dict[str, Any]) -> bool:
    """Return whether a catalog entry is an Iceberg table."""
    return str(entry.get("Parameters", {}).get("table_type", "")).upper() == "ICEBERG"


def is_view(entry: dict[str, Any]) -> bool:
    """Return whether a catalog entry is a view."""
    return entry.get("TableType") == "VIRTUAL_VIEW"
