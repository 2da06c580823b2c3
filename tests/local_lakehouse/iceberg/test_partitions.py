"""Tests that partition values of every type are written, used to skip files, and kept when rows change."""

from __future__ import annotations

import pytest

from tests.local_lakehouse.athena.conftest import Athena

COLUMNS = {
    "day": ("date", "DATE '2024-03-05'", "DATE '1969-12-31'"),
    "at": ("timestamp", "TIMESTAMP '2024-03-05 10:12:55.500'", "TIMESTAMP '1969-12-31 23:59:59.000'"),
    "price": ("decimal(9,2)", "DECIMAL '12.50'", "DECIMAL '-0.01'"),
    "big": ("bigint", "5000000000", "-1"),
    "flag": ("boolean", "true", "false"),
    "name": ("string", "'a b/c=d'", "''"),
    "data": ("binary", "X'00FF'", "X''"),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_identity_partitions(athena: Athena, column: str) -> None:
    type_, first, second = COLUMNS[column]
    athena.run(
        f"CREATE TABLE t (id int, {column} {type_}) PARTITIONED BY ({column}) LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run(f"INSERT INTO t VALUES (1, {first}), (2, {second}), (3, NULL), (4, {first})")

    assert athena.run('SELECT count(*) FROM "t$files"') == [["3"]]
    assert athena.run(f"SELECT id FROM t WHERE {column} = {first} ORDER BY id") == [["1"], ["4"]]
    assert athena.run(f"SELECT id FROM t WHERE {column} = {second}") == [["2"]]
    assert athena.run(f"SELECT id FROM t WHERE {column} IS NULL") == [["3"]]
    athena.run(f"UPDATE t SET {column} = {second} WHERE id = 1")
    athena.run("OPTIMIZE t REWRITE DATA USING BIN_PACK")
    assert athena.run(f"SELECT id FROM t WHERE {column} = {second} ORDER BY id") == [["1"], ["2"]]
    assert athena.run('SELECT count(*) FROM "t$partitions"') == [["3"]]


@pytest.mark.parametrize("transform", ["year(at)", "month(at)", "day(at)", "hour(at)"])
def test_partitions_of_time(athena: Athena, transform: str) -> None:
    athena.run(
        f"CREATE TABLE t (id int, at timestamp) PARTITIONED BY ({transform}) LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run(
        "INSERT INTO t VALUES (1, TIMESTAMP '2024-03-05 10:12:55'), (2, TIMESTAMP '1969-12-31 23:00:00'), (3, NULL)"
    )

    assert athena.run("SELECT id FROM t WHERE at >= TIMESTAMP '2024-03-05 10:00:00'") == [["1"]]
    assert athena.run("SELECT id FROM t WHERE at < TIMESTAMP '1970-01-01 00:00:00'") == [["2"]]
    assert athena.run('SELECT count(*) FROM "t$partitions"') == [["3"]]
