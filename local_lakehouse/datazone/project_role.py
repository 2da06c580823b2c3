"""The policy and permissions boundary of a project role in SageMaker Unified Studio.

The policies are based on the AWS managed policies ``SageMakerStudioProjectUserRolePolicy`` (version 63) and
``SageMakerStudioProjectUserRolePermissionsBoundary`` (version 19). They cover only the services of the local lakehouse.
The AWS managed policies have conditions on the tags of the role and of the project's resources. Here, the policies
name the project's resources instead.

AWS: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/SageMakerStudioProjectUserRolePermissionsBoundary.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# An account cannot create AWS managed policies, so this is a customer managed policy.
BOUNDARY_NAME = "SageMakerStudioProjectUserRolePermissionsBoundary"

_IN_WORKGROUP = [
    f"athena:{operation}"
    for operation in (
        "BatchGetNamedQuery", "BatchGetPreparedStatement", "BatchGetQueryExecution", "CreateNamedQuery",
        "CreatePreparedStatement", "DeleteNamedQuery", "DeletePreparedStatement", "GetNamedQuery",
        "GetPreparedStatement", "GetQueryExecution", "GetQueryResults", "GetQueryResultsStream",
        "GetQueryRuntimeStatistics", "GetWorkGroup", "ListNamedQueries", "ListPreparedStatements",
        "ListQueryExecutions", "ListTagsForResource", "StartQueryExecution", "StopQueryExecution", "UpdateNamedQuery",
        "UpdatePreparedStatement",
    )
]  # fmt: skip
_ATHENAS_CATALOGS = [
    f"athena:{operation}"
    for operation in (
        "GetDatabase", "GetDataCatalog", "GetTableMetadata", "ListDatabases", "ListDataCatalogs", "ListEngineVersions",
        "ListTableMetadata", "ListWorkGroups",
    )
]  # fmt: skip
_OF_DOMAIN = [
    f"datazone:{operation}"
    for operation in (
        "CreateConnection", "DeleteConnection", "GetConnection", "GetDomain", "GetDomainExecutionRoleCredentials",
        "GetEnvironment", "GetEnvironmentBlueprintConfiguration", "GetProject", "GetUserProfile", "ListConnections",
        "ListEnvironmentBlueprints", "ListEnvironments", "ListProjects", "UpdateConnection",
    )
]  # fmt: skip
# In the AWS managed policies, these actions have the condition glue:LakeFormationPermissions, so that Lake Formation
# grants apply.
_CATALOG = [
    f"glue:{operation}"
    for operation in (
        "CreateTable", "DeleteTable", "GetCatalog", "GetCatalogImportStatus", "GetCatalogs", "GetDatabase",
        "GetDatabases", "GetPartition", "GetPartitionIndexes", "GetPartitions", "GetTable", "GetTableOptimizer",
        "GetTableVersion", "GetTableVersions", "GetTables", "SearchTables", "UpdateTable",
    )
]  # fmt: skip
_OBJECTS = [
    "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion",
    "s3:ListMultipartUploadParts", "s3:PutObject",
]  # fmt: skip
_ELSEWHERE = [
    "cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "dynamodb:ListTables", "iam:GetRole", "iam:ListRoles",
    "lakeformation:GetDataAccess", "logs:DescribeLogGroups", "s3:GetBucketLocation", "sts:GetCallerIdentity",
]  # fmt: skip
# The role's policy also allows these actions, but the boundary denies them.
_DENIED_BY_BOUNDARY = ["lakeformation:BatchGrantPermissions", "lakeformation:ListPermissions"]


@dataclass(frozen=True)
class ProjectNames:
    """The names of a project's resources.

    Args:
        partition: The AWS partition.
        region: The Region.
        account: The account.
        workgroup: The project's Athena workgroup.
        bucket: The project's bucket.
        domain: The domain's ID.
    """

    partition: str
    region: str
    account: str
    workgroup: str
    bucket: str
    domain: str

    @property
    def statements(self) -> list[dict[str, Any]]:
        """The statements for the actions that both the policy and the boundary allow."""
        where = f"{self.region}:{self.account}"
        bucket = f"arn:{self.partition}:s3:::{self.bucket}"
        return [
            {"Action": _ATHENAS_CATALOGS, "Resource": "*"},
            {"Action": _IN_WORKGROUP, "Resource": f"arn:{self.partition}:athena:{where}:workgroup/{self.workgroup}"},
            {"Action": _OF_DOMAIN, "Resource": "*"},
            {"Action": _CATALOG, "Resource": "*"},
            {"Action": ["s3:ListBucket", "s3:ListBucketVersions"], "Resource": bucket},
            {"Action": _OBJECTS, "Resource": f"{bucket}/*"},
            {"Action": _ELSEWHERE, "Resource": "*"},
        ]


def role_policy(names: ProjectNames) -> dict[str, Any]:
    """Return the policy of a project's role.

    Args:
        names: The names of the project's resources.
    """
    return _document([*names.statements, {"Action": _DENIED_BY_BOUNDARY, "Resource": "*"}])


def permissions_boundary(names: ProjectNames) -> dict[str, Any]:
    """Return the permissions boundary of a project's role.

    The boundary explicitly denies all actions that it does not allow. No policy of the role can override an explicit
    deny.

    Args:
        names: The names of the project's resources.
    """
    allowed = [action for statement in names.statements for action in statement["Action"]]
    document = _document(names.statements)
    deny = {"Sid": "NotDeniedOperations", "Effect": "Deny", "NotAction": allowed, "Resource": "*"}
    return {**document, "Statement": [*document["Statement"], deny]}


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}
