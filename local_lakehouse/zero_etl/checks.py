"""The prerequisites of an integration. Permissions are checked by evaluating the policies.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-sources.html,
https://docs.aws.amazon.com/glue/latest/dg/zero-etl-target.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.iam.authorization import (
    Ask,
    Decision,
    Document,
    Principal,
    UnsupportedPolicyError,
    decide,
    parse_document,
)
from local_lakehouse.lake_formation.governance import Governance
from local_lakehouse.zero_etl.problems import Problem
from local_lakehouse.zero_etl.telemetry import LOG_GROUP, NAMESPACE

GLUE = Principal("Service", "glue.amazonaws.com")
_RETRIES = "The integration then retries automatically."
_SOURCE_ACTIONS = ("dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport")
_TABLE_ACTIONS = (
    "glue:CreateTable",
    "glue:GetTable",
    "glue:GetTables",
    "glue:DeleteTable",
    "glue:UpdateTable",
    "glue:GetTableVersion",
    "glue:GetTableVersions",
    "glue:GetResourcePolicy",
)


@dataclass(frozen=True)
class Endpoints:
    """The source and target of an integration.

    Args:
        integration_arn: The ARN of the integration.
        source_arn: The ARN of the DynamoDB table.
        table: The name of the DynamoDB table.
        target_arn: The ARN of the Glue database.
        database: The name of the database.
        target_table: The name of the target table.
        role_arn: The ARN of the target role in the database's resource property, or None if the database has no
            resource property.
    """

    integration_arn: str
    source_arn: str
    table: str
    target_arn: str
    database: str
    target_table: str
    role_arn: str | None


class Checks:
    """The checks of the account's settings that zero-ETL performs before an ingestion.

    Args:
        clients: The AWS clients for the lakehouse.
        governance: Lake Formation's access checks, or None to disable them.
    """

    def __init__(self, clients: ServiceClients, governance: Governance | None = None) -> None:
        self._clients = clients
        self._governance = governance

    def problems(self, ends: Endpoints) -> tuple[list[Problem], str]:
        """Check the prerequisites of an integration.

        Returns:
            All problems that prevent the integration from working, and the location of the target database. Problems
            with the source precede problems with the target. The location is empty only if there is a problem,
            because the location and the problems come from the same read of the database.
        """
        problems, location = self._clients.settings.result((Checks, ends), lambda: self._problems(ends))
        return [*problems], location

    def _problems(self, ends: Endpoints) -> tuple[list[Problem], str]:
        database = self._database(ends.database)
        location = _location(database) or ""
        try:
            return [*self._source(ends), *self._target(ends, database is not None, location)], location
        except UnsupportedPolicyError as error:
            return [Problem("POLICY_NOT_EVALUATED", f"{error} Change the policy. {_RETRIES}")], location

    def database_exists(self, database: str) -> bool:
        """Return whether a Glue database exists."""
        return self._database(database) is not None

    def location(self, database: str) -> str | None:
        """Return a database's location without a trailing slash, or None if there is no database or location."""
        return _location(self._database(database))

    def catalog_policy(self) -> list[Document]:
        """Return a list with the Data Catalog's resource policy, or an empty list if there is no such policy."""
        try:
            text = self._clients.client("glue").get_resource_policy().get("PolicyInJson")
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            text = None
        return [parse_document(text)] if text else []

    def catalog_resources(self, database: str) -> tuple[str, str]:
        """Return the ARNs of the Data Catalog and of a database, because a permission must apply to both."""
        prefix = f"arn:{self._clients.partition}:glue:{self._clients.region}:{self._clients.account}"
        return f"{prefix}:catalog", f"{prefix}:database/{database}"

    def telemetry_rights(self, role_arn: str) -> tuple[bool, bool]:
        """Return whether the target role is allowed to write log events, and whether it is allowed to put metrics."""
        return self._clients.settings.result((Checks, role_arn), lambda: self._telemetry_rights(role_arn))

    def _telemetry_rights(self, role_arn: str) -> tuple[bool, bool]:
        group = (
            f"arn:{self._clients.partition}:logs:{self._clients.region}:{self._clients.account}:log-group:{LOG_GROUP}"
        )
        stream = f"{group}:log-stream:integration"
        logs = [
            Ask("logs:CreateLogGroup", group),
            Ask("logs:CreateLogStream", stream),
            Ask("logs:PutLogEvents", stream),
        ]
        metrics = [Ask("cloudwatch:PutMetricData", "*", context={"cloudwatch:namespace": NAMESPACE})]
        role = self._find_role(role_arn)
        if role is None:
            return False, False
        try:
            missing = {ask.action for ask in self._lacking(role, [*logs, *metrics])}
        except UnsupportedPolicyError:
            return False, False
        return missing.isdisjoint(ask.action for ask in logs), missing.isdisjoint(ask.action for ask in metrics)

    def _database(self, database: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._clients.client("glue").get_database(Name=database)["Database"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "EntityNotFoundException":
                return None
            raise
        return found

    def _source(self, ends: Endpoints) -> Iterator[Problem]:
        dynamodb = self._clients.client("dynamodb")
        try:
            backups = dynamodb.describe_continuous_backups(TableName=ends.table)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("TableNotFoundException", "ResourceNotFoundException"):
                raise
            yield Problem(
                "SOURCE_TABLE_NOT_FOUND",
                f"The DynamoDB table {ends.table} does not exist. Create it again, or delete the integration. "
                f"{_RETRIES}",
            )
            return
        recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
            yield Problem(
                "POINT_IN_TIME_RECOVERY_DISABLED",
                f"Point-in-time recovery is off for the DynamoDB table {ends.table}. Turn it on with "
                f"UpdateContinuousBackups. {_RETRIES}",
            )
        yield from self._table_encryption(ends)
        yield from self._table_policy(ends)

    def _table_encryption(self, ends: Endpoints) -> Iterator[Problem]:
        table = self._clients.client("dynamodb").describe_table(TableName=ends.table)["Table"]
        encryption = table.get("SSEDescription", {})
        if encryption.get("Status") != "ENABLED":
            return
        key = encryption.get("KMSMasterKeyArn")
        try:
            managed = self._is_aws_managed(key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
            yield Problem(
                "SOURCE_ENCRYPTION_KEY_NOT_FOUND",
                f"The KMS key {key} of the DynamoDB table {ends.table} does not exist. With UpdateTable, choose "
                f"the AWS owned key or another customer managed key. {_RETRIES}",
            )
            return
        if managed:
            yield Problem(
                "SOURCE_ENCRYPTION_UNSUPPORTED",
                f"The DynamoDB table {ends.table} is encrypted with the AWS managed key aws/dynamodb, which zero-ETL "
                f"does not support. Use the AWS owned key or a customer managed key. {_RETRIES}",
            )

    def _is_aws_managed(self, key: str | None) -> bool:
        if key is None or key.endswith("alias/aws/dynamodb"):
            # Encryption with KMS uses the AWS managed key if no key is specified.
            return True
        kms = self._clients.client("kms")
        identity = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyId"]
        aliases = kms.list_aliases(KeyId=identity)["Aliases"]
        return any(alias["AliasName"] == "alias/aws/dynamodb" for alias in aliases)

    def _table_policy(self, ends: Endpoints) -> Iterator[Problem]:
        try:
            text = self._clients.client("dynamodb").get_resource_policy(ResourceArn=ends.source_arn)["Policy"]
            documents = [parse_document(text)]
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PolicyNotFoundException", "ResourceNotFoundException"):
                raise
            documents = []
        context = {"aws:SourceAccount": self._clients.account, "aws:SourceArn": ends.integration_arn}
        missing = self._missing(documents, [Ask(action, ends.source_arn, GLUE, context) for action in _SOURCE_ACTIONS])
        if missing:
            yield Problem(
                "SOURCE_ACCESS_DENIED",
                f"The resource policy of the DynamoDB table {ends.table} does not allow glue.amazonaws.com to perform "
                f"{_listed(missing)} for the integration {ends.integration_arn}. Attach a resource policy that "
                f"allows this, with conditions that match aws:SourceAccount {self._clients.account} and aws:SourceArn "
                f"{ends.integration_arn}. {_RETRIES}",
            )

    def _target(self, ends: Endpoints, exists: bool, location: str) -> Iterator[Problem]:
        if exists and not location:
            yield Problem(
                "TARGET_LOCATION_MISSING",
                f"The Glue database {ends.database} has no LocationUri. Set a location in S3 with UpdateDatabase. "
                f"{_RETRIES}",
            )
            return
        if not exists:
            yield Problem(
                "TARGET_DATABASE_NOT_FOUND",
                f"Target Glue database not found. Create the database {ends.database} again, with a LocationUri in S3. "
                f"{_RETRIES}",
                "Failed to ingest data with error: Target Glue database not found.",
            )
            return
        yield from self._catalog_grant(ends)
        if ends.role_arn is None:
            yield Problem(
                "UNRECOVERABLE_ACCESS_DENIED",
                f"There is no resource property with a target role for {ends.target_arn}. Create one with "
                f"CreateIntegrationResourceProperty. {_RETRIES}",
            )
            return
        yield from self._role(ends, ends.role_arn, location)

    def _catalog_grant(self, ends: Endpoints) -> Iterator[Problem]:
        context = {"aws:SourceArn": ends.source_arn, "aws:SourceAccount": self._clients.account}
        asks = [
            Ask("glue:AuthorizeInboundIntegration", resource, GLUE, context)
            for resource in self.catalog_resources(ends.database)
        ]
        missing = self._missing(self.catalog_policy(), asks)
        if missing:
            yield Problem(
                "INBOUND_INTEGRATION_NOT_AUTHORIZED",
                f"The Data Catalog resource policy does not allow glue.amazonaws.com to perform {_listed(missing)} for "
                f"the source {ends.source_arn}. Add to the policy a statement that allows this, with the catalog and "
                f"the database {ends.database} as its resources. Keep the existing statements. {_RETRIES}",
            )

    def _role(self, ends: Endpoints, role_arn: str, location: str) -> Iterator[Problem]:
        role = self._find_role(role_arn)
        if role is None:
            yield Problem(
                "TARGET_ROLE_NOT_FOUND",
                f"The target role {role_arn} does not exist. Create it, or specify another role. {_RETRIES}",
            )
            return
        trust = role["AssumeRolePolicyDocument"]
        context = {"aws:SourceAccount": self._clients.account, "aws:SourceArn": ends.integration_arn}
        if self._missing([trust], [Ask("sts:AssumeRole", role_arn, GLUE, context)]):
            yield Problem(
                "TARGET_ROLE_NOT_TRUSTED",
                f"The trust policy of the target role {role_arn} does not allow glue.amazonaws.com to perform "
                f"sts:AssumeRole. Change it with UpdateAssumeRolePolicy. {_RETRIES}",
            )
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        missing = self._lacking(role, self._target_asks(ends, bucket, f"{prefix}/{ends.target_table}".lstrip("/")))
        if missing:
            yield Problem(
                "TARGET_ACCESS_DENIED",
                f"The target role {role_arn} is not allowed to perform {_listed(missing)}. Allow this in one of "
                f"the role's policies. {_RETRIES}",
            )
        yield from self._bucket(bucket, role_arn)
        yield from self._lake_formation(ends, role_arn, f"arn:{self._clients.partition}:s3:::{bucket}/{prefix}")

    def _lake_formation(self, ends: Endpoints, role_arn: str, prefix: str) -> Iterator[Problem]:
        """Check the role's permissions in Lake Formation, if Lake Formation governs the target."""
        if self._governance is None:
            return
        location = f"{prefix.rstrip('/')}/{ends.target_table}"
        missing = self._governance.writer_lacks(role_arn, ends.database, ends.target_table, location)
        if missing:
            documented = "Insufficient lake formation permissions on Target Glue database."
            yield Problem(
                "INSUFFICIENT_LAKE_FORMATION_PERMISSIONS",
                f"{documented} The target role {role_arn} lacks {', '.join(missing)}. Grant each missing "
                f"permission with GrantPermissions. {_RETRIES}",
                documented,
            )

    def _target_asks(self, ends: Endpoints, bucket: str, prefix: str) -> list[Ask]:
        catalog, database = self.catalog_resources(ends.database)
        table = database.replace(":database/", ":table/") + f"/{ends.target_table}"
        objects = f"arn:{self._clients.partition}:s3:::{bucket}/{prefix}/data/00000"
        return [
            Ask("s3:ListBucket", f"arn:{self._clients.partition}:s3:::{bucket}", context={"s3:prefix": f"{prefix}/"}),
            *(Ask(action, objects) for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")),
            *(Ask("glue:GetDatabase", resource) for resource in (catalog, database)),
            *(Ask(action, resource) for action in _TABLE_ACTIONS for resource in (catalog, database, table)),
        ]

    def _bucket(self, bucket: str, role_arn: str) -> Iterator[Problem]:
        s3 = self._clients.client("s3")
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError:
            yield Problem(
                "TARGET_BUCKET_NOT_FOUND",
                f"The S3 bucket {bucket} of the target database does not exist. Create it. {_RETRIES}",
            )
            return
        try:
            policy = parse_document(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError:
            return
        role = Principal("AWS", role_arn)
        asks = [
            Ask(action, f"arn:{self._clients.partition}:s3:::{bucket}/data", role)
            for action in ("s3:GetObject", "s3:PutObject")
        ]
        denied = [ask.action for ask in asks if decide([policy], ask) is Decision.DENIED]
        if denied:
            yield Problem(
                "TARGET_ACCESS_DENIED",
                f"The policy of the S3 bucket {bucket} denies {', '.join(denied)} to the target role {role_arn}. "
                f"Remove the Deny statement from the policy. {_RETRIES}",
            )

    def _find_role(self, role_arn: str) -> Mapping[str, Any] | None:
        try:
            role: Mapping[str, Any] = self._clients.client("iam").get_role(RoleName=role_arn.rpartition("/")[2])["Role"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return None
            raise
        return role if role["Arn"] == role_arn else None

    def _lacking(self, role: Mapping[str, Any], asks: Sequence[Ask]) -> list[Ask]:
        """Return the permissions that a role's policies or its permissions boundary do not allow."""
        account = {"aws:PrincipalAccount": self._clients.account, "aws:ResourceAccount": self._clients.account}
        asks = [replace(ask, context={**ask.context, **account}) for ask in asks]
        missing = self._missing(self.identity_policies("role", role["RoleName"]), asks)
        boundary = role.get("PermissionsBoundary")
        if boundary is None:
            return missing
        limit = self._managed_policy(boundary["PermissionsBoundaryArn"])
        return [ask for ask in asks if ask in missing or decide(limit, ask) is not Decision.ALLOWED]

    def _managed_policy(self, arn: str) -> list[Document]:
        """Return a managed policy's document, or an empty list if the policy no longer exists."""
        iam = self._clients.client("iam")
        try:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return []
            raise
        return [parse_document(document) if isinstance(document, str) else document]

    def identity_policies(self, kind: str, name: str) -> list[Document]:
        """Return the inline and attached policies of a role or user, or an empty list if it does not exist.

        Args:
            kind: The kind of identity, which is ``role`` or ``user``.
            name: The name of the role or user.
        """
        iam = self._clients.client("iam")
        who = {f"{kind.capitalize()}Name": name}
        try:
            inline = getattr(iam, f"list_{kind}_policies")(**who)["PolicyNames"]
            attached = getattr(iam, f"list_attached_{kind}_policies")(**who)["AttachedPolicies"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return []
            raise
        documents = [
            getattr(iam, f"get_{kind}_policy")(**who, PolicyName=policy)["PolicyDocument"] for policy in inline
        ]
        for policy in attached:
            documents += self._managed_policy(policy["PolicyArn"])
        return [parse_document(document) if isinstance(document, str) else document for document in documents]

    def _missing(self, documents: Sequence[Document], asks: Sequence[Ask]) -> list[Ask]:
        return [ask for ask in asks if decide(documents, ask) is not Decision.ALLOWED]


def _location(database: Mapping[str, Any] | None) -> str | None:
    location: str = (database or {}).get("LocationUri", "")
    return location.rstrip("/") or None


def _listed(asks: Sequence[Ask]) -> str:
    by_action: dict[str, list[str]] = {}
    for ask in asks:
        by_action.setdefault(ask.action, []).append(ask.resource)
    return ", ".join(f"{action} on {' and '.join(resources)}" for action, resources in by_action.items())
