"""Tests that partition values of every type are written, are used to skip files, and are correct after rows change."""

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
def test_identity_partitions_keep_their_rows_after_changes(athena: Athena, column: str) -> None:
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
def test_conditions_find_rows_in_time_partitions(athena: Athena, transform: str) -> None:
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


@pytest.mark.parametrize("transform", ["truncate(10, v)", "bucket(7, v)", "v"])
@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("decimal(4,2)", ("-99.90", "-0.01", "0.00", "99.99")),
        ("decimal(20,3)", ("-1.001", "5.000")),
        ("decimal(38,0)", ("-99999999999999999999999999999999999990", "5")),
    ],
)
def test_decimal_partitions_contain_the_matching_rows(
    athena: Athena, transform: str, type_: str, values: tuple[str, ...]
) -> None:
    athena.run(
        f"CREATE TABLE t (id int, v {type_}) PARTITIONED BY ({transform}) LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    rows = ", ".join(f"({number}, DECIMAL '{value}')" for number, value in enumerate(values))
    athena.run(f"INSERT INTO t VALUES {rows}, (99, NULL)")

    for number, value in enumerate(values):
        expected = [[str(lower)] for lower in range(number + 1)]
        assert athena.run(f"SELECT id FROM t WHERE v <= DECIMAL '{value}' ORDER BY id") == expected
    assert athena.run("SELECT id FROM t WHERE v IS NULL") == [["99"]]


@pytest.mark.parametrize(
    ("type_", "lowest"),
    [
        ("int", "-2147483648"),
        ("bigint", "-9223372036854775808"),
        ("decimal(4,2)", "DECIMAL '-99.99'"),
        ("decimal(38,0)", "DECIMAL '-99999999999999999999999999999999999999'"),
    ],
)
def test_number_with_an_out_of_range_partition_value_is_rejected(athena: Athena, type_: str, lowest: str) -> None:
    athena.run(
        f"CREATE TABLE t (id int, v {type_}) PARTITIONED BY (truncate(10, v)) LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run("INSERT INTO t VALUES (1, 0)")

    for statement in (
        f"INSERT INTO t VALUES (2, {lowest})",
        f"UPDATE t SET v = {lowest}",
        f"MERGE INTO t USING (SELECT 2 AS id) AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (2, {lowest})",
    ):
        assert "too large" in athena.fail(statement)
    assert athena.run("SELECT id FROM t WHERE v = 0") == [["1"]]
