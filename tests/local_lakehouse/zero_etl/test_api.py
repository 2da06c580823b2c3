"""Tests for the requests and responses of the fifteen integration operations and the three tag operations."""

from __future__ import annotations

from typing import Any

import pytest

from local_lakehouse.protocol.wire import service_model
from local_lakehouse.zero_etl.api import QUOTA
from tests.local_lakehouse.zero_etl.conftest import DATABASE_ARN, ROLE_ARN, World, table_arn
from tests.local_lakehouse.zero_etl.documented_behavior import covers

SOURCE = table_arn("Orders")

# Older botocore models do not contain ``IntegrationArn``.
_TABLE_CONFIG = service_model("glue").shape_for("TargetTableConfig").members
bound = pytest.mark.skipif(
    "IntegrationArn" not in _TABLE_CONFIG, reason="this version of botocore does not have IntegrationArn"
)
listed_tables = pytest.mark.skipif(
    "ListIntegrationTableProperties" not in service_model("glue").operation_names,
    reason="this version of botocore does not support ListIntegrationTableProperties",
)
namespaced = pytest.mark.skipif(
    "TargetNamespace" not in service_model("glue").shape_for("IntegrationConfig").members,
    reason="this version of botocore does not support TargetNamespace",
)


@pytest.fixture
def ready(world: World) -> World:
    world.create_table("Orders")
    return world


def create(world: World, **more: Any) -> dict[str, Any]:
    return world.call(
        "CreateIntegration", **{"IntegrationName": "n", "SourceArn": SOURCE, "TargetArn": DATABASE_ARN, **more}
    )


def refused(world: World, **more: Any) -> str:
    request = {"IntegrationName": "n", "SourceArn": SOURCE, "TargetArn": DATABASE_ARN, **more}
    return world.refused("CreateIntegration", **request).code


@covers("operations")
def test_service_supports_all_integration_operations_in_the_model(world: World) -> None:
    modeled = {name for name in service_model("glue").operation_names if "Integration" in name}
    assert modeled <= world.service.operations
    assert world.service.operations - modeled == {"TagResource", "UntagResource", "GetTags"}


@covers("create-answer")
def test_create_integration_returns_the_modeled_members(ready: World) -> None:
    answer = create(ready, Description="d", Tags=[{"key": "project", "value": "tutorial"}])
    assert answer["Status"] == "CREATING"
    assert answer["IntegrationArn"].startswith("arn:aws:glue:us-east-1:123456789012:integration:")
    assert answer["IntegrationConfig"] == {"RefreshInterval": "15"}
    assert answer["Tags"] == [{"key": "project", "value": "tutorial"}]
    assert answer["Description"] == "d"
    assert answer["Errors"] == []
    shape = service_model("glue").operation_model("CreateIntegration").output_shape
    assert shape is not None
    assert set(answer) <= set(shape.members)
    assert set(shape.required_members) <= set(answer)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"DataFilter": "include: a.b"}, "ValidationException"),
        ({"SourceArn": "arn:aws:dynamodb:us-east-1:123456789012:tabel/Orders"}, "ValidationException"),
        ({"SourceArn": SOURCE.replace("us-east-1", "eu-west-1")}, "ValidationException"),
        ({"SourceArn": table_arn("Nowhere")}, "ResourceNotFoundException"),
        ({"TargetArn": DATABASE_ARN + "x"}, "EntityNotFoundException"),
        ({"TargetArn": DATABASE_ARN + "-x"}, "ValidationException"),
        (
            {"TargetArn": DATABASE_ARN.replace("database/customerdb", "catalog/s3tablescatalog/b")},
            "ValidationException",
        ),
        ({"AdditionalEncryptionContext": {"a": "b"}}, "ValidationException"),
        ({"KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/none"}, "KMSKeyNotAccessibleFault"),
        ({"IntegrationConfig": {"RefreshInterval": "14"}}, "ValidationException"),
        ({"IntegrationConfig": {"RefreshInterval": "8641"}}, "ValidationException"),
        ({"IntegrationConfig": {"RefreshInterval": "1h"}}, "ValidationException"),
        ({"IntegrationConfig": {"ContinuousSync": False}}, "ValidationException"),
        pytest.param({"IntegrationConfig": {"TargetNamespace": "ns"}}, "ValidationException", marks=namespaced),
        ({"IntegrationConfig": {"SourceProperties": {"a": "b"}}}, "ValidationException"),
        ({"Tags": [{"value": "no key"}]}, "ValidationException"),
        ({"Tags": [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]}, "ValidationException"),
        ({"Tags": [{"key": "aws:x", "value": "1"}]}, "ValidationException"),
        ({"Tags": [{"key": str(n), "value": ""} for n in range(51)]}, "ValidationException"),
        ({"IntegrationName": ""}, "ValidationException"),
    ],
)
@covers("interval", "data-filter", "kms-key", "encryption-context", "tags-lower-case")
def test_create_integration_rejects_invalid_requests(ready: World, request_: dict[str, Any], code: str) -> None:
    assert refused(ready, **request_) == code
    assert ready.call("DescribeIntegrations")["Integrations"] == []


