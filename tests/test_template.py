"""Tests that the CloudFormation template passes the AWS linter and matches the helpers."""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.conftest import connect_to
from zetl_helpers import cli, integration, template
from zetl_helpers._aws import tag_dict
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once


def resolved(value: Any, lab: Lab) -> Any:
    """Replace the values that CloudFormation would resolve in this account."""
    match value:
        case {"Fn::Sub": str(text)}:
            facts = {"AccountId": lab.account, "Region": lab.region, "Partition": lab.partition}
            return re.sub(r"\$\{AWS::(\w+)\}", lambda found: facts[found[1]], text)
        case {"Fn::GetAtt": ["TargetRole", "Arn"]}:
            return lab.role_arn
        case {"Fn::GetAtt": ["SourceTable", "Arn"]}:
            return lab.table_arn
        case {"Ref": "RefreshMinutes"}:
            return "15"
        case dict():
            return {key: resolved(entry, lab) for key, entry in value.items()}
        case list():
            return [resolved(item, lab) for item in value]
    return value


def properties(lab: Lab) -> dict[str, dict[str, Any]]:
    """Return the properties of the template's resources by type, as CloudFormation would create them in this
    account.
    """
    found = resolved(template.render(lab)["Resources"], lab).values()
    return {entry["Type"]: entry["Properties"] for entry in found}


def regions() -> set[str]:
    text = resources.files("zetl_helpers").joinpath("data/regions.json").read_text(encoding="utf-8")
    return set(json.loads(text)["regions"])


def pick(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found}


def lint(text: str, *, in_regions: list[str] | None = None) -> list[str]:
    """Return the linter's findings.

    Importing the linter is slow, so only the process that runs these tests imports it.
    """
    from cfnlint.api import lint

    return [str(match) for match in lint(text, regions=in_regions)]


@pytest.mark.parametrize("prefix", ["", "anna"])
def test_template_passes_linter(lakehouse: Lakehouse, prefix: str) -> None:
    text = json.dumps(template.render(connect_to(lakehouse.url, prefix)), indent=2)
    assert lint(text, in_regions=sorted(regions())) == []


def test_linter_finds_unknown_property(lab: Lab) -> None:
    broken = template.render(lab)
    broken["Resources"]["Integration"]["Properties"]["RefreshEvery"] = 15
    assert "RefreshEvery" in str(lint(json.dumps(broken, indent=2)))


