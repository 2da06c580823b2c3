"""Tests for bucketed tables: hash values, bucket files, and the files that a statement reads."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from local_lakehouse.athena.tables.bucketing import buckets_of, hash_of
from local_lakehouse.sql import types
from local_lakehouse.sql.failures import MalformedQuery, QueryFailure
from local_lakehouse.sql.grammar.parser import parse_statement
from local_lakehouse.sql.types import Type
from tests.local_lakehouse.athena.conftest import Athena

ROWS = "SELECT CAST(n AS {type}) AS k, n FROM UNNEST(sequence(0, 19)) AS t(n) UNION ALL SELECT CAST(NULL AS {type}), 20"


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        (None, types.BIGINT, 0),
        (True, types.BOOLEAN, 1),
        (7, types.INTEGER, 7),
        (-1, types.INTEGER, 2**32 - 1),
        (7, types.BIGINT, 7),
        (-1, types.BIGINT, 0),
        (2**32, types.BIGINT, 1),
        ("", types.VARCHAR, 0),
        ("test", types.VARCHAR, 3556498),
        ("é", types.VARCHAR, (-61 * 31 - 87) & 0xFFFFFFFF),
        ("a", types.varchar(5), 31 + 97),
        (date(1970, 1, 2), types.DATE, 1),
        (date(1969, 12, 31), types.DATE, 2**32 - 1),
        (1.0, types.DOUBLE, 0x3FF00000),
        (float("nan"), types.DOUBLE, 0x7FF80000),
        (1.0, types.REAL, 0x3F800000),
        ([1, None, 3], types.array(types.INTEGER), 31 * 31 + 3),
        ([("a", 1), ("b", None)], types.map_of(types.VARCHAR, types.INTEGER), (97 ^ 1) + 98),
    ],
)
def test_hash_of_value_matches_hive(value: Any, type_: Type, expected: int) -> None:
    assert hash_of(value, type_) == expected


def test_bucket_depends_on_all_bucket_columns() -> None:
    columns = [
        (pa.chunked_array([pa.array([1, -1])]), types.INTEGER),
        (pa.chunked_array([pa.array(["test", None])]), types.VARCHAR),
    ]

    assert buckets_of(columns, 10) == [(31 + 3556498) % 10, ((-31) & 0x7FFFFFFF) % 10]


def files(athena: Athena, prefix: str) -> list[str]:
    found = athena.s3.list_objects_v2(Bucket="lab", Prefix=prefix).get("Contents", [])
    return [entry["Key"] for entry in found]


def scanned(athena: Athena, sql: str) -> tuple[list[list[str | None]], int]:
    """Return a query's rows and the number of bytes that it scanned."""
    document = athena.finished(athena.start(sql))
    return athena.run(sql), document["Statistics"]["DataScannedInBytes"]


@pytest.mark.parametrize("file_format", ["PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE"])
@pytest.mark.parametrize(
    ("type_", "literal"),
    [
        ("integer", "7"),
        ("bigint", "7"),
        ("smallint", "7"),
        ("varchar", "'7'"),
        ("double", "7.0E0"),
        ("boolean", "TRUE"),
    ],
)
def test_query_reads_only_one_bucket(athena: Athena, file_format: str, type_: str, literal: str) -> None:
    athena.run(
        f"CREATE TABLE t WITH (format = '{file_format}', bucketed_by = ARRAY['k'], bucket_count = 3, "
        f"external_location = 's3://lab/t/') AS {ROWS.format(type=type_)}"
    )
    plain = f"SELECT n FROM ({ROWS.format(type=type_)}) WHERE k = {literal} ORDER BY n"

    rows, size = scanned(athena, f"SELECT n FROM t WHERE k = {literal} ORDER BY n")

    assert rows == athena.run(plain) != []
    assert athena.run(f"SELECT n FROM t WHERE k IN ({literal}) AND k IS NOT NULL ORDER BY n") == rows
    everything, whole = scanned(athena, "SELECT n, k FROM t ORDER BY n")
    assert len(everything) == 21
    assert size < whole
    assert all("_bucket-0000" in name for name in files(athena, "t/"))
    assert athena.run("SELECT count(*) FROM t WHERE k IS NULL") == [["1"]]


