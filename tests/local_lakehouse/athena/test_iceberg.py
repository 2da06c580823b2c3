"""Tests for row changes, versions and metadata of Iceberg tables."""

from __future__ import annotations

from typing import Any

import pytest

from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.athena.writes import iceberg_commits
from local_lakehouse.iceberg.catalog import LakehouseCatalog
from tests.local_lakehouse.athena.conftest import Athena


def _snapshots(athena: Athena, table: str = "accounts") -> list[str]:
    rows = athena.run(f'SELECT snapshot_id FROM "{table}$snapshots" ORDER BY committed_at')
    return [str(row[0]) for row in rows]


def test_select_returns_the_inserted_rows(accounts: Athena) -> None:
    rows = [["1", "CA", "10.5"], ["2", "NY", "20.0"], ["3", None, None]]

    assert accounts.run("SELECT * FROM accounts ORDER BY id") == rows
    assert accounts.run('SELECT count(*) FROM "AwsDataCatalog"."LAB"."Accounts"', None) == [["3"]]


def test_each_write_creates_one_snapshot(accounts: Athena) -> None:
    for sql, count in (
        ("INSERT INTO accounts (id) VALUES 4", 1),
        ("UPDATE accounts SET balance = id * 1.5, state = upper(state) WHERE id <= 2", 2),
        ("DELETE FROM accounts WHERE state IS NULL", 2),
    ):
        before = len(_snapshots(accounts))
        assert accounts.write(sql) == count
        assert len(_snapshots(accounts)) == before + 1

    assert accounts.run("SELECT * FROM accounts ORDER BY id") == [["1", "CA", "1.5"], ["2", "NY", "3.0"]]
    before = len(_snapshots(accounts))
    accounts.run("DELETE FROM accounts WHERE id > 100")
    assert len(_snapshots(accounts)) == before


def test_merge_updates_deletes_and_inserts_rows(accounts: Athena) -> None:
    source = "(VALUES (1, 'TX', 1.0), (2, 'XX', 0.0), (9, 'WA', 9.0)) AS s(id, state, balance)"

    changed = accounts.write(
        f"MERGE INTO accounts AS t USING {source} ON t.id = s.id "
        "WHEN MATCHED AND s.state = 'XX' THEN DELETE "
        "WHEN MATCHED THEN UPDATE SET state = s.state, balance = t.balance + s.balance "
        "WHEN NOT MATCHED THEN INSERT (id, state) VALUES (s.id, s.state)"
    )

    assert changed == 3
    assert accounts.run("SELECT * FROM accounts ORDER BY id") == [
        ["1", "TX", "11.5"],
        ["3", None, None],
        ["9", "WA", None],
    ]
    twice = "MERGE INTO accounts t USING (VALUES 1, 1) s(id) ON t.id = s.id WHEN MATCHED THEN DELETE"
    assert "MERGE_TARGET_ROW_MULTIPLE_MATCHES" in accounts.fail(twice)


