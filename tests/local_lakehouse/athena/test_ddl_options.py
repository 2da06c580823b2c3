"""Tests that each clause and option of a DDL or utility statement has an effect or is rejected."""

from __future__ import annotations

from typing import Any

import pytest

from local_lakehouse.protocol.wire import Fault
from tests.local_lakehouse.athena.conftest import Athena

LOCATION = "LOCATION 's3://lab/t/'"
CREATE = f"CREATE EXTERNAL TABLE t (a int, b string) {LOCATION}"
ICEBERG = f"{LOCATION} TBLPROPERTIES ('table_type'='ICEBERG')"

# StartQueryExecution rejects these statements.
REJECTED = [
    (f"{CREATE} LOCATION 's3://lab/u/'", "mismatched input 'LOCATION'"),
    (f"{CREATE} COMMENT 'x' COMMENT 'y'", "mismatched input 'COMMENT'"),
    (f"{CREATE} STORED AS PARQUET STORED AS ORC", "mismatched input 'STORED'"),
    (f"{CREATE} TBLPROPERTIES ('a'='1') TBLPROPERTIES ('b'='2')", "mismatched input 'TBLPROPERTIES'"),
    (f"{CREATE} ROW FORMAT DELIMITED ESCAPED BY '^' ESCAPED BY '!'", "mismatched input 'ESCAPED'"),
    (f"CREATE TABLE t (a int) PARTITIONED BY (bucket(a, 4)) {ICEBERG}", "mismatched input 'a'. Expecting: <number>"),
    (f"CREATE TABLE t (a int) PARTITIONED BY (bucket(0, a)) {ICEBERG}", "mismatched input '0'. Expecting: <number>"),
    (f"CREATE TABLE t (a int) PARTITIONED BY (truncate(1.5, a)) {ICEBERG}", "mismatched input '1.5'"),
    *(
        (f"CREATE EXTERNAL TABLE t (a {type_}) {LOCATION}", "The length, precision or scale is out of range")
        for type_ in ("varchar(65536)", "char(0)", "decimal(39,0)", "array<decimal(5,6)>", "timestamp(6)")
    ),
    (f"CREATE EXTERNAL TABLE t (a decimal()) {LOCATION}", "no viable alternative at input 'decimal()'"),
    ("DROP DATABASE lab CASCADE RESTRICT", "mismatched input 'RESTRICT'"),
    ("SHOW DATABASES IN lab", "mismatched input 'IN'"),
    ("SHOW FUNCTIONS FROM lab", "mismatched input 'FROM'"),
    ("SHOW COLUMNS IN lab.t IN lab", "mismatched input 'IN'"),
    ("ALTER DATABASE lab SET LOCATION 's3://lab/x/'", "mismatched input 'LOCATION'. Expecting: 'DBPROPERTIES'"),
    ("EXPLAIN VERBOSE SELECT 1", "mismatched input 'VERBOSE'"),
    ("EXPLAIN ANALYZE (FORMAT GRAPHVIZ) SELECT 1", "mismatched input 'GRAPHVIZ'. Expecting: 'TEXT', 'JSON'"),
    ("EXPLAIN ANALYZE (TYPE LOGICAL) SELECT 1", "mismatched input 'TYPE'. Expecting: 'FORMAT'"),
]


@pytest.mark.parametrize(("sql", "reason"), REJECTED)
def test_option_is_rejected(shared: Athena, sql: str, reason: str) -> None:
    with pytest.raises(Fault) as caught:
        shared.start(sql)

    assert reason in caught.value.message


FAILING = [
    ("EXPLAIN ANALYZE VERBOSE SELECT 1", "does not support EXPLAIN ANALYZE VERBOSE"),
    ("EXPLAIN (TYPE IO, FORMAT JSON) SELECT 1", "does not support EXPLAIN (TYPE IO)"),
    ("EXPLAIN INSERT INTO nowhere SELECT 1", "TABLE_NOT_FOUND"),
    ("EXPLAIN CREATE TABLE new WITH (colour = 'red') AS SELECT 1 a", "INVALID_TABLE_PROPERTY"),
    ("EXPLAIN CREATE TABLE new AS SELECT 1", "MISSING_COLUMN_NAME"),
    ("EXPLAIN UNLOAD (SELECT 1 a) TO 's3://lab/u/' WITH (format = 'CSV')", "Unsupported format: CSV"),
    ("PREPARE p FROM PREPARE q FROM SELECT 1", "Invalid statement type for prepared statement: PREPARE"),
    ("PREPARE p FROM EXECUTE q", "Invalid statement type for prepared statement: EXECUTE"),
    ("PREPARE p FROM DEALLOCATE PREPARE q", "Invalid statement type for prepared statement: DEALLOCATE"),
    ("CREATE DATABASE other LOCATION '/tmp'", "The location is not a path in S3: /tmp"),
    ("CREATE EXTERNAL TABLE t (a int) LOCATION 's3:///t/'", "The location is not a path in S3: s3:///t/"),
    (f"{CREATE} TBLPROPERTIES ('table_type'='DELTA')", "does not support tables of the type DELTA"),
    (f"{CREATE} TBLPROPERTIES ('TABLE_TYPE'='ICEBERG')", "does not support tables of the type ICEBERG"),
    (f"{CREATE} TBLPROPERTIES ('line.delim'='|')", "does not support the property 'line.delim' of the SerDe"),
    (
        f"{CREATE} STORED AS PARQUET TBLPROPERTIES ('parquet.column.index.access'='true')",
        "does not support the property 'parquet.column.index.access' of the SerDe ParquetHiveSerDe",
    ),
    *(
        (f"CREATE TABLE t (a int) {clause} {ICEBERG}", "Iceberg tables do not support ROW FORMAT, STORED AS and")
        for clause in ("STORED AS ORC", "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','", "ROW FORMAT SERDE 'x'")
    ),
    ("ALTER DATABASE nowhere SET DBPROPERTIES ('a'='b')", "Database does not exist: nowhere"),
]


