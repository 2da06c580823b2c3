"""Tests that each statement in the AWS documentation is covered by a test."""

from __future__ import annotations

import pytest

from tests.local_lakehouse.zero_etl.documented_behavior import PAGES, ROWS, covering_tests, table

pytestmark = pytest.mark.once


def test_every_row_has_a_test_and_every_mark_names_a_row() -> None:
    found = covering_tests()
    assert set(found) == set(ROWS)
    assert [row for row, tests in found.items() if not tests] == []


def test_table_contains_every_row() -> None:
    markdown = table()
    assert markdown.count("\n") == len(ROWS) + 1
    assert {page for page, _ in ROWS.values()} <= set(PAGES)