@pytest.mark.parametrize("minutes", ["15", "8640"])
@covers("interval")
def test_create_integration_accepts_the_interval_limits(ready: World, minutes: str) -> None:
    assert (
        create(ready, IntegrationConfig={"RefreshInterval": minutes})["IntegrationConfig"]["RefreshInterval"] == minutes
    )


@covers("location-uri")
def test_target_database_requires_a_location(ready: World) -> None:
    ready.clients.client("glue").create_database(DatabaseInput={"Name": "bare"})
    assert refused(ready, TargetArn=DATABASE_ARN.replace("customerdb", "bare")) == "ValidationException"


def test_name_and_source_target_pair_must_be_unique(ready: World) -> None:
    create(ready)
    assert refused(ready) == "ConflictException"
    assert refused(ready, IntegrationName="other") == "ConflictException"
    ready.create_table("Second")
    assert refused(ready, SourceArn=table_arn("Second")) == "ConflictException"


def test_create_integration_is_rejected_during_deletion(ready: World) -> None:
    arn = create(ready)["IntegrationArn"]
    ready.call("DeleteIntegration", IntegrationIdentifier=arn)
    assert refused(ready) == "IntegrationConflictOperationFault"
    assert ready.refused("DeleteIntegration", IntegrationIdentifier=arn).code == "InvalidIntegrationStateFault"
    ready.refresh()
    assert create(ready)["Status"] == "CREATING"


def test_integration_quota_is_enforced(ready: World) -> None:
    arn = create(ready)["IntegrationArn"]
    integrations = ready.service._lifecycle.integrations
    first = integrations[arn.rpartition(":")[2]]
    for number in range(QUOTA - 1):
        integrations[str(number)] = type(first)(**{**vars(first), "name": str(number), "source_arn": str(number)})
    ready.create_table("Second")
    assert refused(ready, IntegrationName="more", SourceArn=table_arn("Second")) == "IntegrationQuotaExceededFault"


@covers("describe-filters")
def test_describe_integrations_filters_and_paginates(ready: World) -> None:
    ready.create_table("Second")
    ready.create_table("Third")
    for table in ("Orders", "Second", "Third"):
        create(ready, IntegrationName=table, SourceArn=table_arn(table))
    first = ready.call("DescribeIntegrations", MaxRecords=2)
    assert [found["IntegrationName"] for found in first["Integrations"]] == ["Orders", "Second"]
    second = ready.call("DescribeIntegrations", MaxRecords=2, Marker=first["Marker"])
    assert [found["IntegrationName"] for found in second["Integrations"]] == ["Third"]
    assert second["Marker"] is None

    def named(*filters: dict[str, Any]) -> list[str]:
        return [
            found["IntegrationName"]
            for found in ready.call("DescribeIntegrations", Filters=list(filters))["Integrations"]
        ]

    assert named({"Name": "IntegrationName", "Values": ["Second"]}) == ["Second"]
    assert named({"Name": "SourceArn", "Values": [table_arn("Third"), SOURCE]}) == ["Orders", "Third"]
    assert named({"Name": "Status", "Values": ["ACTIVE"]}) == []
    assert len(named({"Name": "Status", "Values": ["ACTIVE", "CREATING"]})) == 3


