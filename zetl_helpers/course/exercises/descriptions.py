"""Descriptions of a learner's answer for messages, with the right article and number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from zetl_helpers._counts import counted

__all__ = ["counted", "entries", "kind_of", "named", "quoted"]

_KINDS = {bool: "True or False", int: "a number", float: "a number", str: "a string", type(None): "None"}


def kind_of(answer: Any) -> str:
    """Describe the form of an answer, such as "a list with 2 entries"."""
    name = type(answer).__name__
    if isinstance(answer, pd.DataFrame):
        rows, columns = answer.shape
        return f"a table with {counted(rows, 'row')} and {counted(columns, 'column')}"
    if isinstance(answer, list | tuple | set | frozenset):
        return f"a {name} with {counted(len(answer), 'entry', 'entries')}" if answer else f"an empty {name}"
    if isinstance(answer, Mapping):
        return f"a dictionary with {entries(answer)}" if answer else "an empty dictionary"
    return _KINDS.get(type(answer)) or f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"


def entries(names: Iterable[object]) -> str:
    """Name a dictionary's entries, as in "the entries 'a' and 'b'"."""
    return named(names, "entry", "entries")


def named(names: Iterable[object], noun: str, plural: str) -> str:
    """Return names after their noun, as in "the columns 'a' and 'b'", or "no columns" if there are no names."""
    given = list(names)
    return f"the {noun if len(given) == 1 else plural} {quoted(given)}" if given else f"no {plural}"


def quoted(names: Iterable[object]) -> str:
    """Return names in quotes, with "and" before the last name."""
    *first, last = [repr(str(name)) for name in names]
    return f"{', '.join(first)} and {last}" if first else last
