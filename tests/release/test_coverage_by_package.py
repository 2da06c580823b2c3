"""Tests for the coverage report by package."""

import pytest

from tests.release.coverage_by_package import by_package

pytestmark = pytest.mark.once


def test_files_are_counted_toward_the_second_level_package() -> None:
    def file(statements: int, ran: int) -> dict[str, dict[str, int]]:
        return {"summary": {"num_statements": statements, "covered_lines": ran}}

    files = {"a/b/c.py": file(10, 9), "a/b/d/e.py": file(10, 1), "a/f.py": file(4, 4)}
    assert by_package({"files": files}) == {"a": (4, 4), "a.b": (20, 10)}
