"""Tests for partitions of Hive tables: their names, locations and schemas, and the statements that change them."""

from __future__ import annotations

import pytest

from local_lakehouse.protocol.wire import Fault
from tests.local_lakehouse.athena.conftest import Athena

DELIMITED = "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"


def put(athena: Athena, **objects: str) -> None:
    for key, content in objects.items():
        athena.s3.put_object(Bucket="lab", Key=key, Body=content.encode())


def locations(athena: Athena, table: str = "t") -> dict[tuple[str, ...], str]:
    """Return the location of each partition."""
    found = athena.glue.get_partitions(DatabaseName="lab", TableName=table)["Partitions"]
    return {tuple(each["Values"]): each["StorageDescriptor"]["Location"] for each in found}


@pytest.fixture
def t(athena: Athena) -> Athena:
    """Provide a text table `t` with the partition columns `p` and `n`."""
    athena.run(
        f"CREATE EXTERNAL TABLE t (a int, b string) PARTITIONED BY (p string, n int) {DELIMITED} LOCATION 's3://lab/t/'"
    )
    return athena


def test_added_partition_is_in_the_folder_that_insert_writes(t: Athena) -> None:
    value = "a/b:c=d%é'"
    t.run("ALTER TABLE t ADD PARTITION (n = 1, p = 'a/b:c=d%é\\'')")
    t.run(f"INSERT INTO t VALUES (1, 'x', '{value.replace(chr(39), chr(39) * 2)}', 1)")

    assert locations(t) == {(value, "1"): "s3://lab/t/p=a%2Fb%3Ac%3Dd%25é%27/n=1"}
    assert t.run("SHOW PARTITIONS t") == [["p=a%2Fb%3Ac%3Dd%25é%27/n=1"]]
    assert t.run("SELECT a, p, n FROM t") == [["1", value, "1"]]


def test_msck_reads_the_folders_that_insert_writes(t: Athena) -> None:
    t.run("INSERT INTO t VALUES (1, 'x', 'a/b%2F?é', -1), (2, 'y', NULL, NULL)")
    before = locations(t)
    t.run("ALTER TABLE t DROP PARTITION (p = 'a/b%2F?é', n = -1)")

    assert t.run("MSCK REPAIR TABLE t") == [["Repair: Added partition to metastore t:p=a%2Fb%252F%3Fé/n=-1"]]
    assert locations(t) == before


def test_msck_accepts_subfolders_and_ignores_other_names(t: Athena) -> None:
    keys = ["t/p=1/n=1/sub/x", "t/P=2/n=2/x", "t/p=3/x", "t/n=4/p=4/x", "t/_tmp/p=5/n=5/x", "t/p=6/n=6/"]
    put(t, **dict.fromkeys(keys, "1,x\n"))
    t.run("MSCK REPAIR TABLE t")

    assert sorted(locations(t)) == [("1", "1"), ("6", "6")]


def test_insert_writes_to_the_location_of_an_existing_partition(t: Athena) -> None:
    t.run("ALTER TABLE t ADD PARTITION (p = 'x', n = 1) LOCATION 's3://lab/elsewhere/'")
    t.run("INSERT INTO t VALUES (1, 'a', 'x', 1), (2, 'b', 'y', 2)")

    assert t.run("SELECT a FROM t ORDER BY a") == [["1"], ["2"]]
    assert locations(t) == {("x", "1"): "s3://lab/elsewhere", ("y", "2"): "s3://lab/t/p=y/n=2"}


def test_partition_can_be_renamed_and_moved(t: Athena) -> None:
    put(t, **{"t/p=x/n=1/f": "1,a\n", "other/f": "2,b\n"})
    t.run("ALTER TABLE t ADD PARTITION (p = 'x', n = 1) PARTITION (p = 'y', n = 1)")

    t.run("ALTER TABLE t PARTITION (p = 'x', n = 1) RENAME TO PARTITION (p = 'z', n = 2)")
    assert t.run("SELECT a, p, n FROM t") == [["1", "z", "2"]]
    t.run("ALTER TABLE t PARTITION (n = 2, p = 'z') SET LOCATION 's3://lab/other/'")
    assert t.run("SELECT a, p, n FROM t") == [["2", "z", "2"]]
    assert "already exists" in t.fail("ALTER TABLE t PARTITION (p = 'z', n = 2) RENAME TO PARTITION (p = 'y', n = 1)")
    assert "Partition not found" in t.fail("ALTER TABLE t PARTITION (p = 'x', n = 1) SET LOCATION 's3://lab/t/'")
    assert sorted(locations(t)) == [("y", "1"), ("z", "2")]


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD PARTITION (p = x, n = 1)",
        "ALTER TABLE t DROP PARTITION (p = 'x', n = 1),",
        "ALTER TABLE t DROP PARTITION (p = 'x', n = 1) PARTITION (p = 'y', n = 1)",
        "ALTER TABLE t PARTITION (p = 'x') DROP COLUMN a",
    ],
)
def test_partition_statement_is_rejected(sql: str, t: Athena) -> None:
    with pytest.raises(Fault, match="mismatched input"):
        t.start(sql)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("ALTER TABLE t ADD PARTITION (p = 'x', n = 1) LOCATION 'file:///x'", "not a valid file system URI"),
        ("ALTER TABLE t ADD PARTITION (p = 'x', p = 'y')", "doesn't contain all (2) partition columns"),
        ("ALTER TABLE t PARTITION (p = 'x', n = 1) ADD COLUMNS (c int)", "does not support ALTER TABLE PARTITION ADD"),
    ],
)
def test_partition_statement_fails(sql: str, reason: str, t: Athena) -> None:
    assert reason in t.fail(sql)


