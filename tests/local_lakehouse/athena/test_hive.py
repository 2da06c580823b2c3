"""Tests for Hive tables (from CTAS and existing files), UNLOAD, DESCRIBE and SHOW FUNCTIONS."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest

from tests.local_lakehouse.athena.conftest import Athena

ROWS = "SELECT * FROM (VALUES (1, 'a', DATE '2024-01-01'), (2, NULL, NULL)) AS t(id, s, d)"


@pytest.mark.parametrize("file_format", ["PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE"])
def test_ctas_writes_each_format(athena: Athena, file_format: str) -> None:
    document = athena.finished(athena.start(f"CREATE TABLE copied WITH (format = '{file_format}') AS {ROWS}"))

    assert (document["StatementType"], document["SubstatementType"]) == ("DDL", "CREATE_TABLE_AS_SELECT")
    assert athena.run("SELECT id, s, d FROM copied ORDER BY id") == [["1", "a", "2024-01-01"], ["2", None, None]]
    manifest = document["Statistics"]["DataManifestLocation"]
    bucket, _, key = manifest.removeprefix("s3://").partition("/")
    [path] = athena.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().split()
    assert path.startswith(document["ResultConfiguration"]["OutputLocation"])


def test_ctas_and_insert_create_partitions(athena: Athena) -> None:
    athena.run(
        f"CREATE TABLE parts WITH (partitioned_by = ARRAY['s']) AS SELECT id, coalesce(s, 'none') AS s FROM ({ROWS})"
    )
    athena.run("INSERT INTO parts VALUES (3, 'b')")

    assert athena.run("SHOW PARTITIONS parts") == [["s=a"], ["s=b"], ["s=none"]]
    assert athena.run("SELECT id, s FROM parts WHERE s <> 'a' ORDER BY id") == [["2", "none"], ["3", "b"]]


def test_msck_repair_adds_partitions_for_existing_files(athena: Athena) -> None:
    athena.s3.put_object(Bucket="lab", Key="csv/day=2024-01-02/a.csv", Body=b'id,name\n1,"Doe, J"\n2,\n')
    athena.run(
        "CREATE EXTERNAL TABLE people (id int, name string) PARTITIONED BY (day date) "
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' LOCATION 's3://lab/csv/' "
        "TBLPROPERTIES ('skip.header.line.count'='1')"
    )
    assert athena.run("SELECT count(*) FROM people") == [["0"]]

    repaired = athena.run("MSCK REPAIR TABLE people")

    assert repaired == [["Repair: Added partition to metastore people:day=2024-01-02"]]
    assert athena.run("SELECT id, name, day FROM people") == [["1", "Doe, J", "2024-01-02"], ["2", "", "2024-01-02"]]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT 1", "Column name not specified at position 1"),
        ("SELECT NULL AS x", "Column type is unknown: x"),
        ("SELECT 1 AS x, 2 AS X", "Column name 'x' specified more than once"),
        ("SELECT current_timestamp AS t", "NOT_SUPPORTED: Unsupported Hive type: timestamp with time zone"),
        (
            "SELECT TIMESTAMP '2024-01-01 00:00:00.123456' AS t",
            "NOT_SUPPORTED: Incorrect timestamp precision for timestamp(6); the configured precision is MILLISECONDS",
        ),
    ],
)
def test_ctas_rejects_columns_that_hive_does_not_support(athena: Athena, query: str, reason: str) -> None:
    assert reason in athena.fail(f"CREATE TABLE bad AS {query}")
    assert "TABLE_NOT_FOUND" in athena.fail("SELECT * FROM bad")


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("format = 'ION'", "NOT_SUPPORTED: The local Athena does not write ION"),
        ("colour = 'red'", "INVALID_TABLE_PROPERTY"),
        ("table_type = 'ICEBERG'", "INVALID_TABLE_PROPERTY"),
    ],
)
def test_ctas_rejects_invalid_properties(athena: Athena, properties: str, reason: str) -> None:
    assert reason in athena.fail(f"CREATE TABLE bad WITH ({properties}) AS {ROWS}")


def test_ctas_rejects_an_existing_table_or_location(athena: Athena) -> None:
    athena.run(f"CREATE TABLE one WITH (external_location = 's3://lab/one/') AS {ROWS}")

    assert "TABLE_ALREADY_EXISTS" in athena.fail(f"CREATE TABLE one AS {ROWS}")
    assert "HIVE_PATH_ALREADY_EXISTS" in athena.fail(
        f"CREATE TABLE two WITH (external_location = 's3://lab/one/') AS {ROWS}"
    )
    assert "Database nobase not found" in athena.fail(f"CREATE TABLE nobase.t AS {ROWS}")


def test_unload_writes_parquet(athena: Athena) -> None:
    document = athena.finished(
        athena.start(f"UNLOAD ({ROWS}) TO 's3://lab/out/' WITH (format = 'PARQUET', compression = 'SNAPPY')")
    )

    [found] = athena.s3.list_objects_v2(Bucket="lab", Prefix="out/")["Contents"]
    body = athena.s3.get_object(Bucket="lab", Key=found["Key"])["Body"].read()
    assert document["SubstatementType"] == "UNLOAD"
    assert pq.read_table(io.BytesIO(body)).column("id").to_pylist() == [1, 2]


def test_ctas_creates_a_partitioned_iceberg_table(athena: Athena) -> None:
    athena.run(
        "CREATE TABLE ice WITH (table_type = 'ICEBERG', location = 's3://lab/ice/', is_external = false, "
        f"partitioning = ARRAY['month(d)', 'bucket(id, 4)']) AS {ROWS}"
    )

    assert athena.run('SELECT sum(record_count) FROM "ice$files"') == [["2"]]
    assert [row[0] for row in athena.run("DESCRIBE ice")][-2:] == ["d_month\tmonth\td", "id_bucket\tbucket[4]\tid"]
    assert athena.run("SELECT id FROM ice WHERE d = DATE '2024-01-01'") == [["1"]]


@pytest.mark.parametrize(
    ("serde", "lines"),
    [
        ("DELIMITED FIELDS TERMINATED BY ','", ["1,x\u2028y", "2,n\x85m", "3,p\x0cq"]),
        (
            "SERDE 'org.openx.data.jsonserde.JsonSerDe'",
            ['{"id": 1, "s": "x\u2028y"}', '{"id": 2, "s": "n\x85m"}', '{"id": 3, "s": "p\\fq"}'],
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_only_at_line_feeds_and_carriage_returns(
    athena: Athena, serde: str, lines: list[str], end: str
) -> None:
    text = "".join(line + end for line in lines)
    athena.s3.put_object(Bucket="lab", Key="lines/a.txt", Body=text.encode())
    athena.run(f"CREATE EXTERNAL TABLE lines (id int, s string) ROW FORMAT {serde} LOCATION 's3://lab/lines/'")

    assert athena.run("SELECT id, s FROM lines") == [["1", "x\u2028y"], ["2", "n\x85m"], ["3", "p\x0cq"]]


def test_empty_line_is_a_row_but_empty_file_has_no_rows(athena: Athena) -> None:
    athena.s3.put_object(Bucket="lab", Key="lines/a.txt", Body=b"a\n\nb")
    athena.s3.put_object(Bucket="lab", Key="lines/b.txt", Body=b"")
    athena.run("CREATE EXTERNAL TABLE lines (s string) ROW FORMAT DELIMITED LOCATION 's3://lab/lines/'")

    assert athena.run("SELECT s FROM lines") == [["a"], [""], ["b"]]


@pytest.mark.parametrize(
    "sql",
    [
        f"UNLOAD ({ROWS}) TO 's3://gone/u/' WITH (format = 'PARQUET')",
        f"CREATE TABLE t WITH (external_location = 's3://gone/t/') AS {ROWS}",
        f"CREATE TABLE t WITH (table_type = 'ICEBERG', is_external = false, location = 's3://gone/t/') AS {ROWS}",
        "CREATE TABLE t (id int) LOCATION 's3://gone/t/' TBLPROPERTIES ('table_type' = 'ICEBERG')",
        "INSERT INTO lost VALUES 1",
        "SELECT * FROM lost",
    ],
)
def test_error_names_the_missing_bucket(athena: Athena, sql: str) -> None:
    athena.run("CREATE EXTERNAL TABLE lost (id int) LOCATION 's3://gone/lost/'")

    assert athena.fail(sql).startswith("The specified bucket does not exist: gone (Error Code: NoSuchBucket)")
    assert athena.run("SHOW TABLES") == [["lost"]]


def test_table_metadata_contains_formats_and_comments(athena: Athena) -> None:
    athena.run(
        "CREATE EXTERNAL TABLE t (a int COMMENT 'it''s a number', b string) COMMENT 'a table' "
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' "
        "WITH SERDEPROPERTIES ('separatorChar'=';', 'escapeChar'='\\\\') LOCATION 's3://lab/t/'"
    )

    found = athena.call("GetTableMetadata", CatalogName="AwsDataCatalog", DatabaseName="lab", TableName="t")
    parameters = found["TableMetadata"]["Parameters"]
    assert parameters["comment"] == "a table"
    assert parameters["inputformat"] == "org.apache.hadoop.mapred.TextInputFormat"
    assert parameters["serde.serialization.lib"] == "org.apache.hadoop.hive.serde2.OpenCSVSerde"
    assert parameters["serde.param.separatorChar"] == ";"
    created = "\n".join(str(row[0]) for row in athena.run("SHOW CREATE TABLE t"))
    assert "COMMENT 'a table'" in created
    assert "'separatorChar'=';'" in created


@pytest.mark.parametrize(
    ("clauses", "output"),
    [
        ("", "HiveIgnoreKeyTextOutputFormat"),
        ("ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'", "IgnoreKeyTextOutputFormat"),
        ("ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' STORED AS TEXTFILE", "HiveIgnoreKeyTextOutputFormat"),
        ("ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'", "HiveIgnoreKeyTextOutputFormat"),
    ],
)
def test_output_format_of_text_table_matches_its_clauses(athena: Athena, clauses: str, output: str) -> None:
    athena.run(f"CREATE EXTERNAL TABLE t (a string) {clauses} LOCATION 's3://lab/t/'")

    found = athena.call("GetTableMetadata", CatalogName="AwsDataCatalog", DatabaseName="lab", TableName="t")
    assert found["TableMetadata"]["Parameters"]["outputformat"] == f"org.apache.hadoop.hive.ql.io.{output}"
    assert f"'org.apache.hadoop.hive.ql.io.{output}'" in [
        str(row[0]).strip() for row in athena.run("SHOW CREATE TABLE t")
    ]


def test_metadata_collapses_repeated_whitespace(athena: Athena) -> None:
    athena.run(
        "CREATE EXTERNAL TABLE t (a string) COMMENT '\n two  words\n\n a line ' "
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' "
        "WITH SERDEPROPERTIES ('input.regex'='a  b   (.*)') LOCATION 's3://lab/t/'"
    )
    athena.s3.put_object(Bucket="lab", Key="t/f", Body=b"a  b   c")

    found = athena.call("GetTableMetadata", CatalogName="AwsDataCatalog", DatabaseName="lab", TableName="t")
    parameters = found["TableMetadata"]["Parameters"]
    assert parameters["comment"] == " two words a line "
    assert parameters["serde.param.input.regex"] == "a b (.*)"
    assert athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]["Description"] == "\n two  words\n\n a line "
    assert athena.run("SELECT a FROM t") == [["c"]]


@pytest.mark.parametrize(
    ("clauses", "reason"),
    [
        ("STORED AS ION", "does not read tables stored as ION"),
        (
            "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe'",
            "does not have the serde property 'input.regex'",
        ),
        (
            "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' WITH SERDEPROPERTIES ('input.regex'='(')",
            "INVALID_TABLE_PROPERTY: This input.regex is not supported",
        ),
        ("ROW FORMAT SERDE 'com.amazonaws.glue.serde.GrokSerDe'", "does not support a table with the SerDe"),
        (
            "STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.SequenceFileInputFormat' OUTPUTFORMAT 'org.apache.Some'",
            "does not read tables stored as org.apache.hadoop.mapred.SequenceFileInputFormat",
        ),
        (
            "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('mapping.a'='b')",
            "does not support the property 'mapping.a'",
        ),
        (
            "ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LINES TERMINATED BY '|'",
            "does not support the property 'line.delim'",
        ),
    ],
)
def test_create_table_rejects_unsupported_definitions(athena: Athena, clauses: str, reason: str) -> None:
    assert reason in athena.fail(f"CREATE EXTERNAL TABLE t (a int) {clauses} LOCATION 's3://lab/t/'")


def test_empty_objects_are_ignored(athena: Athena) -> None:
    athena.run("CREATE TABLE p WITH (format = 'PARQUET', external_location = 's3://lab/p/') AS SELECT 1 AS a, 'x' AS b")
    athena.s3.put_object(Bucket="lab", Key="p/empty", Body=b"")
    athena.s3.put_object(Bucket="lab", Key="p/folder/", Body=b"")

    assert athena.run("SELECT a, b FROM p") == [["1", "x"]]
    assert athena.run("SELECT count(*) FROM p") == [["1"]]


def test_malformed_json_is_read_as_null_if_the_table_ignores_it(athena: Athena) -> None:
    athena.s3.put_object(Bucket="lab", Key="j/f.json", Body=b'{"a": 1}\n{"a": \n')
    athena.run(
        "CREATE EXTERNAL TABLE j (a int) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' "
        "WITH SERDEPROPERTIES ('ignore.malformed.json'='true') LOCATION 's3://lab/j/'"
    )

    assert athena.run("SELECT a FROM j ORDER BY a") == [["1"], [None]]


@pytest.mark.parametrize(
    "properties", ["", "WITH (table_type = 'ICEBERG', is_external = false, location = 's3://lab/n/')"]
)
def test_ctas_applies_column_aliases_and_the_comment(athena: Athena, properties: str) -> None:
    athena.run(f"CREATE TABLE named (Key, note) COMMENT 'two columns' {properties} AS SELECT 1, 'x'")

    assert athena.run("SELECT key, note FROM named") == [["1", "x"]]
    assert "COMMENT 'two columns'" in [row[0] for row in athena.run("SHOW CREATE TABLE named")]
    reason = athena.fail("CREATE TABLE other (a) AS SELECT 1, 2")
    assert reason == ("MISMATCHED_COLUMN_ALIASES: line 1:1: Column alias list has 1 entries but relation has 2 columns")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("'array_%_by'", set()),
        ("'array_so__'", {"array_sort"}),
        ("'array!_so__' ESCAPE '!'", {"array_sort"}),
        ("'split!_to!_%' ESCAPE '!'", {"split_to_map", "split_to_multimap"}),
    ],
)
def test_show_functions_lists_names_that_match_the_pattern(athena: Athena, pattern: str, names: set[str]) -> None:
    assert {row[0].split("\t")[0] for row in athena.run(f"SHOW FUNCTIONS LIKE {pattern}") if row[0]} == names


def test_show_functions_rejects_an_empty_escape_string(athena: Athena) -> None:
    assert "Escape string must be a single character" in athena.fail("SHOW FUNCTIONS LIKE 'a' ESCAPE ''")


def _described(athena: Athena, form: str) -> list[str]:
    return [" ".join((row[0] or "").split()) for row in athena.run(f"DESCRIBE {form} d")]


def test_describe_formatted_and_extended_return_metadata(athena: Athena) -> None:
    athena.run(
        "CREATE EXTERNAL TABLE d (id int COMMENT 'key', name string) PARTITIONED BY (day date) "
        "ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://lab/d/' TBLPROPERTIES ('k'='v')"
    )
    plain, formatted, extended = (_described(athena, form) for form in ("", "FORMATTED", "EXTENDED"))

    assert formatted[: len(plain)] == extended[: len(plain)] == plain
    rest = formatted[len(plain) :]
    assert rest[:3] == ["", "# Detailed Table Information", "Database: lab"]
    for line in (
        "Location: s3://lab/d",
        "Table Type: EXTERNAL_TABLE",
        "k v",
        "SerDe Library: org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Num Buckets: -1",
        "field.delim ,",
    ):
        assert line in rest
    [line] = [line for line in extended if line.startswith("Detailed Table Information")]
    assert "Table(tableName:d, dbName:lab, owner:" in line
    assert (
        "cols:[FieldSchema(name:id, type:int, comment:key), FieldSchema(name:name, type:string, comment:null)]" in line
    )
    assert "partitionKeys:[FieldSchema(name:day, type:date, comment:null)]" in line


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DESCRIBE FORMATTED ice", "does not support DESCRIBE FORMATTED for an Iceberg table"),
        ("DESCRIBE EXTENDED seen", "does not support DESCRIBE EXTENDED for a view"),
        ("DESCRIBE ice PARTITION (id = 1)", "line 1:14: The local Athena does not support DESCRIBE for a partition"),
        ("DESCRIBE ice id", "line 1:14: The local Athena does not support DESCRIBE for a column"),
    ],
)
def test_describe_rejects_unsupported_forms(athena: Athena, statement: str, reason: str) -> None:
    athena.run("CREATE TABLE ice (id int) LOCATION 's3://lab/i/' TBLPROPERTIES ('table_type'='ICEBERG')")
    athena.run("CREATE VIEW seen AS SELECT 1 AS id")

    assert reason in athena.fail(statement)


def test_binary_and_nested_values_are_read_from_text_files(athena: Athena) -> None:
    rows = [
        ["MTIz", "1\x022", "1\x032\x023\x034", "1\x02x", "a\x03b\x02c"],
        [r"\N", "", "", r"\N", ""],
        ["!", "7\x02\\N", r"1\x03\N".replace(r"\x03", "\x03"), "5", r"\N"],
    ]
    athena.s3.put_object(
        Bucket="lab", Key="nested/a.txt", Body="\n".join("\t".join(row) for row in rows).encode() + b"\n"
    )
    athena.run(
        "CREATE EXTERNAL TABLE nested (b binary, a array<int>, m map<int, int>, s struct<x: int, y: string>, "
        r"aa array<array<string>>) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' LOCATION 's3://lab/nested/'"
    )

    found = athena.run(
        "SELECT to_hex(b), json_format(CAST(a AS json)), json_format(CAST(m AS json)), s.x, s.y, "
        "json_format(CAST(aa AS json)) FROM nested"
    )

    assert found == [
        ["313233", "[1,2]", '{"1":2,"3":4}', "1", "x", '[["a","b"],["c"]]'],
        [None, "[]", "{}", None, None, "[]"],
        [None, "[7,null]", '{"1":null}', "5", None, None],
    ]

    kept = "b, a, m, s, aa"
    athena.run(f"CREATE TABLE copied_nested WITH (format = 'TEXTFILE') AS SELECT {kept} FROM nested")
    for column in kept.split(", "):
        difference = f"SELECT {column} FROM nested EXCEPT SELECT {column} FROM copied_nested"
        assert athena.run(difference) == []
