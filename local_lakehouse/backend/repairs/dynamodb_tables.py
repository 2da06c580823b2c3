"""Description, creation and deletion of DynamoDB tables, with all response members that AWS returns.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import GlobalSecondaryIndex, RestoredPITTable, RestoredTable, Table
from moto.dynamodb.responses import DynamoHandler, DynamoResult

from local_lakehouse.backend.item_tables import StoredItems
from local_lakehouse.backend.repairs import dynamodb_definitions as definitions
from local_lakehouse.backend.repairs.dynamodb_updates import update
from local_lakehouse.loading import load

# AWS's response to DeleteTable has only these members.
_OF_DELETED = (
    "TableName", "TableStatus", "ProvisionedThroughput", "TableSizeBytes", "ItemCount", "TableArn", "TableId",
    "DeletionProtectionEnabled", "BillingModeSummary", "TableClassSummary",
)  # fmt: skip


def apply() -> None:
    """Apply the fixes to moto, once per process."""
    if Table.describe is describe:
        return
    Table.describe = describe  # type: ignore[method-assign]
    Table._get_default_encryption_key = _managed_key(  # type: ignore[method-assign]
        Table._get_default_encryption_key
    )
    Table.__init__ = _with_stream(Table.__init__)  # type: ignore[method-assign]
    Table.set_stream_specification = _set_stream  # type: ignore[method-assign]
    DynamoDBBackend.delete_table = _closing_stream(DynamoDBBackend.delete_table)  # type: ignore[method-assign]
    DynamoDBBackend.get_table = _named(DynamoDBBackend.get_table)  # type: ignore[method-assign]
    DynamoDBBackend.tag_resource = _tag  # type: ignore[method-assign]
    DynamoHandler.create_table = _creating(DynamoHandler.create_table)  # type: ignore[method-assign]
    DynamoHandler.list_tables = _checked("ListTables", DynamoHandler.list_tables)  # type: ignore[method-assign]
    DynamoHandler.update_continuous_backups = _checked(  # type: ignore[method-assign]
        "UpdateContinuousBackups", DynamoHandler.update_continuous_backups
    )
    DynamoHandler.delete_table = _deleting(DynamoHandler.delete_table)  # type: ignore[method-assign]
    DynamoHandler.update_table = update  # type: ignore[method-assign]
    DynamoHandler.update_time_to_live = _updating_time_to_live  # type: ignore[method-assign]
    DynamoHandler.describe_time_to_live = _describing_time_to_live  # type: ignore[method-assign]
    DynamoHandler.describe_contributor_insights = _describing_insights  # type: ignore[attr-defined]


def describe(self: Any, base_key: str = "TableDescription") -> dict[str, Any]:
    """Return a table's description for ``DescribeTable``.

    Args:
        self: moto's table.
        base_key: The name of the response member that contains the description.
    """
    count, size = self.items.totals()
    extra = vars(self)
    found = {
        "AttributeDefinitions": self.attr,
        "TableName": self.name,
        "KeySchema": self.schema,
        "TableStatus": "ACTIVE",
        "CreationDateTime": self.created_at,
        "ProvisionedThroughput": _throughput(self.throughput),
        "TableSizeBytes": size,
        "ItemCount": count,
        "TableArn": self.table_arn,
        # The ID does not change during a table's lifetime. A later table with the same name has a different ID.
        "TableId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.table_arn} {self.created_at.isoformat()}")),
        "DeletionProtectionEnabled": bool(self.deletion_protection_enabled),
        "WarmThroughput": self.warm_throughput,
    }
    if self.billing_mode == "PAY_PER_REQUEST" or extra.get("on_demand_since"):
        found["BillingModeSummary"] = {
            "BillingMode": self.billing_mode,
            "LastUpdateToPayPerRequestDateTime": extra.get("on_demand_since") or self.created_at,
        }
    if self.indexes:
        found["LocalSecondaryIndexes"] = [_index(self, each) for each in self.indexes]
    if self.global_indexes:
        found["GlobalSecondaryIndexes"] = [_index(self, each) for each in self.global_indexes]
    if self.stream_specification and self.stream_specification["StreamEnabled"]:
        found["StreamSpecification"] = self.stream_specification
    if self.latest_stream_label:
        found["LatestStreamLabel"] = self.latest_stream_label
        found["LatestStreamArn"] = f"{self.table_arn}/stream/{self.latest_stream_label}"
    if self.sse_specification and self.sse_specification.get("Enabled") is True:
        key = self.sse_specification.get("KMSMasterKeyId")
        found["SSEDescription"] = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
    if extra.get("table_class"):
        found["TableClassSummary"] = {"TableClass": extra["table_class"]}
    if extra.get("on_demand_throughput"):
        found["OnDemandThroughput"] = extra["on_demand_throughput"]
    return {base_key: found}


def _throughput(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"NumberOfDecreasesToday": 0, **settings}


def _index(table: Any, index: Any) -> dict[str, Any]:
    names = [each["AttributeName"] for each in index.schema]
    count, size = table.items.totals_with(names)
    found = {
        "IndexName": index.name,
        "KeySchema": index.schema,
        "Projection": index.projection,
        "IndexSizeBytes": size,
        "ItemCount": count,
        "IndexArn": f"{table.table_arn}/index/{index.name}",
    }
    if isinstance(index, GlobalSecondaryIndex):
        found |= {
            "IndexStatus": index.status,
            "ProvisionedThroughput": _throughput(index.throughput),
            "WarmThroughput": index.warm_throughput,
        }
        if vars(index).get("on_demand_throughput"):
            found["OnDemandThroughput"] = vars(index)["on_demand_throughput"]
    return found


def _creating(create: Callable[..., Any]) -> Callable[..., Any]:
    """Check a definition as AWS does, store members that moto ignores, and report the status CREATING."""

    @functools.wraps(create)
    def creating(self: DynamoHandler) -> Any:
        asked = self.body
        definitions.check_model("CreateTable", asked)
        definitions.check_new_table(asked)
        create(self)
        table = self.dynamodb_backend.tables[asked["TableName"]]
        if "TableClass" in asked:
            table.table_class = asked["TableClass"]  # type: ignore[attr-defined]
        if "OnDemandThroughput" in asked:
            table.on_demand_throughput = asked["OnDemandThroughput"]  # type: ignore[attr-defined]
        if asked.get("BillingMode") == "PAY_PER_REQUEST":
            table.on_demand_since = table.created_at  # type: ignore[attr-defined]
        for index, defined in zip(table.global_indexes, asked.get("GlobalSecondaryIndexes", []), strict=True):
            if "OnDemandThroughput" in defined:
                index.on_demand_throughput = defined["OnDemandThroughput"]  # type: ignore[attr-defined]
        return DynamoResult({"TableDescription": _begun(describe(table)["TableDescription"], asked)})

    return creating


def _begun(found: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a table that is being created, without the details that AWS adds later."""
    begun = {**found, "TableStatus": "CREATING"}
    warm = begun.pop("WarmThroughput")
    if "WarmThroughput" in asked:
        begun["WarmThroughput"] = {**warm, "Status": "UPDATING"}
    if "BillingModeSummary" in begun:
        begun["BillingModeSummary"] = {"BillingMode": begun["BillingModeSummary"]["BillingMode"]}
    if "GlobalSecondaryIndexes" in begun:
        begun["GlobalSecondaryIndexes"] = [
            {name: value for name, value in index.items() if name != "WarmThroughput"} | {"IndexStatus": "CREATING"}
            for index in begun["GlobalSecondaryIndexes"]
        ]
    return begun


