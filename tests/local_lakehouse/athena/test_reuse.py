"""Tests for the reuse of query results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.local_lakehouse.athena.conftest import Athena
from tests.local_lakehouse.lake_formation.test_governance import ALL, NO_FILES, READ_FILES, Account, build

REUSE: dict[str, Any] = {
    "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 5}}
}
SQL = "SELECT state FROM accounts ORDER BY id"


def _reused(document: dict[str, Any]) -> bool:
    reused: bool = document["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]
    return reused


def _run(athena: Athena, sql: str) -> tuple[bool, list[str]]:
    """Run a query with result reuse, and return whether a result was reused and the first column of the rows."""
    document = athena.finished(athena.start(sql, **REUSE))
    page = athena.call("GetQueryResults", QueryExecutionId=document["QueryExecutionId"])
    return _reused(document), [row["Data"][0].get("VarCharValue", "") for row in page["ResultSet"]["Rows"][1:]]


@pytest.fixture
def account() -> Iterator[Account]:
    """Provide an account with an administrator, and an analyst without permissions on the table's files."""
    lakehouse = Lakehouse(Settings(paused=True))
    yield build(lakehouse)
    lakehouse.stop()


def _query(athena: Any, sql: str = ALL) -> dict[str, Any]:
    """Run a query with result reuse through a client, and return the execution's description."""
    started = athena.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": "shop"}, **REUSE
    )["QueryExecutionId"]  # fmt: skip
    while True:
        document: dict[str, Any] = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
        if document["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return document


def test_reused_result_has_no_scanned_bytes_and_all_rows(accounts: Athena) -> None:
    first = accounts.finished(accounts.start(SQL, **REUSE))

    second = accounts.finished(accounts.start(SQL, **REUSE))

    assert [_reused(first), _reused(second)] == [False, True]
    assert second["Statistics"]["DataScannedInBytes"] == 0
    assert second["ResultConfiguration"] == first["ResultConfiguration"]
    rows = accounts.call("GetQueryResults", QueryExecutionId=second["QueryExecutionId"])["ResultSet"]["Rows"]
    assert len(rows) == 4


@pytest.mark.once
def test_reuse_requires_access_to_the_tables(account: Account) -> None:
    admin, analyst = account.admin.client("athena"), account.analyst_client("athena")
    assert _query(admin)["Status"]["State"] == "SUCCEEDED"

    status = _query(analyst)["Status"]

    assert (status["State"], NO_FILES in status["StateChangeReason"]) == ("FAILED", True)
    account.set_analyst_policy(READ_FILES)
    assert _reused(_query(analyst))


@pytest.mark.once
def test_result_of_a_registered_table_is_not_reused(account: Account) -> None:
    admin, analyst = account.admin.client("athena"), account.analyst_client("athena")
    _query(admin)
    assert _reused(_query(admin))
    account.register()
    account.opt_in()
    account.grant("SELECT", "DESCRIBE")
    assert not _reused(_query(admin)), "Lake Formation does not check the administrator, but the table is registered"
    assert not _reused(_query(analyst))

    account.revoke("SELECT")

    assert "Required Select on orders" in _query(analyst)["Status"]["StateChangeReason"]


@pytest.mark.once
def test_result_of_the_information_schema_is_not_reused(account: Account) -> None:
    admin = account.admin.client("athena")
    for _ in range(2):
        document = _query(admin, "SELECT table_name FROM information_schema.tables ORDER BY table_name")
        assert (document["Status"]["State"], _reused(document)) == ("SUCCEEDED", False)


def test_deleted_result_is_not_reused(accounts: Athena) -> None:
    first = accounts.finished(accounts.start(SQL, **REUSE))
    bucket, _, key = first["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
    accounts.s3.delete_object(Bucket=bucket, Key=key)

    assert _run(accounts, SQL) == (False, ["CA", "NY", ""])
    assert _run(accounts, SQL) == (True, ["CA", "NY", ""]), "the second execution wrote its result again"


def test_result_of_a_changed_prepared_statement_is_not_reused(accounts: Athena) -> None:
    accounts.run("PREPARE p FROM SELECT state FROM accounts WHERE id = ?")
    execute = "EXECUTE p USING 1"
    assert _run(accounts, execute) == (False, ["CA"])
    assert _run(accounts, execute) == (True, ["CA"])

    accounts.run("PREPARE p FROM SELECT balance FROM accounts WHERE id = ?")

    assert _run(accounts, execute) == (False, ["10.5"])
    accounts.run("PREPARE p FROM SELECT id, random() FROM accounts WHERE id = ?")
    assert [_run(accounts, execute), _run(accounts, execute)] == [(False, ["1"])] * 2


def test_result_of_a_dropped_table_is_not_reused(accounts: Athena) -> None:
    _run(accounts, SQL)
    accounts.run("DROP TABLE accounts")

    assert "TABLE_NOT_FOUND" in accounts.fail(SQL, **REUSE)
