"""Tests for statements that store values in columns of a different type.

Such a statement succeeds if the types are compatible and the value fits.
"""

from __future__ import annotations

import pytest

from tests.local_lakehouse.athena.conftest import Athena

COLUMNS = "i int, n bigint, f float, p decimal(5,2), d date, at timestamp, r struct<a:int,b:string>, l array<int>"
STORED = [
    ("i", "BIGINT '7'", "7"),
    ("i", "2.5", "3"),
    ("i", "DECIMAL '2.5'", "3"),
    ("n", "1.4", "1"),
    ("f", "1.0", "1.0"),
    ("p", "1.005", "1.01"),
    ("p", "DECIMAL '123.456'", "123.46"),
    ("p", "7", "7.00"),
    ("d", "TIMESTAMP '2024-01-01 23:59:59'", "2024-01-01"),
    ("at", "DATE '2024-01-01'", "2024-01-01 00:00:00.000000"),
    ("at", "TIMESTAMP '2024-01-01 10:00:00.1234567'", "2024-01-01 10:00:00.123457"),
    ("at", "TIMESTAMP '2024-01-01 10:00:00 Europe/Berlin'", "2024-01-01 10:00:00.000000"),
    ("r", "ROW(1, 'x')", "{a=1, b=x}"),
    ("r", "CAST(ROW(1, 'x') AS ROW(other integer, names varchar))", "{a=1, b=x}"),
    ("r", "ROW(BIGINT '1', NULL)", "{a=1, b=null}"),
    ("l", "ARRAY[BIGINT '1', NULL]", "[1, null]"),
    ("l", "ARRAY[]", "[]"),
    ("i", "NULL", None),
]
REJECTED = [
    ("i", "'1'", "TYPE_MISMATCH"),
    ("p", "'1'", "TYPE_MISMATCH"),
    ("d", "'2024-01-01'", "TYPE_MISMATCH"),
    ("r", "ROW(1)", "TYPE_MISMATCH"),
    ("r", "ROW('x', 1)", "TYPE_MISMATCH"),
    ("i", "BIGINT '3000000000'", "NUMERIC_VALUE_OUT_OF_RANGE"),
    ("i", "1e10", "INVALID_CAST_ARGUMENT"),
    ("p", "DECIMAL '1000.00'", "INVALID_CAST_ARGUMENT"),
    ("l", "ARRAY[3000000000]", "NUMERIC_VALUE_OUT_OF_RANGE"),
]


@pytest.fixture
def table(athena: Athena) -> Athena:
    """Provide an Athena service whose Iceberg table ``t`` has columns of several types and one row with the key 0."""
    athena.run(f"CREATE TABLE t (k int, {COLUMNS}) LOCATION 's3://lab/t/' TBLPROPERTIES ('table_type'='ICEBERG')")
    athena.run("INSERT INTO t (k) VALUES 0")
    return athena


def test_values_are_converted(table: Athena) -> None:
    remaining = STORED
    while remaining:
        # Each statement stores the next value of every column.
        row = {column: (value, shown) for column, value, shown in reversed(remaining)}
        remaining = [(column, value, shown) for column, value, shown in remaining if row[column] != (value, shown)]
        columns, values = ", ".join(row), ", ".join(value for value, _ in row.values())
        table.run(f"INSERT INTO t (k, {columns}) VALUES (1, {values})")
        table.run(f"UPDATE t SET {', '.join(f'{column} = {value}' for column, (value, _) in row.items())} WHERE k = 0")
        table.run(
            f"MERGE INTO t USING (VALUES 2) s(k) ON t.k = s.k WHEN NOT MATCHED THEN INSERT (k, {columns}) "
            f"VALUES (s.k, {values})"
        )
        assert table.run(f"SELECT {columns} FROM t ORDER BY k") == [[shown for _, shown in row.values()]] * 3, row
        table.run("DELETE FROM t WHERE k > 0")


def test_values_that_do_not_fit_are_rejected(table: Athena) -> None:
    for column, value, reason in REJECTED:
        for statement in (f"INSERT INTO t ({column}) VALUES ({value})", f"UPDATE t SET {column} = {value}"):
            assert reason in table.fail(statement)
    assert table.run("SELECT count(*) FROM t") == [["1"]]


def test_only_trailing_spaces_are_truncated(athena: Athena) -> None:
    athena.run("CREATE EXTERNAL TABLE h (v varchar(2), c char(3)) STORED AS PARQUET LOCATION 's3://lab/h/'")
    athena.run("INSERT INTO h VALUES ('ab ', 'abc  ')")

    assert athena.run("SELECT v, c FROM h") == [["ab", "abc"]]
    for values in ("('abc', 'a')", "('a', 'abcd')"):
        assert "Cannot truncate non-space characters when casting from" in athena.fail(f"INSERT INTO h VALUES {values}")
