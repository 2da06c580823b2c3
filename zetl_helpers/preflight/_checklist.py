"""A printable checklist of the AWS steps that bring a table into the lakehouse.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-target.html
"""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Places:
    """The source table and the target resources for an integration.

    Args:
        table: The DynamoDB table.
        account: The AWS account.
        region: The Region.
        database: The Glue database.
        bucket: The target's bucket.
        role: The role that the integration uses to write to the target.
    """

    table: str
    account: str = "111122223333"
    region: str = "us-east-1"
    database: str = "lakehouse"
    bucket: str = "my-lakehouse-bucket"
    role: str = "ZeroETLTargetRole"

    @property
    def source(self) -> str:
        """The table's ARN."""
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{self.table}"

    @property
    def catalog(self) -> str:
        """The Data Catalog's ARN."""
        return f"arn:aws:glue:{self.region}:{self.account}:catalog"

    @property
    def target(self) -> str:
        """The database's ARN."""
        return f"arn:aws:glue:{self.region}:{self.account}:database/{self.database}"

    @property
    def role_arn(self) -> str:
        """The role's ARN."""
        return f"arn:aws:iam::{self.account}:role/{self.role}"


@dataclass(frozen=True)
class Task:
    """One step of a checklist.

    Args:
        title: The step.
        command: The AWS CLI command for the step.
        note: A warning or other note about the step.
    """

    title: str
    command: str
    note: str = ""


@dataclass(frozen=True)
class Checklist:
    """A printable checklist.

    Args:
        tasks: The steps, in the order that AWS requires.
    """

    tasks: tuple[Task, ...]

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def __repr__(self) -> str:
        lines = []
        for number, task in enumerate(self.tasks, start=1):
            lines += [f"☐ {number}. {task.title}", f"     {task.command}"]
            lines += [f"     {task.note}"] if task.note else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        steps = "".join(
            f"<li>☐ <b>{html.escape(task.title)}.</b> {html.escape(task.note)}"
            f"<pre style='white-space:pre-wrap'>{html.escape(task.command)}</pre></li>"
            for task in self.tasks
        )
        return f"<ol>{steps}</ol>"


def checklist(places: Places, *, unnest: str = "FULL", partition_by: Sequence[Mapping[str, str]] = ()) -> Checklist:
    """Return the steps in the order that AWS requires.

    Args:
        places: The source and the target.
        unnest: The unnest mode.
        partition_by: The partition specification. Defaults to bucketing by the partition key.
    """
    layout: dict[str, Any] = {"UnnestSpec": unnest}
    if partition_by:
        layout["PartitionSpec"] = [dict(each) for each in partition_by]
    bucket_place = [] if places.region == "us-east-1" else [
        "--create-bucket-configuration", f"LocationConstraint={places.region}"
    ]  # fmt: skip
    return Checklist((
        Task(
            "Enable point-in-time recovery",
            _aws("dynamodb", "update-continuous-backups", "--table-name", places.table,
                 "--point-in-time-recovery-specification", "PointInTimeRecoveryEnabled=true"),
            "While it is enabled, point-in-time recovery is billed by the size of the table.",
        ),
        Task(
            "Let AWS Glue export the table",
            _aws("dynamodb", "put-resource-policy", "--resource-arn", places.source,
                 "--policy", json.dumps(_source_policy(places))),
            "If the table already has a resource policy, add the statement to that policy.",
        ),
        Task(
            "Create the bucket",
            _aws("s3api", "create-bucket", "--bucket", places.bucket, "--region", places.region, *bucket_place),
        ),
        Task(
            "Create the database",
            _aws("glue", "create-database", "--database-input",
                 json.dumps({"Name": places.database, "LocationUri": f"s3://{places.bucket}/{places.database}/"})),
            "A database without LocationUri cannot be a target.",
        ),
        Task(
            "Create the target role",
            _aws("iam", "create-role", "--role-name", places.role, "--assume-role-policy-document",
                 json.dumps(_document(_statement("sts:AssumeRole", Principal={"Service": "glue.amazonaws.com"})))),
        ),
        Task(
            "Let the role write",
            _aws("iam", "put-role-policy", "--role-name", places.role, "--policy-name", "ZeroETLTarget",
                 "--policy-document", json.dumps(_role_policy(places))),
            "If Lake Formation governs the account, also grant the role its permissions in Lake Formation.",
        ),
        Task(
            "Let integrations write to the Data Catalog",
            _aws("glue", "put-resource-policy", "--policy-in-json", json.dumps(_catalog_policy(places))),
            "This command replaces the Data Catalog's resource policy for the whole account. Read the existing policy "
            "first (aws glue get-resource-policy) and merge the two policies.",
        ),
        Task(
            "Assign the role to the database",
            _aws("glue", "create-integration-resource-property", "--resource-arn", places.target,
                 "--target-processing-properties", f"RoleArn={places.role_arn}"),
        ),
        Task(
            "Choose the layout",
            _aws("glue", "create-integration-table-properties", "--resource-arn", places.target,
                 "--table-name", places.table, "--target-table-config", json.dumps(layout)),
            "A later change makes AWS Glue load the whole table again.",
        ),
        Task(
            "Create the integration",
            _aws("glue", "create-integration", "--integration-name", f"{places.table}-to-lakehouse",
                 "--source-arn", places.source, "--target-arn", places.target,
                 "--integration-config", "RefreshInterval=15"),
            "From now on, each refresh is billed as an export of at least 10 MB.",
        ),
        Task(
            "Monitor the integration",
            _aws("glue", "describe-integrations", "--query", "Integrations[].[IntegrationName,Status,Errors]"),
            "The integration becomes ACTIVE first. Users report that the table and its rows appear 15 to "
            "20 minutes after you create the integration.",
        ),
    ))  # fmt: skip


