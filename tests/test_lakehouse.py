"""Tests for the helpers that query and describe the lakehouse, on a lab after chapter 6."""

import dataclasses
from collections.abc import Iterator

import pandas as pd
import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from zetl_helpers import lakehouse, target
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab


@pytest.fixture(scope="module")
def evolved_lab() -> Iterator[Lab]:
    running = Lakehouse(Settings(refresh_seconds=0.05))
    running.start()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", running.url)
        lab = connect_to(running.url)
        chapters.catch_up(lab, 7)
        yield lab
    running.stop()


def test_query_returns_exact_types(evolved_lab: Lab) -> None:
    rows = lakehouse.query(
        evolved_lab, "SELECT state, count(*) AS accounts, avg(0.5e0) AS half FROM customeraccounts GROUP BY 1"
    )
    assert {name: str(dtype) for name, dtype in rows.dtypes.items()} == {
        "state": "string", "accounts": "Int64", "half": "float64",
    }  # fmt: skip
    assert rows["accounts"].sum() == 25


def test_query_substitutes_parameters(evolved_lab: Lab) -> None:
    newest = int(lakehouse.snapshots(evolved_lab)["snapshot_id"].iloc[-1])
    sql = "SELECT count(*) AS n FROM customeraccounts FOR VERSION AS OF :version WHERE customerid = :customer"
    assert lakehouse.query(evolved_lab, sql, version=newest, customer="CUST0026")["n"].tolist() == [1]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELEC 1", "mismatched input 'SELEC'"),
        ("SELECT * FROM nowhere", "TABLE_NOT_FOUND: line 1:15: Table '.*nowhere' does not exist"),
        ("SELECT nothing FROM customeraccounts", "COLUMN_NOT_FOUND: line 1:8: Column 'nothing' cannot be resolved"),
        ("SELECT 1/0", "DIVISION_BY_ZERO"),
    ],
)  # fmt: skip
def test_query_error_contains_athena_message(evolved_lab: Lab, sql: str, reason: str) -> None:
    with pytest.raises(lakehouse.QueryError, match=reason):
        lakehouse.query(evolved_lab, sql)


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        ("SELECT nv FROM customeraccounts", "zetl.lakehouse.schema(lab) lists the table's current columns. Write text"),
        ("SELECT state AS place FROM customeraccounts WHERE place = 'CA'", "`place` is an alias from SELECT"),
        ("SELECT SUM(creditlimit) n FROM customeraccounts HAVING n > 1", "`n` is an alias from SELECT."),
        ('SELECT * FROM customeraccounts WHERE state = "CA"', "Use double quotes for names and single quotes"),
        ("SELECT -- AS nv\n nv FROM customeraccounts", "zetl.lakehouse.schema(lab) lists the table's current columns."),
        ("SELECT * FROM customeraccount", "The table is called customeraccounts."),
        ("SELECT ifnull(1, 2)", "In Athena, use COALESCE(x, y) instead."),
        ("SELECT total(1)", "Athena supports Trino functions"),
        ("SELECT sum(zipcode) FROM customeraccounts", "The function exists, but not for these types."),
        ("SELECT state, count(*) FROM customeraccounts", "A column that is not in GROUP BY must be inside"),
        ("SELECT * FROM customeraccounts WHERE zipcode = 89101", "To compare the values as text, put the number in"),
        ("SELECT * FROM customeraccounts WHERE zipcode IN (89101)", "To compare the values as text, put the number in"),
        ("SELECT * FROM customeraccounts WHERE creditlimit = '5'", "To compare the values as text, put the number in"),
        ("SELECT * FROM customeraccounts WHERE lastpaymentdate > date '2026-01-01'", "CAST(x AS date) converts text"),
        ("SELECT 1 WHERE current_timestamp > '2026-10-01'", "Compare a time with a time, such as DATE"),
        ("SELECT 1 WHERE true = 'true'", "Compare a boolean with true or false"),
        ("SELECT 1 WHERE DATE '2026-10-01' > 1", "Two values have different types."),
        ("SELECT * FROM customeraccounts FOR VERSION AS OF {first}", "The braces are part of the statement. Put an f"),
        ("SELECT * FROM customeraccounts FOR VERSION AS OF :first", "Pass the value of :first to zetl.query: zetl"),
        ("SELECT creditlimit::integer FROM customeraccounts", "Athena does not support `::`."),
        (
            "SELECT * FROM customeraccounts WHERE paperlessbilling IS NOT TRUE",
            "Athena does not support IS TRUE or IS FALSE.",
        ),
        ("SELECT TOP 10 state FROM customeraccounts", "Athena does not support TOP."),
        ("SELECT 1 AS n MINUS SELECT 2", "Athena does not support MINUS."),
        ("SELECT [state] FROM customeraccounts", "Athena does not support names in brackets."),
        ("SELECT state,, FROM customeraccounts", "The statement is incomplete, or it has an extra word"),
        ("SELECT state, FROM t WHERE id = 'a::b [c] minus {}'", "The statement is incomplete, or it has an extra word"),
        ("SELECT array[1, 2][1], m[k], array[k] FRM t", "The statement is incomplete, or it has an extra word"),
    ],
)  # fmt: skip
def test_query_error_contains_advice(evolved_lab: Lab, sql: str, advice: str) -> None:
    with pytest.raises(lakehouse.QueryError) as error:
        lakehouse.query(evolved_lab, sql)
    assert str(error.value).splitlines()[1].startswith(advice)


