"""Tests that a conflicting commit is retried or rejected, and that no row is lost."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update import (
    AddPartitionSpecUpdate,
    AddSchemaUpdate,
    SetCurrentSchemaUpdate,
    SetDefaultSpecUpdate,
    TableUpdate,
)
from pyiceberg.transforms import IdentityTransform

from local_lakehouse.athena.writes import iceberg_commits
from local_lakehouse.iceberg import commits
from local_lakehouse.iceberg.catalog import LakehouseCatalog, load_catalog
from local_lakehouse.iceberg.snapshots import Change, make
from tests.local_lakehouse.athena.conftest import Athena, accounts

__all__ = ["accounts"]


def _ids(athena: Athena) -> list[str | None]:
    return [row[0] for row in athena.run("SELECT id FROM accounts ORDER BY id")]


@pytest.fixture
def commit_before_next(accounts: Athena, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Provide a function that commits a statement just before the next commit of another statement."""

    def arrange(sql: str) -> None:
        original = commits.commit

        def late(*arguments: Any) -> None:
            monkeypatch.setattr(commits, "commit", original)
            # Statements on one table wait for each other's locks. Replacing the locks lets this statement commit
            # immediately, as an integration does.
            monkeypatch.setattr(iceberg_commits, "_locks", defaultdict(threading.Lock))
            accounts.run(sql)
            original(*arguments)

        monkeypatch.setattr(commits, "commit", late)

    return arrange


def test_insert_is_retried_after_a_concurrent_delete(
    accounts: Athena, commit_before_next: Callable[[str], None]
) -> None:
    commit_before_next("DELETE FROM accounts WHERE id = 1")

    assert accounts.write("INSERT INTO accounts VALUES (4, 'TX', 1.0)") == 1

    assert _ids(accounts) == ["2", "3", "4"]


def test_insert_is_retried_after_a_concurrent_insert(
    accounts: Athena, commit_before_next: Callable[[str], None]
) -> None:
    commit_before_next("INSERT INTO accounts VALUES (5, 'WA', 2.0)")

    accounts.run("INSERT INTO accounts VALUES (4, 'TX', 1.0)")

    assert _ids(accounts) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE accounts SET state = 'XX' WHERE id = 2",
        "DELETE FROM accounts WHERE id = 2",
        "MERGE INTO accounts t USING (VALUES 2) s(id) ON t.id = s.id WHEN MATCHED THEN DELETE",
    ],
)
def test_statement_that_changes_concurrently_changed_rows_is_rejected(
    accounts: Athena, commit_before_next: Callable[[str], None], sql: str
) -> None:
    commit_before_next("UPDATE accounts SET balance = 7.0 WHERE id = 2")

    assert accounts.fail(sql).startswith("ICEBERG_COMMIT_ERROR: Failed to commit the transaction on table lab.accounts")

    assert accounts.run("SELECT state, balance FROM accounts WHERE id = 2") == [["NY", "7.0"]]
    accounts.write(sql)


def test_optimize_fails_after_a_delete_but_not_after_an_insert(
    accounts: Athena, commit_before_next: Callable[[str], None]
) -> None:
    accounts.run("ALTER TABLE accounts SET TBLPROPERTIES ('optimize_rewrite_data_file_threshold'='1')")
    accounts.run("INSERT INTO accounts VALUES (4, 'TX', 1.0)")
    commit_before_next("INSERT INTO accounts VALUES (5, 'WA', 2.0)")
    accounts.run("OPTIMIZE accounts REWRITE DATA USING BIN_PACK")
    assert _ids(accounts) == ["1", "2", "3", "4", "5"]

    commit_before_next("DELETE FROM accounts WHERE id = 4")
    assert "ICEBERG_COMMIT_ERROR" in accounts.fail("OPTIMIZE accounts REWRITE DATA USING BIN_PACK")
    assert _ids(accounts) == ["1", "2", "3", "5"]


def test_update_table_rejects_an_outdated_version(accounts: Athena) -> None:
    entry = accounts.glue.get_table(DatabaseName="lab", Name="accounts")["Table"]
    table = {key: entry[key] for key in ("Name", "TableType", "Parameters", "StorageDescriptor")}
    accounts.glue.update_table(DatabaseName="lab", TableInput=table, VersionId=entry["VersionId"])

    with pytest.raises(ClientError, match="ConcurrentModificationException"):
        accounts.glue.update_table(DatabaseName="lab", TableInput=table, VersionId=entry["VersionId"])
    versions = accounts.glue.get_table_versions(DatabaseName="lab", TableName="accounts")["TableVersions"]
    accounts.glue.update_table(DatabaseName="lab", TableInput=table, SkipArchive=True)
    after = accounts.glue.get_table_versions(DatabaseName="lab", TableName="accounts")["TableVersions"]
    assert len(after) == len(versions)


