"""Tests that PartiQL statements and literals are parsed, and that ambiguous and invalid statements are rejected."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.partiql import Exists, Insert, parse

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("SELECT * FROM Orders", ("Select", "Orders", None, False)),
        ('select a from "Orders"."by-date" where a = 1', ("Select", "Orders", "by-date", False)),
        ("SELECT a FROM \"my.table\" WHERE b = ' FROM other WHERE '", ("Select", "my.table", None, False)),
        ("INSERT INTO \"Orders\" VALUE {'pk': 'a', 'n': 'FROM x'}", ("Insert", "Orders", None, False)),
        ('UPDATE Orders SET "FROM" = 1 WHERE pk = 1', ("Update", "Orders", None, False)),
        ("DELETE FROM Orders WHERE pk = 'it''s'", ("Delete", "Orders", None, False)),
        ("EXISTS(SELECT * FROM Orders WHERE pk = 1)", ("Select", "Orders", None, True)),
    ],
)
def test_parser_returns_the_verb_table_and_index(text: str, statement: tuple[str, str, str | None, bool]) -> None:
    found = parse(text)
    assert (found.verb, found.table, found.index, isinstance(found, Exists)) == statement


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM other--\n,orders", "SELECT * FROM other/*,*/ , orders", "SELECT * FROM a, b",
        "SELECT * FROM a JOIN b", "SELECT * FROM a WHERE x IN (SELECT y FROM b)", "SELECT 'a FROM b", "",
        "SELECT value FROM a", "SELECT * FROM a WHERE b = 1 c", "SELECT * FROM a WHERE (((b = 1)", "a" * 3,
        "SELECT * FROM test-table", "SELECT * FROM a WHERE b = " + "[" * 60 + "]" * 60,
        "SELECT * FROM a; DELETE FROM b", "DROP TABLE a", "SELECT *", 'SELECT * FROM ""', "SELECT * FROM 'a'",
        "INSERT INTO a SELECT * FROM b", "UPDATE a SET b = 1 FROM c",
    ],
)  # fmt: skip
def test_parser_rejects_ambiguous_statements(text: str) -> None:
    with pytest.raises(Fault, match="wasn't well formed"):
        parse(text)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3))
def test_string_literals_do_not_change_the_table(texts: list[str]) -> None:
    values = " ".join(f"AND a = '{text.replace(chr(39), chr(39) * 2)}'" for text in texts)
    assert parse(f"SELECT * FROM Orders WHERE b = 1 {values}").table == "Orders"


@given(st.text())
def test_any_text_is_parsed_or_rejected(text: str) -> None:
    with contextlib.suppress(Fault):
        assert parse(text).table


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'it''s'", {"S": "it's"}), ("''", {"S": ""}), ("1", {"N": "1"}), ("-1.50", {"N": "-1.5"}),
        ("1e3", {"N": "1000"}), (".5", {"N": "0.5"}), ("-0", {"N": "0"}), ("true", {"BOOL": True}),
        ("False", {"BOOL": False}), ("null", {"NULL": True}), ("[]", {"L": []}), ("{}", {"M": {}}),
        ("[1, 'a', [null]]", {"L": [{"N": "1"}, {"S": "a"}, {"L": [{"NULL": True}]}]}),
        ("{'a': {'b': <<1, 2>>}}", {"M": {"a": {"M": {"b": {"NS": ["1", "2"]}}}}}), ("<<'x'>>", {"SS": ["x"]}),
        ("12345678901234567890123456789012345678", {"N": "12345678901234567890123456789012345678"}),
    ],
)  # fmt: skip
def test_literals_become_dynamodb_values(literal: str, value: dict[str, Any]) -> None:
    found = parse(f"INSERT INTO Orders VALUE {{'pk':'a','x':{literal}}}")

    assert isinstance(found, Insert)
    assert found.item == {"pk": {"S": "a"}, "x": value}


@pytest.mark.parametrize(
    ("literal", "message"),
    [
        ("<<>>", "Empty bags are not supported"), ("<<1, 'a'>>", "Unsupported data type in Bag"),
        ("<<[1]>>", "Unsupported data type in Bag"), ("<<1, 1.0>>", "contains duplicates"),
        ("{'a': 1, 'a': 2}", "Duplicate keys in tuple"), ("1e126", "Number overflow"), ("1e-131", "Number underflow"),
        ("123456789012345678901234567890123456789", "more than 38 significant"), ("MISSING", "wasn't well formed"),
        ("date '2024-01-01'", "wasn't well formed"), ("`x`", "wasn't well formed"),
    ],
)  # fmt: skip
def test_parser_rejects_invalid_literals(literal: str, message: str) -> None:
    with pytest.raises(Fault, match=message):
        parse(f"INSERT INTO Orders VALUE {{'pk': 'a', 'x': {literal}}}")


@pytest.mark.parametrize(
    ("statement", "parameters", "message"),
    [
        ("SELECT * FROM Orders WHERE a = ?", [], "Number of parameters in request and statement don't match"),
        ("SELECT * FROM Orders WHERE a = 1", [{"N": "1"}], "Number of parameters in request and statement don't match"),
        ("SELECT *, a FROM Orders", [], "wasn't well formed"),
        ("SELECT a, * FROM Orders", [], "wasn't well formed"),
        ("SELECT a AS b FROM Orders", [], "Aliasing is not supported"),
        ("SELECT * FROM a.b.c", [], "at most 2 components"),
        ("DELETE FROM a.b WHERE c = 1", [], "This operation is not supported on an index"),
        ("SELECT * FROM Orders WHERE a IN ()", [], "IN operator must have"),
        ("SELECT * FROM Orders WHERE a IS DATE", [], "Unsupported data type for IS operator: DATE"),
        ("SELECT * FROM Orders WHERE a = MISSING", [], "MISSING must be compared using IS operator"),
        ("SELECT * FROM Orders WHERE upper(a) = 'A'", [], "Unrecognized function: upper"),
        ("SELECT * FROM Orders WHERE soundex(a) = 'A'", [], "Unrecognized function: soundex"),
        ("INSERT INTO Orders VALUES {'a': 1}", [], "Inserting multiple items in a single statement is not supported"),
        ("INSERT INTO Orders VALUE 1", [], "Unsupported format in item expression"),
        ("INSERT INTO Orders VALUE {'a': 1} RETURNING ALL OLD *", [], "RETURNING is not supported in INSERT"),
        ("UPDATE Orders WHERE a = 1", [], "Only SET and REMOVE are supported"),
        ("UPDATE Orders SET a = 1 WHERE b = 1 RETURNING ALL *", [], "Expected '\\*' after"),
        ("DELETE FROM Orders WHERE a = 1 RETURNING MODIFIED NEW *", [], "RETURNING MODIFIED NEW"),
    ],
)  # fmt: skip
def test_parser_rejects_statements_with_the_aws_message(statement: str, parameters: list[Any], message: str) -> None:
    with pytest.raises(Fault, match=message):
        parse(statement, parameters)
