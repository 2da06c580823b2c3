"""Tests that every kind of violation of a service model is detected, even if botocore accepts the request."""

from typing import Any

import boto3
import pytest

from local_lakehouse.lakehouse import Lakehouse
from local_lakehouse.protocol import wire
from tests.contract.constraints import unreadable_patterns, violations
from tests.contract.recorder import ContractError, recorded_lab

DATABASE = "arn:aws:glue:us-east-1:123456789012:database/customerdb"


def broken(service: str, operation: str, **parameters: Any) -> str:
    return "; ".join(violations(wire.service_model(service).operation_model(operation), parameters))


def table_properties(**config: Any) -> str:
    key = {"ResourceArn": DATABASE, "TableName": "CustomerAccounts"}
    return broken("glue", "CreateIntegrationTableProperties", **key, TargetTableConfig=config)


def test_a_call_as_the_helpers_make_it_breaks_nothing() -> None:
    assert table_properties(UnnestSpec="TOPLEVEL", TargetTableName="customeraccounts") == ""


def test_an_enum_that_only_the_guide_knows() -> None:
    assert "enum value set" in table_properties(UnnestSpec="TOP_LEVEL")


def test_a_pattern() -> None:
    assert "regular expression" in broken("iam", "GetRole", RoleName="no spaces")


def test_a_text_that_is_too_long_or_too_short() -> None:
    assert "less than or equal to 128" in table_properties(TargetTableName="x" * 129)
    assert "Invalid length" in table_properties(TargetTableName="")


def test_a_number_out_of_its_range() -> None:
    assert "less than or equal to 50" in broken("athena", "ListQueryExecutions", MaxResults=51)


def test_a_wrong_type() -> None:
    wanted = {"IntegrationName": "one", "SourceArn": "arn", "TargetArn": DATABASE}
    assert "Invalid type" in broken("glue", "CreateIntegration", **wanted, IntegrationConfig={"RefreshInterval": 15})


def test_a_missing_and_an_unknown_member() -> None:
    assert "Missing required" in broken("glue", "CreateIntegration", IntegrationName="one")
    assert "Unknown parameter" in broken("glue", "CreateIntegrationResourceProperty", ResourceArn=DATABASE, Role="r")


def test_tags_in_capitals_where_the_model_wants_small_letters() -> None:
    tags = [{"Key": "zetl-lab", "Value": "tutorial"}]
    assert "Unknown parameter" in broken("glue", "CreateIntegrationResourceProperty", ResourceArn=DATABASE, Tags=tags)


def test_parameters_for_an_operation_that_takes_none() -> None:
    model = wire.service_model("cloudwatch").operation_model("GetMetricData")
    assert unreadable_patterns(model, {}) == set()
    assert "Missing required" in broken("cloudwatch", "GetMetricData")


def test_the_recorder_stops_the_call_before_it_is_made(lakehouse: Lakehouse) -> None:
    lab, recorder = recorded_lab(lakehouse.url)
    wrong = {"UnnestSpec": "TOP_LEVEL"}
    with pytest.raises(ContractError, match=r"glue\.CreateIntegrationTableProperties: .*TOP_LEVEL"):
        lab.client("glue").create_integration_table_properties(
            ResourceArn=lab.database_arn, TableName=lab.table, TargetTableConfig=wrong
        )
    assert recorder.names == {"sts.GetCallerIdentity"}


def test_botocore_alone_would_have_sent_it() -> None:
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
