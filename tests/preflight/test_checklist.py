"""Tests that run the checklist's commands in order with the AWS CLI."""

import shlex

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.testing import Clock, TestLakehouse
from tests.preflight.table_designs import THREAD
from tests.preflight.test_predictions import bytes_of
from zetl_helpers import preflight
from zetl_helpers.preflight import Places

clidriver = pytest.importorskip("awscli.clidriver", reason="the AWS CLI is not installed in this environment")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_commands_replicate_table(
    region: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lakehouse = Lakehouse(Settings(region=region, refresh_seconds=3600))
    lakehouse.start()
    try:
        account = TestLakehouse(lakehouse, Clock())
        for name, value in account.environment.items():
            monkeypatch.setenv(name, value)
        dynamodb = account.client("dynamodb")
        roles = zip(THREAD.keys, ("HASH", "RANGE"), strict=True)
        dynamodb.create_table(
            TableName=THREAD.name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": name, "KeyType": role} for name, role in roles],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in THREAD.keys],
        )  # fmt: skip
        for item in THREAD.items:
            dynamodb.put_item(TableName=THREAD.name, Item=bytes_of(item))
        report = preflight.of_items(THREAD.items, name=THREAD.name, keys=THREAD.keys)
        places = Places(THREAD.name, account=account.account, region=region, bucket="threads-bucket")
        month = {"FieldName": "LastPostedDateTime", "FunctionSpec": "month", "ConversionSpec": "iso"}
        for task in report.checklist(places, unnest="TOPLEVEL", partition_by=[month]):
            # The commands run in this process, because starting a process takes longer than running a command.
            assert clidriver.create_clidriver().main(shlex.split(task.command)[1:]) == 0, (
                task.title,
                capsys.readouterr(),
            )
        account.refresh()
        account.refresh()
        (integration,) = account.client("glue").describe_integrations()["Integrations"]
        assert (integration["Status"], integration.get("Errors", [])) == ("ACTIVE", [])
        assert [row["subject"] for row in account.query("SELECT subject FROM lakehouse.thread ORDER BY 1")] == [
            "Thread 1", "Thread 2",
        ]  # fmt: skip
    finally:
        lakehouse.stop()


def test_checklist_is_readable_as_text_and_html() -> None:
    report = preflight.of_items(THREAD.items, name=THREAD.name, keys=THREAD.keys)
    text = report.checklist(Places("Thread"))
    assert "☐ 1. Enable point-in-time recovery" in repr(text)
    assert "<li>☐ <b>Enable point-in-time recovery.</b>" in text._repr_html_()
