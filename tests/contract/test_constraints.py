"""Tests that every kind of violation of a service model is detected, even if botocore accepts the request."""

from typing import Any

import boto3
import pytest

from local_lakehouse.lakehouse import Lakehouse
from local_lakehouse.protocol import wire
from tests.contract.constraints import unreadable_patterns, violations
from tests.contract.recorder import ContractError, recorded_lab

DATABASE = "arn:aws:glue:us-east-1:123456789012:database/customerdb"


def violation_text(service: str, operation: str, **parameters: Any) -> str:
    return "; ".join(violations(wire.service_model(service).operation_model(operation), parameters))


def table_properties(**config: Any) -> str:
    key = {"ResourceArn": DATABASE, "TableName": "CustomerAccounts"}
    return violation_text("glue", "CreateIntegrationTableProperties", **key, TargetTableConfig=config)


def test_valid_call_has_no_violations() -> None:
    assert table_properties(UnnestSpec="TOPLEVEL", TargetTableName="customeraccounts") == ""


def test_reports_enum_value_missing_from_model() -> None:
    assert "enum value set" in table_properties(UnnestSpec="TOP_LEVEL")


def test_reports_pattern_mismatch() -> None:
    assert "regular expression" in violation_text("iam", "GetRole", RoleName="no spaces")


def test_reports_text_length_out_of_range() -> None:
    assert "less than or equal to 128" in table_properties(TargetTableName="x" * 129)
    assert "Invalid length" in table_properties(TargetTableName="")


def test_reports_number_out_of_range() -> None:
    assert "less than or equal to 50" in violation_text("athena", "ListQueryExecutions", MaxResults=51)


def test_reports_wrong_type() -> None:
    wanted = {"IntegrationName": "one", "SourceArn": "arn", "TargetArn": DATABASE}
    assert "Invalid type" in violation_text(
        "glue", "CreateIntegration", **wanted, IntegrationConfig={"RefreshInterval": 15}
    )


def test_reports_missing_and_unknown_members() -> None:
    assert "Missing required" in violation_text("glue", "CreateIntegration", IntegrationName="one")
    assert "Unknown parameter" in violation_text(
        "glue", "CreateIntegrationResourceProperty", ResourceArn=DATABASE, Role="r"
    )


def test_reports_capitalized_tag_members() -> None:
    tags = [{"Key": "zetl-lab", "Value": "tutorial"}]
    assert "Unknown parameter" in violation_text(
        "glue", "CreateIntegrationResourceProperty", ResourceArn=DATABASE, Tags=tags
    )


def test_reports_missing_parameters_in_empty_request() -> None:
    model = wire.service_model("cloudwatch").operation_model("GetMetricData")
    assert unreadable_patterns(model, {}) == set()
    assert "Missing required" in violation_text("cloudwatch", "GetMetricData")


def test_recorder_rejects_call_before_sending(lakehouse: Lakehouse) -> None:
    lab, recorder = recorded_lab(lakehouse.url)
    wrong = {"UnnestSpec": "TOP_LEVEL"}
    with pytest.raises(ContractError, match=r"glue\.CreateIntegrationTableProperties: .*TOP_LEVEL"):
        lab.client("glue").create_integration_table_properties(
            ResourceArn=lab.database_arn, TableName=lab.table, TargetTableConfig=wrong
        )
    assert recorder.names == {"sts.GetCallerIdentity"}


def test_botocore_sends_invalid_enum_value() -> None:
    glue = boto3.client("glue", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    sent: list[object] = []
    glue.meta.events.register("before-call", lambda params, **_: sent.append(params))
    glue.meta.events.register("before-send", lambda **_: _refuse())
    with pytest.raises(_RefusedError):
        glue.create_integration_table_properties(
            ResourceArn=DATABASE, TableName="CustomerAccounts", TargetTableConfig={"UnnestSpec": "TOP_LEVEL"}
        )
    assert sent


class _RefusedError(Exception):
    pass


def _refuse() -> None:
    raise _RefusedError
