"""Tests that popular clients work with a running lakehouse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pandas as pd
import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
FRAME = pd.DataFrame({"id": [1, 2, 3], "s": ["a", None, "c"], "v": [1.5, 2.0, None]})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide the address of a lakehouse that has a database `lab` and a bucket `lab`."""
    lakehouse = Lakehouse(Settings())
    lakehouse.start()
    session = boto3.Session("test", "test", region_name="us-east-1")
    session.client("s3", endpoint_url=lakehouse.url).create_bucket(Bucket="lab")
    session.client("glue", endpoint_url=lakehouse.url).create_database(DatabaseInput={"Name": "lab"})
    yield lakehouse.url
    lakehouse.stop()


@pytest.fixture
def wrangler(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Provide awswrangler, configured to send all calls to the lakehouse."""
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    import awswrangler

    awswrangler.config.athena_query_wait_polling_delay = 0.02
    return awswrangler


def test_awswrangler_reads_rows_in_each_mode(wrangler: Any) -> None:
    athena = wrangler.athena
    athena.to_iceberg(
        FRAME,
        database="lab",
        table="frame",
        table_location="s3://lab/frame/",
        temp_path="s3://lab/tmp/",
        keep_files=False,
    )
    sql = "SELECT * FROM frame ORDER BY id"

    by_table = athena.read_sql_query(sql, database="lab")
    by_csv = athena.read_sql_query(sql, database="lab", ctas_approach=False)
    by_unload = athena.read_sql_query(
        sql, database="lab", ctas_approach=False, unload_approach=True, s3_output="s3://lab/unload/"
    )

    for frame in (by_table, by_csv, by_unload):
        assert frame["id"].tolist() == [1, 2, 3]
        assert frame["s"].isna().tolist() == [False, True, False]
        assert frame["v"].tolist()[:2] == [1.5, 2.0]
    assert athena.read_sql_query("SELECT id FROM frame WHERE id > 9", database="lab").empty


def test_awswrangler_merges_new_columns(wrangler: Any) -> None:
    options = {"database": "lab", "table": "grown", "table_location": "s3://lab/grown/", "temp_path": "s3://lab/tmp2/"}
    wrangler.athena.to_iceberg(FRAME, **options, keep_files=False)

    wrangler.athena.to_iceberg(
        FRAME.assign(extra=[7, 8, 9]).tail(1), **options, keep_files=False, schema_evolution=True, merge_cols=["id"]
    )

    found = wrangler.athena.read_sql_query(
        "SELECT id, extra FROM grown ORDER BY id", database="lab", ctas_approach=False
    )
    assert found["extra"].tolist()[2] == 9
    assert found["extra"].isna().tolist() == [True, True, False]


def test_awswrangler_reads_snapshots_only_without_ctas(wrangler: Any) -> None:
    wrangler.athena.to_iceberg(
        FRAME,
        database="lab",
        table="snaps",
        table_location="s3://lab/snaps/",
        temp_path="s3://lab/tmp3/",
        keep_files=False,
    )
    sql = 'SELECT * FROM "snaps$snapshots"'

    with pytest.raises(wrangler.exceptions.QueryFailed, match="Unsupported Hive type: timestamp with time zone"):
        wrangler.athena.read_sql_query(sql, database="lab")

    found = wrangler.athena.read_sql_query(sql, database="lab", ctas_approach=False)
    assert str(found["snapshot_id"].dtype) == "Int64"
    assert str(found["committed_at"].dt.tz) == "UTC"


def test_awswrangler_describes_a_table(wrangler: Any) -> None:
    wrangler.athena.to_iceberg(
        FRAME,
        database="lab",
        table="told",
        table_location="s3://lab/told/",
        temp_path="s3://lab/tmp4/",
        keep_files=False,
    )

    assert "told" in wrangler.athena.show_create_table("told", "lab")
    assert wrangler.athena.describe_table("told", "lab")["Column Name"].tolist() == ["id", "s", "v"]


def test_aws_cli_runs_a_query(url: str) -> None:
    def aws(*arguments: str) -> Any:
        command = [sys.executable, "-m", "awscli", "athena", *arguments, "--endpoint-url", url, "--output", "json"]
        done = subprocess.run(command, env={**os.environ, **KEYS}, capture_output=True, text=True, check=True)
        return json.loads(done.stdout or "null")

    pytest.importorskip("awscli")
    execution_id = aws("start-query-execution", "--query-string", "SELECT 7 / 2 AS half")["QueryExecutionId"]
    state = aws("get-query-execution", "--query-execution-id", execution_id)["QueryExecution"]["Status"]["State"]
    rows = aws("get-query-results", "--query-execution-id", execution_id)["ResultSet"]["Rows"]

    assert (state, rows[1]["Data"][0]["VarCharValue"]) == ("SUCCEEDED", "3")
