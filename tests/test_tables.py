"""Tests that tables are interactive where scripts can run, and plain where outputs are compared."""

import pandas as pd
import pytest

from zetl_helpers import tables

ROWS = pd.DataFrame({"state": ["NV", "CA"], "accounts": [4, 3]})


@pytest.fixture(autouse=True)
def new_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables.Table, "_script_is_there", False)
    monkeypatch.delenv("PLOTLY_RENDERER", raising=False)


def test_stored_outputs_contain_plain_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLOTLY_RENDERER", "plotly_mimetype")
    table = tables.table(ROWS)
    assert table._repr_html_() == ROWS._repr_html_()  # type: ignore[operator]
    assert repr(table) == repr(ROWS)


def test_table_is_plain_without_itables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "<script" not in tables.table(ROWS)._repr_html_()


def test_script_is_embedded_once() -> None:
    first, second = tables.table(ROWS)._repr_html_(), tables.table(ROWS)._repr_html_()
    assert len(first) > 500_000 > len(second)
    for page in (first, second):
        assert "unpkg.com" not in page
        assert "NV" in page


def test_rows_are_readable_without_scripts() -> None:
    page = tables.table(ROWS)._repr_html_()
    assert page.count("<td") >= ROWS.size


def test_text_is_left_aligned_and_wide_tables_scroll() -> None:
    rows = pd.DataFrame({"zipcode": ["02139", "94110"], "paid": ["2026-10-21", "2026-10-22"], "accounts": [4, 3]})
    for frame in (rows, rows.set_index("accounts", drop=False)):
        page = tables.table(frame)._repr_html_()
        assert '"className": "dt-left", "targets": [-3, -2]' in page
        assert '"scrollX": true' in page
