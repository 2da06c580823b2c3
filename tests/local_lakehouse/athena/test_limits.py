"""Tests for parallel queries, and for the limits on memory, time, nesting and the length of lists."""

from __future__ import annotations

import time

import pytest

from local_lakehouse.athena.api import AthenaService
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.sql.workers.limits import MB, Limits
from local_lakehouse.sql.workers.pool import WorkerPool
from tests.local_lakehouse.athena.conftest import Athena

NUMBERS = "UNNEST(sequence(1, 10000))"
# This join has 10^12 combinations, so it runs until it is stopped.
ENDLESS = f"SELECT count(*) FROM {NUMBERS} a(x), {NUMBERS} b(y), {NUMBERS} c(z) WHERE (x + y + z) % 7 = 9"


def _state(athena: Athena, execution_id: str) -> str:
    execution = athena.call("GetQueryExecution", QueryExecutionId=execution_id)["QueryExecution"]
    state: str = execution["Status"]["State"]
    return state


def _wait_until_running(athena: Athena, execution_id: str) -> None:
    limit = time.monotonic() + 120
    while _state(athena, execution_id) != "RUNNING":
        assert time.monotonic() < limit


def test_queries_run_while_a_long_query_is_running(athena: Athena) -> None:
    long = athena.start(ENDLESS)
    _wait_until_running(athena, long)

    assert athena.run("SELECT 1 + 1") == [["2"]]
    assert _state(athena, long) == "RUNNING"

    athena.call("StopQueryExecution", QueryExecutionId=long)
    assert athena.finished(long)["Status"]["StateChangeReason"] == "Query cancelled by user"
    assert athena.run("SELECT 1 + 1") == [["2"]]


def test_concurrent_queries_return_the_correct_rows(accounts: Athena) -> None:
    sql = "SELECT id * {0} FROM accounts WHERE id <= {0} % 3 + 1 ORDER BY id"
    started = {number: accounts.start(sql.format(number)) for number in range(24)}

    for number, execution_id in started.items():
        assert accounts.finished(execution_id)["Status"]["State"] == "SUCCEEDED"
        rows = accounts.call("GetQueryResults", QueryExecutionId=execution_id)["ResultSet"]["Rows"][1:]
        expected = [str(row * number) for row in range(1, number % 3 + 2)]
        assert [row["Data"][0]["VarCharValue"] for row in rows] == expected


def test_only_the_query_that_exceeds_the_memory_limit_fails(clients: ServiceClients) -> None:
    workers = WorkerPool(Limits(query_bytes=64 * MB))
    athena = Athena(AthenaService(clients, workers), clients)
    distinct = f"SELECT count(DISTINCT CAST(x * 10000 + y AS varchar)) FROM {NUMBERS} a(x), {NUMBERS} b(y)"

    greedy = athena.start(distinct, None)
    assert athena.run("SELECT 1 + 1", None) == [["2"]]

    error = athena.finished(greedy)["Status"]["AthenaError"]
    assert error["ErrorMessage"].startswith("EXCEEDED_LOCAL_MEMORY_LIMIT: Query exceeded its memory limit")
    assert athena.run("SELECT 1 + 1", None) == [["2"]]
    athena.service.stop()
    workers.stop()


def test_only_the_query_that_exceeds_the_time_limit_fails(clients: ServiceClients) -> None:
    workers = WorkerPool(Limits(seconds=0.5))
    athena = Athena(AthenaService(clients, workers), clients)
    late = athena.start(ENDLESS, None)
    error = athena.finished(late)["Status"]["AthenaError"]

    assert error["ErrorMessage"].startswith("EXCEEDED_TIME_LIMIT: Query exceeded the maximum execution time limit")
    assert athena.run("SELECT 1 + 1", None) == [["2"]]
    athena.service.stop()
    workers.stop()


def test_slow_regular_expression_times_out(athena: Athena) -> None:
    reason = athena.fail(f"SELECT regexp_like(x, '(a|aa)+$') FROM (VALUES '{'a' * 60}b') t(x)")

    assert reason.startswith("EXCEEDED_TIME_LIMIT: The regular expression took more than 2 seconds")


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {'(' * 100}1{')' * 100}",
        f"SELECT {'abs(' * 100}1{')' * 100}",
        f"SELECT 1 {'FROM (SELECT 1 ' * 100}{')' * 100}",
        f"SELECT {'CASE WHEN true THEN ' * 100}1{' END' * 100}",
        f"SELECT {'+ '.join(['1'] * 200)} - 199",
        f"SELECT 1 WHERE {' OR '.join(['1 = 1'] * 2_000)}",
    ],
    ids=["parentheses", "calls", "queries", "cases", "operators", "conditions"],
)
def test_deeply_nested_statement_runs(athena: Athena, sql: str) -> None:
    assert athena.run(sql) == [["1"]]


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {'(' * 2_000}1{')' * 2_000}",
        f"SELECT 1 {'FROM (SELECT 1 ' * 2_000}{')' * 2_000}",
        f"SELECT {'+'.join(['1'] * 4_000)}",
        f"SELECT {'NOT ' * 4_000} true",
        f"INSERT INTO t SELECT {'(' * 2_000}1{')' * 2_000}",
    ],
    ids=["parentheses", "queries", "operators", "negations", "insert"],
)
def test_too_deeply_nested_statement_fails(athena: Athena, sql: str) -> None:
    reason = athena.fail(sql)

    assert reason.startswith("NOT_SUPPORTED: The statement is nested too deeply, or chains too many operators")
    assert athena.run("SELECT 1 + 1") == [["2"]]


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT sequence(1, 100000000)", "result of sequence function"),
        ("SELECT sequence(1, 5, 0)", "step must not be zero"),
        ("SELECT sequence(100000000, 1)", "result of sequence function"),
        ("SELECT sequence(1, x) FROM (VALUES 10000, 9223372036854775807) t(x)", "result of sequence function"),
        ("SELECT sequence(DATE '1900-01-01', DATE '2900-01-01')", "result of sequence function"),
        (
            "SELECT sequence(TIMESTAMP '1900-01-01 00:00', TIMESTAMP '2900-01-01 00:00', INTERVAL '1' SECOND)",
            "result of sequence function",
        ),
        ("SELECT repeat('x', 100000000)", "count argument of repeat function"),
        ("SELECT repeat('x', n) FROM (VALUES 3, 1000000000) t(n)", "count argument of repeat function"),
    ],
)
def test_oversized_list_is_rejected_before_it_is_created(athena: Athena, sql: str, problem: str) -> None:
    began = time.process_time()

    assert athena.fail(sql).startswith(f"INVALID_FUNCTION_ARGUMENT: {problem}")
    assert time.process_time() - began < 5


def test_lists_can_have_the_maximum_length(athena: Athena) -> None:
    sql = "SELECT cardinality(sequence(1, 10000)), cardinality(sequence(10000, 1)), cardinality(repeat('x', 10000))"
    assert athena.run(sql) == [["10000", "10000", "10000"]]


def test_list_length_can_come_from_a_column(athena: Athena) -> None:
    sql = "SELECT sequence(1, n), repeat('x', n) FROM (VALUES 2, NULL) t(n)"
    assert athena.run(sql) == [["[1, 2]", "[x, x]"], [None, None]]
