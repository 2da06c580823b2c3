"""Tests for single values in files and partitions that other programs wrote for Hive tables."""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from local_lakehouse.athena.tables import loads
from local_lakehouse.athena.tables.text_values import read_text
from local_lakehouse.sql import types
from local_lakehouse.sql.types import Type
from tests.local_lakehouse.athena.conftest import Athena

LONG = "1234567890123456789012345678901234.5678"
JSON = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        (types.TINYINT, "-128", -128),
        (types.TINYINT, "128", None),
        (types.SMALLINT, "40000", None),
        (types.INTEGER, "+5", 5),
        (types.INTEGER, "1_000", None),
        (types.INTEGER, "٣", None),
        (types.INTEGER, " 5", None),
        (types.BIGINT, "9223372036854775808", None),
        (types.DOUBLE, "1_0", None),
        (types.DOUBLE, " 2.5 ", 2.5),
        (types.DOUBLE, "-Infinity", float("-inf")),
        (types.DOUBLE, "infinity", None),
        (types.decimal(5, 2), "1.005", Decimal("1.01")),
        (types.decimal(5, 2), "1e2", Decimal("100.00")),
        (types.decimal(5, 2), "999.995", None),
        (types.decimal(5, 2), "NaN", None),
        (types.decimal(38, 4), LONG, Decimal(LONG)),
        (types.BOOLEAN, "TRUE", True),
        (types.BOOLEAN, "1", None),
        (types.DATE, "2024-2-9", date(2024, 2, 9)),
        (types.DATE, "20240209", None),
        (types.DATE, "2024-W06-5", None),
        (types.timestamp(), "2024-01-01 10:20:30.1235", datetime(2024, 1, 1, 10, 20, 30, 124000)),
        (types.timestamp(), "2024-01-01T10:20:30Z", None),
        (types.varchar(2), "abc", "ab"),
        (Type("char", (2,)), "a  ", "a"),
    ],
)
def test_text_is_read_according_to_hive_rules(type_: Type, text: str, expected: object) -> None:
    assert read_text(text, type_) == expected


def parquet(athena: Athena, type_: str, values: pa.Array) -> None:
    """Create a table `t` with one column, whose values are in a Parquet file."""
    body = io.BytesIO()
    pq.write_table(pa.table({"A": values}), body)
    athena.s3.put_object(Bucket="lab", Key="t/f", Body=body.getvalue())
    athena.run(f"CREATE EXTERNAL TABLE t (a {type_}) STORED AS PARQUET LOCATION 's3://lab/t/'")


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        ("bigint", pa.array([1], pa.int32()), "1"),
        ("smallint", pa.array([7], pa.int64()), "7"),
        ("double", pa.array([1.5], pa.float32()), "1.5"),
        ("decimal(5,2)", pa.array([Decimal("1.235")]), "1.24"),
        ("decimal(5,2)", pa.array([5], pa.int32()), "5.00"),
        ("varchar(2)", pa.array(["abc"]), "ab"),
        ("string", pa.array([b"ab"]), "ab"),
        ("struct<b:int,c:string>", pa.array([{"C": "x", "B": 1, "d": 2.5}]), "{b=1, c=x}"),
        ("struct<b:int,z:string>", pa.array([{"c": "x", "b": 1}]), "{b=1, z=null}"),
        ("array<int>", pa.array([[1, None]], pa.list_(pa.int64())), "[1, null]"),
    ],
)
def test_compatible_parquet_type_is_converted(athena: Athena, type_: str, values: pa.Array, expected: str) -> None:
    parquet(athena, type_, values)

    assert athena.run("SELECT a FROM t") == [[expected]]


@pytest.mark.parametrize(
    ("type_", "values", "stored"),
    [
        ("string", pa.array([1], pa.int32()), "INT32"),
        ("int", pa.array(["1"]), "BINARY"),
        ("double", pa.array([1], pa.int64()), "INT64"),
        ("float", pa.array([1.5]), "DOUBLE"),
        ("int", pa.array([True]), "BOOLEAN"),
        ("date", pa.array(["2024-01-01"]), "BINARY"),
        ("date", pa.array([datetime(2024, 1, 1)], pa.timestamp("us")), "INT64"),
        ("timestamp", pa.array([1], pa.int64()), "INT64"),
        ("string", pa.array([[1]]), "group"),
        ("array<string>", pa.array([[1]]), "INT64"),
        ("struct<b:string>", pa.array([{"b": 1}]), "INT64"),
    ],
)
def test_query_fails_on_incompatible_parquet_type(athena: Athena, type_: str, values: pa.Array, stored: str) -> None:
    parquet(athena, type_, values)

    reason = athena.fail("SELECT a FROM t")

    assert reason.startswith(
        f"HIVE_BAD_DATA: Field a's type {stored} in parquet file s3://lab/t/f is incompatible with type "
    )


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("int", pa.array([2**40])),
        ("decimal(5,2)", pa.array([Decimal("123456.78")])),
        ("bigint", pa.array([2**63], pa.uint64())),
    ],
)
def test_query_fails_on_out_of_range_parquet_value(athena: Athena, type_: str, values: pa.Array) -> None:
    parquet(athena, type_, values)

    assert "HIVE_BAD_DATA: A stored value does not fit the type" in athena.fail("SELECT a FROM t")