def test_some_query_errors_have_no_advice(evolved_lab: Lab) -> None:
    with pytest.raises(lakehouse.QueryError, match=r"^DIVISION_BY_ZERO: Division by zero$"):
        lakehouse.query(evolved_lab, "SELECT 1 / 0")


def test_advice_refers_to_table_of_lab(evolved_lab: Lab) -> None:
    own = evolved_lab.with_table("MyTable")
    with pytest.raises(lakehouse.QueryError, match=r"zetl\.lakehouse\.schema\(lab\.with_table\(\"MyTable\"\)\) lists"):
        lakehouse.query(own, "SELECT nothing FROM customeraccounts")
    waits = r'not loaded yet, zetl\.integration\.wait_until_loaded\(lab\.with_table\("MyTable"\)\) waits for it'
    with pytest.raises(lakehouse.QueryError, match=waits):
        lakehouse.snapshots(own)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE customeraccounts SET state = 'CA'",
        "delete from customeraccounts",
        "-- a comment\n/* and\nanother */ INSERT INTO customeraccounts SELECT * FROM customeraccounts",
        "DROP TABLE customeraccounts",
        "CREATE TABLE copy AS SELECT * FROM customeraccounts",
        "OPTIMIZE customeraccounts REWRITE DATA USING BIN_PACK",
        "PREPARE change FROM DELETE FROM customeraccounts",
        "EXECUTE change",
        "DEALLOCATE PREPARE change",
        "explain /* and run */ analyze verbose INSERT INTO customeraccounts SELECT * FROM customeraccounts",
    ],
)
def test_query_rejects_statements_that_change_data(evolved_lab: Lab, sql: str) -> None:
    before = lakehouse.query_history(evolved_lab)
    with pytest.raises(
        lakehouse.QueryError, match=r"only reads data, but this statement begins with \w+, so it was not run"
    ):
        lakehouse.query(evolved_lab, sql)
    pd.testing.assert_frame_equal(lakehouse.query_history(evolved_lab), before)


@pytest.mark.parametrize(
    "sql",
    [
        "WITH t AS (SELECT 1) SELECT * FROM t",
        "VALUES 1",
        "-- why\nSELECT 1",
        "((SELECT 1));",
        "TABLE customeraccounts",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
    ],
)
def test_query_accepts_read_only_statements(evolved_lab: Lab, sql: str) -> None:
    assert len(lakehouse.query(evolved_lab, sql)) >= 1


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SHOW TABLES", ["tab_name"]),
        ("/* all */ show databases", ["database_name"]),
        ("DESCRIBE customeraccounts", ["col_name", "data_type", "comment"]),
    ],
)
def test_query_reads_text_results(evolved_lab: Lab, sql: str, columns: list[str]) -> None:
    rows = lakehouse.query(evolved_lab, sql)
    assert len(rows) >= 1
    assert rows.columns.tolist() == columns
    assert set(map(str, rows.dtypes)) == {"string"}


