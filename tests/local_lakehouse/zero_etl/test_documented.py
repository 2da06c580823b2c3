"""Tests that each row of documented behavior has a test."""

from __future__ import annotations

import pytest

from tests.local_lakehouse.zero_etl.documented import PAGES, ROWS, held_by, table

pytestmark = pytest.mark.once


def test_every_row_has_a_test_and_every_mark_names_a_row() -> None:
    held = held_by()
    assert set(held) == set(ROWS)
    assert [row for row, tests in held.items() if not tests] == []


def test_table_contains_every_row() -> None:
    shown = table()
    assert shown.count("\n") == len(ROWS) + 1
    assert {page for page, _ in ROWS.values()} <= set(PAGES)