def test_query_fails_on_incompatible_orc_type(athena: Athena) -> None:
    body = io.BytesIO()
    orc.write_table(pa.table({"a": [1]}), body)
    athena.s3.put_object(Bucket="lab", Key="t/f", Body=body.getvalue())
    athena.run("CREATE EXTERNAL TABLE t (a string) STORED AS ORC LOCATION 's3://lab/t/'")

    assert athena.fail("SELECT a FROM t").startswith(
        "HIVE_BAD_DATA: Malformed ORC file. Cannot read SQL type 'varchar'"
    )


@pytest.mark.parametrize("unit", ["us", "ns"])
@pytest.mark.parametrize("nested", [False, True])
def test_timestamps_are_rounded_to_milliseconds(athena: Athena, unit: str, *, nested: bool) -> None:
    moments = [datetime(1960, 1, 1, 0, 0, 0, 123456), datetime(2024, 1, 1, 0, 0, 0, 123500)]
    if nested:
        parquet(athena, "array<timestamp>", pa.array([[moment] for moment in moments], pa.list_(pa.timestamp(unit))))
    else:
        parquet(athena, "timestamp", pa.array(moments, pa.timestamp(unit)))
    value = "a[1]" if nested else "a"

    assert athena.run(f"SELECT to_unixtime({value}) FROM t ORDER BY 1") == [["-3.15619199877E8"], ["1.704067200124E9"]]
    assert athena.run(f"SELECT count(*) FROM t WHERE {value} = TIMESTAMP '2024-01-01 00:00:00.124'") == [["1"]]


def partitioned(athena: Athena, type_: str, values: list[str]) -> None:
    """Create a table `t` with a partition column, and a partition for each value."""
    athena.run(f"CREATE EXTERNAL TABLE t (a string) PARTITIONED BY (p {type_}) LOCATION 's3://lab/t/'")
    descriptor = athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]["StorageDescriptor"]
    for number, value in enumerate(values):
        athena.s3.put_object(Bucket="lab", Key=f"t/{number}/f", Body=b"x\n")
        athena.glue.create_partition(
            DatabaseName="lab",
            TableName="t",
            PartitionInput={
                "Values": [value],
                "StorageDescriptor": {**descriptor, "Location": f"s3://lab/t/{number}/"},
            },
        )


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("int", "x"),
        ("int", "1_0"),
        ("tinyint", "300"),
        ("date", "20240101"),
        ("decimal(5,2)", "NaN"),
        ("double", "1_0"),
    ],
)
def test_query_fails_on_invalid_partition_value(athena: Athena, type_: str, value: str) -> None:
    partitioned(athena, type_, ["__HIVE_DEFAULT_PARTITION__", value])

    for sql in ("SELECT a, p FROM t", "SELECT a FROM t WHERE p IS NULL"):
        assert athena.fail(sql).startswith(f"HIVE_INVALID_PARTITION_VALUE: Invalid partition value '{value}' for ")


VALUES = ["a", "", "x y", "b/c=d", "100%", "%2F", "é", "a:b"]


def test_partition_values_can_contain_special_characters(athena: Athena) -> None:
    rows = ", ".join(f"('{value}', '{value}')" for value in VALUES)
    athena.run(
        "CREATE TABLE t WITH (partitioned_by = ARRAY['p'], external_location = 's3://lab/t/') AS "
        f"SELECT * FROM (VALUES {rows}) AS v (a, p)"
    )
    # As in Hive, a partition value that is an empty string is read as NULL.
    expected = sorted([value, value or None] for value in VALUES)

    def found() -> list[list[str | None]]:
        return sorted(athena.run("SELECT a, p FROM t"), key=lambda row: str(row[0]))

    assert found() == expected
    for value in filter(None, VALUES):
        assert athena.run(f"SELECT a FROM t WHERE p = '{value}'") == [[value]]
    for partition in athena.glue.get_partitions(DatabaseName="lab", TableName="t")["Partitions"]:
        athena.glue.delete_partition(DatabaseName="lab", TableName="t", PartitionValues=partition["Values"])
    assert athena.run("SELECT a FROM t") == []
    athena.run("MSCK REPAIR TABLE t")
    assert found() == expected