def test_query_returns_plan_with_indentation(evolved_lab: Lab) -> None:
    plan = lakehouse.query(evolved_lab, "EXPLAIN SELECT 1")["Query Plan"].tolist()
    assert plan[0] == "Fragment 0 [SINGLE]"
    assert plan[1].startswith("    Output layout: ")


@pytest.mark.parametrize("sql", ["SELECT NULL AS a", "SELECT INTERVAL '1' DAY AS a"])
def test_query_rejects_results_without_types(evolved_lab: Lab, sql: str) -> None:
    with pytest.raises(lakehouse.QueryError, match="Give each column a type"):
        lakehouse.query(evolved_lab, sql)


def test_schema_has_unique_field_ids(evolved_lab: Lab) -> None:
    schema = lakehouse.schema(evolved_lab)
    assert {"customerid", "accountnumber", "state"} <= set(schema["column"])
    assert schema["field id"].is_unique
    assert schema.columns.tolist() == ["column", "type", "field id"]


def test_list_of_objects_contains_data_and_metadata(evolved_lab: Lab) -> None:
    objects = lakehouse.objects(evolved_lab)
    assert set(objects["folder"]) == {"data", "metadata"}
    assert (objects["bytes"] > 0).all()
    assert objects[objects["object"].str.endswith(".metadata.json")]["folder"].eq("metadata").all()


def test_snapshots_are_in_order(evolved_lab: Lab) -> None:
    snapshots = lakehouse.snapshots(evolved_lab)
    assert snapshots["parent_id"].iloc[1:].tolist() == snapshots["snapshot_id"].iloc[:-1].tolist()
    assert snapshots["committed_at"].is_monotonic_increasing
    assert snapshots["summary"].iloc[0]["total-records"] == "25"


def test_time_between_selects_earlier_snapshot(evolved_lab: Lab) -> None:
    snapshots = lakehouse.snapshots(evolved_lab)
    moment = lakehouse.time_between(*snapshots["committed_at"].iloc[:2])
    sql = f"SELECT count(*) AS n FROM customeraccounts FOR TIMESTAMP AS OF TIMESTAMP '{moment} UTC'"
    assert lakehouse.query(evolved_lab, f"{sql} WHERE customerid = 'CUST0026'")["n"].tolist() == [0]


def test_difference_lists_changed_rows(evolved_lab: Lab) -> None:
    first, *_, last = (int(entry) for entry in lakehouse.snapshots(evolved_lab)["snapshot_id"])
    rows = lakehouse.difference(evolved_lab, first, last).set_index("customerid")
    assert rows["change"].to_dict() == {"CUST0001": "changed", "CUST0002": "removed", "CUST0026": "added"}
    assert len(str(rows.loc["CUST0001", "columns"]).split(", ")) == 7
    assert lakehouse.difference(evolved_lab, last, last).empty


def test_query_history_lists_newest_first(evolved_lab: Lab) -> None:
    for sql in ("SELECT 1", "SELECT 2", "SELECT 'the newest'\n AS text"):
        lakehouse.query(evolved_lab, sql)
    history = lakehouse.query_history(evolved_lab, newest=3)
    assert len(history) == 3
    assert history["query"].iloc[0] == "SELECT 'the newest' AS text"
    assert history["state"].iloc[0] == "SUCCEEDED"


def test_save_query_creates_keeps_or_changes_query(evolved_lab: Lab) -> None:
    did = [
        lakehouse.save_query(evolved_lab, "by state", sql, "Accounts by state").did
        for sql in ("SELECT 1", "SELECT 1", "SELECT 2")
    ]
    assert did == ["created", "already there", "changed"]
    assert lakehouse.saved_queries(evolved_lab)["by state"]["QueryString"] == "SELECT 2"


