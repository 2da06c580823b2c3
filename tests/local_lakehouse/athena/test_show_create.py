"""Tests that the output of ``SHOW CREATE`` quotes names as Athena does, and creates the same table or view."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from local_lakehouse.sql.failures import MalformedQuery
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.parser import parse_statement
from tests.local_lakehouse.athena.conftest import Athena

TEXTS = some.text(some.sampled_from("ab \\'\"`;%,()-/*\n\t\r\0é😀0u")) | some.text(
    some.characters(exclude_categories=["Cs"]), max_size=8
)
NAMES = some.text(some.sampled_from("ab1 -`$é"), min_size=1, max_size=4).map(str.strip).filter(bool)
EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(text: str) -> str:
    """Return text as a string literal for a Hive statement."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def backquoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def created(athena: Athena, table: str = "t") -> str:
    return "\n".join(str(row[0]) for row in athena.run(f"SHOW CREATE TABLE {table}"))


def check_round_trip(athena: Athena) -> None:
    """Drop the table, create it from the output of SHOW CREATE TABLE, and check that the output does not change."""
    statement = created(athena)
    athena.run("DROP TABLE t")
    athena.run(statement)
    assert created(athena) == statement


@EXAMPLES
@given(column=NAMES, texts=some.tuples(TEXTS, TEXTS, TEXTS, TEXTS))
def test_show_create_output_recreates_a_hive_table(athena: Athena, column: str, texts: tuple[str, ...]) -> None:
    comment, table_comment, partition_comment, value = map(written, texts)
    athena.run("DROP TABLE IF EXISTS t")
    athena.run(
        f"CREATE EXTERNAL TABLE t ({backquoted(column)} int COMMENT {comment}) COMMENT {table_comment} "
        f"PARTITIONED BY (p string COMMENT {partition_comment}) LOCATION 's3://lab/t/' TBLPROPERTIES ('a'={value})"
    )

    check_round_trip(athena)

    entry = athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]
    listed = entry["StorageDescriptor"]["Columns"] + entry["PartitionKeys"]
    comments = [entry.get("Comment", "") for entry in listed]
    assert [*comments, entry["Parameters"]["a"]] == [texts[0], texts[2], texts[3]]
    assert entry.get("Description", "") == texts[1]


@EXAMPLES
@given(column=NAMES, texts=some.tuples(TEXTS, TEXTS))
def test_show_create_output_recreates_an_iceberg_table(athena: Athena, column: str, texts: tuple[str, ...]) -> None:
    comment, table_comment = map(written, texts)
    athena.run("DROP TABLE IF EXISTS t")
    athena.run(
        f"CREATE TABLE t ({backquoted(column)} int COMMENT {comment}, m map<string,array<decimal(5,2)>>) "
        f"COMMENT {table_comment} PARTITIONED BY (bucket(4, {backquoted(column)})) LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('table_type'='ICEBERG', 'vacuum_max_snapshot_age_seconds'='60')"
    )

    check_round_trip(athena)

    columns = athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]["StorageDescriptor"]["Columns"]
    assert columns[0].get("Comment", "") == texts[0]


def test_show_create_omits_empty_tblproperties(athena: Athena) -> None:
    columns = {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://lab/t"}
    athena.glue.create_table(DatabaseName="lab", TableInput={"Name": "t", "StorageDescriptor": columns})

    assert "TBLPROPERTIES" not in created(athena)


@pytest.mark.parametrize(
    ("written_name", "shown"), [("t", "t"), ("`t`", "t"), ("lab.t", "lab.t"), ("awsdatacatalog.lab.t", "lab.t")]
)
def test_show_create_qualifies_the_name_only_if_the_statement_does(
    athena: Athena, written_name: str, shown: str
) -> None:
    athena.run("CREATE TABLE t WITH (external_location = 's3://lab/t/') AS SELECT 1 a")

    lines = created(athena, written_name).splitlines()

    assert lines[0] == f"CREATE EXTERNAL TABLE `{shown}`("
    assert not any("serialization.format" in line for line in lines)


@pytest.mark.parametrize(
    ("given_location", "stored"),
    [
        ("s3://lab/t", "s3://lab/t"),
        ("s3://lab/t/", "s3://lab/t"),
        ("s3://lab/a/t//", "s3://lab/a/t"),
        ("s3://lab/", "s3://lab/"),
        ("s3://lab", "s3://lab/"),
    ],
)
def test_location_is_stored_without_a_trailing_slash(athena: Athena, given_location: str, stored: str) -> None:
    def location() -> str:
        return str(athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]["StorageDescriptor"]["Location"])

    athena.run(f"CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (p string) LOCATION '{given_location}'")
    assert location() == stored
    assert f"  '{stored}'" in created(athena)
    athena.run("ALTER TABLE t SET LOCATION 's3://lab/other/'")
    assert location() == "s3://lab/other"
    athena.run(f"ALTER TABLE t SET LOCATION '{given_location}'")
    assert location() == stored
    athena.run(f"ALTER TABLE t ADD PARTITION (p = 'x') LOCATION '{given_location}' PARTITION (p = 'y')")
    pages = athena.glue.get_partitions(DatabaseName="lab", TableName="t")["Partitions"]
    locations = {entry["Values"][0]: entry["StorageDescriptor"]["Location"] for entry in pages}
    assert locations == {"x": stored, "y": f"{stored.rstrip('/')}/p=y"}


