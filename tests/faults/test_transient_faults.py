"""Tests that the setup continues after transient faults.

A simulated clock makes the waits end immediately.
"""

from typing import Any

import pytest

from tests.contract.recorder import Recorder
from tests.fakes import FakeOperation
from tests.faults.network_faults import NetworkFaults
from zetl_helpers import integration, source
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

ROLE_UNKNOWN = "The role arn:aws:iam::123456789012:role/zETLTargetRole cannot be assumed by AWS Glue"
NOT_GRANTED = "User: x is not authorized to perform: glue:CreateInboundIntegration on resource: y"


@pytest.mark.parametrize(
    ("service", "operation", "code", "message"),
    [
        # The new resource is not visible everywhere yet.
        ("dynamodb", "DescribeTable", "ResourceNotFoundException", ""),
        ("dynamodb", "UpdateContinuousBackups", "ContinuousBackupsUnavailableException", ""),
        ("dynamodb", "PutResourcePolicy", "ResourceInUseException", ""),
        ("dynamodb", "GetResourcePolicy", "PolicyNotFoundException", ""),
        ("s3", "PutPublicAccessBlock", "NoSuchBucket", ""),
        ("iam", "PutRolePolicy", "NoSuchEntity", ""),
        ("glue", "CreateIntegrationResourceProperty", "AccessDeniedException", ROLE_UNKNOWN),
        ("glue", "CreateIntegrationResourceProperty", "InvalidInputException", ROLE_UNKNOWN),
        ("glue", "CreateIntegration", "ValidationException", ROLE_UNKNOWN),
        ("glue", "CreateIntegration", "AccessDeniedException", NOT_GRANTED),
        # The service is busy.
        ("glue", "CreateIntegration", "IntegrationConflictOperationFault", ""),
        ("glue", "CreateIntegration", "ConflictException", "another operation is in progress"),
        ("glue", "PutResourcePolicy", "ConditionCheckFailureException", ""),
        ("s3", "CreateBucket", "OperationAborted", ""),
        ("lakeformation", "GrantPermissions", "ConcurrentModificationException", ""),
        # The throttling lasts longer than botocore's retries.
        ("dynamodb", "BatchWriteItem", "ProvisionedThroughputExceededException", ""),
        ("dynamodb", "BatchGetItem", "ThrottlingException", ""),
    ],
)
def test_setup_continues_after_transient_fault(lab: Lab, service: str, operation: str, code: str, message: str) -> None:
    fault = FakeOperation(lab, service, operation)
    fault.fail(code, times=3, message=message)
    chapters.catch_up(lab, 4)
    chapters.share(lab)
    assert fault.left == 0
    assert integration.require(lab)["Status"] == "ACTIVE"


def test_create_table_waits_for_tags(lab: Lab) -> None:
    late = FakeOperation(lab, "dynamodb", "ListTagsOfResource")
    late.once(lambda _: {"Tags": []})
    source.create_table(lab)
    assert late.left == 0
    assert source.exists(lab)


def test_creating_integration_waits_until_it_is_listed(lab: Lab) -> None:
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    late = FakeOperation(lab, "glue", "DescribeIntegrations")
    late.once(lambda _: {"Integrations": []})
    late.left = 4
    assert integration.create(lab).did == "created"
    assert late.left == 0


def test_finding_integration_retrieves_tags_missing_from_list(lab: Lab) -> None:
    chapters.catch_up(lab, 3)
    listed = {name: value for name, value in integration.require(lab).items() if name != "Tags"}
    FakeOperation(lab, "glue", "DescribeIntegrations").once(lambda _: {"Integrations": [listed]})
    with lab.recording() as calls:
        assert integration.find(lab) == listed
    assert "glue.GetTags" in calls


def test_load_items_retries_unprocessed_keys(lab: Lab, recorder: Recorder) -> None:
    source.create_table(lab)
    source.load_items(lab)
    half = FakeOperation(lab, "dynamodb", "BatchGetItem")

    @half.once
    def _(parameters: dict[str, Any]) -> dict[str, Any]:
        return {"Responses": {lab.table: []}, "UnprocessedKeys": parameters["RequestItems"]}

    before = recorder.changes
    assert source.load_items(lab).did == "already there"
    assert recorder.changes == before


@pytest.mark.parametrize(
    "operation",
    ["CreateTable", "CreateDatabase", "CreateRole", "CreateIntegration", "CreateIntegrationResourceProperty"],
)
def test_setup_continues_after_lost_response(lab: Lab, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    faults = NetworkFaults(monkeypatch, operation)
    faults.lose_responses()
    chapters.catch_up(lab, 4)
    chapters.share(lab)
    assert faults.sent > 1
    assert integration.require(lab)["Status"] == "ACTIVE"


@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 400), ("InternalServerError", 500)])
def test_botocore_retries_throttled_and_failed_requests(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, code: str, status: int
) -> None:
    faults = NetworkFaults(monkeypatch, "PutItem")
    source.create_table(lab)
    faults.respond_with_error(code, times=4, status=status)
    lab.client("dynamodb").put_item(TableName=lab.table, Item=source.items()[0])
    assert faults.sent == 5
    assert source.get_item(lab, "CUST0001", "ACC326093")


def test_create_table_waits_while_old_table_is_being_deleted(lab: Lab) -> None:
    source.create_table(lab)
    table = lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]
    lab.client("dynamodb").delete_table(TableName=lab.table)
    # On AWS, the table and its tags stay visible during the deletion, but the lakehouse removes both immediately.
    FakeOperation(lab, "dynamodb", "ListTagsOfResource").once(
        lambda _: {"Tags": [{"Key": "zetl-lab", "Value": "tutorial"}]}
    )
    going = FakeOperation(lab, "dynamodb", "DescribeTable")
    going.once(lambda _: {"Table": {**table, "TableStatus": "DELETING"}})
    going.left = 5
    assert source.create_table(lab).did == "created"
    assert going.left == 0