def test_time_travel_returns_the_rows_of_a_version_tag_or_time(accounts: Athena) -> None:
    accounts.run("DELETE FROM accounts WHERE id = 1")
    first, second = _snapshots(accounts)

    assert accounts.run(f"SELECT count(*) FROM accounts FOR VERSION AS OF {first}") == [["3"]]
    assert accounts.run(f"SELECT count(*) FROM accounts FOR VERSION AS OF {second} AS a WHERE a.id > 0") == [["2"]]
    assert accounts.run("SELECT count(*) FROM accounts FOR VERSION AS OF 'main'") == [["2"]]
    gone = accounts.run(
        f"SELECT o.id FROM accounts FOR VERSION AS OF {first} AS o LEFT JOIN accounts AS n ON n.id = o.id "
        "WHERE n.id IS NULL"
    )
    assert gone == [["1"]]
    [[moment]] = accounts.run('SELECT CAST(min(committed_at) AS varchar) FROM "accounts$snapshots"')
    assert accounts.run(f"SELECT count(*) FROM accounts FOR TIMESTAMP AS OF TIMESTAMP '{moment}'") == [["3"]]


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("VERSION AS OF 12", "INVALID_ARGUMENTS: Iceberg snapshot ID does not exists: 12"),
        ("VERSION AS OF 'nope'", "Cannot find snapshot with reference name: nope"),
        ("VERSION AS OF DATE '2024-01-01'", "NOT_SUPPORTED: Unsupported type for table version: date"),
        ("TIMESTAMP AS OF '2024-01-01'", "TYPE_MISMATCH: line 1:15: Type varchar(10) invalid. Temporal pointers"),
        ("TIMESTAMP AS OF current_timestamp", "is not in the past"),
        ("TIMESTAMP AS OF TIMESTAMP '2999-01-01 00:00:00 UTC'", "is not in the past"),
        ("TIMESTAMP AS OF CAST(NULL AS timestamp)", "Pointer value cannot be NULL"),
        (
            "TIMESTAMP AS OF (current_timestamp - interval '1' day)",
            'No version history table "lab"."accounts" at or before',
        ),
    ],
)
def test_query_fails_on_invalid_versions(accounts: Athena, version: str, reason: str) -> None:
    assert reason in accounts.fail(f"SELECT * FROM accounts FOR {version}")


def test_earlier_version_does_not_have_columns_that_were_added_later(accounts: Athena) -> None:
    [first] = _snapshots(accounts)
    accounts.run("ALTER TABLE accounts ADD COLUMNS (tags array<struct<k:string,v:int>>)")
    accounts.run("INSERT INTO accounts VALUES (4, 'TX', 1.0, ARRAY[CAST(ROW('a', 1) AS row(k varchar, v integer))])")

    assert accounts.run("SELECT tags, tags[1].k FROM accounts WHERE id = 4") == [["[{k=a, v=1}]", "a"]]
    assert "COLUMN_NOT_FOUND" in accounts.fail(f"SELECT tags FROM accounts FOR VERSION AS OF {first}")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("snapshots", "committed_at snapshot_id parent_id operation manifest_list summary"),
        ("history", "made_current_at snapshot_id parent_id is_current_ancestor"),
        ("refs", "name type snapshot_id max_reference_age_in_ms min_snapshots_to_keep max_snapshot_age_in_ms"),
        (
            "files",
            (
                "content file_path file_format record_count file_size_in_bytes column_sizes value_counts "
                "null_value_counts "
                "nan_value_counts lower_bounds upper_bounds key_metadata split_offsets equality_ids"
            ),
        ),
        (
            "manifests",
            (
                "path length partition_spec_id added_snapshot_id added_data_files_count added_rows_count "
                "existing_data_files_count existing_rows_count deleted_data_files_count deleted_rows_count partitions"
            ),
        ),
        ("partitions", "record_count file_count total_size data"),
    ],
)
def test_metadata_table_has_the_documented_columns(accounts: Athena, table: str, columns: str) -> None:
    execution_id = accounts.start(f'SELECT * FROM "accounts${table}"')
    accounts.finished(execution_id)
    result = accounts.call("GetQueryResults", QueryExecutionId=execution_id)["ResultSet"]

    assert [entry["Name"] for entry in result["ResultSetMetadata"]["ColumnInfo"]] == columns.split()
    assert len(result["Rows"]) == 2


def test_metadata_tables_contain_counts_and_bounds(accounts: Athena) -> None:
    assert accounts.run("SELECT summary['added-records'], operation FROM \"accounts$snapshots\"") == [["3", "append"]]
    assert accounts.run('SELECT record_count, lower_bounds[1], upper_bounds[2] FROM "accounts$files"') == [
        ["3", "1", "NY"]
    ]
    assert accounts.run('SELECT data.id.min, data.state.null_count FROM "accounts$partitions"') == [["1", "1"]]
    assert accounts.run("SELECT \"$path\" LIKE 's3://lab/accounts/data/%' FROM accounts WHERE id = 1") == [["true"]]


