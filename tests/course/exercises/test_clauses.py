"""Tests for the functions that find or remove a statement's clauses."""

import pytest

from zetl_helpers.course.exercises.clauses import filters, is_grouped, without_having

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("SELECT 1", ()),
        ("SELECT a FROM t where b", ("WHERE",)),
        ("SELECT a FROM t GROUP BY a HAVING COUNT(*) > 1", ("HAVING",)),
        ("SELECT a FROM t WHERE b GROUP BY a\nhaving c", ("WHERE", "HAVING")),
        ("SELECT 'having' AS \"where\" -- having\nFROM t /* where */", ()),
    ],
)
def test_filters_in_strings_and_comments_are_ignored(statement: str, found: tuple[str, ...]) -> None:
    assert filters(statement) == found


@pytest.mark.parametrize(
    ("statement", "rest"),
    [
        ("SELECT a HAVING MAX(b) > 1", "SELECT a "),
        ("SELECT a HAVING (MAX(b) > 1 OR 'order' = c) ORDER BY a", "SELECT a ORDER BY a"),
        ("SELECT * FROM (SELECT a HAVING MAX(b) > (SELECT 1)) WHERE c", "SELECT * FROM (SELECT a ) WHERE c"),
        ("SELECT a HAVING b -- the last", "SELECT a "),
    ],
)
def test_without_having_removes_only_the_having_clause(statement: str, rest: str) -> None:
    assert without_having(statement) == rest


def test_group_by_in_string_is_ignored() -> None:
    assert is_grouped("SELECT a FROM t group\nby a")
    assert not is_grouped("SELECT 'group by' FROM t")