def _changed(athena: Athena, before: str, after: str, content: str, serde: str = DELIMITED) -> None:
    """Create a table with a partition, and change the table's columns without changing the partition's."""
    put(athena, **{"s/p=1/f": content})
    athena.run(f"CREATE EXTERNAL TABLE s ({before}) PARTITIONED BY (p int) {serde} LOCATION 's3://lab/s/'")
    athena.run("MSCK REPAIR TABLE s")
    athena.run(f"ALTER TABLE s REPLACE COLUMNS ({after})")


@pytest.mark.parametrize(
    ("before", "after", "content", "rows"),
    [
        ("a int", "a bigint", "1\n3000000000\n", [["1"], [None]]),
        ("a int", "a string", "007\n", [["7"]]),
        ("a float", "a double", "0.1\n", [["0.10000000149011612"]]),
        ("a string", "a int", "1\nx\n", [["1"], [None]]),
        ("a varchar(2)", "a string", "abc\n", [["abc"]]),
        ("a int", "a int, b date", "1\n", [["1"]]),
    ],
)
def test_partition_is_read_with_its_own_types(
    athena: Athena, before: str, after: str, content: str, rows: list[list[str | None]]
) -> None:
    _changed(athena, before, after, content)

    assert athena.run("SELECT a FROM s") == rows


@pytest.mark.parametrize(
    ("before", "after"), [("a date", "a int"), ("a boolean", "a string"), ("a string, b date", "b date, a string")]
)
def test_incompatible_partition_is_an_error(athena: Athena, before: str, after: str) -> None:
    _changed(athena, before, after, "1,2\n")

    reason = athena.fail("SELECT * FROM s")
    assert reason.startswith("HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition")
    assert "partition 'p=1' declared column" in reason


def test_unsupported_conversion_is_refused_by_name(athena: Athena) -> None:
    _changed(athena, "a double", "a decimal(5,2)", "1.5\n")

    assert "does not convert the column 'a' of a partition from double to" in athena.fail("SELECT * FROM s")


def test_parquet_partitions_match_by_name(athena: Athena) -> None:
    athena.run("CREATE TABLE q WITH (partitioned_by = ARRAY['p']) AS SELECT 1 a, 'x' b, 1 p")
    athena.run("ALTER TABLE q REPLACE COLUMNS (b string, a bigint)")
    assert athena.run("SELECT b, a FROM q") == [["x", "1"]]

    athena.run("ALTER TABLE q REPLACE COLUMNS (b date, a bigint)")
    assert athena.fail("SELECT a FROM q").startswith("HIVE_PARTITION_SCHEMA_MISMATCH")


def test_partition_is_read_in_its_own_format(t: Athena) -> None:
    put(t, **{"t/p=x/n=1/f": "1,a\n", "j/f": '{"a": 2, "b": "c"}\n'})
    t.run("ALTER TABLE t ADD PARTITION (p = 'x', n = 1)")
    table = t.glue.get_table(DatabaseName="lab", Name="t")["Table"]["StorageDescriptor"]
    serde = {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": {}}
    descriptor = {**table, "Location": "s3://lab/j", "SerdeInfo": serde}
    partition = {"Values": ["y", "2"], "StorageDescriptor": descriptor}
    t.glue.create_partition(DatabaseName="lab", TableName="t", PartitionInput=partition)

    assert t.run("SELECT a, b, p FROM t ORDER BY a") == [["1", "a", "x"], ["2", "c", "y"]]
    assert "whose format differs from the table" in t.fail("INSERT INTO t VALUES (3, 'd', 'y', 2)")
