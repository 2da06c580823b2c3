"""Tests for metadata tables and ``information_schema`` after schema changes and with unreadable tables."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pyiceberg import types as iceberg

from local_lakehouse.athena.tables.human_strings import human_string
from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.iceberg.catalog import load_catalog
from tests.local_lakehouse.athena.conftest import Athena


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (iceberg.BooleanType(), True, "true"),
        (iceberg.LongType(), 5_000_000_000, "5000000000"),
        (iceberg.DoubleType(), 1e10, "1.0E10"),
        (iceberg.FloatType(), 0.5, "0.5"),
        (iceberg.DecimalType(5, 2), Decimal("1.50"), "1.50"),
        (iceberg.StringType(), "a b", "a b"),
        (iceberg.DateType(), 19_000, "2022-01-08"),
        (iceberg.DateType(), date(1969, 12, 31), "1969-12-31"),
        (iceberg.TimeType(), 36_775_038_194, "10:12:55.038194"),
        (iceberg.TimeType(), time(10, 12), "10:12"),
        (iceberg.TimestampType(), 1_512_123_175_038_194, "2017-12-01T10:12:55.038194"),
        (iceberg.TimestampType(), datetime(2017, 12, 1, 10, 12, 55), "2017-12-01T10:12:55"),
        (iceberg.TimestamptzType(), 1_512_123_175_500_000, "2017-12-01T10:12:55.500Z"),
        (iceberg.BinaryType(), b"\x00\xff", "AP8="),
    ],
)
def test_value_of_each_type_is_formatted(type_: iceberg.IcebergType, value: Any, expected: str) -> None:
    assert human_string(type_, value) == expected


def test_bounds_are_human_readable(athena: Athena) -> None:
    athena.run(
        "CREATE TABLE t (id int, at timestamp, day date) PARTITIONED BY (month(at), day) LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run("INSERT INTO t VALUES (1, TIMESTAMP '2024-03-05 10:12:55.5', DATE '2024-03-05')")

    assert athena.run('SELECT lower_bounds[2], upper_bounds[3] FROM "t$files"') == [
        ["2024-03-05T10:12:55.500", "2024-03-05"]
    ]
    [[partitions]] = athena.run('SELECT partitions FROM "t$manifests"')
    assert "lower_bound=2024-03," in str(partitions)
    assert "lower_bound=2024-03-05," in str(partitions)


def test_partitions_table_covers_all_partition_specs(accounts: Athena) -> None:
    table = load_catalog(accounts.clients).load_table(("lab", "accounts"))
    with table.update_spec() as spec:
        spec.add_identity("state")
    accounts.run("INSERT INTO accounts VALUES (4, 'TX', 1.0)")
    accounts.run("ALTER TABLE accounts ADD COLUMNS (note string)")

    rows = accounts.run('SELECT partition.state, record_count, data.id.max FROM "accounts$partitions" ORDER BY 2')
    assert rows == [["TX", "1", "4"], [None, "3", "3"]]
    for name in ("files", "manifests", "history", "snapshots", "refs"):
        assert accounts.run(f'SELECT count(*) > 0 FROM "accounts${name}"') == [["true"]]


def test_unreadable_tables_do_not_break_information_schema(accounts: Athena) -> None:
    accounts.run("CREATE TABLE gone (a int) LOCATION 's3://lab/gone/' TBLPROPERTIES ('table_type'='ICEBERG')")
    accounts.run("CREATE TABLE torn (a int) LOCATION 's3://lab/torn/' TBLPROPERTIES ('table_type'='ICEBERG')")
    for name, body in (("gone", None), ("torn", b"{")):
        entry = accounts.glue.get_table(DatabaseName="lab", Name=name)["Table"]
        key = entry["Parameters"]["metadata_location"].removeprefix("s3://lab/")
        changed = f"{key}.broken"
        if body is not None:
            accounts.s3.put_object(Bucket="lab", Key=changed, Body=body)
        accounts.glue.update_table(
            DatabaseName="lab",
            TableInput={
                "Name": name,
                "StorageDescriptor": entry["StorageDescriptor"],
                "Parameters": {**entry["Parameters"], "metadata_location": f"s3://lab/{changed}"},
            },
        )
    accounts.glue.create_table(
        DatabaseName="lab",
        TableInput={"Name": "odd", "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "strange"}]}},
    )
    accounts.glue.create_table(DatabaseName="lab", TableInput={"Name": "bare"})
    accounts.glue.create_table(DatabaseName="lab", TableInput={"Name": "lost", "Parameters": {"table_type": "ICEBERG"}})

    columns = accounts.run("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'lab'")
    assert columns == [["accounts", "id"], ["accounts", "state"], ["accounts", "balance"]]
    tables = accounts.run("SELECT table_name FROM information_schema.tables WHERE table_schema = 'lab' ORDER BY 1")
    assert [name for [name] in tables] == ["accounts", "bare", "gone", "lost", "odd", "torn"]
    assert accounts.fail("SELECT * FROM gone").startswith("ICEBERG_MISSING_METADATA")
    assert accounts.fail("SELECT * FROM torn").startswith("ICEBERG_INVALID_METADATA")
    assert accounts.fail("SELECT * FROM lost").startswith("ICEBERG_INVALID_METADATA")
    assert accounts.fail("SELECT * FROM odd").startswith("HIVE_INVALID_METADATA")


def test_tables_that_the_caller_cannot_read_have_no_columns(accounts: Athena, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts.run("CREATE TABLE foreign_table (a int) LOCATION 's3://lab/f/' TBLPROPERTIES ('table_type'='ICEBERG')")
    iceberg = Lake.iceberg

    def read(lake: Lake, entry: dict[str, Any], *arguments: Any) -> Any:
        if entry["Name"] == "foreign_table":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetObject")
        return iceberg(lake, entry, *arguments)

    monkeypatch.setattr(Lake, "iceberg", read)
    assert accounts.run("SELECT column_name FROM information_schema.columns WHERE table_schema = 'lab'") == [
        ["id"], ["state"], ["balance"],
    ]  # fmt: skip