def _aws(*words: str) -> str:
    return shlex.join(["aws", *words])


def _statement(*actions: str, **rest: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), **rest}


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _source_policy(places: Places) -> dict[str, Any]:
    return _document(
        _statement(
            "dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport",
            Principal={"Service": "glue.amazonaws.com"}, Resource="*",
            Condition={
                "StringEquals": {"aws:SourceAccount": places.account},
                "ArnLike": {"aws:SourceArn": f"arn:aws:glue:{places.region}:{places.account}:integration:*"},
            },
        )
    )  # fmt: skip


def _catalog_policy(places: Places) -> dict[str, Any]:
    resources = [places.catalog, places.target]
    return _document(
        _statement(
            "glue:AuthorizeInboundIntegration",
            Principal={"Service": "glue.amazonaws.com"}, Resource=resources,
            Condition={"StringEquals": {"aws:SourceArn": places.source}},
        ),
        _statement(
            "glue:CreateInboundIntegration",
            Principal={"AWS": f"arn:aws:iam::{places.account}:root"}, Resource=resources,
            Condition={"StringLike": {"aws:SourceArn": places.source}},
        ),
    )  # fmt: skip


def _role_policy(places: Places) -> dict[str, Any]:
    tables = f"arn:aws:glue:{places.region}:{places.account}:table/{places.database}/*"
    logs = f"arn:aws:logs:{places.region}:{places.account}:log-group:/aws-glue/zeroETL-integrations/logs*"
    return _document(
        _statement("s3:ListBucket", Resource=f"arn:aws:s3:::{places.bucket}"),
        _statement(
            "s3:GetObject", "s3:PutObject", "s3:DeleteObject",
            Resource=f"arn:aws:s3:::{places.bucket}/{places.database}/*",
        ),
        _statement(
            "glue:GetDatabase", "glue:CreateTable", "glue:GetTable", "glue:GetTables", "glue:UpdateTable",
            "glue:DeleteTable", "glue:GetTableVersion", "glue:GetTableVersions", "glue:GetResourcePolicy",
            Resource=[places.catalog, places.target, tables],
        ),
        _statement(
            "cloudwatch:PutMetricData", Resource="*",
            Condition={"StringEquals": {"cloudwatch:namespace": "AWS/Glue/ZeroETL"}},
        ),
        _statement(
            "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", Resource=[logs, f"{logs}:log-stream:*"]
        ),
    )  # fmt: skip
