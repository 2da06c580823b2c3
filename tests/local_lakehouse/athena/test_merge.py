"""Tests for the names of the target table's columns in ``MERGE``."""

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
