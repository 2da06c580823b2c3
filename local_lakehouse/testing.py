"""A pytest plugin that provides a lakehouse for tests: ``pytest_plugins = ["local_lakehouse.testing"]``.

The fixture `lakehouse` starts a new lakehouse on a free port, with a DynamoDB table. It also provides boto3 clients,
and a clock that the test controls. See docs/testing.md.
"""

from __future__ import annotations

import csv
import datetime
import io
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import boto3
import pytest

from local_lakehouse.backend.moto_state import is_in_use
from local_lakehouse.lakehouse import Lakehouse, Settings

_WAIT_SECONDS = 60.0
_LOOK_SECONDS = 0.02
_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


class Clock:
    """The clock of the lakehouse's integrations, exports and imports, which a test can advance."""

    def __init__(self) -> None:
        self._now = time.time()

    def __call__(self) -> float:
        """Return the current time in seconds since 1970."""
        return self._now

    def advance(self, **duration: float) -> None:
        """Advance the clock.

        Args:
            duration: The duration, as arguments of `datetime.timedelta` such as ``hours=1``.
        """
        self._now += datetime.timedelta(**duration).total_seconds()


class QueryFailedError(AssertionError):
    """An Athena statement failed, was canceled or did not finish in time. The message contains the reason."""


class LakehouseInUseError(RuntimeError):
    """Another lakehouse is running in this process."""


class TestLakehouse:
    """A running lakehouse, with helper methods for tests.

    Args:
        lakehouse: The running lakehouse.
        clock: The clock of the integrations, exports and imports.
    """

    __test__ = False

    def __init__(self, lakehouse: Lakehouse, clock: Clock) -> None:
        self._lakehouse = lakehouse
        self.clock = clock
        self.region = lakehouse.settings.region
        self.account = lakehouse.backend.clients.account
        self._clients: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """The lakehouse's address, for ``endpoint_url`` or ``AWS_ENDPOINT_URL``."""
        return self._lakehouse.url

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point boto3, awswrangler and the AWS CLI at the lakehouse."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client for a service. Repeated calls for the same service return the same client.

        Args:
            service: The service's name in boto3, such as ``athena``.
        """
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.url,
                region_name=self.region,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return self._clients[service]

    def create_table(self, name: str, items: Iterable[Mapping[str, Any]], *, key: str, sort: str | None = None) -> str:
        """Create a DynamoDB table with the given items, ready for a zero-ETL integration.

        Args:
            name: The table's name.
            items: The items, as Python values.
            key: The name of the partition key.
            sort: The name of the sort key, or None for a table without a sort key.

        Returns:
            The table's ARN.
        """
        listed = [_decimals(item) for item in items]
        names = {"HASH": key, **({"RANGE": sort} if sort else {})}
        kinds = {each: "S" if not listed or isinstance(listed[0][each], str) else "N" for each in names.values()}
        created = self.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": each, "KeyType": kind} for kind, each in names.items()],
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": kind} for each, kind in kinds.items()],
            BillingMode="PAY_PER_REQUEST",
        )
        self.client("dynamodb").update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        with self.table(name).batch_writer() as batch:
            for item in listed:
                batch.put_item(Item=item)
        return str(created["TableDescription"]["TableArn"])

    def table(self, name: str) -> Any:
        """Return a DynamoDB table as a boto3 resource, which accepts and returns items as Python values.

        Args:
            name: The table's name.
        """
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=self.region)
        return session.resource("dynamodb", endpoint_url=self.url).Table(name)

    def create_database(self, name: str) -> str:
        """Create a Glue database, and a bucket for the database's location.

        Args:
            name: The database's name.

        Returns:
            The database's ARN.
        """
        bucket = f"{name}-{self.account}"
        self.client("s3").create_bucket(Bucket=bucket, **self._placed())
        self.client("glue").create_database(DatabaseInput={"Name": name, "LocationUri": f"s3://{bucket}/{name}/"})
        return f"arn:aws:glue:{self.region}:{self.account}:database/{name}"

    def integrate(self, table: str, database: str) -> str:
        """Create a zero-ETL integration and its prerequisites, and load a DynamoDB table into a Glue database.

        Args:
            table: The table.
            database: The database, which is created if it does not exist.

        Returns:
            The integration's ARN.
        """
        glue, iam = self.client("glue"), self.client("iam")
        source = f"arn:aws:dynamodb:{self.region}:{self.account}:table/{table}"
        target = f"arn:aws:glue:{self.region}:{self.account}:database/{database}"
        if database not in {each["Name"] for each in glue.get_databases()["DatabaseList"]}:
            self.create_database(database)
        role = f"{database}-target"
        if role not in {each["RoleName"] for each in iam.list_roles()["Roles"]}:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=_TRUST)
            iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=_ALL)
            glue.create_integration_resource_property(
                ResourceArn=target,
                TargetProcessingProperties={"RoleArn": f"arn:aws:iam::{self.account}:role/{role}"},
            )
        self.client("dynamodb").put_resource_policy(ResourceArn=source, Policy=_source_policy(source, self.account))
        glue.put_resource_policy(PolicyInJson=_catalog_policy(self.region, self.account))
        made = glue.create_integration(IntegrationName=f"{table}-to-{database}", SourceArn=source, TargetArn=target)
        self.refresh()
        return str(made["IntegrationArn"])

    def refresh(self) -> None:
        """Refresh every integration's target, and return when all refreshes are complete."""
        self._lakehouse.zero_etl.refresh_now()

    def query(self, sql: str, *, database: str | None = None, parameters: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Run a statement in Athena.

        Args:
            sql: The statement.
            database: The default database.
            parameters: The values of the ``?`` placeholders, as SQL text.

        Returns:
            One dictionary per row, keyed by column name. Each value is a string, or None for NULL.

        Raises:
            QueryFailedError: The statement failed.
        """
        athena = self.client("athena")
        context = {"QueryExecutionContext": {"Database": database}} if database else {}
        given = {"ExecutionParameters": list(parameters)} if parameters else {}
        identity = athena.start_query_execution(QueryString=sql, WorkGroup="primary", **context, **given)[
            "QueryExecutionId"
        ]
        status = self._finished(identity)
        if status["State"] != "SUCCEEDED":
            raise QueryFailedError(f"{status.get('StateChangeReason', status['State'])}\n{sql}")
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=identity)
        rows = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
        names = [cell.get("VarCharValue", "") for cell in rows[0]] if rows else []
        return [{name: cell.get("VarCharValue") for name, cell in zip(names, row, strict=True)} for row in rows[1:]]

    def put_csv(self, bucket: str, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows as a CSV object with a header, and create the bucket if it does not exist.

        Args:
            bucket: The bucket.
            key: The object's key.
            rows: The values of each row, keyed by column name. All rows must have the same columns as the first row.
        """
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        s3 = self.client("s3")
        if bucket not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=bucket, **self._placed())
        s3.put_object(Bucket=bucket, Key=key, Body=text.getvalue().encode())

    def _finished(self, identity: str) -> dict[str, Any]:
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            execution = self.client("athena").get_query_execution(QueryExecutionId=identity)["QueryExecution"]
            status: dict[str, Any] = execution["Status"]
            if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return status
            if time.monotonic() > deadline:
                raise QueryFailedError(f"The statement is still running after {_WAIT_SECONDS:.0f} seconds.")
            time.sleep(_LOOK_SECONDS)

    def _placed(self) -> dict[str, Any]:
        if self.region == "us-east-1":
            return {}
        return {"CreateBucketConfiguration": {"LocationConstraint": self.region}}


