"""Tests for the workgroup settings that limit or override queries."""

from __future__ import annotations

from typing import Any

import pytest

from local_lakehouse.protocol.faults import Fault
from tests.local_lakehouse.athena.conftest import Athena

RESULTS = {"ResultConfiguration": {"OutputLocation": "s3://lab/results/"}}
CTAS = "CREATE TABLE t WITH (external_location = 's3://lab/t/') AS SELECT 1 AS a"
ICEBERG = "table_type = 'ICEBERG', is_external = false, location = 's3://lab/t/'"
ENFORCED = (
    "The Create Table As Select query failed because it was submitted with an 'external_location' property to an "
    "Athena Workgroup that enforces a centralized output location for all queries. Please remove the "
    "'external_location' property and resubmit the query."
)


def _create(athena: Athena, **configuration: Any) -> None:
    athena.call("CreateWorkGroup", Name="team", Configuration={**RESULTS, **configuration})


@pytest.mark.parametrize("name", ["external_location", "EXTERNAL_LOCATION"])
def test_enforced_output_location_excludes_an_external_location(athena: Athena, name: str) -> None:
    _create(athena)

    with pytest.raises(Fault) as caught:
        athena.start(CTAS.replace("external_location", name), WorkGroup="team")

    assert (caught.value.code, caught.value.message) == ("InvalidRequestException", ENFORCED)


def test_enforced_output_location_excludes_an_external_location_in_a_prepared_statement(athena: Athena) -> None:
    _create(athena)
    athena.run(f"PREPARE p FROM {CTAS}", WorkGroup="team")

    assert ENFORCED in athena.fail("EXECUTE p", WorkGroup="team")
    assert athena.run("SHOW TABLES") == []


def test_enforced_output_location_contains_new_tables(athena: Athena) -> None:
    _create(athena)

    athena.run("CREATE TABLE t AS SELECT 1 AS a", WorkGroup="team")

    location = athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]["StorageDescriptor"]["Location"]
    assert location.startswith("s3://lab/results/tables/")


def test_enforced_output_location_does_not_apply_to_iceberg_tables(athena: Athena) -> None:
    _create(athena)

    athena.run(f"CREATE TABLE t WITH ({ICEBERG}) AS SELECT 1 AS a", WorkGroup="team")

    assert athena.run("SELECT a FROM t") == [["1"]]


def test_external_location_is_accepted_without_enforcement(athena: Athena) -> None:
    _create(athena, EnforceWorkGroupConfiguration=False)

    athena.run(CTAS, WorkGroup="team")

    assert athena.run("SELECT a FROM t") == [["1"]]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM accounts",
        "EXPLAIN ANALYZE SELECT * FROM accounts",
        "INSERT INTO accounts SELECT * FROM accounts",
        "CREATE TABLE t AS SELECT * FROM accounts",
        f"CREATE TABLE t WITH ({ICEBERG}) AS SELECT * FROM accounts",
        "UNLOAD (SELECT * FROM accounts) TO 's3://lab/t/' WITH (format = 'PARQUET')",
        "UPDATE accounts SET state = 'XX' WHERE id > 0",
        "DELETE FROM accounts WHERE id > 0",
        "MERGE INTO accounts a USING accounts b ON a.id = b.id WHEN MATCHED THEN DELETE",
    ],
)
def test_query_that_exceeds_the_scan_limit_is_cancelled(accounts: Athena, sql: str) -> None:
    rows = accounts.run("SELECT * FROM accounts ORDER BY id")
    # The service model's minimum is 10 MB. It is not checked here, so that a small table exceeds the limit.
    _create(accounts, BytesScannedCutoffPerQuery=10)

    document = accounts.finished(accounts.start(sql, WorkGroup="team"))

    assert document["Status"]["State"] == "CANCELLED"
    assert document["Status"]["StateChangeReason"] == "Bytes scanned limit was exceeded"
    assert document["Statistics"]["DataScannedInBytes"] == 10
    with pytest.raises(Fault, match="Could not find results"):
        accounts.call("GetQueryResults", QueryExecutionId=document["QueryExecutionId"])
    assert accounts.run("SELECT * FROM accounts ORDER BY id") == rows
    assert accounts.run("SHOW TABLES") == [["accounts"]]
    assert "Contents" not in accounts.s3.list_objects_v2(Bucket="lab", Prefix="t/")


def test_scan_limit_allows_queries_that_scan_less(accounts: Athena) -> None:
    scanned = accounts.finished(accounts.start("SELECT id FROM accounts"))["Statistics"]["DataScannedInBytes"]
    _create(accounts, EnforceWorkGroupConfiguration=False, BytesScannedCutoffPerQuery=scanned)

    def state(sql: str) -> str:
        found: str = accounts.finished(accounts.start(sql, WorkGroup="team"))["Status"]["State"]
        return found

    assert [state("SELECT id FROM accounts"), state("SELECT id, state FROM accounts")] == ["SUCCEEDED", "CANCELLED"]
    updates = {"RemoveBytesScannedCutoffPerQuery": True}
    accounts.call("UpdateWorkGroup", WorkGroup="team", ConfigurationUpdates=updates)
    assert state("SELECT id, state FROM accounts") == "SUCCEEDED"
