"""Tests that each policy template becomes a valid, narrow policy."""

import json
import re
from pathlib import Path
from string import Template
from typing import Any

import pytest

pytestmark = pytest.mark.once

POLICIES = Path(__file__).parents[1] / "policies"
FILES = sorted(path.name for path in POLICIES.glob("*.json"))
NAMES = {
    "Account": "123456789012",
    "Region": "us-east-1",
    "Partition": "aws",
    "Table": "CustomerAccounts",
    "Database": "customerdb",
    "Bucket": "glue-zetl-target-123456789012-us-east-1",
    "Prefix": "customerdb",
    "Role": "zETLTargetRole",
    "WorkGroup": "primary",
    "Caller": "arn:aws:iam::123456789012:role/Admin",
    "LabId": "customerdb",
    "Tag": "tutorial",
    "IntegrationName": "ddb-to-lakehouse",
    "Boundary": "zETLTargetBoundary",
    "EachTable": "CustomerAccounts",
    "LearnerBoundary": "zETLLearnerBoundary",
    "AnyTable": "*CustomerAccounts",
    "AnyRole": "*zETLTargetRole",
    "AnyLearner": "*zETLLearner",
    "AnyIntegrationName": "*ddb-to-lakehouse",
    "AnyBucket": "glue-zetl-target-123456789012-us-east-1*",
    "AnyDatabase": "*customerdb",
}
# These statements cannot name a specific resource, for the reason given next to each of them. policies/README.md
# explains each statement.
ANY_RESOURCE = {
    ("table_resource_policy.json", "ZeroEtlExport"),  # A table's policy applies only to that table.
    ("target_role_permissions.json", "PutZeroEtlMetrics"),  # PutMetricData has no resource types.
    ("target_role_permissions.json", "ReadWhereLakeFormationGoverns"),  # GetDataAccess has no resource types.
    ("learner_use_permissions.json", "ReadWhereLakeFormationGoverns"),  # GetDataAccess has no resource types.
    ("learner_boundary.json", "WithoutResource"),  # List and lookup actions have no resource types.
    ("learner_boundary.json", "ShareInLakeFormation"),  # Lake Formation's actions have no resource types.
    ("instructor_permissions.json", "SeeTheClass"),  # List and lookup actions have no resource types.
    ("instructor_permissions.json", "ShareAndCleanUpLakeFormation"),  # Lake Formation's actions have no resource types.
    ("target_role_boundary.json", "PutZeroEtlMetrics"),  # PutMetricData has no resource types.
    ("target_role_boundary.json", "ReadWhereLakeFormationGoverns"),  # GetDataAccess has no resource types.
    ("learner_use_permissions.json", "SeeWithoutResource"),  # List and lookup actions have no resource types.
    ("learner_use_permissions.json", "SeeLakeFormation"),  # Lake Formation's actions have no resource types.
    (
        "learner_class_permissions.json",
        "CreateIntegrationIntoOwnDatabase",
    ),  # CreateInboundIntegration has no resource types.
    ("learner_account_permissions.json", "ShareInLakeFormation"),  # Lake Formation's actions have no resource types.
}
ARN = re.compile(r"arn:aws:(?P<service>[a-z0-9]+):(us-east-1)?:(123456789012)?:\S+")
CATALOG = "arn:aws:glue:us-east-1:123456789012:catalog"
DATABASE = "arn:aws:glue:us-east-1:123456789012:database/customerdb"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/CustomerAccounts"


def rendered(name: str) -> dict[str, Any]:
    document = json.loads(Template((POLICIES / name).read_text(encoding="utf-8")).substitute(NAMES))
    assert isinstance(document, dict)
    return document


def many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def statement(name: str, sid: str) -> dict[str, Any]:
    (found,) = [each for each in rendered(name)["Statement"] if each["Sid"] == sid]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", FILES)
def test_policy_has_current_version_and_one_effect(name: str) -> None:
    document = rendered(name)
    assert set(document) == {"Version", "Statement"}
    assert document["Version"] == "2012-10-17"
    effect = "Deny" if name == "target_bucket_policy.json" else "Allow"
    assert all(each["Effect"] == effect for each in document["Statement"])