def test_query_skips_files_by_partition_and_bounds(athena: Athena) -> None:
    athena.run(
        "CREATE TABLE parts (id int, st string, v double) PARTITIONED BY (st) LOCATION 's3://lab/parts/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run(
        "INSERT INTO parts SELECT CAST(x AS integer), 'S' || CAST(x % 4 AS varchar), x * 1.5 "
        "FROM UNNEST(sequence(1, 400)) t(x)"
    )

    def scanned(sql: str) -> int:
        size: int = athena.finished(athena.start(sql))["Statistics"]["DataScannedInBytes"]
        return size

    whole, part = scanned("SELECT sum(v) FROM parts"), scanned("SELECT sum(v) FROM parts WHERE st = 'S1'")
    assert 0 < part < whole
    assert scanned("SELECT sum(v) FROM parts WHERE id > 1000") == 0
    assert scanned("SELECT count(*) FROM parts") == 0
    assert athena.run("SELECT sum(v) FROM parts WHERE st IN ('S1', 'S3') AND id <= 4") == [["6.0"]]


@pytest.mark.parametrize(
    "condition",
    [
        "t >= TIMESTAMP '2026-03-01 00:00:00'",
        "t > TIMESTAMP '2026-03-01 12:30:00.5'",
        "TIMESTAMP '2026-03-01' <= t",
        "t BETWEEN TIMESTAMP '2026-03-01 00:00:00' AND TIMESTAMP '2026-03-31 23:59:59'",
    ],
)
def test_query_skips_files_from_other_months(athena: Athena, condition: str) -> None:
    athena.run(
        "CREATE TABLE months (id int, t timestamp) PARTITIONED BY (month(t)) LOCATION 's3://lab/months/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run(
        "INSERT INTO months SELECT CAST(x AS integer), date_add('day', x, TIMESTAMP '2026-01-01 00:00:00') "
        "FROM UNNEST(sequence(0, 89)) t(x)"
    )
    counted = athena.finished(athena.start(f"SELECT count(id) FROM months WHERE {condition}"))
    everything = athena.finished(athena.start("SELECT count(id), count(t) FROM months"))
    assert 0 < counted["Statistics"]["DataScannedInBytes"] < everything["Statistics"]["DataScannedInBytes"] / 2
    wanted = athena.run(f"SELECT count(id) FROM months WHERE coalesce(({condition}), false)")
    assert athena.run(f"SELECT count(id) FROM months WHERE {condition}") == wanted


def test_alter_table_changes_columns(accounts: Athena) -> None:
    accounts.run("ALTER TABLE accounts CHANGE COLUMN balance amount double AFTER id")
    accounts.run("ALTER TABLE accounts DROP COLUMN state")
    accounts.run("ALTER TABLE accounts CHANGE id id bigint")

    assert accounts.run("SELECT *, typeof(id) FROM accounts WHERE id = 1") == [["1", "10.5", "bigint"]]
    assert accounts.run('SELECT lower_bounds[1] FROM "accounts$files"') == [["1"]]
    assert "cannot" in accounts.fail("ALTER TABLE accounts CHANGE amount amount int").lower()
    assert "Query type not supported" in accounts.fail("ALTER TABLE accounts SET LOCATION 's3://lab/other/'")
    assert "Unsupported table property key: comment" in accounts.fail(
        "ALTER TABLE accounts SET TBLPROPERTIES ('comment'='x')"
    )