def test_partitions_are_bucketed_by_several_columns(athena: Athena) -> None:
    athena.run(
        "CREATE TABLE t WITH (bucketed_by = ARRAY['s', 'd'], bucket_count = 3, partitioned_by = ARRAY['p'], "
        "external_location = 's3://lab/t/') AS SELECT n, chr(CAST(97 + n % 7 AS integer)) AS s, "
        "date_add('day', n % 5, DATE '1970-01-01') AS d, n % 2 AS p FROM UNNEST(sequence(1, 40)) AS t(n)"
    )
    entry = athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]["StorageDescriptor"]
    assert (entry["BucketColumns"], entry["NumberOfBuckets"]) == (["s", "d"], 3)
    assert len(files(athena, "t/p=0/")) == len(files(athena, "t/p=1/")) == 3

    both, size = scanned(athena, "SELECT n FROM t WHERE s = 'd' AND d = DATE '1970-01-04' ORDER BY n")
    one, whole = scanned(athena, "SELECT n FROM t WHERE s = 'd' AND length(s) = 1 ORDER BY n")

    assert both == [["3"], ["38"]]
    assert [int(row[0] or 0) for row in one] == [3, 10, 17, 24, 31, 38]
    assert size < whole
    query = "SELECT count(*) FROM t WHERE s IN ('a', 'b', 'c') AND d IN (DATE '1970-01-01', DATE '1970-01-02')"
    expected = sum(n % 7 < 3 and n % 5 < 2 for n in range(1, 41))
    assert athena.run(query) == [[str(expected)]]


def test_show_create_output_recreates_a_bucketed_table(athena: Athena) -> None:
    athena.run(
        "CREATE EXTERNAL TABLE t (a varchar(10), b int, c string) PARTITIONED BY (p string) "
        "CLUSTERED BY (a, `b`) INTO 5 BUCKETS STORED AS PARQUET LOCATION 's3://lab/t/'"
    )

    statement = [str(row[0]) for row in athena.run("SHOW CREATE TABLE t")]

    start = statement.index("CLUSTERED BY ( ")
    assert statement[start : start + 5] == [
        "CLUSTERED BY ( ",
        "  `a`, ",
        "  `b`) ",
        "INTO 5 BUCKETS",
        "ROW FORMAT SERDE ",
    ]
    athena.run("DROP TABLE t")
    athena.run("\n".join(statement))
    assert [row[0] for row in athena.run("SHOW CREATE TABLE t")] == statement


@pytest.mark.parametrize(
    ("clauses", "reason"),
    [
        ("CLUSTERED BY (z) INTO 5 BUCKETS", "Invalid column reference z"),
        ("CLUSTERED BY (p) INTO 5 BUCKETS", "Invalid column reference p"),
    ],
)
def test_create_table_rejects_invalid_bucket_columns(athena: Athena, clauses: str, reason: str) -> None:
    statement = f"CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (p string) {clauses} LOCATION 's3://lab/t/'"

    assert reason in athena.fail(statement)


@pytest.mark.parametrize(
    ("clause", "reason"),
    [
        ("CLUSTERED BY (a) SORTED BY (a ASC) INTO 5 BUCKETS", "SORTED BY"),
        ("CLUSTERED BY (a) INTO x BUCKETS", "mismatched input 'x'"),
        ("CLUSTERED BY (a) INTO 0 BUCKETS", "mismatched input '0'"),
        ("CLUSTERED BY (a)", "mismatched input 'LOCATION'"),
        ("CLUSTERED BY a INTO 5 BUCKETS", "mismatched input 'a'"),
    ],
)
def test_parser_rejects_invalid_clustered_by_clauses(clause: str, reason: str) -> None:
    with pytest.raises((MalformedQuery, QueryFailure), match=reason):
        parse_statement(f"CREATE EXTERNAL TABLE t (a int) {clause} LOCATION 's3://lab/t/'")


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("bucketed_by = ARRAY['k']", "must be specified together"),
        ("bucket_count = 3", "must be specified together"),
        ("bucketed_by = ARRAY['k'], bucket_count = -1", "must be specified together"),
        ("bucketed_by = ARRAY['z'], bucket_count = 2", "Bucketing columns ['z'] not present in schema"),
        ("bucketed_by = ARRAY['p'], bucket_count = 2, partitioned_by = ARRAY['p']", "Bucketing columns ['p']"),
        ("bucketed_by = ARRAY['t'], bucket_count = 2", "a column of type timestamp(3)"),
        ("bucketed_by = ARRAY['n'], bucket_count = 2", "a column of type decimal(3,2)"),
        ("bucketed_by = ARRAY['k'], bucket_count = 101", "HIVE_TOO_MANY_OPEN_PARTITIONS"),
    ],
)
def test_ctas_rejects_invalid_bucketing(athena: Athena, properties: str, reason: str) -> None:
    rows = (
        "SELECT k, TIMESTAMP '2024-01-01 00:00:00.000' AS t, DECIMAL '1.25' AS n, 'x' AS p "
        "FROM UNNEST(sequence(0, 200)) t(k)"
    )

    assert reason in athena.fail(f"CREATE TABLE bad WITH ({properties}) AS {rows}")
    assert "TABLE_NOT_FOUND" in athena.fail("SELECT * FROM bad")