def test_template_matches_helpers(lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(lab, 3)
    stack = properties(lab)
    dynamodb, s3, glue, iam = (lab.client(name) for name in ("dynamodb", "s3", "glue", "iam"))

    table = dynamodb.describe_table(TableName=lab.table)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=lab.table)["ContinuousBackupsDescription"]
    assert stack.pop("AWS::DynamoDB::Table") == {
        **pick(table, "TableName", "AttributeDefinitions", "KeySchema"),
        "BillingMode": table["BillingModeSummary"]["BillingMode"],
        "PointInTimeRecoverySpecification": {
            "PointInTimeRecoveryEnabled": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
            == "ENABLED"
        },
        "ResourcePolicy": {
            "PolicyDocument": json.loads(dynamodb.get_resource_policy(ResourceArn=lab.table_arn)["Policy"])
        },
        "Tags": dynamodb.list_tags_of_resource(ResourceArn=lab.table_arn)["Tags"],
    }

    bucket = {"Bucket": lab.bucket}
    (rule,) = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert stack.pop("AWS::S3::Bucket") == {
        "BucketName": lab.bucket,
        "PublicAccessBlockConfiguration": s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"],
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": rule["ID"],
                    "Prefix": rule["Filter"]["Prefix"],
                    "ExpirationInDays": rule["Expiration"]["Days"],
                    **pick(rule, "Status", "AbortIncompleteMultipartUpload"),
                }
            ]
        },
        "Tags": s3.get_bucket_tagging(**bucket)["TagSet"],
    }
    assert stack.pop("AWS::S3::BucketPolicy") == {
        "Bucket": {"Ref": "TargetBucket"},
        "PolicyDocument": json.loads(s3.get_bucket_policy(**bucket)["Policy"]),
    }

    database = glue.get_database(Name=lab.database)["Database"]
    assert stack.pop("AWS::Glue::Database") == {
        "CatalogId": database["CatalogId"],
        "DatabaseInput": pick(database, "Name", "LocationUri", "Description", "Parameters"),
    }

    role = iam.get_role(RoleName=lab.role)["Role"]
    (policy,) = iam.list_role_policies(RoleName=lab.role)["PolicyNames"]
    written = stack.pop("AWS::IAM::Role")
    ours = tag_dict(written.pop("Tags"))
    assert ours.items() <= tag_dict(role["Tags"]).items()
    assert written == {
        **pick(role, "RoleName", "Description", "AssumeRolePolicyDocument"),
        "Policies": [pick(iam.get_role_policy(RoleName=lab.role, PolicyName=policy), "PolicyName", "PolicyDocument")],
    }

    target = glue.get_integration_resource_property(ResourceArn=lab.database_arn)
    tags = glue.get_tags(ResourceArn=target["ResourcePropertyArn"])["Tags"]
    assert stack.pop("AWS::Glue::IntegrationResourceProperty") == {
        **pick(target, "ResourceArn", "TargetProcessingProperties"),
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }

    created = integration.require(lab)
    assert stack.pop("AWS::Glue::Integration") == {
        **pick(created, "IntegrationName", "Description", "SourceArn", "TargetArn", "IntegrationConfig"),
        "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in created["Tags"]],
    }
    assert stack == {}

    gap = template.gaps(lab)[0].instead
    created = glue.get_integration_table_properties(ResourceArn=lab.database_arn, TableName=lab.table)
    assert f"--resource-arn {lab.database_arn} --table-name {lab.table} " in gap
    assert json.loads(gap.rpartition("--target-table-config ")[2].strip("'")) == created["TargetTableConfig"]


def registry() -> dict[str, set[str]]:
    """Return CloudFormation's resource types in each Region, from the linter's data."""
    folder = resources.files("cfnlint.data.schemas").joinpath("providers")
    return {
        file.name.removesuffix(".json"): set(json.loads(file.read_text(encoding="utf-8")))
        for file in folder.iterdir()
        if re.fullmatch(r"[a-z]+-[a-z-]+-\d\.json", file.name)
    }


def test_regions_match_cloudformation() -> None:
    listed = {region for region, types in registry().items() if "AWS::Glue::Integration" in types}
    # The linter assumes that Regions it does not know, such as those in other partitions, support all resource types.
    partition = boto3.Session(region_name="us-east-1").get_partition_for_region
    assert regions() == {region for region in listed if partition(region) == "aws"}


def test_gaps_are_resources_that_cloudformation_does_not_support() -> None:
    types = set.union(*registry().values())
    offered = {name.removeprefix("AWS::Glue::") for name in types if name.startswith("AWS::Glue::")}
    assert {"Integration", "IntegrationResourceProperty", "Database"} <= offered
    assert not {name for name in offered if "TableProperties" in name or name.endswith("ResourcePolicy")}


def test_gaps_are_listed_in_template_and_on_terminal(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_connect", lambda *_, **__: lab)
    path = tmp_path / "new" / "stack.json"
    assert cli.main(["template", "--out", str(path)]) == 0
    captured = capsys.readouterr()
    written = json.loads(path.read_text())
    assert captured.out == f"{path}\n"
    for gap in template.gaps(lab):
        assert gap.what in written["Description"]
        assert f"Not in the template: {gap.what}." in captured.err
    assert [gap["What"] for gap in written["Metadata"]["Gaps"]] == [gap.what for gap in template.gaps(lab)]
    assert cli.main(["template"]) == 0
    assert json.loads(capsys.readouterr().out) == written
