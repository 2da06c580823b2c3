"""The one table that a statement is about, however it is written."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.partiql import Statement, read


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("SELECT * FROM Orders", Statement("Select", "Orders", None, False)),
        ('select a from "Orders"."by-date" where a = 1', Statement("Select", "Orders", "by-date", False)),
        ("SELECT a FROM \"my.table\" WHERE b = ' FROM other WHERE '", Statement("Select", "my.table", None, False)),
        ("INSERT INTO \"Orders\" VALUE {'pk': 'a', 'n': 'FROM x'}", Statement("Insert", "Orders", None, False)),
        ('UPDATE Orders SET "FROM" = 1 WHERE pk = 1', Statement("Update", "Orders", None, False)),
        ("DELETE FROM Orders WHERE pk = 'it''s'", Statement("Delete", "Orders", None, False)),
        ("EXISTS(SELECT * FROM Orders WHERE pk = 1)", Statement("Select", "Orders", None, True)),
    ],
)
def test_a_statement_is_about_one_table(text: str, statement: Statement) -> None:
    assert read(text) == statement


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM other--\n,orders", "SELECT * FROM other/*,*/ , orders", "SELECT * FROM a, b",
        "SELECT * FROM a JOIN b", "SELECT * FROM a WHERE x IN (SELECT y FROM b)", "SELECT 'a FROM b", "",
        "SELECT * FROM a; DELETE FROM b", "DROP TABLE a", "SELECT *", 'SELECT * FROM ""', "SELECT * FROM 'a'",
        "INSERT INTO a SELECT * FROM b", "UPDATE a SET b = 1 FROM c",
    ],
)  # fmt: skip
def test_a_statement_that_could_be_about_another_is_refused(text: str) -> None:
    with pytest.raises(Fault, match="wasn't well formed"):
        read(text)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3))
def test_no_text_changes_what_a_statement_is_about(texts: list[str]) -> None:
    values = " ".join(f"AND a = '{text.replace(chr(39), chr(39) * 2)}'" for text in texts)
    assert read(f"SELECT * FROM Orders WHERE b = 1 {values}").table == "Orders"


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Fault):
        assert read(text).table
