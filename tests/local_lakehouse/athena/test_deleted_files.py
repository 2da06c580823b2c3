"""Tests that queries of an Iceberg table fail if a client has deleted the table's files, which caches still contain."""

from __future__ import annotations

import pytest

from tests.local_lakehouse.athena.conftest import Athena

pytestmark = pytest.mark.once


def _delete(athena: Athena, ending: str) -> dict[str, bytes]:
    """Delete the table's objects whose keys have the given ending, and return their contents."""
    listed = [found["Key"] for found in athena.s3.list_objects_v2(Bucket="lab", Prefix="accounts/")["Contents"]]
    contents = {}
    for key in (key for key in listed if key.endswith(ending)):
        contents[key] = athena.s3.get_object(Bucket="lab", Key=key)["Body"].read()
        athena.s3.delete_object(Bucket="lab", Key=key)
    return contents


@pytest.mark.parametrize(
    ("ending", "reason"),
    [(".parquet", "ICEBERG_CANNOT_OPEN_SPLIT: Error opening Iceberg split"), (".json", "ICEBERG_MISSING_METADATA")],
)
@pytest.mark.parametrize(
    "sql", ["SELECT * FROM accounts", "SELECT count(*) FROM accounts", "DELETE FROM accounts WHERE id = 1"]
)
def test_statement_fails_while_files_are_missing(accounts: Athena, sql: str, ending: str, reason: str) -> None:
    rows = accounts.run("SELECT * FROM accounts")

    contents = _delete(accounts, ending)
    assert contents
    assert accounts.fail(sql).startswith(reason)

    for key, content in contents.items():
        accounts.s3.put_object(Bucket="lab", Key=key, Body=content)
    assert accounts.run("SELECT * FROM accounts") == rows


def test_file_that_the_filter_skips_is_not_required(accounts: Athena) -> None:
    _delete(accounts, ".parquet")

    assert accounts.run("SELECT * FROM accounts WHERE id > 1000") == []
