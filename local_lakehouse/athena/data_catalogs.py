"""Athena's operations on data catalogs, databases and tables."""

from __future__ import annotations

import re
from typing import Any

from local_lakehouse.athena.executions import ENGINE
from local_lakehouse.athena.faults import entity_not_found, invalid_request
from local_lakehouse.athena.paging import page
from local_lakehouse.athena.tables.lake import Lake

NAME = "AwsDataCatalog"
_MAX_PAGE = 50
_MAX_VERSIONS = 10
_BAD_TOKEN = "Malformed nextPageToken {}"


class DataCatalogs:
    """The lakehouse's only data catalog, which is the Glue Data Catalog.

    Args:
        lake: The lakehouse's tables.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def _check(self, name: str) -> None:
        if name.lower() != NAME.lower():
            raise invalid_request(f"DataCatalog {name} was not found", "DATACATALOG_NOT_FOUND")

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``GetDataCatalog``."""
        self._check(request["Name"])
        parameters = {"catalog-id": self._lake.clients.account}
        return {"DataCatalog": {"Name": NAME, "Type": "GLUE", "Parameters": parameters, "Status": "CREATE_COMPLETE"}}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``ListDataCatalogs``."""
        summaries = [{"CatalogName": NAME, "Type": "GLUE", "Status": "CREATE_COMPLETE"}]
        chosen, _ = page(summaries, request, _MAX_PAGE, message=_BAD_TOKEN)
        return {"DataCatalogsSummary": chosen}

    def get_database(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``GetDatabase``."""
        self._check(request["CatalogName"])
        return {"Database": _database(self._known_database(request["DatabaseName"]))}

    def _known_database(self, name: str) -> dict[str, Any]:
        found = self._lake.database(name.lower())
        if found is None:
            raise entity_not_found(f"Database {name} not found.")
        return found

    def list_databases(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``ListDatabases``."""
        self._check(request["CatalogName"])
        listed = sorted(
            (_database(database) for database in self._lake.databases()), key=lambda entry: str(entry["Name"])
        )
        chosen, token = page(listed, request, _MAX_PAGE, message=_BAD_TOKEN)
        return {"DatabaseList": chosen, **({"NextToken": token} if token else {})}

    def get_table(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``GetTableMetadata``."""
        self._check(request["CatalogName"])
        database = self._known_database(request["DatabaseName"])
        found = self._lake.table(database["Name"], request["TableName"].lower())
        if found is None:
            raise entity_not_found(f"Table {request['TableName']} not found.")
        return {"TableMetadata": _table(found)}

    def list_tables(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``ListTableMetadata``."""
        self._check(request["CatalogName"])
        database = self._known_database(request["DatabaseName"])
        listed = sorted(
            (_table(table) for table in self._lake.tables(database["Name"])), key=lambda entry: str(entry["Name"])
        )
        if "Expression" in request:
            try:
                wanted = re.compile(request["Expression"])
            except re.error as error:
                raise invalid_request(f"Expression is not a valid regular expression: {error}") from error
            listed = [entry for entry in listed if wanted.fullmatch(entry["Name"])]
        chosen, token = page(listed, request, _MAX_PAGE, message=_BAD_TOKEN)
        return {"TableMetadataList": chosen, **({"NextToken": token} if token else {})}

    def list_engine_versions(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``ListEngineVersions``."""
        versions = [{"SelectedEngineVersion": name, "EffectiveEngineVersion": ENGINE} for name in ("AUTO", ENGINE)]
        return {"EngineVersions": page(versions, request, _MAX_VERSIONS, message=_BAD_TOKEN)[0]}


def _database(entry: dict[str, Any]) -> dict[str, Any]:
    database = {"Name": entry["Name"], "Parameters": entry.get("Parameters", {})}
    if "Description" in entry:
        database["Description"] = entry["Description"]
    return database


def _table(entry: dict[str, Any]) -> dict[str, Any]:
    descriptor = entry.get("StorageDescriptor", {})
    serde = descriptor.get("SerdeInfo", {})
    shown = {
        "comment": _squashed(r"\s+", entry.get("Description", "")),
        "inputformat": descriptor.get("InputFormat"),
        "location": descriptor.get("Location"),
        "outputformat": descriptor.get("OutputFormat"),
        "serde.serialization.lib": serde.get("SerializationLibrary"),
        **{f"serde.param.{key}": _squashed(" +", value) for key, value in serde.get("Parameters", {}).items()},
    }
    parameters = {**{key: value for key, value in shown.items() if value}, **entry.get("Parameters", {})}
    return {
        "Name": entry["Name"],
        "CreateTime": entry.get("CreateTime"),
        "LastAccessTime": entry.get("UpdateTime", entry.get("CreateTime")),
        "TableType": entry.get("TableType", ""),
        "Columns": [_column(column) for column in descriptor.get("Columns", ())],
        "PartitionKeys": [_column(item) for item in entry.get("PartitionKeys", ())],
        "Parameters": parameters,
    }


def _squashed(blanks: str, text: str) -> str:
    """Replace each match of a pattern with one space, because Athena's metadata contains no extra white space."""
    return re.sub(blanks, " ", text)


def _column(column: dict[str, Any]) -> dict[str, Any]:
    return {key: column[key] for key in ("Name", "Type", "Comment") if key in column}