@pytest.mark.parametrize(
    "request_",
    [
        {"MaxRecords": 0},
        {"MaxRecords": 101},
        {"Marker": "bm93aGVyZQ=="},
        {"Marker": "§"},
        {"Filters": [{"Name": "Colour", "Values": ["red"]}]},
        {"Filters": [{"Name": "Status", "Values": []}]},
        {"Filters": [{"Values": ["x"]}]},
        {"Filters": [{"Name": "IntegrationName", "Values": ["a", "b"]}]},
    ],
)
def test_describe_integrations_rejects_invalid_requests(ready: World, request_: dict[str, Any]) -> None:
    assert ready.refused("DescribeIntegrations", **request_).code == "ValidationException"


@pytest.mark.parametrize("operation", ["DescribeIntegrations", "ModifyIntegration", "DeleteIntegration"])
@pytest.mark.parametrize("arn", ["arn:aws:glue:us-east-1:123456789012:integration:" + "0" * 36, "ddb-to-lakehouse"])
@covers("not-found")
def test_unknown_integration_is_not_found(ready: World, operation: str, arn: str) -> None:
    assert ready.refused(operation, IntegrationIdentifier=arn).code == "IntegrationNotFoundFault"


def test_arn_with_a_slash_is_accepted(ready: World) -> None:
    arn = create(ready)["IntegrationArn"]
    assert ready.describe(arn.replace("integration:", "integration/"))["IntegrationArn"] == arn


@covers("inbound-shape")
def test_inbound_integrations_have_no_name_or_tags(ready: World) -> None:
    arn = create(ready)["IntegrationArn"]
    for request in ({}, {"IntegrationArn": arn}, {"TargetArn": DATABASE_ARN}):
        (found,) = ready.call("DescribeInboundIntegrations", **request)["InboundIntegrations"]
        assert found["IntegrationArn"] == arn
        assert {"IntegrationName", "Tags"}.isdisjoint(found)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"IntegrationArn": "arn:aws:glue:us-east-1:123456789012:integration:none"}, "IntegrationNotFoundFault"),
        ({"TargetArn": DATABASE_ARN + "x"}, "TargetResourceNotFound"),
        (
            {"TargetArn": DATABASE_ARN.replace("database/customerdb", "catalog/s3tablescatalog/b")},
            "OperationNotSupportedException",
        ),
        ({"TargetArn": "customerdb"}, "ValidationException"),
    ],
)
def test_describe_inbound_integrations_rejects_invalid_requests(
    ready: World, request_: dict[str, Any], code: str
) -> None:
    assert ready.refused("DescribeInboundIntegrations", **request_).code == code


def test_modify_integration_is_rejected_during_creation(ready: World) -> None:
    arn = create(ready)["IntegrationArn"]
    assert ready.refused("ModifyIntegration", IntegrationIdentifier=arn).code == "InvalidIntegrationStateFault"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"IntegrationName": "taken"}, "ConflictException"),
        ({"DataFilter": "include: x"}, "ValidationException"),
        ({"IntegrationConfig": {"RefreshInterval": "1"}}, "ValidationException"),
        pytest.param({"IntegrationConfig": {"TargetNamespace": "ns"}}, "ValidationException", marks=namespaced),
        ({"IntegrationConfig": {"ContinuousSync": False}}, "ValidationException"),
    ],
)
@covers("interval-changes")
def test_modify_integration_rejects_invalid_requests(ready: World, request_: dict[str, Any], code: str) -> None:
    arn = ready.integrate("Orders")
    ready.create_table("Second")
    create(ready, IntegrationName="taken", SourceArn=table_arn("Second"))
    ready.refresh()
    before = ready.describe(arn)
    assert ready.refused("ModifyIntegration", IntegrationIdentifier=arn, **request_).code == code
    assert ready.describe(arn) == before