def _deleting(delete: Callable[..., Any]) -> Callable[..., Any]:
    """Return only the members that AWS returns for a deletion."""

    @functools.wraps(delete)
    def deleting(self: DynamoHandler) -> Any:
        found = describe(find(self, self.body["TableName"]))["TableDescription"]
        delete(self)
        left = {name: found[name] for name in _OF_DELETED if name in found}
        return DynamoResult({"TableDescription": {**left, "TableStatus": "DELETING"}})

    return deleting


def _with_stream(initialize: Callable[..., None]) -> Callable[..., None]:
    """Open a new table's stream after storage for the table's items is created."""

    @functools.wraps(initialize)
    def initializing(self: Any, *arguments: Any, **named: Any) -> None:
        initialize(self, *arguments, **named)
        if isinstance(self, RestoredTable | RestoredPITTable):
            # AWS does not restore stream settings.
            self.stream_specification, self.latest_stream_label = {"StreamEnabled": False}, None
        _open_stream(self)

    return initializing


def _set_stream(self: Any, streams: Mapping[str, Any] | None) -> None:
    """Enable or disable a stream. The stream's records are stored, whereas moto would keep them in memory."""
    self.stream_specification = {"StreamEnabled": False}
    if streams and streams.get("StreamEnabled"):
        self.stream_specification = dict(streams)
        self.latest_stream_label = utcnow().isoformat(timespec="milliseconds")
    if isinstance(self.items, StoredItems):
        self.items.close_stream()
        _open_stream(self)


