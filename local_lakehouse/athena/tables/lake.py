"""The Glue Data Catalog and the Iceberg tables in it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata

from local_lakehouse.backend.clients import ServiceClients, require
from local_lakehouse.iceberg.catalog import load_catalog

_KEPT_METADATA = 256


class Lake:
    """The tables of the lakehouse.

    Args:
        clients: The clients of the lakehouse.
    """

    def __init__(self, clients: ServiceClients) -> None:
        self.clients = clients
        self.catalog: GlueCatalog = load_catalog(clients)
        self._metadata: OrderedDict[str, TableMetadata] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def glue(self) -> Any:
        """The client of the Glue Data Catalog."""
        return self.clients.client("glue")

    @property
    def s3(self) -> Any:
        """The client of S3."""
        return self.clients.client("s3")

    def require_default_database(self) -> None:
        """Make sure that the caller may see the catalog's default database, which Athena wants for every statement.

        AWS: https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        """
        prefix = f"arn:{self.clients.partition}:glue:{self.clients.region}:{self.clients.account}"
        for resource in (f"{prefix}:catalog", f"{prefix}:database/default"):
            require("glue:GetDatabase", resource)

    def database(self, name: str) -> dict[str, Any] | None:
        """Return a database, or None if there is none."""
        try:
            found: dict[str, Any] = self.glue.get_database(Name=name)["Database"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                return None
            raise
        return found

    def table(self, database: str, name: str) -> dict[str, Any] | None:
        """Return a table's entry in the catalog, or None if there is none."""
        try:
            found: dict[str, Any] = self.glue.get_table(DatabaseName=database, Name=name)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                return None
            raise
        return found

    def databases(self) -> Iterator[dict[str, Any]]:
        """Return all databases."""
        for page in self.glue.get_paginator("get_databases").paginate():
            yield from page["DatabaseList"]

    def tables(self, database: str) -> Iterator[dict[str, Any]]:
        """Return all tables of a database."""
        for page in self.glue.get_paginator("get_tables").paginate(DatabaseName=database):
            yield from page["TableList"]

    def iceberg(self, entry: dict[str, Any]) -> Table:
        """Return the Iceberg table that a catalog's entry points to."""
        location: str = entry["Parameters"]["metadata_location"]
        # Read from S3 or from a cache: the caller needs the right either way.
        for path in (location, f"{location.rpartition('/metadata/')[0]}/data/*"):
            require("s3:GetObject", f"arn:{self.clients.partition}:s3:::{path.removeprefix('s3://')}")
        io = self.catalog._load_file_io({}, location)
        with self._lock:
            metadata = self._metadata.get(location)
        if metadata is None:
            metadata = FromInputFile.table_metadata(io.new_input(location))
            with self._lock:
                self._metadata[location] = metadata
                if len(self._metadata) > _KEPT_METADATA:
                    self._metadata.popitem(last=False)
        return Table((entry["DatabaseName"], entry["Name"]), metadata, location, io, self.catalog)


def is_iceberg(entry: dict[str, Any]) -> bool:
    """Tell whether a catalog's entry is an Iceberg table."""
    return str(entry.get("Parameters", {}).get("table_type", "")).upper() == "ICEBERG"


def is_view(entry: dict[str, Any]) -> bool:
    """Tell whether a catalog's entry is a view."""
    return entry.get("TableType") == "VIRTUAL_VIEW"
