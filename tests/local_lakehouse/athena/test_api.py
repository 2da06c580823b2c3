"""Tests for Athena operations, and for the states and results of executions."""

from __future__ import annotations

import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_lakehouse.athena.api import AthenaService
from local_lakehouse.athena.runner import Runner
from local_lakehouse.athena.workgroups import WorkGroups
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.protocol.wire import Fault
from local_lakehouse.sql.workers.pool import WorkerPool
from tests.local_lakehouse.athena.conftest import Athena


def _code(caught: pytest.ExceptionInfo[Fault]) -> object:
    return caught.value.members.get("AthenaErrorCode", caught.value.code)


def test_query_returns_status_and_result(athena: Athena) -> None:
    execution_id = athena.start("SELECT 1 AS n, 'x' AS s, CAST(NULL AS double) AS d;")
    document = athena.finished(execution_id)
    result = athena.call("GetQueryResults", QueryExecutionId=execution_id)

    assert document["Query"] == "SELECT 1 AS n, 'x' AS s, CAST(NULL AS double) AS d"
    assert (document["StatementType"], document["SubstatementType"]) == ("DML", "SELECT")
    assert document["Status"]["State"] == "SUCCEEDED"
    assert document["QueryExecutionContext"] == {"Database": "lab", "Catalog": "awsdatacatalog"}
    assert document["ResultConfiguration"]["OutputLocation"].endswith(f"/{execution_id}.csv")
    assert result["UpdateCount"] == 0
    assert [row["Data"] for row in result["ResultSet"]["Rows"]] == [
        [{"VarCharValue": "n"}, {"VarCharValue": "s"}, {"VarCharValue": "d"}],
        [{"VarCharValue": "1"}, {"VarCharValue": "x"}, {}],
    ]
    info = result["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(entry["Type"], entry["Precision"], entry["CaseSensitive"]) for entry in info] == [
        ("integer", 10, False),
        ("varchar", 1, True),
        ("double", 17, False),
    ]


def test_result_is_a_csv_file_in_the_default_bucket(athena: Athena) -> None:
    execution_id = athena.start("SELECT 'a \"b\"' AS s, NULL AS n, '' AS e")
    location = athena.finished(execution_id)["ResultConfiguration"]["OutputLocation"]
    bucket, _, key = location.removeprefix("s3://").partition("/")

    assert bucket == "aws-athena-query-results-123456789012-us-east-1"
    body = athena.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert body == '"s","n","e"\n"a ""b""",,""\n'


def test_failed_query_returns_category_type_and_message(athena: Athena) -> None:
    document = athena.finished(athena.start("SELECT 1 / 0"))

    assert document["Status"]["AthenaError"] == {
        "ErrorCategory": 2,
        "ErrorType": 1001,
        "Retryable": False,
        "ErrorMessage": "DIVISION_BY_ZERO: Division by zero",
    }
    with pytest.raises(Fault, match=r"Final query state: FAILED") as caught:
        athena.call("GetQueryResults", QueryExecutionId=document["QueryExecutionId"])
    assert _code(caught) == "INVALID_QUERY_EXECUTION_STATE"


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        ({"QueryString": "SELEC"}, "MALFORMED_QUERY", "mismatched input 'SELEC'"),
        ({"QueryString": "-- nothing"}, "MALFORMED_QUERY", "mismatched input '<EOF>'"),
        ({"QueryString": "GRANT x TO y"}, "INVALID_INPUT", "Queries of this type are not supported"),
        ({"QueryString": "SELECT 1", "WorkGroup": "none"}, "INVALID_INPUT", "WorkGroup is not found."),
        (
            {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": "results"}},
            "INVALID_INPUT",
            "outputLocation is not a valid S3 path.",
        ),
        (
            {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": "s3://no-such-bucket/"}},
            "INVALID_INPUT",
            "Unable to verify/create output bucket no-such-bucket",
        ),
        ({"QueryString": "CREATE TABLE t (n int)"}, "MALFORMED_QUERY", "No location was specified for table"),
        (
            {"QueryString": "CREATE TABLE t (n int) LOCATION 's3://lab/t/'"},
            "MALFORMED_QUERY",
            "External keyword required for table type HIVE",
        ),
        ({"QueryString": "ALTER TABLE t ADD COLUMN n int"}, "MALFORMED_QUERY", "no viable alternative"),
        ({"QueryString": "ALTER TABLE t RENAME COLUMN a TO b"}, "MALFORMED_QUERY", "missing 'TO' at 'COLUMN'"),
        ({"QueryString": 'DROP TABLE "t"'}, "MALFORMED_QUERY", "no viable alternative"),
        ({"QueryString": "CREATE OR REPLACE TABLE t (n int)"}, "MALFORMED_QUERY", "mismatched input 'TABLE'"),
    ],
)
def test_start_query_execution_rejects_invalid_requests(
    athena: Athena, request_: dict[str, object], code: str, text: str
) -> None:
    with pytest.raises(Fault, match=re.escape(text)) as caught:
        athena.call("StartQueryExecution", ClientRequestToken=str(uuid.uuid4()), **request_)

    assert _code(caught) == code


