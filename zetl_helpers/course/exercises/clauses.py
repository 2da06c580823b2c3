"""Lookup of a statement's WHERE and HAVING clauses, so that messages name only clauses that the statement contains."""

from __future__ import annotations

import re

# Quoted text and comments can contain any word.
_OPAQUE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_FILTER = re.compile(r"\b(?:where|having)\b", re.IGNORECASE)
_GROUP = re.compile(r"\bgroup\s+by\b", re.IGNORECASE)
_HAVING = re.compile(r"\bhaving\b", re.IGNORECASE)
_AFTER_HAVING = re.compile(r"\b(?:order|limit|offset|fetch|union|except|intersect|window)\b", re.IGNORECASE)


def filters(statement: str) -> tuple[str, ...]:
    """Return the names of the ``WHERE`` and ``HAVING`` clauses that a statement contains."""
    found = {word.upper() for word in _FILTER.findall(_words(statement))}
    return tuple(name for name in ("WHERE", "HAVING") if name in found)


def is_grouped(statement: str) -> bool:
    """Return whether a statement contains ``GROUP BY``."""
    return bool(_GROUP.search(_words(statement)))


def without_having(statement: str) -> str:
    """Return a statement without its last HAVING clause."""
    words = _words(statement)
    *_, last = _HAVING.finditer(words)
    return statement[: last.start()] + statement[_end(words, last.end()) :]


def _words(statement: str) -> str:
    """Return a statement in which spaces replace quoted text and comments, so that positions stay the same."""
    return _OPAQUE.sub(lambda found: " " * len(found[0]), statement)


def _end(words: str, start: int) -> int:
    """Return the end position of the condition that begins at the given position."""
    depth = 0
    for place in range(start, len(words)):
        depth += {"(": 1, ")": -1}.get(words[place], 0)
        if depth < 0 or (depth == 0 and _AFTER_HAVING.match(words, place)):
            return place
    return len(words)
