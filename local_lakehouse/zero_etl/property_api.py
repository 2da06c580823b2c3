"""The operations on resource properties and table properties.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-using-apis.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local_lakehouse.protocol.wire import Caller, Fault
from local_lakehouse.zero_etl import arns
from local_lakehouse.zero_etl.checks import Checks
from local_lakehouse.zero_etl.properties import Properties
from local_lakehouse.zero_etl.requests import (
    check_filters,
    check_resource_property,
    check_table_properties,
    check_tags,
    check_target,
    page,
)

_PROCESSING = "TargetProcessingProperties"
_CONFIG = "TargetTableConfig"


class PropertyOperations:
    """The operations that create, describe, update and delete the properties of targets.

    Args:
        properties: A function that returns the account's properties.
        checks: The checks for Glue databases.
    """

    def __init__(self, properties: Callable[[], Properties], checks: Checks) -> None:
        self._properties = properties
        self._checks = checks

    def handlers(self) -> dict[str, Callable[[dict[str, Any], Caller], dict[str, Any]]]:
        """Return the operations, keyed by name."""
        return {
            "CreateIntegrationResourceProperty": self._create_resource,
            "GetIntegrationResourceProperty": self._get_resource,
            "UpdateIntegrationResourceProperty": self._update_resource,
            "DeleteIntegrationResourceProperty": self._delete_resource,
            "ListIntegrationResourceProperties": self._list_resources,
            "CreateIntegrationTableProperties": self._create_table,
            "GetIntegrationTableProperties": self._get_table,
            "UpdateIntegrationTableProperties": self._update_table,
            "DeleteIntegrationTableProperties": self._delete_table,
            "ListIntegrationTableProperties": self._list_tables,
        }

    def _create_resource(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        arn = request["ResourceArn"]
        database = check_target(arn, caller.region, caller.account, "ResourceArn")
        check_resource_property(request)
        tags = check_tags(request.get("Tags", []))
        if not self._checks.database_exists(database.name):
            raise Fault(
                "EntityNotFoundException", f"The Glue database {database.name} does not exist. Create it first."
            )
        if arn in self._properties().resources:
            raise Fault(
                "ConflictException",
                f"{arn} already has a resource property. Change it with UpdateIntegrationResourceProperty.",
            )
        entry = {
            "ResourceArn": arn,
            "ResourcePropertyArn": arns.resource_property_arn(database),
            _PROCESSING: request[_PROCESSING],
        }
        self._properties().resources[arn] = entry
        self._properties().tags[entry["ResourcePropertyArn"]] = tags
        return entry

    def _get_resource(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        return self._resource(request["ResourceArn"])

    def _update_resource(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        entry = self._resource(request["ResourceArn"])
        merged = {**entry[_PROCESSING], **request.get(_PROCESSING, {})}
        check_resource_property({**request, _PROCESSING: merged})
        entry[_PROCESSING] = merged
        return entry

    def _delete_resource(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        entry = self._resource(request["ResourceArn"])
        del self._properties().resources[request["ResourceArn"]]
        self._properties().tags.pop(entry["ResourcePropertyArn"], None)
        return {}

    def _list_resources(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        wanted = check_filters(request.get("Filters", []), ("SourceArn", "TargetArn"))
        found = [
            entry
            for entry in self._properties().resources.values()
            # All resources here are targets, so a filter on sources matches none of them.
            if "SourceArn" not in wanted and _among(entry["ResourceArn"], wanted.get("TargetArn"))
        ]
        chosen, marker = page(found, request, lambda entry: str(entry["ResourceArn"]))
        return {"IntegrationResourcePropertyList": chosen, "Marker": marker}

    def _resource(self, arn: str) -> dict[str, Any]:
        entry = self._properties().resources.get(arn)
        if entry is None:
            raise Fault(
                "ResourceNotFoundException",
                f"{arn} has no resource property. Create one with CreateIntegrationResourceProperty.",
            )
        return entry

    def _create_table(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        check_target(request["ResourceArn"], caller.region, caller.account, "ResourceArn")
        check_table_properties(request)
        known = self._properties().tables.get(_name(request))
        entry = _entry(request)
        # The model defines no error for an identical request, so the request succeeds and changes nothing.
        if known is not None and known != entry:
            raise Fault(
                "InvalidInputException",
                f"The table {request['TableName']} already has different table properties in {request['ResourceArn']}. "
                "Change them with UpdateIntegrationTableProperties.",
            )
        self._properties().tables[_name(request)] = entry
        return {}

    def _get_table(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        return self._table(request)

    def _update_table(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        entry = self._table(request)
        check_table_properties(request)
        if _CONFIG in request:
            entry[_CONFIG] = request[_CONFIG]
        return {}

    def _delete_table(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        self._table(request)
        del self._properties().tables[_name(request)]
        return {}

    def _list_tables(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        names = ("SourceArn", "TargetArn", "SourceTableName", "TargetTableName")
        wanted = check_filters(request.get("Filters", []), names)
        found = [
            entry
            for entry in self._properties().tables.values()
            if "SourceArn" not in wanted
            and _among(entry["ResourceArn"], wanted.get("TargetArn"))
            and _among(entry["TableName"], wanted.get("SourceTableName"))
            and _among(
                self._properties().layout(entry["ResourceArn"], entry["TableName"]).target_table,
                wanted.get("TargetTableName"),
            )
        ]
        chosen, marker = page(found, request, lambda entry: f"{entry['ResourceArn']} {entry['TableName']}")
        return {"IntegrationTablePropertiesList": chosen, "Marker": marker}

    def _table(self, request: Mapping[str, Any]) -> dict[str, Any]:
        entry = self._properties().tables.get(_name(request))
        if entry is None:
            raise Fault(
                "ResourceNotFoundException",
                f"The table {request['TableName']} has no table properties in {request['ResourceArn']}. Create them "
                "with CreateIntegrationTableProperties.",
            )
        return entry


def _name(request: Mapping[str, Any]) -> tuple[str, str]:
    return request["ResourceArn"], request["TableName"]


def _entry(request: Mapping[str, Any]) -> dict[str, Any]:
    return {name: request[name] for name in ("ResourceArn", "TableName", _CONFIG) if name in request}


def _among(value: str, wanted: list[str] | None) -> bool:
    return wanted is None or value in wanted