def _open_stream(table: Any) -> None:
    if table.stream_specification["StreamEnabled"]:
        about = {
            "TableName": table.name,
            "StreamLabel": table.latest_stream_label,
            "StreamViewType": table.stream_specification["StreamViewType"],
            "KeySchema": table.schema,
        }
        table.items.open_stream(f"{table.table_arn}/stream/{table.latest_stream_label}", about)


def _closing_stream(delete: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(delete)
    def deleting(self: Any, *arguments: Any, **named: Any) -> Any:
        deleted = delete(self, *arguments, **named)
        deleted.items.close_stream()
        return deleted

    return deleting


def _named(get_table: Callable[..., Any]) -> Callable[..., Any]:
    """Reject an invalid table name."""

    @functools.wraps(get_table)
    def getting(self: DynamoDBBackend, table_name: str) -> Any:
        if not table_name.startswith("arn:"):
            definitions.check_name(table_name)
        return get_table(self, table_name)

    return getting


def _tag(self: DynamoDBBackend, arn: str, tags: Mapping[str, str]) -> None:
    """Set tags, and replace the values of existing keys. moto would add a second tag with the same key."""
    for table in self.tables.values():
        if table.table_arn == arn:
            table.tags = [
                *(tag for tag in table.tags if tag["Key"] not in tags),
                *({"Key": key, "Value": value} for key, value in tags.items()),
            ]


def find(handler: DynamoHandler, name: str) -> Any:
    """Return a table.

    Raises:
        ResourceNotFoundException: The table does not exist. The message names the table, as in AWS's table operations.
    """
    try:
        return handler.dynamodb_backend.get_table(name)
    except ResourceNotFoundException:
        raise ResourceNotFoundException(table_name=name) from None


def _managed_key(default_key: Callable[..., str]) -> Callable[..., str]:
    """Describe DynamoDB's default key as an AWS managed key, as AWS does."""

    @functools.wraps(default_key)
    def managed(self: Any, account_id: str, region: str) -> str:
        load("moto.kms.models")
        from moto.kms.models import kms_backends

        arn = default_key(self, account_id, region)
        key = kms_backends[account_id][region].describe_key(arn)
        key.key_manager = "AWS"
        key.description = "Default key that protects my DynamoDB data when no other key is defined"
        return arn

    return managed


def _checked(operation: str, execute: Callable[..., Any]) -> Callable[..., Any]:
    """Check the ranges of an operation's parameters, which moto does not check."""

    @functools.wraps(execute)
    def executing(self: DynamoHandler) -> Any:
        definitions.check_model(operation, self.body)
        return execute(self)

    return executing


def _updating_time_to_live(self: DynamoHandler) -> ActionResult:
    definitions.check_model("UpdateTimeToLive", self.body)
    table = find(self, self.body["TableName"])
    asked = self.body["TimeToLiveSpecification"]
    enabled = table.ttl["TimeToLiveStatus"] == "ENABLED"
    if not asked["Enabled"] and not enabled:
        raise definitions.refused("TimeToLive is already disabled")
    if enabled and table.ttl["AttributeName"] != asked["AttributeName"]:
        name = table.ttl["AttributeName"]
        raise definitions.refused(f"TimeToLive is active on a different AttributeName: current AttributeName is {name}")
    if asked["Enabled"] and enabled:
        raise definitions.refused("TimeToLive is already enabled")
    table.ttl.clear()
    table.ttl["TimeToLiveStatus"] = "ENABLED" if asked["Enabled"] else "DISABLED"
    if asked["Enabled"]:
        table.ttl["AttributeName"] = asked["AttributeName"]
    return ActionResult({"TimeToLiveSpecification": asked})


def _describing_time_to_live(self: DynamoHandler) -> ActionResult:
    return ActionResult({"TimeToLiveDescription": find(self, self.body["TableName"]).ttl})


def _describing_insights(self: DynamoHandler) -> ActionResult:
    """Report that contributor insights are disabled for a table, because they cannot be enabled here."""
    table = find(self, self.body["TableName"])
    index = self.body.get("IndexName")
    if index and index not in [each.name for each in table.all_indexes()]:
        raise ResourceNotFoundException(f"Requested resource not found: Index: {index} not found")
    found = {"TableName": table.name, "ContributorInsightsStatus": "DISABLED"}
    return ActionResult(found | ({"IndexName": index} if index else {}))
