"""Changes to the settings and indexes of a DynamoDB table.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core.utils import utcnow
from moto.dynamodb.exceptions import (
    DynamodbException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from moto.dynamodb.models.table import GlobalSecondaryIndex
from moto.dynamodb.responses import DynamoHandler, DynamoResult

from local_lakehouse.backend.repairs import dynamodb_definitions as definitions

_NOT_OFFERED = (
    "GlobalTableSettingsReplicationMode", "GlobalTableWitnessUpdates", "MultiRegionConsistency", "ReplicaUpdates",
)  # fmt: skip
_NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
    "SSESpecification or ReplicaUpdates is required"
)
_UNITS = ("ReadCapacityUnits", "WriteCapacityUnits")

Request = Mapping[str, Any]


def update(self: DynamoHandler) -> Any:
    """Execute ``UpdateTable``.

    Raises:
        DynamodbException: The change is invalid, or contains an unsupported construct, which the message names.
    """
    asked = self.body
    definitions.check_model("UpdateTable", asked)
    definitions.check_offered(asked, _NOT_OFFERED)
    try:
        table = self.dynamodb_backend.get_table(asked["TableName"])
    except ResourceNotFoundException:
        raise ResourceNotFoundException(table_name=asked["TableName"]) from None
    if not asked.keys() - {"TableName", "AttributeDefinitions"}:
        raise definitions.refused(_NOTHING)
    _change_billing(table, asked)
    _change_throughput(table, asked)
    _change_indexes(table, asked)
    _change_stream(table, asked)
    if "TableClass" in asked:
        table.table_class = asked["TableClass"]  # type: ignore[attr-defined]
    if "OnDemandThroughput" in asked:
        table.on_demand_throughput = asked["OnDemandThroughput"]  # type: ignore[attr-defined]
    if "DeletionProtectionEnabled" in asked:
        table.deletion_protection_enabled = asked["DeletionProtectionEnabled"]
    if "WarmThroughput" in asked:
        table.warm_throughput = {**table.warm_throughput, **asked["WarmThroughput"], "Status": "ACTIVE"}
    described = table.describe()["TableDescription"]
    if "SSESpecification" in asked:
        described |= _change_encryption(table, asked["SSESpecification"], described)
    return DynamoResult({"TableDescription": {**described, "TableStatus": "UPDATING"}})


def _change_billing(table: Any, asked: Request) -> None:
    mode = asked.get("BillingMode")
    if mode is None:
        return
    if mode == "PAY_PER_REQUEST":
        if "ProvisionedThroughput" in asked:
            raise definitions.invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        if table.billing_mode != mode:
            table.on_demand_since = utcnow()
            for each in (table, *table.global_indexes):
                each.throughput = dict.fromkeys(_UNITS, 0)
    elif table.billing_mode != mode and "ProvisionedThroughput" not in asked:
        raise definitions.invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    table.billing_mode = mode


def _change_throughput(table: Any, asked: Request) -> None:
    wanted = asked.get("ProvisionedThroughput")
    if wanted is None:
        return
    if table.billing_mode == "PAY_PER_REQUEST":
        raise definitions.invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )
    if all(table.throughput[name] == wanted[name] for name in _UNITS):
        shown = " ".join(
            f"Current {name} provisioned for the table: {table.throughput[name]}. Requested {name}: {wanted[name]}."
            for name in _UNITS
        )
        raise definitions.refused(
            "The provisioned throughput for the table will not change. The requested value equals the current value. "
            f"{shown} Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )
    table.throughput = _changed(table.throughput, wanted)


def _changed(before: Request, wanted: Request) -> dict[str, Any]:
    """Return the throughput with the times of its last increase and decrease, and the number of decreases."""
    after = {**before, **wanted}
    if any(wanted[name] > before[name] for name in _UNITS):
        after["LastIncreaseDateTime"] = utcnow()
    if any(wanted[name] < before[name] for name in _UNITS):
        after["LastDecreaseDateTime"] = utcnow()
        after["NumberOfDecreasesToday"] = before.get("NumberOfDecreasesToday", 0) + 1
    return after


def _change_indexes(table: Any, asked: Request) -> None:
    changes = asked.get("GlobalSecondaryIndexUpdates", [])
    if sum("Create" in each or "Delete" in each for each in changes) > 1:
        raise DynamodbException(
            "com.amazonaws.dynamodb.v20120810#LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )
    if "AttributeDefinitions" in asked:
        # A known attribute keeps its type.
        known = {each["AttributeName"] for each in table.attr}
        table.attr = [
            *table.attr,
            *(each for each in asked["AttributeDefinitions"] if each["AttributeName"] not in known),
        ]
    for change in changes:
        if len(change) != 1:
            raise definitions.invalid("One of GlobalSecondaryIndexUpdate's members must be specified")
        ((kind, index),) = change.items()
        _INDEX_CHANGES[kind](table, index)
    used = {*table.table_key_attrs, *(key["AttributeName"] for each in table.all_indexes() for key in each.schema)}
    table.attr = [each for each in table.attr if each["AttributeName"] in used]


def _create_index(table: Any, index: Request) -> None:
    if index["IndexName"] in [each.name for each in table.all_indexes()]:
        raise definitions.refused("Attempting to create an index which already exists")
    definitions.check_global(index, on_demand=table.billing_mode == "PAY_PER_REQUEST")
    defined = {each["AttributeName"] for each in table.attr}
    missing = [each["AttributeName"] for each in index["KeySchema"] if each["AttributeName"] not in defined]
    if missing:
        raise definitions.invalid(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(missing)}], AttributeDefinitions: [{', '.join(sorted(defined))}]"
        )
    table.global_indexes.append(GlobalSecondaryIndex.create(index, table.table_key_attrs))  # type: ignore[arg-type]


def _existing_index(table: Any, name: str) -> Any:
    found = next((each for each in table.global_indexes if each.name == name), None)
    if found is None:
        raise ResourceNotFoundException("Requested resource not found")
    return found


def _delete_index(table: Any, index: Request) -> None:
    found = _existing_index(table, index["IndexName"])
    table.global_indexes = [each for each in table.global_indexes if each is not found]


def _update_index(table: Any, index: Request) -> None:
    found = _existing_index(table, index["IndexName"])
    if "ProvisionedThroughput" in index:
        found.throughput = _changed(found.throughput, index["ProvisionedThroughput"])
    if "WarmThroughput" in index:
        found.warm_throughput = {**found.warm_throughput, **index["WarmThroughput"], "Status": "ACTIVE"}
    if "OnDemandThroughput" in index:
        found.on_demand_throughput = index["OnDemandThroughput"]


_INDEX_CHANGES = {"Create": _create_index, "Delete": _delete_index, "Update": _update_index}


def _change_stream(table: Any, asked: Request) -> None:
    wanted = asked.get("StreamSpecification")
    if wanted is None:
        return
    definitions.check_stream(wanted)
    enabled = bool(table.stream_specification and table.stream_specification["StreamEnabled"])
    if wanted["StreamEnabled"] and enabled:
        raise definitions.refused(f"Table already has an enabled stream: TableName: {table.name}")
    if not wanted["StreamEnabled"] and not enabled:
        raise definitions.refused(f"Table is already disabled for streams: TableName: {table.name}")
    table.set_stream_specification(dict(wanted))


def _change_encryption(table: Any, wanted: Request, described: Request) -> dict[str, Any]:
    """Change a table's encryption, and return the encryption's description, including a key that is being removed."""
    before = described.get("SSEDescription")
    if not wanted.get("Enabled", True):
        if before is None:
            raise definitions.invalid("Table is already encrypted by default")
        table.sse_specification = {"Enabled": False}
        return {"SSEDescription": {**before, "Status": "UPDATING"}}
    key = wanted.get("KMSMasterKeyId") or table._get_default_encryption_key(table.account_id, table.region_name)
    if before is not None and before["KMSMasterKeyArn"] == key and "KMSMasterKeyId" in wanted:
        raise ResourceInUseException("Table is already encrypted by given KMSMasterKeyId")
    table.sse_specification = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    return {"SSEDescription": table.describe()["TableDescription"]["SSEDescription"]}
