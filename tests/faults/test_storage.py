"""Tests that no acknowledged write is lost if the state folder is full or read-only, or if the clock jumps."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.protocol.request import Request
from local_lakehouse.testing import Clock, TestLakehouse

pytestmark = pytest.mark.once


@pytest.fixture
def fresh_lakehouse(tmp_path: Path) -> Iterator[tuple[Lakehouse, TestLakehouse]]:
    clock = Clock()
    lakehouse = Lakehouse(Settings(tmp_path / "state", paused=True, clock=clock))
    lakehouse.start()
    yield lakehouse, TestLakehouse(lakehouse, clock)
    lakehouse.stop()


def simulate_full_disk(lakehouse: Lakehouse) -> None:
    """Simulate a disk without space for another database page."""
    with lakehouse.database.lock:
        pages = lakehouse.database._writer.execute("PRAGMA page_count").fetchone()[0]
        lakehouse.database._writer.execute(f"PRAGMA max_page_count = {pages}")


def free_disk_space(lakehouse: Lakehouse) -> None:
    with lakehouse.database.lock:
        lakehouse.database._writer.execute("PRAGMA max_page_count = 1000000")


def make_read_only(lakehouse: Lakehouse, value: str) -> None:
    with lakehouse.database.lock:
        lakehouse.database._writer.execute(f"PRAGMA query_only = {value}")


def databases(client: Any) -> set[str]:
    return {each["Name"] for each in client("glue").get_databases()["DatabaseList"]}


def test_requests_fail_on_full_disk_but_acknowledged_writes_are_kept(
    fresh_lakehouse: tuple[Lakehouse, TestLakehouse],
) -> None:
    lakehouse, test = fresh_lakehouse
    glue = test.client("glue")
    glue.create_database(DatabaseInput={"Name": "before"})
    simulate_full_disk(lakehouse)
    acknowledged = {"before"}

    def write_until_error() -> None:
        for number in range(200):
            glue.create_database(DatabaseInput={"Name": f"d{number}", "Description": "x" * 1000})
            acknowledged.add(f"d{number}")

    with pytest.raises(ClientError, match=r"disk is full.*free some space") as refused:
        write_until_error()

    assert refused.value.response["Error"]["Code"] == "InternalServiceException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert databases(test.client) - {"default"} == acknowledged
    free_disk_space(lakehouse)
    glue.create_database(DatabaseInput={"Name": "after"})
    assert databases(test.client) - {"default"} == {*acknowledged, "after"}


def test_failed_upload_keeps_old_object(
    fresh_lakehouse: tuple[Lakehouse, TestLakehouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse, test = fresh_lakehouse
    s3 = test.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"kept")
    with monkeypatch.context() as patch:

        def fail(path: Path, content: bytes) -> int:
            with path.open("wb") as file:
                file.write(content[: len(content) // 2])
            raise OSError(28, "No space left on device")

        patch.setattr(Path, "write_bytes", fail)
        with pytest.raises(ClientError, match="disk is full"):
            s3.put_object(Bucket="bucket", Key="k", Body=b"lost")

    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"kept"
    assert len(list((lakehouse.database.directory / "objects").glob("*/*"))) == 1
    s3.put_object(Bucket="bucket", Key="k", Body=b"again")
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"again"


def test_read_only_folder_allows_reads_and_rejects_writes(fresh_lakehouse: tuple[Lakehouse, TestLakehouse]) -> None:
    lakehouse, test = fresh_lakehouse
    test.client("iam").create_role(RoleName="kept", AssumeRolePolicyDocument="{}")
    make_read_only(lakehouse, "ON")
    with pytest.raises(ClientError, match="not writable"):
        test.client("iam").create_role(RoleName="lost", AssumeRolePolicyDocument="{}")

    assert test.client("iam").get_role(RoleName="kept")["Role"]["RoleName"] == "kept"
    with pytest.raises(test.client("iam").exceptions.NoSuchEntityException):
        test.client("iam").get_role(RoleName="lost")
    make_read_only(lakehouse, "OFF")
    test.client("iam").create_role(RoleName="lost", AssumeRolePolicyDocument="{}")


def test_failed_write_is_not_visible(fresh_lakehouse: tuple[Lakehouse, TestLakehouse]) -> None:
    lakehouse, test = fresh_lakehouse
    athena = test.client("athena")
    athena.create_work_group(Name="kept")
    make_read_only(lakehouse, "ON")
    with pytest.raises(ClientError, match="not writable"):
        athena.create_work_group(Name="lost")
    make_read_only(lakehouse, "OFF")

    assert {each["Name"] for each in athena.list_work_groups()["WorkGroups"]} == {"primary", "kept"}
    athena.create_work_group(Name="lost")


def test_changes_persist_across_restarts(tmp_path: Path) -> None:
    for number in range(3):
        lakehouse = Lakehouse(Settings(tmp_path / "state", paused=True))
        lakehouse.start()
        athena = TestLakehouse(lakehouse, Clock()).client("athena")
        athena.create_work_group(Name=f"group{number}")
        names = {each["Name"] for each in athena.list_work_groups()["WorkGroups"]}
        lakehouse.stop()

        assert names == {"primary", *(f"group{each}" for each in range(number + 1))}


def test_data_is_not_lost_when_clock_jumps(fresh_lakehouse: tuple[Lakehouse, TestLakehouse]) -> None:
    _, test = fresh_lakehouse
    test.create_table("Orders", [{"id": "a", "n": 1}], key="id")
    test.integrate("Orders", "sales")
    for number, jump in enumerate((3600.0, -7200.0, 86_400.0), start=2):
        test.clock.advance(seconds=jump)
        test.table("Orders").put_item(Item={"id": str(number), "n": number})
        test.refresh()

    rows = test.query("SELECT id FROM sales.orders")
    assert sorted(row["id"] for row in rows) == ["2", "3", "4", "a"]


TABLE = {
    "TableName": "Pets",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
}


@contextlib.contextmanager
def failing_commits(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the commits of requests fail as if the disk were full."""
    original = lakehouse.backend.transaction

    @contextlib.contextmanager
    def transaction(request: Request) -> Iterator[None]:
        nested = lakehouse.database.writing
        with original(request):
            yield
            if nested:
                return
            raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(lakehouse.backend, "transaction", transaction)
        yield


