"""Querybooks, saved in the state folder as JSON documents."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ID = re.compile(r"[a-z0-9]{16}")
_MAX_NAME = 128


class QuerybookError(ValueError):
    """A querybook cannot be saved or found. The message says why."""


class Querybooks:
    """The querybooks of one state folder.

    Args:
        folder: The querybooks' folder, which is created when the first querybook is saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def list(self) -> list[dict[str, Any]]:
        """Return the querybooks without their cells, the most recently saved first."""
        found = [self._read(path) for path in self._folder.glob("*.json") if _ID.fullmatch(path.stem)]
        shown = [{key: book[key] for key in ("id", "name", "shared", "saved_at")} for book in found]
        return sorted(shown, key=lambda book: (-float(book["saved_at"]), str(book["name"])))

    def get(self, identifier: str) -> dict[str, Any]:
        """Return one querybook with its cells.

        Raises:
            QuerybookError: The querybook does not exist.
        """
        return self._read(self._path(identifier))

    def save(self, book: Mapping[str, Any]) -> dict[str, Any]:
        """Save a querybook and return it. A querybook without an ``id`` is new.

        Args:
            book: The querybook with its ``name``, its ``cells`` (a list of objects) and, optionally, its ``id`` and
                ``shared``.

        Raises:
            QuerybookError: The name or the list of cells is missing, or the ID is unknown.
        """
        name, cells = str(book.get("name", "")).strip(), book.get("cells")
        if not name or len(name) > _MAX_NAME:
            raise QuerybookError(f"A querybook needs a name of 1 to {_MAX_NAME} characters.")
        if not isinstance(cells, list) or not all(isinstance(cell, Mapping) for cell in cells):
            raise QuerybookError("A querybook needs a list of cells.")
        with self._lock:
            identifier = str(book["id"]) if book.get("id") else secrets.token_hex(8)
            if book.get("id"):
                self._read(self._path(identifier))
            saved = {
                "id": identifier,
                "name": name,
                "shared": bool(book.get("shared")),
                "saved_at": time.time(),
                "cells": cells,
            }
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self._folder / f"{identifier}.draft"
            draft.write_text(json.dumps(saved, ensure_ascii=False), encoding="utf-8")
            draft.replace(self._folder / f"{identifier}.json")
        return saved

    def delete(self, identifier: str) -> None:
        """Delete a querybook.

        Raises:
            QuerybookError: The querybook does not exist.
        """
        with self._lock:
            path = self._path(identifier)
            self._read(path)
            path.unlink()

    def _path(self, identifier: str) -> Path:
        if not _ID.fullmatch(identifier):
            raise QuerybookError("This querybook doesn't exist.")
        return self._folder / f"{identifier}.json"

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise QuerybookError("This querybook doesn't exist.") from error
        return found