RESOURCE = {"ResourceArn": DATABASE_ARN, "TargetProcessingProperties": {"RoleArn": ROLE_ARN}}


@covers("shared-properties", "resource-property")
def test_resource_property_can_be_created_updated_and_deleted(world: World) -> None:
    created = world.call("CreateIntegrationResourceProperty", **RESOURCE, Tags=[{"key": "a", "value": "b"}])
    assert created["ResourcePropertyArn"].endswith(":integrationresourceproperty/database/customerdb")
    assert world.refused("CreateIntegrationResourceProperty", **RESOURCE).code == "ConflictException"
    other = ROLE_ARN + "2"
    world.call(
        "UpdateIntegrationResourceProperty",
        ResourceArn=DATABASE_ARN,
        TargetProcessingProperties={"RoleArn": other},
    )
    got = world.call("GetIntegrationResourceProperty", ResourceArn=DATABASE_ARN)
    assert got["TargetProcessingProperties"] == {"RoleArn": other}
    listed = world.call("ListIntegrationResourceProperties", Filters=[{"Name": "TargetArn", "Values": [DATABASE_ARN]}])
    assert [entry["ResourceArn"] for entry in listed["IntegrationResourcePropertyList"]] == [DATABASE_ARN]
    world.call("DeleteIntegrationResourceProperty", ResourceArn=DATABASE_ARN)
    for operation in ("Get", "Delete", "Update"):
        fault = world.refused(f"{operation}IntegrationResourceProperty", ResourceArn=DATABASE_ARN)
        assert fault.code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"ResourceArn": DATABASE_ARN + "x"}, "EntityNotFoundException"),
        ({"ResourceArn": SOURCE}, "ValidationException"),
        ({"TargetProcessingProperties": {}}, "ValidationException"),
        ({"TargetProcessingProperties": {"RoleArn": "zETLTargetRole"}}, "ValidationException"),
        ({"TargetProcessingProperties": {"RoleArn": ROLE_ARN, "ConnectionName": "vpc"}}, "ValidationException"),
        ({"SourceProcessingProperties": {"RoleArn": ROLE_ARN}}, "ValidationException"),
        ({"TargetProcessingProperties": {"RoleArn": ROLE_ARN, "KmsArn": "a key"}}, "ValidationException"),
        ({"TargetProcessingProperties": {"RoleArn": ROLE_ARN, "EventBusArn": "a bus"}}, "ValidationException"),
    ],
)
def test_create_resource_property_rejects_invalid_requests(world: World, request_: dict[str, Any], code: str) -> None:
    assert world.refused("CreateIntegrationResourceProperty", **{**RESOURCE, **request_}).code == code


TABLE = {"ResourceArn": DATABASE_ARN, "TableName": "Orders"}


@covers("shared-properties")
def test_table_properties_can_be_created_updated_and_deleted(world: World) -> None:
    config = {"UnnestSpec": "FULL", "PartitionSpec": [{"FieldName": "State", "FunctionSpec": "identity"}]}
    world.call("CreateIntegrationTableProperties", **TABLE, TargetTableConfig=config)
    world.call("CreateIntegrationTableProperties", **TABLE, TargetTableConfig=config)
    other = {"UnnestSpec": "NOUNNEST", "TargetTableName": "elsewhere"}
    fault = world.refused("CreateIntegrationTableProperties", **TABLE, TargetTableConfig=other)
    assert fault.code == "InvalidInputException"
    assert world.call("GetIntegrationTableProperties", **TABLE) == {**TABLE, "TargetTableConfig": config}
    world.call("UpdateIntegrationTableProperties", **TABLE, TargetTableConfig=other)
    world.call("DeleteIntegrationTableProperties", **TABLE)
    for operation in ("Get", "Delete", "Update"):
        assert world.refused(f"{operation}IntegrationTableProperties", **TABLE).code == "ResourceNotFoundException"


