"""Tests that the setup works in any Region and partition, with customer managed keys and custom names."""

import ast
import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.contract import call_sites
from tests.contract.recorder import Recorder, recorded_lab
from zetl_helpers import cleanup, integration, keys, monitoring, source, target
from zetl_helpers._wait import without_waiting
from zetl_helpers.course import chapters
from zetl_helpers.lab import TAG_KEY, Lab

pytestmark = pytest.mark.once

ARN = re.compile(r"arn:(aws[\w-]*):")


@pytest.fixture(params=["eu-central-1", "cn-north-1", "us-gov-west-1"])
def regional_lab(request: pytest.FixtureRequest) -> Iterator[tuple[Lab, Recorder]]:
    """Provide a lab that has a prefix and is in another Region or partition, and a recorder of the lab's calls."""
    lakehouse = Lakehouse(Settings(region=request.param, paused=True))
    lakehouse.start()
    with without_waiting(lakehouse.zero_etl.tick):
        yield recorded_lab(lakehouse.url, "anna", request.param)
    lakehouse.stop()


def test_arns_match_partition_and_region(regional_lab: tuple[Lab, Recorder]) -> None:
    lab, recorder = regional_lab
    chapters.catch_up(lab, 4)
    chapters.share(lab)
    monitoring.create_alarm(lab)
    parameters = json.dumps([call.parameters for call in recorder.calls], default=str)
    assert set(ARN.findall(parameters)) == {lab.partition}
    assert lab.region in parameters
    assert "us-east-1" not in parameters
    assert integration.require(lab)["Status"] == "ACTIVE"
    assert integration.last_sync(lab)
    cleanup.apply(cleanup.plan(lab))
    assert cleanup.verify(lab)


def test_names_are_short_enough_for_every_region(lab: Lab) -> None:
    session = boto3.Session(region_name="us-east-1")
    regions = [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("glue", partition_name=partition)
    ]
    assert len(regions) > 30
    for region in regions:
        longest = dataclasses.replace(lab, region=region, prefix="x" * 16)
        assert len(longest.bucket) <= 63
        assert len(longest.role) <= 64


def test_helpers_do_not_hard_code_partitions_or_endpoints() -> None:
    """No helper hard-codes a partition or an endpoint.

    Docstrings, and ARNs in the example account 123456789012, are exempt.
    """
    found = []
    for path in call_sites.HELPERS:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                texts = re.findall(r"arn:aws:\S*|https://\S*amazonaws\S*", node.value)
                found += [(path.name, text) for text in texts if ":123456789012:" not in text]
    assert found == []


def tags_of(lab: Lab) -> dict[str, Any]:
    """Return the tags of each resource that supports tags, as one dictionary per resource."""
    glue, s3 = lab.client("glue"), lab.client("s3")
    created = integration.require(lab)
    alarms = lab.client("cloudwatch").describe_alarms(AlarmNames=[monitoring.alarm_name(lab)])["MetricAlarms"]
    listed = {
        "table": lab.client("dynamodb").list_tags_of_resource(ResourceArn=lab.table_arn)["Tags"],
        "bucket": s3.get_bucket_tagging(Bucket=lab.bucket)["TagSet"],
        "role": lab.client("iam").list_role_tags(RoleName=lab.role)["Tags"],
        "alarm": lab.client("cloudwatch").list_tags_for_resource(ResourceARN=alarms[0]["AlarmArn"])["Tags"],
    }
    owned = glue.get_integration_resource_property(ResourceArn=lab.database_arn)["ResourcePropertyArn"]
    return {
        **{name: {tag["Key"]: tag["Value"] for tag in tags} for name, tags in listed.items()},
        "integration": {tag["key"]: tag["value"] for tag in created["Tags"]},
        "resource property": glue.get_tags(ResourceArn=owned)["Tags"],
        "database": glue.get_database(Name=lab.database)["Database"]["Parameters"],
    }


def test_all_resources_are_tagged(lab: Lab) -> None:
    chapters.catch_up(lab, 4)
    chapters.share(lab)
    monitoring.create_alarm(lab)
    assert {name: tags.get(TAG_KEY) for name, tags in tags_of(lab).items()} == dict.fromkeys(
        ("table", "bucket", "role", "alarm", "integration", "resource property", "database"), "tutorial"
    )


def test_customer_managed_keys_are_used_for_source_integration_and_target(lab: Lab) -> None:
    kms = lab.client("kms")
    ours, theirs, last = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(3))
    kms.create_alias(AliasName="alias/source", TargetKeyId=ours)
    source.create_table(lab, kms_key="alias/source")
    target.create_bucket(lab, kms_key=last)
    chapters.catch_up(lab, 2)
    keys.allow_target_role(lab, last)
    integration.set_target_role(lab, kms_key=last)
    integration.set_table_properties(lab)
    context = {"course": "zero-ETL"}
    integration.create(lab, refresh_minutes=60, kms_key=theirs, encryption_context=context)
    integration.wait_until_loaded(lab)

    table = lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]
    rules = lab.client("s3").get_bucket_encryption(Bucket=lab.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    created = integration.require(lab)
    assert table["SSEDescription"]["KMSMasterKeyArn"] == ours
    assert (created["KmsKeyId"], created["AdditionalEncryptionContext"]) == (theirs, context)
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == last
    answer = lab.client("glue").get_integration_resource_property(ResourceArn=lab.database_arn)
    assert answer["TargetProcessingProperties"] == {"RoleArn": lab.role_arn, "KmsArn": last}


def test_steps_with_keys_are_idempotent(lab: Lab) -> None:
    key, other = (lab.client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    chapters.catch_up(lab, 2)
    assert [target.create_bucket(lab, kms_key=entry).did for entry in (key, key)] == ["changed", "already there"]
    assert [keys.allow_target_role(lab, item).did for item in (key, key)] == ["created", "already there"]
    assert [integration.set_target_role(lab, kms_key=each).did for each in (key, key, other)] == [
        "created", "already there", "changed",
    ]  # fmt: skip
    assert integration.set_target_role(lab).did == "already there"


@pytest.mark.parametrize("use", ["source", "integration", "target"])
def test_key_policy_grants_access_only_to_this_lab(regional_lab: tuple[Lab, Recorder], use: keys.Use) -> None:
    lab, _ = regional_lab
    statements = keys.statements(lab, use)
    text = json.dumps(statements)
    assert set(ARN.findall(text)) == {lab.partition}
    assert all(statement["Resource"] == "*" and "kms:*" not in statement["Action"] for statement in statements)
    if use == "source":
        assert f"dynamodb.{lab.region}.{lab.dns_suffix}" in text


def test_applies_custom_unnesting_and_partitioning(lab: Lab) -> None:
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    spec = [
        {"FieldName": "State", "FunctionSpec": "identity"},
        {"FieldName": "LastPaymentDate", "FunctionSpec": "month", "ConversionSpec": "iso"},
    ]
    integration.set_table_properties(lab, unnest="FULL", partition_by=spec)
    integration.create(lab)
    table = integration.wait_until_loaded(lab)
    kept = lab.client("glue").get_integration_table_properties(ResourceArn=lab.database_arn, TableName=lab.table)
    assert kept["TargetTableConfig"]["PartitionSpec"] == spec
    assert kept["TargetTableConfig"]["UnnestSpec"] == "FULL"
    types = {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    assert types["lastpaymentdate"].startswith("timestamp")