def text_table(athena: Athena, columns: str, clauses: str, body: bytes) -> None:
    """Create a table `t` that reads one text file."""
    athena.s3.put_object(Bucket="lab", Key="t/f", Body=body)
    athena.run(f"CREATE EXTERNAL TABLE t ({columns}) {clauses} LOCATION 's3://lab/t/'")


@pytest.mark.parametrize(
    ("properties", "body"),
    [
        ("'field.delim'=',', 'collection.delim'='2', 'mapkey.delim'='3'", b"p\x02q,k\x031\x02l\x032,s\n"),
        ("'field.delim'='||', 'collection.delim'=';', 'mapkey.delim'=':'", b"p;q|k:1;l:2|s\n"),
        ("'field.delim'=',', 'serialization.null.format'='nil', 'escape.delim'='\\\\'", b"p\x02q,k\x031\x02l\x032,s\n"),
    ],
)
def test_insert_uses_the_separators_of_the_table(athena: Athena, properties: str, body: bytes) -> None:
    text_table(
        athena,
        "a array<string>, m map<string,int>, s string",
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' "
        f"WITH SERDEPROPERTIES ({properties}) STORED AS TEXTFILE",
        body,
    )
    athena.run("INSERT INTO t VALUES (ARRAY['x', NULL], MAP(ARRAY['y'], ARRAY[7]), NULL)")

    assert athena.run("SELECT * FROM t ORDER BY s") == [
        ["[p, q]", "{k=1, l=2}", "s"],
        ["[x, null]", "{y=7}", None],
    ]


def test_separators_in_values_are_escaped(athena: Athena) -> None:
    text_table(
        athena,
        "a string, l array<string>",
        r"ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' ESCAPED BY '\\' COLLECTION ITEMS TERMINATED BY '|'",
        b"x\\,y\\\\,p\\|q|r\n\\N,\\N\n",
    )
    athena.run("INSERT INTO t VALUES ('1,2' || chr(10) || '\\', ARRAY['3|4,', '\\N'])")

    assert athena.run("SELECT a, l FROM t ORDER BY a") == [
        ["1,2\n\\", "[3|4,, \\N]"],
        ["x,y\\", "[p|q, r]"],
        [None, None],
    ]


def test_header_and_footer_lines_are_skipped(athena: Athena) -> None:
    athena.s3.put_object(Bucket="lab", Key="t/f", Body=b"header\nx\nfooter\n")
    athena.run(
        "CREATE EXTERNAL TABLE t (a string) LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('skip.header.line.count'='1', 'skip.footer.line.count'='1')"
    )

    assert athena.run("SELECT a FROM t") == [["x"]]


@pytest.mark.parametrize(
    ("columns", "body", "reason"),
    [
        ("a int", "[1]", "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"),
        ("a int", "5", "HIVE_CURSOR_ERROR: Row is not a valid JSON Object"),
        ("a array<string>", '{"a": "xyz"}', "HIVE_BAD_DATA: Error parsing a JSON record"),
        ("a map<string,int>", '{"a": 5}', "HIVE_BAD_DATA: Error parsing a JSON record"),
        ("a struct<b:int>", '{"a": [1]}', "HIVE_BAD_DATA: Error parsing a JSON record"),
        ("a timestamp", '{"a": 1577836800}', "NOT_SUPPORTED: The local Athena does not read the JSON value 1577836800"),
    ],
)
def test_query_fails_on_json_of_the_wrong_type(athena: Athena, columns: str, body: str, reason: str) -> None:
    text_table(athena, columns, JSON, body.encode())

    assert athena.fail("SELECT * FROM t").startswith(reason)


def test_json_numbers_keep_their_digits(athena: Athena) -> None:
    body = b'{"a": 12345678901234567.89, "b": 1.10, "c": 300, "d": "2024-01-01T00:00:00Z", "e": {"B": 1.10}}'
    text_table(athena, "a decimal(20,2), b string, c tinyint, d timestamp, e struct<b:decimal(5,2)>", JSON, body)

    assert athena.run("SELECT * FROM t") == [
        ["12345678901234567.89", "1.10", None, "2024-01-01 00:00:00.000", "{b=1.10}"]
    ]


