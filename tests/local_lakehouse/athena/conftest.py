"""Fixtures that run statements on the Athena service without a socket."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from local_lakehouse.athena.api import AthenaService
from local_lakehouse.athena.results import Text
from local_lakehouse.backend import preparations
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_backend import ACCOUNT, Backend
from local_lakehouse.iceberg.local_files import copies_folder
from local_lakehouse.protocol.wire import Caller
from local_lakehouse.sql.workers.limits import Limits
from local_lakehouse.sql.workers.pool import WorkerPool

CALLER = Caller(ACCOUNT, "us-east-1", f"arn:aws:iam::{ACCOUNT}:root")


@pytest.fixture(scope="session")
def workers() -> Iterator[WorkerPool]:
    """Provide the worker processes that run all statements."""
    pool = WorkerPool(Limits(readable=(copies_folder(),)))
    yield pool
    pool.stop()


class Athena:
    """A wrapper that calls the Athena service as the endpoint does, but without HTTP."""

    def __init__(self, service: AthenaService, clients: ServiceClients) -> None:
        self.service = service
        self.clients = clients
        self.glue = clients.client("glue")
        self.s3 = clients.client("s3")

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """Call an operation and return its response."""
        return self.service.call(operation, request, CALLER)

    def start(self, sql: str, database: str | None = "lab", **request: Any) -> str:
        """Start a statement and return the ID of its execution."""
        context = {"QueryExecutionContext": {"Database": database}} if database else {}
        request.setdefault("ClientRequestToken", str(uuid.uuid4()))
        identifier: str = self.call("StartQueryExecution", QueryString=sql, **context, **request)["QueryExecutionId"]
        return identifier

    def finished(self, execution_id: str) -> dict[str, Any]:
        """Wait until an execution ends and return its description."""
        limit = time.monotonic() + 120
        while time.monotonic() < limit:
            document: dict[str, Any] = self.call("GetQueryExecution", QueryExecutionId=execution_id)["QueryExecution"]
            if document["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return document
        raise TimeoutError(execution_id)

    def run(self, sql: str, database: str | None = "lab", **request: Any) -> list[list[Text]]:
        """Run a statement, check that it succeeds, and return its rows without the header."""
        execution_id = self.start(sql, database, **request)
        document = self.finished(execution_id)
        assert document["Status"]["State"] == "SUCCEEDED", document["Status"].get("StateChangeReason")
        result = page = self.call("GetQueryResults", QueryExecutionId=execution_id)
        rows = _texts(page)
        while token := page.get("NextToken"):
            page = self.call("GetQueryResults", QueryExecutionId=execution_id, NextToken=token)
            rows += _texts(page)
        header = document["StatementType"] == "DML" and bool(result["ResultSet"]["ResultSetMetadata"]["ColumnInfo"])
        return rows[1:] if header else rows

    def write(self, sql: str) -> int:
        """Run a statement that writes, and return the reported number of rows."""
        execution_id = self.start(sql)
        document = self.finished(execution_id)
        assert document["Status"]["State"] == "SUCCEEDED", document["Status"].get("StateChangeReason")
        result = self.call("GetQueryResults", QueryExecutionId=execution_id)
        assert result["ResultSet"]["Rows"] == []
        assert [entry["Name"] for entry in result["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]] == ["rows"]
        count: int = result["UpdateCount"]
        return count

    def fail(self, sql: str, database: str | None = "lab", **request: Any) -> str:
        """Run a statement, check that it fails, and return the reason."""
        document = self.finished(self.start(sql, database, **request))
        assert document["Status"]["State"] == "FAILED", document["Status"]
        reason: str = document["Status"]["StateChangeReason"]
        return reason


def _texts(page: dict[str, Any]) -> list[list[Text]]:
    return [[datum.get("VarCharValue") for datum in row["Data"]] for row in page["ResultSet"]["Rows"]]


@pytest.fixture
def athena(clients: ServiceClients, workers: WorkerPool) -> Iterator[Athena]:
    """Provide an Athena service with an empty database `lab` and a bucket `lab`."""
    service = AthenaService(clients, workers)
    client = Athena(service, clients)
    client.s3.create_bucket(Bucket="lab")
    client.glue.create_database(DatabaseInput={"Name": "lab", "LocationUri": "s3://lab/db/"})
    yield client
    service.stop()


@pytest.fixture(scope="module")
def shared(workers: WorkerPool) -> Iterator[Athena]:
    """Provide an Athena service for all tests in a file, with a database `lab` and a bucket `lab`.

    The file's tests cannot also use the fixture `athena`, because all backends in a process share moto's state.
    """
    preparations.prepare("s3", "local_lakehouse.iam.bucket_policies")
    backend = Backend("us-east-1")
    service = AthenaService(backend.clients, workers)
    client = Athena(service, backend.clients)
    client.s3.create_bucket(Bucket="lab")
    client.glue.create_database(DatabaseInput={"Name": "lab", "LocationUri": "s3://lab/db/"})
    yield client
    service.stop()
    backend.close()


@pytest.fixture
def accounts(athena: Athena) -> Athena:
    """Provide an Athena service with an Iceberg table `accounts`, which contains three rows."""
    athena.run(
        "CREATE TABLE accounts (id int, state string, balance double) LOCATION 's3://lab/accounts/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run("INSERT INTO accounts VALUES (1, 'CA', 10.5), (2, 'NY', 20.0), (3, NULL, NULL)")
    return athena