@pytest.mark.parametrize(("sql", "reason"), FAILING)
def test_option_fails(shared: Athena, sql: str, reason: str) -> None:
    assert reason in shared.fail(sql)


def test_serde_properties_are_added_to_the_row_format(shared: Athena) -> None:
    shared.run(
        "CREATE EXTERNAL TABLE merged (a string, b string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        "STORED AS TEXTFILE WITH SERDEPROPERTIES ('serialization.null.format'='-') LOCATION 's3://lab/merged/'"
    )
    shared.s3.put_object(Bucket="lab", Key="merged/x", Body=b"x,-\n")

    assert shared.run("SELECT a, b FROM merged") == [["x", None]]


@pytest.mark.parametrize(
    ("serde", "input_format"),
    [
        ("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat"),
        ("org.openx.data.jsonserde.JsonSerDe", "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"),
        (
            "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
        ),
    ],
)
def test_text_serde_does_not_read_other_input_formats(shared: Athena, serde: str, input_format: str) -> None:
    descriptor = {
        "Columns": [{"Name": "a", "Type": "string"}],
        "Location": "s3://lab/mixed/",
        "InputFormat": input_format,
        "SerdeInfo": {"SerializationLibrary": serde},
    }
    shared.s3.put_object(Bucket="lab", Key="mixed/x", Body=b"x\n")
    shared.run("DROP TABLE IF EXISTS mixed")
    shared.glue.create_table(DatabaseName="lab", TableInput={"Name": "mixed", "StorageDescriptor": descriptor})

    assert shared.fail("SELECT a FROM mixed").startswith(f"HIVE_UNSUPPORTED_FORMAT: Input format {input_format}")


@pytest.mark.parametrize(
    ("properties", "content"),
    [
        ("'separatorChar'='||'", b"x|y\n"),
        ("'quoteChar'=''", b'"x","y"\n'),
        ("'escapeChar'='', 'separatorChar'=''", b"x,y\n"),
    ],
)
def test_csv_characters_are_read_as_in_hive(shared: Athena, properties: str, content: bytes) -> None:
    shared.run("DROP TABLE IF EXISTS csv")
    shared.run(
        "CREATE EXTERNAL TABLE csv (a string, b string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' "
        f"WITH SERDEPROPERTIES ({properties}) LOCATION 's3://lab/csv/'"
    )
    shared.s3.put_object(Bucket="lab", Key="csv/x", Body=content)

    assert shared.run("SELECT a, b FROM csv") == [["x", "y"]]


@pytest.mark.parametrize("word", ["DATABASE", "SCHEMA"])
def test_alter_database_keeps_other_settings(shared: Athena, word: str) -> None:
    shared.run("DROP DATABASE IF EXISTS d")
    shared.run("CREATE DATABASE d COMMENT 'c' LOCATION 's3://lab/d/' WITH DBPROPERTIES ('a'='1', 'b'='2')")
    shared.run(f"ALTER {word} d SET DBPROPERTIES ('b'='3', 'c'='4')")

    database: dict[str, Any] = shared.glue.get_database(Name="d")["Database"]
    assert database["Parameters"] == {"a": "1", "b": "3", "c": "4"}
    assert (database["Description"], database["LocationUri"]) == ("c", "s3://lab/d/")


def test_explain_validate_returns_a_boolean(shared: Athena) -> None:
    execution_id = shared.start("EXPLAIN (TYPE VALIDATE) SELECT 1")
    shared.finished(execution_id)

    result = shared.call("GetQueryResults", QueryExecutionId=execution_id)["ResultSet"]
    assert [row["Data"][0]["VarCharValue"] for row in result["Rows"]] == ["Valid", "true"]
    assert result["ResultSetMetadata"]["ColumnInfo"][0]["Type"] == "boolean"


@pytest.fixture(scope="module")
def columns(shared: Athena) -> Athena:
    """Provide a table `columns`, whose definition no test changes."""
    shared.run(
        "CREATE EXTERNAL TABLE columns (a int COMMENT 'first', b string) PARTITIONED BY (p int) LOCATION 's3://lab/c/'"
    )
    return shared


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("ADD COLUMNS (b int)", "b"),
        ("ADD COLUMNS (p int)", "p"),
        ("ADD COLUMNS (c int, c int)", "c"),
        ("REPLACE COLUMNS (c int, c string)", "c"),
        ("REPLACE COLUMNS (a int, p string)", "p"),
        ("CHANGE a b int", "b"),
        ("CHANGE a p int", "p"),
    ],
)
def test_alter_rejects_duplicate_columns(columns: Athena, change: str, name: str) -> None:
    before = columns.run("DESCRIBE columns")

    assert f"Duplicate column name: {name}" in columns.fail(f"ALTER TABLE columns {change}")
    assert columns.run("DESCRIBE columns") == before


@pytest.mark.parametrize(("comment", "shown"), [("", "kept"), ("COMMENT 'new'", "new")])
def test_change_keeps_the_comment_unless_it_is_given(shared: Athena, comment: str, shown: str) -> None:
    shared.run("DROP TABLE IF EXISTS commented")
    shared.run("CREATE EXTERNAL TABLE commented (a int COMMENT 'kept') LOCATION 's3://lab/commented/'")
    shared.run(f"ALTER TABLE commented CHANGE a b bigint {comment}")

    [column] = shared.glue.get_table(DatabaseName="lab", Name="commented")["Table"]["StorageDescriptor"]["Columns"]
    assert (column["Name"], column["Type"], column["Comment"]) == ("b", "bigint", shown)