def test_rows_are_not_lost_in_concurrent_inserts(accounts: Athena) -> None:
    def add(first: int) -> None:
        for number in range(first, first + 4):
            accounts.write(f"INSERT INTO accounts VALUES ({number}, 'TX', 1.0)")

    threads = [threading.Thread(target=add, args=(first,)) for first in (10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = [*range(1, 4), *range(10, 14), *range(20, 24), *range(30, 34)]
    assert _ids(accounts) == [str(number) for number in expected]


def test_commit_change_rejects_a_table_that_has_changed(accounts: Athena) -> None:
    catalog = load_catalog(accounts.clients)
    table = catalog.load_table(("lab", "accounts"))
    accounts.run("INSERT INTO accounts VALUES (4, 'TX', 1.0)")
    [entry] = [task.file for task in table.scan().plan_files()]

    with pytest.raises(CommitFailedException):
        commits.commit_change(
            table, Change((), [entry], Operation.DELETE), lambda: catalog.load_table(("lab", "accounts"))
        )
    assert _ids(accounts) == ["1", "2", "3", "4"]


def test_one_of_two_alter_statements_is_rejected_if_neither_waits_for_the_other(
    accounts: Athena, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = LakehouseCatalog.commit_table

    def late(catalog: LakehouseCatalog, *arguments: Any) -> CommitTableResponse:
        monkeypatch.setattr(LakehouseCatalog, "commit_table", original)
        monkeypatch.setattr(iceberg_commits, "_locks", defaultdict(threading.Lock))
        accounts.run("ALTER TABLE accounts ADD COLUMNS (first string)")
        return original(catalog, *arguments)

    monkeypatch.setattr(LakehouseCatalog, "commit_table", late)

    assert "ICEBERG_COMMIT_ERROR" in accounts.fail("ALTER TABLE accounts ADD COLUMNS (second string)")

    columns = load_catalog(accounts.clients).load_table(("lab", "accounts")).schema().column_names
    assert columns == ["id", "state", "balance", "first"]


def test_concurrent_alter_statements_all_add_their_columns(accounts: Athena) -> None:
    executions = [accounts.start(f"ALTER TABLE accounts ADD COLUMNS (c{number} string)") for number in range(4)]

    assert [accounts.finished(each)["Status"]["State"] for each in executions] == ["SUCCEEDED"] * 4

    fields = load_catalog(accounts.clients).load_table(("lab", "accounts")).schema().fields
    assert sorted(field.name for field in fields) == ["balance", "c0", "c1", "c2", "c3", "id", "state"]
    assert [field.field_id for field in fields] == list(range(1, 8))


def _partitioned(table: Table, column: str, name: str) -> list[TableUpdate]:
    """Return the updates that partition a table by a column."""
    source = table.schema().find_field(column)
    field = PartitionField(source.field_id, 1000, IdentityTransform(), name)
    return [
        make(AddPartitionSpecUpdate, spec=PartitionSpec(field, spec_id=1)),
        make(SetDefaultSpecUpdate, spec_id=-1),
    ]


def test_commit_rejects_a_partitioning_after_a_concurrent_partitioning(accounts: Athena) -> None:
    table = load_catalog(accounts.clients).load_table(("lab", "accounts"))
    commits.commit(table, _partitioned(table, "state", "by_state"))

    with pytest.raises(CommitFailedException):
        commits.commit(table, _partitioned(table, "id", "by_id"))


def test_commit_rejects_a_partitioning_by_a_column_that_is_dropped_concurrently(accounts: Athena) -> None:
    table = load_catalog(accounts.clients).load_table(("lab", "accounts"))
    accounts.run("ALTER TABLE accounts DROP COLUMN state")

    with pytest.raises(CommitFailedException):
        commits.commit(table, _partitioned(table, "state", "by_state"))


def test_commit_rejects_a_schema_after_a_concurrent_partitioning(accounts: Athena) -> None:
    table = load_catalog(accounts.clients).load_table(("lab", "accounts"))
    commits.commit(table, _partitioned(table, "state", "by_state"))
    schema = Schema(*(field for field in table.schema().fields if field.name != "state"), schema_id=1)

    with pytest.raises(CommitFailedException):
        commits.commit(table, [make(AddSchemaUpdate, schema_=schema), make(SetCurrentSchemaUpdate, schema_id=1)])


def test_search_tables_matches_columns_and_filters(accounts: Athena) -> None:
    def search(**request: Any) -> list[str]:
        return [table["Name"] for table in accounts.glue.search_tables(**request)["TableList"]]

    assert search(SearchText="balance") == ["accounts"]
    assert search(SearchText="nothing") == []
    assert search(Filters=[{"Key": "DatabaseName", "Value": "lab", "Comparator": "EQUALS"}]) == ["accounts"]
    assert search(Filters=[{"Key": "DatabaseName", "Value": "other", "Comparator": "EQUALS"}]) == []