def test_query_fails_on_unsupported_serde_property(athena: Athena) -> None:
    text_table(athena, "a string", "", b"x\n")
    entry: dict[str, Any] = athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]
    descriptor = entry["StorageDescriptor"]
    descriptor["SerdeInfo"]["Parameters"]["line.delim"] = ";"
    athena.glue.update_table(DatabaseName="lab", TableInput={"Name": "t", "StorageDescriptor": descriptor})

    assert athena.fail("SELECT a FROM t") == (
        "NOT_SUPPORTED: The local Athena does not support the property 'line.delim' of the SerDe LazySimpleSerDe"
    )


CONDITIONS = [
    ("is_nan({})", 1),
    ("NOT is_nan({})", 2),
    ("{} <= 2", 2),
    ("{} < infinity()", 2),
    ("{} > 0", 2),
    ("{} BETWEEN 0 AND 2", 2),
    ("{} + 1 <= 3", 2),
    ("NOT {} > 2", 3),
    ("{} <> 3", 3),
    ("{} IS NULL", 1),
]


@pytest.mark.parametrize("storage", ["parquet", "iceberg"])
def test_conditions_evaluate_nan_values_from_files_correctly(
    athena: Athena, monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    # With this setting, DuckDB reads the small Iceberg file directly, as if it were large.
    monkeypatch.setattr(loads, "_SMALL_SCAN_BYTES", -1)
    properties = {
        "parquet": "external_location = 's3://lab/t/'",
        "iceberg": "table_type = 'ICEBERG', is_external = false, location = 's3://lab/t/'",
    }
    athena.run(
        f"CREATE TABLE t WITH ({properties[storage]}) AS SELECT d, CAST(d AS real) AS r, ARRAY[d] AS a, "
        "CAST(ROW(d) AS row(d double)) AS s FROM (VALUES 1e0, 2e0, nan(), NULL) AS v (d)"
    )

    for value in ("d", "r", "a[1]", "s.d"):
        found = {
            condition: athena.run(f"SELECT count(*) FROM t WHERE {condition.format(value)}")
            for condition, _ in CONDITIONS
        }
        assert found == {condition: [[str(count)]] for condition, count in CONDITIONS}, value
    assert athena.run("SELECT max(d), min(d), count_if(is_nan(d)) FROM t") == [["2.0", "1.0", "1"]]


# Python and Java format the values of these types differently.
SCALARS = {
    "NaN": "nan()",
    "-Infinity": "-infinity()",
    "1.0E-7": "1e-7",
    "1.0E20": "1e20",
    "1.1": "REAL '1.1'",
    "0.00000000": "DECIMAL '0.00000000'",
    "2020-01-01 00:00:00.120": "TIMESTAMP '2020-01-01 00:00:00.120'",
    "2020-01-01 00:00:00.000": "TIMESTAMP '2020-01-01 00:00:00'",
    "0001-01-01": "DATE '0001-01-01'",
    "true": "true",
    "0a ff": "X'0aff'",
}


@pytest.mark.parametrize("file_format", ["JSON", "TEXTFILE", "PARQUET", "ORC"])
def test_written_values_are_read_unchanged(athena: Athena, file_format: str) -> None:
    columns = []
    for number, sql in enumerate(SCALARS.values()):
        columns += [f"{sql} AS s{number}", f"ARRAY[{sql}] AS a{number}", f"MAP(ARRAY['k'], ARRAY[{sql}]) AS m{number}"]
        columns += [f"CAST(ROW({sql}) AS ROW(f {'varbinary' if sql.startswith('X') else 'varchar'})).f AS r{number}"]
    keys = [name for name in SCALARS if name != "0a ff"]
    columns += [f"MAP(ARRAY[{SCALARS[name]}], ARRAY[1]) AS k{number}" for number, name in enumerate(keys)]
    athena.run(f"CREATE TABLE written WITH (format = '{file_format}') AS SELECT {', '.join(columns)}")

    assert athena.run("SELECT * FROM written") == athena.run(f"SELECT {', '.join(columns)}")
    shown = athena.run("SELECT * FROM written")[0]
    assert [shown[4 * number] for number in range(len(SCALARS) - 1)] == list(SCALARS)[:-1]
    assert [shown[4 * number + 1] for number in range(len(SCALARS) - 1)] == [f"[{name}]" for name in list(SCALARS)[:-1]]
