"""Tests for the names and the evaluation of ``MERGE``."""

from __future__ import annotations

import pytest

from tests.local_lakehouse.athena.conftest import Athena

pytestmark = pytest.mark.once


@pytest.mark.parametrize("target", ["accounts", "lab.accounts", "awsdatacatalog.lab.accounts"])
def test_target_without_alias_has_its_table_name(accounts: Athena, target: str) -> None:
    changed = accounts.write(
        f"MERGE INTO lab.accounts USING (VALUES (1, 'TX')) AS s(id, code) ON {target}.id = s.id "
        f"WHEN MATCHED AND {target}.state <> s.code THEN UPDATE SET state = s.code || {target}.state"
    )

    assert changed == 1
    assert accounts.run("SELECT state FROM accounts WHERE id = 1") == [["TXCA"]]


def test_alias_hides_the_table_name(accounts: Athena) -> None:
    reason = accounts.fail(
        "MERGE INTO accounts AS t USING (VALUES 1) AS s(id) ON accounts.id = s.id WHEN MATCHED THEN DELETE"
    )

    assert reason.startswith("COLUMN_NOT_FOUND")


@pytest.fixture
def numbers(athena: Athena) -> Athena:
    """Provide an Athena service with the tables `t` and `numbers`, which both contain the IDs from 1 to 200."""
    location = "LOCATION 's3://lab/{}/' TBLPROPERTIES ('table_type'='ICEBERG')"
    for name, columns, row in (("numbers", "id int", "n"), ("t", "id int, v int", "n, 0")):
        athena.run(f"CREATE TABLE {name} ({columns}) {location.format(name)}")
        athena.run(f"INSERT INTO {name} SELECT {row} FROM UNNEST(sequence(1, 200)) AS x(n)")
    return athena


_RANDOM_CONDITION = "USING numbers s ON t.id = s.id WHEN MATCHED AND random() < 0.5 THEN UPDATE SET v = 1"
_RANDOM_SOURCE = """USING (SELECT id FROM numbers WHERE random() < 0.5) s ON t.id = s.id
WHEN MATCHED THEN UPDATE SET v = 1 WHEN NOT MATCHED THEN INSERT VALUES (s.id, 2)"""
_RANDOM_COLUMN = """USING (SELECT id, random() AS r FROM numbers) s ON t.id = s.id
WHEN MATCHED AND r < 0.5 THEN UPDATE SET v = 1 WHEN MATCHED AND r >= 0.5 THEN UPDATE SET v = 2"""
_RANDOM_VALUE = "USING numbers s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = CAST(random() * 9 AS integer)"


@pytest.mark.parametrize("clauses", [_RANDOM_CONDITION, _RANDOM_SOURCE, _RANDOM_COLUMN, _RANDOM_VALUE])
def test_random_values_neither_lose_nor_duplicate_rows(numbers: Athena, clauses: str) -> None:
    numbers.write(f"MERGE INTO t {clauses}")

    assert numbers.run("SELECT count(*), count(DISTINCT id) FROM t") == [["200", "200"]]


def test_each_matched_row_is_either_updated_or_deleted(numbers: Athena) -> None:
    changed = numbers.write(f"MERGE INTO t {_RANDOM_CONDITION} WHEN MATCHED THEN DELETE")

    assert changed == 200
    assert numbers.run("SELECT DISTINCT v FROM t") == [["1"]]


def test_each_source_row_either_matches_or_is_inserted(numbers: Athena) -> None:
    numbers.write(
        "MERGE INTO t USING numbers s ON t.id = s.id AND random() < 0.5 WHEN MATCHED THEN UPDATE SET v = 1 "
        "WHEN NOT MATCHED THEN INSERT VALUES (s.id + 1000, 2)"
    )

    assert numbers.run("SELECT count(*), count(DISTINCT id % 1000) FROM t WHERE v > 0") == [["200", "200"]]


def test_source_can_be_a_join_or_have_unused_columns(accounts: Athena) -> None:
    source = "accounts a JOIN (VALUES (1, 'x'), (2, 'y')) AS b(id, code) ON a.id = b.id"
    accounts.write(
        f"MERGE INTO accounts t USING (SELECT a.id, b.code, a.balance FROM {source}) s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET state = code"
    )
    accounts.write("MERGE INTO accounts t USING (VALUES 1) s(one) ON t.id = 3 WHEN MATCHED THEN UPDATE SET state = 'z'")

    assert accounts.run("SELECT id, state FROM accounts ORDER BY id") == [["1", "x"], ["2", "y"], ["3", "z"]]