def test_queries_use_lab_workgroup(evolved_lab: Lab) -> None:
    evolved_lab.client("athena").create_work_group(
        Name="team",
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{evolved_lab.bucket}/team/"}},
    )
    team = dataclasses.replace(evolved_lab, workgroup="team")
    rows = lakehouse.query(team, "SELECT 42 AS answer")
    lakehouse.save_query(team, "The answer", "SELECT 42", "A query of the team")
    assert rows.query_metadata["WorkGroup"] == "team"
    assert lakehouse.query_history(team)["query"].tolist() == ["SELECT 42 AS answer"]
    assert list(lakehouse.saved_queries(team)) == ["The answer"]
    assert "The answer" not in lakehouse.saved_queries(evolved_lab)


@pytest.fixture(scope="module")
def managed_lab(evolved_lab: Lab) -> Lab:
    """Provide the lab with a workgroup whose results Athena manages."""
    managed = {"ManagedQueryResultsConfiguration": {"Enabled": True}}
    evolved_lab.client("athena").create_work_group(Name="managed", Configuration=managed)
    return dataclasses.replace(evolved_lab, workgroup="managed")


def test_query_reads_managed_results(managed_lab: Lab) -> None:
    sql = "SELECT state, count(*) AS accounts FROM customeraccounts GROUP BY 1 ORDER BY 1"
    rows = lakehouse.query(managed_lab, sql)
    assert "ResultConfiguration" not in rows.query_metadata
    stored = lakehouse.query(dataclasses.replace(managed_lab, workgroup="primary"), sql)
    pd.testing.assert_frame_equal(rows, stored)


TEXTS = """
    SELECT * FROM (VALUES
        (1, 'a', 'x', 'x'), (2, '', '', 'x'), (3, CAST(NULL AS varchar), 'NaN', 'x'),
        (4, 'a "b", c' || chr(10) || 'd', 'é', 'x')
    ) AS t (n, first, second, third) ORDER BY n
"""


@pytest.mark.parametrize("workgroup", ["primary", "managed"])
def test_query_distinguishes_empty_text_from_null(managed_lab: Lab, workgroup: str) -> None:
    rows = lakehouse.query(dataclasses.replace(managed_lab, workgroup=workgroup), TEXTS)
    assert [str(dtype) for dtype in rows.dtypes] == ["Int32", "string", "string", "string"]
    assert rows["first"].isna().tolist() == [False, False, True, False]
    assert rows["first"].fillna("NULL").tolist() == ["a", "", "NULL", 'a "b", c\nd']
    assert rows["second"].tolist() == ["x", "", "NaN", "é"]
    assert rows.query_metadata["StatementType"] == "DML"


def test_query_distinguishes_empty_text_beside_a_value_of_two_megabytes(evolved_lab: Lab) -> None:
    rows = lakehouse.query(
        evolved_lab, "SELECT rpad('x', 2000000, 'x') AS long, '' AS empty, CAST(NULL AS varchar) AS n"
    )
    assert rows["long"].str.len().tolist() == [2_000_000]
    assert rows["empty"].tolist() == [""]
    assert rows["n"].isna().all()


def test_query_distinguishes_empty_text_in_columns_with_the_same_name(evolved_lab: Lab) -> None:
    rows = lakehouse.query(evolved_lab, "SELECT '' AS a, CAST(NULL AS varchar) AS a")
    assert rows.isna().to_numpy().tolist() == [[False, True]]


def test_query_keeps_rows_that_contain_only_null(evolved_lab: Lab) -> None:
    rows = lakehouse.query(evolved_lab, "SELECT a FROM (VALUES '', NULL, 'x', NULL) AS t (a)")
    assert rows["a"].fillna("NULL").tolist() == ["", "NULL", "x", "NULL"]


@pytest.mark.parametrize("sql", ["SHOW TABLES", "SHOW FUNCTIONS", "DESCRIBE customeraccounts", "EXPLAIN SELECT 1"])
def test_query_reads_managed_text_results(managed_lab: Lab, sql: str) -> None:
    stored = lakehouse.query(dataclasses.replace(managed_lab, workgroup="primary"), sql)
    pd.testing.assert_frame_equal(lakehouse.query(managed_lab, sql), stored)


# This test is last, because it starts a second lakehouse in this process, after which moto no longer serves the first.
def test_query_history_of_unused_workgroup_is_empty(lab: Lab) -> None:
    target.create_bucket(lab)
    assert lakehouse.query_history(lab).equals(pd.DataFrame())
