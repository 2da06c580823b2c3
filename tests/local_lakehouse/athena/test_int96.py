"""Tests for the INT96 timestamps that Athena and Spark write in Parquet files for Hive tables and UNLOAD."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.local_lakehouse.athena.conftest import Athena

TIMES = [
    "0001-01-01 00:00:00.001",
    "1582-10-15 00:00:00.000",
    "1677-09-21 00:00:00.000",
    "1969-12-31 23:59:59.999",
    "1970-01-01 00:00:00.000",
    "2024-02-29 12:34:56.789",
    "2262-04-12 00:00:00.000",
    "9999-12-31 23:59:59.999",
]
ROWS = ", ".join(f"(TIMESTAMP '{time}')" for time in TIMES)
VALUES = [datetime.fromisoformat(time) for time in TIMES]


@pytest.mark.parametrize(
    "statement",
    [
        "UNLOAD (SELECT a, ARRAY[a] l FROM (VALUES {}) t (a)) TO 's3://lab/t/' WITH (format = 'PARQUET')",
        "CREATE TABLE t WITH (external_location = 's3://lab/t/') AS SELECT a, ARRAY[a] l FROM (VALUES {}) t (a)",
        "INSERT INTO t SELECT a, ARRAY[a] FROM (VALUES {}) t (a)",
    ],
)
def test_timestamps_are_written_as_int96(athena: Athena, tmp_path: Path, statement: str) -> None:
    create = (
        "CREATE EXTERNAL TABLE t (a timestamp, l array<timestamp>) STORED AS PARQUET LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('parquet.compression'='SNAPPY')"
    )
    if statement.startswith("INSERT"):
        athena.run(create)
    athena.run(statement.format(ROWS))

    [key] = [entry["Key"] for entry in athena.s3.list_objects_v2(Bucket="lab", Prefix="t/")["Contents"]]
    body = io.BytesIO(athena.s3.get_object(Bucket="lab", Key=key)["Body"].read())
    schema = pq.ParquetFile(body).schema
    assert [schema.column(index).physical_type for index in (0, 1)] == ["INT96", "INT96"]
    assert pq.ParquetFile(body).schema_arrow.field("a").type == pa.timestamp("ns")
    # DuckDB reads the values, because some versions of PyArrow misread INT96 timestamps in early years.
    path = tmp_path / "a.parquet"
    path.write_bytes(body.getvalue())
    assert duckdb.read_parquet(str(path)).order("a").fetchall() == [(value, [value]) for value in VALUES]
    if statement.startswith("UNLOAD"):
        athena.run(create)
    assert athena.run("SELECT a FROM t ORDER BY a") == [[time] for time in TIMES]
    assert athena.run("SELECT l[1] FROM t ORDER BY a") == [[time] for time in TIMES]


@pytest.mark.parametrize("columns", ["a", "a, n"])
def test_int96_timestamps_from_all_years_are_read(athena: Athena, columns: str) -> None:
    table = pa.table(
        {
            "a": pa.array(VALUES, pa.timestamp("us")),
            "n": pa.array([{"x": value} for value in VALUES], pa.struct([("x", pa.timestamp("us"))])),
        }
    )
    body = io.BytesIO()
    pq.write_table(table, body, use_deprecated_int96_timestamps=True)
    athena.s3.put_object(Bucket="lab", Key="t/a.parquet", Body=body.getvalue())
    athena.run("CREATE EXTERNAL TABLE t (a timestamp, n struct<x:timestamp>) STORED AS PARQUET LOCATION 's3://lab/t/'")

    # DuckDB reads the file for a query without the nested column, and Arrow reads the file for the other queries.
    assert [row[0] for row in athena.run(f"SELECT {columns} FROM t ORDER BY a")] == TIMES
    assert athena.run(f"SELECT {columns} FROM t WHERE a > TIMESTAMP '2300-01-01'")[0][0] == TIMES[-1]
    assert athena.run("SELECT n.x FROM t ORDER BY a") == [[time] for time in TIMES]
