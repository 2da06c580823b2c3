"""Tests that, if IAM is enforced, Athena reads tables and writes results with the caller's permissions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.local_lakehouse.iam.test_enforcement import (
    ANALYST,
    HERE,
    Keys,
    Statement,
    World,
    allow,
    deny,
    policy,
    refused,
)

pytestmark = pytest.mark.once

TABLES = f"arn:aws:glue:{HERE}"
EVERYWHERE = [f"{TABLES}:catalog", f"{TABLES}:database/*", f"{TABLES}:table/db/*"]
ATHENA = allow("athena:*")
GLUE = allow("glue:*", EVERYWHERE)
RESULTS_BUCKET = allow(["s3:GetBucketLocation", "s3:ListBucket"], "arn:aws:s3:::some-bucket")
RESULTS = allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::some-bucket/results/*")
DATA = allow("s3:GetObject", "arn:aws:s3:::some-bucket/t/*")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Provide an account with a table of one row. The administrator has read the table, so the caches contain it."""
    lakehouse = Lakehouse(Settings(paused=True, enforce_iam=True))
    lakehouse.start()
    world = World(lakehouse)
    world.client("s3").create_bucket(Bucket="some-bucket")
    world.role()
    for statement in (
        "CREATE DATABASE db",
        "CREATE TABLE db.t (a int) LOCATION 's3://some-bucket/t' TBLPROPERTIES ('table_type'='ICEBERG')",
        "INSERT INTO db.t VALUES (1)",
        "SELECT * FROM db.t",
    ):
        assert run(world, statement) == ("SUCCEEDED", "")
    yield world
    lakehouse.stop()


def run(world: World, statement: str, keys: Keys | None = None) -> tuple[str, str]:
    """Return a statement's state, and the reason if it failed."""
    athena = world.client("athena", keys)
    started = athena.start_query_execution(
        QueryString=statement,
        ResultConfiguration={"OutputLocation": "s3://some-bucket/results"},
    )["QueryExecutionId"]
    while True:
        status = world.client("athena").get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            return status["State"], status.get("StateChangeReason", "")


def analyst(world: World, *statements: Statement) -> Keys:
    """Replace the statements in the analyst's policy, and return credentials for the analyst."""
    world.iam.put_role_policy(RoleName="Analyst", PolicyName="own", PolicyDocument=policy(*statements))
    return world.assume()


def denial(action: str, resource: str) -> str:
    return f"User: {ANALYST} is not authorized to perform: {action} on resource: {resource} because no identity-based"


def test_caller_with_all_permissions_reads_the_table(world: World) -> None:
    keys = analyst(world, ATHENA, GLUE, RESULTS_BUCKET, RESULTS, DATA)
    assert run(world, "SELECT * FROM db.t", keys) == ("SUCCEEDED", "")


@pytest.mark.parametrize(
    ("missing", "action", "resource"),
    [
        (DATA, "s3:GetObject", '"arn:aws:s3:::some-bucket/t/metadata/'),
        (GLUE, "glue:GetDatabase", f"{TABLES}:catalog"),
    ],
)
def test_cached_table_is_read_with_the_permissions_of_the_caller(
    world: World, missing: Statement, action: str, resource: str
) -> None:
    remaining = [each for each in (ATHENA, GLUE, RESULTS_BUCKET, RESULTS, DATA) if each is not missing]
    state, reason = run(world, "SELECT * FROM db.t", analyst(world, *remaining))
    assert state == "FAILED"
    assert reason.startswith(denial(action, resource).split(" because")[0])


def test_query_requires_permission_to_get_the_table(world: World) -> None:
    default = allow("glue:GetDatabase", [f"{TABLES}:catalog", f"{TABLES}:database/default"])
    state, reason = run(world, "SELECT * FROM db.t", analyst(world, ATHENA, default, RESULTS_BUCKET, RESULTS, DATA))
    assert (state, reason.startswith(denial("glue:GetTable", f"{TABLES}:catalog"))) == ("FAILED", True)


def test_results_are_written_with_the_permissions_of_the_caller(world: World) -> None:
    elsewhere = allow("s3:PutObject", "arn:aws:s3:::some-bucket/elsewhere/*")
    state, reason = run(world, "SELECT 1", analyst(world, ATHENA, GLUE, RESULTS_BUCKET, elsewhere))
    assert state == "FAILED"
    assert "s3:PutObject" in reason


def test_results_bucket_is_checked_with_the_permissions_of_the_caller(world: World) -> None:
    athena = world.client("athena", analyst(world, ATHENA, GLUE, RESULTS))
    location = {"OutputLocation": "s3://some-bucket/results"}
    _, message = refused(athena.start_query_execution, QueryString="SELECT 1", ResultConfiguration=location)
    assert message == "Unable to verify/create output bucket some-bucket"


def test_results_are_read_with_the_permissions_of_the_caller(world: World) -> None:
    location = {"OutputLocation": "s3://some-bucket/results"}
    athena = world.client("athena")
    started = athena.start_query_execution(QueryString="SELECT 1", ResultConfiguration=location)["QueryExecutionId"]
    athena.get_query_execution(QueryExecutionId=started)
    keys = analyst(world, ATHENA, GLUE, RESULTS_BUCKET)
    _, message = refused(world.client("athena", keys).get_query_results, QueryExecutionId=started)
    assert "not authorized to perform: s3:GetObject" in message


def test_tables_are_changed_with_the_permissions_of_the_caller(world: World) -> None:
    keys = analyst(world, ATHENA, GLUE, RESULTS_BUCKET, RESULTS, DATA)
    state, reason = run(world, "INSERT INTO db.t VALUES (2)", keys)
    assert state == "FAILED"
    assert "not authorized to perform: s3:PutObject" in reason
    state, reason = run(
        world, "DROP TABLE db.t", analyst(world, ATHENA, allow("glue:Get*", EVERYWHERE), RESULTS_BUCKET, RESULTS)
    )
    assert state == "FAILED"
    assert "not authorized to perform: glue:DeleteTable" in reason


def test_changed_bucket_policy_applies_to_the_next_statement(world: World) -> None:
    keys, s3 = analyst(world, ATHENA, GLUE, RESULTS_BUCKET, RESULTS, DATA), world.client("s3")
    statement = deny("s3:GetObject", "arn:aws:s3:::some-bucket/t/*", Principal="*")
    states = []
    for change in (
        lambda: None,
        lambda: s3.put_bucket_policy(Bucket="some-bucket", Policy=policy(statement)),
        lambda: s3.delete_bucket_policy(Bucket="some-bucket"),
    ):
        change()
        states.append(run(world, "SELECT a FROM db.t", keys)[0])
    assert states == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
