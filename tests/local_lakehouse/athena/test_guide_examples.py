"""Tests for the Athena user guide's examples that use tables and show results, with changed names and values.

Examples without tables are in `tests/local_lakehouse/sql/test_examples.py`.

https://docs.aws.amazon.com/athena/latest/ug/ddl-sql-reference.html
"""

from __future__ import annotations

import pytest

from tests.local_lakehouse.athena.conftest import Athena

CSV = "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"


def external(athena: Athena, columns: str, serde: str, text: str) -> None:
    """Create an external table that reads one file."""
    athena.s3.put_object(Bucket="lab", Key="guide/file.csv", Body=text.encode())
    athena.run(f"CREATE EXTERNAL TABLE guide ({columns}) {serde} LOCATION 's3://lab/guide/'")


def words(athena: Athena, statement: str) -> list[list[str]]:
    """Return the words in each line of a result."""
    return [(line or "").split() for [line] in athena.run(statement)]


def test_csv_serde_reads_dates_as_days_and_timestamps_as_milliseconds(athena: Athena) -> None:
    columns = "`paid_by` string, `paid_on` date, `paid_at` timestamp"
    external(athena, columns, CSV, '"paid on 18276","18276","1579059880000"\n')
    assert athena.run("SELECT * FROM guide") == [["paid on 18276", "2020-01-15", "2020-01-15 03:44:40.000"]]


@pytest.mark.parametrize(
    ("type_", "text"), [("int", ""), ("date", "2020-01-15"), ("timestamp", "2020-01-15 03:44:40"), ("double", "x")]
)
def test_csv_serde_rejects_values_that_are_not_numbers(athena: Athena, type_: str, text: str) -> None:
    external(athena, f"a {type_}", CSV, f'"{text}"\n')
    assert athena.fail("SELECT * FROM guide").startswith(f"HIVE_BAD_DATA: Error parsing field value '{text}' for")


def test_csv_serde_escapes_tabs_and_newlines(athena: Athena) -> None:
    serde = CSV + ' WITH SERDEPROPERTIES ("separatorChar" = ",", "escapeChar" = "\\\\")'
    external(athena, "f1 string, s2 string", serde, '" \\\\t\\\\t\\\\n 123 \\\\t\\\\t\\\\n ",abc\n" 456 ",xyz\n')
    assert athena.run("SELECT * FROM guide") == [[" \\t\\t\\n 123 \\t\\t\\n ", "abc"], [" 456 ", "xyz"]]


def test_csv_serde_applies_each_property(athena: Athena) -> None:
    serde = (
        CSV
        + " WITH SERDEPROPERTIES ('separatorChar' = ',', 'quoteChar' = '\"', 'escapeChar' = '\\\\') STORED AS TEXTFILE"
    )
    columns = ", ".join(f"col{n} string" for n in range(1, 5))
    external(athena, columns, serde, '"a1","a2","a3","a4"\n"1","2","abc","def"\n"a","a1","abc3","ab4"\n')
    rows = [["a1", "a2", "a3", "a4"], ["1", "2", "abc", "def"], ["a", "a1", "abc3", "ab4"]]
    assert athena.run("SELECT * FROM guide") == rows


def test_struct_field_can_be_cast(athena: Athena) -> None:
    serde = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
    text = '{"payer": {"account": "112233445566"}}\n{"payer": {"account": "998877665544"}}\n'
    external(athena, "payer struct<account:string>", serde, text)
    query = "SELECT CAST(payer.account AS bigint) AS newid FROM guide LIMIT 2"
    assert sorted(athena.run(query)) == [["112233445566"], ["998877665544"]]


def test_show_columns_lists_the_replaced_columns(athena: Athena) -> None:
    external(
        athena, "col1 string, col2 string, col3 string", "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','", "a,b,c\n"
    )
    assert words(athena, "SHOW COLUMNS IN guide") == [["col1"], ["col2"], ["col3"]]
    athena.run("ALTER TABLE guide REPLACE COLUMNS (first_name string, last_name string, city string)")
    assert words(athena, "SHOW COLUMNS IN guide") == [["first_name"], ["last_name"], ["city"]]


def test_describe_lists_the_partition_column_twice(athena: Athena) -> None:
    serde = "PARTITIONED BY (dt string) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
    external(athena, "paid string, timers struct<lookup:string,request:string>", serde, "")
    assert words(athena, "DESCRIBE guide") == [
        ["paid", "string", "from", "deserializer"],
        ["timers", "struct<lookup:string,request:string>", "from", "deserializer"],
        ["dt", "string"],
        [],
        ["#", "Partition", "Information"],
        ["#", "col_name", "data_type", "comment"],
        [],
        ["dt", "string"],
    ]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("", ["alb_logs", "elb_logs", "trips_2016", "trips_parquet"]),
        (" '*trips*'", ["trips_2016", "trips_parquet"]),
        (" '*logs'", ["alb_logs", "elb_logs"]),
    ],
)
def test_show_tables_lists_names_that_match_the_pattern(athena: Athena, pattern: str, names: list[str]) -> None:
    for name in ("trips_parquet", "elb_logs", "alb_logs", "trips_2016"):
        athena.run(f"CREATE TABLE {name} AS SELECT 1 AS a")
    assert athena.run(f"SHOW TABLES IN lab{pattern}") == [[name] for name in names]


def test_show_partitions_lists_each_partition(athena: Athena) -> None:
    athena.run(
        "CREATE TABLE trips WITH (partitioned_by = ARRAY['year']) AS "
        "SELECT * FROM (VALUES (1, '2007'), (2, '1999')) AS t(a, year)"
    )
    assert sorted(athena.run("SHOW PARTITIONS trips")) == [["year=1999"], ["year=2007"]]


def test_create_table_rejects_ion_format(athena: Athena) -> None:
    reason = athena.fail("CREATE EXTERNAL TABLE guide (alias string) STORED AS ION LOCATION 's3://lab/guide/'")
    assert "ION" in reason.upper()