# The items of the table ``Orders`` in the fixture's lakehouse.
ORDERS: tuple[Mapping[str, Any], ...] = (
    {"order_id": "o-1", "customer": "Ana", "total": Decimal("12.50"), "items": [{"sku": "A", "quantity": 2}]},
    {"order_id": "o-2", "customer": "Ben", "total": Decimal("7.00"), "items": [{"sku": "B", "quantity": 1}]},
    {"order_id": "o-3", "customer": "Ana", "total": Decimal("99.90"), "items": []},
)


@pytest.fixture
def lakehouse() -> Iterator[TestLakehouse]:
    """Start a new lakehouse with the DynamoDB table ``Orders`` (see `ORDERS`), and stop it after the test.

    Raises:
        LakehouseInUseError: Another lakehouse is running in this process and would lose its state.
    """
    if is_in_use():
        raise LakehouseInUseError(
            "A lakehouse is already running in this process, and a process can run only one. "
            "Stop it before this test, or start it in a separate process: zetl local start"
        )
    clock = Clock()
    running = Lakehouse(Settings(paused=True, clock=clock))
    running.start()
    try:
        fresh = TestLakehouse(running, clock)
        fresh.create_table("Orders", ORDERS, key="order_id")
        yield fresh
    finally:
        running.stop()


def _decimals(value: Any) -> Any:
    """Convert the floating-point numbers in a value to `Decimal`, which boto3 requires."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {name: _decimals(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_decimals(element) for element in value]
    return value


def _source_policy(table_arn: str, account: str) -> str:
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},'
        '"Action":["dynamodb:ExportTableToPointInTime","dynamodb:DescribeTable","dynamodb:DescribeExport"],'
        f'"Resource":"*","Condition":{{"StringEquals":{{"aws:SourceAccount":"{account}"}}}}}}]}}'
    )


def _catalog_policy(region: str, account: str) -> str:
    return (
        f'{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},'
        '"Action":"glue:CreateInboundIntegration","Resource":"*"},'
        '{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"glue:AuthorizeInboundIntegration",'
        f'"Resource":"arn:aws:glue:{region}:{account}:*"}}]}}'
    )
