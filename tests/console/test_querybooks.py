"""Tests for saving, listing, changing and deleting querybooks."""

from pathlib import Path

import pytest

from zetl_helpers.console.querybooks import QuerybookError, Querybooks

pytestmark = pytest.mark.once


@pytest.fixture
def books(tmp_path: Path) -> Querybooks:
    return Querybooks(tmp_path / "querybooks")


CELLS = [{"kind": "sql", "text": "SELECT 1"}, {"kind": "markdown", "text": "# <b>"}]


def test_save_stores_querybook(books: Querybooks) -> None:
    saved = books.save({"name": " Balances ", "cells": CELLS})
    assert books.get(saved["id"])["cells"] == CELLS
    assert [book["name"] for book in books.list()] == ["Balances"]


def test_save_replaces_querybook(books: Querybooks) -> None:
    saved = books.save({"name": "a", "cells": []})
    books.save({**saved, "name": "b", "shared": True})
    assert [(book["name"], book["shared"]) for book in books.list()] == [("b", True)]


def test_delete_removes_querybook(books: Querybooks) -> None:
    saved = books.save({"name": "a", "cells": []})
    books.delete(saved["id"])
    assert books.list() == []
    with pytest.raises(QuerybookError):
        books.save({**saved})


@pytest.mark.parametrize("identifier", ["", "../../etc/passwd", "a" * 15, "A" * 16, "0" * 16])
def test_rejects_invalid_ids(books: Querybooks, identifier: str) -> None:
    with pytest.raises(QuerybookError):
        books.get(identifier)
    with pytest.raises(QuerybookError):
        books.delete(identifier)


@pytest.mark.parametrize(
    "book", [{}, {"name": ""}, {"name": "a"}, {"name": "a" * 129, "cells": []}, {"name": "a", "cells": [1]}]
)
def test_save_rejects_invalid_querybook(books: Querybooks, book: dict[str, object]) -> None:
    with pytest.raises(QuerybookError):
        books.save(book)
