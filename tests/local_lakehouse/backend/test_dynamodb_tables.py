"""Tests for the descriptions of DynamoDB tables, and for valid and invalid definitions and updates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.backend.moto_backend import Backend

pytestmark = pytest.mark.once

HASH, RANGE = {"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend("us-east-1")
    yield backend
    backend.close()


@pytest.fixture
def dynamodb(backend: Backend) -> Iterator[Any]:
    client = backend.clients.client("dynamodb")
    yield client
    for name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)


def create(dynamodb: Any, name: str = "Orders", **more: Any) -> dict[str, Any]:
    """Create a table. The key is a hash key without a range key, unless `more` contains a key schema."""
    schema = more.pop("KeySchema", [HASH])
    names = sorted({each["AttributeName"] for each in schema} | set(more.pop("Attributes", [])))
    billing = {} if "ProvisionedThroughput" in more else {"BillingMode": "PAY_PER_REQUEST"}
    answer: dict[str, Any] = dynamodb.create_table(
        TableName=name, KeySchema=schema, **{**billing, **more},
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in names],
    )["TableDescription"]  # fmt: skip
    return answer


def described(dynamodb: Any, name: str = "Orders") -> dict[str, Any]:
    answer: dict[str, Any] = dynamodb.describe_table(TableName=name)["Table"]
    return answer


def index(name: str = "by_g", attribute: str = "g", **more: Any) -> dict[str, Any]:
    schema = [{"AttributeName": attribute, "KeyType": "HASH"}]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}, **more}


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_table_status_changes_from_creating_to_active_to_deleting(dynamodb: Any) -> None:
    created = create(dynamodb, ProvisionedThroughput=UNITS)
    found = described(dynamodb)
    deleted = dynamodb.delete_table(TableName="Orders")["TableDescription"]

    assert (created["TableStatus"], found["TableStatus"], deleted["TableStatus"]) == ("CREATING", "ACTIVE", "DELETING")
    assert "WarmThroughput" not in created
    assert found["WarmThroughput"]["Status"] == "ACTIVE"
    assert not {"KeySchema", "AttributeDefinitions", "CreationDateTime"} & deleted.keys()
    assert found["ProvisionedThroughput"] == {**UNITS, "NumberOfDecreasesToday": 0}
    assert not {"BillingModeSummary", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "TableClassSummary"} & (
        found.keys()
    )


def test_table_id_changes_only_when_the_table_is_recreated(dynamodb: Any) -> None:
    first = create(dynamodb)["TableId"]
    same = described(dynamodb)["TableId"]
    dynamodb.delete_table(TableName="Orders")
    second = create(dynamodb)["TableId"]

    assert first == same != second
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)


def test_indexes_have_arns_item_counts_and_sizes(dynamodb: Any) -> None:
    local = {"IndexName": "by_l", "KeySchema": [HASH, {"AttributeName": "l", "KeyType": "RANGE"}]}
    create(
        dynamodb, KeySchema=[HASH, RANGE], Attributes=["g", "l"], GlobalSecondaryIndexes=[index()],
        LocalSecondaryIndexes=[{**local, "Projection": {"ProjectionType": "ALL"}}],
    )  # fmt: skip
    for number, more in enumerate([{"g": {"S": "x"}}, {"g": {"S": "y"}, "l": {"S": "z"}}, {}]):
        key = {"h": {"S": "a"}, "r": {"S": str(number)}}
        dynamodb.put_item(TableName="Orders", Item={**key, **more})

    found = described(dynamodb)
    (everywhere,), (locally,) = found["GlobalSecondaryIndexes"], found["LocalSecondaryIndexes"]

    assert everywhere["IndexArn"] == f"{found['TableArn']}/index/by_g"
    assert (found["ItemCount"], everywhere["ItemCount"], locally["ItemCount"]) == (3, 2, 1)
    assert everywhere["IndexSizeBytes"] > locally["IndexSizeBytes"] > 0
    assert everywhere["IndexStatus"] == "ACTIVE"
    assert "IndexStatus" not in locally


def test_update_table_changes_billing_mode_and_throughput(dynamodb: Any) -> None:
    assert "LastUpdateToPayPerRequestDateTime" not in create(dynamodb)["BillingModeSummary"]
    assert "LastUpdateToPayPerRequestDateTime" in described(dynamodb)["BillingModeSummary"]

    update = dynamodb.update_table
    assert "must be specified when BillingMode" in refusal(update, TableName="Orders", BillingMode="PROVISIONED")
    changed = update(TableName="Orders", BillingMode="PROVISIONED", ProvisionedThroughput=UNITS)["TableDescription"]
    assert changed["TableStatus"] == "UPDATING"
    assert changed["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    same = refusal(update, TableName="Orders", ProvisionedThroughput=UNITS)
    assert "The requested value equals the current value. Current ReadCapacityUnits" in same
    update(TableName="Orders", ProvisionedThroughput={"ReadCapacityUnits": 2, "WriteCapacityUnits": 9})
    found = described(dynamodb)["ProvisionedThroughput"]
    assert found["NumberOfDecreasesToday"] == 1
    assert {"LastIncreaseDateTime", "LastDecreaseDateTime"} <= found.keys()


def test_update_table_changes_class_protection_and_encryption(dynamodb: Any, backend: Backend) -> None:
    created = create(dynamodb, TableClass="STANDARD_INFREQUENT_ACCESS", SSESpecification={"Enabled": True})
    assert created["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    key = backend.clients.client("kms").describe_key(KeyId=created["SSEDescription"]["KMSMasterKeyArn"])["KeyMetadata"]
    assert key["KeyManager"] == "AWS"
    assert len(key["CurrentKeyMaterialId"]) == 64

    answer = dynamodb.update_table(
        TableName="Orders", TableClass="STANDARD", DeletionProtectionEnabled=True, SSESpecification={"Enabled": False}
    )["TableDescription"]
    assert answer["SSEDescription"]["Status"] == "UPDATING"
    found = described(dynamodb)
    assert found["TableClassSummary"] == {"TableClass": "STANDARD"}
    assert "SSEDescription" not in found
    assert "can't be deleted" in refusal(dynamodb.delete_table, TableName="Orders")
    dynamodb.update_table(TableName="Orders", DeletionProtectionEnabled=False)


def test_update_table_adds_and_deletes_indexes(dynamodb: Any) -> None:
    create(dynamodb)
    update = dynamodb.update_table
    definition = [{"AttributeName": "g", "AttributeType": "S"}]
    undefined = refusal(update, TableName="Orders", GlobalSecondaryIndexUpdates=[{"Create": index()}])
    assert "Keys: [g], AttributeDefinitions: [h]" in undefined

    update(
        TableName="Orders", AttributeDefinitions=definition, GlobalSecondaryIndexUpdates=[{"Create": index()}]
    )  # fmt: skip
    assert [each["IndexName"] for each in described(dynamodb)["GlobalSecondaryIndexes"]] == ["by_g"]
    again = refusal(
        update, TableName="Orders", AttributeDefinitions=definition, GlobalSecondaryIndexUpdates=[{"Create": index()}]
    )
    assert "Attempting to create an index which already exists" in again
    missing = refusal(
        update, TableName="Orders", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "other"}}]
    )  # fmt: skip
    assert missing.startswith("ResourceNotFoundException")
    update(TableName="Orders", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_g"}}])
    found = described(dynamodb)
    assert "GlobalSecondaryIndexes" not in found
    assert found["AttributeDefinitions"] == [{"AttributeName": "h", "AttributeType": "S"}]


def test_update_table_rejects_empty_and_unsupported_updates(dynamodb: Any) -> None:
    create(dynamodb)
    update = dynamodb.update_table
    assert "At least one of ProvisionedThroughput" in refusal(update, TableName="Orders")
    assert refusal(update, TableName="Other", TableClass="STANDARD") == (
        "ResourceNotFoundException: Requested resource not found: Table: Other not found"
    )
    replica = refusal(update, TableName="Orders", ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])
    assert "does not support ReplicaUpdates" in replica
    twice = [{"Create": index()}, {"Delete": {"IndexName": "other"}}]
    assert refusal(update, TableName="Orders", GlobalSecondaryIndexUpdates=twice).startswith("LimitExceeded")


_INCLUDE = {"ProjectionType": "INCLUDE"}
_THREE = [HASH, RANGE, {"AttributeName": "g", "KeyType": "RANGE"}]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"name": "ab"}, "TableName must be at least 3 characters long and at most 255 characters long"),
        ({"name": "a" * 256}, "TableName must be at least 3 characters long and at most 255 characters long"),
        ({"name": "a b c"}, "Value 'a b c' at 'tableName' failed to satisfy constraint: Member must satisfy regular"),
        ({"KeySchema": [RANGE]}, "The first KeySchemaElement is not a HASH key type"),
        ({"KeySchema": [HASH, {**HASH, "AttributeName": "x"}]}, "The second KeySchemaElement is not a RANGE key type"),
        ({"KeySchema": [HASH, {**RANGE, "AttributeName": "h"}]}, "have the same name"),
        (
            {"ProvisionedThroughput": UNITS, "BillingMode": "PAY_PER_REQUEST"},
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        ),
        ({"BillingMode": "FREE"}, "Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"),
        ({"TableClass": "COLD"}, "Member must satisfy enum value set"),
        ({"StreamSpecification": {"StreamEnabled": True}}, "StreamViewType must be specified"),
        ({"GlobalSecondaryIndexes": [index(), index()]}, "Duplicate index name: by_g"),
        ({"GlobalSecondaryIndexes": [index("by g")]}, "indexName' failed to satisfy constraint: Member must"),
        ({"GlobalSecondaryIndexes": [index(f"by_{n}") for n in range(21)]}, "per-table limit of 20"),
        ({"GlobalSecondaryIndexes": [index(ProvisionedThroughput=UNITS)]}, "should not be specified for index: by_g"),
        (
            {"ProvisionedThroughput": UNITS, "GlobalSecondaryIndexes": [index()]},
            "ProvisionedThroughput must be specified for index: by_g",
        ),
        ({"GlobalSecondaryIndexes": [index(Projection={})]}, "Unknown ProjectionType: null"),
        (
            {"GlobalSecondaryIndexes": [index(Projection={"ProjectionType": "INCLUDE"})]},
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index(Projection={"ProjectionType": "ALL", "NonKeyAttributes": ["a"]})]},
            "ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index(Projection={**_INCLUDE, "NonKeyAttributes": ["a", "a"]})]},
            "Duplicate attribute in NonKeyAttributes: a",
        ),
        ({"GlobalSecondaryIndexes": [index(KeySchema=_THREE[:1] * 2)]}, "have the same name"),
        ({"KeySchema": _THREE}, "Member must have length less than or equal to 2"),
        (
            {"KeySchema": [HASH, RANGE], "LocalSecondaryIndexes": [index(KeySchema=_THREE)]},
            "Member must have length less than or equal to 2",
        ),
        ({"LocalSecondaryIndexes": [index()]}, "Table KeySchema does not have a range key"),
        (
            {"KeySchema": [HASH, RANGE], "LocalSecondaryIndexes": [index()]},
            "Index KeySchema does not have a range key for index: by_g",
        ),
    ],
)  # fmt: skip
def test_create_table_rejects_an_invalid_definition(dynamodb: Any, definition: dict[str, Any], message: str) -> None:
    attributes = ["g"] if {"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} & definition.keys() else []

    assert message in refusal(create, dynamodb=dynamodb, Attributes=attributes, **definition)
    assert dynamodb.list_tables()["TableNames"] == []


def test_time_to_live_cannot_be_enabled_or_disabled_twice(dynamodb: Any) -> None:
    create(dynamodb)

    def switch(enabled: bool, name: str = "expires") -> Any:
        specification = {"Enabled": enabled, "AttributeName": name}
        return dynamodb.update_time_to_live(TableName="Orders", TimeToLiveSpecification=specification)

    assert refusal(switch, enabled=False) == "ValidationException: TimeToLive is already disabled"
    switch(True)
    assert refusal(switch, enabled=True) == "ValidationException: TimeToLive is already enabled"
    for enabled in (True, False):
        assert "current AttributeName is expires" in refusal(switch, enabled=enabled, name="other")
    switch(False)
    assert dynamodb.describe_time_to_live(TableName="Orders")["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "DISABLED"
    }
    assert refusal(dynamodb.describe_time_to_live, TableName="Other").startswith("ResourceNotFoundException: Requested")


def test_parameters_outside_their_range_are_rejected(dynamodb: Any) -> None:
    create(dynamodb)
    message = "ValidationException: 1 validation error detected: Value '101' at 'limit' failed to satisfy constraint"
    assert refusal(dynamodb.list_tables, Limit=101).startswith(message)
    specification = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 36}
    update = {"TableName": "Orders", "PointInTimeRecoverySpecification": specification}
    assert "Member must have value less than or equal to 35" in refusal(dynamodb.update_continuous_backups, **update)


def test_contributor_insights_are_disabled(dynamodb: Any) -> None:
    create(dynamodb)

    answer = dynamodb.describe_contributor_insights(TableName="Orders")

    assert (answer["TableName"], answer["ContributorInsightsStatus"]) == ("Orders", "DISABLED")


def test_tag_resource_replaces_the_value_of_an_existing_key(dynamodb: Any) -> None:
    """A table has each tag key only once, even if the tag is set repeatedly, so the tags fit on one page."""
    arn = create(dynamodb, Tags=[{"Key": "team", "Value": "data"}])["TableArn"]
    for number in range(12):
        dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "lab", "Value": str(number)}])
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    tags = [(tag["Key"], tag["Value"]) for page in pages for tag in page["Tags"]]
    assert tags == [("team", "data"), ("lab", "11")]


def test_rejected_update_does_not_change_the_table(dynamodb: Any) -> None:
    create(dynamodb, ProvisionedThroughput=UNITS)
    dynamodb.put_item(TableName="Orders", Item={"h": {"S": "kept"}})
    before = described(dynamodb)
    disabled = {"StreamEnabled": False}
    on_demand = {"TableName": "Orders", "BillingMode": "PAY_PER_REQUEST"}
    message = refusal(dynamodb.update_table, **on_demand, StreamSpecification=disabled)
    assert "already disabled for streams" in message
    assert described(dynamodb) == before
    throughput = {"TableName": "Orders", "ProvisionedThroughput": {"ReadCapacityUnits": 9, "WriteCapacityUnits": 9}}
    refusal(dynamodb.update_table, **throughput, StreamSpecification={"StreamEnabled": True})
    assert described(dynamodb) == before
    assert dynamodb.scan(TableName="Orders")["Count"] == 1


def test_update_does_not_change_the_type_of_a_key(dynamodb: Any) -> None:
    create(dynamodb)
    dynamodb.update_table(
        TableName="Orders", AttributeDefinitions=[{"AttributeName": "h", "AttributeType": "N"}],
        DeletionProtectionEnabled=False,
    )  # fmt: skip
    assert described(dynamodb)["AttributeDefinitions"] == [{"AttributeName": "h", "AttributeType": "S"}]


def test_rejected_update_keeps_earlier_changes_in_the_transaction(backend: Backend, dynamodb: Any) -> None:
    with backend.database.transaction():
        create(dynamodb)
        create(dynamodb, "Other")
        dynamodb.update_table(TableName="Other", DeletionProtectionEnabled=True)
        refusal(
            dynamodb.update_table, TableName="Orders", BillingMode="PROVISIONED", ProvisionedThroughput=UNITS,
            StreamSpecification={"StreamEnabled": False},
        )  # fmt: skip
        dynamodb.put_item(TableName="Orders", Item={"h": {"S": "kept"}})
    assert described(dynamodb, "Other")["DeletionProtectionEnabled"]
    assert described(dynamodb)["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert dynamodb.scan(TableName="Orders")["Count"] == 1
    dynamodb.update_table(TableName="Other", DeletionProtectionEnabled=False)