def test_client_request_token_starts_only_one_query(athena: Athena) -> None:
    token = "t" * 32

    first = athena.start("SELECT 1", ClientRequestToken=token)

    assert athena.start("SELECT 1", ClientRequestToken=token) == first
    with pytest.raises(Fault, match="Idempotent parameters do not match"):
        athena.start("SELECT 2", ClientRequestToken=token)


def test_page_size_includes_the_header_and_full_pages_have_a_token(athena: Athena) -> None:
    execution_id = athena.start("SELECT x FROM UNNEST(sequence(1, 5)) AS t(x)")
    athena.finished(execution_id)

    first = athena.call("GetQueryResults", QueryExecutionId=execution_id, MaxResults=3)
    second = athena.call("GetQueryResults", QueryExecutionId=execution_id, MaxResults=3, NextToken=first["NextToken"])
    third = athena.call("GetQueryResults", QueryExecutionId=execution_id, MaxResults=3, NextToken=second["NextToken"])

    counts = [len(entry["ResultSet"]["Rows"]) for entry in (first, second, third)]
    assert counts == [3, 3, 0]
    assert "NextToken" not in third
    with pytest.raises(Fault, match="Malformed nextPageToken zz"):
        athena.call("GetQueryResults", QueryExecutionId=execution_id, NextToken="zz")


def test_stop_query_execution_cancels_the_query(athena: Athena) -> None:
    numbers = "UNNEST(sequence(1, 10000))"
    execution_id = athena.start(
        f"SELECT count(*) FROM {numbers} a(x), {numbers} b(y), {numbers} c(z) WHERE (x + y + z) % 7 = 9"
    )

    athena.call("StopQueryExecution", QueryExecutionId=execution_id)

    status = athena.finished(execution_id)["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query cancelled by user")
    with pytest.raises(Fault, match="Could not find results"):
        athena.call("GetQueryResults", QueryExecutionId=execution_id)


def test_list_query_executions_returns_the_newest_first(athena: Athena) -> None:
    ids = [athena.start(f"SELECT {number}") for number in range(3)]

    first = athena.call("ListQueryExecutions", MaxResults=2)
    second = athena.call("ListQueryExecutions", MaxResults=2, NextToken=first["NextToken"])
    batch = athena.call("BatchGetQueryExecution", QueryExecutionIds=[ids[0], "unknown"])

    assert [*first["QueryExecutionIds"], *second["QueryExecutionIds"]] == ids[::-1]
    assert [execution["QueryExecutionId"] for execution in batch["QueryExecutions"]] == [ids[0]]
    assert batch["UnprocessedQueryExecutionIds"][0]["QueryExecutionId"] == "unknown"


def test_get_query_execution_rejects_an_unknown_id(athena: Athena) -> None:
    with pytest.raises(Fault, match="QueryExecution nope was not found") as caught:
        athena.call("GetQueryExecution", QueryExecutionId="nope")

    assert _code(caught) == "QUERY_EXECUTION_NOT_FOUND"


