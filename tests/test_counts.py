"""Tests for phrases that consist of a number and a noun, such as "2 rows"."""

import pytest

from zetl_helpers._counts import counted

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1_000, "1,000 rows"), (1_001, "1,001 rows")]
)
def test_noun_is_singular_or_plural_depending_on_count(count: int, text: str) -> None:
    assert counted(count, "row") == text


def test_irregular_plural_is_accepted() -> None:
    assert [counted(count, "query", "queries") for count in (1, 2)] == ["1 query", "2 queries"]
