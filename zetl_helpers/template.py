"""The lab's resources as a CloudFormation template, for users who continue without the notebooks.

The template and the helpers share the table's definition, the policies and the names. The account, Region and partition
are pseudo parameters, so one template works in every account.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from zetl_helpers import _bucket_settings, permissions, source, target
from zetl_helpers._aws import tag_list
from zetl_helpers._role_tags import role_tags
from zetl_helpers.cost import LONGEST_REFRESH, SHORTEST_REFRESH
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

__all__ = ["Gap", "gaps", "render"]

_WANTED = "IntegrationIsWanted"
# The rule from `_bucket_settings` in CloudFormation format.
_EXPIRY = {
    "Id": _bucket_settings.EXPIRY["ID"],
    "Status": "Enabled",
    "Prefix": _bucket_settings.RESULTS_PREFIX,
    "ExpirationInDays": 7,
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
# The template states explicitly whether a stack keeps or deletes a resource.
_DELETED = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}


@dataclass(frozen=True)
class Gap:
    """A part of the lab that the template does not create.

    Args:
        what: The part.
        why: The reason why the template does not create it.
        instead: The command that creates it.
    """

    what: str
    why: str
    instead: str

    def __str__(self) -> str:
        return f"Not in the template: {self.what}. {self.why}\n    {self.instead}"


def render(lab: Lab) -> dict[str, Any]:
    """Return the lab's resources as a CloudFormation template.

    Args:
        lab: The lab, which supplies the names. The function calls AWS only to look up the caller's role.

    Returns:
        The template, with everything except what `gaps` lists. The integration is created only if the parameter
        ``CreateIntegration`` is ``yes``. Deploy with the default ``no`` first, so that you can fill the gaps before the
        integration is created.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-glue-integration.html
    """
    anywhere = replace(lab, account="${AWS::AccountId}", region="${AWS::Region}", partition="${AWS::Partition}")
    missing = gaps(lab)
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": (
            f"DynamoDB zero-ETL with SageMaker Lakehouse: table {lab.table} into Glue database {lab.database}. "
            f"Gaps (see Metadata): {', '.join(gap.what for gap in missing)}. Deploy once, fill these gaps, and deploy "
            "again with CreateIntegration=yes. Empty the bucket before deleting the stack."
        ),
        "Metadata": {"Gaps": [{"What": gap.what, "Why": gap.why, "Instead": gap.instead} for gap in missing]},
        "Parameters": {
            "CreateIntegration": {
                "Type": "String",
                "AllowedValues": ["yes", "no"],
                "Default": "no",
                "Description": "Set to yes after filling the gaps, because the integration must be created last.",
            },
            "RefreshMinutes": {
                "Type": "Number",
                "MinValue": SHORTEST_REFRESH,
                "MaxValue": LONGEST_REFRESH,
                "Default": SHORTEST_REFRESH,
                "Description": "Minutes between refreshes. Each refresh is an export, billed as at least 10 MB.",
            },
        },
        "Conditions": {_WANTED: {"Fn::Equals": [{"Ref": "CreateIntegration"}, "yes"]}},
        "Resources": _resources(anywhere),
        "Outputs": {
            "IntegrationArn": {
                "Condition": _WANTED,
                "Description": "The zero-ETL integration",
                "Value": {"Fn::GetAtt": ["Integration", "IntegrationArn"]},
            },
        },
    }
    return dict(_substituted(template))


def gaps(lab: Lab) -> list[Gap]:
    """List the parts of the lab that the template does not create, in the order in which to run their commands.

    Args:
        lab: The lab.
    """
    properties = {
        "UnnestSpec": "TOPLEVEL",
        "TargetTableName": lab.target_table,
        "PartitionSpec": list(chapters.PARTITION_BY),
    }
    return [
        Gap(
            "table properties",
            "CloudFormation has no resource type for unnesting and partitioning. Without these settings, AWS Glue "
            "splits maps into columns and distributes rows into buckets by the partition key.",
            f"aws glue create-integration-table-properties --resource-arn {lab.database_arn} --table-name {lab.table} "
            f"--target-table-config {shlex.quote(json.dumps(properties))}",
        ),
        Gap(
            "Data Catalog policy",
            "The policy applies to the whole account, and CloudFormation has no resource type for it. Writing the "
            "policy replaces all existing statements.",
            'python -c "import zetl_helpers as zetl; zetl.target.merge_catalog_policy(zetl.connect())"',
        ),
        Gap(
            "Lake Formation administrators and grants",
            "A stack's data lake settings would replace the account's administrators, so the template doesn't "
            "include them.",
            'python -c "import zetl_helpers as zetl; lab = zetl.connect(); zetl.studio.add_administrator(lab); '
            'zetl.studio.share_with_project(lab, zetl.studio.find_project(lab))"',
        ),
    ]


def _resources(lab: Lab) -> dict[str, Any]:
    tags = tag_list(lab.tags)
    role_arn = {"Fn::GetAtt": ["TargetRole", "Arn"]}
    return {
        "SourceTable": {
            "Type": "AWS::DynamoDB::Table",
            **_DELETED,
            "Properties": {
                **source.definition(lab),
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "ResourcePolicy": {"PolicyDocument": permissions.render(lab, "table_resource_policy")},
                "Tags": tags,
            },
        },
        "TargetBucket": {
            "Type": "AWS::S3::Bucket",
            **_DELETED,
            "Properties": {
                "BucketName": lab.bucket,
                "PublicAccessBlockConfiguration": _bucket_settings.CLOSED,
                "LifecycleConfiguration": {"Rules": [_EXPIRY]},
                "Tags": tags,
            },
        },
        "TargetBucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "TargetBucket"},
                "PolicyDocument": permissions.render(lab, "target_bucket_policy"),
            },
        },
        "TargetDatabase": {
            "Type": "AWS::Glue::Database",
            "DependsOn": "TargetBucket",
            "Properties": {"CatalogId": lab.account, "DatabaseInput": target.database_input(lab)},
        },
        "TargetRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": lab.role,
                "Description": permissions.ROLE_DESCRIPTION,
                "AssumeRolePolicyDocument": permissions.render(lab, "target_role_trust"),
                "Policies": [
                    {
                        "PolicyName": permissions.POLICY_NAME,
                        "PolicyDocument": permissions.render(lab, "target_role_permissions"),
                    }
                ],
                "Tags": tag_list(role_tags(lab)),
            },
        },
        "TargetProperty": {
            "Type": "AWS::Glue::IntegrationResourceProperty",
            "DependsOn": "TargetDatabase",
            "Properties": {
                "ResourceArn": lab.database_arn,
                "TargetProcessingProperties": {"RoleArn": role_arn},
                "Tags": tags,
            },
        },
        "Integration": {
            "Type": "AWS::Glue::Integration",
            "Condition": _WANTED,
            "DependsOn": "TargetProperty",
            "Properties": {
                "IntegrationName": lab.integration,
                "Description": "Zero-ETL tutorial",
                "SourceArn": {"Fn::GetAtt": ["SourceTable", "Arn"]},
                "TargetArn": lab.database_arn,
                "IntegrationConfig": {"RefreshInterval": {"Ref": "RefreshMinutes"}},
                "Tags": tags,
            },
        },
    }


def _substituted(value: Any) -> Any:
    """Use CloudFormation's intrinsic functions for the values that depend on the account."""
    match value:
        case str() if "${AWS::" in value:
            # IAM policy variables look like CloudFormation variables, but must not be substituted.
            return {"Fn::Sub": value.replace("${aws:", "${!aws:")}
        case Mapping():
            return {key: _substituted(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_substituted(item) for item in value]
    return value