@pytest.mark.parametrize(
    ("parameters", "rows"),
    [(["2"], [["2"]]), (["BIGINT '3'"], [["3"]]), (["1 + 1"], [["2"]]), (["NULL"], [])],
)
def test_execution_parameters_replace_question_marks(
    athena: Athena, parameters: list[str], rows: list[list[str]]
) -> None:
    sql = "SELECT x FROM (VALUES 1, 2, 3) AS t(x) WHERE x = ?"

    assert athena.run(sql, ExecutionParameters=parameters) == rows


def test_parameter_that_is_not_an_expression_becomes_a_string(athena: Athena) -> None:
    assert athena.run("SELECT ? AS s", ExecutionParameters=["CUST 1"]) == [["CUST 1"]]
    assert athena.run("SELECT ? AS s", ExecutionParameters=["'x'"]) == [["x"]]
    assert "INVALID_PARAMETER_USAGE" in athena.fail("SELECT ? + ?", ExecutionParameters=["1"])


def test_prepared_statement_is_executed_and_deallocated(athena: Athena) -> None:
    athena.run("PREPARE chosen FROM SELECT x FROM (VALUES 1, 2) AS t(x) WHERE x > ?")

    assert athena.run("EXECUTE chosen USING 1") == [["2"]]
    statement = athena.call("GetPreparedStatement", WorkGroup="primary", StatementName="chosen")["PreparedStatement"]
    assert statement["QueryStatement"].startswith("SELECT x")
    athena.run("DEALLOCATE PREPARE chosen")
    assert "PreparedStatement chosen was not found" in athena.fail("EXECUTE chosen USING 1")


def test_named_query_is_created_once_and_deleted(athena: Athena) -> None:
    query = {"Name": "all", "Database": "lab", "QueryString": "SELECT 1"}

    created = athena.call("CreateNamedQuery", ClientRequestToken="n" * 32, **query)["NamedQueryId"]

    assert athena.call("CreateNamedQuery", ClientRequestToken="n" * 32, **query)["NamedQueryId"] == created
    assert athena.call("GetNamedQuery", NamedQueryId=created)["NamedQuery"]["QueryString"] == "SELECT 1"
    assert athena.call("ListNamedQueries")["NamedQueryIds"] == [created]
    athena.call("DeleteNamedQuery", NamedQueryId=created)
    assert athena.call("ListNamedQueries") == {"NamedQueryIds": []}


def test_workgroup_overrides_the_result_location_and_can_be_disabled(athena: Athena) -> None:
    location = {"ResultConfiguration": {"OutputLocation": "s3://lab/results/"}}
    athena.call("CreateWorkGroup", Name="team", Configuration=location, Tags=[{"Key": "k", "Value": "v"}])

    document = athena.finished(
        athena.start("SELECT 1", WorkGroup="team", ResultConfiguration={"OutputLocation": "s3://x/"})
    )
    groups = [group["Name"] for group in athena.call("ListWorkGroups")["WorkGroups"]]
    primary = athena.call("GetWorkGroup", WorkGroup="primary")["WorkGroup"]["Configuration"]

    assert document["ResultConfiguration"]["OutputLocation"].startswith("s3://lab/results/")
    assert groups == ["primary", "team"]
    assert primary["EnforceWorkGroupConfiguration"] is False
    athena.call("UpdateWorkGroup", WorkGroup="team", State="DISABLED")
    with pytest.raises(Fault, match="WorkGroup team is disabled"):
        athena.start("SELECT 1", WorkGroup="team")
    athena.call("DeleteWorkGroup", WorkGroup="team")
    with pytest.raises(Fault, match="WorkGroup is not found"):
        athena.call("GetWorkGroup", WorkGroup="team")


def test_catalogs_databases_and_tables_are_listed(accounts: Athena) -> None:
    catalog = {"CatalogName": "AwsDataCatalog"}

    assert accounts.call("ListDataCatalogs")["DataCatalogsSummary"][0]["CatalogName"] == "AwsDataCatalog"
    assert [entry["Name"] for entry in accounts.call("ListDatabases", **catalog)["DatabaseList"]] == ["lab"]
    tables = accounts.call("ListTableMetadata", **catalog, DatabaseName="lab", Expression="acc.*")["TableMetadataList"]
    assert [column["Name"] for column in tables[0]["Columns"]] == ["id", "state", "balance"]
    with pytest.raises(Fault, match="EntityNotFoundException"):
        accounts.call("GetTableMetadata", **catalog, DatabaseName="lab", TableName="none")


