from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_lakehouse.backend.changes import ChangeLog
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.iceberg.catalog import load_catalog
from local_lakehouse.partiql.api import PartiqlService
from local_lakehouse.protocol.wire import Caller, Fault, parse, service_model
from local_lakehouse.zero_etl.api import ZeroEtlService

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "lake-bucket"
DATABASE = "customerdb"
DATABASE_ARN = f"arn:aws:glue:{REGION}:{ACCOUNT}:database/{DATABASE}"
CATALOG_ARN = f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/zETLTargetRole"
LEARNER = Caller(ACCOUNT, REGION, f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/learner")

Item = dict[str, dict[str, Any]]


def table_arn(table: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def table_policy() -> str:
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "glue.amazonaws.com"},
            "Action": ["dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport"],
            "Resource": "*",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"arn:aws:glue:{REGION}:{ACCOUNT}:integration:*"},
            },
        }
    )


def catalog_policy(*tables: str) -> str:
    sources = [table_arn(table) for table in tables]
    return policy(
        {
            "Sid": "Create",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/Admin"},
            "Action": "glue:CreateInboundIntegration",
            "Resource": [CATALOG_ARN, DATABASE_ARN],
            "Condition": {"StringLike": {"aws:SourceArn": sources}},
        },
        {
            "Sid": "Authorize",
            "Effect": "Allow",
            "Principal": {"Service": "glue.amazonaws.com"},
            "Action": "glue:AuthorizeInboundIntegration",
            "Resource": [CATALOG_ARN, DATABASE_ARN],
            "Condition": {"StringEquals": {"aws:SourceArn": sources}},
        },
    )


def role_statements() -> list[dict[str, Any]]:
    tables = f"arn:aws:glue:{REGION}:{ACCOUNT}:table/{DATABASE}/*"
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws-glue/zeroETL-integrations/logs*"
    table_actions = [
        f"glue:{action}"
        for action in (
            "CreateTable", "GetTable", "GetTables", "DeleteTable", "UpdateTable",
            "GetTableVersion", "GetTableVersions", "GetResourcePolicy",
        )
    ]  # fmt: skip
    return [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": f"arn:aws:s3:::{BUCKET}/{DATABASE}/*",
        },
        {"Effect": "Allow", "Action": "glue:GetDatabase", "Resource": [CATALOG_ARN, DATABASE_ARN]},
        {"Effect": "Allow", "Action": table_actions, "Resource": [CATALOG_ARN, DATABASE_ARN, tables]},
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": "AWS/Glue/ZeroETL"}},
        },
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [group, f"{group}:log-stream:*"],
        },
    ]


TRUST = policy({"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"})


@dataclass
class Clock:
    now: float = field(default_factory=lambda: float(int(time.time())))

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """An account with all prerequisites for zero-ETL, and a service whose clock the test controls."""

    clients: ServiceClients
    clock: Clock = field(default_factory=Clock)
    tables: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()
        self.clients.client("s3").create_bucket(Bucket=BUCKET)
        self.clients.client("glue").create_database(
            DatabaseInput={"Name": DATABASE, "LocationUri": f"s3://{BUCKET}/{DATABASE}/"}
        )
        iam = self.clients.client("iam")
        iam.create_role(RoleName="zETLTargetRole", AssumeRolePolicyDocument=TRUST)
        self.put_role_policy(role_statements())

    def restart(self) -> None:
        """Start a new service, as a new process would."""
        self.changes = ChangeLog(self.clients.documents.database)
        self.service = ZeroEtlService(self.clients, self.changes, 1.0, self.clock)

    def put_role_policy(self, statements: list[dict[str, Any]]) -> None:
        self.clients.client("iam").put_role_policy(
            RoleName="zETLTargetRole", PolicyName="target", PolicyDocument=policy(*statements)
        )

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.service.call(operation, parse(service_model("glue").operation_model(operation), request), LEARNER)

    def refused(self, operation: str, **request: Any) -> Fault:
        with pytest.raises(Fault) as caught:
            self.call(operation, **request)
        return caught.value

    def dynamodb(self, operation: str, **request: Any) -> dict[str, Any]:
        """Handle a DynamoDB request as the endpoint does, by executing and recording it in one step."""
        if operation in PartiqlService.operations:
            return PartiqlService(self.clients, [self.changes.note]).call(operation, request, LEARNER)
        client = self.clients.client("dynamodb")
        model = service_model("dynamodb").operation_model(operation)
        with self.clients.lock:
            answer: dict[str, Any] = getattr(client, _snake(operation))(**request)
            self.changes.note(model.name, json.loads(json.dumps(request, default=_wire)))
        return answer

    def put(self, table: str, item: Item) -> None:
        self.dynamodb("PutItem", TableName=table, Item=item)

    def delete(self, table: str, key: Item) -> None:
        self.dynamodb("DeleteItem", TableName=table, Key=key)

    def create_table(
        self, table: str, key: str = "pk", kind: str = "S", sort: tuple[str, str] | None = None, **more: Any
    ) -> None:
        attributes = [(key, kind), *([sort] if sort else [])]
        self.dynamodb(
            "CreateTable",
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            **more,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": tag} for name, tag in attributes],
            KeySchema=[
                {"AttributeName": name, "KeyType": role}
                for (name, _), role in zip(attributes, ("HASH", "RANGE"), strict=False)
            ],
        )
        self.tables.append(table)
        self.allow(table)

    def allow(self, table: str) -> None:
        """Enable point-in-time recovery, and set the table and catalog policies that zero-ETL needs."""
        dynamodb = self.clients.client("dynamodb")
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        dynamodb.put_resource_policy(ResourceArn=table_arn(table), Policy=table_policy())
        self.clients.client("glue").put_resource_policy(PolicyInJson=catalog_policy(*self.tables))

    def integrate(self, table: str, mode: str = "TOPLEVEL", **config: Any) -> str:
        """Create an integration and its properties, without loading the table."""
        if DATABASE_ARN not in self.service.dump()["properties"]["resources"]:
            self.call(
                "CreateIntegrationResourceProperty",
                ResourceArn=DATABASE_ARN,
                TargetProcessingProperties={"RoleArn": ROLE_ARN},
            )
        self.call(
            "CreateIntegrationTableProperties",
            ResourceArn=DATABASE_ARN,
            TableName=table,
            TargetTableConfig={"UnnestSpec": mode, **config},
        )
        answer = self.call(
            "CreateIntegration", IntegrationName=f"{table}-zetl", SourceArn=table_arn(table), TargetArn=DATABASE_ARN
        )
        arn: str = answer["IntegrationArn"]
        return arn

    def refresh(self) -> None:
        self.service.tick(now=True)

    def status(self, arn: str) -> str:
        status: str = self.describe(arn)["Status"]
        return status

    def describe(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("DescribeIntegrations", IntegrationIdentifier=arn)["Integrations"][0]
        return found

    def codes(self, arn: str) -> list[str]:
        return [error["ErrorCode"] for error in self.describe(arn)["Errors"]]

    def table(self, name: str) -> Any:
        return load_catalog(self.clients).load_table((DATABASE, name))

    def rows(self, name: str, order: str = "pk", snapshot: int | None = None) -> list[dict[str, Any]]:
        found = self.table(name).scan(snapshot_id=snapshot).to_arrow().to_pylist()
        return sorted(found, key=lambda row: str(row[order]))

    def snapshots(self, name: str) -> list[Any]:
        return list(self.table(name).snapshots())


def _snake(operation: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")


def _wire(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.fixture
def world(clients: ServiceClients) -> World:
    return World(clients)