@listed_tables
def test_table_properties_are_listed(world: World) -> None:
    other = {"UnnestSpec": "NOUNNEST", "TargetTableName": "elsewhere"}
    world.call("CreateIntegrationTableProperties", **TABLE, TargetTableConfig=other)
    world.call("CreateIntegrationTableProperties", ResourceArn=DATABASE_ARN + "2", TableName="Second")
    for name, value in (
        ("TargetArn", DATABASE_ARN),
        ("SourceTableName", "Orders"),
        ("TargetTableName", "elsewhere"),
    ):
        listed = world.call("ListIntegrationTableProperties", Filters=[{"Name": name, "Values": [value]}])
        assert listed["IntegrationTablePropertiesList"] == [{**TABLE, "TargetTableConfig": other}]
    first = world.call("ListIntegrationTableProperties", MaxRecords=1)
    (second,) = world.call("ListIntegrationTableProperties", Marker=first["Marker"])["IntegrationTablePropertiesList"]
    assert second["TableName"] == "Second"


@pytest.mark.parametrize(
    "request_",
    [
        {"ResourceArn": SOURCE},
        {"SourceTableConfig": {"Fields": ["a"]}},
        {"TargetTableConfig": {"UnnestSpec": "TOP_LEVEL"}},
        {"TargetTableConfig": {"TargetTableName": "a/b"}},
        pytest.param({"TargetTableConfig": {"IntegrationArn": "x"}}, marks=bound),
        {"TargetTableConfig": {"PartitionSpec": [{"FunctionSpec": "identity"}]}},
        {"TargetTableConfig": {"PartitionSpec": [{"FieldName": "a", "FunctionSpec": "bucket"}]}},
        {"TargetTableConfig": {"PartitionSpec": [{"FieldName": "a", "FunctionSpec": "day"}]}},
        {"TargetTableConfig": {"PartitionSpec": [{"FieldName": "a", "FunctionSpec": "day", "ConversionSpec": "iso9"}]}},
        {"TargetTableConfig": {"PartitionSpec": [{"FieldName": "a", "ConversionSpec": "iso"}]}},
        {"TargetTableConfig": {"PartitionSpec": [{"FieldName": "a"}, {"FieldName": "A"}]}},
        {"TargetTableConfig": {"PartitionSpec": [{"FieldName": str(number)} for number in range(11)]}},
        {
            "TargetTableConfig": {
                "PartitionSpec": [
                    {"FieldName": "a", "FunctionSpec": "day", "ConversionSpec": "iso"},
                    {"FieldName": "a", "FunctionSpec": "hour", "ConversionSpec": "epoch_sec"},
                ]
            }
        },
    ],
)
@covers("partition-functions", "partition-conversions", "partition-limit")
def test_create_table_properties_rejects_invalid_requests(world: World, request_: dict[str, Any]) -> None:
    assert world.refused("CreateIntegrationTableProperties", **{**TABLE, **request_}).code == "ValidationException"


@covers("tag-operations")
def test_integrations_and_resource_properties_can_be_tagged(ready: World) -> None:
    arn = create(ready, Tags=[{"key": "a", "value": "1"}])["IntegrationArn"]
    ready.call("TagResource", ResourceArn=arn, TagsToAdd={"b": "2"})
    ready.call("UntagResource", ResourceArn=arn, TagsToRemove=["a"])
    assert ready.call("GetTags", ResourceArn=arn) == {"Tags": {"b": "2"}}
    assert ready.describe(arn)["Tags"] == [{"key": "b", "value": "2"}]
    own = ready.call("CreateIntegrationResourceProperty", **RESOURCE)["ResourcePropertyArn"]
    ready.call("TagResource", ResourceArn=own, TagsToAdd={"c": "3"})
    assert ready.call("GetTags", ResourceArn=own) == {"Tags": {"c": "3"}}
    assert ready.refused("GetTags", ResourceArn=own + "x").code == "EntityNotFoundException"


def test_tags_of_other_glue_resources_are_stored_by_moto(ready: World) -> None:
    job = "arn:aws:glue:us-east-1:123456789012:job/nightly"
    ready.call("TagResource", ResourceArn=job, TagsToAdd={"a": "1"})
    assert ready.call("GetTags", ResourceArn=job)["Tags"] == {"a": "1"}