def test_executions_survive_a_restart(athena: Athena, clients: ServiceClients, workers: WorkerPool) -> None:
    execution_id = athena.start("SELECT 'kept' AS s, NULL AS n, '' AS e")
    athena.finished(execution_id)

    restarted = AthenaService(clients, workers)
    restarted.load(athena.service.dump())

    rows = Athena(restarted, clients).call("GetQueryResults", QueryExecutionId=execution_id)["ResultSet"]["Rows"]
    restarted.stop()
    assert rows[1]["Data"] == [{"VarCharValue": "kept"}, {}, {"VarCharValue": ""}]


def test_large_result_is_read_page_by_page(athena: Athena) -> None:
    sql = "SELECT x * 1000 + y AS n, 'a\n\"b\"' AS t FROM UNNEST(sequence(0, 20)) a(x), UNNEST(sequence(0, 999)) b(y)"

    rows = athena.run(f"{sql} ORDER BY 1", ResultConfiguration={"OutputLocation": "s3://lab/large/"})

    assert rows == [[str(number), 'a\n"b"'] for number in range(21_000)]
    [found] = athena.s3.list_objects_v2(Bucket="lab", Prefix="large/")["Contents"][:1]
    assert found["Size"] > 21_000 * 10


def test_pages_contain_every_row_once(athena: Athena) -> None:
    execution_id = athena.start("SELECT x FROM UNNEST(sequence(1, 10000)) a(x) UNION ALL VALUES 10001, NULL")
    athena.finished(execution_id)

    texts: list[str | None] = []
    token: dict[str, str] = {}
    while True:
        page = athena.call("GetQueryResults", QueryExecutionId=execution_id, MaxResults=997, **token)
        texts += [row["Data"][0].get("VarCharValue") for row in page["ResultSet"]["Rows"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert texts[0] == "x"
    assert sorted(texts[1:], key=lambda text: int(text or 0)) == [None, *map(str, range(1, 10_002))]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO 'x'",
        "SET threads = 1",
        "ATTACH 'x.db'",
        "INSTALL httpfs",
        "PRAGMA database_list",
    ],
)
def test_duckdb_statements_are_rejected(athena: Athena, sql: str) -> None:
    with pytest.raises(Fault) as caught:
        athena.start(sql)

    assert _code(caught) in ("MALFORMED_QUERY", "INVALID_INPUT")


@pytest.mark.parametrize("table", ["duckdb_settings", "scan1", "sqlite_master", '"/etc/passwd"', "duckdb_tables"])
def test_internal_duckdb_tables_are_not_found(athena: Athena, table: str) -> None:
    assert "TABLE_NOT_FOUND" in athena.fail(f"SELECT * FROM {table}")


def test_repeated_request_waits_for_the_first_request(athena: Athena, monkeypatch: pytest.MonkeyPatch) -> None:
    accepting, repeated = threading.Event(), threading.Event()
    ensure_bucket = WorkGroups.ensure_bucket

    def slow(groups: WorkGroups) -> None:
        accepting.set()
        assert repeated.wait(60)
        ensure_bucket(groups)

    def start_again() -> str:
        assert accepting.wait(60)
        # The first request continues after this delay. By then, the repeated request is waiting for the first request
        # (or has already been answered, which would be a bug).
        threading.Timer(0.05, repeated.set).start()
        execution_id = athena.start("SELECT 1", ClientRequestToken="w" * 32)
        assert athena.call("GetQueryExecution", QueryExecutionId=execution_id)
        return execution_id

    monkeypatch.setattr(WorkGroups, "ensure_bucket", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(athena.start, "SELECT 1", ClientRequestToken="w" * 32)
        second = pool.submit(start_again)

    assert first.result() == second.result()


def test_query_fails_after_native_library_panic(athena: Athena, monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        """An error that, like a panic in a Rust library, does not derive from Exception."""

    def panic(*_: object) -> None:
        raise Panic

    monkeypatch.setattr(Runner, "_outcome", panic)

    assert athena.fail("SELECT 1").startswith("GENERIC_INTERNAL_ERROR")
