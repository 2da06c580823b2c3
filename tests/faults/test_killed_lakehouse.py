"""Tests that every acknowledged write is present exactly once after a lakehouse is killed during writes."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_lakehouse import daemon
from local_lakehouse.daemon import Running
from local_lakehouse.testing import _ALL, _TRUST, _catalog_policy, _source_policy
from tests.forked_lakehouse import forked_lakehouses

pytestmark = [pytest.mark.long, pytest.mark.once]

# The process is killed this many times. A release requires 200.
_KILLS = int(os.environ.get("ZETL_KILLS", "20"))
# The process is suspended for this many seconds. A release requires 60.
_SUSPENDED_SECONDS = float(os.environ.get("ZETL_SUSPENDED_SECONDS", "2"))
_ACCOUNT = "123456789012"
_ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)


def client(running: Running, service: str) -> Any:
    return boto3.client(
        service, endpoint_url=running.url, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=_ONCE,
    )  # fmt: skip


@dataclass
class AcknowledgedWrites:
    """Acknowledged writes, and writes whose requests received no response but may have succeeded.

    Args:
        kept: The last acknowledged value of each key.
        unconfirmed: Other values that each key may have.
    """

    kept: dict[str, Any] = field(default_factory=dict)
    unconfirmed: dict[str, set[Any]] = field(default_factory=dict)

    def attempt(self, name: str, value: Any, act: Callable[[], Any]) -> Any:
        """Run an action, and record whether it was acknowledged."""
        self.unconfirmed.setdefault(name, set()).add(value)
        answer = act()
        self.kept[name] = value
        self.unconfirmed[name] = set()
        return answer

    def check(self, found: dict[str, Any]) -> None:
        """Check that the stored data contains the acknowledged writes, and treat all stored data as acknowledged."""
        for name, value in self.kept.items():
            assert found.get(name) in {value, *self.unconfirmed.get(name, ())}, (name, found.get(name), value)
        for name, value in found.items():
            assert name in self.kept or value in self.unconfirmed.get(name, ()), (name, value)
        self.kept, self.unconfirmed = dict(found), {}


class Writer:
    """A writer that writes to one service repeatedly until the lakehouse stops responding."""

    def __init__(self, step: Callable[[Running, int], None]) -> None:
        self._step = step
        self._number = 0
        self.wrong: BaseException | None = None

    def run(self, running: Running, stopped: threading.Event) -> None:
        while not stopped.is_set():
            self._number += 1
            try:
                self._step(running, self._number)
            except ClientError as error:
                self.wrong = error
                return
            except BotoCoreError:
                return


class Account:
    """The writers, and the acknowledged writes of each."""

    def __init__(self) -> None:
        self.items, self.objects, self.roles, self.versions, self.rows, self.queries = (
            AcknowledgedWrites() for _ in range(6)
        )
        self._clients: dict[tuple[str, str, int], Any] = {}
        self.writers = [Writer(step) for step in (self.item, self.object, self.role, self.version, self.row)]

    def _client(self, running: Running, service: str) -> Any:
        key = running.url, service, threading.get_ident()
        if key not in self._clients:
            self._clients[key] = client(running, service)
        return self._clients[key]

    def prepare(self, running: Running) -> None:
        s3, glue, iam, dynamodb = (self._client(running, name) for name in ("s3", "glue", "iam", "dynamodb"))
        s3.create_bucket(Bucket="kill-bucket")
        glue.create_database(DatabaseInput={"Name": "kills", "LocationUri": "s3://kill-bucket/kills/"})
        glue.create_table(DatabaseName="kills", TableInput={"Name": "versions"})
        created = dynamodb.create_table(
            TableName="Items", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        )  # fmt: skip
        source = created["TableDescription"]["TableArn"]
        target = f"arn:aws:glue:us-east-1:{_ACCOUNT}:database/kills"
        dynamodb.update_continuous_backups(
            TableName="Items", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        dynamodb.put_resource_policy(ResourceArn=source, Policy=_source_policy(source, _ACCOUNT))
        dynamodb.put_item(TableName="Items", Item={"k": {"S": "first"}, "n": {"N": "0"}})
        self.items.kept["first"] = 0
        self.versions.kept["count"] = 1
        iam.create_role(RoleName="target", AssumeRolePolicyDocument=_TRUST)
        iam.put_role_policy(RoleName="target", PolicyName="all", PolicyDocument=_ALL)
        glue.put_resource_policy(PolicyInJson=_catalog_policy("us-east-1", _ACCOUNT))
        glue.create_integration_resource_property(
            ResourceArn=target, TargetProcessingProperties={"RoleArn": f"arn:aws:iam::{_ACCOUNT}:role/target"}
        )
        glue.create_integration(IntegrationName="kills", SourceArn=source, TargetArn=target)
        assert daemon.tell(running, "refresh")["integrations"][0]["status"] == "ACTIVE"
        self._query(
            running, "CREATE TABLE kills.numbers (n int) LOCATION 's3://kill-bucket/numbers/' "
            "TBLPROPERTIES ('table_type' = 'ICEBERG')",
        )  # fmt: skip

    def item(self, running: Running, number: int) -> None:
        dynamodb, name = self._client(running, "dynamodb"), f"item-{number % 7}"
        item = {"k": {"S": name}, "n": {"N": str(number)}}
        self.items.attempt(name, number, lambda: dynamodb.put_item(TableName="Items", Item=item))

    def object(self, running: Running, number: int) -> None:
        s3, name = self._client(running, "s3"), f"objects/{number % 5}"
        body = str(number).encode() * (1 + number % 3 * 10_000)
        self.objects.attempt(name, body, lambda: s3.put_object(Bucket="kill-bucket", Key=name, Body=body))

    def role(self, running: Running, number: int) -> None:
        iam, name = self._client(running, "iam"), f"role-{number}"
        self.roles.attempt(name, True, lambda: iam.create_role(RoleName=name, AssumeRolePolicyDocument=_TRUST))

    def version(self, running: Running, number: int) -> None:
        glue, count = self._client(running, "glue"), self.versions.kept["count"] + 1
        table = {"Name": "versions", "Description": str(number)}
        self.versions.attempt("count", count, lambda: glue.update_table(DatabaseName="kills", TableInput=table))

    def row(self, running: Running, number: int) -> None:
        self.rows.unconfirmed[str(number)] = {1}
        self._query(running, f"INSERT INTO kills.numbers VALUES ({number})")
        self.rows.kept[str(number)] = 1

    def _query(self, running: Running, sql: str) -> list[list[str]]:
        athena = self._client(running, "athena")
        started = athena.start_query_execution(QueryString=sql, WorkGroup="primary")["QueryExecutionId"]
        self.queries.kept[started] = True
        while True:
            status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
            if status["State"] not in ("QUEUED", "RUNNING"):
                break
            time.sleep(0.01)
        assert status["State"] == "SUCCEEDED", status
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=started)
        return [
            [cell.get("VarCharValue", "") for cell in row["Data"]]
            for page in pages
            for row in page["ResultSet"]["Rows"]
        ]

    def check(self, running: Running) -> None:
        """Compare the data in all services with the acknowledged writes."""
        s3, glue, iam, dynamodb, athena = (
            self._client(running, name) for name in ("s3", "glue", "iam", "dynamodb", "athena")
        )
        items = {each["k"]["S"]: int(each["n"]["N"]) for each in dynamodb.scan(TableName="Items")["Items"]}
        self.items.check(items)
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket="kill-bucket", Prefix="objects/").get("Contents", ())]
        self.objects.check({key: s3.get_object(Bucket="kill-bucket", Key=key)["Body"].read() for key in keys})
        pages = iam.get_paginator("list_roles").paginate()
        roles = [role["RoleName"] for page in pages for role in page["Roles"]]
        self.roles.check({name: True for name in roles if name.startswith("role-")})
        versions = glue.get_table_versions(DatabaseName="kills", TableName="versions")["TableVersions"]
        assert sorted(int(each["VersionId"]) for each in versions) == list(range(1, len(versions) + 1))
        self.versions.check({"count": len(versions)})
        executions = {
            each
            for page in athena.get_paginator("list_query_executions").paginate(WorkGroup="primary")
            for each in page["QueryExecutionIds"]
        }
        assert self.queries.kept.keys() <= executions
        numbers = self._query(running, "SELECT n, count(*) FROM kills.numbers GROUP BY n")[1:]
        self.rows.check({number: int(count) for number, count in numbers})
        assert daemon.tell(running, "refresh")["integrations"][0]["status"] == "ACTIVE"
        daemon.tell(running, "refresh")
        target = self._query(running, "SELECT k, n FROM kills.items")[1:]
        assert sorted((key, float(number)) for key, number in target) == sorted(items.items())


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    with forked_lakehouses():
        yield tmp_path / "state"
        daemon.stop(tmp_path / "state")
    # If the test fails, pytest shows this output.
    print((tmp_path / "state" / "lakehouse.log").read_text())


def start(state: Path, refresh_seconds: float = 0.1) -> Running:
    return daemon.start(state, port=0, refresh_seconds=refresh_seconds)[0]


def write_until(account: Account, running: Running, end: Callable[[], None]) -> None:
    """Run all writers until the lakehouse stops responding or the writers are stopped."""
    stopped = threading.Event()
    threads = [threading.Thread(target=writer.run, args=(running, stopped)) for writer in account.writers]
    for thread in threads:
        thread.start()
    end()
    stopped.set()
    for thread in threads:
        thread.join()
    assert [writer.wrong for writer in account.writers if writer.wrong] == []


@pytest.mark.timeout(60 + 20 * _KILLS)
def test_acknowledged_writes_survive_when_process_is_killed(state: Path) -> None:
    seed = int(os.environ.get("ZETL_KILL_SEED", time.time_ns() % 10**6))
    print(f"ZETL_KILL_SEED={seed}")
    instants = random.Random(seed)  # noqa: S311  (The moments are not secrets.)
    account = Account()
    running = start(state)
    account.prepare(running)
    for _ in range(_KILLS):

        def kill(pid: int = running.pid) -> None:
            time.sleep(instants.uniform(0.02, 0.8))
            os.kill(pid, signal.SIGKILL)

        write_until(account, running, kill)
        running = start(state)
        account.check(running)
    assert min(len(each.kept) for each in (account.items, account.objects, account.roles, account.rows)) > 0
    assert all(health["ok"] for health in running.health["background"].values()), json.dumps(running.health)


@pytest.mark.timeout(180 + 2 * _SUSPENDED_SECONDS)
def test_suspended_lakehouse_continues_without_losing_writes(state: Path) -> None:
    account = Account()
    running = start(state)
    account.prepare(running)

    def suspend() -> None:
        time.sleep(0.3)
        os.kill(running.pid, signal.SIGSTOP)
        time.sleep(_SUSPENDED_SECONDS)
        os.kill(running.pid, signal.SIGCONT)
        time.sleep(0.3)

    write_until(account, running, suspend)
    account.check(running)
