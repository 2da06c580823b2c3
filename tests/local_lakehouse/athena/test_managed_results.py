"""Tests for managed query results and the database ``default``."""

from __future__ import annotations

import pytest

from local_lakehouse.protocol.faults import Fault
from tests.local_lakehouse.athena.conftest import Athena

MANAGED = {"ManagedQueryResultsConfiguration": {"Enabled": True}}


def _rows(athena: Athena, execution_id: str) -> list[str]:
    page = athena.call("GetQueryResults", QueryExecutionId=execution_id)
    return [row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]]


def test_managed_results_are_available_only_through_the_api(athena: Athena) -> None:
    athena.call("CreateWorkGroup", Name="managed", Configuration=MANAGED)

    execution_id = athena.start("SELECT 7 AS x", WorkGroup="managed")
    document = athena.finished(execution_id)

    assert document["Status"]["State"] == "SUCCEEDED"
    assert "ResultConfiguration" not in document
    assert document["ManagedQueryResultsConfiguration"] == {"Enabled": True}
    assert _rows(athena, execution_id) == ["x", "7"]


def test_ctas_requires_a_location_if_results_are_managed(athena: Athena) -> None:
    athena.call("CreateWorkGroup", Name="managed", Configuration=MANAGED)

    assert "external_location" in athena.fail("CREATE TABLE t AS SELECT 1 AS a", WorkGroup="managed")
    athena.run("CREATE TABLE t WITH (external_location = 's3://lab/t/') AS SELECT 1 AS a", WorkGroup="managed")
    assert athena.run("SELECT a FROM t") == [["1"]]


def test_workgroup_cannot_have_both_managed_results_and_a_location(athena: Athena) -> None:
    location = {"ResultConfiguration": {"OutputLocation": "s3://lab/results/"}}
    with pytest.raises(Fault, match="managed query results"):
        athena.call("CreateWorkGroup", Name="both", Configuration={**MANAGED, **location})
    athena.call("CreateWorkGroup", Name="own", Configuration=location)
    updates = {"ManagedQueryResultsConfigurationUpdates": {"Enabled": True}}
    with pytest.raises(Fault, match="managed query results"):
        athena.call("UpdateWorkGroup", WorkGroup="own", ConfigurationUpdates=updates)

    updates |= {"ResultConfigurationUpdates": {"RemoveOutputLocation": True}}
    athena.call("UpdateWorkGroup", WorkGroup="own", ConfigurationUpdates=updates)
    execution_id = athena.start("SELECT 1 AS x", WorkGroup="own")
    athena.finished(execution_id)
    assert _rows(athena, execution_id) == ["x", "1"]


def test_default_database_is_created_on_first_use(athena: Athena) -> None:
    assert "default" not in [row[0] for row in athena.run("SHOW DATABASES")]

    athena.run("CREATE TABLE default.t WITH (external_location = 's3://lab/d/') AS SELECT 1 AS a")

    assert athena.run("SELECT a FROM t", "default") == [["1"]]
    assert athena.run("SHOW TABLES", None) == [["t"]]
    assert "default" in [row[0] for row in athena.run("SHOW DATABASES")]
