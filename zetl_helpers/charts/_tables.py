"""Tables and one-sentence findings for the charts."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

TOTAL = "Total"
"""The name of a pivot table's total row and total column."""
_NOTHING = "(none)"


def pivot_table(df: pd.DataFrame, index: str, columns: str) -> pd.DataFrame:
    """Count rows by the values of two columns, and return a pivot table with totals.

    Args:
        df: One row for each item to count.
        index: The column whose values become rows. A missing value becomes "(none)".
        columns: The column whose values become columns. A missing value becomes "(none)".

    Returns:
        A table of integers whose last row and last column are named `TOTAL`.

    Raises:
        ValueError: A value is equal to `TOTAL`.
    """
    rows, across = (pd.Series(labels(df[name]), name=name, dtype=object) for name in (index, columns))
    for name, found in ((index, rows), (columns, across)):
        if (found == TOTAL).any():
            raise ValueError(
                f"Column {name} contains the value {TOTAL!r}, which is the name of the totals. Change the value in the "
                "query."
            )
    counts = pd.crosstab(rows, across)
    counts[TOTAL] = counts.sum(axis=1)
    counts.loc[TOTAL] = counts.sum(axis=0)
    return counts.astype(int)


def schema_change(before: pd.DataFrame | Mapping[str, str], after: pd.DataFrame | Mapping[str, str]) -> pd.DataFrame:
    """Compare two schemas of a table and return the change in each column.

    Args:
        before: The earlier schema, as a mapping of column names to types or as a table whose first two columns contain
            them.
        after: The later schema, in the same form.

    Returns:
        One row for each column in either schema, with `column`, `before`, `after` and `change`. The change is "added",
        "removed", "type changed" or an empty string.
    """
    earlier, later = _schema(before), _schema(after)
    rows = []
    for column in [*later, *(name for name in earlier if name not in later)]:
        old, new = earlier.get(column, ""), later.get(column, "")
        change = "" if old == new else "added" if not old else "removed" if not new else "type changed"
        rows.append({"column": column, "before": old, "after": new, "change": change})
    return pd.DataFrame(rows, columns=["column", "before", "after", "change"])


def most(values: "pd.Series[Any]", says: str, among: str) -> str:
    """Return a sentence that states a chart's finding, such as "NV uses 83% of its credit, more than any other state".

    Args:
        values: The numbers, keyed by unique names. Totals in a pivot table are ignored.
        says: The finding about the largest value, with a placeholder for it: "uses {:.0f}% of its credit".
        among: The singular noun for the names, such as "state".

    Returns:
        One sentence, for a figure's title.

    Raises:
        ValueError: A name occurs twice, so its number is ambiguous.
    """
    numbers = pd.Series(floats(values), index=labels(values.index.to_series())).drop(TOTAL, errors="ignore").dropna()
    twice = numbers.index[numbers.index.duplicated()]
    if len(twice):
        raise ValueError(
            f"{twice[0]} occurs more than once in the values. Aggregate them first, so that each {among} has one row."
        )
    if numbers.empty:
        return f"There is no {among} to compare"
    leaders = sorted(numbers.index[numbers == numbers.max()])
    finding = says.format(numbers.max())
    if len(numbers) == 1:
        return f"{leaders[0]} {finding}"
    if len(leaders) == len(numbers):
        return f"Every {among} {finding}"
    if len(leaders) == 1:
        return f"{leaders[0]} {finding}, more than any other {among}"
    return f"{', '.join(leaders[:-1])} and {leaders[-1]}: each {finding}, more than any other {among}"


def floats(values: "pd.Series[Any]") -> list[float]:
    """Return numbers of any type, including decimals, as floats, and missing values as NaN."""
    return [float("nan") if pd.isna(value) else float(value) for value in values]


def labels(values: "pd.Series[Any]") -> list[str]:
    """Return values as text for an axis or a slice, and missing values as "(none)"."""
    return [_NOTHING if pd.isna(value) else str(value) for value in values]


def _schema(schema: pd.DataFrame | Mapping[str, str]) -> dict[str, str]:
    if isinstance(schema, pd.DataFrame):
        return dict(zip(schema.iloc[:, 0].astype(str), schema.iloc[:, 1].astype(str), strict=True))
    return dict(schema)