@pytest.mark.parametrize("name", FILES)
def test_sids_are_unique_and_alphanumeric(name: str) -> None:
    sids = [each["Sid"] for each in rendered(name)["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)


@pytest.mark.parametrize("name", FILES)
def test_actions_have_no_wildcards_and_match_resources(name: str) -> None:
    for each in rendered(name)["Statement"]:
        services = {action.split(":")[0] for action in many(each["Action"])}
        assert len(services) == 1 or each["Resource"] == "*", each["Sid"]
        assert each["Effect"] == "Deny" or not any("*" in action for action in many(each["Action"]))
        for resource in many(each.get("Resource", [])):
            if resource == "*":
                assert (name, each["Sid"]) in ANY_RESOURCE
                continue
            arn = ARN.fullmatch(resource)
            assert arn is not None, resource
            assert {arn["service"]} == services


@pytest.mark.parametrize("name", FILES)
def test_only_trust_policy_omits_resource(name: str) -> None:
    missing = [each for each in rendered(name)["Statement"] if "Resource" not in each]
    assert bool(missing) == (name == "target_role_trust.json")


def test_only_listed_statements_apply_to_any_resource() -> None:
    assert {
        (name, each["Sid"])
        for name in FILES
        for each in rendered(name)["Statement"]
        if "*" in many(each.get("Resource", []))
    } == ANY_RESOURCE


def test_table_policy_lets_glue_only_export_the_table() -> None:
    each = statement("table_resource_policy.json", "ZeroEtlExport")
    assert each["Principal"] == {"Service": "glue.amazonaws.com"}
    assert set(each["Action"]) == {
        "dynamodb:DescribeTable",
        "dynamodb:ExportTableToPointInTime",
        "dynamodb:DescribeExport",
    }
    assert each["Condition"]["StringEquals"]["aws:SourceAccount"] == "123456789012"


@pytest.mark.parametrize(
    ("sid", "principal", "action", "operator"),
    [
        ("ZeroEtlCreatecustomerdb", {"AWS": NAMES["Caller"]}, "glue:CreateInboundIntegration", "ArnLike"),
        (
            "ZeroEtlAuthorizecustomerdb",
            {"Service": "glue.amazonaws.com"},
            "glue:AuthorizeInboundIntegration",
            "ArnEquals",
        ),
    ],
)
def test_catalog_policy_has_two_statements(sid: str, principal: dict[str, str], action: str, operator: str) -> None:
    each = statement("catalog_resource_policy.json", sid)
    assert each["Principal"] == principal
    assert each["Action"] == action
    assert each["Resource"] == [CATALOG, DATABASE]
    assert each["Condition"] == {operator: {"aws:SourceArn": TABLE}}


def test_trust_policy_allows_glue_to_assume_target_role() -> None:
    each = statement("target_role_trust.json", "GlueAssumesTargetRole")
    assert (each["Principal"], each["Action"]) == ({"Service": "glue.amazonaws.com"}, "sts:AssumeRole")


def test_target_role_has_documented_permissions() -> None:
    actions = {
        action for each in rendered("target_role_permissions.json")["Statement"] for action in many(each["Action"])
    }
    assert actions == {
        "s3:ListBucket",
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "glue:GetDatabase",
        "glue:CreateTable",
        "glue:GetTable",
        "glue:GetTables",
        "glue:DeleteTable",
        "glue:UpdateTable",
        "glue:GetTableVersion",
        "glue:GetTableVersions",
        "glue:GetResourcePolicy",
        "cloudwatch:PutMetricData",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "lakeformation:GetDataAccess",
    }


def test_readme_describes_files_and_placeholders() -> None:
    described = (POLICIES / "README.md").read_text(encoding="utf-8")
    used = {
        name
        for path in POLICIES.glob("*.json")
        for name in Template(path.read_text(encoding="utf-8")).get_identifiers()
    }
    assert used == set(NAMES)
    assert all(f"`{name}`" in described for name in [*FILES, *used])