def test_optimize_and_vacuum_keep_the_rows(accounts: Athena) -> None:
    accounts.run("ALTER TABLE accounts SET TBLPROPERTIES ('optimize_rewrite_data_file_threshold'='1')")
    accounts.run("INSERT INTO accounts VALUES (4, 'TX', 4.0)")
    accounts.run("OPTIMIZE accounts REWRITE DATA USING BIN_PACK")
    accounts.run("ALTER TABLE accounts SET TBLPROPERTIES ('vacuum_max_snapshot_age_seconds'='0')")
    accounts.run("VACUUM accounts")

    assert accounts.run('SELECT count(*) FROM "accounts$files"') == [["1"]]
    assert len(_snapshots(accounts)) == 1
    assert accounts.run("SELECT count(*), sum(balance) FROM accounts") == [["4", "34.5"]]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "INSERT INTO accounts VALUES ('x', 'CA', 1.0)",
            "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types",
        ),
        ("INSERT INTO accounts VALUES (1, 'CA')", "TYPE_MISMATCH"),
        ("INSERT INTO accounts (nope) VALUES 1", "COLUMN_NOT_FOUND"),
        (
            "INSERT INTO nowhere VALUES 1",
            "TABLE_NOT_FOUND: line 1:13: Table 'awsdatacatalog.lab.nowhere' does not exist",
        ),
        ("INSERT INTO nobase.t VALUES 1", "SCHEMA_NOT_FOUND: line 1:13: Schema 'nobase' does not exist"),
        (
            "UPDATE accounts SET nope = 1",
            "COLUMN_NOT_FOUND: line 1:21: The UPDATE SET target column nope doesn't exist",
        ),
        ("UPDATE accounts SET balance = 'x'", "TYPE_MISMATCH"),
        ("UPDATE accounts SET id = 1 / 0", "DIVISION_BY_ZERO"),
        ("DELETE FROM accounts WHERE id", "TYPE_MISMATCH"),
        ("SELECT * FROM other.accounts.t.x", "SYNTAX_ERROR"),
        ("SELECT * FROM other.lab.accounts", "CATALOG_NOT_FOUND: line 1:15: Catalog 'other' does not exist"),
        ("DROP TABLE nowhere", "Table not found nowhere"),
        ("CREATE DATABASE lab", "Database lab already exists"),
        ("DROP DATABASE lab", "Database lab is not empty"),
        ("SHOW PARTITIONS accounts", "Query type not supported by Athena Iceberg at this time"),
        ("CREATE VIEW accounts AS SELECT 1 AS a", "already exists"),
        ("CREATE VIEW v AS SELECT 1", "Column name not specified at position 1"),
    ],
)
def test_invalid_statements_change_nothing(accounts: Athena, sql: str, reason: str) -> None:
    before = _snapshots(accounts)

    assert reason in accounts.fail(sql)
    assert _snapshots(accounts) == before


def test_drop_table_deletes_the_iceberg_files(accounts: Athena) -> None:
    accounts.run("DROP TABLE accounts")

    assert "KeyCount" not in accounts.s3.list_objects_v2(Bucket="lab", Prefix="accounts/").get("Contents", {})
    assert accounts.s3.list_objects_v2(Bucket="lab", Prefix="accounts/")["KeyCount"] == 0


def test_show_and_describe_return_names_types_and_properties(accounts: Athena) -> None:
    assert accounts.run("SHOW TABLES 'acc*|none'") == [["accounts"]]
    assert accounts.run("SHOW DATABASES LIKE 'l.*'") == [["lab"]]
    assert [row[0].strip() for row in accounts.run("SHOW COLUMNS IN accounts") if row[0]] == ["id", "state", "balance"]
    described = [row[0] for row in accounts.run("DESCRIBE `accounts`", "`lab`")]
    assert described[:3] == ["# Table schema:\t\t", "# col_name\tdata_type\tcomment", "id\tint\t"]
    created = "\n".join(str(row[0]) for row in accounts.run("SHOW CREATE TABLE awsdatacatalog.lab.accounts"))
    assert created.startswith("CREATE TABLE lab.accounts (\n  id int,\n  state string,")
    assert ["table_type\tICEBERG"] in accounts.run("SHOW TBLPROPERTIES accounts")