def test_rows_are_read_only_from_the_table_location(athena: Athena) -> None:
    athena.run(
        "CREATE TABLE t WITH (external_location = 's3://lab/t/', partitioned_by = ARRAY['p']) AS SELECT 1 a, 2 p"
    )
    athena.s3.put_object(Bucket="lab", Key="t2/p=3/x", Body=b"not a row of t")

    assert athena.run("INSERT INTO t VALUES (4, 5)") == []
    assert athena.run("MSCK REPAIR TABLE t") == []
    assert athena.run("SELECT a, p FROM t ORDER BY p") == [["1", "2"], ["4", "5"]]
    entry = athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]
    assert entry["StorageDescriptor"]["Location"] == "s3://lab/t"
    pages = athena.glue.get_partitions(DatabaseName="lab", TableName="t")["Partitions"]
    assert {page["StorageDescriptor"]["Location"] for page in pages} == {"s3://lab/t/p=2", "s3://lab/t/p=5"}


# Each row contains a statement with a placeholder for a name, and the grammar that Athena uses to parse the name.
STATEMENTS = [
    ("SHOW CREATE TABLE {}", "hive"),
    ("SHOW COLUMNS IN {}", "hive"),
    ("SHOW PARTITIONS {}", "hive"),
    ("SHOW TBLPROPERTIES {}", "hive"),
    ("DESCRIBE {}", "hive"),
    ("DESCRIBE FORMATTED {}", "hive"),
    ("DROP TABLE {}", "hive"),
    ("DROP TABLE IF EXISTS {}", "hive"),
    ("MSCK REPAIR TABLE {}", "hive"),
    ("ALTER TABLE {} ADD COLUMNS (b int)", "hive"),
    ("ALTER TABLE {} SET TBLPROPERTIES ('a'='b')", "hive"),
    ("CREATE EXTERNAL TABLE {} (a int) LOCATION 's3://lab/t'", "hive"),
    ("DROP VIEW {}", "query"),
    ("DROP VIEW IF EXISTS {}", "query"),
    ("CREATE VIEW {} AS SELECT 1 a", "query"),
    ("CREATE TABLE {} AS SELECT 1 a", "query"),
    ("SHOW CREATE VIEW {}", "both"),
]


@pytest.mark.parametrize(("statement", "rules"), STATEMENTS)
@pytest.mark.parametrize("mark", ["", "`", '"'])
@pytest.mark.parametrize("qualifiers", [[], ["lab"], ["awsdatacatalog", "lab"]])
def test_each_statement_accepts_only_its_own_quotation_mark(
    statement: str, rules: str, mark: str, qualifiers: list[str]
) -> None:
    sql = statement.format(".".join(f"{mark}{name}{mark}" for name in [*qualifiers, "t"]))

    if mark == {"hive": '"', "query": "`", "both": None}[rules]:
        with pytest.raises(MalformedQuery):
            parse_statement(sql)
    else:
        parse_statement(sql)


def test_show_create_view_accepts_a_quoted_name(athena: Athena) -> None:
    athena.run('CREATE VIEW "select" AS SELECT 1 a')

    for name in ('"select"', '"lab"."select"', "`select`"):
        assert athena.run(f"SHOW CREATE VIEW {name}") == [['CREATE VIEW "select" AS '], ["SELECT 1 a"]]


@pytest.mark.parametrize("statement", ["SHOW TABLES", "DESCRIBE t", "DROP TABLE `t`", "MSCK REPAIR TABLE t"])
def test_explain_and_prepare_accept_hive_statements(statement: str) -> None:
    explained = parse_statement(f"EXPLAIN {statement}")
    prepared = parse_statement(f"PREPARE p FROM {statement}")

    assert isinstance(explained, nodes.Explain)
    assert explained.statement == parse_statement(statement)
    assert isinstance(prepared, nodes.Prepare)
    assert prepared.sql == statement


def test_output_format_is_kept(athena: Athena) -> None:
    athena.run(
        "CREATE EXTERNAL TABLE t (a int) STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat' "
        "OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat' LOCATION 's3://lab/t/'"
    )

    descriptor = athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]["StorageDescriptor"]
    assert descriptor["OutputFormat"] == "org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat"
    check_round_trip(athena)


def test_view_has_an_empty_location(athena: Athena) -> None:
    athena.run("CREATE VIEW v AS SELECT 1 AS a")
    athena.run("CREATE OR REPLACE VIEW v AS SELECT 2 AS a")

    assert athena.glue.get_table(DatabaseName="lab", Name="v")["Table"]["StorageDescriptor"]["Location"] == ""
    assert athena.run("SELECT a FROM v") == [["2"]]
    athena.run("DROP VIEW v")


@pytest.mark.parametrize(
    ("clause", "serialization_format"),
    [
        ("", "1"),
        ("ROW FORMAT DELIMITED FIELDS TERMINATED BY ','", ","),
        ("STORED AS PARQUET", "1"),
        (
            "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('serialization.format'='2')",
            "2",
        ),
    ],
)
def test_serialization_format_depends_on_the_row_format(athena: Athena, clause: str, serialization_format: str) -> None:
    athena.run(f"CREATE EXTERNAL TABLE t (a int) {clause} LOCATION 's3://lab/t/'")

    descriptor = athena.glue.get_table(DatabaseName="lab", Name="t")["Table"]["StorageDescriptor"]
    assert descriptor["SerdeInfo"]["Parameters"]["serialization.format"] == serialization_format
    check_round_trip(athena)