def test_insert_into_a_bucketed_table_is_rejected(athena: Athena) -> None:
    athena.run("CREATE TABLE t WITH (bucketed_by = ARRAY['a'], bucket_count = 2) AS SELECT 1 AS a")

    assert "INSERT INTO is not supported on bucketed tables" in athena.fail("INSERT INTO t VALUES (2)")
    assert "NOT_SUPPORTED" in athena.fail(
        "CREATE TABLE i (a int) CLUSTERED BY (a) INTO 2 BUCKETS LOCATION 's3://lab/i/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )


def external(athena: Athena, names: list[str], properties: str = "") -> None:
    """Create a table with two buckets. Each file contains its own index in the list of names."""
    for number, name in enumerate(names):
        athena.s3.put_object(Bucket="lab", Key=f"t/{name}", Body=f"{number}\n".encode())
    athena.run(
        "CREATE EXTERNAL TABLE t (a int) CLUSTERED BY (a) INTO 2 BUCKETS LOCATION 's3://lab/t/'"
        + (f" TBLPROPERTIES ({properties})" if properties else "")
    )


@pytest.mark.parametrize(
    "names",
    [
        ["000000_0", "000001_0"],
        ["000000_0_copy_1", "000001_0_20200101_111111_00000_abcde"],
        ["20200101_111111_00000_abcde_bucket-00000", "20200101_111111_00000_abcde_bucket-00001.gz-not"],
        ["a_bucket-00000.csv", "a_bucket-00001.csv"],
        ["a", "b"],
    ],
)
def test_bucket_files_are_matched_by_name_or_order(athena: Athena, names: list[str]) -> None:
    external(athena, names)

    for number in range(2):
        rows, size = scanned(athena, f"SELECT a FROM t WHERE a = {number}")
        assert (rows, size) == ([[str(number)]], 2)
    assert athena.run("SELECT a FROM t ORDER BY a") == [["0"], ["1"]]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a", "b", "c"], "File 'a' does not match the standard naming pattern"),
        (["000000_0", "000002_0"], "The highest bucket number in the directory (2) exceeds"),
        (["x/000000_0", "000001_0"], "Found sub-directory 'x'"),
    ],
)
def test_query_fails_on_invalid_bucket_files(athena: Athena, names: list[str], reason: str) -> None:
    external(athena, names)

    error = athena.fail("SELECT a FROM t")

    assert "HIVE_INVALID_BUCKET_FILES: Hive table 'lab.t' is corrupt. " in error
    assert reason in error


@pytest.mark.parametrize("properties", ["'bucketing_format'='spark'", "'bucketing_version'='2'"])
def test_all_buckets_are_read_if_the_hash_function_differs(athena: Athena, properties: str) -> None:
    external(athena, ["x/000001_0", "y", "z"], properties)

    assert athena.run("SELECT a FROM t WHERE a = 1") == [["1"]]
    assert athena.run("SELECT a FROM t ORDER BY a") == [["0"], ["1"], ["2"]]


def test_query_rejects_a_missing_bucket_column(athena: Athena) -> None:
    columns = {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://lab/t", "BucketColumns": ["z"]}
    athena.glue.create_table(
        DatabaseName="lab", TableInput={"Name": "t", "StorageDescriptor": {**columns, "NumberOfBuckets": 3}}
    )

    assert "HIVE_INVALID_METADATA: Table 'lab.t' is bucketed on non-existent column 'z'" in athena.fail(
        "SELECT * FROM t"
    )


@pytest.mark.parametrize("partitions", ["", ", partitioning = ARRAY['b']"])
def test_boolean_conditions_do_not_skip_matching_files(athena: Athena, partitions: str) -> None:
    athena.run(
        f"CREATE TABLE i WITH (table_type = 'ICEBERG', is_external = false, location = 's3://lab/i/'{partitions}) AS "
        "SELECT TRUE AS b, 1 AS n UNION ALL SELECT FALSE, 2 UNION ALL SELECT NULL, 3"
    )

    for condition, expected in [
        ("b = TRUE", "1"),
        ("b < TRUE", "2"),
        ("b > FALSE", "1"),
        ("b <= FALSE", "2"),
        ("b IN (FALSE)", "2"),
        ("TRUE = b", "1"),
    ]:
        assert athena.run(f"SELECT n FROM i WHERE {condition}") == [[expected]], condition