def test_first_write_that_is_not_saved_can_be_repeated(
    fresh_lakehouse: tuple[Lakehouse, TestLakehouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse, test = fresh_lakehouse
    dynamodb = test.client("dynamodb")
    with failing_commits(lakehouse, monkeypatch), pytest.raises(ClientError, match="disk is full"):
        dynamodb.create_table(**TABLE)
    dynamodb.create_table(**TABLE)
    dynamodb.put_item(TableName="Pets", Item={"k": {"S": "Rex"}})
    assert dynamodb.get_item(TableName="Pets", Key={"k": {"S": "Rex"}})["Item"] == {"k": {"S": "Rex"}}


def test_first_transaction_that_is_not_saved_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put = {"TransactItems": [{"Put": {"TableName": "Pets", "Item": {"k": {"S": "Rex"}}}}], "ClientRequestToken": "t"}
    for restarted in (False, True):
        lakehouse = Lakehouse(Settings(tmp_path / "state", paused=True))
        lakehouse.start()
        try:
            dynamodb = TestLakehouse(lakehouse, Clock()).client("dynamodb")
            if not restarted:
                dynamodb.create_table(**TABLE)
                continue
            with failing_commits(lakehouse, monkeypatch), pytest.raises(ClientError, match="disk is full"):
                dynamodb.transact_write_items(**put)
            dynamodb.transact_write_items(**put)
            assert dynamodb.scan(TableName="Pets")["Count"] == 1
        finally:
            lakehouse.stop()