def test_view_can_be_queried_listed_and_dropped(accounts: Athena) -> None:
    accounts.run("CREATE OR REPLACE VIEW rich AS SELECT id AS who, balance FROM accounts WHERE balance > 15")

    assert accounts.run("SELECT r.who FROM lab.rich AS r", None) == [["2"]]
    assert accounts.run("SHOW VIEWS LIKE 'r*'") == [["rich"]]
    assert accounts.run("SHOW CREATE VIEW rich")[0] == ['CREATE VIEW "rich" AS ']
    accounts.run("DROP VIEW rich")
    assert "TABLE_NOT_FOUND" in accounts.fail("SELECT * FROM rich")


def test_information_schema_lists_columns_and_tables(accounts: Athena) -> None:
    columns = (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'accounts' "
        "ORDER BY ordinal_position"
    )

    assert accounts.run(columns) == [["id", "integer"], ["state", "varchar"], ["balance", "double"]]
    assert accounts.run("SELECT table_type FROM information_schema.tables WHERE table_schema = 'lab'") == [
        ["BASE TABLE"]
    ]


def test_explain_returns_a_plan_or_an_error(accounts: Athena) -> None:
    lines = [
        str(row[0]) for row in accounts.run("EXPLAIN SELECT state, count(*) FROM accounts WHERE id > 1 GROUP BY state")
    ]

    assert any("TableScan[table = accounts]" in line for line in lines)
    assert "COLUMN_NOT_FOUND" in accounts.fail("EXPLAIN SELECT nope FROM accounts")
    # If the lakehouse returned only a plan, the user would believe that the rows had been inserted.
    reason = accounts.fail("EXPLAIN ANALYZE INSERT INTO accounts SELECT * FROM accounts")
    assert reason == "NOT_SUPPORTED: The local Athena supports EXPLAIN ANALYZE only for SELECT"


def test_nested_columns_distinguish_null_from_empty(athena: Athena) -> None:
    athena.run(
        "CREATE TABLE nested (id int, phones array<struct<kind:string>>, prefs map<string,struct<a:int>>, "
        "grid array<array<int>>) LOCATION 's3://lab/nested/' TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run(
        "INSERT INTO nested VALUES (1, NULL, NULL, NULL), (2, ARRAY[], MAP(), ARRAY[]), "
        "(3, ARRAY[NULL], MAP(ARRAY['x'], ARRAY[NULL]), ARRAY[NULL, ARRAY[], ARRAY[1, NULL]])"
    )
    rows = [
        ["1", None, None, None],
        ["2", "[]", "{}", "[]"],
        ["3", "[null]", "{x=null}", "[null, [], [1, null]]"],
    ]

    assert athena.run("SELECT * FROM nested ORDER BY id") == rows
    athena.write("UPDATE nested SET id = id + 0")
    assert athena.run("SELECT * FROM nested ORDER BY id") == rows
    athena.run("CREATE TABLE copied AS SELECT * FROM nested")
    assert athena.run("SELECT * FROM copied ORDER BY id") == rows


def test_string_that_looks_like_a_column_is_not_scanned(accounts: Athena) -> None:
    def scanned(sql: str) -> int:
        size: int = accounts.finished(accounts.start(sql))["Statistics"]["DataScannedInBytes"]
        return size

    assert scanned("SELECT id, 'r1.c0 r1.c1 r1.c2 scan1 AS r1' AS x FROM accounts") == scanned(
        "SELECT id FROM accounts"
    )
    assert scanned("SELECT 'r1.c0 r1.c1 r1.c2' AS x FROM accounts") == 0


