"""A comparison of query results that allows extra columns.

The rows can be in any order, unless the question specifies an order.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

_TOLERANCE = 0.006


def same(frame: pd.DataFrame, expected: Sequence[Sequence[Any]], *, ordered: bool) -> bool:
    """Return whether a result contains the expected columns, with exactly the expected rows.

    Up to four expected columns can be in any order.
    """
    rows = [[_plain(value) for value in row] for row in frame.itertuples(index=False)]
    wanted = [[_plain(value) for value in row] for row in expected]
    if len(rows) != len(wanted):
        return False
    if not wanted:
        return True
    width = len(wanted[0])
    for places in itertools.permutations(range(len(frame.columns)), width):
        if width > 4 and list(places) != sorted(places):
            continue
        picked = [[row[place] for place in places] for row in rows]
        mine, theirs = (picked, wanted) if ordered else (sorted(picked, key=_key), sorted(wanted, key=_key))
        if all(_equal(left, right) for left, right in zip(mine, theirs, strict=True)):
            return True
    return False


def _key(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple((str(type(value)), round(value, 1) if isinstance(value, float) else str(value)) for value in row)


def _equal(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return all(
        abs(entry - other) <= _TOLERANCE if isinstance(entry, float) and isinstance(other, float) else entry == other
        for entry, other in zip(left, right, strict=True)
    )


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal) or hasattr(value, "dtype"):
        return float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()[:10]
    text = str(value)
    return f"{text}-01" if re.fullmatch(r"\d{4}-\d\d", text) else text