def test_values_are_converted_to_narrower_column_types(athena: Athena) -> None:
    athena.run(
        "CREATE TABLE t (id int, f float, at timestamp) LOCATION 's3://lab/t/' TBLPROPERTIES ('table_type'='ICEBERG')"
    )

    athena.run("INSERT INTO t VALUES (1, 1.0, TIMESTAMP '2024-01-01 12:00:00.000 UTC')")
    athena.run("INSERT INTO t SELECT 2, sqrt(2), from_iso8601_timestamp('2024-01-01T12:00:00+02:00')")
    athena.run("UPDATE t SET f = 0.5, at = current_timestamp WHERE id = 1")
    athena.run(
        "MERGE INTO t USING (VALUES 3) s(id) ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, f) VALUES (s.id, 2.5)"
    )

    rows = athena.run("SELECT id, f, at > TIMESTAMP '2024-06-01 00:00:00' FROM t ORDER BY id")
    assert rows == [["1", "0.5", "true"], ["2", "1.4142135", "false"], ["3", "2.5", None]]
    assert "TYPE_MISMATCH" in athena.fail("INSERT INTO t VALUES ('1', 1.0, NULL)")


@pytest.mark.parametrize("transform", ["year(d)", "month(t)", "day(t)", "hour(t)", "d"])
def test_conditions_on_the_first_and_last_dates_find_the_expected_rows(athena: Athena, transform: str) -> None:
    athena.run(
        f"CREATE TABLE e (n int, d date, t timestamp) PARTITIONED BY ({transform}) LOCATION 's3://lab/e/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    days = ("0001-01-01", "2024-01-01", "9999-12-31")
    rows = ", ".join(f"({n}, DATE '{day}', TIMESTAMP '{day} 00:00:00')" for n, day in enumerate(days))
    athena.run(f"INSERT INTO e VALUES {rows}")

    for column, kind in (("d", "DATE"), ("t", "TIMESTAMP")):
        for operator in ("=", "<", "<=", ">", ">="):
            for index, day in enumerate(days):
                expected = {"=": 1, "<": index, "<=": index + 1, ">": 2 - index, ">=": 3 - index}[operator]
                found = athena.run(f"SELECT count(*) FROM e WHERE {column} {operator} {kind} '{day}'")
                assert found == [[str(expected)]], (column, operator, day)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("CHANGE COLUMN b c string", "has a different name from column [b]"),
        ("CHANGE COLUMN a a bigint", "cannot be coerced to column [a] of type integer"),
        ("ADD COLUMNS (d int)", "stored view column count (2) does not match"),
        ("DROP COLUMN b", "stored view column count (2) does not match"),
        ("CHANGE COLUMN b b string FIRST", "has a different name from column [a]"),
    ],
)
def test_view_is_stale_after_table_columns_change(athena: Athena, change: str, difference: str) -> None:
    athena.run("CREATE TABLE t (a int, b string) LOCATION 's3://lab/t/' TBLPROPERTIES ('table_type'='ICEBERG')")
    athena.run("CREATE VIEW v AS SELECT * FROM t")
    assert athena.run("SELECT * FROM v") == []

    athena.run(f"ALTER TABLE t {change}")

    reason = athena.fail("SELECT * FROM v")
    assert "VIEW_IS_STALE" in reason
    assert difference in reason


@pytest.mark.parametrize(
    "column", ["s struct<x:bigint>", "s struct<x:int,y:int>", "s int", "l array<bigint>", "m map<string,bigint>"]
)
def test_alter_table_rejects_a_type_change_of_a_nested_column(athena: Athena, column: str) -> None:
    athena.run(
        "CREATE TABLE t (s struct<x:int>, l array<int>, m map<string,int>) LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )

    assert "Cannot change column type" in athena.fail(f"ALTER TABLE t CHANGE COLUMN {column.split()[0]} {column}")
    athena.run("ALTER TABLE t CHANGE COLUMN s renamed struct<x:int>")


@pytest.mark.parametrize("value", ["ARRAY[NULL]", "ARRAY[]", "MAP(ARRAY['k'], ARRAY[NULL])"])
@pytest.mark.parametrize("format_", ["PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE", "ICEBERG"])
def test_ctas_rejects_a_nested_column_of_unknown_type(athena: Athena, format_: str, value: str) -> None:
    properties = (
        "table_type = 'ICEBERG', is_external = false, location = 's3://lab/t/'"
        if format_ == "ICEBERG"
        else f"format = '{format_}', external_location = 's3://lab/t/'"
    )

    assert "NOT_SUPPORTED" in athena.fail(f"CREATE TABLE t WITH ({properties}) AS SELECT {value} AS v")


def test_invalid_view_error_names_the_view(athena: Athena) -> None:
    athena.run("CREATE VIEW one AS SELECT 1 AS a")
    athena.run("CREATE VIEW two AS SELECT a FROM one")
    athena.run("CREATE VIEW three AS WITH q AS (SELECT * FROM two) SELECT * FROM q")
    outer = "INVALID_VIEW: line 1:15: Failed analyzing stored view 'awsdatacatalog.lab.three': line 1:26: "
    assert athena.run("SELECT * FROM three JOIN two ON true JOIN three AS x ON true") == [["1", "1", "1"]]

    recursive = "Statement would create a recursive view"
    assert athena.fail("CREATE OR REPLACE VIEW two AS SELECT * FROM two").startswith("VIEW_IS_RECURSIVE: line 1:45: ")
    reason = athena.fail("CREATE OR REPLACE VIEW two AS SELECT * FROM three")
    assert reason == outer.replace("1:15", "1:45") + recursive

    athena.run("CREATE OR REPLACE VIEW one AS SELECT 1 AS b")
    inner = "Failed analyzing stored view 'awsdatacatalog.lab.two': line 1:8: Column 'a' cannot be resolved"
    assert athena.fail("SELECT * FROM three").startswith(outer + inner)
    athena.run("DROP VIEW one")
    inner = "Failed analyzing stored view 'awsdatacatalog.lab.two': line 1:15: "
    assert athena.fail("SELECT * FROM three") == f"{outer}{inner}Table 'awsdatacatalog.lab.one' does not exist"


def test_statement_looks_up_each_table_once(accounts: Athena, monkeypatch: pytest.MonkeyPatch) -> None:
    found, look_up = [], Lake.table

    def table(lake: Lake, database: str, name: str) -> dict[str, Any] | None:
        found.append(name)
        return look_up(lake, database, name)

    monkeypatch.setattr(Lake, "table", table)
    exists = "EXISTS (SELECT 1 FROM accounts AS b WHERE b.id = a.id)"
    accounts.run(f"SELECT count(*) FROM accounts AS a, accounts AS c WHERE a.id = c.id AND {exists}")
    accounts.run('SELECT count(*) FROM accounts, "accounts$snapshots"')
    assert found == ["accounts", "accounts"]


def test_partition_column_cannot_be_dropped(athena: Athena) -> None:
    properties = "LOCATION 's3://lab/t/' TBLPROPERTIES ('table_type'='ICEBERG')"
    athena.run(f"CREATE TABLE t (id int, day date, p string) PARTITIONED BY (p, month(day)) {properties}")
    for column in ("p", "day"):
        assert athena.fail(f"ALTER TABLE t DROP COLUMN {column}") == f"Cannot drop partition field: {column}"
    athena.run("ALTER TABLE t DROP COLUMN id")

    athena.run("INSERT INTO t VALUES (DATE '2026-01-02', 'x')")
    assert athena.run("SELECT * FROM t") == [["2026-01-02", "x"]]


def test_rename_waits_for_other_statements(accounts: Athena, monkeypatch: pytest.MonkeyPatch) -> None:
    locked: list[bool] = []
    rename = LakehouseCatalog.rename_table

    def renamed(catalog: LakehouseCatalog, *names: Any) -> Any:
        locked.append(iceberg_commits._locks["lab", "accounts"].locked())
        return rename(catalog, *names)

    monkeypatch.setattr(LakehouseCatalog, "rename_table", renamed)
    accounts.run("ALTER TABLE accounts RENAME TO renamed")

    assert locked == [True]
    assert accounts.run("SELECT count(*) FROM renamed") == [["3"]]
